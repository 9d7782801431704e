"""The time-line of one request, drawn with characters."""

from typing import NamedTuple

from faultwire.contracts import escape
from faultwire.explain.explanation import Explanation, Hop, clock, milliseconds

_LEAST_BAR = 10
_MOST_BAR = 100
_COLOURS = {"client": 34, "B": 36, "wire": 33, "A": 35}
_RED = 31
_MOST_HOPS = 50
_TOO_LATE_MS = 10
"""It takes a moment until the others notice that the first has given up."""


class Pen(NamedTuple):
    """How to draw: how wide, with what characters, and whether in colour."""

    width: int
    unicode: bool
    colour: bool

    @property
    def bar(self) -> str:
        """Time that counted."""
        return "█" if self.unicode else "="

    @property
    def waste(self) -> str:
        """Time that was spent for nobody."""
        return "░" if self.unicode else "."

    def painted(self, text: str, code: int) -> str:
        """The text in a colour, where there are colours."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text


class _Scale(NamedTuple):
    """Where on a line of `bar` characters a time is."""

    start: float
    span_s: float
    bar: int

    def place(self, at: float) -> int:
        share = (at - self.start) / self.span_s if self.span_s > 0 else 0.0
        return min(max(round(share * self.bar), 0), self.bar)


def draw(found: Explanation, pen: Pen) -> str:
    """The request from the client's side down to the last service, in a few lines."""
    hops = [hop for hop in found.hops if hop.end][:_MOST_HOPS]
    if not hops:
        return "No line of this request says when it was written: nothing can be drawn.\n"
    start, end = min(hop.start for hop in hops), max(hop.end for hop in hops)
    names = ["client", *(escape.value(hop.service) for hop in hops)]
    margin = min(max(map(len, names)), 20) + 2
    notes = [_client_note(found), *(_note(hop, start) for hop in hops)]
    room = pen.width - margin - 2
    beside = room - max(map(len, notes)) - 1
    bar = min(beside if beside >= _LEAST_BAR else max(room, _LEAST_BAR), _MOST_BAR)
    scale = _Scale(start, end - start, bar)
    left, right = f"0 ms = {clock(start)}", f"{milliseconds((end - start) * 1000)} ms"
    head = f"{'':{margin}}{left}{right:>{max(bar - len(left), len(right) + 1)}}"
    lines = [head]
    for name, hop, note in zip(names, [hops[0], *hops], notes, strict=True):
        drawn = _drawn(name, hop, hops[0].end, scale, pen)
        between = " " if beside >= _LEAST_BAR else f"\n{'':{margin}}"
        lines.append(f"{name[:20]:{margin}}{drawn}{between}{note}")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _drawn(name: str, hop: Hop, given_up: float, scale: _Scale, pen: Pen) -> str:
    """One bar; what lies after the outermost service's end is drawn as waste."""
    first, last = scale.place(hop.start), scale.place(hop.end)
    last = max(last, first + 1)
    if last > scale.bar:
        first, last = scale.bar - 1, scale.bar
    turn = min(max(scale.place(given_up), first), last) if hop.after_ms >= _TOO_LATE_MS else last
    colour = _COLOURS.get(name, 37)
    used = pen.painted(pen.bar * (turn - first), colour)
    waste = pen.painted(pen.waste * (last - turn), _RED)
    return " " * first + used + waste + " " * (scale.bar - last)


def _client_note(found: Explanation) -> str:
    if found.outcome in ("ok", "saved"):
        return "answered"
    return "left" if found.cause == "client_left" else "got an error"


def _note(hop: Hop, start: float) -> str:
    """What the line said, in short."""
    status = str(hop.http_status) if hop.http_status else escape.value(hop.status)
    begun = milliseconds((hop.start - start) * 1000)
    ended = milliseconds((hop.end - start) * 1000)
    fault = f" fault={escape.value(hop.fault)}" if hop.fault else ""
    error = f" {escape.value(hop.error)}" if hop.error and not hop.fault else ""
    late = f", {milliseconds(hop.after_ms)} ms too late" if hop.after_ms >= _TOO_LATE_MS else ""
    return f"{begun} to {ended} ms: {status}{fault}{error}{late}"
