"""Asks both doors as a server would: a raw target and field lines in; status, fields and body out.

Around the WSGI door stands wsgiref's validator, around the ASGI door a checker of every message.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property, partial
from io import BytesIO
from typing import Any, TypeVar
from urllib.parse import unquote, unquote_to_bytes
from wsgiref import validate
from wsgiref.util import setup_testing_defaults

import anyio
import pytest

import dualstatic.asgi
import dualstatic.wsgi
from dualstatic import StaticFiles

validate.check_environ = lambda environ: None
"""It is ours, and the same but for a few values: to look at it takes longer than most doors do."""

T = TypeVar("T")
Fields = Sequence[tuple[str, str]]

SEEN: ContextVar[list[Any]] = ContextVar("SEEN")
"""What the app behind the door got, for who asks there."""

OnDisk = partial(StaticFiles, memory=0)
"""Files that are read from the disk each time, so that each change there can show."""


@dataclass
class Answer:
    """What came back; `passed` says that the app behind the door was asked."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes
    passed: bool = False

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        assert value is not None, f"no {name} in {self.fields}"
        return value

    def get(self, name: str) -> str | None:
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None


@dataclass
class Trouble:
    """The OSError that a door has raised, or that is the cause of what it raised."""

    value: OSError = field(default_factory=OSError)


@contextmanager
def trouble(door: str, match: str) -> Iterator[Trouble]:
    """Expect an OSError; to a WSGI server, which would take it for its socket's, none is raised."""
    told = Trouble()
    with pytest.raises(RuntimeError if door == "wsgi" else OSError, match=match) as raised:
        yield told
    cause = raised.value.__cause__ if door == "wsgi" else raised.value
    assert isinstance(cause, OSError)
    told.value = cause


@dataclass
class Client:
    """One door with its files, and an app behind it unless `app` is False."""

    files: StaticFiles
    door: str
    app: bool | Callable[..., Any] = True
    """An app of one's own, or one that says 200, or none."""
    backend: str = "asyncio"
    backend_options: dict[str, Any] = field(default_factory=dict)
    raw: bool = True
    extra: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def middleware(self) -> Any:
        """The door itself: to make one takes as long as to ask it."""
        of, app = (
            (dualstatic.wsgi, wsgi_app) if self.door == "wsgi" else (dualstatic.asgi, asgi_app)
        )
        behind = partial(app, self.app) if self.app else None
        return of.StaticMiddleware(behind, files=self.files, **self.options)

    def ask(
        self,
        method: str,
        target: str | bytes,
        fields: Fields | dict[str, str] = (),
        *,
        body: bytes = b"",
        **extra: Any,
    ) -> Answer:
        """`target` is the raw request target, with its query; `extra` is for environ or scope."""
        raw = target.encode() if isinstance(target, str) else target
        lines = list(fields.items()) if isinstance(fields, dict) else list(fields)
        call = ask_wsgi if self.door == "wsgi" else ask_asgi
        return call(self, method, raw, lines, body, {**self.extra, **extra})

    def get(
        self, target: str | bytes, fields: Fields | dict[str, str] = (), **extra: Any
    ) -> Answer:
        return self.ask("GET", target, fields, **extra)

    def head(
        self, target: str | bytes, fields: Fields | dict[str, str] = (), **extra: Any
    ) -> Answer:
        return self.ask("HEAD", target, fields, **extra)


def comparable(answer: Answer) -> Answer:
    """The app's own fields are written as each interface writes them."""
    if answer.passed:
        return Answer(answer.status, [], answer.body, passed=True)
    return answer


def make_environ(
    method: str, target: bytes, lines: Fields, body: bytes = b"", *, raw: bool = True
) -> dict[str, Any]:
    """The environ a server makes of a request: PATH_INFO is bytes in Latin-1, lines combine."""
    path, _, query = target.partition(b"?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "wsgi.input": BytesIO(body),
    }
    if raw:
        environ["REQUEST_URI"] = target.decode("latin-1")
    setup_testing_defaults(environ)
    environ["SCRIPT_NAME"] = ""
    for name, value in lines:
        key = "HTTP_" + name.upper().replace("-", "_")
        environ[key] = f"{environ[key]},{value}" if key in environ and key != "HTTP_HOST" else value
    return environ


def ask_wsgi(
    client: Client, method: str, target: bytes, lines: Fields, body: bytes, extra: dict[str, Any]
) -> Answer:
    environ = make_environ(method, target, lines, body, raw=client.raw)
    environ.update(extra)
    for name in [name for name, value in environ.items() if value is None]:
        del environ[name]
    seen: list[Any] = []
    SEEN.set(seen)
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], None]:
        assert exc_info is None
        started.append((status, headers))
        return lambda data: None

    # The validator takes no target but a path, which a client is free not to send.
    is_path = environ.get("PATH_INFO", "/").startswith("/")
    door = validate.validator(client.middleware) if is_path else client.middleware
    chunks = door(environ, start_response)
    try:
        received = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    assert len(started) == 1
    assert all(inner is environ for inner in seen)
    status, headers = started[0]
    answer = Answer(int(status.split()[0]), list(headers), received, passed=bool(seen))
    check_length(method, answer)
    return answer


