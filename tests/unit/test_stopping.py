"""Which signals count as a wish of their own; the processes' side is in the system tests."""

import signal

import pytest

from faultwire.commands import check_stop
from faultwire.commands.check_stop import Stop
from faultwire.services import stopping
from faultwire.services.stopping import STOP_SIGNALS, StopRequest

seconds = pytest.mark.parametrize(
    ("second", "after_s", "insisted"),
    [
        (signal.SIGTERM, 0.001, []),  # as `timeout` does: to the process, then to its group
        (signal.SIGTERM, 0.2, [signal.SIGTERM]),
        (signal.SIGINT, 0.001, [signal.SIGINT]),
    ],
)


@seconds
def test_a_signal_that_comes_twice_at_once_is_one_wish(
    monkeypatch: pytest.MonkeyPatch,
    second: signal.Signals,
    after_s: float,
    insisted: list[signal.Signals],
) -> None:
    now = 100.0
    monkeypatch.setattr(stopping, "monotonic", lambda: now)
    told: list[int] = []
    stop = StopRequest(insisted=told.append)
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    try:
        stop.listen_to_signals()
        signal.raise_signal(signal.SIGTERM)
        now += after_s
        signal.raise_signal(second)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert (stop.reason, told) == ("SIGTERM", insisted)


@seconds
async def test_a_check_that_is_told_twice_at_once_ends_in_good_order(
    monkeypatch: pytest.MonkeyPatch,
    second: signal.Signals,
    after_s: float,
    insisted: list[signal.Signals],
) -> None:
    now = 100.0
    told: list[int] = []
    for module in (stopping, check_stop):
        monkeypatch.setattr(module, "monotonic", lambda: now)
    monkeypatch.setattr(check_stop, "leave", told.append)
    stop = Stop()
    with stop:
        signal.raise_signal(signal.SIGTERM)
        now += after_s
        signal.raise_signal(second)
        await stop.event.wait()
    assert told == insisted
