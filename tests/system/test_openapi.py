"""The services' OpenAPI documents are true: schemathesis plays them against real services."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from faultwire.contracts import CONTRACTS
from tests.system.running import Running

SERVICES = ["A", *(f"B {contract}" for contract in CONTRACTS), "B unified accurate"]
OWN = {"A": {"/echo", "/foo"}, "B": {"/call-echo", "/call-foo"}}
COMMON = {"/health", "/livez", "/readyz", "/healthz", "/metrics", "/openapi.json"}


@pytest.fixture(scope="module", params=SERVICES)
def service(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A running service, "A" or "B", and its URL; B has a real A behind it."""
    kind, *options = request.param.split()
    with Running("service-a", "--port", "0") as a:
        if kind == "A":
            yield kind, a.url()
            return
        status = "accurate" if "accurate" in options else "contract"
        flags = ("--contract", options[0], "--status", status, "--upstream", a.url())
        with Running("service-b", "--port", "0", *flags) as b:
            yield kind, b.url()


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_operation_answers_as_its_document_says(
    service: tuple[str, str], mode: GenerationMode
) -> None:
    """B's 503 and A's /foo are documented answers, so a 5xx by itself is no defect."""
    _, url = service
    found = schemathesis.openapi.from_dict(document(url)).get_all_operations()
    operations = [each.ok() for each in found if isinstance(each, Ok)]
    assert len(operations) == 2 * len(COMMON) + 4
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not operation.query:
            continue

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
        def check(case: "schemathesis.Case[Any]") -> None:
            case.call_and_validate(base_url=url, excluded_checks=[not_a_server_error], timeout=10)

        check()


def test_the_document_names_every_route(service: tuple[str, str]) -> None:
    kind, url = service
    assert set(document(url)["paths"]) == OWN[kind] | COMMON


@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text"])
def test_each_form_of_the_metrics_is_in_the_document(service: tuple[str, str], accept: str) -> None:
    _, url = service
    answers = document(url)["paths"]["/metrics"]["get"]["responses"]
    request = urllib.request.Request(f"{url}/metrics", headers={"Accept": accept})  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        assert response.headers.get_content_type() == accept
    assert accept in answers["200"]["content"]


def test_what_nobody_waits_for_is_answered_as_the_document_of_a_says() -> None:
    with Running("service-a", "--port", "0") as a:
        late = urllib.request.Request(f"{a.url()}/echo", headers={"X-Deadline-Ms": "0"})  # noqa: S310
        with pytest.raises(HTTPError) as refused:
            urllib.request.urlopen(late, timeout=10)  # noqa: S310
        refused.value.close()
        assert str(refused.value.code) in document(a.url())["paths"]["/echo"]["get"]["responses"]


def document(url: str) -> Any:
    """The document that a service serves."""
    with urllib.request.urlopen(f"{url}/openapi.json", timeout=10) as response:  # noqa: S310
        return json.load(response)
