"""Clients and servers that others have written, with the wire between them."""

import asyncio
import http.client
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from faultwire.wire.gate import State
from tests.ports import unused_port
from tests.socket.serving import NewLoop
from tests.socket.wires import Caller, Wired, wired

CONFIGURATION = """{user}
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_max_body_size 64m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/files;
        keepalive_requests 5;
        location = /echo {{ default_type text/plain; return 200 $arg_msg; }}
        location = /nothing {{ return 204; }}
        location /upload/ {{ proxy_pass http://127.0.0.1:{port}/sink; }}
        location = /sink {{ return 200 $content_length; }}
        location = /chunks.shtml {{ default_type text/html; ssi on; }}
    }}
}}
"""
BIG = bytes(range(256)) * 4096


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an nginx that serves a folder."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("needs nginx")
    folder = tmp_path_factory.mktemp("nginx")
    files = folder / "files"
    files.mkdir()
    (files / "big").write_bytes(BIG)
    (files / "chunks.shtml").write_text('a<!--#echo var="date_gmt" -->b')
    folder.chmod(0o755)
    port = unused_port()
    user = "user root;" if os.geteuid() == 0 else ""  # else its worker could not read our files
    conf = folder / "nginx.conf"
    conf.write_text(CONFIGURATION.format(folder=folder, port=port, user=user))
    with subprocess.Popen([program, "-c", str(conf), "-p", str(folder), "-e", "stderr"]) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.fixture(params=["idle", "armed", "broken"])
def wire(request: pytest.FixtureRequest, new_loop: NewLoop, nginx: str) -> Iterator[Wired]:
    """A wire before nginx: without a fault, with one that spares all, with one that hits all."""
    with wired(new_loop, nginx) as wire:
        wire.until(State.OPEN)
        if request.param == "armed":
            wire.breaks("status", match={"path": "/never"})
        elif request.param == "broken":
            wire.breaks("latency", delay_ms=0)
        yield wire


def test_the_standard_library_keeps_a_connection_and_finds_what_it_asked_for(wire: Wired) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", wire.port, timeout=20)) as connection:
        converse(connection)


def converse(connection: http.client.HTTPConnection) -> None:
    for number in range(12):  # nginx closes after five: the client connects anew
        connection.request("GET", f"/echo?msg={number}")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, str(number).encode())
    connection.request("HEAD", "/big")
    answer = connection.getresponse()
    assert (answer.length, answer.read()) == (0, b"")
    modified = answer.headers["Last-Modified"]
    connection.request("GET", "/big")
    assert connection.getresponse().read() == BIG
    connection.request("GET", "/nothing")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (204, b"")
    connection.request("GET", "/big", headers={"If-Modified-Since": modified})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (304, b"")
    connection.request("GET", "/chunks.shtml")
    answer = connection.getresponse()
    assert answer.chunked
    assert answer.read().startswith(b"a")


def curl(*arguments: str, wire: Wired, path: str = "/big") -> bytes:
    program = shutil.which("curl")
    if program is None:
        pytest.skip("needs curl")
    url = f"http://127.0.0.1:{wire.port}{path}"
    done = subprocess.run(
        [program, "-sS", "--fail", "-m", "20", *arguments, url], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl_finds_what_it_asked_for(wire: Wired, tmp_path: Path) -> None:
    file = tmp_path / "upload"
    file.write_bytes(BIG)
    assert curl(wire=wire) == BIG
    assert curl("--http1.0", wire=wire) == BIG
    assert curl("-H", "Connection: close", wire=wire) == BIG
    assert curl("--raw", "-r", "1-3", wire=wire) == BIG[1:4]
    size = str(len(BIG)).encode()
    upload = ("-X", "POST", "--data-binary", f"@{file}")
    assert curl(*upload, "-H", "Expect: 100-continue", wire=wire, path="/upload/") == size
    chunked = (*upload, "-H", "Transfer-Encoding: chunked")
    assert curl(*chunked, wire=wire, path="/upload/") == size


def test_aiohttp_finds_what_it_asked_for_sixteen_at_a_time(wire: Wired) -> None:
    aiohttp = pytest.importorskip("aiohttp")

    async def ask_all() -> list[tuple[int, str]]:
        url = f"http://127.0.0.1:{wire.port}/echo"
        connector = aiohttp.TCPConnector(limit=16)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def ask(number: int) -> tuple[int, str]:
                async with session.get(url, params={"msg": str(number)}) as answer:
                    return answer.status, await answer.text()

            return await asyncio.gather(*(ask(number) for number in range(200)))

    assert asyncio.run(ask_all()) == [(200, str(number)) for number in range(200)]
    wire.wait_until_gone()
    records = wire.records(200)
    assert sorted(int(record.target.partition("=")[2]) for record in records) == list(range(200))
    assert {record.status for record in records} == {200}


def test_requests_finds_what_it_asked_for_and_keeps_its_connection(wire: Wired) -> None:
    requests = pytest.importorskip("requests")
    url = f"http://127.0.0.1:{wire.port}"
    with requests.Session() as session:
        for number in range(12):  # nginx closes after five: the client connects anew
            answer = session.get(f"{url}/echo", params={"msg": number}, timeout=20)
            assert (answer.status_code, answer.text) == (200, str(number))
        with session.get(f"{url}/big", stream=True, timeout=20) as answer:
            assert b"".join(answer.iter_content(4096)) == BIG
        assert session.post(f"{url}/upload/", data=BIG, timeout=20).text == str(len(BIG))
        assert session.head(f"{url}/big", timeout=20).headers["Content-Length"] == str(len(BIG))
    wire.wait_until_gone()
    assert wire.wire.ledger.connections < 12


def test_a_pool_that_keeps_two_connections_and_drops_the_rest_finds_what_it_asked_for(
    wire: Wired,
) -> None:
    """As Go's transport does: as many connections as requests, of which two are kept idle."""
    pool: list[Caller] = []
    for burst in range(6):
        asked = [(pool.pop() if pool else wire.connect(), number) for number in range(8)]
        for caller, number in asked:
            last = b"Connection: close\r\n" if number > 1 else b""
            caller.send(
                b"GET /echo?msg=%d-%d HTTP/1.1\r\nHost: a\r\n%b\r\n" % (burst, number, last)
            )
        for caller, number in reversed(asked):
            head = caller.head()
            length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
            assert caller.read(length) == b"%d-%d" % (burst, number)
            if number > 1 or b"Connection: close" in head:
                caller.close()
            else:
                pool.append(caller)
    for caller in pool:
        caller.close()
    wire.wait_until_gone()
    assert {record.status for record in wire.records(48)} == {200}


def test_many_connections_come_and_go(wire: Wired) -> None:
    began = time.monotonic()
    for number in range(100):
        with socket.create_connection(("127.0.0.1", wire.port), 20) as sock:
            sock.sendall(b"GET /echo?msg=%d HTTP/1.0\r\n\r\n" % number)
            data = b""
            while piece := sock.recv(65536):
                data += piece
        assert data.endswith(b"\r\n\r\n%d" % number)
    wire.wait_until_gone()
    assert time.monotonic() - began < 20
    assert len(wire.records(100)) == 100
