"""Tables that astropy writes as ECSV are read as astropy reads them, without astropy."""

from __future__ import annotations

import io

import pytest

from skaha_apply.manifest.expansion.list_files import ListFile
from skaha_apply.manifest.expansion.tables import read_table

table = pytest.importorskip("astropy.table")


@pytest.mark.parametrize("mark", [" ", ","])
def test_a_table_of_astropy_arrives_as_text(mark):
    columns = {
        "tile": ["a b", "c,d", 'e"f', "", "g'h"],
        "ram": [4, 8, 16, 32, 64],
        "ra": [270.28, 1e-5, 0.5, 1, 2],
        "flag": [True, False, True, True, False],
        "note": ["#x", "", "y", "x\ty", "é"],
    }
    written = io.StringIO()
    made = table.Table(columns)
    made["ra"].unit = "deg"
    made.meta["survey"] = {"nights": [1, 2]}
    made.write(written, format="ascii.ecsv", delimiter=mark)
    read = read_table(ListFile("fields.ecsv", written.getvalue()), 100)
    assert read.columns == tuple(columns)
    back = table.Table.read(written.getvalue(), format="ascii.ecsv").filled("")
    assert [cells[:1] + cells[3:] for _, cells in read.rows] == [
        (str(row["tile"]), str(row["flag"]), str(row["note"])) for row in back
    ]
    assert [cells[1] for _, cells in read.rows] == ["4", "8", "16", "32", "64"]
    assert [cells[2] for _, cells in read.rows] == ["270.28", "1e-05", "0.5", "1.0", "2.0"]
