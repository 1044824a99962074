"""Share out a list over the replicas of a session, save what each finds, and merge it without losing or repeating any.

It runs inside the container: the standard library only, any Python from 3.8 on, and one file that can be copied into
an image. REPLICA_ID and REPLICA_COUNT are read when a function is called. Not promised: that results of one run
can be told from those of another where SKAHA_APPLY_RUN is not set (outside skaha-apply, start with an empty folder).
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

    # What is wrong, and the replicas of which it is; none for a file that is no replica's.
    Complaints = dict[str, list[int]]

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
    """What every refusal of this module is: its text says what is wrong and what to do."""


class ReplicaError(DistributedError):
    """REPLICA_ID and REPLICA_COUNT, or the two numbers given instead, name no replica."""


class CombineError(DistributedError):
    """A set of results is not complete; `problems` has one line for each kind of offender."""

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__("\n".join([message, *("  " + problem for problem in problems)]))
        self.problems = tuple(problems)


class Share(NamedTuple):
    """One replica's part of a list: which replica of how many, and, where they are known, how it was dealt and what."""

    replica: int
    total: int
    strategy: str | None = None
    items: int | None = None
    fingerprint: str | None = None

    @property
    def part(self) -> slice:
        """Which places of the list these are: the one place where shares are cut. Empty while no list is known."""
        size, larger = divmod(self.items or 0, self.total)
        before = self.replica - 1
        if self.strategy == "stripe":
            return slice(before, self.items or 0, self.total)
        start = before * size + min(before, larger)
        return slice(start, start + size + (before < larger))


