"""The block in a terminal, judged by what a screen shows: a small one that understands the codes which are used."""

from __future__ import annotations

import re

from reason_notes import note

from skaha_apply.model.progress.summary import EntrySummary, ProjectSummary
from skaha_apply.model.report import (
    ActionEnded,
    CausesFound,
    FailureCause,
    Note,
    NotStarted,
    PassEnded,
    PassStarted,
    PhaseChanged,
)
from skaha_apply.render.run.live_table import LiveTable, TerminalBlock

CODE = re.compile(r"\x1b\[(\d*)([A-Z])|(\n)|([^\x1b\n]+)")


class Screen:
    """Rows without end: those above the block scroll by. Understands F, K, J, newlines; refuses the rest."""

    def __init__(self, columns=80, lines=24):
        self.columns, self.lines = columns, lines
        self.rows, self.at, self.frames = [""], 0, []

    def write(self, text):
        assert "".join(found[0] for found in CODE.finditer(text)) == text, repr(text)
        column = 0
        for number, code, newline, plain in CODE.findall(text):
            if code == "F":
                self.at -= int(number)
                assert self.at >= 0
                column = 0
            elif code == "K":
                self.rows[self.at] = self.rows[self.at][:column]
            elif code == "J":
                self.rows = [*self.rows[: self.at], self.rows[self.at][:column]]
            elif newline:
                self.at += 1
                column = 0
                if self.at == len(self.rows):
                    self.rows.append("")
            else:
                row = self.rows[self.at]
                self.rows[self.at] = row[:column] + plain + row[column + len(plain) :]
                column += len(plain)
        self.frames.append(self.shown)

    def become(self, columns):
        """Be narrower, as terminals are that wrap long rows again."""
        self.columns, broken = columns, []
        for row in self.rows:
            broken += [row[start : start + columns] for start in range(0, max(len(row), 1), columns)]
        self.rows, self.at = broken, len(broken) - 1

    @property
    def shown(self):
        return [row.rstrip() for row in self.rows if row.strip()]


def board(screen, clock=lambda: 0.0, **more):
    return LiveTable(TerminalBlock(screen.write, lambda: (screen.columns, screen.lines)), clock=clock, tick=0, **more)


def tiles(done, **more):
    counts = {"running": 8, "done": done, "wait": 292 - done}
    one = NotStarted("merge", "blocked", note("needs tile-${tile}: tile-t017 is failed"), 1)
    entry = EntrySummary("tile-${tile}", counts, longest=100.0, longest_name="tile-t200", median=30.0)
    return PassEnded("survey", ProjectSummary(0.0, (entry, EntrySummary("merge", {"blocked": 1}))), (one,), **more)


def test_a_wait_is_one_table_drawn_over_itself(action):
    screen = Screen()
    shown = board(screen)
    shown(PassStarted("survey", 3))
    for replica in (1, 2, 3):
        shown(ActionEnded(action("create", replica=replica), id="k2j3h4g5"))
    assert re.fullmatch(r"survey: ━{24} 3/3 0 s", screen.shown[-1])
    for done in (0, 1, 2, 200):
        shown(tiles(done))
    shown.close()
    assert screen.shown == [
        "entry         running  done  failed  waiting  blocked  total  longest (median)",
        "tile-${tile}        8   200       -       92        -    300  1 min (30 s) !",
        "merge               -     -       -        -        1      1",
        "x merge: 1 blocked: needs tile-${tile}: tile-t017 is failed",
    ]
    assert all(frame for frame in screen.frames), "an empty frame flickers"


def test_the_commands_of_reasons_are_completed_before_their_rows_are_wrapped():
    screen = Screen(columns=60)
    board(screen, complete=lambda text: text.replace("is failed", "is failed, and more words that need a second row"))(
        tiles(1)
    )
    assert screen.shown[-2:] == [
        "x merge: 1 blocked: needs tile-${tile}: tile-t017 is",
        "    failed, and more words that need a second row",
    ]


