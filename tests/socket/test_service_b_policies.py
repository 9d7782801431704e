"""Service B under policies, as its clients, its log and its metrics tell of it."""

import re
import threading
from time import perf_counter

import pytest

from faultwire.services.service_a import ServiceA
from tests.ports import unused_port
from tests.socket.pair import service_a, service_b
from tests.socket.serving import NewLoop, get
from tests.socket.upstreams import FullBacklog, Peer, Upstream, answers, ok, stalls

OK = ok()
BUSY = ok(b"busy", status=b"503 Service Unavailable")
GONE = ok(b"gone", status=b"404 Not Found")


def requests_to(upstream: Upstream) -> int:
    return len(upstream.requests)


def test_a_retry_saves_the_request_and_log_and_metrics_tell_of_it(new_loop: NewLoop) -> None:
    with (
        Upstream(answers(BUSY, OK)) as upstream,
        service_b(new_loop, upstream.url, policy="retry(base=1ms)+budget") as b,
    ):
        assert b.echo().status == 200
        assert b"X-Envoy-Attempt-Count: 2\r\n" in upstream.requests[1]
        assert "status=ok" in b.wait_for_line("attempts=2")
        metrics = b.get("/metrics").body.decode()
    assert "faultwire_retries_total 1.0" in metrics
    assert "faultwire_upstream_attempts_total" in metrics
    assert re.search(r"faultwire_retry_budget \d", metrics)


def test_a_404_is_not_asked_for_again_and_the_log_says_why(new_loop: NewLoop) -> None:
    with (
        Upstream(answers(GONE)) as upstream,
        service_b(new_loop, upstream.url, policy="retry") as b,
    ):
        assert b.echo().json["kind"] == "upstream_status"
        assert requests_to(upstream) == 1
        assert "stopped_by=kind" in b.wait_for_line("status=error")


def test_an_open_breaker_answers_503_with_retry_after_and_is_seen(new_loop: NewLoop) -> None:
    with (
        Upstream(answers(BUSY)) as upstream,
        service_b(new_loop, upstream.url, policy="breaker(volume=2,open=60s)") as b,
    ):
        for _ in range(2):
            assert b.echo().json["kind"] == "upstream_status"
        refused = b.echo()
        assert (refused.status, refused.json["kind"]) == (503, "circuit_open")
        assert refused.json["attempts"] == 0
        assert 50 < int(refused.headers["retry-after"]) <= 60
        assert "error=destination_unavailable" in refused.headers["proxy-status"]
        assert requests_to(upstream) == 2
        assert "before=closed after=open" in b.wait_for_line("event=breaker")
        assert "kind=circuit_open" in b.wait_for_line("circuit_open")
        metrics = b.get("/metrics").body.decode()
    assert 'faultwire_breaker_state{faultwire_breaker_state="open"} 1.0' in metrics
    assert 'faultwire_calls_refused_total{error_type="circuit_open"} 1.0' in metrics


def test_a_breaker_closes_when_its_trials_succeed(new_loop: NewLoop) -> None:
    healthy = threading.Event()

    def script(peer: Peer) -> None:
        while True:
            peer.request()
            peer.send(OK if healthy.is_set() else BUSY)

    with (
        Upstream(script) as upstream,
        service_b(new_loop, upstream.url, policy="breaker(volume=2,open=10ms,trials=1)") as b,
    ):
        b.echo()
        b.echo()
        b.wait_for_line("after=open")
        healthy.set()
        assert any(b.echo().status == 200 for _ in range(1000))
        assert "before=half_open" in b.wait_for_line("after=closed")


def test_a_client_in_a_hurry_is_answered_in_its_time_and_opens_no_breaker(
    new_loop: NewLoop,
) -> None:
    with (
        Upstream(stalls()) as upstream,
        service_b(new_loop, upstream.url, policy="breaker(volume=1)+deadline") as b,
    ):
        started = perf_counter()
        assert b.echo("X-Deadline-Ms: 50").json["kind"] == "response_timeout"
        assert perf_counter() - started < 5
        assert (
            b"X-Deadline-Ms: 4" in upstream.requests[0]
            or b"X-Deadline-Ms: 50" in (upstream.requests[0])
        )
        assert b.echo("X-Deadline-Ms: 50").json["kind"] == "response_timeout"


def test_a_that_stops_for_a_client_in_a_hurry_opens_no_breaker(new_loop: NewLoop) -> None:
    """A knows the deadline, and says 504 before B has noticed that it is over."""
    with (
        service_a(new_loop, work_s="10s") as a,
        service_b(new_loop, a.url, policy="breaker(volume=1)+deadline") as b,
    ):
        for _ in range(5):
            late = b.echo("X-Deadline-Ms: 50").json["kind"]
            assert late in ("upstream_status", "response_timeout")


