"""Service A. Usage: service_a.py PORT."""

import logging
import sys
import time

import uvloop
from aiohttp import web

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger(__name__)


async def health(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def echo(request: web.Request) -> web.Response:
    started = time.monotonic()
    answer = web.json_response({"echo": request.query.get("msg", "")})
    latency_ms = round((time.monotonic() - started) * 1000)
    log.info("service=A endpoint=/echo status=ok latency_ms=%d", latency_ms)
    return answer


def main(port: int) -> None:
    app = web.Application()
    app.add_routes([web.get("/health", health), web.get("/echo", echo)])
    # The access log is off: one line a request, the one above.
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main(int(sys.argv[1]))
