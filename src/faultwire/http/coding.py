"""Content codings of an answer, undone within a bound (a bomb stops at the bound)."""

import zlib

_GZIP = zlib.MAX_WBITS | 16
_ZLIB = zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS
_MOST_MEMBERS = 32  # each costs a copy of what follows it


class TooLarge(Exception):
    """The decoded body is over the bound."""


class Undecodable(Exception):
    """The coding is not known, or the body is not in it."""


def decode_body(coding: bytes, body: bytes, limit_bytes: int) -> bytes:
    """The body without its content coding: identity, gzip or deflate (RFC 9110 section 8.4.1).

    An empty body is in any coding. Raises `TooLarge` as soon as the result would exceed
    `limit_bytes`, and `Undecodable`.
    """
    coding = coding.strip().lower()
    if not body or coding in (b"identity", b""):
        return body
    try:
        if coding in (b"gzip", b"x-gzip"):
            return _gunzip(body, limit_bytes)
        if coding == b"deflate":
            return _inflate_deflate(body, limit_bytes)
    except zlib.error as error:
        raise Undecodable(f"the body is not {coding.decode()}: {error}") from error
    raise Undecodable(f"the content coding {coding.decode('latin-1')!r} is not known")


def _gunzip(body: bytes, limit_bytes: int) -> bytes:
    """A gzip body is a series of members (RFC 1952 section 2.2), nearly always one."""
    decoded, rest = _inflate(_GZIP, body, limit_bytes)
    for _ in range(_MOST_MEMBERS):
        if not rest:
            return decoded
        member, rest = _inflate(_GZIP, rest, limit_bytes - len(decoded))
        decoded += member
    raise Undecodable(f"the gzip body has over {_MOST_MEMBERS} members")


def _inflate_deflate(body: bytes, limit_bytes: int) -> bytes:
    """`deflate` means the zlib format, but some servers leave its frame out (ibid., 8.4.1.2)."""
    try:
        decoded, rest = _inflate(_ZLIB, body, limit_bytes)
    except zlib.error as error:
        try:
            decoded, rest = _inflate(_RAW, body, limit_bytes)
        except zlib.error:
            raise error from None
    if rest:
        raise Undecodable("the deflate body does not end where the answer does")
    return decoded


def _inflate(window_bits: int, body: bytes, limit_bytes: int) -> tuple[bytes, bytes]:
    """What one stream holds, and what follows it."""
    inflater = zlib.decompressobj(window_bits)
    decoded = inflater.decompress(body, limit_bytes + 1)
    if len(decoded) > limit_bytes:
        raise TooLarge("the decoded body is over the bound")
    if not inflater.eof:
        raise Undecodable("the coded body is cut short")
    return decoded, inflater.unused_data
