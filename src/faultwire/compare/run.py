"""One set of policies after another: the same course for each."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from math import ceil

from faultwire.compare.course import Course
from faultwire.compare.figures import Answers, Attempts, Figures, figures
from faultwire.compare.load import MOST_IN_FLIGHT, Load
from faultwire.compare.pair import Pair, PairWire
from faultwire.services.descriptors import raise_descriptor_limit
from faultwire.wire.faults.base import Place
from faultwire.wire.ledger import Ledger

_MARGIN_S = 5.0
"""How much longer than B's own deadline an answer of B is waited for."""

_RESERVED = 1200
"""Descriptors that the load must leave: B's connections at the wire, twice, and what else is
open."""
_FEWEST = 16
_RECORDS = 100
_LOOK_EVERY_S = 0.25


class NotMeasured(Exception):
    """A set of policies could not be measured. One sentence that says why."""


async def compare(
    course: Course,
    policies: Iterable[str],
    *,
    stop: asyncio.Event,
    begins: Callable[[str], object] = lambda _: None,
) -> list[Figures]:
    """Play the course to each set in turn; `begins` is told of each.

    When `stop` is set, what there is until then is returned; sets of which nothing was measured
    are left out. Raises `NotMeasured`, and what `Pair` raises.
    """
    most = min(MOST_IN_FLIGHT, max(raise_descriptor_limit() - _RESERVED, _FEWEST))
    found: list[Figures] = []
    for each in policies:
        if stop.is_set():
            break
        begins(each)
        one = await _measure(course, each, stop, most)
        if one.requests:
            found.append(one)
    return found


async def _measure(course: Course, policies: str, stop: asyncio.Event, most: int) -> Figures:
    patience_s = course.timeout_s + _MARGIN_S
    answers = Answers(course)
    attempts = Attempts(ceil(course.duration_s + patience_s) + 1)
    async with Pair(course, policies, Ledger(_RECORDS, on_begin=attempts.seen)) as pair:
        load = Load(
            pair.url,
            answers,
            rate=course.rate,
            duration_s=course.duration_s,
            patience_s=patience_s,
            stop=stop,
            most=most,
        )
        with closing(load):
            if wrong := await load.try_once():
                raise NotMeasured(f"{policies}: B does not answer well before any fault: {wrong}")
            attempts.start()
            with _breaking(course, pair.wire):
                played_s = await _played_s(load, pair, policies)
    return figures(course, policies, answers, attempts, played_s=played_s, late_s=load.latest_s)


async def _played_s(load: Load, pair: Pair, policies: str) -> float:
    """Play the load to its end: for how long. Raises `NotMeasured` when a service dies."""
    playing = asyncio.create_task(load.play())
    try:
        while not playing.done():
            await asyncio.wait({playing}, timeout=_LOOK_EVERY_S)
            if died := pair.died():
                raise NotMeasured(f"{policies}: {died}")
        return playing.result()
    finally:
        playing.cancel()


@contextmanager
def _breaking(course: Course, wire: PairWire) -> Iterator[None]:
    """Have the faults begin and end when they are to, counted from now.

    A fault of new connections begins with the end of the old ones, or nothing would meet it.
    """
    loop = asyncio.get_running_loop()

    def begin() -> None:
        for made in course.faults:
            wire.plan.add(made)
        if any(made.fault.PLACE is not Place.REQUEST for made in course.faults):
            wire.cut()

    now = loop.time()
    timers = [
        loop.call_at(now + course.fault_from_s, begin),
        loop.call_at(now + course.fault_end_s, wire.plan.reset),
    ]
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()
