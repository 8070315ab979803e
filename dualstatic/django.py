"""Django's door: static files as its settings name them, for wsgi.py, asgi.py or MIDDLEWARE."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from itertools import groupby
from operator import itemgetter
from posixpath import splitext
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urlsplit

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse, StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.module_loading import import_string

from . import options as check
from . import wsgi as wsgi_door
from .core.replies import deciding_fields
from .core.values import Request, Response
from .disk.body import Body, FileChanged
from .staticfiles import Answer, StaticFiles, open_answer, open_at_once, open_fallback

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from .asgi import ASGIApp, Receive, Scope, Send

Option: TypeAlias = Any
"""Of `static_files`."""

OfDjango: TypeAlias = Any
"""What comes from Django, which has no types."""

Place = tuple[str, str]
"""A prefix below STATIC_URL, and a directory."""

_HASH = r"\.(?=[^.]*[0-9])[0-9A-Za-z_-]{8,}"
"""What a hashed name has before its suffix: 12 hexadecimal digits, if Django itself made it."""

_SETTLED = frozenset({"content-length", "content-encoding", "etag"})

_RELATIVE = ("STATIC_URL", "MEDIA_URL")

_OPTIONS = {*inspect.signature(StaticFiles).parameters, "files", "finders"} - {"directory"}


def wsgi(
    application: WSGIApplication, *, file_wrapper: bool = True, **options: Option
) -> WSGIApplication:
    """The application with the static files before it, for wsgi.py. Options: see `static_files`."""
    for files in reversed(static_files(**options)):
        application = wsgi_door.StaticMiddleware(
            application, files=files, file_wrapper=file_wrapper
        )
    return application


def asgi(
    application: ASGIApp, *, pathsend: bool = False, zerocopysend: bool = False, **options: Option
) -> ASGIApp:
    """The application with the static files before it, for asgi.py. Options: see `static_files`."""
    from .asgi import StaticMiddleware as Door

    for files in reversed(static_files(**options)):
        application = Door(application, files=files, pathsend=pathsend, zerocopysend=zerocopysend)
    script_name = settings.FORCE_SCRIPT_NAME
    return _mounted(application, script_name) if script_name else application


def _mounted(application: ASGIApp, script_name: str) -> ASGIApp:
    """The application below FORCE_SCRIPT_NAME, which under ASGI may be part of the path.

    It is so for Django, whatever the server says, and so it has to be for the files.
    """

    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "root_path": script_name}
        await application(scope, receive, send)

    return mounted


def static_files(**options: Option) -> list[StaticFiles]:
    """What the settings say is to be served, in the order of the look-up.

    That is STATIC_ROOT below STATIC_URL, and the hashed names of its manifest are immutable; with
    DEBUG, the directories of the finders, live. Options are those of `StaticFiles`, and may stand
    in the setting DUALSTATIC, too; `immutable` names more such files. `finders` says whether the
    finders' directories take the place of STATIC_ROOT. `files` come after these: directories, to be
    served at the root with the same options, or StaticFiles of your own.

    :raises ImproperlyConfigured: a setting is wrong; the message names it, and what it takes
    :raises TypeError, ValueError: an option is wrong
    """
    options = {**_options_of_the_settings(), **options}
    others = options.pop("files", ())
    prefix = check.prefix(options.pop("prefix")) if "prefix" in options else _prefix()
    options.setdefault("live", settings.DEBUG)
    finders = options.pop("finders", None)
    if unknown := options.keys() - _OPTIONS:
        raise TypeError(f"{min(unknown)} is none of the options: {', '.join(sorted(_OPTIONS))}")
    if finders is None:
        finders = settings.DEBUG and apps.is_installed("django.contrib.staticfiles")
    if check.flag("finders", finders):
        found = _from_finders(prefix, options)
    else:
        found = [_from_root(prefix, options)]
    return [*found, *_others(others, options)]


def _options_of_the_settings() -> dict[str, Option]:
    options = getattr(settings, "DUALSTATIC", {})
    if not isinstance(options, Mapping):
        raise ImproperlyConfigured(f"DUALSTATIC takes a dict of options, not {options!r}")
    return dict(options)


def _others(value: Option, options: dict[str, Option]) -> Iterator[StaticFiles]:
    """Those of the option `files`."""
    for each in value if isinstance(value, list | tuple) else [value]:
        if isinstance(each, StaticFiles):
            yield each
        elif isinstance(each, str | os.PathLike):
            yield StaticFiles(each, **options)
        else:
            raise TypeError(f"files takes directories and StaticFiles, not {each!r}")


def _from_root(prefix: str, options: dict[str, Option]) -> StaticFiles:
    root = settings.STATIC_ROOT
    if not root:
        takes = "STATIC_ROOT takes the directory that collectstatic writes to"
        raise ImproperlyConfigured(f"{takes}, not {root!r}")
    if options.get("check_dir", True) and not os.path.isdir(root):
        takes = "STATIC_ROOT takes the directory that collectstatic writes to (has it been run?)"
        raise ImproperlyConfigured(f"{takes}, and there is none at {os.fspath(root)!r}")
    return StaticFiles(root, prefix=prefix, **{**options, "immutable": _immutable(options)})


def _from_finders(prefix: str, options: dict[str, Option]) -> list[StaticFiles]:
    """One after the other: a directory of another prefix may come between two of the same."""
    return [
        StaticFiles([path for _, path in places], prefix=f"{prefix}/{below}", **options)
        for below, places in groupby(_places(), itemgetter(0))
    ]


def _places() -> Iterator[Place]:
    """The directories that the finders look in, in their order. Django warns of missing ones."""
    from django.contrib.staticfiles.finders import get_finders

    for finder in get_finders():
        for prefix, path in _places_of(finder):
            if os.path.isdir(path):
                yield prefix, os.fspath(path)


def _places_of(finder: OfDjango) -> list[Place]:
    if hasattr(finder, "locations"):  # its storages know no directory of two prefixes
        return list(finder.locations)
    if hasattr(finder, "storages"):
        storages = list(finder.storages.values())
    else:
        storages = list({id(storage): storage for _, storage in finder.list(None)}.values())
    local = [storage for storage in storages if getattr(storage, "location", None)]
    return [(getattr(storage, "prefix", None) or "", storage.location) for storage in local]


def _prefix() -> str:
    """Where STATIC_URL leads below the mount point; on a CDN, whose paths are ours, too."""
    # As it stands in the settings: Django adds the script name of the first request to ask for it.
    url = settings._wrapped.STATIC_URL
    takes = "STATIC_URL takes a URL or its path, such as 'static/'"
    if not url:
        raise ImproperlyConfigured(f"{takes}, not {url!r}")
    try:
        path = check.prefix(unquote(urlsplit(url).path))
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"{takes}, not {url!r}") from error
    mount = (settings.FORCE_SCRIPT_NAME or "").rstrip("/")
    is_whole = url.startswith(("/", "http://", "https://"))
    return path.removeprefix(mount) if is_whole and f"{path}/".startswith(f"{mount}/") else path


def _immutable(options: dict[str, Option]) -> check.Immutable:
    """The hashed names, and those of the option."""
    hashed, wanted = _hashed_names(), options.get("immutable")
    if not hashed:
        return wanted
    also = check.immutable(wanted)
    return lambda name: name in hashed or also(name)


def _hashed_names() -> frozenset[str]:
    """The names in the manifest of the storage, if it has one, that tell of their content."""
    from django.contrib.staticfiles.storage import ManifestFilesMixin

    storage = settings.STORAGES.get("staticfiles", {})
    backend = import_string(storage["BACKEND"]) if storage else None
    if not isinstance(backend, type) or not issubclass(backend, ManifestFilesMixin):
        return frozenset()
    with _no_url_remembered():
        # One of our own: the one that all share remembers STATIC_URL as well.
        manifest = backend(**storage.get("OPTIONS", {})).hashed_files
    return frozenset(hashed for name, hashed in manifest.items() if _is_hashed(name, hashed))


def _is_hashed(name: str, hashed: str) -> bool:
    stem, suffix = splitext(name)
    return bool(re.fullmatch(f"{re.escape(stem)}{_HASH}{re.escape(suffix)}", hashed))


@contextmanager
def _no_url_remembered() -> Iterator[None]:
    """Let Django ask for its relative URLs without keeping what it gets.

    It makes them of the script name of the request in hand, once; here there is none.
    """
    known = [name for name in _RELATIVE if name in settings.__dict__]
    try:
        yield
    finally:
        for name in _RELATIVE:
            if name not in known:
                settings.__dict__.pop(name, None)


class StaticMiddleware:
    """For MIDDLEWARE: answers requests for files where those above it see the answers, too.

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
        for files in self._asked(request):
            if opened := open_answer(files, _request(request), has_app=True):
                return _response(request, opened)
        return self._page(request, self._get_response(request))

    async def _call_async(self, request: OfDjango) -> OfDjango:
        from .asgi import _in_thread

        for files in self._asked(request):
            if opened := await _open_async(files, _request(request)):
                return _response(request, opened)
        response = await self._get_response(request)
        if not any(files._falls_back for files in self._files):
            return response
        return await _in_thread(partial(self._page, request, response))

    def _asked(self, request: OfDjango) -> list[StaticFiles]:
        """Those that may have an answer; for most requests, none."""
        path = request.path_info
        return [files for files in self._files if path in files._look_up.known]

    def _page(self, request: OfDjango, response: OfDjango) -> OfDjango:
        """The answer of the app or, in the place of a 404, the page that is wanted."""
        method, path = request.method or "", request.path_info
        for files in reversed(self._files):
            if response.status_code != 404:
                break
            if files._falls_back and files._may_fall_back(method, path):
                ours = _request(request)
                if opened := open_fallback(files, ours, has_app=True):
                    _discard(response)
                    response = _response(request, opened)
                else:  # a cache has to know that another request may get a page
                    patch_vary_headers(response, deciding_fields(ours))
        return response


