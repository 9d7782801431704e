"""Explanations and their summary for people: plain text, as wide as the terminal."""

import time
from collections.abc import Callable, Iterable
from textwrap import fill

from faultwire.contracts import escape
from faultwire.explain.causes import WORDS, Cause
from faultwire.explain.diagnosis import Case, Diagnosis
from faultwire.explain.drawing import Pen, draw
from faultwire.explain.explanation import Explanation, clock, describe, milliseconds, said
from faultwire.explain.summary import Row, Summary

_BOLD, _DIM, _RED, _GREEN, _YELLOW = 1, 2, 31, 32, 33
_COLOURS = {"failed": _RED, "saved": _GREEN, "client": _YELLOW, "ok": _GREEN}
_NEXT = {
    "service": "None is a request: those have service=, endpoint=, status= and latency_ms=.",
    "empty": "There was nothing to read. Write the services' logs to a file and name it here:\n"
    "  faultwire up 2>up.log      (in another terminal; then break something)\n"
    "  faultwire explain up.log",
    "time": "No line is of the time that was asked for; without --since and --until all are read.",
}


class TextReport:
    """Writes requests as they are told, the first `limit` of them (0: all), then the summary.

    `picked` says that not all that failed is told, but what was asked for; `timed` that lines of
    another time are passed over.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        pen: Pen,
        limit: int,
        *,
        picked: bool = False,
        timed: bool = False,
    ) -> None:
        self._picked = picked
        self._timed = timed
        self._write = write
        self._pen = pen
        self._limit = limit
        self._told = 0

    def tell(self, case: Case, found: Diagnosis, joined: str) -> None:
        """One more request."""
        self._told += 1
        if not self._limit or self._told <= self._limit:
            self._show(describe(case, found, joined))

    def _show(self, found: Explanation) -> None:
        """One request: a line of facts, and what happened."""
        self._write(f"{self._facts(found)}\n{self._wrapped(found.sentence)}\n\n")

    def draw(self, found: list[Explanation]) -> None:
        """Requests with their time-lines and all that can be said of them."""
        for each in found:
            self._show(each)
            self._write(draw(each, self._pen))
            if each.cause != Cause.NONE:
                self._write("\n" + self._advice(each.why, each.tell, each.act))
            self._write("\n" if each is not found[-1] else "")

    def end(self, summary: Summary) -> None:
        """What all of it comes to."""
        if self._limit and self._told > self._limit:
            more = self._told - self._limit
            self._write(f"... and {more:,} more (--limit 0 shows all, --only KIND some)\n\n")
        self._write(self._summary(summary))

    def _facts(self, found: Explanation) -> str:
        status = str(found.http_status) if found.http_status else found.outcome
        facts = [
            clock(found.end),
            self._pen.painted(escape.value(found.service), _BOLD),
            escape.value(found.endpoint),
            self._pen.painted(status, _COLOURS[found.outcome]),
            f"after {milliseconds(found.latency_ms)} ms",
            found.kind,
        ]
        if found.request_id:
            facts.append(f"request_id={escape.value(found.request_id)}")
        if found.joined == "time":
            facts.append("(lines joined by time)")
        return " ".join(filter(None, facts))

    def _summary(self, summary: Summary) -> str:
        skipped = f"{_many(summary.lines_skipped, 'line')} skipped: not understood.\n"
        skipped = skipped if summary.lines_skipped else ""
        if not summary.lines:
            return _NEXT["time" if self._timed else "empty"] + "\n"
        if not summary.requests:
            return f"{_many(summary.lines, 'line')} read. {_NEXT['service']}\n"
        counts = self._counts(summary) + "\n"
        if not summary.causes:
            return counts + skipped
        return f"{counts}{skipped}\n{self._table(summary.causes)}\n{self._meanings(summary.causes)}"

    def _counts(self, summary: Summary) -> str:
        service = escape.value(summary.service)
        share = f" ({_percent(summary.failed / summary.total)})" if summary.failed else ""
        failed = "failed in the way asked for" if self._picked else "failed"
        text = (
            f"{summary.failed:,} of {_many(summary.total, 'request')} at {service} {failed}{share}"
        )
        if summary.first:
            text += f", {_moment(summary.first)} to {_moment(summary.last)}"
        if summary.saved:
            text += f"; {summary.saved:,} saved by a retry"
        if summary.client:
            text += f"; {summary.client:,} the client's own doing"
        return self._pen.painted(text + ".", _BOLD)

    def _table(self, rows: Iterable[Row]) -> str:
        cells = [("cause", "requests", "share", "first", "last")]
        cells += [
            (
                _title(row),
                f"{row.count:,}",
                _percent(row.share),
                clock(row.first)[:8],
                clock(row.last)[:8],
            )
            for row in rows
        ]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(
                f"{cell:<{width}}" if place in (0, 3, 4) else f"{cell:>{width}}"
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in cells
        ]
        lines[0] = self._pen.painted(lines[0], _DIM)
        return "\n".join(lines) + "\n"

    def _meanings(self, rows: Iterable[Row]) -> str:
        """For each cause once: how it comes about, how to tell it, what to do."""
        met: dict[str, str] = {}
        for row in rows:
            if row.cause not in met:
                words = WORDS[Cause(row.cause)]
                who = {"caller": row.caller, "upstream": row.upstream}
                title = self._pen.painted(_upper(said(words.title, who)), _BOLD)
                advice = self._advice(*(said(text, who) for text in words[2:]))
                met[row.cause] = f"{title}\n{advice}"
        return "\n".join(met.values())

    def _advice(self, why: str, tell: str, act: str) -> str:
        texts = (f"Why: {why}", f"How to tell: {tell}", f"What to do: {act}")
        return "".join(f"{self._wrapped(text)}\n" for text in texts)

    def _wrapped(self, text: str) -> str:
        width = self._pen.width
        return fill(
            text, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
        )


def _title(row: Row) -> str:
    who = {"caller": row.caller, "upstream": row.upstream}
    title = WORDS[Cause(row.cause)].title.format_map(who)
    return f"{title}: {escape.plain(row.fault)}" if row.fault else title


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _percent(share: float) -> str:
    percent = share * 100
    return f"{percent:.1f} %" if percent >= 0.1 or not share else "<0.1 %"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(int(at)))
