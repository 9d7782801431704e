"""What `faultwire up` makes of output and of exit statuses."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from faultwire.http.sockets import CAN_RESERVE, listen, reachable
from faultwire.lab.exits import explain_exit
from faultwire.lab.lines import LineSplitter
from faultwire.lab.plan import plans
from faultwire.lab.screen import Screen, screen_for, wants_colour
from faultwire.services.workers import restart_delay_s
from faultwire.settings import read_pair


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_lines_are_whole_however_the_pieces_fall(size: int) -> None:
    data = b"one\ntwo\r\n\nthree and more\nwithout an end"
    splitter = LineSplitter()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    assert lines == [b"one", b"two", b"", b"three and more"]
    assert splitter.end() == [b"without an end"]
    assert splitter.end() == []


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_line_that_does_not_end_is_held_in_bounded_memory(size: int) -> None:
    splitter = LineSplitter(max_bytes=10)
    data = b"x" * 25
    for at in range(0, len(data), size):
        assert splitter.feed(data[at : at + size]) == []
        assert len(splitter._rest) <= 10
    assert splitter.feed(b"\nnext\n") == [b"xxxxxxxxxx ... and 15 bytes more", b"next"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, "exit status 0: it was told to stop"),
        (1, "exit status 1: an error that it did not expect; its last lines say which"),
        (2, "exit status 2: it cannot run like this; its last line says why"),
        (3, "exit status 3"),
        (-9, "killed by signal 9 (SIGKILL)"),
        (-250, "killed by signal 250"),
        (130, "exit status 130: ended at once by a signal (SIGINT)"),
        (255, "exit status 255"),
    ],
)
def test_an_exit_status_is_explained(code: int, said: str) -> None:
    assert explain_exit(code) == said


@pytest.mark.parametrize(
    ("environ", "is_terminal", "colour"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colour_is_for_terminals_unless_the_environment_says_otherwise(
    environ: dict[str, str], *, is_terminal: bool, colour: bool
) -> None:
    assert wants_colour(environ, is_terminal=is_terminal) is colour


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    os.close(read)
    os.close(write)


def test_the_screen_puts_names_of_equal_width_before_lines(pipe: tuple[int, int]) -> None:
    screen = Screen(["A", "wire"], colour=False, bar="|", fd=pipe[1])
    screen.lines("A", [b"one", b"two"])
    screen.lines("wire", [b"three"])
    screen.lines("wire", [])
    screen.say("done")
    assert os.read(pipe[0], 1000) == b"A    | one\nA    | two\nwire | three\ndone\n"


def test_the_screen_colours_names_and_its_own_words(pipe: tuple[int, int]) -> None:
    screen = Screen("AB", colour=True, bar="|", fd=pipe[1])
    screen.lines("B", [b"x"])
    screen.say("done")
    assert os.read(pipe[0], 1000) == b"\x1b[35mB |\x1b[0m x\n\x1b[1mdone\x1b[0m\n"


def test_the_screen_never_waits_for_a_terminal_that_does_not_read(pipe: tuple[int, int]) -> None:
    screen = Screen("A", colour=False, bar="|", fd=pipe[1])
    for _ in range(2_000):
        screen.lines("A", [b"x" * 1_000])
    seen = b""
    while b"some lines are missing" not in seen:
        seen = os.read(pipe[0], 65536)
        screen.flush()


def test_a_process_without_standard_error_has_a_screen_too() -> None:
    screen_for("AB", None)


def test_a_service_that_listens_everywhere_is_reached_at_the_loopback() -> None:
    assert [reachable(host) for host in ("0.0.0.0", "::", "10.0.0.1")] == [
        "127.0.0.1",
        "::1",
        "10.0.0.1",
    ]


def test_a_worker_that_keeps_dying_young_waits_longer_each_time_up_to_a_bound() -> None:
    delays = [restart_delay_s(deaths) for deaths in range(12)]
    assert delays[:6] == [0.0, 0.0, 0.1, 0.2, 0.4, 0.8]
    assert delays[-3:] == [5.0, 5.0, 5.0]
    assert restart_delay_s(10**9) == 5.0


@pytest.mark.skipif(not CAN_RESERVE, reason="elsewhere a port cannot be kept for another process")
def test_ports_that_are_found_are_given_to_nobody_else_as_long_as_the_system_stands() -> None:
    a, b = read_pair({"a_port": "0", "b_port": "0"}, {})
    with ExitStack() as reserved:
        found = plans(a, b, None, {}, reserved)
        for plan in found:
            with socket.socket() as other, pytest.raises(OSError, match="in use"):
                other.bind((plan.host, plan.port))
            listen(plan.host, plan.port).close()
    for plan in found:
        with socket.socket() as other:
            other.bind((plan.host, plan.port))
