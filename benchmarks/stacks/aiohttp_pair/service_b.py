"""Service B. Usage: service_b.py PORT URL-OF-A."""

import logging
import sys
import time
from collections.abc import AsyncIterator

import aiohttp
import uvloop
from aiohttp import web

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger(__name__)
CLIENT = web.AppKey("client", aiohttp.ClientSession)


async def client(app: web.Application) -> AsyncIterator[None]:
    timeout = aiohttp.ClientTimeout(total=1.0)
    async with aiohttp.ClientSession(sys.argv[2], timeout=timeout) as session:
        app[CLIENT] = session
        yield


async def health(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def call_echo(request: web.Request) -> web.Response:
    started = time.monotonic()
    params = {"msg": request.query.get("msg", "")}
    try:
        async with request.app[CLIENT].get("/echo", params=params) as reply:
            reply.raise_for_status()
            answer = {"service_b": "ok", "service_a": await reply.json()}
    except (aiohttp.ClientError, TimeoutError) as error:
        log.error("service=B endpoint=/call-echo status=unavailable error=%r", error)  # noqa: TRY400 - one line
        failure = {"service_b": "ok", "service_a": "unavailable", "error": str(error)}
        return web.json_response(failure, status=503)
    latency_ms = round((time.monotonic() - started) * 1000)
    log.info("service=B endpoint=/call-echo status=ok latency_ms=%d", latency_ms)
    return web.json_response(answer)


def main(port: int) -> None:
    app = web.Application()
    app.cleanup_ctx.append(client)
    app.add_routes([web.get("/health", health), web.get("/call-echo", call_echo)])
    # The access log is off: one line a request, the one above.
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main(int(sys.argv[1]))
