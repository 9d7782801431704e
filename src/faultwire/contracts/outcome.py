"""The words that log lines share: level, status, error, milliseconds, path.

`error=` names the call's failure where there was one. Otherwise the service itself has
refused or failed: `ClientError:404` (the request was wrong), `ServerError:500` (the service
was), `ClientDisconnected` (nobody was left to answer). `HTTPError:500` is always A's status
seen by B.
"""

from collections.abc import Mapping
from typing import NamedTuple

from faultwire.contracts import escape
from faultwire.events import Called, Served
from faultwire.failures import Failure, Family

CLIENT_LEFT = 499
"""The status of a request whose client has gone; nginx's number, logged and never sent."""

_CLIENTS_DOING = (501, 505)
"""A method, a coding or a version that is not served: nothing is wrong with the service."""

_READINESS = "/readyz"
"""It says so by an error that the service is leaving: at each deployment, to each probe."""

FAMILY_ERRORS = {
    Family.UNAVAILABLE: "Service A unavailable",
    Family.TIMEOUT: "Service A timeout",
    Family.ERROR: "Service A returned error",
}


class Trouble(NamedTuple):
    """Why a request was not answered well: the line's level, `status=` and `error=`."""

    level: str
    status: str
    error: str


def failure_in(called: Called) -> Failure:
    """The failure of a call that is known to have failed."""
    if called.failure is None:
        raise ValueError("this call did not fail")
    return called.failure


def failure_of(event: Served) -> Failure | None:
    """The failed call that made this request fail, if that is what happened."""
    if event.called is None or event.status < 500:
        return None
    return event.called.failure


def trouble(event: Served) -> Trouble | None:
    """What to say of a request that did not go well; None if it did."""
    if event.status < 400:
        return None
    if (failure := failure_of(event)) is not None:
        return Trouble("ERROR", failure.meaning.family.value, failure.error_name)
    if event.status == CLIENT_LEFT:
        return Trouble("INFO", "error", "ClientDisconnected")
    if event.status < 500 or event.status in _CLIENTS_DOING:
        return Trouble("INFO", "error", f"ClientError:{event.status}")
    level = "INFO" if event.route == _READINESS else "ERROR"
    return Trouble(level, "error", f"ServerError:{event.status}")


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, rounded."""
    return int(seconds * 1000 + 0.5)


def endpoint(event: Served) -> str:
    """The path, escaped unless it is a known route."""
    path = event.endpoint
    return path if path and path == event.route else escape.value(path)


def pairs(fields: Mapping[str, object]) -> str:
    """`key=value` for each field, in order."""
    return " ".join(f"{key}={escape.value(str(item))}" for key, item in fields.items())
