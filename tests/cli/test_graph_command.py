"""`graph` prints the entries of manifests: without a server, for broken manifests too, and with hostile names inert."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

MANIFEST = """\
version: 1
project: survey
defaults: {image: images.canfar.net/skaha/astroml:24.07, cmd: run}
sessions:
  - {name: prepare, replicas: 8}
  - {name: "tile-${tile}", matrix: {tile: [t001, t002, t003]}, needs: [prepare]}
  - {name: "mosaic-${tile}", matrix: {tile: [t001, t002, t003]}, needs: ["tile-${tile}"]}
  - {name: catalog, needs: [{name: "mosaic-${tile}", require: 95%}, "tile-${tile}"]}
  - {name: report, needs: [{name: catalog, require: ended}]}
"""
TEXT = """\
survey: 5 entries, 16 replicas
1  prepare         8 replicas
2  tile-${tile}    3 replicas  needs prepare (all)
3  mosaic-${tile}  3 replicas  needs tile-${tile} (tile by tile)
4  catalog          1 replica  needs mosaic-${tile} (all, 95 %)
                               needs tile-${tile} (all)
5  report           1 replica  needs catalog (all ended)
"""
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def graph(command):
    """Run `graph` where no server responds."""
    command.environment |= {"SKAHA_URL": "http://127.0.0.1:1/skaha"}

    def run(*arguments, manifest=MANIFEST):
        command.manifest(manifest)
        return command("graph", *arguments)

    return run


def texts(svg):
    return ["".join(one.itertext()) for one in ET.fromstring(svg).iter(f"{SVG}text")]


def test_the_text_names_each_entry_after_its_dependencies(graph):
    made = graph()
    assert (made.returncode, made.stdout, made.stderr) == (0, TEXT, "")


def test_mermaid_has_the_same_edges_with_every_sign_of_a_name_as_an_entity(graph):
    lines = graph("-o", "mermaid").stdout.splitlines()
    assert lines[:2] == ["flowchart LR", '  e1["prepare<br/>8 replicas"]']
    assert '  e2["tile-#36;#123;tile#125;<br/>3 replicas"]' in lines
    assert [line.split() for line in lines if "--" in line][1] == ["e2", "--", '"tile', "by", 'tile"', "-->", "e3"]


def test_the_svg_has_every_box_and_label_and_no_edge_crosses_a_box(graph):
    svg = graph("-o", "svg").stdout
    drawn = texts(svg)
    assert {"prepare", "tile-${tile}", "tile by tile", "all, 95 %", "all ended", "8 replicas"} <= set(drawn)
    root = ET.fromstring(svg)
    boxes = [[float(one.get(name)) for name in ("x", "y", "width", "height")] for one in root.iter(f"{SVG}rect")
             if one.get("class") == "box"]  # fmt: skip
    assert len(boxes) == 5
    # A straight part of an edge leads through a layer: it is above or below every box that it passes.
    for path in root.iter(f"{SVG}path"):
        for start, y, end in re.findall(r"(\d+),(\d+) H(\d+)", path.get("d")):
            passed = [box for box in boxes if box[0] < float(end) and box[0] + box[2] > float(start)]
            assert passed
            assert all(not box[1] <= float(y) <= box[1] + box[3] for box in passed)


def test_a_dependency_of_one_combination_is_an_edge(graph):
    include = "matrix: {tile: [t1, t2], include: [{tile: t2, needs: [{name: Catalog, require: 95%}]}]}"
    made = graph(manifest=MANIFEST + '  - {name: "last-${tile}", ' + include + "}\n")
    line = next(line for line in made.stdout.splitlines() if "last-" in line)
    assert " ".join(line.split()) == "5 last-${tile} 2 replicas needs catalog (all, 95 %, some combinations)"


def test_a_manifest_that_plan_refuses_has_a_graph(graph):
    made = graph(
        manifest=MANIFEST + "  - {name: a, needs: [b, nowhere]}\n  - {name: b, needs: [a]}\n  - {name: c, rama: 2}\n"
        "  - {name: d, needs: [a]}\n"
    )
    assert made.returncode == 0
    assert made.stdout.splitlines()[-2:] == [
        "no order exists for a, b, d: needs run in a circle, or lead to one",
        "a needs nowhere, which is not in the manifest",
    ]
    assert "warning: the manifests have 1 error; entries with an error are left out" in made.stderr
    assert ET.fromstring(graph("-o", "svg", manifest=MANIFEST + "  - {name: a, needs: [a]}\n").stdout) is not None


def test_several_projects_are_drawn_below_each_other_and_one_can_be_chosen(graph, command):
    command.manifest(MANIFEST.replace("survey", "other"), "n.yaml")
    assert [line for line in graph().stdout.splitlines() if "entries" in line] == [
        "survey: 5 entries, 16 replicas",
        "other: 5 entries, 16 replicas",
    ]
    assert graph("-o", "mermaid").stdout.count("subgraph") == 2
    assert len(re.findall('class="project"', graph("-o", "svg").stdout)) == 2
    assert graph("--project", "other").stdout.startswith("other: ")
    assert graph("--project", "none").returncode == 4


@pytest.mark.parametrize("form", ["text", "mermaid", "svg"])
def test_hostile_names_stay_texts(graph, form):
    name = r"""</text><script>alert(1)</script>\"]; click e1 \u202e\e[31m&#x3c;"""
    made = graph("-o", form, manifest=f'{MANIFEST}  - {{name: "{name}", needs: [prepare], image: "a/b/c:1"}}\n')
    assert made.returncode == 0, made.stderr
    assert "\x1b" not in made.stdout
    assert "\u202e" not in made.stdout
    if form == "svg":
        assert "<script" not in made.stdout
        assert any(text.startswith("</text><script>") for text in texts(made.stdout))
    if form == "mermaid":
        assert "script>" not in made.stdout
        assert all(line.count('"') in (0, 2) for line in made.stdout.splitlines())
