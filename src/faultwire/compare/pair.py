"""A, the wire and B under a set of policies, each on a free port."""

import asyncio
import os
from collections.abc import Coroutine
from typing import Self

from faultwire.check.target.launch import Launch, environment
from faultwire.check.target.ports import free_port
from faultwire.check.target.presets import FAULTWIRE
from faultwire.check.target.service import NotStarted, Service
from faultwire.compare.course import Course
from faultwire.wire.gate import State
from faultwire.wire.ledger import Ledger
from faultwire.wire.proxy import Wire
from faultwire.wire.upstream import Upstream

_READY_S = 20.0


class PairWire(Wire):
    """A `Wire` whose connections can be ended from outside."""

    def cut(self) -> None:
        """Reset every connection, as an upstream does that goes down: all have to connect anew."""
        for link in list(self._links):
            link.abort()


class Pair:
    """Stands from the beginning of the block to its end, whatever happens in it.

    A and B are processes, the wire runs here and writes into `ledger`. Entering raises
    `NotStarted` and `CannotListen`.
    """

    def __init__(self, course: Course, policies: str, ledger: Ledger) -> None:
        taken: set[int] = set()
        a_port, b_port = free_port(taken), free_port(taken)
        work = ("--work", f"{course.work_s:.6f}s")
        self._a = _service("A", "service-a", a_port, *work)
        self.wire = PairWire(Upstream(self._a.url), ledger=ledger)
        calls = ("--upstream", self.wire.url, "--timeout", f"{course.timeout_s:.6f}s")
        policy = ("--policy", policies)
        self._b = _service("B", "service-b", b_port, *calls, *policy)

    async def __aenter__(self) -> Self:
        try:
            await _both(self._a.start(), self._b.start())
            await self._open()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    @property
    def url(self) -> str:
        """Where B is asked."""
        return self._b.url

    def died(self) -> str:
        """Which service has ended, and how; empty while both live."""
        return next((f"{s.name} died: {s.ending()}" for s in (self._a, self._b) if s.ending()), "")

    async def _open(self) -> None:
        await self.wire.start()
        try:
            async with asyncio.timeout(_READY_S):
                await self.wire.until(State.OPEN)
        except TimeoutError:
            raise NotStarted(f"the wire did not reach A within {_READY_S:g} s") from None

    async def _end(self) -> None:
        try:
            await self.wire.close()
        finally:
            await _both(self._b.stop(), self._a.stop())


def _service(name: str, command: str, port: int, *more: str) -> Service:
    words = [*FAULTWIRE, command, "--port", str(port), "--drain-grace", "0s", *more]
    env = environment(os.environ, {})
    return Service(name, Launch(words, "", env, port, "/readyz", _READY_S))


async def _both(*steps: Coroutine[None, None, None]) -> None:
    """Take both steps to their ends, and only then fail where one of them did."""
    for outcome in await asyncio.gather(*steps, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
