"""Log lines of every contract, and pages of metrics, are understood."""

import pytest

from faultwire.check.scenarios.reading import fields_of, is_ok, samples, tells_request

AT = "2026-02-04 23:10:51,358"
OK = (
    f"{AT} INFO service=B endpoint=/call-echo status=ok latency_ms=3",
    f"{AT} INFO service=B endpoint=/call-echo status=ok latency_ms=3 http_status=200 attempts=1",
    f"{AT} service=B endpoint=/call-echo status=ok latency_ms=3",
    "2026-02-04 23:10:51 INFO service_b GET /call-echo 200 3.00ms",
    '{"level":"INFO","service":"B","endpoint":"/call-echo","status":"ok","latency_ms":3.000}',
    'INFO:b:{"service": "B", "endpoint": "/call-echo", "status": 200, "duration_ms": 3}',
)
FAILED = (
    f"{AT} ERROR service=B endpoint=/call-echo status=timeout latency_ms=9 error=ReadTimeout",
    f'{AT} service=B endpoint=/call-echo status=error error="[Errno 111] no {{" latency_ms=2',
    f'{AT} service=B endpoint=/call-echo status=error http_status=504 error="a \\" b" latency_ms=1',
    "2026-02-04 23:10:51 ERROR service_b GET /call-echo 503 2002.10ms",
    '{"service":"B","endpoint":"/call-echo","status":"unavailable","latency_ms":3.000}',
)
OTHERS = (
    "",
    f"{AT} ##### Failure contacting service A: timeout",
    f"{AT} INFO service=B event=listening url=http://127.0.0.1:8081",
    f"{AT} INFO service=B endpoint=/health status=ok latency_ms=0",
    '127.0.0.1 - - [04/Feb/2026 23:10:51] "GET /call-echo?msg=hello HTTP/1.1" 200 -',
    "2026-02-04 23:10:51 INFO service_b Calling Service A: http://a/echo (timeout=2.0s)",
    "{no json}",
    "[1, 2]",
)


@pytest.mark.parametrize(("line", "ok"), [(x, True) for x in OK] + [(x, False) for x in FAILED])
def test_a_request_is_told_in_the_words_of_every_contract(line: str, ok: bool) -> None:
    fields = fields_of(line)
    assert tells_request(fields, "/call-echo")
    assert is_ok(fields) is ok
    assert "service" in fields


@pytest.mark.parametrize("line", OTHERS)
def test_other_lines_tell_no_request(line: str) -> None:
    assert not tells_request(fields_of(line), "/call-echo")


def test_a_page_of_metrics_is_read_and_no_other_page_is_one() -> None:
    page = """\
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{status="503",route="/call echo"} 12.0 1700000000
requests_total{status="200"} 1e3
up 1
lag -0.5
worst NaN
# EOF
"""
    found = samples(page)
    assert found.pop("worst") != 0
    assert found == {
        'requests_total{status="503",route="/call echo"}': 12.0,
        'requests_total{status="200"}': 1000.0,
        "up": 1.0,
        "lag": -0.5,
    }
    for other in ("", "<html><p>nothing e</p>", '{"echo": "x"}', "a -", "not a metric at all"):
        assert samples(other) == {}
