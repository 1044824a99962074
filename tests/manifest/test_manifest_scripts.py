"""Scripts that cannot be read completely: comments with the line, an error with the line, and never a traceback."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from skaha_apply.lint import check
from skaha_apply.manifest import load
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.errors import UsageError
from skaha_apply.workflow.new_manifest.convert import convert_file, convert_line, write_tables

IMAGE = "images.canfar.net/skaha/astroml:24.07"
CREATE = f"canfar create -n {{}} headless {IMAGE} -- python r.py {{}}\n"


def converted(tmp_path, script, name="s.sh"):
    (tmp_path / name).write_text(script)
    made = convert_file(name, tmp_path)
    loaded = load(["-"], root=tmp_path, stdin=made.text.encode)
    assert loaded.diagnostics == ()
    assert [one for one in check(loaded.projects) if one.severity is Severity.ERROR] == []
    return made.text


UNKNOWN = [
    ("for f in *.fits; do\n  {create}done\n", "Line 2: the values of the loop are not known: for f in *.fits"),
    ("{create}canfar create -n x headless {image} -- r $USER\n", "Line 3: left out, because a part is not known"),
    ("if [ -f /arc/a ]; then\n{create}fi\n", "Line 2: the condition is not known"),
    ("for t in a y; do\n  canfar create -n t-$t headless {image} -- r $t\ndone\n", "Line 3: a session is left out"),
    (
        "for t in a b; do\n  canfar create -n same headless {image} -- r $t\ndone\n",
        "Line 3: the script creates same again",
    ),
    (
        "while read t; do\n  canfar create -n t-$t headless {image} -- r $t\ndone < /arc/no.txt\n",
        "/arc/no.txt was not found",
    ),
    ("canfar create -n x headles {image}\n", "Line 2: left out, because `headles` is not a kind"),
]


@pytest.mark.parametrize(("script", "remark"), UNKNOWN)
def test_what_is_not_known_is_a_comment_with_its_line(tmp_path, script, remark):
    first = CREATE.format("first", 1)
    text = converted(tmp_path, first + script.format(create=CREATE.format("one", 2), image=IMAGE))
    comments = "\n".join(row for row in text.splitlines() if row.strip().startswith("#"))
    assert remark in comments
    assert "name: first" in text


def test_a_loop_keeps_its_list_in_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "tiles.txt").write_text("# tiles\nt1\nt2\n")
    script = 'for t in $(grep -v "^#" lists/tiles.txt); do\n' + CREATE.format("x-$t", "$t") + "done\n"
    assert "t: {file: lists/tiles.txt}" in converted(tmp_path, script)
    script = "while read t; do\n" + CREATE.format("x-$t", "$t") + "done < <(tail -n 1 lists/tiles.txt; echo t9)\n"
    assert "file:" not in converted(tmp_path, script)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'open\n", "line 1: the quote ' has no end"),
        ("if true; then\n", "line 2"),
        ("f() { f; }\nf\n", "calls itself without an end"),
        (f"while true; do\n  canfar create headless {IMAGE}\ndone\n", "more than 20,000 sessions"),
        ("echo {1..9999999}\n", "more than 100,000 words"),
        ("ls\n", "creates no session"),
        ("", "creates no session"),
    ],
)
def test_scripts_that_cannot_be_converted(tmp_path, script, message):
    with pytest.raises(UsageError, match=message):
        converted(tmp_path, script)


@pytest.mark.parametrize("words", ["-e yes=1 -- python", "-- python y", "-- python 0o7"])
def test_a_line_that_lint_would_refuse_is_an_error(words):
    with pytest.raises(UsageError, match="no manifest can create this session"):
        convert_line(f"canfar create -n x headless {IMAGE} {words}".split())


PYTHON = [
    (
        "import glob\nfor f in glob.glob('*.fits'):\n    s.create(name=f, image=I, cmd='r')\n",
        "Line 3: the values of the loop",
    ),
    (
        "import os\ns.create(name='x', image=I, cmd=os.environ['CMD'])\n",
        "Line 3: left out, because a part is not known",
    ),
    ("for t in open('/arc/no.txt'):\n    s.create(name='n-' + t.strip(), image=I, cmd='r')\n", "no.txt was not found"),
    (
        "import os\nif os.path.exists('/arc'):\n    s.create(name='x', image=I, cmd='r')\n",
        "Line 3: the condition is not",
    ),
]


@pytest.mark.parametrize(("script", "remark"), PYTHON)
def test_what_is_not_known_in_python_is_a_comment(tmp_path, script, remark):
    head = f"I = '{IMAGE}'; s.create(name='first', image=I, cmd='r')\n"
    text = converted(tmp_path, head + script, "s.py")
    assert remark in "\n".join(row for row in text.splitlines() if row.strip().startswith("#"))


def test_a_zero_in_front_is_kept_in_python(tmp_path):
    create = f"s.create(f'n-{{i:03d}}', '{IMAGE}', cmd='r', args=f'{{i}} {{i + 1}}'.split()[0])"
    script = f"for i in range(1, 31):\n    {create}\n"
    text = converted(tmp_path, script, "s.py")
    assert text.count("  - name: ") == 2


TABLE = """while read -r name ra dec; do
  canfar create -n f-$name headless {image} -- python f.py $ra "--dec=$dec"
