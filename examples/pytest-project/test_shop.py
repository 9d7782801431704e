"""Beside faultwire: pip install pytest requests pytest-asyncio aiohttp; then pytest.

The fixtures come with faultwire; aiohttp is what test_scenarios.py examines.
"""

import asyncio

import pytest
from elsewhere import FixedAnswer
from shop import Label, label


def test_a_label_is_what_the_service_echoes(wire):
    assert label(wire.url, "50 % off & more") == Label("50 % off & more")
    assert wire.ledger[0].path == "/echo"


@pytest.mark.parametrize(
    "fault", ["reset", "truncate", "empty_response", "malformed", "invalid_json", "status"]
)
def test_a_broken_service_is_unavailable(wire, fault):
    with wire.breaking(fault):
        assert label(wire.url, "a").problem == "unavailable"
    assert label(wire.url, "a") == Label("a")
    assert [record.faults for record in wire.ledger] == [[fault], []]


def test_a_service_that_hangs_is_too_slow(wire):
    with wire.breaking("hang"):
        assert label(wire.url, "a").problem == "too slow"


def test_a_service_that_is_down_is_unavailable_until_it_returns(service_a):
    service_a.stop()
    assert label(service_a.url, "a").problem == "unavailable"
    service_a.start()
    assert label(service_a.url, "a") == Label("a")


@pytest.mark.asyncio
async def test_it_works_in_asynchronous_tests_too(wire):
    with wire.breaking("latency", delay_ms="50ms"):
        said = await asyncio.to_thread(label, wire.url, "a")
    assert said == Label("a")
    assert wire.ledger[0].faults == ["latency"]


class TestAnotherUpstream:
    @pytest.fixture
    def wire_upstream(self):
        with FixedAnswer(b'{"echo": "from elsewhere"}') as upstream:
            yield upstream.url

    def test_the_wire_stands_in_front_of_whatever_the_fixture_names(self, wire):
        assert label(wire.url, "a") == Label("from elsewhere")
