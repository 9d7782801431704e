"""The control API over real sockets: faults set and mended, the ledger read, browsers refused."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from faultwire.contracts import CONTRACTS
from faultwire.http.address import Origin
from faultwire.http.limits import DEFAULT_LIMITS
from faultwire.http.listener import Listener
from faultwire.http.sockets import listen
from faultwire.telemetry.log import Log
from faultwire.wire.control import Control
from faultwire.wire.control.client import ControlClient, ControlError, NoWire
from faultwire.wire.control.guard import Guard
from faultwire.wire.faults import CATALOGUE
from faultwire.wire.ledger import Ledger, Record
from faultwire.wire.plan import Plan

TOKEN = "s3cret-token"  # noqa: S105
LATENCY = {"fault": "latency", "delay_ms": 2000, "rate": 0.3, "seed": 7}


class Answer(NamedTuple):
    """A response as it came, its body read as JSON where it is JSON."""

    status: int
    fields: dict[str, str]
    body: Any


class Served:
    """A control API that listens, without a wire below it."""

    def __init__(self, directory: Path, token: str = "", seed: int | None = None) -> None:
        self.sock = listen("127.0.0.1", 0)
        self.port = self.sock.getsockname()[1]
        self.authority = f"127.0.0.1:{self.port}"
        self.plan = Plan(asyncio.get_running_loop())
        self.ledger = Ledger(100)
        self.log_path = directory / "log"
        self._fd = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        log = Log(CONTRACTS["unified"], "text", self._fd, service="wire")
        guard = Guard("127.0.0.1", self.port, token)
        self.control = Control(self.plan, self.ledger, guard, log, seed=seed)
        self.client = ControlClient(Origin("127.0.0.1", self.port), token)
        limits = DEFAULT_LIMITS._replace(body_bytes=1000)
        self._listener = Listener(self.control, self.control.refusal, limits)

    async def start(self) -> None:
        await self._listener.start(self.sock)

    def close(self) -> None:
        self.client.close()
        self._listener.close()
        self.plan.close()
        os.close(self._fd)

    def pass_one(self, request_id: str, fault: str = "", status: int = 200) -> Record:
        """Have the ledger see a request."""
        record = Record(0, request_id, 1, 1, 0.0, "GET", "/echo?msg=hi", 1e9, fault)
        self.ledger.begin(record)
        record.status, record.ended = status, 1e9 + 1
        self.ledger.end(record)
        return record

    async def ask(
        self, method: str, target: str, body: object = None, **fields: str | None
    ) -> Answer:
        """One request on a connection of its own; a field that is None is not sent."""
        content = b"" if body is None else json.dumps(body).encode()
        sent: dict[str, str | None] = {"Host": self.authority, "Connection": "close"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent |= {name.replace("_", "-"): value for name, value in fields.items()}
        lines = [f"{name}: {value}\r\n" for name, value in sent.items() if value is not None]
        head = f"{method} {target} HTTP/1.1\r\n{''.join(lines)}Content-Length: {len(content)}\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(head.encode() + b"\r\n" + content)
            return _read(await reader.read())
        finally:
            writer.close()


def _read(answer: bytes) -> Answer:
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    named = {k.lower(): v for k, _, v in (field.partition(": ") for field in fields)}
    is_json = body and named["content-type"] == "application/json"
    return Answer(int(line.split(" ")[1]), named, json.loads(body) if is_json else body.decode())


@pytest_asyncio.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    it = Served(tmp_path)
    await it.start()
    yield it
    it.close()


@pytest_asyncio.fixture
async def locked(tmp_path: Path) -> AsyncIterator[Served]:
    it = Served(tmp_path, token=TOKEN)
    await it.start()
    yield it
    it.close()


# Faults.


async def test_a_fault_is_set_shown_and_mended(served: Served) -> None:
    made = await served.ask("POST", "/faults", LATENCY)
    assert (made.status, made.fields["location"]) == (201, "/faults/latency")
    left_s = made.body.pop("left_s")
    assert 3500 < left_s <= 3600
    assert made.body == {
        "fault": "latency",
        "name": "latency",
        "delay_ms": 2000.0,
        "rate": 0.3,
        "phase": "after",
        "seed": 7,
        "for_s": 3600.0,
        "seen": 0,
        "injected": 0,
    }
    assert len(served.plan.active()) == 1
    shown = await served.ask("GET", "/faults/latency")
    assert (shown.status, shown.body["name"]) == (200, "latency")
    assert [f["name"] for f in (await served.ask("GET", "/faults")).body["faults"]] == ["latency"]
    mended = await served.ask("DELETE", "/faults/latency")
    assert (mended.status, mended.body) == (200, {"mended": ["latency"]})
    assert (await served.ask("GET", "/faults")).body == {"faults": []}
    again = await served.ask("DELETE", "/faults/latency")
    assert (again.status, again.body) == (404, {"error": "No fault called 'latency' is active"})


async def test_a_fault_of_the_same_name_is_replaced(served: Served) -> None:
    await served.ask("POST", "/faults", LATENCY)
    replaced = await served.ask("POST", "/faults", {**LATENCY, "delay_ms": "5s"})
    assert (replaced.status, replaced.body["delay_ms"]) == (200, 5000.0)
    named = await served.ask("POST", "/faults", {**LATENCY, "name": "second"})
    assert named.status == 201
    assert len(served.plan.active()) == 2


async def test_every_fault_of_the_catalogue_can_be_set_as_it_is(served: Served) -> None:
    for name in CATALOGUE:
        made = await served.client.set({"fault": name, "for_s": 60})
        assert (made["fault"], made["left_s"]) == (name, pytest.approx(60, abs=5))
    assert sorted(await served.client.mend()) == sorted(CATALOGUE)


async def test_all_are_mended_at_once_and_the_log_says_what_was_done(served: Served) -> None:
    await served.ask("POST", "/faults", LATENCY)
    await served.ask("POST", "/faults", {"fault": "hang"})
    assert (await served.ask("DELETE", "/faults")).body == {"mended": ["latency", "hang"]}
    assert (await served.ask("DELETE", "/faults")).body == {"mended": []}
    lines = served.log_path.read_text().splitlines()
    assert len(lines) == 4
    said = "name=latency fault=latency delay_ms=2000 rate=0.3 phase=after seed=7"
    assert lines[0].endswith(f" INFO service=wire event=fault_set {said} for_at_most=1h")
    assert lines[2].endswith(" INFO service=wire event=fault_mended name=latency")


async def test_the_log_says_that_a_fault_has_ended_by_itself(served: Served) -> None:
    gone = asyncio.Event()
    tell = served.plan.on_expired

    def expired(name: str) -> None:
        tell(name)
        gone.set()

    served.plan.on_expired = expired
    await served.client.set({"fault": "hang", "for": "1ms"})
    await gone.wait()
    assert served.log_path.read_text().endswith(" event=fault_expired name=hang\n")
    assert await served.client.faults() == []


async def test_a_fault_for_no_more_than_a_moment_is_set_and_over(served: Served) -> None:
    made = await served.ask("POST", "/faults", {"fault": "hang", "for_s": 5e-324})
    assert (made.status, made.body["left_s"]) == (201, 0)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"fault": "latncy"}, "did you mean latency?"),
        ({"fault": "latency", "rate": 2}, "rate must be a number from 0 to 1"),
        ({"fault": "latency", "delay_mss": 5}, "did you mean delay_ms?"),
        ({"fault": "latency", "delay_ms": -1}, "delay_ms must be a number from 0 to 3,600,000 ms"),
        ({"fault": "latency", "first": 1, "every": 2}, "first and every exclude each other"),
        ({"fault": "refuse", "match": {"path": "/"}}, "it takes no match"),
        ([], "A break is an object"),
        (None, "The body is not JSON"),
    ],
)
async def test_a_bad_value_is_refused_with_one_sentence(
    served: Served, body: object, said: str
) -> None:
    answer = await served.ask("POST", "/faults", body, Content_Type="application/json")
    assert answer.status == 400
    assert list(answer.body) == ["error"]
    assert said in answer.body["error"]
    assert "\n" not in answer.body["error"]
    assert not served.plan.active()


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None],
)
async def test_what_a_form_of_another_site_could_send_is_not_read(
    served: Served, content_type: str | None
) -> None:
    answer = await served.ask("POST", "/faults", LATENCY, Content_Type=content_type)
    assert answer.status == 415
    assert not served.plan.active()


async def test_json_with_a_charset_is_json(served: Served) -> None:
    answer = await served.ask(
        "POST", "/faults", LATENCY, Content_Type="Application/JSON; charset=utf-8"
    )
    assert answer.status == 201


async def test_a_body_over_the_bound_is_refused(served: Served) -> None:
    answer = await served.ask("POST", "/faults", {**LATENCY, "name": "n" * 2000})
    assert answer.status == 413


async def test_the_seeds_of_a_seeded_wire_come_again(tmp_path: Path) -> None:
    seeds = []
    for seed in (7, 7, 8):
        it = Served(tmp_path, seed=seed)
        await it.start()
        drawn = [(await it.client.set({"fault": "hang"}))["seed"] for _ in range(2)]
        drawn.append((await it.client.set({"fault": "hang", "seed": 5}))["seed"])
        seeds.append(drawn)
        it.close()
    assert seeds[0] == seeds[1] != seeds[2]
    assert len({*seeds[0], *seeds[2]}) == 5


# The ledger.


async def test_the_ledger_is_queried_and_cleared(served: Served) -> None:
    served.pass_one("a")
    served.pass_one("b", "latency", 503)
    found = (await served.ask("GET", "/ledger?fault=latency")).body
    assert [record["request_id"] for record in found["records"]] == ["b"]
    assert found["counts"]["by_status"] == {"2xx": 1, "5xx": 1}
    since = found["revision"]
    served.pass_one("c")
    later = (await served.ask("GET", f"/ledger?since={since}")).body
    assert [record["request_id"] for record in later["records"]] == ["c"]
    assert (await served.ask("DELETE", "/ledger")).body == {"forgotten": 3}
    assert (await served.ask("GET", "/ledger")).body["records"] == []


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("2001-09-09T01:46:40Z", 1),
        ("2001-09-09T01:46:40.5%2B00:00", 0),
        ("2001-09-09T03:46:40%2B02:00", 1),
        ("30s", 0),
    ],
)
async def test_records_are_found_by_time(served: Served, since: str, expected: int) -> None:
    served.pass_one("a")  # at 2001-09-09T01:46:40Z
    found = (await served.ask("GET", f"/ledger?since={since}")).body
    assert len(found["records"]) == expected


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=0", "limit must be a whole number from 1 to 1000, not '0'"),
        ("limit=1001", "limit must be"),
        ("limit=x", "limit must be"),
        ("status=1e3", "status must be"),
        ("open=yes", "open must be true or false"),
        ("since=yesterday", "since must be the revision"),
        ("since=2026-02-04", "since must be"),
        ("since=-1", "since must be"),
        ("fault=a&fault=b", "fault is given twice"),
        ("faults=a", "'faults' is no parameter of this; those known are request_id, fault"),
        ("fault=%FF", "The query is not UTF-8"),
        ("&".join(f"a{n}=1" for n in range(30)), "too many parameters"),
    ],
)
async def test_a_query_that_is_not_understood_is_refused(
    served: Served, query: str, said: str
) -> None:
    answer = await served.ask("GET", f"/ledger?{query}")
    assert answer.status == 400
    assert said in answer.body["error"]


async def test_a_reset_mends_and_forgets_only_if_asked_to(served: Served) -> None:
    served.pass_one("a")
    await served.client.set(LATENCY)
    assert await served.client.reset() == {"mended": ["latency"], "forgotten": 0}
    assert len((await served.client.ledger())["records"]) == 1
    assert await served.client.reset(ledger=True) == {"mended": [], "forgotten": 1}
    assert (await served.ask("POST", "/reset?ledger=1")).status == 400
    assert (await served.ask("POST", "/reset?faults=true")).status == 400


# Everything else.


async def test_the_catalogue_describes_every_fault(served: Served) -> None:
    faults = (await served.client.catalogue())["faults"]
    assert [fault["name"] for fault in faults] == list(CATALOGUE)
    assert all(fault["doc"] and fault["phases"] for fault in faults)


async def test_the_metrics_count_requests_faults_bytes_and_connections(served: Served) -> None:
    served.ledger.connected()
    record = served.pass_one("a", "latency", 503)
    assert record.ended
    await served.client.set(LATENCY)
    answer = await served.ask("GET", "/metrics")
    assert answer.fields["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    lines = answer.body.splitlines()
    labels = 'fault="latency",http_response_status_class="5xx"'
    assert f"faultwire_wire_requests_total{{{labels}}} 1.0" in lines
    assert 'faultwire_wire_faults_total{fault="latency"} 1.0' in lines
    assert 'faultwire_wire_bytes_total{direction="response"} 0.0' in lines
    assert "faultwire_wire_open_connections 1.0" in lines
    assert "faultwire_wire_active_faults 1.0" in lines
    assert f"faultwire_wire_request_duration_seconds_count{{{labels}}} 1.0" in lines
    assert lines[-1] == "# EOF"


@pytest.mark.parametrize("path", ["/livez", "/healthz", "/health", "/readyz"])
async def test_health_is_open_to_any_probe(locked: Served, path: str) -> None:
    answer = await locked.ask("GET", path, Host="10.0.0.7:8084")
    assert (answer.status, answer.body) == (200, {"status": "ok"})


async def test_a_wire_that_shuts_down_is_alive_and_not_ready(served: Served) -> None:
    served.control.ready = False
    not_ready = await served.ask("GET", "/readyz")
    assert (not_ready.status, not_ready.body) == (503, {"status": "draining"})
    assert not await served.client.ready()
    assert (await served.ask("GET", "/livez")).status == 200


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/faults", "GET, HEAD, POST, DELETE"),
        ("OPTIONS", "/faults", "GET, HEAD, POST, DELETE"),
        ("POST", "/faults/latency", "GET, HEAD, DELETE"),
        ("GET", "/reset", "POST"),
        ("POST", "/ledger", "GET, HEAD, DELETE"),
        ("DELETE", "/metrics", "GET, HEAD"),
        ("POST", "/livez", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_told_which_are_right(
    served: Served, method: str, path: str, allow: str
) -> None:
    answer = await served.ask(method, path)
    assert (answer.status, answer.fields["allow"]) == (405, allow)
    assert answer.body == {"error": "Method not allowed"}


@pytest.mark.parametrize("path", ["/", "/fault", "/faults/", "/catalogue/latency", "/ledger/"])
async def test_an_unknown_path_is_not_found_in_json(served: Served, path: str) -> None:
    answer = await served.ask("GET", path)
    assert answer.status == 404
    assert list(answer.body) == ["error"]


async def test_head_answers_as_get_without_the_body(served: Served) -> None:
    answer = await served.ask("HEAD", "/catalogue")
    assert (answer.status, answer.body) == (200, "")
    assert int(answer.fields["content-length"]) > 1000


async def test_nothing_may_be_stored_or_sniffed_and_no_origin_is_allowed(served: Served) -> None:
    for path in ("/faults", "/metrics", "/openapi.json", "/nothing"):
        fields = (await served.ask("GET", path)).fields
        assert fields["cache-control"] == "no-store"
        assert fields["x-content-type-options"] == "nosniff"
        assert not [name for name in fields if name.startswith("access-control")]


async def test_what_is_not_http_is_refused_in_json(served: Served) -> None:
    answer = await served.ask("BREW", "/faults")
    assert answer.status in (400, 501)
    assert list(answer.body) == ["error"]


# Who may.


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "null"])
async def test_a_page_of_another_origin_can_do_nothing(served: Served, origin: str) -> None:
    for method, path in (("POST", "/faults"), ("GET", "/ledger"), ("POST", "/reset")):
        answer = await served.ask(method, path, LATENCY, Origin=origin)
        assert answer.status == 403
    assert (await served.ask("OPTIONS", "/faults", Origin=origin)).status == 403
    assert not served.plan.active()


async def test_a_page_of_this_origin_may(served: Served) -> None:
    answer = await served.ask("POST", "/faults", LATENCY, Origin=f"http://{served.authority}")
    assert answer.status == 201


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1:1"])
async def test_a_name_that_was_rebound_to_this_address_can_do_nothing(
    served: Served, host: str
) -> None:
    answer = await served.ask("POST", "/faults", LATENCY, Host=host.format(port=served.port))
    assert answer.status == 421
    assert not served.plan.active()


async def test_localhost_is_this_address(served: Served) -> None:
    assert (await served.ask("GET", "/faults", Host=f"localhost:{served.port}")).status == 200


async def test_without_the_token_a_locked_control_does_nothing(locked: Served) -> None:
    for token in (None, "Bearer wrong", "s3cret-token"):
        answer = await locked.ask("POST", "/faults", LATENCY, Authorization=token)
        assert answer.status == 401
        assert answer.fields["www-authenticate"] == 'Bearer realm="faultwire"'
    assert (await locked.ask("GET", "/metrics")).status == 401
    assert not locked.plan.active()


async def test_the_token_serves_under_any_name(locked: Served) -> None:
    answer = await locked.ask(
        "GET", "/faults", Host="wire.prod.svc", Authorization="Bearer s3cret-token"
    )
    assert answer.status == 200
    assert (await locked.client.faults()) == []


# The client.


async def test_the_client_passes_on_what_the_wire_objects_to(served: Served) -> None:
    with pytest.raises(ControlError, match="did you mean latency") as caught:
        await served.client.set({"fault": "latncy"})
    assert caught.value.status == 400
    with pytest.raises(ControlError, match="No fault called 'a/b' is active") as caught:
        await served.client.mend("a/b")
    assert caught.value.status == 404


async def test_the_client_says_that_there_is_no_wire() -> None:
    with listen("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
    client = ControlClient(Origin("127.0.0.1", port))
    with pytest.raises(NoWire, match="start one with `faultwire wire`"):
        await client.faults()
    client.close()


async def test_the_client_says_that_something_else_answers(served: Served) -> None:
    metrics = ControlClient(Origin("127.0.0.1", served.port, "/metrics?"))
    with pytest.raises(ControlError, match="is not a wire's control API"):
        await metrics.faults()
    metrics.close()


async def test_a_defect_of_ours_is_a_500_and_a_line_in_the_log(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect() -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(served.plan, "active", defect)
    answer = await served.ask("GET", "/faults")
    assert (answer.status, answer.body) == (500, {"error": "Internal server error"})
    line = served.log_path.read_text()
    assert 'ERROR service=wire event=unexpected_error error="RuntimeError: a defect"' in line
