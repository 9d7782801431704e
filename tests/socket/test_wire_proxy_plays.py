"""A request in the hands of a fault: what it can see and do, and what the wire sees to."""

import asyncio
import threading
import zlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from faultwire.wire.exchange import Exchange, UpstreamLost
from faultwire.wire.faults.base import Fault, Phase
from faultwire.wire.link import answering, ends, farewell, request_way
from faultwire.wire.plan.breaks import Break
from faultwire.wire.plan.match import read_match
from faultwire.wire.stream.head import Head
from tests.socket.serving import NewLoop
from tests.socket.upstreams import Peer, answers, answers_once, chunked, head, ok, resets, stalls
from tests.socket.wires import GET, Caller, Upstream, Wired, wired

Act = Callable[[Exchange], Awaitable[object]]
OK = ok()
MARKED = OK.replace(b"\r\n\r\n", b"\r\nX-Fault: acts\r\n\r\n")
CANNED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 24\r\n"
    b'X-Fault: acts\r\n\r\n{"wire":"canned answer"}'
)
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"


class Acts(Fault, frozen=True):
    """Does what a test says."""

    act: Any

    async def play(self, exchange: Exchange) -> None:
        await self.act(exchange)


class ActsFirst(Acts, frozen=True):
    """The same, before another fault."""

    COMPOSES = True


def act(
    wire: Wired,
    act: Act,
    phase: Phase = Phase.AFTER,
    *,
    name: str = "acts",
    composes: bool = False,
) -> None:
    """Break all requests by calling `act`."""
    fault = (ActsFirst if composes else Acts)(act=act)
    wire.call(wire.wire.plan.add, Break(fault, name, phase, seed=zlib.crc32(name.encode())))


async def pass_on(exchange: Exchange) -> None:
    await exchange.pass_on()


