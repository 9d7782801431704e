"""The command line from outside: what it says, and what it refuses."""

import importlib
import os
import pkgutil
import re
import subprocess
import sys
from typing import IO

import click
import pytest
from click.testing import CliRunner

from faultwire import __version__, commands
from faultwire.cli import cli
from tests.system.running import PATIENCE_S, completed, environment, run

HEAVY = (
    "asyncio",
    "uvloop",
    "httptools",
    "rich",
    "prometheus_client",
    "ssl",
    "logging",
)
# What the vocabulary of failures itself needs is not the command line's fault.
IMPORTED_ANYWAY = ("ssl",)


@pytest.mark.parametrize("arguments", [["--help"], ["service-b", "--help"], ["up", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print('loaded:', *[m for m in {HEAVY!r} if m in sys.modules]))\n"
        "from faultwire.cli import main\n"
        f"sys.argv[1:] = {arguments!r}\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={k: v for k, v in environment({}).items() if not k.startswith("COV")},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stdout.rpartition("loaded:")[2].split()
    assert set(loaded) <= set(IMPORTED_ANYWAY)


def test_help_shows_defaults_and_variables_and_how_to_complete() -> None:
    shown = " ".join(run("service-b", "--help").stdout.split())
    assert "[default: http://127.0.0.1:8080; env: FAULTWIRE_B_UPSTREAM, SERVICE_A_URL]" in shown
    assert "[default: 8081; env: FAULTWIRE_B_PORT]" in shown
    assert "_FAULTWIRE_COMPLETE=bash_source faultwire" in run("--help").stdout


@pytest.mark.parametrize("name", sorted(cli.list_commands(click.Context(cli))))
def test_help_breaks_no_flag_in_two(name: str) -> None:
    shown = CliRunner().invoke(cli, [name, "--help"], terminal_width=80).stdout
    assert not re.findall(r"--[a-z-]*-$", shown, re.MULTILINE)


def test_the_version_is_the_packages() -> None:
    assert run("--version").stdout == f"faultwire {__version__}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("service-b --up", ["plain,--upstream", "plain,--upstream-connections"]),
        ("check --only load.d", ["plain,load.drain"]),
        ("check --group reco", ["plain,recovery"]),
        ("check --spec exam", ["file,exam"]),
        ("check --cwd exam", ["dir,exam"]),
        ("check --class exam", ["dir,exam"]),
        ("check --output re", ["file,re"]),
        ("compare --plot re", ["file,re"]),
        ("explain up.l", ["file,up.l"]),
        ("explain --only a_fr", ["plain,a_frozen"]),
        ("wire --cert ce", ["file,ce"]),
    ],
)
def test_the_shell_completes_what_is_begun(words: str, expected: list[str]) -> None:
    assert completed(words) == expected


