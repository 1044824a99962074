"""A matrix: its combinations, in their order, what include and exclude make of them, and every way to get it wrong."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skaha_apply.manifest import SYNTAX_RULES, load
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.names.combination_names import slug

IMAGE = "images.canfar.net/skaha/astroml:24.07"
HEAD = f'version: 1\nproject: p\ndefaults: {{image: "{IMAGE}", ram: 8, env: {{A: a, B: b}}}}\nsessions:\n'


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(folder, text, **files):
    (folder / "m.yaml").write_text(HEAD + text, encoding="utf-8")
    for name, data in files.items():
        (folder / name.replace("_", ".")).write_bytes(data if isinstance(data, bytes) else data.encode())
    return load(["m.yaml"], root=folder)


def session(folder, matrix, rest="args: []", name="s-${tile}", **files):
    text = f'  - name: "{name}"\n    matrix: {matrix}\n' + "".join(f"    {line}\n" for line in rest.split("\n"))
    return read(folder, text, **files)


def specs(folder, *args, **files):
    loaded = session(folder, *args, **files)
    assert loaded.diagnostics == ()
    return loaded.projects[0].sessions


def only(loaded):
    (found,) = loaded.diagnostics
    assert found.rule in SYNTAX_RULES
    return found


def test_axes_multiply_in_the_order_as_written(folder):
    found = specs(folder, "{tile: [t1, t2], band: [r, g]}", 'args: ["${band}", x]', "s-${tile}-${band}")
    assert [one.name for one in found] == ["s-t1-r", "s-t1-g", "s-t2-r", "s-t2-g"]
    assert [one.values for one in found][1] == {"tile": "t1", "band": "g"}
    assert {one.group for one in found} == {"s-${tile}-${band}"}
    assert found[1].args == ("g", "x")


@pytest.mark.parametrize("written", ["270.280", "0843", "1e5", "true", "2026-11-22", "~", "0x10", '"x y"'])
def test_values_are_taken_as_written(folder, written):
    (one,) = specs(folder, f"{{tile: [{written}]}}", 'args: ["${tile}"]')
    assert one.args == (written.strip('"'),)
    assert one.values == {"tile": written.strip('"')}


@pytest.mark.parametrize(
    ("value", "shown"),
    [("NGC 4501", "ngc-4501"), ("270.280", "270-280"), ("J12+34", "j12p34"), ("a_b", "a-b"), ("M87é", "m87-")],
)
def test_in_a_name_a_value_is_slugged_and_nowhere_else(folder, value, shown):
    (one,) = specs(folder, f'{{tile: ["{value}"]}}', 'args: ["${tile}", "${slug.tile}"]', "s-${tile}-x")
    assert one.name == f"s-{shown}-x"
    assert one.args == (value, shown)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_list_has_one_value_a_line(folder, end, mark):
    data = mark + end.join(["# tiles", "t1", "", "   ", "  NGC 4501  ", "  # more", "0843"]).encode()
    loaded = session(folder, "{tile: {file: tiles.txt}}", tiles_txt=data)
    assert loaded.diagnostics == ()
    assert [one.values["tile"] for one in loaded.projects[0].sessions] == ["t1", "NGC 4501", "0843"]
    assert str(loaded.projects[0].location("sessions[1].values.tile")) == "tiles.txt:5:3"


def test_a_table_gives_each_column_and_an_empty_cell_leaves_its_field_out(folder):
    table = 'field,ram,note,flag\nf1,4,"a, b",-v\nf2,,,\n\nf3,16,x,-q\n'
    rest = 'ram: ${ram}\nargs: [go, "${flag}", "--note=${note}"]\nenv: {A: "${note}", C: "${note}"}'
    found = specs(folder, "{rows: {file: fields.csv}}", rest, "s-${field}", fields_csv=table)
    assert [(one.name, one.ram) for one in found] == [("s-f1", 4), ("s-f2", 8), ("s-f3", 16)]
    assert found[0].args == ("go", "-v", "--note=a, b")
    assert found[1].args == ("go", "--note=")
    assert [one.env for one in found[:2]] == [{"A": "a, b", "B": "b", "C": "a, b"}, {"A": "a", "B": "b"}]
    assert found[1].values == {"field": "f2", "ram": "", "note": "", "flag": ""}


def test_locations_are_those_of_the_written_values(folder):
    table = "field,flag\nf1,-v\nf2,\n"
    rest = 'args: ["${flag}", last]\nenv: {A: "${flag}"}'
    loaded = session(folder, "{rows: {file: fields.csv}}", rest, "s-${field}", fields_csv=table)
    project = loaded.projects[0]
    assert [str(project.location(f"sessions[{index}].args[0]")) for index in (0, 1)] == ["m.yaml:7:12", "m.yaml:7:23"]
    assert [str(project.location(f"sessions[{index}].env.A")) for index in (0, 1)] == ["m.yaml:8:14", "m.yaml:3:77"]
    assert str(project.location("sessions[1].values.field")) == "fields.csv:3:1"
    assert project.texts["fields.csv"] == table
    assert set(project.locations) >= {"sessions[1].args[0]", "sessions[0].args[1]", "sessions[1].values.flag"}
    assert "sessions[1].args[1]" not in project.locations
    assert project.entries == (0, 0)


def test_a_key_that_the_cell_leaves_out_and_nothing_else_gives(folder):
    table = "field,cores,prog\nf1,2,python\nf2,,\n"
    rest = 'cores: ${cores}\ncmd: ["${prog}"]'
    found = specs(folder, "{rows: {file: f.csv}}", rest, "s-${field}", f_csv=table)
    assert [(one.cores, one.cmd) for one in found] == [(2, "python"), (None, None)]


def test_exclude_drops_all_that_fit(folder):
    matrix = "{tile: [t1, t2], band: [r, g], exclude: [{tile: t1, band: r}, {tile: t2}]}"
    found = specs(folder, matrix, "args: []", "s-${tile}-${band}")
    assert [one.name for one in found] == ["s-t1-g"]


def test_include_overrides_what_fits_and_adds_what_is_not_there(folder):
    matrix = (
        "{tile: [t1, t2], band: [r, g], include: [{tile: t2, ram: 64, env: {B: z, C: '${band}'}},"
        " {tile: t3, band: z}, {tile: t3, band: z, cores: 4}, {band: g, ram: 2}]}"
    )
    found = specs(folder, matrix, "env: {D: d}", "s-${tile}-${band}")
    assert [(one.name, one.ram, one.cores) for one in found] == [
        ("s-t1-r", 8, None),
        ("s-t1-g", 2, None),
        ("s-t2-r", 64, None),
        ("s-t2-g", 2, None),
        ("s-t3-z", 8, 4),
    ]
    assert found[3].env == {"A": "a", "B": "z", "D": "d", "C": "g"}
    assert found[4].env == {"A": "a", "B": "b", "D": "d"}


def test_an_axis_named_like_a_key_chooses(folder):
    found = specs(folder, "{ram: [2, 4], include: [{ram: 4, cores: 2}]}", "ram: ${ram}", "s-${ram}")
    assert [(one.ram, one.cores) for one in found] == [(2, None), (4, 2)]


@pytest.mark.parametrize(
    "matrix", ["{tile: []}", "{tile: {file: t.txt}}", "{rows: {file: t.csv}}", "{rows: {file: h.csv}}"]
)
def test_empty_list_is_not_an_error(folder, matrix):
    loaded = session(folder, matrix, 'args: ["${tile}"]', t_txt="# none\n\n", t_csv="", h_csv="tile,band\n")
    assert loaded.diagnostics == ()
    assert loaded.projects[0].sessions == ()
    assert loaded.projects[0].empty == ("s-${tile}",)


def test_matrix_with_every_combination_excluded_is_empty_too(folder):
    loaded = session(folder, "{tile: [a], exclude: [{tile: a}]}")
    assert (loaded.diagnostics, loaded.projects[0].empty) == ((), ("s-${tile}",))


ERRORS = [
    ("t1", "matrix must be a mapping", "tile: [t001"),
    ("{}", "has no axis", "tile: [t001"),
    ("{include: [{tile: a}]}", "has no axis", ""),
    ("{tile: t1}", "must be a list", "{file: tile.txt}"),
    ("{tile: lists/t.txt}", "must be a list", "Write tile: {file: lists/t.txt} for"),
    ("{file: t.txt}", "must be a list", "Write a name for the axis: tile: {file: t.txt}."),
    ("{tile: }", "must be a list, not empty", ""),
    ("{tile: {fil: x}}", "`fil` is not a key", "Did you mean file?"),
    ("{tile: {}}", "names no file", ""),
    ("{a b: [t1]}", "`a b` is not a name for an axis", ""),
    ("{tile: [[a]]}", "must be text", ""),
    ('{tile: [""]}', "is an empty text", ""),
    ("{tile: [a, b, a]}", "has `a` twice", "Remove"),
    ("{tile: [a], rows: {file: x.csv}}", "both rows and the axis `tile`", ""),
    ("{rows: [a]}", "rows must be a mapping", "rows: {file: fields.csv}"),
    ("{tile: [a], include: {tile: b}}", "include must be a list", ""),
    ("{tile: [a], exclude: [a]}", "must be a mapping", ""),
    ("{tile: [a], exclude: [{tlie: a}]}", "`tlie` is not an axis", "Did you mean tile?"),
    ("{tile: [a], exclude: [{ram: 4}]}", "`ram` is not an axis", "Choose by tile."),
    ("{tile: [a], include: [{tile: a, rma: 4}]}", "`rma` is not an axis", "Did you mean ram?"),
    ("{tile: [a], include: [{tile: a, name: x}]}", "`name` cannot differ", ""),
    ("{tile: [a], include: [{tile: a, parallelism: 2}]}", "`parallelism` cannot differ", ""),
    ("{tile: [a], include: [{ram: 4}]}", "chooses no combination", "by tile"),
    ("{tile: [a], include: [{tile: a, ram: x}]}", "must be a number", ""),
    ('{tile: ["${other}"]}', "`${other}` cannot be used in a matrix", "variables"),
]


@pytest.mark.parametrize(("matrix", "summary", "detail"), ERRORS, ids=[case[0] for case in ERRORS])
def test_errors_of_a_matrix(folder, matrix, summary, detail):
    found = only(session(folder, matrix))
    assert found.severity is Severity.ERROR
    assert summary in found.summary
    assert detail in found.detail
    assert found.path.startswith("sessions[0].matrix")
    assert "^" in found.snippet


def test_error_in_each_include_is_reported_once_and_the_others_are_kept(folder):
    loaded = session(folder, "{tile: [a, b, c], include: [{tile: a, ram: x}, {tile: b, cores: y}, {tile: b, gpus: 1}]}")
    assert [one.path for one in loaded.diagnostics] == [
        "sessions[0].matrix.include[0].ram",
        "sessions[0].matrix.include[1].cores",
    ]
    assert [one.name for one in loaded.projects[0].sessions] == ["s-c"]


def test_include_that_names_one_axis_of_two_and_no_key(folder):
    found = only(session(folder, "{tile: [a], band: [r], include: [{tile: b}]}", "args: []", "s-${tile}-${band}"))
    assert "changes nothing" in found.summary
    assert "band" in found.detail


@pytest.mark.parametrize(
    "matrix", ["{tile: [a, b], include: [{tile: b}]}", "{tile: [a], include: [{tile: b}, {tile: b}]}"]
)
def test_an_include_that_a_list_has_caught_up_with_is_a_warning(folder, matrix):
    loaded = session(folder, matrix)
    assert [one.name for one in loaded.projects[0].sessions] == ["s-a", "s-b"]
    found = only(loaded)
    assert (found.rule, found.severity) == ("unmatched", Severity.WARNING)
    assert "already exists, from m.yaml:6" in found.summary


RENAMED = [  # an include that reads as if it were to change a combination, and what the warning states
    ("{tile: [t0001, t0150], include: [{tile: t150, ram: 64}]}", "tile = `t150`", "Did you mean tile = `t0150`?"),
    ("{tile: [t1, t2], n: [a], include: [{tile: t2, n: b, ram: 64}]}", "n = `b`", "Did you mean n = `a`?"),
    ("{tile: [t1], include: [{tile: zzzz, ram: 64}]}", "tile = `zzzz`", "To add a new one, write an include"),
    ("{rows: {file: f.csv}, include: [{tile: C, n: 3, cores: 4}]}", "tile = `C`", "include without other keys"),
    ("{rows: {file: g.csv}, include: [{tile: B, ram: 16}]}", "ram = `16`", "`ram` is a column here"),
    ("{tile: [a], cores: [2], include: [{tile: a, cores: 4}]}", "cores = `4`", "`cores` is an axis here"),
]


@pytest.mark.parametrize(("matrix", "summary", "detail"), RENAMED)
def test_an_include_that_adds_a_combination_instead_of_changing_one_is_a_warning(folder, matrix, summary, detail):
    name = "s-${tile}" + "".join(f"-${{{axis}}}" for axis in ("n", "cores") if f"{axis}: [" in matrix)
    name += "-${ram}" if "g.csv" in matrix else ""
    files = {"f_csv": "tile,n\nA,1\nB,2\n", "g_csv": "tile,ram\nA,8\nB,8\n"}
    found = only(session(folder, matrix, name=name, **files))
    assert (found.rule, found.severity) == ("unmatched", Severity.WARNING)
    assert found.summary.startswith("no combination has ")
    assert found.summary.endswith("so this include adds one")
    assert summary in found.summary
    assert detail in found.detail


@pytest.mark.parametrize(
    "matrix",
    [
        "{tile: [t1], include: [{tile: t2}, {tile: t2, ram: 64}]}",
        "{tile: [], include: [{tile: t2, ram: 64}]}",
        "{tile: [t1], include: [{tile: t2}]}",
        "{rows: {file: g.csv}, include: [{tile: C, ram: 16}]}",
        "{rows: {file: g.csv}, include: [{tile: B, ram: 8, cores: 4}]}",
    ],
)
def test_an_include_that_states_its_new_combination_is_fine(folder, matrix):
    assert session(folder, matrix, g_csv="tile,ram\nA,8\nB,8\n").diagnostics == ()


def test_include_that_changes_a_column_is_a_warning(folder):
    table = "tile,ram,n\nA,8,1\nB,8,2\n"
    found = only(session(folder, "{rows: {file: f.csv}, include: [{tile: B, ram: 16}]}", f_csv=table))
    assert (found.rule, found.severity) == ("matrix", Severity.ERROR)
    assert "`ram` is a column here, so it chooses combinations and changes none" in found.detail
    found = only(session(folder, "{rows: {file: f.csv}, include: [{tile: B, ram: 16, cores: 4}]}", f_csv=table))
    assert (found.rule, found.severity) == ("unmatched", Severity.WARNING)
    assert "Change the value in the row of the table." in found.detail


@pytest.mark.parametrize("part", ["exclude: [{tile: t9}]", "include: [{band: z, ram: 4}]"])
def test_include_or_exclude_without_effect_is_a_warning(folder, part):
    found = only(session(folder, f"{{tile: [a], band: [r], {part}}}", "args: []", "s-${tile}-${band}"))
    assert (found.rule, found.severity) == ("unmatched", Severity.WARNING)
    assert "no combination has" in found.summary


TABLES = [
    ("tile,ram\nt1,4\nt2\n", 3, "1 cell, and the header has 2"),
    ("tile,ram\nt1,4,5\n", 2, "3 cells"),
    ("tile,tile\na,b\n", 1, "two columns are named `tile`"),
    ("tile,RA (deg)\na,b\n", 1, "`RA (deg)` is not a name for a column"),
    ("tile,\na,b\n", 1, "column 2 has no name"),
    ("tile,,ram\na,,b\n", 1, "column 2 has no name"),
    ("tile,ram\na,b,,c\n", 2, "4 cells"),
    ('tile,ram\n"a"b,4\n', 2, "this is not CSV: `b` follows a closing quote"),
    ("# x\ntile\tram\na\tb\n", 2, "is not a name for a column"),
    ("tile;ram\na;b\n", 1, "`tile;ram`"),
    ('tile,ram\na,"b\n', 2, "this is not CSV"),
    ("tile,ram\na,1\nb,2\na,1\n", 4, "the same as that of line 2"),
    ('tile,ram\n"a\nb",1\nc\n', 4, "1 cell"),
]


ECSV = """# %ECSV 1.0
# ---
# delimiter: ','
# datatype:
# - {name: tile, datatype: string}
# schema: astropy-2.0
"""

SAME = {  # tables as other tools write them, each the same two rows: a and "b c" with 4 and x,y
    "f.csv": [
        'tile,ram,note\na,4,"x,y"\nb c,4,"x,y"\n',
        '#A,1,z\n  # above the header, "with a quote\ntile,ram,note\n#B,2,y\na,4,"x,y"\n\t#,,\nb c,4,"x,y"\n#',
        'tile, ram, note\na, 4, "x,y"\nb c, 4, "x,y"\n',
        ' "tile" , "ram" , "note" \n "a" , 4 , "x,y" \n "b c" , 4 , "x,y" \n',
        'tile,ram,note,,\na,4,"x,y",,\nb c,4,"x,y",\n,,,,\n',
        'tile,ram,note\r\na,4,"x,y",\r\nb c,4,"x,y",,,\r\n',
        '\ufefftile,ram,note\ra,4,"x,y"\rb c,4,"x,y"\r',
        ECSV + 'tile,ram,note\na,4,"x,y"\nb c,4,"x,y"\n',
    ],
    "f.tsv": [
        "tile\tram\tnote\na\t4\tx,y\nb c\t4\tx,y\n",
        '# x\ntile\tram\t note \na\t4\t"x,y"\t\n#B\t2\ty\nb c\t4\t "x,y" \t\t\n',
    ],
    "f.ecsv": [
        ECSV.replace("# delimiter: ','\n", "") + 'tile ram note\na 4 x,y\n"b c" 4 "x,y"\n',
        ECSV.replace("','", '" "') + 'tile  ram note \n# c\na   4 "x,y" \n "b c" 4 x,y\n',
    ],
}


@pytest.mark.parametrize(("file", "table"), [(file, table) for file, tables in SAME.items() for table in tables])
def test_tables_are_read_as_other_tools_write_them(folder, file, table):
    (folder / file).write_bytes(table.encode())
    found = specs(folder, f"{{rows: {{file: {file}}}}}", 'ram: ${ram}\nargs: ["${tile}", "${note}"]')
    assert [(one.ram, one.args) for one in found] == [(4, ("a", "x,y")), (4, ("b c", "x,y"))]


def test_a_quoted_number_sign_is_data(folder):
    table = 'tile,ram\n"#A",1\nb,2\n" # c",3\n"d\n#E,5\n""e""",4\n'
    found = specs(folder, "{rows: {file: f.csv}}", 'args: ["${tile}"]', f_csv=table)
    assert [one.args[0] for one in found] == ["#A", "b", "# c", 'd\n#E,5\n"e"']


