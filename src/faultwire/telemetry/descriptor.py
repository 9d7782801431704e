"""A descriptor that is written without ever waiting for its reader.

A pipe, terminal or socket whose reader has stalled blocks a plain `write`. Setting
O_NONBLOCK on the descriptor itself would set it for every process that shares the open
description (the shell, the other service, `tee`); so we use one of our own, or ask first.
"""

import errno
import os
import select
import socket
import stat
from collections.abc import Callable
from functools import partial

PIPE_BUF = 4096
"""So much fits into a pipe that polls as writable, and arrives in one piece (pipe(7))."""


class Descriptor:
    """Writing to `fd`: `write(data)` takes what there is room for and returns how much.

    It raises BlockingIOError when there is no room, another OSError when the reader has
    gone or the disk is full. A file is written directly: its writes end by themselves.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._close: Callable[[], None] | None = None
        self.write: Callable[[bytes], int] = self._open(fd)

    def _open(self, fd: int) -> Callable[[bytes], int]:
        try:
            mode = os.fstat(fd).st_mode
        except OSError:
            return _refuse  # closed at start (`2>&-`): the number may soon be somebody else's
        if stat.S_ISSOCK(mode) and hasattr(socket, "MSG_DONTWAIT"):
            own = socket.socket(fileno=os.dup(fd))
            self._close = own.close
            return lambda data: own.send(data, socket.MSG_DONTWAIT)
        if not stat.S_ISFIFO(mode) and not os.isatty(fd):
            return partial(os.write, fd)
        try:
            reopened = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except (OSError, AttributeError):  # another user's pipe, no /proc, Windows
            return asking_first(fd) if hasattr(select, "poll") else partial(os.write, fd)
        self._fd = reopened
        self._close = partial(os.close, reopened)
        return partial(os.write, reopened)

    def wait(self, timeout_s: float) -> None:
        """Wait until there may be room, at most so long."""
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        poll.poll(timeout_s * 1000)

    def close(self) -> None:
        """Give back what was opened here; `fd` itself stays open, but is written no more."""
        self.write = _refuse
        if self._close is not None:
            self._close()
            self._close = None


def asking_first(fd: int) -> Callable[[bytes], int]:
    """A `write` for a pipe that cannot be reopened: it asks for room, then fills no more."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)

    def write(data: bytes) -> int:
        if not poll.poll(0):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return os.write(fd, data[:PIPE_BUF])

    return write


def _refuse(_data: bytes) -> int:
    raise OSError(errno.EBADF, os.strerror(errno.EBADF))
