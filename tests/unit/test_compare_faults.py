"""Faults of `faultwire compare` in one line of text."""

from typing import Any

import pytest

from faultwire.compare.faults import read_faults
from faultwire.wire.faults import CATALOGUE
from faultwire.wire.faults.base import InvalidFault


def shown(text: str, seed: int = 7) -> dict[str, Any]:
    return read_faults([text], seed)[0].shown()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("status=503 rate=0.3", {"fault": "status", "code": 503, "rate": 0.3}),
        ("status", {"fault": "status", "rate": 1.0}),
        ("status code=429 retry_after=2s", {"code": 429, "retry_after_s": 2}),
        ("status=404:10,503:5 every=3", {"codes": "404:10,503:5", "every": 3}),
        ("status sequence=503,200,*", {"fault": "status", "sequence": "503,200,*"}),
        ("latency delay=300ms rate=0.5", {"fault": "latency", "delay_ms": 300.0, "rate": 0.5}),
        ("latency=2s", {"delay_ms": 2000.0}),
        ("latency delay_ms=250 phase=before", {"delay_ms": 250.0, "phase": "before"}),
        ("hang first=5", {"fault": "hang", "first": 5}),
        ("hang for=3s", {"fault": "hang", "for_s": 3.0}),
        ("slow-body interval-ms=20", {"fault": "slow_body", "interval_ms": 20.0}),
        ("reset match=path=/echo match=method=GET", {"match": {"path": "/echo", "method": "GET"}}),
        ('surplus body=\'{"echo":"a b"}\'', {"body": '{"echo":"a b"}'}),
        ("CONNECTION_RESET_BY_PEER rate=0.1", {"fault": "reset", "rate": 0.1}),
        ("surplus body=5 delay=5ms", {"body": "5", "delay_ms": 5.0}),
        ("status seed=42", {"seed": 42}),
    ],
)
def test_a_fault_is_its_name_and_what_break_has_as_flags(text: str, meant: dict[str, Any]) -> None:
    found = shown(text)
    assert {key: found[key] for key in meant} == meant


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_fault_of_the_catalogue_can_be_named(name: str) -> None:
    needs = " delay=1ms" if name == "latency" else ""
    assert shown(f"{name}{needs}")["fault"] == name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a fault is empty"),
        ("  ", "a fault is empty"),
        ("'status", "cannot be read"),
        ("nope", "There is no fault 'nope'"),
        ("stats=503", "stats takes no value"),
        ("status=999", "code must be"),
        ("status 503", "'503' is no key=value"),
        ("status code=500 code=503", "code is given twice"),
        ("status=500 code=503", "code is given twice"),
        ("status fault=hang", "fault is given twice"),
        ("status=503 rate=30%", "rate must be a number from 0 to 1"),
        ("status cod=503", "did you mean code?"),
        ("latency delay=300", "delay_ms must be"),
        ("reset_on_accept=1", "takes no value"),
    ],
)
def test_what_is_no_fault_is_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(InvalidFault) as caught:
        read_faults([text], 1)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_faults_draw_from_seeds_of_their_own_that_follow_from_one() -> None:
    texts = ["status=503", "hang", "status=500 seed=9"]
    made = read_faults(texts, 5)
    assert [each.seed for each in made] == [5, 6, 9]
    assert made == read_faults(texts, 5)


def test_the_same_fault_twice_acts_twice() -> None:
    made = read_faults(["status=503", "status=500", "status=429", "hang name=status-2"], 1)
    assert [each.name for each in made] == ["status", "status-2", "status-3", "status-2-2"]
