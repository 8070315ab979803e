"""The system calls of a walk, each relative to the descriptor of the directory it stands in."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import Literal, TypeVar

from .errors import NOT_THERE
from .nowait import answers_at_once, exists_now, kind_now, open_beneath, open_cached

NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
READ = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_LOOK = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_CLOEXEC", 0)
_SEARCH = _LOOK | getattr(os, "O_DIRECTORY", 0)

T = TypeVar("T")

Kind = Literal["directory", "file", "link", "other"]


def kind_of(mode: int) -> Kind:
    """What the mode of a status stands for."""
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    return "link" if stat.S_ISLNK(mode) else "other"


def entry_kind(entry: os.DirEntry[str]) -> Kind:
    """The same of an entry; most file systems tell it without another call."""
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "directory"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


class ByDescriptor:
    """A `place` is the descriptor of a directory. With `follow` the system resolves links."""

    @staticmethod
    def kind_of(status: os.stat_result) -> Kind:
        return kind_of(status.st_mode)

    def __init__(self, root: int, path: str, *, follow: bool) -> None:
        self.root, self.path, self.follow = root, path, follow
        self._nofollow = 0 if follow else NOFOLLOW
        self._real_path: str | None = None

    @classmethod
    def at(cls, path: str, *, follow: bool, wait: bool = True) -> ByDescriptor:
        """Open a root."""
        if wait:
            return ByDescriptor(os.open(path, _SEARCH), path, follow=follow)
        return Cached(open_cached(path, _SEARCH), path, follow=follow)

    def without_wait(self) -> ByDescriptor:
        """The same root for an event loop."""
        return Cached(self.root, self.path, follow=self.follow)

    @property
    def real_path(self) -> str:
        """The root's path without links in it, as it was when it was first asked for."""
        # Not by `cached_property`: it has a lock, which may be held where a process is forked.
        if self._real_path is None:
            self._real_path = os.path.realpath(self.path)
        return self._real_path

    def close(self) -> None:
        os.close(self.root)

    def leave(self, place: int) -> None:
        os.close(place)

    def leap(self, place: int, path: str) -> int | None:
        """Enter directories, none of which is a link, by one call; None: only a walk can tell."""
        # Of one name `enter` tells as much, and costs less.
        return open_beneath(path, _SEARCH, place) if "/" in path else None

    def enter(self, place: int, name: str) -> int:
        """:raises OSError: ENOTDIR or ELOOP: a link that isn't followed, or no directory at all"""
        return os.open(name, _SEARCH | self._nofollow, dir_fd=place)

    def readlink(self, place: int, leaf: str) -> str:
        return os.readlink(leaf, dir_fd=place)

    def status(self, place: int, leaf: str) -> os.stat_result:
        return os.stat(leaf, dir_fd=place, follow_symlinks=self.follow)

    def kind(self, place: int, leaf: str) -> Kind:
        return self.kind_of(self.status(place, leaf))

    def has(self, place: int, leaf: str) -> bool:
        """Whether there is something; an error other than "not there" is for `open` to raise."""
        try:
            os.stat(leaf, dir_fd=place, follow_symlinks=False)
        except OSError as error:
            return error.errno not in NOT_THERE
        return True

    def open(self, place: int, leaf: str) -> int:
        try:
            return os.open(leaf, READ | self._nofollow, dir_fd=place)
        except BlockingIOError as error:  # it isn't the disk that would have to be waited for
            raise OSError(errno.EBUSY, "another program has a lease on it", leaf) from error

    def entries(self, place: int) -> list[tuple[str, Kind]]:
        descriptor = os.open(".", READ | getattr(os, "O_DIRECTORY", 0), dir_fd=place)
        try:
            with os.scandir(descriptor) as entries:
                return [(entry.name, entry_kind(entry)) for entry in entries]
        finally:
            os.close(descriptor)


class Cached(ByDescriptor):
    """The same as far as there is no wait for the disk in it; BlockingIOError where there is."""

    @property
    def real_path(self) -> str:
        raise BlockingIOError(errno.EAGAIN, "links are read from the disk", self.path)

    def leap(self, place: int, path: str) -> int | None:
        return open_beneath(path, _SEARCH, place, wait=False)

    def enter(self, place: int, name: str) -> int:
        return open_cached(name, _SEARCH | self._nofollow, place)

    def readlink(self, place: int, leaf: str) -> str:
        raise BlockingIOError(errno.EAGAIN, "a link is read from the disk", leaf)

    def status(self, place: int, leaf: str) -> os.stat_result:
        return self._look(place, leaf, _status_now)

    def kind(self, place: int, leaf: str) -> Kind:
        return self._look(place, leaf, _kind_now)

    def _look(self, place: int, leaf: str, ask: Callable[[int], T]) -> T:
        descriptor = open_cached(leaf, _LOOK | self._nofollow, place)
        try:
            return ask(descriptor)
        finally:
            os.close(descriptor)

    def has(self, place: int, leaf: str) -> bool:
        if (exists := exists_now(leaf, place)) is None:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), leaf)
        return exists

    def entries(self, place: int) -> list[tuple[str, Kind]]:
        raise BlockingIOError(errno.EAGAIN, "a directory is read from the disk")


def _kind_now(descriptor: int) -> Kind:
    """A file is told only where it can be opened at once, too: `open` may ask a server."""
    mode, device = kind_now(descriptor)
    kind = kind_of(mode)
    if kind == "file":
        _prove(device)
    return kind


def _status_now(descriptor: int) -> os.stat_result:
    _, device = kind_now(descriptor)
    _prove(device)
    return os.fstat(descriptor)


def _prove(device: int) -> None:
    if not answers_at_once(device):
        raise BlockingIOError(errno.EAGAIN, "a device that may have to be waited for")