@pytest.mark.parametrize(
    ("matrix", "files", "at"),
    [
        ("{tile: {file: t.txt}}", {"t_txt": "# fine\na\n  #b\nc # note\n"}, "t.txt:4:1"),
        ("{rows: {file: t.csv}}", {"t_csv": "tile,ram\na,1\n#b,2\nc,2 # note\n"}, "t.csv:4:1"),
        ("{rows: {file: t.csv}}", {"t_csv": 'tile,ram\na,"1 # meant"\nc,2\t#note\n'}, "t.csv:3:1"),
    ],
)
def test_a_comment_behind_a_value_is_a_warning(folder, matrix, files, at):
    loaded = session(folder, matrix, **files)
    found = only(loaded)
    assert (found.rule, found.severity, str(found.location)) == ("list-comment", Severity.WARNING, at)
    assert "does not begin a comment here" in found.summary
    assert len(loaded.projects[0].sessions) == 2


@pytest.mark.parametrize(("table", "line", "summary"), TABLES, ids=[case[2] for case in TABLES])
def test_errors_of_a_table_are_located_in_the_table(folder, table, line, summary):
    found = only(session(folder, "{rows: {file: f.csv}}", "ram: ${ram}", f_csv=table))
    assert (found.location.file, found.location.line) == ("f.csv", line)
    assert summary in found.summary
    assert found.snippet


