"""Whether one line can be a part of the request that another is about: by ids, paths and times.

A line is written when its request ends, so a request is an interval: its end, and its end less
its `latency_ms`. A call lies within the request that made it, but for a call that its caller has
given up: that begins within it and ends later.
"""

from faultwire.explain.entry import CLIENT_LEFT, WIRE, A, B, Entry
from faultwire.explain.infer import kind_of, upstream_status
from faultwire.failures import FailureKind

K = FailureKind

SKEW_S = 1.0
"""The clocks of two machines, and the order of two streams, may differ by so much."""
LATE_S = 10.0
"""How long after its caller gave up an upstream's line is waited for."""
TOGETHER_S = 0.05
NO_PATH = "-"
"""In the place of the path in a line about a connection that ended before it carried a request."""
_CLOSE_S = 0.005
"""Where the caller's line says next to nothing, its call must really lie within the request."""
_MOST_OF = 0.8
"""An upstream that used this share of its caller's time was slow, whoever was slow beside it."""
_NO_CALL = frozenset(
    {
        K.DNS_ERROR, K.CONNECTION_REFUSED, K.CONNECT_TIMEOUT, K.CIRCUIT_OPEN, K.BULKHEAD_FULL,
        K.OVERLOADED, K.DEADLINE_EXCEEDED,
    }
)  # fmt: skip
RANK = {B: 0, WIRE: 2, A: 3}
"""How far from the client a service stands."""


def rank(entry: Entry) -> int:
    """How far from the client a service stands; one that is not known stands after B."""
    return RANK.get(entry.service, 1)


def late_s(entry: Entry) -> float:
    """How long after the end of this request lines may come that belong to it."""
    slow = kind_of(entry) is K.RESPONSE_TIMEOUT or entry.http_status == CLIENT_LEFT
    return LATE_S if slow else SKEW_S


def is_part_of(inner: Entry, outer: Entry) -> bool:
    """Whether a line of A or the wire is surely one of the request that this line of B is about."""
    return (
        inner.service in (WIRE, A)
        and outer.service == B
        and inner.request_id == outer.request_id != ""
        and inner.end > 0 < outer.end
        and touch(outer, inner, TOGETHER_S)
    )


def touch(root: Entry, entry: Entry, slack: float) -> bool:
    """Whether the two were under way at about the same time, or one does not say when."""
    if not (root.end and entry.end):
        return True
    later = LATE_S if slack >= SKEW_S else slack  # a frozen upstream begins when it thaws
    return entry.start <= root.end + later and entry.end >= root.start - slack


def is_around(outer: Entry, inner: Entry) -> bool:
    """Whether an unknown service's request holds another unknown service's."""
    longer = (outer.latency_ms, outer.end) > (inner.latency_ms, inner.end)
    return longer and outer.service != inner.service


def blur(entry: Entry) -> float:
    """How much later than it says a line may have been written: some log whole seconds."""
    return entry.resolution_s if entry.resolution_s >= 1 else 0.0


def may_call(outer: Entry, inner: Entry) -> bool:
    """Whether `inner` may be a call that `outer` made, by their ids, paths and times."""
    if outer.request_id and inner.request_id and outer.request_id != inner.request_id:
        return False
    if inner.endpoint == NO_PATH:  # a connection that ended before it carried a request
        return not inner.request_id and _holds(outer, inner)
    if outer.endpoint.replace("/call-", "/", 1) != inner.endpoint.replace("/call-", "/", 1):
        return False
    begun = outer.start - TOGETHER_S <= inner.start + blur(inner)
    return begun and inner.start <= outer.end + blur(outer) + TOGETHER_S


def belongs_to_another(root: Entry, entry: Entry, callers: list[Entry]) -> bool:
    """Whether it lies in another's request before ours, or another began closer before it."""
    if blur(root) or blur(entry):
        return False
    ours, before = abs(entry.start - root.start), entry.start < root.start - _CLOSE_S
    return any(
        may_call(e, entry)
        and (
            (before and e.start - _CLOSE_S <= entry.start and entry.end <= e.end + _CLOSE_S)
            or (abs(entry.start - e.start) < ours and e.start <= entry.start + TOGETHER_S)
        )
        for e in callers
    )


def is_spoken_for(entry: Entry, well: list[Entry], near: list[Entry]) -> bool:
    """Whether requests that went well, and so had an answer, need it: no more lie within them."""
    holders = [e for e in well if entry.ok and may_call(e, entry) and _holds(e, entry)]
    if not holders or blur(entry):
        return False
    calls = sum(
        e.service == entry.service and any(may_call(h, e) and _holds(h, e) for h in holders)
        for e in near
    )
    return calls <= sum(max(holder.attempts, 1) for holder in holders)


def _holds(outer: Entry, inner: Entry) -> bool:
    """Whether one lies in the other; a busy process writes its line a little after its answer."""
    return outer.start - _CLOSE_S <= inner.start and inner.end <= outer.end + TOGETHER_S


def distance(root: Entry, entry: Entry) -> tuple[bool, float, float]:
    """How badly it fits: by its start; where that is not known well, by duration and order."""
    if blur(root) or blur(entry):
        well = entry.service == WIRE and entry.ok and not entry.fault
        return well, abs(entry.latency_ms - root.latency_ms) // 100, entry.end
    return False, abs(entry.start - root.start), entry.end


def made_no_call(root: Entry) -> bool:
    """Whether nothing was sent to anybody, as its line says."""
    kind = kind_of(root)
    refused = root.error.startswith("ClientError") or 400 <= root.http_status < CLIENT_LEFT
    return kind in _NO_CALL or (kind is None and refused)


def used_the_time(root: Entry, entry: Entry) -> bool:
    """Whether a call took so long that its caller had no time left."""
    return entry.latency_ms >= root.latency_ms * _MOST_OF


def carried(root: Entry, entry: Entry) -> bool:
    """Whether the wire's line can be what lies behind what the caller saw."""
    kind = kind_of(root)
    if kind is K.UPSTREAM_STATUS:
        return entry.http_status in (0, upstream_status(root) or entry.http_status)
    if kind is K.RESPONSE_TIMEOUT:
        return used_the_time(root, entry)
    return kind is None or entry.http_status < 400


def agrees(root: Entry, entry: Entry) -> bool:
    """Whether A's line can be the other end of what its caller saw."""
    kind = kind_of(root)
    if kind is K.UPSTREAM_STATUS:
        said = upstream_status(root)
        return not entry.ok and (not said or entry.http_status in (0, said))
    if kind is K.RESPONSE_TIMEOUT:
        exact = not (blur(root) or blur(entry))
        return used_the_time(root, entry) or (exact and abs(entry.start - root.start) <= TOGETHER_S)
    return kind is not None or entry.start + blur(entry) >= root.start - _CLOSE_S
