"""The ASGI door (ASGI 3, HTTP), on asyncio and on trio."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from functools import partial
from logging import DEBUG
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from anyio.lowlevel import checkpoint

from .asgi_sending import (
    PATHSEND,
    ZEROCOPYSEND,
    AsyncChunks,
    Receive,
    Scope,
    Send,
    open_answer,
    send_answer,
    send_whole,
)
from .core.values import READ_FIELDS, Request, Resource, Response
from .disk.body import Answer
from .disk.errors import logger
from .doors import check_arguments, is_logged, is_miss, make_request, with_vary
from .staticfiles import StaticFiles
from .views import FileOfView

if TYPE_CHECKING:
    from .options import Headers

try:  # FastAPI takes nothing from a view for an answer but what is one of Starlette's
    from starlette.responses import Response as _Response
except ImportError:
    _Response = object  # type: ignore[assignment,misc]

ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_FIELD_NAMES = {name.encode(): name for name in READ_FIELDS}
_NO_PATH = re.compile(r"\Ahttps?://[^/?#]+\Z", re.IGNORECASE)
"""The root of a host (RFC 9110 section 4.2.3), as some servers give it for the path."""

_CONDITIONS = frozenset(name for name in _FIELD_NAMES if name.startswith((b"if-", b"range")))
_OF_FILES = _CONDITIONS | {b"accept-encoding", b"available-dictionary"}
_NAME = itemgetter(0)


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
        check_arguments(app, "asgi", files, pathsend=pathsend, zerocopysend=zerocopysend)
        self.app = app
        self.files = files
        self._site = files.site
        self._look_up = files.site.look_up
        self._falls_back = files.site.falls_back
        wanted = {PATHSEND: pathsend, ZEROCOPYSEND: zerocopysend}
        self._handover = frozenset(name for name, is_wanted in wanted.items() if is_wanted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await (_stand_alone if self.app is None else self.app)(scope, receive, send)
        path: str = _path(scope) if scope.get("root_path") else scope["path"]
        resource = self._look_up.answers.get(path)
        if resource is None:
            if ":" in path:
                path = _NO_PATH.sub("/", path)
            app = self.app
            if (
                app is not None
                and path not in self._look_up.covers
                and (is_logged(DEBUG) is False or logger.disabled)
            ):
                if self._falls_back:
                    return await self._ask_app(scope, path, receive, send)
                return await app(scope, receive, send)
        elif response := self._pick(resource, path, scope):
            return await send_whole(response, scope, receive, send)
        request, offers = _request(scope, path), self._offers(scope)
        answer = await open_answer(partial(self.files.answer, request), read=not offers)
        if answer is None and self.app is None:
            ask = partial(self.files.fallback, request, has_app=False)
            answer = await open_answer(ask, read=not offers)
        if answer is not None:
            return await send_answer(answer, offers, scope, receive, send)
        return await self._ask_app(scope, path, receive, send)

    async def _ask_app(self, scope: Scope, path: str, receive: Receive, send: Send) -> None:
        app = self.app
        assert app is not None  # noqa: S101 (for the type checker)
        if self._site.may_fall_back(scope.get("method", ""), path):
            return await self._app_or_page(app, scope, path, receive, send)
        return await app(scope, receive, send)

    async def _app_or_page(
        self, app: ASGIApp, scope: Scope, path: str, receive: Receive, send: Send
    ) -> None:
        """The app's answer or, where it has none, a page in its place."""
        replaced, failures = False, list[Exception]()
        asked = {**scope, "headers": [*scope.get("headers", ())]}  # frameworks change theirs

        async def watch(message: dict[str, Any]) -> None:
            nonlocal replaced
            # Most messages have none, and a call of `is_miss` takes longer than to look.
            if message.get("status") in (404, 405) and self._is_miss(message):
                request = _request(asked, path)
                ask = partial(self.files.fallback, request, has_app=True)
                try:
                    page = await open_answer(ask, read=not self._offers(asked))
                except Exception as error:  # noqa: BLE001 (raised as it is)
                    # Later: an app may take an OSError that `send` raises for a disconnect.
                    replaced = True
                    return failures.append(error)
                if page:
                    replaced = True  # also if it can't be sent: there is one start of a response
                    return await send_answer(page, self._offers(asked), asked, receive, send)
                message = _varying(message, request)
            if not replaced:
                return await send(message)
            # An app that goes on without an end would keep all others from their turn.
            return await checkpoint()

        await app(scope, receive, watch)
        if failures:
            raise failures.pop()

    def _is_miss(self, start: dict[str, Any]) -> bool:
        # The fields may be an iterator, and are looked at again when it is sent.
        start["headers"] = list(start.get("headers", ()))
        return is_miss(self.files, str(int(start["status"])), _lines(start))

    def _pick(self, resource: Resource, path: str, scope: Scope) -> Response | None:
        """The answer to a browser's GET, if all of it is in memory."""
        if scope["method"] != "GET":
            return None
        headers = scope.get("headers", ())
        raw_path, query = scope.get("raw_path"), scope.get("query_string")
        accepted = tag = dictionary = ranges = None
        if resource.only is None or not _CONDITIONS.isdisjoint(map(_NAME, headers)):
            fields = _plain_fields(headers)
            if fields is None:
                return None
            accepted, tag, dictionary, ranges = fields
        return self._site.pick(
            resource, path, raw_path, accepted, tag, query, dictionary, ranges, False
        )

    def _offers(self, scope: Scope) -> frozenset[str]:
        """By which messages the server takes a file, as far as that is wanted."""
        return self._handover and self._handover.intersection(scope.get("extensions") or ())


