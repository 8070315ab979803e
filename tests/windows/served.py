"""Real servers under Wine, asked over sockets from Linux. `python -m tests.windows` runs it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cases import site
from tests.promises.test_hostile import HONEST, check_body
from tests.support.doors import Answer
from tests.support.hostile import FIELDS, SECRET, TARGETS
from tests.support.servers import eventually, free_port
from tests.support.stand import MODES
from tests.support.wire import Lines, Wire

from .environment import ROOT, Environment, windows_path
from .test_names import MISSES, ODD

ENVIRONMENT = Environment(Path(os.environ["WINDOWS"]))
AT = ["127.0.0.1", str(free_port())]
SERVERS = {
    "waitress": ["waitress", f"--listen={':'.join(AT)}", "--call", "tests.support.stand:wsgi"],
    "uvicorn": ["uvicorn", "--port", AT[1], "--factory", "tests.support.stand:asgi"],
}
REFUSED = (400, 404, 414, 431)
"""What a server answers by itself; 404 is ours as well."""

MORE = {"large.bin": bytes(range(256)) * 8192, "UPPER.HTML": b"upper", **dict.fromkeys(ODD, b"odd")}


@dataclass
class Server:
    root: Path
    words: list[bytes] = field(default_factory=list)

    def ask(self, mode: str, target: str, lines: Lines = ()) -> Answer | None:
        """The answer, on a connection of its own; None: the server hung up without one."""
        wire = Wire(("127.0.0.1", int(AT[1])), mode)
        try:
            return wire.ask("GET", target, lines)
        except (ConnectionError, HTTPException):
            return None
        finally:
            wire.close()


def accepts() -> bool:
    try:
        socket.create_connection(("127.0.0.1", int(AT[1])), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module", params=SERVERS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    server = Server(site.make(tmp_path_factory.mktemp("served")) / site.ALL)
    for name, content in MORE.items():
        (server.root / name).parent.mkdir(exist_ok=True)
        (server.root / name).write_bytes(content)
    variables = {"DIRECTORY": windows_path(server.root)}
    with ENVIRONMENT.start("-m", *SERVERS[request.param], **variables) as process:
        assert process.stdout is not None
        threading.Thread(target=server.words.extend, args=(process.stdout,)).start()
        try:
            eventually(accepts, 60, lambda: b"".join(server.words).decode(errors="replace"))
            yield server
        finally:
            process.kill()
    words = b"".join(server.words).decode(errors="replace")
    assert windows_path(ROOT / "dualstatic") not in words, words  # no traceback goes through us


@pytest.mark.parametrize("mode", MODES)
def test_a_hostile_target_gets_a_plain_answer(mode: str, server: Server) -> None:
    for target in TARGETS:
        answer = server.ask(mode, target)
        if answer and answer.status == 200:
            assert answer.body in HONEST, target
        elif answer and answer.status == 307:
            assert answer["location"].startswith("./"), target
        elif answer:
            assert answer.status in REFUSED, target
            assert SECRET not in answer.body
    check_alive(server, mode)


@pytest.mark.parametrize("mode", MODES)
def test_what_windows_takes_for_another_name_is_not_there(mode: str, server: Server) -> None:
    for target in [*MISSES, "/upper.html", "/UPPER~1.HTM", *(f"/{quote(name)}" for name in ODD)]:
        answer = server.ask(mode, target.replace("\\", "%5c"))
        assert answer is not None, target
        assert answer.status == 404, target
    check_alive(server, mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_hostile_field_gets_a_plain_answer(mode: str, server: Server) -> None:
    for line in FIELDS:
        answer = server.ask(mode, "/app.js", [line])
        if answer and answer.status not in REFUSED:
            assert answer.status in (200, 206, 304, 412, 416), line
            check_body("/app.js", answer)
    check_alive(server, mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_large_file_comes_byte_for_byte(mode: str, server: Server) -> None:
    content = MORE["large.bin"]
    whole = server.ask(mode, "/large.bin")
    assert whole is not None
    assert (whole.status, whole.body) == (200, content)
    part = server.ask(mode, "/large.bin", [("Range", "bytes=1000000-1999999")])
    assert part is not None
    assert (part.status, part.body) == (206, content[1_000_000:2_000_000])
    known = server.ask(mode, "/large.bin", [("If-None-Match", whole["etag"])])
    assert known is not None
    assert (known.status, known.body) == (304, b"")


@pytest.mark.parametrize("mode", MODES)
def test_a_file_is_replaced_while_it_is_sent(mode: str, server: Server) -> None:
    """By a program of Linux, which no lock of Windows stops: the answer is of one release."""
    content, path = MORE["large.bin"], server.root / "large.bin"
    wire = Wire(("127.0.0.1", int(AT[1])), mode, buffer=4096)
    response = wire.begin("GET", "/large.bin")
    (server.root / "next").write_bytes(content[::-1])
    (server.root / "next").replace(path)
    assert response.read() == content
    wire.close()
    (server.root / "next").write_bytes(content)
    (server.root / "next").replace(path)


def check_alive(server: Server, mode: str) -> None:
    answer = server.ask(mode, "/t.txt")
    assert answer is not None
    assert (answer.status, answer.body) == (200, b"0123456789")
