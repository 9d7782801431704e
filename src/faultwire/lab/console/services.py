"""The services as the page shows them, and what its buttons do with them."""

import asyncio
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from faultwire.http.message import BadRequest
from faultwire.lab.console.gauges import Gauges
from faultwire.lab.member import Member, State
from faultwire.lab.plan import Plan
from faultwire.settings import SERVICE_A, SERVICE_B, Setting

_ACTIONS = ("start", "stop", "kill", "pause", "resume", "restart")
_UPSTREAMS = ("right", "nobody")
_POLICY = next(each for each in SERVICE_B.settings if each.flag == "--policy")
_WORK = next(each for each in SERVICE_A.settings if each.flag == "--work")
_WORKS = ("0s", "200ms", "2s")

Json = dict[str, Any]


class Services:
    """Acts on the members of a system. Close it in the end."""

    def __init__(self, members: dict[str, Member]) -> None:
        self._members = members
        self._gauges = {name: Gauges(members[name]) for name in ("A", "B")}
        self._as_it_was = {name: members[name].plan for name in ("A", "B")}
        self._dead_end = _dead_end()
        self.upstream = "right"
        self.policy = ""
        self.work = ""

    def close(self) -> None:
        """Give the port back where nobody listens, and let go of connections."""
        self._dead_end.close()
        for gauges in self._gauges.values():
            gauges.close()

    def shown(self) -> list[Json]:
        """Every service and its state."""
        return [self._one(member) for member in self._members.values()]

    def options(self) -> Json:
        """How A and B were started, and how they can be; empty for as `up` has started them."""
        return {
            "upstream": self.upstream,
            "policy": self.policy,
            "policies": list(_POLICY.examples),
            "work": self.work,
            "works": list(_WORKS),
        }

    async def refresh(self) -> None:
        """Look at what no line tells."""
        self._look()
        await asyncio.gather(*(gauges.refresh() for gauges in self._gauges.values()))

    def forget(self) -> None:
        """Nobody has looked for a while."""
        for gauges in self._gauges.values():
            gauges.forget()

    def without_ours(self, name: str, lines: Sequence[bytes]) -> Sequence[bytes]:
        """The lines of a service but for those of our own looking."""
        gauges = self._gauges.get(name)
        return lines if gauges is None else gauges.without_ours(lines)

    def _look(self) -> None:
        """Notice what others have frozen, such as `kill -STOP` in a terminal."""
        import psutil  # noqa: PLC0415  slow to import, and nothing needs it before all is up

        for member in self._members.values():
            if member.child is not None and member.state in (State.UP, State.PAUSED):
                with suppress(psutil.Error):
                    status = psutil.Process(member.child.pid).status()
                    member.notice_pause(stopped=status == psutil.STATUS_STOPPED)

    async def act(self, body: Json) -> Json:
        """Do what a button says. Raises `BadRequest` and `CannotAct`."""
        name, action = body.get("name"), body.get("action")
        member = self._members.get(str(name))
        if member is None or action not in _ACTIONS:
            known = ", ".join(self._members)
            raise BadRequest(400, f"name is one of {known}; action one of {', '.join(_ACTIONS)}")
        if action == "restart" and name == "B":
            await self._restart_b(member, body)
        elif action == "restart" and name == "A":
            await self._restart_a(member, body)
        elif action == "restart":
            await member.restart()
        elif action == "start":
            await member.start()
        else:
            {
                "stop": member.stop,
                "kill": member.kill,
                "pause": member.pause,
                "resume": member.resume,
            }[action]()
        return self._one(member)

    async def _restart_b(self, member: Member, body: Json) -> None:
        """Start B anew. What is not said of its upstream and its policy stays as it is."""
        upstream = body.get("upstream", self.upstream)
        policy = _read(_POLICY, body.get("policy", self.policy))
        if upstream not in _UPSTREAMS:
            raise BadRequest(400, f"upstream is one of {', '.join(_UPSTREAMS)}")
        plan = _having(self._as_it_was["B"], _POLICY, policy)
        if upstream == "nobody":
            host, port = self._dead_end.getsockname()
            plan = plan.having("--upstream", f"http://{host}:{port}")
        await member.restart(plan)
        self.upstream, self.policy = upstream, policy

    async def _restart_a(self, member: Member, body: Json) -> None:
        """Start A anew. What is not said of its work stays as it is."""
        work = _read(_WORK, body.get("work", self.work))
        await member.restart(_having(self._as_it_was["A"], _WORK, work))
        self.work = work

    def _one(self, member: Member) -> Json:
        plan, gauges = member.plan, self._gauges.get(member.name)
        return {
            "name": member.name,
            "state": member.state,
            "said": "" if member.wanted else member.said,
            "wanted": member.wanted,
            "pid": member.child.pid if member.running and member.child else 0,
            "url": plan.url,
            "since": round(member.since * 1000),
            "can_pause": hasattr(os, "killpg"),
            **({} if gauges is None else gauges.shown()),
        }


def _read(setting: Setting, text: object) -> str:
    """A text that the service will understand; empty for what it was started with."""
    if text == "":
        return ""
    try:
        setting.read(str(text))
    except ValueError as error:
        raise BadRequest(400, f"{setting.flag} is {text!r}: expected {error}") from error
    return str(text)


def _having(plan: Plan, setting: Setting, text: str) -> Plan:
    return plan.having(setting.flag, text) if text else plan


def _dead_end() -> socket.socket:
    """A port that is taken, and at which nobody listens: whoever connects is refused."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock
