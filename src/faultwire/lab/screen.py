"""What `faultwire up` shows: every process's lines behind its coloured name, in one stream.

It writes to standard error and never waits for the terminal: one that is stopped (Ctrl+S) must
not stop the supervision. What it does not read in time is missing, and that is said.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from typing import TextIO

from faultwire.telemetry.line_writer import LineWriter

_STDERR = 2
_COLOURS = (36, 35, 33, 32)  # cyan, magenta, yellow, green
_BOLD = 1
_MISSING = b"... some lines are missing: they were not read in time ...\n"


def wants_colour(environ: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Whether to colour: NO_COLOR forbids it, FORCE_COLOR asks for it, else a terminal does."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return is_terminal and environ.get("TERM") != "dumb"


class Screen:
    """Shows lines of the processes `names`, and words of our own."""

    def __init__(self, names: Iterable[str], *, colour: bool, bar: str, fd: int = _STDERR) -> None:
        self._colour = colour
        self._writer = LineWriter(fd, lambda _: _MISSING)
        names = list(names)
        width = max(map(len, names))
        colours = [_COLOURS[n % len(_COLOURS)] for n in range(len(names))]
        self._prefixes = {
            name: self._painted(f"{name:<{width}} {bar}", colour).encode() + b" "
            for name, colour in zip(names, colours, strict=True)
        }

    def lines(self, name: str, lines: Iterable[bytes]) -> None:
        """Show lines of a process, in one piece."""
        prefix = self._prefixes[name]
        if piece := b"".join(b"%b%b\n" % (prefix, line) for line in lines):
            self._writer.write(piece)

    def say(self, text: str) -> None:
        """Show a line of our own."""
        self._writer.write(self._painted(text, _BOLD).encode() + b"\n")

    def flush(self, timeout_s: float = 0.0) -> None:
        """Try again what the terminal has kept waiting."""
        self._writer.flush(timeout_s)

    def _painted(self, text: str, code: int) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text


def screen_for(names: Iterable[str], stream: TextIO | None = sys.stderr) -> Screen:
    """A screen that suits this process's standard error."""
    is_terminal = stream is not None and stream.isatty()
    encoding = "" if stream is None else (stream.encoding or "").lower()
    colour = wants_colour(os.environ, is_terminal=is_terminal)
    return Screen(names, colour=colour, bar="│" if encoding.startswith("utf") else "|")