@pytest.mark.parametrize("value", ["soon", "-1", "1.5", ""])
def test_a_hurry_that_cannot_be_read_is_refused(new_loop: NewLoop, value: str) -> None:
    with (
        Upstream(answers(OK)) as upstream,
        service_b(new_loop, upstream.url, policy="deadline") as b,
    ):
        refused = b.echo(f"X-Deadline-Ms: {value}")
        assert refused.status == 400
        assert "X-Deadline-Ms must be whole milliseconds" in refused.json["details"]


def test_no_time_left_is_told_as_such_and_a_is_spared(new_loop: NewLoop) -> None:
    with (
        Upstream(answers(OK)) as upstream,
        service_b(new_loop, upstream.url, policy="deadline") as b,
    ):
        assert b.echo("X-Deadline-Ms: 0").json["kind"] == "deadline_exceeded"
        assert requests_to(upstream) == 0


def test_a_full_bulkhead_refuses_at_once_while_the_rest_is_served(new_loop: NewLoop) -> None:
    with (
        Upstream(stalls()) as upstream,
        service_b(new_loop, upstream.url, policy="bulkhead(in_flight=1)") as b,
    ):
        first = b.server.connect()
        first.send(get("/call-echo?msg=hello"))
        upstream.wait_for(requests=1)
        assert b.echo().json["kind"] == "bulkhead_full"
        assert b.is_well()
        first.reset()
        upstream.wait_for(over=1)


def test_of_several_upstreams_one_that_is_down_is_left_alone(new_loop: NewLoop) -> None:
    with Upstream(answers(OK)) as upstream:
        nobody = f"http://127.0.0.1:{unused_port()}"
        urls = f"{nobody},{upstream.url}"
        policy = "retry(base=1ms)+balance(failures=1,ejection=60s)"
        with service_b(new_loop, urls, policy=policy) as b:
            assert [b.echo().status for _ in range(20)] == [200] * 20
            metrics = b.get("/metrics").body.decode()
    assert "faultwire_upstreams 2.0" in metrics
    assert "faultwire_upstreams_ejected 1.0" in metrics


def test_one_upstream_that_is_down_opens_no_breaker_for_the_others(new_loop: NewLoop) -> None:
    with Upstream(answers(*[OK] * 200)) as upstream:
        urls = f"http://127.0.0.1:{unused_port()},{upstream.url}"
        policy = "retry(base=1ms)+breaker(volume=20,ratio=0.3)"
        with service_b(new_loop, urls, policy=policy) as b:
            assert [b.echo().status for _ in range(150)] == [200] * 150


def test_a_retry_goes_to_another_upstream_than_the_attempt_that_failed(new_loop: NewLoop) -> None:
    with Upstream(answers(OK)) as upstream:
        urls = f"http://127.0.0.1:{unused_port()},{upstream.url}"
        with service_b(new_loop, urls, policy="retry(attempts=2,base=1ms)") as b:
            assert [b.echo().status for _ in range(20)] == [200] * 20


def test_a_silent_network_costs_one_attempt_timeout_and_not_the_deadline(
    new_loop: NewLoop,
) -> None:
    with FullBacklog() as silent, Upstream(answers(OK)) as upstream:
        urls = f"{silent.url},{upstream.url}"
        policy = "retry(base=1ms,attempts=9)+balance(failures=1)+attempt_timeout(timeout=200ms)"
        with service_b(new_loop, urls, policy=policy) as b:
            assert {b.echo().status for _ in range(8)} == {200}


def test_a_client_that_leaves_ends_its_call_and_is_logged(new_loop: NewLoop) -> None:
    with (
        Upstream(stalls()) as upstream,
        service_b(new_loop, upstream.url, policy="production") as b,
    ):
        client = b.server.connect()
        client.send(get("/call-echo?msg=hello"))
        upstream.wait_for(requests=1)
        client.reset()
        upstream.wait_for(over=1)
        assert "http_status=499" in b.wait_for_line("ClientDisconnected")


def test_a_stops_at_the_deadline_it_is_told_and_says_what_was_wasted(new_loop: NewLoop) -> None:
    with service_a(new_loop, work_s="10s") as a:
        clients = [a.server.connect() for _ in range(50)]
        for left_ms, client in enumerate(clients, start=1):
            client.send(get("/echo?msg=a", f"X-Deadline-Ms: {left_ms}"))
        assert {client.answer().status for client in clients} == {504}
        assert "http_status=504" in a.wait_for_line("wasted_ms=")


