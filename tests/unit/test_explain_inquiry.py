"""From lines to causes: joined by id or by time, judged by what surrounds them."""

import time

import pytest

from faultwire.explain.block import Block
from faultwire.explain.diagnosis import Case, Diagnosis
from faultwire.explain.explanation import Explanation, describe
from faultwire.explain.inquiry import Inquiry
from faultwire.explain.summary import Summary
from faultwire.explain.wanted import Wanted

NOON = time.mktime((2026, 2, 4, 12, 0, 0, 0, 0, -1))


def at(second: float, text: str) -> str:
    """A line written so many seconds after noon."""
    seconds, thousandths = divmod(round(second * 1000), 1000)
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(NOON + seconds))
    return f"{stamp},{thousandths:03d} INFO {text}"


def b(
    second: float, status: str = "ok", ms: int = 2, more: str = "", path: str = "/call-echo"
) -> str:
    return at(second, f"service=B endpoint={path} status={status} latency_ms={ms} {more}")


def a(second: float, status: str = "ok", ms: float = 1, more: str = "", path: str = "/echo") -> str:
    return at(second, f"service=A endpoint={path} status={status} latency_ms={ms} {more}")


def wire(
    second: float, status: str = "ok", ms: int = 1, more: str = "", path: str = "/echo"
) -> str:
    return at(second, f"service=wire endpoint={path} status={status} latency_ms={ms} {more}")


def explained(*blocks: list[str], wanted: Wanted | None = None) -> list[Explanation]:
    found: list[Explanation] = []

    def told(case: Case, diagnosis: Diagnosis, joined: str) -> None:
        found.append(describe(case, diagnosis, joined))

    inquiry = Inquiry(wanted or Wanted(), told)
    for lines in blocks:
        inquiry.read(Block(("\n".join(lines) + "\n").encode()))
    inquiry.settle()
    return found


def only(*lines: str) -> Explanation:
    (found,) = explained(list(lines))
    return found


def summed(*lines: str, wanted: Wanted | None = None) -> Summary:
    inquiry = Inquiry(wanted or Wanted(), lambda _case, _found, _joined: None)
    inquiry.read(Block(("\n".join(lines) + "\n").encode()))
    inquiry.settle()
    return inquiry.tally.summary()


TIMEOUT = "error=ReadTimeout http_status=503 kind=response_timeout request_id=id1"
REFUSED = (
    "error=ConnectionError http_status=503 kind=connection_refused request_id=id1 "
    'details="[Errno 111] Connection refused: 127.0.0.1:8080"'
)
UPSTREAM = "error=HTTPError:500 http_status=503 kind=upstream_status request_id=id1"


def test_a_slow_a_finished_after_b_had_given_up() -> None:
    found = only(b(1.0, "timeout", 1000, TIMEOUT), a(2.0, "ok", 1999, "request_id=id1"))
    assert (found.cause, found.kind, found.joined) == ("a_slow", "response_timeout", "request_id")
    assert "needed 1,999 ms" in found.sentence
    assert "A finished 1,000 ms after B had given up" in found.sentence
    assert found.hops[1].after_ms == 1000


def test_an_a_that_begins_when_b_has_given_up_was_frozen() -> None:
    found = only(b(1.0, "timeout", 1000, TIMEOUT), a(1.4, "ok", 1, "request_id=id1"))
    assert found.cause == "a_frozen"


def test_an_a_that_begins_in_the_millisecond_in_which_b_gives_up_was_frozen() -> None:
    found = only(b(1.0, "timeout", 1000, TIMEOUT), a(1.0, "ok", 0.019, "request_id=id1"))
    assert found.cause == "a_frozen"


def test_an_a_without_a_line_never_finished() -> None:
    assert only(a(0, more="request_id=x"), b(1.0, "timeout", 1000, TIMEOUT)).cause == (
        "a_never_finished"
    )


def test_an_a_that_was_in_time_is_not_to_blame() -> None:
    found = only(a(0.1, "ok", 99, "request_id=id1"), b(1.0, "timeout", 1000, TIMEOUT))
    assert found.cause == "slow_between"


def test_without_a_s_log_a_timeout_is_a_timeout() -> None:
    assert only(b(1.0, "timeout", 1000, TIMEOUT)).cause == "timeout"


