"""One request to be sent, and what a driver of calls is told to do."""

from typing import NamedTuple

from faultwire.failures import Failure
from faultwire.policy.balance import Upstream
from faultwire.policy.breaker import Permit
from faultwire.policy.deadline import header_value


class Attempt:
    """One request to be sent, which may take `timeout_s`, the connection included.

    `number` counts a call's attempts from 1, hedges included. `upstream` is None where there is
    one address only, `permit` where there is no breaker.
    """

    __slots__ = ("hedge", "number", "permit", "started", "tells_deadline", "timeout_s", "upstream")

    def __init__(
        self,
        number: int,
        started: float,
        timeout_s: float,
        permit: Permit | None,
        upstream: Upstream | None,
        *,
        hedge: bool,
        tells_deadline: bool,
    ) -> None:
        self.number = number
        self.started = started
        self.timeout_s = timeout_s
        self.permit = permit
        self.upstream = upstream
        self.hedge = hedge
        self.tells_deadline = tells_deadline

    @property
    def address(self) -> str | None:
        """Where to send it; None where there is one address only."""
        return self.upstream.address if self.upstream is not None else None

    @property
    def deadline_header(self) -> str | None:
        """What to send as `X-Deadline-Ms`: how long somebody waits; None if A is not to be told."""
        return header_value(self.timeout_s) if self.tells_deadline else None


class Start(NamedTuple):
    """Begin this attempt, then ask again."""

    attempt: Attempt


class Wait(NamedTuple):
    """Ask again at this time (None: at none), or as soon as an attempt ends or `wake` is called."""

    until: float | None


class Done(NamedTuple):
    """This attempt's answer is the call's."""

    attempt: Attempt


class Fail(NamedTuple):
    """The call has failed. `retry_after_s` is what to tell the client, if there is reason to."""

    failure: Failure
    retry_after_s: float | None


Step = Start | Wait | Done | Fail
