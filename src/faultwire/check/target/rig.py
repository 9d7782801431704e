"""The rig: the upstream, the wire before it and B before that, standing together."""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from faultwire.check.scenario import Need
from faultwire.check.spec import Spec, Start
from faultwire.check.stage import CannotPlay
from faultwire.check.target.canned import CannedServer
from faultwire.check.target.launch import launch, placeholders
from faultwire.check.target.layout import Layout, missing
from faultwire.check.target.ports import free_port
from faultwire.check.target.presets import OWN_A
from faultwire.check.target.service import NotStarted, Service
from faultwire.check.target.sightings import Sightings
from faultwire.check.target.stage_wire import StageWire
from faultwire.check.target.upstream import Backend, ServiceBackend, UrlBackend
from faultwire.http.address import parse_origin
from faultwire.http.sockets import CannotListen
from faultwire.wire.gate import State
from faultwire.wire.upstream import Upstream

_SETTLED_S = 10.0
_LOOK_EVERY_S = 0.2
_FREE_IT = "end what listens there, or say with --upstream-port where else B calls"


class Rig:
    """What a `Layout` says, started. As a context manager it is ended with the block.

    `service` is B's process, None where it is not ours. `missing` says what scenarios cannot have.
    Raises `NotStarted` where there is no room for temporary files, `InvalidSpec` for a spec that
    cannot be run.
    """

    def __init__(self, spec: Spec, layout: Layout) -> None:
        self.spec = spec
        self.layout = layout
        self.wire: StageWire | None = None
        self.service: Service | None = None
        self.sightings = Sightings(spec.traces)
        self.missing: Mapping[Need, str] = {}
        self._taken: set[int] = set()
        self._folder = _folder()
        try:
            self.backend: Backend = self._backend()
        except BaseException:
            self._remove_folder()
            raise

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def b_url(self) -> str:
        """Where the target is asked; empty where there is no B."""
        if self.service is not None:
            return self.service.url
        return self.layout.b.url.rstrip("/") if self.layout.b is not None else ""

    async def close(self) -> None:
        """End all of it, whatever state it is in."""
        try:
            if self.wire is not None:
                await self.wire.close()
        finally:
            try:
                if self.service is not None:
                    await self.service.stop()
            finally:
                if self.backend.controlled:
                    await self.backend.stop()
                self._remove_folder()

    def _remove_folder(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    async def settle(self, state: State = State.OPEN) -> None:
        """Return when the wire accepts, or refuses, as it should now. Raises `CannotPlay`."""
        if self.wire is None:
            return
        self.wire.upstream_ended()  # look now, not when it is due
        try:
            async with asyncio.timeout(_SETTLED_S):
                await self.wire.until(state)
        except TimeoutError:
            where = f"the upstream at {self.backend.url}"
            raise CannotPlay(
                f"for {_SETTLED_S:g} s no connection to {where} was {state.value}"
            ) from None

    async def heal(self) -> None:
        """Mend the wire, start what has died, let go on what was paused. Raises `NotStarted`."""
        self.backend.resume()
        if not self.backend.alive():
            await self.backend.start()
        if self.wire is not None:
            self.wire.plan.reset()
            await self._reach_upstream()
        if self.service is not None and not self.service.alive():
            await self.service.restart()

    # Building.

    def _backend(self) -> Backend:
        given = self.layout.a
        if given is None and self.spec.preset != "lab":
            return CannedServer(self.spec.canned, free_port(self._taken))
        if given is None:
            return ServiceBackend(self._service("A", OWN_A, None), own=True)
        if given.url:
            return UrlBackend(given.url)
        return ServiceBackend(self._service("A", given, None), own=False)

    def _service(self, name: str, start: Start, upstream: tuple[str, int] | None) -> Service:
        folder = self._folder / name
        folder.mkdir()
        port = free_port(self._taken) if "port" in placeholders(start) else start.port
        return Service(name, launch(start, port, upstream, folder))

    async def _start(self) -> None:
        layout = self.layout
        for name, start in (("A", layout.a), ("B", layout.b)):
            if start is not None and start.url:
                await _check_known(name, start.url)
        await self.backend.start()
        if layout.wire_port is not None:
            await self._start_wire(layout.wire_port)
        if layout.b is not None and layout.b.command:
            upstream = ("127.0.0.1", self.wire.gate.port) if self.wire is not None else None
            self.service = self._service("B", layout.b, upstream)
            await self.service.start()
        self.missing = missing(
            self.spec, self.layout, own_upstream=self.backend.own, wire=self.wire is not None
        )

    async def _start_wire(self, port: int) -> None:
        """The wire, and nobody else on its port. B that runs already is examined without it."""
        try:
            wire = StageWire(
                Upstream(self.backend.url),
                port=port,
                ledger=self.sightings.ledger,
                idle_s=_LOOK_EVERY_S,
            )
        except CannotListen as error:
            cause = getattr(error.__cause__, "strerror", None) or error
            why = f"the wire cannot stand on port {port}, where B expects its upstream: {cause}"
            if self.layout.b is None or self.layout.b.url:
                self.layout = self.layout._replace(no_wire=why, instead=_FREE_IT)
                return
            raise NotStarted(why) from error
        self.wire = wire
        await wire.start()
        await self._reach_upstream()

    async def _reach_upstream(self) -> None:
        try:
            await self.settle()
        except CannotPlay as error:
            raise NotStarted(str(error)) from error


def _folder() -> Path:
    """A folder of our own. Raises `NotStarted`."""
    try:
        return Path(tempfile.mkdtemp(prefix="faultwire-check-"))
    except OSError as error:
        raise NotStarted(
            f"a temporary folder cannot be made: {error.strerror or error}; TMPDIR says where"
        ) from error


async def _check_known(name: str, url: str) -> None:
    """Raises `NotStarted` if the host of a URL has no address, `ValueError` if the URL is none."""
    origin = parse_origin(url)
    try:
        await asyncio.to_thread(socket.getaddrinfo, origin.host, origin.port)
    except OSError as error:
        why = error.strerror or error
        raise NotStarted(f"{name} at {url} cannot be reached: {origin.host}: {why}") from error
