"""Reads logs, explains what failed in them, and reports."""

import time
from contextlib import suppress
from typing import IO, Protocol

from faultwire.explain.block import id_key
from faultwire.explain.diagnosis import Case, Diagnosis
from faultwire.explain.entry import Entry
from faultwire.explain.explanation import Explanation, describe, explain
from faultwire.explain.follow import followed, tails
from faultwire.explain.inquiry import Inquiry
from faultwire.explain.source import merged, opened
from faultwire.explain.summary import Summary
from faultwire.explain.wanted import Wanted

_MOST_LINES = 1000
"""So many lines may one request have; a test that gives all requests one id has more."""
_MOST_DRAWN = 20


class Report(Protocol):
    """Where explanations go."""

    def tell(self, case: Case, found: Diagnosis, joined: str) -> None:
        """A request is explained."""

    def draw(self, found: list[Explanation]) -> None:
        """The request that was asked for; several, where they share an id."""

    def end(self, summary: Summary) -> None:
        """Nothing more comes."""


def explain_logs(names: list[str], stdin: IO[bytes], wanted: Wanted, report: Report) -> None:
    """Explain logs that are read to their end, or to Ctrl+C. Raises `Unreadable`."""
    inquiry = Inquiry(wanted, report.tell)
    with opened(names, stdin) as logs, suppress(KeyboardInterrupt):  # explains what it has read
        for block, horizon in merged(logs):
            inquiry.read(block)
            inquiry.settle(horizon)
    inquiry.settle()
    report.end(inquiry.tally.summary())


def follow_logs(names: list[str], stdin: IO[bytes], wanted: Wanted, report: Report) -> None:
    """Explain logs that are still written, until Ctrl+C or standard input's end."""
    inquiry = Inquiry(wanted, report.tell, prompt=True)
    with suppress(KeyboardInterrupt):  # the usual end
        for block in followed(tails(names, stdin)):
            if block is None:
                inquiry.settle(time.time())
            else:
                inquiry.read(block)
    inquiry.settle()
    report.end(inquiry.tally.summary())


def explain_request(
    request_id: str, names: list[str], stdin: IO[bytes], wanted: Wanted, report: Report
) -> bool:
    """Draw the request with this id; False if no line has it. Raises `Unreadable`."""
    found: list[Explanation] = []
    lines: list[Entry] = []
    key = id_key(request_id)

    def tell(case: Case, diagnosis: Diagnosis, joined: str) -> None:
        ids = {entry.request_id for entry in (case.root, *case.hops)}
        if request_id in ids and len(found) < _MOST_DRAWN:
            found.append(describe(case, diagnosis, joined))

    inquiry = Inquiry(wanted, tell)
    with opened(names, stdin) as logs:
        for block, horizon in merged(logs):
            inquiry.read(block)
            inquiry.settle(horizon)
            if len(lines) < _MOST_LINES:
                lines.extend(
                    entry
                    for entry in block.with_id(request_id, key, (0.0, float("inf")))
                    if entry.is_request
                )
    inquiry.settle()
    if not found and lines:
        found.append(explain(lines[:_MOST_LINES]))
    if found:
        report.draw(found)
    return bool(found)
