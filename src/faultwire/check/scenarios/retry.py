"""Another attempt helps one request, and too many of them bring down an upstream."""

from faultwire.check.model import Group, WireSaw
from faultwire.check.scenario import TRACED, Play, Scenario
from faultwire.check.scenarios import expectations as expect
from faultwire.check.stage import Stage

_MOST_ATTEMPTS = 3
_RETRY_AFTER_S = 30


async def _attempts_under(stage: Stage, fault: str, **attributes: object) -> list[WireSaw]:
    token = stage.token()
    async with stage.breaking(fault, tokens=[token], **attributes):
        await stage.ask(token=token)
        return await expect.attempts(stage, token)


def _amplification(fault: str, **attributes: object) -> Play:
    async def play(stage: Stage) -> None:
        seen = await _attempts_under(stage, fault, **attributes)
        stage.expect(
            len(seen) <= _MOST_ATTEMPTS,
            f"one request became {len(seen)} calls; {_MOST_ATTEMPTS} were allowed",
        )

    return play


async def _budget(stage: Stage) -> None:
    expect.must_be_idempotent(stage)
    tokens = expect.crowd(stage, 30, else_few=10)
    async with stage.breaking("status", tokens=tokens, code=503):
        await stage.ask_many(tokens, at_once=min(len(tokens), 10))
        calls = len(await stage.seen("", at_least=0))
    stage.figure("requests", len(tokens))
    stage.figure("calls", calls)
    stage.expect(
        calls <= 2 * len(tokens),
        f"while everything fails, {len(tokens)} requests became {calls} calls",
    )


async def _not_replayed(stage: Stage) -> None:
    expect.must_not_be_idempotent(stage)
    for fault, attributes in (
        ("status", {"code": 503}),
        ("reset", {"after_bytes": 0}),
        ("empty_response", {}),
        ("hang", {}),
    ):
        seen = await _attempts_under(stage, fault, **attributes)
        sent = f"{expect.method(stage)} was sent {len(seen)} times"
        stage.expect(len(seen) == 1, f"{sent} when {fault} had hidden its outcome")


def _not_again(code: int) -> Play:
    async def play(stage: Stage) -> None:
        seen = await _attempts_under(stage, "status", code=code)
        stage.expect(len(seen) == 1, f"a {code} was asked for {len(seen)} times")

    return play


def _retry_after(code: int) -> Play:
    async def play(stage: Stage) -> None:
        seen = await _attempts_under(stage, "status", code=code, retry_after_s=_RETRY_AFTER_S)
        asked = f"told to come again in {_RETRY_AFTER_S} s, it called {len(seen)} times at once"
        stage.expect(len(seen) == 1, asked)

    return play


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        id="retry.amplification_error",
        group=Group.RETRY,
        title="An error is not multiplied by retries",
        weight=3,
        does="Lets every attempt of one request get a 503, and counts them.",
        expects="At most 3 attempts.",
        why="Retries multiply at every hop: three hops with four attempts each make 64 calls.",
        mend="Try twice at most, with jitter, and only in one layer.",
        source="Google SRE book, chapter 22: cascading failures",
        play=_amplification("status", code=503),
        needs=TRACED,
        advice=True,
    ),
    Scenario(
        id="retry.amplification_reset",
        group=Group.RETRY,
        title="A broken connection is not multiplied by retries",
        weight=3,
        does="Resets every attempt of one request, and counts them.",
        expects="At most 3 attempts.",
        why="Clients retry broken connections by themselves, beneath the retries that you wrote.",
        mend="Switch off the retries of the client or your own.",
        source="AWS Builders' Library: timeouts, retries and backoff with jitter",
        play=_amplification("reset", after_bytes=0),
        needs=TRACED,
        advice=True,
    ),
    Scenario(
        id="retry.amplification_timeout",
        group=Group.RETRY,
        title="A silent upstream is not asked again and again",
        weight=3,
        does="Lets every attempt of one request hang, and counts them.",
        expects="At most 3 attempts.",
        why="A slow upstream that is asked more often becomes slower.",
        mend="Spend the deadline on one attempt, or on two.",
        source="AWS Builders' Library: timeouts, retries and backoff with jitter",
        play=_amplification("hang"),
        needs=TRACED,
        advice=True,
    ),
    Scenario(
        id="retry.budget",
        group=Group.RETRY,
        title="While everything fails, retries stay within a budget",
        weight=2,
        does="Lets the upstream answer 503 to 30 requests, and counts the calls.",
        expects="At most twice as many calls as requests.",
        why="Retries help against stray failures; against an outage they are the second outage.",
        mend="Allow retries for a share of the requests, about a fifth, and no more.",
        source="Finagle: retry budgets; Envoy: retry_budget",
        play=_budget,
        needs=TRACED,
        advice=True,
    ),
    Scenario(
        id="retry.not_replayed",
        group=Group.RETRY,
        title="What must not happen twice is not sent twice",
        weight=5,
        does="Breaks a request of a method that is not idempotent, in four ways.",
        expects="One attempt each time: whether it took effect is not known.",
        why="The upstream may have done the work before it failed: then it is done twice.",
        mend="Retry GET, HEAD, PUT and DELETE only, or send an idempotency key.",
        source="RFC 9110 section 9.2.2",
        play=_not_replayed,
        needs=TRACED,
    ),
    Scenario(
        id="retry.client_error",
        group=Group.RETRY,
        title="A 404 is not asked for again",
        weight=1,
        does="Lets the upstream answer 404, and counts the attempts.",
        expects="One attempt.",
        why="The same request gets the same answer; asking again only costs.",
        mend="Retry 502, 503, 504 and broken connections, and nothing else.",
        source="RFC 9110 section 15.5.5",
        play=_not_again(404),
        needs=TRACED,
        advice=True,
    ),
    Scenario(
        id="retry.after_503",
        group=Group.RETRY,
        title="Retry-After on a 503 is honoured",
        weight=2,
        does="Lets the upstream answer 503 and ask for half a minute of peace.",
        expects="No other attempt for this request.",
        why="An overloaded upstream says when it can be asked again; sooner makes it worse.",
        mend="Read Retry-After, and fail at once where it is later than the deadline.",
        source="RFC 9110 section 10.2.3",
        play=_retry_after(503),
        needs=TRACED,
        advice=True,
    ),
    Scenario(
        id="retry.after_429",
        group=Group.RETRY,
        title="Retry-After on a 429 is honoured",
        weight=2,
        does="Lets the upstream answer 429 and ask for half a minute of peace.",
        expects="No other attempt for this request.",
        why="Who goes on over a limit is shut out for longer.",
        mend="Read Retry-After, and fail at once where it is later than the deadline.",
        source="RFC 6585 section 4",
        play=_retry_after(429),
        needs=TRACED,
        advice=True,
    ),
)
