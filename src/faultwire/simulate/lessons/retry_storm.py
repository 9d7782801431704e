"""Retries multiply the load just when A can bear it least."""

from collections.abc import Sequence

from faultwire.simulate.lessons.lesson import Claim, Lesson, Results, compare, percent
from faultwire.simulate.scenario import Scenario, Trouble

RETRY = "retry(attempts=4)+attempt_timeout(timeout=300ms)"

_EXPECT = """
A is at 70 % of what it can do. For two minutes it answers 40 % of all requests with a 503 that
costs it as much work as a good answer. Whoever retries up to three times sends 1.6 requests for
one: more than A can do. Its queue grows, answers come too late, and late answers are retried as
well. Without retries two requests in five fail. With them, nearly all do. A budget lets one
request in five be retried and no more.
"""


def _claims(results: Results) -> Sequence[Claim]:
    none, retry, budget = (results[name] for name in ("none", "retry", "retry+budget"))
    return (
        Claim(
            f"retries make it worse: {percent(retry.during)} good answers instead of "
            f"{percent(none.during)}, with A at {retry.load_during:.1f} times its capacity",
            retry.during < none.during - 0.2 and retry.load_during > 1.5,
        ),
        Claim(
            f"with a budget they do no harm: {percent(budget.during)}, and A stays at "
            f"{budget.load_during:.2f} of its capacity",
            budget.during > none.during - 0.05 and budget.load_during < 1.0,
        ),
    )


LESSON = Lesson(
    name="retry-storm",
    title="Retry storm",
    expect=_EXPECT,
    scenario=Scenario(utilisation=0.7, trouble=Trouble(start_s=60, end_s=180, errors=0.4)),
    variants=compare(
        **{
            "none": "none",
            "retry": RETRY,
            "retry+budget": f"{RETRY}+budget",
            "production": "production",
        }
    ),
    claims=_claims,
)
