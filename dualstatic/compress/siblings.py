"""The precompressed siblings of a directory's files: which there should be, and how one is written.

A sibling is made in a temporary file beside it, which takes its place when it is whole: at every
moment there is the old one or the new one. However the work ends, the temporary file is removed.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO

from ..core.codings import SUFFIXES, is_outdated
from ..core.media_types import MediaTypes
from ..core.paths import Gate
from ..core.values import Identity
from ..disk.errors import is_missing
from ..disk.root import Directory
from ..disk.root_by_descriptor import Kind, identity
from .codecs import Codec
from .place import Place

MINIMUM = 160
"""Bytes below which a file is left out.

Of 96 smaller ones (style sheets, scripts, pages and icons of real packages) 2 had a sibling that
saved MINIMUM_GAIN; of 109 from here to 300 bytes, 103 had.
"""

MINIMUM_GAIN = 48
"""Bytes that a sibling has to save: what its Content-Encoding and Vary cost in each answer."""

_COMPRESSED_KINDS = re.compile(
    r"(?:audio|video)/"
    r"|image/(?!svg|bmp|vnd\.microsoft\.icon)"
    r"|font/woff"
    r"|application/(?:gzip|zip|zstd|ogg|epub\+zip|java-archive|vnd\.rar|x-7z|x-bzip2|x-xz"
    r"|vnd\.android\.package|vnd\.debian|vnd\.openxmlformats|vnd\.oasis)"
)
_COMPRESSED_NAMES = re.compile(
    r"\.(?:gz|br|zst|dcz|dcb|svgz|woff2?|txz|tbz2?|tzst|lz4?|lzma|cab|dmg|rpm|crx|xpi|nupkg)\Z",
    re.IGNORECASE,
)
_TEXT = re.compile(r"text/|[^ ]*(?:json|xml|javascript|yaml|toml)")
_TEMPORARY = re.compile(r"\.dualstatic-[0-9a-f]{16}\.tmp")

_UNREADABLE = (
    "can't be given the owner and group of its file: the server may not be able to read it"
)

_media_type = MediaTypes({}, charset=None)

Wants = Callable[[str], bool]


def is_compressible(name: str) -> bool:
    """Whether files of this kind are not compressed already, as siblings themselves are."""
    return not _COMPRESSED_NAMES.search(name) and not _COMPRESSED_KINDS.match(_media_type(name))


class Stopped(Exception):
    """A signal has asked for the end."""


@dataclass(slots=True)
class Stop:
    """Which signal has asked for the end, if one has; `check` is called between two steps."""

    signal: int = 0

    def check(self) -> None:
        """:raises Stopped: one has"""
        if self.signal:
            raise Stopped


class State(Enum):
    """What a sibling is or, if it was worked on, has become.

    How it is counted, what is said of it if anything is, and whether it is a problem.
    """

    WRITTEN = "written", "written", False
    DATED = "given a new date", "given the date of its file", False
    REMOVED = "removed", "removed, no longer smaller", False
    KEPT = "kept", "", False
    FORGOTTEN = "forgotten", "", False
    CURRENT = "up to date", "", False
    NO_GAIN = "not worth it", "", False
    LEFT = "left as they are", "", False
    MISSING = "missing", "missing", True
    OUTDATED = "outdated", "outdated", True
    TOO_LARGE = "not smaller", "not smaller than what is sent without it", True
    FAILED = "failed", "failed", True

    def __init__(self, counted: str, said: str, is_problem: bool) -> None:
        self.counted = counted
        self.said = said
        self.is_problem = is_problem


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one sibling; `before` and `after` are the sizes of its file and its own.

    `reason` says why it failed; `note` is for users to know, once.
    """

    name: str
    state: State
    before: int = 0
    after: int = 0
    coding: str = ""
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """The directory whose files get siblings. It stays the one that its path led to at first.

    With `follows`, links to files are followed anywhere; links to directories are not entered.
    """

    directory: Directory
    gate: Gate
    follows: bool

    @contextmanager
    def enter(self, name: str) -> Iterator[Place]:
        """The directory called `name`, "" for the root."""
        with self.directory.walk() as walk:
            walk.enter(name)
            yield Place(walk, self.follows)


def tree_at(path: str, *, dotfiles: bool = False, follows: bool = False) -> Tree:
    gate = Gate("", dotfiles, sys.platform == "win32")
    return Tree(Directory(path, follow_symlink=False).pin(), gate, follows)


@dataclass(frozen=True, slots=True)
class Plain:
    """A file to compress, as it was when it was found."""

    tree: Tree
    name: str
    identity: Identity

    @property
    def size(self) -> int:
        return self.identity[2]

    @property
    def leaf(self) -> str:
        return self.name.rpartition("/")[2]

    @contextmanager
    def open(self) -> Iterator[tuple[Place, BinaryIO]]:
        """The file, if it is still this one, and the directory in which it lies."""
        folder, _, leaf = self.name.rpartition("/")
        with self.tree.enter(folder) as place, place.open_plain(leaf) as file:
            self.prove(file, "has changed since it was found")
            yield place, file

    def prove(
        self, file: BinaryIO, change: str, since: os.stat_result | None = None
    ) -> os.stat_result:
        """What the system says of an open file, if it is still this one, and as it was `since`.

        A program that writes into it may give it its old date again; the ctime shows that.
        """
        status = os.fstat(file.fileno())
        is_still = (since or status).st_ctime_ns == status.st_ctime_ns
        if not is_still or identity(status)[:4] != self.identity[:4]:
            raise OSError(errno.EBUSY, f"its file {change}")
        return status


