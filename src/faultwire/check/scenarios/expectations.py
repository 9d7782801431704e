"""What many scenarios expect, and the small steps that they share."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from math import ceil
from typing import Any, TypeVar

from faultwire.check.model import WireSaw
from faultwire.check.scenario import Play
from faultwire.check.stage import Answer, CannotPlay, Stage

T = TypeVar("T")
Outcome = Callable[[Stage, Answer], None]
"""Raises `Unmet` where an answer to a broken request is none that may be given."""
Attributes = Callable[[Stage], Mapping[str, object]]
"""The attributes of a fault where they depend on the target's budget."""

MIB = 1 << 20
_AT_REST_WITHIN_S = 3.0
_ALIKE = 3
"""So many readings of memory in a row within one MiB, and it is at rest."""
_FIRST_REFUSAL = 300
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})  # RFC 9110 9.2.2


# Outcomes


def failure(stage: Stage, answer: Answer) -> None:
    """An acceptable failure within the budget."""
    stage.is_failure(answer)


def good_or_failure(stage: Stage, answer: Answer) -> None:
    """A good answer to this very request or an acceptable failure, in time either way."""
    if answer.status not in stage.spec.good.statuses:
        stage.is_failure(answer)
        return
    in_time(stage, answer)
    stage.is_good(answer)


def answered(stage: Stage, answer: Answer) -> None:
    """Any answer, in time; outside the lab the visible end of one, too."""
    in_time(stage, answer)
    came = answer.status > 0 or _is_cut_short(stage, answer)
    stage.expect(came, f"no answer came: {answer.error}")


def failure_or_cut(stage: Stage, answer: Answer) -> None:
    """An acceptable failure. A proxy that streams may hand on that the answer broke off."""
    if not _is_cut_short(stage, answer):
        stage.is_failure(answer)
    in_time(stage, answer)


def _is_cut_short(stage: Stage, answer: Answer) -> bool:
    ended = answer.error.startswith(("closed", "reset"))
    return not is_lab(stage) and answer.status == 0 and ended


def refusal(stage: Stage, answer: Answer) -> None:
    """An acceptable failure; outside the lab an upstream's 3xx or 4xx may be handed on."""
    handed_on = not is_lab(stage) and answer.status >= _FIRST_REFUSAL
    if not handed_on:
        stage.is_failure(answer)
    in_time(stage, answer)


def in_time(stage: Stage, answer: Answer) -> None:
    """It came within the budget."""
    given_up = answer.error.startswith("timeout")
    took = f"there was no whole answer after {answer.took_s:.2f} s"
    stage.expect(
        answer.took_s <= stage.budget_s,
        f"{took if given_up else f'it took {answer.took_s:.2f} s'}; "
        f"{stage.budget_s:.2f} s were allowed",
    )


def quick_s(stage: Stage) -> float:
    """By when an answer is there that waits for nobody: clearly before the target's time-out.

    The margin is not in it: it could be larger than what is to be told apart.
    """
    return 0.75 * stage.spec.budget_s


# Plays


def broken(fault: str, outcome: Outcome = failure, **attributes: object) -> Play:
    """Play a fault on one request, judge its answer, and see that the target is well behind it."""
    return broken_by(fault, lambda _: attributes, outcome)


def promising_json(play: Play) -> Play:
    """The same for targets whose good answers are JSON; others may hand on anything."""

    async def only_json(stage: Stage) -> None:
        if not stage.spec.good.json:
            raise CannotPlay("its answers are not said to be JSON")
        await play(stage)

    return only_json


def broken_by(fault: str, attributes: Attributes, outcome: Outcome = failure) -> Play:
    """The same, with attributes that depend on the target."""

    async def play(stage: Stage) -> None:
        outcome(stage, await answer_under(stage, fault, **attributes(stage)))
        await stage.is_well()

    return play


async def answer_under(stage: Stage, fault: str, **attributes: object) -> Answer:
    """The answer to one request that the fault is played on."""
    token = stage.token()
    async with stage.breaking(fault, tokens=[token], **attributes):
        return await stage.ask(token=token)


