"""The figures are exact, their names are the conventions', and the text is OpenMetrics."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from faultwire import __version__
from faultwire.events import Called, Served
from faultwire.failures import Failure, FailureKind
from faultwire.telemetry.exposition import Process, expose
from faultwire.telemetry.metrics import Metrics
from faultwire.telemetry.snapshot import BUCKETS_S

URL = "http://127.0.0.1:8080/echo"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PLAIN = "text/plain; version=0.0.4; charset=utf-8"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]

LOW = ["0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75"]
BOUNDS = [*LOW, "1.0", "2.5", "5.0", "7.5", "10.0", "+Inf"]
parse_openmetrics: Callable[[str], Iterable[Metric]] = openmetrics.text_string_to_metric_families


def metrics_of_b() -> Metrics:
    return Metrics("B", "unified", "127.0.0.1", 8080)


def served(
    status: int, duration_s: float = 0.003, called: Called | None = None, route: str = "/call-echo"
) -> Served:
    return Served("B", "GET", "/call-echo", route, status, duration_s, "id-1", called)


def call(kind: str | None = None, status: int = 0, duration_s: float = 0.002) -> Called:
    failure = Failure(FailureKind(kind), "told") if kind else None
    return Called(URL, 1.0, "id-1", status, 1, duration_s, failure)


def samples(metrics: Metrics) -> Samples:
    """Every sample of the exposition, as prometheus-client's own parser reads it."""
    body, content_type = expose(metrics.snapshot(), "")
    assert content_type == OPENMETRICS
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse_openmetrics(body.decode())
        for sample in family.samples
        if not family.name.startswith("process_")
    }


def histogram(name: str, labels: dict[str, str], counts: list[int], total: float) -> Samples:
    """The samples of one histogram; `counts` is cumulative."""
    common = labels.items()
    buckets = {
        (f"{name}_bucket", frozenset({*common, ("le", bound)})): float(count)
        for bound, count in zip(BOUNDS, counts, strict=True)
    }
    ends = {
        (f"{name}_count", frozenset(common)): float(counts[-1]),
        (f"{name}_sum", frozenset(common)): total,
    }
    return buckets | ends


def server_labels(status: str = "200", **changed: str) -> dict[str, str]:
    return {
        "http_request_method": "GET",
        "http_route": "/call-echo",
        "http_response_status_code": status,
        "error_type": "",
    } | changed


def client_labels(status: str, error_type: str) -> dict[str, str]:
    return {
        "http_request_method": "GET",
        "server_address": "127.0.0.1",
        "server_port": "8080",
        "http_response_status_code": status,
        "error_type": error_type,
    }


def test_the_whole_exposition_of_b() -> None:
    metrics = metrics_of_b()
    metrics.begun += 5  # two of which have not ended
    for duration_s in (0.25, 0.5):
        ok = call(status=200, duration_s=duration_s / 2)
        metrics.told([served(200, duration_s, ok)])
    refused = call("connection_refused", duration_s=0.125)
    metrics.told([served(503, 0.125, refused)])
    build = {("version", __version__), ("service", "B"), ("contract", "unified")}
    server, client = "http_server_request_duration_seconds", "http_client_request_duration_seconds"
    kind = "connection_refused"
    address = {("server_address", "127.0.0.1"), ("server_port", "8080")}
    assert samples(metrics) == {
        ("faultwire_build_info", frozenset(build)): 1.0,
        ("http_server_active_requests", frozenset()): 2.0,
        ("faultwire_upstream_attempts_total", frozenset(address)): 3.0,
        **histogram(server, server_labels(), [0] * 6 + [1] + [2] * 8, 0.75),
        **histogram(server, server_labels("503", error_type=kind), [0] * 6 + [1] * 9, 0.125),
        **histogram(client, client_labels("200", ""), [0] * 6 + [2] * 9, 0.375),
        **histogram(client, client_labels("", kind), [0] * 6 + [1] * 9, 0.125),
    }


def test_a_service_without_an_upstream_has_no_client_metrics() -> None:
    build = {("version", __version__), ("service", "A"), ("contract", "gateway")}
    assert samples(Metrics("A", "gateway")) == {
        ("faultwire_build_info", frozenset(build)): 1.0,
        ("http_server_active_requests", frozenset()): 0.0,
    }


def test_the_buckets_are_those_of_opentelemetry_and_their_bounds_are_inclusive() -> None:
    metrics = metrics_of_b()
    for bound in BUCKETS_S:
        metrics.told([served(200, bound)])
    name = "http_server_request_duration_seconds"
    said = samples(metrics)
    counts = [
        said[f"{name}_bucket", frozenset({*server_labels().items(), ("le", bound)})]
        for bound in BOUNDS
    ]
    assert counts == [*range(1, 15), 14]


