"""The two streams of a connection: what is asked, and what is answered."""

import re

from faultwire.wire.stream import Event, Stream
from faultwire.wire.stream.framing import (
    NONE,
    OF_REQUEST,
    UNTIL_CLOSE,
    NotUnderstood,
    read_fields,
)

_TOKEN = rb"[!#-'*+\-.^-z|~0-9A-Z]"
_REQUEST_LINE = re.compile(rb"(%b+) ([!-~\x80-\xff]+) HTTP/1\.([01])\r\n" % _TOKEN)
_REQUEST_PART = re.compile(rb"%b{0,63}( .*)?" % _TOKEN, re.DOTALL)
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: [^\r\n]*)?\r\n")
_METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")}
_SPECIAL = frozenset({None, "HEAD", "CONNECT"})


def leaves_http(method: str, status: int) -> bool:
    """Whether what follows an answer of this status is another protocol, until its end."""
    return status == 101 or (method == "CONNECT" and 200 <= status < 300)


class RequestStream(Stream):
    """From the client: requests. `method` and `target` are those of `raw`.

    `closing` says that the connection ends behind the answer; `told` are the fields that tell
    who asks, for which attempt, and until when, by their names in lower case.
    """

    __slots__ = ("closing", "method", "target", "told")

    def __init__(self) -> None:
        super().__init__()
        self.closing = False
        self.method = self.target = ""
        self.told: dict[str, str] | None = None

    def _is_blank(self, data: bytes | bytearray, at: int) -> bool:
        return data[at] == 13 and data[at : at + 2] == b"\r\n"

    def _may_become_head(self, start: bytes) -> bool:
        if start == b"\r":
            return True
        pattern = _REQUEST_LINE if start.endswith(b"\r\n") else _REQUEST_PART
        return pattern.fullmatch(start) is not None

    def _understand(self, raw: bytes) -> Event:
        line = _REQUEST_LINE.match(raw)
        if line is None:
            raise NotUnderstood
        method, target, minor = line.groups()
        http_1_0 = minor == b"0"
        length, self.closing, self.told = read_fields(raw, line.end() - 2, http_1_0, OF_REQUEST)
        if length == UNTIL_CLOSE:
            raise NotUnderstood
        self.method = _METHODS.get(method) or method.decode("latin-1")
        self.target = target.decode("latin-1")
        return self._expect(length)


class AnswerStream(Stream):
    """From the upstream: answers. `asked` is the method that the next one answers, None if none.

    `status` is that of `raw`; `closing` says that the upstream has announced to close behind it.
    """

    __slots__ = ("asked", "closing", "status")

    def __init__(self) -> None:
        super().__init__()
        self.asked: str | None = None
        self.status = 0
        self.closing = False

    def take_whole(self, data: bytes) -> bool:
        """Take what is one final answer and nothing else, as most of what comes is.

        It is quicker than `scan`, to which everything else is left: False has done nothing.
        """
        line = _STATUS_LINE.match(data) if self.between else None
        end = data.find(b"\r\n\r\n") + 4
        if line is None or end < 4 or self.asked in _SPECIAL:
            return False
        status = int(line[2])
        if status < 200 or status in (204, 304):
            return False
        try:
            length, closing, _ = read_fields(data[:end], line.end() - 2, line[1] == b"0")
        except NotUnderstood:
            return False
        if length < 0 or end + length != len(data):
            return False
        self.status = status
        self.closing = closing
        return True

    def _may_become_head(self, start: bytes) -> bool:
        if start.endswith(b"\r\n"):
            return _STATUS_LINE.fullmatch(start) is not None
        return start[:7] == b"HTTP/1."[: len(start)]

    def _understand(self, raw: bytes) -> Event:
        line = _STATUS_LINE.match(raw)
        if line is None or self.asked is None:
            raise NotUnderstood
        status = int(line[2])
        if leaves_http(self.asked, status):
            self.status = status
            self._leave_http()
            return Event.SWITCH
        if status < 200:
            return Event.INTERIM
        self.status = status
        length, closing, _ = read_fields(raw, line.end() - 2, line[1] == b"0")
        if self.asked == "HEAD" or status in (204, 304):
            length = NONE
        elif length == NONE:
            length = UNTIL_CLOSE
        self.closing = closing or length == UNTIL_CLOSE
        return self._expect(length)
