"""The control API's guard: what a browser can be made to send is refused."""

import pytest

from faultwire.http.message import BadRequest
from faultwire.wire.control.guard import Guard, Unauthorized, is_loopback

OPEN = Guard("127.0.0.1", 8084)
LOCKED = Guard("0.0.0.0", 8084, "s3cret")


def refusal(guard: Guard, **headers: str) -> int:
    """The status of the refusal; 0 if the request may pass."""
    fields = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    try:
        guard.check(fields)
    except BadRequest as refused:
        return refused.status
    return 0


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8084", "localhost:8084", "LOCALHOST:8084", "[::1]:8084", "127.8.4.1:8084"]
)
def test_a_host_that_is_a_loopback_address_with_our_port_may_pass(host: str) -> None:
    assert refusal(OPEN, host=host) == 0


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8084",
        "evil.example",
        "127.0.0.1.evil.example:8084",
        "localhost.evil.example:8084",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1:08084",
        "127.0.0.1:8084:8084",
        "[::1]",
        "::1:8084",
        "[127.0.0.1:8084",
        "0.0.0.0:8084",
        "192.168.1.7:8084",
        "2130706433:8084",
        "127.1:8084",
        "127.0.0.1:8084 ",
        "user@127.0.0.1:8084",
        "\xe9:8084",
        ":8084",
        "",
    ],
)
def test_any_other_host_is_refused_as_misdirected(host: str) -> None:
    assert refusal(OPEN, host=host) == 421
    assert refusal(OPEN) == 421


def test_the_address_bound_may_pass_under_its_own_name() -> None:
    assert refusal(Guard("::1", 8084), host="[::1]:8084") == 0
    assert refusal(Guard("127.0.0.1", 80), host="127.0.0.1") == 0


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8084", 0),
        ("HTTP://127.0.0.1:8084", 0),
        ("http://127.0.0.1:8083", 403),
        ("http://localhost:8084", 403),
        ("https://127.0.0.1:8084", 403),
        ("http://evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_only_a_page_of_this_very_address_may_use_it(origin: str, status: int) -> None:
    assert refusal(OPEN, host="127.0.0.1:8084", origin=origin) == status


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer s3cret", 0),
        ("bearer s3cret", 0),
        ("Bearer s3cre", 401),
        ("Bearer s3crets", 401),
        ("Bearer", 401),
        ("Basic s3cret", 401),
        ("s3cret", 401),
        ("", 401),
    ],
)
def test_a_token_opens_the_door_for_any_host_and_nothing_else_does(
    authorization: str, status: int
) -> None:
    assert refusal(LOCKED, host="wire.prod.svc:8084", authorization=authorization) == status


def test_a_missing_token_says_what_to_send() -> None:
    with pytest.raises(Unauthorized, match="Authorization: Bearer TOKEN"):
        LOCKED.check({b"host": b"127.0.0.1:8084"})


def test_a_token_does_not_open_the_door_for_a_page_of_another_origin() -> None:
    headers = {"host": "wire:8084", "origin": "http://evil", "authorization": "Bearer s3cret"}
    assert refusal(LOCKED, **headers) == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_is_told(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com", "localhost.example"])
def test_what_others_can_reach_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)
