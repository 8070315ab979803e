"""A name looked up on the disk: the file that stands for it and its siblings, opened and described.

What is opened here is what gets sent: nothing is looked at first and opened later.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Sequence, Set
from dataclasses import dataclass, field
from typing import Protocol

from ..core.codings import SUFFIXES, is_outdated
from ..core.values import File, Look, Policy, Representation, Resource, Response, Stored
from .body import Answer, Body
from .errors import NOT_THERE, LeadsOut, OnceLogger, log_failure
from .root import Directory, Opened, Walk, identity
from .validators import Validators, is_fresh, modified

Place = tuple[Directory, Sequence[str]]
"""A directory to look into, and the content codings of the siblings to look for there."""

Read = Callable[[int, os.stat_result], bytes | None]
"""Reads an open file whose bytes are to be kept in memory; None: they are not."""


@dataclass(slots=True)
class Forms:
    """The stored forms of a name: its file first, then its good siblings, each with its open file.

    `certain` is False where something could not be read that may be there.
    """

    looks: list[Look] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    certain: bool = True

    def found(self, represent: Callable[[Sequence[Look]], Resource]) -> Found:
        """The resource of these forms, with their open files; these are closed if that fails."""
        try:
            return Found(represent(self.looks), self.descriptors)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)


class Found:
    """A resource with the files that the look-up opened, as a context that closes them."""

    __slots__ = ("_descriptors", "resource")

    def __init__(self, resource: Resource, descriptors: Iterable[int]) -> None:
        self.resource = resource
        self._descriptors = dict(zip(resource.representations, descriptors, strict=True))

    def answer(
        self, response: Response, chosen: Representation | None, *, wait: bool
    ) -> Answer | None:
        """The answer with the open file of its representation; here it is never None."""
        if response.file is None or chosen is None:
            return Answer(response)
        return Answer(response, Body(response, self._descriptors.pop(chosen)))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._descriptors = {}


class LookUp(Protocol):
    """What tells a URL path's resource: from the disk each time, or from what is remembered.

    `answers` is what answered a path before, and still does. A path that is not in `covers` is
    never ours.
    """

    covers: Container[str]
    answers: dict[str, Resource]

    def find(self, path: str, *, wait: bool, anew: bool = False) -> Found | None:
        """What is at a path; `anew`: from the disk, whatever is remembered.

        :raises BlockingIOError: the disk would have to be waited for, and `wait` is False
        :raises OSError: the machine's own trouble
        """

    def keep(self, path: str, resource: Resource) -> None:
        """Remember a resource for a path that it answers, if it stays true."""

    def touch(self, resource: Resource) -> None:
        """Its bytes in memory were asked for; KeyError where they are there no more."""

    def known(self) -> Set[str] | None:
        """The paths of all files that an index has; None in live mode."""

    def refresh(self) -> None:
        """Forget what is remembered, or make it anew."""


@dataclass
class Finder:
    """Looks a name up, with the siblings of its file, and says what it leads to.

    `policy` is what the options say of a name; it may ask functions of the user (`asks`).
    `describe` makes a resource of that and of what was found. A file that `is_coded`, for it is
    stored in a content coding, has no siblings.
    """

    encodings: Sequence[str]
    is_coded: Callable[[str], object]
    policy: Callable[[str], Policy]
    describe: Callable[[Sequence[Look], Policy], Resource]
    asks: bool
    validators: Validators = field(default_factory=Validators)
    warn: OnceLogger = field(default_factory=OnceLogger)

    def find(
        self, places: Iterable[Place], name: str, *, wait: bool = True, read: Read | None = None
    ) -> Forms | None:
        """What can be read under a name, all from the first directory that has the file.

        `read` reads what is to be kept in memory. Whoever gets the forms closes their files.

        :raises BlockingIOError: the disk would have to be waited for, and `wait` is False
        :raises OSError: the machine's own trouble
        """
        for place in places:
            if forms := self._find_in(place, name, wait, read):
                return forms
        return None

    def _find_in(self, place: Place, name: str, wait: bool, read: Read | None) -> Forms | None:
        directory, _ = place
        try:
            # A name may be missing behind a link because a deploy has just switched that link and
            # then removed what it led to. A second look finds it.
            for _ in range(2):
                with directory.walk(wait=wait) as walk:
                    if forms := self._look_into(walk, place, name, wait, read):
                        return forms
                    if not walk.links:
                        return None
        except BlockingIOError:
            raise
        except OSError as error:  # of the root itself, or the machine's own trouble
            log_failure(error, directory.path)
            self._miss(error, lambda: directory.path)
        except UnicodeEncodeError:
            pass  # a name that the host's encoding can't express is in no directory
        return None

    def _look_into(
        self, walk: Walk, place: Place, name: str, wait: bool, read: Read | None
    ) -> Forms | None:
        directory, encodings = place
        *parts, leaf = name.split("/")
        if not self._enter(walk, directory, parts):
            return None
        opened = self._open(walk, directory, leaf)
        if opened is None:
            return None
        forms = Forms()
        try:
            self._add(forms, walk, directory, name, None, opened, wait, read)
            for coding in () if self.is_coded(name) else encodings:
                self._add_sibling(forms, walk, directory, name, coding, wait, read)
        except BaseException:
            forms.close()
            raise
        return forms

    def _enter(self, walk: Walk, directory: Directory, parts: list[str]) -> bool:
        try:
            walk.enter(parts)
        except OSError as error:
            self._miss(error, lambda: directory.path_of(walk.refused()))
            return False
        return True

    def _open(self, walk: Walk, directory: Directory, leaf: str) -> Opened | None:
        try:
            return walk.open(leaf)
        except OSError as error:
            self._miss(error, lambda: directory.path_of(walk.refused(leaf)))
            return None

    def _add_sibling(
        self,
        forms: Forms,
        walk: Walk,
        directory: Directory,
        name: str,
        coding: str,
        wait: bool,
        read: Read | None,
    ) -> None:
        """Add a sibling, if there is one; what the machine can't read is left out for this time."""
        leaf = name.rpartition("/")[2] + SUFFIXES[coding]
        try:
            if walk.has(leaf) and (opened := self._open(walk, directory, leaf)):
                self._add(forms, walk, directory, name, coding, opened, wait, read)
        except BlockingIOError:
            raise
        except OSError as error:
            log_failure(error, directory.path_of(walk.real(leaf)))
            forms.certain = False

    def _add(
        self,
        forms: Forms,
        walk: Walk,
        directory: Directory,
        name: str,
        coding: str | None,
        opened: Opened,
        wait: bool,
        read: Read | None,
    ) -> None:
        """Add an open file and what it is; a sibling that is not good enough is closed."""
        descriptor, status = opened
        try:
            suffix = SUFFIXES[coding] if coding else ""
            file = File(directory, name + suffix, status.st_size, identity(status))
            if coding and not self._fits(walk, file, forms.looks[0], opened, coding, wait):
                return os.close(descriptor)
            content = read(descriptor, status) if read else None
            etag = self.validators.etag(descriptor, status, coding, content, wait=wait)
        except BaseException:
            os.close(descriptor)
            raise
        stored = Stored(file, coding, etag, modified(status))
        forms.looks.append(Look(stored, is_fresh(status), content))
        return forms.descriptors.append(descriptor)

    def _fits(
        self, walk: Walk, sibling: File, plain: Look, opened: Opened, coding: str, wait: bool
    ) -> bool:
        """Whether a sibling is worth sending, no older than its file, and can be decoded."""
        if is_outdated(sibling.identity, plain.stored.file.identity):
            self._warn_of("left out, older than its file", walk, sibling)
            return False
        if sibling.size >= plain.stored.file.size:
            return False
        if not self.validators.is_decodable(*opened, coding, wait=wait):
            self._warn_of("left out, clients can't decode it", walk, sibling)
            return False
        return True

    def _warn_of(self, message: str, walk: Walk, sibling: File) -> None:
        """By its real name: of names through links there is no end, and clients choose them."""
        leaf = sibling.name.rpartition("/")[2]
        self.warn(message, sibling.opener.path_of(walk.real(leaf)))

    def _miss(self, error: OSError, path: Callable[[], str]) -> None:
        """Let pass what means that a name isn't there; raise the machine's own trouble."""
        if error.errno not in NOT_THERE:
            raise error
        if isinstance(error, PermissionError):
            self.warn("no permission to read", path())
        elif isinstance(error, LeadsOut):
            self.warn(f"skipped, {error.strerror}", error.filename)
