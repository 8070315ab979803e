"""The system calls of a walk, each relative to the descriptor of the directory it stands in."""

from __future__ import annotations

import errno
import os
import stat
from typing import Literal

from .errors import NOT_THERE
from .nowait import is_file_at_once, is_no_file, open_directly

NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
READ = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_SEARCH = (
    getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_DIRECTORY", 0)
)

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

    def __init__(self, path: str, *, follow: bool, wait: bool) -> None:
        if wait:
            self.root = os.open(path, _SEARCH)
        else:
            self.root = open_directly(path, _SEARCH, beneath=False, wait=False)
        self.path, self.follow = path, follow
        self._nofollow = 0 if follow else NOFOLLOW
        self._real_path: str | None = None

    def open_directly(self, name: str, *, wait: bool) -> tuple[int, os.stat_result]:
        """A file that was one when it was last looked at, by as few calls as can be.

        Elsewhere it is looked at first. Here a FIFO that has just taken its name is opened, but
        not waited for. `wait` and what is raised are as for `nowait.open_directly`.
        """
        beneath = not self.follow
        if not wait and not is_file_at_once(name, self.root, beneath=beneath):
            raise BlockingIOError(errno.EAGAIN, "a device that may have to be waited for", name)
        descriptor = open_directly(name, READ, self.root, beneath=beneath, wait=wait)
        try:
            return descriptor, os.fstat(descriptor)
        except BaseException:
            os.close(descriptor)
            raise

    def lacks(self, name: str, *, wait: bool) -> bool:
        """Whether there is neither a file of this name nor a link; False, too, if unsure."""
        return is_no_file(name, self.root, beneath=not self.follow, wait=wait)

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
        if "/" not in path:  # of one name `enter` tells as much, and costs less
            return None
        try:
            return open_directly(path, _SEARCH, place, beneath=True, wait=True)
        except BlockingIOError:
            return None

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
