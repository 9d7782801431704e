"""A coroutine without a task: woken in the moment, cancelled like one, and no trace of it left."""

import asyncio
import gc
from collections.abc import Callable, Generator

import pytest

from faultwire.http.driver import Driver, Handling, Outcome
from faultwire.http.message import Response

OK = Response(200, b"")


class Bell:
    """What a handler awaits till it rings: the one who waits goes on in that moment."""

    def __init__(self) -> None:
        self._wake: Callable[[Bell], object] | None = None
        self._cancelled = False

    def __await__(self) -> Generator["Bell", None, None]:
        yield self
        if self._cancelled:
            raise asyncio.CancelledError

    def add_done_callback(self, wake: Callable[["Bell"], object]) -> None:
        self._wake = wake

    def ring(self) -> None:
        assert self._wake is not None
        self._wake(self)

    def cancel(self) -> bool:
        self._cancelled = True
        self.ring()
        return True


async def waits(*bells: Bell) -> Response:
    for bell in bells:
        await bell
    return OK


class Stage:
    """A driver and what it was told."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.driver = Driver(asyncio.get_running_loop(), self.outcomes.append)

    def start(self, handling: Handling) -> Outcome | None:
        return self.driver.start(handling)


@pytest.fixture
async def stage() -> Stage:
    return Stage()


async def test_a_coroutine_that_need_not_wait_has_ended_when_it_has_started(stage: Stage) -> None:
    assert stage.start(waits()) is OK
    assert stage.outcomes == []


async def test_it_goes_on_in_the_moment_in_which_it_is_woken(stage: Stage) -> None:
    bells = Bell(), Bell()
    assert stage.start(waits(*bells)) is None
    bells[0].ring()
    assert stage.outcomes == []
    bells[1].ring()
    assert stage.outcomes == [OK]


async def test_one_driver_runs_one_after_the_other(stage: Stage) -> None:
    for _ in range(3):
        bell = Bell()
        stage.start(waits(bell))
        bell.ring()
    assert stage.outcomes == [OK] * 3


async def test_a_bell_that_rings_again_wakes_nobody(stage: Stage) -> None:
    bell = Bell()
    stage.start(waits(bell))
    bell.ring()
    bell.ring()
    assert stage.outcomes == [OK]


async def test_cancelling_tells_the_coroutine_at_once_and_its_owner_nothing(stage: Stage) -> None:
    told: list[str] = []

    async def handler() -> Response:
        try:
            return await waits(Bell())
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    stage.start(handler())
    stage.driver.cancel()
    assert told == ["cancelled"]
    assert stage.outcomes == []


async def test_cancelling_with_nothing_begun_does_nothing(stage: Stage) -> None:
    stage.driver.cancel()
    assert stage.start(waits()) is OK


async def test_cancelling_twice_tells_the_coroutine_once(stage: Stage) -> None:
    told: list[str] = []

    async def handler() -> Response:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            told.append("cancelled")
            await waits()
        return OK

    stage.start(handler())
    for _ in range(2):
        stage.driver.cancel()
    await asyncio.sleep(0)
    stage.driver.cancel()
    assert (told, stage.outcomes) == (["cancelled"], [])


async def test_a_future_that_is_done_already_is_too_late_to_cancel_and_the_wait_still_ends(
    stage: Stage,
) -> None:
    """As with a task: the coroutine is woken by the result, and finds that it was cancelled."""
    future = asyncio.get_running_loop().create_future()
    ended: list[str] = []

    async def handler() -> Response:
        try:
            await future
        finally:
            ended.append("ended")
        raise AssertionError

    stage.start(handler())
    future.set_result(None)
    stage.driver.cancel()
    await asyncio.sleep(0)
    assert ended == ["ended"]
    assert stage.outcomes == []


@pytest.mark.parametrize("error", [ValueError("a"), asyncio.CancelledError()], ids=repr)
async def test_what_it_raises_is_its_outcome(stage: Stage, error: BaseException) -> None:
    async def handler(*bells: Bell) -> Response:
        await waits(*bells)
        raise error

    assert stage.start(handler()) is error
    bell = Bell()
    stage.start(handler(bell))
    bell.ring()
    assert stage.outcomes == [error]


async def test_what_ends_the_process_is_not_held_up(stage: Stage) -> None:
    async def handler() -> Response:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage.start(handler())


async def test_no_way_to_end_leaves_a_cycle_for_the_collector() -> None:
    async def sleeps() -> Response:
        await asyncio.sleep(1000)
        return OK

    async def fails() -> Response:
        await asyncio.sleep(0)
        raise ValueError

    async def play(make: Callable[[], Handling], *, cancel: bool) -> None:
        driver = Driver(asyncio.get_running_loop(), lambda _: None)
        driver.start(make())
        if cancel:
            driver.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def drivers() -> int:
        return sum(isinstance(o, Driver) for o in gc.get_objects())

    gc.collect()
    before = drivers()
    gc.disable()
    try:
        await play(sleeps, cancel=True)
        await play(fails, cancel=False)
        await play(waits, cancel=False)
        assert drivers() == before
    finally:
        gc.enable()
