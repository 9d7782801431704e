"""Many submissions, one after the other: each is a row, whatever becomes of it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from faultwire.check.checking import InvalidSpec, NotStarted, Options, check
from faultwire.check.model import Result, Verdict
from faultwire.check.scenario import Scenario
from faultwire.check.spec import Spec

_GRAVE = (Verdict.FAIL, Verdict.FLAKY)
_LAST_LINES = 3
_MOST_DEFECTS = 10


class Row(msgspec.Struct, frozen=True):
    """One submission. `problem` says why it could not be examined, or not to its end.

    `defects` are the scenarios that failed or were flaky, the heaviest first.
    """

    name: str
    score: float | None = None
    grade: str = "-"
    passed: int = 0
    failed: int = 0
    flaky: int = 0
    warned: int = 0
    skipped: int = 0
    duration_s: float = 0.0
    problem: str = ""
    defects: list[Result] = []


async def check_all(
    folders: Iterable[Path],
    scenarios: Sequence[Scenario],
    *,
    options: Options,
    stop: asyncio.Event,
    told: Callable[[Row], None],
    find: Callable[[Path], Spec],
) -> list[Row]:
    """Examine each folder, one at a time: most insist on the same ports.

    `options.within_s` is the time of each. `told` hears of each row; `stop` ends it early;
    `find` says how the submission in a folder is started.
    """
    rows: list[Row] = []
    for folder in folders:
        if stop.is_set():
            break
        rows.append(await _row(folder, find, scenarios, options, stop))
        told(rows[-1])
    return rows


def common_defects(rows: Iterable[Row]) -> list[tuple[Result, int]]:
    """What failed in most submissions, and in how many."""
    by_id = {defect.id: defect for row in rows for defect in row.defects}
    counts = Counter(defect.id for row in rows for defect in row.defects)
    return [(by_id[id_], count) for id_, count in counts.most_common(_MOST_DEFECTS)]


async def _row(
    folder: Path,
    find: Callable[[Path], Spec],
    scenarios: Sequence[Scenario],
    options: Options,
    stop: asyncio.Event,
) -> Row:
    try:
        report = await check(find(folder), scenarios, options=options, stop=stop)
    except InvalidSpec as error:
        return Row(folder.name, problem=str(error))
    except NotStarted as error:
        last = " / ".join(line.strip() for line in error.lines[-_LAST_LINES:])
        return Row(folder.name, problem=f"{error}: {last}" if last else str(error))
    verdicts = Counter(result.verdict for result in report.scenarios)
    defects = [result for result in report.scenarios if result.verdict in _GRAVE]
    return Row(
        name=folder.name,
        score=report.score,
        grade=report.grade,
        passed=verdicts[Verdict.PASS],
        failed=verdicts[Verdict.FAIL],
        flaky=verdicts[Verdict.FLAKY],
        warned=verdicts[Verdict.WARN],
        skipped=verdicts[Verdict.SKIP],
        duration_s=report.duration_s,
        problem=report.aborted,
        defects=sorted(defects, key=lambda result: -result.weight),
    )
