"""The head of an HTTP/1 message: read without changing a byte, edited without touching the rest."""

import re
from typing import NamedTuple

_FIELD = rb"(?im)^%b[ \t]*:[ \t]*([^\r\n]*)"


class Head(NamedTuple):
    """The bytes from the first line to the empty line, that one included.

    What cannot be read is empty: the wire passes on what it does not understand.
    """

    raw: bytes

    @property
    def words(self) -> list[bytes]:
        """The first line, split at spaces: at most three words."""
        line, _, _ = self.raw.partition(b"\n")
        return line.rstrip(b"\r").split(b" ", 2)

    @property
    def method(self) -> str:
        """The request's method."""
        return self.words[0].decode("latin-1")

    @property
    def target(self) -> bytes:
        """The request's target as it was sent."""
        words = self.words
        return words[1] if len(words) > 1 else b""

    @property
    def status(self) -> int:
        """The answer's status; 0 if there is none."""
        words = self.words
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0

    def field(self, name: bytes) -> bytes | None:
        """The first field of that name, whatever its case."""
        found = re.search(_FIELD % re.escape(name), self.raw)
        return found[1].rstrip() if found else None

    def with_field(self, name: bytes, value: bytes) -> "Head":
        """The head with one more field behind the others."""
        end = self.raw.rfind(b"\r\n", 0, len(self.raw) - 2)
        return Head(self.raw[: end + 2] + name + b": " + value + b"\r\n" + self.raw[end + 2 :])

    def without_field(self, name: bytes) -> "Head":
        """The head without any field of that name."""
        return Head(re.sub(rb"(?im)^%b[ \t]*:[^\n]*\n" % re.escape(name), b"", self.raw))
