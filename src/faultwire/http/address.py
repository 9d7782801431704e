"""From a host name to a connected socket: resolving, and trying each address in turn."""

import asyncio
import contextlib
import errno
import ipaddress
import os
import re
import socket
import ssl
import threading
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from aiohappyeyeballs import AddrInfoType as AddrInfo
from aiohappyeyeballs import start_connection

from faultwire.failures import Failure, Phase, classify_os_error

P = TypeVar("P", bound=asyncio.Protocol)

_STAGGER_S = 0.25
"""The next address is tried when one has been silent for this long (RFC 8305 section 5)."""

_HIGHEST_PORT = 65535
_URL = re.compile(
    r"(?:http://)?(?:\[([0-9a-f:.]+)\]|([0-9a-z_.-]{1,253}))(?::([0-9]{1,9}))?(/[!-~]*)?",
    re.IGNORECASE | re.ASCII,
)


class Origin(NamedTuple):
    """Where an upstream is: host, port, and the path that its URL began with ("" or "/p")."""

    host: str
    port: int
    base: str = ""

    @property
    def authority(self) -> str:
        """`host:port`, as in a URL or a Host field."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL, without a slash at its end."""
        return f"http://{self.authority}{self.base}"


def parse_origin(url: str) -> Origin:
    """The origin that a URL names; `http://` may be left out.

    Raises `ValueError` with one sentence that says what is wrong. The path becomes a part of
    each request's first line, so nothing that could end that line passes.
    """
    if "://" in url and not url.lower().startswith("http://"):
        raise ValueError(f"{url!r}: only http:// URLs can be called")
    match = _URL.fullmatch(url)
    if match is None or "?" in url or "#" in url or (match[1] and not _is_ipv6(match[1])):
        raise ValueError(f"{url!r}: expected http://HOST[:PORT][/PATH]")
    bracketed, name, port, path = match.groups()
    number = 80 if port is None else int(port)
    if not 1 <= number <= _HIGHEST_PORT:
        raise ValueError(f"{url!r}: the port is not a number from 1 to {_HIGHEST_PORT}")
    return Origin((bracketed or name).lower(), number, (path or "").rstrip("/"))


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


class Resolver:
    """Resolves one host, one lookup at a time however many ask.

    A lookup runs in a daemon thread: a resolver that hangs delays neither other work nor
    the end of the process.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._lookup: asyncio.Future[list[AddrInfo] | OSError] | None = None
        self._literal = _literal(origin)

    @property
    def busy(self) -> bool:
        """Whether a lookup is under way."""
        return self._lookup is not None and not self._lookup.done()

    async def addresses(self) -> list[AddrInfo]:
        """The host's addresses, in the system's order. Raises `Failure` (dns_error)."""
        if self._literal is not None:
            return self._literal
        if self._lookup is None or self._lookup.done():
            self._lookup = self._start()
        found = await asyncio.shield(self._lookup)
        if isinstance(found, OSError):
            raise os_failure(found, self._origin.authority) from found
        return found

    def _start(self) -> asyncio.Future[list[AddrInfo] | OSError]:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[AddrInfo] | OSError] = loop.create_future()

        def look_up() -> None:
            result = _getaddrinfo(self._origin)
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits
                loop.call_soon_threadsafe(found.set_result, result)

        try:
            threading.Thread(target=look_up, name="faultwire-resolver", daemon=True).start()
        except RuntimeError as error:  # no thread to be had
            found.set_result(OSError(errno.ENOMEM, str(error)))
        return found


def _getaddrinfo(origin: Origin) -> list[AddrInfo] | OSError:
    """The addresses, or what the resolver said; an error in any case has a number of its own."""
    try:
        found = socket.getaddrinfo(origin.host.encode(), origin.port, type=socket.SOCK_STREAM)
    except OSError as error:
        return error
    except ValueError:  # UnicodeError: a label that is empty or too long
        found = []
    return list(found) or socket.gaierror(socket.EAI_NONAME, "The name is not a valid host name")


def _literal(origin: Origin) -> list[AddrInfo] | None:
    """The address, where the host is one already and nothing needs to be asked."""
    try:
        version = ipaddress.ip_address(origin.host).version
    except ValueError:
        return None
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (origin.host, origin.port))]


def os_failure(error: Exception, where: str, phase: Phase = Phase.CONNECT) -> Failure:
    """The failure that a connection's error is, in the system's own words, and the address.

    What is not an `OSError` (uvloop raises `RuntimeError` here and there) counts as one
    without a number.
    """
    if not isinstance(error, OSError):
        error = OSError(None, str(error) or type(error).__name__)
    number = f"[Errno {error.errno}] " if error.errno is not None else ""
    detail = f"{number}{_said(error)}: {where}"
    return Failure(
        classify_os_error(error, connected=phase is not Phase.CONNECT), detail, phase=phase
    )


def _said(error: OSError) -> str:
    """The system's own words: event loops put words of theirs in front of them."""
    others = isinstance(error, socket.gaierror | ssl.SSLError)  # with numbers of their own
    if error.errno is not None and not others:
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__


async def connect(addresses: list[AddrInfo], origin: Origin, factory: Callable[[], P]) -> P:
    """Open one TCP connection to whichever address answers first. Raises `Failure`."""
    loop = asyncio.get_running_loop()
    try:
        if len(addresses) == 1:
            host, port = addresses[0][4][:2]
            _, protocol = await loop.create_connection(factory, host, port)
        else:
            sock = await start_connection(addresses, happy_eyeballs_delay=_STAGGER_S)
            _, protocol = await loop.create_connection(factory, sock=sock)
    except (OSError, RuntimeError) as error:  # uvloop: either
        raise os_failure(error, origin.authority) from error
    return protocol
