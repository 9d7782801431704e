"""docs/resilience.md says what the policies say."""

import runpy
from pathlib import Path

from faultwire.policy.sets import KNOBS, ONION
from faultwire.simulate.lessons import LESSONS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "resilience.md").read_text("utf-8")


def test_the_page_is_what_the_code_says_today() -> None:
    document = runpy.run_path(str(DOCS / "render_resilience.py"))["document"]
    assert document() == PAGE, "run: python docs/render_resilience.py"


def test_every_policy_has_a_heading_and_every_setting_a_row() -> None:
    lines = PAGE.splitlines()
    assert {f"## {name}" for name in ONION} <= set(lines)
    for knobs in KNOBS.values():
        for knob in knobs:
            assert any(line.startswith(f"| `{knob.name}` |") for line in lines), knob.name


def test_every_lesson_is_told() -> None:
    assert all(f"    faultwire simulate {name}\n" in PAGE for name in LESSONS)
