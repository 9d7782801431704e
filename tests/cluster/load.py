"""The steady load as a pod: started, watched second by second, ended, and counted."""

import json
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.cluster.kubectl import RELEASE, Kubectl, until

NAME = "steady-load"
_SCRIPT = Path(__file__).with_name("steady_load.py")
_QUIET_S = 5


class Total(NamedTuple):
    """What became of all requests."""

    requests: int
    answered: int
    failures: dict[str, int]
    seconds: float
    p50_ms: float
    p99_ms: float


class Load:
    """As a context: `rate` requests a second through B's Service, from the beginning to `end`."""

    def __init__(self, kubectl: Kubectl, image: str, *, rate: int = 100) -> None:
        self._kubectl = kubectl
        self._manifest = _pod(image, f"http://{RELEASE}-b:8081/call-echo", rate)

    def __enter__(self) -> Self:
        self._remove()
        self._kubectl("create", "configmap", NAME, f"--from-file={_SCRIPT}")
        self._kubectl.apply(self._manifest)
        self._kubectl("wait", f"pod/{NAME}", "--for=condition=Ready", "--timeout=60s")
        self.go_on(1)
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def seconds_with_failures(self) -> list[int]:
        """In which seconds since its start requests failed."""
        return [line["second"] for line in self._lines() if line.get("failed")]

    def go_on(self, seconds: int = _QUIET_S) -> None:
        """Return when so many seconds more have gone by."""
        begin = len(self._lines())
        until(lambda: len(self._lines()) >= begin + seconds, "the load goes on")

    def wait_for_failures(self) -> None:
        """Return when a request has failed."""
        until(self.seconds_with_failures, "a request fails")

    def wait_for_quiet(self) -> None:
        """Return when no request has failed for some seconds."""
        self.go_on()
        until(
            lambda: not any(line["failed"] for line in self._lines()[-_QUIET_S:]),
            "no request fails any more",
        )

    def end(self) -> Total:
        """Stop it; what became of all requests."""
        stop = "import os, signal; os.kill(1, signal.SIGTERM)"
        self._kubectl("exec", NAME, "--", "python", "-c", stop)
        until(lambda: "total" in self._lines()[-1], "the load says its total")
        return Total(**self._lines()[-1]["total"])

    def _lines(self) -> list[dict[str, Any]]:
        """What it has said. (Asked for anew each time: what follows a log may lose it.)"""
        said = self._kubectl("logs", NAME).splitlines()
        return [json.loads(line) for line in said if line.startswith("{")]

    def _remove(self) -> None:
        for kind in ("pod", "configmap"):
            self._kubectl("delete", kind, NAME, "--ignore-not-found", "--grace-period=1")


def _pod(image: str, url: str, rate: int) -> dict[str, Any]:
    """A pod that the restricted standard of pod security admits."""
    container = {
        "name": "load",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "/load/steady_load.py", url, str(rate)],
        "volumeMounts": [{"name": "script", "mountPath": "/load"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    # A node that is too busy for its heartbeat does not end the measurement.
    stay = [
        {"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": "NoExecute"}
        for what in ("not-ready", "unreachable")
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": NAME, "labels": {"run": NAME}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "tolerations": stay,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": [{"name": "script", "configMap": {"name": NAME}}],
        },
    }
