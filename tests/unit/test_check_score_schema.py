"""docs/check.schema.json says what `--format json` writes."""

import json
import runpy
from pathlib import Path

import jsonschema

from faultwire.check.report import RENDERERS
from tests.unit.check_reports import one_of_each

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = (DOCS / "check.schema.json").read_text("utf-8")

PUBLISHED = {
    "Report": {
        "schema_version", "versions", "target", "started_at", "duration_s", "score", "grade",
        "groups", "scenarios",
    },
    "Result": {
        "id", "group", "title", "verdict", "weight", "advice", "said", "does", "expects", "why",
        "mend", "source", "began_at", "duration_s", "plays", "evidence",
    },
    "GroupScore": {
        "group", "score", "grade", "passed", "failed", "warned", "flaky", "skipped",
    },
}  # fmt: skip
"""What others rely on: version 1 may gain fields, and lose none."""


def test_the_schema_is_what_the_records_say_today() -> None:
    document = runpy.run_path(str(DOCS / "render_check_schema.py"))["document"]
    assert document() == SCHEMA, "run: python docs/render_check_schema.py"


def test_version_1_keeps_every_field_that_was_published() -> None:
    records = json.loads(SCHEMA)["$defs"]
    for name, fields in PUBLISHED.items():
        assert fields <= set(records[name]["required"]), name


def test_a_report_fits_the_schema() -> None:
    found = json.loads(RENDERERS["json"](one_of_each()))
    jsonschema.Draft202012Validator(json.loads(SCHEMA)).validate(found)
