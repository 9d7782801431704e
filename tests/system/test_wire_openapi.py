"""The control API's OpenAPI document is true: schemathesis plays it against a real wire."""

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import positive_data_acceptance

from faultwire.wire.control.openapi import document
from faultwire.wire.control.schemas import fault_schemas
from faultwire.wire.faults import CATALOGUE, attributes_of
from faultwire.wire.plan.breaks import KEYS
from tests.system.running import Running

TOKEN = "s3cret-token"  # noqa: S105
DOCUMENT = json.loads(document())


def operations() -> dict[str, APIOperation[Any, Any, Any, Any]]:
    """Every operation of the document by its method and path."""
    found = schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    named = [each.ok() for each in found if isinstance(each, Ok)]
    return {operation.label: operation for operation in named}


OPERATIONS = operations()
RIGHT = [(label, GenerationMode.POSITIVE) for label in OPERATIONS]
WRONG = [
    (label, GenerationMode.NEGATIVE)
    for label, operation in OPERATIONS.items()
    if operation.body or operation.query
]


@pytest.fixture(scope="module", params=["open", "locked"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The control API of a running wire, without and with a token."""
    token = ("--control-token", TOKEN) if request.param == "locked" else ()
    flags = ("--listen", "0", "--control", "0", "--to", "http://127.0.0.1:9")
    with Running("wire", *flags, *token) as wire:
        found = re.search(r"control=(\S+)", wire.wait_for("listening"))
        assert found
        yield found[1]


@pytest.mark.parametrize(("label", "mode"), [*RIGHT, *WRONG])
def test_every_operation_answers_as_its_document_says(
    url: str, label: str, mode: GenerationMode
) -> None:
    """A document cannot say that a window must not be empty: hence the exclusion."""

    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode))
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    def check(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(
            base_url=url,
            headers={"Authorization": f"Bearer {TOKEN}"},
            excluded_checks=[positive_data_acceptance],
            timeout=10,
        )

    check()


def test_the_wire_serves_this_document() -> None:
    with Running("wire", "--listen", "0", "--control", "0") as wire:
        found = re.search(r"control=(\S+)", wire.wait_for("listening"))
        assert found
        with urllib.request.urlopen(f"{found[1]}/openapi.json", timeout=10) as response:  # noqa: S310
            assert json.load(response) == DOCUMENT


def test_the_document_knows_every_fault_and_every_attribute() -> None:
    schemas = fault_schemas()
    assert set(schemas["When"]["properties"]) == {*KEYS} - {"fault"}
    for name, fault in CATALOGUE.items():
        described = schemas[f"Break_{name}"]["properties"]
        assert set(described) - {"fault"} >= set(attributes_of(fault()))