@pytest.mark.parametrize(
    ("arguments", "env", "said"),
    [
        (["service-a", "--port", "x"], {}, "--port is 'x': expected a whole number"),
        (["service-a"], {"FAULTWIRE_A_PORT": "-1"}, "FAULTWIRE_A_PORT is '-1'"),
        (["service-a"], {"FAULTWIRE_A_PROT": "1"}, "did you mean FAULTWIRE_A_PORT?"),
        (["service-b", "--timeout", "0s"], {}, "--timeout is '0s': expected a time such as 250ms"),
        (["service-b", "--upstream", ""], {}, "--upstream is '': expected a URL"),
        (["service-b", "--port"], {}, "faultwire service-b: Option '--port' requires an argument."),
        (["service-b", "--port"], {}, "See faultwire service-b --help"),
        (["service-b"], {"SERVICE_A_URL": "ftp://a"}, "SERVICE_A_URL is 'ftp://a'"),
        (["service-b", "--contract", "no"], {}, "--contract"),
        (["service-b", "--prot", "1"], {}, "--port"),
        (["up", "--a-port", "9", "--b-port", "9"], {}, "--a-port and --b-port are both 9"),
        (["up", "--a-port", "70000"], {}, "--a-port is '70000'"),
        (["up", "--wire", "9", "--a-port", "9"], {}, "--a-port and --wire are both 127.0.0.1:9"),
        (["up", "--wire", "9", "--console-port", "9"], {}, "--wire and --console-port are both"),
        (["up", "--control", "0.0.0.0:9"], {}, "--control 0.0.0.0:9 is open to other machines"),
        (["nothing"], {}, "No such command 'nothing'"),
        (["up", "now"], {}, "Got unexpected extra argument (now). See faultwire up --help"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line_with_status_2(
    arguments: list[str], env: dict[str, str], said: str
) -> None:
    done = run(*arguments, env=env)
    assert done.returncode == 2
    assert re.fullmatch(r"faultwire[^\n]*\n", done.stderr), done.stderr
    assert said in done.stderr
    assert not done.stdout


def test_a_service_does_not_carry_what_only_other_commands_need() -> None:
    """Half a megabyte each, of the thirty that a service may take."""
    code = (
        "import sys, faultwire.cli, faultwire.services.process, faultwire.services.service_b; "
        "print([m for m in ('difflib', 'shutil', 'faultwire.policy.sets') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


LONG = 300_000
_PRINTS = f"""
import asyncio, sys, uvloop
from faultwire import cli

async def start_a_process():
    await (await asyncio.create_subprocess_exec(sys.executable, "-c", "")).wait()

def prints(_):
    uvloop.run(start_a_process())
    print("x" * {LONG})

cli._main = prints
cli.main()
"""


def test_long_output_is_whole_where_python_runs_unbuffered() -> None:
    command = [sys.executable, "-u", "-c", _PRINTS]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = os.read(process.stdout.fileno(), 10)  # it is about to fill the pipe
        rest = process.stdout.read()
    assert len(first + rest) == LONG + 1


SPEAKING = [
    ["--help"],
    ["--version"],
    ["check", "--help"],
    ["check", "--list"],
    ["explain", os.devnull],
    ["simulate", "--list"],
]
no_full_disk = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="it has no /dev/full")  # noqa: PTH110


@no_full_disk
@pytest.mark.parametrize("words", SPEAKING, ids=" ".join)
@pytest.mark.parametrize("options", [(), ("-u",)], ids=["buffered", "unbuffered"])
def test_output_that_finds_no_room_is_told_in_one_line(
    words: list[str], options: tuple[str, ...]
) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = written_to(full, words, options)
    said = "faultwire: standard output could not be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, said)


@pytest.mark.parametrize("words", SPEAKING[:4], ids=" ".join)
@pytest.mark.parametrize("options", [(), ("-u",)], ids=["buffered", "unbuffered"])
def test_whoever_reads_no_further_is_told_nothing(
    words: list[str], options: tuple[str, ...]
) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    with open(writes, "wb") as pipe:  # noqa: PTH123
        done = written_to(pipe, words, options)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(os.name == "nt", reason="closes descriptors by a shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize("words", ["explain /dev/null", "check --only contract.good_answer"])
def test_a_standard_stream_that_is_closed_costs_no_more_than_what_it_would_have_said(
    words: str, closed: str
) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$0" -m faultwire {words} {closed}', sys.executable],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment({}),
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert bool(done.stdout) == (closed == "2>&-")


def written_to(
    output: IO[bytes], words: list[str], options: tuple[str, ...]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, "-m", "faultwire", *words],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        env=environment({}),
        timeout=PATIENCE_S,
        check=False,
    )


def test_every_command_is_found_by_its_own_name_and_none_is_forgotten() -> None:
    context = click.Context(cli)
    listed = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    assert {name: command.name for name, command in listed.items() if command} == {
        name: name for name in listed
    }
    written = {
        thing.name
        for module in pkgutil.iter_modules(commands.__path__, "faultwire.commands.")
        for thing in vars(importlib.import_module(module.name)).values()
        if isinstance(thing, click.Command)
    }
    assert written <= set(listed)


def test_a_service_does_not_carry_the_other_commands() -> None:
    script = (
        "import sys\nfrom faultwire import cli\nsys.argv[1:] = ['service-b', '--port', 'x']\n"
        "try:\n    cli.main()\nexcept SystemExit:\n"
        "    print(*[m for m in sys.modules if m.startswith('faultwire.commands.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert set(done.stdout.split()) == {
        "faultwire.commands.base",
        "faultwire.commands.policy_flags",
    }
