"""The corridor: a request's path goes to the look-up, what is found to the reply."""

from __future__ import annotations

import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from . import options
from .core import replies
from .core.paths import Gate, admits
from .core.values import Fields, Policy, Request, Resource, Response, Stored
from .disk.body import Body, FileChanged
from .disk.directory import Directory
from .disk.folder import Finder, Folder
from .disk.index import Index
from .disk.media_types import MediaTypes
from .disk.packages import package_directory

_BOUNDARY_KEY = secrets.token_bytes(32)

_WINDOWS = sys.platform == "win32"

_MAX_DEPTH = 100
"""Directories below which no 404 page is looked for."""

_TRIES = 3
"""How often a file may change under a request before it is taken for a miss."""


@dataclass(frozen=True, slots=True)
class _Describer:
    """What the options say of each file."""

    media_type: MediaTypes
    cache_control: Callable[[str], str | None]
    immutable: Callable[[str], bool]
    headers: Callable[[str], Fields]

    def __call__(self, name: str, stored: tuple[Stored, ...], settled: bool) -> Resource:
        caching = options.FOREVER if self.immutable(name) else self.cache_control(name)
        policy = Policy(self.media_type(name), caching, self.headers(name))
        varies = any(form.coding for form in stored)
        forms = tuple(replies.represent(form, policy, varies=varies) for form in stored)
        return Resource(forms, policy, varies, settled)


def _describer(
    media_types: Mapping[str, str] | None,
    charset: str | None,
    cache_control: options.CacheControl,
    immutable: options.Immutable,
    headers: options.Headers,
) -> _Describer:
    return _Describer(
        MediaTypes(options.media_types(media_types), options.charset(charset)),
        options.cache_control(cache_control),
        options.immutable(immutable),
        options.headers(headers),
    )


def _directories(
    directory: options.StrPath | Sequence[options.StrPath] | None,
    packages: options.Packages | None,
    follow_symlink: bool,
    owner: object,
) -> list[Directory]:
    """All directories, in the order of their look-up."""
    follow = options.flag("follow_symlink", follow_symlink)
    pairs = options.packages(packages)
    paths = options.directories(directory)
    paths += [package_directory(package, folder, owner) for package, folder in pairs]
    if not paths:
        raise TypeError("directory or packages: one of them has to be given")
    return [Directory(path, follow_symlink=follow) for path in paths]


