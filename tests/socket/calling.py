"""Calls to an upstream, made in an event loop of the test's own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any, TypeVar, cast

from faultwire.failures import Failure
from faultwire.http.address import parse_origin
from faultwire.http.call import Call
from faultwire.http.client import Reply
from faultwire.http.limits import DEFAULT_LIMITS, Limits
from faultwire.http.pool import DEFAULT_CONNECTIONS, Pool
from tests.ports import unused_port
from tests.socket.serving import NewLoop, descriptors
from tests.socket.upstreams import PATIENCE_S

GET = b"GET /echo?msg=hello HTTP/1.1\r\nHost: a\r\n\r\n"
LONG_S = 10.0
"""A deadline that is not meant to pass."""

T = TypeVar("T")


def run(new_loop: NewLoop, main: Coroutine[Any, Any, T], *, problems: int = 0) -> T:
    """Run a coroutine. Fails unless the loop was told of so many problems, and no task is left."""
    told: list[dict[str, Any]] = []

    async def watched() -> T:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(context))
        result = await asyncio.wait_for(main, PATIENCE_S)
        await settle()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    with asyncio.Runner(loop_factory=new_loop) as runner:
        result = runner.run(watched())
    assert len(told) == problems, told
    return result


async def settle() -> None:
    """Let what is already due in the event loop happen."""
    for _ in range(6):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop run until this is so."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def look() -> None:
        if condition():
            done.set_result(None)
        elif not done.cancelled():
            loop.call_later(0.001, look)

    look()
    await done


@asynccontextmanager
async def pool_to(
    url: str, *, most: int = DEFAULT_CONNECTIONS, limits: Limits = DEFAULT_LIMITS
) -> AsyncIterator[Pool]:
    """A pool that is closed afterwards."""
    pool = Pool(parse_origin(url), most=most, limits=limits)
    try:
        yield pool
    finally:
        pool.close()


def get(pool: Pool, timeout_s: float = LONG_S, *, idempotent: bool = True) -> Call:
    """A call of the pool."""
    return pool.call(GET, timeout_s=timeout_s, idempotent=idempotent)


def future(call: Call) -> asyncio.Future[Reply]:
    """The call as the future that it is by behaviour only: for what asks for one by type."""
    return cast("asyncio.Future[Reply]", call)


async def reply_from(url: str, *, limits: Limits = DEFAULT_LIMITS) -> Reply:
    """The answer to one call."""
    async with pool_to(url, limits=limits) as pool:
        return await get(pool)


async def failure_of(awaitable: Awaitable[object]) -> Failure:
    """The failure that this raises. No other exception, and no result, will do."""
    try:
        result = await awaitable
    except Failure as failure:
        return failure
    raise AssertionError(f"no failure, but {result!r}")


async def failure_from(
    url: str, *, timeout_s: float = LONG_S, limits: Limits = DEFAULT_LIMITS
) -> Failure:
    """The failure of one call."""
    async with pool_to(url, limits=limits) as pool:
        return await failure_of(get(pool, timeout_s))


async def descriptors_before() -> int:
    """How many files are open, not to count what an event loop keeps from its first socket on."""
    await failure_from(f"http://127.0.0.1:{unused_port()}")
    await settle()
    return descriptors()


async def in_thread(wait: Callable[..., T], /, **what: Any) -> T:
    """Wait in a thread for what another thread does."""
    return await asyncio.to_thread(wait, **what)


async def timed(awaitable: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """The result, and the seconds that it took."""
    started = perf_counter()
    result = await awaitable
    return result, perf_counter() - started
