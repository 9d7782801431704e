"""The contract `unified`, the default: `classified` with everything that helps a reader more."""

from faultwire.contracts import classified, escape
from faultwire.contracts.body import body
from faultwire.contracts.outcome import FAMILY_ERRORS, failure_in, failure_of, milliseconds
from faultwire.events import Called, Served

NAME = "unified"
TIMEOUT_S = 1.0
REQUIRES_MSG = True
MILLISECONDS = True
TELLS_CALLS = False

_USUAL = (
    "INFO service=%s endpoint=%s status=ok latency_ms=%d http_status=%d request_id=%s attempts=%d "
    "upstream_ms=%d"
)

success = classified.success
calling = classified.calling
called = classified.called
note = classified.note


def failure(called: Called) -> bytes:
    failed = failure_in(called)
    return body(
        {
            "service_b": "ok",
            "service_a": "unavailable",
            "error": FAMILY_ERRORS[failed.meaning.family],
            "kind": failed.kind,
            "details": failed.detail,
            "http_status": failed.meaning.accurate_status,
            "attempts": called.attempts,
            "request_id": called.request_id,
        }
    )


def problem(called: Called, status: int, instance: str) -> bytes:
    """The same failure as RFC 9457 `application/problem+json`.

    `status` is the HTTP status really sent; `instance` the path of the request. `type` is a
    name, not an address: nothing is there to be fetched.
    """
    failed = failure_in(called)
    return body(
        {
            "type": f"urn:faultwire:failure:{failed.kind}",
            "title": FAMILY_ERRORS[failed.meaning.family],
            "status": status,
            "detail": failed.detail,
            "instance": escape.url(instance),
            "service_b": "ok",
            "service_a": "unavailable",
            "kind": failed.kind,
            "http_status": failed.meaning.accurate_status,
            "attempts": called.attempts,
            "request_id": called.request_id,
        }
    )


def served(event: Served) -> str:
    call, request = event.called, escape.value(event.request_id)
    if call is not None and event.status < 400:
        return _USUAL % (  # nearly every line: in one piece, and %d rounds down
            event.service,
            event.route,
            event.duration_s * 1000 + 0.5,
            event.status,
            request,
            call.attempts,
            call.duration_s * 1000 + 0.5,
        )
    head = f"{classified.served(event)} http_status={event.status}"
    failed = failure_of(event)
    kind = f" kind={failed.kind}" if failed else ""
    head += f"{kind} request_id={request}"
    if call is not None:
        head += f" attempts={call.attempts} upstream_ms={milliseconds(call.duration_s)}"
    if event.wasted_s:
        head += f" wasted_ms={milliseconds(event.wasted_s)}"
    if failed is None:
        return f"{head} details={escape.quoted(event.details)}" if event.details else head
    phase = f" phase={failed.phase}" if failed.phase else ""
    stopped = f" stopped_by={call.stopped_by}" if call is not None and call.stopped_by else ""
    return f"{head}{phase}{stopped} details={escape.quoted(failed.detail)}"
