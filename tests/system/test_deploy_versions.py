"""The chart on clusters of several versions: Helm asks a server what it is and what it has."""

import shutil
import subprocess
from typing import Any

import pytest
from kubernetes_validate.utils import (  # type: ignore[import-untyped]
    SchemaNotFoundError,
    latest_version,
    validate,
)

from deploy.render import CHART, MANIFESTS
from tests.cluster.discovery import EXTENSIONS, cluster
from tests.cluster.options import EVERYTHING, Objects, objects_in, render

DEPLOY = MANIFESTS.parent
CUSTOM = {"HTTPRoute", "ServiceMonitor"}
"""Kinds of others, whose schemas do not come with Kubernetes: not validated."""

VALIDATED = (25, 27, 31, 37)
HIGHEST = int(latest_version().split(".")[1])


def installed_on(minor: int, **values: Any) -> Objects:
    with cluster(minor) as helm:
        release = helm.install(CHART, "faultwire", EVERYTHING | values, dry_run="server")
    return objects_in(release["manifest"])


def kinds(objects: Objects) -> dict[str, str]:
    return {kind: each["apiVersion"] for (kind, _), each in objects.items()}


def expect_valid(objects: Objects, minor: int) -> None:
    for (kind, _), each in objects.items():
        if kind in CUSTOM:
            with pytest.raises(SchemaNotFoundError):
                validate(each, f"1.{minor}", strict=True)
        else:
            assert validate(each, f"1.{minor}", strict=True) == f"1.{minor}"


@pytest.mark.parametrize("minor", VALIDATED)
def test_what_is_installed_is_valid_in_that_version(minor: int) -> None:
    expect_valid(installed_on(minor), minor)


def test_the_highest_version_that_is_known_here_is_validated() -> None:
    assert max(VALIDATED) == HIGHEST


def test_the_pod_of_helm_test_is_valid_in_every_version() -> None:
    check = {of: each for of, each in render(EVERYTHING).items() if of[0] == "Pod"}
    assert check
    for minor in VALIDATED:
        expect_valid(check, minor)


def test_the_plain_manifests_are_valid_from_the_version_that_they_name() -> None:
    assert "For Kubernetes 1.27 and newer" in MANIFESTS.read_text()
    for minor in (27, HIGHEST):
        expect_valid(objects_in(MANIFESTS.read_text()), minor)


@pytest.mark.parametrize(
    ("minor", "autoscaler", "budget"),
    [
        (20, "autoscaling/v2beta2", "policy/v1beta1"),
        (22, "autoscaling/v2beta2", "policy/v1"),
        (23, "autoscaling/v2", "policy/v1"),
        (HIGHEST, "autoscaling/v2", "policy/v1"),
    ],
)
def test_each_version_gets_the_apis_that_it_has(minor: int, autoscaler: str, budget: str) -> None:
    found = kinds(installed_on(minor))
    assert found["HorizontalPodAutoscaler"] == autoscaler
    assert found["PodDisruptionBudget"] == budget
    assert found["HTTPRoute"] == "gateway.networking.k8s.io/v1"


@pytest.mark.parametrize(("minor", "known"), [(20, False), (26, False), (27, True)])
def test_no_version_gets_a_field_that_it_does_not_know(minor: int, known: bool) -> None:
    objects = installed_on(minor)
    budget = objects["PodDisruptionBudget", "faultwire-a"]["spec"]
    pod = objects["Deployment", "faultwire-a"]["spec"]["template"]["spec"]
    assert ("unhealthyPodEvictionPolicy" in budget) is known
    assert all(("matchLabelKeys" in each) is known for each in pod["topologySpreadConstraints"])
    probe = pod["containers"][0]["livenessProbe"]
    assert ("terminationGracePeriodSeconds" in probe) is known


def test_a_gateway_of_before_its_first_release_gets_the_route_that_it_knows() -> None:
    route, monitor = EXTENSIONS
    older = route._replace(api="gateway.networking.k8s.io/v1beta1")
    with cluster(25, (older, monitor)) as helm:
        release = helm.install(CHART, "faultwire", EVERYTHING, dry_run="server")
    assert kinds(objects_in(release["manifest"]))["HTTPRoute"] == older.api


def test_kustomize_takes_the_plain_manifests_as_they_are() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed: deploy/kustomization.yaml is not tried")
    built = subprocess.run(
        [kubectl, "kustomize", DEPLOY], capture_output=True, text=True, timeout=30, check=True
    )
    assert objects_in(built.stdout) == objects_in(MANIFESTS.read_text())
