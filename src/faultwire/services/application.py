"""What A and B share: routes, health, ids, errors in JSON, and one event per request."""

import asyncio
import os
import traceback
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from time import perf_counter, time_ns
from typing import Protocol

import msgspec

from faultwire.events import Called, Served
from faultwire.http.message import BadRequest, Request, Response
from faultwire.http.server import Answer, Awaited, Pending
from faultwire.services.ids import request_id
from faultwire.telemetry.http_spans import spans
from faultwire.telemetry.log import Log
from faultwire.telemetry.metrics import Metrics
from faultwire.telemetry.snapshot import Snapshot
from faultwire.telemetry.span import Sink, Trace, begin
from faultwire.telemetry.tracing import open_sink

_ALLOWED = ("GET", "HEAD")
_CLIENT_LEFT = 499
_SERVER_ERROR = 500
_UNAVAILABLE = 503
_CUT_OFF = "Cut off: the time for the drain was over"
_OK = msgspec.json.encode({"status": "ok"})
_DRAINING = msgspec.json.encode({"status": "draining"})


class Exchange(msgspec.Struct, gc=False):
    """One request on its way through a service, and what became of B's call to A.

    `wasted_s` is the time that was spent on an answer that nobody waited for. `trace` is there if
    spans are exported.
    """

    request: Request
    request_id: bytes
    route: str
    started: float
    called: Called | None = None
    wasted_s: float = 0.0
    trace: Trace | None = None


Answering = Coroutine[Awaited | None, None, Response]
Handler = Callable[[Exchange], Response | Pending | Answering]
"""What answers a `Pending` does so with what `Application._served` makes of the response. A
coroutine just returns it: the one around it costs a tenth of a microsecond, and whoever has to
wait takes far longer."""


class Service(Protocol):
    """What a process runs: an `App` that can be started, told that it is leaving, and closed."""

    name: str
    ready: bool
    cutting: bool
    """The drain is over: what ends without an answer from now on was not left by its client."""

    def __call__(self, request: Request) -> Answer:
        """Answer a request."""

    def refusal(self, refused: BadRequest) -> Response:
        """Answer what is not acceptable HTTP."""

    async def start(self) -> None:
        """Acquire what is needed, inside the running event loop."""

    async def drain(self, within_s: float) -> int:
        """Finish what is under way beside its own requests; how much of it had to be cut."""

    async def close(self) -> None:
        """Release it."""


def error_body(error: str, **more: object) -> bytes:
    """The JSON of an error: one sentence, and what else is known."""
    return msgspec.json.encode({"error": error, **more})


