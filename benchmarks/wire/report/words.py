"""What is called what in the results."""

from benchmarks.wire.samples import Wave


def beginning(wave: Wave) -> str:
    """Say how a wave's requests begin."""
    return f"begun within {wave.over_s:g} s" if wave.over_s else "begun in one instant"
