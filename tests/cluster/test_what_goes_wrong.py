"""What goes wrong on clusters: a pod that hangs, an image that is not there, a broken wire."""

import json
import re

import pytest
from helm_python import HelmError

from deploy.render import CHART
from tests.cluster.conftest import Release, image_values
from tests.cluster.kubectl import RELEASE, KubectlError, until

pytestmark = pytest.mark.timeout(600)

# To workers. Not to process 1, whom signals from within its own namespace do not stop.
SIGNAL = """
import os, pathlib, signal, sys
for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
    pid, _, rest = stat.read_text().partition(" (")
    if rest.rpartition(")")[2].split()[1] == "1" and int(pid) != os.getpid():
        os.kill(int(pid), signal.Signals[sys.argv[1]])
"""
ASK = """
import json, sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=5)
except urllib.error.HTTPError as error:
    answer = error
except OSError as error:
    sys.exit(str(error))
print(json.dumps({"status": answer.status, "body": answer.read().decode()}))
"""


RESOLVE = """
import socket, sys
print(*{address[0] for *_, address in socket.getaddrinfo(sys.argv[1], 80)})
"""
# Else a pod that hangs would lose its place in DNS, and then its life.
NO_PROBE_MINDS = {name: {"failureThreshold": 3600} for name in ("readiness", "liveness")}


def ask(release: Release, url: str, *, pod: str = f"deploy/{RELEASE}-b") -> tuple[int, str]:
    said = release.kubectl("exec", pod, "--", "python", "-c", ASK, url)
    answer = json.loads(said)
    return answer["status"], answer["body"]


def test_a_frozen_pod_of_a_stops_to_cost_requests_and_comes_back(release: Release) -> None:
    """Its workers are stopped: the kernel still accepts connections, nobody reads them."""
    release.ensure(a={"workers": 2})
    frozen = release.kubectl.pods("a")[0]["metadata"]["name"]
    with release.load() as load:
        release.kubectl("exec", frozen, "--", "python", "-c", SIGNAL, "SIGSTOP")
        load.wait_for_failures()
        load.wait_for_quiet()
        failed = load.seconds_with_failures()
        print(f"\nfailures in seconds {failed[0]} to {failed[-1]}")  # noqa: T201
        release.kubectl("wait", f"pod/{frozen}", "--for=condition=Ready", "--timeout=120s")
        load.go_on()
        load.wait_for_quiet()
        print(load.end())  # noqa: T201
    status = release.kubectl.get("pod", frozen)["status"]["containerStatuses"][0]
    assert status["restartCount"] == 1


def test_b_itself_leaves_a_frozen_pod_alone_that_dns_still_names(release: Release) -> None:
    """Ejected for longer than the test takes: when it ends, the pod is tried anew."""
    balance = {"policy": "balance(ejection_s=300)"}
    release.ensure(a={"workers": 2}, b=balance, upstream="pods", probes=NO_PROBE_MINDS)
    kubectl = release.kubectl
    frozen = kubectl.pods("a")[0]
    words = ("exec", frozen["metadata"]["name"], "--", "python", "-c", SIGNAL)
    with release.load() as load:
        kubectl(*words, "SIGSTOP")
        try:
            load.wait_for_failures()
            until(lambda: ejected_by(release) == [1, 1], "each pod of B has ejected it")
            load.wait_for_quiet()
            failed = load.seconds_with_failures()
            load.go_on(20)
            assert load.seconds_with_failures() == failed
            assert frozen["status"]["podIP"] in named(release, f"{RELEASE}-a-pods")
            print(f"\nfailures in seconds {failed[0]} to {failed[-1]}", load.end())  # noqa: T201
        finally:
            kubectl(*words, "SIGCONT")


def ejected_by(release: Release) -> list[int]:
    """How many upstreams each pod of B leaves alone."""
    found = []
    for pod in release.kubectl.pods("b"):
        _, metrics = ask(release, "http://127.0.0.1:8081/metrics", pod=pod["metadata"]["name"])
        number = re.search(r"^faultwire_upstreams_ejected(?:{.*})? (\S+)$", metrics, re.MULTILINE)
        found.append(int(float(number[1])) if number else 0)
    return found


def named(release: Release, service: str) -> list[str]:
    """The addresses that a Service's name resolves to, for B."""
    b = f"deploy/{RELEASE}-b"
    return release.kubectl("exec", b, "--", "python", "-c", RESOLVE, service).split()


def test_an_image_that_is_not_there_takes_no_service_away_and_rolls_back(
    release: Release,
) -> None:
    before = release.helm.status(RELEASE)["revision"]
    with release.load() as load:
        bad = image_values()
        bad["image"]["tag"] = "not-there"
        with pytest.raises(HelmError):
            release.helm.upgrade(CHART, RELEASE, bad, wait="legacy", timeout=15)
        release.helm.rollback(RELEASE, version=before)
        release.kubectl.rolled_out("a", "b")
        load.go_on()
        total = load.end()
    assert total.failures == {}
    images = {
        pod["spec"]["containers"][0]["image"]
        for part in ("a", "b")
        for pod in release.kubectl.pods(part)
    }
    assert not any("not-there" in image for image in images)


def test_the_wire_between_them_breaks_and_mends(release: Release) -> None:
    release.ensure(wire={"enabled": True})
    url = f"http://{RELEASE}-b:8081/call-echo?msg=hello"
    wire = f"deploy/{RELEASE}-wire"
    assert ask(release, url) == (200, '{"service_b":"ok","service_a":{"echo":"hello"}}')
    release.kubectl("exec", wire, "--", "faultwire", "break", "empty_response")
    status, body = ask(release, url)
    assert (status, json.loads(body)["kind"]) == (503, "empty_response")
    release.kubectl("exec", wire, "--", "faultwire", "mend")
    assert ask(release, url)[0] == 200


def test_the_network_policies_are_accepted(release: Release) -> None:
    policies = release.kubectl.get("networkpolicies")["items"]
    names = {policy["metadata"]["name"] for policy in policies}
    assert names == {f"{RELEASE}-a", f"{RELEASE}-b"}


def test_the_check_passes_inside_the_cluster(release: Release) -> None:
    """`helm test`."""
    try:
        release.kubectl("exec", f"deploy/{RELEASE}-b", "--", "faultwire", "check", "--help")
    except KubectlError as error:
        pytest.skip(f"the image has no `faultwire check`: {error}")
    print(release.helm.test(RELEASE, timeout=300, logs=True)["logs"])  # noqa: T201


def test_uninstalling_leaves_nothing(release: Release) -> None:
    release.helm.uninstall(RELEASE)
    kinds = (
        "all,configmaps,secrets,serviceaccounts,endpoints,horizontalpodautoscalers,ingresses,"
        "jobs,networkpolicies,poddisruptionbudgets,rolebindings,roles"
    )
    ours = f"app.kubernetes.io/instance={RELEASE}"
    helms = f"owner=helm,name={RELEASE}"
    until(
        lambda: (
            not any(
                release.kubectl.get(kinds, "--selector", chosen)["items"]
                for chosen in (ours, helms)
            )
        ),
        "nothing of the release is left",
    )
