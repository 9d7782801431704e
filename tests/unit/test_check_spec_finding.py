"""How a submission is found: its own file, or the usual names."""

from pathlib import Path

import pytest

from faultwire.check.many.finding import find_in
from faultwire.check.target.launch import InvalidSpec


def place(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return folder


@pytest.mark.parametrize(
    ("names", "b", "a"),
    [
        (["service_a/app.py", "service_b/app.py"], "python service_b/app.py", "service_a/app.py"),
        (["service-a/main.py", "service-b/main.py"], "python service-b/main.py", "service-a"),
        (["a.py", "b.py"], "python b.py", "python a.py"),
        (["app_b.py"], "python app_b.py", ""),
        (["serviceB/server.js"], "node serviceB/server.js", ""),
        (["B/main.go", "A/main.go"], "go run B/main.go", "go run A/main.go"),
        (["b.py", "service_b/app.py"], "python service_b/app.py", ""),
        (["venv/bin/python", "b.py"], "venv/bin/python b.py", ""),
        (["thesis/inner/b.py"], "python b.py", ""),
    ],
)
def test_the_usual_names_are_found(tmp_path: Path, names: list[str], b: str, a: str) -> None:
    found = find_in(place(tmp_path / "ann", *names))
    assert (found.name, found.b.command) == ("ann", b)
    assert (a in found.a.command) if found.a is not None else not a


def test_it_is_started_in_the_folder_that_holds_it(tmp_path: Path) -> None:
    found = find_in(place(tmp_path / "ann", "inner/my services/service_b/app.py"))
    assert found.b.cwd == str(tmp_path / "ann" / "inner" / "my services")


def test_its_own_file_wins(tmp_path: Path) -> None:
    folder = place(tmp_path / "ann", "b.py")
    (folder / "faultwire.toml").write_text('[b]\ncommand = "make run"')
    found = find_in(folder)
    assert (found.name, found.b.command, found.b.port) == ("ann", "make run", 8081)
    assert found.traces == "query:msg"


def test_what_cannot_be_found_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec, match="no Service B was found"):
        find_in(place(tmp_path / "ann", "readme.md", "a.py"))
    with pytest.raises(InvalidSpec, match="is no folder"):
        find_in(tmp_path / "none")
