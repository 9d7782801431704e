"""Ending a connection by an RST."""

import asyncio
import socket
import struct

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time: close() sends an RST


def reset(transport: asyncio.Transport) -> None:
    """End a connection with an RST, now; what is unsent is lost.

    A FIN would leave the peer to guess whether anybody still reads.
    """
    sock = transport.get_extra_info("socket")
    try:
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    except OSError:
        pass  # it is gone already
    finally:
        transport.abort()