def test_a_does_not_begin_what_nobody_waits_for(new_loop: NewLoop) -> None:
    with service_a(new_loop, work_s="10s") as a:
        assert a.get("/echo?msg=a", "X-Deadline-Ms: 0").status == 504
        assert a.get("/echo?msg=a", "grpc-timeout: 0m").status == 504
        assert a.get("/echo?msg=a", "X-Deadline-Ms: soon").status == 400


def test_a_stops_when_its_caller_has_gone(new_loop: NewLoop) -> None:
    with service_a(new_loop, work_s="60s") as a:
        client = a.server.connect()
        client.send(get("/echo?msg=a"))
        a.server.the_connection()
        client.reset()
        assert "http_status=499" in a.wait_for_line("wasted_ms=")


def test_a_takes_its_time_where_there_is_time(new_loop: NewLoop) -> None:
    with service_a(new_loop, work_s="20ms") as a:
        assert a.get("/echo?msg=a", "X-Deadline-Ms: 30000").body == b'{"echo":"a"}'
        assert "wasted_ms" not in a.wait_for_line("endpoint=/echo")


def test_a_works_on_so_many_at_once_and_the_others_stand_in_line(new_loop: NewLoop) -> None:
    with service_a(new_loop, work_s="60s", at_once="1") as a:
        first, second = a.server.connect(), a.server.connect()
        assert isinstance(a.service, ServiceA)
        line = a.service._line
        first.send(get("/echo?msg=first"))
        a.server.wait_until(lambda: not line._free)
        assert a.get("/echo?msg=late", "X-Deadline-Ms: 30").status == 504
        assert "wasted_ms" not in a.wait_for_line("http_status=504"), "it had not begun"
        second.send(get("/echo?msg=second", "X-Deadline-Ms: 10000"))
        a.server.wait_until(lambda: any(not turn.done() for turn in line._waiting))
        first.reset()
        assert "http_status=499" in a.wait_for_line("wasted_ms=")
        assert a.get("/echo?msg=third", "X-Deadline-Ms: 30").status == 504, "second has the place"
        second.reset()
        a.server.wait_until(lambda: len(a.log_lines()) == 4)


def test_who_leaves_the_line_keeps_nobody_waiting(new_loop: NewLoop) -> None:
    with service_a(new_loop, work_s="50ms", at_once="1") as a:
        clients = [a.server.connect() for _ in range(6)]
        for number, client in enumerate(clients):
            client.send(get(f"/echo?msg={number}"))
        for client in clients[1::2]:
            client.reset()
        for number, client in enumerate(clients[::2]):
            assert client.answer().json == {"echo": str(2 * number)}


def test_of_several_upstreams_answer_and_log_name_the_one_that_was_called(
    new_loop: NewLoop,
) -> None:
    nobody = f"127.0.0.1:{unused_port()}"
    with Upstream(answers(*[OK] * 20)) as upstream:
        urls = f"{upstream.url}/first,http://{nobody}/second"
        with service_b(new_loop, urls, contract="detailed") as b:
            refused = next(each for each in (b.echo() for _ in range(1000)) if each.status != 200)
            assert f'next-hop="{nobody}"' in refused.headers["proxy-status"]
            assert f"http://{nobody}/second/echo?" in b.wait_for_line("Connection error calling")
        urls = f"http://{nobody}/first,{upstream.url}/second"
        with service_b(new_loop, urls, contract="detailed", policy="retry(base=1ms)") as b:
            assert b.echo().status == 200
            assert f"{upstream.url}/second/echo?" in b.wait_for_line("call successful")


def test_a_timeout_is_told_with_the_deadline_that_there_was(new_loop: NewLoop) -> None:
    with (
        Upstream(stalls()) as upstream,
        service_b(new_loop, upstream.url, contract="detailed", policy="deadline") as b,
    ):
        told = "Timeout calling Service A after 0.05s"
        assert b.echo("X-Deadline-Ms: 50").json["details"] == told
        assert "(timeout=0.05s)" in b.wait_for_line("Calling Service A")
        assert b.wait_for_line(told)


def test_a_timeout_is_told_in_whole_milliseconds(new_loop: NewLoop) -> None:
    with (
        Upstream(stalls()) as upstream,
        service_b(new_loop, upstream.url, policy="deadline", timeout_s="100ms") as b,
    ):
        details = b.echo().json["details"]
    assert re.search(r"did not answer in 0\.[0-9]{1,3} s \(", details), details
