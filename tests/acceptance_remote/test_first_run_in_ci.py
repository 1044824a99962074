"""A fresh CI runner starts no second state by accident: it would run everything again."""

from __future__ import annotations

import pytest

from skaha_apply.model.errors import ExitCode, SafetyRefusal
from skaha_apply.workflow.setup.context import StateLocation
from skaha_apply.workflow.setup.settings import Settings
from skaha_apply.workflow.state.binding import check_first_run

SERVER = "ws-uv.canfar.net/skaha/v1"


def location(tmp_path, server=SERVER, **setting):
    return StateLocation(Settings(**setting), tmp_path, server.partition("/")[0], server, f"https://{server}")


@pytest.mark.parametrize("setting", [{}, {"state": "some/where.json"}, {"state": "folder/"}])
def test_in_ci_a_local_first_run_is_refused(tmp_path, monkeypatch, setting):
    monkeypatch.delenv("TF_HTTP_ADDRESS", raising=False)
    with pytest.raises(SafetyRefusal) as caught:
        check_first_run(location(tmp_path, **setting), {"CI": "true"}, init=False)
    assert caught.value.exit_code is ExitCode.REFUSED
    assert "--init" in caught.value.hint
    assert "--state" in caught.value.hint


def test_options_that_lift_the_refusal(tmp_path, monkeypatch):
    monkeypatch.delenv("TF_HTTP_ADDRESS", raising=False)
    ci = {"CI": "true"}
    check_first_run(location(tmp_path), ci, init=True)
    check_first_run(location(tmp_path), {}, init=False)
    check_first_run(location(tmp_path), {"CI": ""}, init=False)
    check_first_run(location(tmp_path, "localhost/skaha/v1"), ci, init=False)
    check_first_run(location(tmp_path, state="https://store.example.org/survey"), ci, init=False)
    check_first_run(location(tmp_path, sandbox=True), ci, init=False)
    monkeypatch.setenv("TF_HTTP_ADDRESS", "https://store.example.org/survey")
    check_first_run(location(tmp_path), ci, init=False)


def test_a_server_whose_name_begins_like_this_machine_is_not_this_machine(tmp_path, monkeypatch):
    monkeypatch.delenv("TF_HTTP_ADDRESS", raising=False)
    with pytest.raises(SafetyRefusal):
        check_first_run(location(tmp_path, "localhost.example.org/skaha/v1"), {"CI": "1"}, init=False)


def test_a_path_in_addition_to_the_variables_of_a_store_is_local(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_HTTP_ADDRESS", "https://store.example.org/survey")
    with pytest.raises(SafetyRefusal):
        check_first_run(location(tmp_path, state="here.json"), {"CI": "1"}, init=False)


def test_on_loopback_a_run_in_ci_needs_nothing(desk):
    desk.write({"name": "one", "cmd": "sleep", "args": ["600"]})
    desk.apply(CI="true")
    assert set(desk.live()) == {"one"}
