"""The console's pod: its page is reached by a forwarded port, and by nobody else."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.cluster.conftest import Release
from tests.cluster.kubectl import PATIENCE_S, RELEASE, KubectlError, until
from tests.cluster.test_what_goes_wrong import ASK
from tests.ports import unused_port

pytestmark = pytest.mark.timeout(600)


class Page:
    """Asks the page, where its port is forwarded to."""

    def __init__(self, release: Release, url: str) -> None:
        self.release = release
        self.url = url

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        typed = {"Content-Type": "application/json"}
        where = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE_S)
        with closing(where) as connection:
            connection.request(method, path, json.dumps(body) if body is not None else None, typed)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def pod(self) -> dict[str, Any]:
        """The pod that serves it."""
        return self.release.kubectl.pods("console")[0]


@pytest.fixture(scope="module")
def page(installed: Release) -> Iterator[Page]:
    port = unused_port()
    installed.ensure(console={"enabled": True, "port": port})
    with installed.kubectl.forwarded(f"deploy/{RELEASE}-console", port) as url:
        yield Page(installed, url)


def test_the_page_answers_by_a_forwarded_port(page: Page) -> None:
    status, body = page.ask("GET", "/")
    assert status == 200
    assert b"<title>Faultwire console</title>" in body


def test_no_pod_of_the_cluster_reaches_the_page(page: Page) -> None:
    """Without any network policy: it listens on the pod's loopback only."""
    url = f"http://{page.pod()['status']['podIP']}:{urlsplit(page.url).port}/"
    b = f"deploy/{RELEASE}-b"
    with pytest.raises(KubectlError, match="Connection refused"):
        page.release.kubectl("exec", b, "--", "python", "-c", ASK, url)


def test_the_check_runs_from_the_page_though_the_root_is_read_only(page: Page) -> None:
    assert page.ask("POST", "/check", {"group": "deadline"})[0] == 200
    until(lambda: page.ask("GET", "/check/report")[0] == 200, "the check has a report")
    report = json.loads(page.ask("GET", "/check/report")[1])
    assert report["defects"] == []
    assert report["groups"][0]["passed"] > 10
