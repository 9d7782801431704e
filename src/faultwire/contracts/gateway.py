"""The contract `gateway`: B speaks as a gateway; whatever cannot be reached is a 504 timeout."""

from faultwire.contracts import classified, escape, passthrough
from faultwire.contracts.body import body
from faultwire.contracts.outcome import endpoint, failure_in, failure_of, milliseconds, trouble
from faultwire.events import Called, Served
from faultwire.failures import Failure, FailureKind, Family

NAME = "gateway"
TIMEOUT_S = 1.0
REQUIRES_MSG = False
MILLISECONDS = True
TELLS_CALLS = True

success = classified.success
calling = classified.calling
note = passthrough.note


def _verdict(failed: Failure) -> tuple[str, int]:
    """The words and the status that a gateway gives this failure."""
    if failed.meaning.family is not Family.ERROR:
        return "timeout", 504
    if failed.kind is FailureKind.UPSTREAM_STATUS:
        return f"HTTP {failed.status}", failed.status or failed.meaning.accurate_status
    return failed.kind.value, failed.meaning.accurate_status


def failure(called: Called) -> bytes:
    error, status = _verdict(failure_in(called))
    return body(
        {"service_b": "ok", "service_a": "unavailable", "error": error, "http_status": status}
    )


def called(event: Called) -> str | None:
    if event.failure is None:
        return None
    return f"##### Failure contacting service A: {_verdict(event.failure)[0]}"


def served(event: Served) -> str:
    who, path, took = event.service, endpoint(event), milliseconds(event.duration_s)
    if (bad := trouble(event)) is None:
        return f"service={who} endpoint={path} status=ok latency_ms={took}"
    head = f"service={who} endpoint={path} status=error"
    if (failed := failure_of(event)) is None:
        return f'{head} http_status={event.status} error="{bad.error}" latency_ms={took}'
    error, status = _verdict(failed)
    return (
        f'{head} http_status={status} error="{error}" '
        f"complete_error={escape.quoted(failed.detail)} latency_ms={took}"
    )
