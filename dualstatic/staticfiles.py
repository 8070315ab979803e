"""The corridor: a request's path goes to the look-up, what is found to the reply."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

from . import options
from .core import replies
from .core.paths import Gate, admits
from .core.values import Fields, Look, Policy, Request, Resource, Response
from .disk.body import Body, FileChanged
from .disk.directory import Directory
from .disk.folder import Finder, Folder
from .disk.index import Index
from .disk.locks import Lock
from .disk.media_types import MediaTypes
from .disk.packages import package_directory

_BOUNDARY_KEY = secrets.token_bytes(32)

_WINDOWS = sys.platform == "win32"

_MAX_DEPTH = 100
"""Directories below which no 404 page is looked for."""

_TRIES = (False, False, True)
"""A file may change under a request twice, before it is taken for a miss the last time."""


@dataclass(frozen=True, slots=True)
class _Describer:
    """What the options say of each file."""

    media_type: MediaTypes
    cache_control: Callable[[str], str | None]
    immutable: Callable[[str], bool]
    headers: Callable[[str], Fields]

    def __call__(self, name: str, looks: Sequence[Look]) -> Resource:
        caching = options.FOREVER if self.immutable(name) else self.cache_control(name)
        policy = Policy(self.media_type(name), caching, self.headers(name))
        varies = any(look.stored.coding for look in looks)
        forms = tuple(replies.represent(look, policy, varies=varies) for look in looks)
        return Resource(forms, policy, varies, settled=not any(look.fresh for look in looks))


def _finder(
    encodings: Sequence[str],
    media_types: Mapping[str, str] | None,
    charset: str | None,
    cache_control: options.CacheControl,
    immutable: options.Immutable,
    headers: options.Headers,
) -> Finder:
    describe = _Describer(
        MediaTypes(options.media_types(media_types), options.charset(charset)),
        options.cache_control(cache_control),
        options.immutable(immutable),
        options.headers(headers),
    )
    asks = any(map(callable, (cache_control, immutable, headers)))
    return Finder(options.encodings(encodings), describe, asks)


def _look_up(live: bool, memory: int) -> Callable[..., Folder | Index]:
    memory = options.memory(memory)
    return Folder if options.flag("live", live) else partial(Index, memory=memory)


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
    """What is served, and how. Put it behind one of the two `StaticMiddleware`.

    :param directory: a path, or several: what an earlier one has hides the same name in a later one
    :param packages: installed packages, or pairs of a package and its folder (`statics`)
    :param html: serve `index.html` for directories, and `404.html` for misses where no app is
    :param check_dir: raise now if a directory is missing, not at the first request below it
    :param follow_symlink: let links lead out of the directory
    :param prefix: the decoded URL path of the directory, below the mount point
    :param live: look at the disk at each request; otherwise names are read once, see `refresh`
    :param dotfiles: serve names that begin with a dot, not `.well-known` alone
    :param encodings: content codings whose siblings are looked for: zstd, br, gzip
    :param cache_control: a Cache-Control, or a function from a file's name to one or None
    :param immutable: names that never change: a regular expression, or a function of the name
    :param headers: more fields: a mapping, or a function from a file's name to one
    :param media_types: media types by suffix (`.ext`) or by whole file name
    :param charset: the charset of `text/*`, or None
    :param memory: bytes of files kept in memory, 0 for none; not in live mode

    :raises TypeError, ValueError: an option is wrong; the message names it, and what it takes
    :raises NotADirectoryError: a directory is missing
    """

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
        memory: int = 2**26,
    ) -> None:
        self._html = options.flag("html", html)
        self._prefix = options.prefix(prefix)
        self._directories = _directories(directory, packages, follow_symlink, owner=self)
        finder = _finder(encodings, media_types, charset, cache_control, immutable, headers)
        gate = Gate(self._prefix, options.flag("dotfiles", dotfiles), _WINDOWS)
        self._files = _look_up(live, memory)(finder, self._directories, gate)
        self._checking, self._checked = Lock(), False
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

    def _may_answer(self, path: str) -> bool:
        """False where a path is the app's for sure; a door asks before it makes a Request."""
        return self._files.may_answer(path)

    def _get_ready(
        self, path: str, accept_encoding: str | None, raw_path: bytes | None
    ) -> Response | None:
        """The answer to a GET without preconditions and ranges, if its bytes are in memory.

        It is the same as that of `get_response`, for less: a door asks for it first.
        """
        resource = self._files.ready(path)
        chosen = resource and replies.select(resource, accept_encoding)
        response = chosen and chosen.in_memory
        if not response or not admits(raw_path, path):
            return None
        self._files.use(path)
        return response

    def get_response(self, request: Request, *, wait: bool = True) -> Response | None:
        """The answer to a request; None: it is the app's to answer.

        :raises BlockingIOError: the disk would have to be touched, and `wait` is False
        :raises NotADirectoryError: a directory is missing, where `check_dir` is False
        """
        if request.method not in ("GET", "HEAD"):
            return None
        self._make_sure(request.path, wait=wait)
        for last in _TRIES:
            path, resource = self._locate(request.path, wait=wait)
            if resource is None or not admits(request.raw_path, request.path):
                return None
            if path != request.path and not request.path.endswith("/"):
                return replies.redirect_to_slash(request)
            chosen = replies.select(resource, request.headers.get("accept-encoding"))
            if chosen is None:
                return None
            response = replies.respond(request, chosen, now=time.time(), key=_BOUNDARY_KEY)
            if self._is_current(path, response, resource, wait=wait, last=last):
                if path != request.path:
                    self._files.remember(request.path, resource)
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
            index = f"{path}index.html" if path.endswith("/") else f"{path}/index.html"
            path, resource = index, self._files.look_up(index, wait=wait)
        return path, resource

    def _is_current(
        self, path: str, response: Response, resource: Resource, *, wait: bool, last: bool
    ) -> bool:
        """Whether the file to read is still the one remembered, and a sibling's original too."""
        if response.file is None:
            return True
        files = {response.file, resource.representations[0].stored.file}
        return self._files.is_current(path, files, wait=wait, last=last)

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
        for last in _TRIES:
            resource = self._files.look_up(path, wait=True)
            chosen = resource and replies.select(resource, request.headers.get("accept-encoding"))
            if not resource or not chosen:
                return None
            response = replies.not_found_page(resource, chosen)
            if self._is_current(path, response, resource, wait=True, last=last):
                return response
        return None


def check_arguments(app: object, files: object) -> None:
    """What both doors take."""
    if (app is not None and not callable(app)) or isinstance(app, StaticFiles):
        raise TypeError(f"app takes an app to put the files in front of, or None, not {app!r}")
    if not isinstance(files, StaticFiles):
        raise TypeError(f"files takes a StaticFiles, not {files!r}")


def open_answer(
    files: StaticFiles, request: Request, *, has_app: bool
) -> tuple[Response, Body | None] | None:
    """The answer to a request, and its body if a file had to be opened; None: it is the app's.

    A file that changes in between is asked for again; one that never holds still is a miss.
    """
    asks = (
        lambda: files.get_response(request),
        lambda: files.get_fallback(request, has_app=has_app),
        lambda: None if has_app else replies.message(404, "Not Found"),
    )
    return next((opened for ask in asks if (opened := _open(ask))), None)


def _open(ask: Callable[[], Response | None]) -> tuple[Response, Body | None] | None:
    for _ in _TRIES:
        response = ask()
        if response is None:
            return None
        if response.file is None:
            return response, None
        try:
            return response, Body(response)
        except FileChanged:
            continue
        except FileNotFoundError:
            return None
    return None
