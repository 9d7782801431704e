"""The console in a container: its page alone listens where a published port leads to."""

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.system.running import PATIENCE_S, Running, run

_ROOT = Path(__file__).parents[2]
_COMMAND = yaml.safe_load((_ROOT / "compose.yaml").read_text())["services"]["console"]["command"]
_OF_THE_IMAGE = dict(re.findall(r"(FAULTWIRE_\w+)=(\S+)", (_ROOT / "Dockerfile").read_text()))
_ANY_PORTS = {"--wire=127.0.0.1:8082": "--wire=127.0.0.1:0"}
_MORE = [f"--{name}=0" for name in ("a-port", "b-port", "control", "console-port", "drain-grace")]


class Page:
    """Asks the page, by whatever name."""

    def __init__(self, process: Running) -> None:
        self.process = process
        self.url = process.wait_for_said("Open ").split()[1]
        self.port = urlsplit(self.url).port

    def status(self, method: str, path: str, headers: Mapping[str, str]) -> int:
        typed = {"Content-Type": "application/json", **headers}
        body = json.dumps({"name": "A", "action": "kill"}) if method == "POST" else None
        with closing(http.client.HTTPConnection(*_address(self.url), PATIENCE_S)) as connection:
            connection.request(method, path, body, typed)
            return connection.getresponse().status


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """As compose.yaml runs it in the image, on free ports."""
    command = [_ANY_PORTS.get(word, word) for word in _COMMAND]
    assert command != _COMMAND
    with Running(*command, *_MORE, env=_OF_THE_IMAGE) as process:
        yield Page(process)


def test_the_page_says_where_this_machine_finds_it(page: Page) -> None:
    assert page.url == f"http://127.0.0.1:{page.port}"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "0.0.0.0"])
def test_a_page_on_all_addresses_answers_by_the_names_of_this_machine(
    page: Page, host: str
) -> None:
    assert page.status("GET", "/", {"Host": f"{host}:{page.port}"}) == 200


@pytest.mark.parametrize("host", ["evil.example:{}", "192.0.2.7:{}", "localhost:1", "localhost"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/service")])
def test_a_page_on_all_addresses_refuses_every_other_name(
    page: Page, method: str, path: str, host: str
) -> None:
    assert page.status(method, path, {"Host": host.format(page.port)}) == 421


def test_a_page_on_all_addresses_refuses_pages_of_others(page: Page) -> None:
    named = {"Host": f"localhost:{page.port}", "Origin": "http://evil.example"}
    assert page.status("POST", "/service", named) == 403


def test_all_but_the_page_stays_on_loopback(page: Page) -> None:
    where = page.process.wait_for_said("Service A on")
    found = re.findall(r"http://([0-9.]+):[0-9]+", where)
    assert found == ["127.0.0.1"] * 4  # A, the wire, its control API, B
    page.process.wait_for("event=listening", times=3)
    listening = [line for line in page.process.lines if "event=listening" in line]
    assert not [line for line in listening if "0.0.0.0" in line]


def test_the_variable_says_where_the_page_is_as_well() -> None:
    with Running("up", "--direct", *_MORE, env={"FAULTWIRE_CONSOLE_HOST": "::1"}) as process:
        assert re.fullmatch(r"http://\[::1\]:[0-9]+", Page(process).url)


def test_what_is_no_host_is_refused_before_anything_starts() -> None:
    done = run("up", "--console-host", "http://here")
    assert done.returncode == 2
    assert done.stderr.startswith("faultwire up: --console-host is 'http://here': expected a host")


def test_help_says_what_whoever_reaches_the_page_can_do() -> None:
    said = " ".join(run("up", "--help").stdout.split())
    assert "--console-host HOST Address of the page. Whoever reaches it can stop services." in said
