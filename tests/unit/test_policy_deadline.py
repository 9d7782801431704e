"""A deadline travels as milliseconds remaining, and is read strictly."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faultwire.policy.deadline import (
    AttemptTimeoutSettings,
    Deadline,
    InvalidDeadline,
    deadline,
    header_value,
    remaining_s,
)

OURS, ENVOY, GRPC = b"x-deadline-ms", b"x-envoy-expected-rq-timeout-ms", b"grpc-timeout"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({b"x-other": b"1"}, None),
        ({OURS: b"250"}, 0.25),
        ({OURS: b"0"}, 0.0),
        ({ENVOY: b"1500"}, 1.5),
        ({GRPC: b"2S"}, 2.0),
        ({GRPC: b"1M"}, 60.0),
        ({GRPC: b"1H"}, 3600.0),
        ({GRPC: b"300m"}, 0.3),
        ({GRPC: b"5000u"}, 0.005),
        ({GRPC: b"99999999n"}, 0.099999999),
        ({OURS: b"250", ENVOY: b"100", GRPC: b"1S"}, 0.1),
        ({OURS: b"9999999999"}, 3600.0),
    ],
)
def test_what_the_caller_has_left_is_read(
    headers: dict[bytes, bytes], seconds: float | None
) -> None:
    assert remaining_s(headers) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (OURS, value, "X-Deadline-Ms must be whole milliseconds")
        for value in (b"", b"-1", b"+1", b"1.5", b" 1", b"1, 2", b"0x1", b"12345678901", b"\xb2")
    ]
    + [(ENVOY, b"1s", "X-Envoy-Expected-Rq-Timeout-Ms must be whole milliseconds")]
    + [
        (GRPC, value, "grpc-timeout must be up to 8 digits and one of H M S m u n")
        for value in (b"", b"1", b"S", b"1s", b"123456789S", b"1.5S", b"-1S", b"1 S")
    ],
)
def test_what_cannot_be_read_is_refused_and_said(name: bytes, value: bytes, said: str) -> None:
    with pytest.raises(InvalidDeadline) as caught:
        remaining_s({name: value})
    assert str(caught.value) == said


def test_a_caller_can_shorten_the_usual_deadline_and_not_lengthen_it() -> None:
    assert deadline(10.0, 1.0, None) == Deadline(11.0, shortened=False)
    assert deadline(10.0, 1.0, 0.4) == Deadline(10.4, shortened=True)
    assert deadline(10.0, 1.0, 1.0) == Deadline(11.0, shortened=False)
    assert deadline(10.0, 1.0, 5.0) == Deadline(11.0, shortened=False)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.0, "1000"), (0.25, "250"), (0.0019, "1"), (0.0009, "0"), (-1.0, "0"), (0.29, "290")],
)
def test_what_is_sent_is_never_longer_than_the_wait(seconds: float, text: str) -> None:
    assert header_value(seconds) == text


@settings(deadline=None)
@given(st.floats(0, 3600))
def test_what_is_sent_is_understood_within_a_millisecond(seconds: float) -> None:
    said = remaining_s({OURS: header_value(seconds).encode()})
    assert said is not None
    assert seconds - 0.001 <= said <= seconds + 1e-6


def test_an_attempt_has_its_own_time_or_a_share_of_the_total() -> None:
    assert AttemptTimeoutSettings().limit_s(2.0) == 1.0
    assert AttemptTimeoutSettings(share=0.25).limit_s(2.0) == 0.5
    assert AttemptTimeoutSettings(timeout_s=0.3).limit_s(2.0) == 0.3
    assert AttemptTimeoutSettings(timeout_s=3.0).limit_s(2.0) == 2.0
