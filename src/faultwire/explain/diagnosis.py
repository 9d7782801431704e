"""The cause of one request's failure, from its lines and what surrounds them. Pure."""

import re
from functools import lru_cache
from typing import NamedTuple

from faultwire.explain.causes import BEFORE_A_REQUEST, CAUSE_OF, Cause
from faultwire.explain.entry import CLIENT_LEFT, WIRE, Entry
from faultwire.explain.fit import used_the_time
from faultwire.explain.infer import kind_of, upstream_status
from faultwire.explain.surroundings import Surroundings
from faultwire.failures import FailureKind

K = FailureKind
_NOT_CALLED = frozenset({K.CIRCUIT_OPEN, K.BULKHEAD_FULL, K.OVERLOADED, K.DEADLINE_EXCEEDED})
_ADDRESS = re.compile(r"([\w.-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})\b(?!:)")
_TICK_S = 0.002
"""A line's time and its duration are in whole milliseconds, cut or rounded."""
_WIRE_KINDS = {
    "upstream_refused": K.CONNECTION_REFUSED,
    "upstream_dns_error": K.DNS_ERROR,
    "upstream_connect_timeout": K.CONNECT_TIMEOUT,
}


class Case:
    """One request: the line of the outermost service, the lines of the others, and the rest.

    `wire` are the wire's lines, where it is not itself the outermost; `upstream` is the last line
    of the service that was called.
    """

    __slots__ = "around", "hops", "root", "upstream", "wire"

    def __init__(self, root: Entry, hops: tuple[Entry, ...], around: Surroundings) -> None:
        self.root, self.hops, self.around = root, hops, around
        self.wire: tuple[Entry, ...] = ()
        self.upstream: Entry | None = None
        for hop in hops:
            if hop.service == WIRE:
                self.wire += (hop,)
            elif hop.service != root.service and (
                self.upstream is None or hop.end > self.upstream.end
            ):
                self.upstream = hop


class Diagnosis(NamedTuple):
    """Why it failed: `kind` is what the caller saw, `fault` what was injected."""

    cause: Cause
    kind: str = ""
    fault: str = ""


def diagnose(case: Case) -> Diagnosis:
    """The cause of a request's failure (or that it did not fail)."""
    root = case.root
    if root.ok and not (root.service == WIRE and root.fault):
        retried = root.attempts > 1
        return Diagnosis(Cause.RETRY_SAVED if retried else Cause.NONE, "", _injected(case))
    kind = _kind(case)
    word = kind.value if kind else ""
    if _client_left(root):
        return Diagnosis(Cause.CLIENT_LEFT, "", _injected(case))
    if kind not in _NOT_CALLED and (fault := _guilty_fault(case, kind)):
        return Diagnosis(Cause.FAULT_INJECTED, word, fault)
    if kind is not None:
        return Diagnosis(_by_kind(case, kind), word)
    return Diagnosis(_without_kind(case))


def called_address(case: Case) -> tuple[str, str]:
    """Host and port that were called, as the caller's line says; that of A if it was the wire's."""
    said = _addresses(case.root.details)
    host, port = said[-1] if said else ("", "")
    around = case.around
    if around.wire_to and (not port or port == _port(around.wire_url)):
        host, port = _host(around.wire_to), _port(around.wire_to)
    return host, port


@lru_cache(256)
def _addresses(details: str) -> list[tuple[str, str]]:
    return _ADDRESS.findall(details)


def _kind(case: Case) -> FailureKind | None:
    """What the caller saw, or what the wire saw for it."""
    for hop in (case.root, *case.wire):
        if hop.service == WIRE and (seen := _WIRE_KINDS.get(hop.error)) is not None:
            return seen
    return kind_of(case.root)


def _client_left(root: Entry) -> bool:
    return (
        root.http_status == CLIENT_LEFT
        or root.error == "ClientDisconnected"
        or (root.service == WIRE and root.error.startswith("client_"))
    )


def _injected(case: Case) -> str:
    """The faults that acted, in order."""
    faults = [hop.fault for hop in (case.root, *case.wire) if hop.fault]
    return ",".join(dict.fromkeys(",".join(faults).split(","))) if faults else ""


