"""A call is a future by behaviour: for tasks, for asyncio's combinators, for callbacks."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine

import pytest

from faultwire.failures import Failure
from faultwire.http.address import parse_origin
from faultwire.http.call import Call
from faultwire.http.client import Reply
from faultwire.http.pool import Pool
from tests.socket.calling import failure_of, future, get, in_thread, pool_to, run, settle, until
from tests.socket.serving import NewLoop
from tests.socket.upstreams import Peer, Upstream, answers, ok, resets, stalls

Calls = Callable[[Pool, Upstream], Coroutine[None, None, None]]


def with_pool(new_loop: NewLoop, upstream: Upstream, calls: Calls, *, problems: int = 0) -> None:
    async def main() -> None:
        async with pool_to(upstream.url) as pool:
            await calls(pool, upstream)

    with upstream:
        run(new_loop, main(), problems=problems)


def test_a_call_may_be_awaited_again_and_by_several(new_loop: NewLoop) -> None:
    async def calls(pool: Pool, _: Upstream) -> None:
        async def awaits(call: Call) -> Reply:
            return await call

        call = get(pool)
        tasks = [asyncio.create_task(awaits(call)) for _ in range(3)]
        replies = [await call, *await asyncio.gather(*tasks), await call]
        assert all(reply is replies[0] for reply in replies)

    with_pool(new_loop, Upstream(answers(ok())), calls)


def test_a_failure_is_raised_to_everybody_who_asks(new_loop: NewLoop) -> None:
    async def calls(pool: Pool, _: Upstream) -> None:
        call = get(pool)
        failures = [await failure_of(call), await failure_of(call)]
        with pytest.raises(Failure) as raised:
            call.result()
        assert failures == [raised.value] * 2
        assert call.exception() is raised.value
        assert (call.done(), call.cancelled()) == (True, False)

    with_pool(new_loop, Upstream(resets()), calls)


def test_a_call_that_is_not_settled_has_no_result(new_loop: NewLoop) -> None:
    async def calls(pool: Pool, _: Upstream) -> None:
        call = get(pool)
        assert not call.done()
        for ask in (call.result, call.exception):
            with pytest.raises(asyncio.InvalidStateError):
                ask()
        assert (await call).status == 200
        assert (call.exception(), call.cancel(), call.cancelled()) == (None, False, False)

    with_pool(new_loop, Upstream(answers(ok())), calls)


def test_a_cancelled_call_says_so(new_loop: NewLoop) -> None:
    async def calls(pool: Pool, _: Upstream) -> None:
        call = get(pool)
        assert call.cancel()
        assert not call.cancel()
        assert (call.done(), call.cancelled()) == (True, True)
        for ask in (call.result, call.exception):
            with pytest.raises(asyncio.CancelledError):
                ask()
        with pytest.raises(asyncio.CancelledError):
            await call

    with_pool(new_loop, Upstream(stalls()), calls)


def test_a_call_is_a_future_to_asyncio(new_loop: NewLoop) -> None:
    async def calls(pool: Pool, _: Upstream) -> None:
        call = get(pool)
        assert asyncio.isfuture(future(call))
        assert asyncio.ensure_future(future(call)) is future(call)
        assert call.get_loop() is asyncio.get_running_loop()
        assert (await call).status == 200

    with_pool(new_loop, Upstream(answers(ok())), calls)


def test_wait_for_returns_the_answer(new_loop: NewLoop) -> None:
    async def calls(pool: Pool, _: Upstream) -> None:
        call = get(pool)
        waiting = asyncio.create_task(asyncio.wait_for(call, 600))
        await until(call.done)
        await settle()
        assert waiting.done()
        assert (await waiting).status == 200

    with_pool(new_loop, Upstream(answers(ok())), calls)


@pytest.mark.parametrize("timeout_s", [0, 0.05])
def test_wait_for_aborts_the_call_when_its_own_time_is_up(
    new_loop: NewLoop, timeout_s: float
) -> None:
    async def calls(pool: Pool, upstream: Upstream) -> None:
        call = get(pool)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call, timeout_s)
        assert call.cancelled()
        await until(lambda: not pool._open and not pool._dials)
        await in_thread(upstream.wait_for, over=upstream.connections)

    with_pool(new_loop, Upstream(stalls()), calls)


def test_so_does_asyncio_timeout(new_loop: NewLoop) -> None:
    async def calls(pool: Pool, upstream: Upstream) -> None:
        call = get(pool)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await call
        assert call.cancelled()
        await in_thread(upstream.wait_for, over=1)

    with_pool(new_loop, Upstream(stalls()), calls)


def test_gather_returns_answers_in_order_and_failures(new_loop: NewLoop) -> None:
    async def calls(pool: Pool, _: Upstream) -> None:
        settled = get(pool)
        await settled
        found = await asyncio.gather(settled, *(get(pool) for _ in range(3)))
        assert [reply.status for reply in found] == [200] * 4
        late = pool.call(b"NEVER\r\n\r\n", timeout_s=0.05, idempotent=True)
        mixed = await asyncio.gather(late, settled, return_exceptions=True)
        assert list(mixed) == [late.exception(), settled.result()]
        late = pool.call(b"NEVER\r\n\r\n", timeout_s=0.05, idempotent=True)
        with pytest.raises(Failure):
            await asyncio.gather(late, get(pool))

    def script(peer: Peer) -> None:
        while peer.request() != b"NEVER":
            peer.send(ok())
        peer.wait_until_gone()

    with_pool(new_loop, Upstream(script), calls)


def test_cancelling_a_gather_aborts_its_calls(new_loop: NewLoop) -> None:
    async def calls(pool: Pool, upstream: Upstream) -> None:
        both = [get(pool), get(pool)]
        gathered = asyncio.gather(*both)
        await in_thread(upstream.wait_for, requests=2)
        gathered.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gathered
        assert all(call.cancelled() for call in both)
        await in_thread(upstream.wait_for, over=2)

    with_pool(new_loop, Upstream(stalls()), calls)


@pytest.mark.parametrize("return_exceptions", [True, False])
def test_gather_tells_of_a_call_that_was_cancelled(
    new_loop: NewLoop, return_exceptions: bool
) -> None:
    async def calls(pool: Pool, _: Upstream) -> None:
        call = get(pool)
        gathered = asyncio.gather(call, return_exceptions=return_exceptions)
        call.cancel()
        if return_exceptions:
            (cancelled,) = await gathered
            assert isinstance(cancelled, asyncio.CancelledError)
        else:
            with pytest.raises(asyncio.CancelledError):
                await gathered

    with_pool(new_loop, Upstream(stalls()), calls)


def test_shield_lets_a_call_go_on(new_loop: NewLoop) -> None:
    async def calls(pool: Pool, _: Upstream) -> None:
        call = get(pool)
        outer = asyncio.shield(call)
        await asyncio.sleep(0)
        outer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await outer
        assert (await call).status == 200
        assert (await asyncio.shield(call)).status == 200

    with_pool(new_loop, Upstream(answers(ok())), calls)


def test_wait_tells_which_calls_are_done(new_loop: NewLoop) -> None:
    async def calls(pool: Pool, _: Upstream) -> None:
        slow, quick = future(get(pool)), future(get(pool, 0.05))
        done, pending = await asyncio.wait([slow, quick], return_when=asyncio.FIRST_COMPLETED)
        assert (done, pending) == ({quick}, {slow})
        for first in asyncio.as_completed([quick]):
            assert (await failure_of(first)).phase is not None
        slow.cancel()

    with_pool(new_loop, Upstream(stalls()), calls)


def test_a_task_group_may_hold_calls(new_loop: NewLoop) -> None:
    async def calls(pool: Pool, _: Upstream) -> None:
        async def one() -> int:
            return (await get(pool)).status

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one()) for _ in range(5)]
        assert [task.result() for task in tasks] == [200] * 5

    with_pool(new_loop, Upstream(answers(ok())), calls)


def test_a_call_of_another_loop_is_refused_by_a_task(new_loop: NewLoop) -> None:
    async def calls(pool: Pool, _: Upstream) -> None:
        call = get(pool)

        async def elsewhere() -> None:
            with pytest.raises(RuntimeError, match="attached to a different loop"):
                await call

        await asyncio.to_thread(asyncio.run, elsewhere())
        assert not call.done()
        call.cancel()

    with_pool(new_loop, Upstream(stalls()), calls)


def test_run_until_complete_takes_a_call(new_loop: NewLoop) -> None:
    loop = new_loop()
    with Upstream(answers(ok())) as upstream:

        async def begin() -> tuple[Pool, Call]:
            pool = Pool(parse_origin(upstream.url))
            return pool, get(pool)

        pool, call = loop.run_until_complete(begin())
        assert loop.run_until_complete(call).status == 200
        pool.close()
        loop.run_until_complete(settle())
    loop.close()


# Callbacks.


def test_callbacks_without_a_context_run_in_the_moment_of_the_answer(new_loop: NewLoop) -> None:
    async def calls(pool: Pool, _: Upstream) -> None:
        order: list[str] = []
        call = get(pool)
        call.add_done_callback(lambda c: order.append(f"at once {c.done()}"))
        call.add_done_callback(
            lambda _: order.append("next round"), context=contextvars.copy_context()
        )
        call.add_done_callback(lambda _: order.append("at once, too"))
        await call
        assert order == ["at once True", "at once, too", "next round"]

    with_pool(new_loop, Upstream(answers(ok())), calls)


def test_a_callback_runs_in_the_context_it_was_given(new_loop: NewLoop) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")

    async def calls(pool: Pool, _: Upstream) -> None:
        seen: list[str] = []
        context = contextvars.copy_context()
        context.run(variable.set, "given")
        call = get(pool)
        call.add_done_callback(lambda _: seen.append(variable.get()), context=context)
        await call
        await settle()
        call.add_done_callback(lambda _: seen.append(variable.get()), context=context)
        await settle()
        assert seen == ["given", "given"]

    with_pool(new_loop, Upstream(answers(ok())), calls)


def test_a_callback_that_comes_late_runs_in_the_next_round(new_loop: NewLoop) -> None:
    async def calls(pool: Pool, _: Upstream) -> None:
        call = get(pool)
        await call
        seen: list[Call] = []
        call.add_done_callback(seen.append)
        assert seen == []
        await asyncio.sleep(0)
        assert seen == [call]

    with_pool(new_loop, Upstream(answers(ok())), calls)


def test_callbacks_can_be_taken_back(new_loop: NewLoop) -> None:
    async def calls(pool: Pool, _: Upstream) -> None:
        seen: list[str] = []

        def first(_: Call) -> None:
            seen.append("first")

        def second(_: Call) -> None:
            seen.append("second")

        call = get(pool)
        assert call.remove_done_callback(first) == 0
        call.add_done_callback(first)
        assert call.remove_done_callback(second) == 0
        assert call.remove_done_callback(first) == 1
        for callback in (first, second, first):
            call.add_done_callback(callback)
        assert call.remove_done_callback(first) == 2
        await call
        assert seen == ["second"]

    with_pool(new_loop, Upstream(answers(ok())), calls)


def test_one_callback_that_fails_does_not_keep_others_from_running(new_loop: NewLoop) -> None:
    async def calls(pool: Pool, _: Upstream) -> None:
        def fail(_: Call) -> None:
            raise RuntimeError("a defect")

        def leave(_: Call) -> None:
            raise asyncio.CancelledError

        seen: list[Call] = []
        call = get(pool)
        for callback in (fail, leave, seen.append):
            call.add_done_callback(callback)
        assert (await call).status == 200
        assert seen == [call]

    with_pool(new_loop, Upstream(answers(ok())), calls, problems=2)


# By hand, as the server runs its handlers.


def test_a_coroutine_that_is_run_by_hand_goes_on_in_the_moment_of_the_answer(
    new_loop: NewLoop,
) -> None:
    async def calls(pool: Pool, _: Upstream) -> None:
        async def handler() -> list[int]:
            return [(await get(pool)).status, (await get(pool)).status]

        coroutine = handler()
        finished: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()

        def step(_: object) -> None:
            try:
                coroutine.send(None).add_done_callback(step)
            except StopIteration as stop:
                finished.set_result(stop.value)

        step(None)
        assert await finished == [200, 200]

    with_pool(new_loop, Upstream(answers(ok())), calls)
