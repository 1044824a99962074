"""The Python API with `await` and without: a few lines for a launch, safe to interrupt at any moment."""

from __future__ import annotations

import asyncio
import inspect
import math
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from html.parser import HTMLParser

import pytest

import skaha_apply
from skaha_apply.model.errors import StalePlan
from skaha_apply.workflow.api.arguments import FORMS
from skaha_apply.workflow.api.choices import PlanChoices
from skaha_apply.workflow.api.python_words import in_python

IMAGE = "images.canfar.net/skaha/astroml:24.07"


@pytest.fixture
def notebook(desk, monkeypatch):
    """This process as a notebook would be: in the folder, with the surroundings of the desk."""
    monkeypatch.chdir(desk.folder)
    for name in ("HOME", "SKAHA_URL", "SKAHA_TOKEN"):
        monkeypatch.setenv(name, desk.environment[name])
    for name in ("CI", "CANFAR_URL", "CANFAR_TOKEN", "TF_HTTP_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    return desk


def survey(replicas=100, seconds="600"):
    session = skaha_apply.Session(name="reduce", image=IMAGE, replicas=replicas, cmd="sleep", args=(seconds,))
    return skaha_apply.define("survey", session)


def test_a_hundred_replicas_in_a_few_lines(notebook, sandbox):
    async def launch():
        async with skaha_apply.connect() as skaha:
            session = skaha_apply.Session(name="reduce", image=IMAGE, replicas=100, cmd="sleep", args=("600",))
            project = skaha_apply.define("survey", session)
            report = await skaha.apply(project)
            return [(one.name, one.replica, one.id) for one in report.sessions]

    launched = asyncio.run(launch())
    truth = {(one["name"], int(one["env"]["REPLICA_ID"]), one["id"]) for one in sandbox.sessions()}
    assert len(launched) == len(truth) == 100
    assert set(launched) == truth


def test_plan_apply_wait_status_and_destroy(notebook, sandbox):
    notebook.write({"name": "reduce", "replicas": 3, "cmd": "true"})

    async def work():
        async with skaha_apply.connect() as skaha:
            project = skaha_apply.load("m.yaml")
            plan = await skaha.plan(project)
            assert plan.summary["create"] == 3
            assert notebook.writes() == {}
            report = await skaha.apply(project, plan=plan)
            assert report.applied == {"create": 3}
            report = await skaha.wait(project, poll=0.2, timeout=60)
            assert Counter(one.phase for one in report.sessions) == {"done": 3}
            assert {row.phase for row in await skaha.status(project)} == {"done"}
            assert not (await skaha.plan(project)).has_changes
            with pytest.raises(StalePlan):
                await skaha.apply(survey(4), plan=plan)
            await skaha.destroy(project)

    asyncio.run(work())
    # the command line continues with the same state
    assert notebook.plan()["summary"]["done"] == 3


def test_canceled_apply_loses_nothing_and_creates_nothing_twice(notebook, sandbox):
    sandbox.faults(latency_ms=[20, 300], only=["POST /session"])
    setting = skaha_apply.workflow.setup.settings.Settings(concurrency=8, settle=0.5)

    async def canceled():
        async with skaha_apply.connect(setting=setting) as skaha:
            begun = asyncio.Event()
            seen = []

            def observe(event):
                seen.append(event)
                if len(seen) > 20:
                    begun.set()

            task = asyncio.create_task(skaha.apply(survey(), observe=observe))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError, match="run the same code again"):
                await task
            made = len(notebook.live())
            plan = await skaha.plan(survey())
            assert plan.summary["create"] == 100 - made
            sandbox.faults()
            await skaha.apply(survey())
            return made

    made = asyncio.run(canceled())
    assert 10 < made < 100
    assert len(notebook.live()) == 100
    assert len(sandbox.sessions()) == 100


