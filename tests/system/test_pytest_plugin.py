"""The fixtures that come with Faultwire, as strangers use them and from within."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from faultwire.testing import (
    Background,
    ServiceA,
    TestWire,
    running_service_a,
    running_wire,
)
from faultwire.wire.faults.base import InvalidFault
from faultwire.wire.ledger import Query
from tests.ports import unused_port
from tests.socket.wires import GET, Caller

EXAMPLE = Path(__file__).parents[2] / "examples/pytest-project"


def run(words: list[str], cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=50, check=False)


def pytest_in(folder: Path) -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    return run(words, cwd=folder)


def test_the_example_project_passes_as_it_stands() -> None:
    ran = pytest_in(EXAMPLE)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "25 passed" in ran.stdout


BROKEN = """
import pytest

@pytest.mark.faultwire_check(spec="check.toml", only=["contract.*"])
def test_cannot_start(scenario):
    scenario.must_hold()

def test_without_a_marker(scenario):
    pass
"""


def test_a_target_that_does_not_start_fails_every_test_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text(BROKEN, "utf-8")
    (tmp_path / "check.toml").write_text(
        '[b]\ncommand = "python -c 1/0 {port} {upstream}"\n', "utf-8"
    )
    ran = pytest_in(tmp_path)
    assert ran.returncode == 1
    assert "ZeroDivisionError" in ran.stdout
    assert "needs the marker faultwire_check" in ran.stdout
    assert "1 passed" not in ran.stdout


def test_a_marker_that_selects_nothing_is_refused(tmp_path: Path) -> None:
    wrong = BROKEN.replace("contract.*", "contrakt.*")
    (tmp_path / "test_broken.py").write_text(wrong, "utf-8")
    ran = pytest_in(tmp_path)
    assert "there is no scenario 'contrakt.*'" in ran.stdout
    assert ran.returncode != 0


def test_the_plugin_costs_nothing_where_it_is_not_used() -> None:
    code = (
        "import sys, faultwire.pytest_plugin; "
        "print(sorted(m for m in sys.modules if m.startswith('faultwire.')))"
    )
    ran = run([sys.executable, "-c", code])
    assert ran.stdout.strip() == "['faultwire.pytest_plugin']"


_START_AND_STOP = """
from faultwire.testing import Background, running_service_a
with Background() as background, running_service_a(background) as service:
    print(service.url)
"""


@pytest.mark.skipif(os.name == "nt", reason="links are the administrator's")
def test_service_a_starts_in_a_python_whose_path_has_a_blank(tmp_path: Path) -> None:
    python = tmp_path / "my project" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    words = ["env", f"PYTHONPATH={os.pathsep.join(sys.path)}", str(python), "-c", _START_AND_STOP]
    ran = run(words)
    assert ran.stdout.startswith("http://127.0.0.1:"), ran.stderr


@pytest.fixture
def background() -> Iterator[Background]:
    with Background() as running:
        yield running


def status(wire: TestWire) -> bytes:
    caller = Caller.to(wire.port)
    try:
        caller.send(GET)
        return caller.head().split(b" ", 2)[1]
    finally:
        caller.close()


def test_several_faults_are_mended_each_by_its_own_block(wire: TestWire) -> None:
    with wire.breaking("latency", delay_ms=1), wire.breaking("status", code=503):
        assert status(wire) == b"503"
    assert status(wire) == b"200"
    assert [record.faults for record in wire.ledger] == [["latency", "status"], []]


def test_what_was_begun_without_a_block_is_mended_by_name_or_altogether(wire: TestWire) -> None:
    wire.start_breaking("status", code=500, name="first")
    wire.start_breaking("status", code=502, name="second")
    assert status(wire) == b"500"
    wire.mend("first")
    assert status(wire) == b"502"
    wire.mend()
    assert status(wire) == b"200"
    assert len(wire.records(Query(fault="any"))) == 2


def test_a_fault_that_is_none_is_refused_before_anything_is_broken(wire: TestWire) -> None:
    with pytest.raises(InvalidFault, match="did you mean latency"), wire.breaking("latencyy"):
        pytest.fail("the block was entered")
    assert status(wire) == b"200"


def test_service_a_can_be_stopped_started_and_frozen(service_a: ServiceA, wire: TestWire) -> None:
    assert status(wire) == b"200"
    service_a.pause()
    with pytest.raises(TimeoutError):
        head_of(service_a)
    service_a.resume()
    service_a.stop()
    with pytest.raises(ConnectionRefusedError):
        Caller.to(int(service_a.url.rpartition(":")[2]))
    service_a.start()
    assert any("endpoint=/echo" in line for line in service_a.log)


def test_the_wire_has_followed_when_service_a_has_been_stopped_or_started(
    service_a: ServiceA, wire: TestWire
) -> None:
    for _ in range(3):
        service_a.stop()
        with pytest.raises(ConnectionRefusedError):
            Caller.to(wire.port)
        service_a.start()
        caller = Caller.to(wire.port)
        caller.send(GET)
        assert caller.answer().startswith(b"HTTP/1.1 200 ")
        caller.close()
    with wire.breaking("refuse"):
        service_a.stop()
        service_a.start()
    Caller.to(wire.port).close()


def head_of(service_a: ServiceA) -> bytes:
    caller = Caller.to(int(service_a.url.rpartition(":")[2]))
    caller.sock.settimeout(0.2)
    try:
        caller.send(GET)
        return caller.head()
    finally:
        caller.close()


def test_a_service_a_is_gone_when_nobody_needs_it(background: Background) -> None:
    with running_service_a(background):
        started = psutil.Process().children(recursive=True)
        assert any("service-a" in process.cmdline() for process in started)
    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []


def test_a_wire_to_nobody_refuses_and_can_be_closed(background: Background) -> None:
    with (
        running_wire(background, f"http://127.0.0.1:{unused_port()}") as wire,
        pytest.raises(ConnectionRefusedError),
    ):
        Caller.to(wire.port)


def test_an_upstream_that_is_no_url_is_refused_in_one_sentence(background: Background) -> None:
    with pytest.raises(ValueError, match="ftp"), running_wire(background, "ftp://a"):
        pytest.fail("the block was entered")


def test_what_takes_too_long_in_the_background_is_cancelled(background: Background) -> None:
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    with pytest.raises(TimeoutError):
        background.run(forever(), within_s=0.01)
    background.call(lambda: None)
    assert ended == ["cancelled"]
