"""Findings as JSON for scripts and editors; the models here are also where the committed schema comes from.

`python -m skaha_apply.render.lint.documents` writes that schema, below the working directory.
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

    filename: str = Field(description="as the call named it, `-` for standard input")
    start: PositionDocument
    end: PositionDocument = Field(description="exclusive")


class DiagnosticDocument(_Document):
    """One finding."""

    rule: str = Field(description="id of the rule, a page of docs/rules, or of an error of form")
    severity: Severity
    summary: str = Field(description="one line: what is wrong")
    detail: str = Field(description="what happens on the server, and what to write instead; may be empty")
    range: RangeDocument
    snippet: str = Field(description="the line, and carets below the place; may be empty")
    session: str = Field(description="name of the session that it is about; empty for none")
    path: str = Field(description="place in the document, as sessions[3].args[2]; empty for the whole")


class LintDocument(_Document):
    """The findings of one call."""

    format_version: Annotated[
        str,
        Field(
            pattern=r"^1\.\d+$",
            description="MAJOR.MINOR: minor grows by addition, so ignore keys you do not know; refuse another major",
        ),
    ]
    valid: bool = Field(description="whether there is no error; warnings do not count")
    error_count: int = Field(ge=0)
    warning_count: int = Field(ge=0)
    diagnostics: list[DiagnosticDocument]


def render(report: LintReport) -> str:
    """The text of the format `json`."""
    return as_json(lint_document(report))


def lint_document(report: LintReport) -> dict[str, Any]:
    """The findings of one call as a JSON value."""
    document = LintDocument(
        format_version=LINT_FORMAT,
        valid=report.errors == 0,
        error_count=report.errors,
        warning_count=len(report.found) - report.errors,
        diagnostics=[_diagnostic(one) for one in report.found],
    )
    return document.model_dump(mode="json")


def lint_schema() -> dict[str, Any]:
    """The JSON Schema of what `lint -o json` prints."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **LintDocument.model_json_schema(mode="serialization"),
        "title": f"skaha-apply lint, format {LINT_FORMAT}",
    }


def schema_text() -> str:
    """The schema as it is committed."""
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
    """One for each finding: sha256, in hexadecimal, of rule, file, session and the place within it; never the line.

    The session counts by its name, so that neither lines above nor sessions before it change anything. What is found
    twice at one place gets a number, since equal fingerprints would be merged.
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
