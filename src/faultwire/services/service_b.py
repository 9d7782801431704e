"""Service B: it calls A, combines the answer, and stays useful whatever A does."""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from time import perf_counter
from typing import Any
from urllib.parse import quote

import msgspec

from faultwire.contracts import CONTRACTS, unified
from faultwire.contracts.contract import Contract
from faultwire.contracts.proxy_status import proxy_status
from faultwire.events import Called, Calling
from faultwire.failures import Failure, FailureKind
from faultwire.http.accept import accepted
from faultwire.http.address import parse_origin
from faultwire.http.asking import Asking
from faultwire.http.client import Reply
from faultwire.http.driver import Outcome, Pending
from faultwire.http.message import JSON, PROBLEM_JSON, Response, query_value
from faultwire.http.pool import Pool
from faultwire.services import openapi
from faultwire.services.application import Answering, Application, Exchange, error_body
from faultwire.settings import ServiceBSettings
from faultwire.telemetry.log import Log
from faultwire.telemetry.metrics import Metrics
from faultwire.telemetry.trace_context import forwarded

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_FIRST_FAILURE_STATUS = 300
_END = b"\r\n\r\n"


class _Call(Asking, Pending, eq=False, kw_only=True):
    """A call to A, and the answer to the request that it is made for."""

    service: "ServiceB"
    exchange: Exchange
    url: str
    msg: str | None
    started: float
    answer: Callable[[Outcome], object] | None = None

    def settled(self, outcome: Reply | BaseException) -> None:
        """Answer the request."""
        answer, self.answer = self.answer, _settled
        if answer is None:  # settled before it could be returned
            self.answer = None
            self.pool.loop.call_soon(self.settled, outcome)
        elif answer is not _settled:
            response: Response | BaseException
            try:
                response = self.service.ended(self, outcome)
            except asyncio.CancelledError as error:
                response = error
            except Exception as error:  # noqa: BLE001 - a defect of ours
                response = self.service.crashed(self.exchange, error)
            answer(response)


def _settled(_: Outcome) -> None:
    """In the place of `answer` when it has been called."""


