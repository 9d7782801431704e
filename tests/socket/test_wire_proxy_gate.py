"""The wire's port is there when the upstream is: refusal is refusal, silence is silence."""

import asyncio
import errno
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from faultwire.http import address
from faultwire.http.sockets import CannotListen
from faultwire.wire import upstream
from faultwire.wire.gate import State, watch
from faultwire.wire.plan.breaks import read_break
from tests.ports import unused_port
from tests.socket.serving import NewLoop
from tests.socket.upstreams import FullBacklog, Peer, answers, answers_once, ok
from tests.socket.wires import GET, Caller, Upstream, Wired, wired

OK = ok()


class Restartable:
    """An upstream that can die and come back on its port."""

    def __init__(self) -> None:
        self.port = unused_port()
        self.url = f"http://127.0.0.1:{self.port}"

    @contextmanager
    def up(self) -> Iterator[Upstream]:
        with Upstream(answers(OK), port=self.port) as far_end:
            yield far_end


def refused(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


def test_an_upstream_that_refuses_makes_the_wire_refuse_until_it_is_back(
    new_loop: NewLoop,
) -> None:
    far = Restartable()
    with wired(new_loop, far.url, idle_s=60) as wire:
        assert wire.wire.gate.state is State.REFUSING
        assert refused(wire.port)
        for _ in range(3):
            with far.up():
                wire.until(State.OPEN)
                caller = wire.connect()
                caller.send(GET)
                assert caller.answer() == OK
            # The upstream is gone, and so is its connection: seen at once.
            wire.until(State.REFUSING)
            assert refused(wire.port)


def test_an_idle_wire_notices_that_the_upstream_is_gone(new_loop: NewLoop) -> None:
    far = Restartable()
    with wired(new_loop, far.url, idle_s=0.05) as wire:
        with far.up():
            wire.until(State.OPEN)
        wire.until(State.REFUSING)
        assert refused(wire.port)


def test_a_caller_who_comes_before_the_wire_notices_is_reset_and_the_next_refused(
    new_loop: NewLoop,
) -> None:
    far = Restartable()
    with wired(new_loop, far.url, idle_s=60) as wire:
        with far.up() as far_end:
            wire.until(State.OPEN)
            far_end.wait_for(connections=1)  # the look
        with pytest.raises(ConnectionResetError):
            wire.connect().read(1)
        wire.until(State.REFUSING)
        assert refused(wire.port)
        assert wire.record().error == "upstream_refused"


def test_a_name_that_does_not_resolve_any_more_is_told_as_such_and_refused(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Upstream(answers(OK)) as far:
        there = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", far.port))
        found: list[object] = [[there]]
        monkeypatch.setattr(address, "_getaddrinfo", lambda _: found[0])
        with wired(new_loop, f"http://name:{far.port}", idle_s=60) as wire:
            wire.until(State.OPEN)
            found[0] = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            with pytest.raises(ConnectionResetError):
                wire.connect().read(1)
            wire.until(State.REFUSING)
            assert refused(wire.port)
            assert wire.record().error == "upstream_dns_error"


def test_the_death_of_a_busy_upstream_is_noticed_within_milliseconds(new_loop: NewLoop) -> None:
    far = Restartable()
    with wired(new_loop, far.url, idle_s=60) as wire:
        with far.up():
            wire.until(State.OPEN)
            callers = [wire.connect() for _ in range(8)]
            for caller in callers:
                caller.send(GET)
                caller.answer()
            began = time.monotonic()
        for caller in callers:
            assert caller.rest()[1] in ("FIN", "RST")
        wire.until(State.REFUSING)
        assert time.monotonic() - began < 10  # far less, were this machine ours alone


def test_connections_that_were_open_live_on_while_new_ones_are_refused(new_loop: NewLoop) -> None:
    with Upstream(answers(OK)) as far_end, wired(new_loop, far_end.url, idle_s=0.05) as wire:
        caller = wire.connect()
        caller.send(GET)
        assert caller.answer() == OK
        far_end.stop_listening()
        wire.until(State.REFUSING)
        caller.send(GET)
        assert caller.answer() == OK


def test_looks_do_not_pile_up_before_a_server_that_is_busy(new_loop: NewLoop) -> None:
    """The kernel of a stopped server accepts five connections; ours must not be all of them."""
    with socket.create_server(("127.0.0.1", 0), backlog=5) as far:
        port = far.getsockname()[1]
        with wired(new_loop, f"http://127.0.0.1:{port}", idle_s=0.01) as wire:
            wire.until(State.OPEN)
            with pytest.raises(TimeoutError):
                wire.run(_nothing_for(0.3))
            taken = []
            far.setblocking(False)
            while select.select([far], [], [], 0)[0]:
                taken.append(far.accept()[0])
            assert len(taken) == 1
            for sock in taken:
                assert sock.recv(1) == b""
                sock.close()
            # Answered: the next look comes.
            assert select.select([far], [], [], 20)[0]


async def _nothing_for(seconds: float) -> None:
    async with asyncio.timeout(seconds):
        await asyncio.Event().wait()


def test_a_server_that_resets_what_is_idle_is_not_looked_at_more_often(new_loop: NewLoop) -> None:
    def script(peer: Peer) -> None:
        peer.reset()

    with (
        Upstream(script, silent_talks=True) as far_end,
        wired(new_loop, far_end.url, idle_s=60) as wire,
    ):
        far_end.wait_for(over=1)
        with pytest.raises(TimeoutError):
            wire.run(_nothing_for(0.2))
        assert far_end.connections == 1
        assert wire.wire.gate.state is State.OPEN


def test_a_server_that_closes_as_announced_is_not_looked_at_more_often(new_loop: NewLoop) -> None:
    closing = ok(b"x", b"Connection: close")
    with (
        Upstream(answers_once(closing)) as far_end,
        wired(new_loop, far_end.url, idle_s=60) as wire,
    ):
        for _ in range(20):
            assert wire.ask(GET)[0] == closing
        assert far_end.talks == 20
        assert far_end.connections == 21


def test_the_port_is_kept_while_the_wire_refuses(new_loop: NewLoop) -> None:
    with wired(new_loop, Restartable().url) as wire:
        assert refused(wire.port)
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", wire.port))


def test_a_port_that_was_taken_meanwhile_is_said_and_taken_back(new_loop: NewLoop) -> None:
    far = Restartable()
    log = Notes()
    with wired(new_loop, far.url, log=log) as wire:
        thief = socket.socket()
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", wire.port))
        thief.listen()
        with far.up():
            wire.wait_until(lambda: bool(log.lines))
            assert log.lines[0]["event"] == "cannot_listen"
            assert log.lines[0]["port"] == wire.port
            thief.close()
            wire.until(State.OPEN)
            assert wire.ask(GET) == (OK, "FIN")
        assert [line["event"] for line in log.lines] == ["cannot_listen"]


class Notes:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def note(self, level: str, **fields: object) -> None:
        self.lines.append({"level": level, **fields})


def test_a_port_that_is_taken_is_refused_with_a_reason(new_loop: NewLoop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(CannotListen, match=f"port {port} .* is taken"),
            wired(new_loop, "http://127.0.0.1:1", port=port),
        ):
            pass


def test_a_silent_upstream_is_not_refused_and_whoever_leaves_is_forgotten(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_SILENCE_S", 0.05)
    with FullBacklog() as far, wired(new_loop, far.url) as wire:
        assert wire.wire.gate.state is State.OPEN
        for _ in range(5):
            caller = wire.connect()
            caller.send(GET)
            wire.wait_until(lambda: wire.wire.connections == 1)
            caller.reset()
            wire.wait_until_gone()


def test_dialling_has_an_end(new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_SILENCE_S", 0.05)
    monkeypatch.setattr(upstream, "DIAL_S", 0.2)
    with FullBacklog() as far, wired(new_loop, far.url) as wire:
        caller = wire.connect()
        caller.send(GET)
        assert caller.rest() == (b"", "RST")
        assert wire.record().error == "upstream_connect_timeout"
        assert wire.wire.gate.state is State.OPEN
        wire.wait_until_gone()


def test_a_wire_without_descriptors_serves_again_when_it_has_some(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Upstream(answers(OK)) as far_end, wired(new_loop, far_end.url) as wire:
        used_up = threading.Event()
        acceptor = wire.wire.gate._acceptor
        assert acceptor is not None

        class UsedUp:
            """A listening socket in a process that can open nothing more."""

            def __init__(self, sock: socket.socket) -> None:
                self._sock = sock

            def fileno(self) -> int:
                return self._sock.fileno()

            def accept(self) -> None:
                used_up.set()
                raise OSError(errno.EMFILE, "Too many open files")

        listening = acceptor._sock
        monkeypatch.setattr(acceptor, "_sock", UsedUp(listening))
        caller = wire.connect()
        caller.send(GET)
        assert used_up.wait(20)
        monkeypatch.setattr(acceptor, "_sock", listening)
        assert caller.answer() == OK


# The listener's faults.


@pytest.fixture
def wire(new_loop: NewLoop) -> Iterator[Wired]:
    with Upstream(answers(OK)) as far_end, wired(new_loop, far_end.url) as wire:
        yield wire


def test_refuse_refuses_new_connections_and_leaves_the_others_alone(wire: Wired) -> None:
    caller = wire.connect()
    caller.send(GET)
    assert caller.answer() == OK
    wire.breaks("refuse")
    assert refused(wire.port)
    caller.send(GET)
    assert caller.answer() == OK
    wire.mend()
    wire.until(State.OPEN)
    assert wire.ask(GET) == (OK, "FIN")


def test_a_blackholed_connect_never_completes(wire: Wired) -> None:
    wire.breaks("blackhole")
    socks = []
    for _ in range(5):
        sock = socket.socket()
        socks.append(sock)
        sock.setblocking(False)
        assert sock.connect_ex(("127.0.0.1", wire.port)) == errno.EINPROGRESS
    assert select.select([], socks, socks, 1.5) == ([], [], [])
    wire.mend()
    wire.until(State.OPEN)
    assert wire.ask(GET) == (OK, "FIN")
    # The others get through with the next SYN that their kernel sends.
    left = set(socks)
    while left:
        done = select.select([], list(left), [], 20)[1]
        assert done
        left -= set(done)
    for sock in socks:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        sock.close()


def test_a_blackhole_leaves_open_connections_alone_and_no_trace(wire: Wired) -> None:
    caller = wire.connect()
    caller.send(GET)
    assert caller.answer() == OK
    for _ in range(3):
        wire.breaks("blackhole")
        caller.send(GET)
        assert caller.answer() == OK
        wire.breaks("refuse", name="blackhole")
        assert refused(wire.port)
        wire.mend()
        wire.until(State.OPEN)
    assert wire.wire.connections == 1
    assert [record.connection for record in wire.records(4)] == [1, 1, 1, 1]


def test_a_mended_listener_stays_shut_while_the_upstream_refuses(new_loop: NewLoop) -> None:
    far = Restartable()
    with wired(new_loop, far.url) as wire:
        for fault in ("refuse", "blackhole"):
            wire.breaks(fault)
            wire.mend()
            assert wire.wire.gate.state is State.REFUSING
        with far.up():
            wire.until(State.OPEN)
            assert wire.ask(GET) == (OK, "FIN")


def test_changes_faster_than_the_gate_end_in_the_last_one(wire: Wired) -> None:
    def flap() -> None:
        for _ in range(10):
            wire.wire.plan.add(refuse)
            wire.wire.plan.reset()

    refuse = read_break({"fault": "refuse"})
    wire.call(flap)
    wire.until(State.OPEN)
    assert wire.ask(GET) == (OK, "FIN")


def test_an_ipv6_upstream_is_reached(new_loop: NewLoop) -> None:
    with Upstream(answers(OK), host="::1") as far_end, wired(new_loop, far_end.url) as wire:
        assert wire.ask(GET) == (OK, "FIN")


def test_an_upstream_is_found_by_name(new_loop: NewLoop) -> None:
    with (
        Upstream(answers(OK)) as far_end,
        wired(new_loop, f"http://localhost:{far_end.port}") as wire,
    ):
        assert wire.ask(GET) == (OK, "FIN")


def test_a_name_that_does_not_resolve_makes_the_wire_refuse(new_loop: NewLoop) -> None:
    with wired(new_loop, "http://no.such.host.invalid:80") as wire:
        assert refused(wire.port)


def test_the_wire_can_listen_on_every_address(new_loop: NewLoop) -> None:
    with Upstream(answers(OK)) as far_end, wired(new_loop, far_end.url, host="::") as wire:
        wire.breaks("blackhole")
        wire.mend()
        wire.until(State.OPEN)
        caller = Caller(socket.create_connection(("::1", wire.port)))
        caller.send(GET)
        assert caller.answer() == OK
        caller.close()