class Application:
    """The common half of both services. A subclass gives its own routes to `add_routes`."""

    def __init__(self, name: str, log: Log, metrics: Metrics, openapi: bytes) -> None:
        self.name = name
        self.ready = True
        self.cutting = False
        self._log = log
        self._metrics = metrics
        log.round.sinks.append(metrics.told)
        self._tell = log.round.add
        self._openapi = openapi
        self._sink: Sink | None = None
        self._routes: dict[bytes, tuple[str, Handler]] = {}
        self.add_routes(
            {
                "/health": _healthy,
                "/livez": _healthy,
                "/healthz": _healthy,
                "/readyz": self._readyz,
                "/metrics": self._exposition,
                "/openapi.json": lambda _: Response(200, self._openapi),
            }
        )

    def add_routes(self, routes: Mapping[str, Handler]) -> None:
        """Serve GET and HEAD of these paths."""
        self._routes.update({path.encode(): (path, handler) for path, handler in routes.items()})

    async def start(self) -> None:
        """Open what takes the spans, if they are wanted."""
        self._sink = open_sink(f"service-{self.name.lower()}", self._log, os.environ)

    async def drain(self, within_s: float) -> int:  # noqa: ARG002 - as in `Service`
        """Nothing but its requests is ever under way."""
        return 0

    async def close(self) -> None:
        """Send what is left of the spans, within a second."""
        if self._sink is not None:
            await self._sink.close()

    def __call__(self, request: Request) -> Answer:
        """Answer a request; every way through here emits one `Served`."""
        route, handler = self._routes.get(request.path, _UNKNOWN)
        if request.method not in _ALLOWED and route:
            handler = _method_not_allowed
        self._metrics.begun += 1
        exchange = Exchange(request, request_id(request.headers), route, perf_counter())
        if self._sink is not None:
            exchange.trace = begin(request.headers, self._sink)
        try:
            answer = handler(exchange)
        except BadRequest as refused:
            return self._refused(exchange, refused)
        except Exception as error:  # noqa: BLE001 - a defect of ours is a 500, never a crash
            return self.crashed(exchange, error)
        # `Pending` first: not to be a `Response`, which has a metaclass, takes longer to find out.
        if isinstance(answer, Pending):
            return answer
        if isinstance(answer, Response):
            return self._served(exchange, answer)
        return self._answered(exchange, answer)

    async def _answered(self, exchange: Exchange, answering: Answering) -> Response:
        """A handler that had to wait ends as any other does, whatever happens to it."""
        try:
            return self._served(exchange, await answering)
        except asyncio.CancelledError:
            self._client_left(exchange)
            raise
        except Exception as error:  # noqa: BLE001 - as above
            return self.crashed(exchange, error)

    def refusal(self, refused: BadRequest) -> Response:
        """The response to what is not acceptable HTTP; it has no path that could be trusted."""
        self._metrics.begun += 1
        exchange = Exchange(Request("-", b"-", b"", {}), request_id({}), "", perf_counter())
        if self._sink is not None:
            exchange.trace = begin({}, self._sink)
        return self._refused(exchange, refused)

    def _refused(self, exchange: Exchange, refused: BadRequest) -> Response:
        return self._served(exchange, _refusal(refused), refused.detail)

    def _served(self, exchange: Exchange, response: Response, details: str = "") -> Response:
        """The last thing that happens to a request."""
        self._emit(exchange, response.status, details)
        response.headers += b"X-Request-ID: %b\r\n" % exchange.request_id
        return response

    def _client_left(self, exchange: Exchange) -> None:
        """Nobody is left to answer: the request is logged, and that is all."""
        if self.cutting:
            self._emit(exchange, _UNAVAILABLE, _CUT_OFF)
        else:
            self._emit(exchange, _CLIENT_LEFT, "")

    def _emit(self, exchange: Exchange, status: int, details: str) -> None:
        request, route, called = exchange.request, exchange.route, exchange.called
        ended = perf_counter()
        event = Served(
            self.name,
            request.method,
            route or request.path.decode("utf-8", "replace"),
            route,
            status,
            ended - exchange.started,
            exchange.request_id.decode() if called is None else called.request_id,
            called,
            exchange.wasted_s,
            ended,
            details,
        )
        self._tell(event)
        if exchange.trace is not None:
            self._export(exchange.trace, event, request)

    def _export(self, trace: Trace, event: Served, request: Request) -> None:
        if trace.sampled and self._sink is not None:
            for span in spans(trace, event, request, time_ns()):
                self._sink.take(span)

    def crashed(self, exchange: Exchange, error: Exception) -> Response:
        """A defect of ours: the client learns no more than that, the log where it is."""
        where = traceback.extract_tb(error.__traceback__)[-1]
        self._log.note(
            "ERROR",
            event="unexpected_error",
            error=f"{type(error).__name__}: {error}",
            at=f"{where.filename}:{where.lineno}",
        )
        return self._served(exchange, Response(500, error_body("Internal Server Error")))

    async def _exposition(self, exchange: Exchange) -> Response:
        accept = exchange.request.headers.get(b"accept", b"").decode("latin-1")
        self._log.round.end()  # else what is in it were missing
        # In a thread: the first exposition imports for 50 ms, in which requests go on.
        text, content_type = await asyncio.to_thread(_expose, self._metrics.snapshot(), accept)
        return Response(200, text, content_type.encode())

    def _readyz(self, _: Exchange) -> Response:
        return Response(200, _OK) if self.ready else Response(503, _DRAINING)


def _expose(snapshot: Snapshot, accept: str) -> tuple[bytes, str]:
    from faultwire.telemetry.exposition import expose  # noqa: PLC0415  7 MB, for those who scrape

    return expose(snapshot, accept)


def _healthy(_: Exchange) -> Response:
    return Response(200, _OK)


def _not_found(_: Exchange) -> Response:
    return Response(404, error_body("Not found"))


_UNKNOWN: tuple[str, Handler] = ("", _not_found)


def _method_not_allowed(_: Exchange) -> Response:
    return Response(405, error_body("Method not allowed"), headers=b"Allow: GET, HEAD\r\n")


def _refusal(refused: BadRequest) -> Response:
    error = "Bad request" if refused.status < _SERVER_ERROR else HTTPStatus(refused.status).phrase
    headers = b"Retry-After: 1\r\n" if refused.status == _UNAVAILABLE else b""
    return Response(refused.status, error_body(error, details=refused.detail), headers=headers)
