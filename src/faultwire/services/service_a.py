"""Service A: it echoes, and it can fail on demand."""

import asyncio
from time import perf_counter

import msgspec

from faultwire.http.driver import Handling
from faultwire.http.message import BadRequest, Response, query_value
from faultwire.policy.deadline import InvalidDeadline, remaining_s
from faultwire.services import openapi
from faultwire.services.application import Application, Exchange, error_body
from faultwire.settings import ServiceASettings
from faultwire.telemetry.log import Log
from faultwire.telemetry.metrics import Metrics

_encode = msgspec.json.Encoder().encode


class ServiceA(Application):
    """`GET /echo?msg=M` answers `{"echo":"M"}`; `GET /foo` answers 500, always.

    It keeps to the deadline that a caller sends along: it does not begin what nobody waits for,
    and stops when the deadline has passed or the caller has gone.
    """

    def __init__(self, settings: ServiceASettings, log: Log) -> None:
        super().__init__("A", log, Metrics("A", settings.contract), openapi.document_a())
        self._work_s = settings.work_s
        self.add_routes({"/echo": self._echo, "/foo": _foo})

    def _echo(self, exchange: Exchange) -> Response | Handling:
        try:
            left_s = remaining_s(exchange.request.headers)
        except InvalidDeadline as error:
            raise BadRequest(400, str(error)) from error
        if left_s is not None and left_s <= 0:
            return _too_late()
        response = _echoed(exchange)
        return self._work(exchange, response, left_s) if self._work_s else response

    async def _work(self, exchange: Exchange, response: Response, left_s: float | None) -> Response:
        """Take one's time. What comes of it after the deadline was in vain, and is logged so."""
        stops = left_s is not None and left_s < self._work_s
        stops_at_s = left_s if left_s is not None and stops else self._work_s
        try:
            await asyncio.sleep(stops_at_s)
        except asyncio.CancelledError:
            exchange.wasted_s = perf_counter() - exchange.started
            self._client_left(exchange)
            raise
        took_s = perf_counter() - exchange.started
        if stops or (left_s is not None and took_s > left_s):  # a timer may end a hair early
            exchange.wasted_s = took_s
            response = _too_late()
        return self._served(exchange, response)


def _echoed(exchange: Exchange) -> Response:
    return Response(200, _encode({"echo": query_value(exchange.request.query, b"msg") or ""}))


def _too_late() -> Response:
    return Response(504, error_body("Nobody waits for the answer any more"))


def _foo(_: Exchange) -> Response:
    return Response(500, error_body("Internal server error"))
