"""The contract `passthrough`: what the connection said, in full; no levels in the log."""

from collections.abc import Mapping

from faultwire.contracts import classified, escape
from faultwire.contracts.body import body
from faultwire.contracts.outcome import (
    endpoint,
    failure_in,
    failure_of,
    milliseconds,
    pairs,
    trouble,
)
from faultwire.events import Called, Served

NAME = "passthrough"
TIMEOUT_S = 1.0
REQUIRES_MSG = False
MILLISECONDS = True
TELLS_CALLS = False

success = classified.success
calling = classified.calling
called = classified.called


def failure(called: Called) -> bytes:
    return body({"service_b": "ok", "service_a": "unavailable", "error": failure_in(called).detail})


def served(event: Served) -> str:
    who, path, took = event.service, endpoint(event), milliseconds(event.duration_s)
    if (bad := trouble(event)) is None:
        return f"service={who} endpoint={path} status=ok latency_ms={took}"
    failed = failure_of(event)
    error = escape.quoted(failed.detail if failed else bad.error)
    return f"service={who} endpoint={path} status=error error={error} latency_ms={took}"


def note(level: str, fields: Mapping[str, object]) -> str:  # noqa: ARG001
    return pairs(fields)
