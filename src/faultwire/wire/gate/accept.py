"""Accepting connections on a socket that may stop listening at any moment, and start again.

An `asyncio.Server` forgets who was just being accepted when it closes (python/cpython: the
assertion in `Server._attach`): such a client would neither be served nor reset.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable

BACKLOG = 2048
_AT_ONCE = 64
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_BREATH_S = 0.1  # out of descriptors: look again after so long


class Acceptor:
    """Listens on a bound socket and gives each connection a protocol made by `make`.

    Raises OSError when the socket cannot listen.
    """

    def __init__(
        self,
        sock: socket.socket,
        make: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._make = make
        self._tls = tls
        self._breath: asyncio.TimerHandle | None = None
        self._taking: set[asyncio.Task[None]] = set()
        sock.setblocking(False)
        sock.listen(BACKLOG)
        self._loop.add_reader(sock, self._accept)

    def stop(self) -> None:
        """Accept no more. Those who are accepted already are served."""
        if self._breath is not None:
            self._breath.cancel()
        self._loop.remove_reader(self._sock)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                client, _address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._loop.remove_reader(self._sock)
                self._breath = self._loop.call_later(_BREATH_S, self._resume)
                return
            task = self._loop.create_task(self._take(client))
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)

    def _resume(self) -> None:
        self._loop.add_reader(self._sock, self._accept)

    async def _take(self, client: socket.socket) -> None:
        client.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(self._make, client, ssl=self._tls)
        except OSError:  # it left at once, or spoke no TLS
            client.close()
