"""All that the console knows of the system: lines come in, messages for the page go out."""

import asyncio
import secrets
from collections.abc import Sequence
from random import Random
from time import time
from typing import Any

import msgspec

from faultwire import __version__
from faultwire.explain.surroundings import Surroundings
from faultwire.http.address import Origin
from faultwire.http.message import BadRequest
from faultwire.lab.console.book import Book
from faultwire.lab.console.checking import GROUPS, Checking
from faultwire.lab.console.drive import Drive
from faultwire.lab.console.hub import Hub
from faultwire.lab.console.reading import Line, Reader
from faultwire.lab.console.recent import Recent
from faultwire.lab.console.services import Services
from faultwire.lab.console.story import told_in_full
from faultwire.lab.console.tally import Tally
from faultwire.lab.console.told import Told, summary
from faultwire.lab.console.wire_view import WireView
from faultwire.lab.member import Member, State

_SAMPLE = 8
_FAILURES = 3
_FEW = 3
_FIRST = 60
_HEARTBEAT_S = 1.0

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode


class Watch:
    """Watches a system. Needs a running event loop; close it in the end."""

    def __init__(self, members: dict[str, Member], token: str) -> None:
        self._members = members
        self._boot = secrets.token_hex(4)
        self._reader = Reader()
        self._tally = Tally()
        self._recent = {name: Recent() for name in members}
        self._told_state = b""
        self._told_seconds: list[Json] = []
        self._last_message = 0.0
        self._wire = WireView(members["wire"].plan, token) if "wire" in members else None
        b = members["B"].plan
        self.hub = Hub(self._snapshot)
        self.book = Book(self._count, Random())  # noqa: S311  which dots are drawn is no secret
        self.services = Services(members)
        self.checking = Checking()
        self.drive = Drive(Origin(b.host, b.port), self.book, self.hub.alone_s)

    async def close(self) -> None:
        """End what it has started."""
        self.drive.close()
        self.services.close()
        if self._wire is not None:
            self._wire.close()
        await self.checking.close()

    def wire_view(self) -> WireView:
        """The wire. Raises `BadRequest` where there is none."""
        if self._wire is None:
            raise BadRequest(409, "There is no wire: `faultwire up` was started with --direct")
        return self._wire

    # What comes in.

    def take(self, name: str, lines: Sequence[bytes]) -> None:
        """Lines of a process."""
        read, recent, add = self._reader.read, self._recent[name], self.book.add
        for data in lines:
            line = read(name, data)
            recent.add(line)
            add(line)

    def _count(self, line: Line) -> None:
        self._tally.add(line, time())

    async def refresh(self) -> None:
        """Look at what no line tells, as soon as somebody watches."""
        if not self.hub.watchers:
            self.services.forget()
            await self.hub.watched()
        looks = [self.services.refresh()]
        if self._wire is not None:
            looks.append(self._wire.refresh())
        await asyncio.gather(*looks)

    async def story(self, request_id: str) -> Json | None:
        """All of one request; None where it is not held any more."""
        told = self.book.find(request_id)
        if told is None:
            return None
        up = self._wire is not None and self._members["wire"].state is State.UP
        records = await self._wire.records(request_id) if self._wire is not None and up else []
        return told_in_full(told, records)

    def _around(self) -> Surroundings:
        """How the system stands, for whoever explains a request."""
        a, wire = self._members["A"], self._members.get("wire")
        wire_down = wire is not None and wire.state is State.DOWN
        return Surroundings(
            upstream_logged=True,
            upstream_alive=a.state is not State.DOWN,
            upstream_url=a.plan.url,
            upstream_stopped=a.since if a.state is State.DOWN else 0.0,
            wire_url=wire.plan.url if wire is not None else "",
            wire_to=a.plan.url if wire is not None else "",
            wire_stopped=wire.since if wire is not None and wire_down else 0.0,
            worked_before=bool(self._tally.totals.get("ok")),
            faults=self._wire.names() if self._wire is not None else (),
        )

    # What goes out.

    def tick(self) -> None:
        """Tell every page what is new."""
        now = time()
        self.book.around = self._around()
        sample, beside = self.book.sample(now, _SAMPLE, _FAILURES)
        begun = self.book.begun(_FEW)
        lines = {name: new for name, recent in self._recent.items() if (new := recent.new())}
        if not self.hub.watchers:
            return
        message: Json = {}
        if begun:
            message["begun"] = begun
        if sample or beside:
            message["sample"] = _shown(sample)
            message["beside"] = _shown(beside)
            message["unlisted"] = self.book.passed_over
        if lines:
            message["logs"] = lines
        if (seconds := self._tally.last()) != self._told_seconds:
            message["seconds"] = self._told_seconds = seconds
            message["totals"] = self._tally.totals
        state = _encode(self._state())
        if state != self._told_state:
            self._told_state = state
            message["state"] = msgspec.Raw(state)
        if message or now - self._last_message >= _HEARTBEAT_S:
            self._last_message = now
            self.hub.publish(_encode({"now": round(now * 1000), **message}))

    def _snapshot(self) -> bytes:
        logs = {name: recent.all() for name, recent in self._recent.items()}
        return _encode(
            {
                "now": round(time() * 1000),
                "boot": self._boot,
                "groups": GROUPS,
                "version": __version__,
                "state": self._state(),
                "requests": _shown(self.book.last(_FIRST)),
                "seconds": self._tally.history(),
                "totals": self._tally.totals,
                "logs": logs,
            }
        )

    def _state(self) -> Json:
        return {
            "services": self.services.shown(),
            "options": self.services.options(),
            "wire": None if self._wire is None else self._wire.shown(),
            "drive": self.drive.shown(),
            "check": self.checking.shown(),
            "in_vain": self.book.in_vain,
        }


def _shown(requests: Sequence[Told]) -> list[Json]:
    return [summary(told) for told in requests]
