"""A small foreign service for the tests of the check, in nothing but the standard library.

    python tiny.py PORT UPSTREAM [HABIT...]

`/ask?msg=M` calls `UPSTREAM/echo?msg=M`, with a timeout of 0.3 s, and combines the answer.
"""

import sys
from pathlib import Path
from typing import Any

from faultwire.check.model import Group, Report, Result, Verdict
from faultwire.check.scenario import Need, Play, Scenario
from faultwire.check.spec import Ask, Canned, Spec, Start

SOURCE = """
import json, os, signal, socket, subprocess, sys, threading, time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from urllib.parse import urlsplit

port, upstream, *habits = sys.argv[1:]
to = urlsplit(upstream)
if "deaf" in habits:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "child" in habits:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print("child", child.pid, flush=True)
if "quits" in habits:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, lambda *_: os._exit(3))
if "daemon" in habits and os.fork():
    os._exit(0)
if "daemon" in habits:
    os.setsid()
    print("daemon", os.getpid(), flush=True)

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/health" and "mute" not in habits:
            self.send(200, {"status": "ok"})
        elif path == "/die":
            os._exit(7)
        elif path in ("/wait", "/health"):
            time.sleep(600)
        else:
            self.send(*self.call(query))

    failures = []
    def call(self, query):
        if "breaker" not in habits:
            return self.attempt(query)
        lately = [at for at in self.failures if time.monotonic() - at < 1.5]
        if len(lately) >= 3:
            return 503, {"error": "circuit open"}
        status, value = self.attempt(query)
        if status != 200:
            self.failures.append(time.monotonic())
        return status, value

    def attempt(self, query):
        connection = HTTPConnection(to.hostname, to.port, timeout=0.3)
        try:
            connection.request("GET", "/echo?" + query)
            answer = connection.getresponse()
            body = json.loads(answer.read(65536))
            return (200, {"a": body}) if answer.status == 200 else (503, {"error": "status"})
        except Exception as error:
            if "dies" in habits:
                os._exit(9)
            return 503, {"error": str(error)}
        finally:
            connection.close()

    def send(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

class Server(HTTPServer if "single" in habits else ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

server = Server(("127.0.0.1", int(port)), Handler)
if "late" in habits:  # it listens, and begins to serve when somebody has asked in vain
    held = []
    while not held or not held[-1].recv(1):
        held.append(server.socket.accept()[0])
    print("asked 1", flush=True)
print("ready", flush=True)
if "flood" in habits:
    def flood():
        line = b"x" * 99 + b"\\n"
        while True:
            os.write(1, line * 600)
    threading.Thread(target=flood, daemon=True).start()
if "silent" in habits:
    os.close(1), os.close(2)
    Handler.log_message = lambda *_: None
server.serve_forever()
"""

TINY = Spec(
    name="tiny",
    b=Start(ready="/health", health="/health"),
    canned=Canned(body='{"echo":"{query.msg}"}'),
    ask=Ask(path="/ask", query={"msg": "{token}"}),
    traces="query:msg",
    budget_s=0.5,
)


def tiny(folder: Path, *habits: str, ports: str = "{port} {upstream}") -> Start:
    """How the small service is started."""
    source = folder / "tiny.py"
    source.write_text(SOURCE, "utf-8")
    words = " ".join(habits)
    return Start(command=f"{sys.executable} -S {source} {ports} {words}", health="/health")


def scenario(play: Play, *needs: Need, name: str = "", **more: Any) -> Scenario:
    """A scenario of a test's own."""
    return Scenario(
        id=f"failure.{name or play.__name__}",
        group=Group.FAILURE,
        title=name or play.__name__,
        weight=1,
        does="d",
        expects="e",
        why="w",
        mend="m",
        source="s",
        play=play,
        needs=frozenset(needs),
        **more,
    )


def verdicts(report: Report) -> dict[str, Verdict]:
    """By the scenario's name."""
    return {result.id.partition(".")[2]: result.verdict for result in report.scenarios}


def only(report: Report) -> Result:
    """The one result."""
    (result,) = report.scenarios
    return result