def test_declined_approval_changes_nothing(notebook):
    async def declined():
        async with skaha_apply.connect() as skaha:
            return await skaha.apply(survey(2), approve=lambda plan: plan.summary["create"] < 2)

    assert asyncio.run(declined()).applied == {}
    assert notebook.writes() == {}


def test_a_connection_that_is_awaited_is_closed_by_hand(notebook):
    async def work():
        skaha = await skaha_apply.connect()
        assert (await skaha.plan(survey(2))).summary["create"] == 2
        await skaha.aclose()
        await skaha.aclose()
        with pytest.raises(skaha_apply.UsageError, match=r"closed\nhint: open a new one: await"):
            await skaha.plan(survey(2))

    asyncio.run(work())


def test_a_connection_of_another_event_loop_states_it(notebook):
    async def opened():
        return await skaha_apply.connect()

    skaha = asyncio.run(opened())
    with pytest.raises(skaha_apply.UsageError, match="another event loop"):
        asyncio.run(skaha.plan(survey(2)))


def test_every_method_works_without_await(notebook, sandbox):
    notebook.write({"name": "reduce", "replicas": 3, "cmd": "echo", "args": ["hello"]})
    before = threading.active_count()
    with skaha_apply.connect_sync() as skaha:
        project = skaha_apply.load("m.yaml")
        plan = skaha.plan(project, target="reduce/1-2")
        assert str(plan) == "Plan of survey: 2 to create, 0 to replace, 0 to delete."
        assert skaha.apply(project, plan=skaha.plan(project), limit=1).applied == {"create": 1}
        report = skaha.wait(project, poll=0.2, timeout=60)
        assert str(report) == "survey: 2 created. Replicas: 3 done."
        assert [row.phase for row in skaha.status(project)] == ["done"] * 3
        assert [str(log) for log in skaha.logs(project, "reduce/2-3")] == ["hello", "hello"]
        assert "Scheduled" in skaha.events(project, "reduce/1", attempt="all")[0].text
        (history,) = skaha.show(project, "reduce/3")
        assert "attempt 1   done" in str(history)
        assert [one.name for one in skaha.mark(project, "rerun", "reduce/1", phase="done")] == ["reduce-1"]
        assert skaha.mark(project, "rerun", "reduce/1") == ()
        assert Counter(one.phase for one in skaha.refresh(project).sessions) == {"due": 1, "done": 2}
        skaha.timeline(project).save(notebook.folder / "run.svg")
        assert skaha.destroy(project, target="reduce/1").applied == {}
    assert (notebook.folder / "run.svg").stat().st_size > 1000
    assert threading.active_count() == before
    with pytest.raises(skaha_apply.UsageError, match="connect_sync"):
        skaha.plan(project)
    with pytest.raises(skaha_apply.UsageError), skaha:
        pass


def test_without_await_it_works_inside_a_running_event_loop(notebook, sandbox):
    seen = []

    async def cell():
        skaha = skaha_apply.connect_sync()
        report = skaha.apply(
            survey(3, "0"),
            wait="complete",
            poll=0.2,
            approve=lambda plan: seen.append(threading.current_thread()) or plan.has_changes,
            observe=lambda event: seen.append(threading.current_thread()),
        )
        skaha.close()
        return report

    assert Counter(one.phase for one in asyncio.run(cell()).sessions) == {"done": 3}
    assert set(seen) == {threading.main_thread()}


def test_an_error_of_an_observer_ends_the_call_and_is_raised(notebook, sandbox):
    with skaha_apply.connect_sync() as skaha:
        with pytest.raises(ZeroDivisionError):
            skaha.apply(survey(3, "600"), wait="complete", poll=0.2, observe=lambda event: 1 / 0)
        skaha.apply(survey(3, "600"))
    assert len(sandbox.sessions()) == 3


INTERRUPTED = """\
import skaha_apply
session = skaha_apply.Session(name="reduce", image="{image}", replicas=100, cmd="sleep", args=("600",))
setting = skaha_apply.Settings(concurrency=8, settle=0.5)
with skaha_apply.connect_sync(setting=setting) as skaha:
    skaha.apply(skaha_apply.define("survey", session), wait="complete", poll=0.2, display=True)
"""


