"""Faults that send a lot take turns with everybody else, and stop when nobody reads any more."""

import pytest

from tests.socket.serving import NewLoop
from tests.socket.upstreams import answers, ok
from tests.socket.wires import GET, Upstream, wired

MIB = 1024 * 1024


@pytest.mark.parametrize("fault", ["huge_headers", "huge_body"])
def test_who_leaves_a_huge_answer_is_not_written_to_for_long(
    new_loop: NewLoop, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """asyncio warns of whoever writes on and on to a connection that is gone."""
    with Upstream(answers(ok())) as upstream, wired(new_loop, upstream.url) as wire:
        wire.breaks(fault, size_bytes=64 * MIB)
        for _ in range(20):
            caller = wire.connect()
            caller.send(GET)
            assert len(caller.read(MIB)) == MIB
            caller.reset()
        wire.wait_until_gone()
    assert not caplog.records
