"""The way down: an upstream's bytes on their way to the client, or to a play that breaks them."""

import asyncio
from collections.abc import Callable

from faultwire.wire.exchange import UpstreamLost
from faultwire.wire.link.account import Account
from faultwire.wire.link.ends import End
from faultwire.wire.stream import Event
from faultwire.wire.stream.messages import AnswerStream

MOST_WAITING_BYTES = 1 << 16

_MORE, _HEAD, _WHOLE, _INTERIM = Event.MORE, Event.HEAD, Event.END, Event.INTERIM
_OPAQUE, _SWITCH = Event.OPAQUE, Event.SWITCH


class AnswerWay:
    """Takes what the upstream sends.

    Bytes pass as they come and are looked at afterwards; while a play goes on, they wait until
    it takes them, and when that is much, the upstream is not read. `on_answered` is called when
    an answer is whole, `on_opaque` when this is no HTTP, or none any more.
    """

    __slots__ = (
        "_account",
        "_afterwards",
        "_client",
        "_on_answered",
        "_on_opaque",
        "_opaque",
        "_playing",
        "_upstream",
        "_waiter",
        "_waiting",
        "awaited",
        "ended",
        "stream",
    )

    def __init__(
        self,
        client: End,
        upstream: End,
        account: Account,
        on_answered: Callable[[], None],
        on_opaque: Callable[[], None],
    ) -> None:
        self.stream = AnswerStream()
        self.ended = ""  # "fin" or "rst", when nothing more comes
        self.awaited = False  # somebody waits for the end of these answers
        self._client = client
        self._upstream = upstream
        self._account = account
        self._afterwards = account.afterwards
        self._on_answered = on_answered
        self._on_opaque = on_opaque
        self._opaque = False
        self._playing = False
        self._waiting = b""
        self._waiter: asyncio.Future[None] | None = None

    def arrived(self, data: bytes) -> None:
        if self._playing:
            self._waiting += data
            self._wake()
            self.settle()
            return
        self._client.write(data)
        self._afterwards.add(self._watch, data)
        if self.awaited:
            self._afterwards.look()

    def finished(self) -> None:
        """The upstream sends no more, by a FIN."""
        self.ended = self.ended or "fin"
        self._wake()
        if not self._playing and self.stream.until_close and self._account.pending:
            self._account.answered()

    def broken(self) -> None:
        """The upstream's connection is gone, by an RST."""
        self.ended = "rst"
        self._wake()

    def settle(self) -> None:
        """Read the upstream, or do not: the client may take no more."""
        full = self._client.full and not self._playing
        self._upstream.hold(full or len(self._waiting) > MOST_WAITING_BYTES)

    def make_opaque(self) -> None:
        """Pass everything on from here, whatever it is."""
        if not self._opaque:
            self._opaque = True
            if not self.stream.opaque:
                self.stream.give_up()

    # Looking at what has passed.

    def _watch(self, data: bytes, came: float) -> None:
        stream, account = self.stream, self._account
        stream.asked = account.asked
        if self._opaque:
            account.carried_down(len(data), came)
        elif stream.take_whole(data):
            account.answered_whole(stream.status, len(data), came)
            self._on_answered()
        else:
            self._watch_parts(data, came)

    def _watch_parts(self, data: bytes, came: float) -> None:
        stream, account = self.stream, self._account
        start = at = 0
        size = len(data)
        while at < size:
            if stream.in_head:
                stream.asked = account.asked
            event, at = stream.scan(data, at)
            if event is _WHOLE or (event is _HEAD and stream.over):
                if event is _HEAD:
                    account.answering(stream.status)
                account.carried_down(at - start, came)
                account.answered(came)
                start = at
                self._on_answered()
            elif event is _HEAD:
                account.answering(stream.status)
            elif event is _SWITCH or event is _OPAQUE:
                if event is _SWITCH:
                    account.answering(stream.status)
                at = size
                self._on_opaque()
        if start < size:
            account.carried_down(size - start, came)

    # For a play.

    def begin_play(self) -> None:
        """From here on, bytes wait for `next`."""
        self._playing = True

    def end_play(self) -> None:
        """From here on, bytes pass."""
        self._playing = False
        data, self._waiting = self._waiting, b""
        if data:
            self.arrived(data)
        self.settle()

    @property
    def waiting(self) -> bool:
        """Whether bytes wait for `next`."""
        return bool(self._waiting)

    def torn_head(self) -> bytes:
        """What had come of a head that will never be whole."""
        if not self.stream.carried:
            return b""
        self.stream.give_up()
        return self.stream.raw

    async def next(self, asked: str) -> tuple[Event, bytes]:
        """The next piece of the answer: INTERIM, HEAD, SWITCH, or of the body MORE or END.

        OPAQUE is everything that has come of what is not understood. Raises `UpstreamLost`.
        """
        while True:
            stream = self.stream
            stream.asked = asked
            if self._waiting:
                event, piece = self._take()
                self.settle()
                if event is not _MORE or not stream.in_head:
                    return event, piece
                continue
            if self.ended:
                if self.ended == "fin" and stream.until_close:
                    return _WHOLE, b""
                raise UpstreamLost
            await self._more()

    def _take(self) -> tuple[Event, bytes]:
        """Take what comes to an end in the bytes at hand, or all of them."""
        stream, data = self.stream, self._waiting
        event, end = (_MORE, len(data)) if self._opaque else stream.scan(data)
        piece, self._waiting = data[:end], data[end:]
        if event is _OPAQUE:
            piece, self._waiting = stream.raw + data, b""
            stream.raw = b""
        elif event in (_HEAD, _INTERIM, _SWITCH):
            piece, stream.raw = stream.raw, b""
        return event, piece

    async def _more(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
