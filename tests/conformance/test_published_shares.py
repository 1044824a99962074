"""What `split --helper canfar` shows is what the published client deals."""

from __future__ import annotations

import json

import pytest

from skaha_apply.model.shares import Helper
from skaha_apply.planning.summary.share_preview import part_of

PAIRS = [(items, replicas) for items in range(41) for replicas in range(1, 14)]
PAIRS += [(1099, 100), (1000, 7), (99, 100), (100, 100), (101, 100), (199, 100)]

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]


@pytest.mark.parametrize("strategy", ["chunk", "stripe"])
def test_shares_are_those_of_the_published_client(client, strategy):
    split = client("canfar").drive("deal.py", Helper.CANFAR.module, json.dumps(PAIRS))
    for (items, replicas), theirs in zip(PAIRS, split, strict=True):
        places = range(items)
        ours = [
            list(places[part_of(items, replica, replicas, strategy, Helper.CANFAR)])
            for replica in range(1, replicas + 1)
        ]
        assert ours == theirs[strategy], (items, replicas)
