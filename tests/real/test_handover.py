"""Files handed over to real servers that send them, by their path or by their descriptor."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.support.servers import ROOT, Server, eventually, free_port, serve
from tests.support.trees import noise

BIG = noise(16 * 2**20)
CLOSED_WITHIN = 10
SENT_BY = {"granian": "http.response.pathsend", "anycorn": "http.response.pathsend"}


@pytest.fixture(scope="module", params=["granian", "anycorn"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Server]]:
    directory = tmp_path_factory.mktemp("served")
    (directory / "big.bin").write_bytes(BIG)
    script = ROOT / "tests/support/handover_app.py"
    logs = tmp_path_factory.mktemp("logs")
    with serve(script, request.param, directory, str(free_port()), logs=logs) as server:
        yield request.param, server


def test_a_whole_file_is_sent_by_the_server(served: tuple[str, Server]) -> None:
    name, server = served
    for _ in range(3):
        answer = server.get("/big.bin")
        assert answer.status == 200
        assert answer["x-sent-by"] == SENT_BY[name]
        assert answer.body == BIG


def test_a_range_is_sent_by_descriptor_or_by_us(served: tuple[str, Server]) -> None:
    name, server = served
    answer = server.get("/big.bin", {"Range": "bytes=1000-2000000"})
    assert answer.status == 206
    assert answer.body == BIG[1000:2000001]
    by_server = {"granian": "http.response.body", "anycorn": "http.response.zerocopysend"}
    assert answer["x-sent-by"] == by_server[name]


def test_several_ranges_are_sent_whole(served: tuple[str, Server]) -> None:
    _, server = served
    answer = server.get("/big.bin", {"Range": "bytes=0-9,1000000-1000009"})
    assert answer.status == 206
    assert BIG[:10] in answer.body
    assert BIG[1000000:1000010] in answer.body
    assert answer["content-length"] == str(len(answer.body))


def test_a_client_that_leaves_leaves_no_open_file(served: tuple[str, Server]) -> None:
    _, server = served

    def holds_the_file() -> bool:
        return any(path.endswith("big.bin") for path in server.open_files())

    # A server that sends by itself closes when its thread gets to it, after the last byte is out.
    eventually(lambda: not holds_the_file(), CLOSED_WITHIN)
    for fields in ("", "Range: bytes=1000-16000000\r\n"):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(server.address)
            client.sendall(f"GET /big.bin HTTP/1.1\r\nHost: test\r\n{fields}\r\n".encode())
            assert client.recv(1000).startswith(b"HTTP/1.1 20")
            eventually(holds_the_file, CLOSED_WITHIN)
        eventually(lambda: not holds_the_file(), CLOSED_WITHIN)
