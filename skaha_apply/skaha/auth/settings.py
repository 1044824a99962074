"""Choose the server and the credential: arguments first, then the environment, then the files of the clients."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import SkahaApplyError, Unauthorized, UsageError
from skaha_apply.skaha.address import DEFAULT_SERVER, base_url, same_server
from skaha_apply.skaha.auth.client_files import ClientConfiguration, CredentialRecord, ServerEntry, read_configuration
from skaha_apply.skaha.auth.login import RENEW_FILE, Login, certificate_login, token_login
from skaha_apply.skaha.auth.registry import find_registry
from skaha_apply.skaha.auth.renewal import CredentialCommand, run_client

if TYPE_CHECKING:
    from collections.abc import Mapping

URL_VARIABLES = ("SKAHA_URL", "CANFAR_URL")
TOKEN_VARIABLES = ("SKAHA_TOKEN", "CANFAR_TOKEN")
CERTIFICATE_VARIABLES = ("SKAHA_CERTIFICATE", "CANFAR_CERTIFICATE")
COMMAND_VARIABLES = ("SKAHA_CREDENTIAL_COMMAND",)
_VARIABLE_RENEWAL = (
    "repeat the command with a new token in {name}; a running command reads a new token only from "
    "--credential-command, or from the file that `canfar login` writes"
)
RENEWAL_INTERVAL = 30.0  # seconds between two runs of the client to renew one token
FILES = (".canfar/config.yaml", ".skaha/config.yaml")
PROXY_CERTIFICATE = ".ssl/cadcproxy.pem"
_log = logging.getLogger("skaha_apply.settings")


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment variables and the home folder, which contain the settings."""

    environ: Mapping[str, str]
    home: Path

    @classmethod
    def of_process(cls) -> Environment:
        """The present ones of this process."""
        return cls(dict(os.environ), Path(os.environ.get("HOME") or Path.home()))

    def first(self, names: tuple[str, ...]) -> tuple[str, str] | None:
        """Name and value of the first variable that is not empty."""
        return next(((name, self.environ[name].strip()) for name in names if self.environ.get(name, "").strip()), None)


def resolve_server(argument: str | None, surroundings: Environment) -> str:
    """The base URL of the server, with the version.

    The first of: `argument` (a URL or the name of a configured server), SKAHA_URL, CANFAR_URL, the active server of
    ~/.canfar/config.yaml, the active server of ~/.skaha/config.yaml, the server of CANFAR. Raises `UsageError` for a
    text that is neither an address nor a known name, and `SkahaApplyError` for a file that cannot be read or that has
    servers and no active one: a token of the environment must not go to a server that no user selected.
    """
    found = surroundings.first(URL_VARIABLES)
    given = ("--server", argument.strip()) if argument is not None else found
    if given:
        source, text = given
        return base_url(text, source) if "://" in text else _named(text, source, surroundings).url
    for configuration in _configurations(surroundings):
        if configuration.active:
            return configuration.active.url
        if configuration.unselected:
            raise SkahaApplyError(configuration.unselected, hint=_selection_hint(configuration))
    return DEFAULT_SERVER


def _named(name: str, source: str, surroundings: Environment) -> ServerEntry:
    configurations = _configurations(surroundings)
    for configuration in configurations:
        if entry := configuration.named(name):
            return entry
    known = sorted({entry.name for configuration in configurations for entry in configuration.servers})
    hint = f"the configured servers are {', '.join(known)}" if known else "no servers are configured; give a URL"
    raise UsageError(f"{source}: there is no configured server {name!r}", hint=hint)


def _selection_hint(configuration: ClientConfiguration) -> str:
    names = [entry.name for entry in configuration.servers]
    known = f" ({', '.join(names)})" if names else ""
    return f"select a server with `canfar server use NAME`{known}, with --server or with SKAHA_URL"


def _configurations(surroundings: Environment) -> list[ClientConfiguration]:
    read = (read_configuration(surroundings.home / name, f"~/{name}") for name in FILES)
    return [configuration for configuration in read if configuration]


class CredentialSource:
    """Finds the credential for a server: from a command, else from the environment and the files of the clients.

    Args:
        server: base URL of the server.
        command: `--credential-command`, by default SKAHA_CREDENTIAL_COMMAND. Raises `UsageError` if it cannot be split.
        surroundings: by default those of the process, read again for each look-up.
    """

    def __init__(self, server: str, command: str | None = None, surroundings: Environment | None = None) -> None:
        self._server = server
        self._fixed = surroundings
        found = self._surroundings.first(COMMAND_VARIABLES)
        text = command if command is not None else found and found[1]
        self._command = CredentialCommand(text, self._surroundings.environ) if text is not None else None
        self._tried: tuple[CredentialRecord, float] | None = None

    @property
    def _surroundings(self) -> Environment:
        return self._fixed or Environment.of_process()

    def login(self) -> Login:
        """The present credential; raises the errors of `find_login`."""
        given = self._command.login() if self._command else None
        return find_login(self._server, self._surroundings, given)

    async def renew(self, now: float, /, *, refused: bool) -> None:
        """Run the command if it is due, or the client if its file has an expired token that it can renew."""
        if self._command is not None:
            await self._command.renew(now, refused=refused)
            return
        record = _renewable(self._server, self._surroundings)
        ended = record is not None and (refused if record.expires is None else record.expires <= time.time())
        if record is None or not ended:
            return
        if self._tried and self._tried[0] == record and time.monotonic() - self._tried[1] < RENEWAL_INTERVAL:
            return
        self._tried = record, time.monotonic()
        await run_client(self._surroundings.environ)


