"""Counts function calls, which show how the cost of work grows. A clock would not, on a busy machine."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import skaha_apply

ROOT = Path(skaha_apply.__file__).parent


def counted_calls(work):
    """The number of function calls in the package while `work()` runs, by folder or module, such as `lint`.

    Each step of a generator counts as a call.
    """
    counts = Counter()

    def count(frame, event, _):
        if event == "call":
            counts[frame.f_code.co_filename] += 1

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    found = Counter()
    for file, number in counts.items():
        if Path(file).is_relative_to(ROOT):
            found[Path(file).relative_to(ROOT).parts[0].removesuffix(".py")] += number
    return found


def times_called(function, work):
    """How often a function of Python runs while `work()` runs, by whichever name it is called."""
    calls = 0

    def count(frame, event, _):
        nonlocal calls
        calls += event == "call" and frame.f_code is function.__code__

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def calls_for_each_further(work, few=100, many=200):
    """The number of function calls, by folder, that `work(size)` takes for each further item of its size."""
    small, large = counted_calls(lambda: work(few)), counted_calls(lambda: work(many))
    return {folder: (large[folder] - small[folder]) / (many - few) for folder in large}