def test_a_s_own_500_is_a_s_own() -> None:
    line = a(1.0, "error", 1, "error=ServerError:500 http_status=500 request_id=id1", "/foo")
    found = only(line, b(1.0, "error", 2, UPSTREAM, "/call-foo"))
    assert (found.cause, [hop.service for hop in found.hops]) == ("a_failed", ["B", "A"])
    assert "HTTP 500" in found.sentence


def test_a_500_that_a_knows_nothing_of_came_from_between() -> None:
    found = only(a(1.0, more="http_status=200 request_id=id1"), b(1.0, "error", 2, UPSTREAM))
    assert found.cause == "status_from_between"


def test_a_fault_of_the_wire_explains_what_b_saw() -> None:
    found = only(
        a(0.0, more="request_id=id1"),
        b(1.0, "timeout", 1000, TIMEOUT),
        wire(1.0, "error", 1000, "fault=latency request_id=id1"),
    )
    assert (found.cause, found.fault) == ("fault_injected", "latency")
    assert "A had done its work all the same." in found.sentence


def test_a_fault_does_not_hide_that_a_failed_by_itself() -> None:
    found = only(
        a(1.0, "error", 1, "error=ServerError:500 http_status=500 request_id=id1", "/foo"),
        wire(1.0, "error", 9, "fault=latency http_status=500 request_id=id1", "/foo"),
        b(1.0, "error", 10, UPSTREAM, "/call-foo"),
    )
    assert found.cause == "a_failed"


def test_refused_while_a_is_silent_means_that_a_is_down() -> None:
    assert only(a(-60, more="request_id=x"), b(1.0, "unavailable", 2, REFUSED)).cause == "a_down"


def test_refused_while_a_writes_lines_means_that_the_port_is_wrong() -> None:
    health = "http_status=200 request_id=x"
    found = only(
        a(0.5, more=health, path="/health"),
        b(1.0, "unavailable", 2, REFUSED),
        a(1.5, more=health, path="/health"),
    )
    assert found.cause == "wrong_port"


def test_an_a_that_said_where_it_listens_settles_it() -> None:
    listening = at(0, "service=A event=listening url=http://127.0.0.1:9090")
    found = only(listening, b(1.0, "unavailable", 2, REFUSED))
    assert found.cause == "wrong_port"
    assert "http://127.0.0.1:9090" in found.sentence


def test_an_a_that_said_that_it_stopped_is_down() -> None:
    said = [
        at(0, "service=A event=listening url=http://127.0.0.1:8080"),
        at(0.5, "service=A event=stopped"),
    ]
    found = only(*said, b(1.0, "unavailable", 2, REFUSED))
    assert found.cause == "a_down"
    assert "A had stopped at 12:00:00.500" in found.sentence


def test_the_wire_mirrors_a_so_a_refusal_at_its_port_is_a_s() -> None:
    leads = "url=http://127.0.0.1:8080 to=http://127.0.0.1:7000 control=http://127.0.0.1:8084"
    lines = [
        at(0, f"service=wire event=listening {leads}"),
        at(0, "service=A event=listening url=http://127.0.0.1:7000"),
        at(0.5, "service=A event=stopped"),
    ]
    found = only(*lines, b(1.0, "unavailable", 2, REFUSED))
    assert found.cause == "a_down"
    assert "127.0.0.1:7000" in found.sentence


def test_a_connection_that_the_wire_had_to_reset_is_b_s_failure_and_not_another() -> None:
    """The wire accepted it and found nobody at A: its line has no id and no path."""
    lines = (
        (
            "2026-11-20 20:16:24,356 ERROR service=wire endpoint=- status=error latency_ms=0 "
            "error=upstream_refused connection=3 place=0 response_bytes=0 closed_by=upstream "
            "closed_how=rst closed_ms=0"
        ),
        (
            "2026-11-20 20:16:24,356 ERROR service=B endpoint=/call-echo status=unavailable "
            "latency_ms=1 error=ConnectionError http_status=503 kind=connection_reset "
            "request_id=a44d attempts=1 upstream_ms=1 phase=first_byte"
        ),
    )
    for order in (lines, lines[::-1]):
        found = only(*order)
        assert (found.request_id, found.cause) == ("a44d", "a_down_or_wrong_port")
        assert [hop.service for hop in found.hops] == ["B", "wire"]


