from __future__ import annotations

import io

from skaha_apply.model.report import ActionEnded, Note, PhaseChanged, Started, Waiting
from skaha_apply.render.progress import Bar, Lines


def events(action):
    return [
        Started("survey", 3),
        ActionEnded(action("create"), id="k2j3h4g5"),
        ActionEnded(action("replace", replica=2), id="a1b2c3d4"),
        ActionEnded(action("create", replica=3), error="400 [red]no[/red]\x1b[2J"),
        Note("a note"),
        Waiting("survey", {"running": 2, "failed": 0}, ()),
        Waiting("survey", {"running": 2}, ()),
        PhaseChanged("survey", "reduce", 1, "reduce-1", "k2j3h4g5", "running", "failed"),
        Waiting("survey", {"running": 1, "failed": 1}, ("needs reduce (2 of 3 not done)",)),
        Waiting("survey", {"running": 1, "failed": 1}, ("needs reduce (1 of 3 not done)",)),
    ]


def test_plain_lines_tell_each_change_once_and_no_poll(action):
    said = []
    narrator = Lines(said.append)
    for event in events(action):
        narrator(event)
    narrator.close()
    assert said == [
        "survey: 3 actions",
        "created reduce-1 k2j3h4g5",
        "replaced reduce-2 a1b2c3d4",
        r"not created reduce-3: 400 [red]no[/red]\x1b[2J",
        "a note",
        "reduce-1 k2j3h4g5: running -> failed",
        "survey: 1 running, 1 failed (needs reduce (2 of 3 not done))",
    ]


def test_a_bar_shows_errors_as_text_and_ends_with_the_terminal_given_back(action):
    stream = io.StringIO()
    bar = Bar(stream, colour=False)
    for event in events(action):
        bar(event)
    bar.close()
    bar.close()
    drawn = stream.getvalue()
    assert r"not created reduce-3: 400 [red]no[/red]\x1b[2J" in drawn
    assert "3/3" in drawn
    assert "1 running, 1 failed" in drawn
    assert "\x1b[2J" not in drawn


def test_a_bar_may_begin_again_after_it_was_closed(action):
    stream = io.StringIO()
    bar = Bar(stream, colour=False)
    for _ in range(2):
        bar(Started("survey", 1))
        bar(ActionEnded(action("create"), id="k2j3h4g5"))
        bar.close()
    assert stream.getvalue().count("1/1") >= 2
