"""The table of state stores: which store opens which address.

A new store needs a folder next to `local/`, `http/` and `git/`, and here its opener and one line in `STORES`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from skaha_apply.model.errors import UsageError
from skaha_apply.state.address import GIT, PROJECT, StateAddress, prefix_of
from skaha_apply.state.git.address import FORM, check_address, git_remote, split_address
from skaha_apply.state.http.config import backend
from skaha_apply.state.local.store import LocalStore
from skaha_apply.state.remote.rescue import rescue_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skaha_apply.model.diagnostics import Location
    from skaha_apply.model.ports import Observer, Store


class StoreSetup(NamedTuple):
    """What a remote store needs in addition to its address.

    `default` is the path of the local state file. Next to it a store keeps a state that it could not store. `observe`
    receives the notes of the store.
    """

    default: Path
    env: Mapping[str, str]
    observe: Observer | None = None


class StoreType(NamedTuple):
    """A remote store: a description of its addresses, how to open it, and the variable that can hold an address.

    `problem` returns what is wrong with the text after the prefix, None if nothing is.
    """

    form: str
    open: Callable[[StateAddress, StoreSetup], Store]
    variable: str = ""
    problem: Callable[[str], str | None] = lambda _: None


def _open_http(address: StateAddress, setup: StoreSetup) -> Store:
    from skaha_apply.state.http.store import HttpStore  # noqa: PLC0415 - httpx takes 0.2 s, and most states are files

    return HttpStore(backend(address.text, setup.env), rescue_path(setup.default), observe=setup.observe)


def _open_git(address: StateAddress, setup: StoreSetup) -> Store:
    from skaha_apply.state.git.store import GitStore  # noqa: PLC0415 - most states are files

    return GitStore(git_remote(address.text, setup.env), rescue_path(setup.default), observe=setup.observe)


def _unknown_placeholder(rest: str) -> str | None:
    """A `{word}` in the path that has no meaning: the projects would share a state of this name."""
    path = rest.partition("/")[2].partition("?")[0]
    unknown = next((word for word in re.findall(r"\{[^{}]*\}", path) if word != PROJECT), None)
    return unknown and f"unknown placeholder {unknown!r}; {PROJECT} stands for the name of the project"


_HTTP = StoreType(
    "an http(s):// address of a store that uses the protocol of Terraform's http backend",
    _open_http,
    "TF_HTTP_ADDRESS",
    _unknown_placeholder,
)
STORES = {"https://": _HTTP, "http://": _HTTP, GIT: StoreType(FORM, _open_git, problem=check_address)}


def parse_address(text: str, source: str, location: Location | None = None) -> StateAddress:
    """The address that a text means.

    `source` is the option, key or variable with the text, and `location` its position in a manifest.
    Raises `UsageError` for an address of an unknown form.
    """
    stripped = text.strip()
    prefix = next((prefix for prefix in STORES if stripped.lower().startswith(prefix)), "")
    if prefix:
        rest = stripped[len(prefix) :]
        if problem := STORES[prefix].problem(rest):
            raise UsageError(f"{source}: {problem}", hint=f"Give {STORES[prefix].form}.", location=location)
        return StateAddress(prefix + rest if prefix == GIT else stripped, prefix)
    unknown = prefix_of(stripped)
    if unknown is None:
        return StateAddress(text)
    forms = ", or ".join(dict.fromkeys(store.form for store in STORES.values()))
    raise UsageError(
        f"{source}: unknown kind of state store {unknown + ':'!r}",
        hint=f"Give a path, or {forms}. If a file name contains a colon, write ./ before it: ./a:b",
        location=location,
    )


def find_address(option: str | None, env: Mapping[str, str]) -> StateAddress | None:
    """The address that `--state` gives, else the variable of a store (TF_HTTP_ADDRESS); None for the default file.

    Raises `UsageError` for an address of an unknown form.
    """
    if option is not None:
        return parse_address(option, "--state")
    for prefix, store in STORES.items():
        if store.variable and (text := env.get(store.variable)):
            address = parse_address(text, store.variable)
            # The store reports what is wrong with a path.
            return address if address.is_remote else StateAddress(text, prefix)
    return None


def open_store(
    address: StateAddress | None,
    default: Path,
    env: Mapping[str, str],
    *,
    observe: Observer | None = None,
) -> Store:
    """The store at `address`, by default the file `default`; `env` holds the settings of remote stores.

    `observe` receives the notes of the store. Nothing is opened or sent yet. Raises `StateError` for an address or a
    variable that the store cannot use.
    """
    if address is not None and address.is_remote:
        return STORES[address.prefix].open(address, StoreSetup(default, env, observe))
    return LocalStore(default if address is None else Path(address.text).expanduser(), observe=observe)


def how_to_separate(address: StateAddress | None) -> str:
    """How to change the address of one state into one for several projects; "" if no change is necessary."""
    if address is None or not address.is_remote:
        return ""
    if address.prefix == GIT:
        has_branch = split_address(address.text[len(GIT) :])[1]
        return "remove #BRANCH, so that each project has its own branch" if has_branch else ""
    return "" if PROJECT in address.text else f"write {PROJECT} into the address, for the name of the project"


def how_to_select(address: StateAddress) -> str:
    """The option, and the variable if there is one, that select the store at an address."""
    option = f"--state {address.shown}"
    variable = STORES[address.prefix].variable if address.is_remote else ""
    return f"{option}, or {variable}={address.shown}," if variable else option
