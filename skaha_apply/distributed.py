"""Share out a list over the replicas of a session, save each replica's results, and merge them without a loss.

The module runs inside the container. It requires only the standard library of Python 3.8 or later, and it is one file,
so that you can copy it into an image. It reads REPLICA_ID and REPLICA_COUNT when a function is called. Not promised:
without SKAHA_APPLY_RUN the results of two runs cannot be distinguished, so start with an empty folder.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TextIO

    # Each problem, with the replicas that have it; no replica if a file belongs to none.
    Problems = dict[str, list[int]]

__all__ = [
    "CombineError",
    "Combined",
    "DistributedError",
    "ReplicaError",
    "Share",
    "chunk",
    "combine",
    "describe",
    "save",
    "share_of",
    "stripe",
]

Item = TypeVar("Item")

_FILE = re.compile(r"container_(?P<replica>.*?)(?P<rest>_results\.json|\.meta\.json)", re.IGNORECASE)
_RESULTS, _META = "_results.json", ".meta.json"
_FORMAT = 1
_META_FIELDS = {
    "replica": (int,),
    "count": (int,),
    "run": (str, type(None)),
    "strategy": (str, type(None)),
    "items": (int, type(None)),
    "fingerprint": (str, type(None)),
    "results": (int, type(None)),
    "sha256": (str,),
    "saved_at": (str,),
}


class DistributedError(ValueError):
    """The base class of the errors of this module; the message states what is wrong and what to do."""


class ReplicaError(DistributedError):
    """REPLICA_ID and REPLICA_COUNT, or the two arguments, are not a valid replica and count."""


class CombineError(DistributedError):
    """A set of results is not complete; `problems` has one line for each kind of problem."""

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__("\n".join([message, *("  " + problem for problem in problems)]))
        self.problems = tuple(problems)


class Share(NamedTuple):
    """One replica's part of a list: replica and count, and, if known, the strategy and the list that was shared out."""

    replica: int
    total: int
    strategy: str | None = None
    items: int | None = None
    fingerprint: str | None = None

    @property
    def part(self) -> slice:
        """The slice of the list that is this replica's share; empty if no list is known.

        Only this code computes shares.
        """
        size, larger = divmod(self.items or 0, self.total)
        before = self.replica - 1
        if self.strategy == "stripe":
            return slice(before, self.items or 0, self.total)
        start = before * size + min(before, larger)
        return slice(start, start + size + (before < larger))


