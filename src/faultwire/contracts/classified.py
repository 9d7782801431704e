"""The contract `classified`: one short error per family of failures, levels in the log."""

from collections.abc import Mapping

from faultwire.contracts.body import body
from faultwire.contracts.outcome import (
    FAMILY_ERRORS,
    endpoint,
    failure_in,
    milliseconds,
    pairs,
    trouble,
)
from faultwire.events import Called, Calling, Served

NAME = "classified"
TIMEOUT_S = 1.0
REQUIRES_MSG = False
MILLISECONDS = True
TELLS_CALLS = False


def success(msg: str, answer: Mapping[str, object]) -> bytes:  # noqa: ARG001
    return body({"service_b": "ok", "service_a": answer})


def failure(called: Called) -> bytes:
    return body({"error": FAMILY_ERRORS[failure_in(called).meaning.family]})


def calling(event: Calling) -> str | None:  # noqa: ARG001
    return None


def called(event: Called) -> str | None:  # noqa: ARG001
    return None


def served(event: Served) -> str:
    who, path, took = event.service, endpoint(event), milliseconds(event.duration_s)
    if (bad := trouble(event)) is None:
        return f"INFO service={who} endpoint={path} status=ok latency_ms={took}"
    return (
        f"{bad.level} service={who} endpoint={path} status={bad.status} "
        f"latency_ms={took} error={bad.error}"
    )


def note(level: str, fields: Mapping[str, object]) -> str:
    return f"{level} {pairs(fields)}"