def test_a_wire_that_stopped_is_to_blame() -> None:
    leads = "url=http://127.0.0.1:8080 to=http://127.0.0.1:7000"
    lines = [at(0, f"service=wire event=listening {leads}"), at(0.5, "service=wire event=stopped")]
    assert only(*lines, b(1.0, "unavailable", 2, REFUSED)).cause == "wire_down"


def test_a_refusal_that_was_set_is_no_a_that_is_down() -> None:
    fault = at(0, "service=wire event=fault_set name=mine fault=refuse rate=1")
    assert only(fault, b(1.0, "unavailable", 2, REFUSED)).fault == "refuse"
    mended = at(0.5, "service=wire event=fault_mended name=mine")
    assert only(fault, mended, b(1.0, "unavailable", 2, REFUSED)).fault == ""


def test_without_a_s_log_a_refusal_is_either() -> None:
    assert only(b(1.0, "unavailable", 2, REFUSED)).cause == "a_down_or_wrong_port"


def test_who_had_good_answers_before_has_the_right_port() -> None:
    good = b(0, more="http_status=200 request_id=id0 attempts=1")
    assert only(good, b(1.0, "unavailable", 2, REFUSED)).cause == "a_down"


def test_a_breaker_is_open_since_its_first_refusal() -> None:
    opened = "error=CircuitOpen http_status=503 kind=circuit_open request_id="
    found = explained(
        [
            b(1.0, "timeout", 1000, TIMEOUT),
            b(2.0, "unavailable", 0, f"{opened}o1"),
            b(7.5, "unavailable", 0, f"{opened}o2"),
        ]
    )
    assert [each.cause for each in found] == ["timeout", "breaker_open", "breaker_open"]
    assert "since 12:00:02.000" in found[2].sentence
    assert "response_timeout" in found[2].sentence


def test_a_retry_that_saved_a_request_is_told() -> None:
    found = only(
        wire(1.0, "error", 1, "fault=reset request_id=id1"),
        b(1.0, more="http_status=200 request_id=id1 attempts=2 upstream_ms=9"),
    )
    assert (found.outcome, found.cause, found.fault) == ("saved", "retry_saved", "reset")


@pytest.mark.parametrize(
    ("more", "outcome", "cause"),
    [
        ("error=ClientDisconnected http_status=499", "client", "client_left"),
        ("error=ClientError:404 http_status=404", "client", "client_error"),
        ("error=ServerError:500 http_status=500", "failed", "own_error"),
        ('error="ClientError:404"', "client", "client_error"),
        ("", "failed", "unknown"),
    ],
)
def test_what_made_no_call_is_told_as_well(more: str, outcome: str, cause: str) -> None:
    found = only(b(1.0, "error", 2, more))
    assert (found.outcome, found.cause) == (outcome, cause)


@pytest.mark.parametrize(
    "more", ["error=ServerError:503 http_status=503", 'error="ServerError:503"']
)
def test_a_service_that_says_that_it_is_leaving_has_not_failed(more: str) -> None:
    leaving = [f(1.0, "error", 0, more, "/readyz") for f in (a, b)]
    assert explained([*leaving, at(1.0, "service_a GET /readyz 503 0.01ms")]) == []


# Joining by time: the contracts without ids.


def test_without_ids_the_call_that_lies_within_the_request_is_its_own() -> None:
    found = only(
        a(0.9, "error", 1, 'error="ServerError:500"', "/foo"),
        a(1.0, "error", 1, 'error="ServerError:500"', "/foo"),
        b(0.9, "ok", 2, path="/call-foo"),
        b(1.0, "error", 2, 'error="HTTP 500 Internal Server Error"', "/call-foo"),
    )
    assert (found.cause, found.joined) == ("a_failed", "time")
    assert found.hops[1].end == pytest.approx(NOON + 1.0)


def test_without_ids_a_slow_a_is_found_by_when_it_began() -> None:
    quick = [line for k in range(20) for line in (a(k / 20), b(k / 20 + 0.001))]
    found = only(
        *quick,
        b(1.0, "timeout", 1000, "error=ReadTimeout"),
        a(2.5, "ok", 2499),
    )
    assert (found.cause, found.joined) == ("a_slow", "time")
    assert "1,500 ms after" in found.sentence


def test_without_ids_the_call_of_a_request_that_went_well_is_not_taken_from_it() -> None:
    found = only(
        a(1.0, ms=0), b(1.0, ms=1), b(1.209, "timeout", 209, "error=ReadTimeout"), a(1.25, ms=0)
    )
    assert (found.cause, found.hops[1:]) == ("a_never_finished", [])


