"""The log lines of every contract, byte for byte, for every kind of failure."""

import json

import pytest
from msgspec.structs import replace

from faultwire.contracts import CONTRACTS
from faultwire.events import Called, Calling, Served
from faultwire.failures import Failure, FailureKind, Phase
from faultwire.telemetry import json_line

URL = "http://127.0.0.1:8080/echo?msg=hello"
UNREACHABLE = ("unavailable", "ConnectionError", "Connection error calling Service A")
TOO_SLOW = ("timeout", "ReadTimeout", "Timeout calling Service A after 1.0s")
WRONG = ("error", "InvalidResponse", "Request error calling Service A")

KINDS = {
    "dns_error": (*UNREACHABLE, "timeout", 504),
    "connection_refused": (*UNREACHABLE, "timeout", 504),
    "connect_timeout": ("timeout", "ConnectTimeout", TOO_SLOW[2], "timeout", 504),
    "connection_reset": (*UNREACHABLE, "timeout", 504),
    "empty_response": (*UNREACHABLE, "timeout", 504),
    "response_timeout": (*TOO_SLOW, "timeout", 504),
    "response_truncated": (*UNREACHABLE, "timeout", 504),
    "response_malformed": (*WRONG, "response_malformed", 502),
    "response_too_large": (*WRONG, "response_too_large", 502),
    "response_invalid": (*WRONG, "response_invalid", 502),
    "upstream_status": ("error", "HTTPError:418", WRONG[2], "HTTP 418", 418),
    "deadline_exceeded": (*TOO_SLOW, "timeout", 504),
    "circuit_open": ("unavailable", "CircuitOpen", UNREACHABLE[2], "timeout", 504),
    "bulkhead_full": ("unavailable", "BulkheadFull", UNREACHABLE[2], "timeout", 504),
    "overloaded": ("unavailable", "Overloaded", UNREACHABLE[2], "timeout", 504),
}
"""status= and error= of classified, detailed's words, gateway's error and http_status."""


def call(failure: Failure | None = None, status: int = 0) -> Called:
    return Called(URL, 1.0, "id-1", status, 2, 1.0019, failure)


def failed(kind: str, phase: Phase | None = None) -> Served:
    status = 418 if kind == "upstream_status" else 0
    failure = Failure(FailureKind(kind), 'said "no"', phase=phase, status=status or None)
    return served(503, call(failure, status), 1.0031)


def served(status: int, called: Called | None = None, duration_s: float = 0.0031) -> Served:
    return Served("B", "GET", "/call-echo", "/call-echo", status, duration_s, "id-1", called)


def of_a(endpoint: str, status: int) -> Served:
    return Served("A", "GET", endpoint, endpoint, status, 0.00012, "id-1")


