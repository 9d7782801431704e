"""Bytes become requests in one way only, however they are cut, and nothing breaks the reader."""

import pytest
from httptools import HttpParserCallbackError
from hypothesis import given, settings
from hypothesis import strategies as st

from faultwire.http.fields import SLICE_BYTES
from faultwire.http.limits import DEFAULT_LIMITS
from faultwire.http.message import BadRequest, Request
from faultwire.http.reader import CONTINUE, Due, RequestReader
from tests.fuzzing import Good, good_requests, pieces, splits
from tests.socket.smuggling import CASES, Case

FUZZ = settings(max_examples=200, deadline=None)


def fed(pieces: list[bytes]) -> RequestReader:
    reader = RequestReader(DEFAULT_LIMITS)
    for piece in pieces:
        for start in range(0, len(piece), SLICE_BYTES):
            if not reader.over:
                reader.feed(piece[start : start + SLICE_BYTES])
    return reader


@FUZZ
@given(st.data(), st.lists(good_requests(), min_size=1, max_size=4))
def test_good_requests_are_read_as_they_are_meant_however_they_are_cut(
    data: st.DataObject, goods: list[Good]
) -> None:
    reader = fed(data.draw(splits(b"".join(good.sent for good in goods))))
    assert list(reader.queue) == [
        Request(good.method, good.path, good.query, good.headers, good.body) for good in goods
    ]
    assert not reader.over
    assert not reader.in_message


@FUZZ
@given(pieces)
def test_whatever_is_sent_there_is_no_more_than_one_refusal_and_it_is_the_last(
    sent: list[bytes],
) -> None:
    reader = fed(sent)
    refusals = [due for due in reader.queue if isinstance(due, BadRequest)]
    assert len(refusals) <= 1
    if refusals:
        assert reader.over
        assert reader.queue[-1] is refusals[0]
        assert 400 <= refusals[0].status < 600
        assert refusals[0].detail
    for due in reader.queue:
        if isinstance(due, Request):
            assert due.path[:1] == b"/" or due.path == b"*"
            assert b"content-length" not in due.headers or b"transfer-encoding" not in due.headers


@FUZZ
@given(pieces)
def test_what_is_served_does_not_depend_on_how_the_bytes_were_cut(sent: list[bytes]) -> None:
    assert served(sent) == served([b"".join(sent)])


def served(sent: list[bytes]) -> list[Request]:
    return [due for due in fed(sent).queue if isinstance(due, Request)]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_ambiguous_bytes_are_refused_byte_by_byte_as_well(case: Case) -> None:
    reader = fed([case.sent[i : i + 1] for i in range(len(case.sent))])
    reached = tuple(due.path for due in reader.queue if isinstance(due, Request))
    assert reached == case.reached
    assert tuple(map(status_of, reader.queue)) == tuple(map(as_cut, case.statuses))
    assert reader.over is not case.stays_open


def status_of(due: Due) -> int:
    return as_cut(due.status) if isinstance(due, BadRequest) else 200


def as_cut(status: int) -> int:
    """The first bytes of what is no method may be those of an unknown one."""
    return 400 if status == 501 else status


def test_a_reader_is_at_rest_between_messages_and_says_where_it_is_within_one() -> None:
    reader = RequestReader(DEFAULT_LIMITS)
    seen = []
    for piece in (
        b"\r\n",
        b"P",
        b"OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n",
        b"\r\n",
        b"x",
        b"y",
    ):
        reader.feed(piece)
        seen.append((reader.in_message, reader.in_body))
    assert seen == [
        (False, False),
        (True, False),
        (True, False),
        (True, True),
        (True, True),
        (False, False),
    ]


def test_a_message_has_an_identity_of_its_own() -> None:
    reader = RequestReader(DEFAULT_LIMITS)
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    identities = [reader.message]
    for _ in range(3):
        reader.feed(request[:5])
        identities.append(reader.message)
        reader.feed(request[5:])
        assert reader.message is identities[-1]
    assert len({id(identity) for identity in identities}) == 4


def test_a_client_that_expects_100_waits_until_its_body_begins() -> None:
    reader = RequestReader(DEFAULT_LIMITS)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    waits = []
    for piece in (head, b"x", b"y" + head, b"xy"):
        reader.feed(piece)
        waits.append(reader.awaits_continue)
    assert waits == [True, False, True, False]
    assert [due is CONTINUE for due in reader.queue] == [True, False, True, False]


def test_a_long_target_that_drips_in_is_gathered_without_a_copy_for_each_byte() -> None:
    """A megabyte by single bytes: copies of the whole would be half a terabyte."""
    reader = RequestReader(DEFAULT_LIMITS)
    reader.feed(b"GET /")
    for _ in range(200_000):
        reader.feed(b"x")
    reader.feed(b" HTTP/1.1\r\nHost: a\r\n\r\n")
    (request,) = reader.queue
    assert isinstance(request, Request)
    assert request.path == b"/" + b"x" * 200_000


def test_a_defect_of_ours_is_not_taken_for_one_of_the_client_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(_: bytes) -> None:
        raise KeyError

    monkeypatch.setattr("faultwire.http.reader.split_target", fails)
    reader = RequestReader(DEFAULT_LIMITS)
    with pytest.raises(HttpParserCallbackError) as raised:
        reader.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert isinstance(raised.value.__context__, KeyError)
