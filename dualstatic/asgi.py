"""The ASGI door (ASGI 3, HTTP), on asyncio and on trio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from io import FileIO
from typing import Any, TypeAlias, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar, checkpoint

from .core.values import READ_FIELDS, Request, Response
from .disk.body import Body, FileChanged
from .staticfiles import StaticFiles, check_arguments, open_answer

# Frameworks spell these types in different ways; these take them all.
Scope: TypeAlias = Any
Message: TypeAlias = Any
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_FIELD_NAMES = {name.encode(): name for name in READ_FIELDS}

T = TypeVar("T")

_PATHSEND = "http.response.pathsend"
_ZEROCOPYSEND = "http.response.zerocopysend"

_THREADS = 40
_limiter: RunVar[anyio.CapacityLimiter] = RunVar("dualstatic")


class StaticMiddleware:
    """An ASGI app that answers requests for files, and hands all others on to `app` as they came.

    Without an app it answers them itself: 404 or 405 over HTTP, a WebSocket is closed, the lifespan
    acknowledged. Files that are not in memory go to a server that can send them itself:
    `zerocopysend` gives it their open descriptor, `pathsend` the path of a whole file, which it
    then opens again.
    """

    def __init__(
        self,
        app: ASGIApp | None = None,
        *,
        files: StaticFiles,
        pathsend: bool = False,
        zerocopysend: bool = True,
    ) -> None:
        check_arguments(app, files)
        self.app = app
        self.files = files
        self._handover = {_PATHSEND: pathsend, _ZEROCOPYSEND: zerocopysend}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await (self.app or _stand_alone)(scope, receive, send)
        path = _path(scope)
        if self.app is not None and not self.files._may_answer(path):
            return await self.app(scope, receive, send)
        if response := self._ready(scope, path):
            return await _answer(response, None, _content(response), receive, send)
        request = _request(scope, path)
        try:
            response = self.files.get_response(request, wait=False)
        except BlockingIOError:
            return await self._answer_from_disk(request, scope, receive, send)
        if response is None and self.app is not None:
            return await self.app(scope, receive, send)
        if response is None or response.file is not None:
            return await self._answer_from_disk(request, scope, receive, send)
        return await _answer(response, None, _content(response), receive, send)

    def _ready(self, scope: Scope, path: str) -> Response | None:
        """The answer to a plain GET of a file in memory."""
        if scope.get("method") != "GET":
            return None
        accept_encoding = None
        for name, value in scope.get("headers", ()):
            if name in _FIELD_NAMES:
                if name != b"accept-encoding" or accept_encoding is not None:
                    return None
                accept_encoding = value.decode("latin-1")
        return self.files._get_ready(path, accept_encoding, scope.get("raw_path"))

    async def _answer_from_disk(
        self, request: Request, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Look up, open and read the first chunk in one hop to a thread."""
        offers = {name for name in scope.get("extensions") or () if self._handover.get(name)}
        opening = partial(_open, self.files, request, self.app is not None, offers)
        try:
            opened = await _in_thread(opening)
        except FileChanged:  # shorter than promised, but nothing is promised yet: ask again
            opened = await _in_thread(opening)
        if opened is None:
            assert self.app is not None  # noqa: S101 (for the type checker)
            return await self.app(scope, receive, send)
        response, body, first = opened
        try:
            if body is not None and _is_handed_over(response, offers):
                await _hand_over(response, body, offers, send)
            else:
                await _answer(response, body, first, receive, send)
        finally:
            if body is not None:
                body.close()
        return None


class _ClientGone(Exception):
    """The server can't send to the client any more."""


def _open(
    files: StaticFiles, request: Request, has_app: bool, offers: set[str]
) -> tuple[Response, Body | None, bytes] | None:
    opened = open_answer(files, request, has_app=has_app)
    if opened is None:
        return None
    response, body = opened
    if body is None:
        return response, None, _content(response)
    return response, body, b"" if _is_handed_over(response, offers) else next(body, b"")


def _is_handed_over(response: Response, offers: set[str]) -> bool:
    """Whether the server sends the file; by its path it can send nothing but all of it."""
    return _ZEROCOPYSEND in offers or (_PATHSEND in offers and response.status != 206)


