"""TLS on either side, or on both."""

import ssl
import threading
from pathlib import Path

import pytest

from faultwire.wire.gate import State
from faultwire.wire.proxy import server_tls
from faultwire.wire.upstream import Upstream as WireUpstream
from tests.socket.serving import NewLoop
from tests.socket.upstreams import Peer, answers, answers_once, ok, stalls
from tests.socket.wires import GET, Caller, Upstream, Wired, wired

OK = ok()


@pytest.fixture
def certificate() -> tuple[Path, Path]:
    """A certificate for localhost and its addresses that is its own authority, and its key.

    It is worth nothing to anybody, and valid until 2120.
    """
    folder = Path(__file__).parent / "tls"
    return folder / "localhost.pem", folder / "localhost-key.pem"


class SecureUpstream(Upstream):
    """The same behind TLS."""

    def __init__(self, context: ssl.SSLContext, *scripts: object) -> None:
        self._context = context
        super().__init__(*scripts, silent_talks=True)  # type: ignore[arg-type]
        self.url = f"https://127.0.0.1:{self.port}"

    def _run(self, sock: object, number: int) -> None:
        try:
            secure = self._context.wrap_socket(sock, server_side=True)  # type: ignore[arg-type]
        except OSError:
            return  # a look of the wire
        super()._run(secure, number)


def secured(wire: Wired, certificate: tuple[Path, Path]) -> Caller:
    context = ssl.create_default_context(cafile=certificate[0])
    caller = wire.connect()
    caller.sock = context.wrap_socket(caller.sock, server_hostname="localhost")
    return caller


def test_a_tls_upstream_is_spoken_to_in_tls(
    new_loop: NewLoop, certificate: tuple[Path, Path]
) -> None:
    with (
        SecureUpstream(server_tls(*certificate), answers(OK)) as upstream,
        wired(new_loop, upstream.url, ca_file=certificate[0]) as wire,
    ):
        caller = wire.connect()
        for _ in range(3):
            caller.send(GET)
            assert caller.answer() == OK
        wire.breaks("latency", delay_ms=1)
        caller.send(GET)
        assert b"X-Fault: latency" in caller.answer()


def test_a_tls_listener_takes_tls(new_loop: NewLoop, certificate: tuple[Path, Path]) -> None:
    with (
        Upstream(answers(OK)) as upstream,
        wired(new_loop, upstream.url, tls=server_tls(*certificate)) as wire,
    ):
        assert wire.wire.url == f"https://127.0.0.1:{wire.port}"
        caller = secured(wire, certificate)
        for _ in range(3):
            caller.send(GET)
            assert caller.answer() == OK
        caller.close()
        wire.wait_until_gone()


def test_who_speaks_no_tls_to_a_tls_listener_is_let_go(
    new_loop: NewLoop, certificate: tuple[Path, Path]
) -> None:
    with (
        Upstream(answers(OK)) as upstream,
        wired(new_loop, upstream.url, tls=server_tls(*certificate)) as wire,
    ):
        caller = wire.connect()
        caller.send(GET)
        caller.rest()
        left_at_once = wire.connect()
        left_at_once.reset()
        caller = secured(wire, certificate)
        caller.send(GET)
        assert caller.answer() == OK
        assert upstream.talks == 1


def test_ends_are_passed_on_between_tls_and_tls(
    new_loop: NewLoop, certificate: tuple[Path, Path]
) -> None:
    big = ok(bytes(3_000_000), b"Connection: close")
    context = server_tls(*certificate)
    with (
        SecureUpstream(context, answers_once(big)) as upstream,
        wired(new_loop, upstream.url, ca_file=certificate[0], tls=server_tls(*certificate)) as wire,
    ):
        caller = secured(wire, certificate)
        caller.send(GET)
        data, _ = caller.rest()
        assert data == big
        caller.close()
        wire.wait_until_gone()


def test_a_client_that_leaves_a_tls_listener_leaves_the_upstream(
    new_loop: NewLoop, certificate: tuple[Path, Path]
) -> None:
    with (
        Upstream(stalls()) as upstream,
        wired(new_loop, upstream.url, tls=server_tls(*certificate)) as wire,
    ):
        caller = secured(wire, certificate)
        caller.send(GET)
        upstream.wait_for(requests=1)
        caller.close()
        upstream.wait_for(over=1)
        wire.wait_until_gone()


def test_a_reset_of_a_tls_upstream_is_a_reset(
    new_loop: NewLoop, certificate: tuple[Path, Path]
) -> None:
    go_on = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.wait(go_on)
        peer.reset()

    with (
        SecureUpstream(server_tls(*certificate), script) as upstream,
        wired(new_loop, upstream.url, ca_file=certificate[0]) as wire,
    ):
        caller = wire.connect()
        caller.send(GET)
        upstream.wait_for(requests=1)
        go_on.set()
        assert caller.rest() == (b"", "RST")


def test_an_unknown_authority_is_a_reset_and_says_why(
    new_loop: NewLoop, certificate: tuple[Path, Path]
) -> None:
    with (
        SecureUpstream(server_tls(*certificate), answers(OK)) as upstream,
        wired(new_loop, upstream.url) as wire,
    ):
        with pytest.raises(ConnectionResetError):
            wire.connect().read(1)
        assert wire.record().error == "upstream_tls_error"
        assert wire.wire.gate.state is State.OPEN


def test_the_authority_need_not_be_known_if_told_so(
    new_loop: NewLoop, certificate: tuple[Path, Path]
) -> None:
    with (
        SecureUpstream(server_tls(*certificate), answers(OK)) as upstream,
        wired(new_loop, upstream.url, verify=False) as wire,
    ):
        caller = wire.connect()
        caller.send(GET)
        assert caller.answer() == OK


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://a", "http://a:80"),
        ("https://a", "https://a:443"),
        ("HTTPS://a/", "https://a:443"),
        ("https://[::1]:8443", "https://[::1]:8443"),
        ("a:81", "http://a:81"),
    ],
)
def test_an_upstreams_url_is_read(url: str, origin: str) -> None:
    assert WireUpstream(url).url == origin


@pytest.mark.parametrize(
    "url", ["http://a/path", "https://a/p", "ftp://a", "http://", "https://a:x"]
)
def test_an_upstreams_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"expected|can be called|number"):
        WireUpstream(url)


def test_certificates_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.pem"
    with pytest.raises(ValueError, match="no certificates"):
        WireUpstream("https://a", ca_file=nothing)
    with pytest.raises(ValueError, match="no certificate and key"):
        server_tls(nothing, nothing)
