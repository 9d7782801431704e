"""Every answer is the answer to its own request, and no log line is anybody else's."""

import re
from collections.abc import Iterable

from faultwire.check.model import Group
from faultwire.check.scenario import TRACED, Need, Play, Scenario
from faultwire.check.scenarios import expectations as expect
from faultwire.check.stage import Stage

_FAILURES: tuple[tuple[str, dict[str, object]], ...] = (
    ("status", {"code": 503}),
    ("reset", {"after_bytes": 0}),
)
_CLEAR = "\x1b[2J"  # a terminal clears its screen
_LINE_END = re.compile(r"[\r\n]+")


async def _mixing(stage: Stage) -> None:
    tokens = await expect.crowd_in_time(stage, 16, else_few=6)
    upper_ms = 200 if stage.concurrent else 20
    async with stage.breaking("latency", tokens=tokens, lower_ms=0, upper_ms=upper_ms):
        await expect.all_good(stage, tokens)


def _surplus(delay_s: float) -> Play:
    async def play(stage: Stage) -> None:
        for _ in range(3):
            token = stage.token()
            async with stage.breaking("surplus", tokens=[token], delay_ms=1000 * delay_s):
                await stage.ask(token=token)
                async for _ in stage.watch(2 * delay_s):
                    """The second answer comes meanwhile."""
            for _ in range(3):
                stage.is_good(await stage.ask())

    return play


async def _late_answer(stage: Stage) -> None:
    await expect.answer_under(stage, "hang")
    for _ in range(6):  # mended: the answer comes now
        stage.is_good(await stage.ask())


async def _stale_cache(stage: Stage) -> None:
    old = await stage.ask()
    stage.is_good(old)
    for fault, attributes in _FAILURES:
        answer = await expect.answer_under(stage, fault, **attributes)
        stage.expect(
            answer.status == 0
            or (answer.body != old.body and old.token.encode() not in answer.body),
            f"when {fault} broke the upstream, it gave the answer to an earlier request",
        )
    stage.is_good(await stage.ask())


async def _stale_answer(stage: Stage) -> None:
    tokens = [stage.token(), stage.token()]
    async with stage.breaking("stale_answer", tokens=tokens):
        stage.is_good(await stage.ask(token=tokens[0]))
        answer = await stage.ask(token=tokens[1])
    good = answer.status in stage.spec.good.statuses
    taken = good and tokens[0].encode() in answer.body
    stage.expect(not taken, "it took the echo of another text for the answer to its own")
    stage.is_good(await stage.ask())


async def _log_forging(stage: Stage) -> None:
    token = stage.token()
    mark = f"forged-{token}"
    rest = f"{mark} service=B endpoint=/call-echo status=ok latency_ms=1"
    await stage.ask(token=token, text=f"{token}\n{rest}\r{rest}")
    if expect.is_lab(stage):
        await stage.ask(token=token, target=f"/{token}%0D%0A{rest.replace(' ', '%20')}")
    lines = await stage.log_lines(mark, within_s=0.5)
    forged = [part for part in _parts(lines) if part.lstrip().startswith(mark)]
    stage.expect(not forged, f"the log has a line that a client wrote: {forged[:1]}")


async def _log_escapes(stage: Stage) -> None:
    token = stage.token()
    await stage.ask(token=token, text=f"{token}{_CLEAR}\x1b]0;owned\x07")
    lines = await stage.log_lines(token, within_s=0.5)
    wild = [line for line in lines if _CLEAR in line]
    stage.expect(not wild, f"the log commands the terminal: {wild[:1]!r}")


