"""What the wire's log says of an upstream that refuses."""

import pytest

from faultwire.wire.gate.telling import Telling
from tests.unit.virtual_time import VirtualTime

URL = "http://127.0.0.1:9000"
REFUSES = {"level": "WARNING", "event": "upstream_refuses", "to": URL, "wire": "refuses, too"}
BACK = {"level": "INFO", "event": "upstream_back", "to": URL}


class Told(list[dict[str, object]]):
    """A log in memory."""

    def note(self, level: str, **fields: object) -> None:
        self.append({"level": level, **fields})


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def telling(time: VirtualTime, told: Told) -> Telling:
    return Telling(told, URL, time.loop)


def test_an_upstream_that_keeps_refusing_is_told_of_once_and_so_is_its_return(
    telling: Telling, time: VirtualTime, told: Told
) -> None:
    for _ in range(3):
        telling.upstream_is(up=False)
        time.advance(0.9)
    assert told == [REFUSES]
    telling.upstream_is(up=True)
    telling.upstream_is(up=True)
    assert told == [REFUSES, BACK]
    telling.upstream_is(up=False)
    time.advance(1)
    assert told == [REFUSES, BACK, REFUSES]


def test_one_that_is_only_restarted_is_not_told_of(
    telling: Telling, time: VirtualTime, told: Told
) -> None:
    telling.upstream_is(up=False)
    time.advance(0.9)
    telling.upstream_is(up=True)
    time.advance(60)
    assert told == []


def test_a_wire_that_has_ended_tells_no_more(
    telling: Telling, time: VirtualTime, told: Told
) -> None:
    telling.upstream_is(up=False)
    telling.close()
    time.advance(60)
    assert told == []
