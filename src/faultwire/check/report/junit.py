"""The report as JUnit XML: one test suite a group, as CI systems read it."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from faultwire.check.model import Report, Result, Verdict
from faultwire.check.report.words import evidence_lines, shown
from faultwire.check.score import by_group


def render(report: Report) -> str:
    """The whole report. Advice that was not followed is a passed case that says so."""
    root = Element("testsuites", name=f"faultwire check {shown(report.target.name)}")
    _count(root, report.scenarios, report.duration_s)
    for group, results in by_group(report.scenarios).items():
        suite = SubElement(root, "testsuite", name=group.value)
        _count(suite, results, sum(result.duration_s for result in results))
        for result in results:
            _case(suite, result)
    if report.aborted:
        suite = SubElement(root, "testsuite", name="check", tests="1", errors="1")
        case = SubElement(suite, "testcase", name="the whole check", classname="faultwire.check")
        SubElement(case, "error", message=shown(report.aborted))
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, "unicode") + "\n"


def _count(element: Element, results: list[Result], seconds: float) -> None:
    verdicts = [result.verdict for result in results]
    failures = sum(verdict in (Verdict.FAIL, Verdict.FLAKY) for verdict in verdicts)
    element.set("tests", str(len(verdicts)))
    element.set("failures", str(failures))
    element.set("errors", "0")
    element.set("skipped", str(verdicts.count(Verdict.SKIP)))
    element.set("time", f"{seconds:.3f}")


def _case(suite: Element, result: Result) -> None:
    name = f"faultwire.check.{result.group}"
    seconds = f"{result.duration_s:.3f}"
    case = SubElement(suite, "testcase", name=result.title, classname=name, time=seconds)
    case.set("id", result.id)
    evidence = "\n".join(evidence_lines(result))
    if result.verdict in (Verdict.FAIL, Verdict.FLAKY):
        failure = SubElement(case, "failure", message=shown(result.said), type=result.verdict)
        failure.text = f"Expected: {result.expects}\nTo mend it: {result.mend}\n{evidence}\n"
    elif result.verdict is Verdict.SKIP:
        SubElement(case, "skipped", message=shown(result.said))
    elif result.verdict is Verdict.WARN:
        SubElement(case, "system-out").text = f"Advice: {shown(result.said)}\n{evidence}\n"
