"""JSON bodies: compact, UTF-8, keys in the order given."""

import msgspec

_encoder = msgspec.json.Encoder(enc_hook=dict)


def body(record: dict[str, object]) -> bytes:
    """The record as JSON. Text that is not valid Unicode is escaped instead of refused."""
    try:
        return _encoder.encode(record)
    except UnicodeEncodeError:
        import json  # noqa: PLC0415 - hardly ever needed, and always in memory

        return json.dumps(record, separators=(",", ":"), default=dict).encode()
