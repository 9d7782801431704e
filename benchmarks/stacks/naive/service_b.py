"""Service B. Usage: service_b.py PORT URL-OF-A."""

import logging
import sys
import time

import requests
from flask import Flask, Response, jsonify, request

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger(__name__)
logging.getLogger("werkzeug").setLevel(logging.ERROR)  # one line a request: ours
app = Flask(__name__)


@app.get("/health")
def health() -> Response:
    return jsonify(status="ok")


@app.get("/call-echo")
def call_echo() -> tuple[Response, int]:
    started = time.monotonic()
    params = {"msg": request.args.get("msg", "")}
    try:
        reply = requests.get(f"{app.config['SERVICE_A_URL']}/echo", params=params, timeout=1.0)
        reply.raise_for_status()
        answer = jsonify(service_b="ok", service_a=reply.json())
    except requests.RequestException as error:
        log.error("service=B endpoint=/call-echo status=unavailable error=%r", error)  # noqa: TRY400 - one line
        return jsonify(service_b="ok", service_a="unavailable", error=str(error)), 503
    latency_ms = round((time.monotonic() - started) * 1000)
    log.info("service=B endpoint=/call-echo status=ok latency_ms=%d", latency_ms)
    return answer, 200


if __name__ == "__main__":
    app.config["SERVICE_A_URL"] = sys.argv[2]
    app.run(host="127.0.0.1", port=int(sys.argv[1]))
