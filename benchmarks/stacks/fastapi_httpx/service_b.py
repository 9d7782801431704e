"""Service B. Usage: service_b.py PORT URL-OF-A."""

import logging
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)  # one line a request: ours


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with httpx.AsyncClient(base_url=sys.argv[2], timeout=1.0) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/call-echo")
async def call_echo(request: Request, msg: str) -> JSONResponse:
    started = time.monotonic()
    try:
        reply = await request.app.state.client.get("/echo", params={"msg": msg})
        reply.raise_for_status()
        answer = {"service_b": "ok", "service_a": reply.json()}
    except httpx.HTTPError as error:
        log.error("service=B endpoint=/call-echo status=unavailable error=%r", error)  # noqa: TRY400 - one line
        failure = {"service_b": "ok", "service_a": "unavailable", "error": str(error)}
        return JSONResponse(failure, status_code=503)
    latency_ms = round((time.monotonic() - started) * 1000)
    log.info("service=B endpoint=/call-echo status=ok latency_ms=%d", latency_ms)
    return JSONResponse(answer)


if __name__ == "__main__":
    # The access log is off: one line a request, the one above.
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False)
