"""A target that spares its upstream: a circuit breaker, a bulkhead, shed load.

It fails a request at once, in good form, and without calling its upstream. That is right while
the upstream fails, and for some seconds behind that. Who looks whether it is well again waits.
"""

from collections.abc import Awaitable, Callable
from time import monotonic

from faultwire.check.play.judging import check_failure
from faultwire.check.spec import Spec
from faultwire.check.stage import Answer, Unmet

LONGEST_S = 15.0
"""How long a breaker may stay open behind a failure that is over."""
_NO_MORE_S = 0.5
_IN_A_ROW = 10
"""So many good answers end the waiting: a breaker that is half open lets only some calls pass."""
_AT_ONCE = 0.75
"""The share of the budget within which nobody has waited for an upstream until a time-out."""

Ask = Callable[[], Awaitable[tuple[Answer, bool]]]
"""Sends a healthy request; its answer, and whether the target held it back."""


def is_held_back(answer: Answer, spec: Spec, *, attempted: bool) -> bool:
    """Whether an answer to the spec's own request is that of one who spares the upstream."""
    if attempted or answer.status in spec.good.statuses:
        return False
    try:
        check_failure(answer, spec.failure, _AT_ONCE * spec.budget_s)
    except Unmet:
        return False
    return True


class Patience:
    """How long is waited for a target that holds back: who has let us wait in vain once, hardly."""

    def __init__(self) -> None:
        self._left_s = LONGEST_S

    async def until_served(
        self, ask: Ask, pause: Callable[[], Awaitable[object]], until: float
    ) -> tuple[Answer, float]:
        """Ask until no request is held back any more; the answer, and the seconds that passed.

        `until` is when to give up, by the monotonic clock, if patience does not end before. One
        request alone that is held back is none: it met a dead connection of the target's pool,
        and its answer stands, unless it says when to come again (`Retry-After`).
        """
        began = monotonic()
        end = min(began + self._left_s, until)
        first, held = await ask()
        answer, in_a_row = first, 0 if held else _IN_A_ROW
        known = "retry-after" in first.headers
        while in_a_row < _IN_A_ROW and monotonic() < end:
            answer, held = await ask()
            if not (held or known):
                return first, 0.0
            known = True
            in_a_row = 0 if held else in_a_row + 1
            if held:
                await pause()
        if held and monotonic() - began >= self._left_s:
            self._left_s = _NO_MORE_S
        return answer, monotonic() - began
