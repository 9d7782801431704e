"""A handler's coroutine runs as it would in a task: it waits, fails and is cancelled like one."""

import asyncio
import itertools
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import pytest

from faultwire.http.message import BadRequest, Request, Response
from faultwire.http.server import Answer, State
from tests.socket.conftest import Serve
from tests.socket.serving import GET, Server, get, post

OK = Response(200, b"{}")


def path_response(request: Request) -> Response:
    return Response(200, b'"%b"' % request.path)


async def at_once(request: Request) -> Response:
    return path_response(request)


async def after_a_bare_yield(request: Request) -> Response:
    await asyncio.sleep(0)
    return path_response(request)


async def after_a_sleep(request: Request) -> Response:
    await asyncio.sleep(0.001)
    return path_response(request)


async def after_a_future(request: Request) -> Response:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[bytes] = loop.create_future()
    loop.call_soon(future.set_result, request.path)
    return Response(200, b'"%b"' % await future)


async def after_a_task(request: Request) -> Response:
    async def with_a_deadline() -> Response:
        async with asyncio.timeout(1000):
            return await after_a_sleep(request)

    return await asyncio.create_task(with_a_deadline())


async def after_a_thread(request: Request) -> Response:
    return await asyncio.to_thread(path_response, request)


async def after_several(request: Request) -> Response:
    await asyncio.gather(*(asyncio.sleep(0) for _ in range(3)))
    await asyncio.wait([asyncio.ensure_future(asyncio.sleep(0))])
    event = asyncio.Event()
    asyncio.get_running_loop().call_later(0.001, event.set)
    await event.wait()
    return path_response(request)


async def after_a_failed_future(request: Request) -> Response:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.get_loop().call_soon(future.set_exception, ValueError("no"))
    try:
        await future
    except ValueError:
        return path_response(request)
    raise AssertionError


class AtOnce:
    """An awaitable that calls back from within `add_done_callback`."""

    def __await__(self) -> Any:
        yield self

    def add_done_callback(self, wake: Callable[[object], object]) -> None:
        wake(self)

    def cancel(self) -> bool:
        return False


async def after_what_calls_back_at_once(request: Request) -> Response:
    for _ in range(3):
        await AtOnce()
    return path_response(request)


HANDLERS = [
    at_once,
    after_a_bare_yield,
    after_a_sleep,
    after_a_future,
    after_a_task,
    after_a_thread,
    after_several,
    after_a_failed_future,
    after_what_calls_back_at_once,
]


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda h: h.__name__)
def test_pipelined_requests_to_coroutines_are_answered_in_order(
    serve: Serve, handler: Callable[[Request], Answer]
) -> None:
    """More of them than the stack is deep."""
    count = 300 if handler is not at_once else sys.getrecursionlimit()
    client = serve(handler).connect()
    client.send(b"".join(get(f"/{n}") for n in range(count)))
    assert [client.answer().json for _ in range(count)] == [f"/{n}" for n in range(count)]


def test_a_coroutine_that_never_really_waits_does_not_go_deeper(serve: Serve) -> None:
    async def handler(_request: Request) -> Response:
        for _ in range(sys.getrecursionlimit()):
            await AtOnce()
        return OK

    assert serve(handler).ask(GET).status == 200


def test_coroutines_and_plain_answers_mix(serve: Serve) -> None:
    def app(request: Request) -> Answer:
        return after_a_sleep(request) if request.path < b"/5" else path_response(request)

    client = serve(app).connect()
    client.send(b"".join(get(f"/{n}") for n in range(10)))
    assert [client.answer().json for _ in range(10)] == [f"/{n}" for n in range(10)]


def test_requests_of_several_clients_are_handled_at_the_same_time(serve: Serve) -> None:
    waiting: list[asyncio.Future[None]] = []

    async def together(_: Request) -> Response:
        future = asyncio.get_running_loop().create_future()
        waiting.append(future)
        if len(waiting) == 3:
            for each in waiting:
                each.set_result(None)
        await future
        return OK

    server = serve(together)
    clients = [server.connect() for _ in range(3)]
    for client in clients:
        client.send(GET)
    assert [client.answer().status for client in clients] == [200] * 3


def raises(error: BaseException, _: object) -> Response:
    raise error


async def raises_at_once(error: BaseException, _: Request) -> Response:
    raise error


async def raises_later(error: BaseException, _: Request) -> Response:
    await asyncio.sleep(0)
    raise error


async def awaits_what_was_cancelled(_: Request) -> Response:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.get_loop().call_soon(future.cancel)
    await future
    raise AssertionError


class NoFuture:
    def __await__(self) -> Any:
        yield self


async def awaits_no_future(_: Request) -> Response:
    await NoFuture()
    raise AssertionError


async def returns_nothing(_: Request) -> None:
    pass


async def needs_a_task(request: Request) -> Response:
    async with asyncio.timeout(1):
        return await at_once(request)


