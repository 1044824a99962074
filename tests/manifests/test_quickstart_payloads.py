import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from astropy.io import fits
from astropy.wcs import WCS
from prepared_process import PreparedProcess

SCRIPTS = Path(__file__).parents[2] / "manifests" / "quickstart"
REPLICAS = 10


LIBRARIES = ("numpy", "sep", "astropy.io.fits", "astropy.wcs", "skaha_apply.distributed")


PREPARED = []


@pytest.fixture(scope="session", autouse=True)
def _prepared():
    """The scripts run as forks of a process that has imported their libraries."""
    PREPARED.append(PreparedProcess(LIBRARIES))
    yield
    PREPARED.pop().close()


def start(script, folder, **environment):
    # astropy leaves the file open when a header makes it raise, which is not what is tested here
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "warn": ["error", "ignore::ResourceWarning"]}
    inherited = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    return PREPARED[0].start(
        ["--folder", folder], script=SCRIPTS / script, cwd=folder, env=inherited | environment, **given
    )


def finish(process):
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    return process.returncode, out, err


def run(script, folder, **environment):
    return finish(start(script, folder, **environment))


def find(folder, replicas, total=REPLICAS, name="run-a"):
    processes = [
        start("find_sources.py", folder, REPLICA_ID=str(replica), REPLICA_COUNT=str(total), SKAHA_APPLY_RUN=name)
        for replica in replicas
    ]
    return [finish(process) for process in processes]


@pytest.fixture(scope="session")
def observed(tmp_path_factory):
    """Give a folder with the images and the truth; not to be changed."""
    folder = tmp_path_factory.mktemp("observed")
    code, out, err = run("make_images.py", folder)
    assert (code, err) == (0, "")
    assert out.startswith("240 images with ")
    return folder


@pytest.fixture(scope="session")
def found(observed, tmp_path_factory):
    """Give a folder in which also all ten replicas have run; not to be changed."""
    folder = tmp_path_factory.mktemp("found")
    shutil.copytree(observed, folder, dirs_exist_ok=True)
    for code, out, err in find(folder, range(1, REPLICAS + 1)):
        assert (code, err) == (0, "")
        assert "processing 24 items" in out
    return folder


@pytest.fixture
def copied(found, tmp_path):
    """A copy of the images that a test can change."""
    return shutil.copytree(found, tmp_path / "copied")


def state_of(folder):
    paths = [folder / "truth.json", *sorted((folder / "images").iterdir())]
    return [(path.name, path.stat().st_mtime_ns, path.read_bytes()) for path in paths]


def test_the_images_have_real_headers(observed):
    truth = json.loads((observed / "truth.json").read_text())
    assert len(truth["sources"]) == 240
    assert truth["total"] == sum(truth["sources"].values()) > 1000

    objects = set()
    for name in list(truth["sources"])[::25]:
        with fits.open(observed / "images" / name) as units:
            units.verify("exception")
            header = units[0].header
            assert units[0].data.dtype.kind == "i"
            assert header["BITPIX"] == 16
            assert {"DATE-OBS", "EXPTIME", "FILTER", "GAIN", "AIRMASS"} <= set(header)
            sky = WCS(header)
            ra, dec = sky.all_pix2world(header["CRPIX1"], header["CRPIX2"], 1)
            assert (ra, dec) == pytest.approx((header["CRVAL1"], header["CRVAL2"]))
            assert sky.proj_plane_pixel_scales()[0].to_value("arcsec") == pytest.approx(0.6)
            objects.add(header["OBJECT"])
    assert len(objects) > 1


def test_made_again_nothing_is_touched(observed):
    before = state_of(observed)
    assert run("make_images.py", observed)[0] == 0
    assert state_of(observed) == before


@pytest.mark.parametrize("spoil", ["missing", "cut", "changed", "truth"])
def test_what_is_spoilt_is_made_again_the_same(observed, tmp_path, spoil):
    folder = shutil.copytree(observed, tmp_path / "copy")
    image = folder / "images" / "image_017.fits"
    if spoil == "missing":
        image.unlink()
    elif spoil == "cut":
        image.write_bytes(image.read_bytes()[:5000])
    elif spoil == "changed":
        image.write_bytes(image.read_bytes().replace(b"NGC", b"IC "))
        (folder / "images" / "image_001.fits").write_bytes(b"")
    else:
        (folder / "truth.json").write_text('{"recipe": ')

    assert run("make_images.py", folder)[0] == 0

    assert [entry[::2] for entry in state_of(folder)] == [entry[::2] for entry in state_of(observed)]


def test_two_at_once_and_one_killed_leave_all_images(observed, tmp_path):
    first, killed = (start("make_images.py", tmp_path) for _ in range(2))
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("images/*.fits")) and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.kill()
    killed.communicate(timeout=60)
    assert finish(first)[0] == 0

    assert run("make_images.py", tmp_path)[0] == 0
    for path in sorted((observed / "images").glob("*.fits")):
        assert (tmp_path / "images" / path.name).read_bytes() == path.read_bytes()


def test_ten_replicas_find_exactly_the_truth(copied):
    truth = json.loads((copied / "truth.json").read_text())

    code, out, err = run("merge.py", copied)

    assert (code, err) == (0, "")
    results = json.loads((copied / "results" / "final_results.json").read_text())
    assert {result["image"]: len(result["sources"]) for result in results} == truth["sources"]
    assert [result["image"] for result in results] == sorted(truth["sources"])
    assert f"{truth['total']} sources in 240 images, from 10 replicas" in out


def test_a_replica_that_never_ran_is_named(copied):
    for path in (copied / "results").glob("container_4[._]*"):
        path.unlink()

    code, _, err = run("merge.py", copied)

    assert code == 1
    assert "replica 4: missing: nothing saved" in err
    assert not (copied / "results" / "final_results.json").exists()


def test_a_replica_that_saw_another_list_is_named(copied):
    (copied / "images" / "image_100.fits").unlink()
    assert find(copied, [7])[0][0] == 0

    code, _, err = run("merge.py", copied)

    assert code == 1
    assert "replica 7: saw another list: 239 items" in err


def test_an_image_that_nobody_saw_is_named(copied):
    path = copied / "truth.json"
    truth = json.loads(path.read_text())
    truth["sources"]["image_241.fits"] = 3
    truth["sources"]["image_005.fits"] += 1
    path.write_text(json.dumps(truth))

    code, _, err = run("merge.py", copied)

    assert code == 1
    assert [line.split(":")[0] for line in err.splitlines()] == ["image_005.fits", "image_241.fits"]


def test_results_of_an_earlier_run_with_more_replicas_are_left_aside(copied):
    assert [code for code, _, _ in find(copied, [1, 2], total=2, name="run-b")] == [0, 0]

    code, out, err = run("merge.py", copied)

    assert (code, err) == (0, "")
    assert "from 2 replicas" in out


def test_a_cut_image_fails_the_replica_by_name(copied):
    image = copied / "images" / "image_001.fits"
    image.write_bytes(image.read_bytes()[:4000])

    code, _, err = find(copied, [1])[0]

    assert code == 1
    assert "image_001.fits" in err


def test_without_images_the_message_names_the_next_step(tmp_path):
    code, _, err = find(tmp_path, [1])[0]

    assert code == 1
    assert "run make_images.py first" in err


def test_merging_needs_nothing_but_the_checkout(copied):
    done = subprocess.run(
        [
            sys.executable,
            "-S",
            "-E",
            SCRIPTS / "merge.py",
            "--folder",
            copied,
        ],  # no site-packages
        capture_output=True,
        text=True,
        timeout=60,
        cwd=copied,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
