"""The open-loop load of `faultwire compare` against servers that are slow, silent or wrong."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from typing import NamedTuple

from faultwire.compare.load import Load

PATIENCE_S = 20.0
Answer = Callable[[str], Awaitable[tuple[int, str]]]


class Ending(NamedTuple):
    arrived: float
    took: float
    good: bool


class Told:
    """Remembers what it is told."""

    def __init__(self, expected: int = 0) -> None:
        self.endings: list[Ending] = []
        self.not_sent: list[float] = []
        self.enough_not_sent = asyncio.Event()
        self._expected = expected

    def ended(self, arrived: float, now: float, *, good: bool) -> None:
        self.endings.append(Ending(arrived, now - arrived, good))

    def unsent(self, arrived: float) -> None:
        self.not_sent.append(arrived)
        if len(self.not_sent) == self._expected:
            self.enough_not_sent.set()


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """A server whose answers `answer` makes of the text that is to be echoed; its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                found = re.search(r"msg=(\S+)", head.decode())
                assert found
                status, body = await answer(found[1])
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@contextmanager
def load(url: str, told: Told, stop: asyncio.Event | None = None, **more: float) -> Iterator[Load]:
    given = {"rate": 100.0, "duration_s": 0.2, "patience_s": PATIENCE_S} | more
    most = int(given.pop("most", 100))
    with closing(Load(url, told, stop=stop or asyncio.Event(), most=most, **given)) as made:
        yield made


async def echo(text: str) -> tuple[int, str]:
    return 200, text


async def test_requests_are_due_at_equal_distances_and_each_is_answered() -> None:
    told = Told()
    async with serving(echo) as url:
        with load(url, told) as sending:
            played_s = await sending.play()
    assert played_s == 0.2
    assert sorted(each.arrived for each in told.endings) == [number / 100 for number in range(20)]
    assert all(each.good for each in told.endings)
    assert not told.not_sent


async def test_latency_counts_from_when_a_request_was_due() -> None:
    """A server that answers all of them in one moment: who came early has waited longest."""
    told = Told()
    held = asyncio.Event()
    waiting = 0

    async def hold(text: str) -> tuple[int, str]:
        nonlocal waiting
        waiting += 1
        if waiting == 20:
            held.set()
        await held.wait()
        return 200, text

    async with serving(hold) as url:
        with load(url, told) as sending:
            await sending.play()
    assert len(told.endings) == 20
    took = {each.arrived: each.took for each in told.endings}
    assert took[0.0] >= 0.19, "the twentieth was due by then"
    moments = [arrived + took[arrived] for arrived in took]
    assert max(moments) - min(moments) < 0.9 * max(moments), "they ended together"


async def test_what_exceeds_the_bound_in_flight_is_not_sent_and_is_counted() -> None:
    told = Told(expected=17)
    stop = asyncio.Event()
    begun = 0

    async def silent(_: str) -> tuple[int, str]:
        nonlocal begun
        begun += 1
        await stop.wait()
        return 200, ""

    async with serving(silent) as url:
        with load(url, told, stop, most=3) as sending:
            playing = asyncio.create_task(sending.play())
            async with asyncio.timeout(PATIENCE_S):
                await told.enough_not_sent.wait()
            assert not playing.done()
            stop.set()
            await playing
    assert begun == 3
    assert told.not_sent == [number / 100 for number in range(3, 20)]


async def test_a_load_that_is_stopped_sends_no_more_and_waits_for_nobody() -> None:
    told = Told()
    stop = asyncio.Event()

    async def stopping(_: str) -> tuple[int, str]:
        stop.set()
        await asyncio.Event().wait()
        return 200, ""

    async with serving(stopping) as url, asyncio.timeout(PATIENCE_S):
        with load(url, told, stop, duration_s=600.0) as sending:
            played_s = await sending.play()
    assert played_s < PATIENCE_S
    assert told.endings == []


async def test_only_a_200_that_carries_its_own_text_is_a_good_answer() -> None:
    async def mean(text: str) -> tuple[int, str]:
        number = int(text.split("-")[1])
        return [(200, text), (503, text), (200, "request-99-")][number % 3]

    told = Told()
    async with serving(mean) as url:
        with load(url, told) as sending:
            await sending.play()
    good = sorted(each.arrived for each in told.endings if each.good)
    assert good == [number / 100 for number in range(0, 20, 3)]
    assert len(told.endings) == 20


async def test_what_is_wrong_before_the_load_is_said() -> None:
    async def refuse(_: str) -> tuple[int, str]:
        return 503, "busy"

    async with serving(refuse) as url:
        with load(url, Told()) as sending:
            assert await sending.try_once() == "503 busy"
    with load(url, Told()) as sending:
        assert "refused" in (await sending.try_once()).lower()


async def test_nobody_answering_is_no_good_answer() -> None:
    async with serving(echo) as url:
        pass
    told = Told()
    with load(url, told) as sending:
        await sending.play()
    assert [each.good for each in told.endings] == [False] * 20
