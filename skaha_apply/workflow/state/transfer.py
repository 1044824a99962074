"""Reads a state from its store and stores it back: for copies, repairs, and a state from a rescue file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.manifest.source.folders import TooLargeError, read_at_most
from skaha_apply.model.errors import StateError, UsageError
from skaha_apply.model.session import Kind
from skaha_apply.render.printable import one_line
from skaha_apply.state.codec import decode, encode
from skaha_apply.state.observed_stores import interactive_ids
from skaha_apply.state.serial import can_replace
from skaha_apply.workflow.setup.load import find_project
from skaha_apply.workflow.state.binding import check_binding
from skaha_apply.workflow.state.locking import store_lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.model.state import StateDocument
    from skaha_apply.workflow.setup.context import StateLocation

MAX_STATE = 1_000_000_000  # bytes: 20,000 replicas take 8 MB, and an invocation can have 1,000,000


async def pull(location: StateLocation, project: str) -> bytes:
    """The bytes in the store, even of a damaged state. Raises StateError if the store is empty."""
    store = location.store(project)
    data = await store.read_bytes()
    if data is None:
        raise StateError(f"project {project!r} has no state at {store.address}")
    return data


def holds_interactive_ids(data: bytes) -> bool:
    """Whether a stored state has the ID of an interactive session. In a damaged state, its kind decides."""
    try:
        return any(interactive_ids(decode(data, "that is stored")))
    except StateError:
        return any(f'"{kind}"'.encode() in data for kind in Kind if kind.interactive)


def read_state(file: str, stdin: Callable[[int], bytes]) -> bytes:
    """The bytes of a file with a state; `-` is standard input, which `stdin(most)` reads.

    Raises:
        UsageError: the file cannot be read, or is too large for a state.
    """
    try:
        if file == "-":
            return stdin(MAX_STATE)
        with Path(file).open("rb") as opened:
            return read_at_most(opened, MAX_STATE)
    except OSError as error:
        raise UsageError(f"cannot read the state {one_line(file)}: {error.strerror}") from error
    except TooLargeError:
        source = "standard input" if file == "-" else one_line(file)
        raise UsageError(
            f"{source} is larger than {MAX_STATE // 1_000_000_000} GB, so it is not a state",
            hint="Give a file that `skaha-apply state pull` printed, or a rescue file.",
        ) from None


async def push(location: StateLocation, project: str | None, data: bytes, source: str) -> str:
    """Store a state that was pulled, or is in a rescue file; returns a sentence about the result.

    Its serial does not change. `source` is the origin of `data`, for messages. Without `project`, the project of the
    state is used.

    Raises:
        UsageError: the state is of another project than `project`.
        StateError: `data` is not a state, or the stored state is newer, or of another lineage or server.
        StateLocked: another process has the lock.
    """
    document = decode(data, source)
    if project is not None and project != document.project:
        raise UsageError(
            f"{source} is the state of project {document.project!r}, not of {project!r}",
            hint=f"Leave --project out; a project is renamed by `skaha-apply state mv {document.project} {project}`.",
        )
    store = location.at(find_project(location.setting, document.project)).store(document.project)
    async with store_lock(store, "state push", location.setting.lock_timeout):
        present = await store.read_bytes()
        stored = None if present is None else decode(present, store.address)
        check_binding(document, document.project if stored is None else stored.project, _server(stored, location))
        if stored is not None and encode(stored) == encode(document):
            return f"{store.address} holds this state already: serial {document.serial}"
        _check_newer(document, stored, store.address, source)
        await store.write(document, last=True)
    return f"pushed to {store.address}: serial {document.serial}, in place of {_serial(stored)}"


def _server(stored: StateDocument | None, location: StateLocation) -> str:
    # The stored state has its server; that of the invocation counts only for a new state.
    return location.server if stored is None else stored.server


def _check_newer(document: StateDocument, stored: StateDocument | None, address: str, source: str) -> None:
    """Refuse a state that does not follow the stored state; raises StateError."""
    if stored is None:
        return
    if stored.lineage != document.lineage:
        raise StateError(
            f"{source} has another lineage ({document.lineage}) than the state {address} ({stored.lineage})",
            hint="The two states have different lineages. Check --state and --project.",
        )
    if stored.serial >= document.serial:
        raise StateError(
            f"{source} is not newer than the stored state {address}: "
            f"its serial is {document.serial}, the stored serial is {stored.serial}",
            hint="The stored state is unchanged; `skaha-apply plan` shows what it has.",
        )
    if not can_replace(document, stored):
        raise StateError(
            f"{source} is older than the stored state {address}, although its serial is higher",
            hint="The stored state is unchanged, because it has the later changes; run `skaha-apply apply`.",
        )


def _serial(stored: StateDocument | None) -> str:
    return "none" if stored is None else f"serial {stored.serial}"
