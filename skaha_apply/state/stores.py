"""Which store a call uses: the one it names, the one of Terraform's variables, else a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.state.address import check_form
from skaha_apply.state.http.config import backend, is_remote
from skaha_apply.state.http.rescue import rescue_path
from skaha_apply.state.local.store import LocalStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.model.ports import Observer, Store


def open_store(
    address: str | None,
    default: Path,
    env: Mapping[str, str],
    *,
    observe: Observer | None = None,
) -> Store:
    """The store at `address` (a path or an http address), else at TF_HTTP_ADDRESS, else the file `default`.

    `default` is also where a state is kept that a remote store did not take (`survey.state.rescue.json`). `observe`
    gets the notes of the store. Raises `UsageError` for an address of an unknown form, `StateError` for one that cannot
    be meant; nothing is opened or sent yet.
    """
    remote = address if address and is_remote(address) else None
    if address and not remote:
        check_form(address, "--state")
        return LocalStore(Path(address).expanduser(), observe=observe)
    remote = remote or env.get("TF_HTTP_ADDRESS")
    if not remote:
        return LocalStore(default, observe=observe)
    check_form(remote, "--state" if address else "TF_HTTP_ADDRESS")
    from skaha_apply.state.http.store import HttpStore  # noqa: PLC0415 - httpx takes 0.2 s, and most states are files

    return HttpStore(backend(remote, env), rescue_path(default), observe=observe)
