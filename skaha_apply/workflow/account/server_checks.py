"""The checks of `doctor` that need the server or the credential: each problem becomes a failed check."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.account.health import Check, Health, failed, not_checked, passed
from skaha_apply.model.counts import counted
from skaha_apply.model.durations import format_rounded
from skaha_apply.model.errors import Forbidden, ServerError, SkahaApplyError, Unauthorized, UsageError
from skaha_apply.render.account.offer import interactive_text, resources_text
from skaha_apply.workflow.account.limits import interactive_in_use
from skaha_apply.workflow.setup.context import find_location, open_context, retry_time
from skaha_apply.workflow.setup.sandbox import name_unused_sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from skaha_apply.model.session import Listing
    from skaha_apply.skaha.auth.login import Login
    from skaha_apply.skaha.client import Client
    from skaha_apply.workflow.setup.context import Context, StateLocation
    from skaha_apply.workflow.setup.settings import Settings

AGAIN = "skaha-apply doctor"
LOGIN = "canfar login"
MOST_SKEW = 60.0  # seconds between the clocks of server and machine; a certificate or a lease is misjudged by as much
_CLOCK_FIX = "to set the clock of this machine, run `sudo timedatectl set-ntp true`"
_REGISTRY_FIX = "export SKAHA_REGISTRY_USERNAME=NAME SKAHA_REGISTRY_SECRET=SECRET"


@dataclass(frozen=True)
class ServerSurvey:
    """The checks, and what the checks of states use of it: place, listing and account; None where unknown."""

    checks: tuple[Check, ...]
    location: StateLocation | None
    listing: Listing | None = None
    identity: str | None = None


async def survey_server(setting: Settings, home: Path | None, expires_within: float) -> ServerSurvey:
    """Check server, credential, account, clock, limits and registry login. Raises nothing that a user can fix.

    `home` is the folder whose sandbox is used. `expires_within` is in seconds.
    """
    try:
        location = find_location(setting)
    except SkahaApplyError as error:
        names = ("credential", "account", "clock", "limits", "registry")
        rest = (not_checked(name, "the server is not known") for name in names)
        return ServerSurvey((failed("server", error, "canfar server ls"), *rest), None)
    try:
        async with open_context(setting, home) as context:
            return await _survey_with_login(context, expires_within)
    except SkahaApplyError as error:
        if setting.sandbox:
            return ServerSurvey((failed("server", error, AGAIN),), location)
        return await _survey_without_login(location, error)


async def _survey_with_login(context: Context, expires_within: float) -> ServerSurvey:
    client, listing, error = context.client, None, None
    try:
        listing = await client.sessions()
        limits = await _check_limits(client, listing)
    except SkahaApplyError as problem:
        error = problem
        if isinstance(problem, Unauthorized):
            name_unused_sandbox(problem, context.location.setting)
        limits = not_checked("limits", "the sessions are not known")
    checks = (
        _check_server(client, listing, error),
        _check_credential(client, error, expires_within),
        _check_account(listing, error),
        _check_clock(client),
        limits,
        _check_registry(client.login),
    )
    return ServerSurvey(checks, context.location, listing, context.identity)


async def _survey_without_login(location: StateLocation, error: SkahaApplyError) -> ServerSurvey:
    """The checks if no credential is usable: a request without one shows whether the server responds."""
    from skaha_apply.skaha.auth.login import no_login  # noqa: PLC0415 - as in `open_context`
    from skaha_apply.skaha.client import Client, ClientOptions  # noqa: PLC0415 - as above

    refusal: SkahaApplyError | None = None
    registry = _check_registry(None)
    credential = failed("credential", error, LOGIN)
    if registry.text == error.located_message:
        credential = not_checked("credential", "it is read together with the registry login")
    why = "no credential is usable"
    try:
        async with Client(ClientOptions(server=location.url, login=no_login, patience=retry_time())) as client:
            try:
                await client.sessions()
            except ServerError as problem:
                refusal = problem if type(problem) not in (ServerError, Forbidden, Unauthorized) else None
            server, clock = _check_server(client, None, refusal), _check_clock(client)
    except SkahaApplyError as problem:
        server, clock = failed("server", problem, AGAIN), not_checked("clock", "no request was sent")
    checks = (server, credential, not_checked("account", why), clock, not_checked("limits", why), registry)
    return ServerSurvey(checks, location)


def _check_server(client: Client, listing: Listing | None, error: SkahaApplyError | None) -> Check:
    if listing is not None:
        return passed("server", f"{client.address} responds in {listing.at - listing.asked:.2f} s")
    if error is None or isinstance(error, Forbidden) or (isinstance(error, Unauthorized) and client.has_server_time):
        return passed("server", f"{client.address} responds")
    if isinstance(error, Unauthorized):
        return not_checked("server", "the credential is not usable")
    return failed("server", error, AGAIN)


def _check_credential(client: Client, error: SkahaApplyError | None, expires_within: float) -> Check:
    login = client.login
    if isinstance(error, Unauthorized) or login is None:
        return failed("credential", error or Unauthorized("there is no credential"), LOGIN)
    what = f"{'token' if login.token else 'certificate'} from {login.source}"
    if login.expires is None:
        return passed("credential", f"{what}; its end is not known")
    left = login.expires - client.now()
    text = f"{what}, ends in {format_rounded(left)}"
    if left > expires_within:
        return passed("credential", text)
    return failed("credential", Unauthorized(text, hint=f"renew it: {login.renewal}"), LOGIN)


def _check_account(listing: Listing | None, error: SkahaApplyError | None) -> Check:
    if isinstance(error, Forbidden):
        return failed("account", error, LOGIN)
    if listing is None:
        return not_checked("account", "the sessions are not known")
    return passed("account", f"{listing.account or 'unnamed'}, {counted(len(listing.sessions), 'session')} listed")


def _check_clock(client: Client) -> Check:
    if not client.has_server_time:
        return not_checked("clock", "no response states the time of the server")
    ahead = time.time() - client.now()
    if abs(ahead) <= 1.0:  # the client counts clocks that differ by less than 2 s as equal
        return passed("clock", "it agrees with the server within 2 s")
    text = f"the clock of this machine is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the server"
    return Check("clock", Health.FAILED if abs(ahead) > MOST_SKEW else Health.WARNING, text, _CLOCK_FIX)


async def _check_limits(client: Client, listing: Listing) -> Check:
    offer = await client.offer()
    used = interactive_in_use(listing)
    text = f"{resources_text(offer)}; {interactive_text(used, offer.max_interactive)}"
    if offer.max_interactive is None or used < offer.max_interactive:
        return passed("limits", text)
    hint = "the server refuses a further one; to see them, run `skaha-apply ps`"
    return Check("limits", Health.WARNING, text, hint)


def _check_registry(login: Login | None) -> Check:
    from skaha_apply.skaha.auth.registry import find_registry  # noqa: PLC0415 - as in `open_context`

    try:
        found = login.registry if login else find_registry(os.environ, None)
    except UsageError as error:
        return failed("registry", error, _REGISTRY_FIX)
    if found is None:
        return passed("registry", "no login; images must be public")
    if ":" in found.username + found.secret.reveal():
        text = f"the registry login from {found.source} contains `:`, which the server does not accept"
        return failed("registry", UsageError(text), _REGISTRY_FIX)
    where = found.host or "the registries of the server"
    return passed("registry", f"login of {found.username} at {where}, from {found.source}")
