"""docs/telemetry.md names every metric and every attribute, and none that there is not."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics

import faultwire
from faultwire.failures import FailureKind
from faultwire.policy.retry import Refusal
from faultwire.telemetry import policy_exposition
from faultwire.telemetry.exposition import expose
from faultwire.telemetry.snapshot import SUM, Histograms, Policies, Snapshot
from faultwire.wire.ledger import metrics as wire_metrics
from faultwire.wire.ledger.tally import Figures, Tally

PACKAGE = Path(faultwire.__file__).parent
PAGE = (Path(__file__).parents[2] / "docs/telemetry.md").read_text("utf-8")
SPANS = ("telemetry/http_spans.py", "wire/ledger/spans.py")
_ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| ([^|]*)\|", re.MULTILINE)
_ATTRIBUTE = re.compile(r'[`"]((?:http|url|error|server|network|faultwire)\.[a-z_.]+)[`"]')
_SUFFIX = re.compile(r"_(total|info)$")
parse: Callable[[str], Iterable[Metric]] = openmetrics.text_string_to_metric_families

Described = set[tuple[str, str, frozenset[str]]]
"""Name, type and labels of each metric."""


def metrics_of(text: bytes) -> Described:
    """What an exposition holds, but for what every process tells."""
    return {
        (family.name, family.type, frozenset(family.samples[0].labels) - {"le"})
        for family in parse(text.decode())
        if not family.name.startswith("process_")
    }


def metrics_of_b() -> Described:
    cells = [1.0] * (SUM + 1)
    standing = dict.fromkeys(policy_exposition._GAUGES, 1.0) | {"breaker_state": "open"}
    refused = {kind.value: 1 for kind in FailureKind}
    stopped = {reason.value: 1 for reason in Refusal}
    policies = Policies(1, 1, 1, refused, stopped, {**standing})
    server: Histograms = {("GET", "/", "200", ""): cells}
    client: Histograms = {("200", ""): cells}
    b = Snapshot("B", "unified", ("a", "80"), 1, 1, server, client, policies)
    return metrics_of(expose(b, "")[0])


def metrics_of_the_wire() -> Described:
    tally = Tally()
    tally.add("latency", 200, 1.0)
    return metrics_of(wire_metrics.expose(Figures(1, 1, 1, 1, tally), "")[0])


def documented() -> Described:
    """The rows of the page's tables."""
    return {
        (_SUFFIX.sub("", name), kind, frozenset(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in _ROW.findall(PAGE)
    }


def test_every_metric_is_documented_as_it_is_and_no_other() -> None:
    assert documented() == metrics_of_b() | metrics_of_the_wire()


def source(*paths: str) -> str:
    return "\n".join((PACKAGE / path).read_text("utf-8") for path in paths)


def test_every_attribute_is_documented_and_no_other() -> None:
    assert set(_ATTRIBUTE.findall(PAGE)) == set(_ATTRIBUTE.findall(source(*SPANS)))


def test_the_variables_that_decide_are_documented() -> None:
    deciding = set(re.findall(r'"(OTEL_\w+)"', source("telemetry/tracing.py")))
    assert len(deciding) > 4
    assert deciding <= set(re.findall(r"OTEL_\w+", PAGE))
