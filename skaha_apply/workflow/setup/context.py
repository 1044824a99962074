"""The outside world of an invocation, made from its settings: the server, and the stores of states and logs."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.durations import DurationError, parse_duration
from skaha_apply.model.errors import Unauthorized, UsageError
from skaha_apply.state.default_place import StateSetup
from skaha_apply.state.paths import find_root, logs_folder
from skaha_apply.state.project_store import open_project_store
from skaha_apply.state.saved_logs import SavedLogs
from skaha_apply.state.stores import find_address
from skaha_apply.workflow.event_file import EventFile, Journal
from skaha_apply.workflow.setup.sandbox import (
    SANDBOX,
    default_home,
    name_unused_sandbox,
    sandbox_note,
    start_sandbox,
    unused_note,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from skaha_apply.model.ports import Store
    from skaha_apply.model.project import Project
    from skaha_apply.model.reasons import Reason
    from skaha_apply.model.report import Event
    from skaha_apply.sandbox import Rehearsal
    from skaha_apply.skaha.client import Client
    from skaha_apply.state.address import StateAddress
    from skaha_apply.state.project_store import DeclaredState
    from skaha_apply.workflow.setup.settings import Settings


BEFORE_APPROVAL = 10.0  # seconds for which requests are repeated before a plan is approved
RETRY_TIME = "SKAHA_APPLY_RETRY_TIME"  # the environment variable that replaces them


@dataclass
class CredentialOutage:
    """Whether the server refuses the credential at the moment, and whether that was reported."""

    reported: bool = False


@dataclass(frozen=True)
class StateLocation:
    """The place of state and logs, and the server that the state is bound to.

    `root` is the folder that has `.skaha-apply`: for an invocation that of the working directory, for a project (`at`)
    that of its manifests. `homes`, `around` and `base` are as in `Project`.
    """

    setting: Settings
    root: Path
    folder: str  # `<server>` below `.skaha-apply`
    server: str  # host and path, as a state is bound to it
    url: str
    homes: tuple[str, ...] = ()
    around: tuple[str, ...] = ()
    base: str = ""

    def at(self, project: Project) -> StateLocation:
        """The location of one project, wherever the command is invoked; without manifests that of the invocation."""
        if not project.homes:
            return self
        root = Path(project.homes[0])
        return replace(self, root=root, homes=project.homes, around=project.around, base=project.base)

    @property
    def local(self) -> bool:
        """Whether the server is this machine."""
        return self.server.partition("/")[0] == "localhost"

    @property
    def address(self) -> StateAddress | None:
        """The address from `--state` or the environment; None for the default file, which the sandbox always uses.

        Raises:
            UsageError: for an address of an unknown form.
        """
        return None if self.setting.sandbox else find_address(self.setting.state, os.environ)

    @property
    def is_remote(self) -> bool:
        """Whether the state is in a remote store."""
        address = self.address
        return address is not None and address.is_remote

    def store(self, project: str, declared: DeclaredState | None = None) -> Store:
        """The store of one project's state; see `open_project_store` for what it raises."""
        setting = self.setting
        setup = StateSetup(
            project,
            root=self.root,
            folder=self.folder,
            cwd=setting.cwd,
            address=self.address,
            sandbox=setting.sandbox,
            homes=self.homes,
            around=self.around,
            command=setting.command,
            observe=None if setting.sandbox else setting.observe,
            identify=setting.identify,
            history=setting.state_history,
        )
        return open_project_store(setup, declared)

    def logs(self, project: str) -> SavedLogs:
        """The saved logs of one project."""
        return SavedLogs(logs_folder(self.root, self.folder, project), keep=self.setting.keep_logs)


