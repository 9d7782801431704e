"""The records of a session of the wire's benchmark, as they are kept in wire.json."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from benchmarks.load import Load
from benchmarks.machine import Machine
from benchmarks.measure import Usage


@dataclass(frozen=True, slots=True)
class Passing:
    """One run of one hop under load. `usage` is that of the hop, None if there is none.

    `paced` says that the connections paused between requests, so that all hops had the same
    rate to carry; otherwise each answer was followed by a request at once.
    """

    name: str
    paced: bool
    load: Load
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class Bulk:
    """Some downloads of a large body, one after the other."""

    name: str
    bytes: int
    duration_s: float
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class Wave:
    """Many requests at once, one on each of as many connections, begun within `over_s`.

    A request's error is the time until its answer began, less `delay_s`. `at_once` is how many
    were unanswered when the last one was asked; `wrong` counts answers that were not as they
    should be, or did not come.
    """

    requests: int
    over_s: float
    delay_s: float
    at_once: int
    wrong: int
    earliest_ms: float
    p50_ms: float
    p99_ms: float
    latest_ms: float


@dataclass(frozen=True, slots=True)
class Waves:
    """The same requests three times: without a fault, with a delay of 0, and with a long one.

    The first shows what the load explains, the second what it explains when every request is
    in the hands of a fault.
    """

    plain: Wave
    at_no_delay: Wave
    late: Wave


@dataclass(frozen=True, slots=True)
class Delays:
    """One wire with a crowd of clients, from first to last.

    The loads are of requests that no fault is for: with no fault set, with one set, while the
    crowd waits, and with none set again. Memory is resident: before a crowd came; while its
    requests waited for the first and for the last time; and the peak.
    """

    waves: tuple[Waves, ...]
    before: Load
    armed: Load
    meanwhile: Load
    after: Load
    start_bytes: int
    first_bytes: int
    last_bytes: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Session:
    """Everything measured in one go. Samples stand in the order in which they were taken."""

    machine: Machine
    rounds: int
    seconds: int
    connections: int
    passing: tuple[Passing, ...]
    bulk: tuple[Bulk, ...]
    delays: tuple[Delays, ...]
    failures: tuple[str, ...]

    def write(self, path: Path) -> None:
        """Keep this session as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def read_session(path: Path) -> Session:
    """Return the session that `Session.write` kept. Raises msgspec.ValidationError."""
    return msgspec.json.decode(path.read_bytes(), type=Session)
