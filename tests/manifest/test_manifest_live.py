"""Any list of sessions becomes a manifest that loads, lints without errors, and whose entries each adopt a session."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skaha_apply.lint import check
from skaha_apply.manifest import Remarks, dump, formatted, load
from skaha_apply.manifest.generate.from_sessions import SessionFilter, entries
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.session import Kind, Listing, LiveSession, Phase
from skaha_apply.planning.working_state import resembles

IMAGE = "images.canfar.net/skaha/astroml:24.07"


def listing(*sessions):
    """A list of sessions, given as (name, fields that differ); ids are counted."""
    made = []
    for index, one in enumerate(sessions):
        name, more = (one, {}) if isinstance(one, str) else one
        fields = {"kind": "headless", "status": "Running", "image": IMAGE, "cores": 2, "ram": 8, **more}
        made.append(LiveSession(id=f"id{index}", name=name, **fields))
    return Listing(tuple(made), 0.0, 0.0)


def exported(sessions, **wanted):
    """Name and replicas of each entry."""
    return [(spec.name, spec.replicas) for spec in entries(listing(*sessions), SessionFilter(**wanted)).sessions]


@pytest.mark.parametrize(
    ("sessions", "found"),
    [
        (["t-2", "t-1", "t-3"], [("t", 3)]),
        ([f"t-{number}" for number in range(12, 0, -1)], [("t", 12)]),
        (["t-1"], [("t-1", 1)]),  # the number may be part of its name
        (["t-1", "t-3"], [("t-1", 1), ("t-3", 1)]),
        (["t-2", "t-10", "t-9"], [("t-2", 1), ("t-9", 1), ("t-10", 1)]),
        (["t-0", "t-1"], [("t-0", 1), ("t-1", 1)]),
        (["t-01", "t-02"], [("t-01", 1), ("t-02", 1)]),
        (["t--1", "t--2"], [("t--1", 1), ("t--2", 1)]),  # `t-` is not a name
        (["t", "t-1", "t-2"], [("t", 1), ("t-1", 1), ("t-2", 1)]),  # no two entries may have the same name
        (["t-1", ("t-2", {"ram": 4})], [("t-1", 1), ("t-2", 1)]),
        (["t-1", ("t-2", {"gpus": 1})], [("t-1", 1), ("t-2", 1)]),
        (["t-1", ("t-2", {"image": "images.canfar.net/skaha/astroml:24.08"})], [("t-1", 1), ("t-2", 1)]),
        (["t-1", ("t-2", {"kind": "notebook"})], [("t-1", 1), ("t-2", 1)]),
        (["t-1", ("t-2", {"status": "Completed"})], [("t-1", 1)]),
        (["t-1", "t-2", ("t-3", {"status": "Completed"})], [("t-1", 1), ("t-2", 1)]),  # there were three
        (["t-1", "t-2", ("t-2", {"status": "Failed"})], [("t", 2)]),
        (["t-1", "t-2", "t-2"], [("t-1", 1)]),
        ([("t-1", {"kind": "desktop"}), ("t-2", {"kind": "desktop"})], [("t-1", 1), ("t-2", 1)]),
        ([("t-1", {"kind": "carta"}), ("t-2", {"kind": "carta"})], [("t", 2)]),
        (["a-1-1", "a-1-2", "a-2-1"], [("a-1", 2), ("a-2-1", 1)]),
    ],
)
def test_which_sessions_are_replicas_of_one(sessions, found):
    assert exported(sessions) == found


def test_with_the_ended_ones_a_series_is_whole_again():
    sessions = ["t-1", "t-2", ("t-3", {"status": "Completed"})]
    assert exported(sessions, over=True) == [("t", 3)]
    found = entries(listing(*sessions), SessionFilter(over=True))
    assert found.remarks == {"t": ["t-3: completed; `--adopt=ended` records it as done."]}
    assert found.ids == {"t": ["id0", "id1", "id2"]}


@pytest.mark.parametrize(("most", "said"), [(512, True), (513, False)])
def test_high_numbers_are_parts_of_names(most, said):
    found = entries(listing("ngc-7", f"ngc-{most}"), SessionFilter())
    assert bool(found.remarks) == said


@pytest.mark.parametrize(
    ("kind", "cores", "ram", "kept"),
    [
        ("headless", 2.5, 8, (2.5, 8)),
        ("headless", None, None, (None, None)),  # flexible
        ("headless", 0.5, 8, (None, None)),
        ("desktop", 0.25, 1, (None, None)),
        ("firefly", 0.1, 4, (None, None)),
        ("notebook", 1, 4, (1, 4)),
    ],
)
def test_resources_are_written_where_they_can_be_asked_for(kind, cores, ram, kept):
    found = entries(listing(("x", {"kind": kind, "cores": cores, "ram": ram})), SessionFilter())
    (spec,) = found.sessions
    assert (spec.cores, spec.ram) == kept
    assert bool(found.remarks) == (cores == 0.5)


def test_zero_gpus_write_no_key():
    specs = entries(listing(("x", {"gpus": 0}), ("y", {"gpus": 2})), SessionFilter()).sessions
    assert [spec.gpus for spec in specs] == [None, 2]


NAMES = st.from_regex(r"[a-c](-[a-c0-9])?(-[0-9]{1,2})?", fullmatch=True) | st.sampled_from(["", "null", "1e5", "007"])
SESSIONS = st.builds(
    LiveSession,
    id=st.uuids().map(lambda one: one.hex),
    name=NAMES,
    kind=st.sampled_from([*Kind, "desktop-app", "ray"]),
    status=st.sampled_from(["Pending", "Running", "Completed", "Failed", "Terminating", "Odd"]),
    image=st.sampled_from([IMAGE, "images.canfar.net/skaha/base:1", "", "${x}: #"]),
    cores=st.sampled_from([None, 1, 2.5, 0.1]),
    ram=st.sampled_from([None, 4, 0.5, 16]),
    gpus=st.sampled_from([None, 1]),
)


@given(st.lists(SESSIONS, max_size=30), st.booleans())
def test_every_entry_loads_lints_and_resembles_the_sessions_that_it_stands_for(sessions, over):
    seen = Listing(tuple(sessions), 0.0, 0.0)
    found = entries(seen, SessionFilter(over=over))
    text = dump("p", found.sessions, Remarks(head=found.left_out, sessions=found.remarks, within=found.within))
    assert formatted(text.encode(), "m.yaml").decode() == text
    loaded = load(["-"], root=Path(), stdin=text.encode)
    assert loaded.diagnostics == ()
    assert [one for one in check(loaded.projects) if one.severity is Severity.ERROR] == []
    names = []
    for spec in loaded.projects[0].sessions:
        for replica in range(1, spec.replicas + 1):
            names.append(spec.live_name(replica))
            same = seen.by_name[names[-1]]
            active = [one for one in same if one.phase.active]
            candidates = active or [one for one in same if one.phase is Phase.DONE] or list(same)
            assert len(active) < 2
            assert resembles(candidates[0], spec)
            assert over or candidates[0].phase in (Phase.PENDING, Phase.RUNNING, Phase.OTHER)
    assert len(names) == len(set(names))
    if over:  # nothing is lost without a word
        assert len({one.name for one in sessions if one.name} - set(names)) <= len(found.left_out)
