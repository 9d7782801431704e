"""Many at once, and a good end."""

from collections.abc import Iterable
from time import time

from faultwire.check.model import Group, WireSaw
from faultwire.check.scenario import TRACED, Need, Scenario
from faultwire.check.scenarios import expectations as expect
from faultwire.check.stage import CannotPlay, Stage

_END_WITHIN_S = 10.0
"""What `docker stop` waits before it kills."""
_TRIES = 3
_DELAY = 0.4
_OVERRUN = 0.2
"""Shares of the budget: so long the wire holds up a call, and so much later is too little left."""


async def _concurrent(stage: Stage) -> None:
    tokens = await expect.crowd_in_time(stage, 64, else_few=10, at_least=12)
    stage.figure("requests_at_once", len(tokens))
    await expect.all_good(stage, tokens)


async def _sustained(stage: Stage) -> None:
    at_once = len(expect.crowd(stage, 10, else_few=1))
    tokens = [stage.token() for _ in range(200 if stage.concurrent else 50)]
    for answer in await stage.ask_many(tokens, at_once=at_once):
        stage.is_good(answer)


async def _mixed(stage: Stage) -> None:
    tokens = await expect.crowd_in_time(stage, 32, else_few=8)
    unlucky = set(tokens[::8])
    async with stage.breaking("reset", tokens=sorted(unlucky), after_bytes=0):
        answers = await stage.ask_many(tokens, at_once=len(tokens))
    for answer in answers:
        if answer.token not in unlucky:
            stage.is_good(answer)


async def _drain(stage: Stage) -> None:
    for _ in range(_TRIES):
        if await _drained(stage):
            return
    raise CannotPlay("its requests were over before it could be asked to end")


async def _drained(stage: Stage) -> bool:
    """False when the requests were over before the signal: a busy machine is late with it."""
    tokens = expect.crowd(stage, 8, else_few=1)
    delay_s = _DELAY * stage.spec.budget_s
    async with (
        stage.breaking("latency", tokens=tokens, delay_ms=1000 * delay_s),
        expect.meanwhile(stage.ask_many(tokens, at_once=len(tokens))) as [asking],
    ):
        for token in tokens:
            await stage.seen(token)
        if asking.done():
            return False
        status = await stage.process.terminate(_END_WITHIN_S + stage.budget_s)
        stage.figure("exit_status", "still alive" if status is None else status)
        answers = await asking
        late_s = overrun_s(await stage.seen(""), delay_s, time())
        if late_s > _OVERRUN * stage.spec.budget_s:
            stage.disturbed(f"The wire's own delay of {delay_s:g} s took {late_s:.2f} s longer.")
        for answer in answers:
            stage.expect(answer.status > 0, f"a request under way was dropped: {answer.error}")
            stage.is_good(answer)
    stage.expect(
        status is not None,
        f"{_END_WITHIN_S:.0f} s after {stage.spec.b.stop_signal} it was still alive",
    )
    return True


def overrun_s(seen: Iterable[WireSaw], delay_s: float, now: float) -> float:
    """How much longer than asked for the wire's delay has taken, at worst; 0 if it was on time."""
    took = ((each.ended_at or now) - each.started_at for each in seen if each.fault)
    return max([0.0, *(took_s - delay_s for took_s in took)])


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        id="load.concurrent",
        group=Group.LOAD,
        title="Many requests at once are all answered well",
        weight=4,
        does="Sends 64 requests at once, or as many as the target can answer in time by its speed.",
        expects="As many good answers, each with its own text.",
        why="A page with many parts, or a few eager clients, send that many.",
        mend="Look for limits: workers, the listen queue, the pool of connections, descriptors.",
        source="listen(2): backlog",
        play=_concurrent,
        needs=frozenset(),
        alone=True,
    ),
    Scenario(
        id="load.sustained",
        group=Group.LOAD,
        title="200 requests in a row are all answered well",
        weight=3,
        does="Sends 200 requests, ten at a time, or 50 to a target that takes one at a time.",
        expects="Only good answers.",
        why="What fails once in a hundred is not seen by hand, and happens all day.",
        mend="Look at what is opened for each request and not closed, and at the keep-alive race.",
        source="Dean and Barroso: The tail at scale",
        play=_sustained,
        needs=frozenset(),
    ),
    Scenario(
        id="load.mixed",
        group=Group.LOAD,
        title="Some failures among many requests meet only those requests",
        weight=3,
        does="Sends many requests at once and resets every eighth of their calls.",
        expects="Good answers for all others.",
        why="A shared connection or session that one failure spoils fails them all.",
        mend="Handle each call on its own; close only the connection that failed.",
        source="Nygard: Release It!, bulkheads",
        play=_mixed,
        needs=TRACED,
    ),
    Scenario(
        id="load.drain",
        group=Group.LOAD,
        title="SIGTERM finishes requests under way, and then the process",
        weight=4,
        does="Sends requests, waits until they are with the upstream, and sends SIGTERM "
        "(or the signal that the spec names).",
        expects="Good answers to all of them, and the end of the process within 10 s.",
        why="Every deployment ends processes: without a drain, each of them loses requests.",
        mend="On SIGTERM stop accepting, finish what is under way, then exit; set it a deadline.",
        source="Kubernetes: termination of pods; The twelve-factor app, IX",
        play=_drain,
        needs=frozenset({Need.WIRE, Need.TRACE, Need.PROCESS}),
        alone=True,
        within_s=40.0,
    ),
)
