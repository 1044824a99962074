"""A notebook of each file: one kernel in a folder of its own, which uses the shared sandbox."""

from __future__ import annotations

import os

import pytest
from notebook_kernel import NotebookKernel

START = """\
import skaha_apply
IMAGE = "images.canfar.net/skaha/astroml:24.07"

def survey(name, replicas, *words):
    session = skaha_apply.Session(name=name, image=IMAGE, replicas=replicas, cmd=words[0], args=words[1:])
    return skaha_apply.define(name, session)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="module")
def kernel(folder, _shared_sandbox):
    """A kernel in which the package is imported."""
    for missing in ("ipykernel", "jupyter_client"):
        pytest.importorskip(missing, reason="the tests of notebooks need ipykernel and jupyter_client")
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
    surroundings = {"HOME": str(folder), "SKAHA_URL": _shared_sandbox.url, "SKAHA_TOKEN": _shared_sandbox.token}
    started = NotebookKernel(folder, {**kept, **surroundings})
    started.run(START)
    yield started
    started.close()


@pytest.fixture
def notebook(kernel, folder, sandbox):
    """The kernel, with the shared sandbox empty, whose sessions work in the folder of the notebook."""
    sandbox.settings(workdir=str(folder))
    return kernel
