"""A release on the cluster that KUBECONFIG names. `make cluster-test` runs what is here.

CLUSTER_TEST=1 is what the Makefile says: without it nothing here is even collected.
CLUSTER_IMAGE names the image, which the nodes must have or be able to pull.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from helm_python import Config

from deploy.render import CHART
from tests.cluster.kubectl import RELEASE, Kubectl, KubectlError
from tests.cluster.load import Load

collect_ignore_glob = [] if os.environ.get("CLUSTER_TEST") else ["test_*.py"]

_IMAGE = os.environ.get("CLUSTER_IMAGE", "docker.io/library/faultwire:0.1.0")
_NAMESPACE = "faultwire-cluster-test"
_TIMEOUT_S = 150
# Admission refuses what is not restricted, where it is built in (Kubernetes 1.23 and newer).
_RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


def image_values() -> dict[str, Any]:
    """The image under test, as the chart's values name it."""
    repository, _, tag = _IMAGE.rpartition(":")
    return {"image": {"repository": repository, "tag": tag}}


class Release:
    """The chart, installed."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl = kubectl
        self.helm = Config(namespace=kubectl.namespace)

    def ensure(self, **values: Any) -> None:
        """Install it, or upgrade it to exactly these values; return when all of it is there."""
        wanted = image_values() | values
        if self.helm.list():
            self.helm.upgrade(CHART, RELEASE, wanted, reset_values=True, timeout=_TIMEOUT_S)
        else:
            self.helm.install(CHART, RELEASE, wanted, timeout=_TIMEOUT_S)
        self.kubectl.rolled_out("a", "b", *(part for part in ("wire", "console") if part in values))

    def load(self) -> Load:
        """A steady load on it, not begun."""
        return Load(self.kubectl, _IMAGE)


@pytest.fixture(scope="session")
def kubectl() -> Iterator[Kubectl]:
    """A namespace of the tests' own, with nothing left of it afterwards."""
    cluster = Kubectl(_NAMESPACE)
    try:
        cluster("get", "nodes")
    except KubectlError as error:
        pytest.exit(f"KUBECONFIG names no cluster that answers: {error}", returncode=2)
    cluster("delete", "namespace", _NAMESPACE, "--ignore-not-found")
    cluster("create", "namespace", _NAMESPACE)
    cluster("label", "namespace", _NAMESPACE, _RESTRICTED)
    yield cluster
    cluster("delete", "namespace", _NAMESPACE)


@pytest.fixture(scope="session")
def installed(kubectl: Kubectl) -> Iterator[Release]:
    release = Release(kubectl)
    release.ensure()
    yield release
    release.helm.uninstall(RELEASE, ignore_not_found=True)
    release.helm.close()


@pytest.fixture
def release(installed: Release) -> Release:
    """The release with its default values, whatever the test before has made of it."""
    installed.ensure()
    return installed