@asynccontextmanager
async def meanwhile(*works: Coroutine[Any, Any, T]) -> AsyncIterator[list[asyncio.Task[T]]]:
    """Let works go on inside the block; behind it, what is not done is cancelled."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def crowd(stage: Stage, many: int, *, else_few: int) -> list[str]:
    """Tokens for as many requests as such a target should take at once."""
    return [stage.token() for _ in range(many if stage.concurrent else else_few)]


async def crowd_in_time(stage: Stage, many: int, *, else_few: int, at_least: int = 4) -> list[str]:
    """Tokens for as many as it should answer at once in time, by how long three alone take.

    Slow is not wrong: without this a slow target, or a busy machine, would fail.
    """
    times = sorted([(await stage.ask()).took_s for _ in range(3)])
    affordable = int(stage.spec.budget_s / 3 / max(times[1], 0.0001))
    most = many if stage.concurrent else else_few
    return [stage.token() for _ in range(max(min(most, affordable), at_least))]


async def all_good(stage: Stage, tokens: Sequence[str]) -> None:
    """Ask with all of them at once; each answer is good, and no one else's."""
    answers = await stage.ask_many(tokens, at_once=len(tokens))
    for answer in answers:
        stage.is_good(answer)
        strangers = [t for t in tokens if t != answer.token and t.encode() in answer.body]
        stage.expect(not strangers, f"the answer to {answer.token} speaks of {strangers[:1]}")


async def memory_bounded(stage: Stage, token: str, most: int) -> None:
    """Ask, and watch the target's memory until it answers; it may grow by `most` bytes."""
    before = highest = await at_rest(_memory(stage, _AT_REST_WITHIN_S))
    async with meanwhile(stage.ask(token=token)) as [asking]:
        async for _ in stage.watch(stage.budget_s * 4):
            highest = max(highest, stage.process.memory_bytes())
            if asking.done() or highest - before > most:
                break
        stage.figure("memory_before_bytes", before)
        stage.figure("memory_growth_bytes", highest - before)
        grown = f"its memory grew by {ceil((highest - before) / MIB)} MiB for one answer"
        stage.expect(highest - before <= most, f"{grown}; {most / MIB:.0f} MiB were allowed")


async def at_rest(readings: AsyncIterator[int]) -> int:
    """The last of some readings of memory: where they have come to rest, or where they end.

    A thread may still be at work on the answer of the play before, which nobody waits for: what
    it takes and gives back would be held for, or against, the answer that comes now.
    """
    last: list[int] = []
    async for reading in readings:
        last = [*last[1 - _ALIKE :], reading]
        if len(last) == _ALIKE and max(last) - min(last) <= MIB:
            break
    return last[-1]


async def _memory(stage: Stage, seconds: float) -> AsyncIterator[int]:
    async for _ in stage.watch(seconds):
        yield stage.process.memory_bytes()


async def attempts(stage: Stage, token: str) -> list[WireSaw]:
    """What the wire saw of a token. Their number becomes evidence."""
    seen = await stage.seen(token)
    stage.figure("attempts", len(seen))
    stage.expect(bool(seen), "the target did not call its upstream")
    return seen


# What a target is


def is_lab(stage: Stage) -> bool:
    """Whether it is B of the pair."""
    return stage.spec.preset == "lab"


def method(stage: Stage) -> str:
    """The method of the spec's request."""
    return stage.spec.ask.method.upper()


def must_be_idempotent(stage: Stage) -> None:
    """Raises `CannotPlay` where the request must not be sent twice (RFC 9110 section 9.2.2)."""
    if method(stage) not in _IDEMPOTENT:
        raise CannotPlay(f"{method(stage)} is not idempotent: nothing may be sent again")


def must_not_be_idempotent(stage: Stage) -> None:
    """Raises `CannotPlay` where the request may be sent twice."""
    if method(stage) in _IDEMPOTENT:
        raise CannotPlay(f"{method(stage)} is idempotent: it may be sent again")


def must_be_concurrent(stage: Stage) -> None:
    """Raises `CannotPlay` for a target that takes one request at a time."""
    if not stage.concurrent:
        raise CannotPlay("the target takes one request at a time")


def health_path(stage: Stage) -> str:
    """The target's health route. Raises `CannotPlay` where it has none."""
    if not stage.spec.b.health:
        raise CannotPlay("the target has no health route")
    return stage.spec.b.health


def texts(value: object) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