BROKEN: dict[str, tuple[Callable[[Request], Any], type[BaseException]]] = {
    "raises": (partial(raises, ValueError("a")), ValueError),
    "raises at once": (partial(raises_at_once, ValueError("a")), ValueError),
    "raises later": (partial(raises_later, ValueError("a")), ValueError),
    "refuses later": (partial(raises_later, BadRequest(400, "a")), BadRequest),
    "is cancelled": (partial(raises_at_once, asyncio.CancelledError()), asyncio.CancelledError),
    "is cancelled later": (partial(raises_later, asyncio.CancelledError()), asyncio.CancelledError),
    "awaits what is cancelled": (awaits_what_was_cancelled, asyncio.CancelledError),
    "awaits no future": (awaits_no_future, AttributeError),
    "returns nothing": (returns_nothing, TypeError),
    "answers nothing": (lambda _: None, AttributeError),
    "answers no bytes": (lambda _: Response(200, cast(bytes, "text")), TypeError),
    "needs a task": (needs_a_task, RuntimeError),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_defect_of_the_app_is_a_500_and_a_report(serve: Serve, name: str) -> None:
    app, error = BROKEN[name]
    server = serve(app)
    client = server.connect()
    client.send(GET + GET)
    answer = client.answer()
    assert (answer.status, answer.headers["connection"]) == (500, "close")
    assert answer.json["details"] == "The service failed", "and no more than that"
    assert client.is_closed()
    problem = server.take_problem()
    assert isinstance(problem["exception"], error)
    assert problem["message"] == "A handler failed"


def test_a_500_to_head_has_no_body(serve: Serve) -> None:
    server = serve(partial(raises_later, ValueError("a")))
    client = server.connect()
    client.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.read_to_end().endswith(b"\r\n\r\n")
    server.take_problem()


def test_a_refusal_that_fails_ends_the_connection(serve: Serve) -> None:
    server = serve()

    def fails(_: BadRequest) -> Response:
        raise ValueError

    server.listener.refusal = fails
    client = server.connect()
    client.send(b"?")
    assert client.is_closed()
    assert server.take_problem()["message"] == "A refusal failed"


class Waiting:
    """A handler that waits for ever, and says what became of it."""

    def __init__(self) -> None:
        self.began = 0
        self.cancelled = 0

    async def __call__(self, _: Request) -> Response:
        self.began += 1
        try:
            await self.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return OK

    async def wait(self) -> None:
        await asyncio.get_running_loop().create_future()


class WaitingInATask(Waiting):
    async def wait(self) -> None:
        await asyncio.create_task(super().wait())


class WaitingInRounds(Waiting):
    async def wait(self) -> None:
        for _ in itertools.count():
            await asyncio.sleep(0)


class WaitingThenTidying(Waiting):
    """Awaits something more on its way out."""

    tidied = 0

    async def wait(self) -> None:
        try:
            await super().wait()
        finally:
            await asyncio.sleep(0.001)
            self.tidied += 1


class WaitingThenFailing(Waiting):
    async def __call__(self, request: Request) -> Response:
        try:
            return await super().__call__(request)
        except asyncio.CancelledError:
            raise ValueError("on its way out") from None


class WaitingThenIgnoring(Waiting):
    """Answers all the same: nobody hears it."""

    async def __call__(self, request: Request) -> Response:
        try:
            return await super().__call__(request)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            return OK


@pytest.mark.parametrize(
    "make",
    [Waiting, WaitingInATask, WaitingInRounds, WaitingThenTidying, WaitingThenIgnoring],
)
def test_the_handler_is_cancelled_when_its_client_leaves(
    serve: Serve, make: Callable[[], Waiting]
) -> None:
    app = make()
    server = serve(app)
    leave_after(server, GET, app)
    server.wait_until(lambda: app.cancelled == 1)
    if isinstance(app, WaitingThenTidying):
        server.wait_until(lambda: app.tidied == 1)
    server.wait_until_gone()


def leave_after(server: Server, request: bytes, app: Waiting) -> None:
    client = server.connect()
    client.send(request)
    server.wait_until(lambda: app.began == 1)
    client.reset()


def test_what_fails_after_its_client_has_left_is_reported(serve: Serve) -> None:
    app = WaitingThenFailing()
    server = serve(app)
    leave_after(server, GET, app)
    server.wait_until(lambda: bool(server.problems))
    problem = server.take_problem()
    assert str(problem["exception"]) == "on its way out"
    assert problem["message"] == "A handler failed after its client had left"


def test_requests_behind_one_whose_client_left_are_not_begun(serve: Serve) -> None:
    app = Waiting()
    server = serve(app)
    leave_after(server, GET + GET, app)
    server.wait_until(lambda: app.cancelled == 1)
    server.wait_until_gone()
    assert app.began == 1


def test_a_client_may_leave_by_reset_at_any_moment(serve: Serve) -> None:
    server = serve(after_a_sleep)
    request = post(b"hello" * 100) + GET
    for cut in range(0, len(request), 7):
        client = server.connect()
        client.send(request[:cut])
        client.reset()
    server.wait_until_gone()
    assert server.ask(GET).status == 200


def test_a_client_that_half_closes_is_answered_by_a_slow_handler(serve: Serve) -> None:
    client = serve(after_a_sleep).connect()
    client.send(get("/a") + get("/b"))
    client.half_close()
    assert [client.answer().json for _ in "ab"] == ["/a", "/b"]
    assert client.is_closed()


def test_requests_wait_unread_while_a_handler_is_at_work(serve: Serve) -> None:
    app = Waiting()
    server = serve(app)
    client = server.connect()
    client.send(GET)
    connection = server.the_connection()
    server.wait_until(lambda: connection.state is State.BUSY)
    with client.sending([GET * 1000] * 1000):
        server.wait_until(lambda: connection._paused)
        assert len(connection._backlog) < 1 << 20
        assert not connection._queue
        assert app.began == 1


def test_an_abort_from_the_listener_cancels_the_handler(serve: Serve) -> None:
    app = Waiting()
    server = serve(app)
    client = server.connect()
    client.send(GET)
    server.wait_until(lambda: app.began == 1)
    server.call(server.listener.close)
    assert client.is_closed()
    server.wait_until(lambda: app.cancelled == 1)
