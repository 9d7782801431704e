"""One end of a link: a connection's bytes, its FIN or RST, and how much it can take."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, cast

from faultwire.http.reset import reset
from faultwire.wire.link.kernel import (
    TCP_CLOSE,
    TCP_CLOSE_WAIT,
    send_at_once,
    state_of,
    unsent_bytes,
)
from faultwire.wire.link.nobody import NOBODY

_FLUSH_S = 1.0  # how long an RST waits for what was written before it
_LINGER_S = 2.0  # how long a client may take to close after our FIN, when a fault ended it
_CLOSE_S = 30.0  # how long a connection that is closed may take to accept the rest
_POLL_S = 0.001
_LOOK_S = 1.0  # how often a peer that is not read is looked at


class Way(Protocol):
    """Where an end's bytes go."""

    def arrived(self, data: bytes) -> None:
        """Bytes have come."""


class Life(Protocol):
    """Who is told how an end fares."""

    def made(self, end: "End") -> None:
        """The connection stands."""

    def finished(self, end: "End") -> None:
        """The peer has sent a FIN: no more bytes come."""

    def lost(self, end: "End", error: Exception | None) -> None:
        """The connection is gone, by the peer if there is an error (RST), else by us."""

    def leaving(self, end: "End") -> None:
        """The peer has sent a FIN while it is not read."""

    def room(self, end: "End") -> None:
        """`full` has changed."""


def _drop(_data: bytes) -> None:
    """Nothing can be written."""


class End(asyncio.Protocol):
    """One connection. `write` takes bytes at any time; what cannot be sent any more is dropped."""

    __slots__ = (
        "_disowned",
        "_finishing",
        "_held",
        "_looking",
        "_loop",
        "_patience_ends",
        "_resetting",
        "_tls",
        "_transport",
        "closed_here",
        "full",
        "life",
        "lost",
        "open",
        "over",
        "way",
        "write",
    )

    _transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop, life: Life) -> None:
        self._loop = loop
        self.life = life
        self.way: Way = NOBODY
        self.write: Callable[[bytes], object] = _drop
        self.open = False  # made and not lost
        self.over = False  # the peer's FIN has come
        self.full = False  # it takes no more for now
        self.closed_here = False  # by us, before the peer was done
        self._disowned = False
        self._held = False
        self._looking: asyncio.TimerHandle | None = None
        self._finishing = False
        self._resetting = False
        self._tls = False
        self._patience_ends = 0.0

    # What the transport says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        made = cast(asyncio.Transport, transport)  # uvloop's is one by behaviour only
        if self._disowned:
            made.abort()
            return
        self._transport = made
        self._tls = transport.get_extra_info("ssl_object") is not None
        send_at_once(transport.get_extra_info("socket"))
        self.write = self._transport.write
        self.open = True
        self.life.made(self)

    def data_received(self, data: bytes) -> None:
        self.way.arrived(data)

    def eof_received(self) -> bool:
        self.over = True
        self.life.finished(self)
        if self.closed_here:  # we had left, and waited for this
            self.close()
        return not self._tls  # the other half stays open, which TLS does not offer here

    def connection_lost(self, exc: Exception | None) -> None:
        if self._disowned:
            return
        self.open = False
        self.write = _drop
        self.way = NOBODY
        del self._transport  # which knows us, too: a circle is freed late
        self.life.lost(self, exc)

    def pause_writing(self) -> None:
        self.full = True
        self.life.room(self)

    def resume_writing(self) -> None:
        self.full = False
        self.life.room(self)

    # What the link says.

    def hold(self, held: bool) -> None:
        """Read on, or do not."""
        if held is self._held or self.over or not self.open or self._transport.is_closing():
            return
        self._held = held
        if not held:
            self._transport.resume_reading()
            return
        self._transport.pause_reading()
        if self._looking is None:
            self._looking = self._loop.call_later(_LOOK_S, self._look)

    def _look(self) -> None:
        """A peer that is not read may leave all the same."""
        self._looking = None
        if not self._held or not self.open or self._transport.is_closing():
            return
        state = state_of(self._transport.get_extra_info("socket"))
        if state == TCP_CLOSE:
            self.hold(False)  # reading on will tell that it was reset
            return
        if state == TCP_CLOSE_WAIT:
            self.life.leaving(self)
        self._looking = self._loop.call_later(_LOOK_S, self._look)

    def disown(self) -> None:
        """Nobody waits for this connection any more, which may be about to be made.

        The loop closes what it was making when that is cancelled. It may still tell us that it
        was made, and uvloop does not tell us that it is lost.
        """
        self._disowned = True
        if self.open:
            self.open = False
            self.way = NOBODY
            self.write = _drop
            self._transport.abort()
            del self._transport

    def let_go(self) -> None:
        """Tell nobody any more."""
        self.life = NOBODY

    def ignore(self) -> None:
        """Drop what comes from here on."""
        self.way = NOBODY

    def finish(self) -> None:
        """Send a FIN behind what was written; bytes from the peer are still read."""
        if self._finishing or not self.open or self._transport.is_closing():
            return
        self._finishing = True
        self.write = _drop
        if self._transport.can_write_eof():
            with suppress(OSError):  # reset, which will be told in a moment
                self._transport.write_eof()
        else:
            self._close()

    def close(self) -> None:
        """Send a FIN behind what was written and read no more."""
        self.way = NOBODY
        self.write = _drop
        if self.open:
            self.closed_here = True
            self._close()

    def _close(self) -> None:
        if self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size():
            self._loop.call_later(_CLOSE_S, self.reset)
        self._transport.close()

    def leave(self) -> None:
        """Send a FIN behind what was written, and drop what still comes until the peer closes.

        A connection that is closed with unread bytes is reset by the kernel, which destroys
        what was sent last (RFC 9112 section 9.6).
        """
        self.hold(False)
        self.way = NOBODY
        self.closed_here = True
        self.finish()
        if self.over:
            self.close()
        elif self.open:
            self._loop.call_later(_LINGER_S, self.close)

    def reset(self) -> None:
        """Send an RST, behind what was written as far as the peer takes it soon."""
        if self._resetting or not self.open:
            return
        self._resetting = self.closed_here = True
        self.way = NOBODY
        self.write = _drop
        self._patience_ends = self._loop.time() + _FLUSH_S
        self._reset_when_flushed()

    def _reset_when_flushed(self) -> None:
        if not self.open or (self._tls and self._transport.is_closing()):
            return
        sock = self._transport.get_extra_info("socket")
        unsent = self._transport.get_write_buffer_size() or (sock and unsent_bytes(sock))
        if unsent and self._loop.time() < self._patience_ends:
            self._loop.call_later(_POLL_S, self._reset_when_flushed)
            return
        reset(self._transport)
