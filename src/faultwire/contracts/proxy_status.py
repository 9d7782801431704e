"""The `Proxy-Status` field of a failed call (RFC 9209, a structured field of RFC 8941)."""

import re

from faultwire.contracts.outcome import failure_in
from faultwire.events import Called
from faultwire.failures import Failure, FailureKind, Phase

MAX_DETAILS_CHARS = 200


def proxy_status(called: Called, next_hop: str, name: str = "service-b") -> str:
    """The field's value: who speaks, what went wrong, A's status if any, and where.

    `next_hop` is A's `host:port`, unless attempts were made at several addresses: then it is the
    one that the failure is of. `name` must be a token. `called.failure` is set.
    """
    failed = failure_in(called)
    parts = [name]
    if (error := _error(failed)) is not None:
        parts.append(f"error={error}")
    if status := called.status or failed.status:
        parts.append(f"received-status={status}")
    parts.append(f"next-hop={_string(_failed_at(called) or next_hop)}")
    if failed.detail:
        parts.append(f"details={_string(failed.detail[:MAX_DETAILS_CHARS])}")
    return "; ".join(parts)


def _failed_at(called: Called) -> str:
    """The address of the last attempt that has failed; empty where there is one address only."""
    return next((each.address for each in reversed(called.tried) if each.failure), "")


def _error(failed: Failure) -> str | None:
    """The token; the most specific one that is accurate (RFC 9209 section 2.1.1)."""
    return _PARTICULAR.get((failed.kind, failed.phase)) or failed.meaning.proxy_status


_PARTICULAR: dict[tuple[FailureKind, Phase | None], str] = {
    (FailureKind.RESPONSE_TOO_LARGE, Phase.HEADERS): "http_response_header_section_size",
    (FailureKind.RESPONSE_MALFORMED, Phase.BODY): "http_response_transfer_coding",
    (FailureKind.RESPONSE_INVALID, Phase.BODY): "http_response_content_coding",
}
"""Only chunks can be malformed behind a head, and only a coding be undone before JSON is read."""


def _string(text: str) -> str:
    """A structured-field String: printable ASCII only, `"` and backslash escaped."""
    ascii_only = re.sub(r"[^ -~]", "?", text)
    return '"' + ascii_only.replace("\\", "\\\\").replace('"', '\\"') + '"'
