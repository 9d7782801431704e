"""A break is read from JSON, refused with one plain sentence, and shown as it can be sent again."""

import json
from typing import Any

import pytest

from faultwire.wire.faults import CATALOGUE, InvalidFault
from faultwire.wire.faults.answer_content import Status
from faultwire.wire.faults.waiting import Latency
from faultwire.wire.plan.breaks import read_break

GOOD: list[dict[str, Any]] = [
    {
        "fault": "latency",
        "delay_ms": "2s",
        "rate": 0.3,
        "match": {"path": "/echo", "header:x-test": "1"},
        "first": 5,
        "seed": 7,
        "for": "30s",
    },
    {"fault": "latency", "attributes": {"delay_ms": 5}, "key": "query:msg", "ramp": "0-0.5/60s"},
    {"fault": "status", "sequence": [503, "503", 200, "*"], "phase": "before", "name": "flaky.1"},
    {"fault": "refuse", "window": "5s/60s", "rate": 1, "phase": "before"},
    {"fault": "slow_accept", "delay_ms": 10, "every": 3, "rate": "0.5"},
    {"fault": "corrupt", "share": 0.5, "how": None, "match": None, "seed": None, "rate": None},
]
BAD = [
    ([], "A break is an object with a fault, one of refuse, blackhole, "),
    ({}, "A break is an object with a fault, one of refuse, blackhole, "),
    ({"fault": 5}, "A break is an object with a fault, one of "),
    ({"fault": "latncy"}, "There is no fault 'latncy'; did you mean latency?"),
    ({"fault": "qqqqq"}, "There is no fault 'qqqqq'; there are refuse, blackhole, "),
    ({"fault": "latency", "dely_ms": 1}, "latency has no attribute 'dely_ms'; did you mean delay_"),
    ({"fault": "latency", "rte": 1}, "latency has no attribute 'rte'; did you mean rate?"),
    ({"fault": "refuse", "qqqqq": 1}, "refuse has no attribute 'qqqqq'; it has none"),
    ({"fault": "hang", "qqqqq": 1}, "hang has no attribute 'qqqqq'; there are for_ms, how"),
    (
        {"fault": "latency", "delay_ms": -1},
        "delay_ms must be a number from 0 to 3,600,000 ms, or a text such as 250ms, not -1",
    ),
    ({"fault": "latency", "delay_ms": "61m"}, "delay_ms must be a number from 0 to 3,600,000 ms"),
    ({"fault": "latency", "delay_ms": "9"}, "delay_ms must be a number from 0 to 3,600,000 ms"),
    ({"fault": "latency", "delay_ms": True}, "delay_ms must be a number from 0 to 3,600,000 ms"),
    (
        {"fault": "bandwidth", "bytes_per_s": 0},
        "bytes_per_s must be a whole number from 1 to 1,073,741,824 bytes/s, not 0",
    ),
    ({"fault": "status", "code": 199}, "code must be a whole number from 200 to 599, not 199"),
    ({"fault": "hang", "how": "off"}, "how must be fin or rst, not 'off'"),
    (
        {"fault": "redirect", "to": "/\r\nSet-Cookie: a=b"},
        r"to must be a text of up to 2,000 visible ASCII characters, not '/\r\nSet-Cookie: a=b'",
    ),
    ({"fault": "status", "code": 1, "attributes": {"code": 2}}, "code is given twice"),
    ({"fault": "status", "attributes": [1]}, "attributes must be an object, not [1]"),
    ({"fault": "status", "name": "a b"}, "name must be up to 100 letters, digits"),
    ({"fault": "status", "name": ""}, "name must be up to 100 letters, digits"),
    ({"fault": "status", "rate": 1.01}, "rate must be a number from 0 to 1, not 1.01"),
    ({"fault": "status", "rate": "often"}, "rate must be a number from 0 to 1, not 'often'"),
    ({"fault": "status", "rate": float("nan")}, "rate must be a number from 0 to 1, not nan"),
    ({"fault": "status", "seed": -1}, "seed must be a whole number from 0 to 9007199254740991"),
    ({"fault": "status", "seed": 2**53}, "seed must be a whole number from 0 to 900719925474099"),
    ({"fault": "status", "first": 1, "every": 2}, "first and every exclude each other"),
    ({"fault": "status", "for": "30s", "for_s": 30}, "for and for_s exclude each other"),
    ({"fault": "status", "for": "25h"}, "for must be a time such as 30s, up to 24h, not '25h'"),
    ({"fault": "status", "for_s": 0}, "for must be a time such as 30s, up to 24h, not 0"),
    ({"fault": "status", "for": []}, "for must be a time such as 30s, up to 24h, not []"),
    ({"fault": "status", "phase": "late"}, "phase of status must be after or before, not 'late'"),
    ({"fault": "refuse", "phase": "after"}, "phase of refuse must be before, not 'after'"),
    ({"fault": "status", "key": "host"}, "key knows method, path, query:NAME and header:NAME"),
    ({"fault": "status", "sequence": "503,999"}, "sequence: 999 is no status from 200 to 599"),
    ({"fault": "status", "sequence": "٥٠٣"}, "sequence: '٥٠٣' is neither 'fault' nor 'ok'"),
    ({"fault": "status", "sequence": "503,no"}, "sequence: 'no' is neither 'fault' nor 'ok'"),
    ({"fault": "reset", "sequence": "503"}, "sequence: '503' is neither 'fault' nor 'ok'"),
    ({"fault": "refuse", "rate": 0.5}, "refuse is a state of the whole wire: its rate must be 1"),
    (
        {"fault": "blackhole", "first": 1},
        "blackhole is a state of the whole wire: its schedule can only be a window",
    ),
    (
        {"fault": "refuse", "match": {"path": "/"}},
        "refuse acts on connections: it takes no match and no key",
    ),
    (
        {"fault": "slow_accept", "key": "path"},
        "slow_accept acts on connections: it takes no match and no key",
    ),
]


