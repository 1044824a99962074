"""Records a rehearsal in a real terminal and draws it as an animated SVG: `python docs/images/record_terminal.py FILE`.

The commands run in a pseudo-terminal, in a new folder with the manifest below. A viewer without animations shows the
last frame.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 80, 29  # characters
TILES = 300
MANIFEST = """version: 1
project: survey
defaults: {image: "images.canfar.net/skaha/astroml:24.07", cores: 2, ram: 8}
sessions:
  - name: tile-${tile}
    matrix: {tile: {file: tiles.txt}}
    cmd: /arc/projects/survey/reduce.sh
    args: ["${tile}"]
    parallelism: 150
    retries: 2
    retry_wait: 1s
  - name: mosaic
    needs: ["tile-${tile}"]
    cmd: /arc/projects/survey/mosaic.sh
"""
COMMAND = "skaha-apply apply survey.yaml --pretend=4s --fail 2% --wait complete --poll 1s"
QUESTION, ANSWER = "[y/N] ", "y"
FIRST_S, EACH_S, LAST_S = 4.0, 1.8, 8.0  # how long frames are shown
LIMIT_S = 180.0
CELL, LINE, SIZE, MARGIN = 8.4, 18, 14, 12  # pixels
FONT = "'DejaVu Sans Mono', Menlo, Consolas, monospace"
BACKGROUND, FOREGROUND = "#0d1117", "#e6edf3"
COLORS = {
    1: "#ff7b72",
    2: "#7ee787",
    3: "#e3b341",
    4: "#79c0ff",
    5: "#d2a8ff",
    6: "#76e3ea",
    0: "#8b949e",
    7: FOREGROUND,
}
TOKEN = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b.|(.)", re.DOTALL)

Style = tuple[str, bool, bool]  # color, bold, dim
PLAIN: Style = ("", False, False)
Line = list[tuple[str, Style]]


@dataclass
class Screen:
    """The cells of a terminal, which reads the codes that skaha-apply writes: colors, and lines drawn again."""

    lines: list[Line] = field(default_factory=lambda: [[]])
    row: int = 0
    column: int = 0
    style: Style = PLAIN

    def feed(self, text: str) -> None:
        """Read output as a terminal does."""
        for numbers, code, character in TOKEN.findall(text):
            if code:
                self._control(code, [int(one) for one in numbers.lstrip("?").split(";") if one])
            elif character == "\r":
                self.column = 0
            elif character == "\n":
                self._to_row(self.row + 1)
            elif character:
                self._write(character)

    def _control(self, code: str, numbers: list[int]) -> None:
        if code == "m":
            for number in numbers or [0]:
                self._set_style(number)
        elif code in "ABEF":
            self.column = self.column if code in "AB" else 0
            self._to_row(self.row + (numbers or [1])[0] * (-1 if code in "AF" else 1))
        elif code == "G":
            self.column = (numbers or [1])[0] - 1
        elif code == "J":
            del self.lines[self.row + 1 :]
            del self.lines[self.row][self.column :]
        elif code == "K":
            del self.lines[self.row][0 if numbers == [2] else self.column :]

    def _set_style(self, number: int) -> None:
        color, bold, dim = self.style
        if number == 0:
            self.style = PLAIN
        elif number in (1, 2, 22):
            self.style = (color, number == 1, number == 2)  # noqa: PLR2004 - codes of terminals [ECMA-48]
        elif 30 <= number <= 37 or 90 <= number <= 97:  # noqa: PLR2004
            self.style = (COLORS[number % 10], bold, dim)
        elif number == 39:  # noqa: PLR2004
            self.style = ("", bold, dim)

    def _to_row(self, row: int) -> None:
        self.row = max(0, row)
        while len(self.lines) <= self.row:
            self.lines.append([])

    def _write(self, character: str) -> None:
        if self.column >= WIDTH:
            self.column = 0
            self._to_row(self.row + 1)
        line = self.lines[self.row]
        line += [(" ", PLAIN)] * (self.column + 1 - len(line))
        line[self.column] = (character, self.style)
        self.column += 1

    def frame(self) -> tuple[str, ...]:
        """The last lines that fit, each as the spans of an SVG text."""
        lines = self.lines[:-1] if not self.lines[-1] else self.lines
        return tuple(map(_spans, lines[-HEIGHT:]))


def _spans(line: Line) -> str:
    spans: list[tuple[str, Style]] = []
    for character, style in line:
        if spans and spans[-1][1] == style:
            spans[-1] = (spans[-1][0] + character, style)
        else:
            spans.append((character, style))
    return "".join(_span(text, style) for text, style in spans).rstrip()


def _span(text: str, style: Style) -> str:
    color, bold, dim = style
    given = f' fill="{color}"' * bool(color) + ' font-weight="bold"' * bold + ' opacity="0.6"' * dim
    return f"<tspan{given}>{escape(text)}</tspan>" if given else escape(text)


def record(folder: Path, command: str, tiles: int) -> list[tuple[str, ...]]:
    """The frames of a command on a survey in `folder`, at most one for each `EACH_S`; the last is its end."""
    (folder / "survey.yaml").write_text(MANIFEST, encoding="utf-8")
    (folder / "tiles.txt").write_text("".join(f"t{number:03d}\n" for number in range(1, tiles + 1)), encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", "."], cwd=folder, check=True)  # noqa: S607 - its .skaha-apply is here
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(folder), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    process = subprocess.Popen(  # noqa: S603 - the command above
        command.split(), cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    screen = Screen()
    screen.feed(f"\x1b[1m$ {command}\x1b[0m\r\n")
    frames = _frames(screen, ours, {str(folder): "~/survey"})
    process.wait(LIMIT_S)
    subprocess.run(["skaha-apply", "sandbox", "stop"], cwd=folder, env=environment, check=True, capture_output=True)  # noqa: S607
    return frames


def _frames(screen: Screen, terminal: int, names: dict[str, str]) -> list[tuple[str, ...]]:
    """Read until the command ends, and answer its question. `names` replace paths of this machine."""
    frames: list[tuple[str, ...]] = []
    seen, answered, taken = "", False, 0.0
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                text = os.read(terminal, 65536).decode(errors="replace")
            except OSError:  # the command has ended
                break
            for path, name in names.items():
                text = text.replace(path, name)
            screen.feed(text)
            seen += text
        if not answered and QUESTION in seen:
            frames.append(screen.frame())
            os.write(terminal, f"{ANSWER}\n".encode())
            answered, taken = True, time.monotonic()
        elif answered and time.monotonic() - taken >= EACH_S and screen.frame() != frames[-1]:
            frames.append(screen.frame())
            taken = time.monotonic()
    os.close(terminal)
    return [*frames, screen.frame()]


def _rows(lines: tuple[str, ...], first: int) -> str:
    """Lines as SVG; the first stands in the row `first`."""
    heights = (MARGIN + SIZE + LINE * row for row in range(first, first + len(lines)))
    rows = zip(heights, lines, strict=True)
    return "".join(f'<text xml:space="preserve" x="{MARGIN}" y="{y}">{line}</text>' for y, line in rows if line)


def draw(frames: list[tuple[str, ...]]) -> str:
    """The frames as an SVG that plays them again and again."""
    width, height = round(2 * MARGIN + WIDTH * CELL), 2 * MARGIN + max(map(len, frames)) * LINE
    durations = [FIRST_S, *[EACH_S] * (len(frames) - 2), LAST_S]
    alike = (len(set(lines)) == 1 for lines in zip(*frames, strict=False))
    fixed = sum(takewhile(bool, alike))  # the first lines are the same in all frames, and are written once
    whole, start, rules, groups = sum(durations), 0.0, [], [_rows(frames[0][:fixed], 0)]
    for number, (frame, seconds) in enumerate(zip(frames, durations, strict=True)):
        first, last = start / whole * 100, (start + seconds) / whole * 100
        is_last = number == len(frames) - 1
        shown = f"{first:.2f}%{'' if is_last else f',{last - 0.01:.2f}%'}{{opacity:1}}"
        hidden = f"0%,{max(first - 0.01, 0):.2f}%{{opacity:0}}" * (number > 0)
        after = f"{last:.2f}%,100%{{opacity:0}}" * (not is_last)
        rules.append(f"@keyframes f{number}{{{hidden}{shown}{after}}}")
        rules.append(f"#f{number}{{opacity:{int(is_last)};animation:f{number} {whole:.1f}s step-end infinite}}")
        groups.append(f'<g id="f{number}">{_rows(frame[fixed:], fixed)}</g>')
        start += seconds
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-label="A terminal in which skaha-apply rehearses a survey of 300 tiles">\n'
        f"<style>text{{white-space:pre;font:{SIZE}px {FONT};fill:{FOREGROUND}}}{''.join(rules)}"
        f"@media (prefers-reduced-motion){{g{{animation:none !important}}}}</style>\n"
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>\n' + "\n".join(groups) + "\n</svg>\n"
    )


def main(path: str) -> None:
    """Record the rehearsal and write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        frames = record(Path(folder), COMMAND, TILES)
    Path(path).write_text(draw(frames), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(Path(__file__).with_name("terminal.svg")))
