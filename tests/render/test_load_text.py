from __future__ import annotations

import pytest

from skaha_apply.model.shares import LoadUnit
from skaha_apply.render.shares.table import load_text


@pytest.mark.parametrize(
    ("load", "unit", "text"),
    [
        (0, LoadUnit.BYTES, "0 B"),
        (999, LoadUnit.BYTES, "999 B"),
        (1000, LoadUnit.BYTES, "1 kB"),
        (999_499, LoadUnit.BYTES, "999 kB"),
        (999_999, LoadUnit.BYTES, "1 MB"),
        (1_854_000, LoadUnit.BYTES, "1.85 MB"),
        (36.54e9, LoadUnit.BYTES, "36.5 GB"),
        (5e21, LoadUnit.BYTES, "5000 EB"),
        (1, LoadUnit.ITEMS, "1 item"),
        (123_456, LoadUnit.ITEMS, "123456 items"),
        (10.99, LoadUnit.ITEMS, "10.99 items"),
        (0.125, LoadUnit.WEIGHT, "0.125"),
        (12345.6, LoadUnit.WEIGHT, "12346"),
    ],
)
def test_a_load_has_few_digits_and_its_unit(load, unit, text):
    assert load_text(load, unit) == text
