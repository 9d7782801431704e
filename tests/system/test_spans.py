"""A, the wire and B export their spans by OTLP: one trace, whatever happens to a request."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.ports import unused_port
from tests.system.collector import Collector, Seen
from tests.system.conftest import HoldingUpstream, Start
from tests.system.running import Answer, Client, Running, get, run

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
_CONTROL = re.compile(r"control=(http://\S+)")


class System:
    """A, the wire and B with a policy, which export to one collector."""

    def __init__(self, processes: ExitStack) -> None:
        self.collector = processes.enter_context(Collector())
        env = self.collector.environment
        a = processes.enter_context(Running("service-a", "--port", "0", env=env))
        ends = ("--listen", "127.0.0.1:0", "--control", "127.0.0.1:0")
        wire = processes.enter_context(Running("wire", "--to", a.url(), *ends, env=env))
        self.wire, self.a = wire.url(), a.url()
        to_wire = ("--port", "0", "--upstream", self.wire)
        b = processes.enter_context(Running("service-b", *to_wire, env=env))
        retries = ("--policy", "retry(base=1ms,cap=1ms)")
        retrying = processes.enter_context(Running("service-b", *to_wire, *retries, env=env))
        self.b, self.retrying = b.url(), retrying.url()
        control = _CONTROL.search(wire.wait_for("control="))
        assert control
        self._control = control[1]

    def breaks(self, *words: str) -> None:
        assert run("break", *words, "--control", self._control).returncode == 0

    def mends(self) -> None:
        assert run("mend", "--control", self._control).returncode == 0


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with ExitStack() as processes:
        yield System(processes)


def ask(url: str, target: str, trace_id: str = TRACE, flags: str = "01") -> Answer:
    """An answer to a request that is part of a trace."""
    with Client(url) as client:
        head = f"GET {target} HTTP/1.1\r\nHost: b.example\r\nX-Request-ID: id-1\r\n"
        client.sock.sendall(f"{head}traceparent: 00-{trace_id}-{PARENT}-{flags}\r\n\r\n".encode())
        return client.answer()


def by_service(spans: list[Seen]) -> dict[str, Seen]:
    """The spans, by the service and the kind of each: none is there twice."""
    found = {f"{span.service} {span.kind}": span for span in spans}
    assert len(found) == len(spans), spans
    return found


def host_port(url: str) -> dict[str, str | int]:
    host, _, port = url.removeprefix("http://").partition(":")
    return {"server.address": host, "server.port": int(port)}


def test_a_request_is_one_trace_through_b_the_wire_and_a(system: System) -> None:
    assert ask(system.b, "/call-echo?msg=secret").status == 200
    found = by_service(system.collector.trace(TRACE, 4))
    b, call = found["service-b SERVER"], found["service-b CLIENT"]
    wire, a = found["wire INTERNAL"], found["service-a SERVER"]
    assert [span.parent_id for span in (b, call, wire, a)] == [
        PARENT,
        b.span_id,
        call.span_id,
        call.span_id,
    ]
    assert [b.name, call.name, wire.name, a.name] == [
        "GET /call-echo",
        "GET /echo",
        "wire GET",
        "GET /echo",
    ]
    assert not [span for span in found.values() if span.failed]
    usual = {"http.request.method": "GET", "http.response.status_code": 200}
    served = usual | {
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "faultwire.request_id": "id-1",
    }
    assert b.attributes == served | {
        "http.route": "/call-echo",
        "url.path": "/call-echo",
        "server.address": "b.example",
    }
    assert a.attributes == served | {
        "http.route": "/echo",
        "url.path": "/echo",
        **host_port(system.wire),
    }
    assert call.attributes == usual | {
        "url.full": f"{system.wire}/echo",
        "url.scheme": "http",
        "url.template": "/echo",
        "network.protocol.version": "1.1",
        **host_port(system.wire),
    }
    assert wire.attributes.pop("faultwire.connection") >= 1
    assert wire.attributes == usual | {"url.path": "/echo", "faultwire.request_id": "id-1"}
    assert b.began_ns <= call.began_ns < call.ended_ns <= b.ended_ns
    assert b.resource["service.version"]
    assert b.resource["telemetry.sdk.name"] == "opentelemetry"


def test_a_fault_and_the_retry_that_made_up_for_it_are_told(system: System) -> None:
    trace_id = "1" * 32
    system.breaks("status", "--code", "503", "--first", "1", "--phase", "before")
    try:
        assert ask(system.retrying, "/call-echo?msg=hello", trace_id).status == 200
    finally:
        system.mends()
    spans = system.collector.trace(trace_id, 6)  # the fault answers in A's place
    first, second = [span for span in spans if span.kind == "CLIENT"]
    wire = {span.parent_id: span for span in spans if span.service == "wire"}
    (a,) = [span for span in spans if span.service == "service-a"]
    (b,) = [span for span in spans if span.service == "service-b" and span.kind == "SERVER"]
    assert first.parent_id == second.parent_id == b.span_id
    assert first.failed
    assert first.attributes["error.type"] == "upstream_status"
    assert first.attributes["http.response.status_code"] == 503
    assert "http.request.resend_count" not in first.attributes
    assert second.attributes["http.request.resend_count"] == 1
    assert not [span for span in (second, a, b) if span.failed]
    assert a.parent_id == second.span_id
    assert wire[first.span_id].attributes["faultwire.fault"] == "status"
    assert wire[first.span_id].attributes["faultwire.phase"] == "before"
    assert "faultwire.fault" not in wire[second.span_id].attributes


def test_an_answer_that_fails_says_why_on_every_side(system: System) -> None:
    trace_id = "2" * 32
    assert ask(system.b, "/call-foo", trace_id).status == 503
    found = by_service(system.collector.trace(trace_id, 4))
    b, call, a = (found[f"service-{which}"] for which in ("b SERVER", "b CLIENT", "a SERVER"))
    assert b.failed
    assert b.attributes["error.type"] == call.attributes["error.type"] == "upstream_status"
    assert call.said.startswith("HTTP 500")
    assert (a.failed, a.attributes["error.type"]) == (True, "500")
    assert not found["wire INTERNAL"].failed  # it has done what it is there for


def test_what_the_caller_did_not_sample_is_not_exported_but_goes_on(system: System) -> None:
    ask(system.b, "/call-echo?msg=hello", "3" * 32, "00")
    ask(system.b, "/call-echo?msg=hello", "4" * 32)
    system.collector.trace("4" * 32, 4)
    system.collector.trace("3" * 32, 0)


def test_without_a_context_b_begins_a_trace(system: System) -> None:
    assert get(system.b, "/call-echo?msg=alone").status == 200
    (root,) = system.collector.wait_for(
        lambda span: span.service == "service-b" and not span.parent_id, 1
    )
    assert len(system.collector.trace(root.trace_id, 4)) == 4


def test_spans_that_wait_are_sent_before_the_end(start: Start) -> None:
    with Collector() as collector:
        env = collector.environment | {
            "OTEL_BSP_SCHEDULE_DELAY": "3600000",
            "OTEL_SERVICE_NAME": "mine",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
        }
        a = start("service-a", "--port", "0", env=env)
        get(a.url(), "/echo?msg=last")
        a.signal(signal.SIGINT)
        assert a.exit_status() == 0
        (span,) = collector.wait_for(lambda _: True, 1)
        assert (span.service, span.name) == ("mine", "GET /echo")
        assert span.resource["deployment.environment.name"] == "test"


def test_the_sampler_is_the_one_that_the_environment_names(start: Start) -> None:
    with Collector() as collector:
        env = collector.environment | {"OTEL_TRACES_SAMPLER": "parentbased_always_off"}
        a = start("service-a", "--port", "0", env=env)
        get(a.url(), "/echo?msg=alone")
        ask(a.url(), "/echo?msg=in-a-trace")
        a.signal(signal.SIGINT)
        assert a.exit_status() == 0
        (span,) = collector.wait_for(lambda _: True, 1)
        assert span.trace_id == TRACE


def test_workers_export_as_well(start: Start) -> None:
    with Collector() as collector:
        a = start("service-a", "--port", "0", "--workers", "2", env=collector.environment)
        for _ in range(4):
            get(a.url(), "/echo?msg=one-of-many")
        spans = collector.wait_for(lambda span: span.service == "service-a", 4)
        assert len({span.trace_id for span in spans}) == 4


def test_a_collector_that_hangs_holds_up_neither_the_service_nor_its_end(
    start: Start, upstream: HoldingUpstream
) -> None:
    bounds = {"OTEL_BSP_MAX_QUEUE_SIZE": "2", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1"}
    a = start(
        "service-a",
        "--port",
        "0",
        env=bounds | {"OTEL_EXPORTER_OTLP_ENDPOINT": upstream.url, "OTEL_BSP_SCHEDULE_DELAY": "1"},
    )
    url = a.url()
    get(url, "/echo?msg=first")
    upstream.wait_for_requests()  # the export, which is never answered
    for _ in range(4):
        assert get(url, "/echo?msg=hello").status == 200
    assert "spans are lost: 2 wait" in a.wait_for("event=spans")
    a.signal(signal.SIGINT)
    assert a.exit_status() == 0
    assert "spans lost in all: 5 of 5" in a.wait_for("lost in all")
    assert not [line for line in a.lines if "Traceback" in line]


def test_a_collector_that_is_not_there_is_said_in_a_line_like_any_other(start: Start) -> None:
    nobody = f"http://127.0.0.1:{unused_port()}"
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": nobody, "OTEL_BSP_SCHEDULE_DELAY": "1"}
    a = start("service-a", "--port", "0", env=env)
    for _ in range(3):
        assert get(a.url(), "/echo?msg=hello").status == 200
    assert " WARNING service=A event=spans error=" in a.wait_for("event=spans")
    a.signal(signal.SIGINT)
    assert a.exit_status() == 0
    assert not [line for line in a.lines if " service=A " not in line]


def test_what_the_sdk_cannot_make_sense_of_is_said_and_the_service_serves(start: Start) -> None:
    env = {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_BSP_MAX_QUEUE_SIZE": "-1"}
    a = start("service-a", "--port", "0", env=env)
    assert get(a.url(), "/echo?msg=hello").status == 200
    assert "max_queue_size" in a.wait_for("event=no_spans")


@pytest.mark.parametrize("service", ["service-a", "service-b", "wire"])
def test_without_the_extra_a_line_says_how_to_get_it(
    start: Start, tmp_path: Path, service: str
) -> None:
    package = tmp_path / "opentelemetry"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError(\"No module named 'opentelemetry'\")")
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    env = {"OTEL_TRACES_EXPORTER": "otlp", "PYTHONPATH": path}
    where = ("--listen", "127.0.0.1:0", "--control", "127.0.0.1:0")
    process = start(service, *(where if service == "wire" else ("--port", "0")), env=env)
    line = process.wait_for("event=no_spans")
    assert "pip install 'faultwire[otel]'" in line
    assert process.url()  # it serves all the same


@pytest.mark.parametrize("service", ["service-a", "service-b", "wire"])
def test_unless_it_is_asked_for_nothing_of_opentelemetry_is_imported(
    start: Start, service: str
) -> None:
    where = ("--listen", "127.0.0.1:0", "--control", "127.0.0.1:0")
    ends = where if service == "wire" else ("--port", "0")
    traced = (sys.executable, "-X", "importtime", "-m", "faultwire")
    process = start(service, *ends, command=traced)
    process.url()
    imported = [line for line in process.lines if line.startswith("import time:")]
    assert any("faultwire.telemetry.tracing" in line for line in imported)
    assert not [line for line in imported if "opentelemetry" in line or "requests" in line]