def test_ctrl_c_in_a_script_loses_nothing_and_shows_one_short_error(desk, sandbox):
    sandbox.faults(latency_ms=[20, 300], only=["POST /session"])
    script = desk.folder / "launch.py"
    script.write_text(INTERRUPTED.format(image=IMAGE), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, script], cwd=desk.folder, env=desk.environment, stderr=subprocess.PIPE, text=True
    )
    sandbox.wait_until(lambda: len(sandbox.sessions()) > 20)
    process.send_signal(signal.SIGINT)
    shown = process.communicate(timeout=60)[1]
    assert process.returncode == -signal.SIGINT
    assert shown.count("Traceback") == 1
    assert shown.count('File "') <= 4, "the script, and three frames of the API"
    assert "sessions are active and continue on the server" in shown.splitlines()[-2]
    assert "not created yet" in shown.splitlines()[-2]
    assert shown.splitlines()[-1].startswith("hint: run the same code again")
    sandbox.faults()
    made = len(sandbox.sessions())
    assert 20 < made < 100
    # The lock is free, and the state knows what was created.
    desk.write({"name": "reduce", "replicas": 100, "cmd": "sleep", "args": ["600"]})
    assert desk.plan()["summary"]["create"] == 100 - made


class Elements(HTMLParser):
    """The names of the elements and attributes of a text."""

    def __init__(self):
        super().__init__()
        self.names, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes.update(name for name, _ in attrs)


def test_values_are_inert_and_hide_the_ids_of_interactive_sessions(notebook, sandbox):
    hostile = "MemoryError: <img src=x onerror=alert(1)> \x1b[2J ${tile}"
    notebook.script(f"echo '{hostile}' >&2; exit 1")
    notebook.write(
        {"name": "desk", "kind": "notebook"},
        {"name": "reduce", "replicas": 30, "cmd": "bash", "args": ["run.sh"]},
    )
    with skaha_apply.connect_sync() as skaha:
        project = skaha_apply.load("m.yaml")
        skaha.apply(project)
        sandbox.wait_until(lambda: sandbox.status()["active"] == 1)
        report, status = skaha.refresh(project), skaha.status(project)
        plan, (history,) = skaha.plan(project), skaha.show(project, "desk")
    (secret,) = {one["id"] for one in sandbox.sessions() if one["name"] == "desk"}
    for value in (report, status, plan, history):
        shown = f"{value} {value!r} {value._repr_html_()} {value.to_pandas().to_string()}"
        assert secret not in shown
        assert "\x1b" not in f"{value} {value._repr_html_()}"
        assert "<img" not in value._repr_html_()
        assert value._repr_html_().count("<tr>") <= 21
    assert "30 failed: MemoryError: <img" in str(report)
    assert str(report).splitlines()[-1].endswith("mark(project, 'rerun', phase='failed'), then apply.")
    assert "&lt;img src=x onerror=alert(1)&gt;" in report._repr_html_()
    assert list(report.to_pandas()["phase"]).count("failed") == 30
    html = status._repr_html_()
    tags = Elements()
    tags.feed(html)
    assert tags.names <= {"div", "pre", "font", "details", "summary", "table", "thead", "tbody", "tr", "th", "td"}
    assert tags.attributes <= {"class", "style"}
    lines = html.partition("</pre>")[0].splitlines()
    assert "  0 done, 1 running, 30 failed" in lines
    assert any(line.count("X") == 30 for line in lines), "the grid has a character for each replica"
    assert sum("MemoryError: &lt;img" in line for line in lines) == 1, "failures with one cause are one line"
    assert "30 failed: MemoryError: &lt;img" in html
    assert "31 replicas</summary>" in html
    assert str(status.to_pandas()["started"].dtype).endswith("UTC]")


