"""Whatever a client sends, in whatever pieces, it gets answers or a closed connection."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzzing import pieces
from tests.socket.conftest import Serve
from tests.socket.serving import Client, Server, limits

SOME = settings(
    max_examples=100,
    deadline=None,
    # One server takes all the examples: what one does to it, the next would feel.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def server(serve: Serve) -> Server:
    return serve(limits=limits(linger_s=0.1))


@SOME
@given(pieces)
def test_nonsense_is_answered_or_refused_and_the_connection_ends(
    server: Server, sent: list[bytes]
) -> None:
    client = Client(server.port)
    try:
        send(client, sent)
        client.half_close()
        assert all_answers(client)
    finally:
        client.close()
    assert server.is_well()
    assert not server.problems


def send(client: Client, sent: list[bytes]) -> None:
    for piece in sent:
        if not client.send_while_open(piece):
            break


def all_answers(client: Client) -> bool:
    """Read answers to the end of the connection; nothing else may come."""
    while not client.is_closed():
        client.answer(head_only=False)
    return True


@SOME
@given(pieces)
def test_a_client_that_is_gone_in_the_middle_of_its_nonsense_is_forgotten(
    server: Server, sent: list[bytes]
) -> None:
    client = Client(server.port)
    send(client, sent)
    client.reset()
    assert server.is_well()
    server.wait_until_gone()
    assert not server.problems