def _plain_fields(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str | None, ...] | None:
    """Accept-Encoding, If-None-Match, Available-Dictionary and Range, which browsers send.

    None: there is another field that decides.
    """
    accepted = tag = dictionary = date = ranges = None
    for name, value in headers:
        if name in _OF_FILES:
            if name == b"accept-encoding" and accepted is None:
                accepted = value.decode("latin-1")
            elif name == b"if-none-match" and tag is None:
                tag = value.decode("latin-1")
            elif name == b"available-dictionary" and dictionary is None:
                dictionary = value.decode("latin-1")
            elif name == b"if-modified-since":
                date = value  # not looked at beside a tag (RFC 9110 section 13.1.3)
            elif name == b"range" and ranges is None:
                ranges = value.decode("latin-1")
            else:
                return None
    if date is not None and tag is None:
        return None
    return accepted, tag, dictionary, ranges


class FileResponse(FileOfView, _Response):
    """A file as the answer of a view: Starlette, FastAPI and Litestar call it, as an ASGI app.

    In Quart, as with all of its own answers from files: `return await FileResponse(...)`.
    """

    def __init__(
        self,
        files: StaticFiles,
        name: str,
        *,
        filename: str | None = None,
        headers: Headers = None,
    ) -> None:
        super().__init__(files, name, filename=filename, headers=headers)
        _Response.__init__(self)
        # Starlette's methods, such as `set_cookie`, add fields here, and FastAPI a task for later.
        self.raw_headers: list[tuple[bytes, bytes]] = []
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._open(self.answer, scope)
        if answer is None:
            _raise_not_found(scope)
            answer = await self._open(self.not_found, scope)
        assert answer is not None  # noqa: S101 (for the type checker)

        async def send_with_more(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                # Vary is a set: what is added to it takes nothing away.
                names = {name for name, _ in self.raw_headers} - {b"vary"}
                kept = [field for field in message["headers"] if field[0] not in names]
                message = {**message, "headers": kept + self.raw_headers}
            await send(message)

        await send_answer(answer, frozenset(), scope, receive, send_with_more)
        if self.background is not None:
            await self.background()

    async def _open(self, ask: Callable[..., Answer | None], scope: Scope) -> Answer | None:
        return await open_answer(partial(ask, _request(scope, "")), read=True)

    def __await__(self) -> Generator[Any, None, Any]:
        return self._of_quart().__await__()

    async def _of_quart(self) -> Any:  # noqa: ANN401
        """The answer as one of Quart's own, which calls no ASGI app that a view returns."""
        from quart import Response, request
        from werkzeug.exceptions import NotFound

        answer = await self._open(self.answer, request.scope)
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


def _varying(message: dict[str, Any], request: Request) -> dict[str, Any]:
    """The app's start of a response, whose Vary tells caches that another request gets a page."""
    fields = with_vary(_lines(message), request)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
    return {**message, "headers": headers}


def _lines(start: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in start.get("headers", ()):
        yield name.decode("latin-1"), value.decode("latin-1")


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
    fields: dict[str, list[str]] = {}
    for name, value in scope.get("headers", ()):
        if name in _FIELD_NAMES:
            # Some servers leave whitespace around a value, which is no part of it (section 5.5).
            fields.setdefault(_FIELD_NAMES[name], []).append(value.decode("latin-1").strip(" \t"))
    return {name: ", ".join(values) for name, values in fields.items()}
