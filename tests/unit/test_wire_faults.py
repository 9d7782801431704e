"""Every fault is data: documented, bounded, read from JSON in our words or those of others."""

import inspect
import json
from collections import Counter
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultwire.wire.exchange import UpstreamLost
from faultwire.wire.faults import CATALOGUE, InvalidFault, Place, attributes_of, decode, describe
from faultwire.wire.faults.aliases import ALIASES
from faultwire.wire.faults.answer_content import Status
from faultwire.wire.faults.answer_malformed import Spoiler
from faultwire.wire.faults.attributes import HOUR_MS, attributes
from faultwire.wire.faults.base import Fault
from faultwire.wire.faults.distribution import Lognormal
from faultwire.wire.faults.reading import Chunks
from faultwire.wire.faults.waiting import Latency

FAMILIES = {
    "connection": 6,
    "waiting": 7,
    "answer": 17,
}
MEANT: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("EMPTY_RESPONSE", {}, "empty_response", {}),
    ("MALFORMED_RESPONSE_CHUNK", {}, "malformed_chunk", {}),
    ("RANDOM_DATA_THEN_CLOSE", {}, "garbage_then_close", {}),
    ("CONNECTION_RESET_BY_PEER", {}, "reset", {"after_bytes": 0}),
    ("fixed", {"milliseconds": 5}, "latency", {"delay_ms": 5}),
    ("uniform", {"lower": 15, "upper": 25}, "latency", {"lower_ms": 15, "upper_ms": 25}),
    ("lognormal", {"median": 90, "sigma": 0.1, "maxValue": 500}, "latency", {"max_ms": 500}),
    ("delayDistribution", {"type": "fixed", "milliseconds": 5}, "latency", {"delay_ms": 5}),
    (
        "chunkedDribbleDelay",
        {"numberOfChunks": 5, "totalDuration": 1000},
        "slow_body",
        {"steps": 5, "interval_ms": 200},
    ),
    ("latency", {"latency": 1000}, "latency", {"delay_ms": 1000}),
    ("latency", {"latency": 100, "jitter": 40}, "latency", {"lower_ms": 60, "upper_ms": 140}),
    ("bandwidth", {"rate": 8}, "bandwidth", {"bytes_per_s": 8000}),
    ("slow_close", {"delay": 500}, "slow_close", {"delay_ms": 500}),
    ("timeout", {"timeout": 500}, "hang", {"for_ms": 500, "how": "fin"}),
    ("timeout", {}, "hang", {"for_ms": HOUR_MS, "how": "fin"}),
    ("reset_peer", {}, "reset", {"after_bytes": 0}),
    ("reset_peer", {"timeout": 500}, "hang", {"for_ms": 500, "how": "rst"}),
    (
        "slicer",
        {"average_size": 10, "size_variation": 3, "delay": 1500},
        "slow_body",
        {"bytes_per_step": 10, "vary_bytes": 3, "interval_ms": 1.5},
    ),
    ("limit_data", {"bytes": 100}, "truncate", {"answer_bytes": 100}),
    ("down", {}, "refuse", {}),
]
UNMEANT = [
    ("EMPTY_RESPONSE", {"x": 1}, "EMPTY_RESPONSE takes no attributes, not x"),
    ("slicer", {"size": 1}, "slicer takes average_size, size_variation, delay, not size"),
    ("limit_data", {}, "limit_data needs bytes"),
    ("limit_data", {"bytes": "x"}, "bytes must be a number of 0 or more, not 'x'"),
    ("latency", {"latency": 10, "jitter": 11}, "jitter must not be above latency"),
    ("latency", {"latency": 10, "delay_ms": 11}, "latency takes latency, jitter, not delay_ms"),
    ("timeout", {"timeout": -1}, "timeout must be a number of 0 or more, not -1"),
    ("timeout", {"timeout": HOUR_MS + 1}, "for_ms must be a number from 0 to 3,600,000 ms"),
    ("chunkedDribbleDelay", {"numberOfChunks": 0, "totalDuration": 9}, "steps must be a whole"),
    ("delayDistribution", {"type": "gamma"}, "delayDistribution needs a type: fixed, uniform or"),
    ("lognormal", {"median": 9, "sigma": 1, "maxValue": 5}, "latency: max_ms must not be below"),
]


@pytest.fixture(params=list(CATALOGUE.values()), ids=list(CATALOGUE))
def fault(request: pytest.FixtureRequest) -> type[Fault]:
    """Each fault in turn."""
    kind: type[Fault] = request.param
    return kind


def test_the_catalogue_is_complete() -> None:
    assert Counter(described.family for described in describe()) == FAMILIES


def test_every_fault_says_what_the_caller_sees_and_where_it_happens(fault: type[Fault]) -> None:
    doc = inspect.getdoc(fault) or ""
    assert "\nThe caller sees: " in doc
    assert "\nIn real life: " in doc


def test_every_attribute_has_a_meaning_and_bounds(fault: type[Fault]) -> None:
    for attribute in attributes(fault).values():
        assert attribute.description
        bounded = attribute.choices or attribute.most is not None
        assert bounded, attribute.name
        assert attribute.type != "number" or attribute.least is not None


def test_every_number_is_refused_just_outside_its_bounds(fault: type[Fault]) -> None:
    for attribute in attributes(fault).values():
        if attribute.type in ("integer", "number"):
            assert attribute.least is not None
            assert attribute.most is not None
            for value in (attribute.least - 1, attribute.most + 1):
                with pytest.raises(InvalidFault, match=f"^{attribute.name} must be "):
                    decode({"name": fault().name, attribute.name: value})


