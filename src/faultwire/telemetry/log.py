"""The log: a sink that turns each event into a line and writes it before the loop waits.

It does without the logging module, which costs more than the rest of a request: a line is
formatted once, its second is formatted once a second.
"""

import time
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Literal

from faultwire.contracts.contract import Contract
from faultwire.events import Called, Calling, Served
from faultwire.telemetry import json_line
from faultwire.telemetry.descriptor import PIPE_BUF
from faultwire.telemetry.line_writer import LineWriter
from faultwire.telemetry.round import Entry, Round

LogFormat = Literal["text", "json"]


class Log:
    """Lines of `contract`, or JSON, on the descriptor `fd`. Times are local.

    `service` ("A" or "B") begins each lifecycle line. `clock` returns seconds since 1970.
    """

    def __init__(
        self,
        contract: Contract,
        fmt: LogFormat = "text",
        fd: int = 2,
        clock: Callable[[], float] = time.time,
        *,
        service: str = "",
    ) -> None:
        self.round = Round()
        self.round.sinks.append(self._write)
        self._contract = contract
        self._json = fmt == "json"
        self._served = json_line.served if self._json else contract.served
        self._service = service
        self.tells_calls = contract.TELLS_CALLS and not self._json
        self._clock = clock
        self._second = self._thousandth = -1
        self._template = self._begin = ""
        self._end = "}\n" if self._json else "\n"
        self._thousandths = contract.MILLISECONDS or self._json
        self._writer = LineWriter(fd, self._gap)

    @property
    def dropped(self) -> int:
        """How many lines are lost, because nobody read them in time."""
        return self._writer.dropped

    def served(self, event: Served) -> None:
        """A request has been answered: one line, after one for its call if the contract has it."""
        self.round.add(event)

    def calling(self, event: Calling) -> None:
        """B is about to call A: a line, if `tells_calls`."""
        if self.tells_calls and (text := self._contract.calling(event)) is not None:
            self._add(text)

    def line(self, text: str) -> None:
        """A line that is already formatted: level first and escaped; in JSON, an object's members.

        For what has a form of its own, whatever the contract.
        """
        self._add(text)

    def note(self, level: str, **fields: object) -> None:
        """A line of the service's own life: `log.note("INFO", event="listening", url=url)`."""
        self._add(self._note(level, fields))

    def flush(self, timeout_s: float = 0.0) -> bool:
        """Try again what a stalled reader has kept waiting. True if nothing is left."""
        self.round.end()
        return self._writer.flush(timeout_s)

    def close(self, timeout_s: float = 1.0) -> bool:
        """Flush and end. True if every line that was not dropped is written."""
        self.round.end()
        return self._writer.close(timeout_s)

    def _add(self, text: str) -> None:
        self.round.add(f"{self._stamp(self._clock())}{text}{self._end}")

    def _write(self, entries: Sequence[Entry]) -> None:
        """What happened in one round of the event loop is written at its end.

        A line says when its event was: by now the answer may have been received.
        """
        end, served, tells_calls = self._end, self._served, self.tells_calls
        now = self._clock()
        ahead = now - perf_counter()
        begin, until = "", 0.0
        lines: list[str] = []
        for entry in entries:
            if isinstance(entry, str):
                lines.append(entry)
                continue
            at = entry.ended + ahead if entry.ended else now
            if at >= until:  # under load many lines share a thousandth of a second
                begin = self._stamp(at)
                until = self._second + (self._thousandth + 1) / 1000
            if tells_calls and entry.called is not None:
                self._add_call(lines, begin, entry.called)
            lines.append(f"{begin}{served(entry)}{end}")
        self._write_lines("".join(lines).encode())

    def _write_lines(self, lines: bytes) -> None:
        """So many at once as stay in one piece in a pipe that others write to as well."""
        start = 0
        while start < len(lines):
            last = lines.rfind(b"\n", start, start + PIPE_BUF)
            after = 1 + (last if last >= 0 else lines.index(b"\n", start))
            self._writer.write(lines[start:after])
            start = after

    def _add_call(self, lines: list[str], begin: str, called: Called) -> None:
        text = self._contract.called(called)
        if text is not None:
            lines.append(f"{begin}{text}{self._end}")

    def _gap(self, count: int) -> bytes:
        note = self._note("WARNING", {"event": "log_lines_dropped", "count": count})
        return f"{self._stamp(self._clock())}{note}{self._end}".encode()

    def _note(self, level: str, fields: dict[str, object]) -> str:
        if self._service and "service" not in fields:
            fields = {"service": self._service, **fields}
        make = json_line.note if self._json else self._contract.note
        return make(level, fields)

    def _stamp(self, at: float) -> str:
        """How a line of this time begins."""
        thousandth = int((at - self._second) * 1000)  # cut, as the logging module does
        if thousandth != self._thousandth:
            if not 0 <= thousandth < 1000:
                self._format_second(int(at))
                thousandth = int((at - self._second) * 1000)
            self._thousandth = thousandth
            self._begin = self._template % thousandth if self._thousandths else self._template
        return self._begin

    def _format_second(self, second: int) -> None:
        """What all lines of a second begin with: a template for the thousandths, if any."""
        local = time.localtime(second)
        self._second = second
        if self._json:
            offset = time.strftime("%z", local)
            begin = time.strftime('{"ts":"%Y-%m-%dT%H:%M:%S', local)
            self._template = f'{begin}.%03d{offset[:3]}:{offset[3:]}",'
            return
        begin = time.strftime("%Y-%m-%d %H:%M:%S", local)
        self._template = f"{begin},%03d " if self._thousandths else f"{begin} "
