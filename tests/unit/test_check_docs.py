"""docs/check.md explains every key of a spec, with its default, and every flag and format."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from faultwire.check.report import RENDERERS
from faultwire.check.report.words import NAMES
from faultwire.check.spec import Acceptable, Ask, Canned, Good, Spec, Start
from faultwire.commands.check import check

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "check.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| `([a-z_.]+)` \| (.*?) \| .+ \|$", PAGE, re.MULTILINE))
TABLES: dict[str, type[msgspec.Struct]] = {
    "b": Start,
    "ask": Ask,
    "canned": Canned,
    "good": Good,
    "failure": Acceptable,
}
PARTS = ("a", *TABLES)


def defaults() -> dict[str, Any]:
    """Every key of a spec but its tables and what is required, with what it is without a word."""
    found = {
        field.name: field.default
        for field in msgspec.structs.fields(Spec)
        if field.name not in PARTS and field.name != "name"
    }
    for table, struct in TABLES.items():
        empty = msgspec.to_builtins(struct())
        found |= {f"{table}.{key}": value for key, value in empty.items()}
    return found


def test_every_key_of_a_spec_is_explained_and_no_other() -> None:
    keys = {key for key in ROWS if "." in key or key in Spec.__struct_fields__}
    assert keys == {"name", *defaults()}
    for part in PARTS[:2]:
        assert f"| `[{part}]` |" in PAGE


@pytest.mark.parametrize("key", defaults())
def test_the_default_of_a_key_is_what_the_page_says(key: str) -> None:
    written = ROWS[key].strip("`")
    if written.startswith("{"):  # as in JSON: TOML's inline tables are written another way
        assert msgspec.json.decode(written) == defaults()[key]
    else:
        expected = msgspec.to_builtins(defaults()[key])
        value = tomllib.loads(f"value = {written}")["value"]
        assert value == (list(expected) if isinstance(expected, tuple) else expected)


def test_every_flag_format_and_verdict_is_told() -> None:
    flags = [flag for each in check.params for flag in each.opts if flag.startswith("--")]
    assert [flag for flag in flags if flag not in PAGE and flag != "--timeout"] == []
    assert [name for name in RENDERERS if f"`{name}`" not in PAGE] == []
    assert [name for name in NAMES.values() if f"| {name} |" not in PAGE] == []


def test_the_spec_on_the_page_is_that_of_the_example() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    example = DOCS.parent / "examples" / "flask-requests" / "check.toml"
    assert tomllib.loads(block) == tomllib.loads(example.read_text("utf-8"))
