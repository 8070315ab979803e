"""Starts programs that serve on the loopback, and asks them over a real socket.

A program prints its URL on its standard output; what it says on standard error is kept, and shown
where a test fails because of it. Only the processes started here are ended, by their id.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory

from .children import start_python
from .doors import Answer, Fields
from .launch import ROOT as ROOT
from .launch import STARTED_WITHIN, Launched, environment, eventually
from .launch import free_port as free_port

ENDED_WITHIN = 60
ANSWERED_WITHIN = 30


class Server(Launched):
    """A program of Python's that serves, and how to ask it."""

    def connect(self) -> HTTPConnection:
        return HTTPConnection(*self.address, timeout=ANSWERED_WITHIN)

    def get(self, target: str, fields: Fields | dict[str, str] = ()) -> Answer:
        return self.ask("GET", target, fields)

    def ask(
        self,
        method: str,
        target: str,
        fields: Fields | dict[str, str] = (),
        body: bytes | None = None,
        connection: HTTPConnection | None = None,
    ) -> Answer:
        """The answer to a target sent as it stands; a connection that is given stays open."""
        link = connection or self.connect()
        try:
            answer = exchange(link, method, target, fields, body)
        except (OSError, HTTPException) as error:
            raise AssertionError(f"{method} {target}: {error!r}\n{self.words()}") from error
        finally:
            if connection is None:
                link.close()
        assert answer.status < 500, f"{method} {target}: {answer.status}\n{self.words()}"
        return answer

    def workers(self) -> list[int]:
        return children(self.pid)

    def open_files(self) -> list[str]:
        """The paths that the process and its children hold open, as Linux tells them."""
        paths = []
        for process in (self.pid, *self.workers()):
            folder = f"/proc/{process}/fd"
            paths += [resolve(f"{folder}/{number}") for number in os.listdir(folder)]
        return paths


def exchange(
    connection: HTTPConnection,
    method: str,
    target: str,
    fields: Fields | dict[str, str] = (),
    body: bytes | None = None,
) -> Answer:
    connection.putrequest(method, target, skip_accept_encoding=True)
    for name, value in fields.items() if isinstance(fields, dict) else fields:
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    response = connection.getresponse()
    return Answer(response.status, response.getheaders(), response.read())


def resolve(link: str) -> str:
    """Where a link leads; nowhere, if it is gone since it was listed."""
    try:
        return os.readlink(link)
    except FileNotFoundError:
        return ""


def children(parent: int) -> list[int]:
    """The processes that a process has started, by the lists that Linux keeps for its threads."""
    lists = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(number) for each in lists for number in read(each).split()]


def read(path: Path) -> str:
    """What a file of /proc says; nothing, if it is gone since it was listed."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program of Python's to its end, in a process that is forked for it."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = start_python(*map(str, arguments), environment=environment(), out=out, err=err)
        process.join(ENDED_WITHIN)
        if process.exitcode is None:
            process.kill()
        assert process.exitcode is not None, f"not within {ENDED_WITHIN} s\n{err.read_text()}"
        return subprocess.CompletedProcess(
            arguments, process.exitcode, out.read_text(), err.read_text()
        )


def run_anew(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The same in a new Python, where its own start or end is what matters."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=ENDED_WITHIN,
        check=False,
    )


@contextmanager
def serve(*arguments: str | Path, logs: Path, calm: bool = True) -> Iterator[Server]:
    """Run Python with the arguments until the block ends; while `calm`, it prints no traceback."""
    out, log = logs / "out.txt", logs / "err.txt"
    out.touch()
    log.touch()
    process = start_python(*map(str, arguments), environment=environment(), out=out, err=log)
    server = Server(process, "", log)
    try:
        eventually(lambda: announced(server, out), STARTED_WITHIN, server.words)
        server.wait()
        yield server
    finally:
        server.end()
    assert not calm or "Traceback" not in server.words(), server.words()


def program(port: int, *command: str | Path) -> tuple[str | Path, ...]:
    """What `serve` takes to run a program that isn't Python, and doesn't print its URL."""
    code = "import os, sys; print(sys.argv[1], flush=True); os.execvp(sys.argv[2], sys.argv[2:])"
    return ("-c", code, f"http://127.0.0.1:{port}/", *command)


def announced(server: Server, out: Path) -> bool:
    assert server.process.exitcode is None, f"it ended at once\n{server.words()}"
    found = re.search(r"http://127\.0\.0\.1:\d+\S*(?=\s)", out.read_text())
    server.url = found.group() if found else ""
    return bool(found)
