"""Scenarios against services that the preset `lab` does not have: another method, another shape."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from faultwire.check.checking import check
from faultwire.check.model import Result, Verdict
from faultwire.check.scenarios import select
from faultwire.check.spec import Ask, Canned, Good, Spec, Start

SERVICE = """
import sys
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, upstream_port, most = map(int, sys.argv[1:4])

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        for attempt in range(most):
            status, body = self.call()
            if status == 200:
                break
        self.answer(status, body)

    do_GET = do_PATCH = do_POST

    def call(self):
        connection = HTTPConnection("127.0.0.1", upstream_port, timeout=1)
        try:
            connection.request("POST", self.path)
            answer = connection.getresponse()
            body = answer.read(65536)
            return (200, body) if answer.status == 200 else (502, b"{}")
        except Exception:
            return 502, b"{}"
        finally:
            connection.close()

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def service(folder: Path, attempts: int) -> Spec:
    """A service that takes orders by POST and passes them on, in so many attempts."""
    (folder / "orders.py").write_text(SERVICE)
    program = f"{sys.executable} {folder / 'orders.py'}"
    return Spec(
        name="orders",
        b=Start(command=f"{program} {{port}} {{upstream_port}} {attempts}"),
        canned=Canned(body='{"order":"{token}"}'),
        ask=Ask(method="POST", path="/orders", query={"order": "{token}"}),
        good=Good(contains="{token}"),
        traces="query:order",
    )


def played(spec: Spec, only: Sequence[str]) -> dict[str, Result]:
    report = asyncio.run(check(spec, select(only=only)))
    return {result.id: result for result in report.scenarios}


@pytest.mark.parametrize(("attempts", "verdict"), [(1, Verdict.PASS), (2, Verdict.FAIL)])
def test_an_order_that_may_have_been_taken_is_not_sent_again(
    tmp_path: Path, attempts: int, verdict: Verdict
) -> None:
    only = ("retry.not_replayed", "retry.budget", "recovery.keepalive_fin", "integrity.text_*")
    results = played(service(tmp_path, attempts), only)
    assert results["retry.not_replayed"].verdict is verdict
    for id_ in ("retry.budget", "recovery.keepalive_fin"):
        assert results[id_].verdict is Verdict.SKIP
        assert results[id_].said == "POST is not idempotent: nothing may be sent again"
    texts = [r.verdict for id_, r in results.items() if id_.startswith("integrity.text_")]
    assert set(texts) == {Verdict.PASS, Verdict.SKIP}
    if verdict is Verdict.FAIL:
        assert "POST was sent 2 times" in results["retry.not_replayed"].said


def test_the_evidence_of_a_failure_shows_what_the_wire_saw(tmp_path: Path) -> None:
    result = played(service(tmp_path, 2), ["retry.not_replayed"])["retry.not_replayed"]
    assert result.plays == 2
    assert [seen.request.split("=")[0] for seen in result.evidence.wire] == [
        "POST /orders?order"
    ] * 2
    assert result.evidence.figures["attempts"] == 2
