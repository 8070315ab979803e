"""The corridor: a path goes to the look-up, what is found to the reply, and so to an answer."""

from __future__ import annotations

import os
import secrets
import stat
import sys
import time
from collections.abc import Callable, Set
from functools import partial
from typing import Any
from urllib.parse import quote

from .core import pages, replies
from .core.paths import Gate, admits
from .core.values import Fields, Representation, Request, Resource, Response
from .disk.body import SMALL, Answer, read_small
from .disk.errors import logger
from .disk.find import Found, close_all
from .disk.locks import Lock
from .disk.look_up import LookUp
from .disk.memory import Memory
from .disk.root import Directory
from .options import Settings

_WINDOWS = sys.platform == "win32"

_BOUNDARY_KEY = secrets.token_bytes(32)

_MAX_DEPTH = 100
"""Directories below which no 404 page is looked for."""

_MAX_LENGTH = 1024
"""Characters of a path after which none is looked for: each look goes over all of its directory."""


class Site:
    """One tree of files with its look-up and its rules. Both doors ask here.

    `look_up.answers` has what answered a path before, for `pick`; a path that is not in
    `look_up.covers` is never ours. Doors look at both by themselves, to save a call. `is_ready`
    says that all directories were there.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._prefix = settings.prefix
        self.gate = Gate(settings.prefix, settings.dotfiles, _WINDOWS)
        make = partial(Directory, follow_symlink=settings.follow_symlink)
        self.directories = [make(path) for path in settings.directories]
        if settings.previous:
            self.directories.append(make(settings.previous, is_previous=True))
        of_folders = pages.html if settings.html else None
        self._way = pages.clean if settings.clean_urls else of_folders
        self.falls_back = settings.not_found is not None
        self._ask_live = settings.live if callable(settings.live) else None
        is_live, offload = settings.live is True, settings.offload
        self.look_up = LookUp(
            self.directories,
            self.gate,
            settings.policies,
            partial(replies.describe, offload=offload),
            # The bytes of offloaded files, and how they are coded, are the other server's business.
            suffixes=() if offload else settings.suffixes,
            paths=pages.spellings if self._way else lambda file: (file,),
            memory=Memory(0 if offload or is_live else settings.memory),
            is_live=is_live,
        )
        self.is_ready, self._preparing = False, Lock()

    def refresh(self, *, may_be_missing: bool = False) -> None:
        """See `StaticFiles.refresh`. Live, a directory that is missing may be like an empty one."""
        if not may_be_missing:
            self._check_directories()
        if self._ask_live is None:
            try:
                self.look_up.refresh()
            except OSError:
                self._check_directories()  # one may have gone meanwhile
                raise
            self.is_ready = True
        logger.info("%s", self)
        if self.is_ready and not self.look_up.is_live:
            self._warn_of_gaps(self.look_up.known())

    def _check_directories(self) -> None:
        for directory in self.directories:
            if trouble := _trouble(directory.path):
                option = "previous" if directory.is_previous else "directory"
                raise MissingDirectory(f"{option}: {directory.path!r} {trouble}")

    def _warn_of_gaps(self, known: Set[str]) -> None:
        """Say once which option has nothing in the index that it is for."""
        place, policies, start = self.directories[0].path, self.settings.policies, len(self._prefix)
        if self.falls_back and not self._has_page(known):
            self.look_up.warn("there is no page for not_found", place)
        if self.settings.offers_nothing:
            self.look_up.warn("dictionaries does nothing without immutable", place)
        # Names that lead through links to folders are not known: there is no end of them.
        is_sure = policies.foretells and self.look_up.covers is not self.gate
        if is_sure and not any(policies.immutable(path[start + 1 :]) for path in known):
            self.look_up.warn("immutable matches no name", place)

    def _has_page(self, known: Set[str]) -> bool:
        page = self.settings.not_found
        if page == "404-page":
            return any(path.endswith("/404.html") for path in known)
        return callable(page) or self.look_up.knows(f"{self._prefix}{page}")

    def __str__(self) -> str:
        files, how = "", "live" if self.look_up.is_live else "in an index"
        if not self.is_ready:
            how = "live or in an index" if self._ask_live else "not looked at yet"
        elif not self.look_up.is_live:
            files = f"{len(self.look_up.known())} files of "
        places = " and ".join(ascii(directory.path) for directory in self.directories)
        return f"{files}{places} at {self._prefix or '/'!a}, {how}"

    def path_of(self, name: str) -> str:
        """The path of a file, given its name below the directory."""
        return f"{self._prefix}/{name}"

    def may_fall_back(self, method: str, path: str) -> bool:
        """Whether a page, or the error of a missing directory, may replace an app's 404."""
        may = self.falls_back or not self.is_ready
        return may and method in ("GET", "HEAD") and path in self.gate

    def pick(
        self,
        resource: Resource,
        path: str,
        raw_path: bytes | None,
        accept_encoding: str | None,
        if_none_match: str | None,
        query: bytes | str | None,
        dictionary: str | None = None,
        ranges: str | None = None,
        wait: bool = True,
    ) -> Response | None:
        """The answer to a GET with no other field that matters, with all its bytes; or None.

        It is the same as that of `answer`, for less: a door asks for it first, with what answered
        the path before. What is not in memory may be a small file. A browser sends back the one tag
        that it got; a list is for the long way. `ranges` is a Range: a tag beside it counts first.
        """
        chosen = resource.only or replies.select(resource, accept_encoding, dictionary)
        if not (raw_path in resource.targets or replies.is_plain_target(resource, raw_path, path)):
            return None
        if if_none_match is not None:
            response = chosen.not_modified if if_none_match == chosen.file.etag else None
            if self.look_up.is_live and response and not self._read(resource, chosen, wait=wait):
                return None
        elif response := chosen.in_memory:
            try:  # noqa: SIM105 (to enter a context would take longer than all the rest)
                self.look_up.touch(resource)
            except KeyError:
                pass  # it has made room for others just now
            if ranges:
                response = _in_parts(chosen, ranges)
        else:
            response = None if ranges else self._read(resource, chosen, wait=wait)
        return replies.kept(resource, response, query) if query and response else response

    def _read(self, resource: Resource, chosen: Representation, *, wait: bool) -> Response | None:
        """The answer with a small file, read from the disk; None: the long way has to tell."""
        file = chosen.whole.file
        if file is None or file.size > SMALL or chosen.offloaded:
            return None
        try:
            descriptor = self.look_up.open(resource, file, wait=wait)
            content = None if descriptor is None else read_small(descriptor, file, wait=wait)
        except OSError:
            return None
        return None if content is None else Response(200, chosen.whole.headers, (content,))

    def answer(self, request: Request, *, wait: bool) -> Answer | None:
        """See `StaticFiles.answer`."""
        if request.method not in ("GET", "HEAD"):
            return None
        try:
            self._prepare(request.path, wait=wait)
        except MissingDirectory:
            return None
        return self._open(request.path, self._way, partial(self._decide, request), wait=wait)

    def fallback(self, request: Request, *, has_app: bool, wait: bool) -> Answer | None:
        """See `StaticFiles.fallback`."""
        if has_app and not self.may_fall_back(request.method, request.path):
            return None
        self._prepare(request.path, wait=wait)
        if not has_app and self._refuses(request, wait=wait):
            return Answer(replies.not_allowed())
        page = self._page(request, wait=wait)
        if page or has_app:
            return page
        return Answer(
            replies.for_method(request, replies.not_found(self._deciding_fields(request)))
        )

    def url(self, path: str) -> str | None:
        """The address of what answers a path, with its version; None: nothing does."""
        self._prepare(path, wait=True)
        if (known := self.resource_at(path, wait=True)) is None:
            return None
        address, resource = known
        return f"{quote(address)}?{resource.version}".removesuffix("?")

    def answer_with_file(
        self, request: Request, fields: Callable[[], Fields], *, wait: bool
    ) -> Answer | None:
        """A file as an app's own answer, with more fields, which replace others; None: no file.

        A page is the file of its name, and not what else `html` makes of it. `fields` is asked only
        where there is a file: the name may be anything that a client has sent.
        """
        if not admits(None, request.path):
            return None
        self._prepare(request.path, wait=wait)

        of_uploads = self.settings.policies.of_uploads

        def decide(resource: Resource, canonical: str) -> Response:
            ours = replies.with_fields(
                request, resource, fields(), self.settings.offload, of_uploads=of_uploads
            )
            return replies.respond(request, ours, now=time.time(), key=_BOUNDARY_KEY)

        return self._open(request.path, None, decide, wait=wait)

    def _prepare(self, path: str, *, wait: bool) -> None:
        """Look for the directories, if `check_dir` has not done so, before the first answer.

        :raises MissingDirectory: one is missing still
        """
        if self.is_ready or path not in self.gate:
            return
        if not wait:
            raise BlockingIOError("the first request looks for the directories")
        with self._preparing:
            if not self.is_ready:
                if self._ask_live:
                    self.look_up.is_live, self._ask_live = self._ask_live(), None
                self.refresh()

    def _open(
        self,
        path: str,
        way: Callable[..., Any] | None,
        decide: Callable[[Resource, str], Response | None],
        *,
        wait: bool,
    ) -> Answer | None:
        """Find, decide, and put the open file beside the response.

        What a look-up remembers may not be true any more. `open` tells; then the path is looked up
        anew. That opens the file at once, so a third look is never needed.
        """
        for anew in (False, True):
            located = self._locate(path, way, wait=wait, anew=anew)
            if located is None:
                return None
            canonical, (resource, descriptors) = located
            try:
                response = decide(resource, canonical)
                if response is None:
                    return None
                file = response.file
                if not descriptors:
                    descriptor = self.look_up.open(resource, file, wait=wait)
                else:
                    descriptor = descriptors.pop(file.name) if file else -1
                if descriptor is not None:
                    return Answer(response, descriptor)
            finally:
                if descriptors:
                    close_all(descriptors)
        return None

    def resource_at(self, path: str, *, wait: bool) -> tuple[str, Resource] | None:
        """What answers a path, and the path under which it is to be asked for; nothing is open."""
        found: list[tuple[str, Resource]] = []

        def note(resource: Resource, canonical: str) -> Response:
            found.append((canonical, resource))
            return Response(200, ())

        return found[-1] if self._open(path, self._way, note, wait=wait) else None

    def _locate(
        self, path: str, way: Callable[..., Any] | None, *, wait: bool, anew: bool
    ) -> tuple[str, Found] | None:
        """What answers a path, and the path under which it is to be asked for.

        `way` is the one of `pages` by which that may be a page; None: it is the path's own file.
        `anew`: whatever is remembered
        """
        if not anew and way is self._way and (resource := self.look_up.answers.get(path)):
            return path, (resource, {})
        if way is not pages.clean and (found := self.look_up.find(path, wait=wait, anew=anew)):
            return path, found
        if way is None:
            return None
        looks: dict[str, Found | None] = {}

        def look(path: str) -> Found | None:
            if path not in looks:
                looks[path] = self.look_up.find(path, wait=wait, anew=anew)
            return looks[path]

        try:
            file, canonical = way(path, look) or ("", path)
            others = [found for name, found in looks.items() if found and name != file]
            if not anew and not all(self._is_true(found, wait=wait) for found in others):
                return self._locate(path, way, wait=wait, anew=True)
            found = looks.pop(file, None)
            return (canonical, found) if found else None
        finally:
            for _, descriptors in filter(None, looks.values()):
                close_all(descriptors)

    def _is_true(self, found: Found, *, wait: bool) -> bool:
        """Whether what stands in a page's way does so still: it may be remembered."""
        resource, descriptors = found
        return bool(descriptors) or self.look_up.open(resource, None, wait=wait) is not None

    def _decide(self, request: Request, resource: Resource, canonical: str) -> Response | None:
        """The response to a request for what was found."""
        response = replies.decide(request, resource, canonical, now=time.time(), key=_BOUNDARY_KEY)
        known = self.look_up.answers.get(request.path)
        # A page whose own path is another file's may get that one any time.
        in_place = self._way is not pages.clean or not canonical.endswith(".html")
        if response and in_place and canonical == request.path and known is not resource:
            self.look_up.keep(request.path, resource)
        return response

    def _refuses(self, request: Request, *, wait: bool) -> bool:
        """Whether a name exists, but not for this method."""
        if request.method in ("GET", "HEAD") or not admits(request.raw_path, request.path):
            return False
        return self.resource_at(request.path, wait=wait) is not None

    def _page(self, request: Request, *, wait: bool) -> Answer | None:
        """The page for a path below the prefix that nobody has an answer for."""
        wanted = self._wanted_page(request, wait=wait) if request.path in self.gate else None
        if wanted is None:
            return None
        if wanted != "404-page":
            return self._page_at(self._prefix + wanted, 200, request, wait=wait)
        # The nearest one, from the request's directory upward.
        below = request.path[len(self._prefix) :][:_MAX_LENGTH]
        folders = below.split("/")[1:-1][:_MAX_DEPTH]
        for depth in range(len(folders), -1, -1):
            path = "/".join([self._prefix, *folders[:depth], "404.html"])
            if answer := self._page_at(path, 404, request, wait=wait):
                return answer
        return None

    def _wanted_page(self, request: Request, *, wait: bool) -> str | None:
        """What `not_found` has for a request; without that, `html` has the 404 page for all."""
        settings = self.settings
        wanted = settings.not_found
        if wanted is None:
            return "404-page" if settings.html else None
        if not replies.is_navigation(request, settings.policies.media_type.is_asset):
            return None
        if not callable(wanted):
            return wanted
        if not wait:
            raise BlockingIOError("a function among the options is asked")
        return wanted(request.path)

    def _page_at(self, path: str, status: int, request: Request, *, wait: bool) -> Answer | None:
        def decide(resource: Resource, canonical: str) -> Response:
            chosen = replies.select(resource, request.headers.get("accept-encoding"))
            page = replies.page(status, chosen, self._deciding_fields(request))
            return replies.for_method(request, page)

        return self._open(path, None, decide, wait=wait)

    def _deciding_fields(self, request: Request) -> tuple[str, ...]:
        """The fields of a request that tell whether it gets a page."""
        return replies.deciding_fields(request) if self.falls_back else ()


class MissingDirectory(NotADirectoryError, RuntimeError):
    """A directory to serve is missing; the message has its path, and the option that names it."""


def _in_parts(chosen: Representation, ranges: str) -> Response | None:
    """The answer to a Range; None: its bytes have made room for others just now."""
    # The time is asked for by If-Range alone.
    response = replies.in_parts(chosen, {"range": ranges}, now=0, key=_BOUNDARY_KEY)
    return None if response.file else response


def _trouble(path: str) -> str | None:
    """Why a path is no directory to serve; None: it is one."""
    try:
        return None if stat.S_ISDIR(os.stat(path).st_mode) else "is not a directory"
    except (FileNotFoundError, NotADirectoryError):
        return "does not exist"
    except OSError as error:
        return f"can't be looked at: {error.strerror}"
