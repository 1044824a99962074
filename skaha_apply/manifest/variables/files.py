"""Files with values for variables: a mapping of names to scalars, each taken as it is written.

Any value may be a secret, so nothing of the text is ever repeated in a message: no snippet, no word of a parser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.manifest.fields.values import NAME
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.manifest.source.files import ManifestFileError, decode, shown_path
from skaha_apply.manifest.source.nodes import NotYaml, compose
from skaha_apply.manifest.variables.env_file import is_env_file, read_env
from skaha_apply.model.diagnostics import Diagnostic, Location, Severity
from skaha_apply.model.errors import ManifestError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from skaha_apply.manifest.source.nodes import Node

MOST_BYTES = 1 << 20
_FORM = "It has one `NAME: value` on each line."


def read_values(path: Path | str) -> dict[str, str]:
    """The values of a file by variable: YAML or JSON, a mapping of names to scalars; or an `.env` file, by its name.

    A pipe is read to its end, so that `--var-file <(pass show survey)` works.

    Raises:
        UsageError: when the file cannot be read.
        ManifestError: with every syntax error and its location.
    """
    file = shown_path(str(path))
    try:
        with open(path, "rb") as opened:  # noqa: PTH123 - a text stays one: Path would drop a leading ./
            data = opened.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise UsageError(
            f"cannot read the values in {file}: {reason}", hint=f"--var-file names a file. {_FORM}"
        ) from error
    if len(data) > MOST_BYTES:
        raise UsageError(f"{file} is larger than {MOST_BYTES >> 20} MB", hint=_FORM)
    try:
        text = decode(data, file)
        if is_env_file(str(path)):
            return read_env(text, file)
        root = compose(text)
    except ManifestFileError as error:
        raise ManifestError((error.diagnostic,)) from None
    except NotYaml as error:
        location = Location(file, error.line, error.column, error.end_line, error.end_column)
        detail = "Write quotes around a value that begins with one of * & ! % @ ` { [ | > or contains `: ` or ` #`."
        raise ManifestError((_diagnostic("yaml", location, "this is not YAML", detail),)) from None
    return _values(root, file)


def _values(root: Node | None, file: str) -> dict[str, str]:
    if root is None or root.empty:
        return {}
    if root.shape != "mapping":
        raise ManifestError((_diagnostic("wrong-type", _place(root, file), "this is not a mapping", _FORM),))
    values: dict[str, str] = {}
    found: list[Diagnostic] = []
    for key, node in root.pairs:
        name = key.text if key.shape == "scalar" else ""
        if problem := _problem(name, node, values):
            found.append(_diagnostic(problem[0], _place(key, file), *problem[1:]))
        else:
            values[name] = node.text
    if found:
        raise ManifestError(tuple(found))
    return values


def _problem(name: str, node: Node, known: dict[str, str]) -> tuple[str, str, str] | None:
    if NAME.match(name) is None:
        detail = "A name begins with a letter or _, followed by letters, digits, _ and -."
        return "wrong-value", "this is not a name for a variable", detail
    if name in known:
        return "duplicate-key", f"{quoted(name)} is given twice", "Remove one of the two."
    if node.shape != "scalar":
        return (
            "wrong-type",
            f"the value of {quoted(name)} must be a scalar",
            "A variable has one value: text or a number.",
        )
    if node.empty:
        return "wrong-type", f"{quoted(name)} has no value", 'Write "" for an empty value.'
    return None


def _place(node: Node, file: str) -> Location:
    return Location(file, node.line, node.column, node.end_line, node.end_column)


def _diagnostic(rule: str, location: Location, summary: str, detail: str) -> Diagnostic:
    return Diagnostic(rule, Severity.ERROR, summary, detail, location)