class StaticFiles:
    """What is served, and how. Put it behind one of the two `StaticMiddleware`."""

    def __init__(
        self,
        directory: options.StrPath | Sequence[options.StrPath] | None = None,
        *,
        packages: options.Packages | None = None,
        html: bool = False,
        check_dir: bool = True,
        follow_symlink: bool = False,
        prefix: str = "/",
        live: bool = False,
        dotfiles: bool = False,
        encodings: Sequence[str] = ("zstd", "br", "gzip"),
        cache_control: options.CacheControl = "no-cache",
        immutable: options.Immutable = None,
        headers: options.Headers = None,
        media_types: Mapping[str, str] | None = None,
        charset: str | None = "utf-8",
    ) -> None:
        self._html = options.flag("html", html)
        self._prefix = options.prefix(prefix)
        self._directories = _directories(directory, packages, follow_symlink, owner=self)
        describe = _describer(media_types, charset, cache_control, immutable, headers)
        finder = Finder(options.encodings(encodings), describe)
        gate = Gate(self._prefix, options.flag("dotfiles", dotfiles), _WINDOWS)
        look_up = Folder if options.flag("live", live) else Index
        self._files: Folder | Index = look_up(finder, self._directories, gate)
        self._checking, self._checked = threading.Lock(), False
        if options.flag("check_dir", check_dir):
            self.refresh()

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError(
            "StaticFiles is not an app: give it to a StaticMiddleware, as in "
            "dualstatic.asgi.StaticMiddleware(app, files=...) or dualstatic.wsgi.StaticMiddleware"
        )

    def refresh(self) -> None:
        """Look at the directories again, from any thread.

        An index is made anew and swapped in when it is whole; if that fails, it raises and the old
        one stays. In live mode what is remembered of files is forgotten.

        :raises NotADirectoryError: a directory is missing
        """
        for directory in self._directories:
            if not os.path.isdir(directory.path):
                raise NotADirectoryError(f"directory: there is no directory at {directory.path!r}")
        self._files.refresh()
        self._checked = True

    def get_response(self, request: Request, *, wait: bool = True) -> Response | None:
        """The answer to a request; None: it is the app's to answer.

        :raises BlockingIOError: the disk would have to be touched, and `wait` is False
        :raises NotADirectoryError: a directory is missing, where `check_dir` is False
        """
        if request.method not in ("GET", "HEAD"):
            return None
        self._make_sure(request.path, wait=wait)
        for _ in range(_TRIES):
            path, resource = self._locate(request.path, wait=wait)
            if resource is None or not admits(request.raw_path, request.path):
                return None
            if path != request.path and not request.path.endswith("/"):
                return replies.redirect_to_slash(request)
            chosen = replies.select(resource, request.headers.get("accept-encoding"))
            if chosen is None:
                return None
            response = replies.respond(request, chosen, now=time.time(), key=_BOUNDARY_KEY)
            if self._is_current(path, response, wait=wait):
                return response
        return None

    def get_fallback(self, request: Request, *, has_app: bool) -> Response | None:
        """What a request gets that `get_response` has no answer for; None: the app's own answer.

        Without an app never None: 405 where the name exists (RFC 9110 section 15.5.6), else 404.
        """
        if has_app:
            return None
        self._make_sure(request.path, wait=True)
        _, resource = self._locate(request.path, wait=True)
        if resource and not admits(request.raw_path, request.path):
            resource = None
        if resource and request.method not in ("GET", "HEAD"):
            allow = ("allow", "GET, HEAD")
            return replies.message(405, "Method Not Allowed", (allow, replies.NOSNIFF))
        response = self._page(request) or replies.message(404, "Not Found")
        if resource and resource.varies:
            response = replies.varying(response)
        return replies.without_body(response) if request.method == "HEAD" else response

    def _make_sure(self, path: str, *, wait: bool) -> None:
        """Where `check_dir` is False: look for the directories at the first request below them."""
        if self._checked or not f"{path}/".startswith(f"{self._prefix}/"):
            return
        if not wait:
            raise BlockingIOError("the first request looks for the directories")
        with self._checking:
            if not self._checked:
                self.refresh()

    def _locate(self, path: str, *, wait: bool) -> tuple[str, Resource | None]:
        """What a path leads to, and the path of that: its own or, for a directory, its index's."""
        resource = self._files.look_up(path, wait=wait)
        if resource is None and self._html and path:
            path = f"{path}index.html" if path.endswith("/") else f"{path}/index.html"
            resource = self._files.look_up(path, wait=wait)
        return path, resource

    def _is_current(self, path: str, response: Response, *, wait: bool) -> bool:
        file = response.file
        return file is None or self._files.is_current(path, file, wait=wait)

    def _page(self, request: Request) -> Response | None:
        """The nearest 404.html, from the request's directory upward."""
        if not self._html or not request.path.startswith(f"{self._prefix}/"):
            return None
        folders = request.path[len(self._prefix) :].split("/")[1:-1][:_MAX_DEPTH]
        for depth in range(len(folders), -1, -1):
            path = "/".join([self._prefix, *folders[:depth], "404.html"])
            if response := self._page_at(path, request):
                return response
        return None

    def _page_at(self, path: str, request: Request) -> Response | None:
        for _ in range(_TRIES):
            resource = self._files.look_up(path, wait=True)
            chosen = resource and replies.select(resource, request.headers.get("accept-encoding"))
            if not resource or not chosen:
                return None
            response = replies.not_found_page(resource, chosen)
            if self._is_current(path, response, wait=True):
                return response
        return None


def open_answer(
    files: StaticFiles, request: Request, *, has_app: bool
) -> tuple[Response, Body] | None:
    """The answer to a request and its body, opened; None: it is the app's to answer.

    A file that changes in between is asked for again; one that never holds still is a miss.
    """
    asks = (
        lambda: files.get_response(request),
        lambda: files.get_fallback(request, has_app=has_app),
        lambda: None if has_app else replies.message(404, "Not Found"),
    )
    return next((opened for ask in asks if (opened := _open(ask))), None)


def _open(ask: Callable[[], Response | None]) -> tuple[Response, Body] | None:
    for _ in range(_TRIES):
        response = ask()
        if response is None:
            return None
        try:
            return response, Body(response)
        except FileChanged:
            continue
        except FileNotFoundError:
            return None
    return None
