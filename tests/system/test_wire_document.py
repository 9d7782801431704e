"""The examples of docs/wire.md are real: they are run in order, and answer what the page shows."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from faultwire.wire.control.openapi import document
from faultwire.wire.ledger import Record
from tests.system.running import FAULTWIRE, PATIENCE_S, Running, environment, until

PAGE = (Path(__file__).parents[2] / "docs" / "wire.md").read_text("utf-8")
UP = ("up", "--a-port", "0", "--b-port", "0", "--wire", "0", "--control", "0")
_EXAMPLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
_LOG = re.compile(r"<!-- log of the wire -->\n+```text\n(.*?)```", re.DOTALL)
_VARYING = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", "TIME"),
    (r"\d\d:\d\d:\d\d\.\d{3}", "TIME"),
    (r'(request_id":")[0-9a-f]{32}', r"\1ID"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"_ms=\d+ ", "_ms=N "),
    (r'"left_s":[0-9.]+', '"left_s":N'),
    (r"connection=\d+|\d+/\d+", "CONNECTION"),
    (r"  +\d+  +136", "  N  136"),
    (r"\d+ requests, \d+ open; by status: 2xx \d+", "N requests"),
    (r"  +", "  "),
)


def masked(text: str) -> str:
    """The text without what is another each time."""
    for pattern, word in _VARYING:
        text = re.sub(pattern, word, text)
    return text.rstrip()


class System:
    """`faultwire up` on free ports; the page's ports stand for them."""

    def __init__(self, process: Running) -> None:
        self.process = process
        found = re.findall(r"http://127.0.0.1:(\d+)", process.wait_for_said("Service A on"))
        self._ports = dict(zip(("8080", "8082", "8084", "8081"), found, strict=True))

    def run(self, command: str) -> str:
        """What a command of the page prints."""
        for port, ours in self._ports.items():
            command = command.replace(f":{port}", f":{ours}")
        words = shlex.split(command)
        done = subprocess.run(
            [*FAULTWIRE, *words[1:]] if words[0] == "faultwire" else words,
            env=environment({"FAULTWIRE_CONTROL": self._ports["8084"]}),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
        return done.stdout.replace("\r\n", "\n")


@pytest.fixture
def system() -> Iterator[System]:
    with Running(*UP) as process:
        yield System(process)


def commands() -> Iterator[tuple[str, str]]:
    """Each command of the page with the output that follows it."""
    for example in _EXAMPLE.findall(PAGE):
        for part in re.split(r"^\$ ", example, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_examples_answer_what_the_page_shows(system: System) -> None:
    for command, output in commands():
        assert masked(system.run(command)) == masked(output), command
    shown = _LOG.search(PAGE)
    assert shown is not None
    line = masked(shown[1])
    until(lambda: any(masked(each).endswith(line) for each in system.process.lines), line)


def test_the_page_names_every_field_of_a_record() -> None:
    table = PAGE.partition("| field | meaning |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", table)) >= set(Record.__struct_fields__)


def test_the_page_names_every_route() -> None:
    paths = [path.replace("{name}", "NAME") for path in json.loads(document())["paths"]]
    assert paths
    assert not [path for path in paths if path not in PAGE]
