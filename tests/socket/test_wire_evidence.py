"""What a check reads of the wire: the ledger's live records, in the program that runs the wire."""

import asyncio
import threading

import pytest

from faultwire.wire.ledger import Ledger, Query, Record
from faultwire.wire.link.account import Account
from faultwire.wire.plan import Plan
from faultwire.wire.plan.breaks import read_break
from faultwire.wire.proxy import Wire
from faultwire.wire.stream.messages import RequestStream
from faultwire.wire.upstream import Upstream as WireUpstream
from tests.socket.serving import NewLoop
from tests.socket.upstreams import PATIENCE_S, Peer, answers, head, ok
from tests.socket.wires import GET, Upstream, wired

OK = ok(b'{"echo":"hello"}')
ASKED = (
    b"GET /echo?msg=a%20b HTTP/1.1\r\nHost: a\r\nX-Request-ID: 7f\r\nAuthorization: Basic c2Vj\r\n"
    b"TraceParent: 00-1-2-01\r\nX-Envoy-Attempt-Count: 2\r\nX-Request-Deadline-Ms: 940\r\n\r\n"
)
DEFECT = b"GET /defect HTTP/1.1\r\n\r\n"
TOLD = {
    "x-request-id": "7f",
    "traceparent": "00-1-2-01",
    "x-envoy-attempt-count": "2",
    "x-request-deadline-ms": "940",
}


@pytest.mark.parametrize("fault", ["none", "status", "latency"])
def test_a_record_tells_who_asked_and_what_both_sides_said(new_loop: NewLoop, fault: str) -> None:
    with Upstream(answers(OK)) as upstream, wired(new_loop, upstream.url) as wire:
        if fault == "status":
            wire.breaks("status", code=503)
        elif fault == "latency":
            wire.breaks("latency", delay_ms=1)
        caller = wire.connect()
        caller.send(ASKED)
        caller.answer()
        record = wire.record()
        assert record.headers == TOLD
        assert (record.method, record.target, record.request_id) == ("GET", "/echo?msg=a%20b", "7f")
        assert (record.request_bytes, record.upstream_bytes) == (len(ASKED), len(OK))
        assert (record.status, record.upstream_status) == (503 if fault == "status" else 200, 200)
        assert record.connected <= record.started <= record.first_byte <= record.ended


def test_a_fault_that_does_not_call_the_upstream_has_no_status_of_it(new_loop: NewLoop) -> None:
    with Upstream(answers(OK)) as upstream, wired(new_loop, upstream.url) as wire:
        wire.breaks("status", phase="before")
        caller = wire.connect()
        caller.send(GET)
        caller.answer()
        record = wire.record()
        assert (record.status, record.upstream_status, record.headers) == (503, 0, {})


@pytest.mark.parametrize(
    ("fault", "attributes", "status"),
    [
        ("slow_headers", {"interval_ms": 0}, 200),
        ("bandwidth", {"bytes_per_s": 500}, 200),  # ten bytes at a time: "HTTP/1.1 2", "00 OK…"
        ("truncate", {"answer_bytes": 10}, 0),
        ("truncate", {"answer_bytes": 12}, 200),
        ("malformed", {}, 0),
    ],
)
def test_a_status_that_comes_in_pieces_is_the_status_sent(
    new_loop: NewLoop, fault: str, attributes: dict[str, int], status: int
) -> None:
    hint = head(b"HTTP/1.1 103 Early Hints", b"Link: a")
    body = ok(b"HTTP/1.1 599 is no status here")
    for answer in (body, hint + body):
        with Upstream(answers(answer)) as upstream, wired(new_loop, upstream.url) as wire:
            wire.breaks(fault, **attributes)
            wire.ask()
            record = wire.record()
            assert (record.status, record.upstream_status) == (status, 200)


