"""A link that is over is freed at once: nothing of it waits for the garbage collector."""

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.socket.serving import NewLoop
from tests.socket.upstreams import Peer, answers, ok, resets
from tests.socket.wires import GET, Upstream, Wired, wired

CONNECTIONS = 24


@contextmanager
def uncollected() -> Iterator[Counter[str]]:
    """Counts what of ours only the collector can free, of all that ends meanwhile."""
    found: Counter[str] = Counter()
    gc.collect()
    enabled, flags = gc.isenabled(), gc.get_debug()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield found
        gc.collect()
        ours = (type(one) for one in gc.garbage)
        found.update(one.__name__ for one in ours if one.__module__.startswith("faultwire.wire"))
    finally:
        gc.set_debug(flags)
        gc.garbage.clear()
        if enabled:
            gc.enable()


def visit(wire: Wired, number: int) -> None:
    """Come, ask, listen or not, and leave by a FIN or an RST."""
    caller = wire.connect()
    if number % 4:
        caller.send(GET)
    if number % 3 == 0 and number % 4:
        caller.head()
    (caller.reset if number % 2 else caller.close)()


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"fault": "latency", "delay_ms": 1},
        {"fault": "status", "rate": 0.5, "phase": "before"},
        {"fault": "reset"},
        {"fault": "slow_body", "rate": 0.5},
        {"fault": "reset_on_accept"},
        {"fault": "slow_accept", "delay_ms": 5},
    ],
    ids=lambda fault: fault.get("fault", "none"),
)
def test_connections_leave_nothing_for_the_garbage_collector(
    new_loop: NewLoop, fault: dict[str, object]
) -> None:
    with Upstream(answers(ok(b"{}"))) as upstream, wired(new_loop, upstream.url) as wire:
        if fault:
            wire.breaks(**fault)  # type: ignore[arg-type]
        with uncollected() as found:
            for number in range(CONNECTIONS):
                with suppress(ConnectionError, AssertionError):  # a fault had its way
                    visit(wire, number)
            wire.wait_until_gone()
            wire.run(_rounds())
        assert not found


def test_who_leaves_while_a_fault_holds_the_answer_leaves_nothing(new_loop: NewLoop) -> None:
    with Upstream(answers(ok(b"{}"))) as upstream, wired(new_loop, upstream.url) as wire:
        wire.breaks("hang")
        with uncollected() as found:
            for number in range(CONNECTIONS):
                caller = wire.connect()
                caller.send(GET)
                if number % 2:
                    wire.wait_until(lambda: bool(wire.open_records()))
                caller.reset()
            wire.wait_until_gone()
            wire.run(_rounds())
        assert not found


def test_who_leaves_before_its_second_request_could_be_broken_leaves_nothing(
    new_loop: NewLoop,
) -> None:
    def silent(peer: Peer) -> None:
        peer.wait_until_gone()

    with Upstream(silent) as upstream, wired(new_loop, upstream.url) as wire:
        wire.breaks("status", match={"path": "/broken"})
        with uncollected() as found:
            for _ in range(CONNECTIONS):
                caller = wire.connect()
                caller.send(GET + b"GET /broken HTTP/1.1\r\n\r\n")
                wire.wait_until(lambda: len(wire.open_records()) == 2)
                caller.reset()
                wire.wait_until_gone()
            wire.run(_rounds())
        assert not found
        assert {record.fault for record in wire.records(2 * CONNECTIONS)} == {""}


def test_an_upstream_that_resets_leaves_nothing(new_loop: NewLoop) -> None:
    with Upstream(resets()) as upstream, wired(new_loop, upstream.url) as wire:
        with uncollected() as found:
            for _ in range(CONNECTIONS):
                caller = wire.connect()
                caller.send(GET)
                assert caller.rest() == (b"", "RST")
            wire.wait_until_gone()
            wire.run(_rounds())
        assert not found


async def _rounds() -> None:
    """Let what was put off to the loop's next rounds come to pass."""
    for _ in range(5):
        await asyncio.sleep(0)