def _guilty_fault(case: Case, kind: FailureKind | None) -> str:
    """The injected fault that made it fail, if one did."""
    if fault := _injected(case):
        return "" if _upstream_is_guilty(case, kind, fault) else fault
    for name in case.around.faults:
        if kind in BEFORE_A_REQUEST.get(name, ()):
            return name
    return ""


def _upstream_is_guilty(case: Case, kind: FailureKind | None, fault: str) -> bool:
    """Whether A's own line explains the failure, though a fault had been injected as well."""
    upstream = case.upstream
    if upstream is None:
        return False
    if kind is K.UPSTREAM_STATUS:
        return not upstream.ok and "status" not in fault.split(",")
    return kind is K.RESPONSE_TIMEOUT and used_the_time(case.root, upstream)


def _by_kind(case: Case, kind: FailureKind) -> Cause:
    if kind is K.CONNECTION_REFUSED:
        return _refused(case)
    if kind is K.RESPONSE_TIMEOUT:
        return _timeout(case)
    if kind is K.UPSTREAM_STATUS:
        return _status(case)
    return CAUSE_OF[kind]


def _refused(case: Case) -> Cause:
    around, end = case.around, case.root.end
    _, port = called_address(case)
    asked = _addresses(case.root.details)
    wire_called = bool(asked) and asked[-1][1] == _port(around.wire_url)
    if wire_called and 0 < around.wire_stopped <= end:
        return Cause.WIRE_DOWN
    if around.upstream_url and port and _port(around.upstream_url) != port:
        return Cause.WRONG_PORT
    if 0 < around.upstream_stopped <= end:
        return Cause.A_DOWN
    if around.upstream_alive:
        return Cause.WRONG_PORT
    if around.upstream_logged or around.worked_before:
        return Cause.A_DOWN
    return Cause.A_DOWN_OR_WRONG_PORT


def _timeout(case: Case) -> Cause:
    upstream = case.upstream
    if upstream is None:
        return Cause.A_NEVER_FINISHED if case.around.upstream_logged else Cause.TIMEOUT
    if upstream.end and 0 < case.root.end <= upstream.start + _TICK_S:
        return Cause.A_FROZEN
    slow = upstream.end > case.root.end or used_the_time(case.root, upstream)
    return Cause.A_SLOW if slow else Cause.SLOW_BETWEEN


def _status(case: Case) -> Cause:
    upstream = case.upstream
    if upstream is None:
        return Cause.UPSTREAM_STATUS
    return Cause.STATUS_FROM_BETWEEN if upstream.ok else Cause.A_FAILED


def _without_kind(case: Case) -> Cause:
    root, upstream = case.root, case.upstream
    if root.error.startswith("ClientError") or 400 <= root.http_status < 500:
        return Cause.CLIENT_ERROR
    if upstream is not None and not upstream.ok:
        return Cause.A_FAILED
    if root.error.startswith("ServerError"):
        return Cause.OWN_ERROR
    if root.service == WIRE and root.http_status >= 500:
        return Cause.UPSTREAM_STATUS
    if root.status == "unavailable" or root.error == "ConnectionError":
        around = case.around
        stopped = 0 < around.upstream_stopped <= root.start
        gone = around.upstream_logged and not around.upstream_alive and upstream is None
        return Cause.A_DOWN if stopped or gone else Cause.UNREACHABLE
    return Cause.OWN_ERROR if root.http_status >= 500 else Cause.UNKNOWN


def told_status(case: Case) -> int:
    """The status that the sentence is about: the upstream's, or the request's own."""
    own = case.root.http_status
    if not own and (digits := re.search(r"(?:Client|Server)Error:(\d{3})", case.root.error)):
        own = int(digits[1])
    if (upstream := case.upstream) is not None and upstream.http_status >= 400:
        return upstream.http_status
    return upstream_status(case.root) or own


def _port(url: str) -> str:
    return url.rstrip("/").rpartition(":")[2] if ":" in url else ""


def _host(url: str) -> str:
    return url.partition("://")[2].rpartition(":")[0] or url.rpartition(":")[0]
