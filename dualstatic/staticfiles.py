"""The corridor: a request's path goes to the look-up, what is found to the reply."""

from __future__ import annotations

import inspect
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

from . import options
from .core import pages, replies
from .core.paths import Gate, admits
from .core.values import Fields, Policy, Request, Resource, Response
from .disk.body import Body, FileChanged
from .disk.folder import Finder, Folder
from .disk.index import Index
from .disk.locks import Lock
from .disk.media_types import MediaTypes
from .disk.packages import package_directory
from .disk.root import Directory, directory_at

_BOUNDARY_KEY = secrets.token_bytes(32)

_WINDOWS = sys.platform == "win32"

_MAX_DEPTH = 100
"""Directories below which no 404 page is looked for."""

_MAX_LENGTH = 1024
"""Characters of a path after which none is looked for: each look goes over all of its directory."""

_TARGETS, _LONG_TARGET = 16, 256
"""Request targets remembered of a resource, and the length from which none is."""

_TRIES = (False, False, True)
"""A file may change under a request twice, before it is taken for a miss the last time."""


@dataclass(frozen=True, slots=True)
class _Policies:
    """What the options say of each file; `ask` says that functions of the user are asked."""

    media_type: MediaTypes
    cache_control: Callable[[str], str | None]
    immutable: Callable[[str], bool]
    headers: Callable[[str], Fields]
    ask: bool

    def __call__(self, name: str) -> Policy:
        caching = options.FOREVER if self.immutable(name) else self.cache_control(name)
        return Policy(self.media_type(name), caching, self.headers(name))


def _policies(
    media_types: Mapping[str, str] | None,
    charset: str | None,
    cache_control: options.CacheControl,
    immutable: options.Immutable,
    headers: options.Headers,
) -> _Policies:
    return _Policies(
        MediaTypes(options.media_types(media_types), options.charset(charset)),
        options.cache_control(cache_control),
        options.immutable(immutable),
        options.headers(headers),
        any(map(callable, (cache_control, immutable, headers))),
    )


def _ways(html: bool, clean_urls: bool) -> tuple[bool, pages.Locate]:
    """Whether `html` is wanted, and the way from a path to its file."""
    html = options.flag("html", html)
    if options.flag("clean_urls", clean_urls):
        return html, pages.clean
    return html, pages.html if html else pages.plain