def test_every_kind_of_failure_is_in_these_tests() -> None:
    assert list(KINDS) == [kind.value for kind in FailureKind]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "unified",
            (
                "INFO service=B endpoint=/call-echo status=ok latency_ms=3 http_status=200 "
                "request_id=id-1 attempts=2 upstream_ms=1002"
            ),
        ),
        ("classified", "INFO service=B endpoint=/call-echo status=ok latency_ms=3"),
        ("passthrough", "service=B endpoint=/call-echo status=ok latency_ms=3"),
        ("detailed", "INFO service_b GET /call-echo 200 3.10ms"),
        ("gateway", "service=B endpoint=/call-echo status=ok latency_ms=3"),
    ],
)
def test_a_request_that_went_well(name: str, line: str) -> None:
    assert CONTRACTS[name].served(served(200, call(status=200))) == line


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "unified",
            "INFO service=A endpoint=/echo status=ok latency_ms=0 http_status=200 request_id=id-1",
        ),
        ("classified", "INFO service=A endpoint=/echo status=ok latency_ms=0"),
        ("passthrough", "service=A endpoint=/echo status=ok latency_ms=0"),
        ("detailed", "INFO service_a GET /echo 200 0.12ms"),
        ("gateway", "service=A endpoint=/echo status=ok latency_ms=0"),
    ],
)
def test_a_request_of_service_a(name: str, line: str) -> None:
    assert CONTRACTS[name].served(of_a("/echo", 200)) == line


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "unified",
            (
                "ERROR service=A endpoint=/foo status=error latency_ms=0 error=ServerError:500 "
                "http_status=500 request_id=id-1"
            ),
        ),
        (
            "classified",
            "ERROR service=A endpoint=/foo status=error latency_ms=0 error=ServerError:500",
        ),
        (
            "passthrough",
            'service=A endpoint=/foo status=error error="ServerError:500" latency_ms=0',
        ),
        ("detailed", "ERROR service_a GET /foo 500 0.12ms"),
        (
            "gateway",
            (
                "service=A endpoint=/foo status=error http_status=500 "
                'error="ServerError:500" latency_ms=0'
            ),
        ),
    ],
)
def test_a_service_that_fails_by_itself_is_an_error(name: str, line: str) -> None:
    assert CONTRACTS[name].served(of_a("/foo", 500)) == line


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, "ClientError:400"),
        (404, "ClientError:404"),
        (499, "ClientDisconnected"),
        (501, "ClientError:501"),
        (505, "ClientError:505"),
    ],
)
def test_a_clients_mistake_is_no_error_of_the_service(status: int, error: str) -> None:
    lines = {name: contract.served(served(status)) for name, contract in CONTRACTS.items()}
    assert lines == {
        "unified": f"INFO service=B endpoint=/call-echo status=error latency_ms=3 error={error} "
        f"http_status={status} request_id=id-1",
        "classified": f"INFO service=B endpoint=/call-echo status=error latency_ms=3 error={error}",
        "passthrough": f'service=B endpoint=/call-echo status=error error="{error}" latency_ms=3',
        "detailed": f"INFO service_b GET /call-echo {status} 3.10ms",
        "gateway": f"service=B endpoint=/call-echo status=error http_status={status} "
        f'error="{error}" latency_ms=3',
    }


def test_a_service_that_says_that_it_is_leaving_does_not_fail() -> None:
    event = of_a("/readyz", 503)
    assert CONTRACTS["unified"].served(event) == (
        "INFO service=A endpoint=/readyz status=error latency_ms=0 error=ServerError:503 "
        "http_status=503 request_id=id-1"
    )
    assert CONTRACTS["detailed"].served(event) == "INFO service_a GET /readyz 503 0.12ms"


def test_unified_and_json_say_why_a_request_was_refused() -> None:
    event = replace(of_a("-", 400), details='Not "HTTP"')
    said = r'details="Not \"HTTP\""'
    assert CONTRACTS["unified"].served(event) == (
        "INFO service=A endpoint=- status=error latency_ms=0 error=ClientError:400 "
        f"http_status=400 request_id=id-1 {said}"
    )
    assert json.loads(f"{{{json_line.served(event)}}}")["details"] == 'Not "HTTP"'


