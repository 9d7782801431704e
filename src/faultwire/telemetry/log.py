"""The log: a sink that turns each event into a line and writes it at once.

It does without the logging module, which costs more than the rest of a request: a line is
formatted once, its second is formatted once a second.
"""

import time
from collections.abc import Callable
from typing import Literal

from faultwire.contracts.contract import Contract
from faultwire.events import Called, Calling, Served
from faultwire.telemetry import json_line
from faultwire.telemetry.line_writer import LineWriter

LogFormat = Literal["text", "json"]

_LINES_AT_ONCE = 16
"""So many usual lines fit into one atomic write to a pipe that others write to as well."""


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
        self._contract = contract
        self._json = fmt == "json"
        self._served = json_line.served if self._json else contract.served
        self._service = service
        self.tells_calls = contract.TELLS_CALLS and not self._json
        self._clock = clock
        self._second = -1
        self._line = ""
        self._thousandths = contract.MILLISECONDS or self._json
        self._writer = LineWriter(fd, self._gap)
        self._soon: Callable[[Callable[[], None]], object] = _now
        self._round: list[tuple[float, Served | str]] = []

    @property
    def dropped(self) -> int:
        """How many lines are lost, because nobody read them in time."""
        return self._writer.dropped

    def served(self, event: Served) -> None:
        """A request has been answered: one line, after one for its call if the contract has it."""
        self._round.append((self._clock(), event))
        if len(self._round) == 1:
            self._soon(self._end_round)

    def calling(self, event: Calling) -> None:
        """B is about to call A: a line, if `tells_calls`."""
        if self.tells_calls and (text := self._contract.calling(event)) is not None:
            self._write(text)

    def line(self, text: str) -> None:
        """A line that is already formatted: level first and escaped; in JSON, an object's members.

        For what has a form of its own, whatever the contract.
        """
        self._write(text)

    def note(self, level: str, **fields: object) -> None:
        """A line of the service's own life: `log.note("INFO", event="listening", url=url)`."""
        self._write(self._note(level, fields))

    def flush(self, timeout_s: float = 0.0) -> bool:
        """Try again what a stalled reader has kept waiting. True if nothing is left."""
        self._end_round()
        return self._writer.flush(timeout_s)

    def close(self, timeout_s: float = 1.0) -> bool:
        """Flush and end. True if every line that was not dropped is written."""
        self._end_round()
        return self._writer.close(timeout_s)

    def write_in_rounds(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        """From now on format and write all lines of one round of the event loop together.

        Under load a round has dozens of lines. Formatted one after the other they cost half as
        much, and so do their writes. A line is still written before the loop waits for anything.
        """
        self._soon = call_soon

    def _write(self, text: str) -> None:
        self._round.append((self._clock(), text))
        if len(self._round) == 1:
            self._soon(self._end_round)

    def _end_round(self) -> None:
        entries, self._round = self._round, []
        lines: list[str] = []
        for at, entry in entries:
            if isinstance(entry, str):
                lines.append(self._stamped(at, entry))
                continue
            if self.tells_calls and entry.called is not None:
                self._add_call(lines, at, entry.called)
            lines.append(self._stamped(at, self._served(entry)))
        for start in range(0, len(lines), _LINES_AT_ONCE):
            self._writer.write("".join(lines[start : start + _LINES_AT_ONCE]).encode())

    def _add_call(self, lines: list[str], at: float, called: Called) -> None:
        text = self._contract.called(called)
        if text is not None:
            lines.append(self._stamped(at, text))

    def _gap(self, count: int) -> bytes:
        note = self._note("WARNING", {"event": "log_lines_dropped", "count": count})
        return self._stamped(self._clock(), note).encode()

    def _note(self, level: str, fields: dict[str, object]) -> str:
        if self._service and "service" not in fields:
            fields = {"service": self._service, **fields}
        make = json_line.note if self._json else self._contract.note
        return make(level, fields)

    def _stamped(self, at: float, text: str) -> str:
        second = int(at)
        if second != self._second:
            self._format_second(second)
        if self._thousandths:
            return self._line % ((at - second) * 1000, text)
        return self._line % text

    def _format_second(self, second: int) -> None:
        """What all lines of a second share: a template for the thousandths and the text."""
        local = time.localtime(second)
        self._second = second
        if self._json:
            offset = time.strftime("%z", local)
            begin = time.strftime('{"ts":"%Y-%m-%dT%H:%M:%S', local)
            self._line = f'{begin}.%03d{offset[:3]}:{offset[3:]}",%s}}\n'
            return
        begin = time.strftime("%Y-%m-%d %H:%M:%S", local)
        self._line = f"{begin},%03d %s\n" if self._thousandths else f"{begin} %s\n"


def _now(action: Callable[[], None]) -> None:
    """Until somebody says otherwise, a round ends with each line."""
    action()
