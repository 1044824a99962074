"""The outside world of one call, wired from its setting: the server, and a store and a log store for each project."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.model.errors import SkahaApplyError
from skaha_apply.state.paths import FOLDER, find_checkout, find_root, logs_folder, state_path
from skaha_apply.state.saved_logs import SavedLogs
from skaha_apply.state.stores import find_address, open_store, parse_address
from skaha_apply.workflow.event_file import EventFile, Journal
from skaha_apply.workflow.setup.interactive_ids import watched
from skaha_apply.workflow.setup.state_home import check_no_other, check_one_home

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from skaha_apply.model.ports import Store
    from skaha_apply.model.project import Project
    from skaha_apply.model.report import Event
    from skaha_apply.sandbox import RunningSandbox
    from skaha_apply.skaha.client import Client
    from skaha_apply.state.address import StateAddress
    from skaha_apply.workflow.setup.settings import Settings


SANDBOX = "sandbox"
MOST_FOLDERS = 5_000  # that are searched for a sandbox outside a checkout
BEFORE_APPROVAL = 10.0  # seconds that a server which does not answer is granted before anything was approved


@dataclass
class CredentialOutage:
    """Whether the server refuses the credential at the moment, which was then reported."""

    reported: bool = False


@dataclass(frozen=True)
class StateLocation:
    """Where state and logs live, and to which server the state is bound.

    `root` is the folder that holds `.skaha-apply`: of an invocation that of the working directory, of a project (`at`)
    that of its manifests. `homes` and `around` are as in `Project`.
    """

    setting: Settings
    root: Path
    folder: str  # `<server>` below `.skaha-apply`
    server: str  # host and path, as a state is bound to it
    url: str
    homes: tuple[str, ...] = ()
    around: tuple[str, ...] = ()

    def at(self, project: Project) -> StateLocation:
        """The place of one project, wherever the command is invoked; that of the invocation without manifests."""
        if not project.homes:
            return self
        return replace(self, root=Path(project.homes[0]), homes=project.homes, around=project.around)

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

    def store(self, project: str) -> Store:
        """The store of one project's state; `--state` is a file, a folder of states, or the address of a store.

        Raises:
            UsageError: for an address of an unknown form.
            StateError: for the default place, if the manifests lie in two checkouts, or
                if the project has no state there but one elsewhere.
        """
        default = state_path(self.root, self.folder, project)
        address = self.address
        if address is None:
            check_one_home(self, project)
            check_no_other(self, project)
        else:
            address = address.in_folder(self.setting.cwd, default.name)
        observe = None if self.setting.sandbox else self.setting.observe
        return watched(open_store(address, default, os.environ, observe=observe), self.setting.identify)

    def declared(self, state: str, project: Project) -> StateAddress:
        """The address that `state:` of a manifest gives; a path starts at the folder of `.skaha-apply`.

        Raises:
            UsageError: for an address of an unknown form.
        """
        name = state_path(self.root, self.folder, project.name).name
        return parse_address(state, "state", project.locations.get("state")).in_folder(self.root, name)

    def logs(self, project: str) -> SavedLogs:
        """Where one project's logs are kept."""
        return SavedLogs(logs_folder(self.root, self.folder, project), keep=self.setting.keep_logs)


@dataclass(frozen=True)
class Context:
    """A place, and a client for its server; `journal` is told every change of phase that is stored.

    `outage` is shared by the projects of an invocation, so that an expired credential is reported once.

    `turns` is held for a pass by those of its projects that may not make one at the same time.
    """

    location: StateLocation
    client: Client
    journal: Journal | None = None
    pass_lock: asyncio.Lock = field(default_factory=asyncio.Lock, compare=False)
    outage: CredentialOutage = field(default_factory=CredentialOutage, compare=False)

    def at(self, project: Project) -> Context:
        """The world of one project: the same server, and the place of its manifests."""
        return replace(self, location=self.location.at(project))


def find_location(setting: Settings, sandbox_url: str | None = None) -> StateLocation:
    """The place of a call; no request is sent.

    Raises:
        UsageError: for a server that cannot be.
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
    """The world of an invocation; with `--sandbox` a sandbox is started if none runs.

    `home` is the folder whose sandbox is used, by default that of the working directory.

    Raises:
        SkahaApplyError: without a server, a credential or a sandbox.
    """
    from skaha_apply.skaha.auth.credential import renew_nothing  # noqa: PLC0415
    from skaha_apply.skaha.auth.settings import CredentialSource  # noqa: PLC0415
    from skaha_apply.skaha.client import Client, ClientOptions  # noqa: PLC0415 - httpx, for those who send something

    if setting.sandbox:
        running = await asyncio.to_thread(start_sandbox, setting, home or default_home(setting))
        from skaha_apply.skaha.auth.login import token_login  # noqa: PLC0415

        location = find_location(setting, running.url)
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
        patience=BEFORE_APPROVAL,
        observe=setting.observe,
        identify=setting.identify,
    )
    async with Client(options) as client:
        yield Context(location, client)


def sandbox_data(root: Path) -> Path:
    """Where the sandbox of a folder keeps its data."""
    return root / FOLDER / SANDBOX / "server"


def default_home(setting: Settings) -> Path:
    """The folder whose sandbox a command without manifests uses.

    It is the root of the checkout. Outside a checkout it is a folder below the working directory that has a sandbox, as
    manifests there have given it one; else the working directory.
    """
    root = find_root(setting.cwd)
    if find_checkout(setting.cwd) or sandbox_data(root).is_dir():
        return root
    walks = (os.walk(setting.cwd / source) for source in setting.sources)
    folders = (Path(folder) for folder, _, _ in islice(chain.from_iterable(walks), MOST_FOLDERS))
    return next((folder for folder in folders if sandbox_data(folder).is_dir()), root)


def start_sandbox(setting: Settings, home: Path) -> RunningSandbox:
    """The sandbox of a folder, started if none runs.

    Its sessions run at the root of the checkout, and outside a checkout in the working directory.

    Raises:
        SkahaApplyError: when it cannot be started.
    """
    from skaha_apply.sandbox import SandboxError, SandboxOptions, ensure  # noqa: PLC0415
    from skaha_apply.state.paths import make_folder  # noqa: PLC0415

    data = sandbox_data(home)
    try:
        make_folder(data)
        return ensure(SandboxOptions(data=data, workdir=find_checkout(home) or setting.cwd))
    except (SandboxError, OSError) as error:
        hint = getattr(error, "hint", None)
        raise SkahaApplyError(f"the sandbox cannot be started: {error}", hint=hint) from error


@contextmanager
def open_event_file(path: str | None, public: Callable[[str], str]) -> Iterator[EventFile | None]:
    """The file of events of a call, None without one; raises `SkahaApplyError` as `EventFile` and its `close` do.

    `public` gives a text as it may be written there.
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
    """The world and the observer of a call whose changes of phase go to a file as well; None changes neither."""
    if events is None:
        return context, observe
    journal = Journal(events, project.name, context.client.now, observe)

    def both(event: Event) -> None:
        journal.seen(event)
        observe(event)

    return replace(context, journal=journal), both
