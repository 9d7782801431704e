"""The wire itself: a listening address, an upstream, and the links between them."""

import asyncio
import ssl
from pathlib import Path
from typing import Self

from faultwire.http.address import Origin
from faultwire.wire.gate import Gate, State
from faultwire.wire.gate.telling import Notes
from faultwire.wire.gate.watch import IDLE_S, Watch
from faultwire.wire.ledger import Ledger
from faultwire.wire.link import Link
from faultwire.wire.link.afterwards import Afterwards
from faultwire.wire.link.ends import End
from faultwire.wire.link.naps import Naps
from faultwire.wire.plan import Plan
from faultwire.wire.upstream import Upstream

DEFAULT_CONNECTIONS = 10_000


class Silent:
    """A log that nobody reads."""

    def note(self, level: str, **fields: object) -> None:
        """Nothing."""


class Wire:
    """A proxy on `host` and `port` (0 is any free one) to `upstream`. Needs a running event loop.

    As a context manager it serves from the beginning of the block to its end.
    `tls` makes it speak TLS to its clients; `most_connections` bounds their number (each takes
    two descriptors); `idle_s` is how often an upstream that nobody calls is looked at. Raises
    `CannotListen`.
    """

    def __init__(
        self,
        upstream: Upstream,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        plan: Plan | None = None,
        ledger: Ledger | None = None,
        log: Notes | None = None,
        tls: ssl.SSLContext | None = None,
        most_connections: int = DEFAULT_CONNECTIONS,
        idle_s: float = IDLE_S,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.upstream = upstream
        self.plan = plan if plan is not None else Plan(self._loop)
        self.ledger = ledger if ledger is not None else Ledger()
        self.afterwards = Afterwards()
        self.naps = Naps()
        self.ledger.before_read = self.afterwards.look
        self.watch = Watch(upstream, idle_s)
        self.upstream_ended = self.watch.suspect
        self._log = log if log is not None else Silent()
        self._most = most_connections
        self._links: set[Link] = set()
        self.draining = False
        self._ended = asyncio.Event()
        self._secure = tls is not None
        self.gate = Gate(
            host, port, self._client, plan=self.plan, watch=self.watch, log=self._log, tls=tls
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def url(self) -> str:
        """Where clients find it."""
        scheme = "https" if self._secure else "http"
        return f"{scheme}://{Origin(self.gate.host, self.gate.port).authority}"

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._links)

    async def start(self) -> None:
        """Begin to serve; while the upstream refuses, so does the wire."""
        await self.gate.start()

    async def until(self, state: State) -> None:
        """Wait for a state of the listening socket."""
        while self.gate.state is not state:
            self.gate.changed.clear()
            await self.gate.changed.wait()

    async def drain(self, within_s: float) -> bool:
        """Accept nothing more and let requests under way finish, then end what is left.

        Returns whether all of them finished within `within_s` seconds.
        """
        self.draining = True
        self.gate.close()
        for link in list(self._links):
            if link.idle:
                link.close()
        try:
            async with asyncio.timeout(within_s):
                await self._gone()
        except TimeoutError:
            return False
        finally:
            await self.close()
        return True

    async def close(self) -> None:
        """End everything now."""
        self.draining = True
        self.gate.close()
        self.plan.close()
        for link in list(self._links):
            link.abort()
        await self._gone()
        self.afterwards.close()
        self.naps.close()

    async def _gone(self) -> None:
        while self._links:
            self._ended.clear()
            await self._ended.wait()

    # What links say.

    def _client(self) -> End:
        return Link(self).client

    def opened(self, link: Link) -> bool:
        self._links.add(link)
        return len(self._links) <= self._most and not self.draining

    def closed(self, link: Link) -> None:
        self._links.discard(link)
        self._ended.set()


def server_tls(cert: Path, key: Path) -> ssl.SSLContext:
    """The context of a TLS listener. Raises `ValueError` with one sentence."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"{cert}, {key}: no certificate and key: {error}") from error
    return context
