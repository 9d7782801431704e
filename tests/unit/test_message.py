"""Targets and queries mean what the standards say, and a response is the bytes it should be."""

from email.utils import formatdate, parsedate_to_datetime
from time import time
from urllib.parse import parse_qsl, quote, quote_from_bytes, unquote_to_bytes, urlencode, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from faultwire.http.message import (
    PROBLEM_JSON,
    BadRequest,
    Request,
    Response,
    _http_date,
    percent_decode,
    query_value,
    render,
    split_target,
)

text = st.text(st.characters(exclude_categories=["Cs"]))
query_like = st.text("abmsg=&+%0123456789ABCDEFabcdef?/;", max_size=30)
_HEX = set("0123456789abcdefABCDEF")


def has_bad_escape(text: str) -> bool:
    return any(not set(part[:2]) <= _HEX or len(part) < 2 for part in text.split("%")[1:])


@given(st.binary())
def test_what_was_percent_encoded_is_decoded(data: bytes) -> None:
    assert percent_decode(quote_from_bytes(data, safe="").encode()) == data


@given(st.text("%=\r\n_ 09afAFgG~\xe9").map(lambda t: t.encode("latin-1")))
def test_percent_decoding_agrees_with_urllib_or_refuses(data: bytes) -> None:
    if has_bad_escape(data.decode("latin-1")):
        with pytest.raises(BadRequest):
            percent_decode(data)
    else:
        assert percent_decode(data) == unquote_to_bytes(data)


@given(query_like, st.sampled_from(["msg", "m", "a"]))
def test_a_query_value_is_the_first_of_urllib_s_or_refused(query: str, name: str) -> None:
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    expected = next((value for key, value in pairs if key == name), None)
    assert value_or_status(query, name) in (expected, 400)


@given(query_like, st.sampled_from(["msg", "m", "a"]))
def test_a_query_that_is_well_encoded_is_not_refused(query: str, name: str) -> None:
    assume(not has_bad_escape(query) and is_utf_8(query))
    assert value_or_status(query, name) != 400


def value_or_status(query: str, name: str) -> str | int | None:
    try:
        return query_value(query.encode(), name.encode())
    except BadRequest as refused:
        return refused.status


def is_utf_8(query: str) -> bool:
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        return False
    return True


@given(st.lists(st.tuples(text, text), max_size=4), text)
def test_any_text_comes_through_a_query(others: list[tuple[str, str]], msg: str) -> None:
    assume(all(key != "msg" for key, _ in others))
    query = urlencode([*others, ("msg", msg), ("msg", "second")]).encode()
    assert query_value(query, b"msg") == msg


@pytest.mark.parametrize(
    ("query", "value"),
    [
        (b"", None),
        (b"a=b", None),
        (b"msg", ""),
        (b"msg=", ""),
        (b"&&msg=a&msg=b", "a"),
        (b"msg=a=b", "a=b"),
        (b"msg=a+b%2B", "a b+"),
        (b"%6dsg=a", "a"),
        (b"xmsg=a&msgx=b", None),
        (b"MSG=a", None),
        (b"msg=a;msg=b", "a;msg=b"),
        (b"msg=%00%0d%0a", "\0\r\n"),
        (b"msg=%F0%9F%8E%89", "\N{PARTY POPPER}"),
        ("msg=ü".encode(), "ü"),
    ],
)
def test_query_values(query: bytes, value: str | None) -> None:
    assert query_value(query, b"msg") == value


def test_a_name_with_a_blank_is_found_as_forms_encode_it() -> None:
    assert query_value(b"a+b=1", b"a b") == "1"


@pytest.mark.parametrize(
    "value", [b"%ff", b"%c3", b"%ed%a0%80", b"%c0%80", b"%f4%90%80%80", b"\xff"]
)
def test_what_is_not_utf_8_is_refused(value: bytes) -> None:
    with pytest.raises(BadRequest, match="UTF-8"):
        query_value(b"msg=" + value, b"msg")


def test_a_thousand_parameters_are_looked_at_and_no_more() -> None:
    assert query_value(b"a&" * 999 + b"msg=x", b"msg") == "x"
    with pytest.raises(BadRequest, match="over 1000 parameters"):
        query_value(b"%61&" * 300_000, b"msg")


@given(st.text("/ab.;:@!$&'()*+,=-_~%0", max_size=20), st.none() | query_like)
def test_the_origin_form_is_split_as_urllib_does(path: str, query: str | None) -> None:
    assume(not path.startswith("/"))  # "//x" is a path here, and a host to urllib
    target = f"/{path}" if query is None else f"/{path}?{query}"
    if has_bad_escape(path):
        with pytest.raises(BadRequest):
            split_target(target.encode())
        return
    parts = urlsplit(target)
    assert split_target(target.encode()) == (unquote_to_bytes(parts.path), parts.query.encode())