async def _hand_over(response: Response, body: Body, offers: set[str], send: Send) -> None:
    parts: list[Message] = []
    if _PATHSEND in offers and response.status != 206 and response.file is not None:
        path = response.file.opener.path_of(response.file.name)
        parts.append({"type": _PATHSEND, "path": path})
    else:
        file, last = body.handle(), len(response.body) - 1
        parts += [_part(part, file, number < last) for number, part in enumerate(response.body)]
    try:
        await _send(send, _start(response))
        for part in parts:
            await _send(send, part)
    except _ClientGone:
        return


def _part(part: bytes | range, file: FileIO, more: bool) -> Message:
    if isinstance(part, bytes):
        return {"type": "http.response.body", "body": part, "more_body": more}
    window = {"offset": part.start, "count": len(part)}
    return {"type": _ZEROCOPYSEND, "file": file, **window, "more_body": more}


def _content(response: Response) -> bytes:
    """The body of an answer that needs no file."""
    return b"".join(part for part in response.body if isinstance(part, bytes))


async def _in_thread(work: Callable[[], T]) -> T:
    """Hop to a thread, on a limiter of our own: busy endpoints of the app can't hold us up."""
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_THREADS)
        _limiter.set(limiter)
    return await anyio.to_thread.run_sync(work, limiter=limiter)


async def _answer(
    response: Response, body: Body | None, first: bytes, receive: Receive, send: Send
) -> None:
    left = sum(map(len, response.body)) - len(first)
    try:
        await _send(send, _start(response))
        await _send(send, {"type": "http.response.body", "body": first, "more_body": left > 0})
        if body is not None and left > 0:
            await _watched(_stream(body, left, send), receive)
    except _ClientGone:
        return


def _start(response: Response) -> Message:
    return {
        "type": "http.response.start",
        "status": response.status,
        "headers": list(_wire(response)),  # of its own: a middleware outside may add to it
    }


def _wire(response: Response) -> list[tuple[bytes, bytes]]:
    """The fields as ASGI has them, made once for an answer that is given again."""
    wire: list[tuple[bytes, bytes]] | None = response.wire.get("asgi")
    if wire is None:
        wire = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
        response.wire["asgi"] = wire
    return wire


async def _stream(body: Body, left: int, send: Send) -> None:
    while left > 0:
        chunk = body.next_now()
        if chunk is None:
            chunk = await _in_thread(body.__next__)
        left -= len(chunk)
        await _send(send, {"type": "http.response.body", "body": chunk, "more_body": left > 0})


async def _send(send: Send, message: Message) -> None:
    try:
        await send(message)
    except OSError as error:
        raise _ClientGone from error


async def _watched(work: Awaitable[None], receive: Receive) -> None:
    """Do the work until it is done or the client has gone, which `send` doesn't always tell."""
    failures: list[Exception] = []

    async def watch() -> None:
        try:
            if not await _gone(receive):
                return
        except Exception as error:  # noqa: BLE001 (raised again below, as it is)
            failures.append(error)
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        try:
            await work
        except Exception as error:  # noqa: BLE001 (raised again below, not in a group)
            failures.append(error)
        tasks.cancel_scope.cancel()
    if failures:
        raise failures[0]


async def _gone(receive: Receive) -> bool:
    """Wait until the client has gone; False: this server doesn't tell, nor does it wait."""
    ended = False
    while (message := await receive())["type"] != "http.disconnect":
        if ended:
            return False
        ended = not message.get("more_body", False)
        await checkpoint()
    return True


async def _stand_alone(scope: Scope, receive: Receive, send: Send) -> None:
    """What is not HTTP, where there is no app to ask."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close"})
    elif scope["type"] == "lifespan":
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})
    else:
        raise ValueError(f"a scope of type {scope['type']!r} needs an app")


def _path(scope: Scope) -> str:
    """The path below the mount point, whether the server says it with that or without."""
    path: str = scope.get("path", "")
    if root_path := scope.get("root_path"):
        root = root_path.rstrip("/")
        if f"{path}/".startswith(f"{root}/"):
            return path[len(root) :]
    return path


def _request(scope: Scope, path: str) -> Request:
    headers: dict[str, str] = {}
    for key, value in scope.get("headers", ()):
        if name := _FIELD_NAMES.get(key):
            text = value.decode("latin-1")
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
    query = scope.get("query_string", b"").decode("latin-1")
    return Request(scope.get("method", ""), path, query, headers, scope.get("raw_path"))
