"""Every kind of acceptable request is answered, in order, and the connection lives as long as it
should."""

import asyncio
import json
from urllib.parse import quote

import pytest

from faultwire.http.fields import SLICE_BYTES
from faultwire.http.message import Request, Response
from faultwire.http.server import Answer
from tests.socket.conftest import Serve
from tests.socket.serving import GET, EchoApp, Server, get, limits, post

UPGRADE_IN_FEW = b"GET / HTTP/1.1\r\nHost:a\r\nUpgrade:a\r\nConnection:upgrade\r\n\r\n"
EMOJI = "".join(chr(0x1F300 + i % 0x300) for i in range(64 << 10))


def echoed(server: Server, request: bytes) -> dict[str, str]:
    answer = server.ask(request)
    assert answer.status == 200
    body: dict[str, str] = answer.json
    return body


def test_an_answer_has_a_date_a_type_and_a_length_and_keeps_the_connection(serve: Serve) -> None:
    client = serve().connect()
    for path in ("one", "two"):
        client.send(get(f"/{path}?x=1"))
        answer = client.answer()
        assert set(answer.headers) == {"date", "content-type", "content-length"}
        assert answer.json["path"] == f"/{path}"


def test_head_is_answered_by_the_head_of_what_get_would_answer(serve: Serve) -> None:
    server = serve()
    client = server.connect()
    client.send(b"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n" + get("/x"))
    head, whole = client.answer(head_only=True), client.answer()
    assert head.status == whole.status
    # The methods' names are echoed, and HEAD is one byte longer than GET.
    assert int(head.headers["content-length"]) == len(whole.body) + 1


def test_http_1_0_closes_unless_asked_to_keep(serve: Serve) -> None:
    client = serve().connect()
    client.send(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert client.answer().headers["connection"] == "keep-alive"
    client.send(b"GET /b HTTP/1.0\r\n\r\n")
    answer = client.answer()
    assert answer.json["path"] == "/b"
    assert answer.headers["connection"] == "close"
    assert client.is_closed()


@pytest.mark.parametrize(
    "field", ["close", "Close", "keep-alive, close", "close, te"], ids=lambda f: f
)
def test_connection_close_is_obeyed_and_said(serve: Serve, field: str) -> None:
    client = serve().connect()
    client.send(get("/", f"Connection: {field}") + get("/after"))
    answer = client.answer()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert client.is_closed()


@pytest.mark.parametrize("fields", ["keep-alive, close", "Close\r\nConnection: Keep-Alive"])
def test_in_http_1_0_close_outdoes_keep_alive(serve: Serve, fields: str) -> None:
    client = serve().connect()
    client.send(f"GET / HTTP/1.0\r\nConnection: {fields}\r\n\r\n".encode() + get("/after"))
    assert client.answer().headers["connection"] == "close"
    assert client.is_closed()


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/a/b", "/a/b"),
        ("/%61%2Fb", "/a/b"),
        ("http://elsewhere/a?b", "/a"),
        ("HTTP://elsewhere:80/a", "/a"),
        ("http://elsewhere", "/"),
        ("http://elsewhere?msg=x", "/"),
        ("//double", "//double"),
        ("*", "*"),
    ],
)
def test_targets_in_every_form_name_their_path(serve: Serve, target: str, path: str) -> None:
    assert echoed(serve(), get(target))["path"] == path


def test_empty_lines_before_a_request_are_skipped(serve: Serve) -> None:
    assert echoed(serve(), b"\r\n\r\n" + get("/a"))["path"] == "/a"


def test_blanks_around_a_field_value_do_not_count(serve: Serve) -> None:
    app = EchoApp()
    client = serve(app).connect()
    client.send(get("/", "A:  b c \t ", "B:", "C: \t"))
    assert client.answer().status == 200
    assert app.requests[0].headers == {b"host": b"a", b"a": b"b c", b"b": b"", b"c": b""}


def test_a_repeated_field_is_joined_by_a_comma(serve: Serve) -> None:
    app = EchoApp()
    serve(app).ask(get("/", "A: 1", "a: 2", "B: x", "A: 3"))
    assert app.requests[0].headers == {b"host": b"a", b"a": b"1, 2, 3", b"b": b"x"}


