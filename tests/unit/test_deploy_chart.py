"""The chart: what it makes, by default and with every option, and what it refuses."""

from typing import Any

import pytest
import yaml
from helm_python import HelmError, lint

from deploy.render import CHART, MANIFESTS, manifests
from tests.cluster.options import EVERYTHING, Objects, objects_in, pod_specs, render

ALL_VALUES = pytest.mark.parametrize(
    "values", [{}, EVERYTHING], ids=["by default", "with every option"]
)


@ALL_VALUES
def test_helm_finds_nothing_to_complain_of(values: dict[str, Any]) -> None:
    report = lint(CHART, values, strict=True)
    assert report["errors"] is None or report["errors"] == []
    assert [said for said in report["messages"] if said["severity"] > 1] == []


def test_the_plain_manifests_are_what_the_chart_renders() -> None:
    assert MANIFESTS.read_text() == manifests(), "run: .venv/bin/python deploy/render.py"


def test_the_plain_manifests_are_the_charts_objects_without_its_test() -> None:
    charts = {of for of in render() if of[0] != "Pod"}
    assert set(objects_in(MANIFESTS.read_text())) == charts


@ALL_VALUES
def test_every_pod_meets_the_restricted_standard(values: dict[str, Any]) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/"""
    for pod in pod_specs(render(values)):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


@ALL_VALUES
def test_every_container_says_what_it_needs(values: dict[str, Any]) -> None:
    for pod in pod_specs(render(values)):
        for container in pod["containers"]:
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


@ALL_VALUES
def test_no_update_takes_a_pod_away_before_its_successor_is_ready(values: dict[str, Any]) -> None:
    for (kind, _), each in render(values).items():
        if kind == "Deployment":
            assert each["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


@pytest.mark.parametrize(("grace_s", "timeout_s"), [(5, 20), (0, 0), (600, 3600)])
def test_no_pod_is_killed_before_its_drain_is_over(grace_s: int, timeout_s: int) -> None:
    drain = {"graceSeconds": grace_s, "timeoutSeconds": timeout_s}
    options = {part: {"enabled": True} for part in ("wire", "console")}
    for pod in pod_specs(render({"drain": drain, **options})):
        arguments = pod["containers"][0]["args"]
        if arguments[0] != "check":
            assert f"--drain-grace={grace_s}s" in arguments
            assert f"--drain-timeout={timeout_s}s" in arguments
            assert pod["terminationGracePeriodSeconds"] > grace_s + timeout_s


def test_probes_ask_whether_it_lives_and_whether_it_is_ready() -> None:
    container = render()["Deployment", "faultwire-a"]["spec"]["template"]["spec"]["containers"][0]
    asked = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in _PROBES}
    assert asked == {"startup": "/livez", "readiness": "/readyz", "liveness": "/livez"}


def test_probes_of_the_wire_ask_its_control_api_which_faults_do_not_touch() -> None:
    wire = render({"wire": {"enabled": True}})["Deployment", "faultwire-wire"]
    container = wire["spec"]["template"]["spec"]["containers"][0]
    for name in _PROBES:
        asked = container[f"{name}Probe"]["exec"]["command"][-1]
        assert asked.startswith("http://127.0.0.1:8084/")
    assert "--control=127.0.0.1:8084" in container["args"]


_PROBES = ("startup", "readiness", "liveness")


def test_the_console_s_page_is_for_a_forwarded_port_alone() -> None:
    """Port forwarding reaches the pod's loopback; nothing else does."""
    objects = render({"console": {"enabled": True, "port": 9083}})
    container = _pod(objects, "console")["containers"][0]
    assert "--console-host=127.0.0.1" in container["args"]
    assert "--host=127.0.0.1" in container["args"]
    assert "--wire=127.0.0.1:8082" in container["args"]
    assert "ports" not in container
    assert ("Service", "faultwire-console") not in objects
    for name in _PROBES:
        assert container[f"{name}Probe"]["exec"]["command"][-1] == "http://127.0.0.1:9083/"


