"""The precompressed siblings of a directory's files: which there should be, and how one is written.

A sibling is made in a temporary file beside it, which takes its place when it is whole: at every
moment there is the old one or the new one. However the work ends, the temporary file is removed.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO, Literal

from .compressors import Coder
from .core.paths import Gate
from .core.values import Identity
from .disk.errors import NOT_THERE as MISSES
from .disk.folder import is_outdated
from .disk.media_types import MediaTypes
from .disk.root import Directory, identity
from .disk.root_by_descriptor import NOFOLLOW, READ

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
    r"\.(?:gz|br|zst|svgz|woff2?|txz|tbz2?|tzst|lz4?|lzma|cab|dmg|rpm|crx|xpi|nupkg)\Z",
    re.IGNORECASE,
)
_TEXT = re.compile(r"text/|[^ ]*(?:json|xml|javascript|yaml|toml)")
_TEMPORARY = re.compile(r"\.dualstatic-[0-9a-f]{16}\.tmp")

_WRITE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | NOFOLLOW
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)

_media_type = MediaTypes({}, charset=None)


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


State = Literal[
    "current", "written", "dated", "removed", "no gain", "left", "missing", "outdated", "too large",
    "failed",
]  # fmt: skip
"""What a sibling is or, if it was worked on, has become."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one sibling; `before` and `after` are the sizes of its file and its own."""

    name: str
    state: State
    before: int = 0
    after: int = 0
    coding: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Plain:
    """A file to compress, as it was when it was found."""

    name: str
    identity: Identity

    @property
    def size(self) -> int:
        return self.identity[2]

    @property
    def mtime(self) -> int:
        return self.identity[3]


def find(directory: Directory, gate: Gate, stop: Stop) -> Iterator[Plain | Outcome]:
    """The files of a directory that are worth a try, and what can't be read."""
    todo = [""]
    while todo:
        stop.check()
        place = todo.pop()
        try:
            with directory.walk() as walk:
                walk.enter(place.split("/"))
                entries = sorted(walk.entries())
        except OSError as error:
            yield _failure(place or ".", error)
            continue
        for leaf, kind in entries:
            name = f"{place}/{leaf}" if place else leaf
            if kind == "directory" and gate(f"/{name}/x"):
                todo.append(name)
            elif kind in ("file", "link") and gate(f"/{name}") and not _TEMPORARY.fullmatch(leaf):
                yield from _find_file(directory, name, is_link=kind == "link")


def _find_file(directory: Directory, name: str, *, is_link: bool) -> Iterator[Plain | Outcome]:
    if not is_compressible(name):
        return
    try:
        descriptor, found = directory.open(name)
    except OSError as error:
        # Where a link leads to no file, or out of the root, there is nothing to serve.
        if not is_link or error.errno not in MISSES:
            yield _failure(name, error)
        return
    os.close(descriptor)
    if found[2] >= MINIMUM:
        yield Plain(name, found)


def _failure(name: str, error: OSError) -> Outcome:
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    return Outcome(name, "failed", reason=cause.strerror or str(cause))


Found = Literal["nothing", "left", "foreign", "current", "late", "outdated", "too large"]


