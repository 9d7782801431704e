"""A listening socket that answers no SYN: its queue is full, and nobody empties it."""

import select
import socket
from contextlib import suppress

from faultwire.http.sockets import reachable

_MOST_FILLERS = 4096
_ESTABLISHED_MS = 5.0  # over loopback it takes microseconds


class Blackhole:
    """Makes a bound socket answer no SYN, until `end`. Raises OSError."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._fillers: list[socket.socket] = []
        sock.listen(0)
        for _ in range(_MOST_FILLERS):  # one is enough on Linux, where 0 is taken at its word
            if not self._fill():
                break

    def _fill(self) -> bool:
        """Connect once more; False if the queue is full."""
        filler = socket.socket(self._sock.family, socket.SOCK_STREAM)
        self._fillers.append(filler)
        filler.setblocking(False)
        with suppress(BlockingIOError):
            filler.connect(_own_address(self._sock))
        poll = select.poll()
        poll.register(filler, select.POLLOUT)
        return bool(poll.poll(_ESTABLISHED_MS))

    def end(self) -> None:
        """Let go of the queue. The socket should stop listening: that empties it."""
        for filler in self._fillers:
            filler.close()


def _own_address(sock: socket.socket) -> tuple[str | int, ...]:
    host, *rest = sock.getsockname()
    return (reachable(host), *rest)
