"""A piece of a log that is kept as it came, and searched when something is asked of it.

Nearly every line of a log is of no interest, so none is parsed before it is asked for. A block
is divided into pages; only those that a question touches are parsed, and once.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice

from faultwire.explain.entry import Entry
from faultwire.explain.parse import parse
from faultwire.explain.stamp import find_stamp

PAGE_BYTES = 16 << 10
DISORDER_S = 0.02
"""Lines of several processes may stand so far from their order in one stream."""

_ID = re.compile(rb'request_id(?:=|": ?)"?([^\s"\\,}]*)')
_SLOW = re.compile(rb'latency_ms(?:=|": ?)\d{3}')
_LINES_TRIED = 50
_LONG_ID = 8
"""A shorter id stands in too many places by chance."""
_OFTEN, _VERY_OFTEN = 4, 16
_CROWD = 100


class Block:
    """Whole lines. `first` and `last` are the times of its ends, 0.0 where no line has one."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.first = next(_times(data, forward=True), 0.0)
        self.last = max(next(_times(data, forward=False), 0.0), self.first)
        self._asked = 0
        self._searched = 0
        self._pages: dict[int, list[Entry]] = {}
        self._known: dict[int, Entry | None] = {}

    @cached_property
    def slow(self) -> list[Entry]:
        """Every request that took 100 ms or longer."""
        found = (parse(line_at(self.data, m.start())) for m in _SLOW.finditer(self.data))
        return [entry for entry in found if entry is not None and entry.latency_ms >= 100]

    def with_id(self, request_id: str, key: bytes, close: tuple[float, float]) -> list[Entry]:
        """The lines with this request id, whose `id_key` is `key`.

        Where one id stands in very many lines, only those written in the time `close`.
        """
        places = self._places_of(key)
        if not places:
            return []
        crowd = len(places) >= _CROWD
        lines = self.between(*close) if crowd else map(self._entry_around, places)
        return [entry for entry in lines if entry is not None and entry.request_id == request_id]

    def keep(self, parsed: dict[int, Entry | None]) -> None:
        """These lines are parsed already; the key is where each begins."""
        self._known = parsed
        self._searched = len(parsed)  # so often it is going to be asked

    def _entry_around(self, place: int) -> Entry | None:
        """What the line around a place says; parsed once."""
        start = self.data.rfind(b"\n", 0, place) + 1
        if start not in self._known:
            self._known[start] = parse(line_at(self.data, start))
        return self._known[start]

    def _places_of(self, key: bytes) -> Sequence[int]:
        """One place in each line that may have this id, by what is cheapest so far."""
        if self._searched >= _VERY_OFTEN or len(key) < _LONG_ID:
            return self._places.get(key, ())
        self._asked += 1
        if self._asked > _OFTEN and key not in self._ids:
            return ()
        self._searched += 1
        return list(islice(_found(self.data, key), _CROWD))

    @cached_property
    def _ids(self) -> frozenset[bytes]:
        """The request ids of its lines, as `id_key` shortens them: most are asked for in vain."""
        return frozenset(_ID.findall(self.data))

    @cached_property
    def _places(self) -> dict[bytes, list[int]]:
        """Where each id stands: worth its price for a block that is asked often."""
        places: dict[bytes, list[int]] = {}
        for found in _ID.finditer(self.data):
            places.setdefault(found[1], []).append(found.start())
        return places

    def between(self, start: float, end: float) -> Iterator[Entry]:
        """The lines written in this time."""
        for page in self._pages_between(start, end):
            for entry in self._page(page):
                if start <= entry.end <= end:
                    yield entry

    def mentions(self, words: re.Pattern[bytes], start: float, end: float) -> bool:
        """Whether a line written in this time has these words."""
        pages = self._pages_between(start, end)
        times = (*self._page_times, self.last) if pages else ()
        for page in pages:  # a page that lies within the time as a whole needs no closer look
            within = start <= times[page] and times[page + 1] <= end
            if within and words.search(self.data, self._starts[page], self._end(page)):
                return True
        return any(start <= at <= end for at in self._times_of(words, pages))

    def _times_of(self, words: re.Pattern[bytes], pages: range) -> Iterator[float]:
        """When the lines of some pages that have these words were written."""
        for page in pages:
            for found in words.finditer(self.data, self._starts[page], self._end(page)):
                if (stamp := find_stamp(line_at(self.data, found.start()))) is not None:
                    yield stamp.at

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [0], 0
        while (at := self.data.find(b"\n", at + PAGE_BYTES) + 1) > 0:
            if at < len(self.data):
                starts.append(at)
        return starts

    @cached_property
    def _page_times(self) -> list[float]:
        times: list[float] = []
        for page, start in enumerate(self._starts):
            piece = self.data[start : min(self._end(page), start + PAGE_BYTES)]
            at = next(_times(piece, forward=True), 0.0)
            times.append(max(at, times[-1]) if times else at)
        return times

    def _end(self, page: int) -> int:
        return self._starts[page + 1] if page + 1 < len(self._starts) else len(self.data)

    def _pages_between(self, start: float, end: float) -> range:
        if not self.first or end < self.first - DISORDER_S or start > self.last + DISORDER_S:
            return range(0)
        low = bisect_left(self._page_times, start - DISORDER_S) - 1
        return range(max(low, 0), bisect_right(self._page_times, end + DISORDER_S))

    def _page(self, page: int) -> list[Entry]:
        if page not in self._pages:
            lines = self.data[self._starts[page] : self._end(page)].split(b"\n")
            self._pages[page] = [e for e in map(parse, lines) if e is not None and e.is_request]
        return self._pages[page]


def id_key(request_id: str) -> bytes:
    """The beginning of an id that stands the same way quoted, bare and in JSON."""
    if request_id.isascii() and request_id.isalnum():
        return request_id.encode()
    return re.split(r'[\s"\\,}]', request_id, maxsplit=1)[0].encode("utf-8", "replace")


def _found(data: bytes, word: bytes) -> Iterator[int]:
    """A place in each line that has the word."""
    at = 0
    while (place := data.find(word, at)) >= 0:
        yield place
        at = _bounds(data, place)[1]


def line_at(data: bytes, at: int) -> bytes:
    """The whole line around a place."""
    end = data.find(b"\n", at)
    return data[data.rfind(b"\n", 0, at) + 1 : end if end >= 0 else None]


def _bounds(data: bytes, at: int) -> tuple[int, int]:
    end = data.find(b"\n", at)
    return data.rfind(b"\n", 0, at) + 1, len(data) if end < 0 else end


def _times(data: bytes, *, forward: bool) -> Iterator[float]:
    """The times of the first lines that have one, or of the last."""
    at = 0 if forward else len(data) - data.endswith(b"\n")
    for _ in range(_LINES_TRIED):
        if not 0 <= at < len(data) + 1 or not data:
            return
        start, end = _bounds(data, at)
        if (stamp := find_stamp(data[start : min(end, start + 512)])) is not None:
            yield stamp.at
        at = end + 1 if forward else start - 1
        if at > len(data) or at < 0:
            return
