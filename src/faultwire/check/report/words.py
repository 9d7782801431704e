"""The words and signs that every report has in common."""

import re
from collections.abc import Iterable

from faultwire.check.model import Exchanged, Report, Result, Verdict, WireSaw
from faultwire.check.score import capping

MARKS = {
    Verdict.PASS: "✓",
    Verdict.FAIL: "✗",
    Verdict.WARN: "!",
    Verdict.FLAKY: "~",
    Verdict.SKIP: "–",  # noqa: RUF001 - a dash as wide as the others
}
NAMES = {
    Verdict.PASS: "passed",
    Verdict.FAIL: "failed",
    Verdict.WARN: "warned",
    Verdict.FLAKY: "flaky",
    Verdict.SKIP: "skipped",
}
EXPLAINED = (Verdict.FAIL, Verdict.FLAKY, Verdict.WARN)
"""The verdicts that a reader wants explained, the gravest first."""

_LONGEST_BODY = 200
_MOST_NAMED = 3
_MOST_EVIDENCE = 8
_CONTROL = re.compile(
    r"[^\t\n -~\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]"
)


def shown(text: str) -> str:
    """A text of the target's as a terminal or XML may have it: control characters as escapes.

    So are the marks that turn the direction of writing (CVE-2021-42574).
    """
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def title_of(report: Report) -> str:
    """Who was examined, in a line."""
    target = report.target
    name = "" if target.name == target.b else f"{target.name}: "
    return f"{name}B is {target.b}; A is {target.a}"


def totals(report: Report) -> str:
    """How many came out how, in a line."""
    counts = dict.fromkeys(Verdict, 0)
    for result in report.scenarios:
        counts[result.verdict] += 1
    said = [f"{counts[verdict]} {NAMES[verdict]}" for verdict in Verdict if counts[verdict]]
    return ", ".join(said) or "nothing was played"


def graded(score: float | None, grade: str) -> str:
    """A grade with its score: "A (100 %)", or "not judged"."""
    return "not judged" if score is None else f"{grade} ({score:.0f} %)"


def capped(report: Report) -> str:
    """Why the letter is below that of the score, in a line; empty where it is not."""
    ids = [result.id for result in capping(report.score, report.scenarios)]
    more = f" and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else ""
    named = ", ".join(ids[:_MOST_NAMED]) + more
    return f"No better than {report.grade} because of {named}." if ids else ""


def explained(results: Iterable[Result]) -> list[Result]:
    """The results to explain, the gravest and heaviest first."""
    wanted = [result for result in results if result.verdict in EXPLAINED]
    return sorted(wanted, key=lambda r: (EXPLAINED.index(r.verdict), -r.weight))


def evidence_lines(result: Result) -> list[str]:
    """The evidence in lines for people: what was asked, seen on the wire, logged and measured."""
    rows = evidence_rows(result, _MOST_EVIDENCE)
    return [f"{kind:<7}{text}" if kind else text for kind, text in rows]


def evidence_rows(result: Result, most: int) -> list[tuple[str, str]]:
    """The same, each with its kind apart; empty where it says how many were left out."""
    evidence = result.evidence
    parts = (
        ("asked", [_asked(each) for each in evidence.asked]),
        ("wire", [_seen(each) for each in evidence.wire]),
        ("log", evidence.log),
        ("figure", [f"{name} = {value}" for name, value in evidence.figures.items()]),
        ("note", evidence.notes),
    )
    rows: list[tuple[str, str]] = []
    for kind, texts in parts:
        if len(texts) > most:
            rows.append(("", f"… {len(texts) - most} more before"))
        rows += [(kind, shown(text)) for text in texts[-most:]]  # what decided stands at the end
    return rows


def _asked(each: Exchanged) -> str:
    said = f"{each.request} → {each.status or each.error}"
    if each.status or not each.error.startswith("timeout"):
        said += f" in {1000 * each.took_s:.0f} ms"
    return said + (f": {each.body[:_LONGEST_BODY]}" if each.body else "")


def _seen(each: WireSaw) -> str:
    said = f"{each.request or 'a connection'} → {each.status or 'no answer'}"
    said += f", fault {each.fault}" if each.fault else ""
    return said + (f", closed by {each.closed_by} ({each.closed_how})" if each.closed_by else "")