def test_a_record_tells_when_the_client_let_go_of_what_the_upstream_had_ended(
    new_loop: NewLoop,
) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(ok(b"", b"Connection: close"))
        peer.finish()
        peer.wait_until_gone()

    with Upstream(script) as upstream, wired(new_loop, upstream.url) as wire:
        caller = wire.connect()
        caller.send(GET)
        assert caller.rest()[1] == "FIN"
        record = wire.record()
        wire.wait_until(lambda: bool(record.closed))
        assert (record.closed_by, record.client_closed, record.client_closed_how) == (
            "upstream",
            0.0,
            "",
        )
        caller.close()
        wire.wait_until(lambda: bool(record.client_closed))
        assert record.client_closed >= record.closed
        assert (record.closed_by, record.client_closed_how) == ("upstream", "fin")


def test_long_and_many_telling_fields_are_bounded(new_loop: NewLoop) -> None:
    fields = b"X-Deadline: " + b"x" * 9000 + b"\r\n" + b"Tracestate: a=1\r\n" * 3
    with Upstream(answers(OK)) as upstream, wired(new_loop, upstream.url) as wire:
        caller = wire.connect()
        caller.send(b"GET / HTTP/1.1\r\n" + fields + b"\r\n")
        assert caller.answer() == OK
        assert wire.record().headers == {"x-deadline": "x" * 256, "tracestate": "a=1, a=1, a=1"}


def test_who_reads_the_ledger_sees_what_has_just_passed(new_loop: NewLoop) -> None:
    heard = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        heard.set()
        peer.wait_until_gone()

    with Upstream(script) as upstream, wired(new_loop, upstream.url) as wire:
        for number in range(1, 20):
            caller = wire.connect()
            caller.send(b"GET /%d HTTP/1.1\r\n\r\n" % number)
            assert heard.wait(PATIENCE_S)
            heard.clear()
            records = wire.call(wire.open_records)
            assert [record.target for record in records] == [f"/{n}" for n in range(1, number + 1)]
        assert wire.call(lambda: wire.wire.ledger.open_count) == 19
        assert wire.call(lambda: wire.wire.ledger.counts()["open"]) == 19


def test_a_defect_in_looking_is_told_and_harms_no_other_connection(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Account.begin

    def fail(account: Account, stream: RequestStream, now: float, *, forwarded: bool) -> Record:
        if stream.target == "/defect":
            raise RuntimeError("defect")
        return begin(account, stream, now, forwarded=forwarded)

    monkeypatch.setattr(Account, "begin", fail)
    with Upstream(answers(OK)) as upstream, wired(new_loop, upstream.url) as wire:
        struck, spared = wire.connect(), wire.connect()
        for caller, request in ((struck, GET), (struck, DEFECT), (spared, GET), (struck, GET)):
            caller.send(request)
            assert caller.answer() == OK
        assert [record.connection for record in wire.records(2)] == [1, 2]
        wire.wait_until(lambda: bool(wire.problems))
        assert {str(problem["exception"]) for problem in wire.problems} == {"defect"}
        wire.problems.clear()


async def test_a_program_runs_a_wire_breaks_it_and_reads_what_it_saw() -> None:
    heads: list[tuple[Record, bytes]] = []
    ledger = Ledger(on_begin=lambda record, head: heads.append((record, head)))
    plan = Plan(asyncio.get_running_loop())
    with Upstream(answers(OK)) as upstream:
        async with (
            asyncio.timeout(PATIENCE_S),
            Wire(WireUpstream(upstream.url), plan=plan, ledger=ledger) as wire,
        ):
            plan.add(read_break({"fault": "status", "code": 503, "first": 2}))
            said = [await _asked(wire.gate.port) for _ in range(3)]
        assert [answer.split(b" ")[1] for answer in said] == [b"503", b"503", b"200"]
        attempts = ledger.find(Query(request_id="7f")).records
        assert [record.status for record in attempts] == [503, 503, 200]
        assert [record.client_closed_how for record in attempts] == ["fin"] * 3
        assert heads == [(record, ASKED) for record in attempts]
        assert wire.connections == 0


async def _asked(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(ASKED)
        writer.write_eof()
        return await reader.readuntil(b"\r\n")
    finally:
        writer.close()
        await writer.wait_closed()
