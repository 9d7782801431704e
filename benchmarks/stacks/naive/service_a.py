"""Service A. Usage: service_a.py PORT."""

import logging
import sys
import time

from flask import Flask, Response, jsonify, request

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger(__name__)
logging.getLogger("werkzeug").setLevel(logging.ERROR)  # one line a request: ours
app = Flask(__name__)


@app.get("/health")
def health() -> Response:
    return jsonify(status="ok")


@app.get("/echo")
def echo() -> Response:
    started = time.monotonic()
    answer = jsonify(echo=request.args.get("msg", ""))
    latency_ms = round((time.monotonic() - started) * 1000)
    log.info("service=A endpoint=/echo status=ok latency_ms=%d", latency_ms)
    return answer


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(sys.argv[1]))
