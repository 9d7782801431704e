"""Logs that are still written: what is there, then what comes, rotation and truncation included."""

import os
import select
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from faultwire.explain.block import Block
from faultwire.explain.source import BLOCK_BYTES, STDIN, Splitter, Unreadable

POLL_S = 0.1


class Tail:
    """A file by its name: when another file takes the name, that one is read from its beginning."""

    ended = False

    def __init__(self, name: str) -> None:
        self._name = name
        self._splitter = Splitter()
        self._file: IO[bytes] | None = None
        try:
            self._file = Path(name).open("rb", buffering=0)  # noqa: SIM115 - kept until close()
        except OSError as error:
            raise Unreadable(f"cannot read {name}: {error.strerror or error}") from error

    def read(self) -> bytes:
        """Whole lines that have come since the last time."""
        if self._file is not None and (data := self._more(self._file)):
            return self._splitter.feed(data)
        return self._splitter.end() if self._reopened() else b""

    def close(self) -> bytes:
        """Let go of it; the line that was begun."""
        if self._file is not None:
            self._file.close()
            self._file = None
        return self._splitter.end()

    def _more(self, file: IO[bytes]) -> bytes:
        if os.fstat(file.fileno()).st_size < file.tell():  # truncated: written from its beginning
            file.seek(0)
        return file.read(BLOCK_BYTES)

    def _reopened(self) -> bool:
        """Whether another file has the name now."""
        try:
            now = Path(self._name).stat()
            if self._file is not None and os.path.samestat(now, os.fstat(self._file.fileno())):
                return False
            fresh = Path(self._name).open("rb", buffering=0)  # noqa: SIM115 - kept until close()
        except OSError:  # between the two: the old one has gone, the new one is not there yet
            return False
        if self._file is not None:
            self._file.close()
        self._file = fresh
        return True


class PipeTail:
    """Standard input: what has come, without waiting for more."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._fd = stream.fileno()
        self._splitter = Splitter()
        self.ended = False

    def read(self) -> bytes:
        """Whole lines that have come since the last time."""
        if self.ended or not select.select([self._fd], [], [], 0)[0]:
            return b""
        data = os.read(self._fd, BLOCK_BYTES)
        if data:
            return self._splitter.feed(data)
        self.ended = True
        return self._splitter.end()

    def close(self) -> bytes:
        """The line that was begun."""
        return self._splitter.end()


def tails(names: list[str], stdin: IO[bytes]) -> list[Tail | PipeTail]:
    """The logs of these names. Raises `Unreadable`."""
    with ExitStack() as made:
        found: list[Tail | PipeTail] = []
        for name in names:
            tail = PipeTail(stdin) if name == STDIN else Tail(name)
            made.callback(tail.close)
            found.append(tail)
        made.pop_all()  # nothing went wrong: they stay open
    return found


def followed(logs: list[Tail | PipeTail]) -> Iterator[Block | None]:
    """Blocks as they come; None when there is nothing at the moment. Ends with the last pipe."""
    try:
        while True:
            pieces = [lines for log in logs if (lines := log.read())]
            yield from map(Block, pieces)
            if not pieces:
                yield None
                if all(log.ended for log in logs):
                    return
                time.sleep(POLL_S)
    finally:
        for log in logs:
            log.close()
