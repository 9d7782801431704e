"""What is kept of a play: requests and answers, figures, sentences; all of it bounded."""

from typing import TypeVar

from faultwire.check.asking import Heard
from faultwire.check.model import Evidence, Exchanged, WireSaw

T = TypeVar("T")
_MOST_ASKED = 20
_MOST_SEEN = 50
_MOST_LOG = 30
_MOST_TEXTS = 100
_MOST_EXCHANGED = 1000
_LONGEST = 2000
_LONGEST_REQUEST = 300


class Notebook:
    """The evidence of one play, as it comes about."""

    def __init__(self) -> None:
        self.exchanged: list[Exchanged] = []
        self._asked = 0
        self._figures: dict[str, float | int | str] = {}
        self._notes: list[str] = []

    def asked(self, token: str, request: str, sent_at: float, heard: Heard) -> None:
        """Keep a request and what came back; of very many the first and the last."""
        self._asked += 1
        if len(self.exchanged) >= _MOST_EXCHANGED:
            del self.exchanged[_MOST_EXCHANGED // 2]
        self.exchanged.append(
            Exchanged(
                token=token,
                request=cut(request, _LONGEST_REQUEST),
                sent_at=sent_at,
                took_s=heard.took_s,
                status=heard.status,
                headers={name: cut(value, _LONGEST) for name, value in heard.headers.items()},
                body=cut(heard.body[: 4 * _LONGEST].decode("utf-8", "replace"), _LONGEST),
                body_bytes=heard.body_bytes,
                error=heard.error,
            )
        )

    def figure(self, name: str, value: float | str) -> None:
        """Keep a measured number."""
        if len(self._figures) < _MOST_TEXTS:
            self._figures[name] = value

    def note(self, sentence: str) -> None:
        """Keep a sentence."""
        if len(self._notes) < _MOST_TEXTS:
            self._notes.append(cut(sentence, _LONGEST))

    def evidence(self, wire: list[WireSaw], log: list[str]) -> Evidence:
        """All of it, with what the wire saw and the target's log lines."""
        figures = dict(self._figures)
        if self._asked > _MOST_ASKED:
            figures["requests"] = self._asked
        return Evidence(
            asked=_ends(self.exchanged, _MOST_ASKED),
            wire=_ends(wire, _MOST_SEEN),
            log=[cut(line, _LONGEST) for line in log[-_MOST_LOG:]],
            figures=figures,
            notes=list(self._notes),
        )


def cut(text: str, most: int) -> str:
    """A text of at most so many characters, marked where it is cut."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _ends(items: list[T], most: int) -> list[T]:
    """The first and the last of them."""
    if len(items) <= most:
        return list(items)
    return [*items[: most // 2], *items[-(most - most // 2) :]]
