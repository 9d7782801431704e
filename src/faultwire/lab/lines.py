"""Whole lines out of pieces of output, however the pieces fall."""

MAX_LINE_BYTES = 16 << 10


class LineSplitter:
    """Bytes in, lines out, without their newlines. A line over the bound is cut, and says so."""

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._max = max_bytes
        self._rest = b""
        self._cut = 0  # how much of the unfinished line is thrown away already

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are whole now."""
        *lines, rest = data.split(b"\n")
        whole = []
        for line in lines:
            self._add(line)
            whole.append(self._take())
        self._add(rest)
        return whole

    def end(self) -> list[bytes]:
        """What is left when nothing more comes."""
        return [self._take()] if self._rest else []

    def _add(self, piece: bytes) -> None:
        room = self._max - len(self._rest)
        self._rest += piece[:room]
        self._cut += max(len(piece) - room, 0)

    def _take(self) -> bytes:
        line, cut = self._rest, self._cut
        self._rest, self._cut = b"", 0
        return line + b" ... and %d bytes more" % cut if cut else line.removesuffix(b"\r")
