"""Values of the chart that tests share, and its objects as data."""

from typing import Any

import yaml
from helm_python import Chart

from deploy.render import CHART

Objects = dict[tuple[str, str], dict[str, Any]]
"""By kind and name."""

EVERYTHING: dict[str, Any] = {
    "image": {"pullSecrets": ["key"], "digest": "sha256:" + 64 * "a"},
    "upstream": "pods",
    "a": {"autoscaling": {"enabled": True}, "workers": 2},
    "b": {
        "autoscaling": {"enabled": True},
        "timeout": "500ms",
        "status": "accurate",
        "service": {"type": "NodePort", "nodePort": 30081, "annotations": {"a": "b"}},
        "env": [{"name": "FAULTWIRE_B_UPSTREAM_CONNECTIONS", "value": "64"}],
        "extraArgs": ["--max-connections", "100"],
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}},
        "podAnnotations": {"a": "b"},
    },
    "wire": {"enabled": True},
    "console": {"enabled": True, "extraArgs": ["--policy", "production"]},
    "networkPolicy": {
        "allowToB": [{"namespaceSelector": {"matchLabels": {"a": "b"}}}],
        "allowMetrics": [{"podSelector": {"matchLabels": {"a": "b"}}}],
        "extraEgress": [{"ports": [{"port": 4318, "protocol": "TCP"}]}],
    },
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "annotations": {"a": "b"},
        "hosts": [{"host": "b.example.org"}],
        "tls": [{"secretName": "b-tls", "hosts": ["b.example.org"]}],
    },
    "gateway": {
        "enabled": True,
        "parentRefs": [{"name": "gateway", "namespace": "infra"}],
        "hostnames": ["b.example.org"],
    },
}
"""Every option on at once."""


def objects_in(text: str) -> Objects:
    """The objects in a stream of YAML documents."""
    found = [each for each in yaml.safe_load_all(text) if each]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


def render(values: dict[str, Any] | None = None, *, name: str = "faultwire") -> Objects:
    """What the chart makes of these values, tests included. Raises `HelmError`."""
    with Chart.load(CHART) as chart:
        rendered = chart.render(values, name=name)
    return objects_in("".join(f"---\n{t}" for p, t in rendered.items() if p.endswith(".yaml")))


def pod_specs(objects: Objects) -> list[dict[str, Any]]:
    """The pods among these objects, and those that they start."""
    return [
        each["spec"] if kind == "Pod" else each["spec"]["template"]["spec"]
        for (kind, _), each in objects.items()
        if kind in ("Deployment", "Pod")
    ]
