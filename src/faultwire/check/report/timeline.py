"""A scenario as a picture: four lanes, client, B, the wire and A, and what each did when."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from faultwire.check.model import Evidence, Exchanged, WireSaw

MOST_BARS = 24
MOST_ROWS = 8
LANES = ("client", "B", "wire", "A")


class Bar(NamedTuple):
    """A stretch of time in a lane: percent of the whole from the left, and of its length.

    `kind` is "good", "bad", "fault" or "idle". `row` of `rows` parts of the lane's height is its
    own, so that what was at the same time is seen.
    """

    left: float
    length: float
    kind: str
    label: str
    row: int = 0
    rows: int = 1


class Timeline(NamedTuple):
    """All lanes by name, and how long the whole is in milliseconds. `left_out` bars had no room."""

    lanes: dict[str, list[Bar]]
    span_ms: float
    left_out: int


def timeline(evidence: Evidence) -> Timeline | None:
    """The picture of the last exchanges; None where nothing was asked."""
    asked = evidence.asked[-MOST_BARS:]
    if not asked:
        return None
    began = min(each.sent_at for each in asked)
    tokens = {each.token for each in asked}
    wire = [each for each in evidence.wire if each.token in tokens or each.started_at >= began]
    wire = wire[-MOST_BARS:]
    began = min([began, *(each.started_at for each in wire)])
    span_s = max(_end(asked, wire) - began, 0.001)
    scale = _Scale(began, span_s)
    lanes = {
        "client": [scale.bar(each.sent_at, each.took_s, *_outcome(each)) for each in asked],
        "B": [scale.bar(each.sent_at, each.took_s, "idle", "B works on it") for each in asked],
        "wire": [_attempt(scale, each, began + span_s) for each in wire],
        "A": [_at_a(scale, each, began + span_s) for each in wire if each.forwarded_at],
    }
    lanes = {name: _stacked(bars) for name, bars in lanes.items()}
    left_out = len(evidence.asked) - len(asked) + len(evidence.wire) - len(wire)
    return Timeline(lanes, 1000 * span_s, left_out)


def _stacked(bars: list[Bar]) -> list[Bar]:
    """Each in the first row that is free at its begin; in the one free the soonest if none is."""
    free_at = [0.0] * MOST_ROWS
    rows: list[int] = []
    for bar in bars:
        free = (n for n, at in enumerate(free_at) if at <= bar.left)
        row = next(free, free_at.index(min(free_at)))
        free_at[row] = max(free_at[row], bar.left + bar.length)
        rows.append(row)
    used = max(rows, default=0) + 1
    return [bar._replace(row=row, rows=used) for bar, row in zip(bars, rows, strict=True)]


class _Scale(NamedTuple):
    began: float
    span_s: float

    def bar(self, start: float, length_s: float, kind: str, label: str) -> Bar:
        left = 100 * (start - self.began) / self.span_s
        length = 100 * length_s / self.span_s
        return Bar(round(left, 2), round(max(length, 0.4), 2), kind, label)


def _end(asked: Iterable[Exchanged], wire: Sequence[WireSaw]) -> float:
    ends = [each.sent_at + each.took_s for each in asked]
    return max([*ends, *(each.ended_at for each in wire), *(each.closed_at for each in wire)])


def _outcome(each: Exchanged) -> tuple[str, str]:
    kind = "bad" if not each.status or each.status >= 500 else "good"
    return kind, f"{each.request}: {each.status or each.error} in {1000 * each.took_s:.0f} ms"


def _attempt(scale: _Scale, each: WireSaw, end: float) -> Bar:
    closed_at = 0.0 if each.closed_by == "upstream" else each.closed_at  # B's own connection
    ended_at = each.ended_at or each.let_go_at or closed_at or end
    length_s = min(ended_at, end) - each.started_at
    kind = "fault" if each.fault else "good" if 0 < each.status < 500 else "bad"
    fault = f", fault {each.fault}" if each.fault else ""
    closed = f", closed by {each.closed_by}" if each.closed_by else ""
    label = f"{each.request}: {each.status or 'no answer'}{fault}{closed}"
    return scale.bar(each.started_at, max(length_s, 0.0), kind, label)


def _at_a(scale: _Scale, each: WireSaw, end: float) -> Bar:
    label = "A works on it" if each.answered_at else "A has not answered"
    ended_at = each.answered_at or each.ended_at or each.closed_at or end
    if each.fault and not each.answered_at:  # a fault kept A's answer: nobody saw when it came
        ended_at, label = each.forwarded_at, "A was called"
    length_s = min(ended_at, end) - each.forwarded_at
    return scale.bar(each.forwarded_at, max(length_s, 0.0), "idle", label)
