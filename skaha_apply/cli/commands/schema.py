"""`schema`: print the JSON Schemas that this version publishes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.options import CommonOptions
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode
from skaha_apply.render.printable import as_json


class SchemaName(StrEnum):
    """The documents that have a schema."""

    MANIFEST = "manifest"
    PLAN = "plan"
    STATE = "state"
    LINT = "lint"


@dataclass(frozen=True, kw_only=True)
class SchemaArguments(CommonOptions):
    """The options of `schema`."""

    name: Annotated[
        SchemaName,
        typer.Argument(
            metavar="manifest|plan|state|lint",
            help="Document to describe: manifest, plan, state or lint",
            show_default=False,
        ),
    ]


@command(app, "schema", examples=("skaha-apply schema manifest > manifest.schema.json",))
def schema(options: SchemaArguments) -> ExitCode:
    """Print a JSON Schema.

    The schema describes manifests (for editors), the output of plan -o json, the state, or the output of lint -o json.
    Reads no files and writes none.
    """
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
