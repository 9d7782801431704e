"""Keeps one command: starts it, says how it ends, and never lets it or its children outlive us.

    python keeper.py FOLDER COMMAND...

It runs as a process between the check and what the check starts. The check holds the other end
of its standard input: when that closes, however the check has ended (kill -9 included), whatever
the command has started is killed. On Linux, daemons that forked themselves away from the command
become children of the keeper and are found; elsewhere the command's process group is.

The command's output is the keeper's standard output. On standard error the keeper says
"pid N", "failed REASON" and "exit N" (negative for a signal). It uses the standard library alone:
it is run as a file, in the target's environment.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, prctl(2)
_PATIENCE_S = 3.0
_AGAIN_S = 0.01
_ADOPTED_S = 0.2


def main(folder: str, command: list[str]) -> int:
    """Start the command and keep it until standard input ends."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # musl's libc may be named otherwise
            ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    try:
        process = subprocess.Popen(  # noqa: S603 - the command is what this is for
            command,
            cwd=folder or None,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        _say(f"failed {error}")
        return 127
    _say(f"pid {process.pid}")
    with contextlib.suppress(OSError):
        os.close(1)  # else the output would never end while we live
    threading.Thread(target=_report, args=(process,), daemon=True).start()
    _wait_for_the_end()
    _kill_all(process)
    return 0


def _wait_for_the_end() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass


def _report(process: "subprocess.Popen[bytes]") -> None:
    """Bury the dead. Children that were adopted are not told of."""
    if os.name == "nt":
        _say(f"exit {process.wait()}")
        return
    while True:
        try:
            pid, status = os.waitpid(-1, 0)
        except ChildProcessError:
            time.sleep(_ADOPTED_S)  # another may yet be adopted
            continue
        if pid == process.pid:
            _say(f"exit {os.waitstatus_to_exitcode(status)}")


def _say(words: str) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"{words}\n".encode("utf-8", "replace"))


def _kill_all(process: "subprocess.Popen[bytes]") -> None:
    """Again and again: one that forks may be quicker than we are."""
    if os.name == "nt":
        subprocess.run(  # noqa: S603
            ["taskkill", "/T", "/F", "/PID", str(process.pid)],  # noqa: S607
            check=False,
            capture_output=True,
        )
        return
    end = time.monotonic() + _PATIENCE_S
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    while (left := descendants(os.getpid())) and time.monotonic() < end:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_AGAIN_S)


def descendants(pid: int) -> list[int]:
    """Every process below one that has not ended, on Linux; elsewhere none is found."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            state, parent = stat.read_text("latin-1").rpartition(")")[2].split()[:2]
            if state not in ("Z", "X"):
                parents.setdefault(int(parent), []).append(int(stat.parent.name))
    found: list[int] = []
    todo = [pid]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
