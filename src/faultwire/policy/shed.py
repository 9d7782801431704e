"""Load shedding by an adaptive limit on concurrency: no more calls at once than A works on well.

The rule is Gradient2 of Netflix's concurrency-limits (Landau, Thurston, Bozarth, "Performance
Under Load", 2018), itself after TCP Vegas. Where latency is what it has been for long, the limit
may grow by a small queue; where it has risen beyond a tolerance, the limit falls by the same
proportion:

    gradient = clamp(tolerance * long_term_latency / latency, 0.5, 1)
    limit    = (1 - smoothing) * limit + smoothing * (limit * gradient + queue)

One thing is added: a window in which attempts timed out multiplies the limit by 0.9 (AIMD's
decrease, Chiu and Jain 1989), for the latency of a timeout is the timeout and not the upstream's.
"""

from dataclasses import dataclass

from faultwire.policy.knob import knob

_SMOOTHING = 0.2
_LEAST_GRADIENT = 0.5
_LONG_TERM = 600.0  # windows
_WARM_UP = 10  # windows in which the long-term latency is a plain mean
_DRIFT = 0.95  # how fast a long-term latency falls that is over twice what is measured
_DECREASE = 0.9
_LEAST_LATENCY_S = 1e-6  # a clock may see no time pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ShedSettings:
    """Where the limit begins, how far it may move, and how."""

    initial: int = knob(50, "The limit to begin with.", 1, 1_000_000)
    least: int = knob(10, "The limit never falls below this.", 1, 1_000_000)
    most: int = knob(1000, "The limit never rises above this.", 1, 1_000_000)
    tolerance: float = knob(1.5, "Latency over the long-term one before it falls.", 1, 100)
    queue: int = knob(4, "The queue at A that the limit makes room for.", 0, 10_000)
    window_s: float = knob(1.0, "How often the limit moves.", 0.01, 600)
    samples: int = knob(10, "Answers without which it does not move.", 1, 1_000_000)


class AdaptiveLimit:
    """Counts who is in. Whoever has entered must leave, once."""

    __slots__ = (
        "_count",
        "_long_term_s",
        "_peak",
        "_settings",
        "_sum_s",
        "_timed_out",
        "_window_ends",
        "_windows",
        "in_flight",
        "limit",
    )

    def __init__(self, settings: ShedSettings) -> None:
        self._settings = settings
        self.limit = float(settings.initial)
        self.in_flight = 0
        self._long_term_s = 0.0
        self._windows = 0
        self._window_ends = 0.0
        self._sum_s, self._count, self._timed_out = 0.0, 0, False
        self._peak = 0

    def enter(self) -> bool:
        """Take a place, if the limit allows it."""
        if self.in_flight >= int(self.limit):
            return False
        self.in_flight += 1
        self._peak = max(self._peak, self.in_flight)
        return True

    def leave(self) -> None:
        """Give a place back."""
        self.in_flight -= 1

    def observed(self, latency_s: float, now: float, *, timed_out: bool) -> None:
        """An attempt has been answered, or has timed out, after so long."""
        self._sum_s += latency_s
        self._count += 1
        self._timed_out = self._timed_out or timed_out
        if now >= self._window_ends and self._count >= self._settings.samples:
            self._move()
            self._begin_window(now)

    def _begin_window(self, now: float) -> None:
        self._window_ends = now + self._settings.window_s
        self._sum_s, self._count, self._timed_out = 0.0, 0, False
        self._peak = self.in_flight

    def _move(self) -> None:
        settings = self._settings
        latency_s = max(self._sum_s / self._count, _LEAST_LATENCY_S)
        if self._timed_out:
            self._set(self.limit * _DECREASE)
            return
        long_term_s = self._remember(latency_s)
        if self._peak < self.limit / 2.0:
            return  # the limit was not what limited: nothing was learnt about it
        gradient = min(max(settings.tolerance * long_term_s / latency_s, _LEAST_GRADIENT), 1.0)
        wanted = self.limit * gradient + settings.queue
        self._set((1.0 - _SMOOTHING) * self.limit + _SMOOTHING * wanted)

    def _set(self, limit: float) -> None:
        self.limit = min(max(limit, float(self._settings.least)), float(self._settings.most))

    def _remember(self, latency_s: float) -> float:
        """The long-term latency with this window in it."""
        self._windows += 1
        weight = 1.0 / self._windows if self._windows <= _WARM_UP else 2.0 / (_LONG_TERM + 1.0)
        self._long_term_s += weight * (latency_s - self._long_term_s)
        if self._long_term_s > 2.0 * latency_s:
            self._long_term_s *= _DRIFT
        return self._long_term_s
