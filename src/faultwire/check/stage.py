"""What a scenario is played on: the target, the wire behind it, and the upstream at its end.

Everything that is done or asked here becomes evidence by itself.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import msgspec

from faultwire.check.model import Exchanged, WireSaw
from faultwire.check.spec import Spec
from faultwire.wire.faults.base import Fault


class Unmet(Exception):
    """An expectation was not met; the sentence says what was seen instead."""


class CannotPlay(Exception):
    """The scenario cannot be played on this target; the sentence says why."""


class Answer(msgspec.Struct, frozen=True):
    """What came back: `status` 0 and `error` where no answer did.

    Header names are lower case. `body` is bounded; `took_s` counts from the first byte sent to
    the last received, connecting included.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    took_s: float
    error: str
    token: str

    @property
    def json(self) -> Any:
        """The body as JSON. Raises `Unmet` where it is none."""
        try:
            return msgspec.json.decode(self.body)
        except ValueError as error:
            raise Unmet(f"the answer's body is not JSON: {error}") from error


class Upstream(Protocol):
    """The service that the target calls, behind the wire."""

    async def stop(self) -> None:
        """End it: from now on its port refuses, and so does the wire."""

    async def start(self) -> None:
        """Start it again, and return when it is ready and the wire accepts."""

    async def pause(self) -> None:
        """Let it neither answer nor end: SIGSTOP, or the like."""

    async def resume(self) -> None:
        """Let it go on."""


class Process(Protocol):
    """The target's process with its children."""

    def alive(self) -> bool: ...
    def memory_bytes(self) -> int:
        """Resident memory of all of them."""

    def descriptors(self) -> int | None:
        """Open descriptors of all of them, None where that cannot be told."""

    def upstream_connections(self) -> int | None:
        """Their TCP connections to the wire that are established."""

    async def restart(self) -> None:
        """Kill it, start it anew, and return when it is ready."""

    async def terminate(self, within_s: float) -> int | None:
        """Ask it to end: SIGTERM, or the spec's signal.

        The exit status; None if it was still alive (and was killed).

        Behind the play the engine starts it again if the play has not.
        """


class Stage(Protocol):
    """One play's view of it all. Tokens are unique to the play."""

    @property
    def spec(self) -> Spec: ...
    @property
    def budget_s(self) -> float:
        """By when an answer must be there: the target's own time budget and the machine's margin.

        The margin comes from the baseline that was measured first.
        """

    @property
    def margin_s(self) -> float:
        """What this machine may add to any time."""

    @property
    def concurrent(self) -> bool:
        """Whether the target answers one request while another of its requests waits."""

    @property
    def upstream(self) -> Upstream: ...
    @property
    def process(self) -> Process: ...

    def token(self) -> str:
        """Another token: a short text that no other request has."""

    async def ask(
        self,
        *,
        token: str = "",
        text: str | None = None,
        method: str = "",
        target: str = "",
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
        to_upstream: bool = False,
        timeout_s: float | None = None,
    ) -> Answer:
        """Send the spec's request, or what is given in its place, on a connection of its own.

        `text` is sent where the token stands (lab: the value of `msg`, percent-encoded by us);
        `target` is path and query of another route as they are sent, without a body and by GET
        where no `method` is given; `raw` replaces the whole request.
        `to_upstream` asks the upstream directly, past target and wire. Never raises for what the
        target does; gives up after `timeout_s`, which is well beyond the budget where not given.
        A text contains its token, so that faults and `seen` find it.
        """

    async def ask_many(
        self, tokens: Sequence[str], *, at_once: int, timeout_s: float | None = None
    ) -> list[Answer]:
        """The spec's request with each token, so many at once; answers in the tokens' order."""

    def breaking(
        self, fault: str | Fault, *, tokens: Sequence[str] | None = None, **attributes: object
    ) -> AbstractAsyncContextManager[None]:
        """While inside, the wire plays the fault on this play's requests and no others'.

        Where tokens cannot be traced, or the fault is one of connections, on every request (such
        a scenario is played alone). `rate`, `phase`, `first` and the like as in a break. `tokens`
        names the requests meant; without it, all of this play's; where it is empty, every request
        of the target's, those for health routes too if `match` names their path. A request is a
        token's when the token is contained in what was traced. Several may be nested, also of one
        fault; they act in the order they were entered. Before a fault of connections, those that
        the target keeps idle are closed, so that it must connect. Leaving mends.
        """

    async def seen(self, token: str, *, at_least: int = 1, within_s: float = 1.0) -> list[WireSaw]:
        """The attempts that the wire saw for a token, in order; waits a little for them.

        Where tokens cannot be traced: all attempts since the play began. Attempts under way are
        among them. With an empty token: all of this play's.
        """

    async def log_lines(self, containing: str = "", *, within_s: float = 1.0) -> list[str]:
        """The target's log lines since the play began; waits a little for one that contains it."""

    def watch(self, seconds: float) -> AsyncIterator[float]:
        """Yield the seconds that have passed, every now and then, until they are over."""

    def figure(self, name: str, value: float | str) -> None:
        """Keep a measured number as evidence; its name holds its unit."""

    def note(self, sentence: str) -> None:
        """Keep a sentence as evidence."""

    def disturbed(self, why: str) -> None:
        """Say that the machine may decide this play: a failure of it is but a suspicion."""

    # Expectations that many scenarios share. Each raises `Unmet`.

    def expect(self, condition: bool, otherwise: str) -> None:
        """Raise `Unmet(otherwise)` unless the condition holds."""

    def is_good(self, answer: Answer) -> None:
        """It is what the spec calls good, for its own token."""

    def is_failure(self, answer: Answer, *, within_s: float | None = None) -> None:
        """It is what the spec calls an acceptable failure, and came within the budget."""

    async def is_well(self) -> None:
        """The target lives, and answers another request well.

        One that holds requests back to spare its upstream, as a circuit breaker does, is waited
        for, in a play that is played alone.
        """

    @property
    def exchanged(self) -> Sequence[Exchanged]:
        """Every request of this play so far."""
