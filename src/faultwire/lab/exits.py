"""What the exit status of a process says, in words."""

import signal

_SIGNAL_BASE = 128
_WORDS = {
    0: "it was told to stop",
    1: "an error that it did not expect; its last lines say which",
    2: "it cannot run like this; its last line says why",
}


def explain_exit(code: int) -> str:
    """One phrase for an exit status as `subprocess` gives it: negative for a signal."""
    if code < 0:
        return f"killed by signal {-code}{_named(-code)}"
    if code > _SIGNAL_BASE and (name := _named(code - _SIGNAL_BASE)):
        return f"exit status {code}: ended at once by a signal{name}"
    words = _WORDS.get(code)
    return f"exit status {code}: {words}" if words else f"exit status {code}"


def _named(number: int) -> str:
    try:
        return f" ({signal.Signals(number).name})"
    except ValueError:
        return ""