def test_duplicate_value_is_reported_with_both_lines(folder):
    found = only(session(folder, "{tile: {file: t.txt}}", t_txt="a\n# x\nb\n a\n"))
    assert str(found.location) == "t.txt:4:2"
    assert "t.txt:1" in found.summary
    assert found.snippet == " a\n ^"


@pytest.mark.parametrize("name", ["s", "s-${tile}", "s-${band}", "s-${var.x}"])
def test_name_that_does_not_distinguish_combinations_is_one_error(folder, name):
    tiles = "".join(f"t{number}\n" for number in range(500))
    (folder / "m.yaml").write_text(
        f'version: 1\nproject: p\nvariables: {{x: {{default: y}}}}\nsessions:\n  - name: "{name}"\n    image: {IMAGE}\n'
        "    matrix: {tile: {file: t.txt}, band: [r, g]}\n"
    )
    (folder / "t.txt").write_text(tiles)
    loaded = load(["m.yaml"], root=folder)
    found = only(loaded)
    assert "is the same for several combinations" in found.summary
    assert "${tile}" in found.detail
    assert "${band}" in found.detail


def test_an_axis_of_one_value_may_be_left_out_of_the_name(folder):
    (one, other) = specs(folder, "{tile: [a, b], cat: [gaia]}", 'args: ["${cat}"]')
    assert [one.name, one.args, other.name] == ["s-a", ("gaia",), "s-b"]


