"""What happened becomes spans by OpenTelemetry's conventions; nothing else is imported for it."""

from collections.abc import Mapping
from typing import Any

import pytest

from faultwire.events import Called, Served, Tried
from faultwire.failures import Failure, FailureKind, Phase
from faultwire.http.message import Request
from faultwire.telemetry import http_spans
from faultwire.telemetry.span import Kind, Span, Trace, begin
from faultwire.telemetry.tracing import CannotExport, wants_spans
from faultwire.wire.ledger import Record
from faultwire.wire.ledger.spans import exporter
from tests.span_sink import Kept

TRACE = b"0af7651916cd43dd8448eb211c80319c"
PARENT = b"b7ad6b7169203331"
URL = "http://127.0.0.1:8080/echo?msg=secret"
REFUSED = Failure(FailureKind.CONNECTION_REFUSED, "nobody listens", phase=Phase.CONNECT)
CLIENT = {
    "http.request.method": "GET",
    "url.full": "http://127.0.0.1:8080/echo",
    "url.scheme": "http",
    "url.template": "/echo",
    "server.address": "127.0.0.1",
    "server.port": 8080,
}
ANSWERED = {"http.response.status_code": 200, "network.protocol.version": "1.1"}


def traceparent(flags: str) -> dict[bytes, bytes]:
    return {b"traceparent": b"00-%b-%b-%b" % (TRACE, PARENT, flags.encode())}


def served(status: int = 200, called: Called | None = None, **changes: Any) -> Served:
    usual = {"service": "B", "method": "GET", "endpoint": "/call-echo", "route": "/call-echo"}
    return Served(
        **{**usual, **changes}, status=status, duration_s=0.5, request_id="id-1", called=called
    )


def made(event: Served, *attempts: int, headers: Mapping[bytes, bytes] | None = None) -> list[Span]:
    """The spans of an event, in a trace begun by a client, with these attempts sent."""
    trace = begin(traceparent("01"), Kept())
    for number in attempts:
        trace.attempt(number)
    request = Request(event.method, b"/", b"", dict(headers or {b"host": b"b.example:8081"}))
    return list(http_spans.spans(trace, event, request, 2_000_000_000))


def called(failure: Failure | None = None, status: int = 200, **changes: Any) -> Called:
    return Called(URL, 1.0, "id-1", status, changes.pop("attempts", 1), 0.25, failure, **changes)


def sent_ids(line: bytes) -> list[bytes]:
    return line.split(b": ")[1].split(b"-")


def test_a_trace_is_continued() -> None:
    trace = begin(traceparent("01") | {b"tracestate": b"a=1", b"baggage": b"k=v"}, Kept())
    assert (trace.trace_id, trace.parent_id, trace.flags) == (TRACE, PARENT, 1)
    assert trace.span_id not in (PARENT, b"0" * 16)
    line, state, baggage = trace.attempt().split(b"\r\n")[1:]
    assert sent_ids(line) == [b"00", TRACE, trace.sent[1].span_id, b"01"]
    assert (state, baggage) == (b"tracestate: a=1", b"baggage: k=v")


@pytest.mark.parametrize("given", [None, b"00-bad", b"ff-" + TRACE + b"-" + PARENT + b"-01"])
def test_without_a_valid_context_a_new_trace_begins_without_the_old_state(
    given: bytes | None,
) -> None:
    headers = {b"tracestate": b"a=1", b"baggage": b"k=v"}
    trace = begin(headers if given is None else headers | {b"traceparent": given}, Kept())
    assert trace.parent_id == b""
    assert len(trace.trace_id) == 32
    assert trace.flags == 3  # sampled, and random (level 2)
    assert trace.carried == b"\r\nbaggage: k=v"


@pytest.mark.parametrize(
    ("given", "samples", "sent"),
    [
        ("01", None, b"01"),
        ("00", None, b"00"),
        ("02", None, b"02"),
        ("fd", None, b"01"),
        ("01", False, b"00"),
        ("00", True, b"01"),
        ("ff", False, b"02"),
    ],
)
def test_the_flags_say_what_was_decided(given: str, samples: bool | None, sent: bytes) -> None:
    trace = begin(traceparent(given), Kept(samples=samples))
    assert sent_ids(trace.attempt())[3] == sent
    assert trace.sampled is (sent == b"01")