@pytest.mark.parametrize(
    "request_bytes",
    [
        post(b"hello"),
        post(b"hello", "Content-Length: 5 "),
        post(b"5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
        post(b"5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: Chunked "),
        post(
            b'2;a;b=c;d="e;f"\r\nhe\r\n003\r\nllo\r\n0;z\r\nT: x\r\n\r\n',
            "Transfer-Encoding: chunked",
        ),
    ],
    ids=["length", "blank after length", "chunked", "blank after chunked", "extensions, trailer"],
)
def test_a_body_arrives_whole_and_the_next_request_after_it(
    serve: Serve, request_bytes: bytes
) -> None:
    app = EchoApp()
    client = serve(app).connect()
    client.send(request_bytes + get("/next"))
    assert client.answer().json["body"] == "hello"
    assert client.answer().json["path"] == "/next"
    assert b"t" not in app.requests[0].headers, "a trailer is no header"


def test_64_ki_emoji_come_back_exactly(serve: Serve) -> None:
    target = f"/echo?msg={quote(EMOJI)}"
    assert len(target) > 786_000
    assert echoed(serve(), get(target)) == {"echo": EMOJI}


def test_every_byte_value_of_utf_8_and_every_sign_comes_back(serve: Serve) -> None:
    text = "".join(map(chr, range(0x250))) + "&=+#%;\u2028\ud7ff\ue000\uffff\U0010ffff"
    assert echoed(serve(), get(f"/echo?msg={quote(text, safe='')}")) == {"echo": text}


@pytest.mark.parametrize(
    "query", ["msg=%", "msg=%4", "msg=%zz", "msg=%u0041", "msg=%ff", "msg=a%c3", "m%7Zsg=a&msg=b"]
)
def test_a_bad_escape_or_bad_utf_8_is_the_client_s_error(serve: Serve, query: str) -> None:
    client = serve().connect()
    client.send(get(f"/echo?{query}") + get("/after"))
    assert client.answer().status == 400
    assert client.answer().status == 200, "it was HTTP: the connection goes on"


def test_a_request_split_at_every_byte_is_the_same_request(serve: Serve) -> None:
    app = EchoApp()
    server = serve(app)
    body = b"3;x\r\nabc\r\n0\r\nT: u\r\n\r\n"
    request = post(body, "A: b", "Transfer-Encoding: chunked", target="/p?q")
    for cut in range(1, len(request)):
        client = server.connect()
        client.send(request[:cut])
        server.call(lambda: None)  # the server has had a chance to read
        client.send(request[cut:])
        assert client.answer().json == {"method": "POST", "path": "/p", "body": "abc"}
        client.close()
    assert len(app.requests) == len(request) - 1
    assert all(asked == app.requests[0] for asked in app.requests)


def test_a_request_that_drips_in_byte_by_byte_is_answered(serve: Serve) -> None:
    server = serve()
    client = server.connect()
    for byte in post(b"hello", "A: b", target="/drip"):
        client.send(bytes([byte]))
        server.call(lambda: None)
    assert client.answer().json == {"method": "POST", "path": "/drip", "body": "hello"}


@pytest.mark.parametrize("count", [2, 600, 20_000], ids=["2", "one slice", "many slices"])
def test_pipelined_requests_are_answered_in_order(serve: Serve, count: int) -> None:
    server = serve()
    client = server.connect()
    for start in range(0, count, 500):
        numbers = range(start, min(start + 500, count))
        client.send(b"".join(get(f"/{n}") for n in numbers))
        assert [client.answer().json["path"] for _ in numbers] == [f"/{n}" for n in numbers]


def test_one_pipelining_client_leaves_the_others_their_turn(serve: Serve) -> None:
    """Its requests are parsed a slice at a time, with a round of the event loop between."""
    app = EchoApp()
    asked_by_next_round: list[int] = []

    def watched(request: Request) -> Answer:
        if not app.requests:
            loop = asyncio.get_running_loop()
            loop.call_soon(lambda: asked_by_next_round.append(len(app.requests)))
        return app(request)

    client = serve(watched).connect()
    client.send(GET * 5000)
    for _ in range(5000):
        client.answer()
    assert asked_by_next_round[0] <= SLICE_BYTES // len(GET) + 1


def test_expect_is_answered_by_100_and_then_by_the_answer(serve: Serve) -> None:
    client = serve().connect()
    head = post(b"", "Content-Length: 5", "Expect: 100-Continue")
    client.send(head)
    assert client.answer().status == 100
    client.send(b"hello")
    assert client.answer().json["body"] == "hello"


def test_100_is_not_said_where_the_body_is_there_already_or_nobody_waits(serve: Serve) -> None:
    client = serve().connect()
    client.send(post(b"hello", "Expect: 100-continue"))
    assert client.answer().status == 200
    client.send(get("/", "Expect: 100-continue"))
    assert client.answer().status == 200
    client.send(b"POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
    client.send(b"x")
    assert client.answer().status == 200, "RFC 9110 section 10.1.1: HTTP/1.0 knows no 100"


def test_100_is_said_in_its_turn_behind_a_pipelined_request(serve: Serve) -> None:
    client = serve().connect()
    client.send(get("/first") + post(b"", "Content-Length: 1", "Expect: 100-continue"))
    assert client.answer().json["path"] == "/first"
    assert client.answer().status == 100
    client.send(b"x")
    assert client.answer().json["body"] == "x"


@pytest.mark.parametrize("upgrade", ["h2c", "websocket", "TLS/1.3"])
def test_an_upgrade_is_ignored_and_the_connection_kept(serve: Serve, upgrade: str) -> None:
    client = serve().connect()
    asking = get("/up", "Connection: Upgrade", f"Upgrade: {upgrade}")
    for _ in range(2):  # Java's client asks again in each request
        client.send(asking)
        answer = client.answer()
        assert (answer.status, answer.json["path"]) == (200, "/up")
        assert "connection" not in answer.headers
    client.send(asking + GET)
    assert [client.answer().json["path"] for _ in "ab"] == ["/up", "/"]
    client.send(asking + b"\x00\x01PRI\r\n\r\n")
    assert client.answer().json["path"] == "/up"
    assert client.answer().status == 400
    assert client.is_closed()


def test_an_upgrade_that_ends_the_connection_is_the_last(serve: Serve) -> None:
    client = serve().connect()
    client.send(get("/up", "Connection: close, Upgrade", "Upgrade: h2c") + GET)
    assert client.answer().headers["connection"] == "close"
    assert client.is_closed()


def test_as_many_upgrades_as_a_packet_holds_are_ignored(serve: Serve) -> None:
    client = serve().connect()
    count = 5 * SLICE_BYTES // len(UPGRADE_IN_FEW)
    client.send(UPGRADE_IN_FEW * count)
    assert {client.answer().status for _ in range(count)} == {200}


@pytest.mark.parametrize("sent_at_once", [True, False])
@pytest.mark.parametrize(
    "request_bytes",
    [
        post(b"hello", "A: b", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"),
        post(
            b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked",
            "A: b",
            "Connection: Upgrade",
            "Upgrade: h2c",
        ),
    ],
    ids=["length", "chunked"],
)
def test_an_upgrade_does_not_cost_a_request_its_body(
    serve: Serve, request_bytes: bytes, sent_at_once: bool
) -> None:
    """llhttp takes such a request to end with its head. (Java's client asks like this.)"""
    app = EchoApp()
    server = serve(app)
    client = server.connect()
    for piece in [request_bytes] if sent_at_once else [request_bytes[:-9], request_bytes[-9:]]:
        client.send(piece)
        server.call(lambda: None)
    client.send(GET)
    assert client.answer().json == {"method": "POST", "path": "/", "body": "hello"}
    assert client.answer().json == {"method": "GET", "path": "/", "body": ""}
    assert app.requests[0].headers[b"a"] == b"b"


def test_an_upgrade_that_expects_100_gets_it_once(serve: Serve) -> None:
    client = serve().connect()
    fields = ("Content-Length: 5", "Expect: 100-continue", "Connection: Upgrade", "Upgrade: h2c")
    client.send(post(b"", *fields))
    assert client.answer().status == 100
    client.send(b"hello")
    assert client.answer().json["body"] == "hello"


def test_connect_is_not_served(serve: Serve) -> None:
    app = EchoApp()
    answer = serve(app).ask(b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (answer.status, app.requests) == (501, [])


def test_what_followed_an_upgrade_does_not_destroy_its_answer(serve: Serve) -> None:
    client = serve().connect()
    client.send(get("/up", "Connection: Upgrade", "Upgrade: h2c"))
    for _ in range(64):
        client.send_while_open(b"\0" * 65536)
    assert client.answer().json["path"] == "/up"


def test_a_client_that_shuts_down_its_side_still_gets_all_its_answers(serve: Serve) -> None:
    client = serve().connect()
    client.send(get("/a") + get("/b") + b"GET /half HT")
    client.half_close()
    assert [client.answer().json["path"] for _ in "ab"] == ["/a", "/b"]
    assert client.is_closed()


def test_a_large_answer_reaches_a_client_that_shuts_down_its_side(serve: Serve) -> None:
    body = b"x" * (16 << 20)  # more than the kernel takes
    server = serve(lambda _: Response(200, body))
    client = server.connect()
    client.send(GET)
    client.half_close()
    assert client.answer().body == body
    assert client.is_closed()


def test_an_answer_without_content_has_no_length(serve: Serve) -> None:
    client = serve(lambda _: Response(204, b"")).connect()
    client.send(GET + GET)
    for _ in range(2):
        answer = client.answer()
        assert (answer.status, set(answer.headers)) == (204, {"date"})


def test_a_response_may_end_the_connection(serve: Serve) -> None:
    client = serve(lambda _: Response(200, b"{}", close=True)).connect()
    client.send(GET + GET)
    assert client.answer().headers["connection"] == "close"
    assert client.is_closed()


def test_the_bounds_leave_a_long_target_and_many_fields_alone(serve: Serve) -> None:
    server = serve(limits=limits(target_bytes=64 << 10, header_bytes=20_000))
    assert server.ask(get("/" + "x" * 65_535)).status == 200
    assert server.ask(get("/", *(f"F{n}: {'x' * 150}" for n in range(99)))).status == 200
    assert json.loads(server.ask(post(b"x" * (1 << 20))).body)["body"] == "x" * (1 << 20)
