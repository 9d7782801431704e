"""Where the messages in a stream of HTTP/1 begin and end, found without changing a byte.

    HEAD --head--> LENGTH | CHUNKS --> TRAILERS | UNTIL_CLOSE --whole--> HEAD --> …
      every state --not understood, or another protocol from here--> OPAQUE

The proxy passes bytes on whatever is found here; this only says which of them belong together.
It costs the same for a body of a kilobyte and of a gigabyte: a body's bytes are counted, never
looked at, but for the lines between chunks. What has no single meaning (a bare LF, a folded
line, a Content-Length beside a Transfer-Encoding) makes the stream opaque from there on.

Rules: RFC 9112 sections 2.2, 6.3 and 7.1.
"""

from collections.abc import Callable
from enum import Enum

from faultwire.wire.stream.chunks import Chunks
from faultwire.wire.stream.framing import CHUNKED, NONE, NotUnderstood

MOST_HEAD_BYTES = 1 << 20
_END = b"\r\n\r\n"
_CR = 13


class Event(Enum):
    """What ends where `Stream.scan` says."""

    MORE = "the bytes at hand; the message goes on"
    BLANK = "an empty line (CRLF) before a request"
    HEAD = "the head of a message"
    INTERIM = "a whole 1xx answer"
    SWITCH = "the last head of this connection that is HTTP"
    END = "a message"
    OPAQUE = "nothing: what follows is not understood"


Found = tuple[Event, int]

_MORE, _BLANK, _HEAD, _WHOLE = Event.MORE, Event.BLANK, Event.HEAD, Event.END
_OPAQUE = Event.OPAQUE


class Stream:
    """One direction of a connection.

    `raw` is the head that was found last; when the stream turns opaque in the middle of a head,
    it is what earlier calls had taken of it. `over` says that the message ended with its head.
    `in_head` is true between messages and in a head, `carried` how much of it is here already.
    """

    __slots__ = ("_carry", "_chunks", "_left", "_step", "in_head", "over", "raw")

    _chunks: Chunks

    def __init__(self) -> None:
        self.raw = b""
        self.over = False
        self.in_head = True
        self._carry = bytearray()
        self._left = 0
        self._step: Callable[[Stream, bytes, int], Found] = Stream._head

    @property
    def carried(self) -> int:
        """How many bytes of an unfinished head earlier calls have taken."""
        return len(self._carry) if self.in_head else 0

    @property
    def between(self) -> bool:
        """Whether no message has begun."""
        return self.in_head and not self._carry

    @property
    def until_close(self) -> bool:
        """Whether the message ends where the connection does."""
        return self._step is Stream._until_close

    @property
    def opaque(self) -> bool:
        """Whether nothing is understood any more."""
        return self._step is Stream._pass

    def scan(self, data: bytes, at: int = 0) -> Found:
        """Look at `data` from `at` on. What comes to an end, and where; at `OPAQUE`, nowhere."""
        return self._step(self, data, at)

    def give_up(self) -> None:
        """Understand nothing from here on. `raw` is what had been taken of a head."""
        self.raw = bytes(self._carry) if self.in_head else b""
        self._carry.clear()
        self._leave_http()

    def _leave_http(self) -> None:
        self.in_head = False
        self._step = Stream._pass

    # Heads.

    def _understand(self, raw: bytes) -> Event:
        """Read a whole head. Raises `NotUnderstood`."""
        raise NotImplementedError

    def _may_become_head(self, start: bytes) -> bool:
        """Whether the first line, or its beginning, is possible."""
        raise NotImplementedError

    def _is_blank(self, data: bytes | bytearray, at: int) -> bool:  # noqa: ARG002 - for requests
        return False

    def _head(self, data: bytes, at: int) -> Found:
        if self._carry:
            return self._more_of_head(data, at)
        if data[at] == _CR and self._is_blank(data, at):
            return _BLANK, at + 2
        end = data.find(_END, at) + 4
        if end < 4:
            return self._more_of_head(data, at)
        raw = data[at:end]
        try:
            event = self._understand(raw)
        except NotUnderstood:
            self.give_up()
            return _OPAQUE, at
        self.raw = raw
        return event, end

    def _more_of_head(self, data: bytes, at: int) -> Found:
        """The slow way: the head came in pieces."""
        carry = self._carry
        seen = len(carry)
        carry += data[at : at + MOST_HEAD_BYTES - seen]
        if self._is_blank(carry, 0):
            carry.clear()
            return _BLANK, at + 2 - seen
        end = carry.find(_END, max(seen - 3, 0)) + 4
        try:
            if end >= 4:
                raw = bytes(carry[:end])
                event = self._understand(raw)
                self.raw = raw
                carry.clear()
                return event, at + end - seen
            self._check_part(seen)
        except NotUnderstood:
            del carry[seen:]
            self.give_up()
            return _OPAQUE, at
        return _MORE, len(data)

    def _check_part(self, seen: int) -> None:
        """Give up early on what cannot become a head. Raises `NotUnderstood`."""
        carry = self._carry
        line = carry.find(b"\r\n") + 2
        telling = line > max(seen, 1) or (line < 2 and seen < 64)
        if telling and not self._may_become_head(bytes(carry[: line if line >= 2 else 64])):
            raise NotUnderstood
        whole = carry.count(b"\n", seen) == carry.count(b"\r\n", max(seen - 1, 0))
        if not whole or len(carry) >= MOST_HEAD_BYTES:
            raise NotUnderstood

    def _expect(self, length: int) -> Event:
        """A head is followed by so much, or by what `framing` has a word for."""
        if length in (NONE, 0):
            self.over = True
            return _HEAD
        self.over = self.in_head = False
        if length > 0:
            self._left = length
            self._step = Stream._length
        else:
            self._chunks = Chunks()
            self._step = Stream._chunked if length == CHUNKED else Stream._until_close
        return _HEAD

    # Bodies.

    def _whole(self, end: int) -> Found:
        self.in_head = True
        self._step = Stream._head
        return _WHOLE, end

    def _length(self, data: bytes, at: int) -> Found:
        size = len(data)
        left = self._left - size + at
        if left > 0:
            self._left = left
            return _MORE, size
        self.in_head = True
        self._step = Stream._head
        return _WHOLE, size + left

    def _until_close(self, data: bytes, at: int) -> Found:  # noqa: ARG002 - like all states
        return _MORE, len(data)

    def _pass(self, data: bytes, at: int) -> Found:  # noqa: ARG002 - like all states
        return _OPAQUE, at

    def _chunked(self, data: bytes, at: int) -> Found:
        chunks = self._chunks
        try:
            end = chunks.scan(data, at)
        except NotUnderstood:
            self.give_up()
            return _OPAQUE, at
        return self._whole(end) if chunks.over else (_MORE, end)