@dataclass(frozen=True, slots=True)
class Job:
    """One sibling of one file: `check` says how it is, `update` makes it as it should be."""

    directory: Directory
    plain: Plain
    coder: Coder
    stop: Stop

    @property
    def name(self) -> str:
        return self.plain.name + self.coder.suffix

    @property
    def path(self) -> str:
        return self.directory.path_of(self.name)

    def check(self) -> Outcome:
        """How it is; nothing is written."""
        try:
            with self._open_plain() as file:
                found, size = self._look(file)
                if found == "nothing":
                    return self._outcome("missing" if self._pays(file) else "no gain")
        except OSError as error:
            return _failure(self.name, error)
        return self._foreign() if found == "foreign" else self._outcome(_CHECKED[found], size)

    def update(self) -> Outcome:
        """Write it, give it its file's date, or remove it, if there is a need to."""
        try:
            with self._open_plain() as file:
                found, size = self._look(file)
                if found in ("nothing", "outdated", "too large"):
                    return self._write(file, exists=found != "nothing")
            if found == "late":
                os.utime(self.path, ns=(self.plain.mtime, self.plain.mtime))
                return self._outcome("dated", size)
        except OSError as error:
            return _failure(self.name, error)
        return self._foreign() if found == "foreign" else self._outcome(_CHECKED[found], size)

    def _outcome(self, state: State, after: int = 0) -> Outcome:
        return Outcome(self.name, state, self.plain.size, after, self.coder.coding)

    def _foreign(self) -> Outcome:
        reason = f"it isn't compressed by {self.coder.coding}, so it is left as it is"
        return Outcome(self.name, "failed", reason=reason)

    def _open_plain(self) -> BinaryIO:
        self.stop.check()
        descriptor, found = self.directory.open(self.plain.name)
        file = open(descriptor, "rb", buffering=0)  # noqa: SIM115 (for the caller to close)
        if found[:4] != self.plain.identity[:4]:
            file.close()
            raise OSError(errno.EBUSY, "its file has changed since it was found")
        return file

    def _look(self, plain: BinaryIO) -> tuple[Found, int]:
        """What lies in the sibling's place, and its size."""
        try:
            if not stat.S_ISREG(os.lstat(self.path).st_mode):
                return "left", 0
            descriptor = os.open(self.path, READ | NOFOLLOW)
        except FileNotFoundError:
            return "nothing", 0
        with open(descriptor, "rb", buffering=0) as sibling:
            status = os.fstat(descriptor)
            same = self.coder.holds(sibling, plain, self.stop.check)
        plain.seek(0)
        return self._judge(same, identity(status)), status.st_size

    def _judge(self, same: bool | None, sibling: Identity) -> Found:
        if same is None:
            return "foreign"
        if not same:
            return "outdated"
        if sibling[2] >= self.plain.size:
            return "too large"
        return "late" if is_outdated(sibling, self.plain.identity) else "current"

    def _pays(self, file: BinaryIO) -> bool:
        """Whether a sibling would be worth it: most often a quick try shows it."""
        for quick in (True, False):
            file.seek(0)
            if sum(map(len, self._compress(file, quick=quick))) <= self._limit:
                return True
        return False

    @property
    def _limit(self) -> int:
        """The largest size of a sibling that is worth it."""
        return self.plain.size - MINIMUM_GAIN

    def _compress(self, file: BinaryIO, *, quick: bool = False) -> Iterator[bytes]:
        text = bool(_TEXT.match(_media_type(self.plain.name)))
        for piece in self.coder.compress(file, self.plain.size, text=text, quick=quick):
            self.stop.check()
            yield piece

    def _write(self, file: BinaryIO, *, exists: bool) -> Outcome:
        with _temporary(os.path.dirname(self.path)) as (path, out):
            size = sum(map(out.write, self._compress(file)))
            if self.directory.identity(self.plain.name)[:4] != self.plain.identity[:4]:
                raise OSError(errno.EBUSY, "its file changed while it was read")
            if size <= self._limit:
                out.close()
                os.chmod(path, stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o777)
                os.utime(path, ns=(self.plain.mtime, self.plain.mtime))
                self.stop.check()
                os.replace(path, self.path)
                return self._outcome("written", size)
        if exists:
            with suppress(FileNotFoundError):  # another run was faster
                os.unlink(self.path)
        return self._outcome("removed" if exists else "no gain")


_CHECKED: dict[Found, State] = {
    "left": "left",
    "current": "current",
    "late": "outdated",
    "outdated": "outdated",
    "too large": "too large",
}


@contextmanager
def _temporary(folder: str) -> Iterator[tuple[str, BinaryIO]]:
    """A new file that nobody is served, removed at the end unless it has been renamed."""
    path = os.path.join(folder, f".dualstatic-{secrets.token_hex(8)}.tmp")
    descriptor = os.open(path, _WRITE, 0o600)
    try:
        with open(descriptor, "wb") as out:
            yield path, out
    finally:
        with suppress(FileNotFoundError):
            os.unlink(path)