def test_without_ids_a_second_call_that_lies_near_is_the_other_s() -> None:
    found = only(
        a(1.0, ms=0), b(1.0, ms=1), a(1.001, ms=0), b(1.21, "timeout", 209, "error=ReadTimeout")
    )
    assert (found.cause, found.joined) == ("slow_between", "time")


def test_an_a_called_by_others_is_not_taken_for_the_other_end_of_a_refusal() -> None:
    line = b(1.0, "unavailable", 2, 'error="[Errno 111] Connection refused: 127.0.0.1:8080"')
    assert only(a(1.0), line).hops[1:] == []


def test_two_logs_with_whole_seconds_are_joined_in_their_order() -> None:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(NOON))
    call = "ERROR service_b Request error calling Service A - http://a/foo: HTTP 500 Oh from a"
    found = only(
        f"{stamp} ERROR service_a GET /foo 500 0.20ms",
        f"{stamp} {call}",
        f"{stamp} ERROR service_b GET /call-foo 503 3.00ms",
    )
    assert (found.cause, found.kind, found.joined) == ("a_failed", "upstream_status", "time")


def test_ids_that_come_again_are_told_apart_by_time() -> None:
    found = explained(
        [
            line
            for second in (1.0, 2.0, 3.0)
            for line in (
                a(second, "error", 1, "error=ServerError:500 http_status=500 request_id=id1"),
                b(second, "error", 2, UPSTREAM),
            )
        ]
    )
    assert [len(each.hops) for each in found] == [2, 2, 2]


def test_the_outermost_of_unknown_services_is_the_one_that_failed() -> None:
    found = only(
        at(1.0, "service=stock endpoint=/item status=error latency_ms=5 request_id=id1"),
        at(1.0, "service=shop endpoint=/buy status=error latency_ms=9 request_id=id1"),
    )
    assert [hop.service for hop in found.hops] == ["shop", "stock"]


def test_a_line_without_a_time_is_joined_by_its_id() -> None:
    found = only(
        "service=B endpoint=/call-foo status=error latency_ms=2 error=HTTPError:500 request_id=i1",
        "service=A endpoint=/foo status=error latency_ms=1 http_status=500 request_id=i1",
    )
    assert found.cause == "a_failed"


def test_lines_in_different_blocks_find_each_other() -> None:
    (found,) = explained([b(1.0, "timeout", 1000, TIMEOUT)], [a(2.0, "ok", 1999, "request_id=id1")])
    assert found.cause == "a_slow"


# Counting.


def test_every_line_is_counted_once() -> None:
    summary = summed(
        a(0, more="request_id=x"),
        b(0, more="request_id=x attempts=1"),
        b(1.0, "timeout", 1000, TIMEOUT),
        at(0, "service=A event=listening url=http://127.0.0.1:1"),
        at(0, 'service=B endpoint="/x service=B endpoint=/y status=ok latency_ms=1" status=error '
              "latency_ms=1 error=ClientError:404 http_status=404"),
        at(0, "service=shop latency_ms=1 status=ok endpoint=/buy"),
        "rubbish",
        "service=B endpoint=/x status=broken",
        "",
    )  # fmt: skip
    assert summary.requests == {"A": 1, "B": 3, "shop": 1}
    assert (summary.failed, summary.client, summary.total) == (1, 1, 3)
    assert (summary.lines, summary.lines_skipped) == (8, 2)
    assert summary.causes[0].share == pytest.approx(1 / 3, abs=1e-5)


def test_only_the_time_asked_for_counts() -> None:
    lines = [b(second, "timeout", 10, TIMEOUT.replace("id1", f"id{second}")) for second in range(9)]
    wanted = Wanted(NOON + 2, NOON + 4.5)
    assert len(explained(lines, wanted=wanted)) == 3
    assert summed(*lines, wanted=wanted).total == 3


def test_only_what_is_asked_for_is_told() -> None:
    lines = [b(1.0, "timeout", 1000, TIMEOUT), b(2.0, "unavailable", 2, REFUSED)]
    wanted = Wanted(only=frozenset({"connection_refused"}))
    assert [each.kind for each in explained(lines, wanted=wanted)] == ["connection_refused"]
    assert summed(*lines, wanted=wanted).failed == 1
