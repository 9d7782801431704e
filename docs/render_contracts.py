"""Writes `contracts.md` from what the contracts really answer and log.

    python docs/render_contracts.py

A test compares the file with `document()`, so that it cannot grow stale.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from faultwire.contracts import CONTRACTS, DEFAULT, Contract
from faultwire.contracts.outcome import CLIENT_LEFT
from faultwire.contracts.proxy_status import proxy_status
from faultwire.contracts.unified import problem
from faultwire.events import Called, Calling, Served
from faultwire.failures import Failure, FailureKind, Phase
from faultwire.telemetry.log import Log, LogFormat

PATH = Path(__file__).with_name("contracts.md")
NOW = 1770246651.358
ADDRESS = "127.0.0.1:8080"
REQUEST_ID = "8d1b5e0c2f6a4c93"
NO_SUCH_METHOD = "The request method is not known"
MISSING = '400 `{"error":"Missing \'msg\' parameter"}`, A is not called'

SUMMARIES = {
    "unified": "The default. Everything `classified` says, and all that helps to find the cause.",
    "classified": "One short error for each family of failures.",
    "passthrough": "The error is what the connection said, in full. No levels in the log.",
    "detailed": "Details in the body, and log lines before and after each call.",
    "gateway": "B speaks as a gateway does: what cannot be reached is a 504 timeout.",
}


def outcomes(timeout_s: float) -> dict[str, Failure]:
    """One failure for each answer that the contracts know, as the hop words it."""
    return {
        "A cannot be reached": Failure(
            FailureKind.CONNECTION_REFUSED,
            f"[Errno 111] Connection refused: {ADDRESS}",
            phase=Phase.CONNECT,
        ),
        "A is too slow": Failure(
            FailureKind.RESPONSE_TIMEOUT,
            f"{ADDRESS} did not answer in {timeout_s:g} s (waiting for the first byte)",
            phase=Phase.FIRST_BYTE,
        ),
        "A answered 500": Failure(
            FailureKind.UPSTREAM_STATUS,
            f"HTTP 500 Internal Server Error from http://{ADDRESS}/foo",
            status=500,
        ),
        "A's answer is not the JSON promised": Failure(
            FailureKind.RESPONSE_INVALID, f"http://{ADDRESS}/echo answered 'text/html', not JSON"
        ),
    }


def called(failure: Failure | None, timeout_s: float, path: str = "/echo?msg=hello") -> Called:
    """B's call to A as it ended."""
    status = 200 if failure is None else failure.status or 0
    timeout = failure is not None and failure.kind is FailureKind.RESPONSE_TIMEOUT
    duration_s = timeout_s + 0.0012 if timeout else 0.0021
    return Called(f"http://{ADDRESS}{path}", timeout_s, REQUEST_ID, status, 1, duration_s, failure)


def served(call: Called, endpoint: str = "/call-echo") -> Served:
    """The request that made that call."""
    status = 200 if call.failure is None else 503
    duration_s = call.duration_s + 0.0009
    return Served("B", "GET", endpoint, endpoint, status, duration_s, REQUEST_ID, call)


def of_itself(service: str, endpoint: str, status: int, duration_s: float = 0.0002) -> Served:
    """A request that was answered without a call."""
    route = endpoint if status != 404 else ""
    return Served(service, "GET", endpoint, route, status, duration_s, REQUEST_ID)


def failing(failure: Failure, contract: Contract) -> tuple[Called, Served]:
    """A failed request under a contract: A's own 500 is what /call-foo is for."""
    foo = failure.kind is FailureKind.UPSTREAM_STATUS
    call = called(failure, contract.TIMEOUT_S, "/foo" if foo else "/echo?msg=hello")
    return call, served(call, "/call-foo" if foo else "/call-echo")


