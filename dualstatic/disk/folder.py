"""The live look-up: each name is looked up on the disk, in one directory after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from ..core.values import File, Gate, Identity, Look, Policy, Resource, Stored
from .errors import NOT_THERE as MISSES
from .errors import LeadsOut
from .errors import OnceLogger as Warnings
from .errors import log_failure as tell_trouble
from .root import Directory, Opened, Walk, identity
from .validators import Validators, is_fresh, modified

SUFFIXES = {"zstd": ".zst", "br": ".br", "gzip": ".gz"}
"""The content codings, and what a precompressed sibling adds to its file's name."""

_SIBLING_LAG = 2 * 10**9
"""Nanoseconds that a sibling may be older than its file: what a build takes to write both."""

_DESCRIBED = 1024
"""Names whose last resource is remembered."""


def is_outdated(sibling: Identity, plain: Identity) -> bool:
    """Whether a sibling is so much older than its file that it can't have been made of it."""
    *_, sibling_mtime, _ = sibling
    *_, mtime, _ = plain
    return mtime - sibling_mtime > _SIBLING_LAG


Place = tuple[Directory, Sequence[str]]
"""A directory to look into, and the content codings of the siblings to look for there."""

Read = Callable[[int, os.stat_result], bytes | None]
"""Reads an open file whose bytes are to be kept in memory; None: they are not."""


@dataclass
class Finder:
    """Looks a name up, with the siblings of its file, and says what it leads to.

    `policy` is what the options say of a name; it may ask functions of the user (`asks`).
    `describe` makes a resource of that and of what was found.
    """

    encodings: Sequence[str]
    policy: Callable[[str], Policy]
    describe: Callable[[Sequence[Look], Policy], Resource]
    asks: bool
    validators: Validators = field(default_factory=Validators)
    warn: Warnings = field(default_factory=Warnings)

    def remembering(self) -> Finder:
        """One that reads no file, but raises BlockingIOError."""
        return replace(self, validators=self.validators.remembered())

    def find(self, places: Iterable[Place], name: str, read: Read | None = None) -> list[Look]:
        """What can be read under a name: the file first, then its good siblings.

        It comes whole from one directory: the first that has the file, else one of its siblings.
        `read` reads those whose bytes are to be kept.
        """
        found: list[Look] = []
        for directory, encodings in places:
            looks = self._find_in(directory, encodings, name, read)
            if looks and looks[0].stored.coding is None:
                return looks
            found = found or looks
        return found

    def _find_in(
        self, directory: Directory, encodings: Sequence[str], name: str, read: Read | None
    ) -> list[Look]:
        try:
            looks = self._look_into(directory, encodings, name, read)
            if looks is None:
                looks = self._look_into(directory, encodings, name, read)
        except BlockingIOError:
            raise
        except OSError as error:  # of the root itself, or the machine's own trouble
            tell_trouble(error, directory.path)
            self._miss(error, lambda: directory.path)
            return []
        except UnicodeEncodeError:
            return []  # a name that the host's encoding can't express is in no directory
        return looks or []

    def _look_into(
        self, directory: Directory, encodings: Sequence[str], name: str, read: Read | None
    ) -> list[Look] | None:
        """What is there; None: nothing is behind the links that were met, so look twice."""
        *parts, leaf = name.split("/")
        looks: list[Look] = []
        with directory.walk() as walk:
            if self._enter(walk, directory, parts):
                for coding in (None, *encodings):
                    suffix = SUFFIXES[coding] if coding else ""
                    if coding and not walk.has(leaf + suffix):
                        continue
                    if opened := self._open(walk, directory, leaf + suffix):
                        looks += self._look(directory, name, coding, opened, looks[:1], read)
            return looks if looks or not walk.links else None

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

    def _look(
        self,
        directory: Directory,
        name: str,
        coding: str | None,
        opened: Opened,
        before: Sequence[Look],
        read: Read | None,
    ) -> list[Look]:
        """A stored form; none, if it is a sibling not good enough for its file."""
        descriptor, status = opened
        try:
            suffix = SUFFIXES[coding] if coding else ""
            file = File(directory, name + suffix, status.st_size, identity(status))
            if before and not before[0].stored.coding and not self._fits(file, before[0]):
                return []
            content = read(descriptor, status) if read else None
            etag = self.validators.etag(descriptor, status, coding, content)
        finally:
            os.close(descriptor)
        return [Look(Stored(file, coding, etag, modified(status)), is_fresh(status), content)]

    def _fits(self, sibling: File, before: Look) -> bool:
        """Whether a sibling is worth sending, and no older than its file."""
        plain = before.stored.file
        if is_outdated(sibling.identity, plain.identity):
            self.warn("left out, older than its file", sibling.opener.path_of(sibling.name))
            return False
        return sibling.size < plain.size

    def _miss(self, error: OSError, path: Callable[[], str]) -> None:
        """Let pass what means that a name isn't there; raise the machine's own trouble."""
        if error.errno not in MISSES:
            raise error
        if isinstance(error, PermissionError):
            self.warn("no permission to read", path())
        elif isinstance(error, LeadsOut):
            self.warn(f"skipped, {error.strerror}", error.filename)


@dataclass(frozen=True, slots=True)
class Below:
    """The paths below a prefix."""

    prefix: str

    def __contains__(self, path: object) -> bool:
        return f"{path}/".startswith(f"{self.prefix}/")


@dataclass
class Folder:
    """The look-up of live mode.

    Of other paths than the `known` ones it can be told at once that nothing here has to do with
    them. `ready` is what answered a path before: nothing is kept in live mode.
    """

    finder: Finder
    directories: Sequence[Directory]
    gate: Gate
    described: dict[str, tuple[Sequence[Look], Resource]] = field(default_factory=dict)
    ready: dict[str, Resource] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known = Below(self.gate.prefix)
        self.remembering = self.finder.remembering()

    def look_up(self, path: str, *, wait: bool | None) -> Resource | None:
        """What is at a path; with `wait=None`, where the system has that in its cache."""
        name = self.gate(path)
        if name is None:
            return None
        # A function among the options may take its time, as one that reads a manifest does.
        if not wait and (wait is False or self.finder.asks or not self._is_cached(name)):
            raise BlockingIOError("a live look-up reads the disk")
        finder = self.finder if wait else self.remembering
        places = [(directory, finder.encodings) for directory in self.directories]
        looks = finder.find(places, name)
        return self._describe(name, looks) if looks else None

    def _is_cached(self, name: str) -> bool:
        return all(
            directory.is_cached(name + (SUFFIXES[coding] if coding else ""))
            for directory in self.directories
            for coding in (None, *self.finder.encodings)
        )

    def _describe(self, name: str, looks: Sequence[Look]) -> Resource:
        """The resource of a name; the one before, if all was the same then."""
        before = self.described.get(name)
        if before and before[0] == looks:
            return before[1]
        resource = self.finder.describe(looks, self.finder.policy(name))
        if not self.finder.asks:
            if len(self.described) >= _DESCRIBED:
                self.described.clear()
            self.described[name] = looks, resource
        return resource

    def use(self, path: str) -> None:
        """Nothing is kept in live mode."""

    def remember(self, path: str, resource: Resource) -> None:
        """Nothing is kept in live mode."""

    def is_current(self, path: str, resource: Resource, file: File, *, last: bool) -> bool:
        """The files of this look-up were looked at for this very request."""
        return True

    def refresh(self) -> None:
        self.finder.validators.clear()
        self.described.clear()
