"""Logs that are read to their end: files, compressed ones too, and standard input."""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from heapq import heapify, heappop, heappush
from pathlib import Path
from typing import IO

from faultwire.explain.block import Block
from faultwire.explain.parse import MAX_LINE_BYTES

BLOCK_BYTES = 1 << 20
STDIN = "-"
_GZIP = b"\x1f\x8b"


class Unreadable(Exception):
    """A log cannot be read; the message names it and says why."""


class Splitter:
    """Whole lines out of pieces. What is too long to be a line is cut: its beginning is kept."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> bytes:
        """The lines that are whole now."""
        if self._skipping:
            cut = data.find(b"\n")
            if cut < 0:
                return b""
            data, self._skipping = data[cut + 1 :], False
        cut = data.rfind(b"\n") + 1
        whole = b""
        if cut:
            whole, self._rest = b"".join((self._rest, memoryview(data)[:cut])), data[cut:]
        else:
            self._rest += data
        if len(self._rest) <= BLOCK_BYTES:
            return whole
        whole += self._rest[: MAX_LINE_BYTES + 1] + b"\n"
        self._rest, self._skipping = b"", True
        return whole

    def end(self) -> bytes:
        """What is left when nothing more comes."""
        rest, self._rest = self._rest, b""
        return rest


Read = Callable[[int], bytes]


@contextmanager
def opened(names: Iterable[str], stdin: IO[bytes]) -> Iterator[list[Iterator[Block]]]:
    """The logs of these names, each as its blocks. Raises `Unreadable`."""
    with ExitStack() as held:
        yield [_blocks(name, _open(name, stdin, held)) for name in names]


def _open(name: str, stdin: IO[bytes], held: ExitStack) -> Read:
    if name == STDIN:
        return stdin.read
    try:
        file = held.enter_context(Path(name).open("rb"))  # noqa: SIM115 - `held` closes it
        compressed = file.peek(2)[:2] == _GZIP
    except OSError as error:
        raise Unreadable(f"cannot read {name}: {error.strerror or error}") from error
    return held.enter_context(gzip.open(file)).read if compressed else file.read


def _blocks(name: str, read: Read) -> Iterator[Block]:
    splitter = Splitter()
    try:
        while data := read(BLOCK_BYTES):
            if lines := splitter.feed(data):
                yield Block(lines)
    except (OSError, EOFError, zlib.error) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise Unreadable(f"cannot read {name}: {said}") from error
    if rest := splitter.end():
        yield Block(rest)


def merged(logs: Iterable[Iterator[Block]]) -> Iterator[tuple[Block, float]]:
    """The blocks of all logs in the order of their beginnings.

    With each comes the time before which nothing more is to be expected.
    """
    heads = [
        (block.first, number, block, rest)
        for number, rest in enumerate(logs)
        if (block := next(rest, None)) is not None
    ]
    heapify(heads)
    while heads:
        _, number, block, rest = heappop(heads)
        if (following := next(rest, None)) is not None:
            heappush(heads, (following.first, number, following, rest))
        yield block, heads[0][0] if heads else float("inf")
