"""Nobody but the user reads states, locks and logs, whatever the umask; rights for a group are kept."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from skaha_apply.state.local.durable import open_private
from skaha_apply.state.local.store import LocalStore
from skaha_apply.state.paths import make_folder
from skaha_apply.state.remote.rescue import RescueFile
from skaha_apply.state.saved_logs import SavedLogs


@pytest.fixture(params=[0o000, 0o022, 0o277])
def umask(request):
    before = os.umask(request.param)
    yield
    os.umask(before)


def write_everything(folder, document):
    async def put():
        store = LocalStore(folder / "survey.state.json")
        await store.acquire("apply", 0)
        await store.read()
        await store.write(document)
        await store.release()

    asyncio.run(put())
    SavedLogs(folder / "logs" / "survey").save("tile", "1-abc", "text", "events")
    RescueFile(folder / "survey.state.rescue.json").write(b"{}")


def modes(folder):
    return {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*")) if path.is_dir()}, {
        stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.usefixtures("umask")
def test_folders_and_files_are_private(tmp_path, make_document):
    write_everything(tmp_path / ".skaha-apply" / "a.org", make_document(1))
    assert modes(tmp_path / ".skaha-apply") == ({0o700}, {0o600})


def test_what_everybody_could_read_is_closed(tmp_path, make_document):
    folder = tmp_path / ".skaha-apply" / "a.org"
    write_everything(folder, make_document(1))
    for path in (folder.parent, *folder.parent.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (folder.parent / ".gitignore").chmod(0o600)
    write_everything(folder, make_document(2))
    assert modes(folder.parent) == ({0o700}, {0o600})


def test_rights_for_a_group_are_kept(tmp_path, make_document):
    folder = tmp_path / ".skaha-apply" / "a.org"
    write_everything(folder, make_document(1))
    for path in (folder.parent, folder):
        path.chmod(0o770)
    (folder / "survey.state.json").chmod(0o660)
    make_folder(folder)
    write_everything(folder, make_document(2))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o770
    assert stat.S_IMODE((folder / "survey.state.json").stat().st_mode) == 0o660


def test_a_device_keeps_its_rights():
    device = Path(os.devnull)
    before = device.stat().st_mode
    os.close(open_private(device, os.O_WRONLY))
    assert device.stat().st_mode == before
