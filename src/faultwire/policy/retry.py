"""Whether a failed attempt is repeated, and when.

What is asked, in this order, all of it before anybody sleeps; the budget is last, because asking
it spends:

    idempotent? → a kind that may be retried? → attempts left? → time left? → budget left?

The delay is exponential with full jitter, drawn after the cap (M. Brooker, "Exponential Backoff
And Jitter", AWS Architecture Blog 2015). The upstream's Retry-After is added to it, not raced:
those who were all told the same instant must not come at the same instant.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from random import Random
from types import MappingProxyType
from typing import NamedTuple

from faultwire.failures import Failure
from faultwire.policy.budget import RetryBudget
from faultwire.policy.deadline import LEAST_S
from faultwire.policy.knob import knob

JITTERS = ("full", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySettings:
    """How often, and how long to wait in between."""

    attempts: int = knob(3, "Attempts at most, the first included.", 1, 100)
    base_s: float = knob(0.025, "The bound on the first delay; it doubles with each.", 0)
    cap_s: float = knob(0.25, "The bound that no delay exceeds.", 0)
    jitter: str = knob("full", "Whether a delay is drawn from 0 to its bound.", choices=JITTERS)


class Refusal(StrEnum):
    """Why a failed attempt was not repeated, in the order of the questions."""

    NOT_IDEMPOTENT = "not_idempotent"
    KIND = "kind"
    ATTEMPTS = "attempts"
    DEADLINE = "deadline"
    BUDGET = "budget"
    BREAKER = "breaker"


REFUSALS: Mapping[Refusal, str] = MappingProxyType(
    {
        Refusal.NOT_IDEMPOTENT: "the request must not be sent twice (RFC 9110 section 9.2.2)",
        Refusal.KIND: "the same request would fail again: see `retry` in failures.md",
        Refusal.ATTEMPTS: "as many attempts as are allowed have been made",
        Refusal.DEADLINE: "the deadline comes before the next attempt could start",
        Refusal.BUDGET: "too many requests are retried already",
        Refusal.BREAKER: "the breaker has opened before the delay was over",
    }
)


class Failed(NamedTuple):
    """A failed attempt, as the retry policy sees it. `number` counts from 1."""

    failure: Failure
    number: int
    idempotent: bool
    deadline_at: float
    retry_after_s: float | None


def retry_at(
    settings: RetrySettings, failed: Failed, budget: RetryBudget | None, now: float, random: Random
) -> float | Refusal:
    """When to try again, or why not."""
    if not failed.idempotent:
        return Refusal.NOT_IDEMPOTENT
    if not failed.failure.retryable:
        return Refusal.KIND
    if failed.number >= settings.attempts:
        return Refusal.ATTEMPTS
    at = now + delay_s(settings, failed.number, failed.retry_after_s, random)
    if at + LEAST_S > failed.deadline_at:
        return Refusal.DEADLINE
    if budget is not None and not budget.withdraw(now):
        return Refusal.BUDGET
    return at


def delay_s(
    settings: RetrySettings, number: int, retry_after_s: float | None, random: Random
) -> float:
    """How long to wait after the attempt with this number has failed."""
    bound: float = min(settings.cap_s, settings.base_s * 2.0 ** min(number - 1, 64))
    if settings.jitter == "full":
        bound *= random.random()
    return bound + (retry_after_s or 0.0)


def retry_after_s(value: bytes, unix_now: float) -> float | None:
    """The seconds of a Retry-After field: whole seconds, or an HTTP date (RFC 9110 10.2.3).

    A date that has passed is 0. None for anything else: it is advice, and bad advice is none.
    """
    text = value.decode("latin-1").strip(" \t")
    if re.fullmatch("[0-9]{1,10}", text):
        return float(text)
    if not re.match("(Mon|Tue|Wed|Thu|Fri|Sat|Sun)", text):
        return None
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter of a year or a zone beyond all bounds
        return None
    if date.tzinfo is None:  # asctime's format, which is in GMT, too
        date = date.replace(tzinfo=UTC)
    return max(date.timestamp() - unix_now, 0.0)
