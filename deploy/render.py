"""Writes deploy/kubernetes.yaml: the chart with its default values, for `kubectl apply`.

    .venv/bin/python deploy/render.py

Helm itself renders it, as a library; a test fails when the file is stale.
"""

import re
from pathlib import Path

from helm_python import Chart

_HERE = Path(__file__).parent
CHART = _HERE / "chart"
MANIFESTS = _HERE / "kubernetes.yaml"

_HEAD = """\
# Made by deploy/render.py from deploy/chart with its default values: change those, not this.
#
#     kubectl apply --namespace NAMESPACE --filename deploy/kubernetes.yaml
#
# For Kubernetes 1.27 and newer; the chart itself serves 1.20 as well.
"""
_ONLY_HELMS = re.compile(r"^ *(app\.kubernetes\.io/managed-by|helm\.sh/chart): .*\n", re.MULTILINE)
_SEPARATOR = re.compile(r"^---\n", re.MULTILINE)


def manifests() -> str:
    """The text of deploy/kubernetes.yaml, without what only Helm has use for."""
    with Chart.load(CHART) as chart:
        rendered = chart.render(name="faultwire")
    objects = [
        _ONLY_HELMS.sub("", text).strip()
        for path, content in sorted(rendered.items())
        if path.endswith(".yaml") and "/tests/" not in path
        for text in _SEPARATOR.split(content)
    ]
    return _HEAD + "".join(f"---\n{text}\n" for text in objects if text)


if __name__ == "__main__":
    MANIFESTS.write_text(manifests())