def _directories(
    directory: options.StrPath | Sequence[options.StrPath] | None,
    packages: options.Packages | None,
    follow_symlink: bool,
    owner: object,
) -> list[Directory]:
    """All directories, in the order of their look-up."""
    follow = options.flag("follow_symlink", follow_symlink)
    pairs = options.packages(packages)
    paths: list[options.StrPath] = [*options.directories(directory)]
    paths += [package_directory(package, folder, owner) for package, folder in pairs]
    if not paths:
        raise TypeError("directory or packages: one of them has to be given")
    return [directory_at(path, follow_symlink=follow) for path in paths]


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
    :param clean_urls: serve `about.html` as `/about`; with the index pages and redirects of `html`
    :param not_found: what a navigation gets that nobody, the app included, has an answer for:
        "404-page", the nearest `404.html`, or "single-page-application", the root's `index.html`
    :param offload: the field by which a server in front is told to send a file: "X-Sendfile", or
        "X-Accel-Redirect: /path", below which nginx has the directory

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
        clean_urls: bool = False,
        not_found: options.NotFound = None,
        offload: str | None = None,
    ) -> None:
        self._html, self._locate_by = _ways(html, clean_urls)
        self._not_found = options.not_found(not_found)
        self._prefix = options.prefix(prefix)
        self._directories = _directories(directory, packages, follow_symlink, owner=self)
        self._policies = _policies(media_types, charset, cache_control, immutable, headers)
        self._set_look_up(encodings, dotfiles, live, memory, offload)
        if options.flag("check_dir", check_dir):
            self.refresh()

    def _set_look_up(
        self,
        encodings: Sequence[str],
        dotfiles: bool,
        live: bool,
        memory: int,
        offload: str | None,
    ) -> None:
        policies, memory = self._policies, options.memory(memory)
        codings = options.encodings(encodings)
        if offloads := options.offload(offload, len(self._directories)):
            # The bytes, and how they are coded, are the other server's business.
            codings, memory = (), 0
        describe = partial(replies.describe, offload=offloads)
        finder = Finder(codings, policies, describe, policies.ask)
        gate = Gate(self._prefix, options.flag("dotfiles", dotfiles), _WINDOWS)
        paths = pages.own_path if self._locate_by is pages.plain else pages.spellings
        self._look_up: Folder | Index = (
            Folder(finder, self._directories, gate)
            if options.flag("live", live)
            else Index(finder, self._directories, gate, memory, paths)
        )
        self._checking, self._checked = Lock(), False

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
        self._look_up.refresh()
        self._checked = True

    def _get_ready(
        self,
        resource: Resource,
        path: str,
        raw_path: bytes | None,
        accept_encoding: str | None,
        if_none_match: str | None,
    ) -> Response | None:
        """The answer to a GET with no other field that matters, if all of it is in memory.

        It is the same as that of `get_response`, for less: a door asks for it first, with what
        answered the path before.
        """
        chosen = resource.only or replies.select(resource, accept_encoding)
        if not chosen or (
            raw_path not in resource.targets and not _admits(resource, raw_path, path)
        ):
            return None
        if if_none_match is not None:
            # A browser sends back the one tag that it got; a list is for the long way.
            return chosen.not_modified if if_none_match == chosen.stored.etag else None
        if response := chosen.in_memory:
            try:  # noqa: SIM105 (to enter a context would take longer than all the rest)
                self._look_up.use(path)
            except KeyError:
                pass  # it has made room for others just now
        return response

    def get_response(self, request: Request, *, wait: bool | None = True) -> Response | None:
        """The answer to a request; None: it is the app's to answer.

        With `wait=False` the disk is not touched: whether a file is still the one that the answer
        speaks of is for `Body` to say. With `wait=None` it is touched as far as the system has in
        its cache what is asked for (Linux), so that nobody waits for it; the file that the answer
        names can then be opened without a wait, too.

        :raises BlockingIOError: the disk would have to be touched, and `wait` is not True
        :raises NotADirectoryError: a directory is missing, where `check_dir` is False
        """
        if request.method not in ("GET", "HEAD"):
            return None
        self._make_sure(request.path, wait=bool(wait))
        for last in _TRIES:
            (path, canonical), resource = self._locate(request.path, wait=wait)
            if resource is None or not admits(request.raw_path, request.path):
                return None
            if canonical != request.path:
                return replies.redirect(request, canonical)
            chosen = replies.select(resource, request.headers.get("accept-encoding"))
            if chosen is None:
                return None
            response = replies.respond(request, chosen, now=time.time(), key=_BOUNDARY_KEY)
            if self._is_current(path, response, resource, wait=wait, last=last):
                if self._look_up.ready.get(request.path) is not resource:
                    self._look_up.remember(request.path, resource)
                return response
        return None

    def get_fallback(self, request: Request, *, has_app: bool) -> Response | None:
        """What a request gets that `get_response` has no answer for; None: the app's own answer.

        With one, it is the page that `not_found` promises to a navigation. Without an app never
        None: 405 where the name exists (RFC 9110 section 15.5.6), else 404.
        """
        if has_app and self._not_found is None:
            return None
        self._make_sure(request.path, wait=True)
        response = self._page(request)
        if not has_app:
            response = self._refusal(request, response)
        return replies.without_body(response) if response and request.method == "HEAD" else response

    def _refusal(self, request: Request, page: Response | None) -> Response:
        """What a request gets where there is no app."""
        _, resource = self._locate(request.path, wait=True)
        if resource and not admits(request.raw_path, request.path):
            resource = None
        if resource and request.method not in ("GET", "HEAD"):
            allow = ("allow", "GET, HEAD")
            return replies.message(405, "Method Not Allowed", (allow, replies.NOSNIFF))
        response = page or replies.message(404, "Not Found")
        if self._not_found:
            response = replies.varying(response, *replies.deciding_fields(request))
        if resource and resource.varies:
            response = replies.varying(response, "Accept-Encoding")
        return response

    @property
    def _falls_back(self) -> bool:
        """Whether an app's 404 may get a page in its place."""
        return self._not_found is not None

    def _may_fall_back(self, method: str, path: str) -> bool:
        """Whether that may be so for this request."""
        return method in ("GET", "HEAD") and f"{path}/".startswith(f"{self._prefix}/")

    def _make_sure(self, path: str, *, wait: bool) -> None:
        """Where `check_dir` is False: look for the directories at the first request below them."""
        if self._checked or not f"{path}/".startswith(f"{self._prefix}/"):
            return
        if not wait:
            raise BlockingIOError("the first request looks for the directories")
        with self._checking:
            if not self._checked:
                self.refresh()

    def _locate(self, path: str, *, wait: bool | None) -> tuple[pages.Located, Resource | None]:
        """The file that a path leads to, its canonical path, and what is there."""
        found: dict[str, Resource | None] = {}

        def has(at: str) -> bool:
            if at not in found:
                found[at] = self._look_up.look_up(at, wait=wait)
            return found[at] is not None

        located = self._locate_by(path, has)
        if located is None:
            return pages.Located(path, path), None
        return located, found[located.path]

    def _is_current(
        self,
        path: str,
        response: Response,
        resource: Resource,
        *,
        wait: bool | None,
        last: bool = False,
    ) -> bool:
        """Whether the file to read is still the one remembered, and a sibling's original too.

        Where there is no time to look, the body will tell.
        """
        file, plain = response.file, resource.representations[0].stored.file
        if file is None or wait is False:
            return True
        if wait is None and not all(each.opener.is_cached(each.name) for each in {file, plain}):
            raise BlockingIOError("a file that is about to be read is looked at first")
        return self._look_up.is_current(path, resource, file, last=last)

    def _page(self, request: Request) -> Response | None:
        """The page for a path below the prefix that nobody has an answer for."""
        if not f"{request.path}/".startswith(f"{self._prefix}/"):
            return None
        if self._not_found is None:
            return self._404_page(request) if self._html else None
        if not replies.is_navigation(request) or self._policies.media_type.is_asset(request.path):
            return None
        vary = replies.deciding_fields(request)
        if self._not_found == "404-page":
            return self._404_page(request, *vary)
        return self._page_at(f"{self._prefix}/index.html", 200, request, *vary)

    def _404_page(self, request: Request, *vary: str) -> Response | None:
        """The nearest 404.html, from the request's directory upward."""
        below = request.path[len(self._prefix) :][:_MAX_LENGTH]
        folders = below.split("/")[1:-1][:_MAX_DEPTH]
        for depth in range(len(folders), -1, -1):
            path = "/".join([self._prefix, *folders[:depth], "404.html"])
            if response := self._page_at(path, 404, request, *vary):
                return response
        return None

    def _page_at(self, path: str, status: int, request: Request, *vary: str) -> Response | None:
        for last in _TRIES:
            resource = self._look_up.look_up(path, wait=True)
            chosen = resource and replies.select(resource, request.headers.get("accept-encoding"))
            if not resource or not chosen:
                return None
            response = replies.page(status, resource, chosen, *vary)
            if self._is_current(path, response, resource, wait=True, last=last):
                return response
        return None


