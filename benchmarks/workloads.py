"""The inputs of the benchmarks: manifests as people write them, and the same number of things for other programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.fake_server import IMAGE

if TYPE_CHECKING:
    from pathlib import Path

_SESSIONS_HEAD = f"""\
version: 1
project: tiles
defaults:
  image: {IMAGE}
  cores: 2
  ram: 8
sessions:
"""
_SESSION = """\
  - name: tile-{number:04}
    cores: {cores}
    ram: 16
    cmd: python
    args: [/arc/projects/survey/reduce.py, --tile, "{number:04}", --band, r, --out, /arc/projects/tiles/{number:04}]
    env: {{FIELD: "{number:04}", BAND: r}}  # seeing {number} of the night
"""
_REPLICAS = """\
version: 1
project: {name}
sessions:
  - name: {name}
    replicas: {replicas}
    image: {image}
    cores: 1
    ram: 2
    retries: 2
    cmd: python
    args: [reduce.py, --part, "${{replica.id}}"]
"""
_MATRIX = f"""\
version: 1
project: combinations
sessions:
  - name: tile-${{tile}}
    matrix: {{tile: {{file: tiles.txt}}}}
    image: {IMAGE}
    cores: 1
    ram: 2
    retries: 2
    cmd: python
    args: [reduce.py, --tile, "${{tile}}"]
"""
_ZONES = """\
providers:
  wanted: {class: octodns.provider.yaml.YamlProvider, directory: wanted, default_ttl: 300, enforce_order: false}
  live: {class: octodns.provider.yaml.YamlProvider, directory: live, default_ttl: 300, enforce_order: false}
zones:
  example.com.: {sources: [wanted], targets: [live]}
"""
_TERRAFORM = """\
resource "terraform_data" "tile" {{
  count = {count}
  input = count.index
}}
"""


def write_sessions(file: Path, sessions: int) -> Path:
    """Write a manifest in which each session has resources, arguments, variables and a comment of its own."""
    entries = (_SESSION.format(number=number, cores=1 + number % 8) for number in range(sessions))
    file.write_text(_SESSIONS_HEAD + "".join(entries), encoding="utf-8")
    return file


def write_replicas(file: Path, name: str, replicas: int) -> Path:
    """Write a manifest with one session in many replicas."""
    file.write_text(_REPLICAS.format(name=name, replicas=replicas, image=IMAGE), encoding="utf-8")
    return file


def write_matrix(file: Path, combinations: int) -> Path:
    """Write a manifest with one session for each line of a list."""
    (file.parent / "tiles.txt").write_text(
        "".join(f"{number:06}\n" for number in range(combinations)), encoding="utf-8"
    )
    file.write_text(_MATRIX, encoding="utf-8")
    return file


def write_zones(folder: Path, records: int) -> Path:
    """Write the configuration of octodns-sync, with equal records in its source and its target."""
    lines = (f"tile-{n:06}: {{type: A, value: 10.{n >> 16}.{n >> 8 & 255}.{n & 255}}}\n" for n in range(records))
    text = "---\n" + "".join(lines)
    for side in ("wanted", "live"):
        (folder / side).mkdir(parents=True, exist_ok=True)
        (folder / side / "example.com.yaml").write_text(text, encoding="utf-8")
    (folder / "config.yaml").write_text(_ZONES, encoding="utf-8")
    return folder / "config.yaml"


def write_terraform(folder: Path, count: int) -> None:
    """Write a configuration of Terraform and the state after its apply, which alone would take many minutes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.tf").write_text(_TERRAFORM.format(count=count), encoding="utf-8")
    instances = [
        {
            "index_key": index,
            "schema_version": 0,
            "attributes": {
                "id": f"00000000-0000-4000-8000-{index:012}",
                "input": {"value": index, "type": "number"},
                "output": {"value": index, "type": "number"},
                "triggers_replace": None,
            },
        }
        for index in range(count)
    ]
    resource = {
        "mode": "managed", "type": "terraform_data", "name": "tile",
        "provider": 'provider["terraform.io/builtin/terraform"]', "instances": instances,
    }  # fmt: skip
    state = {
        "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "00000000-0000-4000-8000-000000000000",
        "outputs": {}, "resources": [resource], "check_results": None,
    }  # fmt: skip
    (folder / "terraform.tfstate").write_text(json.dumps(state), encoding="utf-8")