class Recorder:
    """A real log of one contract, at a fixed moment, whose lines can be read back."""

    def __init__(self, contract: Contract, fmt: LogFormat = "text") -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed by text()
        self.log = Log(contract, fmt, self._file.fileno(), lambda: NOW)

    def request(self, call: Called, request: Served) -> None:
        """All the lines of one request of B."""
        self.log.calling(Calling(call.url, call.timeout_s, call.request_id))
        self.log.served(request)

    def text(self) -> str:
        """What has been logged, without the last newline; the end of the recording."""
        with self._file as file:
            file.seek(0)
            return file.read().decode().rstrip("\n")


def document() -> str:
    """The whole page."""
    with utc():
        parts = [INTRODUCTION, glance(), RULES]
        parts += [section(contract) for contract in CONTRACTS.values()]
        parts += [kinds(), json_format(), FOOTER]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


@contextlib.contextmanager
def utc() -> Iterator[None]:
    """The log's time is local; the page's is not."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC0"
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ")
        os.environ.update({} if before is None else {"TZ": before})
        time.tzset()


def glance() -> str:
    """What tells the contracts apart, in one table."""
    rows = [
        (
            f"[`{name}`](#{name})" + (" (default)" if name == DEFAULT else ""),
            f"{contract.TIMEOUT_S:g} s",
            MISSING if contract.REQUIRES_MSG else "the empty text goes to A",
            "yes" if contract.note("INFO", {"event": "it"}).startswith("INFO") else "no",
            "`12:00:00,358`" if contract.MILLISECONDS else "`12:00:00`",
        )
        for name, contract in CONTRACTS.items()
    ]
    head = ("contract", "timeout", "no or empty `msg`", "levels in the log", "time in the log")
    return table(head, rows)


def section(contract: Contract) -> str:
    """One contract: its bodies and its lines."""
    good = called(None, contract.TIMEOUT_S)
    bodies = [("A answered", code(200, contract.success("hello", {"echo": "hello"})))]
    record = Recorder(contract)
    record.request(good, served(good))
    for outcome, failure in outcomes(contract.TIMEOUT_S).items():
        call, request = failing(failure, contract)
        bodies.append((outcome, code(503, contract.failure(call))))
        record.request(call, request)
    for request in own_requests(contract):
        record.log.served(request)
    parts = [
        f"## {contract.NAME}",
        SUMMARIES[contract.NAME],
        table(("outcome", "B answers"), bodies),
        "The same requests in the log, then requests that need no call:",
        block(record.text(), "text"),
    ]
    if contract.NAME == "unified":
        parts.append(extras())
    return "\n\n".join(parts)


def own_requests(contract: Contract) -> Iterator[Served]:
    """Requests that A or B answers alone."""
    yield of_itself("A", "/echo", 200)
    yield of_itself("A", "/foo", 500)
    if contract.REQUIRES_MSG:
        yield of_itself("B", "/call-echo", 400)
    yield of_itself("B", '/"status=ok"', 404)
    yield of_itself("B", "/call-echo", CLIENT_LEFT, 0.3)
    yield replace(of_itself("B", "-", 501), method="-", route="", details=NO_SUCH_METHOD)


def extras() -> str:
    """What only `unified` can do, and what every contract sends in a header."""
    call, _ = failing(outcomes(1.0)["A cannot be reached"], CONTRACTS["unified"])
    document = problem(call, 503, "/call-echo").decode()
    pretty = document.replace('","', '",\n "').replace(',"', ',\n "')
    return (
        "With `Accept: application/problem+json` a failure is answered as RFC 9457 says. `status`\n"
        "is the status really sent, `http_status` the accurate one:\n\n" + block(pretty, "json")
    )


def kinds() -> str:
    """Every failure kind under every contract."""
    rows = []
    for kind in FailureKind:
        status = 500 if kind is FailureKind.UPSTREAM_STATUS else 0
        failure = Failure(kind, "…", status=status or None)
        call = Called("", 2.0, "", status, 1, 0.0, failure)
        rows.append(
            (
                f"`{kind}`",
                f"`{between(CONTRACTS['classified'].failure(call), 'error')}`",
                f"`status={failure.meaning.family} error={failure.error_name}`",
                f"`{between(CONTRACTS['detailed'].failure(call), 'details')}`",
                f"`{between(CONTRACTS['gateway'].failure(call), 'error')}`",
                f"`{proxy_status(call, 'a').split('; ')[1]}`",
            )
        )
    head = (
        "kind",
        "`unified`, `classified`",
        "their log",
        "`detailed`: `details`",
        "`gateway`: `error`",
        "`Proxy-Status`",
    )
    refused, _ = failing(outcomes(1.0)["A cannot be reached"], CONTRACTS["unified"])
    header = f"Proxy-Status: {proxy_status(refused, ADDRESS)}"
    parts = [KINDS.strip(), table(head, rows), PROXY_STATUS, block(header, "http")]
    return "\n\n".join(parts)


def between(body: bytes, key: str) -> str:
    """The text of one key, as it stands in the JSON."""
    return body.decode().partition(f'"{key}":"')[2].partition('"')[0]


def json_format() -> str:
    """The log in JSON."""
    record = Recorder(CONTRACTS["unified"], "json")
    good = called(None, 1.0)
    record.request(good, served(good))
    record.request(*failing(outcomes(1.0)["A is too slow"], CONTRACTS["unified"]))
    record.log.note("INFO", service="B", event="listening", url="http://127.0.0.1:8081")
    return JSON_FORMAT.strip() + "\n\n" + block(record.text(), "json")


def code(status: int, body: bytes) -> str:
    """A response in a table."""
    return f"{status} `{body.decode()}`"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def block(text: str, language: str) -> str:
    """A block of code."""
    return f"```{language}\n{text}\n```"


INTRODUCTION = """
<!-- Written by docs/render_contracts.py from what the contracts really say. Do not edit. -->

