"""Opens the store of a project's state: at the given address, or at the default place if that is safe."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import StateError
from skaha_apply.state.address import PROJECT, with_project
from skaha_apply.state.default_place import check_no_other, check_one_home
from skaha_apply.state.git.address import HISTORY
from skaha_apply.state.observed_stores import masking_store
from skaha_apply.state.stores import how_to_select, open_store, parse_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.model.diagnostics import Location
    from skaha_apply.model.ports import Store
    from skaha_apply.state.default_place import StateSetup


@dataclass(frozen=True)
class DeclaredState:
    """The address in `state:` of the manifests of a project, and its position."""

    text: str
    location: Location | None = None


def open_project_store(setup: StateSetup, declared: DeclaredState | None = None) -> Store:
    """The store of a project's state. It must be the declared one, because a second state would run everything again.

    An address is a file, a folder of states, or the address of a store. A declared path starts at the folder of
    `.skaha-apply`.

    Raises:
        UsageError: for an address of an unknown form.
        StateError: it is not the declared store. For the default place: the manifests lie in two checkouts, or the
            project has no state there but one elsewhere.
    """
    default, address = setup.default, setup.address
    wanted = None
    if declared is not None:
        wanted = parse_address(declared.text, "state", declared.location).in_folder(
            setup.root, default.name, setup.project
        )
    if address is None:
        check_one_home(setup)
        check_no_other(setup)
    else:
        address = address.in_folder(setup.cwd, default.name, setup.project)
    store = open_store(address, default, _variables(setup), observe=setup.observe)
    if declared is not None and wanted is not None and not wanted.same_as(parse_address(store.address, "--state")):
        raise StateError(
            f"the manifests of {setup.project} declare the state {wanted.shown}, but this invocation would use "
            f"{store.address}",
            hint=f"{how_to_select(wanted)} selects the declared state. If it moved, correct `state:` in the manifests.",
            location=declared.location,
        )
    return masking_store(store, setup.identify)


def _variables(setup: StateSetup) -> Mapping[str, str]:
    """The variables of the process, those of a store for the project, with the option that stands for one of them."""
    changed = {
        name: with_project(value, setup.project)
        for name, value in os.environ.items()
        if name.startswith("TF_HTTP_") and name.endswith("ADDRESS") and PROJECT in value
    }
    if setup.history is not None:
        changed[HISTORY] = str(setup.history)
    return {**os.environ, **changed} if changed else os.environ