def test_an_axis_whose_list_may_grow_may_not_be_left_out_of_the_name(folder):
    assert "it lacks ${cat}" in only(session(folder, "{tile: [a], cat: {file: c.txt}}", c_txt="gaia\n")).summary
    matrix = "{tile: [a], cat: [gaia], include: [{tile: b, cat: 2mass}]}"
    assert "it lacks ${cat}" in only(session(folder, matrix)).summary


def test_a_name_without_any_axis(folder):
    assert "it lacks ${tile}" in only(session(folder, "{tile: [a]}", name="s")).summary


def test_a_table_whose_name_has_no_column(folder):
    found = only(session(folder, "{rows: {file: f.csv}}", "args: []", "s", f_csv="tile,ram\na,1\nb,1\n"))
    assert 'name: "s-${tile}"' in found.detail


def test_equal_names_are_reported_with_both_values_and_lines(folder):
    tiles = "NGC 4501\nM 87\nngc-4501\nm_87\n"
    found = only(session(folder, "{tile: {file: t.txt}}", t_txt=tiles))
    assert "tile = `NGC 4501` (t.txt:1); and tile = `ngc-4501` (t.txt:3)" in found.summary
    assert "1 more such pair" in found.summary
    assert str(found.location) == "t.txt:3:1"


def test_equal_names_of_two_axes(folder):
    found = only(session(folder, '{a: [x, x-y], b: [z, "y-z"]}', "args: []", "s-${a}-${b}"))
    assert "s-x-y-z" in found.summary
    assert "b = `y-z`" in found.summary


