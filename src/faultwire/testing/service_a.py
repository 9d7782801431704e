"""Service A for tests: a real process on a free port, which can be stopped and frozen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from faultwire.check.spec import Start
from faultwire.check.target.launch import launch
from faultwire.check.target.ports import free_port
from faultwire.check.target.presets import own_command
from faultwire.check.target.service import Service
from faultwire.testing.background import Background

_COMMAND = own_command("service-a", "--port", "{port}", "--drain-grace", "0s")


class ServiceA:
    """A process of `faultwire service-a`, behind `url` from first to last.

    `on_change` is told whenever it has been started (True) or stopped (False).
    """

    def __init__(self, background: Background, service: Service) -> None:
        self._background = background
        self._service = service
        self.url = service.url
        self.on_change: Callable[[bool], None] = lambda _: None

    def stop(self) -> None:
        """End it: its port refuses from now on, and that of the wire before it."""
        self._background.run(self._service.stop())
        self.on_change(False)

    def start(self) -> None:
        """Start it again, on the same port; returns when it, and the wire before it, is ready."""
        self._background.run(self._service.start())
        self.on_change(True)

    def pause(self) -> None:
        """Freeze it: it takes connections and says nothing (SIGSTOP)."""
        self._background.call(self._service.pause)

    def resume(self) -> None:
        """Let it go on."""
        self._background.call(self._service.resume)

    @property
    def log(self) -> list[str]:
        """Its last log lines."""
        return self._background.call(self._service.output.last, 1000)


@contextmanager
def running_service_a(background: Background) -> Iterator[ServiceA]:
    """A Service A that is ready, and gone in the end."""
    with TemporaryDirectory() as folder:
        start = Start(command=_COMMAND, ready="/readyz")
        service = Service("Service A", launch(start, free_port(set()), None, Path(folder)))
        background.run(service.start())
        try:
            yield ServiceA(background, service)
        finally:
            background.run(service.kill())
