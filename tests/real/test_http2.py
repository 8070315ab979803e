"""A battery over HTTP/2, on the servers that speak it: what arrives, and who leaves in between."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.matrix import __main__ as matrix
from tests.support.matrix.asgi_apps import UNDER_WAY
from tests.support.matrix.http2 import Http2, Stream
from tests.support.servers import Server, eventually, free_port, serve
from tests.support.trees import noise

from .test_matrix import AHEAD, ENDED, EXCEPTIONS

BIG = noise(3 * 2**19)
FILES = {
    "small.css": b"body { color: teal }\n" * 40,
    "middle.bin": BIG[: 700 * 1024],  # in memory below /static, on the disk below /live
    "big.bin": BIG,
}
TARGETS = [f"{prefix}/{name}" for prefix in ("/static", "/live") for name in FILES]
WITHIN = 10
HUGE = 128 * 2**20
PAGE = resource.getpagesize()
LEAVERS = 5


@pytest.fixture(scope="module", params=matrix.OVER_HTTP2)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """No traceback that it prints until its end is ours, or the last test fails."""
    directory = tmp_path_factory.mktemp("served")
    for name, content in FILES.items():
        (directory / name).write_bytes(content)
    (directory / "huge.bin").touch()
    os.truncate(directory / "huge.bin", HUGE)
    command = (request.param, "bare", directory, str(free_port()), "", "2")
    logs = tmp_path_factory.mktemp("logs")
    # gunicorn prints one of its own for a client that leaves before it is greeted.
    with serve("-m", "tests.support.matrix", *command, logs=logs, calm=False) as server:
        yield server
    assert "dualstatic" not in server.words(), server.words()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["server"])


@pytest.fixture
def client(server: Server) -> Iterator[Http2]:
    client = Http2(server.address)
    yield client
    client.close()


def content(target: str) -> bytes:
    return FILES[target.rpartition("/")[2]]


@pytest.mark.parametrize("target", TARGETS)
def test_a_file_arrives_byte_for_byte(client: Http2, target: str) -> None:
    stream = client.get(target)
    assert (stream.status, bytes(stream.body)) == (200, content(target))
    assert stream.fields["content-length"] == str(len(content(target)))


@pytest.mark.parametrize("target", TARGETS)
def test_head_304_and_206_are_as_ever(client: Http2, target: str) -> None:
    head = client.get(target, method="HEAD")
    assert (head.status, bytes(head.body)) == (200, b"")
    assert head.fields["content-length"] == str(len(content(target)))
    again = client.get(target, [("if-none-match", head.fields["etag"])])
    assert (again.status, bytes(again.body)) == (304, b"")
    part = client.get(target, [("range", "bytes=100-499")])
    assert (part.status, bytes(part.body)) == (206, content(target)[100:500])
    beyond = client.get(target, [("range", "bytes=99999999-")])
    assert beyond.status == 416
    assert client.get("/static/small.css").body == FILES["small.css"]


def test_seventy_mixed_streams_come_whole_on_one_connection(client: Http2) -> None:
    asked = []
    for number in range(70):
        target = TARGETS[number % len(TARGETS)] if number % 7 else "/hello"
        asked.append((target, client.begin(target)))
    client.read_until([stream for _, stream in asked])
    for target, stream in asked:
        expected = b"hello" if target == "/hello" else content(target)
        assert (stream.status, stream.body == expected) == (200, True), target


def closes(client: Http2) -> None:
    client.close()


def resets(client: Http2) -> None:
    client.reset()
    client.widen()
    client.get("/hello")
    client.close()


def begins(client: Http2) -> None:
    """Wait until each answer has begun."""
    while not all(stream.fields for stream in client.streams.values()):
        client.read()


def at_once(client: Http2) -> None:
    """Leave without a look at what comes."""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("leave", [closes, resets])
@pytest.mark.parametrize("wait", [at_once, begins])
@pytest.mark.parametrize("window", [0, 1000])
@pytest.mark.parametrize("target", ["/static/middle.bin", "/live/small.css", "/static/big.bin"])
def test_clients_that_stall_and_leave_leave_no_file_open_and_no_request_under_way(
    server: Server,
    name: str,
    target: str,
    window: int,
    wait: Callable[[Http2], None],
    leave: Callable[[Http2], None],
) -> None:
    with ExitStack() as stack:
        clients = [Http2(server.address, window=window) for _ in range(LEAVERS)]
        for client in clients:
            stack.callback(client.close)
            for _ in range(3):
                client.begin(target)
        for client in clients:
            wait(client)
            leave(client)
    file = target.rpartition("/")[2]
    eventually(lambda: not holds(server, file), WITHIN, server.words)
    if ENDED not in EXCEPTIONS.get(name, ()):
        eventually(lambda: under_way(server) == 0, WITHIN, server.words)
    assert ask(server, "/static/small.css").body == FILES["small.css"]


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    """The server gets no processor meanwhile."""
    pids = (server.pid, *server.workers())
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_clients_that_left_before_the_server_looked_leave_no_file_open(server: Server) -> None:
    """The streams are then told from inside of one of them, on some servers."""
    with stopped(server):
        for _ in range(LEAVERS):
            client = Http2(server.address, window=0)
            for _ in range(8):
                client.begin("/static/big.bin")
            client.close()
    assert ask(server, "/static/small.css").body == FILES["small.css"]
    eventually(lambda: not holds(server, "big.bin"), WITHIN, server.words)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_slow_client_costs_little_memory_or_the_readme_says_so(server: Server, name: str) -> None:
    assert ask(server, "/static/big.bin").body == BIG  # it has imported what it needs
    client, before = Http2(server.address, window=1000), resident(server)
    client.begin("/static/huge.bin")
    try:
        if AHEAD in EXCEPTIONS.get(name, ()):
            eventually(lambda: resident(server) > before + HUGE // 2, WITHIN, server.words)
        else:
            begins(client)
            time.sleep(1)
            assert resident(server) < before + HUGE // 4
    finally:
        client.close()
    eventually(lambda: not holds(server, "huge.bin"), WITHIN, server.words)


def resident(server: Server) -> int:
    """Bytes of memory that a server and its children have."""
    pids = (server.pid, *server.workers())
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids) * PAGE


def ask(server: Server, target: str) -> Stream:
    client = Http2(server.address)
    try:
        return client.get(target)
    finally:
        client.close()


def under_way(server: Server) -> int:
    """How many requests an ASGI server has not done with, but for this one."""
    answer = ask(server, UNDER_WAY)
    return int(answer.body) - 1 if answer.status == 200 else 0


def holds(server: Server, name: str) -> bool:
    return any(path.endswith(name) for path in server.open_files())