async def _open_async(files: StaticFiles, request: Request) -> Answer | None:
    from .asgi import _in_thread, _open

    try:
        return open_at_once(files, request, read=True)
    except (BlockingIOError, FileChanged, FileNotFoundError):
        return await _in_thread(partial(_open, open_answer, files, request, True, True))


def _request(request: OfDjango) -> Request:
    # Django has decoded both.
    ours = wsgi_door._request(request.META, request.path_info, request.META["SCRIPT_NAME"])
    if not _is_asgi(request):
        return ours
    query = ours.query.encode().decode("latin-1")  # Django has decoded it
    return ours._replace(query=query, raw_path=request.scope.get("raw_path"))


def _is_asgi(request: OfDjango) -> bool:
    """Whether the answer goes out by ASGI, which our own mode doesn't tell.

    A middleware below that is sync or async only has all above it be the same.
    """
    return hasattr(request, "scope")


def _response(request: OfDjango, opened: Answer) -> OfDjango:
    response, body = opened
    fields = dict(response.headers)
    if body is None:
        whole: tuple[Any, ...] = response.body
        answer = _Whole(b"".join(whole), status=response.status, headers=fields)
    else:
        chunks = _AsyncBody(response, body) if _is_asgi(request) else wsgi_door.Chunks(body)
        answer = _Streamed(chunks, status=response.status, headers=fields)
    if "content-type" not in fields:
        del answer.headers["Content-Type"]  # Django's own: a 304 has none
    return answer


