"""An API server that says which version it is and what it serves, and keeps nothing.

What a chart asks of a cluster (`.Capabilities`) Helm learns from the server's discovery. Helm's
own `--dry-run=server` against this one renders the chart as on a cluster of any version.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from helm_python import Config

_ALWAYS = 99


class _Served(NamedTuple):
    """A kind in one API version: in which minor versions of Kubernetes 1 it is there."""

    api: str
    kind: str
    since: int = 0
    until: int = _ALWAYS


_KINDS = (
    _Served("v1", "Service"),
    _Served("apps/v1", "Deployment"),
    _Served("autoscaling/v2beta2", "HorizontalPodAutoscaler", until=25),
    _Served("autoscaling/v2", "HorizontalPodAutoscaler", since=23),
    _Served("networking.k8s.io/v1", "Ingress"),
    _Served("networking.k8s.io/v1", "NetworkPolicy"),
    _Served("policy/v1beta1", "PodDisruptionBudget", until=24),
    _Served("policy/v1", "PodDisruptionBudget", since=21),
)
EXTENSIONS = (
    _Served("gateway.networking.k8s.io/v1", "HTTPRoute"),
    _Served("monitoring.coreos.com/v1", "ServiceMonitor"),
)


@contextmanager
def cluster(minor: int, extensions: tuple[_Served, ...] = EXTENSIONS) -> Iterator[Config]:
    """Helm, connected to a cluster that says it is Kubernetes 1.`minor`."""
    answers = _answers(minor, extensions)

    class Discovery(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            body, kind = b"", "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
            if path != "/openapi/v2":  # nothing is valid as protobuf: no schema, no complaints
                body, kind = json.dumps(answers.get(path, _NOT_FOUND)).encode(), "application/json"
            self.send_response(200 if kind[-4:] != "json" or path in answers else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Discovery)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with Config(kubeconfig_content=_kubeconfig(server.server_port), namespace="here") as helm:
            yield helm
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


_NOT_FOUND = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404}


def _answers(minor: int, extensions: tuple[_Served, ...]) -> dict[str, Any]:
    served = [*(kind for kind in _KINDS if kind.since <= minor <= kind.until), *extensions]
    groups: dict[str, list[str]] = {}
    answers: dict[str, Any] = {
        "/version": {"major": "1", "minor": str(minor), "gitVersion": f"v1.{minor}.0"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
    }
    for kind in served:
        path = f"/apis/{kind.api}" if "/" in kind.api else f"/api/{kind.api}"
        empty = {"kind": "APIResourceList", "groupVersion": kind.api, "resources": []}
        answers.setdefault(path, empty)["resources"].append(_resource(kind.kind))
        group, slash, _ = kind.api.partition("/")
        if slash and kind.api not in groups.setdefault(group, []):
            groups[group].append(kind.api)
    answers["/apis"] = {
        "kind": "APIGroupList",
        "groups": [_group(name, apis) for name, apis in groups.items()],
    }
    return answers


def _resource(kind: str) -> dict[str, Any]:
    plural = kind.lower().replace("policy", "policie") + ("es" if kind.endswith("s") else "s")
    return {"name": plural, "kind": kind, "namespaced": True, "verbs": ["get", "create"]}


def _group(name: str, apis: list[str]) -> dict[str, Any]:
    versions = [{"groupVersion": api, "version": api.partition("/")[2]} for api in apis]
    return {"name": name, "versions": versions, "preferredVersion": versions[-1]}


def _kubeconfig(port: int) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
    )