def find(tree: Tree, stop: Stop, wants: Wants = is_compressible) -> Iterator[Plain | Outcome]:
    """The files of a directory whose names are wanted, and what can't be read."""
    todo = [""]
    while todo:
        stop.check()
        folder = todo.pop()
        try:
            with tree.enter(folder) as place:
                for leaf, kind in sorted(place.walk.entries()):
                    name = f"{folder}/{leaf}" if folder else leaf
                    if kind == "directory" and tree.gate(f"/{name}/x"):
                        todo.append(name)
                    elif kind in ("file", "link") and tree.gate(f"/{name}") and wants(leaf):
                        yield from _find_file(tree, place, name, kind)
        except OSError as error:
            yield failure(folder or ".", error)


def _find_file(tree: Tree, place: Place, name: str, kind: Kind) -> Iterator[Plain | Outcome]:
    leaf = name.rpartition("/")[2]
    if _TEMPORARY.fullmatch(leaf):
        return
    try:
        with place.open_plain(leaf) as file:
            plain = Plain(tree, name, identity(os.fstat(file.fileno())))
    except OSError as error:
        # Where a link leads to no file, or out of the root, there is nothing to serve.
        if kind == "file" or not is_missing(error):
            yield failure(name, error)
    else:
        yield plain


def failure(name: str, error: OSError | MemoryError) -> Outcome:
    reason = error.strerror if isinstance(error, OSError) else "there is too little memory for it"
    return Outcome(name, State.FAILED, reason=reason or str(error))


@dataclass(frozen=True, slots=True)
class Job:
    """One sibling of one file: says how it is and, unless it `only_looks`, mends it."""

    plain: Plain
    codec: Codec
    stop: Stop
    only_looks: bool = False

    @property
    def name(self) -> str:
        return self.plain.name + self.codec.suffix

    def run(self) -> Outcome:
        """The directory stays the same one, from the reading of the file to the last step."""
        self.stop.check()
        try:
            with self.plain.open() as (place, file):
                leaf = self.plain.leaf + self.codec.suffix
                state, sibling = self._look(place, leaf, file)
                if state.is_problem and not self.only_looks:
                    try:
                        return self._write(place, file, sibling)
                    except OSError:  # another run may have written the same meanwhile
                        file.seek(0)
                        state, sibling = self._look(place, leaf, file)
                        if state is not State.CURRENT:
                            raise
                if state is State.MISSING and not self._pays(place, file):
                    state = State.NO_GAIN
        except (OSError, MemoryError) as error:
            return failure(self.name, error)
        return self._outcome(state, sibling.st_size if sibling else 0)

    def _outcome(self, state: State, after: int = 0, note: str = "") -> Outcome:
        return Outcome(self.name, state, self.plain.size, after, self.codec.coding, note=note)

    def _look(
        self, place: Place, leaf: str, plain: BinaryIO
    ) -> tuple[State, os.stat_result | None]:
        """What lies in the sibling's place; its date is set if it needs that alone."""
        try:
            sibling = place.open(leaf)
        except FileNotFoundError:
            return State.MISSING, None
        if not sibling:
            return State.LEFT, None
        with sibling:
            status = os.fstat(sibling.fileno())
            if not self.codec.holds(sibling, plain, self.stop.check):
                return State.OUTDATED, status
            if status.st_size >= self._rival(place):
                return State.TOO_LARGE, status
            if not is_outdated(identity(status), self.plain.identity):
                return State.CURRENT, status
            # One that has another name as well may be somebody else's: its date isn't ours to set.
            if not self.only_looks and status.st_nlink == 1:
                with suppress(PermissionError):
                    place.date(sibling, leaf, self.plain.identity[3])
                    return State.DATED, status
            return State.OUTDATED, status

    def _pays(self, place: Place, file: BinaryIO) -> bool:
        """Whether a sibling would be worth it: most often a quick try shows it."""
        tries = (sum(map(len, self._compress(file, quick=quick))) for quick in (True, False))
        return any(self._is_worth_it(place, size) for size in tries)

    def _is_worth_it(self, place: Place, size: int) -> bool:
        rival = self._rival(place)
        return size <= min(rival - MINIMUM_GAIN, rival * 9 // 10 if self.codec.header else rival)

    def _rival(self, place: Place) -> int:
        """The size of what is sent without it: of the file or, for a delta, of a sibling."""
        sizes = [self.plain.size]
        for suffix in SUFFIXES.values() if self.codec.header else ():
            with suppress(OSError), place.open_plain(self.plain.leaf + suffix) as file:
                sizes.append(os.fstat(file.fileno()).st_size)
        return min(sizes)

    def _compress(self, file: BinaryIO, *, quick: bool = False) -> Iterator[bytes]:
        text = bool(_TEXT.match(_media_type(self.plain.name)))
        file.seek(0)
        for piece in self.codec.compress(file, self.plain.size, text=text, quick=quick):
            self.stop.check()
            yield piece

    def _write(self, place: Place, file: BinaryIO, sibling: os.stat_result | None) -> Outcome:
        leaf, before = self.plain.leaf, os.fstat(file.fileno())
        with place.create() as new:
            size = sum(map(new.file.write, self._compress(file)))
            with place.open_plain(leaf) as again:
                plain = self.plain.prove(again, "changed while it was read", before)
            self.stop.check()
            if self._is_worth_it(place, size):
                is_readable = new.become(leaf + self.codec.suffix, file, plain)
                return self._outcome(State.WRITTEN, size, "" if is_readable else _UNREADABLE)
        if not sibling:
            return self._outcome(State.NO_GAIN)
        place.remove(leaf + self.codec.suffix, sibling)
        return self._outcome(State.REMOVED)
