"""A request in the hands of the faults that were chosen for it."""

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Protocol

from faultwire.wire.exchange import UpstreamLost
from faultwire.wire.faults.base import Phase
from faultwire.wire.faults.reading import is_http_1_0
from faultwire.wire.ledger import Record
from faultwire.wire.link.account import Account
from faultwire.wire.link.answer_way import AnswerWay
from faultwire.wire.link.answering import Answering, NotHTTP
from faultwire.wire.link.delivery import Delivery
from faultwire.wire.link.ends import End
from faultwire.wire.link.naps import MOMENT_S, Naps
from faultwire.wire.link.request_way import RequestWay
from faultwire.wire.plan import Chosen
from faultwire.wire.stream.head import Head


class Link(Protocol):
    """What a play needs of its link."""

    @property
    def client(self) -> End: ...
    @property
    def requests(self) -> RequestWay: ...
    @property
    def answers(self) -> AnswerWay: ...
    @property
    def account(self) -> Account: ...
    @property
    def naps(self) -> Naps: ...
    def end_client(self, how: str) -> None:
        """A fault ends the connection, by "fin" or "rst"."""

    def play_over(self, playing: "Playing") -> None:
        """The next request may come."""

    def make_opaque(self) -> None:
        """From here on, both ways carry something else than HTTP."""


class Playing:
    """Plays the chosen faults one inside the other. An `Exchange` to each of them."""

    def __init__(self, link: Link, record: Record, raw: bytes, chosen: list[Chosen]) -> None:
        self.request = Head(raw)
        self.record = record
        self.delivery = Delivery(link.client, record)
        self.ended = False  # the connection has been ended by a fault
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._chosen = chosen
        self._next = 0
        self._now = chosen[0]
        self._rng: Random | None = None
        self._sleeps_until = 0.0
        self._task: asyncio.Task[None] | None = None
        names = dict.fromkeys([one.name for one in chosen])
        record.fault, record.phase = ",".join(names), chosen[-1].phase.value
        marks = ", ".join(names).encode()
        ways = (link.requests, link.answers)
        self._answer = Answering(record, ways, marks, http_1_0=is_http_1_0(self.request))

    # What the link says.

    def start(self) -> None:
        """The answers before it are delivered: begin."""
        self._link.answers.begin_play()
        self._task = self._loop.create_task(self._run())
        self._task.add_done_callback(self._leave)

    def client_finished(self) -> None:
        """The client has shut down its side: no long sleep is worth while any more."""
        if self._sleeps_until - self._loop.time() > MOMENT_S:
            self.cancel()

    def spare(self) -> None:
        """The request is passed on as it is, after all."""
        self.record.fault = self.record.phase = ""

    def cancel(self) -> None:
        """The client is gone."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            await self._play_all()
            if not self.ended and not await self._answer.run_out():
                self.close()
        except asyncio.CancelledError:
            self._link.end_client("fin")  # if it is still there
            raise
        finally:
            self._leave()

    def _leave(self, _task: object = None) -> None:
        """Over. A task that is cancelled before its first step never comes to its `finally`."""
        if self._task is not None:
            self._task = None  # a circle would keep both: the task knows what cancelled it, where
            self._link.play_over(self)

    async def _play_all(self) -> None:
        try:
            await self.pass_on()
            self._end_as_asked()
        except UpstreamLost as lost:
            self._mirror(lost)
        except Exception as error:  # noqa: BLE001 - a fault's defect is reported, and breaks nothing else
            self.reset()
            told = f"The fault {self._now.name} has a defect"
            self._loop.call_exception_handler({"message": told, "exception": error})
        finally:
            if self.ended or not self._answer.switched:
                self._link.account.answered()

    # What faults say.

    @property
    def calls_upstream(self) -> bool:
        """Whether the fault's phase is `after`."""
        return self._now.phase is Phase.AFTER

    @property
    def rng(self) -> Random:
        """The fault's own chance for this request."""
        if self._rng is None:
            self._rng = self._now.rng
        return self._rng

    @property
    def reused(self) -> bool:
        """Whether this client connection has carried a request before."""
        return self.record.place > 1

    async def answer(self) -> Head:
        return await self._answer.head(self._interim, of_upstream=self.calls_upstream)

    async def body(self) -> AsyncIterator[bytes]:
        await self.answer()
        async for piece in self._answer.body():
            yield piece

    async def discard_request(self) -> None:
        over: asyncio.Future[None] = self._loop.create_future()

        def tell() -> None:
            if not over.done():
                over.set_result(None)

        if self._link.requests.discard(tell):
            return
        if b"100-continue" in (self.request.field(b"expect") or b"").lower():
            await self._interim(b"HTTP/1.1 100 Continue\r\n\r\n")  # or it would not come
        await over

    def marked(self, head: Head) -> Head:
        return self._answer.marked(head)

    async def send(self, data: bytes) -> None:
        if data and not self.ended:
            await self.delivery.send(data)

    async def pass_on(self) -> None:
        if self._next < len(self._chosen):
            await self._play(self._chosen[self._next])
            return
        answer, start = self._answer, b""
        if self.delivery.begun:
            await self.answer()
        else:
            answer.forget_own()
            start = (await answer.head(self._interim, of_upstream=True)).raw
        if answer.switched or not answer.more_at_hand:
            await self.send(start)
            start = b""
        if answer.switched:
            self._link.make_opaque()
            return
        async for piece in answer.body():
            await self.send(start + piece)
            start = b""
        await self.send(start)

    async def sleep(self, seconds: float) -> bool:
        if self._link.client.over and seconds > MOMENT_S:
            self.cancel()  # takes effect at the next await
        self._sleeps_until = self._loop.time() + seconds
        try:
            await self._link.naps.nap(self._now, seconds)
        finally:
            self._sleeps_until = 0.0
        return not self._now.mended

    def close(self) -> None:
        self._end("fin")

    def reset(self) -> None:
        self._end("rst")

    def _end(self, how: str) -> None:
        if not self.ended:
            self.ended = True
            self._link.end_client(how)

    # How.

    async def _play(self, chosen: Chosen) -> None:
        outer, outer_rng = self._now, self._rng
        self._next += 1
        next_before = self._next
        self._now, self._rng = chosen, None
        try:
            if chosen.fault.OF_BODIES and await self._leaves_http():
                await self.pass_on()
            else:
                await chosen.fault.play(self)
        finally:
            self._now, self._rng = outer, outer_rng
        silent = not (self.ended or self.delivery.begun) and self._next == next_before
        if chosen.fault.COMPOSES and silent:
            await self.pass_on()

    async def _leaves_http(self) -> bool:
        """Whether what answers is the last of this connection that is HTTP."""
        await self.answer()
        return self._answer.switched

    async def _interim(self, head: bytes) -> None:
        if not self.ended:
            await self.delivery.send_interim(head)

    def _mirror(self, lost: UpstreamLost) -> None:
        """What the upstream did, the client sees, behind what came before."""
        if self.ended:
            return
        answers = self._link.answers
        if isinstance(lost, NotHTTP):
            self._answer.switched = True
            self.delivery.write(lost.data)
            self._link.make_opaque()
        elif answers.ended:
            self.record.error = self._link.account.end  # the upstream may have followed the client
            torn = answers.torn_head()
            if torn and not self.delivery.begun:
                self.delivery.write(torn)
        else:
            self.reset()

    def _end_as_asked(self) -> None:
        """Without the upstream, nobody else ends a connection that the client wants ended."""
        if self._answer.closing and not self._answer.called:
            self.close()
