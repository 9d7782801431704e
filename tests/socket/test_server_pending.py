"""A response to come without a coroutine: given when it is there, dropped with its client."""

import asyncio
from collections.abc import Callable

import pytest

from faultwire.http.driver import Outcome, Pending
from faultwire.http.message import Request, Response
from faultwire.http.server import Answer, State
from tests.socket.conftest import Serve
from tests.socket.serving import GET, get


class Later(Pending):
    """Answered when the test says so."""

    def __init__(self, path: bytes) -> None:
        self.answer: Callable[[Outcome], object] | None = None
        self.path = path
        self.cancelled = 0

    def cancel(self) -> None:
        self.cancelled += 1
        self.give(asyncio.CancelledError())

    def give(self, outcome: Outcome) -> None:
        assert self.answer is not None
        self.answer(outcome)


class Desk:
    """Takes requests in, and answers none."""

    def __init__(self) -> None:
        self.waiting: list[Later] = []

    def __call__(self, request: Request) -> Answer:
        self.waiting.append(Later(request.path))
        return self.waiting[-1]


def test_pipelined_requests_are_answered_one_after_the_other(serve: Serve) -> None:
    desk = Desk()
    server = serve(desk)
    client = server.connect()
    client.send(b"".join(get(f"/{n}") for n in range(3)))
    connection = server.the_connection()
    for n in range(3):
        server.wait_until(lambda n=n: len(desk.waiting) == n + 1)  # type: ignore[misc]
        assert connection.state is State.BUSY
        assert client.peek() == b""
        server.call(desk.waiting[n].give, Response(200, b'"%b"' % desk.waiting[n].path))
        assert client.answer().json == f"/{n}"
    server.wait_until(lambda: connection.state is State.IDLE)


def test_it_is_cancelled_when_its_client_leaves_and_nobody_hears_it(serve: Serve) -> None:
    desk = Desk()
    server = serve(desk)
    client = server.connect()
    client.send(GET + GET)
    server.wait_until(lambda: len(desk.waiting) == 1)
    client.reset()
    server.wait_until(lambda: desk.waiting[0].cancelled == 1)
    server.wait_until_gone()
    server.call(desk.waiting[0].give, Response(200, b"{}"))
    assert len(desk.waiting) == 1


def test_one_that_was_answered_is_not_cancelled_when_its_client_leaves(serve: Serve) -> None:
    desk = Desk()
    server = serve(desk)
    client = server.connect()
    client.send(GET)
    server.wait_until(lambda: len(desk.waiting) == 1)
    server.call(desk.waiting[0].give, Response(200, b"{}"))
    assert client.answer().status == 200
    client.reset()
    server.wait_until_gone()
    assert desk.waiting[0].cancelled == 0


@pytest.mark.parametrize("error", [ValueError("a"), asyncio.CancelledError()], ids=repr)
def test_an_error_in_its_place_is_a_500_and_a_report(serve: Serve, error: BaseException) -> None:
    desk = Desk()
    server = serve(desk)
    client = server.connect()
    client.send(GET)
    server.wait_until(lambda: len(desk.waiting) == 1)
    server.call(desk.waiting[0].give, error)
    answer = client.answer()
    assert (answer.status, answer.headers["connection"]) == (500, "close")
    assert server.take_problem()["exception"] is error
