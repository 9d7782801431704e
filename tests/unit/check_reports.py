"""A report with one result of each verdict, and texts that no report may take at their word."""

from faultwire.check.model import (
    SCHEMA_VERSION,
    Evidence,
    Exchanged,
    Group,
    GroupScore,
    Report,
    Result,
    Target,
    Verdict,
    WireSaw,
)

HOSTILE = '<script>alert(1)</script> & "quotes" \x1b[31m\x00 ]]> `tick` | [x](y) \u202e 🎈'
"""What a target may say: markup of every format, a terminal's escapes, a NUL."""
BEGAN = 1_700_000_000.0


def result(verdict: Verdict, group: Group = Group.DEADLINE, said: str = "") -> Result:
    return Result(
        id=f"{group}.{verdict}",
        group=group,
        title=f"Something that {verdict}s",
        verdict=verdict,
        weight=3,
        advice=verdict is Verdict.WARN,
        said=said,
        does="It sends a request while A hangs.",
        expects="A failure in time.",
        why="People wait.",
        mend="Set a total deadline.",
        source="RFC 9110 section 15.6.5",
        began_at=BEGAN,
        duration_s=1.5,
        plays=2 if verdict is Verdict.FLAKY else 1,
        evidence=evidence(),
    )


def evidence(asked: int = 1) -> Evidence:
    return Evidence(
        asked=[exchanged(number) for number in range(asked)],
        wire=[saw()],
        log=[f"ERROR service=B status=timeout {HOSTILE}"],
        figures={"memory_mib": 12.5},
        notes=["A was paused."],
    )


def exchanged(number: int = 0) -> Exchanged:
    return Exchanged(
        token=f"token{number}",
        request=f"GET /call-echo?msg=token{number}",
        sent_at=BEGAN + number,
        took_s=1.2,
        status=503,
        headers={"content-type": "text/html"},
        body=HOSTILE,
        body_bytes=len(HOSTILE),
    )


def saw() -> WireSaw:
    return WireSaw(
        token="token0",  # noqa: S106 - no password
        request="GET /echo?msg=token0",
        connection=1,
        place=1,
        started_at=BEGAN + 0.01,
        ended_at=BEGAN + 1.01,
        status=0,
        fault="hang",
        request_bytes=80,
        response_bytes=0,
        closed_by="client",
        closed_how="rst",
        closed_at=BEGAN + 1.01,
        forwarded_at=BEGAN + 0.02,
    )


def report(*results: Result, aborted: str = "") -> Report:
    return Report(
        schema_version=SCHEMA_VERSION,
        versions={"faultwire": "0.1.0"},
        target=Target(
            name=f"lab {HOSTILE}",
            preset="lab",
            b="python b.py",
            a="the check's own",
            budget_s=1.0,
            concurrent=True,
            baseline_ms=2.5,
        ),
        started_at=BEGAN,
        duration_s=12.34,
        score=75.0 if results else None,
        grade="C" if results else "",
        groups=[GroupScore(Group.DEADLINE, 75.0, "C", 1, 1, 1, 1, 1)] if results else [],
        scenarios=list(results),
        aborted=aborted,
    )


def one_of_each() -> Report:
    return report(*(result(verdict, said=_said(verdict)) for verdict in Verdict))


def _said(verdict: Verdict) -> str:
    return "" if verdict is Verdict.PASS else f"It said {HOSTILE}."
