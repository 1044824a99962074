"""Every block of docs/python.md runs, as a reader runs it: one after the other in a notebook."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
MANIFEST = """\
version: 1
project: fits-processing
sessions:
  - {name: fits-processing, image: "images.canfar.net/skaha/astroml:24.07", replicas: 3, cmd: echo, args: [done]}
"""


def test_each_block_of_the_page_runs_in_a_notebook(notebook, folder):
    (folder / "manifests").mkdir()
    (folder / "manifests" / "fits-processing.yaml").write_text(MANIFEST, encoding="utf-8")
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) > 5
    shown = []
    for block in blocks:
        cell = notebook.run(block)
        assert cell.error is None, f"{block}\n{cell.text}"
        assert not cell.streams["stderr"], cell.text
        shown.append(cell.text)
    assert "3 created. Replicas: 3 done." in shown[0]
    assert "3 done" in shown[1]
    assert "hint: " in shown[-1]


def test_the_page_names_the_whole_api():
    import skaha_apply  # noqa: PLC0415 - the other test runs in another process

    page = PAGE.read_text(encoding="utf-8")
    methods = [name for name in dir(skaha_apply.SyncSkaha) if not name.startswith("_") and name != "run"]
    values = {"Project", "Settings", "SyncSkaha", "Skaha", "__version__"}
    missing = [name for name in [*methods, *sorted(set(skaha_apply.__all__) - values)] if f"{name}" not in page]
    assert not missing
