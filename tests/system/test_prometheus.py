"""What the services say of themselves is understood by Prometheus, and the rules and the dashboard
ask for nothing that they do not say."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from tests.ports import unused_port
from tests.system.running import PATIENCE_S, Running, get, until

DEPLOY = Path(__file__).parents[2] / "deploy"
needs_prometheus = pytest.mark.skipif(
    not shutil.which("promtool") or not shutil.which("prometheus"),
    reason="there is no prometheus: apt-get install prometheus",
)
_METRIC = re.compile(r"\b(?:http_(?:client|server)|faultwire|process)_\w+")
_CONTROL = re.compile(r"control=(http://\S+)")


class System:
    """A, the wire and B, which have carried good calls and failed ones."""

    def __init__(self, processes: ExitStack) -> None:
        start = processes.enter_context
        a = start(Running("service-a", "--port", "0"))
        ends = ("--listen", "127.0.0.1:0", "--control", "127.0.0.1:0")
        wire = start(Running("wire", "--to", a.url(), *ends))
        b = start(Running("service-b", "--port", "0", "--upstream", wire.url()))
        control = _CONTROL.search(wire.wait_for("control="))
        assert control
        self.urls = {"a": a.url(), "b": b.url(), "wire": control[1]}
        for target in ("/call-echo?msg=a", "/call-foo"):
            assert get(b.url(), target).status in (200, 503)

    def metrics(self, name: str) -> str:
        return fetch(f"{self.urls[name]}/metrics")


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with ExitStack() as processes:
        yield System(processes)


def fetch(url: str) -> str:
    asked = Request(url, headers={"Accept": "text/plain, application/json"})  # noqa: S310
    with urlopen(asked, timeout=PATIENCE_S) as answer:  # noqa: S310 - our own
        return str(answer.read().decode())


def promtool(*words: str, text: str = "", cwd: Path | None = None) -> str:
    ran = subprocess.run(
        ["promtool", *words],  # noqa: S607 - wherever it is
        input=text,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stderr


@needs_prometheus
@pytest.mark.parametrize("name", ["a", "b", "wire"])
def test_promtool_has_nothing_to_say_against_the_metrics(system: System, name: str) -> None:
    text = system.metrics(name)
    assert "request_duration_seconds_bucket" in text
    assert promtool("check", "metrics", text=text) == ""


@needs_prometheus
def test_the_rules_are_rules_and_do_what_their_tests_say() -> None:
    folder = DEPLOY / "prometheus"
    promtool("check", "rules", "rules.yml", cwd=folder)
    promtool("test", "rules", "rules.test.yml", cwd=folder)


def named_in(path: Path) -> set[str]:
    return {name for name in _METRIC.findall(path.read_text("utf-8")) if ":" not in name}


@pytest.mark.parametrize("path", ["prometheus/rules.yml", "grafana/faultwire.json"])
def test_nothing_is_asked_for_that_is_not_said(system: System, path: str) -> None:
    said = {
        line.partition("{")[0].partition(" ")[0]
        for name in system.urls
        for line in system.metrics(name).splitlines()
    }
    recorded = {"faultwire", "faultwire_wire_faults_total"}  # no fault was played here
    assert named_in(DEPLOY / path) - recorded <= said


def test_every_panel_of_the_dashboard_asks_for_something() -> None:
    dashboard = json.loads((DEPLOY / "grafana/faultwire.json").read_text("utf-8"))
    assert len(dashboard["panels"]) > 5
    assert all(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)


CONFIG = """
global: {{ scrape_interval: 200ms, evaluation_interval: 200ms }}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: a
    static_configs: [{{ targets: ["{a}"] }}]
  - job_name: b
    static_configs: [{{ targets: ["{b}"] }}]
  - job_name: wire
    static_configs: [{{ targets: ["{wire}"] }}]
"""


@needs_prometheus
def test_a_real_prometheus_scrapes_all_three(system: System, tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yml"
    targets = {name: url.removeprefix("http://") for name, url in system.urls.items()}
    config.write_text(CONFIG.format(rules=DEPLOY / "prometheus/rules.yml", **targets), "utf-8")
    address = f"127.0.0.1:{unused_port()}"
    flags = (
        f"--config.file={config}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address={address}",
    )
    with Running(*flags, command=["prometheus"]) as prometheus:
        prometheus.wait_for("Server is ready")

        def query(expression: str) -> dict[str, str]:
            found = fetch(f"http://{address}/api/v1/query?query={quote(expression)}")
            return {each["metric"]["job"]: each["value"][1] for each in results(found)}

        until(lambda: query("up") == {"a": "1", "b": "1", "wire": "1"}, "all are up")
        until(
            lambda: query('http_client_request_duration_seconds_count{error_type!=""}'),
            "B's failed call is known",
        )


def results(text: str) -> list[dict[str, Any]]:
    answer = json.loads(text)
    assert answer["status"] == "success", answer
    return list(answer["data"]["result"])
