"""A public page leaks nothing: each field of status, state and manifest holds a canary that must not be in it."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from surveys import T0, data_of, survey

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.display.page import LogTail
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.progress.summary import EntrySummary
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.model.report import NotStarted, SharedCause
from skaha_apply.model.session import Phase
from skaha_apply.model.spec import SessionSpec
from skaha_apply.model.state import Attempt, ReplicaRecord, StateDocument
from skaha_apply.model.status import ReplicaStatus
from skaha_apply.render.page.page import page_html
from skaha_apply.render.page.public import without_registry

CANARY = "qzx7canary"
# What a public page shows by design: the names of the project, of its entries and of axes, and images.
PUBLIC = {
    SessionSpec: {"name", "group", "image", "values", "kind", "needs"},
    EntrySummary: {"name", "needs"},
    StateDocument: {"project"},
    ReplicaStatus: {"project", "group"},
}
WORDS = {"phase", "action", "format_version", "rerun", "vanished", "when_removed", "kind"}  # not texts of users


@pytest.fixture(scope="module")
def small():
    return survey(90)


def seeded(value, names):
    """The value with a canary in each of its texts, and in lists and tables of texts."""
    update = {}
    for name in names:
        old = getattr(value, name)
        if (isinstance(old, str) and not isinstance(old, ActionKind)) or (
            old is None and name in ("id", "account", "cmd")
        ):
            update[name] = f"{CANARY}-{name}"
        elif isinstance(old, tuple) and all(isinstance(one, str) for one in old):
            update[name] = (f"{CANARY}-{name}",)
        elif isinstance(old, dict) and all(isinstance(one, str) for one in old.values()):
            update[name] = {f"{CANARY}-{name}": CANARY}
    return update


def private(kind):
    return [name for name in (one.name for one in fields(kind)) if name not in PUBLIC.get(kind, set()) | WORDS]


def hidden(page):
    """The page with a canary in each private field."""
    status = page.status
    bad_reason = Reason(ReasonCode.DUE, note=CANARY)
    rows = tuple(
        replace(row, **{**seeded(row, private(ReplicaStatus)), "session": row.session, "reason": bad_reason})
        for row in status.rows
    )
    records = tuple(
        replace(
            one,
            **{
                **seeded(one, private(ReplicaRecord)),
                "session": one.session,
                "spec": one.spec,
                "earlier": (Attempt(attempt=1, phase=Phase.FAILED, accepted=T0, id=CANARY, note=CANARY, cause=CANARY),),
            },
        )
        for one in status.document.replicas
    )
    specs = {
        key: spec.model_copy(update=seeded(spec, private(SessionSpec))) for key, spec in status.document.specs.items()
    }
    document = replace(
        status.document, **seeded(status.document, private(StateDocument)), replicas=records, specs=specs
    )
    entries = tuple(
        replace(one, **{**seeded(one, private(EntrySummary)), "stragglers": ((CANARY, 9.0),)}) for one in status.entries
    )
    found = replace(
        status,
        rows=rows,
        document=document,
        summary=replace(status.summary, entries=entries),
        causes=(SharedCause(CANARY, 3, (CANARY,)),),
        not_started=(NotStarted(status.entries[0].name, "wait", bad_reason, 3, (CANARY,)),),
    )
    return replace(
        page,
        status=found,
        timeline=replace(page.timeline, lanes=tuple(replace(lane, name=CANARY) for lane in page.timeline.lanes)),
        sessions=tuple(spec.model_copy(update=seeded(spec, private(SessionSpec))) for spec in page.sessions),
        server=f"https://{CANARY}.example.org/{CANARY}",
        logs={row.name: LogTail(1, (CANARY,)) for row in rows},
        notes=(bad_reason,),
        refused=bad_reason,
        commands={name: f"{text} {CANARY}" for name, text in page.commands.items()},
    )


def test_no_private_field_is_on_a_public_page(small):
    page = hidden(small)
    seen = json.dumps(data_of(page))
    assert seen.count(CANARY) > 20  # on a page that is not public they are
    public = page_html(data_of(page, public=True))
    assert CANARY not in public
    for row in small.status.rows:
        assert f'"{row.name}"' not in public or row.name == row.session == (row.group or row.session)


def test_each_private_text_of_a_replica_is_seeded(small):
    """A field that is added to the values above takes part in the test without a change here."""
    row = replace(small.status.rows[0], id=None)
    names = {name for name in private(ReplicaStatus) if isinstance(getattr(row, name), str)}
    assert names | {"id"} == {*seeded(row, private(ReplicaStatus))}


def test_a_public_page_has_counts_and_images_without_registry(small):
    (project,) = data_of(small, public=True)["projects"]
    assert project["failed"] == [{"entry": "tile-${tile}", "count": small.status.summary.counts["failed"]}]
    assert {one["image"] for one in project["entries"]} == {"skaha/astroml:24.07"}
    assert project["counts"] == data_of(small)["projects"][0]["counts"]


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        ("images.canfar.net/skaha/astroml:24.07", "skaha/astroml:24.07"),
        ("localhost:5000/me/tool", "me/tool"),
        ("localhost/me/tool", "me/tool"),
        ("skaha/astroml", "skaha/astroml"),
        ("python:3.12", "python:3.12"),
    ],
)
def test_the_registry_of_an_image_is_a_host(image, shown):
    assert without_registry(image) == shown
