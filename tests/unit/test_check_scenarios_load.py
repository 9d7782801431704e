"""When the wire's own delay took longer than it should have."""

import pytest
from msgspec.structs import replace

from faultwire.check.model import WireSaw
from faultwire.check.scenarios.load import overrun_s
from tests.unit.check_reports import BEGAN, saw

DELAYED = replace(saw(), fault="latency", started_at=BEGAN)


def over(after_s: float) -> WireSaw:
    return replace(DELAYED, ended_at=BEGAN + after_s)


@pytest.mark.parametrize(
    ("seen", "late_s"),
    [
        ([], 0.0),
        ([over(0.39)], 0.0),  # a timer may be a little early
        ([over(0.41), over(0.7)], 0.3),
        ([over(0.01)], 0.0),  # the target let go
        ([replace(DELAYED, ended_at=0.0)], 2.6),  # it is under way yet
        ([replace(over(0.9), fault="")], 0.0),
    ],
)
def test_the_longest_overrun_of_the_calls_that_were_delayed_counts(
    seen: list[WireSaw], late_s: float
) -> None:
    assert overrun_s(seen, 0.4, BEGAN + 3.0) == pytest.approx(late_s, abs=1e-6)
