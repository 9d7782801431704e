"""`kubectl`, against whatever cluster KUBECONFIG names, within one namespace."""

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

PATIENCE_S = 120.0
"""A deadline, not a duration: what a busy cluster may take for anything here."""

RELEASE = "faultwire"
_POLL_S = 0.5


def until(condition: Callable[[], object], what: str) -> None:
    """Return as soon as the condition holds; fail after a long while."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        threading.Event().wait(_POLL_S)


class KubectlError(Exception):
    """A command failed; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """Commands within `namespace`."""

    namespace: str

    def command(self, *words: str) -> list[str]:
        return ["kubectl", "--namespace", self.namespace, *words]

    def __call__(self, *words: str, given: str | None = None) -> str:
        """Run `kubectl WORDS…`; what it printed. Raises `KubectlError`."""
        done = subprocess.run(
            self.command(*words),
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        if done.returncode:
            raise KubectlError(done.stderr.strip() or done.stdout.strip())
        return done.stdout

    def get(self, *words: str) -> Any:
        """`kubectl get WORDS…` as data."""
        return json.loads(self("get", *words, "--output", "json"))

    def apply(self, manifest: dict[str, Any]) -> None:
        self("apply", "--filename", "-", given=json.dumps(manifest))

    def pods(self, part: str) -> list[dict[str, Any]]:
        """The pods of A ("a") or B ("b") that are not on their way out."""
        chosen = f"app.kubernetes.io/instance={RELEASE},app.kubernetes.io/component={part}"
        found: list[dict[str, Any]] = self.get("pods", "--selector", chosen)["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    @contextlib.contextmanager
    def forwarded(self, what: str, port: int) -> Iterator[str]:
        """The URL at which a pod's port is reached here, by the same number, meanwhile."""
        with subprocess.Popen(
            self.command("port-forward", what, str(port)), stdout=subprocess.PIPE, text=True
        ) as forwarding:
            try:
                assert forwarding.stdout
                said = forwarding.stdout.readline()
                assert said.startswith(f"Forwarding from 127.0.0.1:{port} "), said
                yield f"http://127.0.0.1:{port}"
            finally:
                forwarding.terminate()

    def rolled_out(self, *parts: str) -> None:
        """Return when the Deployments are what they should be, and the old pods have drained."""
        for part in parts:
            self("rollout", "status", f"deployment/{RELEASE}-{part}", "--timeout=150s")
        until(lambda: not self._draining(parts), "the old pods end")

    def _draining(self, parts: Sequence[str]) -> list[str]:
        """Pods on their way out that still run. (Their objects may stay on for a while.)"""
        pods = self.get("pods", "--selector", f"app.kubernetes.io/instance={RELEASE}")["items"]
        return [
            pod["metadata"]["name"]
            for pod in pods
            if "deletionTimestamp" in pod["metadata"]
            and pod["metadata"]["labels"]["app.kubernetes.io/component"] in parts
            and any("running" in each["state"] for each in _containers(pod))
        ]


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pod["status"].get("containerStatuses", [])
    return found
