"""The answer comes within the target's budget, whatever the upstream does meanwhile."""

from faultwire.check.model import Group
from faultwire.check.scenario import TRACED, Play, Scenario
from faultwire.check.scenarios import expectations as expect
from faultwire.check.stage import Stage

_NEVER_MS = 60_000
_IN_TIME = "An answer within the budget; behind it the target serves as before."
_TOTAL = (
    "Put one deadline around the whole call, body included: a timeout of the client's is mostly"
    " one between two reads."
)


def _drip_ms(stage: Stage) -> float:
    """Steps that no timeout between two reads of the budget's size ever ends."""
    return 300 * stage.spec.budget_s


def _late(fault: str, attributes: expect.Attributes) -> Play:
    return expect.broken_by(fault, attributes, expect.answered)


def _dripping(fault: str) -> Play:
    return _late(fault, lambda s: {"bytes_per_step": 1, "interval_ms": _drip_ms(s)})


def _quick(fault: str, **attributes: object) -> Play:
    """A failure that there is nothing to wait for comes long before any time-out."""

    async def play(stage: Stage) -> None:
        answer = await expect.answer_under(stage, fault, **attributes)
        expect.answered(stage, answer)
        allowed_s = expect.quick_s(stage)
        stage.expect(
            answer.took_s <= allowed_s,
            f"the failure was there at once, the answer after {answer.took_s:.2f} s;"
            f" {allowed_s:.2f} s were allowed",
        )

    return play


async def _patience(stage: Stage) -> None:
    delay_ms = 200 * stage.spec.budget_s
    stage.is_good(await expect.answer_under(stage, "latency", delay_ms=delay_ms))


async def _slow_accept(stage: Stage) -> None:
    delay_ms = 200 * stage.spec.budget_s
    stage.is_good(await expect.answer_under(stage, "slow_accept", delay_ms=delay_ms))


async def _across_attempts(stage: Stage) -> None:
    token = stage.token()
    delay_ms = 400 * stage.spec.budget_s
    async with (
        stage.breaking("latency", tokens=[token], delay_ms=delay_ms),
        stage.breaking("status", tokens=[token], code=503),
    ):
        expect.answered(stage, await stage.ask(token=token))
    await stage.is_well()


async def _lets_go(stage: Stage) -> None:
    token = stage.token()
    async with stage.breaking("hang", tokens=[token]):
        expect.answered(stage, await stage.ask(token=token))
        held = await _held_s(stage, token)
    stage.figure("held_after_the_answer_s", round(held, 3))
    allowed_s = stage.budget_s
    stage.expect(held <= allowed_s, f"{allowed_s:.1f} s after its answer it still held the call")


