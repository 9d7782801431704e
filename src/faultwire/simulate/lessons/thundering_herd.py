"""All who waited come back in the same moment, and knock over what has just got up."""

from collections.abc import Sequence

from faultwire.simulate.lessons.lesson import Claim, Lesson, Results, compare, percent
from faultwire.simulate.scenario import Scenario, Trouble

_EXPECT = """
A is at half of what it can do, and its clients are patient: they may wait a minute and a half. For
twenty seconds A is closed; it answers 503, and its Retry-After says when it will be back. Everybody
believes it. In that second the requests of twenty seconds arrive at once: ten seconds of A's work,
of which only the first can be done before each attempt's own timeout of one second. The rest comes
again, together. Jitter on top of Retry-After spreads them, if it is as wide as the work is long.
"""
_PATIENT = "attempt_timeout(timeout=1s)"


def _claims(results: Results) -> Sequence[Claim]:
    none, narrow, wide = (
        results[name] for name in ("no jitter", "1 s of jitter", "30 s of jitter")
    )
    return (
        Claim(
            f"without jitter A gets {none.load_peak:.0f} times what it can do in one second, and "
            f"{percent(none.after)} of all later requests are answered",
            none.load_peak > 4.0 and none.after < 0.5,
        ),
        Claim(
            f"jitter that is narrower than the backlog is no help: {percent(narrow.after)}",
            narrow.after < 0.5,
        ),
        Claim(
            f"jitter over 30 s keeps A at {wide.load_peak:.1f} of its capacity in the worst second:"
            f" {percent(wide.goodput)} of all requests are answered, all in all",
            wide.load_peak < none.load_peak / 3.0 and wide.goodput > 0.95,
        ),
    )


LESSON = Lesson(
    name="thundering-herd",
    title="Thundering herd on recovery",
    expect=_EXPECT,
    scenario=Scenario(
        utilisation=0.5,
        timeout_s=90.0,
        trouble=Trouble(start_s=60, end_s=80, retry_after=True),
    ),
    variants=compare(
        no_jitter=f"retry(attempts=4,base=1s,cap=30s,jitter=none)+{_PATIENT}",
        **{
            "1 s of jitter": f"retry(attempts=4,base=1s,cap=30s)+{_PATIENT}",
            "30 s of jitter": f"retry(attempts=4,base=30s,cap=30s)+{_PATIENT}",
        },
    ),
    claims=_claims,
)
