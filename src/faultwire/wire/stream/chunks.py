"""From chunk to chunk: where a chunked body ends (RFC 9112 section 7.1)."""

import re
from collections.abc import Callable

from faultwire.wire.stream.framing import NotUnderstood

MOST_LINE_BYTES = 4096  # of a chunk, with its extensions
MOST_TRAILER_BYTES = 1 << 20

_FIRST = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
_NEXT = re.compile(rb"\r\n([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
_PART = re.compile(rb"(?:\r\n)?[0-9A-Fa-f]{0,15}[ \t]*(?:;[^\r\n]*)?\r?|\r")
_END = b"\r\n\r\n"


class Chunks:
    """Finds the end of one chunked body. `over` says that it was found."""

    __slots__ = ("_carry", "_left", "_line", "_step", "over")

    def __init__(self) -> None:
        self.over = False
        self._carry = bytearray()  # an unfinished line, or trailer section
        self._left = 0  # of a chunk's data
        self._line = _FIRST
        self._step: Callable[[Chunks, bytes, int], int] = Chunks._data

    def scan(self, data: bytes, at: int) -> int:
        """Look at `data` from `at` on, to the body's end or as far as it reaches. Where that is.

        Raises `NotUnderstood`.
        """
        return self._step(self, data, at)

    def _data(self, data: bytes, at: int) -> int:
        size = len(data)
        while True:
            left = self._left
            if left >= size - at:
                self._left = left - size + at
                return size
            at += left
            self._left = 0
            line = self._line
            found = None if self._carry else line.match(data, at, at + MOST_LINE_BYTES)
            if found is None:
                at = self._line_in_pieces(data, at)
                if self._carry:
                    return at
            else:
                at = found.end()
                self._left = int(found[1], 16)
                self._line = _NEXT
            if not self._left:
                return self._last(data, at)

    def _line_in_pieces(self, data: bytes, at: int) -> int:
        """The slow way: a chunk's line came in pieces, or is none."""
        seen = len(self._carry)
        text = bytes(self._carry) + data[at : at + MOST_LINE_BYTES - seen]
        found = self._line.match(text)
        if found is not None:
            self._carry.clear()
            self._left = int(found[1], 16)
            self._line = _NEXT
            return at + found.end() - seen
        if len(text) >= MOST_LINE_BYTES or not self._may_become_line(text):
            raise NotUnderstood
        self._carry[:] = text
        return len(data)

    def _may_become_line(self, text: bytes) -> bool:
        if self._line is _FIRST:
            possible = not text.startswith(b"\r")
        else:
            possible = text[:2] == b"\r\n"[: len(text)]
        return possible and _PART.fullmatch(text) is not None

    def _last(self, data: bytes, at: int) -> int:
        self._carry += b"\r\n"  # an empty trailer section is one empty line behind this one
        self._step = Chunks._trailers
        return self._trailers(data, at)

    def _trailers(self, data: bytes, at: int) -> int:
        carry = self._carry
        seen = len(carry)
        carry += data[at : at + MOST_TRAILER_BYTES - seen]
        end = carry.find(_END, max(seen - 3, 0)) + 4
        part = carry[:end] if end >= 4 else carry
        if part.count(b"\n", seen) != part.count(b"\r\n", max(seen - 1, 0)):
            raise NotUnderstood
        if end >= 4:
            self.over = True
            return at + end - seen
        if len(carry) >= MOST_TRAILER_BYTES:
            raise NotUnderstood
        return len(data)
