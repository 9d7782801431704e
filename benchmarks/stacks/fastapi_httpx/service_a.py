"""Service A. Usage: service_a.py PORT."""

import logging
import sys
import time

import uvicorn
from fastapi import FastAPI

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger(__name__)
app = FastAPI()


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/echo")
async def echo(msg: str = "") -> dict[str, str]:
    started = time.monotonic()
    answer = {"echo": msg}
    latency_ms = round((time.monotonic() - started) * 1000)
    log.info("service=A endpoint=/echo status=ok latency_ms=%d", latency_ms)
    return answer


if __name__ == "__main__":
    # The access log is off: one line a request, the one above.
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False)