def test_nobody_may_reach_the_console_and_it_may_reach_nobody() -> None:
    policy = render({"console": {"enabled": True}})["NetworkPolicy", "faultwire-console"]["spec"]
    assert policy["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "console"
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == policy["egress"] == []


def test_the_console_has_a_folder_for_the_check_that_it_starts() -> None:
    pod = _pod(render({"console": {"enabled": True}}), "console")
    assert pod["volumes"] == [{"name": "tmp", "emptyDir": {}}]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108


def test_unasked_there_is_no_console() -> None:
    assert not [name for _, name in render() if "console" in name]


def test_pods_are_chosen_by_labels_of_their_own_part() -> None:
    objects = render(EVERYTHING)
    for part in ("a", "b", "wire"):
        labels = objects["Deployment", f"faultwire-{part}"]["spec"]["template"]["metadata"]
        chosen = objects["Service", f"faultwire-{part}"]["spec"]["selector"]
        assert chosen["app.kubernetes.io/component"] == part
        assert chosen.items() <= labels["labels"].items()


def test_every_port_names_its_protocol() -> None:
    """Server-side apply on Kubernetes 1.20 refuses a Service's port without one."""
    for (kind, _), each in render(EVERYTHING).items():
        ports = each["spec"].get("ports", []) if kind == "Service" else []
        assert all(port["protocol"] == "TCP" for port in ports)


@pytest.mark.parametrize(
    ("values", "upstream"),
    [
        ({}, "http://faultwire-a:8080"),
        ({"upstream": "pods"}, "http://faultwire-a-pods:8080"),
        ({"wire": {"enabled": True}}, "http://faultwire-wire:8082"),
    ],
)
def test_b_calls_a_or_the_wire(values: dict[str, Any], upstream: str) -> None:
    assert f"--upstream={upstream}" in _arguments(render(values), "b")


def test_b_s_policies_are_its_own_to_name() -> None:
    policy = "retry(attempts=5)+budget+breaker(open_s=2)"
    assert f"--policy={policy}" in _arguments(render({"b": {"policy": policy}}), "b")
    assert "--policy=none" in _arguments(render({}), "b")


def test_the_wire_calls_a() -> None:
    values = {"wire": {"enabled": True}, "upstream": "pods", "a": {"port": 9000}}
    assert "--to=http://faultwire-a-pods:9000" in _arguments(render(values), "wire")


def test_the_headless_service_names_as_pods() -> None:
    headless = render()["Service", "faultwire-a-pods"]["spec"]
    assert headless["clusterIP"] == "None"
    assert headless["selector"]["app.kubernetes.io/component"] == "a"


def _pod(objects: Objects, part: str) -> dict[str, Any]:
    pod: dict[str, Any] = objects["Deployment", f"faultwire-{part}"]["spec"]["template"]["spec"]
    return pod


def _arguments(objects: Objects, part: str) -> list[str]:
    arguments: list[str] = _pod(objects, part)["containers"][0]["args"]
    return arguments


def _components(peers: list[dict[str, Any]]) -> list[str | None]:
    labels = [peer.get("podSelector", {}).get("matchLabels", {}) for peer in peers]
    return [each.get("app.kubernetes.io/component") for each in labels]


@pytest.mark.parametrize(("wire", "caller"), [(False, "b"), (True, "wire")])
def test_nobody_but_its_caller_may_reach_a_and_a_may_reach_nobody(wire: bool, caller: str) -> None:
    policy = render({"wire": {"enabled": wire}})["NetworkPolicy", "faultwire-a"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert [_components(rule["from"]) for rule in policy["ingress"]] == [[caller]]
    assert policy["egress"] == []


def test_who_may_reach_something_besides_may_ask_for_its_name() -> None:
    collector = {"ports": [{"port": 4318, "protocol": "TCP"}]}
    values = {"wire": {"enabled": True}, "networkPolicy": {"extraEgress": [collector]}}
    objects = render(values)
    for part in ("a", "wire", "b"):
        egress = objects["NetworkPolicy", f"faultwire-{part}"]["spec"]["egress"]
        assert egress[-1] == collector
        asked = [port["port"] for rule in egress for port in rule["ports"] if "to" not in rule]
        assert asked == [53, 53, 5353, 5353, 4318]


def test_a_scraper_of_a_is_named_or_the_chart_says_so() -> None:
    with pytest.raises(HelmError, match=r"networkPolicy\.allowMetrics"):
        render({"serviceMonitor": {"enabled": True}})


def test_the_check_may_reach_b_where_not_everybody_may() -> None:
    policy = render(EVERYTHING)["NetworkPolicy", "faultwire-b"]["spec"]
    assert "check" in _components(policy["ingress"][0]["from"])


def test_scaled_by_itself_a_deployment_says_no_number() -> None:
    """Else every `helm upgrade` would take it back to that number."""
    objects = render(EVERYTHING)
    for part in ("a", "b"):
        assert "replicas" not in objects["Deployment", f"faultwire-{part}"]["spec"]
        target = objects["HorizontalPodAutoscaler", f"faultwire-{part}"]["spec"]["scaleTargetRef"]
        assert target["name"] == f"faultwire-{part}"


def test_helm_test_runs_the_check_against_b() -> None:
    pod = render()["Pod", "faultwire-check"]
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    arguments = pod["spec"]["containers"][0]["args"]
    assert arguments == ["check", "--b-url", "http://faultwire-b:8081", "--preset", "lab"]


@pytest.mark.parametrize(
    ("release", "prefix"),
    [("faultwire", "faultwire"), ("demo", "demo-faultwire"), ("my-faultwire", "my-faultwire")],
)
def test_releases_do_not_collide(release: str, prefix: str) -> None:
    assert ("Deployment", f"{prefix}-a") in render(name=release)


def test_the_longest_release_name_makes_names_that_are_short_enough() -> None:
    assert all(len(name) <= 63 for _, name in render(EVERYTHING, name="x" * 53))


@pytest.mark.parametrize(
    "text",
    [
        "a: {replicas: -1}",
        "a: {replicas: two}",
        "a: {replcias: 2}",
        "a: {port: 80}",
        "a: {resources: {limits: {memory: lots}}}",
        "a: {autoscaling: {enabled: true, minReplicas: 5, maxReplicas: 2}}",
        "b: {timeout: 5}",
        "b: {timeout: 5 minutes}",
        "b: {status: precise}",
        "b: {service: {type: ExternalName}}",
        "b: {env: [{value: nameless}]}",
        "contract: unknown",
        "upstream: elsewhere",
        "drain: {graceSeconds: 5s}",
        "image: {pullPolicy: Sometimes}",
        "image: {digest: 'sha256:short'}",
        "ingress: {enabled: true}",
        "gateway: {enabled: true}",
        "networkPolicy: {allowToB: [everybody]}",
        "podDisruptionBudget: {maxUnavailable: 0}",
        "probes: {health: {periodSeconds: 1}}",
        "topologySpread: [{topologyKey: zone}]",
        "wire: {replicas: 2}",
        "console: {replicas: 2}",
        "console: {port: 83}",
        "console: {host: 0.0.0.0}",
        "nonsense: 1",
    ],
)
def test_a_bad_value_is_refused(text: str) -> None:
    with pytest.raises(HelmError):
        render(yaml.safe_load(text))


def test_every_value_is_described_by_the_schema_with_its_default_in_bounds() -> None:
    """A key that values.yaml has and the schema lacks would be refused by it."""
    assert render(yaml.safe_load((CHART / "values.yaml").read_text()))
