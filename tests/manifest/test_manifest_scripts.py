"""Scripts that cannot be read completely: comments with the line, an error with the line, and never a traceback."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from skaha_apply.lint import check
from skaha_apply.manifest import load
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.errors import UsageError
from skaha_apply.workflow.new_manifest.convert import convert_file, convert_line

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
        ("while true; do\n" + CREATE.format("x", 1) + "done\n", "more than 20,000 sessions"),
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
