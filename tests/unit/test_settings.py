"""Settings: who wins, what is accepted, and what is said of the rest."""

import dataclasses
import re
from collections.abc import Callable

import pytest

from faultwire.contracts import CONTRACTS
from faultwire.http.limits import DEFAULT_LIMITS
from faultwire.http.pool import DEFAULT_CONNECTIONS
from faultwire.settings import (
    SERVICE_A,
    SERVICE_B,
    InvalidSettings,
    Kind,
    ServiceASettings,
    ServiceBSettings,
    read_pair,
    read_service_a,
    read_service_b,
)
from faultwire.settings.text import duration_s, grace_s, host, upstream_url, whole

A_BY_DEFAULT = ServiceASettings(
    host="127.0.0.1",
    port=8080,
    contract="unified",
    log_format="text",
    workers=1,
    max_connections=10_000,
    drain_grace_s=1.0,
    drain_timeout_s=10.0,
    work_s=0.0,
    at_once=0,
)
B_BY_DEFAULT = ServiceBSettings(
    host="127.0.0.1",
    port=8081,
    contract="unified",
    log_format="text",
    workers=1,
    max_connections=10_000,
    drain_grace_s=1.0,
    drain_timeout_s=10.0,
    upstream=("http://127.0.0.1:8080",),
    policy="none",
    upstream_connections=512,
    timeout_s=1.0,
    status="contract",
)


def test_the_defaults_are_the_pair_of_the_design() -> None:
    assert read_service_a({}, {}) == A_BY_DEFAULT
    assert read_service_b({}, {}) == B_BY_DEFAULT
    assert read_pair({}, {}) == (A_BY_DEFAULT, B_BY_DEFAULT)


def test_the_defaults_are_those_of_the_hop() -> None:
    assert A_BY_DEFAULT.max_connections == DEFAULT_LIMITS.connections
    assert B_BY_DEFAULT.upstream_connections == DEFAULT_CONNECTIONS


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        A_BY_DEFAULT.port = 1  # type: ignore[misc]  # that is the claim


@pytest.mark.parametrize(
    ("flags", "environ", "port"),
    [
        ({"port": "1"}, {"FAULTWIRE_A_PORT": "2"}, 1),
        ({"port": None}, {"FAULTWIRE_A_PORT": "2"}, 2),
        ({}, {"FAULTWIRE_A_PORT": "", "FAULTWIRE_B_PORT": "3"}, 8080),
        ({}, {"FAULTWIRE_A_PORT": "0"}, 0),
    ],
)
def test_a_flag_wins_over_the_environment_and_that_over_the_default(
    flags: dict[str, str | None], environ: dict[str, str], port: int
) -> None:
    assert read_service_a(flags, environ).port == port


def test_a_variable_with_the_services_letter_wins_over_one_for_both() -> None:
    environ = {"FAULTWIRE_CONTRACT": "detailed", "FAULTWIRE_B_CONTRACT": "gateway"}
    assert read_service_a({}, environ).contract == "detailed"
    assert read_service_b({}, environ).contract == "gateway"


@pytest.mark.parametrize(
    ("environ", "upstream"),
    [
        ({"SERVICE_A_URL": "http://a:1/"}, "http://a:1"),
        ({"SERVICE_A_URL": "http://a:1", "FAULTWIRE_UPSTREAM": "http://b:2/p"}, "http://b:2/p"),
        ({"SERVICE_A_URL": "http://a:1", "FAULTWIRE_B_UPSTREAM": "[::1]:3"}, "http://[::1]:3"),
    ],
)
def test_the_upstream_may_come_from_service_a_url(environ: dict[str, str], upstream: str) -> None:
    assert read_service_b({}, environ).upstream == (upstream,)


def test_there_may_be_several_upstreams_but_not_one_twice() -> None:
    given = read_service_b({"upstream": "http://a:1, http://b:2"}, {})
    assert given.upstream == ("http://a:1", "http://b:2")
    assert not given.is_plain
    for again in ("http://a:1/", "a:1", "http://A:1/other"):
        with pytest.raises(InvalidSettings, match="URLs that differ in their host or port"):
            read_service_b({"upstream": f"http://a:1,{again}"}, {})


