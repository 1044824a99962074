"""Reads the key `notify` of a file: where notices go. Only variables can be used in it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.manifest.fields.readers import one_of
from skaha_apply.manifest.fields.values import WORDS, InvalidValue
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.manifest.variables.declared import Variables
from skaha_apply.manifest.variables.interpolation import COUNT, ID, BadReference, Scope, TextPurpose, template
from skaha_apply.model.project import NOTICE_EVENTS, MissingValues, NoticeEvent, NoticeTargets
from skaha_apply.model.spec import LATER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.manifest.fields.values import KeyValue, NodeReader
    from skaha_apply.manifest.source.nodes import Node

KEYS = ("command", "url", "on")
ADDRESS = re.compile(r"https?://[^/\s]+(?:/\S*)?\Z", re.IGNORECASE)
_FORM = "Write notify: {url: https://chat.example.org/hook}, or {command: [PROGRAM, ARGUMENT]}."


def read_notify(reader: NodeReader, variables: Variables, node: Node) -> NoticeTargets | None:
    """The targets of notices; None after errors, which were reported.

    A sensitive variable without a value is accepted: a notice is never a reason to fail.
    """
    if node.shape != "mapping":
        written = "empty" if node.empty else WORDS[node.shape]
        reader.diagnostics.add("wrong-type", node, f"notify must be a mapping, not {written}", _FORM, path="notify")
        return None
    given = variables.given
    if given.missing is MissingValues.NONE:
        given = replace(given, missing=MissingValues.SENSITIVE)
    scope = Scope(Variables(variables.diagnostics, variables.declared, given))
    entries = reader.entries(node, "notify")
    try:
        _refuse_unknown(reader, entries)
        command = _command(reader, scope, entries["command"].value) if "command" in entries else ()
        url = _url(reader, scope, entries["url"].value) if "url" in entries else ""
        on = _events(reader, entries["on"].value) if "on" in entries else NOTICE_EVENTS
        if not (command or url):
            raise reader.refuse("missing-key", node, "notify has neither url nor command", _FORM, path="notify")
    except InvalidValue:
        return None
    return NoticeTargets(command, url, on)


def _refuse_unknown(reader: NodeReader, entries: Mapping[str, KeyValue]) -> None:
    for name, entry in entries.items():
        if name not in KEYS:
            summary = f"{quoted(name)} is not a key of notify"
            detail = f"The keys are {', '.join(KEYS)}."
            raise reader.refuse("unknown-key", entry.key, summary, detail, path=f"notify.{name}")


def _command(reader: NodeReader, scope: Scope, node: Node) -> tuple[str, ...]:
    if node.shape != "sequence" or not node.items:
        what = "an empty list" if node.shape == "sequence" else WORDS[node.shape]
        detail = "Write a list: [PROGRAM, ARGUMENT]. It runs without a shell."
        summary = f"notify.command must be a list of texts, not {what}"
        raise reader.refuse("wrong-type", node, summary, detail, path="notify.command")
    items = reader.texts(node, "notify.command")
    words = tuple(
        _filled(reader, scope, one.text, one.node, f"notify.command[{place}]") for place, one in enumerate(items)
    )
    if not words[0]:
        raise reader.refuse("wrong-value", items[0].node, "notify.command has no program", path="notify.command")
    return words


def _url(reader: NodeReader, scope: Scope, node: Node) -> str:
    text = _filled(reader, scope, reader.text(node, "notify.url"), node, "notify.url")
    if not LATER.match(text) and not ADDRESS.match(text):  # an address can be a sensitive value as a whole
        detail = "Write an address that begins with https:// or http://."
        raise reader.refuse(
            "wrong-value", node, "notify.url is not an http or https address", detail, path="notify.url"
        )
    return text


def _events(reader: NodeReader, node: Node) -> tuple[NoticeEvent, ...]:
    read = one_of(*NOTICE_EVENTS)
    items = node.items if node.shape == "sequence" else [node]
    if not items:
        detail = "Write on: [failure, end], or remove notify."
        raise reader.refuse("wrong-type", node, "notify.on is an empty list", detail, path="notify.on")
    found = {read(reader, item, f"notify.on[{place}]") for place, item in enumerate(items)}
    return tuple(event for event in NOTICE_EVENTS if event in found)


def _filled(reader: NodeReader, scope: Scope, text: str, node: Node, path: str) -> str:
    """The text with the values of variables in it; references to sensitive variables stay."""
    if "${" not in text:
        return text
    try:
        parsed = template(text, scope, TextPurpose.TEXT)
    except BadReference as error:
        raise reader.refuse("interpolation", node, f"{path}: {error.summary}", error.detail, path=path) from None
    if COUNT in parsed.names or f"${{{ID}}}" in [piece for piece, _ in parsed.pieces]:
        detail = "Only variables, ${var.NAME}, can be used here."
        raise reader.refuse("interpolation", node, f"{path}: a replica is not known here", detail, path=path)
    return parsed.fill({})
