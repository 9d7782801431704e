"""A body is decoded whole, within the bound, or not at all."""

import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultwire.http.coding import TooLarge, Undecodable, decode_body

LIMIT = 1000


def raw_deflate(body: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(body) + deflater.flush()


def zlib_deflate(body: bytes) -> bytes:
    return zlib.compress(body)


def gzipped(body: bytes) -> bytes:
    return gzip.compress(body)


Encode = Callable[[bytes], bytes]
ENCODERS: dict[bytes, Encode] = {
    b"identity": lambda body: body,
    b"": lambda body: body,
    b"gzip": gzipped,
    b"X-GZip ": gzipped,
    b" Deflate": zlib_deflate,
    b"deflate": raw_deflate,
}


@pytest.mark.parametrize("coding", ENCODERS)
@given(body=st.binary(max_size=LIMIT))
def test_what_was_encoded_is_decoded(coding: bytes, body: bytes) -> None:
    assert decode_body(coding, ENCODERS[coding](body), LIMIT) == body


@given(pieces=st.lists(st.binary(max_size=30), min_size=1, max_size=30))
def test_a_gzip_body_may_have_several_members(pieces: list[bytes]) -> None:
    body = b"".join(map(gzipped, pieces))
    assert decode_body(b"gzip", body, LIMIT) == b"".join(pieces)


@pytest.mark.parametrize("encode", [gzipped, zlib_deflate, raw_deflate])
@pytest.mark.parametrize(("size", "fits"), [(LIMIT, True), (LIMIT + 1, False), (1 << 24, False)])
def test_the_bound_is_exact(encode: Encode, size: int, fits: bool) -> None:
    coding = b"gzip" if encode is gzipped else b"deflate"
    body = encode(bytes(size))
    if fits:
        assert decode_body(coding, body, LIMIT) == bytes(size)
    else:
        with pytest.raises(TooLarge):
            decode_body(coding, body, LIMIT)


def test_the_bound_is_on_all_members_together() -> None:
    body = gzip.compress(bytes(600)) + gzip.compress(bytes(401))
    with pytest.raises(TooLarge):
        decode_body(b"gzip", body, LIMIT)


GZIP = gzip.compress(b"hello")
WRONG = {
    "plain text": (b"gzip", b"hello"),
    "plain text as deflate": (b"deflate", b"hello"),
    "one byte": (b"gzip", GZIP[:1]),
    "cut short": (b"gzip", GZIP[:-1]),
    "cut short in a second member": (b"gzip", GZIP + GZIP[:-9]),
    "a wrong checksum": (b"gzip", GZIP[:-8] + bytes(8)),
    "something behind it": (b"gzip", GZIP + b"hello"),
    "something behind deflate": (b"deflate", zlib.compress(b"hello") + b"hello"),
    "zlib called gzip": (b"gzip", zlib.compress(b"hello")),
    "gzip called deflate": (b"deflate", GZIP),
    "deflate cut short": (b"deflate", zlib.compress(b"hello")[:-5]),
    "a dictionary that nobody has": (b"deflate", b"\x78\xbb\x06\x2c\x02\x15\xcb\x48\xcd"),
    "brotli": (b"br", b"hello"),
    "two codings": (b"gzip, gzip", gzip.compress(GZIP)),
    "no coding that is known": (b"\xff\r\n", b"hello"),
}


@pytest.mark.parametrize(("coding", "body"), WRONG.values(), ids=WRONG)
def test_what_is_not_in_the_coding_is_refused(coding: bytes, body: bytes) -> None:
    with pytest.raises(Undecodable) as refused:
        decode_body(coding, body, LIMIT)
    assert str(refused.value).isprintable()


def test_members_are_bounded_in_number() -> None:
    """What follows a member is copied: thousands of empty ones would cost gigabytes."""
    with pytest.raises(Undecodable, match="members"):
        decode_body(b"gzip", gzip.compress(b"") * 50_000, LIMIT)


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"identity"])
def test_an_empty_body_is_in_any_coding(coding: bytes) -> None:
    assert decode_body(coding, b"", LIMIT) == b""


@given(coding=st.sampled_from([b"gzip", b"deflate"]), body=st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(coding: bytes, body: bytes) -> None:
    with suppress(TooLarge, Undecodable):
        assert len(decode_body(coding, body, LIMIT)) <= LIMIT
