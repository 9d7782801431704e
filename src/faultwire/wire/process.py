"""The wire as a process: its proxy, and beside it the control API, served as any service is."""

import asyncio
import os
import ssl
from collections.abc import Callable
from pathlib import Path

from faultwire.contracts import DEFAULT
from faultwire.http.message import BadRequest, Request, Response
from faultwire.http.server import Answer
from faultwire.http.sockets import listen, url_of
from faultwire.services.descriptors import raise_descriptor_limit
from faultwire.services.process import ServiceProcess, make_log
from faultwire.services.stopping import StopRequest
from faultwire.settings import InvalidSettings, ServiceSettings, WireSettings
from faultwire.telemetry.log import Log
from faultwire.telemetry.tracing import open_sink
from faultwire.wire.control import Control
from faultwire.wire.control.guard import Guard, check_guarded
from faultwire.wire.ledger import Ledger, Record
from faultwire.wire.ledger.log_line import writer
from faultwire.wire.ledger.spans import exporter
from faultwire.wire.plan import Plan
from faultwire.wire.proxy import Wire, server_tls
from faultwire.wire.upstream import Upstream

_NAME = "wire"
_STDIN = 0
_CONTROL_CONNECTIONS = 256
_RESERVED = 64 + _CONTROL_CONNECTIONS  # the log, the loop, the listening sockets, the control API
_FEWEST = 16


def run(settings: WireSettings, *, until_eof: bool = False) -> int:
    """Run the wire until told to stop; the exit status.

    Raises `InvalidSettings` and `CannotListen`. `until_eof`: the end of standard input stops it,
    too.
    """
    upstream, tls = _checked(settings)
    stop = StopRequest()
    stop.listen_to_signals()
    if until_eof:
        stop.watch(_STDIN, "EOF")
    served = _control_as_service(settings)
    with listen(served.host, served.port, "--control") as sock:
        log = make_log(_NAME, served)
        control_url = url_of(sock)
        guard = Guard(served.host, sock.getsockname()[1], settings.control_token)
        service = WireService(settings, upstream, tls, guard, log)

        def announce() -> None:
            log.note(
                "INFO", event="listening", url=service.url, to=upstream.url, control=control_url
            )

        ServiceProcess(service, served, log, stop).serve(sock, announce)
    return 0


def _checked(settings: WireSettings) -> tuple[Upstream, ssl.SSLContext | None]:
    """What can be found wrong before anything is opened. Raises `InvalidSettings`."""
    check_guarded(settings)
    try:
        ca = Path(settings.ca) if settings.ca else None
        upstream = Upstream(settings.to, verify=not settings.insecure, ca_file=ca)
        tls = server_tls(Path(settings.cert), Path(settings.key)) if settings.cert else None
    except ValueError as error:
        raise InvalidSettings(str(error)) from error
    return upstream, tls


def _control_as_service(settings: WireSettings) -> ServiceSettings:
    return ServiceSettings(
        host=settings.control.host,
        port=settings.control.port,
        contract=DEFAULT,
        log_format=settings.log_format,
        workers=1,
        max_connections=_CONTROL_CONNECTIONS,
        drain_grace_s=settings.drain_grace_s,
        drain_timeout_s=settings.drain_timeout_s,
    )


class WireService:
    """The proxy and its control API, started and ended together.

    Requests to this service are those to the control API. Needs a running event loop from
    `start` on.
    """

    name = _NAME
    cutting = False

    def __init__(
        self,
        settings: WireSettings,
        upstream: Upstream,
        tls: ssl.SSLContext | None,
        guard: Guard,
        log: Log,
    ) -> None:
        self._settings = settings
        self._upstream = upstream
        self._tls = tls
        self._guard = guard
        self._log = log

    @property
    def url(self) -> str:
        """Where clients find the wire."""
        return self._wire.url

    @property
    def ready(self) -> bool:
        """Whether the wire may be sent requests."""
        return self._control.ready

    @ready.setter
    def ready(self, ready: bool) -> None:
        self._control.ready = ready

    def __call__(self, request: Request) -> Answer:
        return self._control(request)

    def refusal(self, refused: BadRequest) -> Response:
        return self._control.refusal(refused)

    async def start(self) -> None:
        """Listen, and look whether the upstream is there. Raises `CannotListen`."""
        settings, log = self._settings, self._log
        plan = Plan(asyncio.get_running_loop())
        ledger = Ledger(on_end=self._on_end())
        self._control = Control(plan, ledger, self._guard, log, seed=settings.seed)
        self._ledger = ledger
        self._wire = Wire(
            self._upstream,
            host=settings.listen.host,
            port=settings.listen.port,
            plan=plan,
            ledger=ledger,
            log=log,
            tls=self._tls,
            most_connections=self._most_connections(),
        )
        await self._wire.start()

    def _on_end(self) -> Callable[[Record], None]:
        """What is told of each request that is over: the log, and spans where they are wanted."""
        write = writer(self._log, self._settings.log_format)
        self._sink = open_sink(_NAME, self._log, os.environ)
        if self._sink is None:
            return write
        export = exporter(self._sink)

        def ended(record: Record) -> None:
            write(record)
            export(record)

        return ended

    def _most_connections(self) -> int:
        """The bound, lowered (and said) where descriptors do not suffice: two a connection."""
        limit = raise_descriptor_limit()
        most = max((limit - _RESERVED) // 2, _FEWEST)
        if self._settings.max_connections <= most:
            return self._settings.max_connections
        self._log.note("WARNING", event="connections_capped", most=most, descriptors=limit)
        return most

    async def drain(self, within_s: float) -> int:
        """Let requests on the wire finish; how many had to be cut."""
        draining = asyncio.create_task(self._wire.drain(within_s + 1))
        await asyncio.wait({draining}, timeout=within_s)
        cut = 0 if draining.done() else self._ledger.open_count
        await self._wire.close()
        await draining
        return cut

    async def close(self) -> None:
        """End everything now, but for the spans, which have a second to get away."""
        await self._wire.close()
        if self._sink is not None:
            await self._sink.close()
