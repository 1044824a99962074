"""No process of these tests is a replica until a test makes it one."""

import pytest

from skaha_apply import distributed

VARIABLES = ("REPLICA_ID", "REPLICA_COUNT", "SKAHA_APPLY_RUN", "SKAHA_APPLY_PROJECT", "SKAHA_APPLY_ATTEMPT")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(distributed, "_shares", {})


@pytest.fixture
def become(monkeypatch):
    """Make this process replica `replica` of `total`, in run `run`."""

    def change(replica, total, run="run-a", attempt=1):
        monkeypatch.setenv("REPLICA_ID", str(replica))
        monkeypatch.setenv("REPLICA_COUNT", str(total))
        monkeypatch.setenv("SKAHA_APPLY_RUN", run)
        monkeypatch.setenv("SKAHA_APPLY_ATTEMPT", str(attempt))

    return change


@pytest.fixture
def run_all(become, tmp_path):
    """Let every replica of a run take its share of the items and save `result(share)`; return the folder."""

    def run(items, total, *, deal=distributed.chunk, result=list, run="run-a", skip=(), folder=tmp_path / "results"):
        for replica in range(1, total + 1):
            if replica not in skip:
                become(replica, total, run)
                distributed.save(result(deal(items)), folder)
        return folder

    return run
