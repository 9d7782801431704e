"""What the metrics say at one moment: the record between counting and exposition."""

from typing import NamedTuple

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""Upper bounds, inclusive, of the duration histograms; one bucket more takes the rest."""

SUM = len(BUCKETS_S) + 1
"""Where the sum stands in a histogram's cells, after the counts."""

Histograms = dict[tuple[str, ...], list[float]]
"""By label values: a count for each bucket (not cumulative), and the sum in seconds last."""


class Policies(NamedTuple):
    """What B's policies have decided since its start, and how they stand.

    `refused` counts calls by kind of failure, `stopped` failures that were not retried by reason;
    `standing` is `Conductor.standing`.
    """

    retries: int
    hedges: int
    hedges_won: int
    refused: dict[str, int]
    stopped: dict[str, int]
    standing: dict[str, object]


class Snapshot(NamedTuple):
    """The figures of one service.

    `server` is by method, route, status and error type; `client` by A's status ("" where none
    arrived) and error type; `upstream` is A's host and port, empty if there is no A. `policies`
    is None where there are none.
    """

    service: str
    contract: str
    upstream: tuple[str, str]
    active_requests: int
    attempts: int
    server: Histograms
    client: Histograms
    policies: Policies | None = None
