"""The service behind the wire: a process, a URL, or the canned answer of `canned.py`."""

from typing import Protocol

from faultwire.check.stage import CannotPlay
from faultwire.check.target.service import Service


class Backend(Protocol):
    """What can stand at the end of the wire."""

    @property
    def own(self) -> bool:
        """Whether it is the check's own."""

    @property
    def url(self) -> str: ...
    @property
    def controlled(self) -> bool:
        """Whether it can be stopped and paused."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def alive(self) -> bool: ...


class ServiceBackend:
    """A process: stopped by SIGKILL, paused by SIGSTOP."""

    controlled = True

    def __init__(self, service: Service, *, own: bool) -> None:
        self.own = own
        self._service = service

    @property
    def url(self) -> str:
        return self._service.url

    async def start(self) -> None:
        if not self._service.alive():
            await self._service.start()

    async def stop(self) -> None:
        await self._service.kill()

    def pause(self) -> None:
        self._service.pause()

    def resume(self) -> None:
        self._service.resume()

    def alive(self) -> bool:
        return self._service.alive()


class UrlBackend:
    """A service that runs already, and is not ours to stop."""

    own = False
    controlled = False

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def url(self) -> str:
        return self._url

    async def start(self) -> None:
        """It runs."""

    async def stop(self) -> None:
        raise CannotPlay(self._sentence("stopped"))

    def pause(self) -> None:
        raise CannotPlay(self._sentence("paused"))

    def resume(self) -> None:
        """It was never paused."""

    def alive(self) -> bool:
        return True

    def _sentence(self, what: str) -> str:
        return f"the upstream at {self._url} is not the check's to be {what}"
