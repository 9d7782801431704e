"""Where the wire leads: the upstream's address, TLS, and connecting to it."""

import asyncio
import errno
import ssl
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from time import monotonic

from aiohappyeyeballs import start_connection

from faultwire.failures import Failure
from faultwire.http.address import Origin, Resolver, parse_origin

DIAL_S = 10.0
_STAGGER_S = 0.25  # RFC 8305 section 5
_OWN_LIMITS = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
)


class Refusal(StrEnum):
    """Why there is no connection. The values stand in the ledger."""

    REFUSED = "upstream_refused"
    RESET = "upstream_reset"
    TIMEOUT = "upstream_connect_timeout"
    UNKNOWN = "upstream_dns_error"
    TLS = "upstream_tls_error"
    RESOURCES = "wire_out_of_resources"

    @property
    def is_down(self) -> bool:
        """Whether nobody is there, so that callers are to be refused, too."""
        return self in (Refusal.REFUSED, Refusal.UNKNOWN)

    @property
    def is_there(self) -> bool:
        """Whether somebody has accepted the connection all the same."""
        return self in (Refusal.RESET, Refusal.TLS)


class Upstream:
    """The origin of `url`, http:// or https://, without a path.

    With TLS, the certificate must be known to the system or to `ca_file` and fit the host,
    unless `verify` is false. Raises `ValueError` with one sentence.
    """

    def __init__(self, url: str, *, verify: bool = True, ca_file: Path | None = None) -> None:
        secure = url[:8].lower() == "https://"
        self.origin = _origin(url, secure=secure)
        self.url = f"{'https' if secure else 'http'}://{self.origin.authority}"
        self._tls = _context(verify=verify, ca_file=ca_file) if secure else None
        self._resolver = Resolver(self.origin)
        self.on_dialled: Callable[[float, Refusal | None], None] = lambda _since, _refusal: None

    async def dial(self, protocol: asyncio.BaseProtocol) -> Refusal | None:
        """Connect, with TLS where that is spoken, in 10 s at most. None, or what went wrong.

        `on_dialled` is told, with the monotonic time at which the dialling began.
        """
        return await self._dial(protocol, self._tls)

    async def knock(self, protocol: asyncio.BaseProtocol) -> Refusal | None:
        """Connect without a word of TLS."""
        return await self._dial(protocol, None)

    async def _dial(
        self, protocol: asyncio.BaseProtocol, tls: ssl.SSLContext | None
    ) -> Refusal | None:
        since = monotonic()
        refusal: Refusal | None = None
        try:
            async with asyncio.timeout(DIAL_S):
                await self._connect(protocol, tls)
        except TimeoutError:
            refusal = Refusal.TIMEOUT
        except Failure:
            refusal = Refusal.UNKNOWN
        except ssl.SSLError:
            refusal = Refusal.TLS
        except (ConnectionResetError, ConnectionAbortedError, BrokenPipeError):
            refusal = Refusal.RESET  # somebody is there, and hangs up at once
        except OSError as error:
            refusal = Refusal.RESOURCES if error.errno in _OWN_LIMITS else Refusal.REFUSED
        self.on_dialled(since, refusal)
        return refusal

    async def _connect(self, protocol: asyncio.BaseProtocol, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        addresses = await self._resolver.addresses()
        name = self.origin.host if tls is not None else None
        if len(addresses) == 1:
            host, port = addresses[0][4][:2]
            await loop.create_connection(
                lambda: protocol, str(host), int(port), ssl=tls, server_hostname=name
            )
            return
        sock = await start_connection(addresses, happy_eyeballs_delay=_STAGGER_S)
        await loop.create_connection(lambda: protocol, sock=sock, ssl=tls, server_hostname=name)


def _origin(url: str, *, secure: bool) -> Origin:
    origin = parse_origin("http" + url[5:] if secure else url)
    if origin.base:
        raise ValueError(f"{url!r}: expected no path; the wire passes every path on as it is")
    if secure and not _has_port(url):
        origin = origin._replace(port=443)
    return origin


def _has_port(url: str) -> bool:
    return url.rstrip("/").rpartition(":")[2].isdigit()


def _context(*, verify: bool, ca_file: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"{ca_file}: no certificates can be read from it: {error}") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