@dataclass(frozen=True)
class Context:
    """A location and a client for its server.

    `journal` gets every stored change of phase. The projects of an invocation share `outage`, so that an expired
    credential is reported once, and `pass_lock`, so that some of them do not make a pass at the same time.
    `rehearsal` is how the sessions of the sandbox differ from real ones.
    """

    location: StateLocation
    client: Client
    journal: Journal | None = None
    pass_lock: asyncio.Lock = field(default_factory=asyncio.Lock, compare=False)
    outage: CredentialOutage = field(default_factory=CredentialOutage, compare=False)
    rehearsal: Rehearsal | None = None

    @property
    def identity(self) -> str | None:
        """The digest of the credential that a state remembers; None in the sandbox, where nothing is checked."""
        return None if self.location.setting.sandbox else self.client.identity

    @property
    def sandbox_note(self) -> Reason | None:
        """What a person must know about a sandbox before a plan is approved: its use, or one that runs unused."""
        if self.rehearsal is not None:
            return sandbox_note(self.rehearsal)
        return unused_note(self.location.root, self.client.address)

    def at(self, project: Project) -> Context:
        """The context of one project: the same server, and the location of its manifests."""
        return replace(self, location=self.location.at(project))


def find_location(setting: Settings, sandbox_url: str | None = None) -> StateLocation:
    """The location of an invocation; no request is sent.

    Raises:
        UsageError: the address of the server is wrong.
    """
    from skaha_apply.skaha.address import address_key, server_folder  # noqa: PLC0415
    from skaha_apply.skaha.auth.settings import Environment, resolve_server  # noqa: PLC0415

    root = find_root(setting.cwd)
    if setting.sandbox:
        return StateLocation(setting, root, SANDBOX, SANDBOX, sandbox_url or "")
    url = resolve_server(setting.server, Environment.of_process())
    return StateLocation(setting, root, server_folder(url), address_key(url), url)


@asynccontextmanager
async def open_context(setting: Settings, home: Path | None = None) -> AsyncIterator[Context]:
    """The context of an invocation; with `--sandbox` a sandbox is started if none runs.

    `home` is the folder whose sandbox is used, by default that of the working directory.

    Raises:
        SkahaApplyError: there is no server, credential or sandbox.
    """
    from skaha_apply.skaha.auth.credential import renew_nothing  # noqa: PLC0415
    from skaha_apply.skaha.auth.settings import CredentialSource  # noqa: PLC0415
    from skaha_apply.skaha.client import Client, ClientOptions  # noqa: PLC0415 - h11, for those who send something

    rehearsal = None
    if setting.sandbox:
        running = await asyncio.to_thread(start_sandbox, setting, home or default_home(setting))
        from skaha_apply.skaha.auth.login import token_login  # noqa: PLC0415

        location, rehearsal = find_location(setting, running.url), running.rehearsal
        login, renew = lambda: token_login(running.token, "the sandbox"), renew_nothing
    else:
        location = find_location(setting)
        source = CredentialSource(location.url, setting.credential_command)
        login, renew = source.login, source.renew
    options = ClientOptions(
        server=location.url,
        login=login,
        renew=renew,
        concurrency=setting.concurrency,
        patience=retry_time(),
        observe=setting.observe,
        identify=setting.identify,
    )
    try:
        async with Client(options) as client:
            yield Context(location, client, rehearsal=rehearsal)
    except Unauthorized as error:
        name_unused_sandbox(error, setting)
        raise


def retry_time() -> float:
    """Seconds for which requests are repeated before a plan is approved. Raises `UsageError` for a bad variable."""
    text = os.environ.get(RETRY_TIME, "").strip()
    if not text:
        return BEFORE_APPROVAL
    try:
        return float(parse_duration(text))
    except DurationError as error:
        raise UsageError(f"{RETRY_TIME}: {error.message}", hint=f"set another value: export {RETRY_TIME}=10s") from None


@contextmanager
def open_event_file(path: str | None, public: Callable[[str], str]) -> Iterator[EventFile | None]:
    """The event file of an invocation, None without one; raises `SkahaApplyError` like `EventFile` and its `close`.

    `public` returns a text without secrets.
    """
    if path is None:
        yield None
        return
    with closing(EventFile(Path(path), public)) as events:
        yield events


def with_event_file(
    events: EventFile | None,
    context: Context,
    project: Project,
    observe: Callable[[Event], None],
) -> tuple[Context, Callable[[Event], None]]:
    """The context and observer that also write changes of phase to the event file; unchanged if there is none."""
    if events is None:
        return context, observe
    journal = Journal(events, project.name, context.client.now, observe)

    def both(event: Event) -> None:
        journal.seen(event)
        observe(event)

    return replace(context, journal=journal), both
