"""Collecting a message's header fields from the parser, for servers and clients alike."""

SLICE_BYTES = 16 << 10
"""The parser is fed this much at a time, so that no single packet can hold more work."""


def length_in(field: bytes) -> int:
    """The number that a Content-Length is, which the parser has found good.

    `int` refuses thousands of digits, also where all but a few are leading noughts.
    """
    return int(field.lstrip(b"0") or b"0")


def closes(fields: dict[bytes, bytes]) -> bool:
    """Whether the Connection field has the option close, which wins (RFC 9112 section 9.3).

    For HTTP/1.0, of which the parser only asks whether there is keep-alive.
    """
    options = fields.get(b"connection", b"").lower().split(b",")
    return b"close" in [option.strip() for option in options]


class FieldsTooLarge(Exception):
    """The header section is over its bound, in bytes or in fields."""


class FieldCollector:
    """The parser callback that gathers header fields.

    Field names become lower case; a repeated field is joined by a comma (RFC 9110
    section 5.3). Trailer fields are dropped: nothing here may act on them (section 6.5.1).
    A new message starts with a new dict.
    """

    __slots__ = ("_fields", "_fields_done", "_repeated", "_repeats")

    def __init__(self) -> None:
        self._fields: dict[bytes, bytes] = {}
        self._fields_done = False
        self._repeated: dict[bytes, bytes] | None = None  # the fields that `_repeats` is about
        self._repeats = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field, whole."""
        fields = self._fields
        name = name.lower()
        if name in fields or self._fields_done:
            self._repeated_or_trailer(name, value.rstrip())
        else:
            fields[name] = value.rstrip()  # llhttp leaves the blanks that may stand after a value

    def _repeated_or_trailer(self, name: bytes, value: bytes) -> None:
        if self._fields_done:
            return
        if self._repeated is not self._fields:
            self._repeated, self._repeats = self._fields, 0
        self._repeats += 1
        self._fields[name] += b", " + value

    def _check_fields_size(self, limit_bytes: int, most: int) -> None:
        """Raises `FieldsTooLarge`. The bytes are those of names and values as sent."""
        fields = self._fields
        repeats = self._repeats if self._repeated is fields else 0
        if len(fields) + repeats > most:
            raise FieldsTooLarge(f"There are over {most} header fields")
        if sum(map(len, fields)) + sum(map(len, fields.values())) > limit_bytes:
            raise FieldsTooLarge(f"The header section is over {limit_bytes} bytes")
