"""An app behind a door that answers as it is told, in each of the ways that WSGI and ASGI have."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from io import BytesIO, StringIO
from typing import Any
from wsgiref.handlers import SimpleHandler
from wsgiref.validate import validator

import dualstatic.asgi
import dualstatic.wsgi
from dualstatic import StaticFiles

from .doors import Answer, Messages, make_environ, make_scope, run_async
from .steps import staying

JSON = b'{"detail":"Not Found"}'
NAVIGATE = {"Sec-Fetch-Mode": "navigate"}


class App:
    """An app behind a door; `how` is the way in which it gives its status and its body."""

    def __init__(self, how: str, status: int = 404, more: Any = ()) -> None:
        self.how, self.status, self.more = how, status, more
        self.asked: list[str] = []
        self.closed = 0

    def wsgi(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.asked.append(environ["PATH_INFO"])
        line = f"{self.status} {HTTPStatus(self.status).phrase}"
        fields = [("Content-Type", "application/json"), *self.more, ("X-App", "1")]
        if self.how == "late":
            return self.late(start_response, line, fields)
        write = start_response(line, fields)
        if self.how == "write":
            write(JSON)
            return Closed(self, [])
        if self.how == "pieces":
            return Closed(self, [JSON[:5], b"", JSON[5:]])
        return Closed(self, [JSON])

    def late(self, start_response: Any, line: str, fields: Any) -> Iterator[bytes]:
        try:
            start_response(line, fields)
            yield JSON[:5]
            yield JSON[5:]
        finally:
            self.closed += 1

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope["path"])
        more = [(name.lower().encode(), value.encode()) for name, value in self.more]
        headers = [(b"content-type", b"application/json"), *more, (b"x-app", b"1")]
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        pieces = [JSON] if self.how == "at once" else [JSON[:5], b"", JSON[5:]]
        for number, piece in enumerate(pieces, 1):
            more = number < len(pieces)
            await send({"type": "http.response.body", "body": piece, "more_body": more})
        self.closed += 1


class Closed:
    def __init__(self, app: App, pieces: list[bytes]) -> None:
        self.app, self.pieces = app, pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)

    def close(self) -> None:
        self.app.closed += 1


HOW = ["at once", "pieces", "late", "write"]


def ask(
    files: StaticFiles,
    door: str,
    app: App,
    target: str,
    fields: Mapping[str, str] = NAVIGATE,
    method: str = "GET",
) -> Answer:
    call = ask_wsgi if door == "wsgi" else ask_asgi
    answer = call(files, app, method, target, list(fields.items()))
    assert app.closed == len(app.asked)
    return answer


def ask_wsgi(files: StaticFiles, app: App, method: str, target: str, lines: Any) -> Answer:
    written: list[bytes] = []
    started: list[Any] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        started.append((int(status[:3]), headers))
        return written.append

    # The validator wants the app's own body untouched, so it stands around the door alone.
    door: Any = validator(dualstatic.wsgi.StaticMiddleware(app.wsgi, files=files))
    chunks = door(make_environ(method, target.encode(), lines), start_response)
    try:
        body = b"".join(chunks)
    finally:
        chunks.close()
    assert len(started) == 1
    status, headers = started[0]
    return Answer(status, headers, b"".join(written) + body, ("X-App", "1") in headers)


def ask_asgi(files: StaticFiles, app: App, method: str, target: str, lines: Any) -> Answer:
    messages = Messages()
    door = dualstatic.asgi.StaticMiddleware(app.asgi, files=files)
    scope = make_scope(method, target.encode(), lines)
    run_async(partial(door, scope, staying(), messages.send))
    assert messages.complete
    assert messages.start is not None
    headers = [(n.decode(), v.decode()) for n, v in messages.start["headers"]]
    body = b"".join(messages.body)
    return Answer(messages.start["status"], headers, body, ("x-app", "1") in headers)


def handled(files: StaticFiles, app: Any, fields: dict[str, str]) -> tuple[bytes, str]:
    """What the standard library's server sends, and what it says of errors."""
    output, errors = BytesIO(), StringIO()
    environ = make_environ("GET", b"/route", list(fields.items()))
    handler = SimpleHandler(BytesIO(), output, errors, environ)
    handler.run(dualstatic.wsgi.StaticMiddleware(app, files=files))
    return output.getvalue(), errors.getvalue()


def start_again(write: bool) -> Callable[[Any, Any], Iterable[bytes]]:
    """An app that turns its 200 into a 404, as PEP 3333 lets it, and may have sent something."""

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        write_now = start_response("200 OK", [("Content-Type", "text/plain")])
        if write:
            write_now(b"begun")
        try:
            raise KeyError("too late")
        except KeyError:
            start_response("404 Not Found", [("Content-Type", "text/plain")], sys.exc_info())
        return [b"none"]

    return app
