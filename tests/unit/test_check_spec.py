"""Reading a check.toml, filling it in, and laying the target out."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from faultwire.check.play.request import request_of
from faultwire.check.reading import read_spec, spec_of
from faultwire.check.scenario import Need
from faultwire.check.spec import Ask, Spec, Start
from faultwire.check.target.launch import InvalidSpec, environment, launch
from faultwire.check.target.layout import is_movable, layouts, missing
from faultwire.check.target.placeholders import filled, names_in
from faultwire.check.target.presets import LAB, OWN_PAIR, lab

B = {"command": "serve {port} {upstream}"}


def spec(**data: Any) -> Spec:
    return spec_of({"b": B, **data}, folder=Path("here"), name="target")


def test_a_file_is_read_and_its_folders_are_its_own(tmp_path: Path) -> None:
    path = tmp_path / "check.toml"
    path.write_text(
        'budget_s = 2.5\n[b]\ncommand = "./run {port}"\ncwd = "b"\n[ask]\npath = "/x/{token}"\n'
    )
    found = read_spec(path)
    assert (found.name, found.budget_s, found.ask.path) == ("check", 2.5, "/x/{token}")
    assert found.b.cwd == str(tmp_path / "b")


def test_the_lab_fills_in_what_a_file_leaves_out() -> None:
    found = spec(preset="lab", ask={"query": {"text": "{token}"}})
    assert (found.traces, found.upstream_port, found.b.port) == ("query:msg", 8080, 8081)
    assert found.ask == Ask(path="/call-echo", query={"text": "{token}"})


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"nmae": "x"}, r"unknown field `nmae`"),
        ({"ask": {"paht": "/"}}, r"^ask: .*unknown field `paht`"),
        ({"budget_s": "soon"}, r"^budget_s: expected `float`, got `str`"),
        ({"budget_s": 0}, "^budget_s: "),
        ({"preset": "labor"}, "^preset: "),
        ({"traces": "cookie:x"}, "^traces knows"),
        ({"b": {"command": "x", "ready": "soon"}}, r"^b\.ready: "),
        ({"b": {"command": "x", "stop_signal": "SIGTREM"}}, r"^b\.stop_signal: .*'SIGTREM'"),
        ({"b": {"command": 3}}, r"^b\.command: expected `str`"),
        ({"ask": {"path": "x"}}, r"^ask\.path: "),
    ],
)
def test_what_is_wrong_is_said_with_its_key(data: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidSpec, match=f"(?i){sentence}"):
        spec(**data)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec, match="cannot be read"):
        read_spec(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("a = = b")
    with pytest.raises(InvalidSpec, match="is not TOML"):
        read_spec(tmp_path / "bad.toml")


def test_only_known_placeholders_are_filled() -> None:
    assert filled('{port} {"port": {x}} {dir}', {"port": "1"}) == '1 {"port": {x}} {dir}'
    assert names_in("{port}", "{upstream_host}{y}") == {"port", "upstream_host"}


def test_commands_variables_and_files_are_filled(tmp_path: Path) -> None:
    (tmp_path / "site.conf").write_text("server { listen {port}; to {upstream}; }")
    folder = tmp_path / "filled"
    folder.mkdir()
    start = Start(
        command="nginx -c {dir}/site.conf -p '{upstream_port}'",
        cwd=str(tmp_path),
        env={"UP": "{upstream_host}"},
        files=("site.conf",),
    )
    made = launch(start, 5000, ("127.0.0.1", 6000), folder)
    assert made.command == ["nginx", "-c", f"{folder}/site.conf", "-p", "6000"]
    assert made.env["UP"] == "127.0.0.1"
    text = (folder / "site.conf").read_text()
    assert text == "server { listen 5000; to http://127.0.0.1:6000; }"


@pytest.mark.skipif(os.name == "nt", reason="sh")
@pytest.mark.parametrize("command", ["A=1 run", "cd x && run", "run > log", "echo $HOME"])
def test_what_only_a_shell_reads_goes_to_one(command: str, tmp_path: Path) -> None:
    assert launch(Start(command=command), 1, None, tmp_path).command == ["/bin/sh", "-c", command]


def test_a_command_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for start in (Start(command="'x"), Start(command=" "), Start(command="x", cwd="/no/such")):
        with pytest.raises(InvalidSpec):
            launch(start, 1, None, tmp_path)
    with pytest.raises(InvalidSpec, match=r"no\.conf cannot be read"):
        launch(Start(command="x", files=("no.conf",)), 1, None, tmp_path)


def test_python_is_found_where_only_python3_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert launch(Start(command="python x.py"), 1, None, tmp_path).command[0] == sys.executable


def test_a_target_gets_no_settings_of_ours_and_asks_no_proxy_here() -> None:
    env = environment({"FAULTWIRE_B_PORT": "1", "NO_PROXY": "x", "HOME": "/h"}, {"K": "V"})
    assert env == {
        "HOME": "/h",
        "K": "V",
        "NO_PROXY": "x,127.0.0.1,localhost,::1",
        "no_proxy": "127.0.0.1,localhost,::1",
        "PYTHONUNBUFFERED": "1",
    }


def test_text_is_encoded_as_its_place_demands() -> None:
    ask = Ask(
        method="POST",
        path="/p/{token}?a=1",
        query={"q": "x{token}"},
        headers={"Content-Type": "application/json", "X-T": "{token}"},
        body='{"m":"{token}"}',
    )
    made = request_of(ask, 'a&"b')
    assert made.target == "/p/a%26%22b?a=1&q=xa%26%22b"
    assert made.headers["X-T"] == 'a&"b'
    assert made.body == b'{"m":"a&\\"b"}'


# Layouts.


def test_the_wire_stands_where_b_expects_its_upstream() -> None:
    assert layouts(OWN_PAIR)[0].wire_port == 0
    assert layouts(lab(b_command="run {port}"))[0].wire_port == 8080
    assert layouts(lab(b_command="run", upstream_port=9000))[0].wire_port == 9000
    assert layouts(lab(b_url="http://127.0.0.1:8081"))[0].wire_port == 8080


def test_an_a_that_insists_on_the_wires_port_is_examined_alone() -> None:
    main, alone = layouts(lab(b_command="run b", a_command="run a"))
    assert (main.a, main.wire_port) == (None, 8080)
    assert alone.b is None
    assert "8080" in alone.no_wire
    assert len(layouts(lab(b_command="run b", a_command="run a {port}"))) == 1
    assert len(layouts(lab(b_command="run b {upstream}", a_command="run a"))) == 1


def test_a_pair_that_runs_already_has_no_wire_between_and_says_so() -> None:
    target = lab(b_url="http://127.0.0.1:8081", a_url="http://localhost:8080")
    (layout,) = layouts(target)
    assert layout.wire_port is None
    assert layout.instead.startswith("stop A and check again without it")
    lacks = missing(target, layout, own_upstream=False, wire=False)
    assert "B calls http://localhost:8080 directly" in lacks[Need.WIRE]
    assert {Need.UPSTREAM, Need.PROCESS, Need.LOG, Need.TRACE} <= lacks.keys()
    assert not {Need.LAB, Need.LAB_A, Need.HEALTH} & lacks.keys()


def test_our_own_pair_lacks_nothing() -> None:
    (layout,) = layouts(OWN_PAIR)
    assert missing(OWN_PAIR, layout, own_upstream=False, wire=True) == {}


def test_a_target_without_services_or_way_to_its_upstream_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="nothing to examine"):
        layouts(LAB)
    with pytest.raises(InvalidSpec, match=r"put \{upstream\} into its command"):
        layouts(Spec(name="x", b=Start(command="run {port}")))
    with pytest.raises(InvalidSpec, match="expected no path"):
        layouts(lab(b_command="run {upstream}", a_url="http://127.0.0.1:80/base"))
    with pytest.raises(InvalidSpec, match="not both"):
        layouts(replace(LAB, b=Start(command="x", url="http://y")))


def test_only_what_insists_on_no_port_can_stand_twice() -> None:
    assert is_movable(layouts(OWN_PAIR)[0])
    assert not is_movable(layouts(lab(b_command="run {port}"))[0])
    assert not is_movable(layouts(lab(b_command="run {upstream}"))[0])