async def nothing(_: Exchange) -> None:
    """Return without a word."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(answers(OK)) as upstream:
        yield upstream


@pytest.fixture
def wire(new_loop: NewLoop, upstream: Upstream) -> Iterator[Wired]:
    with wired(new_loop, upstream.url) as wire:
        yield wire


# The answer.


@pytest.mark.parametrize("phase", Phase)
def test_a_request_that_is_passed_on_has_the_upstreams_answer_marked(
    wire: Wired, upstream: Upstream, phase: Phase
) -> None:
    act(wire, pass_on, phase)
    caller = wire.connect()
    for _ in range(2):
        caller.send(GET)
        assert caller.answer() == MARKED
    assert upstream.requests == [GET[:-4]] * 2
    caller.close()
    first, second = wire.records(2)
    assert (first.fault, first.phase, first.status) == ("acts", phase.value, 200)
    assert (first.request_bytes, first.upstream_bytes) == (len(GET), len(OK))
    assert first.response_bytes == len(MARKED)
    assert first.started <= first.forwarded <= first.first_byte <= first.ended
    assert (second.place, second.connection) == (2, 1)


def test_the_answer_is_seen_whole_and_can_be_changed(wire: Wired) -> None:
    seen = []

    async def change(exchange: Exchange) -> None:
        head = await exchange.answer()
        assert head is await exchange.answer()
        body = b"".join([piece async for piece in exchange.body()])
        seen.append((exchange.request.raw, exchange.reused, head.status, body))
        await exchange.send(head.without_field(b"content-type").raw + body.upper())

    act(wire, change)
    caller = wire.connect()
    caller.send(GET)
    changed = caller.answer()
    assert changed == (
        b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\nX-Fault: acts\r\n\r\n{"ECHO":"HELLO"}'
    )
    caller.send(GET)
    assert caller.answer() == changed
    assert seen == [
        (GET, False, 200, b'{"echo":"hello"}'),
        (GET, True, 200, b'{"echo":"hello"}'),
    ]


def test_without_the_upstream_the_answer_is_the_wires_own(wire: Wired, upstream: Upstream) -> None:
    async def canned(exchange: Exchange) -> None:
        await exchange.send((await exchange.answer()).raw)
        async for piece in exchange.body():
            await exchange.send(piece)

    act(wire, canned, Phase.BEFORE)
    caller = wire.connect()
    caller.send(POST + GET)  # the body is dropped: the next request is found behind it
    assert caller.answer() == CANNED
    assert caller.answer() == CANNED
    caller.send(GET.replace(b"GET", b"HEAD"))
    assert caller.head() == CANNED[:-24]
    closing = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    caller.send(closing)
    answer = CANNED.replace(b"X-Fault", b"Connection: close\r\nX-Fault")
    assert caller.rest() == (answer, "FIN")
    assert upstream.requests == []
    assert [record.forwarded for record in wire.records(4)] == [0.0] * 4


def test_a_canned_answer_is_forgotten_when_the_request_is_passed_on_after_all(wire: Wired) -> None:
    async def hesitate(exchange: Exchange) -> None:
        await exchange.answer()
        await exchange.pass_on()

    act(wire, hesitate, Phase.BEFORE)
    assert wire.ask(GET) == (MARKED, "FIN")


def test_behind_what_a_fault_has_sent_comes_the_rest(wire: Wired) -> None:
    async def start(exchange: Exchange) -> None:
        await exchange.send((await exchange.answer()).raw)
        await exchange.pass_on()

    for phase, answer in ((Phase.AFTER, MARKED), (Phase.BEFORE, CANNED)):
        act(wire, start, phase)
        assert wire.ask(GET) == (answer, "FIN")


def test_chunks_and_trailers_pass_as_they_are(new_loop: NewLoop) -> None:
    body = chunked(b"hello", b"x" * 100_000, end=b"0;last\r\nA: b\r\n\r\n")
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
    with (
        Upstream(answers(start + b"\r\n" + body)) as upstream,
        wired(new_loop, upstream.url) as wire,
    ):
        act(wire, pass_on)
        assert wire.ask(GET) == (start + b"X-Fault: acts\r\n\r\n" + body, "FIN")


def test_an_answer_that_ends_with_its_connection_does_so_here(new_loop: NewLoop) -> None:
    with (
        Upstream(answers_once(b"HTTP/1.0 200 OK\r\n\r\nall")) as upstream,
        wired(new_loop, upstream.url) as wire,
    ):
        act(wire, pass_on)
        caller = wire.connect()
        caller.send(GET)
        assert caller.rest() == (b"HTTP/1.0 200 OK\r\nX-Fault: acts\r\n\r\nall", "FIN")
        assert wire.record().error == ""


def test_interim_answers_come_before_the_final_one_unmarked(new_loop: NewLoop) -> None:
    early = head(b"HTTP/1.1 100 Continue") + head(b"HTTP/1.1 103 Early Hints", b"Link: a")
    with Upstream(answers(early + OK)) as upstream, wired(new_loop, upstream.url) as wire:
        act(wire, pass_on)
        assert wire.ask(GET) == (early + MARKED, "FIN")
        assert wire.record().status == 200


def test_a_websocket_passes_through_a_fault(new_loop: NewLoop) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(head(b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket") + b"hi")
        peer.send(peer._receive()[::-1])
        peer.wait_until_gone()

    with Upstream(script) as upstream, wired(new_loop, upstream.url) as wire:
        act(wire, pass_on)
        caller = wire.connect()
        caller.send(GET.replace(b"\r\n\r\n", b"\r\nUpgrade: websocket\r\n\r\n"))
        assert caller.head().endswith(b"\r\nX-Fault: acts\r\n\r\n")
        assert caller.read(2) == b"hi"
        caller.send(b"\x81\x00\r\n\r\n")
        assert caller.read(6) == b"\n\r\n\r\x00\x81"
        caller.close()
        record = wire.record()
        assert (record.status, record.fault) == (101, "acts")


# Requests and connections around it.


def test_pipelined_requests_are_answered_in_order_whichever_is_broken(new_loop: NewLoop) -> None:
    def script(peer: Peer) -> None:
        while True:
            peer.send(ok(peer.request().split()[1]))

    async def own(exchange: Exchange) -> None:
        target = exchange.request.target
        await exchange.send(exchange.marked(Head(ok(target)[: -len(target)])).raw + target)

    with Upstream(script) as upstream, wired(new_loop, upstream.url) as wire:
        targets = [b"/%d" % n for n in range(50)]
        fault = Acts(act=own)
        match = read_match({"path": "/*7"})
        wire.call(wire.wire.plan.add, Break(fault, "acts", Phase.BEFORE, 1, match=match))
        caller = wire.connect()
        caller.send(b"".join(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % t for t in targets))
        for target in targets:
            answer = caller.answer()
            assert answer.endswith(b"\r\n\r\n" + target)
        assert {record.target for record in wire.records(50) if record.fault} == {
            "/7",
            "/17",
            "/27",
            "/37",
            "/47",
        }


def test_the_request_body_is_passed_on_while_the_play_goes_on(wire: Wired) -> None:
    act(wire, pass_on)
    caller = wire.connect()
    caller.send(POST[:-3])
    caller.send(POST[-3:] + GET)
    assert caller.answer() == MARKED
    assert caller.answer() == MARKED
    assert [record.request_bytes for record in wire.records(2)] == [len(POST), len(GET)]


def test_a_request_can_be_discarded_to_its_end(wire: Wired) -> None:
    over = threading.Event()

    async def discard(exchange: Exchange) -> None:
        await exchange.discard_request()
        over.set()
        await exchange.discard_request()
        await exchange.send(OK)

    act(wire, discard, Phase.BEFORE)
    caller = wire.connect()
    caller.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")
    assert caller.is_silent()
    assert not over.is_set()
    caller.send(b"lo\r\n0\r\n\r\n" + GET)
    assert caller.answer() == OK
    assert caller.answer() == OK
    assert wire.records(2)[0].request_bytes == 47 + len(b"5\r\nhello\r\n0\r\n\r\n")


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(wire: Wired) -> None:
    async def discard(exchange: Exchange) -> None:
        await exchange.discard_request()
        await exchange.send(OK)

    act(wire, discard, Phase.BEFORE)
    caller = wire.connect()
    caller.send(POST[:-7].replace(b"\r\nContent", b"\r\nExpect: 100-Continue\r\nContent") + b"\r\n")
    assert caller.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
    caller.send(b"hello" + GET)
    assert caller.answer() == OK
    assert caller.answer() == OK


@pytest.mark.parametrize("discards", [True, False])
def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing_behind(
    wire: Wired, discards: bool
) -> None:
    async def discard(exchange: Exchange) -> None:
        if discards:
            await exchange.discard_request()
        await exchange.send(OK)

    act(wire, discard, Phase.BEFORE)
    assert wire.ask(POST[:-2]) == (OK, "FIN")
    wire.wait_until_gone()


def test_a_body_without_an_end_that_can_be_found_ends_the_connection(wire: Wired) -> None:
    async def discard(exchange: Exchange) -> None:
        await exchange.discard_request()
        await exchange.send(OK)

    act(wire, discard, Phase.BEFORE)
    caller = wire.connect()
    caller.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + GET)
    assert caller.rest() == (OK, "FIN")


def test_what_a_fault_has_not_read_of_an_answer_does_not_reach_the_next(new_loop: NewLoop) -> None:
    script = answers(ok(bytes(300_000)), OK)

    async def own(exchange: Exchange) -> None:
        await exchange.answer()
        await exchange.send(OK)

    with Upstream(script) as upstream, wired(new_loop, upstream.url) as wire:
        act(wire, own)
        caller = wire.connect()
        caller.send(GET)
        assert caller.answer() == OK
        wire.mend()
        caller.send(GET)
        assert caller.answer() == OK
        assert upstream.talks == 1


def test_an_answer_that_nobody_wants_and_does_not_end_ends_the_connection(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "_MOST_DRAINED_BYTES", 1 << 20)

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            peer.send(bytes(1 << 16))

    async def own(exchange: Exchange) -> None:
        await exchange.answer()
        await exchange.send(OK)

    with Upstream(script) as upstream, wired(new_loop, upstream.url) as wire:
        act(wire, own)
        caller = wire.connect()
        caller.send(GET)
        assert caller.rest() == (OK, "FIN")
        record = wire.record()
        assert (record.closed_by, record.closed_how) == ("wire", "fin")


def test_a_fault_that_says_nothing_leaves_the_next_request_unharmed(wire: Wired) -> None:
    act(wire, nothing, Phase.BEFORE)
    caller = wire.connect()
    caller.send(GET)
    (record,) = wire.records(1)
    assert (record.status, record.response_bytes) == (0, 0)
    wire.mend()
    caller.send(GET)
    assert caller.answer() == OK


def test_a_fault_counts_from_the_next_request_of_an_open_connection(wire: Wired) -> None:
    caller = wire.connect()
    caller.send(GET)
    assert caller.answer() == OK
    caller.send(GET[:20])
    wire.wait_until(lambda: any(link.requests.stream.carried for link in wire.wire._links))
    act(wire, pass_on)
    caller.send(GET[20:] + GET)
    assert caller.answer() == OK  # it had begun before
    assert caller.answer() == MARKED
    wire.mend()
    caller.send(GET)
    assert caller.answer() == OK


def test_a_head_that_does_not_become_whole_is_passed_on_in_the_end(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_way, "_HEAD_S", 0.02)
    received = []

    def script(peer: Peer) -> None:
        received.append(peer._receive())
        peer.wait_until_gone()

    with Upstream(script) as upstream, wired(new_loop, upstream.url) as wire:
        act(wire, pass_on)
        caller = wire.connect()
        caller.send(b"HELO somebody")
        upstream.wait_for(connections=2)
        caller.finish()
        assert caller.rest() == (b"", "FIN")
        assert received == [b"HELO somebody"]


def test_earlier_answers_that_never_come_call_a_waiting_play_off(new_loop: NewLoop) -> None:
    go_on = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.wait(go_on)
        peer.reset()

    with Upstream(script) as upstream, wired(new_loop, upstream.url) as wire:
        caller = wire.connect()
        caller.send(GET)
        upstream.wait_for(requests=1)
        act(wire, pass_on)
        caller.send(GET)
        wire.wait_until(lambda: len(wire.open_records()) == 2)
        go_on.set()
        assert caller.rest() == (b"", "RST")
        assert [record.error for record in wire.records(2)] == ["upstream_reset"] * 2


# Ends.


@pytest.mark.parametrize(("script", "how"), [(resets, "RST"), (answers_once, "FIN")])
@pytest.mark.parametrize(
    "torn", [b"", OK[:20], OK[:-4]], ids=["nothing", "part of the head", "part of the body"]
)
def test_what_the_upstream_leaves_undone_is_left_undone_here(
    new_loop: NewLoop, script: Any, how: str, torn: bytes
) -> None:
    with Upstream(script(torn)) as upstream, wired(new_loop, upstream.url) as wire:
        act(wire, pass_on)
        caller = wire.connect()
        caller.send(GET)
        data, saw = caller.rest()
        assert saw == how
        if how == "FIN":
            assert data == torn.replace(b"\r\n\r\n", b"\r\nX-Fault: acts\r\n\r\n")
        record = wire.record()
        assert record.error == {"RST": "upstream_reset", "FIN": "upstream_closed"}[how]
        assert record.closed_by == "upstream"


def test_an_upstream_that_leaves_because_the_client_has_is_not_to_blame(new_loop: NewLoop) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.wait_until_gone()
        peer.finish()

    with Upstream(script) as upstream, wired(new_loop, upstream.url) as wire:
        act(wire, pass_on)
        caller = wire.connect()
        caller.send(GET)
        upstream.wait_for(requests=1)
        caller.finish()
        assert caller.rest() == (b"", "FIN")
        record = wire.record()
        assert (record.error, record.closed_by) == ("client_closed", "client")


def test_a_fault_learns_that_the_upstream_is_lost(new_loop: NewLoop) -> None:
    async def replace(exchange: Exchange) -> None:
        with pytest.raises(UpstreamLost):
            await exchange.answer()
        await exchange.send(OK)

    with Upstream(answers_once()) as upstream, wired(new_loop, upstream.url) as wire:
        act(wire, replace)
        caller = wire.connect()
        caller.send(GET)
        assert caller.rest() == (OK, "FIN")


def test_an_answer_that_is_not_http_passes_through_a_fault(new_loop: NewLoop) -> None:
    with (
        Upstream(answers(b"\x15\x03\x01 garbage")) as upstream,
        wired(new_loop, upstream.url) as wire,
    ):
        act(wire, pass_on)
        caller = wire.connect()
        caller.send(GET)
        assert caller.read(11) == b"\x15\x03\x01 garbage"
        caller.send(GET)  # opaque from now on
        assert caller.read(11) == b"\x15\x03\x01 garbage"


def test_an_upstream_that_closes_during_a_play_is_mirrored_behind_it(new_loop: NewLoop) -> None:
    leave = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        peer.wait(leave)

    async def wait_and_answer(exchange: Exchange) -> None:
        await exchange.send(OK)
        await exchange.sleep(3600)
        await exchange.send(OK)

    with Upstream(script) as upstream, wired(new_loop, upstream.url) as wire:
        caller = wire.connect()
        caller.send(GET)
        assert caller.answer() == OK
        act(wire, wait_and_answer, Phase.BEFORE)
        caller.send(GET)
        assert caller.answer() == OK
        leave.set()
        wire.wait_until(lambda: all(link.answers.ended for link in wire.wire._links))
        wire.mend()
        assert caller.rest() == (OK, "FIN")


def test_a_fault_closes_behind_what_it_has_sent(wire: Wired, upstream: Upstream) -> None:
    async def half(exchange: Exchange) -> None:
        await exchange.send(bytes(500_000))
        exchange.close()
        await exchange.send(b"never")
        exchange.reset()

    act(wire, half)
    caller = wire.connect()
    caller.send(GET + GET)
    assert caller.rest() == (bytes(500_000), "FIN")
    record = wire.record()
    assert (record.closed_by, record.closed_how) == ("wire", "fin")
    upstream.wait_for(connections=2)
    caller.close()
    wire.wait_until_gone()


def test_a_fault_resets_behind_what_it_has_sent(wire: Wired) -> None:
    async def half(exchange: Exchange) -> None:
        await exchange.send(bytes(500_000))
        exchange.reset()

    act(wire, half)
    caller = wire.connect()
    caller.send(GET)
    assert caller.rest() == (bytes(500_000), "RST")
    record = wire.record()
    assert (record.closed_by, record.closed_how) == ("wire", "rst")
    wire.wait_until_gone()


def test_a_defect_in_a_fault_resets_the_connection_and_is_told(wire: Wired) -> None:
    async def fail(_: Exchange) -> None:
        raise ZeroDivisionError

    act(wire, fail)
    caller = wire.connect()
    caller.send(GET)
    assert caller.rest() == (b"", "RST")
    (problem,) = wire.problems
    assert problem["message"] == "The fault acts has a defect"
    assert isinstance(problem["exception"], ZeroDivisionError)
    wire.problems.clear()
    wire.mend()
    assert wire.ask(GET) == (OK, "FIN")


class Watched:
    """Sleeps for ever, and tells what became of it."""

    def __init__(self, seconds: float = 3600) -> None:
        self.asleep = threading.Event()
        self.end = ""
        self._seconds = seconds

    async def __call__(self, exchange: Exchange) -> None:
        self.asleep.set()
        try:
            slept = await exchange.sleep(self._seconds)
        except asyncio.CancelledError:
            self.end = "cancelled"
            raise
        self.end = "slept" if slept else "mended"
        await exchange.send(OK)


@pytest.mark.parametrize("phase", Phase)
def test_a_play_is_cancelled_when_the_client_resets(wire: Wired, phase: Phase) -> None:
    watched = Watched()
    act(wire, watched, phase)
    caller = wire.connect()
    caller.send(GET)
    watched.asleep.wait(20)
    caller.reset()
    wire.wait_until_gone()
    record = wire.record()
    assert watched.end == "cancelled"
    assert (record.closed_by, record.closed_how, record.error) == ("client", "rst", "")


def test_a_long_sleep_is_cancelled_when_the_client_closes(wire: Wired) -> None:
    watched = Watched()
    act(wire, watched)
    caller = wire.connect()
    caller.send(GET)
    watched.asleep.wait(20)
    caller.close()
    wire.wait_until_gone()
    record = wire.record()
    assert watched.end == "cancelled"
    assert (record.closed_by, record.closed_how, record.status) == ("client", "fin", 0)


def test_a_client_that_has_shut_down_its_side_is_waited_with_for_a_moment(wire: Wired) -> None:
    watched = Watched(0.05)
    act(wire, watched)
    assert wire.ask(GET) == (OK, "FIN")
    assert watched.end == "slept"


def test_mending_wakes_a_sleeper_and_nobody_sleeps_on(wire: Wired) -> None:
    watched = Watched()

    async def twice(exchange: Exchange) -> None:
        await watched(exchange)
        assert not await exchange.sleep(3600)

    act(wire, twice)
    caller = wire.connect()
    caller.send(GET)
    watched.asleep.wait(20)
    assert caller.is_silent()
    wire.mend()
    assert caller.answer() == OK
    assert watched.end == "mended"
    wire.records(1)


def test_the_clients_fin_reaches_an_upstream_that_is_still_thinking(new_loop: NewLoop) -> None:
    with Upstream(stalls()) as upstream, wired(new_loop, upstream.url) as wire:
        act(wire, pass_on)
        caller = wire.connect()
        caller.send(GET)
        upstream.wait_for(requests=1)
        caller.close()
        upstream.wait_for(over=1)
        wire.wait_until_gone()
        assert wire.record().closed_by == "client"


class Silent:
    """An upstream that takes one request and says nothing."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    def __call__(self, peer: Peer) -> None:
        peer.request()
        self.asked.set()
        peer.wait_until_gone()