def test_a_data_frame_without_pandas_names_the_command_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(skaha_apply.SkahaApplyError, match="hint: pip install pandas"):
        skaha_apply.Report("survey", {}, (), (), frozenset()).to_pandas()


def test_the_names_of_the_package_are_those_of_the_api():
    assert dir(skaha_apply) == sorted(skaha_apply.__all__)
    for name in skaha_apply.__all__:
        assert getattr(skaha_apply, name) is not None
    methods = {name for name in dir(skaha_apply.Skaha) if not name.startswith("_")}
    blocking = {name for name in dir(skaha_apply.SyncSkaha) if not name.startswith("_")}
    assert methods - {"aclose", "in_use"} == blocking - {"close", "run"}


@pytest.mark.parametrize("given", [{}, {"sandbox": None}, {"setting": skaha_apply.Settings()}])
def test_the_environment_can_select_the_sandbox(notebook, monkeypatch, given):
    monkeypatch.setenv("SKAHA_APPLY_SANDBOX", "1")
    with pytest.raises(skaha_apply.UsageError, match="exclude each other"):
        skaha_apply.connect_sync("https://ws-uv.canfar.net/skaha", **given)
    monkeypatch.setenv("SKAHA_APPLY_SANDBOX", "maybe")
    with pytest.raises(skaha_apply.UsageError, match="neither 1 nor 0"):
        skaha_apply.connect(**given)
    monkeypatch.setenv("SKAHA_APPLY_SANDBOX", "0")
    with skaha_apply.connect_sync(**given) as skaha:
        assert "localhost" in repr(skaha), "SKAHA_URL, and no sandbox of the folder"


WRONG = [
    (lambda skaha, project: skaha.apply(project, timeout="6x"), "timeout: '6x' is not a duration"),
    (lambda skaha, project: skaha.wait(project, poll=[]), "poll must be a duration: .*, and is of type list"),
    (
        lambda skaha, project: skaha.plan("tiles.yaml"),
        r"not a project: .*\nhint: Write skaha_apply.load\('tiles.yaml'\)",
    ),
    (lambda skaha, project: skaha.plan((project,)), "hint: Call the method for each project"),
    (lambda skaha, project: skaha.apply(project, limit="x"), "limit must be a whole number of at least 1, and is 'x'"),
    (lambda skaha, project: skaha.apply(project, limit=0), "limit must be a whole number of at least 1, and is 0"),
    (lambda skaha, project: skaha.apply(project, limit=-1), "limit must be a whole number of at least 1, and is -1"),
    (lambda skaha, project: skaha.wait(project, poll=0), "poll: 0 is too short: write at least 0.05s"),
    (lambda skaha, project: skaha.apply(project, poll="0.01s"), "poll: '0.01s' is too short: write at least 0.05s"),
    (lambda skaha, project: skaha.apply(project, poll=math.inf), "poll: 'inf' is longer than 999d"),
    (
        lambda skaha, project: skaha.plan(project, allow_loss=math.nan),
        "allow_loss: nan is not a number of core-hours: write a number of at least 0",
    ),
    (lambda skaha, project: skaha.destroy(project, allow_loss=-1), "allow_loss: -1 is not a number of core-hours"),
    (
        lambda skaha, project: skaha.plan(project, allow_loss="9"),
        "allow_loss must be a number of core-hours, and is '9'",
    ),
    (lambda skaha, project: skaha.plan(project, allow_loss=10**400), "allow_loss must be .*, and is of type int"),
    (
        lambda skaha, project: skaha.wait(project, timeout=10**9999),
        "timeout must be a duration: .*, and is of type int",
    ),
    (lambda skaha, project: skaha.show(project, None), "name must be a text, and is None"),
    (lambda skaha, project: skaha.plan(project, target=5), "target must be a text or a list of texts, and is 5"),
    (lambda skaha, project: skaha.apply(project, approve=True), "approve must be a function, and is True"),
    (lambda skaha, project: skaha.plan(project, force="yes"), "force must be True or False, and is 'yes'"),
    (lambda skaha, project: skaha_apply.connect_sync(sandbox="yes"), "sandbox must be True or False, and is 'yes'"),
    (lambda skaha, project: skaha.logs(project, "a", lines=3), "'lines'\nhint: .* are project, name, attempt"),
    (lambda skaha, project: skaha.plan(), "plan: missing a required argument: 'project'\nhint: .* are project, target"),
    (lambda skaha, project: skaha_apply.load(vars={}), "did you mean variables"),
    (lambda skaha, project: skaha_apply.connect_sync(sandbx=True), "did you mean sandbox"),
    (lambda skaha, project: skaha.apply(project, wiat="complete"), "did you mean wait"),
    (lambda skaha, project: skaha_apply.define("a", secrets={"token": 35791}), "secrets must be a dict of texts"),
]


