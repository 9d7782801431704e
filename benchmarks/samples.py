"""The records of a session: what was measured, as it is kept in results.json."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.load import Load
from benchmarks.machine import Machine
from benchmarks.measure import Usage


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one stack at one number of connections."""

    stack: str
    connections: int
    load: Load
    a: Usage
    b: Usage

    @property
    def name(self) -> str:
        """Whose sample it is."""
        return self.stack


@dataclass(frozen=True, slots=True)
class ColdStart:
    """One start of one service, from the spawn to the first 200."""

    stack: str
    service: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Session:
    """Everything measured in one go. Samples stand in the order in which they were taken."""

    machine: Machine
    rounds: int
    seconds: int
    samples: tuple[Sample, ...]
    cold_starts: tuple[ColdStart, ...]
    failures: tuple[str, ...]

    def write(self, path: Path) -> None:
        """Keep this session as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def read_session(path: Path) -> Session:
    """Return the session that `Session.write` kept."""
    kept = json.loads(path.read_text())
    return Session(
        machine=Machine(**kept["machine"]),
        rounds=kept["rounds"],
        seconds=kept["seconds"],
        samples=tuple(
            Sample(
                stack=sample["stack"],
                connections=sample["connections"],
                load=Load(**sample["load"]),
                a=Usage(**sample["a"]),
                b=Usage(**sample["b"]),
            )
            for sample in kept["samples"]
        ),
        cold_starts=tuple(ColdStart(**start) for start in kept["cold_starts"]),
        failures=tuple(kept["failures"]),
    )
