"""Listening sockets, and one clear line when there cannot be one."""

import errno
import os
import socket
import sys

_BACKLOG = 2048
_PORT = "--port"
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where it listens, not where we do
_LINUX = sys.platform == "linux"
_BALANCED = _LINUX
"""Whether the kernel spreads connections over sockets that share a port by SO_REUSEPORT."""

CAN_RESERVE = _LINUX
"""Whether a socket that is bound, and does not listen, leaves its port to one that does."""


class CannotListen(Exception):
    """The address cannot be listened on. The message is one line that says what to do."""


def listen(host: str, port: int, flag: str = _PORT) -> socket.socket:
    """A listening socket. Port 0 is any free one. Raises `CannotListen`.

    It listens at once: two processes may bind one port as long as neither listens.
    `flag` is the flag that would choose another port.
    """
    try:
        family, address = _resolve(host, port)
        return _opened(family, address, reuse_port=False)
    except OSError as error:
        raise CannotListen(_explained(error, host, port, flag)) from error


def reserve(host: str, flag: str) -> socket.socket:
    """A free port that is given to nobody else as long as the socket is open. Needs `CAN_RESERVE`.

    No port 0 and no outgoing connection gets it; `listen` does, by its number, again and again.
    Raises `CannotListen`.
    """
    try:
        return _bound(*_resolve(host, 0), reuse_port=False)
    except OSError as error:
        raise CannotListen(_explained(error, host, 0, flag)) from error


def listen_shared(host: str, port: int, count: int) -> list[socket.socket]:
    """`count` listening sockets on one port, each with a queue of its own where that is possible.

    One queue for all would hand a burst of connections to whichever process wakes first, which
    accepts until none is left. Raises `CannotListen`.
    """
    first = listen(host, port, _PORT)
    if not _BALANCED:
        return [first, *(first.dup() for _ in range(count - 1))]
    # Bound without SO_REUSEPORT, or a second `faultwire` would join in instead of being refused.
    first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        others = [
            _opened(first.family, first.getsockname(), reuse_port=True) for _ in range(count - 1)
        ]
    except OSError as error:
        raise CannotListen(_explained(error, host, port, _PORT)) from error
    return [first, *others]


def reachable(host: str) -> str:
    """The address at which what listens on `host` is reached from this machine."""
    return _ANYWHERE.get(host, host)


def url_of(sock: socket.socket) -> str:
    """The URL at which a listening socket is reached."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    """The address to bind; IPv4 where a name has both, as `localhost` has."""
    # As bytes where possible: a text would cost the codec for international names, half a megabyte.
    name = host.encode() if host.isascii() else host
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = min(found, key=lambda info: info[0] != socket.AF_INET)
    return family, address


def _opened(
    family: socket.AddressFamily, address: tuple[object, ...], *, reuse_port: bool
) -> socket.socket:
    sock = _bound(family, address, reuse_port=reuse_port)
    try:
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _bound(
    family: socket.AddressFamily, address: tuple[object, ...], *, reuse_port: bool
) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name != "nt":  # where it would let two processes listen on one port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address[0] != "::"))
        sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _explained(error: OSError, host: str, port: int, flag: str) -> str:
    where = f"port {port} on {host}"
    if isinstance(error, socket.gaierror):
        return f"{host} is not a name or an address that is known here; choose another host"
    match error.errno:
        case errno.EADDRINUSE:
            return f"{where} is taken: stop what uses it, or choose another with {flag}"
        case errno.EACCES:
            return f"{where} is not permitted to this user; choose another with {flag}"
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine; choose another host"
    return f"cannot listen on {where}: {error.strerror or error}"
