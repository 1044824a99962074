import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from skaha_apply import distributed

SCRIPT = Path(__file__).parents[2] / "manifests" / "payloads" / "batch_processing.py"


def fits_file(number):
    cards = [
        "SIMPLE  =                    T",
        "BITPIX  =                    8",
        "NAXIS   =                    0",
        f"OBJECT  = 'Barnard''s {number}'          / star / field",
        "EXPTIME =                 30.0 / [s]",
        "COMMENT   = not a value",
        "END",
    ]
    return "".join(card.ljust(80) for card in cards).ljust(2880).encode("ascii")


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    folder = tmp_path_factory.mktemp("night")
    for number in range(1000):
        (folder / f"exposure_{number:04d}.fits").write_bytes(fits_file(number))
    return folder


def run(replica, total, *arguments):
    environment = os.environ | {"REPLICA_ID": str(replica), "REPLICA_COUNT": str(total)}
    done = subprocess.run(
        [sys.executable, SCRIPT, *arguments], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    return done


def test_a_replica_of_a_hundred_processes_its_ten_of_a_thousand(night, tmp_path):
    for replica in (1, 37, 100):
        done = run(replica, 100, night, tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"Container {replica} of 100 processing 10 items: first ")

    results = json.loads((tmp_path / "container_37_results.json").read_text())
    assert results[0] == {"file": "exposure_0360.fits", "OBJECT": "Barnard's 360", "EXPTIME": "30.0"}
    assert [result["file"][9:13] for result in results] == [f"{number:04d}" for number in range(360, 370)]
    with pytest.raises(distributed.CombineError, match="replicas 2-36, 38-99: missing"):
        distributed.combine(tmp_path, tmp_path / "final.json")


def test_a_pattern_names_the_files(night, tmp_path):
    done = run(1, 2, f"{night}/exposure_000[0-3].fits", tmp_path)

    assert done.stdout.splitlines()[-1] == "2 files processed, 0 failed"


@pytest.mark.parametrize(("content", "named"), [(b"x" * 2880, "not a FITS file"), (fits_file(1)[:100], "is cut")])
def test_a_bad_file_is_named_and_the_others_are_saved(tmp_path, content, named):
    for number in range(3):
        (tmp_path / f"{number}.fits").write_bytes(fits_file(number))
    (tmp_path / "1.fits").write_bytes(content)

    done = run(1, 1, tmp_path, tmp_path / "out")

    assert done.returncode == 1
    assert f"1.fits: {named}" in done.stderr.replace("the header has no end: the file ", "")
    results = json.loads((tmp_path / "out" / "container_1_results.json").read_text())
    assert ["error" in result for result in results] == [False, True, False]


def test_no_files_is_an_error(tmp_path):
    done = run(1, 1, tmp_path, tmp_path / "out")
    assert (done.returncode, done.stderr) == (1, f"no FITS files in {tmp_path}\n")
