"""What a target may do, and what the check does about it."""

import asyncio
import gc
import re
import socket
import sys
import warnings
from pathlib import Path

import pytest
from msgspec import structs

from faultwire.check import asking
from faultwire.check.spec import Canned, Start
from faultwire.check.target.canned import CannedServer
from faultwire.check.target.launch import launch
from faultwire.check.target.output import MOST_LINE_BYTES, MOST_LINES, Output
from faultwire.check.target.ports import free_port
from faultwire.check.target.service import NotStarted, Service
from tests.ports import unused_port
from tests.system.check_targets import tiny
from tests.system.running import PATIENCE_S, alive, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals, sessions, /proc")


def service(start: Start, folder: Path) -> Service:
    port = free_port(set())
    return Service("B", launch(start, port, ("127.0.0.1", 9), folder))


async def said(running: Service, word: str) -> int:
    """The number that stands behind a word in its output."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for line in running.output.last(MOST_LINES):
                if found := re.search(rf"{word} (\d+)", line):
                    return int(found[1])
            await running.output.more()


async def health(running: Service) -> int:
    answer = await asking.ask(running.url, target="/health", timeout_s=PATIENCE_S)
    return answer.status


async def test_a_service_is_started_asked_measured_and_ended(tmp_path: Path) -> None:
    running = service(tiny(tmp_path), tmp_path)
    await running.start()
    try:
        assert await health(running) == 200
        assert running.memory_bytes() > 1 << 20
        assert (running.descriptors() or 3) >= 3
        assert running.connections_to(1) == 0
        await running.restart()
        assert (await health(running), running.starts) == (200, 2)
    finally:
        await running.stop()
    assert not running.alive()


@pytest.mark.parametrize("habits", [["child"], ["daemon"], ["deaf", "child"]])
async def test_nothing_outlives_a_service_that_is_stopped(
    tmp_path: Path, habits: list[str]
) -> None:
    running = service(tiny(tmp_path, *habits), tmp_path)
    await running.start()
    pid = await said(running, "child" if "child" in habits else "daemon")
    assert running.alive()
    await running.stop()
    until(lambda: not alive(pid), "its child has ended")


async def test_a_flood_is_read_and_bounded(tmp_path: Path) -> None:
    running = service(tiny(tmp_path, "flood"), tmp_path)
    await running.start()
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not running.output.dropped_bytes:
                await health(running)
        assert await health(running) == 200
        assert len(running.output.last(10 * MOST_LINES)) <= MOST_LINES
    finally:
        await running.stop()


async def test_a_service_that_closes_its_output_is_served_all_the_same(tmp_path: Path) -> None:
    running = service(tiny(tmp_path, "silent"), tmp_path)
    await running.start()
    try:
        assert await health(running) == 200
    finally:
        await running.stop()


@pytest.mark.parametrize(
    ("command", "sentence", "line"),
    [
        ("sh -c 'echo no luck; exit 3'", "exit status 3", "no luck"),
        ("sh -c 'kill -9 $$'", "ended by signal 9", None),
        ("/no/such/program", "No such file", None),
    ],
)
async def test_a_service_that_does_not_start_is_reported_with_its_last_lines(
    tmp_path: Path, command: str, sentence: str, line: str | None
) -> None:
    with pytest.raises(NotStarted, match=sentence) as raised:
        await service(Start(command=command), tmp_path).start()
    assert raised.value.lines == ([line] if line else [])


async def test_a_service_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    running = service(Start(command="sleep 600", ready_within_s=0.1), tmp_path)
    with pytest.raises(NotStarted, match=r"not ready on port \d+ after 0.1 s"):
        await running.start()
    assert not running.alive()


async def test_a_service_that_listens_before_it_serves_is_waited_for(tmp_path: Path) -> None:
    running = service(tiny(tmp_path, "late"), tmp_path)
    await running.start()
    try:
        assert (await said(running, "asked"), await health(running)) == (1, 200)
    finally:
        await running.stop()


async def test_a_health_route_that_never_answers_is_waited_for_once(tmp_path: Path) -> None:
    start = structs.replace(tiny(tmp_path, "mute"), ready_within_s=4)  # enough to listen
    running = service(start, tmp_path)
    await running.start()
    try:
        running.launch = running.launch._replace(within_s=PATIENCE_S)
        async with asyncio.timeout(PATIENCE_S / 2):
            await running.restart()
        assert running.alive()
    finally:
        await running.stop()


async def test_a_taken_port_is_told(tmp_path: Path) -> None:
    first = service(tiny(tmp_path), tmp_path)
    await first.start()
    try:
        second = Service("A", first.launch)
        with pytest.raises(NotStarted, match=r"A cannot be started: port \d+ is taken"):
            await second.start()
    finally:
        await first.stop()


async def test_sigterm_gives_an_exit_status_or_a_kill(tmp_path: Path) -> None:
    polite, deaf = service(tiny(tmp_path), tmp_path), service(tiny(tmp_path, "deaf"), tmp_path)
    await asyncio.gather(polite.start(), deaf.start())
    try:
        assert await polite.terminate(PATIENCE_S) == -15
        assert await deaf.terminate(0.05) is None
        assert not deaf.alive()
    finally:
        await asyncio.gather(polite.stop(), deaf.stop())


async def test_a_paused_service_can_be_resumed_and_stopped(tmp_path: Path) -> None:
    running = service(tiny(tmp_path), tmp_path)
    await running.start()
    try:
        running.pause()
        answer = await asking.ask(running.url, target="/health", timeout_s=0.2)
        assert answer.error.startswith("timeout")
        running.resume()
        assert await health(running) == 200
        running.pause()
    finally:
        await running.stop()
    assert not running.alive()


def test_output_is_kept_in_bounded_lines() -> None:
    output = Output()
    output.feed(b"one\r\ntw")
    output.feed(b"o\n" + b"y" * (2 * MOST_LINE_BYTES))
    output.feed(b"\nlast")
    output.end()
    first, second, long, *_, last = output.last(9)
    assert (first, second, last) == ("one", "two", "last")
    assert len(long) == MOST_LINE_BYTES
    assert output.since(1)[0].text == "two"


async def test_a_canned_upstream_answers_stops_and_pauses() -> None:
    server = CannedServer(
        Canned(headers={"X-M": "{query.m}"}, body='{"p":"{path}"}'), free_port(set())
    )
    await server.start()
    try:
        answer = await asking.ask(server.url, target="/x%22?m=a%0Ab", timeout_s=PATIENCE_S)
        assert (answer.body, answer.headers["x-m"]) == (b'{"p":"/x\\""}', "a b")
        server.pause()
        held = asyncio.create_task(asking.ask(server.url, timeout_s=PATIENCE_S))
        assert (await asking.ask(server.url, timeout_s=0.1)).error.startswith("timeout")
        server.resume()
        assert (await held).status == 200
        await server.stop()
        assert (await asking.ask(server.url, timeout_s=PATIENCE_S)).error.startswith("refused")
        await server.start()
        assert (await asking.ask(server.url, timeout_s=PATIENCE_S)).status == 200
    finally:
        await server.stop()


@pytest.mark.parametrize("rounds", range(6))
async def test_who_is_being_accepted_while_a_canned_server_stops_is_closed(rounds: int) -> None:
    """asyncio loses a connection whose server is closed in between: it is left to the collector."""
    server = CannedServer(Canned(body="{}"), unused_port())
    await server.start()
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))):
        for _ in range(rounds):
            await asyncio.sleep(0)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            await server.stop()
            gc.collect()
    assert not warned
