"""Which failure kind a line means that does not name one.

Only the contract `unified` and the log in JSON have `kind=`. The other contracts, and services of
other people, say what the connection said: here, and only here, such words are read.
"""

import re

from faultwire.explain.entry import CLIENT_LEFT, Entry
from faultwire.failures import FailureKind

K = FailureKind

_PHRASES: tuple[tuple[str, FailureKind], ...] = (
    (r"refused|errno 111\b|errno 61\b|10061|econnrefused", K.CONNECTION_REFUSED),
    (r"name or service|nodename nor|resolv|no such host|getaddrinfo|enotfound|dns", K.DNS_ERROR),
    (r"too many calls|bulkhead|pool limit", K.BULKHEAD_FULL),
    (r"circuit|breaker", K.CIRCUIT_OPEN),
    (r"no time (was )?left|deadline_exceeded|busy until the deadline", K.DEADLINE_EXCEEDED),
    (r"connecttimeout|connect timeout|connection timed out|errno 110\b|did not accept",
     K.CONNECT_TIMEOUT),
    (r"not json|json object|without the text|another request's echo|jsondecode|invalid json",
     K.RESPONSE_INVALID),
    (r"without an answer|without a byte|remotedisconnected|empty reply|server disconnected",
     K.EMPTY_RESPONSE),
    (r"without sending|upstream_closed", K.EMPTY_RESPONSE),
    (r"closed the connection in|incomplete|truncated|premature|unexpected eof|not complete",
     K.RESPONSE_TRUNCATED),
    (r"\breset\b|errno 104\b|errno 54\b|econnreset|broken pipe", K.CONNECTION_RESET),
    (r"not answer in http|badstatusline|malformed|remoteprotocolerror|bad http",
     K.RESPONSE_MALFORMED),
    (r"sent too much|too large|over the bound", K.RESPONSE_TOO_LARGE),
    (r"timed out|timeout|did not answer in|deadline", K.RESPONSE_TIMEOUT),
    (r"descriptors|too many open files|overloaded|errno 24\b", K.OVERLOADED),
    (r"\bhttp(error:| )[3-5]\d\d\b", K.UPSTREAM_STATUS),
)  # fmt: skip
"""Read from the top: what is particular stands before what is general."""

_TABLE = tuple((re.compile(phrase), kind) for phrase, kind in _PHRASES)
_UPSTREAM = re.compile(r"HTTP(?:Error:| )([3-5]\d\d)\b")
_NAMED = {kind.value: kind for kind in FailureKind}
_OWN = ("ClientError:", "ServerError:", "ClientDisconnected")


def kind_of(entry: Entry) -> FailureKind | None:
    """The kind of a failed call, named or meant; None where none is, or none was made."""
    if entry.ok:
        return None
    if (named := _NAMED.get(entry.kind)) is not None:
        return named
    left = entry.http_status == CLIENT_LEFT
    if left or (not entry.kind and entry.error.startswith(_OWN)):
        return None
    for words in (entry.details, entry.error, entry.status):
        if words in _NAMED:
            return _NAMED[words]
        lowered = words.lower()
        for phrase, kind in _TABLE:
            if phrase.search(lowered):
                return kind
    return None


def upstream_status(entry: Entry) -> int:
    """The status that the upstream answered with, as its caller says; 0 if it does not."""
    for words in (entry.error, entry.details):
        if match := _UPSTREAM.search(words):
            return int(match[1])
    return 0
