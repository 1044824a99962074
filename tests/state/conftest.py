"""States to store: small ones, and a writer that grows."""

from __future__ import annotations

import pytest

from skaha_apply.model.session import Phase
from skaha_apply.model.spec import SessionSpec
from skaha_apply.model.state import ReplicaRecord, StateDocument

LINEAGE = "0d7f6f2e-4a0b-4f5e-9a44-0c5d3b1f9a10"


def document(serial: int = 1, replicas: int = 3, **changes) -> StateDocument:
    spec = SessionSpec(name="reduce", image="images.canfar.net/skaha/astroml:24.07", replicas=max(replicas, 1))
    records = tuple(
        ReplicaRecord(
            session="reduce",
            replica=replica,
            name=f"reduce-{replica}",
            spec="s1",
            work="sha256:" + "a" * 64,
            run="sha256:" + "b" * 64,
            phase=Phase.RUNNING,
            id=f"id{replica:06d}",
            accepted=1_700_000_000.125,
        )
        for replica in range(1, replicas + 1)
    )
    given = {"lineage": LINEAGE, "project": "survey", "server": "ws-uv.canfar.net/skaha/v1"} | changes
    return StateDocument(serial=serial, specs={"s1": spec}, replicas=records, **given)


@pytest.fixture
def make_document():
    return document