def test_each_attempt_is_a_parent_of_its_own() -> None:
    trace = begin({}, Kept())
    first, second = (sent_ids(trace.attempt(number))[2] for number in (1, 2))
    assert len({trace.span_id, first, second}) == 3
    assert [sent.span_id for sent in trace.sent.values()] == [first, second]


def test_a_request_becomes_a_server_span() -> None:
    (span,) = made(served())
    assert (span.name, span.kind, span.error) == ("GET /call-echo", Kind.SERVER, None)
    assert (span.trace_id, span.parent_id, span.remote) == (TRACE, PARENT, True)
    assert (span.began_ns, span.ended_ns) == (1_500_000_000, 2_000_000_000)
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/call-echo",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "url.path": "/call-echo",
        "server.address": "b.example",
        "server.port": 8081,
        "network.protocol.version": "1.1",
        "faultwire.request_id": "id-1",
    }


def test_no_name_comes_from_outside() -> None:
    (span,) = made(served(404, method="BREW", endpoint="/" + "x" * 9999, route=""))
    assert span.name == "HTTP"
    assert span.attributes["http.request.method"] == "_OTHER"
    assert span.attributes["http.request.method_original"] == "BREW"
    assert "http.route" not in span.attributes
    assert all(len(str(value)) <= 256 for value in span.attributes.values())
    (span,) = made(served(404, route=""))
    assert span.name == "GET"


@pytest.mark.parametrize(
    ("host", "address", "port"),
    [
        (b"a", "a", None),
        (b"a:80", "a", 80),
        (b"[::1]:8081", "::1", 8081),
        (b"[::1]", "::1", None),
        (b"a:b:", "a:b:", None),
        (b"\xff:99999999", "\xff:99999999", None),
    ],
)
def test_the_server_is_the_one_that_was_asked(host: bytes, address: str, port: int | None) -> None:
    (span,) = made(served(), headers={b"host": host})
    assert span.attributes["server.address"] == address
    assert span.attributes.get("server.port") == port


def test_without_a_host_nothing_is_made_up() -> None:
    (span,) = made(served(), headers={b"accept": b"*/*"})
    assert not {"server.address", "server.port"} & span.attributes.keys()


def test_work_that_was_in_vain_is_told() -> None:
    (span,) = made(served(504, wasted_s=0.25))
    assert span.attributes["faultwire.wasted_s"] == 0.25


@pytest.mark.parametrize(
    ("status", "error_type", "error"),
    [(200, None, None), (404, None, None), (499, "client_disconnected", None), (500, "500", "")],
)
def test_only_what_the_server_did_wrong_is_an_error(
    status: int, error_type: str | None, error: str | None
) -> None:
    (span,) = made(served(status))
    assert span.attributes.get("error.type") == error_type
    assert span.error == error
    assert ("http.response.status_code" in span.attributes) is (status != 499)  # never sent


def test_a_call_becomes_a_client_span_without_what_users_said() -> None:
    server, client = made(served(called=called()), 1)
    assert (client.name, client.kind, client.error) == ("GET /echo", Kind.CLIENT, None)
    assert (client.trace_id, client.parent_id, client.remote) == (TRACE, server.span_id, False)
    assert (client.began_ns, client.ended_ns) == (1_750_000_000, 2_000_000_000)
    assert client.attributes == CLIENT | ANSWERED


@pytest.mark.parametrize("kind", FailureKind)
def test_a_failure_has_its_own_word_on_both_spans(kind: FailureKind) -> None:
    failure = Failure(kind, "told")
    server, client = made(served(503, called(failure, 0)), 1)
    assert server.attributes["error.type"] == client.attributes["error.type"] == kind.value
    assert server.error == client.error == "told"


def test_a_replay_on_a_fresh_connection_is_counted() -> None:
    _, client = made(served(called=called(attempts=2)), 1)
    assert client.attributes == CLIENT | ANSWERED | {"http.request.resend_count": 1}


