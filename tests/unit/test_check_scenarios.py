"""The catalogue of scenarios: complete, plainly told, and easy to choose from."""

import re
import runpy
from collections import Counter
from pathlib import Path

import pytest

from faultwire.check import scenarios
from faultwire.check.model import Group
from faultwire.check.scenario import Need, Scenario
from faultwire.check.scenarios import CATALOGUE, UnknownScenario, select
from faultwire.wire import faults

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "scenarios.md").read_text("utf-8")
SOURCES = "".join(
    path.read_text("utf-8") for path in Path(scenarios.__file__ or "").parent.glob("*.py")
)
EACH = pytest.mark.parametrize("scenario", CATALOGUE, ids=lambda scenario: scenario.id)


def test_there_are_many_scenarios_and_some_in_every_group() -> None:
    assert len(CATALOGUE) >= 60
    assert min(Counter(scenario.group for scenario in CATALOGUE).values()) >= 4
    assert [group for group, _ in Counter(s.group for s in CATALOGUE).items()] == list(Group)


def test_no_id_and_no_title_is_there_twice() -> None:
    for names in ([s.id for s in CATALOGUE], [s.title for s in CATALOGUE]):
        assert [name for name, count in Counter(names).items() if count > 1] == []


@EACH
def test_every_word_of_a_scenario_is_there(scenario: Scenario) -> None:
    assert re.fullmatch(rf"{scenario.group}\.[a-z0-9_]+", scenario.id)
    assert 1 <= scenario.weight <= 5
    assert 0 < scenario.within_s <= 60
    for sentence in (scenario.does, scenario.expects, scenario.why, scenario.mend):
        assert sentence.endswith(".")
        assert sentence[0].isupper() or sentence[0].isdigit()
        assert len(sentence) < 150
    for name in (scenario.title, scenario.source):
        assert name
        assert not name.endswith(".")


@EACH
def test_who_breaks_the_wire_for_all_is_played_alone(scenario: Scenario) -> None:
    touchy = {Need.UPSTREAM, Need.PROCESS} & scenario.needs
    assert scenario.alone or not touchy


def test_what_the_lab_needs_is_no_demand_on_others() -> None:
    asked = {need for scenario in CATALOGUE for need in scenario.needs}
    assert asked == set(Need)
    general = [s for s in CATALOGUE if not {Need.LAB, Need.LAB_A} & s.needs]
    assert len(general) >= 60


def test_every_fault_of_the_wire_is_played_by_some_scenario() -> None:
    assert [name for name in faults.CATALOGUE if f'"{name}"' not in SOURCES] == []


def test_the_name_without_its_group_is_understood_in_the_refusal() -> None:
    with pytest.raises(UnknownScenario, match=r"did you mean deadline\.slow_body\?"):
        select(only=["slow_body"])


def test_patterns_choose_in_the_order_of_the_catalogue() -> None:
    chosen = select(only=["load.drain", "deadline.slow_*"], skip=["*accept"])
    assert [scenario.id for scenario in chosen] == [
        "deadline.slow_headers",
        "deadline.slow_body",
        "deadline.slow_close",
        "load.drain",
    ]


def test_the_page_is_what_the_catalogue_says_today() -> None:
    document = runpy.run_path(str(DOCS / "render_scenarios.py"))["document"]
    assert document() == PAGE, "run: python docs/render_scenarios.py"


def test_every_scenario_has_a_heading() -> None:
    headings = [line[4:] for line in PAGE.splitlines() if line.startswith("### ")]
    assert headings == [scenario.id for scenario in CATALOGUE]
