"""Why a session failed, from the end of its log and from its events; and which failures have the same cause.

The functions are pure. Their texts are one line without control characters, so that they can be stored and shown.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.model.reasons import OUT_OF_MEMORY
from skaha_apply.model.report import SharedCause

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

LONGEST = 160  # characters of a cause
_END = 64_000  # characters at the end of a log that are read
_WIDEST = 1000  # characters at the start of a line that are read
_LINES = 400  # lines at the end of a log that are read
_NAMED = 20  # names that a shared cause keeps
_TERMINAL_CODE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
_LOG_TIME = re.compile(r"^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*\s+")
# The last line of a Python traceback: `MemoryError`, `astropy.io.fits.VerifyError: text`.
_EXCEPTION = re.compile(r"(?:\w+\.)*(?:[A-Z]\w*(?:Error|Exception)|KeyboardInterrupt|SystemExit)(?:: .*)?")
_ERROR = re.compile(
    r"\b(?:error|fatal|severe|panic|exception)\b|\w(?:Error|Exception)\b|\b(?:killed|aborted|oom)\b"
    r"|no such file|not found\b|permission denied|segmentation fault|core dumped|bus error|illegal instruction"
    r"|out of memory|cannot allocate memory|unable to allocate|disk quota|no space left|read-only file system"
    r"|connection (?:refused|reset)|timed out|assertion.* failed|unrecognized (?:option|arguments)|cannot open",
    re.IGNORECASE,
)
# Lines that follow the cause: they only report that a command failed.
_CONSEQUENCE = re.compile(
    r"make(?:\[\d+\])?: \*\*\*|exit(?:ed)?\b.{0,12}\b(?:status|code|with)\b|\bfailed\b|non-?zero exit", re.IGNORECASE
)
_HARMLESS = re.compile(
    r"\b(?:no|0|zero|without|any) (?:\w+ )?(?:errors?|exceptions?)\b|\berrors?\s*[:=]\s*0\b"
    r"|\berror (?:rate|bar|map)s?\b"
    r"|^\W*(?:warning|warn|info|debug|note)\b",
    re.IGNORECASE,
)
_EVENT = re.compile(r"^(\S+)\s+(\S+)\s+(.*?)(?:\s+(?:\d{4}-\d\d-\d\dT\S+|<none>|<nil>|<unknown>)){0,2}\s*$")
_IMAGE = re.compile(r"image \"?([^\s\"]+)")
_PULL = re.compile(r"pull(?:ing)? image|ErrImagePull|ImagePullBackOff|InvalidImageName", re.IGNORECASE)
_RUNTIME = re.compile(r"^Error: (?:.*unable to start container process: )?|: unknown$")
_IMAGE_REASONS = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_NO_PULL = "image cannot be pulled"
_STARTED = frozenset({"Pulled", "Started"})
_OUT_OF_MEMORY = re.compile(
    r"OOMKilled|MemoryError\b|\bout of memory\b|cannot allocate memory|unable to allocate|\bbad_alloc\b"
    r"|(?:status|code|exit(?:ed)? with)[ :=]+137\b|^killed$|\bline \d+: +\d+ killed\b",
    re.IGNORECASE,
)
_OTHER_MEMORY = re.compile(r"\b(?:cuda|gpu|hip|vram)\b", re.IGNORECASE)
# What differs between failures with the same cause: paths and addresses, then words with a digit (numbers, IDs).
_PATH = re.compile(r"(?:\w+:/)?(?:[\w.~$@%+=-]*/)+[\w.~$@%+=-]*")
_WORD_WITH_DIGIT = re.compile(r"[\w.+-]*\d[\w.+-]*")


def failure_cause(log: str, events: str) -> str:
    """Why a session failed, in one line of at most `LONGEST` characters; "" if nothing states it.

    An event that ended the session comes first: out of memory, an image that cannot be pulled, a deadline, an eviction.
    Otherwise it is the last line of the log that looks like an error.

    Args:
        log: the log, or its end. The caller has masked sensitive values.
        events: the events as a table of the server (TYPE REASON MESSAGE FIRST-TIME LAST-TIME).
    """
    return _shortened(_cause_in_events(events) or _cause_in_log(log))


def shared_causes(
    failures: Iterable[tuple[str, str]], retried: Collection[str] = frozenset()
) -> tuple[SharedCause, ...]:
    """Failures with the same cause, the most frequent cause first.

    Two causes are the same if they differ only in paths, numbers and IDs; `…` takes the place of these if they differ.

    Args:
        failures: the live name and the cause of each failed replica; one without a cause is left out.
        retried: the live names of the replicas that have another attempt.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for name, cause in failures:
        if cause:
            found.setdefault(cause_key(cause), []).append((name, cause))
    order = Counter({skeleton: len(members) for skeleton, members in found.items()})
    return tuple(_shared(skeleton, found[skeleton], retried) for skeleton, _ in order.most_common())