class Combined(NamedTuple):
    """What `combine` wrote: `results` entries from the replicas `merged`, of a set of `total` replicas."""

    out: Path
    results: int
    total: int
    merged: tuple[int, ...]
    run: str | None
    problems: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether no result is missing and no file was left out."""
        return not self.problems


# Shares of this process, newest last, so that `save` can record the list to which its results belong.
_shares: dict[tuple[int, int], Share] = {}


def chunk(items: Iterable[Item], replica: int | None = None, total: int | None = None) -> list[Item]:
    """Return this replica's contiguous share of the items, in their order; sizes differ by at most one.

    If neither `replica` (from 1) nor `total` is given, they come from REPLICA_ID and REPLICA_COUNT. Without these all
    items are returned (1 of 1). Every replica must get the same items in the same order: sort a `glob`.

    Raises:
        ReplicaError: only one of the two is given, or they are not valid.
        TypeError: items without an order or a text that is the same for all replicas (a set, a string, plain objects).
    """
    return _take_share("chunk", items, replica, total)


def stripe(items: Iterable[Item], replica: int | None = None, total: int | None = None) -> list[Item]:
    """Return every `total`-th item, beginning at this replica's number. Arguments and errors are those of `chunk`.

    This spreads items that follow each other and take a similar time.
    """
    return _take_share("stripe", items, replica, total)


def describe(
    items: Iterable[object], strategy: str = "chunk", replica: int | None = None, total: int | None = None
) -> str:
    """Return one line for the log: replica, size of its share, first and last item, and the whole list's fingerprint.

    `items` is the whole list. Its fingerprint is the same in every container that has the same list.
    """
    listed = _as_list(items)
    share = share_of(listed, strategy, replica, total)
    mine = listed[share.part]
    ends = f": first {_text(mine[0])}, last {_text(mine[-1])}" if mine else ""
    plural = "item" if len(mine) == 1 else "items"
    return (
        f"Container {share.replica} of {share.total} processing {len(mine)} {plural}{ends} "
        f"({strategy} of {share.items}, list {_short_fingerprint(share.fingerprint)})"
    )


def share_of(
    items: Iterable[object], strategy: str = "chunk", replica: int | None = None, total: int | None = None
) -> Share:
    """Return the share that `chunk` or `stripe` would take of the items, for `save(..., share=...)`."""
    if strategy not in ("chunk", "stripe"):
        raise DistributedError(f"unknown strategy {strategy!r}: use chunk or stripe")
    listed = _as_list(items)
    number, count = _replica_and_count(replica, total)
    return Share(number, count, strategy, len(listed), _fingerprint(listed))


def save(results: object, folder: str | os.PathLike[str], *, share: Share | None = None) -> Path:
    """Write the results to `container_<REPLICA_ID>_results.json` in the folder, and describe them in a .meta.json file.

    The folder is created if necessary. A retry of the replica overwrites the earlier files. The description names the
    list of `share`, else of the last `chunk` or `stripe` of this replica in this process; without a list it has only
    run, count and replica. numpy values and paths are converted; NaN and infinities are written as Python reads them.
    Returns the path of the results.

    Raises:
        DistributedError: JSON cannot hold the results; nothing was written.
        ReplicaError: as for `chunk`.
        OSError: the folder cannot be written (full, read-only); earlier files are still whole.
    """
    share = _current_share() if share is None else share
    plain = _json_values(results)
    text = json.dumps(plain)
    attempt = os.environ.get("SKAHA_APPLY_ATTEMPT", "")
    now = time.time_ns()
    meta = {
        "format_version": _FORMAT,
        "replica": share.replica,
        "count": share.total,
        "strategy": share.strategy,
        "items": share.items,
        "fingerprint": share.fingerprint,
        "project": os.environ.get("SKAHA_APPLY_PROJECT") or None,
        "run": os.environ.get("SKAHA_APPLY_RUN") or None,
        "attempt": int(attempt) if re.fullmatch("[0-9]{1,9}", attempt) else None,
        "results": len(plain) if isinstance(plain, list) else None,
        "sha256": hashlib.sha256(text.encode("ascii")).hexdigest(),
        "saved_at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9)) + f".{now % 10**9:09d}Z",
    }
    path = Path(folder) / f"container_{share.replica}{_RESULTS}"
    with _replaced_file(path) as stream:
        stream.write(text)
    # This file is the last, and it has the digest of the results: so a crash between the two files is noticed.
    with _replaced_file(path.with_name(f"container_{share.replica}{_META}")) as stream:
        json.dump(meta, stream, indent=1)
    return path


def combine(
    folder: str | os.PathLike[str], out: str | os.PathLike[str], *, partial: bool = False, latest: bool = False
) -> Combined:
    """Merge the results that all replicas saved in the folder into one JSON list.

    Lists are joined in the order of the replicas. If the results are not lists, the merged list has one entry for each
    replica. A replica with an empty share need not save. With `latest`, only the run that saved last is read. With
    `partial`, the whole results that agree with most replicas are merged, and `problems` names the rest.

    Raises:
        CombineError: a replica is missing, has a duplicate file, is unreadable, is of another run, or saw another list,
            count or strategy; or nothing can be merged. `out` is unchanged.
        OSError: the folder cannot be read, or `out` cannot be written.
    """
    folder, out = Path(folder), Path(out)
    if _FILE.fullmatch(out.name):
        raise CombineError(f"{out} is a name for the results of a replica: choose another name for the merged results")
    metas, found = _read_descriptions(folder)
    if not metas:
        hint = "if the list was empty, let replica 1 save its empty result"
        raise CombineError(f"{folder} contains no whole results of save ({hint})", _problem_lines(found))
    run = max(metas.values(), key=lambda meta: str(meta["saved_at"]))["run"]
    if latest:
        metas = {replica: meta for replica, meta in metas.items() if meta["run"] == run}
    agreed, total = _select_agreeing(metas, run, found)
    with _replaced_file(out) as stream:
        merged, written = _write_merged(folder, agreed, stream, found)
        problems = _problem_lines(found)
        if problems and not partial:
            way = "Run the missing replicas again, delete the other files, or merge what exists: partial (--partial)."
            raise CombineError(f"{folder} is not a complete set, {out} was not written. {way}", problems)
        if not merged and problems:
            raise CombineError(f"{folder} contains no results to merge, {out} was not written", problems)
    return Combined(out, written, total, merged, run, problems)


def _take_share(strategy: str, items: Iterable[Item], replica: int | None, total: int | None) -> list[Item]:
    listed = _as_list(items)
    share = share_of(listed, strategy, replica, total)
    _shares.pop((share.replica, share.total), None)
    _shares[share.replica, share.total] = share
    return listed[share.part]


def _as_list(items: Iterable[Item]) -> list[Item]:
    if isinstance(items, (str, bytes, os.PathLike)):
        raise TypeError(f"items is a single {type(items).__name__}: pass a list of items")
    if isinstance(items, (set, frozenset)):
        raise TypeError("a set has another order in each container: pass sorted(items)")
    return list(items)


def _text(item: object) -> str:
    if isinstance(item, os.PathLike):
        item = os.fspath(item)
    if isinstance(item, bytes):
        return item.decode("utf-8", "surrogateescape")
    if type(item).__str__ is object.__str__ and type(item).__repr__ is object.__repr__:
        raise TypeError(f"{type(item).__name__} has no __str__: share out names or numbers, or add __str__")
    return str(item)


def _fingerprint(items: Iterable[object]) -> str:
    digest = hashlib.sha256()
    for item in items:
        raw = _text(item).encode("utf-8", "surrogatepass")
        # The length before each item makes ["a", "b"] and ["ab"] different.
        digest.update(b"%d:" % len(raw) + raw)
    return "sha256:" + digest.hexdigest()


def _short_fingerprint(fingerprint: object) -> str:
    return str(fingerprint)[: len("sha256:") + 16]


def _replica_and_count(replica: object, total: object) -> tuple[int, int]:
    names = ("replica", "total")
    if replica is None and total is None:
        names = ("REPLICA_ID", "REPLICA_COUNT")
        replica, total = (os.environ.get(name) for name in names)
        if replica is None and total is None:
            return 1, 1
    if replica is None or total is None:
        given, missing = names if total is None else reversed(names)
        raise ReplicaError(f"{given} is set, but {missing} is not: set both, or neither for 1 of 1")
    number, count = (_positive_number(name, value) for name, value in ((names[0], replica), (names[1], total)))
    if number > count:
        raise ReplicaError(f"{names[0]} {number} is larger than {names[1]} {count}")
    return number, count


def _positive_number(name: str, value: object) -> int:
    # The text decides: str(True) is not a number, and the text of a numpy integer is one.
    if not re.fullmatch("0*[1-9][0-9]{0,8}", str(value)):
        raise ReplicaError(f"{name} is {value!r}: it must be a whole number, at least 1")
    return int(str(value))


def _current_share() -> Share:
    """Return the last share of the replica in the environment; without REPLICA_ID the last share of any replica."""
    pair = _replica_and_count(None, None)
    newest = list(_shares.values())[-1:]
    if newest and "REPLICA_ID" not in os.environ:
        return newest[0]
    return _shares.get(pair, Share(*pair))


def _json_values(results: object) -> Any:
    try:
        return _json_value(results)
    except RecursionError:
        raise DistributedError("the results contain themselves, or are nested too deeply for JSON") from None


def _json_value(value: object) -> Any:
    """Convert a value to the types of JSON, also numpy values (they have `tolist`) and paths."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Mapping):
        plain = {_json_key(key): _json_value(inner) for key, inner in value.items()}
        if len(plain) != len(value):
            raise DistributedError("two keys of one dict in the results are the same in JSON: make them different")
        return plain
    if isinstance(value, (list, tuple)):
        return [_json_value(inner) for inner in value]
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    return _json_value(_python_value(value))


