"""What the processes of one service have used, read from /proc (see proc(5))."""

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# Places in /proc/PID/stat counted after the command name, which may hold spaces.
_STATE, _SESSION, _UTIME, _CSTIME = 0, 3, 11, 14


@dataclass(frozen=True, slots=True)
class Usage:
    """What one service used during a load: all its processes, threads and workers."""

    cpu_s: float
    rss_bytes: int
    peak_rss_bytes: int
    log_lines: int


def members(session: int) -> list[int]:
    """Return the ids of the live processes that belong to `session`."""
    found = []
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields and fields[_STATE] not in "ZX" and int(fields[_SESSION]) == session:
                found.append(int(entry.name))
    return found


def cpu_s(session: int) -> float:
    """Return the CPU seconds of a session so far, user and system, ended children included."""
    ticks = 0
    for pid in members(session):
        ticks += sum(int(field) for field in _stat(pid)[_UTIME : _CSTIME + 1])
    return ticks / TICKS_PER_S


def resident_bytes(session: int) -> tuple[int, int]:
    """Return the resident memory of a session, now and at its peak (VmRSS and VmHWM)."""
    now = peak = 0
    for pid in members(session):
        sizes = _status_kib(pid)
        now += sizes.get("VmRSS", 0) * 1024
        peak += sizes.get("VmHWM", 0) * 1024
    return now, peak


def count_lines(log: Path) -> int:
    """Return how many lines a log file holds."""
    with log.open("rb") as source:
        return sum(block.count(b"\n") for block in iter(lambda: source.read(1 << 20), b""))


class Meter:
    """Measures one service between its creation and `read()`."""

    def __init__(self, session: int, log: Path) -> None:
        self._session = session
        self._log = log
        self._lines = count_lines(log)
        self._cpu_s = cpu_s(session)

    def read(self) -> Usage:
        """Return what was used since this meter was made."""
        used_s = cpu_s(self._session) - self._cpu_s
        now, peak = resident_bytes(self._session)
        return Usage(used_s, now, peak, count_lines(self._log) - self._lines)


def _stat(pid: int) -> list[str]:
    """Return the fields after the command name, or none if the process has gone."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _status_kib(pid: int) -> dict[str, int]:
    """Return the sizes of /proc/PID/status; empty if the process has gone."""
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    pairs = (line.split(":", 1) for line in lines if line.endswith(" kB"))
    return {name: int(value.split()[0]) for name, value in pairs}