class Combined(NamedTuple):
    """What `combine` wrote: `results` entries, from the replicas `merged`, of a set of `total` replicas."""

    out: Path
    results: int
    total: int
    merged: tuple[int, ...]
    run: str | None
    problems: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is missing and nothing was left out."""
        return not self.problems


# What was dealt in this process, newest last, so that `save` can say to which list its results belong.
_dealt: dict[tuple[int, int], Share] = {}


def chunk(items: Iterable[Item], replica: int | None = None, total: int | None = None) -> list[Item]:
    """Return this replica's contiguous share of the items, in their order; sizes differ by at most one.

    `replica` (from 1) and `total` come from REPLICA_ID and REPLICA_COUNT when neither is given; where these are missing
    too, all items are returned (1 of 1). Every replica must be given the same items in the same order: sort a `glob`.

    Raises:
        ReplicaError: one of the two is missing, or they name no replica.
        TypeError: items without an order or a text that all replicas would share (a set, a string, plain objects).
    """
    return _deal("chunk", items, replica, total)


def stripe(items: Iterable[Item], replica: int | None = None, total: int | None = None) -> list[Item]:
    """Return every `total`-th item, from the replica's own on, which spreads neighbours of like cost.

    Arguments and errors are those of `chunk`.
    """
    return _deal("stripe", items, replica, total)


def describe(
    items: Iterable[object], strategy: str = "chunk", replica: int | None = None, total: int | None = None
) -> str:
    """Return one line for the log: whose share it is, its size, first and last item, and the whole list's fingerprint.

    `items` is the whole list; the fingerprint is the same in every container that has seen the same list.
    """
    listed = _listed(items)
    share = share_of(listed, strategy, replica, total)
    mine = listed[share.part]
    ends = f": first {_text(mine[0])}, last {_text(mine[-1])}" if mine else ""
    plural = "item" if len(mine) == 1 else "items"
    return (
        f"Container {share.replica} of {share.total} processing {len(mine)} {plural}{ends} "
        f"({strategy} of {share.items}, list {_short(share.fingerprint)})"
    )


def share_of(
    items: Iterable[object], strategy: str = "chunk", replica: int | None = None, total: int | None = None
) -> Share:
    """Return which share of the items `chunk` or `stripe` would deal, for `save(..., share=...)`."""
    if strategy not in ("chunk", "stripe"):
        raise DistributedError(f"the strategy is chunk or stripe, not {strategy!r}")
    listed = _listed(items)
    number, count = _pair(replica, total)
    return Share(number, count, strategy, len(listed), _fingerprint(listed))


def save(results: object, folder: str | os.PathLike[str], *, share: Share | None = None) -> Path:
    """Write the bare results to `container_<REPLICA_ID>_results.json` in the folder, and what they are beside them.

    The folder is made when it is missing; a retry of the replica overwrites what it wrote before. The list that the
    results belong to is that of the last `chunk` or `stripe` of this replica in this process, or is given by `share`;
    without either only run, count and replica are recorded. numpy values and paths are converted, NaN and
    infinities are written as Python writes and reads them. Returns the path of the results.

    Raises:
        DistributedError: results that JSON cannot hold; nothing was written.
        ReplicaError: as for `chunk`.
        OSError: the folder cannot be written (full, read-only); what was there before is still whole.
    """
    share = _present() if share is None else share
    plain = _plain_or_refuse(results)
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
    with _replacing(path) as stream:
        stream.write(text)
    # Last, and with the digest of the results: whatever a crash leaves, new beside old or one without the other, shows.
    with _replacing(path.with_name(f"container_{share.replica}{_META}")) as stream:
        json.dump(meta, stream, indent=1)
    return path


def combine(
    folder: str | os.PathLike[str], out: str | os.PathLike[str], *, partial: bool = False, latest: bool = False
) -> Combined:
    """Merge what all replicas saved in the folder into one JSON list, and say what was merged.

    Lists are concatenated in the order of the replicas; when the results are no lists, the merged list has one entry
    for each replica. A replica whose share is empty need not have saved. With `latest`, files of other runs than the
    one that saved last are left aside; with `partial`, what is whole and belongs together is merged, and
    `problems` says what is not in it.

    Raises:
        CombineError: a replica is missing, double, unreadable, of another run, or saw another list, count or strategy;
            or nothing can be merged. `out` was not touched.
        OSError: the folder cannot be read, or `out` not written.
    """
    folder, out = Path(folder), Path(out)
    if _FILE.fullmatch(out.name):
        raise CombineError(f"{out} is a name for the results of a replica: choose another for the merged ones")
    metas, complaints = _scan(folder)
    if not metas:
        hint = "if the list was empty, let replica 1 save its empty result"
        raise CombineError(f"{folder} holds nothing that save wrote whole ({hint})", _lines(complaints))
    run = max(metas.values(), key=lambda meta: str(meta["saved_at"]))["run"]
    if latest:
        metas = {replica: meta for replica, meta in metas.items() if meta["run"] == run}
    agreed, total = _judge(metas, run, complaints)
    with _replacing(out) as stream:
        merged, written = _pour(folder, agreed, stream, complaints)
        problems = _lines(complaints)
        if problems and not partial:
            way = "Run again what is missing, delete what does not belong, or merge what there is: partial (--partial)."
            raise CombineError(f"{folder} is not a complete set, {out} was not written. {way}", problems)
        if not merged and problems:
            raise CombineError(f"{folder} holds nothing to merge, {out} was not written", problems)
    return Combined(out, written, total, merged, run, problems)


def _deal(strategy: str, items: Iterable[Item], replica: int | None, total: int | None) -> list[Item]:
    listed = _listed(items)
    share = share_of(listed, strategy, replica, total)
    _dealt.pop((share.replica, share.total), None)
    _dealt[share.replica, share.total] = share
    return listed[share.part]


def _listed(items: Iterable[Item]) -> list[Item]:
    if isinstance(items, (str, bytes, os.PathLike)):
        raise TypeError(f"items is one {type(items).__name__}: give the list of items")
    if isinstance(items, (set, frozenset)):
        raise TypeError("a set has another order in each container: give sorted(items)")
    return list(items)


def _text(item: object) -> str:
    if isinstance(item, os.PathLike):
        item = os.fspath(item)
    if isinstance(item, bytes):
        return item.decode("utf-8", "surrogateescape")
    if type(item).__str__ is object.__str__ and type(item).__repr__ is object.__repr__:
        raise TypeError(f"{type(item).__name__} has no text of its own: share out names or numbers, or give it __str__")
    return str(item)


def _fingerprint(items: Iterable[object]) -> str:
    digest = hashlib.sha256()
    for item in items:
        raw = _text(item).encode("utf-8", "surrogatepass")
        # The length in front keeps ["a", "b"] and ["ab"] apart, whatever is in the items.
        digest.update(b"%d:" % len(raw) + raw)
    return "sha256:" + digest.hexdigest()


def _short(fingerprint: object) -> str:
    return str(fingerprint)[: len("sha256:") + 16]


def _pair(replica: object, total: object) -> tuple[int, int]:
    names = ("replica", "total")
    if replica is None and total is None:
        names = ("REPLICA_ID", "REPLICA_COUNT")
        replica, total = (os.environ.get(name) for name in names)
        if replica is None and total is None:
            return 1, 1
    if replica is None or total is None:
        given, missing = names if total is None else reversed(names)
        raise ReplicaError(f"{given} is given but {missing} is not: give both, or neither for 1 of 1")
    number, count = (_positive(name, value) for name, value in ((names[0], replica), (names[1], total)))
    if number > count:
        raise ReplicaError(f"{names[0]} {number} is larger than {names[1]} {count}")
    return number, count


def _positive(name: str, value: object) -> int:
    # str(True) is no number, and a numpy integer reads like one: the text decides for all of them.
    if not re.fullmatch("0*[1-9][0-9]{0,8}", str(value)):
        raise ReplicaError(f"{name} is {value!r}: it must be a whole number from 1 on")
    return int(str(value))


def _present() -> Share:
    """Return the last share dealt to the replica that the environment names; without one, the last dealt at all."""
    pair = _pair(None, None)
    newest = list(_dealt.values())[-1:]
    if newest and "REPLICA_ID" not in os.environ:
        return newest[0]
    return _dealt.get(pair, Share(*pair))


def _plain_or_refuse(results: object) -> Any:
    try:
        return _plain(results)
    except RecursionError:
        raise DistributedError("the results hold themselves, or are nested too deep for JSON") from None


def _plain(value: object) -> Any:
    """Return the value in what JSON has; numpy values (known by `tolist`) and paths are converted, all else refused."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Mapping):
        plain = {_key(key): _plain(inner) for key, inner in value.items()}
        if len(plain) != len(value):
            raise DistributedError("two keys of one dict in the results read the same in JSON: make them different")
        return plain
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    return _plain(_native(value))


