"""The live look-up: each name is looked up on the disk, in one directory after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ..core.values import File, Gate, Look, Resource, Stored
from .directory import MISSES, Directory, Walk, Warnings, identity, tell_trouble
from .validators import Validators, is_fresh, modified

SUFFIXES = {"zstd": ".zst", "br": ".br", "gzip": ".gz"}
"""The content codings, and what a precompressed sibling adds to its file's name."""

_SIBLING_LAG = 2 * 10**9
"""Nanoseconds that a sibling may be older than its file: what a build takes to write both."""

_DESCRIBED = 1024
"""Names whose last resource is remembered."""

Describe = Callable[[str, Sequence[Look]], Resource]
"""Makes the resource of a name from what was found of it."""

Read = Callable[[int, os.stat_result], bytes | None]
"""Reads an open file whose bytes are to be kept in memory; None: they are not."""


@dataclass(slots=True)
class Finder:
    """Looks one name up in one directory, with the siblings of its file.

    `asks` says that a description asks functions of the user, who may answer otherwise each time.
    """

    encodings: Sequence[str]
    describe: Describe
    asks: bool
    validators: Validators = field(default_factory=Validators)
    warn: Warnings = field(default_factory=Warnings)

    def find(
        self,
        directory: Directory,
        name: str,
        encodings: Sequence[str] | None = None,
        read: Read | None = None,
    ) -> list[Look]:
        """What can be read under the name here: the file first, then its good siblings.

        `read` reads those whose bytes are to be kept.
        """
        *parts, leaf = name.split("/")
        looks: list[Look] = []
        try:
            with directory.walk() as walk:
                if not self._enter(walk, directory, parts):
                    return looks
                for coding in (None, *(self.encodings if encodings is None else encodings)):
                    if look := self._look(walk, directory, name, leaf, coding, looks[:1], read):
                        looks.append(look)
        except OSError as error:  # of the root itself, or the machine's own trouble
            tell_trouble(error, directory.path)
            self._miss(error, lambda: directory.path)
        except UnicodeEncodeError:
            pass  # a name that the host's encoding can't express is in no directory
        return looks

    def resource(self, name: str, looks: Sequence[Look]) -> Resource | None:
        return self.describe(name, looks) if looks else None

    def _enter(self, walk: Walk, directory: Directory, parts: list[str]) -> bool:
        try:
            walk.enter(parts)
        except OSError as error:
            self._miss(error, lambda: directory.path_of(walk.refused()))
            return False
        return True

    def _look(
        self,
        walk: Walk,
        directory: Directory,
        name: str,
        leaf: str,
        coding: str | None,
        before: Sequence[Look],
        read: Read | None,
    ) -> Look | None:
        """A stored form; None: it isn't there, or it is a sibling not good enough for its file."""
        suffix = SUFFIXES[coding] if coding else ""
        if suffix and not walk.has(leaf + suffix):
            return None
        try:
            descriptor = walk.open(leaf + suffix)
        except OSError as error:
            self._miss(error, lambda: directory.path_of(walk.refused(leaf + suffix)))
            return None
        try:
            status = os.fstat(descriptor)
            file = File(directory, name + suffix, status.st_size, identity(status))
            plains = (look.stored.file for look in before if not look.stored.coding)
            if not all(self._fits(file, plain) for plain in plains):
                return None
            content = read(descriptor, status) if read else None
            etag = self.validators.etag(descriptor, status, coding, content)
        finally:
            os.close(descriptor)
        return Look(Stored(file, coding, etag, modified(status)), is_fresh(status), content)

    def _fits(self, sibling: File, plain: File) -> bool:
        """Whether a sibling is worth sending, and no older than its file."""
        *_, sibling_mtime, _ = sibling.identity
        *_, mtime, _ = plain.identity
        if mtime - sibling_mtime > _SIBLING_LAG:
            self.warn("left out, older than its file", sibling.opener.path_of(sibling.name))
            return False
        return sibling.size < plain.size

    def _miss(self, error: OSError, path: Callable[[], str]) -> None:
        """Let pass what means that a name isn't there; raise the machine's own trouble."""
        if error.errno not in MISSES:
            raise error
        if isinstance(error, PermissionError):
            self.warn("no permission to read", path())


@dataclass(slots=True)
class Folder:
    """The look-up of live mode."""

    finder: Finder
    directories: Sequence[Directory]
    gate: Gate
    described: dict[str, tuple[Sequence[Look], Resource]] = field(default_factory=dict)

    def look_up(self, path: str, *, wait: bool) -> Resource | None:
        """The resource comes whole from one directory: the first with the file, else a sibling."""
        name = self.gate(path)
        if name is None:
            return None
        if not wait:
            raise BlockingIOError("a live look-up reads the disk")
        found: list[Look] = []
        for directory in self.directories:
            looks = self.finder.find(directory, name)
            if looks and looks[0].stored.coding is None:
                found = looks
                break
            found = found or looks
        return self._describe(name, found)

    def _describe(self, name: str, looks: Sequence[Look]) -> Resource | None:
        """The resource of a name; the one before, if all was the same then."""
        before = self.described.get(name)
        if before and before[0] == looks:
            return before[1]
        resource = self.finder.resource(name, looks)
        if resource and not self.finder.asks:
            if len(self.described) >= _DESCRIBED:
                self.described.clear()
            self.described[name] = looks, resource
        return resource

    def may_answer(self, path: str) -> bool:
        """False where nothing here can have to do with a path; True is no promise."""
        return f"{path}/".startswith(f"{self.gate.prefix}/")

    def ready(self, path: str) -> Resource | None:
        """Nothing is kept in live mode."""
        return None

    def use(self, path: str) -> None:
        """Nothing is kept in live mode."""

    def remember(self, path: str, resource: Resource) -> None:
        """Nothing is kept in live mode."""

    def is_current(self, path: str, files: Iterable[File], *, wait: bool, last: bool) -> bool:
        """The files of this look-up were looked at for this very request."""
        return True

    def refresh(self) -> None:
        self.finder.validators.clear()
        self.described.clear()
