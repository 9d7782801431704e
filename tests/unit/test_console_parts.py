"""The console's parts by themselves: the hub, the traffic, the check, the plans it changes."""

import asyncio
import re
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

import pytest

from faultwire.failures import FailureKind
from faultwire.http.address import Origin
from faultwire.lab.console import assets
from faultwire.lab.console.checking import CannotCheck, Checking
from faultwire.lab.console.drive import Drive, Traffic
from faultwire.lab.console.hub import Hub
from faultwire.lab.plan import Plan

STATIC = Path(str(files("faultwire.lab.console"))) / "static"


def test_the_page_has_words_for_every_failure_kind() -> None:
    words = (STATIC / "js" / "words.js").read_text("utf-8")
    told = re.findall(r'^  (\w+): \{ family: "\w+", what: ', words, re.MULTILINE)
    assert set(FailureKind) <= set(told)


async def test_a_page_that_watches_is_told_every_message_in_order() -> None:
    hub = Hub(lambda: b"{}")
    stream = hub.follow()
    assert b"event: snapshot\ndata: {}\n\n" in await anext(stream)
    hub.publish(b"1")
    hub.publish(b"2")
    assert await anext(stream) == b"event: tick\ndata: 1\n\nevent: tick\ndata: 2\n\n"
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    hub.publish(b"3")
    assert await waiting == b"event: tick\ndata: 3\n\n"
    await stream.aclose()
    assert hub.watchers == 0


async def test_a_page_that_reads_too_slowly_begins_anew() -> None:
    hub = Hub(lambda: b"all")
    stream = hub.follow()
    await anext(stream)
    for number in range(51):
        hub.publish(b"%d" % number)
    assert await anext(stream) == b"event: snapshot\ndata: all\n\n"
    await stream.aclose()


async def test_whoever_looks_only_for_pages_waits_until_one_watches() -> None:
    hub = Hub(lambda: b"{}")
    waiting = asyncio.ensure_future(hub.watched())
    await asyncio.sleep(0)
    assert not waiting.done()
    first, second = hub.follow(), hub.follow()
    await anext(first)
    await asyncio.wait_for(waiting, 5)
    await anext(second)
    await first.aclose()
    await asyncio.wait_for(hub.watched(), 5)
    await second.aclose()
    waiting = asyncio.ensure_future(hub.watched())
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_the_hub_knows_for_how_long_nobody_has_watched() -> None:
    hub = Hub(lambda: b"{}")
    stream = hub.follow()
    await anext(stream)
    assert hub.alone_s() == 0
    await stream.aclose()
    assert hub.alone_s() > 0


@pytest.mark.parametrize(
    ("traffic", "fine"),
    [
        (Traffic(rate=5), True),
        (Traffic(count=500), True),
        (Traffic(), False),
        (Traffic(rate=1, count=1), False),
        (Traffic(rate=-1), False),
        (Traffic(rate=2001), False),
        (Traffic(count=501), False),
        (Traffic(rate=1, for_s=601), False),
        (Traffic(rate=1, route="admin"), False),
        (Traffic(rate=1, msg="x" * 201), False),
    ],
)
def test_traffic_is_bounded(traffic: Traffic, *, fine: bool) -> None:
    assert (traffic.problem() == "") is fine


def test_the_message_is_sent_as_it_is() -> None:
    assert Traffic(msg="a&b #1 ü").target == "/call-echo?msg=a%26b%20%231%20%C3%BC"
    assert Traffic(route="health").target == "/health"


class Nobody:
    """Is told of requests."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    def begin(self, _request_id: str, _now: float) -> None:
        self.asked.set()

    def end(self, _request_id: str, _now: float, _status: int, _said: str) -> None:
        """Whatever came of it."""


async def test_traffic_that_nobody_watches_stops_by_itself() -> None:
    told, alone_s = Nobody(), 0.0
    drive = Drive(Origin("127.0.0.1", 9), told, lambda: alone_s)
    drive.begin(Traffic(rate=2000, for_s=600))
    await told.asked.wait()
    alone_s = 31.0
    steady = drive._steady
    assert steady is not None
    await steady
    assert drive.shown()["running"] is False
    drive.close()


async def test_what_is_under_way_at_once_is_bounded_and_the_rest_is_counted() -> None:
    told = Nobody()
    drive = Drive(Origin("127.0.0.1", 9), told, lambda: 0.0)
    for _ in range(3):
        drive.begin(Traffic(count=500))
    assert drive.shown()["open"] == 1000
    assert drive.shown()["held_back"] == 500
    drive.close()


async def test_the_progress_of_a_check_is_read_line_by_line() -> None:
    checking = Checking()
    checking._take(b'{"event":"progress","done":1,"total":9}')
    checking._take(
        b'{"event":"verdict","id":"x.y","title":"T","group":"x","verdict":"pass","seconds":0.5}'
    )
    checking._take(b"a word of another kind")
    shown = checking.shown()
    assert (shown["done"], shown["total"]) == (1, 9)
    assert shown["verdicts"] == [
        {"id": "x.y", "title": "T", "group": "x", "verdict": "pass", "seconds": 0.5}
    ]
    with pytest.raises(CannotCheck, match="no check has ended"):
        await checking.report()
    await checking.close()


async def test_a_check_that_cannot_be_started_is_not_shown_as_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    checking = Checking()
    for _ in range(2):  # the second finds its folder swept away, as the system may do with old ones
        checking.start()
        assert checking._running is not None
        await checking._running
        assert checking.shown()["state"] == "broken"
        assert "cannot be started: " in checking.shown()["said"]
        checking._report.parent.rmdir()
    await checking.close()


async def test_a_check_whose_report_has_no_room_is_not_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/folder")
    with pytest.raises(CannotCheck, match="A temporary folder cannot be made: No such file"):
        Checking().start()


def test_a_plan_is_had_with_another_flag() -> None:
    plan = Plan("B", ("service-b", "--upstream", "x", "--port", "1"), "127.0.0.1", 1)
    assert plan.having("--upstream", "y").command == [
        *("service-b", "--port", "1", "--upstream", "y")
    ]
    assert plan.having("--policy", "retry").command[-2:] == ["--policy", "retry"]
    assert plan.having("--upstream", None).command == ["service-b", "--port", "1"]


def test_every_file_of_the_page_is_served_and_every_module_it_names_is_there() -> None:
    served = {path.decode() for path in assets.load()}
    files = {f"/{file.relative_to(STATIC)}" for file in STATIC.rglob("*") if file.is_file()}
    assert served == files - {"/index.html"} | {"/"}
    for module in STATIC.glob("js/*.js"):
        for line in module.read_text("utf-8").splitlines():
            if line.startswith("import ") and '"./' in line:
                name = line.rpartition('"./')[2].partition('"')[0]
                assert f"/js/{name}" in served, f"{module.name} imports {name}"


def test_the_page_has_no_inline_script_or_style() -> None:
    page = (STATIC / "index.html").read_text("utf-8")
    assert "<style" not in page
    assert " style=" not in page
    assert "<script>" not in page
    assert " on" not in page.partition("<body>")[2].replace(" on ", "")
    for module in STATIC.glob("js/*.js"):
        text = module.read_text("utf-8")
        assert "innerHTML" not in text, module.name
        assert "https://" not in text, module.name


@pytest.mark.parametrize("module", sorted(STATIC.glob("js/*.js")), ids=lambda file: file.stem)
def test_modules_are_small_rooms(module: Path) -> None:
    assert len(module.read_text("utf-8").splitlines()) < 250