@given(
    st.sampled_from(["http", "HTTP", "https"]),
    st.sampled_from(["a", "a:80", "[::1]:8080", "u@a"]),
    st.sampled_from(["", "/", "/p", "//p", "/p/q%20r", "/p://q"]),
    st.none() | query_like,
)
def test_the_absolute_form_is_split_as_urllib_does(
    scheme: str, host: str, path: str, query: str | None
) -> None:
    url = f"{scheme}://{host}{path}" if query is None else f"{scheme}://{host}{path}?{query}"
    parts = urlsplit(url)
    expected = (unquote_to_bytes(parts.path or "/"), parts.query.encode())
    assert split_target(url.encode()) == expected


@pytest.mark.parametrize(
    "target", [b"/a#b", b"/%", b"/%4", b"/%zz", b"http:///a", b"http://?a", b"ftp://a/b", b"://a/b"]
)
def test_a_target_that_means_nothing_is_refused(target: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        split_target(target)
    assert refused.value.status == 400
    assert str(refused.value) == refused.value.detail


def test_a_path_may_hold_any_byte_once_it_is_decoded() -> None:
    assert split_target(quote("/\0\r\n%/ü").encode()) == ("/\0\r\n%/ü".encode(), b"")


def test_asterisk_and_authority_pass_as_they_are() -> None:
    assert split_target(b"*") == (b"*", b"")
    assert split_target(b"a:80") == (b"a:80", b"")


def request(method: str = "GET", *, http_1_0: bool = False) -> Request:
    return Request(method, b"/", b"", {}, http_1_0=http_1_0)


def without_date(answer: bytes) -> bytes:
    start = answer.index(b"Date: ")
    return answer[:start] + answer[answer.index(b"\r\n", start) + 2 :]


TYPE = b"Content-Type: application/json\r\n"
PROBLEM = b"Content-Type: application/problem+json\r\n"
TWO = b"Content-Length: 2\r\n"
KEEP, CLOSE = b"Connection: keep-alive\r\n", b"Connection: close\r\n"


@pytest.mark.parametrize(
    ("response", "asked", "closing", "lines", "body"),
    [
        (Response(200, b"{}"), request(), False, b"200 OK\r\n" + TYPE + TWO, b"{}"),
        (Response(200, b"{}"), request("HEAD"), False, b"200 OK\r\n" + TYPE + TWO, b""),
        (
            Response(200, b"{}"),
            request(http_1_0=True),
            False,
            b"200 OK\r\n" + TYPE + TWO + KEEP,
            b"{}",
        ),
        (
            Response(503, b"{}", PROBLEM_JSON, b"A: b\r\nC: d\r\n"),
            request(http_1_0=True),
            True,
            b"503 Service Unavailable\r\n%bContent-Length: 2\r\nA: b\r\nC: d\r\n%b"
            % (PROBLEM, CLOSE),
            b"{}",
        ),
        (Response(400, b"{}"), None, True, b"400 Bad Request\r\n" + TYPE + TWO + CLOSE, b"{}"),
        (Response(204, b""), request(), False, b"204 No Content\r\n", b""),
        (Response(304, b""), request(), True, b"304 Not Modified\r\n" + CLOSE, b""),
        (
            Response(299, b"", b"text/plain"),
            request(),
            False,
            b"299 Unknown\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n",
            b"",
        ),
    ],
    ids=["plain", "HEAD", "HTTP/1.0", "all", "refusal", "no content", "not modified", "unknown"],
)
def test_a_response_is_one_head_and_its_body(
    response: Response, asked: Request | None, closing: bool, lines: bytes, body: bytes
) -> None:
    answer = without_date(render(response, asked, closing=closing))
    assert answer == b"HTTP/1.1 " + lines + b"\r\n" + body


@given(st.integers(0, 4_000_000_000))
def test_a_date_is_written_as_the_standard_library_does(second: int) -> None:
    assert _http_date(second) == formatdate(second, usegmt=True)


def test_the_date_is_this_second_s() -> None:
    answer = render(Response(200, b""), request(), closing=False).decode()
    (line,) = [line for line in answer.split("\r\n") if line.startswith("Date: ")]
    said = parsedate_to_datetime(line.removeprefix("Date: ")).timestamp()
    assert -2 <= said - time() <= 0
    assert line.endswith(" GMT")
