"""Service B under policies, or with several A's: the same routes and answers, another way to call.

It stands apart from `service_b`, whose calls cost a fraction of these: most pairs have one A and
no policies.
"""

import math
from random import Random
from time import monotonic, perf_counter

from faultwire.events import Called, Calling
from faultwire.http.address import Origin, parse_origin
from faultwire.http.client import Reply
from faultwire.http.message import BadRequest, Response
from faultwire.policy.attempt import Attempt
from faultwire.policy.breaker import Changed
from faultwire.policy.deadline import HEADER, InvalidDeadline, remaining_s
from faultwire.policy.sets import read_set
from faultwire.services.application import Answering, Application, Exchange
from faultwire.services.calls import Calls, Ended
from faultwire.services.service_b import ServiceB, combined
from faultwire.telemetry.snapshot import Policies
from faultwire.telemetry.trace_context import forwarded


class ResilientB(ServiceB):
    """Calls A as the policies say. A client that says how long it waits is believed."""

    async def start(self) -> None:
        """Open the pools."""
        await Application.start(self)  # not B's own pool
        settings = self._settings
        origins = [parse_origin(url) for url in settings.upstream]
        self._urls = {origin.authority: origin.url for origin in origins}
        self._calls = Calls(
            origins,
            read_set(settings.policy),
            most=settings.upstream_connections,
            random=Random(),  # noqa: S311 - jitter is no secret
            changed=self._breaker_changed,
        )
        self._metrics.policies = self._standing

    async def close(self) -> None:
        """Abort what is still in flight and close every connection to A."""
        self._calls.close()
        await Application.close(self)

    def _call(self, exchange: Exchange, target: str, msg: str | None) -> Answering:
        try:
            asked_s = remaining_s(exchange.request.headers)
        except InvalidDeadline as error:
            raise BadRequest(400, str(error)) from error
        return self._carry_out(exchange, target, msg, asked_s)

    async def _carry_out(
        self, exchange: Exchange, target: str, msg: str | None, asked_s: float | None
    ) -> Response:
        """Call A's `target`; its answer must echo `msg`, if there is one."""
        started = perf_counter()
        timeout_s = self.timeout_s if asked_s is None else min(self.timeout_s, asked_s)
        request_id = exchange.request_id.decode()
        if self._log.tells_calls:
            self._log.calling(Calling(self._upstream + target, timeout_s, request_id))

        def request(attempt: Attempt, origin: Origin) -> bytes:
            return self._request(attempt, origin, target, exchange)

        def judge(reply: Reply, origin: Origin) -> bytes:
            return combined(self._contract, reply, origin.url + target, msg)

        ended = await self._calls.call(request, judge, timeout_s=self.timeout_s, asked_s=asked_s)
        exchange.called = Called(
            self._url(ended) + target,
            timeout_s,
            request_id,
            ended.status,
            ended.requests,
            perf_counter() - started,
            ended.failure,
            ended.tries,
            ended.stopped_by or "",
        )
        return self._answer(exchange, exchange.called, ended)

    def _url(self, ended: Ended[bytes]) -> str:
        """The upstream whose answer, or failure, is the call's: of several the one that was tried.

        The addresses behind one name are all called by its name.
        """
        decisive = (t.address for t in reversed(ended.tries) if t.failure or t.status)
        return self._urls.get(next(decisive, ""), self._upstream)

    def _request(self, attempt: Attempt, origin: Origin, target: str, exchange: Exchange) -> bytes:
        trace = exchange.trace
        if trace is None:
            context = forwarded(exchange.request.headers)
        else:
            context = trace.attempt(attempt.number)
        hurry = attempt.deadline_header
        told = f"{HEADER}: {hurry}\r\n" if hurry is not None else ""
        host = origin if len(self._settings.upstream) > 1 else self._origin
        return (
            (
                f"GET {origin.base}{target} HTTP/1.1\r\nHost: {host.authority}\r\n"
                f"Accept: application/json\r\nUser-Agent: faultwire\r\n{told}"
                f"X-Envoy-Attempt-Count: {attempt.number}\r\nX-Request-ID: "
            ).encode()
            + exchange.request_id
            + context
            + b"\r\n\r\n"
        )

    def _answer(self, exchange: Exchange, called: Called, ended: Ended[bytes]) -> Response:
        if ended.failure is None:
            return Response(200, ended.value or b"")
        after = b""
        if ended.retry_after_s is not None:
            after = f"Retry-After: {max(math.ceil(ended.retry_after_s), 1)}\r\n".encode()
        return self._failed(exchange, called, ended.failure, after)

    # What can be seen of the policies.

    def _breaker_changed(self, change: Changed) -> None:
        level = "INFO" if change.after == "closed" else "WARNING"
        self._log.note(level, event="breaker", before=change.before, after=change.after)

    def _standing(self) -> Policies:
        conductor = self._calls.conductor
        tally = conductor.tally
        return Policies(
            tally.retries,
            tally.hedges,
            tally.hedges_won,
            {kind.value: count for kind, count in tally.refused.items()},
            {reason.value: count for reason, count in tally.stopped.items()},
            dict(conductor.standing(monotonic())),
        )
