"""A command is a function from a frozen value of its options to an exit code; this turns such a value into options.

Each field of the options value is declared once, as typer requires it (`Annotated[str, typer.Option(...)] = default`).
Every command whose options extend the value inherits the field.
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from skaha_apply.cli.errors import guarded
from skaha_apply.cli.help import HelpCommand, epilog, help_text
from skaha_apply.cli.options import CommonOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import typer

    from skaha_apply.model.errors import ExitCode

Options = TypeVar("Options", bound=CommonOptions)


def command(
    app: typer.Typer,
    name: str,
    *,
    examples: Sequence[str],
    exit_codes: Mapping[ExitCode, str] | None = None,
) -> Callable[[Callable[[Options], ExitCode]], Callable[[Options], ExitCode]]:
    """Register `function(options) -> ExitCode` as the command `name`.

    The docstring of the function is the help: a summary of at most 60 columns, then one paragraph. `examples` are
    whole command lines. `exit_codes` is the table at the end of the help, for commands that scripts run.
    """

    def register(function: Callable[[Options], ExitCode]) -> Callable[[Options], ExitCode]:
        end = epilog(examples, exit_codes)
        app.command(name, cls=HelpCommand, help=help_text(function), epilog=end)(_as_command(function))
        return function

    return register


def _as_command(function: Callable[[Options], ExitCode]) -> Callable[..., ExitCode]:
    (options_type,) = (kind for name, kind in get_type_hints(function).items() if name != "return")
    hints = get_type_hints(options_type, include_extras=True)

    def run(**values: Any) -> ExitCode:
        return guarded(function, options_type(**values))

    parameters = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in _own_fields_first(options_type)
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads the options from it
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__name__ = function.__name__
    return run


def _own_fields_first(options_type: type[Any]) -> list[dataclasses.Field[Any]]:
    """The fields in the order of the help: those that only this command has come before inherited ones."""
    fields = {field.name: field for field in dataclasses.fields(options_type)}
    return [
        fields.pop(name)
        for kind in options_type.__mro__
        for name in vars(kind).get("__annotations__", ())
        if name in fields
    ]