def test_a_name_that_needs_an_empty_cell(folder):
    found = only(session(folder, "{rows: {file: f.csv}}", "args: []", "s-${tile}-${n}", f_csv="tile,n\na,1\nb,\nc,\n"))
    assert str(found.location) == "f.csv:3:1"
    assert "requires n, which is empty here, and in 1 more row" in found.summary


def test_error_in_many_combinations_is_reported_once_with_the_first(folder):
    table = "tile,ram\n" + "".join(f"t{number},{'lots' if number > 2 else 4}\n" for number in range(50))
    loaded = session(folder, "{rows: {file: f.csv}}", "ram: ${ram}", f_csv=table)
    found = only(loaded)
    assert str(found.location) == "m.yaml:7:10"
    assert "must be a number, not `lots`, with ram = `lots` (f.csv:5), and 46 more combinations" in found.summary
    assert len(loaded.projects[0].sessions) == 3


@pytest.mark.parametrize("part", ["include", "exclude"])
def test_more_ways_to_choose_than_any_survey(folder, part):
    """Each set of axes is compared with every combination; a small file must not cost minutes."""
    axes = [f"a{number}" for number in range(13)]
    sets = itertools.islice((one for count in range(2, 8) for one in itertools.combinations(axes, count)), 2_000)
    keys = ", ram: 4" if part == "include" else ""
    entries = ", ".join("{" + ", ".join(f"{axis}: 0" for axis in one) + keys + "}" for one in sets)
    matrix = "{" + ", ".join(f"{axis}: [0, 1]" for axis in axes) + f", {part}: [{entries}]}}"
    found = only(session(folder, matrix, name="-".join(f"${{{axis}}}" for axis in axes)))
    assert found.rule == "too-large"
    assert "2,000 different sets of axes" in found.summary
    assert "rows: {file: TABLE}" in found.detail


