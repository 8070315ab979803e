"""Load on a server: requests a second, by wrk where it is installed, else by a client in Python.

Over HTTP/2 it is h2load, or nobody.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time

from tests.support.launch import HOST

from . import machine
from .browser import Get
from .processes import PACKAGE

CONNECTIONS = 16
HEAD_END = b"\r\n\r\n"


class LoadFailed(Exception):
    """Answers that were no answers."""


def load(port: int, path: str, seconds: float, http2: bool = False) -> float:
    if http2:
        return _h2load(port, path, seconds)
    wrk = machine.program("wrk")
    return _wrk(wrk, port, path, seconds) if wrk else _python(port, path, seconds)


def can_http2() -> bool:
    return machine.program("h2load") is not None


def name() -> str:
    return "wrk" if machine.program("wrk") else "a Python client"


def _wrk(wrk: str, port: int, path: str, seconds: float) -> float:
    # It makes the Host field by itself.
    fields = [f"-H{name}: {value}" for name, value in Get(path).fields if name != "Host"]
    options = ["-t1", f"-c{CONNECTIONS}", "-d60s", *fields, f"http://{HOST}:{port}{path}"]
    run = subprocess.Popen([wrk, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        # It counts in whole seconds; interrupted, it reports on the time until then.
        time.sleep(seconds)
        run.send_signal(signal.SIGINT)
        output = run.communicate(timeout=20)[0].decode()
    finally:
        run.kill()
    match = re.search(r"^Requests/sec:\s*([\d.]+)", output, re.MULTILINE)
    if not match or "Non-2xx" in output or not float(match[1]):
        raise LoadFailed(output)
    return float(match[1])


def _h2load(port: int, path: str, seconds: float) -> float:
    """Two requests are under way on each of two connections: some servers take long for 1 MB."""
    # HTTP/2 has no Connection field, and says the host in another way.
    fields = [f"-H{name}: {value}" for name, value in Get(path).fields[2:]]
    options = ["-t1", "-c2", "-m2", f"-D{round(seconds * 1000)}ms", *fields]
    command = ["h2load", *options, f"http://{HOST}:{port}{path}"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 20, check=True)
    rate = re.search(r"^finished in .*?, ([\d.]+) req/s", run.stdout, re.MULTILINE)
    codes = re.search(r"^status codes: [1-9]\d* 2xx, 0 3xx, 0 4xx, 0 5xx", run.stdout, re.MULTILINE)
    if not rate or not codes or not float(rate[1]):
        raise LoadFailed(run.stdout)
    return float(rate[1])


def _python(port: int, path: str, seconds: float) -> float:
    command = [sys.executable, "-m", "benchmarks.load", str(port), path, str(seconds)]
    run = subprocess.run(
        command,
        cwd=PACKAGE.parent,
        stdout=subprocess.PIPE,
        timeout=seconds + 20,
        check=True,
    )
    return float(json.loads(run.stdout))


def ask_over_and_over(port: int, path: str, seconds: float) -> float:
    """All connections ask, then all are read, and so on."""
    request = Get(path).text()
    connections = [socket.create_connection((HOST, port), 5) for _ in range(CONNECTIONS)]
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for connection in connections:
            connection.sendall(request)
        for connection in connections:
            read_answer(connection)
        count += len(connections)
    rate = count / (time.perf_counter() - start)
    for connection in connections:
        connection.close()
    return rate


def read_answer(connection: socket.socket) -> int:
    """Read one answer to its end; its length in bytes."""
    data = bytearray()
    while HEAD_END not in data:
        data += _receive(connection)
    head, _, body = bytes(data).partition(HEAD_END)
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
        raise LoadFailed(head.decode("latin-1"))
    if length is None:
        return _read_chunked(connection, body)
    got = len(body)
    while got < int(length[1]):
        got += len(_receive(connection))
    return got


def _read_chunked(connection: socket.socket, body: bytes) -> int:
    while not body.endswith(b"\r\n0\r\n\r\n"):
        body += _receive(connection)
    return len(body)


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 18)
    if not data:
        raise LoadFailed("the server closed the connection")
    return data


if __name__ == "__main__":
    print(ask_over_and_over(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
