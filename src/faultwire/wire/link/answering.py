"""The answer to a request that is being played: the upstream's or, without it, the wire's own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from time import time

from faultwire.wire.exchange import UpstreamLost
from faultwire.wire.ledger import Record
from faultwire.wire.link.answer_way import AnswerWay
from faultwire.wire.link.request_way import RequestWay
from faultwire.wire.stream import Event
from faultwire.wire.stream.head import Head

_DRAIN_S = 5.0  # how long, and
_MOST_DRAINED_BYTES = 16 << 20  # how much, the rest of an answer may take that nobody wants
_OWN = b'{"wire":"canned answer"}'
_OWN_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n"
_OPAQUE = Event.OPAQUE

Interim = Callable[[bytes], Awaitable[None]]


class NotHTTP(UpstreamLost):
    """The upstream has answered, but not in HTTP."""

    def __init__(self, data: bytes) -> None:
        super().__init__("The answer is not HTTP")
        self.data = data


class Answering:
    """One answer, fetched when it is asked for.

    `name` is what its head is marked with; `http_1_0` says what the client speaks.
    """

    def __init__(
        self,
        record: Record,
        ways: tuple[RequestWay, AnswerWay],
        name: bytes,
        *,
        http_1_0: bool,
    ) -> None:
        self.called = False  # the upstream has been
        self.switched = False  # to something that is not HTTP
        self.closing = ways[0].stream.closing  # the client wants the connection to end behind it
        self._method = record.method
        self._record = record
        self._requests, self._answers = ways
        self._name = name
        self._http_1_0 = http_1_0
        self._head: Head | None = None
        self._own = False
        self._whole = False

    def marked(self, head: Head) -> Head:
        """The head with the field that every fault's answer has."""
        return head.with_field(b"X-Fault", self._name)

    async def head(self, interim: Interim, *, of_upstream: bool) -> Head:
        """The head; 1xx answers before it are passed to `interim`. Raises `UpstreamLost`."""
        if self._head is None:
            self._own = not of_upstream
            self._head = self.marked(await self._call(interim) if of_upstream else self._own_head())
        return self._head

    @property
    def more_at_hand(self) -> bool:
        """Whether some of the body is here already, behind the head."""
        return self._own or (not self._whole and self._answers.waiting)

    def forget_own(self) -> None:
        """If this is the wire's own answer, it was not the one that is wanted."""
        if self._own:
            self._head = None
            self._own = self._whole = False

    async def body(self) -> AsyncIterator[bytes]:
        """What is left behind the head. Raises `UpstreamLost`."""
        while not self._whole:
            piece = await self._piece()
            if piece:
                yield piece

    async def run_out(self) -> bool:
        """Drop the rest, so that the next answer can be told from it. False if it is too much."""
        if self._whole or self.switched or not self.called:
            return True
        drained = 0
        try:
            async with asyncio.timeout(_DRAIN_S):
                while drained < _MOST_DRAINED_BYTES and not self._whole:
                    drained += len(await self._piece())
        except UpstreamLost:
            return True  # which the client will see
        except TimeoutError:
            return False
        return self._whole

    def _own_head(self) -> Head:
        said = b""
        if self.closing:
            said = b"Connection: close\r\n"
        elif self._http_1_0:
            said = b"Connection: keep-alive\r\n"  # or it waits for the end
        return Head(_OWN_HEAD % (len(_OWN), said))

    async def _call(self, interim: Interim) -> Head:
        """Send the request up and wait for the final head."""
        answers = self._answers
        if not self.called:
            self.called = True
            if answers.ended:
                raise UpstreamLost(answers.ended)
            self._record.forwarded = time()
            self._requests.forward()
        event, piece = await self._next()
        while event is Event.INTERIM:
            await interim(piece)
            event, piece = await self._next()
        if event not in (Event.HEAD, Event.SWITCH):
            raise NotHTTP(piece)
        if event is Event.SWITCH:
            self.switched = True
            self._requests.make_opaque()
        self._record.upstream_status = answers.stream.status
        self._whole = event is Event.HEAD and answers.stream.over
        return Head(piece)

    async def _piece(self) -> bytes:
        if self._own:
            self._whole = True
            return b"" if self._method == "HEAD" else _OWN
        event, piece = await self._next()
        self._whole = event is Event.END
        if event is _OPAQUE and not self.switched:
            raise NotHTTP(piece)
        return piece

    async def _next(self) -> tuple[Event, bytes]:
        event, piece = await self._answers.next(self._method)
        self._record.upstream_bytes += len(piece)
        return event, piece
