"""A, the wire and B on machines of their own, and the cable between them is cut.

Nothing refuses and nothing resets: packets vanish. B answers in its deadline all the same, and
when the cable is back, connections that died in silence are nobody's problem.
"""

import json
import signal
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.cluster.namespaces import Network, Unavailable, network
from tests.system.conftest import Start
from tests.system.running import Answer, Client, Running, get, until

TIMEOUT_S = 0.3
RECOVERY_S = 1.0
SLACK_S = 2.0
"""What a machine that is busy with other things may add to either."""

POOLED = 3

ECHO = '{"service_b":"ok","service_a":{"echo":"hello"}}'
CUTS = pytest.mark.parametrize("silently", [False, True], ids=["link down", "frames dropped"])


class Timed(NamedTuple):
    answer: Answer
    seconds: float


class Lab:
    """A and B, with the wire between them or not, on one network."""

    def __init__(self, net: Network, start: Start, *, wire: bool) -> None:
        self.net = net
        self._start = start
        self._a_at = net.plug_in("a")
        upstream = f"http://{self._a_at}:8080"
        self.a = self.start_a()
        if wire:
            wire_at = net.plug_in("wire")
            listen = ("--listen", f"{wire_at}:8082", "--to", upstream)
            start("wire", *listen, command=net.faultwire("wire")).wait_for("listening")
            upstream = f"http://{wire_at}:8082"
        net.plug_in("b")
        words = ("--upstream", upstream, "--timeout", f"{TIMEOUT_S}s")
        self._b = start("service-b", *words, command=net.faultwire("b")).url()

    def start_a(self) -> Running:
        """Start A on its machine; returns when it listens."""
        words = ("--host", self._a_at, "--drain-grace", "0s")
        a = self._start("service-a", *words, command=self.net.faultwire("a"))
        a.wait_for("listening")
        return a

    def ask(self, target: str = "/call-echo?msg=hello") -> Timed:
        """Ask B, on its own machine."""
        begin = time.monotonic()
        answer = self.net.run_on("b", lambda: get(self._b, target))
        return Timed(answer, time.monotonic() - begin)

    def ask_at_once(self, count: int) -> list[Answer]:
        """So many requests in flight together: B has as many connections to A afterwards."""

        def ask() -> list[Answer]:
            clients = [Client(self._b) for _ in range(count)]
            for client in clients:
                client.send("/call-echo?msg=hello")
            answers = [client.answer() for client in clients]
            for client in clients:
                client.close()
            return answers

        return self.net.run_on("b", ask)

    def expect_a_timely_failure(self) -> None:
        answer, seconds = self.ask()
        assert answer.status == 503
        kind = json.loads(answer.body)["kind"]
        assert kind in ("response_timeout", "connect_timeout", "connection_refused")
        assert seconds < TIMEOUT_S + SLACK_S

    def mend_and_measure(self, host: str) -> float:
        """Mend the host's cable; how many seconds later B's next good answer came."""
        self.net.mend(host)
        begin = time.monotonic()
        until(lambda: self.ask().answer.status == 200, "B serves again")
        return time.monotonic() - begin


@pytest.fixture
def net() -> Iterator[Network]:
    try:
        with network() as made:
            yield made
    except Unavailable as why:
        pytest.skip(str(why))


@CUTS
@pytest.mark.parametrize("wire", [False, True], ids=["direct", "through the wire"])
def test_a_cut_cable_costs_the_deadline_and_its_return_is_noticed_within_a_second(
    net: Network, start: Start, wire: bool, silently: bool
) -> None:
    lab = Lab(net, start, wire=wire)
    assert {answer.body for answer in lab.ask_at_once(POOLED)} == {ECHO}
    net.cut("a", silently=silently)
    for _ in range(POOLED + 2):  # on each pooled connection, and then on new ones
        lab.expect_a_timely_failure()
    assert lab.ask("/health").answer.status == 200
    assert lab.mend_and_measure("a") < RECOVERY_S + SLACK_S


def test_connections_to_an_a_that_was_replaced_behind_a_cut_cable_are_nobodys_problem(
    net: Network, start: Start
) -> None:
    """Its end was said into the void: to B they look as good as ever."""
    lab = Lab(net, start, wire=False)
    assert {answer.body for answer in lab.ask_at_once(POOLED)} == {ECHO}
    net.cut("a", silently=True)
    lab.a.signal(signal.SIGKILL)
    lab.a.exit_status()
    lab.start_a()
    net.mend("a")
    assert [lab.ask().answer.status for _ in range(POOLED + 1)] == [200] * (POOLED + 1)
