"""Saves logs before they disappear with their session, an hour after its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from skaha_apply.model.errors import ServerError, StateError, Unauthorized
from skaha_apply.model.masking.secrets import masked
from skaha_apply.model.masking.session_ids import log_label
from skaha_apply.model.state import ReplicaRecord

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.model.ports import LogStore, Server
    from skaha_apply.model.spec import ReplicaKey, SessionSpec

_AT_ONCE = 64


def label(record: ReplicaRecord, spec: SessionSpec | None) -> str:
    """The label of a record's log; the ID of an interactive session is not in it."""
    return log_label(record.attempt, record.id, interactive=spec is not None and spec.kind.interactive)


class LogSaver:
    """Saves logs and events, each once; without a log store it saves nothing.

    Values of `secrets` (by variable) that a session prints are masked.
    """

    def __init__(self, server: Server, logs: LogStore | None, secrets: Mapping[str, str] | None = None) -> None:
        self._server = server
        self._logs = logs
        self._secrets = secrets or {}
        self.problem: str | None = None

    async def save_ended(self, ledger: Ledger, keys: Collection[ReplicaKey] | None = None) -> None:
        """Save the log of every ended replica (or of those with these keys) whose log is not saved yet.

        Raises `Unauthorized` if the server refuses the credential.
        """
        records = ledger.working_state.records
        known = records.values() if keys is None else [records[key] for key in keys if key in records]
        ended = [record for record in known if record.phase.ended and not record.logged]
        if self._logs is None or not ended:
            return
        slots = asyncio.Semaphore(_AT_ONCE)

        async def save_one(record: ReplicaRecord) -> ReplicaRecord | None:
            async with slots:
                return record if await self.save(record, ledger.working_state.specs.get(record.spec)) else None

        results = await asyncio.gather(*map(save_one, ended), return_exceptions=True)
        saved_ones = [one for one in results if isinstance(one, ReplicaRecord)]
        for saved in saved_ones:
            if (now := ledger.working_state.records.get(saved.key)) is not None and now.id == saved.id:
                ledger.working_state.records[saved.key] = now.model_copy(update={"logged": True})
        if saved_ones:
            ledger.changed()
        for failed in results:
            if isinstance(failed, BaseException):
                raise failed

    async def save(self, record: ReplicaRecord, spec: SessionSpec | None) -> bool:
        """Save the log and events of one replica as they are now; False if they could not be read or saved.

        Raises `Unauthorized` if the server refuses the credential.
        """
        if self._logs is None or record.id is None:
            return False
        try:
            log = masked(await self._server.logs(record.id), self._secrets)
            events = await self._server.events(record.id)
            events = None if events is None else masked(events, self._secrets)
        except Unauthorized:
            raise  # the log is saved once the credential is valid again; nothing is deleted before that
        except ServerError:
            return False
        try:
            await asyncio.to_thread(self._logs.save, record.name, label(record, spec), log, events)
        except StateError as error:
            self.problem = self.problem or f"a log could not be saved: {error.message}"
            return False
        return True
