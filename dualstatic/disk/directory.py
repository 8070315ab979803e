"""A directory that can't be left: what it opens for reading lies inside it.

The definition is a walk, component by component, each relative to the descriptor of the one before
and none through a link: links are read and resolved here. A path is never checked first and opened
later, so there is no moment in which it could come to mean something else.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import (
    EACCES,
    EILSEQ,
    EINVAL,
    EISDIR,
    ELOOP,
    ENAMETOOLONG,
    ENODEV,
    ENOENT,
    ENOTDIR,
    ENXIO,
    EPERM,
)
from typing import Literal
from weakref import finalize

from ..core.values import Identity

MISSES = frozenset(
    {
        EACCES,
        EILSEQ,
        EINVAL,
        EISDIR,
        ELOOP,
        ENAMETOOLONG,
        ENODEV,
        ENOENT,
        ENOTDIR,
        ENXIO,
        EPERM,
    }
)
"""What an open answers of a name that isn't there for us; all else is the machine's own trouble."""

MAX_LINKS = 40

_FOLDS_CASE = sys.platform in ("darwin", "win32")

_SEARCH = (
    getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_READ = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class Walk:
    """A place below a root: the descriptors of the directories from the root down to here."""

    def __init__(self, root: int, real_root: Callable[[], str]) -> None:
        self._root = root
        self._real_root = real_root
        self._down: list[tuple[int, str]] = []
        self._links = 0

    def close(self) -> None:
        while self._down:
            os.close(self._down.pop()[0])

    @property
    def here(self) -> int:
        return self._down[-1][0] if self._down else self._root

    def enter(self, parts: list[str]) -> None:
        """Go into directories one below the other, and through links to directories."""
        todo = parts[::-1]
        while todo:
            part = todo.pop()
            if part == "..":
                self._up()
            elif part not in ("", "."):
                todo += self._step(part)[::-1]

    def _up(self) -> None:
        if not self._down:
            raise FileNotFoundError(ENOENT, "a link leads out of the root")
        os.close(self._down.pop()[0])

    def _step(self, part: str) -> list[str]:
        """Go into one directory; where it is a link, the parts still to go instead."""
        try:
            self._down.append((os.open(part, _SEARCH | _NOFOLLOW, dir_fd=self.here), part))
        except OSError as error:
            if error.errno not in (ENOTDIR, ELOOP):
                raise
            return self._follow(part, error)
        return []

    def _follow(self, part: str, error: OSError) -> list[str]:
        """The parts that a link stands for, seen from here or, if it is absolute, from the root."""
        try:
            target = os.readlink(part, dir_fd=self.here)
        except OSError:
            raise error from None
        self._links += 1
        if self._links > MAX_LINKS:
            raise OSError(ELOOP, os.strerror(ELOOP), part)
        if not target.startswith("/"):
            return target.split("/")
        inside = below(os.path.realpath(target), self._real_root())
        if inside is None:
            raise FileNotFoundError(ENOENT, "a link leads out of the root", part)
        self.close()
        return inside.split("/")

    def find(self, leaf: str) -> tuple[str, os.stat_result]:
        """Follow links until `leaf` is none; the last name, in the directory then entered."""
        while True:
            status = os.stat(leaf, dir_fd=self.here, follow_symlinks=False)
            if not stat.S_ISLNK(status.st_mode):
                return leaf, status
            *parts, leaf = self._follow(leaf, OSError(ELOOP, os.strerror(ELOOP), leaf))
            self.enter(parts)
            if leaf in ("", ".", ".."):
                self.enter([leaf])
                return ".", os.stat(self.here)

    def open(self, leaf: str) -> int:
        """A descriptor to read a regular file; this place stays where it is."""
        status = os.stat(leaf, dir_fd=self.here, follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            walk = self._copy()
            try:
                leaf, status = walk.find(leaf)
                return _open_regular(leaf, status, walk.here)
            finally:
                walk.close()
        return _open_regular(leaf, status, self.here)

    def _copy(self) -> Walk:
        walk = Walk(self._root, self._real_root)
        walk._down = [(os.dup(descriptor), name) for descriptor, name in self._down]
        return walk

    def real(self, leaf: str) -> str:
        """The name below the root that `find` came to."""
        return "/".join([name for _, name in self._down] + [leaf] * (leaf != "."))

    def entries(self) -> list[tuple[str, Kind]]:
        """What lies in this directory."""
        descriptor = os.open(".", _READ | getattr(os, "O_DIRECTORY", 0), dir_fd=self.here)
        try:
            with os.scandir(descriptor) as entries:
                return [(entry.name, _kind(entry)) for entry in entries]
        finally:
            os.close(descriptor)


def identity(status: os.stat_result) -> Identity:
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


Kind = Literal["directory", "file", "link", "other"]


def _kind(entry: os.DirEntry[str]) -> Kind:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "directory"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


class FollowingWalk(Walk):
    """A place to which links may lead from anywhere: the system resolves them."""

    def enter(self, parts: list[str]) -> None:
        if any(parts):
            name = "/".join(parts)
            self._down.append((os.open(name, _SEARCH, dir_fd=self.here), name))

    def find(self, leaf: str) -> tuple[str, os.stat_result]:
        return leaf, os.stat(leaf, dir_fd=self.here)

    def open(self, leaf: str) -> int:
        status = os.stat(leaf, dir_fd=self.here)
        return _open_regular(leaf, status, self.here, follow=True)

    def real(self, leaf: str) -> str:
        """An absolute path where that is not below the root."""
        root = self._real_root()
        path = os.path.realpath(os.path.join(root, super().real(leaf)))
        inside = below(path, root)
        return path if inside is None else inside


def _open_regular(leaf: str, status: os.stat_result, here: int, *, follow: bool = False) -> int:
    """Looked at first, since to open a FIFO or a device can have effects; then proved again."""
    if not stat.S_ISREG(status.st_mode):
        raise FileNotFoundError(ENOENT, "not a regular file", leaf)
    descriptor = os.open(leaf, _READ | (0 if follow else _NOFOLLOW), dir_fd=here)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(ENOENT, "not a regular file", leaf)
    return descriptor


def below(path: str, root: str) -> str | None:
    """`path` seen from `root`, both real; None where it is not below."""
    if path == root:
        return ""
    root = root.rstrip("/") + "/"
    return path[len(root) :] if path.startswith(root) else None


class Directory:
    """A directory to serve, opened anew for each walk; `pin` holds on to the one it is now."""

    def __init__(self, path: str, *, follow_symlink: bool) -> None:
        self.path = os.path.abspath(path)
        self._walk = FollowingWalk if follow_symlink else Walk

    @contextmanager
    def walk(self) -> Iterator[Walk]:
        """A walk that starts at the root, and closes all its descriptors at the end."""
        root = os.open(self.path, _SEARCH)
        walk = self._walk(root, lambda: os.path.realpath(self.path))
        try:
            yield walk
        finally:
            walk.close()
            os.close(root)

    def open(self, name: str) -> int:
        """A descriptor to read the file called `name`, or FileNotFoundError."""
        *parts, leaf = name.split("/")
        try:
            with self.walk() as walk:
                walk.enter(parts)
                return walk.open(leaf)
        except OSError as error:
            if error.errno in MISSES and not isinstance(error, FileNotFoundError):
                raise FileNotFoundError(ENOENT, os.strerror(ENOENT), name) from error
            raise

    def identity(self, name: str) -> Identity:
        """The identity of the file called `name`, as `open` would find it."""
        *parts, leaf = name.split("/")
        with self.walk() as walk:
            walk.enter(parts)
            return identity(walk.find(leaf)[1])

    def pin(self) -> PinnedDirectory:
        return PinnedDirectory(self.path, self._walk)


class PinnedDirectory(Directory):
    """The directory that a path led to once, whatever the path leads to later."""

    def __init__(self, path: str, walk: type[Walk]) -> None:
        self.path = path
        self._walk = walk
        self._root = os.open(path, _SEARCH)
        self.real_path = os.path.realpath(path)
        finalize(self, os.close, self._root)

    @contextmanager
    def walk(self) -> Iterator[Walk]:
        walk = self._walk(self._root, lambda: self.real_path)
        try:
            yield walk
        finally:
            walk.close()
