"""Whoever knows how long somebody waits does not work for nobody."""

from collections.abc import Sequence

from faultwire.simulate.lessons.lesson import Claim, Lesson, Results, compare, percent, recovered
from faultwire.simulate.scenario import Scenario, Trouble

_EXPECT = """
A is at 70 % of what it can do. For two minutes it takes twice as long: it could still answer five
requests in seven. But it takes them in turn, and as the queue grows longer than B's deadline of a
second, everything that A finishes is finished too late: A works all the time, and nobody gets an
answer. When B sends how many milliseconds are left, A passes over what has expired, and works for
those who still wait. Shedding load at B does the same from the other side: no queue, no waiting.
"""


def _claims(results: Results) -> Sequence[Claim]:
    none, told, shed = (results[name] for name in ("none", "deadline", "shed"))
    return (
        Claim(
            f"not told, A works {percent(none.wasted)} of its time in vain, answers "
            f"{percent(none.during)} in time, and {recovered(none)}",
            none.wasted > 0.2 and none.during < 0.3,
        ),
        Claim(
            f"told, it wastes {percent(told.wasted)}, answers {percent(told.during)}, and "
            f"{recovered(told)}",
            told.wasted < none.wasted / 2.0 and told.during > none.during + 0.3,
        ),
        Claim(
            f"shedding wastes {percent(shed.wasted)} and answers {percent(shed.during)}, with a "
            f"99th percentile of {shed.p99_ms:.0f} ms instead of {told.p99_ms:.0f} ms",
            shed.during > none.during + 0.3 and shed.p99_ms < told.p99_ms,
        ),
    )


LESSON = Lesson(
    name="deadline-propagation",
    title="Deadline propagation saves wasted work",
    expect=_EXPECT,
    scenario=Scenario(utilisation=0.7, trouble=Trouble(start_s=60, end_s=180, slowdown=2.0)),
    variants=compare(none="none", deadline="deadline", shed="shed"),
    claims=_claims,
)