def _discard(response: OfDjango) -> None:
    """Close what an answer holds that nobody gets. Its `close` would also end the request."""
    for close in response._resource_closers:
        with suppress(Exception):  # as Django does
            close()


class _Settled:
    """An answer that no middleware completes.

    CommonMiddleware would give a 304 the length 0, GZipMiddleware compress a part of a file, whose
    Content-Range is then wrong, and ConditionalGetMiddleware hash a page that has no tag.
    """

    def has_header(self, header: str) -> bool:
        """Whether it has the field, or is to stay without."""
        return header.lower() in _SETTLED or header in self.headers  # type: ignore[attr-defined]


class _Whole(_Settled, HttpResponse):
    """An answer that needs no file."""


class _Streamed(_Settled, StreamingHttpResponse):
    """An answer whose file is open, until Django or the server closes it."""


class _AsyncBody:
    """The bytes of an answer for ASGI, read in a thread where the disk has to be waited for."""

    def __init__(self, response: Response, body: Body) -> None:
        self._body = body
        self._left = sum(map(len, response.body))

    def __aiter__(self) -> _AsyncBody:
        return self

    async def __anext__(self) -> bytes:
        from .asgi import _in_thread

        if self._left <= 0:
            raise StopAsyncIteration
        # Where neither the disk nor the server waits, the task that looks for the client would not
        # get to run.
        await asyncio.sleep(0)
        chunk = self._body.next_now()
        if chunk is None:
            chunk = await _in_thread(self._body.__next__)
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        self._body.close()