@pytest.mark.parametrize("rest", ["args: ['{0}']", "args: ['x${{tile}}{0}']", "env: {{X: '{0}'}}"])
def test_more_text_than_any_survey(folder, monkeypatch, rest):
    """One long text for each of many combinations fills the memory from a small file."""
    monkeypatch.setattr("skaha_apply.manifest.expansion.file_size.MAX_TEXT", 10_000)
    numbers = ", ".join(map(str, range(10)))
    assert session(folder, f"{{tile: [{numbers}]}}", rest.format("y" * 900)).diagnostics == ()
    found = only(session(folder, f"{{tile: [{numbers}]}}", rest.format("y" * 1_000)))
    assert found.rule == "too-large"
    assert found.detail.startswith("Split the manifest")
    assert "more than 10,000 characters" in found.summary


def test_more_includes_that_meet_than_any_survey(folder, monkeypatch):
    monkeypatch.setattr("skaha_apply.manifest.expansion.expand.MAX_CHANGED", 200)
    axes = [f"a{number}" for number in range(6)]
    includes = ", ".join(f"{{{axis}: 1, ram: {number + 1}}}" for number, axis in enumerate(axes))
    matrix = "{" + ", ".join(f"{axis}: [0, 1]" for axis in axes) + f", include: [{includes}]}}"
    name = "-".join(f"${{{axis}}}" for axis in axes)
    assert session(folder, matrix, "args: []", name).diagnostics == ()  # 63 sets of 3 values
    found = only(session(folder, matrix, "args: [a, b, c]", name))
    assert found.rule == "too-large"
    assert "changes combinations in too many different ways" in found.summary


