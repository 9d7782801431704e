"""The names that users of WireMock and Toxiproxy know, and what they mean here.

From their sources: WireMock's `Fault`, `DelayDistribution` and `ChunkedDribbleDelay`, and
Toxiproxy's `toxics`. WireMock has no upstream, and Toxiproxy acts on a connection's bytes in both
directions; here a fault acts on the answer to one request.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

import msgspec

from faultwire.wire.faults.attributes import HOUR_MS
from faultwire.wire.faults.base import InvalidFault

Meant = tuple[str, dict[str, Any]]
"""The name of a fault of ours, and its attributes."""


class Alias(NamedTuple):
    """A foreign name. `takes` are its attributes, all numbers, and their defaults, if any.

    `means` says in documents what `translate` does, and what differs from the original.
    """

    name: str
    origin: str
    takes: Mapping[str, float | None]
    translate: Callable[..., Meant]
    means: str

    def read(self, attributes: Mapping[str, object]) -> Meant:
        """What it means with these attributes. Raises `InvalidFault`."""
        if unknown := sorted(attributes.keys() - self.takes.keys()):
            known = ", ".join(self.takes) or "no attributes"
            raise InvalidFault(f"{self.name} takes {known}, not {', '.join(unknown)}")
        given = {name: _number(name, value) for name, value in attributes.items()}
        whole = {**self.takes, **given}
        if missing := [name for name, value in whole.items() if value is None]:
            raise InvalidFault(f"{self.name} needs {' and '.join(missing)}")
        return self.translate(*whole.values())


def _number(name: str, value: object) -> float:
    try:
        return msgspec.convert(value, _Number, strict=False)
    except msgspec.ValidationError:
        raise InvalidFault(f"{name} must be a number of 0 or more, not {value!r}") from None


_Number = Annotated[float, msgspec.Meta(ge=0, le=1e15)]


def _latency(latency: float, jitter: float) -> Meant:
    if not jitter:
        return "latency", {"delay_ms": latency}
    if jitter > latency:
        raise InvalidFault("jitter must not be above latency")
    return "latency", {"lower_ms": latency - jitter, "upper_ms": latency + jitter}


def _fixed(milliseconds: float) -> Meant:
    return "latency", {"delay_ms": milliseconds}


def _uniform(lower: float, upper: float) -> Meant:
    return "latency", {"lower_ms": lower, "upper_ms": upper}


def _lognormal(median: float, sigma: float, most: float) -> Meant:
    return "latency", {"median_ms": median, "sigma": sigma, "max_ms": most}


def _dribble(chunks: float, total_ms: float) -> Meant:
    return "slow_body", {"steps": chunks, "interval_ms": total_ms / max(chunks, 1)}


def _bandwidth(kilobytes_per_s: float) -> Meant:
    return "bandwidth", {"bytes_per_s": kilobytes_per_s * 1000}


def _slow_close(delay: float) -> Meant:
    return "slow_close", {"delay_ms": delay}


def _timeout(timeout: float) -> Meant:
    return "hang", {"for_ms": timeout or HOUR_MS, "how": "fin"}


def _reset_peer(timeout: float) -> Meant:
    return ("hang", {"for_ms": timeout}) if timeout else _reset()


def _slicer(size: float, variation: float, delay_us: float) -> Meant:
    steps = {"bytes_per_step": size, "vary_bytes": variation}
    return "slow_body", {**steps, "interval_ms": delay_us / 1000}


def _limit_data(size: float) -> Meant:
    return "truncate", {"answer_bytes": size}


def _reset() -> Meant:
    return "reset", {"after_bytes": 0}


def _named(name: str) -> Callable[[], Meant]:
    return lambda: (name, {})


_ALL = (
    Alias("EMPTY_RESPONSE", "WireMock", {}, _named("empty_response"), "`empty_response`"),
    Alias(
        "MALFORMED_RESPONSE_CHUNK", "WireMock", {}, _named("malformed_chunk"), "`malformed_chunk`"
    ),
    Alias(
        "RANDOM_DATA_THEN_CLOSE",
        "WireMock",
        {},
        _named("garbage_then_close"),
        "`garbage_then_close`",
    ),
    Alias(
        "CONNECTION_RESET_BY_PEER",
        "WireMock",
        {},
        _reset,
        "`reset` with `after_bytes` 0",
    ),
    Alias("fixed", "WireMock", {"milliseconds": None}, _fixed, "`latency` with that `delay_ms`"),
    Alias(
        "uniform",
        "WireMock",
        {"lower": None, "upper": None},
        _uniform,
        "`latency` with these as `lower_ms` and `upper_ms`",
    ),
    Alias(
        "lognormal",
        "WireMock",
        {"median": None, "sigma": None, "maxValue": HOUR_MS},
        _lognormal,
        "`latency` with these as `median_ms`, `sigma` and `max_ms`",
    ),
    Alias(
        "chunkedDribbleDelay",
        "WireMock",
        {"numberOfChunks": None, "totalDuration": None},
        _dribble,
        "`slow_body` with `steps` = numberOfChunks and `interval_ms` = totalDuration / "
        "numberOfChunks; as there, a wait comes before each part",
    ),
    Alias(
        "latency",
        "Toxiproxy",
        {"latency": 0, "jitter": 0},
        _latency,
        "`latency` with `delay_ms` = latency or, with jitter, from latency - jitter to latency + "
        "jitter; once for each answer, not for each packet",
    ),
    Alias(
        "bandwidth",
        "Toxiproxy",
        {"rate": None},
        _bandwidth,
        "`bandwidth` with `bytes_per_s` = 1000 · rate; for each answer, not for each connection. "
        "Its `rate` is only understood among `attributes`",
    ),
    Alias(
        "slow_close",
        "Toxiproxy",
        {"delay": None},
        _slow_close,
        "`slow_close` with `delay_ms` = delay; the connection is one that ends with this answer",
    ),
    Alias(
        "timeout",
        "Toxiproxy",
        {"timeout": 0},
        _timeout,
        "`hang` with `for_ms` = timeout (an hour for 0), ended by FIN",
    ),
    Alias(
        "reset_peer",
        "Toxiproxy",
        {"timeout": 0},
        _reset_peer,
        "`reset` with `after_bytes` 0 or, with a timeout, `hang` with `for_ms` = timeout",
    ),
    Alias(
        "slicer",
        "Toxiproxy",
        {"average_size": None, "size_variation": 0, "delay": 0},
        _slicer,
        "`slow_body` with `bytes_per_step` = average_size, `vary_bytes` = size_variation and "
        "`interval_ms` = delay / 1000; the head is not sliced",
    ),
    Alias(
        "limit_data",
        "Toxiproxy",
        {"bytes": None},
        _limit_data,
        "`truncate` with `answer_bytes` = bytes; for each answer, not for each connection",
    ),
    Alias(
        "down",
        "Toxiproxy",
        {},
        _named("refuse"),
        "`refuse`; connections that exist stay",
    ),
)

ALIASES: Mapping[str, Alias] = MappingProxyType({alias.name: alias for alias in _ALL})
"""Every foreign name. Some are names of ours, and differ in their attributes."""


def translated(name: str, attributes: Mapping[str, object]) -> tuple[str, Mapping[str, object]]:
    """The name and the attributes in our own words. Raises `InvalidFault`.

    WireMock's `delayDistribution` says in `type` which one it is.
    """
    if name == "delayDistribution":
        rest = dict(attributes)
        name, attributes = str(rest.pop("type", "")), rest
        if name not in ("fixed", "uniform", "lognormal"):
            raise InvalidFault("delayDistribution needs a type: fixed, uniform or lognormal")
    alias = ALIASES.get(name)
    if alias is None or (name in OURS and not attributes.keys() & alias.takes.keys()):
        return name, attributes
    return alias.read(attributes)


OURS = ("latency", "bandwidth", "slow_close")
"""Names that mean a fault of ours too, unless an attribute is foreign."""