def _admits(resource: Resource, raw_path: bytes | None, path: str) -> bool:
    """As `admits`, and remembers targets, which clients repeat."""
    if not admits(raw_path, path):
        return False
    if raw_path and len(resource.targets) < _TARGETS and len(raw_path) < _LONG_TARGET:
        resource.targets.add(raw_path)
    return True


def check_arguments(app: object, called_with: str, files: object, **switches: bool) -> None:
    """What both doors take; `called_with` are the arguments of an app of theirs."""
    if (app is not None and not callable(app)) or isinstance(app, StaticFiles):
        raise TypeError(f"app takes an app to put the files in front of, or None, not {app!r}")
    if app is not None and not _can_be_called(app, called_with.split()):
        raise TypeError(f"app takes an app that is called with {called_with}, not {app!r}")
    if not isinstance(files, StaticFiles):
        raise TypeError(f"files takes a StaticFiles, not {files!r}")
    for name, value in switches.items():
        options.flag(name, value)


def _can_be_called(app: Callable[..., object], arguments: Sequence[str]) -> bool:
    """False for an app of the other door, where its signature tells."""
    try:
        signature = inspect.signature(app)
    except (TypeError, ValueError):  # it has none to look at
        return True
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True


Answer = tuple[Response, Body | None]
"""An answer, and its body if a file had to be opened."""


def open_answer(files: StaticFiles, request: Request, *, has_app: bool) -> Answer | None:
    """The answer to a request; None: it is the app's.

    A file that changes in between is asked for again; one that never holds still is a miss.
    """
    opened = _open(lambda: files.get_response(request))
    return opened if opened or has_app else open_fallback(files, request, has_app=False)


def open_fallback(files: StaticFiles, request: Request, *, has_app: bool) -> Answer | None:
    """What a request gets that had no answer so far; None: the answer of the app."""
    if opened := _open(lambda: files.get_fallback(request, has_app=has_app)):
        return opened
    return None if has_app else (replies.message(404, "Not Found"), None)


def open_at_once(files: StaticFiles, request: Request, *, read: bool) -> Answer | None:
    """As `open_answer`, but it raises where it has to wait for the disk, or to ask again.

    `read` has the first chunk read, too.

    :raises BlockingIOError, FileChanged, FileNotFoundError: `open_answer` has to be asked
    """
    response = files.get_response(request, wait=None)
    if response is None or response.file is None:
        return None if response is None else (response, None)
    body = Body(response)
    if read:
        body.read_ahead(wait=False)
    return response, body


def _open(ask: Callable[[], Response | None]) -> Answer | None:
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
