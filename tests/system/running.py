"""Real processes for tests: their lines, their addresses, their end; none is left behind."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple, Self
from urllib.parse import urlsplit

PATIENCE_S = 15.0
"""A deadline, not a duration: far above what anything here takes, on a loaded machine too."""

FAULTWIRE = (sys.executable, "-m", "faultwire")
_POLL_S = 0.005
_LAST_CHANCE_S = 0.5
_LISTENING = re.compile(r"listening.*?(http://[^\s\",]+)")
_OWN_VARIABLES = ("FAULTWIRE_", "SERVICE_A_URL", "NO_COLOR", "FORCE_COLOR")


class Running:
    """`faultwire ARGUMENTS…` as a process in a session of its own; `command` replaces `faultwire`.

    As a context it ends with its descendants, whatever the test did.
    """

    def __init__(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = FAULTWIRE,
    ) -> None:
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(env or {}),
            start_new_session=True,
        )
        self.pid = self.process.pid
        self.lines: list[str] = []
        self.said: list[str] = []
        self._changed = threading.Condition()
        self._readers = [
            self._read(self.process.stderr, self.lines),
            self._read(self.process.stdout, self.said),
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for reader in self._readers:  # a stream that is closed while it is read breaks the reader
            reader.join(PATIENCE_S)
        for stream in (self.process.stdin, self.process.stderr, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError, ValueError):
                    stream.close()

    def wait_for(self, text: str, *, times: int = 1) -> str:
        """The line on standard error with which `text` has appeared so many times."""
        return self._wait_in(self.lines, text, times)

    def wait_for_said(self, text: str) -> str:
        """The same on standard output."""
        return self._wait_in(self.said, text, 1)

    def url(self) -> str:
        """Where it listens, once it says so."""
        match = _LISTENING.search(self.wait_for("listening"))
        assert match, self.lines
        return match[1]

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def insist(self, number: int) -> None:
        """Send a signal again and again until it has ended, as an impatient person does."""

        def ended() -> bool:
            self.process.send_signal(number)
            return self.process.poll() is not None

        until(ended, "it has ended")

    def stop(self) -> None:
        """End it now, if it has not ended, with all that it has started."""
        if self.process.poll() is None:
            self._end()

    def exit_status(self) -> int:
        """Its exit status, once it has ended and its last words are read."""
        status = self.process.wait(PATIENCE_S)
        for reader in self._readers:
            reader.join(PATIENCE_S)
        return status

    def _end(self) -> None:
        """End it as Ctrl+C does, then by force, with all that it has started."""
        pids = [*descendants(self.pid), self.pid]
        self.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_LAST_CHANCE_S)
        for pid in filter(alive, pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    def _read(self, stream: IO[bytes] | None, into: list[str]) -> threading.Thread:
        assert stream is not None

        def read() -> None:
            for line in stream:
                with self._changed:
                    into.append(line.decode("utf-8", "replace").rstrip("\n"))
                    self._changed.notify_all()
            with self._changed:
                self._changed.notify_all()

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    def _wait_in(self, lines: list[str], text: str, times: int) -> str:
        def found() -> list[str]:
            return [line for line in lines if text in line][times - 1 :]

        with self._changed:
            self._changed.wait_for(lambda: found() or not self._alive(), PATIENCE_S)
            assert found(), f"no {text!r} ({times}); {self._told()}"
            return found()[0]

    def _told(self) -> str:
        """All there is to know of it, for who finds a test failed."""
        state = f"exit status {self.process.poll()}"
        return "\n".join((state, "standard output:", *self.said, "standard error:", *self.lines))

    def _alive(self) -> bool:
        return any(reader.is_alive() for reader in self._readers)


def run(
    *arguments: str, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """`faultwire ARGUMENTS…` until it ends by itself."""
    return subprocess.run(
        [*FAULTWIRE, *arguments],
        env=environment(env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def completed(words: str, **env: str) -> list[str]:
    """What the Tab key makes of `faultwire WORDS`, as bash is told: kind and text."""
    asked = {"_FAULTWIRE_COMPLETE": "bash_complete", "COMP_WORDS": f"faultwire {words}"}
    return run(env={**asked, "COMP_CWORD": str(len(words.split(" "))), **env}).stdout.split()


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """This environment without settings of ours, and with `more`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_OWN_VARIABLES)}
    return {**kept, **more}


class Answer(NamedTuple):
    """A response as it came."""

    status: int
    head: str
    body: str

    @property
    def closes(self) -> bool:
        """Whether the server ends the connection after it."""
        return "connection: close" in self.head.lower()


class Client:
    """One connection to a service."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.sock = socket.create_connection((parts.hostname, parts.port), PATIENCE_S)
        self._stream = self.sock.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._stream.close()
        self.sock.close()

    def begin(self, target: str) -> None:
        """Send a request but for its last line: it is in flight until `finish`."""
        self.sock.sendall(f"GET {target} HTTP/1.1\r\nHost: test\r\n".encode())

    def finish(self) -> Answer:
        self.sock.sendall(b"\r\n")
        return self.answer()

    def send(self, target: str) -> None:
        """Send a whole request; `answer` is for later."""
        self.sock.sendall(f"GET {target} HTTP/1.1\r\nHost: test\r\n\r\n".encode())

    def get(self, target: str) -> Answer:
        self.send(target)
        return self.answer()

    def answer(self) -> Answer:
        """The next response."""
        lines = []
        while (line := self._stream.readline()) not in (b"\r\n", b""):
            lines.append(line.decode("latin-1"))
        head = "".join(lines)
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        assert length, f"no response: {head!r}"
        body = self._stream.read(int(length[1])).decode()
        return Answer(int(head.split(" ", 2)[1]), head, body)

    def ended(self) -> bool:
        """Whether the server has ended the connection; waits for it."""
        try:
            return self._stream.read(1) == b""
        except ConnectionResetError:
            return True


def get(url: str, target: str) -> Answer:
    """One request on a connection of its own."""
    with Client(url) as client:
        return client.get(target)


def refuses(url: str) -> bool:
    """Whether nobody listens there."""
    try:
        Client(url).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # in the very moment in which it stops to listen
        return False
    return False


def until(condition: Callable[[], object], what: str) -> None:
    """Return as soon as the condition holds; fail after a long while."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        threading.Event().wait(_POLL_S)


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has buried yet does not."""
    return _state(pid) not in "ZX"


def frozen(pid: int) -> bool:
    """Whether a process stands still: one that is told to does so when it is its turn to run."""
    return _state(pid) == "T"


def _state(pid: int) -> str:
    """The letter that the system has for it; X where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "X"
    return stat.rpartition(")")[2].split()[0]


def children(pid: int) -> list[int]:
    """The process ids of a process's children."""
    return [child for child, parent in _parents() if parent == pid and alive(child)]


def descendants(pid: int) -> list[int]:
    """Its children, and theirs."""
    return [each for child in children(pid) for each in (child, *descendants(child))]


def _parents() -> Iterator[tuple[int, int]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            yield int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1])


@contextlib.contextmanager
def listening() -> Iterator[socket.socket]:
    """A socket that listens on a free loopback port; what is done with it is up to the test."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.settimeout(PATIENCE_S)
        yield sock


def port_of(sock: socket.socket) -> int:
    """The port of a listening socket."""
    port: int = sock.getsockname()[1]
    return port
