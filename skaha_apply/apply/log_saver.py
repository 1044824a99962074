"""Saves logs before they disappear with their session, an hour after its end, and finds in them why sessions failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.errors import ServerError, StateError, Unauthorized
from skaha_apply.model.masking.secrets import masked
from skaha_apply.model.masking.session_ids import log_label, without_ids
from skaha_apply.model.report import CausesFound, FailureCause
from skaha_apply.model.session import Phase
from skaha_apply.planning.failure_cause import failure_cause
from skaha_apply.planning.records import lacks_log

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.model.ports import LogSink, LogStore, Server
    from skaha_apply.model.report import Event
    from skaha_apply.model.spec import ReplicaKey, SessionSpec
    from skaha_apply.model.state import ReplicaRecord

_AT_ONCE = 64


def label(record: ReplicaRecord, spec: SessionSpec | None) -> str:
    """The label of a record's log; the ID of an interactive session is not in it."""
    return log_label(record.attempt, record.id, interactive=spec is not None and spec.kind.interactive)


class LogSaver:
    """Saves logs and events, each once; without a log store it saves nothing.

    Values of `secrets` (by variable) that a session prints are masked. `observe` gets the causes of failures. `public`
    also gets the logs of headless sessions that have not succeeded; None if no one else may read them.
    """

    def __init__(
        self,
        server: Server,
        logs: LogStore | None,
        secrets: Mapping[str, str] | None = None,
        observe: Callable[[Event], None] = lambda _: None,
        public: LogSink | None = None,
    ) -> None:
        self._server = server
        self._logs = logs
        self._secrets = secrets or {}
        self._observe = observe
        self._public = public
        self.problem: str | None = None

    async def save_ended(self, ledger: Ledger, keys: Collection[ReplicaKey] | None = None) -> None:
        """Save the log of every ended replica (or of those with these keys) whose log is not saved yet.

        The record of a failed replica gets the cause that its log or its events state. Raises `Unauthorized` if the
        server refuses the credential.
        """
        if self._logs is None:
            return
        without_log = ledger.working_state.records.group(lacks_log)
        ended = [record for key, record in sorted(without_log.items()) if keys is None or key in keys]
        if not ended:
            return
        slots = asyncio.Semaphore(_AT_ONCE)

        async def save_one(record: ReplicaRecord) -> tuple[ReplicaRecord, str | None]:
            async with slots:
                return record, await self._saved_cause(record, ledger.working_state.specs.get(record.spec))

        results = await asyncio.gather(*map(save_one, ended), return_exceptions=True)
        complete = [one for one in results if not isinstance(one, BaseException)]
        self._record(ledger, {record.key: (record, cause) for record, cause in complete if cause is not None})
        for failed in results:
            if isinstance(failed, BaseException):
                raise failed

    def _record(self, ledger: Ledger, saved: Mapping[ReplicaKey, tuple[ReplicaRecord, str]]) -> None:
        """Record that logs are saved, and the causes of failures; each cause is reported once."""
        found = []
        for key, (record, cause) in saved.items():
            if (now := ledger.working_state.records.get(key)) is not None and now.id == record.id:
                ledger.working_state.records[key] = replace(now, logged=True, cause=cause)
                if now.phase is Phase.FAILED:
                    found.append(FailureCause(now.session, now.replica, now.name, cause))
        if saved:
            ledger.changed()
        if found:
            self._observe(CausesFound(ledger.working_state.head.project, tuple(found)))

    async def save(self, record: ReplicaRecord, spec: SessionSpec | None) -> bool:
        """Save the log and events of one replica as they are now; False if they could not be read or saved.

        Raises `Unauthorized` if the server refuses the credential.
        """
        return await self._saved_cause(record, spec) is not None

    async def _saved_cause(self, record: ReplicaRecord, spec: SessionSpec | None) -> str | None:
        """Save the log and events, and return why the session failed; None if they could not be read or saved."""
        if self._logs is None or record.id is None:
            return None
        try:
            log = masked(await self._server.logs(record.id), self._secrets)
            events = await self._server.events(record.id)
            events = None if events is None else masked(events, self._secrets)
        except Unauthorized:
            raise  # the log is saved once the credential is valid again; nothing is deleted before that
        except ServerError:
            return None
        try:
            await asyncio.to_thread(self._logs.save, record.name, label(record, spec), log, events)
        except StateError as error:
            self.problem = self.problem or f"a log could not be saved: {error.message}"
            return None
        # The ID of an interactive session is its password, and a server prints it in its log.
        is_open_by_id = spec is None or spec.kind.interactive
        if self._public is not None and record.phase is not Phase.DONE and not is_open_by_id:
            self._public.add(record.name, label(record, spec), log, events)
        if record.phase is not Phase.FAILED:
            return ""
        cause = failure_cause(log, events or "")
        return without_ids(cause, frozenset({record.id}), frozenset()) if is_open_by_id else cause