@pytest.mark.parametrize("data", GOOD)
def test_what_is_shown_can_be_sent_again(data: dict[str, Any]) -> None:
    shown = read_break(data).shown()
    assert read_break(json.loads(json.dumps(shown))).shown() == shown


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_fault_needs_no_more_than_its_name(name: str) -> None:
    made = read_break({"fault": name, "seed": 3})
    assert (made.name, made.fault.name, made.rate, made.for_s, made.phase) == (
        name,
        name,
        1,
        3600,
        made.fault.PHASES[0],
    )
    assert read_break(made.shown()).shown() == made.shown()


def test_a_break_is_read_whole() -> None:
    made = read_break(GOOD[0])
    assert made.fault == Latency(delay_ms=2000)
    assert made.shown() == {
        "fault": "latency",
        "name": "latency",
        "delay_ms": 2000,
        "rate": 0.3,
        "first": 5,
        "match": {"path": "/echo", "header:x-test": "1"},
        "phase": "after",
        "seed": 7,
        "for_s": 30,
    }


def test_attributes_may_stand_beside_the_rest_or_apart() -> None:
    assert read_break(GOOD[1]).fault == Latency(delay_ms=5)


def test_the_words_of_a_sequence_become_faults_or_none() -> None:
    made = read_break(GOOD[2])
    assert made.words == (Status(code=503), Status(code=503), None)
    assert [made.fault_at(turn) for turn in (0, 2, 3)] == [Status(code=503), None, Status(code=503)]


def test_without_a_seed_each_break_draws_its_own() -> None:
    assert read_break({"fault": "status"}).seed != read_break({"fault": "status"}).seed


@pytest.mark.parametrize(("data", "sentence"), BAD)
def test_what_cannot_be_used_is_refused_with_one_sentence(data: object, sentence: str) -> None:
    with pytest.raises(InvalidFault) as refused:
        read_break(data)
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)
