"""Service A: it echoes, and it can fail on demand."""

import asyncio
import math
from time import perf_counter

import msgspec

from faultwire.http.message import BadRequest, Response, query_value
from faultwire.policy.deadline import InvalidDeadline, remaining_s
from faultwire.services import openapi
from faultwire.services.application import Answering, Application, Exchange, error_body
from faultwire.services.line import Line
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
        self._line = Line(settings.at_once or settings.max_connections)
        self.add_routes({"/echo": self._echo, "/foo": _foo})

    def _echo(self, exchange: Exchange) -> Response | Answering:
        try:
            left_s = remaining_s(exchange.request.headers)
        except InvalidDeadline as error:
            raise BadRequest(400, str(error)) from error
        if left_s is not None and left_s <= 0:
            return _too_late()
        response = _echoed(exchange)
        return self._work(exchange, response, left_s) if self._work_s else response

    async def _work(self, exchange: Exchange, response: Response, left_s: float | None) -> Response:
        """Take one's time, when it is one's turn."""
        done = await self._line.enter(left_s) and await self._worked(exchange, left_s)
        return response if done else _too_late()

    async def _worked(self, exchange: Exchange, left_s: float | None) -> bool:
        """Work, and make room. Whether it was in time; what was in vain is logged so."""
        began = perf_counter()
        rest_s = math.inf if left_s is None else max(left_s - (began - exchange.started), 0.0)
        done = False
        try:
            await asyncio.sleep(min(self._work_s, rest_s))
            done = self._work_s <= rest_s and perf_counter() - began <= rest_s
        finally:
            self._line.leave()
            if not done:
                exchange.wasted_s = perf_counter() - began
        return done


def _echoed(exchange: Exchange) -> Response:
    return Response(200, _encode({"echo": query_value(exchange.request.query, b"msg") or ""}))


def _too_late() -> Response:
    return Response(504, error_body("Nobody waits for the answer any more"))


def _foo(_: Exchange) -> Response:
    return Response(500, error_body("Internal server error"))