def test_a_list_longer_than_any_survey(folder):
    found = only(session(folder, "{tile: {file: t.txt}}", t_txt="".join(f"{number}\n" for number in range(200_001))))
    assert (found.location.file, found.location.line) == ("t.txt", 200_001)
    assert found.summary == "more than 200,000 values"


def test_more_combinations_than_any_survey(folder):
    axes = ", ".join(f"{name}: [{', '.join(map(str, range(size)))}]" for name, size in (("a", 4), ("b", 50_001)))
    found = only(session(folder, f"{{{axes}}}", name="${a}-${b}"))
    assert found.rule == "too-large"
    assert "has 200,004 combinations, more than 200,000" in found.summary


def test_two_sessions_of_one_name_as_written(folder):
    one = '  - name: "s-${tile}"\n    matrix: {tile: [%s]}\n'
    found = only(read(folder, one % "a" + one % "b"))
    assert "already that of another session, at m.yaml:5" in found.summary


def test_needs_are_names_as_written(folder):
    (one,) = specs(folder, "{tile: [a]}", 'needs: ["x-${tile}", {name: "y-${nothing}", require: 50%}]')
    assert one.needs == ("x-${tile}", "y-${nothing}")
    assert one.require == {"y-${nothing}": 0.5}


word = st.text("abcXYZ019.+ _é", min_size=1, max_size=4).map(str.strip).filter(bool)
axis = st.lists(word, min_size=1, max_size=4, unique_by=slug)


