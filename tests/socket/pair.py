"""Service B, or A, as it is: behind a `Listener` in a thread of its own, its log in a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from faultwire.contracts import CONTRACTS
from faultwire.http.limits import DEFAULT_LIMITS
from faultwire.http.pool import Pool
from faultwire.services.resilient_b import ResilientB
from faultwire.services.service_a import ServiceA
from faultwire.services.service_b import ServiceB
from faultwire.settings import read_service_a, read_service_b
from faultwire.telemetry.log import Log
from tests.socket.serving import NewLoop, Received, Server, get

TIMEOUT = "10s"
"""A deadline that is not meant to pass."""


class Running:
    """A service that serves: asked over sockets, looked into where leaks would hide."""

    def __init__(self, service: ServiceA | ServiceB, new_loop: NewLoop, log: Path) -> None:
        self.service = service
        self._log = log
        self.server = Server(service, DEFAULT_LIMITS, new_loop)
        self.server.run(service.start())
        self.port = self.server.port
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def pool(self) -> Pool:
        """B's connections to A."""
        assert isinstance(self.service, ServiceB)
        return self.service._pool

    def get(self, target: str, *fields: str) -> Received:
        """The answer to a GET on a connection of its own."""
        return self.server.ask(get(target, *fields))

    def echo(self, *fields: str) -> Received:
        """The answer to B's usual request."""
        return self.get("/call-echo?msg=hello", *fields)

    def is_well(self) -> bool:
        """Whether the service is alive."""
        answer = self.get("/health")
        return (answer.status, answer.body) == (200, b'{"status":"ok"}')

    def log_lines(self) -> list[str]:
        """The lines so far, without timestamps."""
        return [line.split(" ", 2)[2] for line in self._log.read_text().splitlines()]

    def wait_for_line(self, text: str) -> str:
        """The first line that holds this, once it is there."""
        self.server.wait_until(lambda: any(text in line for line in self.log_lines()))
        return next(line for line in self.log_lines() if text in line)

    def close(self) -> None:
        self.server.run(self.service.close())
        self.server.close()


@contextmanager
def service_b(new_loop: NewLoop, upstream: str, **flags: Any) -> Iterator[Running]:
    """Service B, calling this upstream. A flag is a setting's field: `contract="gateway"`."""
    settings = read_service_b({"timeout_s": TIMEOUT, **flags, "upstream": upstream}, {})
    with _log(settings.contract, "B") as (log, path):
        service = ServiceB if settings.is_plain else ResilientB
        running = Running(service(settings, log), new_loop, path)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def service_a(new_loop: NewLoop, **flags: Any) -> Iterator[Running]:
    """Service A."""
    settings = read_service_a(flags, {})
    with _log(settings.contract, "A") as (log, path):
        running = Running(ServiceA(settings, log), new_loop, path)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def pair(new_loop: NewLoop, **flags: Any) -> Iterator[tuple[Running, Running]]:
    """A, and B that calls it."""
    with service_a(new_loop) as a, service_b(new_loop, a.url, **flags) as b:
        yield a, b


@contextmanager
def _log(contract: str, name: str) -> Iterator[tuple[Log, Path]]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        with path.open("wb") as file:
            log = Log(CONTRACTS[contract], fd=file.fileno(), service=name)
            yield log, path
            log.close()
