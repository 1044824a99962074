"""From a create line to a manifest that loads, lints clean, and does what the line did or should have done."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from skaha_apply.lint import check
from skaha_apply.manifest import convert, load
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.errors import UsageError

IMAGE = "images.canfar.net/skaha/astroml:24.07"


def converted(line):
    """The only session of the manifest of a line, and its text; no errors may be left in it."""
    text = convert(shlex.split(line))
    assert convert([line]) == text
    result = load(["-"], root=Path(), stdin=text.encode)
    assert result.diagnostics == ()
    assert [item for item in check(result.projects) if item.severity is Severity.ERROR] == []
    assert result.projects[0].name == result.projects[0].sessions[0].name.lower()
    return result.projects[0].sessions[0], text


def test_the_line_that_everybody_starts_from():
    line = f"skaha create -c 8 -m 32 -r 100 -n fits-processing headless {IMAGE} -- python /path/to/batch_processing.py"
    spec, text = converted(line)
    assert text == (
        "version: 1\nproject: fits-processing\nsessions:\n  - name: fits-processing\n"
        f"    image: {IMAGE}\n    cores: 8\n    ram: 32\n    replicas: 100\n    cmd: python\n"
        "    args: [/path/to/batch_processing.py]\n"
    )
    assert spec.live_name(100) == "fits-processing-100"


@pytest.mark.parametrize(
    "options",
    [
        "-c 8 -m 32 -g 1 -r 4 -n x",
        "-c8 -m32 -g1 -r4 -nx",
        "--cpu 8 --memory 32 --gpu 1 --replicas 4 --name x",
        "--cpu=8 --memory=32 --gpu=1 --replicas=4 --name=x --debug --dry-run -o json",
        "--cores 8 --ram 32 --gpus 1 -dr4 --name x",
    ],
)
@pytest.mark.parametrize("program", ["skaha", "canfar", "$ canfar", "/opt/bin/skaha", "$ ./skaha", "uvx canfar"])
def test_spellings_of_options(program, options):
    spec, _ = converted(f"{program} create {options} headless {IMAGE} -- python x.py -c 3 --name yy -- z")
    assert (spec.cores, spec.ram, spec.gpus, spec.replicas, spec.name) == (8, 32, 1, 4, "x")
    assert (spec.cmd, spec.args) == ("python", ("x.py", "-c", "3", "--name", "yy", "--", "z"))


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ("astroml", "images.canfar.net/library/astroml:latest"),
        ("astroml:24.07", "images.canfar.net/library/astroml:24.07"),
        ("skaha/astroml", "images.canfar.net/skaha/astroml:latest"),
        ("images.canfar.net/skaha/astroml", "images.canfar.net/skaha/astroml:latest"),
        (IMAGE, IMAGE),
        ("localhost:5000/x/y@sha256:0123abc", "localhost:5000/x/y@sha256:0123abc"),
    ],
)
def test_images_are_completed_as_the_clients_do(given, whole):
    spec, text = converted(f"canfar create notebook {given}")
    assert spec.image == whole
    assert ("The image was given as" in text) == (given != whole)


def test_options_may_stand_behind_the_image():
    spec, _ = converted(f"canfar create headless {IMAGE} -n x -e A=b --env=C=d python x.py")
    assert (spec.name, spec.cmd, spec.args, spec.env) == ("x", "python", ("x.py",), {"A": "b", "C": "d"})


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("-- python /path/to/batch_processing.py --n 3", "batch-processing"),
        ("-- bash -e run.sh", "run"),
        ("-- /arc/bin/stacker --all", "stacker"),
        ("-- python -m module", "astroml"),
        ("", "astroml"),
    ],
)
def test_a_name_is_derived(command, name):
    spec, text = converted(f"canfar create headless {IMAGE} {command}")
    assert spec.name == name
    assert "gave no name" in text


MENDED = [
    ("-n my_night", "name", "my-night", "my_night"),
    (f"-n {'x' * 80} -r 100", "name", "x" * 59, "refuses"),
    ("-g 0", "gpus", None, "GPUs were 0"),
    ("-e A=B=C", "env", {}, "`A=B=C`"),
    ("-e A=", "env", {}, "`A=`"),
    ("-e A=YQ==", "env", {"A": "YQ"}, "YQ=="),
    ("-e HOME=/x", "env", {}, "HOME"),
    ("-e REPLICA_ID=1", "env", {}, "REPLICA_ID"),
    ("-e A=1 -e A=2", "env", {"A": "2"}, ""),
]


@pytest.mark.parametrize(("options", "key", "value", "remark"), MENDED)
def test_values_that_the_platform_would_drop_or_refuse_have_a_remark(options, key, value, remark):
    name = "" if "-n" in options else "-n x"
    spec, text = converted(f"canfar create {name} {options} headless {IMAGE} -- python")
    assert getattr(spec, key) == value
    assert remark in "".join(line for line in text.splitlines(keepends=True) if line.strip().startswith("#"))


COMMANDS = [
    ("python 'a b'", "python", ("a", "b"), "split"),
    ("'python x.py' --n", "python", ("x.py", "--n"), "one word"),
    ("python x ''", "python", ("x",), "empty"),
    ("bash -c 'ls -l'", "bash", ("-c", "ls\t-l"), "tabs"),
    ("bash -lc 'echo $HOME'", "bash", ("-lc", "echo\t\\$HOME"), "interprets"),
    ("python 'a\"b' 'c\\d'", "python", ('a\\\\\\"b', "c\\\\\\\\d"), "interprets"),
]


@pytest.mark.parametrize(("command", "cmd", "args", "remark"), COMMANDS)
def test_commands_that_the_server_would_change(command, cmd, args, remark):
    spec, text = converted(f"canfar create -n x headless {IMAGE} -- {command}")
    assert (spec.cmd, spec.args) == (cmd, args)
    assert remark in text


def test_escapes_survive_what_the_server_does_to_them():
    meant = 'say "hi" $HOME \\ end'
    spec, _ = converted(f"canfar create -n x -e {shlex.quote(f'A={meant}')} headless {IMAGE} -- python")
    replaced, chars = "", iter(spec.env["A"])
    for char in chars:  # as a Java replacement reads it
        assert char != "$"
        replaced += next(chars) if char == "\\" else char
    result = load(
        ["-"],
        root=Path(),
        stdin=f'version: 1\nproject: p\nsessions: [{{name: x, image: {IMAGE}, env: {{A: "{replaced}"}}}}]'.encode,
    )
    assert result.projects[0].sessions[0].env["A"] == meant


def test_a_short_image_is_completed_as_the_client_does():
    spec, text = converted("canfar create -n x headless skaha/astroml:24.07 -- python")
    assert spec.image == IMAGE
    assert "skaha/astroml:24.07" in text.replace(IMAGE, "")


def test_interactive_sessions_take_no_command():
    spec, text = converted(f"canfar create Notebook {IMAGE} -e A=b -- python x.py")
    assert (spec.name, spec.cmd, spec.args, spec.env) == ("notebook", None, (), {})
    assert "python x.py" in text


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ls -l",
        "canfar",
        "canfar ps",
        "canfar create",
        "canfar create headless",
        f"canfar create headles {IMAGE}",
        "canfar create headless a//b",
        "canfar create headless astroml/",
        f"canfar create -c many headless {IMAGE}",
        f"canfar create -c 0 headless {IMAGE}",
        f"canfar create -r 0 headless {IMAGE}",
        f"canfar create -m 32GB headless {IMAGE}",
        f"canfar create -e A headless {IMAGE}",
        f"canfar create -e 1A=b headless {IMAGE}",
        f"canfar create headless {IMAGE} python --band r",
        f"canfar create headless {IMAGE} -n",
        f"canfar create headless {IMAGE} -- python 'a\nb'",
        f"canfar create headless {IMAGE} -- ' '",
        "canfar create 'open quote",
    ],
)
def test_lines_that_mean_nothing(line):
    with pytest.raises(UsageError) as caught:
        convert([line])
    assert str(caught.value)