def test_errors_and_notes_scroll_above_the_table():
    screen = Screen(columns=100)
    shown = board(screen)
    shown(tiles(1))
    shown(PhaseChanged("survey", "tile-t017", 1, "tile-t017", "k2j3h4g5", "running", "failed"))
    shown(PhaseChanged("survey", "tile-t018", 1, "tile-t018", "k2j3h4g5", "running", "done"))
    shown(Note("the server is away\x1b[2J"))
    shown.above("warning: something\n")
    shown(CausesFound("survey", (FailureCause("tile-t017", 1, "tile-t017", "MemoryError\x1b[2J"),)))
    assert screen.shown[:3] == [
        r"the server is away\x1b[2J",
        "warning: something",
        r"tile-t017 k2j3h4g5: running -> failed: MemoryError\x1b[2J",
    ]
    assert len(screen.shown) == 7


def test_a_failure_without_a_cause_is_shown_at_the_end_of_its_pass_or_of_the_run():
    for end in (lambda shown: shown(tiles(1)), lambda shown: shown.close()):
        screen = Screen(columns=100)
        shown = board(screen)
        shown(tiles(1))
        shown(PhaseChanged("survey", "tile-t017", 1, "tile-t017", "k2j3h4g5", "running", "failed"))
        assert screen.shown[0].startswith("entry")
        end(shown)
        assert screen.shown[0] == "tile-t017 k2j3h4g5: running -> failed"


def test_a_thousand_failures_do_not_flood_the_screen():
    screen = Screen()
    shown = board(screen)
    shown(tiles(1))
    for replica in range(1000):
        shown(PhaseChanged("survey", "t", replica, f"t-{replica}", "k2j3h4g5", "running", "failed"))
    shown(tiles(1))
    assert len(screen.shown) < 30
    assert "… and more; the report groups them" in screen.shown


def test_it_fits_a_small_terminal_and_one_that_becomes_smaller():
    screen = Screen(columns=120, lines=12)
    shown = board(screen)
    many = tuple(EntrySummary(f"sweep-{number}", {"done": number}) for number in range(1, 60))
    reason = note(f"needs sweep {'x' * 150}")
    not_started = tuple(NotStarted(f"stage-{number}", "wait", reason, 1) for number in range(20))
    for columns in (120, 120, 40):
        screen.become(columns)
        shown(PassEnded("survey", ProjectSummary(0.0, many), not_started))
        assert len(screen.shown) <= 11
        assert max(map(len, screen.shown)) < columns
        assert screen.shown[0].startswith("entry")
        assert screen.shown[-1].startswith("… and ")
    screen.lines = 3
    shown(PassEnded("survey", ProjectSummary(0.0, many), not_started))
    assert len(screen.shown) == 2


def test_time_is_updated_between_two_passes():
    screen, now = Screen(100), [0.0]
    shown = board(screen, lambda: now[0])
    shown(tiles(1))
    now[0] = 3600.0
    shown.above("")
    assert "1 h 01 min (30 s) !" in "\n".join(screen.shown)


def test_it_may_begin_again_after_it_was_closed(action):
    screen = Screen()
    shown = board(screen)
    for _ in range(2):
        shown(PassStarted("survey", 1))
        shown(ActionEnded(action("create"), id="k2j3h4g5"))
        shown.close()
        shown.close()
    assert [row[-7:] for row in screen.shown] == ["1/1 0 s", "1/1 0 s"]


def test_projects_side_by_side_have_their_parts_and_end_by_themselves(action):
    screen = Screen(lines=14)
    whole = board(screen)
    one, two = whole.for_project("one"), whole.for_project("two")
    one(tiles(5))
    two(PassStarted("two", 2))
    one(ActionEnded(action("create"), error="400"))
    two(ActionEnded(action("create"), id="k2j3h4g5"))
    assert screen.shown[-1].endswith("1/2 0 s")
    two(tiles(7))
    assert [row for row in screen.shown if row in ("one", "two")] == ["one", "two"]
    whole.for_project("one").close()
    two(tiles(8))
    assert screen.shown[-4].startswith("entry")
    assert "   8  " in screen.shown[-3]
    assert screen.shown.count("two") == 1  # in what the first has left behind; alone it needs no name
