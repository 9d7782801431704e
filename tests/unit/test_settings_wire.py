"""The settings of the wire: flag before environment before default, and what is refused."""

import pytest

from faultwire.settings import (
    CONTROL,
    DEFAULT_CONTROL,
    WIRE,
    Address,
    InvalidSettings,
    WireSettings,
    read_control,
    read_pair_wire,
    read_wire,
)
from faultwire.settings.wire import address, token, wire_upstream

BY_DEFAULT = WireSettings(
    listen=Address("127.0.0.1", 8082),
    to="http://127.0.0.1:8080",
    control=Address("127.0.0.1", 8084),
    control_token="",
    cert="",
    key="",
    ca="",
    insecure=False,
    seed=None,
    log_format="text",
    max_connections=8000,
    drain_grace_s=1.0,
    drain_timeout_s=10.0,
)


def test_the_defaults_are_those_of_the_docs() -> None:
    assert read_wire({}, {}) == BY_DEFAULT
    assert BY_DEFAULT.control == DEFAULT_CONTROL


def test_a_flag_wins_over_the_narrow_variable_and_that_over_the_shared_one() -> None:
    environ = {"FAULTWIRE_WIRE_CONTROL": "2", "FAULTWIRE_CONTROL": "3", "FAULTWIRE_WIRE_SEED": "7"}
    assert read_wire({"control": "1"}, environ).control.port == 1
    assert read_wire({}, environ).control.port == 2
    assert read_wire({}, {"FAULTWIRE_CONTROL": "3"}).control.port == 3
    assert read_wire({}, environ).seed == 7


def test_every_setting_has_a_variable_and_a_flag() -> None:
    for setting in WIRE.settings:
        assert setting.flag.startswith("--")
        assert WIRE.variables(setting)[0].startswith("FAULTWIRE_WIRE_")
    assert {each.field for each in CONTROL.settings} == {"control", "control_token"}


def test_the_commands_read_what_the_wire_reads() -> None:
    environ = {"FAULTWIRE_CONTROL": "http://[::1]:99", "FAULTWIRE_CONTROL_TOKEN": "s3cret-token"}
    found = read_control({}, environ)
    assert (found.control, found.control_token) == (Address("::1", 99), "s3cret-token")
    assert read_wire({}, environ).control == found.control


def test_between_the_services_the_wire_listens_where_another_flag_says() -> None:
    assert read_pair_wire({"wire": "7", "log_format": "json"}, {}).listen.port == 7
    with pytest.raises(InvalidSettings, match="--wire is 'x'"):
        read_pair_wire({"wire": "x"}, {})
    with pytest.raises(InvalidSettings, match="--wire and --control are both"):
        read_pair_wire({"wire": "8084"}, {})


@pytest.mark.parametrize(
    ("listen", "to"),
    [
        ("8080", "http://[::1]:8080"),
        ("8080", "http://10.0.0.1:8080"),
        ("8080", "http://127.0.0.1:8081"),
        ("0", "http://127.0.0.1"),
    ],
)
def test_a_wire_may_stand_on_its_upstreams_port_elsewhere(listen: str, to: str) -> None:
    assert read_wire({"listen": listen, "to": to}, {}).to == to


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8082", Address("127.0.0.1", 8082)),
        ("0", Address("127.0.0.1", 0)),
        ("0.0.0.0:80", Address("0.0.0.0", 80)),
        ("localhost:80", Address("localhost", 80)),
        ("[::1]:80", Address("::1", 80)),
        ("http://127.0.0.1:8084/", Address("127.0.0.1", 8084)),
    ],
)
def test_an_address_is_a_port_or_a_host_and_a_port(text: str, expected: Address) -> None:
    assert address(text) == expected
    assert address(str(expected)) == expected


@pytest.mark.parametrize(
    "text", ["", "x", "a:b", ":80", "::1:80", "::1", "65536", "-1", "1.5", "https://a:1", "a b:1"]
)
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"PORT|host|whole number"):
        address(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://example.com", "https://example.com"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_an_upstream_is_a_url_without_a_path(text: str, expected: str) -> None:
    assert wire_upstream(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://a",
        "http://",
        "http://a/b",
        "http://a?b",
        "http://u@a",
        "http://a:0",
        "http://a:x",
    ],
)
def test_anything_else_is_no_upstream(text: str) -> None:
    with pytest.raises(ValueError, match="a URL without a path"):
        wire_upstream(text)


@pytest.mark.parametrize("text", ["short", "with blank inside", "x" * 513, "späße-äöü"])
def test_a_token_is_long_enough_and_can_stand_in_a_header(text: str) -> None:
    with pytest.raises(ValueError, match="8 to 512 visible ASCII characters"):
        token(text)
