"""The examples of docs/explain.md are real, and its tables are whole."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from faultwire.explain import Explanation, Hop
from faultwire.explain.causes import Cause
from faultwire.explain.summary import Row, Summary
from tests.system.explaining import explain_as_process

PAGE = (Path(__file__).parents[2] / "docs" / "explain.md").read_text("utf-8")
_EXAMPLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
_FILE = re.compile(r"<!-- file: (\S+) -->\n+```text\n(.*?)```", re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the page's logs."""
    for name, text in _FILE.findall(PAGE):
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def commands() -> Iterator[tuple[str, str]]:
    """Each command of the page with the output that follows it."""
    for example in _EXAMPLE.findall(PAGE):
        command, _, output = example.removeprefix("$ ").partition("\n")
        yield command, output


def test_the_examples_print_what_the_page_shows(folder: Path) -> None:
    for command, output in commands():
        words = shlex.split(command)
        assert words[:2] == ["faultwire", "explain"]
        assert explain_as_process(*words[2:], cwd=folder).stdout.rstrip() == output.rstrip()


def test_the_program_of_the_page_explains_the_request_that_it_names(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.chdir(folder)
    exec(program, {})  # noqa: S102 - the page's own words
    assert capsys.readouterr().out.startswith("A had not even begun with this request when B gave")


def test_the_page_names_every_cause() -> None:
    table = PAGE.partition("## Causes")[2].partition("\n## ")[0]
    assert set(re.findall(r"`([a-z_]+)`", table)) >= set(Cause) - {Cause.NONE}


@pytest.mark.parametrize("record", [Explanation, Hop, Summary, Row])
def test_the_page_names_every_key_of_the_json(record: type) -> None:
    text = PAGE.partition("## JSON")[2].partition("\n## ")[0]
    assert set(re.findall(r"`([a-z_]+)`", text)) >= set(record.__annotations__)
