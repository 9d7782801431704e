"""Measure: `python -m benchmarks.explain [MEGABYTES]` (default 200).

Each log is read by `wc -l`, by `grep -c` and by `faultwire explain`, one after the other in each
round, so that a busy machine slows all alike. MB/s are megabytes of log (10^6) in a second of
processor time, start-up included, and by the wall clock where the column says so; medians of the
rounds.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.explain.logs import write_log

_ROUNDS = 3
_SHARES = (("0.1 % failing", 0.001), ("5 % failing", 0.05), ("all failing", 1.0))
_ENVIRONMENT = {**os.environ, "LC_ALL": "C"}
_EXPLAIN = (sys.executable, "-m", "faultwire", "explain", "--limit", "20")


def main() -> None:
    """Write the logs one after the other, and print a row for each."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    _say("| log | explain, MB/s | wall clock | wc -l | grep -c | grep -c / explain |")
    _say("| --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for fmt in ("text", "json"):
            for name, share in _SHARES:
                size = megabytes if share < 1 else max(megabytes // 2, 1)
                _row(f"{fmt}, {name}", Path(folder, "log"), size, share, fmt)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    _say(f"\nLargest resident set of all: {peak:.0f} MB.")


def _row(name: str, path: Path, megabytes: int, share: float, fmt: str) -> None:
    write_log(path, megabytes * 10**6, share, fmt)
    size = path.stat().st_size / 10**6
    commands = {
        "explain": [*_EXPLAIN, str(path)],
        "wc": ["wc", "-l", str(path)],
        "grep": ["grep", "-c", "status=ok" if fmt == "text" else '"status":"ok"', str(path)],
    }
    took: dict[str, list[_Seconds]] = {tool: [] for tool in commands}
    for _ in range(_ROUNDS):
        for tool, command in commands.items():
            took[tool].append(_seconds(command))
    rate = {tool: _rate(size, [each.cpu for each in times]) for tool, times in took.items()}
    wall = _rate(size, [each.wall for each in took["explain"]])
    cells = [rate["explain"], wall, rate["wc"], rate["grep"], rate["grep"] / rate["explain"]]
    _say(f"| {name} ({size:.0f} MB) | {' | '.join(f'{cell:,.0f}' for cell in cells)} |")


class _Seconds(NamedTuple):
    """What a command took: processor time, and by the clock."""

    cpu: float
    wall: float


def _rate(size: float, times: list[float]) -> float:
    return size / max(statistics.median(times), 0.001)


def _seconds(command: list[str]) -> _Seconds:
    """Run a command. Its output is read: for /dev/null, grep would stop early."""
    before, began = _used_by_children(), time.perf_counter()
    subprocess.run(command, check=False, stdout=subprocess.PIPE, env=_ENVIRONMENT)
    return _Seconds(_used_by_children() - before, time.perf_counter() - began)


def _used_by_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