def _key(key: object) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, os.PathLike):
        return os.fsdecode(key)
    if key is None or isinstance(key, (int, float)):
        return json.dumps(key)
    return _key(_native(key))


def _native(value: object) -> object:
    with suppress(Exception):  # a unit or a mask may refuse in its own way; the message below is for all of them
        native: object = value.tolist()  # type: ignore[attr-defined]  # known by this method alone: numpy may be absent
        if type(native) is not type(value):
            return native
    shown = repr(value)[:80]
    raise DistributedError(
        f"results hold {shown} ({type(value).__name__}), which JSON cannot hold: make it a number, a text or a list"
    )


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """Give a draft that becomes the file, whole and on disk, when the block ends well, and vanishes otherwise."""
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
    with suppress(OSError):  # not every network file system lets a folder be synced
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _scan(folder: Path) -> tuple[dict[int, dict[str, Any]], Complaints]:
    """Read what describes the results; whatever a loop over container_*_results.json meets is in one of the values."""
    complaints: Complaints = {}
    numbers: dict[str, set[int]] = {_RESULTS: set(), _META: set()}
    names = sorted(os.listdir(folder))  # noqa: PTH208  # names are compared as text, paths of case-folding disks are not
    for name in names:
        match = _FILE.fullmatch(name)
        if not match:
            continue
        replica = int(match["replica"]) if re.fullmatch("[0-9]{1,9}", match["replica"]) else 0
        own = f"container_{replica}{match['rest'].lower()}"
        if replica and name == own:
            numbers[match["rest"]].add(replica)
        elif replica and own in names:
            complaints.setdefault(f"double: {name} beside {own}", []).append(replica)
        else:
            complaints[f"{name} is not a name that save writes"] = []
    metas = {}
    for replica in sorted(numbers[_RESULTS] | numbers[_META]):
        try:
            metas[replica] = _meta(folder / f"container_{replica}{_META}", replica)
        except DistributedError as error:
            complaints.setdefault(str(error), []).append(replica)
    return metas, complaints