def _json_key(key: object) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, os.PathLike):
        return os.fsdecode(key)
    if key is None or isinstance(key, (int, float)):
        return json.dumps(key)
    return _json_key(_python_value(key))


def _python_value(value: object) -> object:
    with suppress(Exception):  # a unit or a mask can raise any error; the message below covers them all
        native: object = value.tolist()  # type: ignore[attr-defined]  # numpy can be absent, so the method is the test
        if type(native) is not type(value):
            return native
    shown = repr(value)[:80]
    raise DistributedError(
        f"the results contain {shown} ({type(value).__name__}), which JSON cannot hold: use a number, a text or a list"
    )


@contextmanager
def _replaced_file(path: Path) -> Iterator[TextIO]:
    """Yield a temporary file. It replaces `path` if the block succeeds, and is deleted otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    try:
        with draft.open("x", encoding="ascii", newline="\n") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    with suppress(OSError):  # some network file systems cannot sync a folder
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _read_descriptions(folder: Path) -> tuple[dict[int, dict[str, Any]], Problems]:
    """Read the .meta.json files; each other file that a loop over container_*_results.json finds is a problem."""
    found: Problems = {}
    numbers: dict[str, set[int]] = {_RESULTS: set(), _META: set()}
    names = sorted(os.listdir(folder))  # noqa: PTH208  # compared as text: some file systems ignore case
    for name in names:
        match = _FILE.fullmatch(name)
        if not match:
            continue
        replica = int(match["replica"]) if re.fullmatch("[0-9]{1,9}", match["replica"]) else 0
        own = f"container_{replica}{match['rest'].lower()}"
        if replica and name == own:
            numbers[match["rest"]].add(replica)
        elif replica and own in names:
            found.setdefault(f"duplicate file: {name} in addition to {own}", []).append(replica)
        else:
            found[f"{name} is not a name that save writes"] = []
    metas = {}
    for replica in sorted(numbers[_RESULTS] | numbers[_META]):
        try:
            metas[replica] = _read_meta(folder / f"container_{replica}{_META}", replica)
        except DistributedError as error:
            found.setdefault(str(error), []).append(replica)
    return metas, found


def _read_meta(path: Path, replica: int) -> dict[str, Any]:
    try:
        meta = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DistributedError(f"its results have no {_META} file: save was interrupted, or not used") from None
    except (OSError, ValueError) as error:
        raise DistributedError(f"unreadable: {path.name}: {error}") from None
    if not isinstance(meta, dict) or meta.get("format_version") != _FORMAT:
        raise DistributedError(
            f"unreadable: {path.name} does not have format {_FORMAT}: use one version of this module"
        )
    wrong = [name for name, kinds in _META_FIELDS.items() if name not in meta or type(meta[name]) not in kinds]
    if wrong or not 1 <= meta["replica"] <= meta["count"]:
        raise DistributedError(f"unreadable: {path.name} has no valid {', '.join(wrong) or 'replica'}")
    if meta["replica"] != replica:
        raise DistributedError(f"{path.name} is of replica {meta['replica']}")
    return meta


def _select_agreeing(
    metas: dict[int, dict[str, Any]], run: str | None, found: Problems
) -> tuple[dict[int, dict[str, Any]], int]:
    """Select the replicas that agree: of the run that saved last, with the list that most replicas saw."""

    def view(meta: dict[str, Any]) -> tuple[Any, ...]:
        return meta["count"], meta["strategy"], meta["items"], meta["fingerprint"], meta["results"] is None

    views = Counter(view(meta) for meta in metas.values() if meta["run"] == run)
    usual = views.most_common(1)[0][0]
    total, strategy, items = usual[:3]
    agreed = {}
    for replica, meta in metas.items():
        if meta["run"] == run and view(meta) == usual:
            agreed[replica] = meta
        else:
            found.setdefault(_difference(meta, run, usual), []).append(replica)
    # With both strategies, replicas whose number is above the number of items get no items.
    expected = total if strategy is None else min(total, items or 0)
    known_replicas = set(metas).union(*found.values())
    missing = [replica for replica in range(1, expected + 1) if replica not in known_replicas]
    if missing:
        found["missing: nothing saved"] = missing
    return agreed, total


def _difference(meta: dict[str, Any], run: str | None, usual: tuple[Any, ...]) -> str:
    total, strategy, items, fingerprint, single = usual
    if meta["run"] != run:
        return f"of run {meta['run']}, while {run} saved last (latest=True, --latest, skips earlier runs)"
    if meta["count"] != total:
        return f"of another count: {meta['count']} replicas, not {total}"
    if meta["strategy"] != strategy:
        return f"of another strategy: {meta['strategy']}, not {strategy}"
    if (meta["items"], meta["fingerprint"]) != (items, fingerprint):
        seen, others = (
            f"{meta['items']} items, {_short_fingerprint(meta['fingerprint'])}",
            f"{items} items, {_short_fingerprint(fingerprint)}",
        )
        return f"saw another list: {seen}, not {others} (is it sorted?)"
    return "saved a list, but the others did not" if single else "saved no list, but the others did"


def _write_merged(
    folder: Path, metas: dict[int, dict[str, Any]], stream: TextIO, found: Problems
) -> tuple[tuple[int, ...], int]:
    """Write one result per line. Only one replica's results are in memory at a time."""
    merged, written = [], 0
    for replica, meta in sorted(metas.items()):
        name = f"container_{replica}{_RESULTS}"
        try:
            raw = (folder / name).read_bytes()
            results = json.loads(raw)
        except FileNotFoundError:
            found.setdefault("missing: only .meta.json exists, without results", []).append(replica)
            continue
        except (OSError, ValueError, RecursionError) as error:
            found.setdefault(f"unreadable: {name}: {error}", []).append(replica)
            continue
        if hashlib.sha256(raw).hexdigest() != meta["sha256"]:
            reason = "results differ from their .meta.json: save was interrupted, or the file was changed"
            found.setdefault(reason, []).append(replica)
            continue
        for result in [results] if meta["results"] is None else results:
            stream.write(("," if written else "[") + "\n" + json.dumps(result))
            written += 1
        merged.append(replica)
    stream.write("\n]\n" if written else "[]\n")
    return tuple(merged), written