def _renewable(server: str, surroundings: Environment) -> CredentialRecord | None:
    """The record that the published client can renew: the active one of its file, with a refresh token.

    None if the credential for `server` comes from elsewhere.
    """
    if surroundings.first((*TOKEN_VARIABLES, *CERTIFICATE_VARIABLES)):
        return None
    try:
        configuration = read_configuration(surroundings.home / FILES[0], f"~/{FILES[0]}")
    except SkahaApplyError:
        return None
    record = configuration.record if configuration and configuration.active else None
    if configuration is None or record is None or record.refresh is None:
        return None
    return record if _record_for(server, configuration) == record else None


def find_login(server: str, surroundings: Environment, given: Login | None = None) -> Login:
    """The credential for a server: `given`, else from the environment, the configuration files, ~/.ssl/cadcproxy.pem.

    A token from a file goes only to the server of its record. Raises `Unauthorized` if there is no usable credential,
    and `SkahaApplyError` with file and line for a file that cannot be read.
    """
    given = given or _from_environment(surroundings)
    try:
        configurations = _configurations(surroundings)
    except SkahaApplyError as error:
        if given is None:
            raise
        _log.warning("%s; its registry login is not used", error)
        configurations = []
    filed = next((found.registry for found in configurations if found.registry), None)
    registry = find_registry(surroundings.environ, filed)
    login = given or _from_files(server, surroundings, configurations)
    return replace(login, registry=registry) if registry else login


def _from_environment(surroundings: Environment) -> Login | None:
    if found := surroundings.first(TOKEN_VARIABLES):
        return token_login(found[1], found[0], renewal=_VARIABLE_RENEWAL.format(name=found[0]))
    if found := surroundings.first(CERTIFICATE_VARIABLES):
        name, value = found
        if "-----BEGIN" in value:
            # CI secrets often contain line ends as the two characters \n.
            return certificate_login(value.replace("\\n", "\n"), name)
        path = _path(value, surroundings)
        login = _from_certificate(path, f"{name} ({value})")
        if login is None:
            raise Unauthorized(f"the file {value} in {name} does not exist", hint=f"correct or unset {name}")
        return login
    return None


def _from_files(server: str, surroundings: Environment, configurations: list[ClientConfiguration]) -> Login:
    not_sent = []
    for configuration in configurations:
        record, source = _record_for(server, configuration), configuration.shown
        if record and record.token:
            found = token_login(record.token.reveal(), source, expires=record.expires, renewal=RENEW_FILE)
            return replace(found, hidden=(record.refresh,)) if record.refresh else found
        if record and record.certificate:
            path = _path(record.certificate, surroundings)
            if login := _from_certificate(path, f"{record.certificate} (from {source})"):
                return login
        if record is None and configuration.record and configuration.record.token:
            not_sent.append(source)
    if login := _from_certificate(surroundings.home / PROXY_CERTIFICATE, f"~/{PROXY_CERTIFICATE}"):
        return login
    host = urlsplit(server).netloc
    why = f"; the token in {not_sent[0]} is for another server, and is not sent to this one" if not_sent else ""
    raise Unauthorized(
        f"there is no credential for {host}{why}",
        hint="get one: `canfar login`, or a token in SKAHA_TOKEN",
    )


def _record_for(server: str, configuration: ClientConfiguration) -> CredentialRecord | None:
    for entry in configuration.servers:
        if same_server(entry.url, server) and entry.record:
            return entry.record
    active = configuration.active
    if active and same_server(active.url, server):
        return configuration.record
    # A server cannot misuse a certificate that is presented to it; it can misuse a token.
    return configuration.record if configuration.record and configuration.record.certificate else None


def _from_certificate(path: Path, source: str) -> Login | None:
    try:
        return certificate_login(path.read_text(encoding="ascii", errors="replace"), source)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unauthorized(f"the certificate {source} cannot be read: {error.strerror}") from None


def _path(text: str, surroundings: Environment) -> Path:
    if text == "~" or text.startswith("~/"):
        return surroundings.home / text[2:]
    return Path(text)
