"""What happened, as frozen records in the past tense (or, for a call, about to begin).

A service emits these; the log, the metrics and the traces are sinks of equal rank.
Durations are seconds.
"""

import msgspec

from faultwire.failures import Failure


class Calling(msgspec.Struct, frozen=True, gc=False):
    """B is about to call A: the whole URL and the deadline in seconds."""

    url: str
    timeout_s: float
    request_id: str


class Tried(msgspec.Struct, frozen=True, gc=False):
    """One attempt of a call under policies has ended. `began` is seconds since 1970.

    `address` is empty where there is one only, `status` 0 where no answer came. An attempt that
    was given up has neither a status nor a failure.
    """

    number: int
    address: str
    hedge: bool
    began: float
    took_s: float
    status: int
    failure: Failure | None


class Called(msgspec.Struct, frozen=True, gc=False):
    """B's call to A has ended, well or not.

    `status` is A's HTTP status, 0 where none arrived; `attempts` how many requests were
    sent or tried; `duration_s` the time that the whole call took. Under policies, `tried` are
    the attempts, and `stopped_by` says why the last failure was not retried.
    """

    url: str
    timeout_s: float
    request_id: str
    status: int
    attempts: int
    duration_s: float
    failure: Failure | None
    tried: tuple[Tried, ...] = ()
    stopped_by: str = ""


class Served(msgspec.Struct, frozen=True, gc=False):
    """A service has answered a request.

    Or else its client left: status 499, never sent; or the drain was over before the answer: 503,
    not sent any more.

    `service` is "A" or "B"; `endpoint` the path without its query; `route` the known route
    or "" (metrics must not have a label per unknown path); `status` the HTTP status sent;
    `called` is B's call to A, where there was one; `wasted_s` the time A spent on an answer that
    nobody waited for any more; `ended` when it was, in seconds of `perf_counter`, 0 for now;
    `details` say why the service itself refused it, or cut it off.
    """

    service: str
    method: str
    endpoint: str
    route: str
    status: int
    duration_s: float
    request_id: str
    called: Called | None = None
    wasted_s: float = 0.0
    ended: float = 0.0
    details: str = ""