@pytest.mark.parametrize(("call", "text"), WRONG)
def test_a_wrong_argument_is_one_short_error_before_any_request(notebook, call, text):
    with skaha_apply.connect_sync() as skaha, pytest.raises(skaha_apply.UsageError, match=text) as caught:
        call(skaha, survey(1))
    assert len(caught.traceback) <= 5
    assert "35791" not in str(caught.value)
    assert notebook.writes() == {}


def test_a_wrong_argument_with_await_has_the_same_error(notebook):
    async def work():
        async with skaha_apply.connect() as skaha:
            await skaha.plan("tiles.yaml")

    with pytest.raises(skaha_apply.UsageError, match=r"hint: Write skaha_apply\.load"):
        asyncio.run(work())


def test_an_error_names_arguments_and_no_options(notebook, sandbox):
    project = survey(1)
    with skaha_apply.connect_sync() as skaha:
        skaha.apply(project)
        with pytest.raises(skaha_apply.UsageError, match=r"hint: .*, or add force=True, which deletes") as caught:
            skaha.mark(project, "rerun", "reduce")
        assert "--" not in caught.value.hint
    os.mkfifo(notebook.folder / "pipe")
    with skaha_apply.connect_sync(state="pipe") as skaha, pytest.raises(skaha_apply.StateError, match=r"state=\.\.\."):
        skaha.plan(project)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Use --adopt=ended or --adopt.", "Use adopt='ended' or adopt='active'."),
        (
            "Keep the state elsewhere (--state URL), or check --state.",
            "Keep the state elsewhere (state=URL), or check state=....",
        ),
        ("--attempt all shows all; --phase=failed", "attempt='all' shows all; phase='failed'"),
        ("Wait with --lock-timeout 5m.", "Wait with skaha_apply.Settings(lock_timeout=...)."),
        ("give it in a file by --var-file", "give it in variables={NAME: VALUE}"),
        ("run `skaha-apply plan --adopt`, or: skaha-apply apply --force", None),
        ("in a terminal:\n  skaha-apply show a --sandbox", None),
        ("--init, --force-with-lease and a--force have no argument", None),
    ],
)
def test_options_become_arguments_outside_commands(text, expected):
    assert in_python(text) == (text if expected is None else expected)


def test_every_argument_of_the_api_has_a_form():
    functions = [skaha_apply.connect, skaha_apply.load, skaha_apply.load_all, skaha_apply.define]
    methods = [one for name, one in vars(skaha_apply.Skaha).items() if not name.startswith("_")]
    names = {name for one in functions + methods for name in inspect.signature(one).parameters}
    assert set(FORMS) == names - {"self", "choices"} | set(PlanChoices.__annotations__)


