"""Lines reach real descriptors whole and in order, and a stalled reader stalls nobody."""

import contextlib
import fcntl
import os
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from faultwire.telemetry.descriptor import Descriptor, asking_first
from faultwire.telemetry.line_writer import LineWriter

PIPE_BYTES = 4096

TALKER = """
import sys
from faultwire.telemetry.line_writer import LineWriter
writer = LineWriter(2, lambda count: b"gap")
for _ in range(300):
    writer.write(sys.argv[1].encode() * 700 + bytes([10]))
sys.exit(0 if writer.close(30) else 1)
"""


class Pipe:
    """A small pipe; both ends are closed at the end of the test."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def read(self) -> bytes:
        """All that is there now, without waiting for more."""
        parts = []
        while select.select([self.reader], [], [], 0)[0]:
            part = os.read(self.reader, 65536)
            if not part:
                break
            parts.append(part)
        return b"".join(parts)

    def close_reader(self) -> None:
        os.close(self.reader)
        self.reader = -1

    def close(self) -> None:
        for fd in (self.reader, self.writer):
            with contextlib.suppress(OSError):
                os.close(fd)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    it = Pipe()
    yield it
    it.close()


def gap(count: int) -> bytes:
    return b"gap %d\n" % count


def lines(first: int, last: int) -> list[bytes]:
    return [b"line %06d\n" % number for number in range(first, last)]


def write_all(writer: LineWriter, these: list[bytes]) -> None:
    for line in these:
        writer.write(line)


def test_a_line_is_there_as_soon_as_it_is_written(pipe: Pipe) -> None:
    writer = LineWriter(pipe.writer, gap)
    writer.write(b"one\n")
    assert pipe.read() == b"one\n"
    writer.write(b"two\n")
    assert pipe.read() == b"two\n"
    assert (writer.dropped, writer.waiting_bytes, writer.close()) == (0, 0, True)


def test_the_flag_of_the_shared_description_is_left_alone(pipe: Pipe) -> None:
    before = fcntl.fcntl(pipe.writer, fcntl.F_GETFL)
    writer = LineWriter(pipe.writer, gap)
    assert fcntl.fcntl(pipe.writer, fcntl.F_GETFL) == before
    assert not before & os.O_NONBLOCK
    writer.close()


def test_a_stalled_reader_gets_every_line_later_and_in_order(pipe: Pipe) -> None:
    writer = LineWriter(pipe.writer, gap)
    written = lines(0, 5000)
    write_all(writer, written)
    assert writer.waiting_bytes > 0
    said = b""
    while not writer.flush():
        said += pipe.read()
    assert said + pipe.read() == b"".join(written)
    assert (writer.dropped, writer.waiting_bytes) == (0, 0)
    writer.close()


def test_the_next_line_brings_the_waiting_ones_with_it(pipe: Pipe) -> None:
    writer = LineWriter(pipe.writer, gap)
    write_all(writer, lines(0, 500))
    said = pipe.read()
    writer.write(b"last\n")
    said += pipe.read()
    assert said == b"".join(lines(0, 500)) + b"last\n"
    writer.close()


def test_a_stalled_reader_costs_a_bounded_backlog_and_the_gap_is_marked(pipe: Pipe) -> None:
    writer = LineWriter(pipe.writer, gap, max_backlog_bytes=1200)
    write_all(writer, lines(0, 1000))
    kept = (PIPE_BYTES + 1200) // len(lines(0, 1)[0])
    assert (writer.dropped, writer.waiting_bytes <= 1200) == (1000 - kept, True)
    said = pipe.read()
    writer.write(b"after\n")
    said += pipe.read()
    assert said == b"".join(lines(0, kept)) + b"gap %d\n" % (1000 - kept) + b"after\n"
    assert (writer.dropped, writer.flush()) == (1000 - kept, True)
    writer.close()


def test_a_slow_reader_sees_every_line_or_a_gap_that_counts_it(pipe: Pipe) -> None:
    writer = LineWriter(pipe.writer, gap, max_backlog_bytes=2000)
    said = b""
    for number in range(20_000):
        writer.write(b"line %06d\n" % number)
        if number % 50 == 0:
            said += os.read(pipe.reader, 300)
    while not writer.flush():
        said += pipe.read()
    said += pipe.read()
    seen, missing = 0, 0
    for line in said.splitlines(keepends=True):
        if match := re.fullmatch(rb"gap (\d+)\n", line):
            seen += int(match[1])
            missing += int(match[1])
        else:
            assert line == b"line %06d\n" % seen
            seen += 1
    assert (seen, missing) == (20_000, writer.dropped)
    assert 0 < missing < 20_000
    writer.close()


def test_a_long_line_is_continued_where_it_was_cut(pipe: Pipe) -> None:
    writer = LineWriter(pipe.writer, gap)
    long = b"x" * 10_000 + b"\n"
    writer.write(long)
    writer.write(b"next\n")
    said = b""
    while not writer.flush():
        said += pipe.read()
    assert said + pipe.read() == long + b"next\n"
    writer.close()


def test_a_flush_waits_for_the_reader_no_longer_than_told(pipe: Pipe) -> None:
    writer = LineWriter(pipe.writer, gap)
    write_all(writer, lines(0, 1000))
    begun = time.monotonic()
    assert writer.flush(0.05) is False
    assert 0.05 <= time.monotonic() - begun < 1
    writer.close()


def test_a_close_waits_for_a_reader_that_wakes_up(pipe: Pipe) -> None:
    writer = LineWriter(pipe.writer, gap)
    write_all(writer, lines(0, 3000))
    said = bytearray()

    def read() -> None:
        while len(said) < 3000 * 12:
            said.extend(os.read(pipe.reader, 65536))

    reader = threading.Thread(target=read)
    reader.start()
    assert writer.close(30) is True
    reader.join(30)
    assert said == b"".join(lines(0, 3000))


def test_a_reader_that_has_gone_does_not_crash_the_writer(pipe: Pipe) -> None:
    writer = LineWriter(pipe.writer, gap)
    write_all(writer, lines(0, 1000))
    pipe.close_reader()
    write_all(writer, lines(0, 10))
    assert (writer.dropped, writer.waiting_bytes) == (1000 - PIPE_BYTES // 12 + 10, 0)
    assert writer.close(5) is False


def test_a_pipe_whose_reader_went_before_the_start_is_no_harm(pipe: Pipe) -> None:
    pipe.close_reader()
    writer = LineWriter(pipe.writer, gap)
    write_all(writer, lines(0, 10))
    assert (writer.dropped, writer.close()) == (10, False)


def test_a_new_reader_of_a_named_pipe_is_told_what_it_missed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fd = os.open(path, os.O_WRONLY)
    writer = LineWriter(fd, gap)
    writer.write(b"before\n")
    assert os.read(reader, 100) == b"before\n"
    os.close(reader)
    write_all(writer, lines(0, 7))
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer.write(b"after\n")
    assert os.read(reader, 100) == b"gap 7\nafter\n"
    assert (writer.dropped, writer.close()) == (7, True)
    os.close(reader)
    os.close(fd)


def test_a_line_torn_by_a_reader_that_left_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "log"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fd = os.open(path, os.O_WRONLY)
    writer = LineWriter(fd, gap)
    writer.write(b"x" * 100_000 + b"\n")
    os.close(reader)
    writer.write(b"lost\n")
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    torn = os.read(reader, 100_000)
    writer.write(b"after\n")
    assert (torn.strip(b"x"), os.read(reader, 100)) == (b"", b"\ngap 2\nafter\n")
    assert (writer.dropped, writer.close()) == (2, True)
    os.close(reader)
    os.close(fd)


def test_a_full_disk_loses_lines_and_says_so_when_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "log"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    writer = LineWriter(fd, gap)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30, hard))
        write_all(writer, lines(0, 5))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, heard)
    writer.write(b"after\n")
    os.close(fd)
    assert path.read_bytes() == b"line 000000\nline 000001\nline 0\ngap 3\nafter\n"
    assert (writer.dropped, writer.close()) == (3, True)


def test_a_closed_descriptor_at_start_is_never_written_even_if_it_comes_to_life(
    tmp_path: Path,
) -> None:
    fd = os.open(tmp_path / "closed", os.O_WRONLY | os.O_CREAT)
    os.close(fd)
    writer = LineWriter(fd, gap)
    again = os.open(tmp_path / "another", os.O_WRONLY | os.O_CREAT)
    assert again == fd
    writer.write(b"line\n")
    os.close(again)
    assert (tmp_path / "another").read_bytes() == b""
    assert (writer.dropped, writer.close()) == (1, False)


def test_a_stalled_socket_stalls_nobody() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        writer = LineWriter(ours.fileno(), gap)
        written = lines(0, 50_000)
        write_all(writer, written)
        assert writer.waiting_bytes > 0
        said = b""
        while not writer.flush():
            said += theirs.recv(1 << 20)
        theirs.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while part := theirs.recv(1 << 20):
                said += part
        assert said == b"".join(written)
        assert ours.getblocking()
        writer.close()


def test_a_stalled_terminal_stalls_nobody() -> None:
    theirs, ours = os.openpty()
    writer = LineWriter(ours, gap)
    write_all(writer, lines(0, 50_000))
    assert writer.waiting_bytes > 0
    assert os.read(theirs, 5) == b"line "
    writer.close()
    os.close(theirs)
    os.close(ours)


def test_a_pipe_that_cannot_be_reopened_is_asked_before_each_write(pipe: Pipe) -> None:
    write = asking_first(pipe.writer)
    assert write(b"x" * 3000) == 3000
    with contextlib.suppress(BlockingIOError):
        while write(b"y" * 100):
            pass
    with pytest.raises(BlockingIOError):
        write(b"z")
    pipe.read()
    assert write(b"x" * 10_000) == PIPE_BYTES
    pipe.close_reader()
    with pytest.raises(BrokenPipeError):
        write(b"z")


def test_a_named_pipe_without_a_reader_at_the_start_is_written_when_one_comes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fd = os.open(path, os.O_WRONLY)
    os.close(reader)
    writer = LineWriter(fd, gap)  # cannot reopen it: nobody reads
    write_all(writer, lines(0, 3))
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer.write(b"after\n")
    assert os.read(reader, 100) == b"gap 3\nafter\n"
    write_all(writer, lines(0, 100_000))
    assert 0 < writer.waiting_bytes <= 1 << 20
    os.close(reader)
    os.close(fd)


def test_lines_after_the_close_go_nowhere(pipe: Pipe, tmp_path: Path) -> None:
    writer = LineWriter(pipe.writer, gap)
    assert writer.close() is True
    with (tmp_path / "other").open("wb") as other:  # it has the number that was given back
        writer.write(b"late\n")
        assert os.fstat(other.fileno()).st_size == 0
    assert (pipe.read(), writer.dropped) == (b"", 1)


def test_closing_gives_back_every_descriptor_that_was_opened(pipe: Pipe) -> None:
    ours, theirs = socket.socketpair()
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208  numbers, not paths
    for fd in (pipe.writer, ours.fileno()):
        descriptor = Descriptor(fd)
        assert descriptor.write(b"x") == 1
        descriptor.close()
        descriptor.close()
    assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    ours.close()
    theirs.close()


def test_two_processes_on_one_pipe_do_not_mix_their_lines(pipe: Pipe) -> None:
    children = [
        subprocess.Popen([sys.executable, "-c", TALKER, name], stderr=pipe.writer) for name in "ab"
    ]
    os.close(pipe.writer)
    said = b""
    while part := os.read(pipe.reader, 65536):
        said += part
    codes = [child.wait(30) for child in children]
    counts = Counter(said.split(b"\n"))
    assert (codes, counts) == ([0, 0], {b"a" * 700: 300, b"b" * 700: 300, b"": 1})
