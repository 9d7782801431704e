"""What fails stays where it is: health, other requests, and what is held for them."""

from asyncio import Task
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import NamedTuple

from faultwire.check.model import Group
from faultwire.check.scenario import TRACED, Need, Scenario
from faultwire.check.scenarios import expectations as expect
from faultwire.check.stage import Answer, CannotPlay, Stage

_OK = 200
_MEMORY_BYTES = 32 * expect.MIB
_SPARE_CONNECTIONS = 2
_SPARE_DESCRIPTORS = 8
_TEN_FAILURES_S = 2.2


@asynccontextmanager
async def _hanging(stage: Stage, tokens: Sequence[str]) -> AsyncIterator[list[Task[Answer]]]:
    """Requests that hang in the upstream, mostly all of them when the block begins."""
    async with (
        stage.breaking("hang", tokens=tokens),
        expect.meanwhile(*(stage.ask(token=token) for token in tokens)) as hanging,
    ):
        await stage.seen("", at_least=len(tokens), within_s=0.15 * stage.spec.budget_s)
        yield hanging


async def _before(stage: Stage, hanging: Sequence[Task[Answer]], what: str) -> None:
    """What has just come did not have to wait until one that hung was over.

    No times are compared: whoever is blocked by them comes after, on any machine. Those that the
    target has shed without calling its upstream did not hang.
    """
    for answer in [task.result() for task in hanging if task.done()]:
        hung = await stage.seen(answer.token, at_least=0)
        stage.expect(not hung, f"{what} came only when a request that hung was over")


async def _ask_health(stage: Stage, path: str) -> None:
    answer = await stage.ask(target=path)
    stage.expect(answer.status == _OK, f"health answered {answer.status or answer.error}")
    expect.in_time(stage, answer)


async def _health_while_hanging(stage: Stage) -> None:
    path = expect.health_path(stage)
    tokens = expect.crowd(stage, 64, else_few=3)
    everything = stage.breaking("hang", tokens=(), match={"path": "*"})
    async with everything, _hanging(stage, tokens) as hanging:
        await _ask_health(stage, path)
        await _before(stage, hanging, "health")


async def _health_without_upstream(stage: Stage) -> None:
    path = expect.health_path(stage)
    async with stage.breaking("refuse"):
        await stage.ask()
        await _ask_health(stage, path)


async def _others_while_hanging(stage: Stage) -> None:
    async with _hanging(stage, [stage.token() for _ in range(3)]) as hanging:
        answer = await stage.ask()
        await _before(stage, hanging, "the answer to another request")
    stage.is_good(answer)


class _Held(NamedTuple):
    """What a target holds: connections to its upstream, descriptors, and calls under way."""

    connections: int
    descriptors: int
    calls: int = 0


async def _held(stage: Stage) -> _Held:
    connections = stage.process.upstream_connections()
    descriptors = stage.process.descriptors()
    calls = [attempt for attempt in await stage.seen("", at_least=0) if not attempt.ended_at]
    return _Held(connections or 0, descriptors or 0, len(calls))


async def _connections_return(stage: Stage) -> None:
    tokens = expect.crowd(stage, 32, else_few=3)
    async with stage.breaking("close_on_accept"):  # warms up, and empties the pool
        await stage.ask_many([stage.token() for _ in tokens], at_once=len(tokens))
    await stage.is_well()  # a breaker that is open would let nothing hang
    before = await _held(stage)
    after = await _held_behind_timeouts(stage, tokens, before)
    if not after.calls and _left(before, after):
        stage.note(f"{_left(before, after)} after {len(tokens)} calls: a pool, or a leak?")
        before = after
        tokens = [stage.token() for _ in tokens]
        after = await _held_behind_timeouts(stage, tokens, before)
    for name, was, now in zip(_Held._fields, before, after, strict=True):
        stage.figure(f"{name}_before", was)
        stage.figure(f"{name}_after", now)
    left = _left(before, after)
    stage.expect(not left, f"{len(tokens)} timed-out calls left {left}")
    await stage.is_well()
    await expect.all_good(stage, await expect.crowd_in_time(stage, 16, else_few=4))


async def _held_behind_timeouts(stage: Stage, tokens: Sequence[str], before: _Held) -> _Held:
    async with stage.breaking("hang", tokens=tokens):
        await stage.ask_many(tokens, at_once=len(tokens))
        return await _after_a_while(stage, before)


def _left(before: _Held, after: _Held) -> str:
    """What some calls have left behind, in words; empty for nothing.

    A pool may open a connection for each that it has given up, as that of Node's fetch does: it
    holds no more of them when it happens again.
    """
    if after.calls:
        return f"{after.calls} of themselves under way"
    if (more := after.connections - before.connections) > _SPARE_CONNECTIONS:
        return f"{more} connections to the upstream open"
    more = after.descriptors - before.descriptors
    return f"{more} descriptors open" if more > _SPARE_DESCRIPTORS else ""


async def _after_a_while(stage: Stage, before: _Held) -> _Held:
    """What the target holds when it has come down to what it held before, or in the end."""
    async for _ in stage.watch(2.0 + stage.budget_s):
        held = await _held(stage)
        if not held.calls and held.connections <= before.connections:
            break
    return await _held(stage)


