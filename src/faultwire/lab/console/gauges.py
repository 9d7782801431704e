"""What a service itself says of this moment: how much it has in flight, how its breaker stands.

It is read from the service's `/metrics`, as any monitoring does. Each such request leaves a line
in the service's log, which nobody wants to see once a second: those lines are taken out.
"""

import re
from collections.abc import Sequence
from typing import Any

from faultwire.failures import Failure
from faultwire.http.address import Origin
from faultwire.http.pool import Pool
from faultwire.lab.child import Child
from faultwire.lab.member import Member, State

UNKNOWN = "unknown"
_PATH = b"/metrics"
_TIMEOUT_S = 1.0
_MOST_OWED = 3
_ANSWERS = (State.UP, State.DRAINING)
_ACTIVE = re.compile(rb"^http_server_active_requests (\d+)", re.MULTILINE)
_BREAKER = re.compile(rb'^faultwire_breaker_state\{[^}]*="(\w+)"\} 1', re.MULTILINE)

Json = dict[str, Any]


class Gauges:
    """Asks one service. Needs a running event loop; close it in the end.

    `in_flight` is None and `breaker` is `unknown` where the service does not say; `breaker` is
    empty where it has none.
    """

    def __init__(self, member: Member) -> None:
        origin = Origin(member.plan.host, member.plan.port)
        self._member = member
        self._pool = Pool(origin, most=1)
        self._request = (
            f"GET {_PATH.decode()} HTTP/1.1\r\nHost: {origin.authority}\r\n"
            "Accept: application/openmetrics-text\r\n\r\n"
        ).encode()
        self._child: Child | None = None
        self._owed = 0
        self.in_flight: int | None = None
        self.breaker = ""

    def close(self) -> None:
        """Let go of its connection."""
        self._pool.close()

    def shown(self) -> Json:
        """What is known, as the page is shown it. What is frozen may stand as it stood, or not."""
        if self._member.state not in _ANSWERS or self._member.child is not self._child:
            self.forget()
        return {"in_flight": self.in_flight, "breaker": self.breaker}

    def forget(self) -> None:
        """What was true a while ago is not known any more."""
        self.in_flight = None
        same = self._member.running and self._member.child is self._child
        self.breaker = UNKNOWN if self.breaker and same else ""

    async def refresh(self) -> None:
        """Ask it, if it can answer."""
        child = self._member.child
        if child is not self._child:
            self._child, self._owed, self.breaker = child, 0, ""
        if self._member.state not in _ANSWERS:
            self.forget()
            return
        self._owed = min(self._owed + 1, _MOST_OWED)
        try:
            reply = await self._pool.call(self._request, timeout_s=_TIMEOUT_S, idempotent=True)
        except Failure:
            self.forget()
        else:
            if child is self._member.child:
                self.in_flight, self.breaker = read(reply.body)

    def without_ours(self, lines: Sequence[bytes]) -> Sequence[bytes]:
        """The lines but for those that our own asking has left: as many, and no more."""
        if not self._owed:
            return lines
        others = []
        for line in lines:
            if self._owed and _PATH in line:
                self._owed -= 1
            else:
                others.append(line)
        return others


def read(text: bytes) -> tuple[int | None, str]:
    """What metrics say is in flight, the request that asked for them left out, and the breaker."""
    active, breaker = _ACTIVE.search(text), _BREAKER.search(text)
    in_flight = max(int(active[1]) - 1, 0) if active else None
    return in_flight, breaker[1].decode() if breaker else ""