def test_every_attempt_under_policies_is_a_span() -> None:
    tried = (
        Tried(1, "127.0.0.1:8080", False, 1.5, 0.125, 0, REFUSED),
        Tried(2, "[::1]:9090", True, 1.625, 0.25, 0, None),
        Tried(3, "127.0.0.1:8080", False, 1.75, 0.25, 200, None),
    )
    server, *clients = made(served(called=called(tried=tried)), 1, 2, 3)
    assert {client.parent_id for client in clients} == {server.span_id}
    assert len({client.span_id for client in clients}) == 3
    assert clients[0].began_ns == 1_500_000_000
    assert [client.attributes for client in clients] == [
        CLIENT | {"error.type": "connection_refused", "faultwire.phase": "connect"},
        CLIENT
        | {"url.full": "http://[::1]:9090/echo", "server.address": "::1", "server.port": 9090}
        | {"http.request.resend_count": 1, "faultwire.hedge": True, "faultwire.given_up": True},
        CLIENT | ANSWERED | {"http.request.resend_count": 2},
    ]


def test_a_call_that_made_no_attempt_has_no_span_but_its_reason() -> None:
    refused = called(Failure(FailureKind.CIRCUIT_OPEN, "open"), 0, stopped_by="breaker")
    (server,) = made(served(503, refused))
    assert server.attributes["error.type"] == "circuit_open"
    assert server.attributes["faultwire.retry_stopped_by"] == "breaker"


def test_when_the_client_leaves_the_attempts_end_as_well() -> None:
    _, first, second = made(served(499), 1, 2)
    assert first.attributes == {"http.request.method": "GET", "faultwire.given_up": True}
    assert second.attributes["http.request.resend_count"] == 1
    assert first.ended_ns == second.ended_ns == 2_000_000_000


def record(**changes: Any) -> Record:
    headers = {"traceparent": traceparent("01")[b"traceparent"].decode()}
    usual: dict[str, Any] = {"ended": 2.5, "status": 200, "headers": headers}
    return Record(7, "id-1", 3, 1, 0.0, "GET", "/echo?msg=secret", 2.0, **{**usual, **changes})


def wire_span(found: Record, sink: Kept | None = None) -> Span | None:
    sink = sink or Kept()
    exporter(sink)(found)
    return sink.spans[0] if sink.spans else None


def test_the_wire_says_what_it_did_to_a_request() -> None:
    span = wire_span(record(fault="latency", phase="before"))
    assert span is not None
    assert (span.name, span.kind, span.error) == ("wire GET", Kind.INTERNAL, None)
    assert (span.trace_id, span.parent_id, span.remote) == (TRACE, PARENT, True)
    assert (span.began_ns, span.ended_ns) == (2_000_000_000, 2_500_000_000)
    assert span.attributes == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "url.path": "/echo",
        "faultwire.fault": "latency",
        "faultwire.phase": "before",
        "faultwire.request_id": "id-1",
        "faultwire.connection": 3,
    }


def test_what_kept_an_answer_from_the_wire_is_its_error() -> None:
    span = wire_span(record(error="upstream_reset", status=0, headers={}))
    assert span is not None
    assert (span.error, span.attributes["error.type"]) == ("upstream_reset", "upstream_reset")
    assert span.parent_id == b""


def test_a_connection_that_a_fault_ended_has_a_span_too() -> None:
    note = Record(8, "", 4, 0, 0.0, "", "", 2.0, fault="reset_on_accept", phase="before", ended=2.0)
    span = wire_span(note)
    assert span is not None
    assert span.name == "wire connection"


def test_what_is_not_sampled_leaves_no_span() -> None:
    unsampled = {"traceparent": traceparent("00")[b"traceparent"].decode()}
    assert wire_span(record(headers=unsampled)) is None


ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "b", "OTEL_TRACES_SAMPLER": "always_on"}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "TRUE"}, False),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "1"}, True),  # only "true" is true
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
    ],
)
def test_spans_are_exported_when_somebody_has_said_where(
    environ: dict[str, str], wanted: bool
) -> None:
    assert wants_spans(environ) is wanted


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "choose otlp or none"),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "4318"),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"}, "http/protobuf"),
    ],
)
def test_what_cannot_be_exported_is_said_with_what_can(environ: dict[str, str], says: str) -> None:
    with pytest.raises(CannotExport, match=says):
        wants_spans(environ)


def test_a_trace_is_not_begun_twice_alike() -> None:
    traces: list[Trace] = [begin({}, Kept()) for _ in range(100)]
    assert len({trace.trace_id for trace in traces}) == 100