def _meta(path: Path, replica: int) -> dict[str, Any]:
    try:
        meta = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DistributedError(f"no {_META} file beside its results: save was interrupted, or not used") from None
    except (OSError, ValueError) as error:
        raise DistributedError(f"unreadable: {path.name}: {error}") from None
    if not isinstance(meta, dict) or meta.get("format_version") != _FORMAT:
        raise DistributedError(f"unreadable: {path.name} is not of format {_FORMAT}: use one version of this module")
    wrong = [name for name, kinds in _META_FIELDS.items() if name not in meta or type(meta[name]) not in kinds]
    if wrong or not 1 <= meta["replica"] <= meta["count"]:
        raise DistributedError(f"unreadable: {path.name} has no sound {', '.join(wrong) or 'replica'}")
    if meta["replica"] != replica:
        raise DistributedError(f"{path.name} says that it is of replica {meta['replica']}")
    return meta


def _judge(
    metas: dict[int, dict[str, Any]], run: str | None, complaints: Complaints
) -> tuple[dict[int, dict[str, Any]], int]:
    """Keep what belongs together: the run that saved last, and in it what most replicas saw. Complain of the others."""

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
            complaints.setdefault(_difference(meta, run, usual), []).append(replica)
    # Both strategies give the replicas beyond the number of items nothing.
    expected = total if strategy is None else min(total, items or 0)
    blamed = set(metas).union(*complaints.values())
    missing = [replica for replica in range(1, expected + 1) if replica not in blamed]
    if missing:
        complaints["missing: nothing saved"] = missing
    return agreed, total


def _difference(meta: dict[str, Any], run: str | None, usual: tuple[Any, ...]) -> str:
    total, strategy, items, fingerprint, single = usual
    if meta["run"] != run:
        return f"of run {meta['run']}, while {run} saved last (latest=True, --latest, leaves older runs aside)"
    if meta["count"] != total:
        return f"of another count: {meta['count']} replicas, not {total}"
    if meta["strategy"] != strategy:
        return f"of another strategy: {meta['strategy']}, not {strategy}"
    if (meta["items"], meta["fingerprint"]) != (items, fingerprint):
        seen, others = f"{meta['items']} items, {_short(meta['fingerprint'])}", f"{items} items, {_short(fingerprint)}"
        return f"saw another list: {seen}, not {others} (is it sorted?)"
    return "saved a list where the others did not" if single else "saved no list where the others did"


def _pour(
    folder: Path, metas: dict[int, dict[str, Any]], stream: TextIO, complaints: Complaints
) -> tuple[tuple[int, ...], int]:
    """Write one result a line; only one replica's results are in memory at a time."""
    merged, written = [], 0
    for replica, meta in sorted(metas.items()):
        name = f"container_{replica}{_RESULTS}"
        try:
            raw = (folder / name).read_bytes()
            results = json.loads(raw)
        except FileNotFoundError:
            complaints.setdefault("missing: the results are gone, only .meta.json is there", []).append(replica)
            continue
        except (OSError, ValueError, RecursionError) as error:
            complaints.setdefault(f"unreadable: {name}: {error}", []).append(replica)
            continue
        if hashlib.sha256(raw).hexdigest() != meta["sha256"]:
            reason = "results are not those its .meta.json describes: save was interrupted, or the file was changed"
            complaints.setdefault(reason, []).append(replica)
            continue
        for result in [results] if meta["results"] is None else results:
            stream.write(("," if written else "[") + "\n" + json.dumps(result))
            written += 1
        merged.append(replica)
    stream.write("\n]\n" if written else "[]\n")
    return tuple(merged), written


