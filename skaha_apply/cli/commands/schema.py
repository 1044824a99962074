"""`schema`: the published schemas, as this version has them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.options import CommonOptions
from skaha_apply.model.errors import ExitCode
from skaha_apply.render.printable import as_json


class SchemaName(StrEnum):
    """What has a schema."""

    MANIFEST = "manifest"
    PLAN = "plan"
    STATE = "state"
    LINT = "lint"


@dataclass(frozen=True, kw_only=True)
class SchemaArguments(CommonOptions):
    """The options of `schema`."""

    name: Annotated[SchemaName, typer.Argument(help="What to describe.", show_default=False)]


@command(app, "schema")
def schema(options: SchemaArguments) -> ExitCode:
    """Print a JSON Schema: of manifests (for editors), of `plan -o json`, of the state, or of `lint -o json`."""
    options.streams().show_document(as_json(_schema(options.name)))
    return ExitCode.OK


def _schema(name: SchemaName) -> dict[str, Any]:
    if name is SchemaName.PLAN:
        from skaha_apply.render.plan.documents import plan_schema  # noqa: PLC0415 - each command pays for its own

        return plan_schema()
    if name is SchemaName.STATE:
        from skaha_apply.state.schema import state_schema  # noqa: PLC0415 - as above

        return state_schema()
    if name is SchemaName.LINT:
        from skaha_apply.render.lint.documents import lint_schema  # noqa: PLC0415 - as above

        return lint_schema()
    from skaha_apply import manifest  # noqa: PLC0415 - as above

    return manifest.manifest_schema()