def _parts(lines: Iterable[str]) -> Iterable[str]:
    return (part for line in lines for part in _LINE_END.split(line))


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        id="integrity.mixing",
        group=Group.INTEGRITY,
        title="Concurrent requests each get their own answer",
        weight=5,
        does="Sends many requests at once while the upstream answers them in another order.",
        expects="Each answer has the text of its own request, and of no other.",
        why="A variable that two requests share hands one person's data to another.",
        mend="Keep nothing of a request in globals or on a shared object.",
        source="CWE-362; CWE-488",
        play=_mixing,
        needs=TRACED,
    ),
    Scenario(
        id="integrity.surplus",
        group=Group.INTEGRITY,
        title="A second answer that nobody asked for is not given to the next request",
        weight=4,
        does="Lets the upstream send a forged answer behind a good one, then asks again.",
        expects="Every later request gets the answer to its own text.",
        why="Left in a pooled connection, it is taken for the next answer, and so on for ever.",
        mend="Use a client that discards connections with unread bytes, or do not keep them alive.",
        source="RFC 9112 section 6.3; aio-libs/aiohttp#13656; CWE-444",
        play=_surplus(0),
        needs=TRACED,
        alone=True,
    ),
    Scenario(
        id="integrity.surplus_idle",
        group=Group.INTEGRITY,
        title="What comes on an idle connection is not the answer to the next request",
        weight=3,
        does="Lets the upstream send a forged answer a moment after a good one, then asks again.",
        expects="Every later request gets the answer to its own text.",
        why="Nothing was asked, so that nothing that comes can be an answer; few clients look.",
        mend="Use a client that watches idle connections, or do not keep them alive.",
        source="aio-libs/aiohttp#13656; RFC 9112 section 9.3",
        play=_surplus(0.1),
        needs=TRACED,
        alone=True,
    ),
    Scenario(
        id="integrity.late_answer",
        group=Group.INTEGRITY,
        title="An answer that comes too late is not given to the next request",
        weight=4,
        does="Lets one answer come after the deadline, and asks again and again.",
        expects="All later requests get the answer to their own text.",
        why="A connection given back while its answer is under way mixes up all that follow.",
        mend="Close the connection of a call that timed out; never give it back to the pool.",
        source="CVE-2023-28858 (redis-py, the ChatGPT outage of March 2023); CWE-488",
        play=_late_answer,
        needs=TRACED,
    ),
    Scenario(
        id="integrity.stale_cache",
        group=Group.INTEGRITY,
        title="A new request is not answered with an old answer when the upstream fails",
        weight=4,
        does="Gets a good answer, then breaks the upstream for requests with other texts.",
        expects="Nothing of the earlier answer while it is broken, then good answers again.",
        why="An old answer to another question is worse than none: it looks right.",
        mend="Key every cache by the whole request, and tell a failure as a failure.",
        source="RFC 9111 section 4; CWE-524",
        play=_stale_cache,
        needs=TRACED,
        alone=True,
    ),
    Scenario(
        id="integrity.stale_answer",
        group=Group.INTEGRITY,
        title="An upstream's answer to another question is noticed",
        weight=1,
        does="Lets the upstream, or a cache before it, give the answer of an earlier request.",
        expects="Not that answer, because the echo is not that of the text that was sent.",
        why="Where the answer names its question, comparing the two costs nothing.",
        mend="Compare the echo with the text that was sent.",
        source="CWE-345; Web Cache Poisoning (PortSwigger)",
        play=_stale_answer,
        needs=frozenset({Need.LAB, Need.WIRE, Need.TRACE}),
        advice=True,
    ),
    Scenario(
        id="integrity.log_forging",
        group=Group.INTEGRITY,
        title="No text from outside becomes a line of the log",
        weight=4,
        does="Sends a text that holds a line end and something that looks like a log line.",
        expects="No line of the log begins with it.",
        why="Who can write the log can hide what they did, or blame others.",
        mend="Quote and escape what comes from outside, or log in JSON.",
        source="CWE-117",
        play=_log_forging,
        needs=frozenset({Need.LOG}),
    ),
    Scenario(
        id="integrity.log_escapes",
        group=Group.INTEGRITY,
        title="No text from outside commands the terminal that shows the log",
        weight=1,
        does="Sends a text with escape sequences that clear the screen and set its title.",
        expects="They are not in the log as they came.",
        why="Whoever reads the log in a terminal sees what the sender wants them to see.",
        mend="Escape control characters in everything that is logged.",
        source="CWE-150; CVE-2021-25743 (kubectl)",
        play=_log_escapes,
        needs=frozenset({Need.LOG}),
        advice=True,
    ),
)
