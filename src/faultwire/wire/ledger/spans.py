"""A span for each request on the wire: which fault acted in it, and when.

Its parent is the one that the request names, beside the span of whoever answers: the wire passes
`traceparent` on as it is, like every byte. Its kind is INTERNAL for the same reason. It is no hop
of its own, and a second SERVER under one CLIENT would look like a second service in the pictures
that are drawn from traces.
"""

from collections.abc import Callable

from faultwire.telemetry.http_spans import method_attributes
from faultwire.telemetry.span import Attributes, Kind, Sink, Span, begin
from faultwire.wire.ledger import Record

_LONGEST = 256
_NS = 1_000_000_000


def exporter(sink: Sink) -> Callable[[Record], None]:
    """What makes a span of a record that has ended."""

    def export(record: Record) -> None:
        span = span_of(record, sink)
        if span is not None:
            sink.take(span)

    return export


def span_of(record: Record, sink: Sink) -> Span | None:
    """The span, unless the trace is not sampled. `error.type` is there if no fault caused it."""
    given = record.headers.get("traceparent")
    headers = {} if given is None else {b"traceparent": given.encode("latin-1")}
    trace = begin(headers, sink)
    if not trace.sampled:
        return None
    return Span(
        f"wire {record.method[:_LONGEST]}" if record.method else "wire connection",
        Kind.INTERNAL,
        trace.trace_id,
        trace.span_id,
        trace.parent_id,
        True,
        trace.flags,
        int(record.started * _NS),
        int(record.ended * _NS),
        _attributes(record),
        record.error or None,
    )


def _attributes(record: Record) -> Attributes:
    attributes: Attributes = method_attributes(record.method) if record.method else {}
    texts = {
        "url.path": record.path,
        "error.type": record.error,
        "faultwire.fault": record.fault,
        "faultwire.phase": record.phase if record.fault else "",
        "faultwire.request_id": record.request_id,
        "faultwire.closed_by": record.closed_by,
    }
    attributes.update({key: text[:_LONGEST] for key, text in texts.items() if text})
    if record.status:
        attributes["http.response.status_code"] = record.status
    attributes["faultwire.connection"] = record.connection
    return attributes
