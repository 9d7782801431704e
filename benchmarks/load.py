"""Load from wrk: one thread, a fixed number of connections, a fixed time."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("load.lua")
_MARK = "FIGURES "


class LoadFailedError(Exception):
    """wrk did not run to its end, or not one request was answered with a 2xx."""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw. `bad_status` counts 4xx and 5xx; the last four are socket errors."""

    requests: int
    duration_s: float
    p50_ms: float
    p99_ms: float
    bad_status: int
    connect: int
    read: int
    write: int
    timeout: int

    @property
    def good(self) -> int:
        """Answers that were not an error."""
        return self.requests - self.bad_status

    @property
    def errors(self) -> int:
        """Everything that went wrong, of any kind."""
        return self.bad_status + self.connect + self.read + self.write + self.timeout

    @property
    def per_s(self) -> float:
        """Good answers a second."""
        return self.good / self.duration_s


def wrk_missing() -> str | None:
    """Return what to say if wrk is not there."""
    return None if shutil.which("wrk") else "wrk is not installed (apt install wrk)"


def run_wrk(url: str, connections: int, seconds: int, *, pause_ms: int = 0) -> Load:
    """Load `url` for whole `seconds`; wrk is killed if it is not done 10 s after that.

    Each connection pauses before each request, `pause_ms` on average and twice that at most.
    Raises LoadFailedError.
    """
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(SCRIPT), url]
    command += ["--", str(pause_ms)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds + 10, check=True
        )
    except subprocess.TimeoutExpired as error:
        raise LoadFailedError("wrk did not end in time") from error
    except subprocess.CalledProcessError as error:
        raise LoadFailedError(f"wrk ended with code {error.returncode}") from error
    load = parse(done.stdout)
    if load.good <= 0:
        raise LoadFailedError(f"not one good answer, {load.errors} errors")
    return load


def parse(output: str) -> Load:
    """Read the line that load.lua prints. Raises LoadFailedError if it is not there."""
    for line in output.splitlines():
        if line.startswith(_MARK):
            return Load(**json.loads(line.removeprefix(_MARK)))
    raise LoadFailedError(f"wrk printed no figures: {output[-200:]!r}")
