"""The report as the old scenario script printed it."""

from faultwire.check.model import Report, Result, Verdict
from faultwire.check.report.words import shown
from faultwire.check.score import by_group

_RULE = "=" * 60
_WORDS = {
    Verdict.PASS: "✓ PASSED",
    Verdict.FAIL: "✗ FAILED",
    Verdict.FLAKY: "✗ FAILED",
    Verdict.WARN: "! WARNING",
    Verdict.SKIP: "- SKIPPED",
}


def render(report: Report) -> str:
    """The whole report. What was skipped or is advice counts in no total."""
    lines = [_RULE, "Distributed Echo System - Scenario Tests", _RULE]
    for group, results in by_group(report.scenarios).items():
        lines += ["", f"--- {group.value.capitalize()} ---", *map(_line, results)]
    verdicts = [result.verdict for result in report.scenarios]
    passed = verdicts.count(Verdict.PASS)
    failed = verdicts.count(Verdict.FAIL) + verdicts.count(Verdict.FLAKY)
    lines += [
        "",
        _RULE,
        "Test Summary",
        _RULE,
        f"Total Tests: {passed + failed}",
        f"Passed: {passed}",
        f"Failed: {failed}",
    ]
    if report.unexamined:
        lines.append(f"Not examined: {shown(report.unexamined)}")
    if report.aborted:
        lines.append(f"Ended early: {shown(report.aborted)}")
    return "\n".join([*lines, ""])


def _line(result: Result) -> str:
    flaky = "flaky: " if result.verdict is Verdict.FLAKY else ""
    said = "" if result.verdict is Verdict.PASS else f" - {flaky}{shown(result.said)}"
    return f"{_WORDS[result.verdict]}: {result.title}{said}"
