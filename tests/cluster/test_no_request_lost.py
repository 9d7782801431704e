"""What a cluster does every day, under steady load: not one request may fail."""

import pytest

from tests.cluster.conftest import Release
from tests.cluster.kubectl import RELEASE
from tests.cluster.load import Load

pytestmark = pytest.mark.timeout(600)


def expect_no_failure(load: Load) -> None:
    load.go_on()
    total = load.end()
    print(f"\n{total}")  # noqa: T201 - for the record of the run
    assert total.requests > 500
    assert total.failures == {}
    assert total.answered == total.requests


@pytest.mark.parametrize("part", ["a", "b"])
def test_a_rolling_update_loses_no_request(release: Release, part: str) -> None:
    with release.load() as load:
        release.kubectl("rollout", "restart", f"deployment/{RELEASE}-{part}")
        release.kubectl.rolled_out(part)
        expect_no_failure(load)


def test_a_change_of_every_pod_at_once_loses_no_request(release: Release) -> None:
    with release.load() as load:
        release.ensure(contract="classified")
        expect_no_failure(load)


@pytest.mark.parametrize("part", ["a", "b"])
def test_scaling_down_loses_no_request(release: Release, part: str) -> None:
    release.ensure(**{part: {"replicas": 3}})
    with release.load() as load:
        release.ensure(**{part: {"replicas": 1}})
        expect_no_failure(load)


def test_calls_by_the_headless_service_lose_no_request_in_a_rolling_update(
    release: Release,
) -> None:
    release.ensure(upstream="pods")
    with release.load() as load:
        release.kubectl("rollout", "restart", f"deployment/{RELEASE}-a")
        release.kubectl.rolled_out("a")
        expect_no_failure(load)


def test_the_drain_of_a_node_loses_no_request(release: Release) -> None:
    kubectl = release.kubectl
    nodes = [node["metadata"]["name"] for node in kubectl.get("nodes")["items"]]
    if len(nodes) < 2:
        pytest.skip("one node cannot be drained: there is no other")
    with release.load() as load:
        node = kubectl.pods("a")[0]["spec"]["nodeName"]
        ours = f"app.kubernetes.io/instance={RELEASE}"
        try:
            kubectl(
                "drain",
                node,
                "--ignore-daemonsets",
                "--delete-emptydir-data",
                f"--pod-selector={ours}",
                "--timeout=150s",
            )
            kubectl.rolled_out("a", "b")
            where = {pod["spec"]["nodeName"] for part in "ab" for pod in kubectl.pods(part)}
            assert node not in where
            expect_no_failure(load)
        finally:
            kubectl("uncordon", node)
