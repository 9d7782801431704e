"""A second answer that nobody asked for, behind the first."""

from collections.abc import Callable
from time import monotonic

import pytest

from tests.socket.broken import BODY, BY_FIN, OK, pair, taken_apart, whole
from tests.socket.serving import NewLoop
from tests.socket.upstreams import Script, answers, answers_once, chunked, head
from tests.socket.wires import GET

CHUNKS = head(b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked") + chunked(BODY)
UNTIL_CLOSE = head(b"HTTP/1.1 200 OK") + BODY
FORGED = b'{"echo":"surplus"}'


@pytest.mark.parametrize("phase", ["after", "before"])
def test_a_forged_answer_follows_the_right_one_on_a_connection_that_lives_on(
    new_loop: NewLoop, phase: str
) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("surplus", phase=phase)
        caller = wire.connect()
        for _ in range(2):
            caller.send(GET)
            right, forged = whole(caller), whole(caller)
            assert (right.body == BODY) is (phase == "after")
            assert (forged.status, forged.body) == (200, FORGED)
            assert (right.fields["x-fault"], forged.fields["x-fault"]) == ("surplus", "surplus")


def test_the_forged_answer_says_what_it_is_told_to(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("surplus", body='{"echo":"mallory"}')
        caller = wire.connect()
        caller.send(GET)
        assert [whole(caller).body, whole(caller).body] == [BODY, b'{"echo":"mallory"}']


def test_it_may_come_later_on_the_idle_connection(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("surplus", delay_ms=300)
        caller = wire.connect()
        began = monotonic()
        caller.send(GET)
        assert whole(caller).body == BODY
        assert caller.is_silent()
        assert whole(caller).body == FORGED
        assert monotonic() - began >= 0.3
        caller.send(GET)
        assert whole(caller).body == BODY


def test_mending_sends_it_at_once(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("surplus", delay_ms="1h")
        caller = wire.connect()
        caller.send(GET)
        assert whole(caller).body == BODY
        wire.mend()
        assert whole(caller).body == FORGED


@pytest.mark.parametrize(("answer", "script"), [(CHUNKS, answers), (UNTIL_CLOSE, answers_once)])
def test_it_follows_the_last_chunk_of_an_answer_without_a_length(
    new_loop: NewLoop, answer: bytes, script: Callable[[bytes], Script]
) -> None:
    with pair(new_loop, script(answer)) as (wire, _):
        wire.breaks("surplus")
        caller = wire.connect()
        caller.send(GET)
        right = taken_apart(caller.head())
        assert right.fields["transfer-encoding"] == "chunked"
        assert caller.read(len(chunked(BODY))) == chunked(BODY)
        assert whole(caller).body == FORGED


def test_it_follows_an_answer_that_has_no_body(new_loop: NewLoop) -> None:
    with pair(new_loop, answers(OK.removesuffix(BODY))) as (wire, _):
        wire.breaks("surplus")
        caller = wire.connect()
        caller.send(GET.replace(b"GET", b"HEAD"))
        assert taken_apart(caller.head()).fields["content-length"] == str(len(BODY))
        assert whole(caller).body == FORGED


def test_the_connection_ends_behind_it_if_the_request_says_so(new_loop: NewLoop) -> None:
    with pair(new_loop) as (wire, _):
        wire.breaks("surplus")
        caller = wire.connect()
        caller.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert whole(caller).body == BODY
        data, end = caller.rest()
        assert (taken_apart(data).body, end) == (FORGED, BY_FIN)