class ServiceB(Application):
    """`GET /call-echo?msg=M` and `GET /call-foo`: A's answer combined, or 503 and the reason."""

    def __init__(self, settings: ServiceBSettings, log: Log) -> None:
        contract = CONTRACTS[settings.contract]
        origin = parse_origin(settings.upstream[0])
        super().__init__(
            "B",
            log,
            Metrics("B", contract.NAME, origin.host, origin.port),
            openapi.document_b(contract, accurate=settings.accurate),
        )
        self._settings = settings
        self._contract = contract
        self._origin = origin
        self._upstream = origin.url
        self.timeout_s = settings.timeout_s
        self._request_head = f"GET {origin.base}".encode()
        self._request_middle = (
            f" HTTP/1.1\r\nHost: {origin.authority}\r\nAccept: application/json\r\n"
            "User-Agent: faultwire\r\nX-Request-ID: "
        ).encode()
        self.add_routes({"/call-echo": self._call_echo, "/call-foo": self._call_foo})

    async def start(self) -> None:
        """Open the pool."""
        await super().start()
        self._pool = Pool(self._origin, most=self._settings.upstream_connections)

    async def close(self) -> None:
        """Abort what is still in flight and close every connection to A."""
        self._pool.close()
        await super().close()

    def _call_echo(self, exchange: Exchange) -> Response | Pending | Answering:
        msg = query_value(exchange.request.query, b"msg") or ""
        if not msg and self._contract.REQUIRES_MSG:
            return Response(400, error_body("Missing 'msg' parameter"))
        return self._call(exchange, "/echo?msg=" + _quoted(msg), msg)

    def _call_foo(self, exchange: Exchange) -> Pending | Answering:
        return self._call(exchange, "/foo", None)

    def _call(self, exchange: Exchange, target: str, msg: str | None) -> Pending | Answering:
        """Call A's `target`; its answer must echo `msg`, if there is one."""
        url = self._upstream + target
        if self._log.tells_calls:
            self._log.calling(Calling(url, self.timeout_s, exchange.request_id.decode()))
        trace = exchange.trace
        request = b"".join(
            (
                self._request_head,
                target.encode(),
                self._request_middle,
                exchange.request_id,
                forwarded(exchange.request.headers) if trace is None else trace.attempt(),
                _END,
            )
        )
        call = _Call(
            self._pool,
            request,
            self.timeout_s,
            idempotent=True,
            service=self,
            exchange=exchange,
            url=url,
            msg=msg,
            started=perf_counter(),
        )
        self._pool.start(call)
        return call

    def ended(self, call: "_Call", outcome: Reply | BaseException) -> Response:
        """The response to the request that the call was made for."""
        if isinstance(outcome, Reply):
            try:
                body = combined(self._contract, outcome, call.url, call.msg)
            except Failure as failure:
                if failure.kind is FailureKind.RESPONSE_INVALID:
                    call.distrust()
                return self._call_failed(call, outcome.status, failure)
            exchange = call.exchange
            exchange.called = self._called(call, outcome.status, None)
            return self._served(exchange, Response(200, body))
        if isinstance(outcome, Failure):
            return self._call_failed(call, 0, outcome)
        self._client_left(call.exchange)
        raise outcome

    def _called(self, call: "_Call", status: int, failure: Failure | None) -> Called:
        return Called(
            call.url,
            self.timeout_s,
            call.exchange.request_id.decode(),
            status,
            call.attempts,
            perf_counter() - call.started,
            failure,
        )

    def _call_failed(self, call: "_Call", status: int, failure: Failure) -> Response:
        exchange = call.exchange
        exchange.called = called = self._called(call, status, failure.without_frames())
        return self._served(exchange, self._failed(exchange, called, failure))

    def _failed(
        self, exchange: Exchange, called: Called, failure: Failure, more: bytes = b""
    ) -> Response:
        status = failure.meaning.accurate_status if self._settings.accurate else 503
        hop = f"Proxy-Status: {proxy_status(called, self._origin.authority)}\r\n"
        headers = hop.encode() + more
        if self._contract is unified and _wants_problem(exchange.request.headers):
            body = unified.problem(called, status, exchange.route)
            return Response(status, body, PROBLEM_JSON, headers)
        return Response(status, self._contract.failure(called), JSON, headers)


def _quoted(text: str) -> str:
    return text if text.isalnum() and text.isascii() else quote(text, safe="")


def _wants_problem(headers: Mapping[bytes, bytes]) -> bool:
    accept = headers.get(b"accept", b"").decode("latin-1")
    return PROBLEM_JSON.decode() in accepted(accept)


def combined(contract: Contract, reply: Reply, url: str, msg: str | None) -> bytes:
    """The body of a 200: A's JSON object, combined.

    Raises `Failure` for anything that is not the answer to this request.
    """
    if reply.status >= _FIRST_FAILURE_STATUS:
        said = f"HTTP {reply.status} {_phrase(reply.status)} from {_where(url)}"
        raise Failure(FailureKind.UPSTREAM_STATUS, said, status=reply.status)
    content_type = reply.headers.get(b"content-type", b"")
    if content_type != JSON and not _is_json(content_type):
        raise _invalid(f"{_where(url)} answered {content_type.decode('latin-1')!r}, not JSON")
    try:
        answer = _decode(reply.body)
        if msg is None or answer.get("echo") == msg:
            return contract.success(msg or "", answer)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise _invalid(f"{_where(url)} did not answer a JSON object: {error}") from error
    raise _not_the_echo(answer, url)


def _where(url: str) -> str:
    return url.partition("?")[0]


def _not_the_echo(answer: Mapping[str, Any], url: str) -> Failure:
    if not isinstance(answer.get("echo"), str):
        return _invalid(f"{_where(url)} answered JSON without the text 'echo'")
    return _invalid(f"{_where(url)} answered another request's echo")


def _invalid(said: str) -> Failure:
    return Failure(FailureKind.RESPONSE_INVALID, said)


def _is_json(content_type: bytes) -> bool:
    media_type = content_type.partition(b";")[0].strip().lower()
    return media_type == JSON or (
        media_type.startswith(b"application/") and media_type.endswith(b"+json")
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "(no such status)"
