"""Times and sizes are read with their units, or refused."""

import pytest

from faultwire.wire.units import milliseconds, size_bytes


@pytest.mark.parametrize(
    ("text", "expected"),
    [("150us", 0.15), ("250ms", 250), ("2s", 2000), ("1.5 s", 1500), ("1m", 60_000), ("1h", 3.6e6)],
)
def test_a_time_is_read(text: str, expected: float) -> None:
    assert milliseconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "2", "s", "-2s", "2S", "2 days", "1e3s", "nan s", "2s3"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 250ms"):
        milliseconds(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("100", 100), ("100B", 100), ("64KiB", 65536), ("1MB", 1_000_000), ("1.5kb", 1500)],
)
def test_a_size_is_read(text: str, expected: int) -> None:
    assert size_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "KiB", "-1", "1.5", "1.0001KiB", "3 apples", "1e3"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 1000"):
        size_bytes(text)
