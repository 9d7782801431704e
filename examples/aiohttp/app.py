"""GET /items/NAME asks the stock service, with a deadline on the whole call."""

import logging
import os

import aiohttp
from aiohttp import web

STOCK = os.environ["STOCK_URL"]
DEADLINE = aiohttp.ClientTimeout(total=1)
MOST_BYTES = 1_000_000


async def health(_request):
    return web.json_response({"status": "ok"})


async def item(request):
    name = request.match_info["name"]
    try:
        url = f"{STOCK}/items/{name}"
        async with request.app["session"].get(url, allow_redirects=False) as answer:
            answer.raise_for_status()
            if int(answer.headers.get("Content-Length", 0)) > MOST_BYTES:
                raise ValueError("the stock service says too much")
            stock = await answer.json()
            return web.json_response({"item": stock["name"], "left": stock["left"]})
    except (aiohttp.ClientError, TimeoutError, ValueError, LookupError, TypeError) as error:
        logging.error("no stock for %r: %r", name, error)
        return web.json_response({"error": "the stock service does not answer"}, status=503)


async def session(app):
    async with aiohttp.ClientSession(timeout=DEADLINE) as app["session"]:
        yield


app = web.Application()
app.cleanup_ctx.append(session)
app.add_routes([web.get("/health", health), web.get("/items/{name}", item)])

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]))
