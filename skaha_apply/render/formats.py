"""The output formats of plans, diagnostics, results and others by name: a new format is one module and one line here.

A line names the format, the module that renders it, and how its text is printed. The module is imported when the format
is used, so a command loads only what it prints. It has one function `render`, with the arguments that the class states.
"""

from __future__ import annotations

from enum import Enum, StrEnum, auto
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable


class Medium(Enum):
    """How a rendered text is printed."""

    TEXT = auto()  # for people
    DOCUMENT = auto()  # for programs, in UTF-8
    COMMANDS = auto()  # lines that the runner of a CI job executes


class OutputFormat(StrEnum):
    """A format by its name on the command line."""

    module: str
    medium: Medium

    def __new__(cls, name: str, module: str, medium: Medium) -> Self:
        """Make a member whose value is its name on the command line."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.module, member.medium = module, medium
        return member

    @property
    def render(self) -> Callable[..., str]:
        """The function that renders in this format; the first use imports its module."""
        function: Callable[..., Any] = import_module(f"skaha_apply.render.{self.module}").render
        return function


class PlanFormat(OutputFormat):
    """How a plan is printed: `render(plans, paint, everything)`."""

    TEXT = "text", "plan.text", Medium.TEXT
    JSON = "json", "plan.documents", Medium.DOCUMENT
    MARKDOWN = "markdown", "plan.markdown", Medium.DOCUMENT


class LintFormat(OutputFormat):
    """How diagnostics are printed: `render(report)`."""

    TEXT = "text", "lint.text", Medium.TEXT
    JSON = "json", "lint.documents", Medium.DOCUMENT
    GITHUB = "github", "lint.github", Medium.COMMANDS
    SARIF = "sarif", "lint.sarif", Medium.DOCUMENT
    JUNIT = "junit", "lint.junit", Medium.DOCUMENT
    GITLAB = "gitlab", "lint.gitlab", Medium.DOCUMENT


class ResultFormat(OutputFormat):
    """How the result of `plan`, `apply` or `refresh` is written to a file: `render(result, everything)`."""

    TEXT = "text", "results.text", Medium.TEXT
    JSON = "json", "results.documents", Medium.DOCUMENT
    MARKDOWN = "markdown", "results.markdown", Medium.DOCUMENT
    JUNIT = "junit", "results.junit", Medium.DOCUMENT
    GITLAB = "gitlab", "results.gitlab", Medium.DOCUMENT
    COMMENT = "comment", "results.comment", Medium.DOCUMENT


class SplitFormat(OutputFormat):
    """How shares are printed: `render(preview, paint)`; a picture is drawn with `--picture`."""

    TEXT = "text", "shares.table", Medium.TEXT
    JSON = "json", "shares.document", Medium.DOCUMENT


class GraphFormat(OutputFormat):
    """How the graph of entries is printed: `render(graphs, paint, width)`."""

    TEXT = "text", "graph.text", Medium.TEXT
    MERMAID = "mermaid", "graph.mermaid", Medium.DOCUMENT
    SVG = "svg", "graph.svg", Medium.DOCUMENT
