"""A match says which requests a fault is meant for."""

import pytest

from faultwire.wire.faults.base import InvalidFault
from faultwire.wire.plan.match import SPARED, path, query, read_match, read_trait
from faultwire.wire.stream.head import Head


def request(target: str = "/echo", method: str = "GET", **headers: str) -> Head:
    lines = [f"{method} {target} HTTP/1.1", "Host: a"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return Head(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))


@pytest.mark.parametrize(
    ("patterns", "head", "meant"),
    [
        ({}, request(), True),
        ({"path": "/echo"}, request("/echo?msg=1"), True),
        ({"path": "/echo"}, request("/echo/"), False),
        ({"path": "/e*"}, request("/echo"), True),
        ({"path": "*/b"}, request("/a/b"), True),
        ({"path": "/a.c"}, request("/abc"), False),
        ({"path": "/[a]"}, request("/a"), False),
        ({"path": "/é"}, request("/%C3%A9"), True),
        ({"path": "/echo"}, request("http://a:1/echo?x"), True),
        ({"path": "/"}, request("http://a"), True),
        ({"method": "GET"}, request(), True),
        ({"method": "GET"}, request(method="POST"), False),
        ({"method": "P*"}, request(method="PUT"), True),
        ({"query:msg": "a b&c"}, request("/echo?x=1&msg=a+b%26c"), True),
        ({"query:msg": "*"}, request("/echo?msg"), True),
        ({"query:msg": "*"}, request("/echo?other=1"), False),
        ({"query:ü": "1"}, request("/echo?%C3%BC=1"), True),
        ({"header:x-test": "1"}, request(X_Test="1"), True),
        ({"header:x-test": "1"}, request(X_Test="12"), False),
        ({"header:x-test": "*"}, request(), False),
        ({"header:x-test": "*"}, request(X_Test=""), True),
        ({"path": "/echo", "method": "PUT"}, request(), False),
    ],
)
def test_every_trait_must_fit(patterns: dict[str, str], head: Head, *, meant: bool) -> None:
    assert read_match(patterns)(head) is meant


@pytest.mark.parametrize("spared", sorted(SPARED))
def test_health_and_metrics_escape_unless_a_path_is_named(spared: bytes) -> None:
    head = request(spared.decode() + "?verbose")
    assert not read_match({})(head)
    assert not read_match({"method": "GET"})(head)
    assert read_match({"path": "*"})(head)


@pytest.mark.parametrize(
    "value",
    [
        [],
        "path=/echo",
        {"host": "x"},
        {"path": 1},
        {"path": "x" * 1001},
        {"query": "x"},
        {"header:": "x"},
        {"header:ü": "x"},
        {"path": "/\udcff"},  # what the shell hands over is not always UTF-8
        {"query:\udcff": "x"},
        {"": "x"},
    ],
)
def test_what_is_no_match_is_refused(value: object) -> None:
    with pytest.raises(InvalidFault, match=r"^match"):
        read_match(value)


@pytest.mark.parametrize(
    ("pattern", "target", "meant"),
    [
        ("/a*b*c", "/abbcbc", True),
        ("/a*b*c", "/acb", False),
        ("/*aa*a", "/aaa", True),
        ("/*aa*a", "/aa", False),
        ("**", "/", True),
        ("*a" * 40 + "b", "/" + "a" * 4000, False),
        ("*a" * 40 + "*b", "/" + "a" * 4000 + "b", True),
    ],
)
def test_stars_cost_no_more_than_a_look_at_each_byte(
    pattern: str, target: str, *, meant: bool
) -> None:
    """With one try for each way to share the bytes among the stars, this would not end."""
    assert read_match({"path": pattern})(request(target)) is meant


@pytest.mark.parametrize("value", [1, None, "host", "header", "query", "x" * 2000])
def test_what_is_no_trait_is_refused(value: object) -> None:
    with pytest.raises(InvalidFault, match=r"^key knows method, path, query:NAME and header:NAME"):
        read_trait("key", value)


@pytest.mark.parametrize("raw", [b"\r\n\r\n", b"GET\r\n\r\n", b"GET http://[x HTTP/1.1\r\n\r\n"])
def test_a_head_that_cannot_be_read_is_only_not_meant(raw: bytes) -> None:
    assert not read_match({"path": "/echo", "query:a": "1"})(Head(raw))
    assert isinstance(path(Head(raw)), bytes)


def test_the_first_of_several_query_values_counts() -> None:
    assert query(request("/?a=1&a=2&b"), b"a") == b"1"
    assert query(request("/?a=1&a=2&b"), b"b") == b""
    assert query(request("/?a=%ff"), b"a") == b"\xff"
