"""Gzip of many zero bytes, made piece by piece and without looking at them all.

A deflate block that ends in a full flush can be repeated at will. The checksum of n zero bytes
is a power in the field that the CRC is computed in, so it costs log n steps, not n.
"""

import zlib
from collections.abc import Iterator
from functools import cache

BLOCK_BYTES = 1 << 20

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"  # RFC 1952: deflate, no name, no time
_FINAL = b"\x03\x00"  # RFC 1951: a last block, empty
_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31  # the polynomial 1: the CRC's bits are reflected
_BYTE = 1 << 23  # the polynomial x^8


@cache
def _deflated(size: int) -> bytes:
    compress = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compress.compress(bytes(size)) + compress.flush(zlib.Z_FULL_FLUSH)


def gzip_length(size: int) -> int:
    """The length of all that `gzip_zeros` gives."""
    blocks, rest = divmod(size, BLOCK_BYTES)
    return len(_HEADER + _FINAL) + 8 + blocks * len(_deflated(BLOCK_BYTES)) + len(_rest(rest))


def _rest(size: int) -> bytes:
    return _deflated(size) if size else b""


def gzip_zeros(size: int) -> Iterator[bytes]:
    """One gzip member whose content is `size` zero bytes, in pieces of up to about 64 KiB."""
    blocks, rest = divmod(size, BLOCK_BYTES)
    yield _HEADER
    for done in range(0, blocks, 64):
        yield _deflated(BLOCK_BYTES) * min(64, blocks - done)
    yield _rest(rest) + _FINAL
    yield crc32_of_zeros(size).to_bytes(4, "little") + (size % 2**32).to_bytes(4, "little")


def crc32_of_zeros(size: int) -> int:
    """The CRC-32 of `size` zero bytes."""
    power, square = _ONE, _BYTE
    while size:
        if size & 1:
            power = _multiply(power, square)
        square = _multiply(square, square)
        size >>= 1
    return _multiply(power, 0xFFFFFFFF) ^ 0xFFFFFFFF


def _multiply(a: int, b: int) -> int:
    """The product of two polynomials modulo the CRC's."""
    product = 0
    while a:
        if a & _ONE:
            product ^= b
        a = (a << 1) & 0xFFFFFFFF
        b = b >> 1 ^ (_POLYNOMIAL if b & 1 else 0)
    return product
