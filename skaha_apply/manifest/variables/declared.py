"""The `variables` of a file: their declarations, and the values that take precedence."""

from __future__ import annotations

from dataclasses import field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.fields.values import NAME, WORDS, InvalidValue
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.model.project import MissingValues, VariableValues

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.manifest.fields.values import KeyValue, NodeReader
    from skaha_apply.manifest.source.file_diagnostics import FileDiagnostics
    from skaha_apply.manifest.source.nodes import Node

KEYS = ("default", "sensitive", "description")


@dataclass(frozen=True, slots=True)
class Variable:
    """One declaration; `node` is that of its name."""

    name: str
    node: Node
    default: str | None = None
    sensitive: bool = False


@dataclass
class Variables:
    """The variables of one file, with the values that the invocation gives."""

    diagnostics: FileDiagnostics
    declared: Mapping[str, Variable] = field(default_factory=dict)
    given: VariableValues = field(default_factory=VariableValues)
    used: set[str] = field(default_factory=set)  # those that some text refers to

    def value(self, variable: Variable) -> str | None:
        """The value of a variable; None without any, which is reported unless that is allowed."""
        self.used.add(variable.name)
        value = self.given.values.get(variable.name, variable.default)
        may_lack = self.given.missing is MissingValues.ANY or (
            self.given.missing is MissingValues.SENSITIVE and variable.sensitive
        )
        if value is None and not may_lack:
            name = variable.name
            kind = "sensitive variable" if variable.sensitive else "variable"
            ways = ["--var-file FILE"] if variable.sensitive else [f"--var {name}=VALUE", "--var-file FILE"]
            if "-" not in name:  # no shell exports such a name
                ways.append(f"SKAHA_VAR_{name} in the environment")
            detail = f"Give it with {' or '.join(filter(None, [', '.join(ways[:-1]), ways[-1]]))}."
            self.diagnostics.add(
                "variable", variable.node, f"the {kind} {quoted(name)} has no value", detail, path=f"variables.{name}"
            )
        return value

    def suggestion(self, name: str) -> str:
        """What to write instead of a variable that is not declared."""
        by_case = {known.lower(): known for known in self.declared}
        near = get_close_matches(name.lower()[:100], by_case, n=1)
        if near:
            return f"Did you mean ${{var.{by_case[near[0]]}}}?"
        return f"Declare it at the top of this file: variables: {{{name}: {{default: VALUE}}}}."

    @property
    def secrets(self) -> dict[str, str]:
        """The values of the sensitive variables that have one, by name."""
        values = ((one.name, self.given.values.get(one.name, one.default)) for one in self.declared.values())
        return {name: value for name, value in values if self.declared[name].sensitive and value is not None}

    @property
    def withheld(self) -> frozenset[str]:
        """The sensitive variables that are used and have no value."""
        sensitive = frozenset(one.name for one in self.declared.values() if one.sensitive)
        return (sensitive & self.used) - self.secrets.keys()


def read_variables(reader: NodeReader, node: Node) -> dict[str, Variable]:
    """The valid declarations of a file; others are reported."""
    if node.shape != "mapping":
        written = "empty" if node.empty else WORDS[node.shape]
        detail = "Write variables: {NAME: {default: VALUE}}, or remove the key."
        reader.diagnostics.add(
            "wrong-type", node, f"variables must be a mapping, not {written}", detail, path="variables"
        )
        return {}
    declared: dict[str, Variable] = {}
    entries = reader.entries(node, "variables")
    for entry in entries.values():
        _hide(reader, entry)
    for name, entry in entries.items():
        try:
            declared[name] = _declaration(reader, name, entry)
        except InvalidValue:
            continue
    return declared


def _hide(reader: NodeReader, entry: KeyValue) -> None:
    """Mask a sensitive default before a snippet can show its lines."""
    pairs = [(key.text, value) for key, value in entry.value.pairs]
    if any(key == "sensitive" and value.text.lower() != "false" for key, value in pairs):
        for key, value in pairs:
            if key == "default":
                reader.diagnostics.mask(value)


def _declaration(reader: NodeReader, name: str, entry: KeyValue) -> Variable:
    path = f"variables.{name}"
    if NAME.match(name) is None:
        detail = "A name begins with a letter or _, followed by letters, digits, _ and -."
        raise reader.refuse("wrong-value", entry.key, f"{quoted(name)} is not a name for a variable", detail, path=path)
    node = entry.value
    if node.shape != "mapping":
        written = f"{name}: {{}}" if node.empty else f"{name}: {{default: VALUE}}"
        what = "has no value" if node.empty else f"must be a mapping, not {WORDS[node.shape]}"
        detail = f"Write {written}." if not node.empty else f"Write {written} for a variable without a default."
        raise reader.refuse("wrong-type", node, f"{path} {what}", detail, path=path)
    keys = reader.entries(node, path)
    if {"default", "sensitive"} <= keys.keys() and keys["sensitive"].value.text.lower() != "false":
        reader.diagnostics.mask(keys["default"].value)  # also one from `<<`
    for key, found in keys.items():
        if key not in KEYS:
            near = get_close_matches(key.lower()[:100], KEYS, n=1)
            detail = f"Did you mean {near[0]}?" if near else f"The keys are {', '.join(KEYS)}."
            reader.diagnostics.add(
                "unknown-key", found.key, f"{quoted(key)} is not a key of {path}", detail, path=f"{path}.{key}"
            )
    sensitive = reader.boolean(keys["sensitive"].value, f"{path}.sensitive") if "sensitive" in keys else False
    default = None
    if "default" in keys:
        default = _default(reader, keys["default"].value, f"{path}.default")
    if "description" in keys:
        reader.text(keys["description"].value, f"{path}.description")
    return Variable(name, entry.key, default, sensitive)


def _default(reader: NodeReader, node: Node, path: str) -> str:
    if node.empty:
        detail = 'Write "" for an empty text. Remove the key if each invocation must give the value.'
        raise reader.refuse("wrong-type", node, f"{path} has no value", detail, path=path)
    return reader.text(node, path)