def test_a_client_that_has_asked_for_more_and_gone_is_not_waited_for(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(farewell, "_HELD_FIN_S", 0.02)
    with Upstream(Silent()) as upstream, wired(new_loop, upstream.url) as wire:
        act(wire, pass_on)
        caller = wire.connect()
        caller.send(GET * 2)
        wire.wait_until(lambda: any(not link.requests.idle for link in wire.wire._links))
        caller.close()
        wire.wait_until_gone()
        upstream.wait_for(over=1)


@pytest.mark.parametrize("leave", [Caller.reset, Caller.close])
def test_a_client_that_is_not_read_may_leave_all_the_same(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch, leave: Callable[[Caller], None]
) -> None:
    monkeypatch.setattr(farewell, "_HELD_FIN_S", 0.02)
    monkeypatch.setattr(ends, "_LOOK_S", 0.02)
    silent = Silent()
    with Upstream(silent) as upstream, wired(new_loop, upstream.url) as wire:
        act(wire, pass_on)
        caller = wire.connect()
        caller.send(GET * 5000)
        wire.wait_until(lambda: any(link.client._held for link in wire.wire._links))
        leave(caller)
        wire.wait_until_gone()
        upstream.wait_for(over=1)


def test_sending_waits_while_the_client_does_not_read(wire: Wired) -> None:
    sent = []

    async def flood(exchange: Exchange) -> None:
        for _ in range(200):
            await exchange.send(bytes(1 << 16))
            sent.append(1)

    act(wire, flood)
    caller = wire.connect()
    caller.send(GET)
    caller.read(1)
    wire.wait_until(lambda: any(link.client.full for link in wire.wire._links))
    assert len(sent) < 150
    caller.read(200 * (1 << 16) - 1)
    assert wire.record().response_bytes == 200 * (1 << 16)


# Faults that compose.


def test_faults_play_one_inside_the_other(wire: Wired) -> None:
    order = []

    async def first(exchange: Exchange) -> None:
        order.append(("first", exchange.rng.random()))
        await exchange.pass_on()
        order.append(("first again", exchange.rng.random()))

    async def silent(exchange: Exchange) -> None:
        order.append(("silent", exchange.rng.random()))

    async def last(exchange: Exchange) -> None:
        order.append(("last", exchange.rng.random()))
        await exchange.pass_on()

    act(wire, first, name="one", composes=True)
    act(wire, silent, name="two", composes=True)
    act(wire, last, name="three")
    data, _ = wire.ask(GET)
    assert data == OK.replace(b"\r\n\r\n", b"\r\nX-Fault: one, two, three\r\n\r\n")
    assert [name for name, _ in order] == ["first", "silent", "last", "first again"]
    assert len({chance for _, chance in order}) == 4
    assert wire.record().fault == "one,two,three"


def test_a_fault_that_composes_and_says_nothing_passes_on(wire: Wired) -> None:
    act(wire, nothing, composes=True)
    assert wire.ask(GET) == (MARKED, "FIN")


# Faults of accepting.


def test_an_accepted_connection_can_be_reset(wire: Wired, upstream: Upstream) -> None:
    wire.breaks("reset_on_accept")
    with pytest.raises(ConnectionResetError):
        wire.connect().read(1)
    record = wire.record()
    assert (record.fault, record.place, record.method) == ("reset_on_accept", 0, "")
    assert (record.closed_by, record.closed_how) == ("wire", "rst")
    wire.mend()
    assert wire.ask(GET) == (OK, "FIN")
    assert upstream.talks == 1


def test_an_accepted_connection_can_be_closed(wire: Wired) -> None:
    wire.breaks("close_on_accept")
    caller = wire.connect()
    assert caller.rest() == (b"", "FIN")
    caller.close()
    record = wire.record()
    assert (record.fault, record.closed_by, record.closed_how) == ("close_on_accept", "wire", "fin")
    wire.wait_until_gone()


def test_an_accepted_connection_can_be_left_alone_for_a_while(wire: Wired) -> None:
    wire.breaks("slow_accept", delay_ms=3_600_000)
    caller = wire.connect()
    caller.send(GET)
    gone = wire.connect()
    gone.close()
    wire.wait_until(lambda: wire.wire.ledger.connections == 2)
    wire.wait_until(lambda: wire.wire.connections == 1)
    assert caller.is_silent()
    wire.mend()
    assert caller.answer() == OK