async def _memory_after_failures(stage: Stage) -> None:
    began = monotonic()
    await _many_failures(stage, 10)
    if (took_s := monotonic() - began) > _TEN_FAILURES_S:
        raise CannotPlay(f"ten failures took it {took_s:.1f} s: 240 more are not waited for")
    await _many_failures(stage, 40)
    before = stage.process.memory_bytes()
    await _many_failures(stage, 200)
    grown = stage.process.memory_bytes() - before
    stage.figure("memory_before_bytes", before)
    stage.figure("memory_growth_bytes", grown)
    stage.expect(
        grown <= _MEMORY_BYTES, f"200 failures made its memory grow by {grown / expect.MIB:.0f} MiB"
    )


async def _many_failures(stage: Stage, count: int) -> None:
    tokens = [stage.token() for _ in range(count)]
    async with stage.breaking("status", tokens=tokens, code=500):
        await stage.ask_many(tokens, at_once=len(expect.crowd(stage, 8, else_few=1)))


async def _clients_leave(stage: Stage) -> None:
    tokens = expect.crowd(stage, 4, else_few=2)
    async with stage.breaking("hang", tokens=tokens):
        await stage.ask_many(tokens, at_once=len(tokens), timeout_s=0.25 * stage.spec.budget_s)
    await stage.is_well()


async def _slow_clients(stage: Stage) -> None:
    expect.must_be_concurrent(stage)
    half = b"GET / HTTP/1.1\r\nHost: slow\r\nX-Half: "
    clients = [stage.ask(raw=half, timeout_s=2 * stage.budget_s) for _ in range(8)]
    async with expect.meanwhile(*clients):
        for _ in range(3):
            stage.is_good(await stage.ask())


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        id="isolation.health_while_hanging",
        group=Group.ISOLATION,
        title="Health answers while the upstream hangs under load",
        weight=5,
        does="Sends 64 requests at once to a silent upstream and asks for health meanwhile.",
        expects="200, before the first of the requests that hang is over.",
        why="An orchestrator kills what does not say that it is well: the outage spreads.",
        mend="Do not let calls of the upstream take the workers or the loop that answer health, "
        "and call nobody in the health route.",
        source="Kubernetes: liveness probes; AWS Builders' Library: implementing health checks",
        play=_health_while_hanging,
        needs=frozenset({Need.WIRE, Need.HEALTH}),
        alone=True,
    ),
    Scenario(
        id="isolation.health_without_upstream",
        group=Group.ISOLATION,
        title="Health answers 200 while the upstream is down",
        weight=4,
        does="Refuses every connection to the upstream and asks for health.",
        expects="200 within the budget.",
        why="Restarting the caller does not mend the upstream; it only takes down both.",
        mend="Do not ask the upstream in the health route.",
        source="AWS Builders' Library: implementing health checks",
        play=_health_without_upstream,
        needs=frozenset({Need.WIRE, Need.HEALTH}),
        alone=True,
    ),
    Scenario(
        id="isolation.others_while_hanging",
        group=Group.ISOLATION,
        title="Requests that the failure does not meet are served meanwhile",
        weight=3,
        does="Lets 3 requests hang in the upstream and sends another, which it answers.",
        expects="A good answer, before the first of the requests that hang is over.",
        why="One slow part of the upstream should not use up what serves all the rest.",
        mend="Serve requests concurrently, and hold no lock while a call waits.",
        source="Nygard: Release It!, bulkheads",
        play=_others_while_hanging,
        needs=TRACED,
        alone=True,
    ),
    Scenario(
        id="isolation.connections_return",
        group=Group.ISOLATION,
        title="Calls that timed out leave no connection behind",
        weight=4,
        does="Lets 32 calls time out and counts connections and descriptors before and after.",
        expects="As many as before, within a few seconds, or no more when it happens again; then "
        "good answers to many at once.",
        why="Each outage takes some for ever, until no file can be opened any more.",
        mend="Close the connection also when the call fails: by with, finally or defer.",
        source="CWE-772; CWE-404",
        play=_connections_return,
        needs=frozenset({Need.WIRE, Need.PROCESS}),
        alone=True,
        within_s=60.0,
    ),
    Scenario(
        id="isolation.memory_after_failures",
        group=Group.ISOLATION,
        title="Failures leave no memory behind",
        weight=2,
        does="Lets 200 calls fail, after 50 to warm up, and compares the memory.",
        expects="Growth of less than 32 MiB.",
        why="What is kept of each failure, an exception with its frames, adds up in an outage.",
        mend="Keep no exceptions, requests or answers in lists or caches without a bound.",
        source="CWE-401",
        play=_memory_after_failures,
        needs=frozenset({Need.WIRE, Need.PROCESS}),
        alone=True,
        within_s=60.0,
    ),
    Scenario(
        id="isolation.clients_leave",
        group=Group.ISOLATION,
        title="Clients that leave before their answer do no harm",
        weight=3,
        does="Sends requests to a silent upstream and hangs up before the answer.",
        expects="The target lives and serves the next request.",
        why="People reload pages: in an outage most clients leave early.",
        mend="Expect the write of an answer to fail, and cancel the call when the client has gone.",
        source="CWE-248; RFC 9110 section 15.5.9",
        play=_clients_leave,
        needs=TRACED,
    ),
    Scenario(
        id="isolation.slow_clients",
        group=Group.ISOLATION,
        title="Clients that send half a request do not block the others",
        weight=1,
        does="Opens 8 connections with half a request each and sends whole ones beside them.",
        expects="Good answers to the whole ones.",
        why="A few idle connections are enough to stop a server with a worker for each.",
        mend="Serve connections concurrently, with a deadline for reading a request.",
        source="CVE-2007-6750 (Slowloris); CWE-400",
        play=_slow_clients,
        needs=frozenset(),
        advice=True,
    ),
)
