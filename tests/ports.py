"""Ports on which nobody listens, and that nobody else is given as long as the tests run."""

import socket

_HELD: list[socket.socket] = []


def unused_port(host: str = "127.0.0.1") -> int:
    """A port that refuses connections until the test itself, or what it starts, listens there.

    It stays bound by a socket that does not listen: no other test's port 0 and no outgoing
    connection is given it, but whoever sets SO_REUSEADDR, as servers do, can still have it.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    _HELD.append(sock)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, 0))
    port: int = sock.getsockname()[1]
    return port
