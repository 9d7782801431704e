"""What docs/scaling.md says of the simulator is what the simulator says."""

import re
from pathlib import Path

import pytest

from faultwire.simulate.experiment import experiment
from faultwire.simulate.lessons import LESSONS

PAGE = (Path(__file__).parents[2] / "docs/scaling.md").read_text("utf-8")
_ROW = re.compile(r"^\| [^|]+ \| (\d\.\d\d) \| (\d\.\d\d) \| (\d+\.\d) % \| (\d+) %", re.MULTILINE)


@pytest.mark.no_cover
def test_the_retry_storm_is_told_as_it_is_simulated() -> None:
    lesson = LESSONS["retry-storm"]
    done = experiment(lesson, lesson.scenario.clients, 1)
    assert _ROW.findall(PAGE) == [
        (
            f"{result.attempts_per_request:.2f}",
            f"{result.load_during:.2f}",
            f"{result.during * 100:.1f}",
            f"{result.after * 100:.0f}",
        )
        for result in done.results
    ]
