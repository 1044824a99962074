"""Commands for the runner of a GitHub job: one line that makes an annotation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.render.printable import printable_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 10  # annotations of one severity that a step shows


def annotation(severity: str, text: str, properties: Mapping[str, str | int]) -> str:
    """`::error file=m.yaml,line=3::text`; `severity` is `error`, `warning` or `notice`. The text can have lines."""
    given = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items() if value != "")
    return f"::{severity}{f' {given}' if given else ''}::{_message(printable_lines(text))}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
