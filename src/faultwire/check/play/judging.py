"""Whether an answer is what the spec calls good, or an acceptable failure. Raises `Unmet`."""

import json
from typing import Any

import msgspec

from faultwire.check.spec import Acceptable, Good
from faultwire.check.stage import Answer, Unmet

_LONGEST_BODY = 200


def check_good(answer: Answer, good: Good, expected: str, budget_s: float) -> None:
    """Good: its status, its JSON, its text, and in time. `expected` fills `{token}`."""
    if answer.error:
        raise Unmet(f"there was no answer ({answer.error})")
    if answer.status not in good.statuses:
        raise Unmet(f"the answer was {_described(answer)} instead of {_either(good.statuses)}")
    wanted = good.contains.replace("{token}", expected)
    if good.json:
        found = any(wanted in text for text in texts_in(answer.json))
    else:
        found = wanted.encode("utf-8", "surrogateescape") in answer.body
    if wanted and not found:
        raise Unmet(f"the answer was {_described(answer)}, which does not contain {wanted!r}")
    check_time(answer, budget_s)


def check_failure(answer: Answer, failure: Acceptable, within_s: float) -> None:
    """An acceptable failure: its status, JSON where that is asked for, and in time."""
    if answer.error:
        raise Unmet(f"there was no answer ({answer.error})")
    if answer.status not in failure.statuses:
        raise Unmet(
            f"the answer was {_described(answer)} instead of a failure "
            f"({_either(failure.statuses)})"
        )
    if failure.json and not _is_object(answer.body):
        raise Unmet(f"the failure's body is no JSON object: {_described(answer)}")
    check_time(answer, within_s)


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(body), dict)
    except ValueError:
        return False


def check_time(answer: Answer, within_s: float) -> None:
    """It took no longer."""
    if answer.took_s > within_s:
        raise Unmet(f"the answer took {answer.took_s:.2f} s, over {within_s:.2f} s")


def texts_in(value: Any) -> list[str]:
    """Every text in a JSON value, names included; numbers as they are written."""
    found: list[str] = []
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            found += map(str, one)
            todo += one.values()
        elif isinstance(one, list):
            todo += one
        else:
            found.append(one if isinstance(one, str) else json.dumps(one))
    return found


def _described(answer: Answer) -> str:
    body = answer.body[: _LONGEST_BODY + 1].decode("utf-8", "replace")
    cut = body if len(body) <= _LONGEST_BODY else f"{body[:_LONGEST_BODY]}…"
    return f"{answer.status} {cut!r}" if cut else str(answer.status)


def _either(statuses: tuple[int, ...]) -> str:
    return " or ".join(map(str, statuses))
