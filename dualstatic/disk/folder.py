"""The live look-up: each name is looked up on the disk, in one directory after the other."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..core.values import File, Gate, Resource, Stored
from .directory import MISSES, Directory, Walk, identity
from .validators import Validators, is_fresh, modified

logger = logging.getLogger("dualstatic")

SUFFIXES = {"zstd": ".zst", "br": ".br", "gzip": ".gz"}
"""The content codings, and what a precompressed sibling adds to its file's name."""

_SIBLING_LAG = 2 * 10**9
"""Nanoseconds that a sibling may be older than its file: what a build takes to write both."""

_WARNINGS = 1000

Describe = Callable[[str, tuple[Stored, ...], bool], Resource]
"""Makes the resource of a name from its stored forms, and from whether they are settled."""


class Warnings:
    """Says each thing once."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def __call__(self, message: str, path: str) -> None:
        text = f"{message}: {path!a}"
        if text not in self._said and len(self._said) < _WARNINGS:
            self._said.add(text)
            logger.warning("%s", text)


@dataclass(slots=True)
class Finder:
    """Looks one name up in one directory, with the siblings of its file."""

    encodings: Sequence[str]
    describe: Describe
    validators: Validators = field(default_factory=Validators)
    warn: Warnings = field(default_factory=Warnings)

    def find(
        self, directory: Directory, name: str, encodings: Sequence[str] | None = None
    ) -> Resource | None:
        """What the name leads to here; None where neither a file nor a sibling can be read."""
        *parts, leaf = name.split("/")
        try:
            with directory.walk() as walk:
                walk.enter(parts)
                looks = self._looks(walk, directory, name, leaf, encodings)
        except OSError as error:
            self._miss(error, directory, name)
            return None
        if not looks:
            return None
        return self.describe(
            name, tuple(look[0] for look in looks), not any(look[1] for look in looks)
        )

    def _looks(
        self,
        walk: Walk,
        directory: Directory,
        name: str,
        leaf: str,
        encodings: Sequence[str] | None,
    ) -> list[tuple[Stored, bool]]:
        plain = self._look(walk, directory, name, leaf, None, None)
        looks = [plain] if plain else []
        base = plain[0].file if plain else None
        for coding in self.encodings if encodings is None else encodings:
            suffix = SUFFIXES[coding]
            if sibling := self._look(walk, directory, name + suffix, leaf + suffix, coding, base):
                looks.append(sibling)
        return looks

    def _look(
        self,
        walk: Walk,
        directory: Directory,
        name: str,
        leaf: str,
        coding: str | None,
        base: File | None,
    ) -> tuple[Stored, bool] | None:
        """A stored form, and whether it is fresh; None: it isn't there, or is no good sibling."""
        try:
            descriptor = walk.open(leaf)
        except OSError as error:
            self._miss(error, directory, name)
            return None
        try:
            status = os.fstat(descriptor)
            if base and not self._fits(status, base, directory, name):
                return None
            etag = self.validators.etag(descriptor, status, coding)
        finally:
            os.close(descriptor)
        file = File(directory, name, status.st_size, identity(status))
        return Stored(file, coding, etag, modified(status)), is_fresh(status)

    def _fits(self, status: os.stat_result, base: File, directory: Directory, name: str) -> bool:
        """Whether a sibling is worth sending, and no older than its file."""
        if base.identity[3] - status.st_mtime_ns > _SIBLING_LAG:
            self.warn("older than its file and left out", os.path.join(directory.path, name))
            return False
        return status.st_size < base.size

    def _miss(self, error: OSError, directory: Directory, name: str) -> None:
        """Let pass what means that a name isn't there; raise the machine's own trouble."""
        if error.errno not in MISSES:
            raise error
        if isinstance(error, PermissionError):
            self.warn("no permission to read", os.path.join(directory.path, name))


@dataclass(slots=True)
class Folder:
    """The look-up of live mode."""

    finder: Finder
    directories: Sequence[Directory]
    gate: Gate

    def look_up(self, path: str, *, wait: bool) -> Resource | None:
        """The resource comes whole from one directory: the first with the file, else a sibling."""
        name = self.gate(path)
        if name is None:
            return None
        if not wait:
            raise BlockingIOError("a live look-up reads the disk")
        spare = None
        for directory in self.directories:
            resource = self.finder.find(directory, name)
            if resource and resource.representations[0].stored.coding is None:
                return resource
            spare = spare or resource
        return spare

    def is_current(self, path: str, file: File, *, wait: bool) -> bool:
        """A file of this look-up was looked at for this very request."""
        return True

    def refresh(self) -> None:
        self.finder.validators.clear()
