"""The contract `detailed`: details in the body, a line before and after each call."""

from collections.abc import Mapping

from faultwire.contracts import escape
from faultwire.contracts.body import body
from faultwire.contracts.outcome import endpoint, failure_in, pairs, trouble
from faultwire.events import Called, Calling, Served
from faultwire.failures import Family

NAME = "detailed"
TIMEOUT_S = 2.0
REQUIRES_MSG = True
MILLISECONDS = False
TELLS_CALLS = True

_ERRORS = {Family.UNAVAILABLE: "Connection error", Family.ERROR: "Request error"}


def success(msg: str, answer: Mapping[str, object]) -> bytes:
    return body({"msg": msg, "echo_response": answer})


def failure(called: Called) -> bytes:
    failed = failure_in(called)
    if failed.meaning.family is Family.TIMEOUT:
        details = _timeout(called)
    else:
        details = f"{_ERRORS[failed.meaning.family]}: {failed.detail}"
    return body({"error": "Service A unavailable", "details": details})


def calling(event: Calling) -> str | None:
    url = escape.url(event.url)
    return f"INFO service_b Calling Service A: {url} (timeout={_seconds(event.timeout_s)})"


def called(event: Called) -> str | None:
    url = escape.url(event.url)
    if event.failure is None:
        return f"INFO service_b Service A call successful: {event.status} - {url}"
    family = event.failure.meaning.family
    timeout = family is Family.TIMEOUT
    what = _timeout(event) if timeout else f"{_ERRORS[family]} calling Service A"
    return f"ERROR service_b {what} - {url}: {escape.plain(event.failure.detail)}"


def served(event: Served) -> str:
    bad = trouble(event)
    level = bad.level if bad else "INFO"
    who, method = _name(event.service), escape.value(event.method)
    return f"{level} {who} {method} {endpoint(event)} {event.status} {event.duration_s * 1e3:.2f}ms"


def note(level: str, fields: Mapping[str, object]) -> str:
    rest = {key: item for key, item in fields.items() if key not in ("service", "event")}
    who = [_name(str(fields["service"]))] if "service" in fields else []
    words = [level, *who, escape.value(str(fields["event"])), pairs(rest)]
    return " ".join(word for word in words if word)


def _timeout(called: Called) -> str:
    return f"Timeout calling Service A after {_seconds(called.timeout_s)}"


def _name(service: str) -> str:
    return f"service_{service.lower()}"


def _seconds(timeout_s: float) -> str:
    return f"{round(float(timeout_s), 3)}s"
