"""`faultwire explain` in this process, and as a process of its own."""

import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from faultwire import cli
from tests.system.running import PATIENCE_S, environment

EXPLAIN = (sys.executable, "-m", "faultwire", "explain")


class Done(NamedTuple):
    """What it said, and its exit status."""

    returncode: int
    stdout: str
    stderr: str


def explain(*arguments: str, stdin: bytes = b"") -> Done:
    """Run it to its end in this process: what is asked of most tests is no process of its own."""
    said, complained = _stream(), _stream()
    with redirect_stdout(said), redirect_stderr(complained), patch("sys.stdin", _stream(stdin)):
        status = cli._main(["explain", *arguments])
    return Done(status, _text(said), _text(complained))


def explain_as_process(*arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> Done:
    """Run it to its end, in a terminal's width and the time zone of Greenwich."""
    done = subprocess.run(
        [*EXPLAIN, *arguments],
        input=stdin,
        cwd=cwd,
        env=environment({"TZ": "UTC", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}),
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def document(*arguments: str, stdin: bytes = b"") -> Any:
    """What it says in JSON."""
    done = explain("--format", "json", *arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _stream(data: bytes = b"") -> TextIOWrapper:
    return TextIOWrapper(BytesIO(data), "utf-8")


def _text(stream: TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
