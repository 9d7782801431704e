"""Which URLs name an upstream, and what the system's errors become."""

import errno
import os
import socket
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultwire.failures import FailureKind, Phase
from faultwire.http.address import Origin, Resolver, os_failure, parse_origin

GOOD = {
    "http://127.0.0.1:8080": Origin("127.0.0.1", 8080),
    "HTTP://Service-A.Example.:80": Origin("service-a.example.", 80),
    "http://service_a": Origin("service_a", 80),
    "http://[::1]:8080": Origin("::1", 8080),
    "http://[2001:DB8::1.2.3.4]": Origin("2001:db8::1.2.3.4", 80),
    "http://a/": Origin("a", 80),
    "http://a:1/b/c%20d/": Origin("a", 1, "/b/c%20d"),
    "http://a//": Origin("a", 80),
    "localhost:8080": Origin("localhost", 8080),
    "127.0.0.1": Origin("127.0.0.1", 80),
    "[::1]:65535/x": Origin("::1", 65535, "/x"),
}


@pytest.mark.parametrize(("url", "origin"), GOOD.items(), ids=GOOD)
def test_a_url_names_an_origin(url: str, origin: Origin) -> None:
    assert parse_origin(url) == origin
    assert parse_origin(origin.url) == origin


BAD = {
    "": "expected http://HOST",
    "http://": "expected http://HOST",
    "http:/a": "expected http://HOST",
    "//a": "expected http://HOST",
    "/a": "expected http://HOST",
    "https://a": "only http:// URLs",
    "ftp://a": "only http:// URLs",
    "unix:///tmp/a": "only http:// URLs",
    "http://a:0": "from 1 to 65535",
    "http://a:65536": "from 1 to 65535",
    "http://a:": "expected http://HOST",
    "http://a:b": "expected http://HOST",
    "http://a:-1": "expected http://HOST",
    "http://a:80:80": "expected http://HOST",
    "http://a:٣": "expected http://HOST",
    "http://user@a": "expected http://HOST",
    "http://user:secret@a": "expected http://HOST",
    "http://a?b": "expected http://HOST",
    "http://a/?b": "expected http://HOST",
    "http://a/#b": "expected http://HOST",
    "http://a b": "expected http://HOST",
    "http://a/b c": "expected http://HOST",
    "http://a/\r\nX: y": "expected http://HOST",
    "http://a\n": "expected http://HOST",
    "http://a\\b": "expected http://HOST",
    "http://bücher.example": "expected http://HOST",
    "http://::1": "expected http://HOST",
    "http://[::1": "expected http://HOST",
    "http://[::g]": "expected http://HOST",
    "http://[1.2.3.4]": "expected http://HOST",
    "http://[fe80::1%25eth0]": "expected http://HOST",
    "http://" + "a" * 254: "expected http://HOST",
}


@pytest.mark.parametrize(("url", "said"), BAD.items(), ids=map(repr, BAD))
def test_what_is_no_http_url_is_refused_in_one_line(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        parse_origin(url)
    assert str(refused.value).isprintable() or "٣" in url or "ü" in url
    assert "\n" not in str(refused.value)


@given(st.text(max_size=40) | st.text("htp:/[]@?#.%0189abc \r\n", max_size=40))
def test_any_text_is_an_origin_that_fits_in_a_request_line_or_is_refused(text: str) -> None:
    for url in (text, "http://" + text):
        try:
            origin = parse_origin(url)
        except ValueError:
            continue
        assert origin.url.isascii()
        assert not set(origin.url) & set(" \r\n\t?#")
        assert 1 <= origin.port <= 65535


def test_an_authority_has_its_port_and_brackets() -> None:
    assert Origin("a", 80).authority == "a:80"
    assert Origin("::1", 8080, "/x").authority == "[::1]:8080"


async def test_an_address_needs_no_resolver() -> None:
    for host, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
        resolver = Resolver(Origin(host, 80))
        ((found, *_, address),) = await resolver.addresses()
        assert (found, address, resolver.busy) == (family, (host, 80), False)


@pytest.mark.parametrize("number", sorted(errno.errorcode))
@pytest.mark.parametrize("phase", Phase)
def test_every_error_of_the_system_is_a_failure_in_its_own_words(number: int, phase: Phase) -> None:
    failure = os_failure(OSError(number, "Connect call failed"), "there:80", phase)
    assert failure.detail == f"[Errno {number}] {os.strerror(number)}: there:80"
    assert failure.phase is phase
    assert failure.kind in (
        FailureKind.CONNECTION_REFUSED,
        FailureKind.CONNECTION_RESET,
        FailureKind.CONNECT_TIMEOUT,
        FailureKind.OVERLOADED,
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (socket.gaierror(-2, "Name or service not known"), "[Errno -2] Name or service not known"),
        (socket.gaierror(8, "nodename nor servname"), "[Errno 8] nodename nor servname"),
        (OSError("Multiple exceptions: a, b"), "Multiple exceptions: a, b"),
        (OSError(), "OSError"),
        (RuntimeError("the handler is closed"), "the handler is closed"),
        (RuntimeError(), "RuntimeError"),
        (ssl.SSLError(1, "wrong version number"), "wrong version number"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_so_is_any_other(error: Exception, said: str) -> None:
    failure = os_failure(error, "there:80")
    assert said in failure.detail
    assert failure.detail.endswith(": there:80")
    assert "None" not in failure.detail
