"""Bytes with two readings have one end here: refused, in JSON, and the connection closed."""

import pytest

from faultwire.http.message import Request
from tests.socket.conftest import Serve
from tests.socket.serving import GET, EchoApp
from tests.socket.smuggling import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_ambiguous_bytes_reach_nobody(serve: Serve, case: Case) -> None:
    app = EchoApp()
    server = serve(app)
    client = server.connect()
    client.send(case.sent)
    for status in case.statuses:
        answer = client.answer(head_only=case.sent.startswith(b"HEAD"))
        assert answer.status == status
        if status != 200:
            assert answer.json["details"]
            assert answer.headers["connection"] == "close"
    if case.stays_open:
        client.send(GET)
        assert client.answer().json["path"] == "/"
        assert app.requests.pop().path == b"/"
    else:
        assert client.is_closed()
    assert tuple(map(path_of, app.requests)) == case.reached
    assert server.is_well()


def path_of(request: Request) -> bytes:
    return request.path