# Response contracts

The same two services have been described with different sets of bodies and log lines. Each set
is a contract. `--contract NAME`, or `FAULTWIRE_CONTRACT`, makes A and B speak it exactly:

    faultwire service-b --contract detailed

Only bodies, log lines, the default timeout and the treatment of an empty `msg` differ. The
routes, the statuses, the headers and the failures that are told apart are the same in all.
"""

RULES = """
What holds for all:

- A failure of A is sent as 503, or as 502, 503 or 504 with `--status accurate`.
- Bodies are JSON without spaces, in UTF-8, their keys always in the same order.
- A log line goes to stderr before the service waits for anything else. Its time is local.
- A log value stands bare when it is visible ASCII without `"`, `=` and `\\`. Any other value is
  quoted, and a quoted value is a JSON string on one line: no path, header or answer can forge a
  line. What is not printable is escaped. A value over 512 characters is cut and ends in `…`.
- `error=` is the call's failure (`HTTPError:500` is A's status), or what happened without one:
  `ClientError:404` (the request was wrong), `ServerError:500` (the service was), or
  `ClientDisconnected` (nobody was left to answer; logged as 499, which is never sent). What is not
  acceptable HTTP has neither method nor path: both are `-`. What is cut off because the time for
  the drain is over is logged as 503, which is not sent any more. `unified` and JSON say the reason
  for both in `details`.
- Where the log has levels, failures are at ERROR. A client's mistake is not the service's failure
  and is at INFO, and so is the 503 of `/readyz`, by which a service says that it is leaving.
- `latency_ms` is the whole request. `upstream_ms` is the call to A.
"""

KINDS = """
## Every failure kind

B tells these kinds of failure apart ([failures.md](failures.md)). This is how each contract says
them; `passthrough` gives the connection's own words for all, and `…` stands for them.
"""

PROXY_STATUS = """
Every failure carries the last column in a header (RFC 9209), under every contract:
""".strip()

JSON_FORMAT = """
## The log in JSON

`--log-format json` writes one object for each request, with the same keys in the same order
under every contract; a key that does not apply is absent. `latency_ms` and `upstream_ms` have
three decimals here.
"""

FOOTER = """
## When nobody reads the log

A stalled terminal, pipe or socket never stops a service. Up to 1 MiB of lines waits; beyond it
whole lines are dropped, and where they are missing a line says how many:
`event=log_lines_dropped count=…`.
"""

if __name__ == "__main__":
    PATH.write_text(document(), "utf-8")
