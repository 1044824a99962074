"""`split` on real files and lists: its output, its pictures, and its errors for bad input."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "distributed.md").read_text(encoding="utf-8")
PNG = b"\x89PNG\r\n\x1a\n"
NASTY = b"\xef\xbb\xbfone\r\n\n  \ntwo \n# three\nf\xff\xe9.fits\n\x1b[31mred\nf\xc2\x85ve\nsix"
WAIT_S = 120


@pytest.fixture(scope="session")
def font_cache(tmp_path_factory):
    """Where matplotlib keeps its list of fonts, which takes seconds to make."""
    return tmp_path_factory.mktemp("matplotlib")


@pytest.fixture
def split(prepared, font_cache, tmp_path):
    """Run `skaha-apply split` in a folder of its own; gives the finished process, its output as bytes."""

    def run(*arguments, **more):
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PYTHONPATH")}
        environment = {**kept, "HOME": str(tmp_path), "MPLCONFIGDIR": str(font_cache), **more.pop("env", {})}
        given = {"cwd": tmp_path, "env": environment, "warn": ["error::ResourceWarning"], "text": False, **more}
        return prepared.run(["split", *arguments], timeout=WAIT_S, **given)

    return run


@pytest.fixture
def files(tmp_path):
    """Make sparse files of given sizes in bytes, `fits/im01.fits` and so on."""

    def make(*sizes, folder="fits"):
        (tmp_path / folder).mkdir(exist_ok=True)
        for number, size in enumerate(sizes, 1):
            with (tmp_path / folder / f"im{number:02}.fits").open("wb") as file:
                file.truncate(size)

    return make


def document(made):
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def strategies(made):
    return {one["strategy"]: one for one in document(made)["strategies"]}


def test_the_page_shows_what_it_prints(split, files):
    shown = re.search(r"```console\n\$ skaha-apply (split .*?)\n(.*?)```", PAGE, re.DOTALL)
    files(*(1000 * size for size in (200, 400, 800, 1600, 2400, 3700, 5000, 6400, 8000, 10000, 12000, 14500)))
    made = split(*shlex.split(shown[1])[1:])
    assert (made.returncode, made.stderr) == (0, b"")
    assert made.stdout.decode() == shown[2]


def test_files_count_once_sorted_by_name_with_their_sizes(split, files, tmp_path):
    files(5, 7, 0, 11)
    (tmp_path / "fits" / ".hidden").write_text("not seen by a shell")
    shown = document(split("fits/im0[2-4].fits", "fits/im01.fits", "fits/*", "--replicas", "2", "-o", "json"))
    assert (shown["format_version"], shown["helper"], shown["items"]) == ("1.0", "skaha-apply", 4)
    assert shown["order"] == "sorted by name"
    assert shown["load"] == {"unit": "bytes", "total": 23, "mean": 11.5, "largest_item": 11}
    chunk, stripe = shown["strategies"]
    assert [(one["first"], one["last"], one["load"]) for one in chunk["shares"]] == [
        ("fits/im01.fits", "fits/im02.fits", 12),
        ("fits/im03.fits", "fits/im04.fits", 11),
    ]
    assert stripe["imbalance"] == pytest.approx(18 / 11.5)
    counted = document(split("fits/*", "--replicas", "2", "-o", "json", "--load", "count"))
    assert counted["load"]["unit"] == "items"


def test_a_folder_that_matches_is_one_item_with_all_it_holds(split, tmp_path):
    for name, size in (("a.ms/table/f0", 10), ("a.ms/f1", 5), ("b.ms/f1", 2)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * size)
    (tmp_path / "b.ms" / "round").symlink_to(tmp_path / "b.ms")
    shown = strategies(split("*.ms", "--replicas", "2", "-o", "json"))
    assert [one["load"] for one in shown["chunk"]["shares"]] == [15, 2]


def test_names_that_the_shell_has_expanded_are_used_as_written(split, tmp_path):
    (tmp_path / "im[1].fits").write_text("x")
    assert document(split("im[1].fits", "--replicas", "1", "-o", "json"))["items"] == 1


@pytest.mark.parametrize("replicas", [1, 3, 9])
@pytest.mark.parametrize("strategy", ["chunk", "stripe"])
def test_a_list_is_read_as_the_replicas_read_it(split, tmp_path, replicas, strategy):
    (tmp_path / "list.txt").write_bytes(NASTY)
    shown = strategies(split("--list", "list.txt", "--replicas", replicas, "-o", "json"))[strategy]["shares"]
    for share in shown:
        split = subprocess.run(
            [sys.executable, "-m", "skaha_apply.distributed", strategy, "list.txt"],
            cwd=tmp_path,
            env={**os.environ, "REPLICA_ID": str(share["replica"]), "REPLICA_COUNT": str(replicas)},
            capture_output=True,
            check=True,
            timeout=WAIT_S,
        )
        mine = split.stdout.decode("utf-8", "surrogateescape").split("\n")[:-1]
        assert (share["items"], share["first"], share["last"]) == (
            len(mine),
            mine[0] if mine else None,
            mine[-1] if mine else None,
        )


def test_ignored_comments_are_reported_and_nothing_acts_on_the_terminal(split, tmp_path):
    made = split("--list", "-", "--replicas", "2", input=NASTY)
    assert b"1 line begins with # and is not an item" in made.stdout
    made = split("--list", "-", "--replicas", "2", input=b"a\nb # c\n")
    assert b"'b # c' has a # in it, which begins no comment" in made.stdout
    (tmp_path / "\x1b[31m").write_text("x")
    (tmp_path / "list").write_bytes(b"list\n\x1b]0;title\x07\n")
    for made in (split("\x1b*", "--replicas", "2"), split("--list", "list", "--replicas", "2")):
        assert made.returncode == 0
        assert b"\x1b" not in made.stdout


def test_a_list_of_files_that_are_here_has_their_sizes(split, files, tmp_path):
    files(1, 2, 3)
    names = [f"fits/im0{number}.fits" for number in (3, 1, 2)]
    shown = document(split("--list", "-", "--replicas", "3", "-o", "json", input="\n".join(names).encode()))
    assert shown["order"] == "in the order of the list"
    assert [one["load"] for one in shown["strategies"][0]["shares"]] == [3, 1, 2]
    made = split("--list", "-", "--replicas", "3", input="\n".join([*names, "gone.fits"]).encode())
    assert b"load is counted in items, because 'gone.fits' is not a file here" in made.stdout


def test_a_list_may_bring_its_loads(split):
    text = b"NGC 4501\t1.5\r\nM 31 4e1\n\nx,y 0\n"
    shown = document(split("--list", "-", "--load", "column", "--replicas", "3", "-o", "json", input=text))
    assert shown["load"]["unit"] == "weight"
    assert [(one["first"], one["load"]) for one in shown["strategies"][1]["shares"]] == [
        ("NGC 4501", 1.5), ("M 31", 40), ("x,y", 0),
    ]  # fmt: skip


def test_empty_files_are_counted(split, files):
    files(0, 0, 0)
    made = split("fits/*", "--replicas", "2")
    assert made.returncode == 0
    assert b"all files are empty: load is counted in items" in made.stdout


def test_many_replicas_are_counted_by_their_load(split):
    made = split("--list", "-", "--replicas", "100", "--helper", "canfar", input=b"x\n" * 1099).stdout.decode()
    assert "shared as canfar.helpers.distributed does" in made
    assert re.search(r"^10-22 items +99 #+ +100 #+$", made, re.MULTILINE)
    assert re.search(r"^101-109 items +1 # +0$", made, re.MULTILINE)
    assert re.search(r"^chunk +10-109 +0 +10 +10.99 +109 \(replica 100\) +9.92$", made, re.MULTILINE)


@pytest.mark.parametrize("replicas", [21, 37, 400])
def test_each_replica_is_in_one_bin(split, replicas):
    text = "".join(f"x {place * 37 % 101 / 7}\n" for place in range(300)).encode()
    made = split("--list", "-", "--load", "column", "--replicas", replicas, input=text).stdout.decode()
    tallies = re.findall(r"^[\d.]+(?: - [\d.]+)? +(\d+) ?#* +(\d+) ?#*$", made, re.MULTILINE)
    assert [sum(int(row[column]) for row in tallies) for column in (0, 1)] == [replicas, replicas]


def test_a_long_list_over_many_replicas(split):
    # Work that grows with items times replicas would not come to its end here.
    made = split("--list", "-", "--replicas", "2000", input=b"\n".join(b"tile-%d" % one for one in range(300_000)))
    assert made.returncode == 0
    assert b"chunk   150 " in made.stdout


def test_the_count_may_come_from_a_manifest(split, tmp_path):
    (tmp_path / "m.yaml").write_text(
        "version: 1\nproject: p\ndefaults: {image: 'images.canfar.net/skaha/astroml:24.07'}\n"
        "sessions:\n  - {name: Reduce, replicas: 7, cmd: a}\n  - {name: desk, kind: notebook}\n"
    )
    shown = document(split("--list", "-", "--session", "reduce", "-o", "json", input=b"a\nb\n"))
    assert shown["replicas"] == 7
    shown = document(split("m.yaml", "--session", "reduce", "--manifest", "m.yaml", "-o", "json"))
    assert shown["replicas"] == 7
    made = split("m.yaml", "--session", "redcue")
    assert made.returncode == 4
    assert made.stderr.decode() == (
        "error: there is no session 'redcue' in these manifests\nhint: there are: Reduce, desk\n"
    )


def test_the_count_of_a_matrix_with_variables(split, tmp_path):
    """A count needs no value that is only sent, but it needs the others."""
    (tmp_path / "m.yaml").write_text(
        "version: 1\nproject: p\nvariables: {token: {sensitive: true}, shares: {}}\n"
        "sessions:\n  - name: s-${tile}\n    matrix: {tile: [a, b]}\n    replicas: ${var.shares}\n"
        "    image: images.canfar.net/skaha/astroml:24.07\n    cmd: a\n    env: {TOKEN: '${var.token}'}\n"
        "  - name: t-${tile}\n    matrix: {tile: [a, b], include: [{tile: b, replicas: 2}]}\n"
        "    image: images.canfar.net/skaha/astroml:24.07\n    cmd: a\n"
    )
    for name in ("s-${tile}", "S-b"):
        assert document(split("m.yaml", "--session", name, "--var", "shares=4", "-o", "json"))["replicas"] == 4
    made = split("m.yaml", "--session", "s-a")
    assert (made.returncode, b"--var shares=VALUE" in made.stderr) == (1, True)
    made = split("m.yaml", "--session", "t-${tile}", "--var", "shares=4")
    assert (made.returncode, b"different numbers of replicas, from 1 to 2" in made.stderr) == (4, True)
    assert split("m.yaml", "--session", "", "--var", "shares=4").returncode == 4


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["fits/*.fit", "--replicas", "2"], 1, "nothing matches 'fits/*.fit'"),
        (["fits", "--replicas", "2"], 4, "fits is one folder\nhint: to split the files in it, write 'fits/*'"),
        (["--replicas", "2"], 4, "nothing to split: GLOB is missing"),
        (["fits/*"], 4, "number of replicas missing"),
        (["fits/*", "--replicas", "0"], 4, "--replicas"),
        (["fits/*", "--replicas", "1000001"], 4, "--replicas"),
        (["fits/*", "--replicas", "2", "--session", "x"], 4, "--replicas and --session exclude each other"),
        (["fits/*", "--replicas", "2", "--manifest", "x"], 4, "--manifest has an effect only with --session"),
        (["fits/*", "--replicas", "2", "--list", "x"], 4, "GLOB and --list exclude each other"),
        (["--list", "-", "--session", "x", "--manifest", "-"], 4, "cannot both be standard input"),
        (["fits/*", "--replicas", "2", "--load", "column"], 4, "--load column requires a list"),
        (["--list", "gone.txt", "--replicas", "2"], 1, "cannot read the list gone.txt: No such file"),
        (["--list", "fits", "--replicas", "2"], 1, "cannot read the list fits: Is a directory"),
        (["--list", "-", "--replicas", "2"], 1, "the list standard input has no lines"),
        (["--list", "utf16.txt", "--replicas", "2"], 1, "the list utf16.txt is not a text: it has NUL bytes"),
        (["--list", "loads.txt", "--replicas", "2", "--load", "column"], 1, "loads.txt:3: no load at the end of"),
        (["--list", "loads.txt", "--replicas", "2", "--load", "size"], 1, "cannot read the size of a 1: No such file"),
        (["dead/*", "--replicas", "2"], 1, "cannot read the size of dead/link: No such file"),
        (["fits/*", "--replicas", "2", "--picture", "x.pdf"], 4, "x.pdf: a picture must be a .png or .svg file"),
        (["fits/*", "--replicas", "2", "--picture", "no/x.png"], 1, "cannot write the picture no/x.png: No such file"),
    ],
)  # fmt: skip
def test_bad_input_is_one_message_and_its_exit_code(split, tmp_path, arguments, code, message):
    (tmp_path / "fits").mkdir()
    (tmp_path / "fits" / "im01.fits").write_text("x")
    (tmp_path / "utf16.txt").write_bytes("a\nb\n".encode("utf-16"))
    (tmp_path / "loads.txt").write_text("a 1\n\nb -1\n")
    (tmp_path / "dead").mkdir()
    (tmp_path / "dead" / "link").symlink_to("nowhere")
    made = split(*arguments)
    printed = made.stderr.decode()
    assert (made.returncode, made.stdout) == (code, b""), printed
    assert printed.startswith("error: ")
    assert message in printed
    assert len(printed.splitlines()) <= 3  # the message, and a hint with a command on its own line


def test_a_picture_is_drawn_without_a_display_and_the_same_each_time(split, files, tmp_path):
    files(*(size * 10**6 for size in range(1, 12)))
    (tmp_path / "fits" / "\udcff.fits").write_text("x")
    (tmp_path / "fits").rename(tmp_path / "$x^$ 銀河")
    for name in ("a.png", "a.svg", "b.PNG", "b.svg"):
        made = split("$x^$ 銀河/*", "--replicas", "4", "--picture", name, env={"MPLBACKEND": "tkagg", "DISPLAY": ":99"})
        assert (made.returncode, made.stderr) == (0, b"")
        assert b"Take " in made.stdout
    first, second = (tmp_path / "a.png").read_bytes(), (tmp_path / "b.PNG").read_bytes()
    assert first == second
    assert first.startswith(PNG)
    assert (int.from_bytes(first[16:20]), int.from_bytes(first[20:24])) == (1500, 900)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert ET.parse(tmp_path / "a.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_a_picture_has_both_strategies_the_means_and_the_units(split, tmp_path):
    made = split("--list", "-", "--replicas", "3", "--helper", "canfar", "--picture", "p.svg", input=b"a\n" * 8)
    assert made.returncode == 0
    texts = re.findall(r"<!-- (.*?) -->", (tmp_path / "p.svg").read_text(), re.DOTALL)
    assert "chunk: imbalance 1.50, largest 4 items (replica 3)" in texts
    assert "stripe (recommended): imbalance 1.12, largest 3 items (replica 1)" in texts
    assert texts.count("load (items)") == 2
    assert "replica (REPLICA_ID)" in texts
    assert sum("2.667" in text for text in texts) == 2
    assert any("canfar.helpers.distributed" in text for text in texts)


@pytest.mark.parametrize("replicas", [1, 2, 101, 1000])
def test_a_picture_of_any_number_of_replicas(split, tmp_path, replicas):
    made = split("--list", "-", "--replicas", replicas, "--picture", "p.png", input=b"$a\n" * 150)
    assert (made.returncode, made.stderr) == (0, b"")
    assert (tmp_path / "p.png").read_bytes().startswith(PNG)


def test_without_matplotlib_a_hint_is_printed_and_the_rest_works(split, files, tmp_path):
    files(1, 2)
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "matplotlib.py").write_text("raise ModuleNotFoundError('gone', name='matplotlib')\n")
    without = {"PYTHONPATH": str(tmp_path / "none")}
    made = split("fits/*", "--replicas", "2", "--picture", "p.png", env=without)
    assert (made.returncode, made.stdout) == (1, b"")
    assert made.stderr.decode() == (
        "error: drawing a picture requires matplotlib, which is not installed\nhint: pip install 'skaha-apply[plot]'\n"
    )
    assert not (tmp_path / "p.png").exists()
    assert split("fits/*", "--replicas", "2", env=without).returncode == 0
