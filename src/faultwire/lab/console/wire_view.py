"""The wire as the console sees it, through its control API: what is broken, what is under way."""

import asyncio
from typing import Any

from faultwire.http.address import Origin
from faultwire.http.sockets import reachable
from faultwire.lab.plan import Plan
from faultwire.wire.control.client import ControlClient, ControlError

_TIMEOUT_S = 2.0
_PIECES = 20

Json = dict[str, Any]


class WireView:
    """Asks one wire. Needs a running event loop; close it in the end."""

    def __init__(self, plan: Plan, token: str) -> None:
        control = plan.probed
        origin = Origin(reachable(control.host), control.port)
        self._client = ControlClient(origin, token, timeout_s=_TIMEOUT_S)
        self._catalogue: Json = {}
        self.faults: list[Json] = []
        self.open = 0
        self.answers = False

    def close(self) -> None:
        """Let go of its connections."""
        self._client.close()

    def shown(self) -> Json:
        """What is known, as the page is shown it."""
        return {"faults": self.faults, "open": self.open, "answers": self.answers}

    def names(self) -> tuple[str, ...]:
        """The faults that are set."""
        return tuple(made["fault"] for made in self.faults)

    async def refresh(self) -> None:
        """Ask what is broken and how much is under way; that nobody answers is an answer, too."""
        try:
            faults, ledger = await asyncio.gather(
                self._client.faults(), self._client.ledger(limit=1)
            )
            self.faults, self.open, self.answers = faults, ledger["counts"]["open"], True
        except ControlError:
            self.faults, self.open, self.answers = [], 0, False

    async def catalogue(self) -> Json:
        """Every fault there is, in the wire's own words. Raises `ControlError`."""
        if not self._catalogue:
            self._catalogue = await self._client.catalogue()
        return self._catalogue

    async def set(self, made: Json) -> Json:
        """Break the wire. Raises `ControlError`."""
        shown = await self._client.set(made)
        await self.refresh()
        return shown

    async def mend(self, name: str | None) -> list[str]:
        """Mend one fault, or all. Raises `ControlError`."""
        mended = await self._client.mend(name)
        await self.refresh()
        return mended

    async def records(self, request_id: str) -> list[Json]:
        """What the ledger has of a request; nothing where the wire does not answer."""
        try:
            found = await self._client.ledger(request_id=request_id, limit=_PIECES)
        except ControlError:
            return []
        records: list[Json] = found["records"]
        return records
