"""Reports the IDs of interactive sessions when a state is read, so that no output has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skaha_apply.model.ports import Store
    from skaha_apply.model.state import Intent, StateDocument, UnconfirmedCreate


def watched(store: Store, identify: Callable[[str, str], None]) -> Store:
    """The store; `identify` gets the ID of each interactive session in what is read from it."""
    return cast("Store", _WatchedStore(store, identify))


class _WatchedStore:
    def __init__(self, store: Store, identify: Callable[[str, str], None]) -> None:
        self._store = store
        self._identify = identify
        self._last: StateDocument | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def read(self) -> StateDocument | None:
        document = await self._store.read()
        if document is not None and document is not self._last:
            self._last = document
            for session_id in interactive_ids(document):
                self._identify(session_id, "")
        return document


def interactive_ids(document: StateDocument) -> Iterator[str]:
    """The ID of each interactive session in a state, deleted and earlier ones too."""
    kinds = {key: spec.kind for key, spec in document.specs.items()}
    known = {one.key for one in document.replicas}
    interactive = {one.key for one in document.replicas if kinds[one.spec].interactive}
    for record in document.replicas:
        if record.key in interactive:
            yield from (one for one in (record.id, *record.past, *(old.id for old in record.earlier)) if one)
    unconfirmed: tuple[Intent | UnconfirmedCreate, ...] = (*document.intents, *document.doubts)
    for entry in unconfirmed:
        if kinds[entry.spec].interactive:
            yield from entry.listed
    yield from (one.id for one in document.tombstones if one.key in interactive or one.key not in known)