def test_durations_can_be_texts_and_sessions_a_list(notebook, sandbox):
    session = skaha_apply.Session(name="reduce", image=IMAGE, cmd="true")
    project = skaha_apply.define("survey", [session])
    with skaha_apply.connect_sync() as skaha:
        assert skaha.apply(project, wait="complete", timeout="1m", poll="0.2s").exit_code == 0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"args": ["d.py", 7]}, {"args": ("d.py", "7")}),
        ({"env": {"N": 3}}, {"env": {"N": "3"}}),
        ({"needs": "reduce"}, {"needs": ("reduce",)}),
        ({"cmd": ["ls", "-l"], "args": ["x"]}, {"cmd": "ls", "args": ("-l", "x")}),
        ({"timeout": "6h"}, {"timeout": 21600}),
    ],
)
def test_a_session_accepts_what_a_manifest_accepts(given, expected):
    session = skaha_apply.Session(name="a", image=IMAGE, **given)
    assert {name: getattr(session, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ({"cores": "two"}, ["Session 'a': cores must be a number, and is 'two'"]),
        (
            {"env": {"N": None}, "ram": "x"},
            ["Session 'a': ram must be a number, and is 'x'", "Session 'a': env.N must be a text, and is None"],
        ),
        (
            {"rerun": "neverr"},
            ["Session 'a': rerun must be 'on-change', 'always' or 'never', and is 'neverr': did you mean 'never'?"],
        ),
        ({"replicas": 0}, ["Session 'a': replicas must be greater than or equal to 1, and is 0"]),
        ({"timeout": "6x"}, ["Session 'a': timeout: '6x' is not a duration: write 10s, 30m, 12h or 2d"]),
    ],
)
def test_wrong_values_of_a_session_are_one_line_each(given, lines):
    with pytest.raises(skaha_apply.UsageError) as caught:
        skaha_apply.Session(name="a", image=IMAGE, **given)
    assert str(caught.value).splitlines() == lines


def test_an_unknown_argument_of_a_session_names_the_nearest_one_and_all():
    with pytest.raises(
        skaha_apply.UsageError, match=r"'cros': did you mean cores\?\nhint: The arguments are name, image"
    ):
        skaha_apply.Session(name="a", image=IMAGE, cros=2)
    with pytest.raises(skaha_apply.UsageError, match="did you mean 'notebook'"):
        skaha_apply.Session(name="a", image=IMAGE, kind="notebok")
    with pytest.raises(skaha_apply.UsageError, match=r"Session requires image\nhint: The arguments are name"):
        skaha_apply.Session(name="a")


def test_a_project_the_marks_and_the_histories_are_short(notebook):
    project = survey(60)
    assert repr(project) == "Project survey: 60 sessions"
    assert project._repr_html_().count("<tr>") == 2
    many = skaha_apply.define(
        "many", [skaha_apply.Session(name=f"a{one}", image=IMAGE, cmd="true") for one in range(30)]
    )
    assert many._repr_html_().count("<tr>") == 21
    assert "The first 20 of 30 entries:" in many._repr_html_()
    with skaha_apply.connect_sync() as skaha:
        marks, histories = skaha.mark(project, "hold", "reduce"), skaha.show(project, "reduce")
    assert str(marks) == "60 replicas marked"
    assert str(histories).startswith("60 replicas: ")
    assert marks._repr_html_().count("<tr>") == histories._repr_html_().count("<tr>") == 21
    assert len(repr(marks) + repr(histories)) < 200
    assert marks[0].name == histories[0].status.name == "reduce-1"


def test_the_text_of_a_manifest_error_has_five_problems(notebook):
    sessions = "".join(f"  - {{name: a{number}, image: {IMAGE}, coers: 1}}\n" for number in range(7))
    (notebook.folder / "m.yaml").write_text(f"version: 1\nproject: survey\nsessions:\n{sessions}", encoding="utf-8")
    with pytest.raises(skaha_apply.ManifestError) as caught:
        skaha_apply.load("m.yaml")
    text = str(caught.value)
    assert [f"m.yaml:{line}:" in text for line in range(4, 11)] == [True] * 5 + [False] * 2
    left = len(caught.value.diagnostics) - 5
    assert text.splitlines()[-1] == f"{left} more problems are in error.diagnostics"
