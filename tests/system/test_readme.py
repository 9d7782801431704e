"""The README's examples are real: its commands are run, and answer what it shows."""

import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.ports import unused_port
from tests.system.running import PATIENCE_S, Running, run

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
_EXAMPLE = re.compile(r"<!-- state: (?P<state>.*?) -->\n+```console\n(?P<text>.*?)```", re.DOTALL)
_LOG = re.compile(r"<!-- log of B -->\n+```text\n(?P<text>.*?)```", re.DOTALL)
_VARYING = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", "TIME"),
    (r"Date: .*", "Date: DATE"),
    (r'(request_id"?[=:]"?)[0-9a-f]+', r"\1ID"),
    (r"X-Request-ID: .*", "X-Request-ID: ID"),
    (r"Content-Length: \d+", "Content-Length: N"),
    (r"_ms=\d+", "_ms=N"),
    (r"\d\.\d+s", "N.Ns"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
)


class Pair:
    """Both services on free ports, A in whatever state the page is at."""

    def __init__(self) -> None:
        self._ports = {"8080": str(unused_port())}
        self._processes = ExitStack()
        self._a = self._start_a()
        url = self._a.url()
        self._b = self._start("service-b", "--port", "0", "--upstream", url, "--drain-grace", "0s")
        self._ports["8081"] = self._b.url().rpartition(":")[2]

    def _start_a(self) -> Running:
        return self._start("service-a", "--port", self._ports["8080"])

    def _start(self, *words: str) -> Running:
        return self._processes.enter_context(Running(*words))

    def bring_into(self, state: str) -> None:
        """Both up, A down, or A frozen."""
        if self._a.process.poll() is not None and state != "A down":
            self._a = self._start_a()
            self._a.url()
        if state == "A down" and self._a.process.poll() is None:
            self._a.signal(signal.SIGKILL)
            self._a.exit_status()
        if state == "A frozen":
            self._a.signal(signal.SIGSTOP)

    def run(self, command: str) -> str:
        """What a command of the page prints, on the ports that are ours."""
        for port, ours in self._ports.items():
            command = command.replace(f":{port}", f":{ours}")
        assert command.startswith("curl ")
        done = subprocess.run(
            shlex.split(command), capture_output=True, text=True, timeout=PATIENCE_S, check=True
        )
        return done.stdout.replace("\r\n", "\n")

    def log(self) -> list[str]:
        """B's lines, once it has ended."""
        self._b.signal(signal.SIGTERM)
        self._b.exit_status()
        return self._b.lines

    def close(self) -> None:
        if self._a.process.poll() is None:
            self._a.signal(signal.SIGCONT)
        self._processes.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.close()


def masked(text: str) -> str:
    """The text without what is another each time."""
    for pattern, word in _VARYING:
        text = re.sub(pattern, word, text)
    return text


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of an example with the output that follows it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_examples_answer_what_the_readme_shows(pair: Pair) -> None:
    played = 0
    for example in _EXAMPLE.finditer(README):
        pair.bring_into(example["state"])
        for command, output in commands(example["text"]):
            assert masked(pair.run(command)).rstrip() == masked(output).rstrip()
            played += 1
    assert played >= 8
    lines = {masked(line) for line in pair.log()}
    shown = _LOG.search(README)
    assert shown is not None
    assert {masked(line) for line in shown["text"].splitlines()} <= lines


@pytest.mark.parametrize("target", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_every_link_of_the_readme_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


@pytest.mark.parametrize("command", ["service-a", "service-b", "up"])
def test_every_command_has_help(command: str) -> None:
    assert run(command, "--help").returncode == 0
    assert f"faultwire {command}" in README or f"`{command}`" in README