done <<'END'
{rows}
END
""".replace("{image}", IMAGE)


def table_of(tmp_path, rows, tables="."):
    (tmp_path / "s.sh").write_text(TABLE.format(rows=rows))
    made = convert_file("s.sh", tmp_path, tables)
    write_tables(made.tables, tmp_path)
    return made


def test_a_loop_over_several_values_becomes_a_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = table_of(tmp_path, "a 1 2\nb 01 2\nc 1 -2")
    assert made.text.count("  - name: ") == 1
    assert "rows: {file: s-f.csv}" in made.text
    assert (tmp_path / "s-f.csv").read_text() == "name,ra,dec\na,1,2\nb,01,2\nc,1,-2\n"
    (project,) = load(["-"], root=tmp_path, stdin=made.text.encode).projects
    assert [one.args for one in project.sessions] == [
        ("f.py", "1", "--dec=2"),
        ("f.py", "01", "--dec=2"),
        ("f.py", "1", "--dec=-2"),
    ]
    assert table_of(tmp_path, "a 1 2\nb 01 2\nc 1 -2").text == made.text
    with pytest.raises(UsageError, match=r"s-f\.csv exists already"):
        table_of(tmp_path, "a 1 2\nb 01 2\nc 1 -3")


def test_without_a_folder_each_row_is_an_entry_and_a_comment_names_the_way(tmp_path):
    made = table_of(tmp_path, "a 1 2\nb 1 3\nc 4 2", None)
    assert made.text.count("  - name: ") == 3
    assert "Line 2 creates 3 sessions with 3 values each. `convert --tables DIR`" in made.text
    assert list(tmp_path.glob("*.csv")) == []


@pytest.mark.parametrize("rows", ["a 1 2\nb 1\nc 4 3", "a 1 2\nb 4 3", "a #1 2\nb 1 3\nc 4 2"])
def test_rows_that_a_table_would_change_stay_entries(tmp_path, rows):
    assert "file:" not in table_of(tmp_path, rows).text


@pytest.mark.parametrize("header", ["field,ra,dec,x", "field,ra,ra2,x", "1,2,3,4"])
def test_a_table_of_the_script_is_used_as_it_is(tmp_path, monkeypatch, header):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fields.csv").write_text(f"{header}\na,1,2,9\nb,1,3,9\nc,4,2,9\n")
    script = TABLE.replace("<<'END'\n{rows}\nEND\n", "< <(tail -n +2 fields.csv)\n").replace("read -r", "IFS=, read -r")
    script = script.replace("ra dec;", "ra dec rest;")
    (tmp_path / "s.sh").write_text(script)
    text = convert_file("s.sh", tmp_path).text
    assert ("rows: {file: fields.csv}" in text) == (header != "1,2,3,4")
    if header.startswith("field,ra,dec"):
        assert "  - name: f-${field}" in text


@pytest.mark.parametrize(
    ("folder", "error"), [("..", "is not below this folder"), ("none", "does not exist"), (".git", "not below")]
)
def test_a_folder_that_a_manifest_cannot_read_is_refused(tmp_path, folder, error):
    (tmp_path / "here" / ".git").mkdir(parents=True)
    with pytest.raises(UsageError, match=error):
        table_of(tmp_path / "here", "a 1 2\nb 1 3\nc 4 2", folder)


BUILTINS = [
    ("local", "f() { local t=$1; {create}; }\nt=z\nf a\n{create}\n", ["x-a", "x-z"]),
    ("subshell", "t=a\n(t=b; {create})\n{create}\n", ["x-b", "x-a"]),
    ("exit of a subshell", "t=a\n(exit 1)\n{create}\n", ["x-a"]),
    ("pipe", "t=a\necho b | while read t; do {create}; done\n{create}\n", ["x-b", "x-a"]),
    ("set", 'set -- a b\nfor t in "$@"; do {create}; done\n', ["x-a", "x-b"]),
    ("shift", "set -- a b c\nshift\nt=$1\n{create}\n", ["x-b"]),
    ("slice", 'l=(a b c d)\nfor t in "${l[@]:1:2}"; do {create}; done\n', ["x-b", "x-c"]),
    ("no element", 'l=()\nt=a\n{create} "${l[@]}"\n', ["x-a"]),
    ("eval", 't=a\neval "{create}"\n', ["x-a"]),
    ("unset", "t=a\nunset t\nt=${t:-b}\n{create}\n", ["x-b"]),
    ("two loops", "for t in a b; do {create}; done\nfor t in c d; do {create} again; done\n", list("abcd")),
]


@pytest.mark.parametrize(("script", "names"), [one[1:] for one in BUILTINS], ids=[one[0] for one in BUILTINS])
def test_builtins_of_bash_are_followed(tmp_path, script, names):
    create = f"canfar create -n x-$t headless {IMAGE} -- python r.py $t"
    text = converted(tmp_path, script.replace("{create}", create))
    (project,) = load(["-"], root=tmp_path, stdin=text.encode).projects
    assert [one.name for one in project.sessions] == [name if name[1:] else f"x-{name}" for name in names]


@pytest.mark.parametrize(
    ("line", "remark"),
    [
        ("source more.sh", "more.sh is not read; sessions that it creates are left out"),
        ("./submit.sh a b", "./submit.sh is not read"),
        ("bash other.sh", "other.sh is not read"),
        ("parallel -j 4 submit ::: a b", "`parallel` runs the function submit"),
        ("ssh host canfar create -n a headless x", "`ssh` creates them"),
        ("curl -X POST https://h/skaha/v1/session -d name=a", "`curl` sends a request"),
        ("for t in *.fits; do canfar create -n a headless {image} -- r; done", "the values of the loop are not known"),
        ("canfar create -n a headless {image} -- r *.fits", "bash replaces *.fits by names of files"),
    ],
)
def test_sessions_of_programs_that_are_not_followed_are_a_comment(tmp_path, line, remark):
    function = "submit() { canfar create -n $1 headless {image} -- r; }\n"
    script = f"{function}canfar create -n first headless {{image}} -- r\n{line}\n".replace("{image}", IMAGE)
    text = converted(tmp_path, script)
    assert remark in "\n".join(row for row in text.splitlines() if row.strip().startswith("#"))


@pytest.mark.parametrize(
    "line", ["source venv/bin/activate", "echo canfar create x", "source ~/.bashrc", "curl https://h/session"]
)
def test_programs_that_create_nothing_leave_no_comment(tmp_path, line):
    assert "#" not in converted(tmp_path, f"{line}\n{CREATE.format('first', 1)}")


LOOP = "for t in a b; do\n" + CREATE.format("det-$t", "$t") + "done\n"
WAITS = [
    ("while", "while canfar ps | grep -q det-; do sleep 60; done\n"),
    ("until", 'until [ "$(canfar ps | grep -c running)" -eq 0 ]; do sleep 60; done\n'),
    ("function", "ended() { ! canfar ps | grep -q d; }\nw() { while true; do ended && break; sleep 9; done; }\nw\n"),
    ("for", "for i in $(seq 100); do canfar ps | grep -q det || break; sleep 60; done\n"),
    ("for and function", "ended() { canfar ps; }\nfor i in {1..9}; do ended && break; sleep 9; done\n"),
    ("list", "for id in $(canfar ps -q); do until canfar info $id | grep -q Completed; do sleep 9; done; done\n"),
    ("file", "until [ -f /arc/done ]; do sleep 60; done\n"),
]


@pytest.mark.parametrize("script", [one[1] for one in WAITS], ids=[one[0] for one in WAITS])
def test_a_loop_that_waits_for_sessions_becomes_needs(tmp_path, script):
    text = converted(tmp_path, LOOP + script + CREATE.format("combine", "all"))
    assert 'needs: ["det-${t}"]' in text
    assert "the script waits for the sessions above." in text
    assert "right after" not in text


def test_each_wait_begins_a_stage_that_needs_all_of_the_one_before(tmp_path):
    wait = WAITS[0][1]
    text = converted(tmp_path, LOOP + wait + LOOP.replace("det", "fit") + wait + CREATE.format("combine", "all"))
    names = [row.strip() for row in text.splitlines() if "name:" in row or "needs:" in row]
    assert names == [
        "- name: det-${t}",
        "- name: fit-${t2}",
        'needs: ["det-${t}"]',
        "- name: combine",
        'needs: ["fit-${t2}"]',
    ]
    assert "t2: [a, b]" in text  # the axis t would connect each value with itself only


@pytest.mark.parametrize(
    ("script", "remark"),
    [
        ("sleep 3600\n", "Line 4: the script waits here"),
        ("read -p 'go? ' answer\n", "Line 4: the script waits here"),
        ("./wait_for_det\n", "Line 4: the script waits here"),
        ("while [ $(canfar ps | wc -l) -gt 20 ]; do sleep 9; done\n", "Line 4: the script waits here"),
        ("wait\n", "right after line 2"),
        ("sleep 1\n", "right after line 2"),
        ("", "right after line 2"),
    ],
)
def test_what_may_be_a_wait_for_sessions_is_a_comment(tmp_path, script, remark):
    text = converted(tmp_path, LOOP + script + CREATE.format("combine", "all"))
    (comment,) = [row for row in text.splitlines() if row.startswith("  # ")]
    assert remark in comment
    assert comment.endswith('add: needs: ["det-${t}"]')
    assert "    needs:" not in text


@pytest.mark.parametrize(
    "script",
    [
        LOOP.replace("done", "(( i % 20 == 0 )) && wait\ndone"),
        LOOP.replace("do\n", "do\nwhile [ $(canfar ps | wc -l) -gt 20 ]; do sleep 60; done\n"),
        WAITS[0][1] + LOOP,
        LOOP + WAITS[0][1],
        "".join(CREATE.format(f"fit-{number}", number) + "sleep 120\n" for number in range(5)),
    ],
)
def test_a_wait_between_no_two_entries_changes_nothing(tmp_path, script):
    text = converted(tmp_path, script)
    assert text.count("  - name: ") == 1
    assert "needs" not in text


def test_sessions_before_and_after_a_wait_are_not_one_entry(tmp_path):
    text = converted(tmp_path, CREATE.format("x-1", 1) + WAITS[0][1] + CREATE.format("x-2", 2))
    assert text.count("  - name: ") == 2
    assert "needs: [x-1]" in text


def test_a_wait_within_a_loop_that_creates_is_a_comment(tmp_path):
    loop = LOOP.replace("done\n", WAITS[0][1] + CREATE.format("fit-$t", "$t") + "done\n")
    text = converted(tmp_path, loop)
    assert text.count("  - name: ") == 2
    assert 'Line 3: the script waits here; if it waits for the sessions above, add: needs: ["det-${t}"]' in text
    assert "    needs:" not in text


def test_each_entry_behind_a_wait_has_its_comment(tmp_path):
    text = converted(tmp_path, LOOP + "sleep 1h\n" + CREATE.format("combine", "all") + CREATE.format("plot", "it"))
    assert text.count("Line 4: the script waits here") == 2


def test_an_entry_without_its_list_is_named_where_it_is_needed(tmp_path):
    loop = LOOP.replace("a b", "$(cat no.txt)")
    text = converted(tmp_path, loop + WAITS[0][1] + CREATE.format("combine", "all") + loop.replace("det", "fit"))
    assert "# Needs det-${t} too, once its list is there." in text
    assert "# Line 4: the script waits for the sessions before this entry; add: needs" in text


PYTHON_LOOP = f"""import time
from canfar.sessions import Session
s, image, ids = Session(), '{IMAGE}', []
for t in ['a', 'b']:
    ids += s.create(name=f'det-{{t}}', image=image, cmd='r', args=t)
