"""The page of `--html`: the projects of the invocation in one file, which is replaced as a whole at each pass."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.cli.invocation import project_command
from skaha_apply.cli.output.masking import published_values
from skaha_apply.cli.output.output_files import check_place
from skaha_apply.cli.output.streams import write_file
from skaha_apply.model.errors import SkahaApplyError, UsageError
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.model.display.page import ProjectPage
    from skaha_apply.model.project import Project
    from skaha_apply.workflow.reconcile.request import ApplyRequest
    from skaha_apply.workflow.reconcile.results import PassResult


class PageFile:
    """The file of `--html`. A problem while work is under way is a warning, and at the end an error.

    Args:
        file: its path; None if the option is not given.
        public: whether the page is published.
        streams: for warnings.
        poll: seconds after which the page is written again, None if nothing repeats.

    Raises:
        UsageError: the folder does not exist or cannot be written, or `--public` is given without `--html`.
    """

    def __init__(self, file: str | None, streams: Streams, *, public: bool, poll: float | None = None) -> None:
        if public and file is None:
            raise UsageError("--public requires --html", hint="add --html FILE, or remove --public")
        if file is not None:
            check_place("page", file)
        self._file, self._streams, self._public, self._poll = file, streams, public, poll
        self._order: list[str] = []
        self._pages: dict[str, ProjectPage] = {}
        self._problem: SkahaApplyError | None = None
        self._warned: set[str] = set()

    def order(self, projects: Sequence[Project]) -> None:
        """Show the projects in this order."""
        self._order = [project.name for project in projects]

    @property
    def after_pass(self) -> Callable[[ApplyRequest, PassResult], None] | None:
        """What `apply` and `refresh` do with the result of each pass; None without `--html`."""
        return None if self._file is None else self._after_pass

    def add(self, make: Callable[[], ProjectPage | None]) -> None:
        """Show a project, and write the file; `make` is not called without `--html`."""
        if self._file is None:
            return
        try:
            page = make()
            if page is not None:
                project = page.status.project
                commands = page_commands(project, one_of_several=len(self._order) > 1)
                commands["page"] = project_command(f"status --html {shlex.quote(self._file)}")
                self._pages[project] = replace(page, poll=self._poll, commands=commands)
                self._write(self._file)
            self._problem = None
        except SkahaApplyError as error:
            self._keep(error)
        except Exception as error:  # noqa: BLE001 - a bug of a page must not stop the work
            self._keep(
                SkahaApplyError(f"cannot make the page {one_line(self._file)}: unexpected {type(error).__name__}")
            )

    def _keep(self, error: SkahaApplyError) -> None:
        """Keep an error for the end of the command, and print it as a warning, once for each text."""
        self._problem = error
        if error.message not in self._warned:
            self._warned.add(error.message)
            self._streams.message("warning", error.message)

    def check(self) -> None:
        """Raise the error of the last write, if it failed."""
        if self._problem is not None:
            raise self._problem

    def _after_pass(self, request: ApplyRequest, last: PassResult) -> None:
        from skaha_apply.workflow.page import page_after_pass  # noqa: PLC0415 - keeps --help fast

        self.add(lambda: page_after_pass(request, last))

    def _write(self, file: str) -> None:
        from skaha_apply.render.page.document import page_data  # noqa: PLC0415 - as above
        from skaha_apply.render.page.page import page_html  # noqa: PLC0415

        names = [name for name in self._order if name in self._pages] or list(self._pages)
        data = page_data([self._pages[name] for name in names], public=self._public)
        write_file("page", file, page_html(published_values(data)).encode())


def page_commands(project: str, *, one_of_several: bool) -> dict[str, str]:
    """The commands that a page shows, with `REPLICA` where the name of a replica belongs."""
    chosen = f" --project {shlex.quote(project)}" if one_of_several else ""
    words = {
        "logs": "logs REPLICA",
        "show": "show REPLICA",
        "rerun": "mark rerun REPLICA",
        "rerun-failed": "mark rerun --phase failed",
        "apply": "apply --wait complete",
    }
    return {name: project_command(f"{text}{chosen}") for name, text in words.items()}
