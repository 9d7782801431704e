"""What a check finds, as records: the published schema of `--format json`.

Times named `_at` are seconds since 1970, others are durations in seconds. Texts from the target
are excerpts: cut at a bound, and marked where they are cut.
"""

from enum import StrEnum

import msgspec

SCHEMA_VERSION = 1


class Group(StrEnum):
    """What a scenario is about. The order is that of reports."""

    CONTRACT = "contract"
    INTEGRITY = "integrity"
    FAILURE = "failure"
    DEADLINE = "deadline"
    ISOLATION = "isolation"
    RECOVERY = "recovery"
    RETRY = "retry"
    LOAD = "load"
    OBSERVABILITY = "observability"
    SAFETY = "safety"


class Verdict(StrEnum):
    """What came of a scenario."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    WARN = "warn"
    """Advice was not followed."""
    FLAKY = "flaky"
    """It failed, and held when it was played again."""
    SKIP = "skip"
    """It could not be played against this target; `said` tells why."""


class Exchanged(msgspec.Struct, frozen=True):
    """One request of the check's, and what came back.

    `status` is 0 where no answer came; `error` then says what came instead: "refused", "reset",
    "closed", "timeout", "malformed" and a sentence.
    """

    token: str
    request: str
    sent_at: float
    took_s: float
    status: int
    headers: dict[str, str]
    body: str
    body_bytes: int
    error: str = ""


class WireSaw(msgspec.Struct, frozen=True):
    """One attempt of the target's, as the wire between it and its upstream saw it.

    `forwarded_at` is 0 where the upstream was not called, `answered_at` where it did not answer.
    An attempt under way has `ended_at` 0. `request` is method and target as they came; `headers`
    are the request's fields by lower-case names, a repeated field's values joined by ", ".
    `let_go_at` is when the target itself ended the connection, 0 while it holds it.
    """

    token: str
    request: str
    connection: int
    place: int
    started_at: float
    ended_at: float
    status: int
    fault: str
    request_bytes: int
    response_bytes: int
    closed_by: str
    closed_how: str
    closed_at: float
    forwarded_at: float = 0.0
    answered_at: float = 0.0
    headers: dict[str, str] = {}
    let_go_at: float = 0.0


class Evidence(msgspec.Struct):
    """What a verdict rests on. All lists are bounded; `figures` are numbers with units in names."""

    asked: list[Exchanged] = []
    wire: list[WireSaw] = []
    log: list[str] = []
    figures: dict[str, float | int | str] = {}
    notes: list[str] = []


class Result(msgspec.Struct, frozen=True):
    """A scenario that was played, or was not.

    `said` is the sentence that decided: the expectation that was not met, or why it was skipped.
    `plays` counts how often it was played.
    """

    id: str
    group: Group
    title: str
    verdict: Verdict
    weight: int
    advice: bool
    said: str
    does: str
    expects: str
    why: str
    mend: str
    source: str
    began_at: float
    duration_s: float
    plays: int
    evidence: Evidence


class GroupScore(msgspec.Struct, frozen=True):
    """`score` is 0 to 100, None where nothing of the group was judged.

    `grade` is a letter, which a failure of great weight caps, whatever the score.
    """

    group: Group
    score: float | None
    grade: str
    passed: int
    failed: int
    warned: int
    flaky: int
    skipped: int


class Target(msgspec.Struct, frozen=True):
    """Who was examined. `b` and `a` are a command or a URL; `a` may be the check's own.

    An answer is in time that comes within `budget_s` and what the machine may add: `margin_ms` in
    the quiet, as its times were measured, and more while it is busy.
    """

    name: str
    preset: str
    b: str
    a: str
    budget_s: float
    concurrent: bool
    baseline_ms: float
    margin_ms: float = 0.0


class Report(msgspec.Struct, frozen=True):
    """A whole check. `aborted` says why it ended early, and is empty where it did not.

    `defects` are the ids of scenarios that were skipped because the check's own code failed.
    `unexamined` says how many were skipped for want of the wire, why, and what to do about it.
    """

    schema_version: int
    versions: dict[str, str]
    target: Target
    started_at: float
    duration_s: float
    score: float | None
    grade: str
    groups: list[GroupScore]
    scenarios: list[Result]
    aborted: str = ""
    defects: list[str] = []
    unexamined: str = ""
