"""What the page states about requested and used resources: over all attempts, and no advice that makes them fail."""

from __future__ import annotations

import json

import pytest
from surveys import T0, data_of, planned_status, record_of

from skaha_apply.model.display.page import ProjectPage
from skaha_apply.model.project import Project
from skaha_apply.model.session import Phase
from skaha_apply.model.spec import SessionSpec
from skaha_apply.model.state import Attempt
from skaha_apply.planning.expansion import Expansion
from skaha_apply.workflow.timeline import timeline

NOW = T0 + 3600.0
SPEC = SessionSpec(name="reduce", image="images.canfar.net/a/b:1", replicas=30, cores=2, ram=16, retries=2)


def attempt(number=1, **given):
    return Attempt(attempt=number, phase=Phase.FAILED, accepted=T0, started=T0 + 9, ended=T0 + 99, **given)


def page_of(spec=SPEC, **first):
    """The page of an entry whose replicas are done with 9 GB; the first one has other values."""
    project = Project("resources", (spec,))
    values = {"attempt": 1, "phase": Phase.DONE, "accepted": T0, "started": T0 + 9, "ended": T0 + 900}
    values |= {"cores_used": 1.6, "ram_used": 9.0}
    records = [
        record_of(one, id=f"id{one.replica}", **(values | (first if one.replica == 1 else {})))
        for one in Expansion(project).replicas({}, {})
    ]
    status = planned_status(project, tuple(records), NOW)
    return ProjectPage(status, timeline(status), project.sessions)


def use_of(page, *, public=False):
    return data_of(page, public=public)["projects"][0]["entries"][0]["use"]


def test_less_is_advised_where_no_attempt_needed_more():
    ram = use_of(page_of())["ram"]
    assert (ram["seen"], ram["n"], ram["would_do"], ram["failed"], ram["over"]) == (9.0, 30, 9, 0, False)


def test_the_highest_use_is_that_of_all_attempts():
    use = use_of(page_of(attempt=2, earlier=(attempt(ram_used=12.5, cores_used=1.9, cause="OSError: quota"),)))
    assert (use["ram"]["seen"], use["ram"]["n"], use["cores"]["seen"]) == (12.5, 30, 1.9)


@pytest.mark.parametrize(
    "failed",
    [
        {"cause": "MemoryError"},
        {"cause": "out of memory (OOMKilled)"},
        {"cause": "Command exited with non-zero status 137"},
        {"cause": "", "ram_used": 15.2},
    ],
)
def test_attempts_that_failed_near_their_request_advise_more(failed):
    page = page_of(attempt=3, earlier=(attempt(1, **failed), attempt(2, **failed)))
    ram = use_of(page)["ram"]
    assert (ram["would_do"], ram["failed"], ram["near"], ram["more"]) == (None, 2, 16, True)
    final = use_of(page_of(phase=Phase.FAILED, **{"ram_used": None, **failed}))["ram"]
    assert (final["would_do"], final["failed"]) == (None, 1)


def test_a_failure_for_another_cause_with_little_ram_changes_no_advice():
    ram = use_of(page_of(attempt=2, earlier=(attempt(cause="OSError: quota", ram_used=8.5),)))["ram"]
    assert (ram["failed"], ram["would_do"]) == (0, 9)


def test_a_retry_with_more_ram_needs_no_advice():
    spec = SPEC.model_copy(update={"ram": 8, "retry_ram": (16,)})
    ram = use_of(page_of(spec, attempt=2, ram=16, earlier=(attempt(ram=8, cause="MemoryError"),)))["ram"]
    assert (ram["would_do"], ram["failed"], ram["near"], ram["more"]) == (None, 1, 8, False)


def test_failures_before_a_larger_request_do_not_count():
    """A change restarts the count of attempts, and the record has only the last request."""
    old = (attempt(1, cause="MemoryError", ram_used=7.9), attempt(2, cause="MemoryError", ram_used=7.9))
    ram = use_of(page_of(earlier=old))["ram"]
    assert (ram["failed"], ram["would_do"]) == (0, 9)
    same = use_of(page_of(earlier=(attempt(3, cause="MemoryError", ram_used=15.9),)))["ram"]
    assert (same["failed"], same["near"]) == (1, 16)


def test_an_entry_that_uses_more_than_it_requested_gets_no_advice_of_less():
    use = use_of(page_of(SPEC.model_copy(update={"replicas": 150}), ram_used=16.4, cores_used=2.01))
    assert (use["ram"]["over"], use["ram"]["would_do"], use["cores"]["over"]) == (True, None, False)


def test_a_public_page_does_not_count_failures_by_their_cause():
    page = page_of(attempt=2, earlier=(attempt(cause="MemoryError"),))
    use = use_of(page, public=True)
    assert (use["ram"]["failed"], use["ram"]["near"], use["ram"]["would_do"]) == (0, None, None)
    assert "MemoryError" not in json.dumps(data_of(page, public=True))