async def _held_s(stage: Stage, token: str) -> float:
    """How long the target kept a call open that it had given up."""
    passed = 0.0
    async for passed in stage.watch(stage.budget_s * 1.2):
        if all(attempt.let_go_at for attempt in await stage.seen(token)):
            return passed
    return passed + stage.budget_s


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        id="deadline.hang",
        group=Group.DEADLINE,
        title="An upstream that never answers does not hold the target",
        weight=5,
        does="Takes the request and stays silent.",
        expects=_IN_TIME,
        why="Without a deadline the request hangs for minutes, and so does everybody behind it.",
        mend="Give every call a timeout: most clients have none unless told.",
        source="CWE-1088; psf/requests: timeouts",
        play=expect.broken("hang", expect.answered),
    ),
    Scenario(
        id="deadline.hang_before",
        group=Group.DEADLINE,
        title="A request that never reaches the upstream does not hold the target",
        weight=3,
        does="Holds the request back before the upstream, and stays silent.",
        expects=_IN_TIME,
        why="Queues before a service swallow requests that it never sees.",
        mend="Give every call a timeout: most clients have none unless told.",
        source="CWE-1088",
        play=expect.broken("hang", expect.answered, phase="before"),
    ),
    Scenario(
        id="deadline.latency",
        group=Group.DEADLINE,
        title="An answer that comes too late is not waited for",
        weight=4,
        does="Delays a good answer to three times the budget.",
        expects=_IN_TIME,
        why="Slow is the usual way of being down, and it takes the callers along.",
        mend="Give every call a timeout that is shorter than your own budget.",
        source="Google SRE book, chapter 22: cascading failures",
        play=_late("latency", lambda s: {"delay_ms": 3000 * s.budget_s}),
    ),
    Scenario(
        id="deadline.slow_headers",
        group=Group.DEADLINE,
        title="A head that drips byte by byte is given up in time",
        weight=4,
        does="Sends the head of the answer byte by byte, often enough that no read times out.",
        expects=_IN_TIME,
        why="A timeout between two reads never fires: the call lasts as long as the peer likes.",
        mend=_TOTAL,
        source="psf/requests#7350; CVE-2007-6750 (Slowloris), from the other side",
        play=_dripping("slow_headers"),
    ),
    Scenario(
        id="deadline.slow_body",
        group=Group.DEADLINE,
        title="A body that drips byte by byte is given up in time",
        weight=5,
        does="Sends the body of the answer byte by byte, often enough that no read times out.",
        expects=_IN_TIME,
        why="A timeout between two reads never fires: the call lasts as long as the peer likes.",
        mend=_TOTAL,
        source="psf/requests#7350; encode/httpx#1450",
        play=_dripping("slow_body"),
    ),
    Scenario(
        id="deadline.bandwidth",
        group=Group.DEADLINE,
        title="An answer through a narrow pipe is given up in time",
        weight=3,
        does="Lets a few bytes of the answer pass in each budget.",
        expects=_IN_TIME,
        why="A saturated link delivers something all the time, and never the answer.",
        mend=_TOTAL,
        source="Toxiproxy bandwidth",
        play=_late("bandwidth", lambda s: {"bytes_per_s": max(int(8 / s.budget_s), 1)}),
    ),
    Scenario(
        id="deadline.endless_body",
        group=Group.DEADLINE,
        title="A body that never ends is given up in time",
        weight=4,
        does="Sends one small chunk after the other without a last one.",
        expects=_IN_TIME,
        why="Neither a timeout between reads nor a bound on memory ends a slow endless stream.",
        mend=_TOTAL,
        source="CWE-835",
        play=_late("endless_body", lambda s: {"interval_ms": _drip_ms(s)}),
    ),
    Scenario(
        id="deadline.slow_close",
        group=Group.DEADLINE,
        title="An answer whose end is missing is not waited for",
        weight=3,
        does="Sends the whole answer without a length, and keeps the connection open.",
        expects="The good answer or a failure, within the budget.",
        why="Only the end of the connection would end this body, and it does not come.",
        mend=_TOTAL,
        source="RFC 9112 section 6.3",
        play=expect.broken("slow_close", expect.answered, delay_ms=_NEVER_MS),
    ),
    Scenario(
        id="deadline.blackhole",
        group=Group.DEADLINE,
        title="An upstream whose packets vanish does not hold the target",
        weight=4,
        does="Leaves the handshake of every new connection unanswered.",
        expects=_IN_TIME,
        why="The kernel tries for two minutes; timeouts for reading do not count while connecting.",
        mend="Let the deadline include connecting, or give connecting a timeout of its own.",
        source="RFC 6298; tcp(7): tcp_syn_retries",
        play=expect.broken("blackhole", expect.answered),
        alone=True,
    ),
    Scenario(
        id="deadline.slow_accept",
        group=Group.DEADLINE,
        title="A connection that is served late, but in time, is used",
        weight=2,
        does="Accepts each connection and leaves it lying for a fifth of the budget.",
        expects="The good answer.",
        why="An upstream that has just started is slow at first; giving up keeps it unused.",
        mend="Let the deadline be what the caller can wait, also for connecting.",
        source="listen(2): backlog",
        play=_slow_accept,
        alone=True,
    ),
    Scenario(
        id="deadline.refused_quickly",
        group=Group.DEADLINE,
        title="A refusal is answered at once, not after the whole time-out",
        weight=4,
        does="Refuses every connection and looks when the failure comes.",
        expects="An answer within three quarters of the budget.",
        why="There is nothing to wait for; who retries until the end adds load to an outage.",
        mend="Do not retry a refusal until the deadline; a quick retry or two are enough.",
        source="Google SRE book, chapter 22: cascading failures",
        play=_quick("refuse"),
        alone=True,
    ),
    Scenario(
        id="deadline.reset_quickly",
        group=Group.DEADLINE,
        title="A reset is answered at once, not after the whole time-out",
        weight=3,
        does="Resets the connection instead of an answer and looks when the failure comes.",
        expects="An answer within three quarters of the budget.",
        why="The failure is known at once; waiting helps nobody.",
        mend="Answer when the last attempt has failed, not when the time is over.",
        source="RFC 9293 section 3.5.3",
        play=_quick("reset", after_bytes=0),
    ),
    Scenario(
        id="deadline.across_attempts",
        group=Group.DEADLINE,
        title="Retries do not begin the deadline anew",
        weight=3,
        does="Lets every attempt fail after almost half of the budget.",
        expects="An answer within the budget, however many attempts it took.",
        why="Three attempts with a timeout each take three times as long as the caller waits.",
        mend="Share one deadline between all attempts, and start none without time for it.",
        source="gRPC: deadlines and retries",
        play=_across_attempts,
        needs=TRACED,
    ),
    Scenario(
        id="deadline.patience",
        group=Group.DEADLINE,
        title="An answer that is slow, but in time, is used",
        weight=3,
        does="Delays a good answer to a fifth of the budget.",
        expects="The good answer.",
        why="A deadline that is too short makes failures out of slow answers.",
        mend="Let the deadline be what the caller can wait, not what is usual.",
        source="AWS Builders' Library: timeouts, retries and backoff with jitter",
        play=_patience,
    ),
    Scenario(
        id="deadline.lets_go",
        group=Group.DEADLINE,
        title="A call that was given up is let go of",
        weight=2,
        does="Lets the upstream stay silent, and watches how long the connection lives on.",
        expects="The target ends the call's connection with its own answer, or soon after.",
        why="Who answers and leaves the call running keeps the upstream at work for nobody.",
        mend="Cancel the call, or close its connection, when its deadline passes.",
        source="gRPC: cancellation; Go: context",
        play=_lets_go,
        needs=TRACED,
        advice=True,
    ),
)
