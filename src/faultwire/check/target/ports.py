"""Ports: free ones for what is started here, and who answers on one."""

import asyncio
import contextlib
import random
import socket
from collections import deque

from faultwire.http.sockets import CannotListen

_RANGE = range(15_000, 30_000)
"""Below those that the system gives to outgoing connections and to port 0: nobody takes one of
these by chance between our choice and the start of the process it is for."""

_TRIES = 200
_GIVEN: deque[int] = deque(maxlen=2000)
"""The last that were given to anybody in this process: some of them are not listened on yet."""

_CHANCE = random.SystemRandom()
HOSTS = ("127.0.0.1", "::1")
_ONE_TRY_S = 1.0


def free_port(taken: set[int]) -> int:
    """A port that nobody listens on, and not one of `taken`, to which it is added.

    Raises `CannotListen`.
    """
    for port in _CHANCE.sample(_RANGE, _TRIES):
        if port in taken or port in _GIVEN:
            continue
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            taken.add(port)
            _GIVEN.append(port)
            return port
    raise CannotListen("no free port was found on 127.0.0.1")


async def host_on(port: int) -> str:
    """The loopback address on which somebody accepts connections to a port; empty if none."""
    for host in HOSTS:
        try:
            async with asyncio.timeout(_ONE_TRY_S):
                _, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError):
            continue
        writer.close()
        return host
    return ""
