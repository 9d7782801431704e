"""docs/faults.md shows the catalogue as it is, and nothing in it is unproven."""

import runpy
from pathlib import Path

from faultwire.wire.faults import CATALOGUE
from faultwire.wire.faults.aliases import ALIASES
from faultwire.wire.faults.attributes import attributes
from faultwire.wire.plan.breaks import KEYS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "faults.md").read_text("utf-8")


def test_the_page_is_what_the_catalogue_says_today() -> None:
    document = runpy.run_path(str(DOCS / "render_faults.py"))["document"]
    assert document() == PAGE, "run: python docs/render_faults.py"


def test_every_fault_has_a_heading_and_every_attribute_and_alias_a_row() -> None:
    headings = [line[4:] for line in PAGE.splitlines() if line.startswith("### ")]
    rows = {line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `")}
    assert headings == list(CATALOGUE)
    for fault in CATALOGUE.values():
        assert set(attributes(fault)) <= rows
    assert set(ALIASES) <= rows


def test_every_key_of_a_break_is_explained() -> None:
    explained = PAGE.partition("## When a fault acts")[2].partition("\n## ")[0]
    for key in set(KEYS) - {"fault", "for_s"}:
        assert f"\n| `{key}` |" in explained


def test_every_fault_is_proven_by_a_raw_socket() -> None:
    sources = (DOCS.parent / "tests" / "socket").glob("test_wire_fault_*.py")
    proofs = "".join(path.read_text("utf-8") for path in sources)
    assert [name for name in CATALOGUE if f'breaks("{name}"' not in proofs] == []
