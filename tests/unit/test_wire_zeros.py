"""Gzip of any number of zero bytes is small, valid and quickly made."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultwire.wire.faults.zeros import BLOCK_BYTES, crc32_of_zeros, gzip_length, gzip_zeros


@given(st.integers(0, 100_000))
def test_the_checksum_is_zlibs(size: int) -> None:
    assert crc32_of_zeros(size) == zlib.crc32(bytes(size))


@pytest.mark.parametrize(
    "size", [0, 1, 1000, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 70 * BLOCK_BYTES + 5]
)
def test_it_is_one_member_that_inflates_to_that_many_zeros(size: int) -> None:
    packed = b"".join(gzip_zeros(size))
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    length = 0
    while not inflater.eof:
        content = inflater.decompress(packed, BLOCK_BYTES)  # checks size and checksum at the end
        packed = inflater.unconsumed_tail
        assert not content.strip(b"\0")
        length += len(content)
    assert length == size
    assert not inflater.unused_data


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES, 3 * BLOCK_BYTES + 17])
def test_its_length_is_known_beforehand(size: int) -> None:
    assert gzip_length(size) == sum(map(len, gzip_zeros(size)))


def test_a_gigabyte_takes_a_thousandth_of_it() -> None:
    assert gzip_length(1 << 30) < (1 << 30) / 900
    assert max(map(len, gzip_zeros(1 << 30))) < 100_000
