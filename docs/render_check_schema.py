"""Writes `check.schema.json`, the schema of `faultwire check --format json`.

    python docs/render_check_schema.py

A test compares the file with `document()`, so that it cannot grow stale.
"""

from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec

from faultwire.check.model import SCHEMA_VERSION, Report

PATH = Path(__file__).with_name("check.schema.json")


def document() -> str:
    """The schema as JSON. Fields may be added in one version; none is removed or changes."""
    (schema,), components = msgspec.json.schema_components([Report], ref_template="#/$defs/{name}")
    whole: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Report of faultwire check, version {SCHEMA_VERSION}",
        **schema,
        "$defs": components,
    }
    _tidy(whole)
    return msgspec.json.format(msgspec.json.encode(whole)).decode() + "\n"


def _tidy(part: object) -> None:
    """Docstrings without their indentation, as Python 3.13 and later keep them."""
    if isinstance(part, dict):
        if isinstance(said := part.get("description"), str):
            part["description"] = cleandoc(said)
        for each in part.values():
            _tidy(each)


if __name__ == "__main__":
    PATH.write_text(document(), "utf-8")
