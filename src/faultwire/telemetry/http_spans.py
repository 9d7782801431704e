"""Spans of what a service has done, by OpenTelemetry's semantic conventions for HTTP.

One SERVER span for each request, and below it one CLIENT span for each attempt to call A. What
the log calls `kind=` is `error.type` here. Queries are left out: they are what users have said.
"""

from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import urlsplit

from faultwire.contracts.outcome import CLIENT_LEFT, failure_of
from faultwire.events import Called, Served, Tried
from faultwire.failures import Failure
from faultwire.http.message import Request
from faultwire.telemetry.metrics import error_type, known_method
from faultwire.telemetry.span import Attributes, Kind, Sent, Span, Trace

_LONGEST = 256
_NS = 1_000_000_000


def spans(trace: Trace, event: Served, request: Request, ended_ns: int) -> Iterator[Span]:
    """The spans of a request that is over: its own, and those of B's attempts."""
    failed = failure_of(event)
    error = None
    if event.status >= 500:  # the client's mistakes are no errors of the server's
        error = "" if failed is None else failed.detail[:_LONGEST]
    yield Span(
        span_name(event.method, event.route),
        Kind.SERVER,
        trace.trace_id,
        trace.span_id,
        trace.parent_id,
        True,
        trace.flags,
        ended_ns - int(event.duration_s * _NS),
        ended_ns,
        _server(event, request),
        error,
    )
    if trace.sent:
        yield from _calls(trace, event.called, ended_ns)


def span_name(method: str, route: str) -> str:
    """`{method} {route}`; the method alone where no route is known, HTTP for an odd method."""
    known = known_method(method)
    name = method if known == method else "HTTP"
    return f"{name} {route}" if route else name


def method_attributes(method: str) -> Attributes:
    """The method; one that OpenTelemetry does not list stands in an attribute of its own."""
    known = known_method(method)
    if known == method:
        return {"http.request.method": method}
    return {"http.request.method": known, "http.request.method_original": method[:_LONGEST]}


def _server(event: Served, request: Request) -> Attributes:
    attributes = method_attributes(event.method)
    attributes["url.scheme"] = "http"
    attributes["url.path"] = event.endpoint[:_LONGEST]
    attributes["network.protocol.version"] = "1.0" if request.http_1_0 else "1.1"
    attributes["faultwire.request_id"] = event.request_id
    if event.route:
        attributes["http.route"] = event.route
    if host := request.headers.get(b"host"):
        attributes.update(_authority(host[:_LONGEST]))
    if event.status != CLIENT_LEFT:  # which is never sent
        attributes["http.response.status_code"] = event.status
    if event.status >= CLIENT_LEFT:
        attributes["error.type"] = error_type(event)
    if event.wasted_s:
        attributes["faultwire.wasted_s"] = event.wasted_s
    if event.called is not None and event.called.stopped_by:
        attributes["faultwire.retry_stopped_by"] = str(event.called.stopped_by)
    return attributes


def _calls(trace: Trace, called: Called | None, ended_ns: int) -> Iterator[Span]:
    if called is None:  # the client has left: whatever was under way was given up
        for number, sent in trace.sent.items():
            yield _call(trace, sent, (sent.began_ns, ended_ns), _given_up(number), None)
    elif called.tried:
        for tried in called.tried:
            began_ns = int(tried.began * _NS)
            times = (began_ns, began_ns + int(tried.took_s * _NS))
            attributes = _tried(tried, called.url)
            yield _call(trace, trace.sent[tried.number], times, attributes, tried.failure)
    else:
        times = (ended_ns - int(called.duration_s * _NS), ended_ns)
        attributes = _client(called.url, "", called.status, called.attempts - 1, called.failure)
        yield _call(trace, trace.sent[1], times, attributes, called.failure)


def _call(
    trace: Trace,
    sent: Sent,
    times_ns: tuple[int, int],
    attributes: Attributes,
    failure: Failure | None,
) -> Span:
    return Span(
        span_name("GET", str(attributes.get("url.template", ""))),
        Kind.CLIENT,
        trace.trace_id,
        sent.span_id,
        trace.span_id,
        False,
        trace.flags,
        *times_ns,
        attributes,
        None if failure is None else failure.detail[:_LONGEST],
    )


def _tried(tried: Tried, url: str) -> Attributes:
    resent = tried.number - 1
    attributes = _client(url, tried.address, tried.status, resent, tried.failure)
    if tried.hedge:
        attributes["faultwire.hedge"] = True
    if not tried.status and tried.failure is None:
        attributes["faultwire.given_up"] = True
    return attributes


def _given_up(number: int) -> Attributes:
    attributes: Attributes = {"http.request.method": "GET", "faultwire.given_up": True}
    if number > 1:
        attributes["http.request.resend_count"] = number - 1
    return attributes


def _client(
    url: str, address: str, status: int, resent: int, failure: Failure | None
) -> Attributes:
    attributes: Attributes = {
        "http.request.method": "GET",
        **_where(url.partition("?")[0], address),
    }
    if status:
        attributes["http.response.status_code"] = status
        attributes["network.protocol.version"] = "1.1"
    if resent:
        attributes["http.request.resend_count"] = resent
    if failure is not None:
        attributes["error.type"] = failure.kind.value
        if failure.phase is not None:
            attributes["faultwire.phase"] = failure.phase.value
    return attributes


@lru_cache(maxsize=64)
def _where(url: str, address: str) -> Attributes:
    """The URL without its query, at the address that was tried."""
    parts = urlsplit(url)
    if address:
        parts = parts._replace(netloc=address)
    attributes: Attributes = {
        "url.full": parts.geturl(),
        "url.scheme": parts.scheme,
        "url.template": parts.path,  # B asks for two paths, whatever is in their queries
    }
    return attributes | _authority(parts.netloc.encode())


@lru_cache(maxsize=256)
def _authority(authority: bytes) -> Attributes:
    host, colon, port = authority.decode("latin-1").rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or len(port) > 5:
        host, port = authority.decode("latin-1"), ""
    attributes: Attributes = {"server.address": host.strip("[]")}
    if port:
        attributes["server.port"] = int(port)
    return attributes
