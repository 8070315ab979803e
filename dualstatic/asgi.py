"""The ASGI door (ASGI 3, HTTP), on asyncio and on trio."""

from __future__ import annotations

import asyncio
import re
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
)
from contextlib import asynccontextmanager
from functools import partial
from io import FileIO
from logging import DEBUG
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import anyio
import anyio._backends._asyncio  # else the first request would wait for this import
import anyio.to_thread
from anyio.lowlevel import RunVar, checkpoint

from .core.values import NAVIGATION_FIELDS, READ_FIELDS, Request, Resource, Response
from .disk.body import Answer, Body
from .doors import (
    MISSES,
    FileOfView,
    check_arguments,
    is_logged,
    is_miss,
    make_request,
    opened,
    with_vary,
)
from .staticfiles import StaticFiles

if TYPE_CHECKING:
    from .options import Headers

try:  # FastAPI takes nothing from a view for an answer but what is one of Starlette's
    from starlette.responses import Response as _Response
except ImportError:
    _Response = object  # type: ignore[assignment,misc]

# Frameworks spell these types in different ways; these take them all.
Scope: TypeAlias = Any
Message: TypeAlias = Any
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_FIELD_NAMES = {name.encode(): name for name in READ_FIELDS}
_NO_PATH = re.compile(r"\Ahttps?://[^/?#]+\Z", re.IGNORECASE)
"""The root of a host (RFC 9110 section 4.2.3), as some servers give it for the path."""

_CONDITIONS = frozenset(_FIELD_NAMES) - {b"accept-encoding", b"available-dictionary"}
_NAME = itemgetter(0)
_PlainFields = tuple[str | None, str | None, str | None]
"""Accept-Encoding, If-None-Match and Available-Dictionary."""

_ALL_FIELD_NAMES = _FIELD_NAMES | {name.encode(): name for name in NAVIGATION_FIELDS}

T = TypeVar("T")

_PATHSEND = "http.response.pathsend"
_ZEROCOPYSEND = "http.response.zerocopysend"

_AT_ONCE = 2**15
"""Bytes of a body that a server takes at once, unless the client holds up an HTTP/2 stream."""

_TURN = 2**20
"""Bytes that are sent before other tasks get a turn; from then on they get one after each chunk."""

_MOMENT = 0.1
"""Seconds in which a server has to tell, once it has failed to send, that the client has gone."""

_TELLING = 0.5
"""Seconds in which a server on trio has to tell all streams of a connection that is lost."""

_THREADS = 40

_limiter: RunVar[anyio.CapacityLimiter] = RunVar("dualstatic")


