"""Static files in Django's MIDDLEWARE, where those above it see the answers, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from functools import partial

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import StreamingHttpResponse

from .. import wsgi as wsgi_door
from ..core.values import Request
from ..disk.body import FileChanged
from ..staticfiles import Answer as Opened
from ..staticfiles import StaticFiles, open_answer, open_at_once, open_fallback
from .settings import OfDjango, static_files


class StaticMiddleware:
    """For MIDDLEWARE: answers requests for files, under WSGI and under ASGI.

    Options are taken from the setting DUALSTATIC, see `static_files`.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[OfDjango], OfDjango]) -> None:
        self._get_response = get_response
        self._files = static_files()
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: OfDjango) -> OfDjango:
        if self._is_async:
            return self._call_async(request)
        for files in self._files:
            if answer := _ask(files, request):
                return _response(request, answer)
        return self._or_page(request, self._get_response(request))

    async def _call_async(self, request: OfDjango) -> OfDjango:
        for files in self._files:
            if answer := await _ask_async(files, request):
                return _response(request, answer)
        response = await self._get_response(request)
        if response.status_code != 404 or not any(map(_falls_back, self._files)):
            return response
        return await _in_thread(partial(self._or_page, request, response))

    def _or_page(self, request: OfDjango, response: OfDjango) -> OfDjango:
        """The answer of the app or, in the place of a 404, the page that is wanted."""
        for files in reversed(self._files):
            if response.status_code != 404:
                break
            if answer := _ask_for_page(files, request):
                _discard(response)
                response = _response(request, answer)
        return response


def _discard(response: OfDjango) -> None:
    """Close what an answer holds that nobody gets. Its `close` would also end the request."""
    for close in response._resource_closers:
        with suppress(Exception):  # as Django does
            close()


def _is_asgi(request: OfDjango) -> bool:
    """Whether the answer goes out by ASGI, which our own mode doesn't tell.

    Above a middleware that is sync or async only, Django has all others be the same.
    """
    return hasattr(request, "scope")


def _response(request: OfDjango, answer: _Answer) -> OfDjango:
    fields = dict(answer.headers)
    chunks = _AsyncChunks(answer) if _is_asgi(request) else answer
    response = _Response(chunks, status=answer.status, headers=fields)
    if "content-type" not in fields:
        del response.headers["Content-Type"]  # Django's own: a 304 has none
    return response


class _Response(StreamingHttpResponse):
    """An answer that no middleware changes.

    It streams even where all its bytes are in memory: a middleware that rewrites the content of
    pages would leave them with the tag of the file, or a 206 with the wrong Content-Range.
    """

    def has_header(self, header: str) -> bool:
        """Whether it has the field, or is to stay without: GZipMiddleware compresses all else."""
        return header.lower() == "content-encoding" or header in self.headers


class _AsyncChunks:
    """The bytes of an answer for ASGI. Django awaits what can't be iterated over otherwise."""

    def __init__(self, answer: _Answer) -> None:
        self.close = answer.close
        self._answer = answer

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._answer.chunks()


# All that this room asks of `StaticFiles`, and of the doors.


class _Answer:
    """An answer: its status and fields, an iterator over its bytes, and `close`."""

    def __init__(self, opened: Opened) -> None:
        response, self._body = opened
        self.status, self.headers = response.status, response.headers
        self._length = sum(map(len, response.body))
        parts: OfDjango = response.body  # of bytes, where there is no file
        self._chunks: Iterator[bytes] = iter(self._body or parts)

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, read in a thread where the disk has to be waited for."""
        left = self._length
        while left > 0:
            # Where neither the disk nor the server waits, the task that looks for the client would
            # not get to run.
            await asyncio.sleep(0)
            chunk = self._body.next_now() if self._body else next(self._chunks)
            if chunk is None:
                chunk = await _in_thread(self._chunks.__next__)
            left -= len(chunk)
            yield chunk

    def close(self) -> None:
        if self._body:
            self._body.close()


def _ask(files: StaticFiles, request: OfDjango) -> _Answer | None:
    if request.path_info not in files._look_up.known:
        return None
    opened = open_answer(files, _request(request), has_app=True)
    return _Answer(opened) if opened else None


async def _ask_async(files: StaticFiles, request: OfDjango) -> _Answer | None:
    from ..asgi import _open

    if request.path_info not in files._look_up.known:
        return None
    ours = _request(request)
    try:
        opened = open_at_once(files, ours, read=True)
    except (BlockingIOError, FileChanged, FileNotFoundError):
        opened = await _in_thread(partial(_open, open_answer, files, ours, True, True))
    return _Answer(opened) if opened else None


def _ask_for_page(files: StaticFiles, request: OfDjango) -> _Answer | None:
    if not _falls_back(files) or not files._may_fall_back(request.method or "", request.path_info):
        return None
    opened = open_fallback(files, _request(request), has_app=True)
    return _Answer(opened) if opened else None


def _falls_back(files: StaticFiles) -> bool:
    return files._falls_back


async def _in_thread(work: Callable[[], OfDjango]) -> OfDjango:
    from ..asgi import _in_thread as in_thread

    return await in_thread(work)


def _request(request: OfDjango) -> Request:
    ours = wsgi_door._request(request.META, request.path_info)
    if not _is_asgi(request):
        return ours
    query = ours.query.encode().decode("latin-1")  # Django has decoded it
    return ours._replace(query=query, raw_path=request.scope.get("raw_path"))
