"""What an `Accept` field asks for (RFC 9110 section 12.5.1), as far as services here choose."""

import re

_REFUSED = re.compile(r"q=0(\.0{0,3})?")


def accepted(field: str) -> set[str]:
    """The media ranges that the field names, in lower case, but for those it refuses by `q=0`."""
    ranges = (map(str.strip, part.split(";")) for part in field.lower().split(","))
    return {
        media_range
        for media_range, *parameters in ranges
        if not any(map(_REFUSED.fullmatch, parameters))
    }
