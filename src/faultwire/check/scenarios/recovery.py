"""What was broken and is whole again is used again, at once."""

from faultwire.check.model import Group
from faultwire.check.scenario import TRACED, Need, Play, Scenario
from faultwire.check.scenarios import expectations as expect
from faultwire.check.stage import Stage

_UPSTREAM = frozenset({Need.WIRE, Need.UPSTREAM})
_BACK_WITHIN_S = 10.0
"""How long a circuit breaker may stay open behind an outage."""


async def _upstream_restarts(stage: Stage) -> None:
    tokens = await expect.crowd_in_time(stage, 16, else_few=4)
    await expect.all_good(stage, tokens)
    await stage.upstream.stop()
    try:
        await stage.ask()
    finally:
        await stage.upstream.start()
    await expect.all_good(stage, [stage.token() for _ in tokens])


async def _long_outage(stage: Stage) -> None:
    at_once = len(expect.crowd(stage, 8, else_few=1))
    await stage.upstream.stop()
    try:
        await stage.ask_many([stage.token() for _ in range(80)], at_once=at_once)
    finally:
        await stage.upstream.start()
    stage.figure("back_after_s", round(await _back_after_s(stage), 3))
    await stage.is_well()


async def _back_after_s(stage: Stage) -> float:
    passed = 0.0
    async for passed in stage.watch(_BACK_WITHIN_S):
        answer = await stage.ask()
        if answer.status in stage.spec.good.statuses:
            stage.is_good(answer)
            return passed
    stage.expect(False, f"{passed:.0f} s after the upstream's return it still failed")
    return passed


async def _upstream_pauses(stage: Stage) -> None:
    stage.is_good(await stage.ask())
    await stage.upstream.pause()
    try:
        await stage.ask()
    finally:
        await stage.upstream.resume()
    for _ in range(4):  # its late answer to the first request comes now
        stage.is_good(await stage.ask())


def _stale_keepalive(how: str) -> Play:
    async def play(stage: Stage) -> None:
        expect.must_be_idempotent(stage)
        for _ in range(3):
            stage.is_good(await stage.ask())
            token = stage.token()
            # One connection of the pool: how many there are is the doing of other scenarios.
            async with stage.breaking("stale_keepalive", tokens=[token], how=how, first=1):
                answer = await stage.ask(token=token)
            seen = await stage.seen(token)
            if not any(attempt.fault for attempt in seen):
                stage.note("The target used a new connection: there was no race to lose.")
            stage.is_good(answer)

    return play


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        id="recovery.upstream_restarts",
        group=Group.RECOVERY,
        title="When the upstream returns, the target serves at once",
        weight=5,
        does="Fills the target's pool, stops the upstream, asks once, and starts it again.",
        expects="Only good answers from its return on.",
        why="Connections from before the restart are dead; who uses them fails without need.",
        mend="Drop pooled connections that have ended, and replay on a fresh one.",
        source="RFC 9112 section 9.3.1; golang/go#19943",
        play=_upstream_restarts,
        needs=_UPSTREAM,
        alone=True,
    ),
    Scenario(
        id="recovery.long_outage",
        group=Group.RECOVERY,
        title="Also a long outage is over when it is over",
        weight=4,
        does="Stops the upstream for 80 requests and starts it again.",
        expects="Good answers again within 10 s of its return.",
        why="A breaker that stays open, or a backoff that has grown, prolongs every outage.",
        mend="Let a breaker try again soon, and let one success close it.",
        source="Nygard: Release It!, circuit breaker",
        play=_long_outage,
        needs=_UPSTREAM,
        alone=True,
        within_s=60.0,
    ),
    Scenario(
        id="recovery.upstream_pauses",
        group=Group.RECOVERY,
        title="A frozen upstream is used again when it goes on",
        weight=4,
        does="Freezes the upstream's process, asks once, and lets it go on.",
        expects="Good answers as soon as it goes on, each to its own request.",
        why="A frozen process keeps its connections: the kernel still answers for it.",
        mend="Give every call a deadline, and drop the connection of a call that missed it.",
        source="kill(2): SIGSTOP; Jepsen: process pauses",
        play=_upstream_pauses,
        needs=_UPSTREAM,
        alone=True,
    ),
    Scenario(
        id="recovery.keepalive_fin",
        group=Group.RECOVERY,
        title="A pooled connection that the upstream closes is nobody's failure",
        weight=4,
        does="Closes a kept-alive connection just as the next request arrives on it.",
        expects="A good answer: the request is sent again on a fresh connection.",
        why="Idle timeouts cross with requests all the time: the commonest cause of stray 502s.",
        mend="Replay an idempotent request once when a reused connection ends without a byte.",
        source="RFC 9112 section 9.3.1; psf/requests#4664",
        play=_stale_keepalive("fin"),
        needs=TRACED,
        alone=True,
    ),
    Scenario(
        id="recovery.keepalive_rst",
        group=Group.RECOVERY,
        title="A pooled connection that the upstream resets is nobody's failure",
        weight=3,
        does="Resets a kept-alive connection just as the next request arrives on it.",
        expects="A good answer: the request is sent again on a fresh connection.",
        why="Who arrives after the close is answered by a reset: the same race, seen later.",
        mend="Replay an idempotent request once when a reused connection is reset without a byte.",
        source="RFC 9112 section 9.3.1; hyperium/hyper#2136",
        play=_stale_keepalive("rst"),
        needs=TRACED,
        alone=True,
    ),
)