@pytest.mark.parametrize("kind", KINDS)
def test_classified_says_the_class_and_the_error(kind: str) -> None:
    status, error, *_ = KINDS[kind]
    assert CONTRACTS["classified"].served(failed(kind)) == (
        f"ERROR service=B endpoint=/call-echo status={status} latency_ms=1003 error={error}"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_unified_appends_the_kind_and_the_call(kind: str) -> None:
    status, error, *_ = KINDS[kind]
    assert CONTRACTS["unified"].served(failed(kind)) == (
        f"ERROR service=B endpoint=/call-echo status={status} latency_ms=1003 error={error} "
        f"http_status=503 kind={kind} request_id=id-1 attempts=2 upstream_ms=1002 "
        r'details="said \"no\""'
    )


def test_unified_says_how_far_the_attempt_had_come() -> None:
    assert CONTRACTS["unified"].served(failed("response_timeout", Phase.FIRST_BYTE)) == (
        "ERROR service=B endpoint=/call-echo status=timeout latency_ms=1003 error=ReadTimeout "
        "http_status=503 kind=response_timeout request_id=id-1 attempts=2 "
        r'upstream_ms=1002 phase=first_byte details="said \"no\""'
    )


@pytest.mark.parametrize("kind", KINDS)
def test_passthrough_logs_what_the_connection_said(kind: str) -> None:
    assert CONTRACTS["passthrough"].served(failed(kind)) == (
        r'service=B endpoint=/call-echo status=error error="said \"no\"" latency_ms=1003'
    )


@pytest.mark.parametrize("kind", KINDS)
def test_gateway_first_shouts_and_then_logs_its_own_status(kind: str) -> None:
    *_, error, status = KINDS[kind]
    event = failed(kind)
    assert event.called is not None
    assert (CONTRACTS["gateway"].called(event.called), CONTRACTS["gateway"].served(event)) == (
        f"##### Failure contacting service A: {error}",
        (
            f'service=B endpoint=/call-echo status=error http_status={status} error="{error}" '
            r'complete_error="said \"no\"" latency_ms=1003'
        ),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_detailed_logs_before_and_after_the_call_and_the_request(kind: str) -> None:
    event, contract = failed(kind), CONTRACTS["detailed"]
    assert event.called is not None
    lines = (
        contract.calling(Calling(URL, 1.0, "id-1")),
        contract.called(event.called),
        contract.served(event),
    )
    assert lines == (
        f"INFO service_b Calling Service A: {URL} (timeout=1.0s)",
        f'ERROR service_b {KINDS[kind][2]} - {URL}: said "no"',
        "ERROR service_b GET /call-echo 503 1003.10ms",
    )


def test_detailed_logs_a_call_that_went_well() -> None:
    line = CONTRACTS["detailed"].called(call(status=200))
    assert line == f"INFO service_b Service A call successful: 200 - {URL}"


@pytest.mark.parametrize("name", ["unified", "classified", "passthrough", "gateway"])
def test_the_others_have_no_line_for_a_call_that_goes_well(name: str) -> None:
    contract = CONTRACTS[name]
    assert contract.calling(Calling(URL, 1.0, "id-1")) is None
    assert contract.called(call(status=200)) is None


@pytest.mark.parametrize("name", ["unified", "classified", "passthrough"])
@pytest.mark.parametrize("kind", KINDS)
def test_three_leave_the_failure_to_the_request_line(name: str, kind: str) -> None:
    event = failed(kind)
    assert event.called is not None
    assert CONTRACTS[name].called(event.called) is None


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("unified", 'WARNING service=B event=draining grace_ms=500 why="told to stop"'),
        ("classified", 'WARNING service=B event=draining grace_ms=500 why="told to stop"'),
        ("passthrough", 'service=B event=draining grace_ms=500 why="told to stop"'),
        ("detailed", 'WARNING service_b draining grace_ms=500 why="told to stop"'),
        ("gateway", 'service=B event=draining grace_ms=500 why="told to stop"'),
    ],
)
def test_a_service_tells_of_its_own_life(name: str, line: str) -> None:
    fields = {"service": "B", "event": "draining", "grace_ms": 500, "why": "told to stop"}
    assert CONTRACTS[name].note("WARNING", fields) == line


def test_a_note_of_detailed_may_be_one_word() -> None:
    line = CONTRACTS["detailed"].note("INFO", {"service": "A", "event": "stopped"})
    assert line == "INFO service_a stopped"


@pytest.mark.parametrize(
    ("duration_s", "ms"), [(0.0, 0), (0.00049, 0), (0.0006, 1), (0.9996, 1000), (1.003, 1003)]
)
def test_latency_is_rounded_to_whole_milliseconds(duration_s: float, ms: int) -> None:
    line = CONTRACTS["classified"].served(served(200, duration_s=duration_s))
    assert line == f"INFO service=B endpoint=/call-echo status=ok latency_ms={ms}"


def test_a_request_saved_after_a_failed_call_went_well() -> None:
    event = served(200, call(Failure(FailureKind.CONNECTION_REFUSED, "no")))
    line = CONTRACTS["classified"].served(event)
    assert line == "INFO service=B endpoint=/call-echo status=ok latency_ms=3"


def test_a_client_that_left_during_a_call_is_not_a_failure_of_a() -> None:
    event = served(499, call(Failure(FailureKind.RESPONSE_TIMEOUT, "no")))
    assert CONTRACTS["unified"].served(event) == (
        "INFO service=B endpoint=/call-echo status=error latency_ms=3 error=ClientDisconnected "
        "http_status=499 request_id=id-1 attempts=2 upstream_ms=1002"
    )