def _lines(complaints: Complaints) -> tuple[str, ...]:
    return tuple(
        (f"replica{'s' * (len(replicas) > 1)} {_ranges(replicas)}: " if replicas else "") + text
        for text, replicas in sorted(complaints.items(), key=lambda pair: (pair[1][:1] or [0], pair[0]))
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
        self.exit(1, f"{self.prog}: {message} (--help says more)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="distributed", description="Share out a list over replicas, and merge their results.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = "a text file with one item a line, or - for standard input; blank lines and # comments do not count"
    for name, text in (("chunk", "print this replica's lines, contiguous"), ("stripe", "print every COUNT-th line")):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("list", metavar="LIST", help=listing)
    command = commands.add_parser("describe", help="say in one line which share this replica has")
    command.add_argument("list", metavar="LIST", help=listing)
    command.add_argument("--strategy", choices=("chunk", "stripe"), default="chunk")
    command = commands.add_parser("save", help="save this replica's results")
    command.add_argument("results", metavar="FILE", help="JSON, or - for standard input")
    command.add_argument("folder", metavar="DIR")
    command.add_argument("--list", metavar="LIST", help=f"what was shared out: {listing}", required=True)
    command.add_argument("--strategy", choices=("chunk", "stripe"), default="chunk")
    command.add_argument("--lines", action="store_true", help="FILE is text, each line a result")
    command = commands.add_parser("combine", help="merge the results of all replicas")
    command.add_argument("folder", metavar="DIR")
    command.add_argument("out", metavar="OUT")
    command.add_argument("--partial", action="store_true", help="merge what there is, and say what is not")
    command.add_argument("--latest", action="store_true", help="leave files of older runs aside")
    return parser


def _read(path: str) -> str:
    raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    # Names of files may be any bytes: what is no UTF-8 goes through unharmed.
    return raw.decode("utf-8-sig", "surrogateescape")


def _read_list(path: str) -> list[str]:
    # The rule for comments is that of the lists of a manifest.
    return [line for line in _read_lines(path) if line.lstrip()[:1] != "#"]


def _read_lines(path: str) -> list[str]:
    # Not splitlines: it also splits at characters that names may hold.
    lines = (line.rstrip("\r") for line in _read(path).split("\n"))
    return [line for line in lines if line.strip()]


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.buffer.write((line + "\n").encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def _run_deal(options: argparse.Namespace) -> None:
    _print(_deal(options.command, _read_list(options.list), None, None))


def _run_describe(options: argparse.Namespace) -> None:
    _print([describe(_read_list(options.list), options.strategy)])


def _run_save(options: argparse.Namespace) -> None:
    if options.results == options.list == "-":
        raise DistributedError("FILE and LIST cannot both be standard input")
    try:
        results = _read_lines(options.results) if options.lines else json.loads(_read(options.results))
    except (ValueError, RecursionError) as error:
        raise DistributedError(f"{options.results} is not JSON: {error} (--lines takes text)") from None
    _print([str(save(results, options.folder, share=share_of(_read_list(options.list), options.strategy)))])


def _run_combine(options: argparse.Namespace) -> None:
    done = combine(options.folder, options.out, partial=options.partial, latest=options.latest)
    for problem in done.problems:
        sys.stderr.write(f"left out: {problem}\n")
    _print([f"Merged {done.results} results of {len(done.merged)} of {done.total} replicas into {done.out}"])


_COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "chunk": _run_deal,
    "stripe": _run_deal,
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
        # The reader has what it wanted; without this the interpreter complains again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (DistributedError, OSError) as error:
        text = f"distributed: {error}\n"
        sys.stderr.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
