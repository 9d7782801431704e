"""Who spares the upstream is told from who fails, and is waited for, within bounds."""

from collections.abc import Iterator
from math import inf

import pytest

from faultwire.check.play import holding_back
from faultwire.check.play.holding_back import LONGEST_S, Patience, is_held_back
from faultwire.check.spec import Spec, Start
from faultwire.check.stage import Answer

SPEC = Spec(name="s", b=Start(), budget_s=1.0)


def answer(status: int = 200, body: bytes = b"{}", took_s: float = 0.01, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, body, took_s, "", "t")


GOOD, HELD = answer(), answer(503)
SAYS_SO = answer(503, retry_after="5")


@pytest.mark.parametrize(
    ("given", "attempted", "held_back"),
    [
        (HELD, False, True),
        (HELD, True, False),
        (GOOD, False, False),
        (answer(503, took_s=0.9), False, False),
        (answer(404), False, False),
        (answer(503, b"<p>"), False, False),
    ],
)
def test_a_failure_at_once_without_an_attempt_is_held_back(
    given: Answer, attempted: bool, held_back: bool
) -> None:
    assert is_held_back(given, SPEC, attempted=attempted) is held_back


class Target:
    """Answers from a list, the last one for ever; pausing is what takes time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> None:
        self.now = 0.0
        self.asked = 0
        self._answers = answers
        monkeypatch.setattr(holding_back, "monotonic", lambda: self.now)

    async def ask(self) -> tuple[Answer, bool]:
        given = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        return given, given.status == 503

    async def pause(self) -> None:
        self.now += 1.0


async def served(target: Target, patience: Patience | None = None, until: float = inf) -> Answer:
    found, _ = await (patience or Patience()).until_served(target.ask, target.pause, until)
    return found


async def test_a_healthy_target_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target(monkeypatch, GOOD)
    assert await served(target) is GOOD
    assert target.asked == 1


async def test_a_breaker_is_waited_for_until_it_has_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    half_open: Iterator[Answer] = iter([HELD, HELD, GOOD, GOOD, HELD, GOOD])
    target = Target(monkeypatch, *half_open)
    assert await served(target) is GOOD
    assert target.asked > 6 + 1
    assert target.now == 2.0


async def test_one_dead_connection_is_no_breaker(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await served(Target(monkeypatch, HELD, GOOD)) is HELD
    assert await served(Target(monkeypatch, SAYS_SO, GOOD)) is GOOD


async def test_patience_ends_and_is_short_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    patience = Patience()
    target = Target(monkeypatch, HELD)
    assert await served(target, patience) is HELD
    assert target.now == LONGEST_S
    assert await served(target, patience) is HELD
    assert target.now == LONGEST_S + 1.0


async def test_a_plays_end_is_no_proof_of_a_breaker_that_stays_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patience = Patience()
    target = Target(monkeypatch, *[HELD] * 5, GOOD)
    assert await served(target, patience, until=-inf) is HELD
    assert target.asked == 1
    assert await served(target, patience) is GOOD
