"""The commands of the wire, as people type them: break, mend, faults, ledger."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner

from faultwire.cli import cli
from faultwire.wire.faults import CATALOGUE
from tests.ports import unused_port
from tests.system.running import Running, completed, get, run

Faultwire = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def wire() -> Iterator[tuple[str, str]]:
    """The URLs of a running wire and of its control API, a Service A behind it."""
    with Running("service-a", "--port", "0") as a:
        flags = ("--listen", "0", "--control", "0", "--to", a.url())
        with Running("wire", *flags) as running:
            found = re.search(r"control=(\S+)", running.wait_for("listening"))
            assert found
            yield running.url(), found[1]


@pytest.fixture
def faultwire(wire: tuple[str, str]) -> Iterator[Faultwire]:
    """`faultwire("mend")` runs `faultwire mend` on that wire. No fault is left behind."""
    env = {"FAULTWIRE_CONTROL": wire[1]}
    yield lambda *words: run(*words, env=env)
    run("mend", env=env)


def test_a_fault_is_set_seen_and_mended(faultwire: Faultwire, wire: tuple[str, str]) -> None:
    done = faultwire("break", "status", "--code", "503", "--first", "1", "--seed", "7")
    assert done.stdout == (
        "Active for 1h: status code=503 rate=1 first=1 phase=after seed=7\n"
        "To end it: faultwire mend status\n"
    )
    assert [get(wire[0], "/echo?msg=hi").status for _ in range(2)] == [503, 200]
    shown = faultwire("faults").stdout
    assert re.search(r"Active:\n  status code=503 .*; seen 2, injected 1, \S+ left\n", shown)
    assert faultwire("mend", "status").stdout == "Mended: status\n"
    assert faultwire("mend").stdout == "Nothing was broken\n"
    assert "No fault is active: the wire is transparent.\n" in faultwire("faults").stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("latency", "--delay", "2s"), {"fault": "latency", "delay_ms": 2000}),
        (("latency", "--delay-ms", "2000"), {"delay_ms": 2000}),
        (("latency", "--lower", "10ms", "--upper", "1.5s"), {"lower_ms": 10, "upper_ms": 1500}),
        (("hang", "--for-ms", "2000", "--for", "30s"), {"for_ms": 2000, "for_s": 30}),
        (("huge-body", "--size", "2MiB"), {"fault": "huge_body", "size_bytes": 2 << 20}),
        (("status", "--sequence", "503,503,200,*"), {"sequence": "503,503,200,*"}),
        (("reset", "--every", "3", "--rate", "0.5"), {"every": 3, "rate": 0.5}),
        (("reset", "--window", "5s/60s", "--phase", "before"), {"phase": "before"}),
        (("reset", "--ramp", "0-0.5/60s", "--key", "header:x-test"), {"key": "header:x-test"}),
        (
            ("reset", "--match", "path=/a=b*", "--match", "query:msg=x", "--name", "mine"),
            {"match": {"path": "/a=b*", "query:msg": "x"}, "name": "mine"},
        ),
        (("CONNECTION_RESET_BY_PEER",), {"fault": "reset", "after_bytes": 0}),
    ],
)
def test_flags_become_a_break(
    faultwire: Faultwire, words: tuple[str, ...], expected: dict[str, object]
) -> None:
    done = faultwire("break", *words, "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert {key: made[key] for key in expected} == expected


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_fault_has_a_command_with_help(name: str) -> None:
    shown = CliRunner().invoke(cli, ["break", name, "--help"]).stdout
    assert "The caller sees" in shown
    assert "--rate R" in shown


def test_break_help_lists_every_fault_by_its_family_in_a_line() -> None:
    shown = run("break", "--help").stdout
    for family in ("connection", "waiting", "answer"):
        assert f"Faults: {family}:" in shown
    assert set(re.findall(r"^  ([a-z_]+)  +[A-Z]", shown, re.MULTILINE)) >= set(CATALOGUE)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("break", "latncy"), "break: there is no fault 'latncy'; did you mean latency?"),
        (("break", "zzz"), "break: there is no fault 'zzz'; faultwire break --help lists them"),
        (("break", "latency", "--dely", "2s"), "--delay"),
        (("break", "latency", "--delay", "2"), "'2' needs a unit, such as 2ms or 2s"),
        (("break", "latency", "--delay", "2h"), "delay_ms must be a number from 0 to 3,600,000 ms"),
        (("break", "latency", "--delay", "1s", "--delay-ms", "1"), "--delay-ms is given twice"),
        (("break", "latency", "--rate", "2"), "rate must be a number from 0 to 1, not '2'"),
        (("break", "reset", "--first", "1", "--every", "2"), "first and every exclude each other"),
        (("break", "reset", "--match", "/echo"), "--match is '/echo': expected method=, path="),
        (("break", "refuse", "--match", "path=/"), "refuse acts on connections"),
        (("break", "reset", "--control", "x"), "--control is 'x': expected [HOST:]PORT"),
        (
            ("break", "reset", "--match", "path=/\udcff"),
            "match: path must be UTF-8, not '/\\udcff'",
        ),
        (("ledger", "--path", "/\udcff"), "The query is not UTF-8"),
        (("ledger", "--limit", "0"), "limit must be a whole number from 1 to 1000, not '0'"),
        (("ledger", "--since", "then"), "since must be the revision of an earlier answer"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line_with_status_2(
    faultwire: Faultwire, words: tuple[str, ...], said: str
) -> None:
    done = faultwire(*words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"faultwire {words[0]}")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not done.stdout


def test_mending_what_is_not_broken_fails(faultwire: Faultwire) -> None:
    for name, shown in (("latency", "latency"), ("a/b ü", "a/b ü"), ("\udcff", "\ufffd")):
        done = faultwire("mend", name)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"faultwire mend: No fault called {shown!r} is active\n"


@pytest.mark.parametrize("words", [("break", "hang"), ("mend",), ("ledger",), ("faults",)])
def test_without_a_wire_one_line_says_how_to_start_one(words: tuple[str, ...]) -> None:
    port = str(unused_port())
    done = run(*words, "--control", port)
    assert done.returncode == 1
    assert done.stderr == (
        f"faultwire {' '.join(words)}: no wire has its control API at http://127.0.0.1:{port}; "
        "start one with `faultwire wire` or `faultwire up`, or say where it is with "
        "--control [HOST:]PORT\n"
    )


def test_the_catalogue_is_shown_without_a_wire_too() -> None:
    done = run("faults", "--json", "--control", str(unused_port()))
    shown = json.loads(done.stdout)
    assert shown["active"] is None
    assert [fault["name"] for fault in shown["catalogue"]] == list(CATALOGUE)


def test_something_else_at_the_control_address_is_said(wire: tuple[str, str]) -> None:
    done = run("mend", "--control", wire[0].partition("//")[2])
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


def test_the_ledger_is_shown_and_filtered(faultwire: Faultwire, wire: tuple[str, str]) -> None:
    faultwire("break", "status", "--code", "500", "--match", "query:msg=seen")
    get(wire[0], "/echo?msg=seen")
    get(wire[0], "/echo?msg=other")
    shown = faultwire("ledger", "--limit", "2").stdout.splitlines()
    assert shown[0].split() == [
        *("TIME", "CONN", "REQUEST", "STATUS", "MS", "BYTES", "FAULT", "END", "REQUEST-ID"),
    ]
    assert re.search(r"GET /echo\?msg=seen +500 +\d+ +\d+ +status ", shown[1])
    assert re.search(r"GET /echo\?msg=other +200 +\d+ +\d+ +- ", shown[2])
    assert re.fullmatch(r"\d+ requests, \d+ open; by status: .*; faults: .*status \d+", shown[-1])
    found = json.loads(faultwire("ledger", "--fault", "status", "--json").stdout)
    assert {record["fault"] for record in found["records"]} == {"status"}
    nothing = faultwire("ledger", "--request-id", "nobody").stdout
    assert nothing.startswith("No request has come over the wire yet, or none fits.\n")


def test_a_request_cannot_send_commands_to_the_terminal(
    faultwire: Faultwire, wire: tuple[str, str]
) -> None:
    get(wire[0], "/echo?msg=\x1b[31mred\x9b")
    shown = faultwire("ledger", "--limit", "1").stdout
    assert "\x1b" not in shown
    assert "\x9b" not in shown


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("break slow", {"slow_accept", "slow_headers", "slow_body", "slow_close"}),
        ("break latency --del", {"--delay", "--delays"}),
        ("break status --phase ", {"before", "after"}),
        ("break hang --how r", {"rst"}),
        ("break CONN", {"CONNECTION_RESET_BY_PEER"}),
        ("ledger --fault ", {"any", "none", "latency", "mine"}),
        ("wire --cont", {"--control", "--control-token"}),
        ("mend ", {"latency", "mine"}),
        ("mend m", {"mine"}),
    ],
)
def test_the_shell_completes_faults_flags_and_what_is_active(
    faultwire: Faultwire, wire: tuple[str, str], words: str, expected: set[str]
) -> None:
    faultwire("break", "latency")
    faultwire("break", "hang", "--name", "mine", "--rate", "0")
    found = completed(words, FAULTWIRE_CONTROL=wire[1])
    assert {line.removeprefix("plain,") for line in found} == expected


def test_breaking_needs_no_terminal_and_no_home(wire: tuple[str, str]) -> None:
    env = {"FAULTWIRE_CONTROL": wire[1], "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-m", "faultwire", "mend"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0
