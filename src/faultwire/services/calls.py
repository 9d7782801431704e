"""Calls to A under policies: several attempts, several addresses, one deadline.

The decisions are `faultwire.policy`'s, which knows neither sockets nor clocks; here they are
carried out. A call without policies does not come here (`service_b`): it costs less.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from random import Random
from time import monotonic, time
from typing import Generic, NamedTuple, TypeVar

from faultwire.events import Tried
from faultwire.failures import Failure, FailureKind
from faultwire.http.address import Origin
from faultwire.http.call import Call
from faultwire.http.client import Reply
from faultwire.http.pool import Pool
from faultwire.policy.attempt import Attempt, Done, Start, Wait
from faultwire.policy.breaker import Changed
from faultwire.policy.conductor import Conductor
from faultwire.policy.plan import Plan
from faultwire.policy.retry import Refusal, retry_after_s
from faultwire.policy.sets import PolicySet
from faultwire.services.addresses import Addresses

T = TypeVar("T")
_RETIRED_S = 3700.0  # longer than any deadline


class Ended(NamedTuple, Generic[T]):
    """A call that has ended: with a `value`, or else with a `failure`.

    `requests` counts what was sent or tried, replays on stale connections included. `stopped_by`
    is why the last failure was not retried, `retry_after_s` what the client may be told.
    """

    value: T | None
    failure: Failure | None
    status: int
    requests: int
    tries: tuple[Tried, ...]
    stopped_by: Refusal | None
    retry_after_s: float | None


class Calls:
    """All calls of one process to A. Needs a running event loop.

    `most` bounds the connections to each address; `random` is all the chance there is.
    """

    def __init__(
        self,
        origins: Sequence[Origin],
        policies: PolicySet,
        *,
        most: int,
        random: Random,
        changed: Callable[[Changed], object] | None = None,
    ) -> None:
        self._most = most
        self._pools: dict[str, Pool] = {}
        self._balances = len(origins) > 1 or policies.balance is not None
        self._first = origins[0].authority
        names = [origin.authority for origin in origins]
        self._gone: dict[str, float] = {}  # since when a pool's address is none any more
        self.conductor = Conductor(policies, random, names if self._balances else (), changed)
        self._take(origins)
        self._addresses: Addresses | None = None
        if self._balances and len(origins) == 1:
            self._addresses = Addresses(origins[0], self._moved)

    def close(self) -> None:
        """Abort what is in flight, and close every connection."""
        if self._addresses is not None:
            self._addresses.close()
        for pool in self._pools.values():
            pool.close()

    async def call(
        self,
        request: Callable[[Attempt, Origin], bytes],
        judge: Callable[[Reply, Origin], T],
        *,
        timeout_s: float,
        asked_s: float | None = None,
    ) -> Ended[T]:
        """Carry out one idempotent call, which ends within `timeout_s`, or `asked_s` if less.

        `request` makes the bytes of an attempt; `judge` makes the value of an answer, or raises
        `Failure`. Cancelling it aborts every attempt.
        """
        run = _Run(self, request, judge)
        plan = self.conductor.begin(monotonic(), timeout_s, asked_s=asked_s, wake=run.move)
        return await run.carry_out(plan)

    def pool(self, attempt: Attempt) -> Pool:
        """Where an attempt is made."""
        return self._pools[attempt.address or self._first]

    # The addresses behind one name.

    def _take(self, origins: Iterable[Origin]) -> None:
        for origin in origins:
            if origin.authority not in self._pools:
                self._pools[origin.authority] = Pool(origin, most=self._most)

    def _moved(self, origins: Sequence[Origin]) -> None:
        """The name has other addresses. Those that are gone may finish what they have begun."""
        self._take(origins)
        names = [origin.authority for origin in origins]
        self.conductor.update(names)
        now = monotonic()
        gone = self._pools.keys() - {*names, self._first}
        self._gone = {name: self._gone.get(name, now) for name in gone}
        loop = asyncio.get_running_loop()
        loop.call_later(_RETIRED_S, self._drop_the_gone, now)

    def _drop_the_gone(self, until: float) -> None:
        """End what was gone by then: others may have gone only now."""
        for name in [name for name, since in self._gone.items() if since <= until]:
            del self._gone[name]
            self._pools.pop(name).close()


class _Run(Generic[T]):
    """One call under way: its attempts in flight, and what it waits for."""

    def __init__(
        self,
        calls: Calls,
        request: Callable[[Attempt, Origin], bytes],
        judge: Callable[[Reply, Origin], T],
    ) -> None:
        self._calls = calls
        self._request = request
        self._judge = judge
        self._loop = asyncio.get_running_loop()
        self._flying: dict[Attempt, Call] = {}
        self._began: dict[Attempt, float] = {}
        self._answers: dict[Attempt, tuple[T, int]] = {}
        self._tries: list[Tried] = []
        self._requests = 0
        self._status = 0
        self._broken: BaseException | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._has_moved = False

    async def carry_out(self, plan: Plan) -> Ended[T]:
        """Do what the plan says until it says that the call has ended."""
        self._plan = plan
        try:
            while True:
                step = plan.next(monotonic())
                if isinstance(step, Start):
                    self._start(step.attempt)
                elif isinstance(step, Wait):
                    await self._wait(step.until)
                elif isinstance(step, Done):
                    value, self._status = self._answers[step.attempt]
                    return self._ended(value, None, None)
                else:
                    return self._ended(None, step.failure, step.retry_after_s)
        finally:
            plan.close(monotonic())
            for attempt in list(self._flying):
                self._land(attempt).cancel()
            del self._plan, self._judge, self._request, self._broken  # they refer to whoever asked

    def move(self) -> None:
        """Something has happened: ask the plan again."""
        self._has_moved = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _start(self, attempt: Attempt) -> None:
        pool = self._calls.pool(attempt)
        request = self._request(attempt, pool.origin)
        # Once, and counted: else a broken upstream would be asked more often than is allowed.
        replays = attempt.number == 1
        call = pool.call(request, timeout_s=attempt.timeout_s, idempotent=replays)
        self._flying[attempt] = call
        self._began[attempt] = time()
        call.add_done_callback(partial(self._landed, attempt))

    async def _wait(self, until: float | None) -> None:
        if not self._has_moved:
            self._waiting = self._loop.create_future()
            timer = None
            if until is not None:
                timer = self._loop.call_later(max(until - monotonic(), 0.0), self.move)
            try:
                await self._waiting
            finally:
                self._waiting = None
                if timer is not None:
                    timer.cancel()
        self._has_moved = False
        if self._broken is not None:
            raise self._broken

    def _landed(self, attempt: Attempt, call: Call) -> None:
        if attempt not in self._flying:
            return  # given up
        if call.cancelled():
            self._break(asyncio.CancelledError())  # the pool is closed
            return
        failure, retry_s, status = call.exception(), None, 0
        if not isinstance(failure, Failure):
            reply = call.result()
            status = reply.status
            try:
                failure, retry_s = self._judged(attempt, call, reply)
            except Exception as error:  # noqa: BLE001 - the judge's defect, told to whoever asked
                self._break(error)
                return
        self._land(attempt, status, failure and failure.without_frames())
        if failure is None:
            self._plan.succeeded(attempt, monotonic())
        else:
            self._status = status
            self._plan.failed(attempt, failure, monotonic(), retry_s, call.attempts)
        self.move()

    def _break(self, error: BaseException) -> None:
        self._broken = error
        self.move()

    def _judged(
        self, attempt: Attempt, call: Call, reply: Reply
    ) -> tuple[Failure | None, float | None]:
        try:
            self._answers[attempt] = (
                self._judge(reply, self._calls.pool(attempt).origin),
                reply.status,
            )
        except Failure as failure:
            if failure.kind is FailureKind.RESPONSE_INVALID:
                call.distrust()
            after = reply.headers.get(b"retry-after")
            return failure, None if after is None else retry_after_s(after, time())
        return None, None

    def _land(self, attempt: Attempt, status: int = 0, failure: Failure | None = None) -> Call:
        call = self._flying.pop(attempt)
        self._requests += call.attempts
        began = self._began.pop(attempt)
        took_s = max(time() - began, 0.0)
        address = attempt.address or ""
        done = Tried(attempt.number, address, attempt.hedge, began, took_s, status, failure)
        self._tries.append(done)
        return call

    def _ended(self, value: T | None, failure: Failure | None, retry_s: float | None) -> Ended[T]:
        for attempt in list(self._flying):  # a hedge that came second
            self._land(attempt).cancel()
        return Ended(
            value,
            failure,
            self._status,
            self._requests,
            tuple(self._tries),
            self._plan.stopped_by,
            retry_s,
        )
