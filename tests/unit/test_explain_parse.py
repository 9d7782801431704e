"""Lines of logs: ours under every contract and in both formats, others', and what is no line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultwire.contracts import CONTRACTS
from faultwire.contracts.contract import Contract
from faultwire.events import Called, Served
from faultwire.explain import Entry, parse
from faultwire.explain.infer import kind_of, upstream_status
from faultwire.explain.parse import MAX_LINE_BYTES
from faultwire.explain.stamp import find_stamp
from faultwire.failures import Failure, FailureKind
from faultwire.telemetry import json_line
from faultwire.wire.ledger import Record
from faultwire.wire.ledger.log_line import as_json, as_text

STAMP = "2026-02-04 23:10:51,358 "
LINE = (
    STAMP + "ERROR service=B endpoint=/call-echo status=timeout latency_ms=1002 error=ReadTimeout "
    "http_status=503 kind=response_timeout request_id=8d1b attempts=1 upstream_ms=1001 "
    'phase=first_byte details="127.0.0.1:8080 did not answer in 1 s (waiting for the first byte)"'
)


def parsed(text: str) -> Entry:
    entry = parse(text.encode())
    assert entry is not None, text
    return entry


def served(kind: FailureKind | None, endpoint: str = "/call-echo", status: int = 0) -> Served:
    failure = Failure(kind, 'it "broke" = so\n', status=500) if kind else None
    called = Called("http://127.0.0.1:8080/echo", 1.0, "8d=1b", 0, 1, 0.002, failure)
    code = status or (503 if kind else 200)
    return Served("B", "GET", endpoint, endpoint, code, 0.003, "8d=1b", called)


FORMS: list[tuple[str, Contract | None]] = [*CONTRACTS.items(), ("json", None)]


def written(contract: Contract | None, event: Served) -> str:
    if contract is None:
        return '{"ts":"2026-02-04T23:10:51.358+00:00",' + json_line.served(event) + "}"
    return STAMP + contract.served(event)


@pytest.mark.parametrize(("name", "contract"), FORMS)
@pytest.mark.parametrize("kind", [None, *FailureKind])
def test_every_contract_and_format_is_read(
    name: str, contract: Contract | None, kind: FailureKind | None
) -> None:
    entry = parsed(written(contract, served(kind)))
    assert (entry.service, entry.endpoint, entry.ok) == ("B", "/call-echo", kind is None)
    assert round(entry.latency_ms) == 3
    assert entry.end > 0
    if name in ("unified", "json"):
        assert (entry.kind, entry.request_id) == (kind or "", "8d=1b")
        assert kind_of(entry) is kind


@pytest.mark.parametrize(("name", "contract"), FORMS)
@given(path=st.text(min_size=1, max_size=80).map(lambda text: "/" + text))
def test_a_quoted_value_comes_back_exactly_and_forges_nothing(
    name: str, contract: Contract | None, path: str
) -> None:
    event = Served("B", "GET", path, "", 404, 0.003, "8d")
    entry = parsed(written(contract, event))
    assert (entry.service, entry.endpoint, entry.ok, name != "") == ("B", path, False, True)


FORGED = '/x" status=ok latency_ms=1 service=A event=stopped 2026-02-04 23:10:51,358 INFO service=A'


@pytest.mark.parametrize(("name", "contract"), FORMS)
def test_a_path_that_looks_like_a_line_is_a_path(name: str, contract: Contract | None) -> None:
    entry = parsed(written(contract, Served("B", "GET", FORGED, "", 404, 0.003, "8d")))
    assert (entry.service, entry.endpoint, entry.ok, entry.event) == ("B", FORGED, False, ""), name


def test_the_wire_s_lines_are_read_in_both_formats() -> None:
    record = Record(1, "8d1b", 3, 1, 0.0, "GET", "/echo?msg=x", 10.0, fault="latency,status")
    record.ended, record.status = 12.003, 503
    for line in (STAMP + as_text(record), "{" + as_json(record) + "}"):
        entry = parsed(line)
        assert (entry.service, entry.endpoint, entry.fault) == ("wire", "/echo", "latency,status")
        assert (entry.http_status, round(entry.latency_ms)) == (503, 2003)


@pytest.mark.parametrize(
    "prefix",
    [
        "A    | ",
        "B    │ ",
        "\x1b[36mwire |\x1b[0m ",
        "service-b-1  | ",
        "[pod/service-b-7d9/b] ",
        "2026-02-04T23:10:52.000000001Z ",
        "service-b-1  | 2026-02-04T23:10:52.000000001Z ",
    ],
)
def test_what_other_programs_write_before_a_line_is_passed_over(prefix: str) -> None:
    assert parsed(prefix + LINE) == parsed(LINE)
    text = written(None, served(None))
    assert parsed(prefix + text) == parsed(text)


@pytest.mark.parametrize(
    "line",
    [
        "service=orders endpoint=/buy status=500 latency_ms=12.5",
        'level=error msg="no luck" latency_ms=12.5 status=error endpoint=/buy service=orders',
        "service=orders endpoint=/buy status=500 latency_ms=12.5 ts=2026-02-04T12:00:00Z",
        '{"ts":1770246000.5,"service":"orders","endpoint":"/buy","status":500,"latency_ms":12.5}',
        '{"service": "orders", "endpoint": "/buy", "status": 500, "latency_ms": "12.5"}',
    ],
)
def test_services_of_other_people_are_read(line: str) -> None:
    entry = parsed(line)
    assert (entry.service, entry.endpoint, entry.latency_ms) == ("orders", "/buy", 12.5)
    assert not entry.ok


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\x00\x01\xff",
        "hello",
        "{",
        "[1,2]",
        '{"service":"B"}',
        "{" * 5000 + "}",
        "service=B endpoint=/x status=ok",
        "service=B endpoint=/x status=ok latency_ms=nan",
        "service=B endpoint=/x status=ok latency_ms=-1",
        "service=B endpoint=/x status=ok latency_ms=1e400",
        "service= endpoint=/x status=ok latency_ms=1",
        "service=B endpoint=/x status=ok latency_ms=1 x=" + "y" * MAX_LINE_BYTES,
    ],
)
def test_what_is_no_line_is_none(line: str) -> None:
    assert parse(line.encode()) is None


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    parse(data)
    parse(STAMP.encode() + b"service=B endpoint=/x status=ok latency_ms=1 " + data)
    parse(b'{"service":"B","endpoint":"/x","status":"ok","latency_ms":1,"x":' + data + b"}")


def test_a_time_says_its_zone_or_is_local() -> None:
    utc = find_stamp(b"2026-02-04T23:10:51.358Z")
    other = find_stamp(b"2026-02-05T00:10:51,358+01:00")
    whole = find_stamp(b"2026-02-04 23:10:51 INFO")
    assert utc is not None
    assert other is not None
    assert whole is not None
    assert utc.at == other.at == 1770246651.358
    assert (whole.resolution_s, utc.resolution_s) == (1.0, 0.001)
    assert find_stamp(b"2026-13-41 99:10:51,358") is None


def test_the_details_of_a_call_are_read_from_the_line_before_its_request() -> None:
    line = "ERROR service_b Connection error calling Service A - http://a:1/echo?msg=x: [Errno 111]"
    entry = parsed(STAMP + line)
    assert (entry.service, entry.event, entry.details) == ("B", "call_failed", "[Errno 111]")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ('error="[Errno 111] Connection refused: a:80"', FailureKind.CONNECTION_REFUSED),
        ('error="HTTPConnectionPool: Read timed out."', FailureKind.RESPONSE_TIMEOUT),
        ("error=ConnectTimeout", FailureKind.CONNECT_TIMEOUT),
        ('error="[Errno -2] Name or service not known"', FailureKind.DNS_ERROR),
        ("error=HTTPError:502", FailureKind.UPSTREAM_STATUS),
        ("error=RemoteDisconnected", FailureKind.EMPTY_RESPONSE),
        ("error=CircuitOpen", FailureKind.CIRCUIT_OPEN),
        ("error=ConnectionError", None),
        ("error=ServerError:500", None),
    ],
)
def test_what_a_connection_said_is_understood(words: str, kind: FailureKind | None) -> None:
    entry = parsed(f"service=B endpoint=/x status=error latency_ms=1 {words}")
    assert kind_of(entry) is kind
    assert upstream_status(entry) == (502 if kind is FailureKind.UPSTREAM_STATUS else 0)


FORCED = "[pod] "
"""Before a line, it makes that the line is read key by key."""


@pytest.mark.parametrize(
    "words",
    [
        "service=B endpoint=/x status=ok latency_ms=1 request_id=id1 request_id=id2 latency_ms=7",
        "service=B endpoint=/x status=ok latency_ms=1 request_id=i.d1 request_id=id2",
        (
            "service=wire endpoint=/x status=error fault=reset latency_ms=3 error=x request_id=id1 "
            'connection=7 place=8 method=GET details="service=A request_id=id3 connection=7"'
        ),
        'service=A endpoint=/x status=503 latency_ms=3 kind=reset request_id=id1 error="x y"',
        "service=A endpoint=/x status=ok latency_ms=9 request_id=id1 event=stopped",
        "service=A endpoint=/x status=ok latency_ms=9 request_id=id1 attempts=2\x1b[0m",
    ],
)
def test_lines_that_are_like_others_are_read_as_any_line(words: str) -> None:
    for _ in range(2):  # the second time from memory
        assert parsed(f"{STAMP}INFO {words}") == parsed(f"{FORCED}{STAMP}INFO {words}")


def test_lines_that_are_like_others_have_their_own_time_duration_and_id() -> None:
    words = "INFO service=B endpoint=/x status=error latency_ms={} http_status=503 request_id={}"
    one = parsed("2026-02-04 23:10:51,358 " + words.format(3, "id1"))
    other = parsed("2026-02-04 23:10:52,459 " + words.format(40, "id2"))
    assert (one.latency_ms, one.request_id) == (3.0, "id1")
    assert (other.latency_ms, other.request_id) == (40.0, "id2")
    assert other.end - one.end == pytest.approx(1.101)


def test_half_a_surrogate_pair_becomes_something_that_can_be_written() -> None:
    entry = parsed('service=B endpoint="/\\ud800x\\ud83d\\ude00" status=ok latency_ms=1')
    assert entry.endpoint == "/?x\U0001f600"


def test_an_escaped_id_is_the_id() -> None:
    line = json.dumps({"service": "B", "endpoint": "/", "status": "ok", "latency_ms": 1})
    assert parsed(line[:-1] + ',"request_id":"a\\"b"}').request_id == 'a"b'