@settings(deadline=None, max_examples=4 * settings().max_examples // 5)
@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), axis, min_size=1), st.data())
def test_a_matrix_is_the_product_less_what_is_excluded_and_more_what_is_included(tmp_path_factory, axes, data):
    folder = tmp_path_factory.mktemp("matrix")
    names = list(axes)
    product = [dict(zip(names, values, strict=True)) for values in itertools.product(*axes.values())]
    part = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in axes.items()})
    excludes = data.draw(st.lists(part.filter(bool), max_size=2))
    includes = data.draw(st.lists(part.filter(bool), max_size=2))
    full = data.draw(st.fixed_dictionaries(dict.fromkeys(names, word)))
    expected = [one for one in product if not any(each.items() <= one.items() for each in excludes)]
    wanted = [{**each, "cores": str(index + 1)} for index, each in enumerate([*includes, full])]
    for each in [*includes, full]:
        if len(each) == len(names) and each not in expected:
            expected.append(each)
    lines = [f"      {name}: {quote(values)}" for name, values in axes.items()]
    text = '  - name: "x/' + "/".join(f"${{{name}}}" for name in names) + '"\n    matrix:\n' + "\n".join(lines)
    text += f"\n      exclude: {quote(excludes)}\n      include: {quote(wanted)}\n    cores: 99\n"
    (folder / "m.yaml").write_text(HEAD + text, encoding="utf-8")
    loaded = load([folder / "m.yaml"], root=folder)
    if len({tuple(slug(one[name]) for name in names) for one in expected}) < len(expected):
        assert any("have the name" in one.summary for one in loaded.diagnostics)
        return
    assert not [one for one in loaded.diagnostics if one.rule != "unmatched"]
    found = loaded.projects[0].sessions
    assert [one.values for one in found] == [{name: one[name] for name in names} for one in expected]
    for one in found:
        fit = [index + 1 for index, each in enumerate([*includes, full]) if each.items() <= one.values.items()]
        assert one.cores == (fit[-1] if fit else 99)


def quote(value):
    if isinstance(value, list):
        return f"[{', '.join(map(quote, value))}]"
    if isinstance(value, dict):
        pairs = [f"{key}: {text if key == 'cores' else quote(text)}" for key, text in value.items()]
        return f"{{{', '.join(pairs)}}}"
    return f'"{value}"'
