"""What the kernel knows of a connection, and what is to be asked of it."""

import socket
import sys
from contextlib import suppress

TCP_CLOSE, TCP_CLOSE_WAIT = 7, 8  # linux/tcp_states.h
_SIOCOUTQNSD = 0x894B  # linux/sockios.h: bytes in the send queue that were not sent yet


def send_at_once(sock: socket.socket | None) -> None:
    """Let small pieces not wait for more; the loops do so for some connections only."""
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


if sys.platform == "linux":
    from fcntl import ioctl

    def unsent_bytes(sock: socket.socket) -> int:
        """What the kernel has not sent yet: an RST would throw it away."""
        try:
            return int.from_bytes(ioctl(sock.fileno(), _SIOCOUTQNSD, bytes(4)), sys.byteorder)
        except OSError:
            return 0

    def state_of(sock: socket.socket | None) -> int:
        """The connection's TCP state."""
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] if sock else 0

else:

    def unsent_bytes(_sock: socket.socket) -> int:
        """Nobody can tell."""
        return 0

    def state_of(_sock: socket.socket | None) -> int:
        """Nobody can tell."""
        return 0
