"""Strategies of state documents: every kind of entry, with texts, times and numbers of all kinds."""

from __future__ import annotations

from hypothesis import strategies as st

from skaha_apply.model.reasons import DeleteReason
from skaha_apply.model.session import Kind, Phase
from skaha_apply.model.spec import SessionSpec
from skaha_apply.model.state import (
    STATE_FORMAT,
    Attempt,
    ControllerLease,
    Intent,
    NoticeRecord,
    PendingDelete,
    ReplicaRecord,
    StateDocument,
    TargetRecord,
    UnconfirmedCreate,
)

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
# What is stored are milliseconds.
times = st.integers(0, 4_102_444_800_000).map(lambda ms: ms / 1000)
maybe_times = st.none() | times
ids = st.lists(words, max_size=3).map(tuple)
used = st.none() | st.floats(0, 1e15)
counts = st.integers(1, 1000)
SPECS = ("s1", "s 2", "s3", "s4")

specs = st.builds(
    SessionSpec,
    name=words,
    image=words,
    kind=st.sampled_from(Kind),
    cores=st.none() | st.integers(1, 64) | st.floats(0.1, 64),
    ram=st.none() | st.integers(1, 512) | st.floats(0.1, 512),
    gpus=st.none() | st.integers(1, 8),
    replicas=counts,
    cmd=st.none() | words,
    args=ids,
    env=st.dictionaries(words, words, max_size=3),
    needs=ids,
    protect=st.booleans(),
    file=words,
    require=st.dictionaries(words, st.floats(0, 1), max_size=1),
    rerun=st.sampled_from(["on-change", "always", 60.0]),
    retry_wait=st.floats(1e-9, 1e15),
    retry_ram=st.lists(st.integers(1, 512) | st.floats(0.1, 512), max_size=2).map(tuple),
    timeout=st.none() | st.floats(1, 1e6),
    group=st.sampled_from(["", "tile-${tile}"]),
    values=st.dictionaries(words, words, max_size=2),
)
attempts = st.builds(
    Attempt,
    attempt=counts,
    phase=st.sampled_from(Phase),
    id=st.none() | words,
    ended=maybe_times,
    ram=st.none() | st.integers(1, 512) | st.floats(0.1, 512),
    ram_used=used,
    marked=st.booleans(),
)
common = {"session": words, "replica": counts, "name": words}
of_spec = common | {"spec": st.sampled_from(SPECS)}
digests = {"work": words, "run": words, "run_number": st.integers(0, 9), "attempt": st.integers(1, 9)}
records = st.builds(
    ReplicaRecord,
    **of_spec,
    **digests,
    phase=st.sampled_from(Phase),
    id=st.none() | words,
    past=ids,
    accepted=maybe_times,
    seen=maybe_times,
    started=maybe_times,
    ended=maybe_times,
    logged=st.booleans(),
    note=words,
    queued=maybe_times,
    expires=maybe_times,
    renewed=maybe_times,
    earlier=st.lists(attempts, max_size=2).map(tuple),
    ram_used=used,
    cores_used=used,
)
intents = st.builds(Intent, **of_spec, **digests, at=times, listed=ids, posts=counts, given_up=maybe_times)
tombstones = st.builds(
    PendingDelete,
    **common,
    id=words,
    at=times,
    active=st.booleans(),
    sent=st.booleans(),
    why=st.sampled_from(DeleteReason),
)
doubts = st.builds(UnconfirmedCreate, **of_spec, work=words, run=words, since=times, listed=ids, posts=counts)
fields = {
    "format_version": st.just(STATE_FORMAT),
    "serial": st.integers(0, 2**53),
    "lineage": words,
    "writer": words,
    "project": words,
    "server": words,
    "account": st.none() | words,
    "identities": ids,
    "written": maybe_times,
    "notices": st.none()
    | st.builds(
        NoticeRecord,
        since=times,
        end=maybe_times,
        targets=st.lists(st.builds(TargetRecord, event=words, target=words, last=maybe_times), max_size=2).map(tuple),
    ),
    "controller": st.none() | st.builds(ControllerLease, id=words, who=words, since=times, until=times),
}


def state_documents(specs_by_name, most_records, most_others):
    return st.builds(
        StateDocument,
        **fields,
        specs=specs_by_name,
        replicas=st.lists(records, max_size=most_records, unique_by=lambda record: record.key).map(tuple),
        intents=st.lists(intents, max_size=most_others).map(tuple),
        tombstones=st.lists(tombstones, max_size=most_others).map(tuple),
        doubts=st.lists(doubts, max_size=most_others).map(tuple),
    )


documents = state_documents(st.fixed_dictionaries(dict.fromkeys(SPECS, specs)), 4, 3)
# Every kind of entry, with fewer of each: for tests of damage, where one entry of a kind is as good as four.
short_documents = state_documents(specs.map(lambda spec: dict.fromkeys(SPECS, spec)), 2, 2)