"""
SURE, MAYBE = "    needs: ", "Line 6: the script waits here"
PYTHON_WAITS = [
    ("while any(one['status'] == 'Running' for one in s.info(ids)):\n    time.sleep(60)\n", SURE),
    ("while True:\n    if not s.fetch(status='Running'):\n        break\n    time.sleep(60)\n", SURE),
    ("def ended():\n    return not s.fetch()\nwhile True:\n    if ended():\n        break\n    time.sleep(9)\n", SURE),
    ("for one in ids:\n    while s.info(one)[0]['status'] == 'Running':\n        time.sleep(60)\n", SURE),
    ("while len(s.fetch()) > 20:\n    time.sleep(60)\n", MAYBE),
    ("time.sleep(3600)\n", MAYBE),
    ("input('go? ')\n", MAYBE),
    ("time.sleep(1)\n", "right after line 5"),
]


@pytest.mark.parametrize(("wait", "written"), PYTHON_WAITS)
def test_waits_of_python_become_needs_or_a_comment(tmp_path, wait, written):
    last = "s.create(name='combine', image=image, cmd='r', args='all')\n"
    text = converted(tmp_path, PYTHON_LOOP + wait + last, "s.py")
    assert written in text
    assert ("    needs: " in text) == (written == SURE)
    assert '["det-${t}"]' in text


BUSY = "busy() {\n canfar ps | grep -c Running\n}\nMAX=40\n"
THROTTLES = [
    ("while [ $(canfar ps | wc -l) -ge 40 ]; do sleep 60; done", 40),
    ('while [ "$(skaha ps -q | wc -l)" -gt "$MAX" ]; do sleep 60; done', 40),
    ("until (( $(canfar ps | wc -l) < MAX )); do sleep 60; done", 40),
    ("while [[ $(busy) -ge ${MAX} ]]; do sleep 60; done", 40),
    ("while [ $(canfar ps | wc -l) -ge $UNSET_HERE ]; do sleep 60; done", None),
    ("while :; do n=$(canfar ps | wc -l); [ $n -lt 40 ] && break; sleep 60; done", None),
    ("sleep 300", None),
]


@pytest.mark.parametrize(("throttle", "most"), THROTTLES)
def test_a_wait_for_free_slots_limits_the_active_sessions(tmp_path, throttle, most):
    text = converted(tmp_path, BUSY + LOOP.replace("do\n", f"do\n{throttle}\n", 1) + CREATE.format("sum", "all"))
    assert ("\nmax_active: {account: 40}\n" in text) == (most is not None)
    between = "the script waits between its sessions; `max_active: N` limits how many are active."
    written = "the script waits while 40 sessions are active." if most else between
    line = 2 + BUSY.count("\n")
    assert text.startswith(f"# Line {line}: {written}\n")


@pytest.mark.parametrize(
    "throttle", ["while [ $(skaha ps | wc -l) -gt $LIMIT ]", "until (( $(skaha ps | wc -l) <= LIMIT ))"]
)
def test_a_wait_until_no_session_is_left_sets_no_limit(tmp_path, throttle):
    wait = f"LIMIT=0\n{throttle}; do sleep 60; done\n"
    text = converted(tmp_path, LOOP + wait + CREATE.format("sum", "all"))
    assert "max_active" not in text
    assert "    needs: " in text
    between = converted(tmp_path, LOOP.replace("do\n", f"do\n{wait}", 1))
    assert between.startswith("# Line 3: the script waits between its sessions; ")
    assert "\nmax_active" not in between


def test_what_a_script_waits_for_stands_in_the_order_of_its_lines(tmp_path):
    wait = "while [ $(skaha ps | wc -l) -gt 40 ]; do sleep 60; done\n"
    unknown = "".join(f"for x in $UNKNOWN{number}; do skaha create headless i -- c $x; done\n" for number in range(30))
    remarks = converted(tmp_path, LOOP.replace("do\n", f"do\n{wait}", 1) + unknown).split("version:")[0].splitlines()
    assert len(remarks) == 51
    assert remarks[0] == "# Line 2: the script waits while 40 sessions are active."
    assert remarks[-1] == "# and 11 more"


@pytest.mark.parametrize(
    ("condition", "most"),
    [("len(s.fetch()) >= LIMIT", 30), ("len([x for x in s.fetch() if x]) > 30", 30), ("len(s.fetch()) >= n()", None)],
)
def test_a_wait_of_python_for_free_slots_limits_the_active_sessions(tmp_path, condition, most):
    wait = f"LIMIT = 30\nfor t in ['a', 'b']:\n    while {condition}:\n        time.sleep(60)\n"
    text = converted(tmp_path, PYTHON_LOOP.replace("for t in ['a', 'b']:\n", wait), "s.py")
    assert ("\nmax_active: {account: 30}\n" in text) == (most is not None)
    assert text.startswith("# Line 6: the script waits ")


def test_a_large_entry_of_a_throttled_script_has_no_limit_of_its_own(tmp_path):
    wait = "while [ $(canfar ps | wc -l) -ge 40 ]; do sleep 60; done\n"
    loop = LOOP.replace("a b", "{1..300}")
    assert "parallelism: 300" in converted(tmp_path, loop)
    text = converted(tmp_path, loop.replace("do\n", "do\n" + wait, 1))
    assert "max_active: {account: 40}" in text
    assert "parallelism" not in text
    assert "at once" not in text


def test_random_scripts_end_in_a_manifest_or_a_usage_error(tmp_path):
    parts = (
        CREATE.format("x-$i", "$i") + "for i in {1..3} ; do done while read x if [ fi ( ) { } $( ` ' \" $(( )) \\ "
        "< > << EOF | || && & ;; case esac in $x ${x%y} ${#x[@]} ${x//a/b} [[ ]] function f() seq 5 xargs -I{} "
        "< <(cat l.txt) a=(1 2) ((i++)) ${ ! ${!x} ${x:1:2} # \n \t \x00 é"
    ).split(" ")
    dice = random.Random(12)
    for _ in range(200):
        text = " ".join(dice.choice(parts) for _ in range(dice.randint(1, 40)))
        (tmp_path / "r.sh").write_text(text)
        with suppress(UsageError):
            convert_file("r.sh", tmp_path)


def test_random_python_ends_in_a_manifest_or_a_usage_error(tmp_path):
    values = (
        "i",
        "'a'",
        "1",
        "[1, 'b']",
        "{'a': 1}",
        "range(3)",
        "f'{i:03d}'",
        "None",
        "open('l')",
        "Path('a') / 'b'",
        "zip(i, i)'%s' % i",
        "i.strip().split()",
        "i[0]",
        "i[1:]",
        "i + 1",
        "-i",
        "not i",
        "i == 1",
        "len(i)",
        "10 ** 9",
        "'{}'.format(i)",
    )
    dice = random.Random(12)
    for _ in range(200):
        picked = [dice.choice(values) for _ in range(9)]
        text = "def f(x, y=1):\n    return x\ni = {}\nfor i in {}:\n  for j, k in {}:\n    i = {}\n"
        text += "    i += {}\n    f({}, {})\n"
        text += "    s.create(name=i, image={}, args=j)\nwhile i: break\n"
        (tmp_path / "r.py").write_text(text.format(*picked)[: dice.choice([60, 1000, 1000])])
        with suppress(UsageError):
            convert_file("r.py", tmp_path)
