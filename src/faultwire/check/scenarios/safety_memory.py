"""Answers that are larger than anybody wants, with the target's memory watched."""

from collections.abc import Mapping
from typing import NamedTuple

from faultwire.check.model import Group
from faultwire.check.scenario import Need, Play, Scenario
from faultwire.check.scenarios.expectations import MIB, memory_bounded
from faultwire.check.stage import Stage

_MOST_BYTES = 32 * MIB
_HUGE_BYTES = 256 * MIB


class _Row(NamedTuple):
    name: str
    title: str
    weight: int
    fault: str
    attributes: Mapping[str, object]
    does: str
    mend: str
    source: str


_ROWS = (
    _Row(
        "huge_body",
        "An announced body of 256 MiB is not taken into memory",
        4,
        "huge_body",
        {"size_bytes": _HUGE_BYTES},
        "Announces 256 MiB by Content-Length and sends them as fast as they are read.",
        "Refuse a Content-Length beyond your bound before you read the body.",
        "CWE-770",
    ),
    _Row(
        "huge_body_chunked",
        "A body of 256 MiB without a length is not taken into memory",
        4,
        "huge_body",
        {"size_bytes": _HUGE_BYTES, "framing": "chunked"},
        "Sends 256 MiB in chunks, without saying how many come.",
        "Read in pieces and stop at your bound; Content-Length alone says nothing.",
        "CWE-770; Go: http.MaxBytesReader",
    ),
    _Row(
        "compression_bomb",
        "A compressed body that inflates to 256 MiB is not taken into memory",
        4,
        "compression_bomb",
        {"size_bytes": _HUGE_BYTES},
        "Sends a quarter of a MiB of gzip that inflates to 256 MiB.",
        "Ask for no compression, or bound what comes out of the decoder.",
        "CWE-409; CVE-2025-66471 (urllib3)",
    ),
    _Row(
        "endless_body",
        "An endless body is not taken into memory",
        4,
        "endless_body",
        {"bytes_per_step": MIB, "interval_ms": 1, "most_bytes": 2 * _HUGE_BYTES},
        "Sends one MiB after the other, without a last chunk.",
        "Read in pieces, and stop at your bound or at the deadline, whichever comes first.",
        "CWE-835; CWE-770",
    ),
    _Row(
        "huge_headers",
        "A head of 96 MiB is not taken into memory",
        3,
        "huge_headers",
        {"size_bytes": 96 * MIB},
        "Sends 96 MiB of header fields.",
        "Use a client that bounds the head of an answer.",
        "CWE-770; CVE-2018-12121 (Node.js)",
    ),
)


def _bounded(fault: str, attributes: Mapping[str, object]) -> Play:
    async def play(stage: Stage) -> None:
        token = stage.token()
        async with stage.breaking(fault, tokens=[token], **attributes):
            await memory_bounded(stage, token, _MOST_BYTES)
        await stage.is_well()

    return play


def _scenario(row: _Row) -> Scenario:
    return Scenario(
        id=f"safety.{row.name}",
        group=Group.SAFETY,
        title=row.title,
        weight=row.weight,
        does=row.does,
        expects="Its memory grows by less than 32 MiB, and it lives.",
        why="A few of them at once end the process for all who use it.",
        mend=row.mend,
        source=row.source,
        play=_bounded(row.fault, row.attributes),
        needs=frozenset({Need.WIRE, Need.PROCESS}),
        alone=True,
    )


SCENARIOS: tuple[Scenario, ...] = tuple(map(_scenario, _ROWS))
