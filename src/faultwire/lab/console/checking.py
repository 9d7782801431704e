"""Running `faultwire check` from the page: a process of its own, its verdicts as they fall."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from faultwire.check.model import Group, Report
from faultwire.http.message import JSON
from faultwire.lab.lines import LineSplitter

_MOST_VERDICTS = 500
_LAST_WORDS = 20
_READ_BYTES = 64 << 10
_END_WITHIN_S = 3.0
_COMMAND = ("check", "--format", "json", "--progress", "json", "--output")
FORMS = {"json": JSON, "html": b"text/html; charset=utf-8"}
"""What a report can be had as, and its content type."""
GROUPS = tuple(group.value for group in Group)
_MEANINGS = {0: "passed", 1: "failed"}

Json = dict[str, Any]


class CannotCheck(Exception):
    """A check cannot be started now. The message is one sentence."""


class Checking:
    """One check at a time, against a pair of its own on free ports: the lab is not disturbed."""

    def __init__(self) -> None:
        self._state = "idle"
        self._verdicts: list[Json] = []
        self._done = self._total = 0
        self._words: deque[str] = deque(maxlen=_LAST_WORDS)
        self._said = ""
        self._stopping = False
        self._running: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._report = Path()

    def shown(self) -> Json:
        """How it stands, as the page is shown it."""
        return {
            "state": self._state,
            "said": self._said,
            "done": self._done,
            "total": self._total,
            "verdicts": self._verdicts,
            "report": self._has_report,
        }

    def start(self, group: str = "") -> None:
        """Start one, of all scenarios or of one group.

        Raises `CannotCheck` while one runs, and where its report has no room.
        """
        if group and group not in GROUPS:
            raise CannotCheck(f"There is no group {group!r}; there are {', '.join(GROUPS)}")
        if self._running is not None and not self._running.done():
            raise CannotCheck("A check runs already")
        self._make_folder()
        self._state, self._said, self._stopping = "running", "", False
        self._verdicts, self._done, self._total = [], 0, 0
        self._words.clear()
        self._report.unlink(missing_ok=True)
        self._running = asyncio.create_task(self._run(["--group", group] if group else []))

    def _make_folder(self) -> None:
        """A folder for the report: made at first, and anew where the system has swept it away."""
        if self._folder is not None and not self._report.parent.is_dir():
            self._folder.cleanup()
            self._folder = None
        if self._folder is None:
            try:
                self._folder = tempfile.TemporaryDirectory(prefix="faultwire-check-")
            except OSError as error:
                raise CannotCheck(f"A temporary folder cannot be made: {error.strerror}") from error
            self._report = Path(self._folder.name) / "report.json"

    def stop(self) -> None:
        """End it, if one runs: as Ctrl+C does, and by force where that takes long."""
        self._stopping = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGINT if os.name != "nt" else signal.SIGTERM)
            asyncio.get_running_loop().call_later(_END_WITHIN_S, _kill, self._process)

    def kill(self) -> None:
        """End it now. Safe in a signal handler."""
        if self._process is not None and self._process.returncode is None:
            _kill(self._process)

    async def close(self) -> None:
        """End it, by force where it does not end by itself."""
        self.stop()
        if self._running is not None:
            await asyncio.wait({self._running}, timeout=_END_WITHIN_S)
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
        if self._folder is not None:
            self._folder.cleanup()

    async def report(self, form: str = "json") -> bytes:
        """The last report in one of `FORMS`. Raises `CannotCheck` where there is none."""
        if not self._has_report:
            raise CannotCheck("There is no report: no check has ended yet")
        report = self._report.read_bytes()
        return await asyncio.to_thread(_as_page, report) if form == "html" else report

    @property
    def _has_report(self) -> bool:
        """Whether one is written, and whole."""
        return self._state in _MEANINGS.values()

    async def _run(self, more: Sequence[str]) -> None:
        try:
            process = self._process = await self._started(more)
        except OSError as error:  # no memory, or too many processes or files
            self._state, self._said = "broken", f"It cannot be started: {error}"
            return
        if self._stopping:  # while it was being started
            self.stop()
        try:
            await self._read(process)
            code = await process.wait()
        finally:
            _kill(process)
        stopped = self._stopping or code < 0 or code == 128 + signal.SIGINT
        self._state = "stopped" if stopped else _MEANINGS.get(code, "broken")
        if self._state == "broken":
            self._said = self._words[-1] if self._words else f"exit status {code}"

    async def _started(self, more: Sequence[str]) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "faultwire", *_COMMAND, str(self._report), *more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        splitter = LineSplitter()
        while process.stderr and (data := await process.stderr.read(_READ_BYTES)):
            for line in splitter.feed(data):
                self._take(line)
        for line in splitter.end():
            self._take(line)

    def _take(self, line: bytes) -> None:
        """A line of progress; any other is kept as its last words."""
        try:
            event = msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError:
            self._words.append(line.decode("utf-8", "replace").strip())
            return
        match event.get("event"):
            case "progress":
                self._done, self._total = int(event["done"]), int(event["total"])
            case "verdict" if len(self._verdicts) < _MOST_VERDICTS:
                self._verdicts.append({key: event.get(key) for key in _SHOWN})


def _as_page(report: bytes) -> bytes:
    """The report as one HTML file. In a thread: the first one imports what draws it."""
    from faultwire.check.report import html  # noqa: PLC0415  slow, for those who want a page

    return html.render(msgspec.json.decode(report, type=Report)).encode()


_SHOWN = ("id", "title", "group", "verdict", "seconds")


def _kill(process: asyncio.subprocess.Process) -> None:
    """End it, if it still runs."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
