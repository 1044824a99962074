"""The Python API in a real Jupyter kernel: what a cell shows, and what an interrupt leaves."""

from __future__ import annotations

import pytest

SYNC = "with skaha_apply.connect_sync() as skaha:\n    {}"
ASYNC = "async with skaha_apply.connect() as skaha:\n    {}"
LONG = 5  # lines of a traceback: its heading, the place and the line of the user, the message and the hint


def cell(frame, call):
    """A cell with a call, with `await` where the connection requires it."""
    return frame.format(call.replace("skaha.", "await skaha.", 1) if frame is ASYNC else call)


@pytest.mark.parametrize("frame", [SYNC, ASYNC])
def test_a_wait_shows_one_table_that_is_updated_in_place(notebook, frame):
    name = "sync" if frame is SYNC else "async"
    shown = notebook.run(cell(frame, f"skaha.apply(survey('{name}', 30, 'true'), wait='complete', poll=0.2)"))
    assert not shown.error, shown.text
    assert len(shown.outputs) == 1
    assert shown.updates > 2
    assert not shown.streams["stdout"] + shown.streams["stderr"]
    *_, numbers, strip = shown.outputs[0]["text/plain"].splitlines()
    assert numbers.split()[-1] == "30"
    assert strip == f"  {'█' * 30}"
    assert len(shown.html) < 2000


def test_no_table_if_the_cell_turns_it_off(notebook):
    shown = notebook.run(cell(SYNC, "skaha.apply(survey('off', 1, 'true'), wait='complete', poll=0.2, display=False)"))
    assert (shown.outputs, shown.error) == ([], None)


def test_the_failures_of_a_run_do_not_make_the_output_grow(notebook):
    shown = notebook.run(cell(SYNC, "skaha.apply(survey('bad', 60, 'false'), wait='complete', poll=0.2)"))
    assert len(shown.outputs) == 1
    assert len(shown.outputs[0]["text/plain"].splitlines()) < 30


@pytest.mark.parametrize("frame", [SYNC, ASYNC])
def test_an_interrupt_of_a_wait_saves_the_state_and_raises_one_short_error(notebook, sandbox, frame):
    name = "left" if frame is SYNC else "quit"
    sent = []

    def interrupt(so_far):
        if not sent and "running" in so_far.text and len(sandbox.sessions()) == 20:
            sent.append(notebook.interrupt())

    wait = f"skaha.apply(survey('{name}', 20, 'sleep', '600'), wait='complete', poll=0.2)"
    shown = notebook.finish(notebook.start(cell(frame, wait)), interrupt)
    assert shown.error["ename"] == ("KeyboardInterrupt" if frame is SYNC else "CancelledError")
    assert len(shown.traceback) <= LONG
    assert "20 sessions are active and continue on the server" in shown.error["evalue"]
    assert "hint: run the same code again" in shown.error["evalue"]

    # The lock is free, the state knows every session, and a repeated apply creates none again.
    shown = notebook.run(cell(SYNC, f"print(skaha.apply(survey('{name}', 20, 'sleep', '600')).applied)"))
    assert shown.streams["stdout"] == "{}\n", shown.text
    assert len(sandbox.sessions()) == 20


@pytest.mark.parametrize("frame", [SYNC, ASYNC])
@pytest.mark.parametrize(
    "call",
    [
        "skaha.logs(survey('none', 1, 'true'), 'nothing/1')",
        "skaha.plan(survey('none', 1, 'true'), target='other')",
        "skaha.plan(survey('none', 1, 'true'), tagret='other')",
        "skaha.mark(survey('none', 1, 'true'), 'redo', 'none')",
        "skaha.apply(survey('none', 1, 'true'), wait='forever')",
    ],
)
def test_an_error_is_one_short_traceback_with_the_hint(notebook, frame, call):
    shown = notebook.run(cell(frame, call))
    assert shown.error["ename"] == "UsageError"
    assert "\nhint: " in shown.error["evalue"]
    assert len(shown.traceback) <= LONG
    assert call in "\n".join(shown.traceback)
    assert "skaha_apply/" not in shown.text


def test_an_error_of_the_server_shows_no_secret_and_no_inner_frame(notebook, sandbox):
    code = (
        "import os\ntoken, os.environ['SKAHA_TOKEN'] = os.environ['SKAHA_TOKEN'], 'token-expired'\n"
        "try:\n    with skaha_apply.connect_sync() as skaha:\n        skaha.plan(survey('none', 1, 'true'))\n"
        "finally:\n    os.environ['SKAHA_TOKEN'] = token"
    )
    shown = notebook.run(code)
    assert shown.error["ename"] == "Unauthorized"
    assert len(shown.traceback) <= LONG
    assert "token-expired" not in shown.text


def test_values_show_themselves_as_tables(notebook):
    with_plan = notebook.run("skaha = skaha_apply.connect_sync()\nskaha.plan(survey('many', 30, 'true'))")
    assert with_plan.outputs[0]["text/plain"] == "Plan of many: 30 to create, 0 to replace, 0 to delete."
    assert with_plan.html.count("<tr>") == 21
    assert "and 10 more" in with_plan.html
    report = notebook.run("skaha.apply(survey('many', 30, 'true'), display=False)")
    assert report.outputs[0]["text/plain"].startswith("many: 30 created. Replicas: ")
    status = notebook.run("skaha.status(survey('many', 30, 'true'))")
    assert "many: " in status.outputs[0]["text/plain"]
    timeline = notebook.run("skaha.timeline(survey('many', 30, 'true'))")
    assert "image/png" in timeline.outputs[0]
    assert not notebook.run("skaha.close()").error
