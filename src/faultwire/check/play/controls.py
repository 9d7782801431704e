"""The upstream and the target's process in the hands of a scenario."""

from faultwire.check.play.meddling import check_alone
from faultwire.check.scenario import Need
from faultwire.check.stage import CannotPlay
from faultwire.check.target.rig import Rig
from faultwire.check.target.service import Service
from faultwire.wire.gate import State


class BehindWire:
    """The upstream: whatever becomes of it, the wire has followed when a method returns."""

    def __init__(self, rig: Rig, *, alone: bool) -> None:
        self._rig = rig
        self._alone = alone

    async def stop(self) -> None:
        self._check()
        await self._rig.backend.stop()
        await self._rig.settle(State.REFUSING)

    async def start(self) -> None:
        self._check()
        self._rig.backend.resume()
        await self._rig.backend.start()
        await self._rig.settle()

    async def pause(self) -> None:
        self._check()
        self._rig.backend.pause()

    async def resume(self) -> None:
        self._rig.backend.resume()

    def _check(self) -> None:
        if Need.UPSTREAM in self._rig.missing:
            raise CannotPlay(self._rig.missing[Need.UPSTREAM])
        check_alone("the upstream is that of all", alone=self._alone)


class TargetProcess:
    """B's process with its children."""

    def __init__(self, rig: Rig, *, alone: bool) -> None:
        self._rig = rig
        self._alone = alone

    @property
    def _service(self) -> Service:
        if self._rig.service is None:
            raise CannotPlay(self._rig.missing[Need.PROCESS])
        return self._rig.service

    def alive(self) -> bool:
        return self._service.alive()

    def memory_bytes(self) -> int:
        return self._service.memory_bytes()

    def descriptors(self) -> int | None:
        return self._service.descriptors()

    def upstream_connections(self) -> int | None:
        wire = self._rig.wire
        return None if wire is None else self._service.connections_to(wire.gate.port)

    async def restart(self) -> None:
        check_alone("the target is that of all", alone=self._alone)
        await self._service.restart()

    async def terminate(self, within_s: float) -> int | None:
        check_alone("the target is that of all", alone=self._alone)
        return await self._service.terminate(within_s)