def wsgi_app(app: Any, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    SEEN.get().append(environ)
    if callable(app):
        return app(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-App", "1")])
    return [b"the app"]


def make_scope(method: str, target: bytes, lines: Fields, *, raw: bool = True) -> dict[str, Any]:
    """The scope a server makes of a request: the path decoded as UTF-8 with replacements."""
    path, _, query = target.partition(b"?")
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path.decode("latin-1").encode("latin-1").decode("utf-8", "replace")),
        "query_string": query,
        "root_path": "",
        "headers": [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in lines],
        "client": ("127.0.0.1", 1234),
        "server": ("127.0.0.1", 80),
        "extensions": {},
    }
    if raw:
        scope["raw_path"] = path
    return scope


class Messages:
    """The `send` of a strict server: it takes only what the ASGI specification allows."""

    def __init__(self) -> None:
        self.start: dict[str, Any] | None = None
        self.body: list[bytes] = []
        self.complete = False

    async def send(self, message: Any) -> None:
        assert isinstance(message, dict)
        assert not self.complete, f"a message after the last: {message['type']}"
        if self.start is None:
            assert message["type"] == "http.response.start"
            assert set(message) <= {"type", "status", "headers", "trailers"}
            assert isinstance(message["status"], int)
            for name, value in message["headers"]:
                assert isinstance(name, bytes)
                assert name == name.lower().strip()
                assert isinstance(value, bytes)
                assert not set(b"\r\n\0") & set(value)
            self.start = message
            return
        assert message["type"] == "http.response.body"
        assert set(message) <= {"type", "body", "more_body"}
        body = message.get("body", b"")
        assert isinstance(body, bytes)
        self.body.append(body)
        self.complete = not message.get("more_body", False)


def ask_asgi(
    client: Client, method: str, target: bytes, lines: Fields, body: bytes, extra: dict[str, Any]
) -> Answer:
    ask = partial(ask_asgi_here, client, method, target, lines, body, extra)
    return run_async(ask, client.backend, client.backend_options)


def run_async(
    function: Callable[[], Coroutine[Any, Any, T]],
    backend: str = "asyncio",
    options: dict[str, Any] | None = None,
) -> T:
    """What the function gives, in the loop that is kept where that can be."""
    if backend == "asyncio" and not options and LOOP.is_here():
        return LOOP.run(function())
    return anyio.run(function, backend=backend, backend_options=options)


class Loop:
    """An event loop for all that the main thread asks: to make one takes longer than most asks."""

    def __init__(self) -> None:
        self.process = 0
        self.loop: asyncio.AbstractEventLoop | None = None

    def is_here(self) -> bool:
        return threading.current_thread() is threading.main_thread()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What the coroutine gives; each task that it has begun must have ended."""
        loop = self.open()
        try:
            return loop.run_until_complete(coroutine)
        finally:
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
                loop.run_until_complete(asyncio.wait([task]))
            assert not left, left

    def open(self) -> asyncio.AbstractEventLoop:
        """The loop, another one in each process: what is forked would share its descriptors."""
        if self.process != os.getpid():
            self.process, self.loop = os.getpid(), asyncio.new_event_loop()
        assert self.loop is not None
        return self.loop

    def close(self) -> None:
        if self.process == os.getpid() and self.loop is not None:
            self.loop.close()


LOOP = Loop()


async def ask_asgi_here(
    client: Client, method: str, target: bytes, lines: Fields, body: bytes, extra: dict[str, Any]
) -> Answer:
    """Ask in the loop that runs, beside whatever else is asked there."""
    scope = make_scope(method, target, lines, raw=client.raw)
    scope.update(extra)
    for name in [name for name, value in scope.items() if value is None]:
        del scope[name]
    messages = Messages()
    requests = [{"type": "http.request", "body": body, "more_body": False}]
    seen: list[Any] = []
    SEEN.set(seen)

    async def receive() -> Any:
        if not requests:
            await anyio.sleep_forever()
        return requests.pop()

    await client.middleware(scope, receive, messages.send)
    assert messages.start is not None
    assert messages.complete
    assert all(inner is scope and called is receive for inner, called in seen)
    answer = Answer(
        messages.start["status"],
        [(n.decode("latin-1"), v.decode("latin-1")) for n, v in messages.start["headers"]],
        b"".join(messages.body),
        passed=bool(seen),
    )
    check_length(method, answer)
    return answer


async def asgi_app(app: Any, scope: Any, receive: Any, send: Any) -> None:
    SEEN.get().append((scope, receive))
    if callable(app):
        await app(scope, receive, send)
        return
    headers = [(b"content-type", b"text/plain"), (b"x-app", b"1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"the app"})


def check_length(method: str, answer: Answer) -> None:
    """Content-Length is the body's length; HEAD and 304 have no body, nor what another sends."""
    if "x-accel-redirect" in answer or "x-sendfile" in answer:
        assert answer.body == b""
        assert "content-length" not in answer
    elif (method == "HEAD" and not answer.passed) or answer.status == 304:
        assert answer.body == b""
    elif not answer.passed:
        assert answer["content-length"] == str(len(answer.body))
