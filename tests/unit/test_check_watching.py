"""The line on a terminal says how far a check is, and never wraps."""

from io import StringIO

from faultwire.check.model import Group, Verdict
from faultwire.check.watching import OneLine
from tests.unit.check_reports import report, result

WIDTH = 40


def test_the_line_counts_what_is_done_and_what_failed() -> None:
    stream = StringIO()
    line = OneLine(stream, WIDTH)
    line.started(report().target, [])
    line.verdict(result(Verdict.PASS, Group.RETRY), 1, 3)
    assert "✗" not in stream.getvalue()
    line.verdict(result(Verdict.FAIL, Group.RETRY), 2, 3)
    line.verdict(result(Verdict.FLAKY, Group.RETRY), 3, 3)
    shown = stream.getvalue().split("\r")
    assert shown[-1].startswith("3/3  ✗ 2")
    assert {len(each) for each in shown[1:]} == {WIDTH - 1}
    line.clear()
    assert stream.getvalue().endswith("\r\x1b[K")
