"""Static files in Django's MIDDLEWARE, where those above it see the answers, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable
from contextlib import suppress
from functools import partial
from logging import DEBUG
from typing import TYPE_CHECKING

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import Http404, StreamingHttpResponse
from django.utils.cache import patch_vary_headers

from .. import wsgi as wsgi_door
from ..core.replies import deciding_fields
from ..core.values import Request
from ..disk.body import Answer
from ..disk.errors import logger
from ..doors import is_miss, make_request
from ..staticfiles import StaticFiles
from ..views import FileOfView
from .checks import served
from .settings import OfDjango

if TYPE_CHECKING:
    from ..options import Headers


class StaticMiddleware:
    """For MIDDLEWARE: answers requests for files, under WSGI and under ASGI.

    Options are taken from the setting DUALSTATIC, see `static_files`.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[OfDjango], OfDjango]) -> None:
        self._get_response = get_response
        self._files = served()
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: OfDjango) -> OfDjango:
        if self._is_async:
            return self._call_async(request)
        for files in self._files:
            if _may_answer(files, request) and (answer := files.answer(_request(request))):
                return _response(request, answer)
        return self._or_page(request, self._get_response(request))

    async def _call_async(self, request: OfDjango) -> OfDjango:
        from ..asgi_sending import in_thread, open_answer

        for files in self._files:
            if _may_answer(files, request):
                ask = partial(files.answer, _request(request))
                if answer := await open_answer(ask, read=True):
                    return _response(request, answer)
        response = await self._get_response(request)
        if any(_may_be_replaced(response, files, request) for files in self._files):
            return await in_thread(partial(self._or_page, request, response))
        return response

    def _or_page(self, request: OfDjango, response: OfDjango) -> OfDjango:
        """The answer of the app or, where it has none, the page that is wanted.

        :raises NotADirectoryError: a directory is missing, and the app has no answer
        """
        for files in reversed(self._files):
            if _may_be_replaced(response, files, request):
                ours = _request(request)
                if answer := files.fallback(ours, has_app=True):
                    _discard(response)
                    response = _response(request, answer)
                else:  # a cache has to know that another request may get a page
                    patch_vary_headers(response, deciding_fields(ours))
        return response


def _may_be_replaced(response: OfDjango, files: StaticFiles, request: OfDjango) -> bool:
    """Whether the app has no answer, and the files may have a page or an error in its place."""
    return is_miss(
        files, str(int(response.status_code)), response.items()
    ) and files.site.may_fall_back(request.method or "", request.path_info)


def _may_answer(files: StaticFiles, request: OfDjango) -> bool:
    """Whether the files are to be asked; for the log they say of each request why it is a miss."""
    return request.path_info in files.site.look_up.covers or logger.isEnabledFor(DEBUG)


def file_response(
    request: OfDjango,
    files: StaticFiles,
    name: str,
    *,
    filename: str | None = None,
    headers: Headers = None,
) -> OfDjango:
    """A file as the answer of a view; in an async view: `return await file_response(...)`.

    `name` is that of a file below the directory of `files`, whatever the path of the request. It
    may come from a client: it can't lead out. Conditions, ranges, and the options on a file's bytes
    and fields count as anywhere, but for `immutable` and `dictionaries`.

    :param filename: the name under which the file is to be saved (RFC 6266): any text
    :param headers: more fields, or a function from `name` to them; they are the strongest,
        but for those that make uploads safe

    :raises Http404: there is no such file
    :raises TypeError, ValueError: an argument is wrong; the message names it, and what it takes
    """
    file = FileOfView(files, name, filename=filename, headers=headers)
    ask = partial(file.answer, _request(request))
    if _in_an_event_loop():
        return _file_response_async(request, ask)
    return _file_or_404(request, ask())


async def _file_response_async(request: OfDjango, ask: Callable[..., Answer | None]) -> OfDjango:
    from ..asgi_sending import open_answer

    return _file_or_404(request, await open_answer(ask, read=True))


def _file_or_404(request: OfDjango, answer: Answer | None) -> OfDjango:
    if answer is None:
        raise Http404
    return _response(request, answer)


def _in_an_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


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


def _response(request: OfDjango, answer: Answer) -> OfDjango:
    fields = dict(answer.headers)
    response = _Response(_chunks(request, answer), status=answer.status, headers=fields)
    if "content-type" not in fields:
        del response.headers["Content-Type"]  # Django's own: a 304 has none
    return response


def _chunks(request: OfDjango, answer: Answer) -> Iterable[bytes] | AsyncIterable[bytes]:
    if not _is_asgi(request):
        return wsgi_door.chunks(answer)
    from ..asgi_sending import AsyncChunks

    return AsyncChunks(answer)


class _Response(StreamingHttpResponse):
    """An answer that no middleware changes.

    It streams even where all its bytes are in memory: a middleware that rewrites the content of
    pages would leave them with the tag of the file, or a 206 with the wrong Content-Range.
    """

    def has_header(self, header: str) -> bool:
        """Whether it has the field, or is to stay without: GZipMiddleware compresses all else."""
        return header.lower() == "content-encoding" or header in self.headers


def _request(request: OfDjango) -> Request:
    meta, query = request.META, request.META.get("QUERY_STRING", "")
    method = meta.get("REQUEST_METHOD", "")  # Django's own is in upper case, whatever was sent
    if _is_asgi(request):
        method, raw_path = request.scope.get("method", ""), request.scope.get("raw_path")
        query = query.encode().decode("latin-1")  # Django has decoded it
    else:
        raw_path = wsgi_door.read_target(meta)
    fields, mount = wsgi_door.read_fields(meta), meta.get("SCRIPT_NAME", "")
    return make_request(method, request.path_info, query, fields, raw_path, mount)