def test_policies_are_checked_when_they_are_read() -> None:
    assert read_service_b({"policy": "retry(attempts=5)+budget"}, {}).policy != "none"
    with pytest.raises(InvalidSettings, match="there is no policy 'retri'"):
        read_service_b({"policy": "retri"}, {})


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_timeout_is_the_contracts_unless_one_is_given(contract: str) -> None:
    flags = {"contract": contract}
    assert read_service_b(flags, {}).timeout_s == CONTRACTS[contract].TIMEOUT_S
    assert read_service_b(flags, {"FAULTWIRE_TIMEOUT": "250ms"}).timeout_s == 0.25


def test_accurate_status_is_a_word_of_its_own() -> None:
    assert not B_BY_DEFAULT.accurate
    assert read_service_b({"status": "accurate"}, {}).accurate


@pytest.mark.parametrize("kind", [SERVICE_A, SERVICE_B])
def test_every_setting_is_read_from_every_variable_that_it_has(kind: Kind) -> None:
    read: Callable[..., ServiceASettings | ServiceBSettings]
    read = read_service_a if kind is SERVICE_A else read_service_b
    for setting in kind.settings:
        for variable in kind.variables(setting):
            with pytest.raises(InvalidSettings, match=rf"^{variable} is '\\x01': expected "):
                read({}, {variable: "\x01"})


def test_every_field_of_the_settings_can_be_set() -> None:
    for kind, record in ((SERVICE_A, ServiceASettings), (SERVICE_B, ServiceBSettings)):
        fields = {field.name for field in dataclasses.fields(record)}
        assert {setting.field for setting in kind.settings} == fields


def test_what_kubernetes_injects_for_services_of_these_names_is_passed_over() -> None:
    environ = {
        "FAULTWIRE_A_PORT": "tcp://10.0.0.1:8080",
        "FAULTWIRE_A_PORT_8080_TCP": "tcp://10.0.0.1:8080",
        "FAULTWIRE_A_PORT_8080_TCP_ADDR": "10.0.0.1",
        "FAULTWIRE_A_PORT_8080_TCP_PORT": "8080",
        "FAULTWIRE_A_PORT_8080_TCP_PROTO": "tcp",
        "FAULTWIRE_A_SERVICE_HOST": "10.0.0.1",
        "FAULTWIRE_A_SERVICE_PORT": "8080",
        "FAULTWIRE_A_SERVICE_PORT_HTTP": "8080",
        "FAULTWIRE_PORT": "tcp://10.0.0.1:80",
        "FAULTWIRE_SERVICE_HOST": "10.0.0.1",
        "FAULTWIRE_MY_B_PORT": "udp://10.0.0.1:8081",
    }
    assert read_service_a({}, environ) == A_BY_DEFAULT
    assert read_service_b({}, environ) == B_BY_DEFAULT


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("FAULTWIRE_TIMEOT", "did you mean FAULTWIRE_TIMEOUT?"),
        ("FAULTWIRE_PORT", "did you mean FAULTWIRE_"),
        ("FAULTWIRE_A_TIMEOUT", "did you mean FAULTWIRE_"),
        ("FAULTWIRE_XYZZY_PLUGH", "--help shows those that are"),
    ],
)
def test_a_variable_that_is_no_setting_is_refused(variable: str, hint: str) -> None:
    with pytest.raises(InvalidSettings, match=f"variable {variable} is not a setting") as refused:
        read_service_b({}, {variable: "1"})
    assert hint in str(refused.value)


