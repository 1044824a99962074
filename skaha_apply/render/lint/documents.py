"""Diagnostics as JSON for scripts and editors. The committed schema is generated from these models.

`python -m skaha_apply.render.lint.documents` writes the schema below the working directory.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from skaha_apply.model.diagnostics import Severity
from skaha_apply.render.printable import as_json

if TYPE_CHECKING:
    from skaha_apply.model.diagnostics import Diagnostic, LintReport


LINT_FORMAT = "1.0"
SCHEMA = Path("schemas/lint.v1.schema.json")


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class PositionDocument(_Document):
    """A position in a text."""

    line: int = Field(ge=1, description="from 1")
    column: int = Field(ge=1, description="from 1, in characters")


class RangeDocument(_Document):
    """A range of text in a manifest."""

    filename: str = Field(description="as named on the command line; `-` for standard input")
    start: PositionDocument
    end: PositionDocument = Field(description="exclusive")


class DiagnosticDocument(_Document):
    """One diagnostic."""

    rule: str = Field(description="ID of the rule (a page of docs/rules) or of the syntax error")
    severity: Severity
    summary: str = Field(description="one line that states the problem")
    detail: str = Field(description="the effect on the server, and what to write instead; can be empty")
    range: RangeDocument
    snippet: str = Field(description="the line of the manifest, with carets below the position; can be empty")
    session: str = Field(description="name of the session; empty if the diagnostic is not about one session")
    path: str = Field(description="position in the document, such as sessions[3].args[2]; empty for the whole document")


class LintDocument(_Document):
    """The diagnostics of one invocation."""

    format_version: Annotated[
        str,
        Field(
            pattern=r"^1\.\d+$",
            description="MAJOR.MINOR: a minor version adds keys, so ignore unknown keys; refuse another major",
        ),
    ]
    valid: bool = Field(description="true if there is no error; warnings do not count")
    error_count: int = Field(ge=0)
    warning_count: int = Field(ge=0)
    diagnostics: list[DiagnosticDocument]


def render(report: LintReport) -> str:
    """The text of the format `json`."""
    return as_json(lint_document(report))


def lint_document(report: LintReport) -> dict[str, Any]:
    """The diagnostics of one invocation as a JSON value."""
    document = LintDocument(
        format_version=LINT_FORMAT,
        valid=report.errors == 0,
        error_count=report.errors,
        warning_count=len(report.found) - report.errors,
        diagnostics=[_diagnostic(one) for one in report.found],
    )
    return document.model_dump(mode="json")


def lint_schema() -> dict[str, Any]:
    """The JSON Schema of the output of `lint -o json`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **LintDocument.model_json_schema(mode="serialization"),
        "title": f"skaha-apply lint, format {LINT_FORMAT}",
    }


def schema_text() -> str:
    """The text of the committed schema."""
    return json.dumps(lint_schema(), indent=2, ensure_ascii=False) + "\n"


def _diagnostic(one: Diagnostic) -> DiagnosticDocument:
    location = one.location
    return DiagnosticDocument(
        rule=one.rule,
        severity=one.severity,
        summary=one.summary,
        detail=one.detail,
        range=RangeDocument(
            filename=location.file,
            start=PositionDocument(line=location.line, column=location.column),
            end=PositionDocument(line=location.end_line, column=location.end_column),
        ),
        snippet=one.snippet,
        session=one.session,
        path=one.path,
    )


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")


IN_SESSION = re.compile(r"sessions\[[0-9]+\]")


def fingerprints(report: LintReport) -> tuple[str, ...]:
    """A fingerprint for each diagnostic: the hexadecimal sha256 of rule, file, session name and path in the session.

    Line numbers and the index of the session are left out, so that edits above a session do not change its
    fingerprints. Equal diagnostics get a number, because GitHub and GitLab merge equal fingerprints.
    """
    seen: Counter[str] = Counter()
    made = []
    for one in report.found:
        parts = _parts(one, report.path(one.location.file))
        identity = json.dumps(parts, ensure_ascii=True)
        seen[identity] += 1
        made.append(hashlib.sha256(f"{identity}{seen[identity]}".encode()).hexdigest())
    return tuple(made)


def _parts(one: Diagnostic, path: str) -> list[str]:
    within = IN_SESSION.sub("", one.path, count=1) if one.session else one.path
    return [one.rule, path, one.session.casefold(), within]
