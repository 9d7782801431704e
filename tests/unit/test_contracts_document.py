"""docs/contracts.md shows what the contracts really answer and log."""

import runpy
from pathlib import Path

from faultwire.contracts import CONTRACTS
from faultwire.failures import FailureKind

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "contracts.md").read_text("utf-8")


def test_the_page_is_what_the_code_says_today() -> None:
    document = runpy.run_path(str(DOCS / "render_contracts.py"))["document"]
    assert document() == PAGE, "run: python docs/render_contracts.py"


def test_every_contract_has_a_heading_and_every_kind_a_row() -> None:
    headings = {line[3:] for line in PAGE.splitlines() if line.startswith("## ")}
    rows = {line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `")}
    assert set(CONTRACTS) <= headings
    assert {kind.value for kind in FailureKind} <= rows