def test_variables_of_others_are_none_of_our_business() -> None:
    assert read_service_a({}, {"PORT": "x", "faultwire_x": "y", "HOST": "z"}) == A_BY_DEFAULT


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("2s", 2.0),
        ("1m", 60.0),
        ("1h", 3600.0),
        ("1.5", 1.5),
        ("1", 1.0),
        (".5s", 0.5),
        ("0.001", 0.001),
        ("1ms", 0.001),
    ],
)
def test_durations_carry_units_and_are_seconds_without(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


NO_DURATIONS = [
    *("", " ", "x", "s", "ms", "1 s", "1d", "1S", "-1s", "+1s", "1e3", "nan", "inf", "0x10"),
    *("1_0", "1,5", "1.", "1.5.2", "٣s", "1s\n", "61m", "2h", "9" * 400),
]


@pytest.mark.parametrize("text", NO_DURATIONS)
def test_what_is_no_duration_is_refused(text: str) -> None:
    for read in (duration_s, grace_s):
        with pytest.raises(ValueError, match="a time such as 250ms, 2s or 1m, from"):
            read(text)


@pytest.mark.parametrize("text", ["0", "0s", "0ms", "0.0001ms", "0.9ms"])
def test_no_time_at_all_is_a_grace_but_no_deadline(text: str) -> None:
    assert 0 <= grace_s(text) < 0.001
    with pytest.raises(ValueError, match="from 1ms to 1h"):
        duration_s(text)


@pytest.mark.parametrize("text", ["", "x", "-1", "+1", "1.0", "1e3", "65536", "٣", "1 ", "9" * 30])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a whole number from 0 to 65535"):
        whole(0, 65535)(text)


@pytest.mark.parametrize(
    ("text", "read"),
    [("127.0.0.1", "127.0.0.1"), ("[::1]", "::1"), ("::", "::"), ("a-b.example", "a-b.example")],
)
def test_a_host_may_be_a_name_or_an_address(text: str, read: str) -> None:
    assert host(text) == read


@pytest.mark.parametrize("text", ["", "a b", "http://a", "a/b", "[", "a\n", "ä"])
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a host name or an address"):
        host(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("https://a", "for https:// put faultwire wire --to URL between"),
        ("HTTPS://a:8443", "for https:// put faultwire wire --to URL between"),
        ("http://u:p@a", "without a user or a password"),
        ("u@a:8080", "without a user or a password"),
    ],
)
def test_what_another_client_could_call_is_refused_with_the_reason(text: str, hint: str) -> None:
    with pytest.raises(InvalidSettings, match=re.escape(hint)):
        read_service_b({"upstream": text}, {})


def test_a_url_that_is_refused_does_not_show_its_password() -> None:
    for url in ("http://u:secret@a:80/p", "https://u:se@cret@a"):
        with pytest.raises(InvalidSettings, match=r"is .https?://…@a") as refused:
            read_service_b({}, {"SERVICE_A_URL": url})
        assert "cret" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        *("", "http://", "https://a", "http://a:0", "http://a:x", "http://a b", "http://a/ b"),
        *("http://a?b", "http://a#b", "http://u@a", "http://[::1", "http://ä", "http://a\r\nb"),
    ],
)
def test_what_is_no_upstream_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a URL such as http"):
        upstream_url(text)


def test_a_pair_has_a_port_for_each_and_the_rest_in_common() -> None:
    flags = {"a_port": "1", "b_port": "2", "contract": "gateway", "timeout_s": "3s"}
    a, b = read_pair(flags, {"FAULTWIRE_B_WORKERS": "4"})
    assert (a.port, b.port) == (1, 2)
    assert (a.contract, b.contract) == ("gateway", "gateway")
    assert (a.workers, b.workers) == (1, 4)
    assert b.timeout_s == 3.0


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"a_port": "x"}, "--a-port is 'x'"),
        ({"b_port": "x"}, "--b-port is 'x'"),
        ({"a_port": "5", "b_port": "5"}, "--a-port and --b-port are both 5: choose two"),
    ],
)
def test_what_a_pair_cannot_use_is_said_by_the_pairs_flags(
    flags: dict[str, str], said: str
) -> None:
    with pytest.raises(InvalidSettings, match=said):
        read_pair(flags, {})


def test_two_free_ports_are_two_ports() -> None:
    a, b = read_pair({"a_port": "0", "b_port": "0"}, {})
    assert a.port == b.port == 0
