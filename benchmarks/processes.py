"""Starting a pair, knowing when it answers, and stopping it whatever happens."""

import http.client
import os
import random
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import members
from benchmarks.stacks.catalogue import Command, Place, Stack

START_DEADLINE_S = 15.0
STOP_STEPS = ((signal.SIGTERM, 1.0), (signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0))
PROBE_TARGET = "/call-echo?msg=hello"
_NOT_PASSED_ON = ("FAULTWIRE_", "OTEL_", "SERVICE_A_URL", "PYTHONDONTWRITEBYTECODE")


class StackFailedError(Exception):
    """A pair did not start or did not answer as it should."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A running pair: its place, and the session id of each service's processes."""

    place: Place
    session_a: int
    session_b: int


@contextmanager
def running_pair(stack: Stack) -> Iterator[Pair]:
    """Run both services of `stack` and stop them at the end, files included.

    Raises StackFailedError unless both are healthy and B passes A's answer on.
    """
    with new_place() as place:
        command_a, command_b = stack.commands(place)
        with running(command_a, place.log_a) as a, running(command_b, place.log_b) as b:
            wait_until_healthy(a, place.port_a, place.log_a)
            wait_until_healthy(b, place.port_b, place.log_b)
            _expect_the_echo(place.port_b)
            yield Pair(place, a.pid, b.pid)


@contextmanager
def new_place() -> Iterator[Place]:
    """Yield a new folder and two free ports; remove the folder at the end."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        port_a, port_b = free_ports(2)
        yield Place(Path(name), port_a, port_b)


def free_ports(count: int) -> list[int]:
    """Return free loopback ports below the range that outgoing connections take theirs from."""
    ports: list[int] = []
    for port in random.SystemRandom().sample(range(15_000, 30_000), 1_000):
        if len(ports) == count:
            break
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
    return ports


@contextmanager
def running(command: Command, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run one command in a session of its own, its standard error appended to `log`."""
    with log.open("ab") as sink:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=sink,
            env=plain_environment(),
            start_new_session=True,
        )
    try:
        yield process
    finally:
        stop(process)


def plain_environment() -> dict[str, str]:
    """Return this environment without what would change a stack: proxies, own settings."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_NOT_PASSED_ON) and not name.lower().endswith("_proxy")
    }


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and all of its session: politely, again, then by force (7 s at most)."""
    with _undisturbed():
        for number, patience_s in STOP_STEPS:
            _signal_group(process.pid, number)
            deadline = time.monotonic() + patience_s
            while time.monotonic() < deadline:
                if process.poll() is not None and not members(process.pid):
                    return
                time.sleep(0.005)


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ignore Ctrl+C meanwhile: a second one must not leave processes behind."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def wait_until_healthy(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return at the first 200 from /health; StackFailedError after 15 s or if it has ended."""
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StackFailedError(f"it ended at once, code {process.returncode}:{_end_of(log)}")
        if _get(port, "/health")[0] == 200:
            return
        time.sleep(0.001)
    raise StackFailedError(f"no 200 from /health in {START_DEADLINE_S:.0f} s:{_end_of(log)}")


def cold_start_s(command: Command, port: int, log: Path) -> float:
    """Return the seconds from starting one service to its first 200."""
    started = time.perf_counter()
    with running(command, log) as process:
        wait_until_healthy(process, port, log)
        return time.perf_counter() - started


def _expect_the_echo(port: int) -> None:
    status, body = _get(port, PROBE_TARGET)
    if status != 200 or b'"hello"' not in body:
        raise StackFailedError(f"{PROBE_TARGET} answered {status}: {body[:200]!r}")


def _get(port: int, target: str) -> tuple[int, bytes]:
    """Return status and body, or status 0 if there was no answer within 2 s."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2.0)
    try:
        connection.request("GET", target)
        reply = connection.getresponse()
        return reply.status, reply.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def _end_of(log: Path) -> str:
    lines: Sequence[str] = log.read_text(errors="replace").splitlines()[-5:]
    return "".join(f"\n    {line}" for line in lines)
