"""An overload that outlives its cause, because the retries it provokes keep it alive."""

from collections.abc import Sequence

from faultwire.simulate.lessons.lesson import Claim, Lesson, Results, compare, percent, recovered
from faultwire.simulate.lessons.retry_storm import RETRY
from faultwire.simulate.scenario import Scenario, Trouble

_EXPECT = """
A is at 70 % of what it can do. For thirty seconds it takes three times as long for everything;
then all is well again, and nobody touches anything. What remains is a queue of requests whose
clients have given up. A works on them all the same, so that those behind them are too late as
well, and are retried: three or four attempts for one request are more than twice what A can do. The
cause is gone and the overload stays (Bronson et al., "Metastable Failures in Distributed Systems",
HotOS 2021). With a budget the load stays below capacity, and the queue drains.
"""


def _claims(results: Results) -> Sequence[Claim]:
    none, retry, budget = (results[name] for name in ("none", "retry", "retry+budget"))
    production = results["production"]
    return (
        Claim(f"without retries it {recovered(none)}", none.recovery_s is not None),
        Claim(
            f"with retries it {recovered(retry)}: {percent(retry.after)} good answers in all the "
            f"time after the cause has gone, {percent(retry.wasted)} of A's work in vain",
            retry.recovery_s is None and retry.after < 0.1,
        ),
        Claim(f"with a budget it {recovered(budget)}", budget.recovery_s is not None),
        Claim(
            f"with --policy production it {recovered(production)}",
            production.recovery_s is not None
            and budget.recovery_s is not None
            and production.recovery_s < budget.recovery_s,
        ),
    )


LESSON = Lesson(
    name="metastable",
    title="Metastable failure",
    expect=_EXPECT,
    scenario=Scenario(utilisation=0.7, trouble=Trouble(start_s=60, end_s=90, slowdown=3.0)),
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
