"""What the image and compose.yaml say, and the health check that both use."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import faultwire
from tests.ports import unused_port
from tests.system.conftest import Start
from tests.system.running import PATIENCE_S, environment, run

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = {name: each for name, each in COMPOSE["services"].items() if "build" in each}


def healthcheck(*words: str, **env: str) -> int:
    script = ROOT / "deploy" / "healthcheck.py"
    done = subprocess.run(
        [sys.executable, script, *words], env=environment(env), timeout=PATIENCE_S, check=False
    )
    return done.returncode


def test_the_health_check_says_whether_a_service_is_alive(start: Start) -> None:
    url = start("service-a", "--port", "0").url()
    assert healthcheck(f"{url}/livez") == 0
    assert healthcheck(HEALTH_URL=f"{url}/livez") == 0
    assert healthcheck(f"{url}/foo") == 1
    assert healthcheck(f"http://127.0.0.1:{unused_port()}/livez") == 1


def test_the_image_runs_as_a_user_that_kubernetes_can_see_is_not_root() -> None:
    assert re.search(r"^USER [1-9][0-9]*:[1-9][0-9]*$", DOCKERFILE, re.MULTILINE)


def test_the_image_has_the_packages_version() -> None:
    assert f"\nARG VERSION={faultwire.__version__}\n" in DOCKERFILE
    chart = yaml.safe_load((ROOT / "deploy" / "chart" / "Chart.yaml").read_text())
    assert chart["appVersion"] == faultwire.__version__


def test_everything_that_the_image_is_made_of_passes_the_ignore_file() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    for source in " ".join(copied).split():
        kept = [line for line in ignored if line.startswith(f"!{source.rstrip('/')}")]
        assert kept, source
        assert (ROOT / source).exists()


def test_the_image_has_all_that_runs_elsewhere_and_telemetry() -> None:
    """Each with the same version and the same hashes."""
    assert "--requirement requirements/otel.txt" in DOCKERFILE
    image, runtime = (_locked(name) for name in ("otel", "runtime"))
    assert runtime.items() <= image.items()
    assert any(pin.startswith("opentelemetry-sdk==") for pin in image)


def _locked(name: str) -> dict[str, set[str]]:
    """The hashes of each requirement of a lock."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    pins = re.findall(r"^(\S+==[^\\]+)\\\n((?: +--hash=\S+(?: \\)?\n)+)", text, re.MULTILINE)
    assert len(pins) == text.count("==")
    return {pin: set(re.findall(r"--hash=(\S+)", hashes)) for pin, hashes in pins}


@pytest.mark.parametrize("name", ["a", "b", "wire", "console"])
def test_compose_starts_commands_that_there_are(name: str) -> None:
    command = OURS[name]["command"]
    assert run(command[0], "--help").returncode == 0
    flags = [word.partition("=")[0] for word in command[1:]]
    said = run(command[0], "--help").stdout
    assert all(flag in said for flag in flags)


def test_compose_shuts_its_services_in_and_waits_until_they_are_well() -> None:
    for service in OURS.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["stop_grace_period"]
        for awaited in service.get("depends_on", {}).values():
            assert awaited["condition"] == "service_healthy"


def test_compose_is_reached_from_this_machine_only() -> None:
    for service in COMPOSE["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_prometheus_scrapes_each_service_of_compose() -> None:
    scraped: dict[str, Any] = yaml.safe_load(
        (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text()
    )
    targets = [
        target
        for job in scraped["scrape_configs"]
        for config in job["static_configs"]
        for target in config["targets"]
    ]
    assert targets == ["a:8080", "b:8081"]
    assert {target.partition(":")[0] for target in targets} <= set(COMPOSE["services"])