class StaticMiddleware:
    """An ASGI app that answers requests for files, and hands all others on to `app` as they came.

    Without an app it answers them itself: 404 or 405 over HTTP, a WebSocket is closed, the lifespan
    acknowledged. Files that are not in memory may go to a server that can send them itself:
    `zerocopysend` gives it their open descriptor, `pathsend` the path of a whole file, which it
    then opens again. No middleware between the two may look for the bytes.
    """

    def __init__(
        self,
        app: ASGIApp | None = None,
        *,
        files: StaticFiles,
        pathsend: bool = False,
        zerocopysend: bool = False,
    ) -> None:
        switches = {"pathsend": pathsend, "zerocopysend": zerocopysend}
        check_arguments(app, "asgi", files, **switches)
        self.app = app
        self.files = files
        self._site = files.site
        self._look_up = files.site.look_up
        self._falls_back = files.site.falls_back
        wanted = {_PATHSEND: pathsend, _ZEROCOPYSEND: zerocopysend}
        self._handover = frozenset(name for name, is_wanted in wanted.items() if is_wanted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await (_stand_alone if self.app is None else self.app)(scope, receive, send)
        path: str = _path(scope) if scope.get("root_path") else scope["path"]
        resource = self._look_up.answers.get(path)
        if resource is None:
            if ":" in path:
                path = _NO_PATH.sub("/", path)
            ours = path in self._look_up.covers or self._falls_back
            if self.app is not None and not ours and not is_logged(DEBUG, True):
                return await self.app(scope, receive, send)
        elif response := self._pick(resource, path, scope):
            return await _answer_whole(response, scope, receive, send)
        if answer := await self._ask(scope, path):
            return await self._send(answer, scope, receive, send)
        assert self.app is not None  # noqa: S101 (for the type checker)
        if self._site.may_fall_back(scope.get("method", ""), path):
            return await self._app_or_page(self.app, scope, path, receive, send)
        return await self.app(scope, receive, send)

    async def _ask(self, scope: Scope, path: str) -> Answer | None:
        """Our answer, without a wait for the disk if that can be; None: the app's."""
        if self.app is not None and path not in self._look_up.covers and not is_logged(DEBUG, True):
            return None
        request, read = _request(scope, path), not self._offers(scope)
        answer = await open_answer(partial(self.files.answer, request), read=read)
        if answer is None and self.app is None:
            ask = partial(self.files.fallback, request, has_app=False)
            return await open_answer(ask, read=read)
        return answer

    async def _app_or_page(
        self, app: ASGIApp, scope: Scope, path: str, receive: Receive, send: Send
    ) -> None:
        """The app's answer or, where it has none, a page in its place."""
        replaced, failures = False, list[Exception]()

        async def watch(message: Message) -> None:
            nonlocal replaced
            if message.get("status") in MISSES and is_miss(
                self.files, str(message["status"]), _lines(message)
            ):
                request = _request(scope, path)
                ask = partial(self.files.fallback, request, has_app=True)
                try:
                    page = await open_answer(ask, read=not self._offers(scope))
                except Exception as error:  # noqa: BLE001 (raised as it is)
                    # Later: an app may take an OSError that `send` raises for a disconnect.
                    replaced = True
                    return failures.append(error)
                if page:
                    replaced = True  # also if it can't be sent: there is one start of a response
                    return await self._send(page, scope, receive, send)
                message = _varying(message, request)
            if not replaced:
                return await send(message)
            # An app that goes on without an end would keep all others from their turn.
            return await checkpoint()

        await app(scope, receive, watch)
        if failures:
            raise failures.pop()

    def _pick(self, resource: Resource, path: str, scope: Scope) -> Response | None:
        """The answer to a browser's GET, if all of it is in memory."""
        if scope["method"] != "GET":
            return None
        headers = scope.get("headers", ())
        accepted = tag = dictionary = None
        if resource.only is None or not _CONDITIONS.isdisjoint(map(_NAME, headers)):
            fields = _plain_fields(headers)
            if fields is None:
                return None
            accepted, tag, dictionary = fields
        raw_path, query = scope.get("raw_path"), scope.get("query_string")
        return self._site.pick(resource, path, raw_path, accepted, tag, query, dictionary)

    async def _send(self, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
        response, body = answer.response, answer.body
        if body is None:
            return await _answer_whole(response, scope, receive, send)
        offers, client = self._offers(scope), _Client(scope, receive, send)
        try:
            if _ZEROCOPYSEND in offers or (_PATHSEND in offers and response.status != 206):
                work = _hand_over(response, body, offers, client.send)
            else:
                work = _answer(response, body, client.send, 0 if client.is_multiplexed else _TURN)
            is_long = sum(map(len, response.body)) > _AT_ONCE
            await _carry_out(work, client, watch=is_long or client.is_multiplexed)
        finally:
            await _close(body)
        return None

    def _offers(self, scope: Scope) -> frozenset[str]:
        """By which messages the server takes a file, as far as that is wanted."""
        return self._handover and self._handover.intersection(scope.get("extensions") or ())


def _plain_fields(headers: Iterable[tuple[bytes, bytes]]) -> _PlainFields | None:
    """The fields that browsers send; None: there is another one that decides."""
    accepted = tag = dictionary = date = None
    for name, value in headers:
        if name in _FIELD_NAMES:
            if name == b"accept-encoding" and accepted is None:
                accepted = value.decode("latin-1")
            elif name == b"if-none-match" and tag is None:
                tag = value.decode("latin-1")
            elif name == b"available-dictionary" and dictionary is None:
                dictionary = value.decode("latin-1")
            elif name == b"if-modified-since":
                date = value  # not looked at beside a tag (RFC 9110 section 13.1.3)
            else:
                return None
    return None if date is not None and tag is None else (accepted, tag, dictionary)


class FileResponse(_Response):
    """A file as the answer of a view: Starlette, FastAPI and Litestar call it, as an ASGI app.

    In Quart, as with all of its own answers from files: `return await FileResponse(...)`.

    `name` is that of a file below the directory of `files`, whatever the path of the request. It
    may come from a client: it can't lead out. Conditions, ranges and all options but `immutable`
    count as anywhere. A file that isn't there is the framework's own 404.

    :param filename: the name under which the file is to be saved (RFC 6266): any text
    :param headers: more fields, or a function from `name` to them; they are the strongest,
        but for those that make uploads safe

    :raises TypeError, ValueError: an argument is wrong; the message names it, and what it takes
    """

    def __init__(
        self,
        files: StaticFiles,
        name: str,
        *,
        filename: str | None = None,
        headers: Headers = None,
    ) -> None:
        super().__init__()
        self._file = FileOfView(files, name, filename, headers)
        self._door = StaticMiddleware(files=files)
        # Starlette's methods, such as `set_cookie`, add fields here, and FastAPI a task for later.
        self.raw_headers: list[tuple[bytes, bytes]] = []
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._open(self._file.answer, scope)
        if answer is None:
            _raise_not_found(scope)
            answer = await self._open(self._file.not_found, scope)
        assert answer is not None  # noqa: S101 (for the type checker)

        async def send_with_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                # Vary is a set: what is added to it takes nothing away.
                names = {name for name, _ in self.raw_headers} - {b"vary"}
                kept = [field for field in message["headers"] if field[0] not in names]
                message = {**message, "headers": kept + self.raw_headers}
            await send(message)

        await self._door._send(answer, scope, receive, send_with_more)
        if self.background is not None:
            await self.background()

    async def _open(self, ask: Callable[..., Answer | None], scope: Scope) -> Answer | None:
        return await open_answer(partial(ask, scope["method"], _fields(scope)), read=True)

    def __await__(self) -> Generator[Any, None, Any]:
        return self._of_quart().__await__()

    async def _of_quart(self) -> Any:  # noqa: ANN401
        """The answer as one of Quart's own, which calls no ASGI app that a view returns."""
        from quart import Response, request
        from werkzeug.exceptions import NotFound

        answer = await self._open(self._file.answer, request.scope)
        if answer is None:
            raise NotFound
        response = Response(AsyncChunks(answer), answer.status, dict(answer.headers))
        response.timeout = None  # a large file takes what the client takes
        if "content-type" not in dict(answer.headers):
            del response.headers["content-type"]  # Quart's own: a 304 has none
        return response


def _raise_not_found(scope: Scope) -> None:
    """Raise what the framework of a view answers with its own 404, if we know it."""
    if "litestar_app" in scope:
        from litestar.exceptions import NotFoundException

        raise NotFoundException
    if "starlette.exception_handlers" in scope:
        from starlette.exceptions import HTTPException

        raise HTTPException(404)


class AsyncChunks:
    """The chunks of an answer, for a framework that iterates over them; all without a wait."""

    def __init__(self, answer: Answer) -> None:
        self.close = answer.close
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        response, body = self._answer.response, self._answer.body
        chunks, left = iter(self._answer), sum(map(len, response.body))
        while left > 0:
            # Where neither the disk nor the server waits, the task that looks for the client would
            # not get to run.
            await checkpoint()
            chunk = body.next_now() if body else next(chunks)
            if chunk is None:
                chunk = await in_thread(chunks.__next__)
            left -= len(chunk)
            yield chunk


async def open_answer(ask: Callable[..., Answer | None], *, read: bool) -> Answer | None:
    """What is answered, in a thread only where the disk has to be waited for.

    `read` has the first chunk read in the same hop.
    """
    try:
        return opened(ask, wait=False, read=read)
    except BlockingIOError:
        return await in_thread(partial(opened, ask, wait=True, read=read))


async def _close(body: Body) -> None:
    if body.closes_at_once:
        return body.close()
    with anyio.CancelScope(shield=True):
        return await in_thread(body.close)


async def _hand_over(response: Response, body: Body, offers: frozenset[str], send: Send) -> None:
    """Have the server send the file; by its path it can send nothing but all of it."""
    if _PATHSEND in offers and response.status != 206 and response.file is not None:
        path = response.file.opener.path_of(response.file.name)
        await send(_start(response))
        return await send({"type": _PATHSEND, "path": path})
    file = body.handle()
    await send(_start(response))
    for part in response.body:
        await send(_part(part, file))
    body.prove()  # the server may have met the end of a shortened file, and doesn't tell
    return await send({"type": "http.response.body", "body": b"", "more_body": False})


def _part(part: bytes | range, file: FileIO) -> Message:
    if isinstance(part, bytes):
        return {"type": "http.response.body", "body": part, "more_body": True}
    window = {"offset": part.start, "count": len(part)}
    return {"type": _ZEROCOPYSEND, "file": file, **window, "more_body": True}


async def in_thread(work: Callable[[], T]) -> T:
    """Hop to a thread, on a limiter of our own: busy endpoints of the app can't hold us up.

    A thread takes one of its places until it ends. On asyncio a cancelled task ends before its
    thread does. So the thread has a task of its own there, which nobody cancels.
    """
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_THREADS)
        _limiter.set(limiter)
    hop = object()
    await limiter.acquire_on_behalf_of(hop)

    async def run() -> T:
        try:
            return await anyio.to_thread.run_sync(work, limiter=anyio.CapacityLimiter(1))
        finally:
            limiter.release_on_behalf_of(hop)

    with anyio.CancelScope(shield=True):
        result = await (asyncio.shield(run()) if _is_asyncio() else run())
    return result  # noqa: RET504 (for mypy, a scope may end an exception and go on)


def _is_asyncio() -> bool:
    return anyio.get_cancelled_exc_class() is asyncio.CancelledError


async def _answer_whole(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer that needs no file."""
    fields, body, is_long = response.wire.get("asgi") or _wire(response)
    if is_long and _is_multiplexed(scope):
        return await _watched(_write(response, body, send), _Client(scope, receive, send))
    try:
        await send(
            # The list is its own: a middleware outside may add to it.
            {"type": "http.response.start", "status": response.status, "headers": list(fields)}
        )
        await send({"type": "http.response.body", "body": body, "more_body": False})
    except OSError as error:
        await _watched(_fail(error), _Client(scope, receive, send))


async def _write(response: Response, body: bytes, send: Send) -> None:
    await send(_start(response))
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _answer(response: Response, body: Body, send: Send, turn: int) -> None:
    first = body.next_now() or b""
    length = sum(map(len, response.body))
    left = length - len(first)
    await send(_start(response))
    await send({"type": "http.response.body", "body": first, "more_body": left > 0})
    while left > 0:
        # A server whose client has gone may take all that is sent, and never wait: without a
        # pause here nobody else would get to run, those who look for the client among them.
        if length - left >= turn:
            await checkpoint()
        chunk = body.next_now()
        if chunk is None:
            chunk = await in_thread(body.__next__)
        left -= len(chunk)
        await send({"type": "http.response.body", "body": chunk, "more_body": left > 0})


def _start(response: Response) -> Message:
    fields, *_ = response.wire.get("asgi") or _wire(response)
    return {"type": "http.response.start", "status": response.status, "headers": list(fields)}


def _wire(response: Response) -> tuple[list[tuple[bytes, bytes]], bytes, bool]:
    """Fields and body as ASGI has them, made once for an answer that is given again.

    The last says whether a server may have to wait before it has taken the body.
    """
    fields = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
    parts: Any = () if response.file else response.body
    body = b"".join(parts)
    response.wire["asgi"] = wire = fields, body, len(body) > _AT_ONCE
    return wire


def _varying(message: Message, request: Request) -> Message:
    """The app's start of a response, whose Vary tells caches that another request gets a page."""
    fields = with_vary(_lines(message), request)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
    return {**message, "headers": headers}


def _lines(start: Message) -> Iterator[tuple[str, str]]:
    for name, value in start.get("headers", ()):
        yield name.decode("latin-1"), value.decode("latin-1")


def _is_multiplexed(scope: Scope) -> bool:
    """Whether a client can hold up this answer alone, and leave it, on a connection that stays.

    Not every server wakes a `send` that waits there (HTTP/2 and HTTP/3).
    """
    return not scope.get("http_version", "1").startswith("1")


class _Client:
    """Whom an answer goes to."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self.is_multiplexed = _is_multiplexed(scope)
        self.has_gone = False

    async def send(self, message: Message) -> None:
        if self.has_gone:
            raise anyio.BrokenResourceError  # which ends the work, and is told to nobody
        await self._send(message)

    async def gone(self) -> bool:
        """Wait until it has gone; False: this server doesn't tell, nor does it wait."""
        ended = False
        while (message := await self._receive())["type"] != "http.disconnect":
            if ended:
                return False
            ended = not message.get("more_body", False)
            await checkpoint()
        self.has_gone = True
        if self.is_multiplexed and not _is_asyncio():
            # Hypercorn tells the streams of a lost connection one after another, from inside the
            # `send` of one of them. If that were cancelled at once, those after it would never hear
            # of it, and keep their files.
            await anyio.sleep(_TELLING)
        return True


async def _carry_out(work: Awaitable[None], client: _Client, *, watch: bool) -> None:
    """Do the work, until it is done or the client has gone."""
    if watch:
        return await _watched(work, client)
    try:
        await work
    except OSError as error:
        await _watched(_fail(error), client)


async def _fail(error: OSError) -> None:
    raise error


async def _watched(work: Awaitable[None], client: _Client) -> None:
    """Do the work until it is done or the client has gone, as `receive` says.

    `send` doesn't always tell. Where it raises an OSError, `receive` has to say that it is for
    that reason (ASGI): it may as well be the disk of a log, or the cache, of a middleware outside.
    """
    failures: list[Exception] = []

    async def watch() -> None:
        try:
            if not await client.gone():
                return
        except Exception as error:  # noqa: BLE001 (raised again below, as it is)
            failures.append(error)
        scope.cancel()

    with anyio.CancelScope() as scope:
        async with _beside(watch, grouped=client.is_multiplexed or not _is_asyncio()):
            try:
                await work
            except Exception as error:  # noqa: BLE001 (raised again below, not in a group)
                failures.append(error)
                if isinstance(error, OSError):
                    await anyio.sleep(_MOMENT)
    if failures and not client.has_gone:
        raise failures.pop(0)  # else this frame and its failure would hold each other


@asynccontextmanager
async def _beside(
    work: Callable[[], Coroutine[Any, Any, None]], *, grouped: bool
) -> AsyncIterator[None]:
    """A task beside a block, which ends with the block."""
    if grouped:
        async with anyio.create_task_group() as group:
            group.start_soon(work)
            yield
            group.cancel_scope.cancel()
        return
    # A group costs as much on asyncio as to read a megabyte. Over HTTP/1 there is none, and no task
    # unless the block waits. gunicorn may close an HTTP/2 connection under an unwatched send.
    loop, tasks = asyncio.get_running_loop(), []
    begins = loop.call_soon(lambda: tasks.append(loop.create_task(work())))
    try:
        yield
    finally:
        begins.cancel()
        for task in tasks:
            task.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait([task])


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
    """The path below the mount point, whether the server says it with that or without.

    A framework that mounts adds its own mount point to one that a proxy has taken off the path.
    """
    path: str = scope.get("path", "")
    root = scope["root_path"].rstrip("/")
    for mount in (root, root.removeprefix(scope.get("app_root_path", "").rstrip("/"))):
        if f"{path}/".startswith(f"{mount}/"):
            return path[len(mount) :]
    return path


def _request(scope: Scope, path: str) -> Request:
    query = scope.get("query_string", b"").decode("latin-1")
    method, mount = scope.get("method", ""), scope.get("root_path", "")
    return make_request(method, path, query, _fields(scope), scope.get("raw_path"), mount)


def _fields(scope: Scope) -> dict[str, str]:
    """The header fields that a decision reads, by their lower-case names."""
    headers: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}
    for key, value in scope.get("headers", ()):
        if key in _ALL_FIELD_NAMES:
            name, text = _ALL_FIELD_NAMES[key], value.decode("latin-1")
            if name in headers:
                repeated.setdefault(name, [headers[name]]).append(text)
            else:
                headers[name] = text
    for name, lines in repeated.items():  # joined once: not every server bounds them
        headers[name] = ", ".join(lines)
    return headers