def _problem_lines(found: Problems) -> tuple[str, ...]:
    return tuple(
        (f"replica{'s' * (len(replicas) > 1)} {_ranges(replicas)}: " if replicas else "") + text
        for text, replicas in sorted(found.items(), key=lambda pair: (pair[1][:1] or [0], pair[0]))
    )


def _ranges(numbers: Iterable[int]) -> str:
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        self.exit(1, f"{self.prog}: {message} (see --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="distributed", description="Share out a list over replicas, and merge their results.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = "a text file with one item per line, or - for standard input; blank lines and # comments do not count"
    for name, text in (("chunk", "print this replica's contiguous lines"), ("stripe", "print every COUNT-th line")):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("list", metavar="LIST", help=listing)
    command = commands.add_parser("describe", help="print one line that describes this replica's share")
    command.add_argument("list", metavar="LIST", help=listing)
    command.add_argument("--strategy", choices=("chunk", "stripe"), default="chunk")
    command = commands.add_parser("save", help="save this replica's results")
    command.add_argument("results", metavar="FILE", help="JSON, or - for standard input")
    command.add_argument("folder", metavar="DIR")
    command.add_argument("--list", metavar="LIST", help=f"the list that was shared out: {listing}", required=True)
    command.add_argument("--strategy", choices=("chunk", "stripe"), default="chunk")
    command.add_argument("--lines", action="store_true", help="FILE is text; each line is a result")
    command = commands.add_parser("combine", help="merge the results of all replicas")
    command.add_argument("folder", metavar="DIR")
    command.add_argument("out", metavar="OUT")
    command.add_argument(
        "--partial", action="store_true", help="merge the results that exist, and print what is missing"
    )
    command.add_argument("--latest", action="store_true", help="skip the files of earlier runs")
    return parser


def _read_text(path: str) -> str:
    raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    # Names of files can be any bytes: bytes that are not UTF-8 must stay unchanged.
    return raw.decode("utf-8-sig", "surrogateescape")


def _read_list(path: str) -> list[str]:
    # Lists of a manifest have the same rule for comments.
    return [line for line in _read_lines(path) if line.lstrip()[:1] != "#"]


def _read_lines(path: str) -> list[str]:
    # Not splitlines, because it also splits at characters that can be in names.
    lines = (line.rstrip("\r") for line in _read_text(path).split("\n"))
    return [line for line in lines if line.strip()]


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.buffer.write((line + "\n").encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def _run_share(options: argparse.Namespace) -> None:
    _print(_take_share(options.command, _read_list(options.list), None, None))


def _run_describe(options: argparse.Namespace) -> None:
    _print([describe(_read_list(options.list), options.strategy)])


def _run_save(options: argparse.Namespace) -> None:
    if options.results == options.list == "-":
        raise DistributedError("FILE and LIST cannot both be standard input")
    try:
        results = _read_lines(options.results) if options.lines else json.loads(_read_text(options.results))
    except (ValueError, RecursionError) as error:
        raise DistributedError(f"{options.results} is not JSON: {error} (for text use --lines)") from None
    _print([str(save(results, options.folder, share=share_of(_read_list(options.list), options.strategy)))])


def _run_combine(options: argparse.Namespace) -> None:
    done = combine(options.folder, options.out, partial=options.partial, latest=options.latest)
    for problem in done.problems:
        sys.stderr.write(f"left out: {problem}\n")
    _print([f"Merged {done.results} results of {len(done.merged)} of {done.total} replicas into {done.out}"])


_COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "chunk": _run_share,
    "stripe": _run_share,
    "describe": _run_describe,
    "save": _run_save,
    "combine": _run_combine,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, or 1 with a message on standard error."""
    try:
        options = _parser().parse_args(arguments)
        _COMMANDS[options.command](options)
    except BrokenPipeError:
        # The reader ended early. Without this the interpreter prints an error when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (DistributedError, OSError) as error:
        text = f"distributed: {error}\n"
        sys.stderr.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