def test_a_fault_with_its_defaults_can_be_read_again(fault: type[Fault]) -> None:
    made = fault()
    assert decode({"name": made.name, **attributes_of(made)}) == made


def test_the_catalogue_can_be_sent_as_json() -> None:
    sent = json.loads(msgspec.json.encode(describe()))
    assert [entry["name"] for entry in sent] == list(CATALOGUE)
    (latency,) = (entry for entry in sent if entry["name"] == "latency")
    assert latency["attributes"][0] == {
        "name": "delay_ms",
        "type": "number",
        "description": "the same delay each time",
        "unit": "ms",
        "least": 0,
        "most": HOUR_MS,
    }


def test_only_states_of_the_listener_and_faults_of_accepting_are_not_played() -> None:
    unplayed = {fault for fault in CATALOGUE.values() if fault.play is Fault.play}
    assert unplayed == {f for f in CATALOGUE.values() if f.PLACE is not Place.REQUEST}


def chance(seed: int) -> Random:
    return Random(seed)  # noqa: S311  repeatable on purpose


# Combinations of attributes


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("latency", {"delay_ms": 1, "lower_ms": 2}, "latency takes delay_ms, or lower_ms and"),
        ("latency", {"p50_ms": 1, "p90_ms": 2}, "latency takes delay_ms, or lower_ms and upper"),
        ("latency", {"max_ms": 1}, "latency takes delay_ms, or lower_ms and upper_ms"),
        ("latency", {"lower_ms": 2, "upper_ms": 1}, "latency: lower_ms, upper_ms must not fall"),
        ("latency", {"delays": "10:90"}, "delays must be times up to 1h and weights"),
        ("latency", {"delays": "2h"}, "delays must be times up to 1h and weights"),
        ("slow_body", {"vary_bytes": 1}, "slow_body: vary_bytes must be below bytes_per_step"),
        ("truncate", {"at_bytes": 1, "short_by_bytes": 1}, "truncate takes one of short_by"),
        ("status", {"code": 404, "codes": "503"}, "status takes code or codes, not both"),
        ("status", {"codes": "404:10,99:1"}, "codes must be statuses from 200 to 599"),
    ],
)
def test_attributes_that_exclude_each_other_are_refused(
    name: str, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidFault) as refused:
        decode({"name": name, **given})
    assert str(refused.value).startswith(sentence)


def test_a_lognormal_delay_is_truncated_at_an_hour_if_nothing_is_said() -> None:
    assert Latency(median_ms=90, sigma=0.5).distribution == Lognormal(90, 0.5, HOUR_MS)


def test_a_status_in_a_sequence_keeps_the_other_attributes() -> None:
    status = Status(codes="404:1", retry_after_s=7)
    assert status.in_sequence("503") == Status(code=503, retry_after_s=7)
    assert status.in_sequence("fault") is status
    assert status.in_sequence("204") is None


# The words of others


@pytest.mark.parametrize(("name", "given", "ours", "expected"), MEANT)
def test_a_foreign_name_means_a_fault_of_ours(
    name: str, given: dict[str, Any], ours: str, expected: dict[str, Any]
) -> None:
    made = decode({"name": name, **given})
    assert made.name == ours
    assert attributes_of(made).items() >= expected.items()


@pytest.mark.parametrize(("name", "given", "sentence"), UNMEANT)
def test_foreign_attributes_are_held_to_our_bounds(
    name: str, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidFault) as refused:
        decode({"name": name, **given})
    assert str(refused.value).startswith(sentence)


def test_every_alias_is_tried_here() -> None:
    assert set(ALIASES) == {name for name, *_ in MEANT} - {"delayDistribution"}


# What faults are made of


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=6),
    st.lists(st.integers(1, 30), min_size=1),
    st.booleans(),
)
def test_chunks_are_unframed_whatever_the_pieces(
    parts: list[bytes], sizes: list[int], trailer: bool
) -> None:
    framed = b"".join(b"%X;ext=1\r\n%b\r\n" % (len(part), part) for part in parts)
    framed += b"0\r\n" + b"A: b\r\n" * trailer + b"\r\n"
    chunks = Chunks()
    found = b""
    while framed:
        size = sizes[len(framed) % len(sizes)]
        found += chunks.feed(framed[:size])
        framed = framed[size:]
    assert found == b"".join(parts)


def test_what_is_no_chunk_counts_as_lost() -> None:
    with pytest.raises(UpstreamLost):
        Chunks().feed(b"no size\r\n")


@given(
    st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=5),
    st.floats(0, 1),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_spoiling_keeps_the_length_and_hits_at_least_one_byte(
    pieces: list[bytes], share: float, whole: bool, seed: int
) -> None:
    spoil = Spoiler(chance(seed), share, whole=whole)
    spoiled = [spoil(piece) for piece in pieces]
    assert [len(piece) for piece in spoiled] == [len(piece) for piece in pieces]
    assert spoiled[0] != pieces[0]
    again = Spoiler(chance(seed), share, whole=whole)
    assert [again(piece) for piece in pieces] == spoiled


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.999])
def test_the_share_of_spoiled_bytes_is_the_one_asked_for(share: float) -> None:
    count = 100_000
    spoil = Spoiler(chance(3), share, whole=False)
    spoiled = b"".join(spoil(bytes(1000)) for _ in range(count // 1000))
    hit = count - spoiled.count(0)
    assert abs(hit - count * share) < 4 * (count * share * (1 - share)) ** 0.5 + 1
    assert {byte.bit_count() for byte in spoiled} <= {0, 1}


def test_a_share_of_all_spoils_every_byte() -> None:
    assert 0 not in Spoiler(chance(1), 1, whole=True)(bytes(500))
