"""The systemd units: systemd itself reads them, and says how much they are exposed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from faultwire.settings.table import SERVICE_A
from faultwire.settings.text import duration_s
from tests.system.running import PATIENCE_S, run

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))
MOST_EXPOSED = 15
"""In tenths. systemd's own scale: 0 is shut in, 100 has all that the machine has."""

EVERY_UNIT = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)


def systemd_analyze(*words: str) -> "subprocess.CompletedProcess[str]":
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed: the units are not verified")
    return subprocess.run(
        [tool, *words], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def command_of(unit: Path) -> list[str]:
    match = re.search(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    assert match
    return match[1].split()


def test_each_process_has_a_unit() -> None:
    assert [unit.stem for unit in UNITS] == ["faultwire-a", "faultwire-b", "faultwire-wire"]


@EVERY_UNIT
def test_systemd_has_nothing_to_complain_of(unit: Path, tmp_path: Path) -> None:
    program, *_ = command_of(unit)
    copy = tmp_path / unit.name  # where the program is installed, there is none here
    copy.write_text(unit.read_text().replace(program, shutil.which("true") or "/bin/true"))
    verified = systemd_analyze("verify", str(copy))
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


@EVERY_UNIT
def test_a_unit_is_shut_in(unit: Path) -> None:
    judged = systemd_analyze(
        "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", str(unit)
    )
    assert judged.returncode == 0, judged.stdout


@EVERY_UNIT
def test_a_unit_bounds_what_it_takes_and_gives_the_drain_its_time(unit: Path) -> None:
    text = unit.read_text()
    for setting in ("DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "MemoryMax="):
        assert f"\n{setting}" in text
    stop = re.search(r"^TimeoutStopSec=(.*)$", text, re.MULTILINE)
    assert stop
    drain_s = sum(
        duration_s(setting.default or "")
        for setting in SERVICE_A.settings
        if setting.field in ("drain_grace_s", "drain_timeout_s")
    )
    assert duration_s(stop[1]) > drain_s


@EVERY_UNIT
def test_a_unit_starts_a_command_that_there_is(unit: Path) -> None:
    _, *words = command_of(unit)
    assert run(*words, "--help").returncode == 0
