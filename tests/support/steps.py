"""Drives a door step by step, so that a test can do something in the middle of an answer."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any
from wsgiref.validate import validator

import anyio

import dualstatic.asgi
import dualstatic.wsgi
from dualstatic import Answer, Request, StaticFiles

from .doors import Client, Fields, make_environ, make_scope, run_async
from .faults import path_of


@dataclass
class Transfer:
    """What a server got from a door, and what the door raised after its answer had begun."""

    status: int = 0
    fields: dict[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)
    error: Exception | None = None

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def promised(self) -> int:
        return int(self.fields["content-length"])


def nothing() -> None:
    """What a step does by default."""


def transfer(
    client: Client,
    target: str,
    fields: Fields = (),
    *,
    started: Callable[[], None] = nothing,
    first: Callable[[], None] = nothing,
) -> Transfer:
    """GET; call `started` once the status is out, `first` once the first piece of the body is."""
    call = transfer_wsgi if client.door == "wsgi" else transfer_asgi
    return call(client, target, fields, started, first)


def transfer_wsgi(
    client: Client,
    target: str,
    fields: Fields,
    started: Callable[[], None],
    first: Callable[[], None],
) -> Transfer:
    environ = make_environ("GET", target.encode(), fields)
    environ.update(client.extra)
    got = Transfer()

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], None]:
        got.status = int(status.split()[0])
        got.fields = dict(headers)
        return lambda data: None

    door: Any = dualstatic.wsgi.StaticMiddleware(files=client.files, **client.options)
    chunks: Any = validator(door)(environ, start_response)
    started()
    try:
        for piece in chunks:
            if piece and not got.pieces:
                got.pieces.append(piece)
                first()
            else:
                got.pieces.append(piece)
    except Exception as error:  # noqa: BLE001 - the test looks at it
        got.error = error
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    return got


def transfer_asgi(
    client: Client,
    target: str,
    fields: Fields,
    started: Callable[[], None],
    first: Callable[[], None],
) -> Transfer:
    got = Transfer()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            got.status = message["status"]
            got.fields = {n.decode("latin-1"): v.decode("latin-1") for n, v in message["headers"]}
            started()
        elif message["body"]:
            got.pieces.append(message["body"])
            if len(got.pieces) == 1:
                first()

    door = dualstatic.asgi.StaticMiddleware(files=client.files, **client.options)
    scope = make_scope("GET", target.encode(), fields)
    try:
        run_async(partial(door, scope, staying(), send), client.backend)
    except Exception as error:  # noqa: BLE001 - the test looks at it
        got.error = error
    return got


def staying() -> Callable[[], Any]:
    """The `receive` of a client that sends its request and then waits."""
    requests = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        if requests:
            return requests.pop()
        return await anyio.sleep_forever()

    return receive


class Connection:
    """A client that leaves an ASGI server after the first pieces of the body.

    `leaves` is what the server does about it: "OSError" and "RuntimeError" come out of `send`;
    "quietly" is a disconnect that `receive` alone tells, and "unheard" one after which `send` takes
    all without ever waiting; any other word: nothing.
    """

    def __init__(self, leaves: str, first: Callable[[], None] = nothing, *, after: int = 1) -> None:
        self.leaves = leaves
        self.on_first = first
        self.after = after
        self.requests = [{"type": "http.request", "body": b"", "more_body": False}]
        self.sent = 0
        self.first = anyio.Event()

    async def receive(self) -> Any:
        if self.requests:
            return self.requests.pop()
        await self.first.wait()
        if self.leaves not in ("quietly", "unheard"):
            await anyio.sleep_forever()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if self.leaves != "unheard" or not self.first.is_set():
            await anyio.sleep(0.001)
        body = message.get("body", b"")
        self.sent += len(body)
        self.after -= bool(body)
        if not body or self.after > 0:
            return
        if not self.first.is_set():
            self.first.set()
            self.on_first()
        if self.leaves == "OSError":
            raise ConnectionResetError("gone")
        if self.leaves == "RuntimeError":
            raise RuntimeError("the server's own trouble")


class Interrupted(StaticFiles):
    """Files of which one is changed right after an answer with it was opened."""

    meanwhile: Callable[[], None] = staticmethod(nothing)

    def answer(self, request: Request, *, wait: bool = True) -> Answer | None:
        answer = super().answer(request, wait=wait)
        if answer is not None:
            meanwhile, self.meanwhile = self.meanwhile, nothing
            meanwhile()
        return answer


def descriptors() -> list[int]:
    """Those that this process has open; outside Windows, one more, by which they are listed."""
    if sys.platform != "win32":
        return [*map(int, os.listdir("/dev/fd"))]
    return [number for number in range(1024) if is_open(number)]


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def open_below(directory: Path) -> list[str]:
    """The paths of what this process has open below a directory, as the system tells them."""
    return [path for path in map(path_of, descriptors()) if path.startswith(str(directory))]


def open_files(directory: Path) -> list[str]:
    """The same without the directories themselves, which an index may hold open."""
    return [path for path in open_below(directory) if not os.path.isdir(path)]


def holds(directory: Path, expected: list[str]) -> bool:
    """Whether just this is open below a directory, once what tasks and threads left is gone.

    Windows holds no directory open.
    """
    if sys.platform == "win32":
        expected = [path for path in expected if not os.path.isdir(path)]
    for collect in (False, True):
        if collect:
            gc.collect()
        if sorted(open_below(directory)) == sorted(expected):
            return True
    return False


def soon(condition: Callable[[], bool], seconds: float = 5) -> bool:
    """Whether something comes true before a time that stands for never."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


@contextmanager
def public_directory() -> Iterator[Path]:
    """A directory that a process without rights may enter, as it may not pytest's own."""
    path = Path(mkdtemp(prefix="dualstatic-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        rmtree(path)
