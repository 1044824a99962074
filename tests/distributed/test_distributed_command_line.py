import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from skaha_apply import distributed

SOURCE = Path(distributed.__file__)


def call(*arguments, replica=None, total=None, stdin=b"", python=(sys.executable, "-m", "skaha_apply.distributed")):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REPLICA_")}
    for name, value in (("REPLICA_ID", replica), ("REPLICA_COUNT", total)):
        if value is not None:
            environment[name] = str(value)
    return subprocess.run(
        [*python, *map(str, arguments)], input=stdin, capture_output=True, env=environment, timeout=60, check=False
    )


def text(output):
    return output.decode().splitlines()


@pytest.fixture
def images(tmp_path):
    path = tmp_path / "images.txt"
    path.write_bytes(
        b"\xef\xbb\xbfa 1.fits\r\n# x\r\n\r\n  \nb.fits\n\xff.fits\n \t#y\nc\xe2\x80\xa8d.fits\n'#e'.fits #"
    )
    return path


def test_a_share_is_printed_line_for_line_as_it_stands(images):
    first = call("chunk", images, replica=1, total=2)
    second = call("chunk", images, replica=2, total=2)

    assert first.stdout == b"a 1.fits\nb.fits\n\xff.fits\n"
    assert second.stdout == b"c\xe2\x80\xa8d.fits\n'#e'.fits #\n"
    assert (first.returncode, first.stderr) == (0, b"")


def test_stripe_and_standard_input():
    done = call("stripe", "-", replica=2, total=3, stdin=b"1\n2\n3\n4\n5\n")
    assert text(done.stdout) == ["2", "5"]


def test_a_replica_beyond_the_list_prints_nothing():
    done = call("chunk", "-", replica=3, total=3, stdin=b"1\n2\n")
    assert (done.returncode, done.stdout) == (0, b"")


def test_describe_prints_the_same_fingerprint_everywhere(images):
    one = call("describe", images, replica=1, total=2).stdout.decode("utf-8", "surrogateescape")
    two = call("describe", "--strategy", "stripe", images, replica=2, total=2).stdout.decode("utf-8", "surrogateescape")

    assert one.startswith("Container 1 of 2 processing 3 items: first a 1.fits, last \udcff.fits (chunk of 5, list sha")
    assert two.startswith(
        "Container 2 of 2 processing 2 items: first b.fits, last c\u2028d.fits (stripe of 5, list sha"
    )
    assert one.split("list ")[1] == two.split("list ")[1]


def test_bash_payloads_save_and_combine(tmp_path):
    listed = tmp_path / "list"
    listed.write_text("".join(f"{number}\n" for number in range(10)))
    for replica in (1, 2, 3):
        mine = call("chunk", listed, replica=replica, total=3).stdout
        saved = call("save", "-", tmp_path / "out", "--list", listed, "--lines", replica=replica, total=3, stdin=mine)
        assert text(saved.stdout) == [str(tmp_path / "out" / f"container_{replica}_results.json")]

    done = call("combine", tmp_path / "out", tmp_path / "final.json")

    assert text(done.stdout) == [f"Merged 10 results of 3 of 3 replicas into {tmp_path / 'final.json'}"]
    assert json.loads((tmp_path / "final.json").read_text()) == [str(number) for number in range(10)]


def test_partial_lists_what_is_left_out(tmp_path):
    call("save", "-", tmp_path / "out", "--list", os.devnull, replica=1, total=3, stdin=b"[]")
    for replica in (1, 3):
        listed = tmp_path / "list"
        listed.write_text("a\nb\nc\n")
        call("save", "-", tmp_path / "out", "--list", listed, replica=replica, total=3, stdin=b'["x"]')

    refused = call("combine", tmp_path / "out", tmp_path / "final.json")
    partial = call("combine", "--partial", tmp_path / "out", tmp_path / "final.json")

    assert (refused.returncode, refused.stdout) == (1, b"")
    assert "  replica 2: missing: nothing saved" in text(refused.stderr)
    assert (partial.returncode, text(partial.stderr)) == (0, ["left out: replica 2: missing: nothing saved"])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "COMMAND"),
        (["chunk"], "LIST"),
        (["deal", "x"], "deal"),
        (["chunk", "nowhere.txt"], "nowhere.txt"),
        (["chunk", "."], "."),
        (["save", "-", "out", "--list", "-"], "cannot both"),
        (["save", "-", "out", "--list", os.devnull], "is not JSON"),
        (["combine", "nowhere", "out.json"], "nowhere"),
    ],
)
def test_bad_input_is_one_message_and_exit_1(tmp_path, arguments, named):
    done = call(*arguments)

    assert (done.returncode, done.stdout) == (1, b"")
    assert named in done.stderr.decode()
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(("replica", "total"), [("0", "5"), ("6", "5"), ("x", "5"), ("1", None), (None, "5")])
def test_a_wrong_pair_is_one_message_and_exit_1(replica, total):
    done = call("chunk", "-", replica=replica, total=total, stdin=b"1\n")

    assert (done.returncode, done.stdout) == (1, b"")
    assert b"REPLICA_" in done.stderr
    assert len(text(done.stderr)) == 1


def test_reader_that_leaves_early_is_not_an_error(tmp_path):
    listed = tmp_path / "list"
    listed.write_text("".join(f"a long enough line to fill the pipe, {number}\n" for number in range(20_000)))
    process = subprocess.Popen(
        [sys.executable, "-m", "skaha_apply.distributed", "chunk", listed],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.read(10)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()

    assert (process.wait(60), errors) == (0, b"")


def test_the_source_is_python_3_8():
    tree = ast.parse(SOURCE.read_text(), feature_version=(3, 8))

    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(tree)
        for alias in (node.names if isinstance(node, ast.Import) else [])
    } | {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= sys.stdlib_module_names


def older_interpreters():
    names = [f"python3.{minor}" for minor in (8, 9, 10)]
    roots = (Path.home() / ".pyenv" / "versions").glob("3.*")
    found = [shutil.which(name) for name in names] + [
        str(root / "bin" / "python") for root in roots if root.name.split(".")[1] in ("8", "9", "10")
    ]
    return sorted({path for path in found if path and works(path)})


def works(python):
    """Whether this interpreter starts, and is not a wrapper that runs another version."""
    probe = [python, "-c", "import sys; sys.exit(not (3, 8) <= sys.version_info < (3, 11))"]
    return subprocess.run(probe, capture_output=True, timeout=60, check=False).returncode == 0


def test_the_copied_file_works_in_older_pythons(tmp_path):
    pythons = older_interpreters()
    if not pythons:
        pytest.skip("no Python 3.8, 3.9 or 3.10 on this machine; the syntax is checked above")
    copy = shutil.copy(SOURCE, tmp_path / "distributed.py")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import distributed as d; d.save(d.chunk(range(9), 1, 1),"
        " sys.argv[2]); print(d.describe(range(9)), d.combine(sys.argv[2], sys.argv[2] + '/final.json').results)"
    )
    for number, python in enumerate(pythons):
        by_path = call("stripe", "-", replica=2, total=2, stdin=b"1\n2\n3\n4\n", python=(python, "-Werror", copy))
        assert (by_path.stderr, by_path.stdout) == (b"", b"2\n4\n")
        imported = call("-c", program, tmp_path, tmp_path / f"out-{number}", python=(python, "-Werror"))
        assert imported.stderr == b""
        assert imported.stdout.split()[-1] == b"9"
