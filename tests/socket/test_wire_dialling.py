"""While the upstream is dialled, anything may end: the client, the wire, the upstream."""

import asyncio
import socket
from contextlib import suppress

import pytest

from faultwire.wire.gate import watch
from faultwire.wire.link import Link
from faultwire.wire.link.ends import End
from tests.socket.serving import NewLoop
from tests.socket.upstreams import FullBacklog, answers, ok
from tests.socket.wires import GET, Upstream, Wired, wired

CLIENTS = 6


async def closed_after(wire: Wired, rounds: int) -> None:
    """Close the wire so many rounds of its loop after all clients have come."""
    for _ in iter(lambda: wire.wire.connections < CLIENTS, False):
        await asyncio.sleep(0)
    for _ in range(rounds):
        await asyncio.sleep(0)
    await wire.wire.close()


@pytest.mark.parametrize("rounds", range(8))
def test_a_wire_closes_at_any_moment_of_its_dialling(new_loop: NewLoop, rounds: int) -> None:
    with Upstream(answers(ok(b"{}"))) as upstream, wired(new_loop, upstream.url) as wire:
        closing = wire.start(closed_after(wire, rounds))
        for number in range(CLIENTS):
            with suppress(ConnectionError):  # it may have closed meanwhile
                caller = wire.connect()
                if number % 2:
                    caller.send(GET)
        closing.result(20)
        assert wire.wire.connections == 0
        assert wire.wire.ledger.connections_open == 0


def test_a_wire_closes_while_the_upstream_is_silent(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_SILENCE_S", 0.05)
    with FullBacklog() as far, wired(new_loop, far.url) as wire:
        closing = wire.start(closed_after(wire, 3))
        callers = []
        for _ in range(CLIENTS):
            with suppress(ConnectionResetError):  # the last may be reset while it connects
                callers.append(wire.connect())
        closing.result(20)
        assert {caller.rest()[1] for caller in callers} == {"RST"}
        assert len(callers) >= CLIENTS - 1
        assert wire.wire.ledger.connections_open == 0


def test_a_link_that_is_cut_the_moment_its_upstream_has_answered_is_over(
    new_loop: NewLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Link.made

    def cut(link: Link, end: End) -> None:
        made(link, end)
        if end is link.upstream:
            link.abort()

    monkeypatch.setattr(Link, "made", cut)
    with Upstream(answers(ok(b"{}"))) as upstream, wired(new_loop, upstream.url) as wire:
        for _ in range(CLIENTS):
            with suppress(ConnectionResetError):  # it may come while we connect
                assert wire.connect().rest() == (b"", "RST")
            wire.wait_until_gone()


def nodelay(end: End) -> int:
    sock = end._transport.get_extra_info("socket")
    option: int = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    return option


def test_neither_end_waits_to_send_what_is_small(new_loop: NewLoop) -> None:
    with Upstream(answers(ok(b"{}"))) as upstream, wired(new_loop, upstream.url) as wire:
        caller = wire.connect()
        caller.send(GET)
        caller.answer()
        (link,) = wire.wire._links
        assert wire.call(lambda: (nodelay(link.client), nodelay(link.upstream))) == (1, 1)
