"""An OTLP/HTTP collector on loopback: what is exported to it, for tests to look at."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.system.running import PATIENCE_S


class Seen(NamedTuple):
    """A span as it arrived. Ids are hex; `parent_id` is empty for the first of a trace."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    began_ns: int
    ended_ns: int
    attributes: dict[str, Any]
    failed: bool
    said: str
    resource: dict[str, Any]


class Collector:
    """Listens on a free port, for as long as its context lasts."""

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self._spans: list[Seen] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            timeout = PATIENCE_S

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/v1/traces":
                    collector.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200 if self.path == "/v1/traces" else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE_S)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make a process export to it, soon."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}

    def trace(self, trace_id: str, count: int) -> list[Seen]:
        """The spans of a trace, once there are so many."""
        return self.wait_for(lambda span: span.trace_id == trace_id, count)

    def wait_for(self, fits: Callable[[Seen], bool], count: int) -> list[Seen]:
        """Spans, once so many fit."""

        def found() -> list[Seen]:
            return [span for span in self._spans if fits(span)]

        with self._arrived:
            self._arrived.wait_for(lambda: len(found()) >= count, PATIENCE_S)
            assert len(found()) == count, self._spans
            return found()

    def take(self, request: ExportTraceServiceRequest) -> None:
        """Remember what is in a request."""
        with self._arrived:
            for group in request.resource_spans:
                resource = _plain(group.resource.attributes)
                for scope in group.scope_spans:
                    assert scope.scope.name == "faultwire"
                    self._spans += [_seen(span, resource) for span in scope.spans]
            self._arrived.notify_all()


def _seen(span: Span, resource: dict[str, Any]) -> Seen:
    return Seen(
        resource["service.name"],
        span.name,
        Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        _plain(span.attributes),
        span.status.code == Status.STATUS_CODE_ERROR,
        span.status.message,
        resource,
    )


def _plain(attributes: Any) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: AnyValue) -> Any:
    return getattr(value, str(value.WhichOneof("value")))
