"""docs/failures.md says what the vocabulary says."""

import runpy
from pathlib import Path

from faultwire.failures import FailureKind

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "failures.md").read_text("utf-8")


def test_the_page_is_what_the_code_says_today() -> None:
    document = runpy.run_path(str(DOCS / "render_failures.py"))["document"]
    assert document() == PAGE, "run: python docs/render_failures.py"


def test_every_kind_has_a_heading() -> None:
    headings = {line[3:] for line in PAGE.splitlines() if line.startswith("## ")}
    assert {kind.value for kind in FailureKind} <= headings
