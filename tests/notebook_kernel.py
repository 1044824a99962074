"""A Jupyter kernel of its own process, as a notebook uses it: it runs cells, and keeps what each cell showed."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from queue import Empty

LIMIT_S = 120
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Cell:
    """What one cell showed; `outputs` are texts by media type, and an update replaces its output."""

    outputs: list[dict] = field(default_factory=list)
    updates: int = 0
    streams: dict[str, str] = field(default_factory=lambda: {"stdout": "", "stderr": ""})
    error: dict | None = None

    @property
    def traceback(self):
        """The lines of the traceback without colors."""
        return _ANSI.sub("", "\n".join(self.error["traceback"])).splitlines() if self.error else []

    @property
    def text(self):
        """All outputs as text."""
        shown = [output.get("text/plain", "") for output in self.outputs]
        return "\n".join([*self.streams.values(), *shown, *self.traceback])

    @property
    def html(self):
        return "\n".join(output.get("text/html", "") for output in self.outputs)


class NotebookKernel:
    """A kernel in a folder, in which it has its sockets; it opens no port."""

    def __init__(self, folder, environment):
        from jupyter_client.manager import KernelManager  # noqa: PLC0415 - an extra of the tests

        files = folder / ".kernel"
        self._manager = KernelManager(transport="ipc", ip=str(files), connection_file=f"{files}.json")
        self._manager.start_kernel(cwd=str(folder), env=environment)
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=LIMIT_S)

    def start(self, code):
        """Start a cell; `finish` waits for it."""
        return self._client.execute(code, allow_stdin=False)

    def finish(self, started, on_output=lambda _cell: None):
        """The cell once it has ended; `on_output` gets the cell so far after each output."""
        cell, places, until = Cell(), {}, time.monotonic() + LIMIT_S
        while True:
            try:
                message = self._client.get_iopub_msg(timeout=max(0.1, until - time.monotonic()))
            except Empty:
                raise AssertionError(f"the cell did not end:\n{cell.text}") from None
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != started:
                continue
            if kind == "status" and content["execution_state"] == "idle":
                self._client.get_shell_msg(timeout=LIMIT_S)
                return cell
            self._take(cell, places, kind, content)
            on_output(cell)

    def run(self, code):
        """Run one cell to its end."""
        return self.finish(self.start(code))

    def interrupt(self):
        """The button of a notebook that interrupts the cell."""
        self._manager.interrupt_kernel()

    def close(self):
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    @staticmethod
    def _take(cell, places, kind, content):
        place = content.get("transient", {}).get("display_id")
        if kind in ("display_data", "execute_result"):
            if place:
                places[place] = len(cell.outputs)
            cell.outputs.append(content["data"])
        elif kind == "update_display_data":
            cell.updates += 1
            cell.outputs[places[place]] = content["data"]
        elif kind == "stream":
            cell.streams[content["name"]] += content["text"]
        elif kind == "error":
            cell.error = content
