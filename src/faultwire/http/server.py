"""One client's connection: requests in, responses out, in order, and nothing a client can abuse.

    IDLE --first byte--> READING --whole request--> BUSY --response written--> IDLE
                            |                                     |
                            +--refused: 4xx or 5xx written--------+--last one--> ENDING --> gone

Bytes are parsed only while no request is being answered; what arrives meanwhile waits in a
bounded backlog and the socket is not read. So pipelined requests cost one read's worth of
memory, and a slow reader of answers stops its own requests. One slice of the backlog is parsed
in each round of the event loop: other clients have their turn.

How long a state may last is counted by the `Listener`, in ticks: a request costs no timer.

A client that has left is noticed by the reset of its connection. Its FIN alone says no more
than that it has nothing further to send: what it asked for is still answered.
"""

import asyncio
from contextlib import suppress
from typing import Protocol, cast

from faultwire.http.driver import Awaited, Handling, Pending
from faultwire.http.fields import SLICE_BYTES
from faultwire.http.holding import Holding
from faultwire.http.limits import Limits
from faultwire.http.message import BadRequest
from faultwire.http.reader import RequestReader
from faultwire.http.responder import BUSY, ENDED, STALLED, Answer, App, Responder, Service
from faultwire.http.server_state import State, Stay

__all__ = ["Answer", "App", "Awaited", "Handling", "Owner", "Pending", "ServerConnection", "State"]


class Owner(Service, Protocol):
    """What a connection needs of its listener."""

    @property
    def limits(self) -> Limits: ...
    @property
    def holding(self) -> Holding: ...
    def opened(self, connection: "ServerConnection") -> bool:
        """Take the connection in, or refuse it."""

    def closed(self, connection: "ServerConnection") -> None:
        """Forget the connection."""


class ServerConnection(Responder, asyncio.Protocol):
    """The server's side of one connection."""

    __slots__ = ("_held", "_paused", "_stay")

    _owner: Owner

    def __init__(self, owner: Owner, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(owner, loop, RequestReader(owner.limits, owner.holding))
        self._held = 0  # bytes, beside what the reader holds
        self._paused = False
        self._stay = Stay()

    @property
    def state(self) -> State:
        """Where the connection stands now."""
        if self._blocked & STALLED:
            return State.STALLED
        if self._blocked & BUSY or self._backlog:
            return State.BUSY
        if self._reader.in_message:
            return State.READING_BODY if self._reader.in_body else State.READING_HEAD
        if self._transport.get_write_buffer_size():
            return State.STALLED
        return State.ENDING if self._blocked & ENDED else State.IDLE

    @property
    def fresh(self) -> bool:
        """Whether no byte of a request has come yet."""
        return self._reader.untouched

    @property
    def idle_ticks(self) -> int:
        """For how many ticks it has been idle; -1 where it is not idle."""
        if self.state is not State.IDLE:
            return -1
        return self._stay.ticks(self._reader.message)

    # What the transport says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by behaviour only
        self._owner.opened(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._blocked = (self._blocked | ENDED) & ~STALLED
        self._backlog = b""
        self._reader.close()
        self._count_held()
        self._owner.closed(self)
        self._unhear()

    def data_received(self, data: bytes) -> None:
        if self._blocked or self._backlog or len(data) > SLICE_BYTES:
            if not self._reader.over:
                self._backlog += data
                self._pump()
            return
        self._reader.feed(data)  # nearly always
        queue = self._queue
        if queue:
            self._answer(queue.popleft())
            if queue:
                self._answer_queue()

    def eof_received(self) -> bool:
        """A client that shuts down its side still gets the answers it has asked for."""
        self._client_done = True
        if self._blocked & ENDED or not (self._blocked or self._queue or self._backlog):
            self._end()
            return False
        return True

    def pause_writing(self) -> None:
        self._blocked |= STALLED
        self._stay.begin_anew()
        if self._stream is not None:
            self._stream.pause()
        if not self._count_held():
            self._loop.call_soon(self.abort)  # not in here, as below

    def resume_writing(self) -> None:
        self._blocked &= ~STALLED
        self._stay.begin_anew()
        self._count_held()
        if self._stream is not None:
            self._stream.resume()
        self._loop.call_soon(self._pump)  # asyncio's transports must not be closed in here

    # What the listener says.

    def tick(self) -> tuple[State, int]:
        """Count one tick: the state, and how many ticks it has lasted for the same message."""
        state = self.state
        if (self._held or state is State.STALLED) and not self._count_held(unread=True):
            self.abort()
        return state, self._stay.tick(state, self._reader.message)

    def refuse(self, refused: BadRequest) -> None:
        """Answer with an error behind the answers already due, then end the connection."""
        self._backlog = b""
        self._reader.refuse(refused)
        self._pump()

    def close_if_idle(self) -> bool:
        """End the connection if it is between two requests."""
        if self.state is not State.IDLE:
            return False
        self._blocked |= ENDED
        self._reader.stop()
        self._transport.close()
        return True

    # Reading.

    def _pump(self) -> None:
        """Answer what is queued and parse a slice of what waits, until one has to wait."""
        if not self._queue and self._backlog and not self._blocked:
            data, self._backlog = self._backlog[:SLICE_BYTES], self._backlog[SLICE_BYTES:]
            self._reader.feed(data)
        self._answer_queue()
        if self._reader.over:
            self._backlog = b""
        if not self._blocked:
            if self._backlog:
                self._loop.call_soon(self._pump)
            elif self._client_done:
                self._end()
        self._hold(bool(self._backlog))
        if not self._count_held() and self._backlog:
            self.refuse(BadRequest(503, "Too much is being sent at once"))

    def _hold(self, hold: bool) -> None:
        """Read from the socket only while nothing waits."""
        if hold is not self._paused and not self._transport.is_closing():
            self._paused = hold
            if hold:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _count_held(self, *, unread: bool = False) -> bool:
        """Tell the listener how much waits here. Whether there is room for it.

        What was written in this round of the loop is not `unread` yet; what it has not been able
        to send until a tick is, and what stalls the connection.
        """
        held = len(self._backlog)
        if unread or self._blocked & STALLED:
            held += self._transport.get_write_buffer_size()
        more, self._held = held - self._held, held
        return self._owner.holding.change(more)

    # Responder.

    def _answer_queue(self) -> None:
        queue = self._queue
        while queue and not self._blocked:
            self._answer(queue.popleft())
            if queue and self._transport.is_closing():
                self._end()  # a write has failed: nobody hears the rest

    def _end(self) -> None:
        """Send nothing more, and read on for a while without looking.

        With input unread the kernel would reset the connection, and destroy the answer on its
        way (RFC 9112 section 9.6).
        """
        self._blocked |= ENDED
        self._reader.stop()
        self._backlog = b""
        self._count_held()
        if self._client_done or self._transport.is_closing():
            self._transport.close()
        else:
            with suppress(OSError):  # it has been reset, which will be told in a moment
                self._transport.write_eof()
            self._hold(False)
