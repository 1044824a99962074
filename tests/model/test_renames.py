from __future__ import annotations

import pytest

from skaha_apply.model.errors import UsageError
from skaha_apply.model.names.renames import with_matrix_renamed, with_session_renamed
from skaha_apply.model.project import Project
from skaha_apply.model.session import Phase
from skaha_apply.model.spec import SessionSpec
from skaha_apply.model.state import Intent, ReplicaRecord, StateDocument
from skaha_apply.planning.replicas import expand

IMAGE = "images.canfar.net/skaha/astroml:24.07"


def matrix(group, names, axis="tile", **more):
    """One spec a combination; `names` by value."""
    return [
        SessionSpec(name=name, image=IMAGE, cmd="run", args=(value,), group=group, values={axis: value}, **more)
        for value, name in names.items()
    ]


def document(specs):
    """A state in which everything is done, with an intent for the first."""
    made = expand(Project(name="survey", sessions=tuple(specs)))
    entries = [
        {"session": one.spec.key, "replica": 1, "name": one.name, "spec": one.name, "work": one.work, "run": one.run}
        for one in made
    ]
    return StateDocument(
        lineage="l",
        project="survey",
        server="s",
        specs={one.name: one.spec for one in made},
        replicas=tuple(ReplicaRecord(**entry, phase=Phase.DONE) for entry in entries),
        intents=(Intent(**entries[0], at=1.0),),
    )


TILES = matrix("tile-${tile}", {"T1": "tile-t1", "270+280": "tile-270p280"})
SUM = SessionSpec(name="sum", image=IMAGE, cmd="sum", needs=("Tile-${tile}",), require={"Tile-${tile}": 0.5})


def test_a_matrix_is_renamed_with_all_that_names_it():
    renamed = with_matrix_renamed(document([*TILES, SUM]), "tile-${tile}", "field-${tile}-r")
    assert [one.session for one in renamed.replicas] == ["field-t1-r", "field-270p280-r", "sum"]
    assert renamed.intents[0].session == "field-t1-r"
    assert {(spec.name, spec.group) for spec in renamed.specs.values()} == {
        ("field-t1-r", "field-${tile}-r"), ("field-270p280-r", "field-${tile}-r"), ("sum", ""),
    }  # fmt: skip
    (needing,) = [spec for spec in renamed.specs.values() if spec.needs]
    assert needing.needs == ("field-${tile}-r",)
    assert needing.require == {"field-${tile}-r": 0.5}


def test_what_is_renamed_in_the_manifest_too_has_the_same_digests():
    renamed = with_matrix_renamed(document([*TILES, SUM]), "tile-${tile}", "field-${tile}")
    fields = matrix("field-${tile}", {"T1": "field-t1", "270+280": "field-270p280"})
    needing = SUM.model_copy(update={"needs": ("field-${tile}",), "require": {"field-${tile}": 0.5}})
    wanted = expand(Project(name="survey", sessions=(*fields, needing)))
    assert {one.key: one.work for one in wanted} == {one.key: one.work for one in renamed.replicas}


def test_variables_in_a_name_keep_their_value():
    specs = matrix("m-${var.night}-${tile}", {"T1": "m-2026-11-22-t1", "T2": "m-2026-11-22-t2"})
    renamed = with_matrix_renamed(document(specs), "m-${var.night}-${tile}", "map-${slug.tile}-${var.night}")
    assert [one.session for one in renamed.replicas] == ["map-t1-2026-11-22", "map-t2-2026-11-22"]


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("field", "two combinations would have the name 'field'"),
        ("field-${field}", "has no value 'field'"),
        ("${tile}", "has a session 't1' already"),
    ],
)
def test_what_cannot_be_a_name_is_refused(new, said):
    other = SessionSpec(name="t1", image=IMAGE)
    with pytest.raises(UsageError, match=said):
        with_matrix_renamed(document([*TILES, other]), "tile-${tile}", new)


def test_one_combination_stays_in_its_matrix():
    renamed = with_session_renamed(document(TILES), "tile-t1", "tile-t1b")
    assert {(spec.name, spec.group) for spec in renamed.specs.values()} == {
        ("tile-t1b", "tile-${tile}"), ("tile-270p280", "tile-${tile}"),
    }  # fmt: skip


def test_session_is_renamed_with_the_needs_of_its_dependents():
    one = SessionSpec(name="Reduce", image=IMAGE)
    needing = SessionSpec(name="sum", image=IMAGE, needs=("reduce",))
    renamed = with_session_renamed(document([one, needing]), "reduce", "Clean")
    assert [each.session for each in renamed.replicas] == ["clean", "sum"]
    assert {spec.name: spec.needs for spec in renamed.specs.values()} == {"Clean": (), "sum": ("Clean",)}
    with pytest.raises(UsageError, match="has a session 'sum' already"):
        with_session_renamed(renamed, "clean", "sum")
