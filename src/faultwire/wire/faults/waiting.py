"""Faults of waiting before the answer: it comes late, or never."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from faultwire.wire.exchange import Exchange
from faultwire.wire.faults.attributes import HOUR_MS, choice, span, visible, within
from faultwire.wire.faults.base import Fault, InvalidFault
from faultwire.wire.faults.distribution import (
    Distribution,
    Fixed,
    Lognormal,
    Quantiles,
    Uniform,
    Weighted,
    read_choices,
)
from faultwire.wire.units import milliseconds


class Latency(Fault, frozen=True, dict=True):
    """The answer is late, and otherwise right. Composes: another fault may follow it.

    The caller sees: the first byte of the answer comes later by the delay. In phase `after` the
    upstream has done its work by then; in phase `before` the request is held back on its way
    there.

    The delay is one of these: `delay_ms`; anything from `lower_ms` to `upper_ms`; lognormal by
    `median_ms` and `sigma`, truncated at `max_ms` (else at an hour); up to `p50_ms` in half of
    the cases, up to `p90_ms` in 90 %, and `p99_ms` in the slowest hundredth; one of the list
    `delays` by its weights. Without any of them it is one second.

    In real life: a slow query, a garbage collection, a queue before the service, a far region.
    """

    COMPOSES = True

    delay_ms: Annotated[float, span("the same delay each time")] | None = None
    lower_ms: Annotated[float, span("the shortest of evenly spread delays")] | None = None
    upper_ms: Annotated[float, span("the longest of evenly spread delays")] | None = None
    median_ms: Annotated[float, span("the median of lognormal delays")] | None = None
    sigma: Annotated[float, within(0, 10, "the spread of lognormal delays")] | None = None
    max_ms: Annotated[float, span("the longest lognormal delay")] | None = None
    p50_ms: Annotated[float, span("what half of the delays do not exceed")] | None = None
    p90_ms: Annotated[float, span("what 90 % of the delays do not exceed")] | None = None
    p99_ms: Annotated[float, span("the delay of the slowest hundredth")] | None = None
    delays: Annotated[str, visible("delays and weights, such as 10ms:90,2s:10")] | None = None

    def __post_init__(self) -> None:
        """Refuse attributes that make no distribution."""
        made = self.distribution
        if isinstance(made, Uniform | Quantiles) and list(made) != sorted(made):
            raise InvalidFault(f"latency: {', '.join(self._given)} must not fall")
        if isinstance(made, Lognormal) and made.median_ms > made.most_ms:
            raise InvalidFault("latency: max_ms must not be below median_ms")

    async def play(self, exchange: Exchange) -> None:
        if exchange.calls_upstream:
            await exchange.answer()
        drawn = self.distribution
        share = 0.0 if isinstance(drawn, Fixed) else exchange.rng.random()
        await exchange.sleep(drawn.at(share) / 1000)

    @cached_property
    def distribution(self) -> Distribution:
        """What the delays are drawn from."""
        build = _DISTRIBUTIONS.get(tuple(self._given))
        if build is None:
            forms = ", or ".join(" and ".join(names) for names in _DISTRIBUTIONS if names)
            raise InvalidFault(f"latency takes {forms}, not {' and '.join(self._given)}")
        return build(*self._given.values())

    @property
    def _given(self) -> Mapping[str, Any]:
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in values.items() if value is not None}


def _weighted(delays: str) -> Weighted:
    try:
        return Weighted(read_choices(delays, _delay))
    except ValueError:
        raise InvalidFault(
            f"delays must be times up to 1h and weights such as 10ms:90,2s:10, not {delays!r}"
        ) from None


def _delay(text: str) -> float:
    delay_ms = milliseconds(text)
    if delay_ms > HOUR_MS:
        raise ValueError("a time up to 1h")
    return delay_ms


_DISTRIBUTIONS: Mapping[tuple[str, ...], Callable[..., Distribution]] = {
    (): lambda: Fixed(1000),
    ("delay_ms",): Fixed,
    ("lower_ms", "upper_ms"): Uniform,
    ("median_ms", "sigma"): lambda median_ms, sigma: Lognormal(median_ms, sigma, HOUR_MS),
    ("median_ms", "sigma", "max_ms"): Lognormal,
    ("p50_ms", "p90_ms", "p99_ms"): Quantiles,
    ("delays",): _weighted,
}


class Hang(Fault, frozen=True):
    """The request is taken, and no answer comes.

    The caller sees: silence until its own deadline. After `for_ms` the connection ends by `how`.
    Mending lets the request through, late.

    In real life: a deadlock, an exhausted pool of threads or database connections, a process
    that is stopped (SIGSTOP) while its kernel still acknowledges.
    """

    for_ms: Annotated[float, span("how long the silence lasts")] = HOUR_MS
    how: Annotated[Literal["rst", "fin"], choice("how it ends: by a reset, or in good order")] = (
        "rst"
    )

    async def play(self, exchange: Exchange) -> None:
        if exchange.calls_upstream:
            await exchange.answer()
        if not await exchange.sleep(self.for_ms / 1000):
            await exchange.pass_on()
        elif self.how == "rst":
            exchange.reset()
        else:
            exchange.close()
