"""Whose fault a failed attempt was: what breakers, outlier ejection and limits go by."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from faultwire.failures import Failure, FailureKind

_SERVER_ERROR = 500
_GATEWAY_TIMEOUT = 504


class Verdict(StrEnum):
    """What an attempt says about the upstream's health."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NEUTRAL = "neutral"


class Blame(StrEnum):
    """Whom a kind of failure speaks against."""

    UPSTREAM = "upstream"
    SLOWNESS = "slowness"
    STATUS = "status"
    NOBODY = "nobody"


_U, _S = Blame.UPSTREAM, Blame.SLOWNESS

BLAME: Mapping[FailureKind, Blame] = MappingProxyType(
    {
        FailureKind.DNS_ERROR: _U,
        FailureKind.CONNECTION_REFUSED: _U,
        FailureKind.CONNECT_TIMEOUT: _S,
        FailureKind.CONNECTION_RESET: _U,
        FailureKind.EMPTY_RESPONSE: _U,
        FailureKind.RESPONSE_TIMEOUT: _S,
        FailureKind.RESPONSE_TRUNCATED: _U,
        FailureKind.RESPONSE_MALFORMED: _U,
        FailureKind.RESPONSE_TOO_LARGE: _U,
        FailureKind.RESPONSE_INVALID: _U,
        FailureKind.UPSTREAM_STATUS: Blame.STATUS,
        FailureKind.DEADLINE_EXCEEDED: Blame.NOBODY,
        FailureKind.CIRCUIT_OPEN: Blame.NOBODY,
        FailureKind.BULKHEAD_FULL: Blame.NOBODY,
        FailureKind.OVERLOADED: Blame.NOBODY,
    }
)
"""`SLOWNESS` speaks against an upstream that was given its usual time; `STATUS` where it is 5xx."""


def is_slow(failure: Failure, *, told: bool) -> bool:
    """Whether an attempt has failed because its time was over.

    An upstream that was `told` the deadline may notice it first, and answer 504.
    """
    if told and failure.kind is FailureKind.UPSTREAM_STATUS:
        return failure.status == _GATEWAY_TIMEOUT
    return BLAME[failure.kind] is Blame.SLOWNESS


def judge(failure: Failure | None, *, patient: bool, told: bool) -> Verdict:
    """What the end of an attempt says of the upstream.

    `patient`: the attempt was given its usual time; `told`: the upstream knew its deadline. An
    upstream that did not answer somebody in a hurry is not ill. One that answers 3xx or 4xx is
    well: the request was not.
    """
    if failure is None:
        return Verdict.SUCCEEDED
    if is_slow(failure, told=told):
        return Verdict.FAILED if patient else Verdict.NEUTRAL
    blame = BLAME[failure.kind]
    if blame is Blame.UPSTREAM:
        return Verdict.FAILED
    if blame is Blame.STATUS:
        ill = failure.status is not None and failure.status >= _SERVER_ERROR
        return Verdict.FAILED if ill else Verdict.SUCCEEDED
    return Verdict.NEUTRAL