@given(
    durations=st.lists(st.integers(0, 20_000), min_size=1, max_size=200),
    statuses=st.lists(st.sampled_from([200, 400, 503]), min_size=1),
)
def test_counts_and_sums_are_exact(durations: list[int], statuses: list[int]) -> None:
    metrics = metrics_of_b()
    seen: dict[int, list[float]] = {}
    for number, ms in enumerate(durations):
        status, duration_s = statuses[number % len(statuses)], ms / 1024
        seen.setdefault(status, []).append(duration_s)
        metrics.told([served(status, duration_s)])
    for status, taken in seen.items():
        error = "503" if status == 503 else ""
        cells = metrics.snapshot().server["GET", "/call-echo", str(status), error]
        bounds = [0.0, *BUCKETS_S, float("inf")]
        expected = [
            float(sum(low < it <= high or (low == it == 0) for it in taken))
            for low, high in itertools.pairwise(bounds)
        ]
        assert cells == [*expected, sum(taken)]


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_of_failure_is_the_error_type_of_both_sides(kind: FailureKind) -> None:
    metrics = metrics_of_b()
    event = call(kind, 500 if kind is FailureKind.UPSTREAM_STATUS else 0)
    metrics.told([served(503, called=event)])
    now = metrics.snapshot()
    status = "500" if kind is FailureKind.UPSTREAM_STATUS else ""
    assert list(now.client) == [(status, kind.value)]
    assert list(now.server) == [("GET", "/call-echo", "503", kind.value)]


@pytest.mark.parametrize(
    ("status", "error_type"),
    [(200, ""), (400, ""), (404, ""), (499, "client_disconnected"), (500, "500"), (503, "503")],
)
def test_only_what_the_service_did_wrong_is_an_error(status: int, error_type: str) -> None:
    metrics = metrics_of_b()
    metrics.told([served(status)])
    assert list(metrics.snapshot().server) == [("GET", "/call-echo", str(status), error_type)]


def test_no_label_value_comes_from_outside() -> None:
    metrics = metrics_of_b()
    for number in range(100):
        path, method = f"/unknown/{number}", f"METHOD{number}"
        metrics.told([Served("B", method, path, "", 404, 0.001, "id-1")])
    assert list(metrics.snapshot().server) == [("_OTHER", "", "404", "")]


def test_attempts_are_counted_beyond_calls() -> None:
    metrics = metrics_of_b()
    for attempts in (1, 3, 0):
        metrics.told([served(200, called=Called(URL, 1.0, "id-1", 200, attempts, 0.002, None))])
    assert metrics.snapshot().attempts == 4


def test_a_snapshot_does_not_change_any_more() -> None:
    metrics = metrics_of_b()
    metrics.told([served(200, 0.003)])
    before = metrics.snapshot()
    metrics.told([served(200, 0.003)])
    assert before.server["GET", "/call-echo", "200", ""] == [1, *[0] * 14, 0.003]


def test_the_process_is_described_too() -> None:
    body, _ = expose(metrics_of_b().snapshot(), "")
    names = {family.name for family in parse_openmetrics(body.decode())}
    assert {"process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds"} <= names


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_proc_of_processes_alone_tells_as_much(tmp_path: Path) -> None:
    (tmp_path / "self").symlink_to(f"/proc/{os.getpid()}")  # as with systemd's ProcSubset=pid
    told, whole = (
        {
            family.name: family.samples[0].value
            for family in Process(proc=proc, registry=None).collect()
        }
        for proc in (str(tmp_path), "/proc")
    )
    assert told.keys() == whole.keys()
    assert len(told) == 6
    began = "process_start_time_seconds"
    assert told[began] == pytest.approx(whole[began], abs=1.5)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", OPENMETRICS),
        ("*/*", OPENMETRICS),
        ("application/openmetrics-text;version=x.y;q=0.5,text/plain", OPENMETRICS),
        ("application/openmetrics-text;q=0, */*", PLAIN),
        ("text/plain;q=0", OPENMETRICS),
        ("text/plain;version=0.0.4", PLAIN),
        ("Text/Plain", PLAIN),
        ("text/html,application/xml;q=0.9,*/*;q=0.8", PLAIN),
        ("text/*", PLAIN),
        ("application/openmetrics-text; q=0.0, text/plain", PLAIN),
    ],
)
def test_older_text_is_there_for_those_who_ask_for_it_alone_and_for_browsers(
    accept: str, content_type: str
) -> None:
    body, said = expose(metrics_of_b().snapshot(), accept)
    assert said == content_type
    assert body.endswith(b"# EOF\n") is (said == OPENMETRICS)
    if said != OPENMETRICS:
        names = {family.name for family in text_string_to_metric_families(body.decode())}
        assert "faultwire_build_info" in names


def test_prometheus_client_is_not_imported_before_somebody_asks() -> None:
    script = (
        "import sys; from faultwire.telemetry.metrics import Metrics; Metrics('A', 'unified');"
        "sys.exit('prometheus_client' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
