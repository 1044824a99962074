"""Lines in a terminal: wrapped between words, except commands to paste."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import pytest

from skaha_apply.render.color import terminal_colors
from skaha_apply.render.wrapped_text import shifted, visible_length, wrapped

PLAN = "*   wait     tile-${tile}  22 of 30  (a09 … a30)  limit of tile-${tile} reached (parallelism 8)"
COMMAND = "  skaha-apply mark rerun 'tile-${tile}' --phase failed --project survey --sandbox --state some/where.json"


def test_a_reason_is_continued_below_its_column():
    assert wrapped(PLAN, 60).split("\n") == [
        "*   wait     tile-${tile}  22 of 30  (a09 … a30)  limit of",
        "             tile-${tile} reached (parallelism 8)",
    ]


def test_a_command_to_paste_keeps_its_line_and_only_that_line_is_wider():
    text = f"To run the failed replicas of a survey again at the next apply:\n{COMMAND}\nThen wait.\n"
    lines = wrapped(text, 40).split("\n")
    assert COMMAND in lines
    assert max(len(line) for line in lines if line != COMMAND) <= 40
    assert wrapped(text, 40).endswith("Then wait.\n")


def test_a_command_in_backquotes_is_not_broken_if_it_fits():
    lines = wrapped(
        "hint: to see the sessions of the sandbox, run `skaha-apply ps --sandbox` in this folder", 60
    ).split("\n")
    assert any("`skaha-apply ps --sandbox`" in line for line in lines)


def test_codes_for_colors_take_no_column():
    paint = terminal_colors()
    text = " ".join(paint("word", "bold red") for _ in range(20))
    lines = wrapped(text, 44).split("\n")
    assert max(visible_length(line) for line in lines) <= 44
    assert len(lines) == 3


@hypothesis.given(st.lists(st.text("ab`-", min_size=1, max_size=12), min_size=1, max_size=40), st.integers(40, 100))
def test_every_line_fits_and_no_word_is_lost(words, width):
    text = " ".join(words)
    lines = wrapped(text, width).split("\n")
    assert all(len(line) <= width for line in lines)
    assert " ".join(lines).split() == text.split()


@pytest.mark.parametrize("place", [0, 30, 90, 140])
def test_the_carets_stay_below_what_they_mark(place):
    source = f"{'x' * place}WRONG{'y' * (150 - place)}"
    shown, carets = shifted(source, f"{' ' * place}^^^^^", 60)
    assert len(shown) <= 60
    start = carets.index("^")
    assert shown[start : start + 4] in ("WRON", "…RON")
