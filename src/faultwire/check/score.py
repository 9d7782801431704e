"""From verdicts to scores and letters.

A scenario that held counts its weight, a flaky one half of it, a failure nothing; what was
skipped does not count. Advice that was not followed counts, too, but alone it never takes a score
below 90, which is still an A: with all requirements held the score says how much of the advice
is followed, and with some broken it cannot make up for them, nor make them worse.

A letter is what people remember, and among a hundred scenarios a grave failure is one per cent:
what failed caps the letter, and not the score, of its group and of the whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from faultwire.check.model import Group, GroupScore, Result, Verdict

GRADES = ((90.0, "A"), (80.0, "B"), (70.0, "C"), (60.0, "D"))
CAPS: Mapping[tuple[Verdict, int], str] = MappingProxyType(
    {(Verdict.FAIL, 5): "C", (Verdict.FAIL, 4): "B", (Verdict.FLAKY, 5): "B"}
)
"""The best letter that a requirement leaves that was not held, by verdict and weight."""
_ADVICE_FLOOR = 90.0
_WORTH = {Verdict.PASS: 1.0, Verdict.FLAKY: 0.5, Verdict.FAIL: 0.0, Verdict.WARN: 0.0}


def score_of(results: Iterable[Result]) -> float | None:
    """0 to 100, None where nothing was judged."""
    judged = [result for result in results if result.verdict in _WORTH]
    with_advice = _share(judged)
    if with_advice is None:
        return None
    required = _share([result for result in judged if not result.advice])
    required = 100.0 if required is None else required
    return round(max(min(required, with_advice), min(required, _ADVICE_FLOOR)), 1)


def grade_of(score: float | None, results: Iterable[Result] = ()) -> str:
    """A letter from A to F, which grave failures cap; a dash where nothing was judged."""
    if score is None:
        return "-"
    letter = next((letter for least, letter in GRADES if score >= least), "F")
    return max(letter, *map(_cap, results), "A")  # of letters the greatest is the worst


def capping(score: float | None, results: Iterable[Result]) -> list[Result]:
    """What keeps the letter below that of the score; empty where the score alone decides."""
    found = list(results)
    grade = grade_of(score, found)
    return [] if grade == grade_of(score) else [each for each in found if _cap(each) == grade]


def by_group(results: Sequence[Result]) -> dict[Group, list[Result]]:
    """The results of every group that has some, in the order of groups."""
    groups = {group: [result for result in results if result.group is group] for group in Group}
    return {group: found for group, found in groups.items() if found}


def group_scores(results: Sequence[Result]) -> list[GroupScore]:
    """The score of every group that has results, in the order of groups."""
    return [_group_score(group, found) for group, found in by_group(results).items()]


def _cap(result: Result) -> str:
    return "A" if result.advice else CAPS.get((result.verdict, result.weight), "A")


def _share(results: Sequence[Result]) -> float | None:
    weight = sum(result.weight for result in results)
    if not weight:
        return None
    return 100.0 * sum(result.weight * _WORTH[result.verdict] for result in results) / weight


def _group_score(group: Group, results: Sequence[Result]) -> GroupScore:
    score = score_of(results)
    counts = {verdict: sum(r.verdict is verdict for r in results) for verdict in Verdict}
    return GroupScore(
        group=group,
        score=score,
        grade=grade_of(score, results),
        passed=counts[Verdict.PASS],
        failed=counts[Verdict.FAIL],
        warned=counts[Verdict.WARN],
        flaky=counts[Verdict.FLAKY],
        skipped=counts[Verdict.SKIP],
    )