def cause_key(cause: str) -> str:
    """What failures with the same cause have in common: the cause with `…` for paths, numbers and IDs."""
    return _WORD_WITH_DIGIT.sub("…", _PATH.sub("…", cause[:_WIDEST]))


def is_out_of_memory(cause: str) -> bool:
    """Whether a cause states that a session needed more RAM than it had; the memory of a GPU is another one."""
    return bool(_OUT_OF_MEMORY.search(cause)) and not _OTHER_MEMORY.search(cause)


def _shared(skeleton: str, members: Sequence[tuple[str, str]], retried: Collection[str]) -> SharedCause:
    texts = {cause for _, cause in members}
    names = tuple(name for name, _ in members[:_NAMED])
    again = sum(name in retried for name, _ in members)
    return SharedCause(texts.pop() if len(texts) == 1 else skeleton, len(members), names, again)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"


def _clean(line: str) -> str:
    """The line as a terminal leaves it: without codes, control characters, and text that was overwritten."""
    shown = _TERMINAL_CODE.sub("", line).rstrip().rpartition("\r")[2].expandtabs(4)[:_WIDEST]
    return "".join(char for char in shown if char.isprintable()).rstrip()


def _cause_in_log(log: str) -> str:
    lines = [_clean(line) for line in log[-_END:].split("\n")[-_LINES:]]
    lines = [line for line in lines if line]
    exceptions = frozenset(_exceptions(lines))
    consequence = ""
    for place in range(len(lines) - 1, -1, -1):
        line = _LOG_TIME.sub("", lines[place]).strip()
        if place in exceptions or _is_error(line):
            return " ".join(line.split())
        consequence = consequence or (line if _is_consequence(line) else "")
    return " ".join(consequence.split())


def _is_error(line: str) -> bool:
    if _EXCEPTION.fullmatch(line):
        return True
    return bool(_ERROR.search(line)) and not _HARMLESS.search(line) and not _is_consequence(line)


def _is_consequence(line: str) -> bool:
    return bool(_CONSEQUENCE.search(line)) and not _HARMLESS.search(line) and not _EXCEPTION.match(line)


def _exceptions(lines: Sequence[str]) -> Iterator[int]:
    """The places of the lines that end a Python traceback: not indented, after an indented line of a file."""
    in_traceback = False
    for place, line in enumerate(lines):
        if line.startswith("Traceback (most recent call last)"):
            in_traceback = True
        elif in_traceback and not line.startswith(" "):
            in_traceback = False
            yield place


def _cause_in_events(events: str) -> str:
    cause = ""
    for line in events.splitlines()[1:]:
        parts = _EVENT.match(" ".join(_clean(line).split()))
        if parts is None:
            continue
        _, reason, message = parts.groups()
        if reason in _STARTED and cause.startswith(_NO_PULL):
            cause = ""  # an earlier pull failed, and a later one succeeded
        found = _event_cause(reason, message)
        if found and not (found == _NO_PULL and cause.startswith(_NO_PULL)):
            cause = found  # an event that names the image counts more than a later one that does not
    return " ".join(cause.split())


def _event_cause(reason: str, message: str) -> str:
    """The cause that one event states; "" for an event that ends no session."""
    text = message.lower()
    if reason in ("OOMKilling", "OOMKilled", "SystemOOM") or "oomkilled" in text:
        return OUT_OF_MEMORY
    if reason in _IMAGE_REASONS or (reason in ("Failed", "BackOff") and _PULL.search(message)):
        image = _IMAGE.search(message)
        return f"{_NO_PULL}: {image[1]}" if image else _NO_PULL
    if reason == "DeadlineExceeded":
        return f"deadline exceeded: {message}"
    if reason == "Evicted":
        return f"evicted: {message}"
    return f"cannot start: {_RUNTIME.sub('', message)}" if reason == "Failed" else ""
