"""The stage: what a scenario does on it becomes evidence by itself."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from math import inf
from time import monotonic, time

from faultwire.check import asking
from faultwire.check.model import Evidence, Exchanged, WireSaw
from faultwire.check.play.bench import Bench
from faultwire.check.play.controls import BehindWire, TargetProcess
from faultwire.check.play.holding_back import is_held_back
from faultwire.check.play.judging import check_failure, check_good
from faultwire.check.play.meddling import Meddling
from faultwire.check.play.notebook import Notebook
from faultwire.check.play.request import Request, request_of
from faultwire.check.spec import Spec
from faultwire.check.stage import Answer, CannotPlay, Process, Unmet, Upstream
from faultwire.check.target.sightings import saw
from faultwire.wire.faults.base import Fault

_LEAST_PATIENCE_S = 3.0
_EVERY_S = 0.1
_WORTH_A_NOTE_S = 0.5


class PlayedStage:
    """The `Stage` of one play on a bench, which ends after `within_s`.

    `alone` says that no other play runs meanwhile. `held_back` becomes true when the target fails
    one of the spec's requests at once without calling its upstream: a breaker may be open.
    `was_disturbed` becomes true when the scenario says so.
    """

    def __init__(self, bench: Bench, *, alone: bool, within_s: float = inf) -> None:
        self.held_back = self.was_disturbed = False
        self._ends_at = monotonic() + within_s
        self._bench = bench
        self._rig = bench.rig
        self._series = bench.tokens.series()
        self._meddling = Meddling(bench.rig, self._series.prefix, alone=alone)
        self._alone = alone
        self._texts: dict[str, str] = {}
        self._notebook = Notebook()
        self._seen_before = bench.rig.sightings.count
        service = bench.rig.service
        self._lines_before = service.output.count if service is not None else 0

    # What there is.

    @property
    def spec(self) -> Spec:
        return self._rig.spec

    @property
    def budget_s(self) -> float:
        return self._bench.budget_s

    @property
    def margin_s(self) -> float:
        return self._bench.margin_s

    @property
    def concurrent(self) -> bool:
        return self._bench.baseline.at_once > 1

    @property
    def upstream(self) -> Upstream:
        return BehindWire(self._rig, alone=self._alone)

    @property
    def process(self) -> Process:
        return TargetProcess(self._rig, alone=self._alone)

    @property
    def exchanged(self) -> Sequence[Exchanged]:
        return self._notebook.exchanged

    def token(self) -> str:
        return self._series.next()

    # Asking.

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
        token = token or self.token()
        if text is not None:
            self._texts[token] = text
        request = self._request(token if text is None else text, to_upstream=to_upstream)
        if target:
            request = request.elsewhere(target)
        request = request._replace(
            method=method or request.method, headers={**request.headers, **(headers or {})}
        )
        before = self._rig.sightings.count
        url = self._url(to_upstream=to_upstream)
        answer = await self._send(request, token, raw, url, timeout_s)
        if text is None and not (method or target or raw or to_upstream):
            self.held_back |= self._is_held_back(answer, before)
        return answer

    def _is_held_back(self, answer: Answer, before: int) -> bool:
        """`before` is how many requests the wire had seen when it was asked."""
        if self._rig.wire is None or not self._bench.baseline.good:
            return False
        wanted = [answer.token] if self.spec.traces else []
        attempted = bool(self._rig.sightings.of(*wanted, since=before))
        return is_held_back(answer, self.spec, attempted=attempted)

    async def ask_many(
        self, tokens: Sequence[str], *, at_once: int, timeout_s: float | None = None
    ) -> list[Answer]:
        room = asyncio.Semaphore(at_once)

        async def one(token: str) -> Answer:
            async with room:
                return await self.ask(token=token, timeout_s=timeout_s)

        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(one(token)) for token in tokens]
        return [task.result() for task in asked]

    def _request(self, text: str, *, to_upstream: bool) -> Request:
        ask = self.spec.ask
        if to_upstream and self.spec.preset == "lab":
            path = "/echo"
            return request_of(type(ask)(path=path, query=ask.query), text)
        return request_of(ask, text)

    def _url(self, *, to_upstream: bool) -> str:
        url = self._rig.backend.url if to_upstream else self._rig.b_url
        if not url:
            raise CannotPlay(self._rig.layout.no_wire)
        return url

    async def _send(
        self, request: Request, token: str, raw: bytes | None, url: str, timeout_s: float | None
    ) -> Answer:
        sent_at = time()
        heard = await asking.ask(
            url,
            method=request.method,
            target=request.target,
            headers=request.headers,
            body=request.body,
            raw=raw,
            timeout_s=timeout_s if timeout_s is not None else self._patience_s(),
        )
        line = f"{request.method} {request.target}" if raw is None else _first_line(raw)
        self._notebook.asked(token, line, sent_at, heard)
        return Answer(heard.status, heard.headers, heard.body, heard.took_s, heard.error, token)

    def _patience_s(self) -> float:
        """Well beyond the budget: a late answer tells more than none."""
        return max(_LEAST_PATIENCE_S, 2 * self.spec.budget_s + 1.0) + self.margin_s

    # Breaking and looking.

    def breaking(
        self, fault: str | Fault, *, tokens: Sequence[str] | None = None, **attributes: object
    ) -> AbstractAsyncContextManager[None]:
        return self._meddling.breaking(fault, tokens, attributes)

    async def seen(self, token: str, *, at_least: int = 1, within_s: float = 1.0) -> list[WireSaw]:
        end = monotonic() + within_s
        while len(found := self._seen(token)) < at_least and (left_s := end - monotonic()) > 0:
            await or_timeout(self._rig.sightings.more(), left_s)
        return found

    def _seen(self, token: str) -> list[WireSaw]:
        sightings, since = self._rig.sightings, self._seen_before
        if not self.spec.traces:
            return [saw(each) for each in sightings.of(since=since)]
        texts = [token or self._series.prefix]
        if token in self._texts and token not in self._texts[token]:
            texts.append(self._texts[token])
        found = sightings.of(*texts, since=since)
        if self._alone:
            unasked = [each for each in sightings.unasked(since) if each not in found]
            found = sorted([*found, *unasked], key=lambda each: each.number)
        return [saw(each) for each in found]

    async def log_lines(self, containing: str = "", *, within_s: float = 1.0) -> list[str]:
        service = self._rig.service
        if service is None:
            raise CannotPlay("the target's log cannot be read")
        end = monotonic() + within_s
        while not (found := self._lines(containing)) and (left_s := end - monotonic()) > 0:
            await or_timeout(service.output.more(), left_s)
        return found

    def _lines(self, containing: str) -> list[str]:
        service = self._rig.service
        if service is None:
            return []
        lines = service.output.since(self._lines_before)
        return [line.text for line in lines if containing in line.text]

    async def watch(self, seconds: float) -> AsyncIterator[float]:
        began = monotonic()
        while (passed := monotonic() - began) < seconds:
            yield passed
            await asyncio.sleep(min(_EVERY_S, max(seconds - passed, 0.0)))

    # Keeping and expecting.

    def figure(self, name: str, value: float | str) -> None:
        self._notebook.figure(name, value)

    def note(self, sentence: str) -> None:
        self._notebook.note(sentence)

    def disturbed(self, why: str) -> None:
        self.was_disturbed = True
        self.note(why)

    def expect(self, condition: bool, otherwise: str) -> None:
        if not condition:
            raise Unmet(otherwise)

    def is_good(self, answer: Answer) -> None:
        expected = self._texts.get(answer.token, answer.token)
        check_good(answer, self.spec.good, expected, self.budget_s)

    def is_failure(self, answer: Answer, *, within_s: float | None = None) -> None:
        limit_s = self.budget_s if within_s is None else within_s
        check_failure(answer, self.spec.failure, limit_s)

    async def is_well(self) -> None:
        # Beside others it is not waited for: their failures may hold it back all the time.
        until = self._ends_at - 1.0 if self._alone else -inf
        patience = self._bench.patience
        answer, waited_s = await patience.until_served(self._ask_healthy, self._pause, until)
        if waited_s > _WORTH_A_NOTE_S and self._alone:
            self.note(f"It held healthy requests back for {waited_s:.1f} s, as a breaker does.")
        try:
            self.is_good(answer)
        except Unmet as unmet:
            raise Unmet(f"afterwards, a healthy request was not served: {unmet}") from unmet

    async def _ask_healthy(self) -> tuple[Answer, bool]:
        """Not with one of this play's tokens: it must be well while they are broken, too."""
        service = self._rig.service
        if service is not None and not service.alive():
            raise Unmet(f"the target has died: {service.ending()}")
        before = self._rig.sightings.count
        answer = await self.ask(token=self._bench.tokens.series().next())
        return answer, self._is_held_back(answer, before)

    async def _pause(self) -> None:
        await asyncio.sleep(_EVERY_S)

    def evidence(self) -> Evidence:
        """All that is to be kept of the play."""
        log = self._lines("" if self._alone else self._series.prefix)
        return self._notebook.evidence(self._seen(""), log)


async def or_timeout(waiting: Coroutine[None, None, None], seconds: float) -> None:
    """Wait, no longer than so many seconds.

    Until Python 3.12, `asyncio.wait_for` loses a cancellation that comes just when the wait is
    over: Ctrl+C would have ended nothing.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await waiting


def _first_line(raw: bytes) -> str:
    return raw.partition(b"\r\n")[0].decode("utf-8", "replace")
