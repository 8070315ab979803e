"""The system calls of a walk, each relative to the descriptor of the directory it stands in.

On Linux `openat2` opens again, by one call from the root, what a walk has found before.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Literal

from ..core.values import Identity
from .nowait import answers_at_once


def _flags(*names: str) -> int:
    """The flags of `open` that this system has of these."""
    return sum(getattr(os, name, 0) for name in names)


NOFOLLOW = _flags("O_NOFOLLOW")
READ = os.O_RDONLY | _flags("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY")
_LOOK = os.O_RDONLY | _flags("O_PATH", "O_CLOEXEC")
_SEARCH = _LOOK | _flags("O_DIRECTORY")

_AT_FDCWD = -100
"""Stands for the working directory, as a directory's descriptor."""

_OPENAT2 = 437

_BENEATH = 0x08 | 0x04 | 0x02  # RESOLVE_BENEATH, _NO_SYMLINKS, _NO_MAGICLINKS
"""No way through a link, nor out of the directory."""

_SAME_MOUNT = 0x01  # RESOLVE_NO_XDEV
"""No way from one mounted file system to another."""

_CACHED = 0x20  # RESOLVE_CACHED, of Linux 5.12
"""No wait for the disk."""

_HOW = struct.Struct("QQQ")  # struct open_how: flags, mode, resolve

_AT_EMPTY_PATH, _AT_STATX_DONT_SYNC = 0x1000, 0x4000
_STATX_WANTED = 0x181  # STATX_TYPE, STATX_CTIME, STATX_INO
_STATX = struct.Struct("28xH2xQ56xqI28xII112x")
"""Of a struct statx: mode, inode, ctime in seconds and nanoseconds, the device's two numbers."""

_call = _call_at_once = _statx = None
if sys.platform == "linux":
    _call = ctypes.CDLL(None, use_errno=True).syscall
    # What can't wait keeps the interpreter's lock: to give it away costs as much as the call.
    _quick = ctypes.PyDLL(None, use_errno=True)
    _call_at_once, _statx = _quick.syscall, getattr(_quick, "statx", None)

_ENCODING, _ERRORS = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR})
_Status = ctypes.c_char * _STATX.size

Stamp = tuple[int, int, int]
"""Of a folder: device, inode, ctime in nanoseconds. Whatever is added to it changes the last."""

Kind = Literal["directory", "file", "link", "other"]

_STANDS_FOR_A_NAME = 0x20000000
"""The bit of Windows' reparse tags that links and junctions have."""


def identity(status: os.stat_result) -> Identity:
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def kind_of(status: os.stat_result) -> Kind:
    """What a status stands for; a junction of Windows is a link."""
    if getattr(status, "st_reparse_tag", 0) & _STANDS_FOR_A_NAME:
        return "link"
    if stat.S_ISREG(status.st_mode):
        return "file"
    if stat.S_ISDIR(status.st_mode):
        return "directory"
    return "link" if stat.S_ISLNK(status.st_mode) else "other"


def entry_kind(entry: os.DirEntry[str]) -> Kind:
    """The same of an entry; most file systems tell it without another call."""
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "directory"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


class ByDescriptor:
    """A `place` is the descriptor of a directory. With `follow` the system resolves links."""

    def __init__(self, path: str, *, follow: bool, wait: bool) -> None:
        if wait:
            self.root = os.open(path, _SEARCH)
        else:
            self.root = _open_by_one_call(path, _SEARCH, resolve=_CACHED)
        self.path, self.follow = path, follow
        self._nofollow = 0 if follow else NOFOLLOW
        self._resolve = 0 if follow else _BENEATH
        self._real_path: str | None = None

    def open_again(
        self, name: str, known: Mapping[str, Identity], folder: Stamp | None, *, wait: bool
    ) -> int:
        """One of the files that were found before, open to be read, if all are as they were.

        `known` are all of them, by their last names, in one folder, to which nothing was added if
        `folder` is its stamp still. The file is not looked at before it is opened: a FIFO that has
        just taken its name is opened, but not waited for.

        :raises BlockingIOError: only a walk tells; or the disk, or a server, has to be waited for,
            and `wait` is False
        :raises OSError: one isn't there, or is another by now
        """
        if not folder and len(known) == 1:
            with suppress(BlockingIOError):  # another mount may be on the way to it
                return self._open_in(self.root, name, known, None, wait)
        place, _, leaf = name.rpartition("/")
        if not place:
            return self._open_in(self.root, leaf, known, folder, wait)
        resolve = self._resolve if wait else self._resolve | _CACHED
        at = _open_by_one_call(place, _SEARCH, self.root, resolve)
        try:
            return self._open_in(at, leaf, known, folder, wait)
        finally:
            os.close(at)

    def _open_in(
        self, at: int, path: str, known: Mapping[str, Identity], folder: Stamp | None, wait: bool
    ) -> int:
        if folder or not wait:
            _, stamp = _look_at_once(at)
            if not answers_at_once(stamp[0]):
                raise BlockingIOError(errno.EAGAIN, "a device that may have to be waited for", path)
            if folder not in (None, stamp):
                raise OSError(errno.ESTALE, "the folder has changed", path)
        descriptor = self._open_file(path, at, READ, wait)
        try:
            opened = path.rpartition("/")[2]
            for leaf, then in known.items():
                now = os.fstat(descriptor) if leaf == opened else self._status(leaf, at, wait)
                if identity(now) != then:
                    raise OSError(errno.ESTALE, "it is another file by now", leaf)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _open_file(self, path: str, at: int, flags: int, wait: bool) -> int:
        if wait and "/" not in path:
            return os.open(path, flags | self._nofollow, dir_fd=at)
        resolve = self._resolve if wait else self._resolve | _CACHED | _SAME_MOUNT
        return _open_by_one_call(path, flags, at, resolve)

    def _status(self, leaf: str, at: int, wait: bool) -> os.stat_result:
        if wait:
            return os.stat(leaf, dir_fd=at, follow_symlinks=self.follow)
        descriptor = self._open_file(leaf, at, _LOOK, wait)
        try:
            return os.fstat(descriptor)
        finally:
            os.close(descriptor)

    def lacks(self, name: str, *, wait: bool) -> bool:
        """Whether a name is that of no file; False, too, where this can't tell."""
        resolve = self._resolve if wait else self._resolve | _CACHED
        descriptor = _openat2(name, _LOOK, self.root, resolve)
        if descriptor < 0:
            return -descriptor in _NOT_THERE
        try:
            mode, _ = _look_at_once(descriptor)
            return mode != 0 and not stat.S_ISREG(mode)
        finally:
            os.close(descriptor)

    @property
    def real_path(self) -> str:
        """The root's path without links in it, as it was when it was first asked for."""
        # Not by `cached_property`: it has a lock, which may be held where a process is forked.
        if self._real_path is None:
            self._real_path = os.path.realpath(self.path)
        return self._real_path

    def __enter__(self) -> ByDescriptor:
        return self

    def __exit__(self, *failure: object) -> None:
        os.close(self.root)

    def enter(self, place: int, path: str) -> int:
        """Enter a directory by its name, or several, one below the other.

        :raises BlockingIOError: of several names, only steps from one to the next tell
        :raises OSError: ENOTDIR or ELOOP: a link that isn't followed, or no directory at all
        """
        if "/" in path and not self.follow:
            return _open_by_one_call(path, _SEARCH, place, _BENEATH)
        return os.open(path, _SEARCH | self._nofollow, dir_fd=place)

    def spells(self, place: int, name: str) -> bool:
        """Whether a directory has a name in this very spelling."""
        return name in dict(self.entries(place))

    def open(self, place: int, leaf: str) -> int:
        try:
            return os.open(leaf, READ | self._nofollow, dir_fd=place)
        except BlockingIOError as error:  # it isn't the disk that would have to be waited for
            raise OSError(errno.EBUSY, "another program has a lease on it", leaf) from error

    def entries(self, place: int) -> list[tuple[str, Kind]]:
        descriptor = os.open(".", READ | _flags("O_DIRECTORY"), dir_fd=place)
        try:
            with os.scandir(descriptor) as entries:
                return [(entry.name, entry_kind(entry)) for entry in entries]
        finally:
            os.close(descriptor)


def _open_by_one_call(path: str, flags: int, directory: int = _AT_FDCWD, resolve: int = 0) -> int:
    """Open a path by one call; `resolve` says what may not be on the way.

    :raises FileNotFoundError, NotADirectoryError: it isn't there
    :raises BlockingIOError: that is on the way, or this system can't tell
    """
    descriptor = _openat2(path, flags, directory, resolve)
    if descriptor >= 0:
        return descriptor
    number = -descriptor if -descriptor in _NOT_THERE else errno.EAGAIN
    raise OSError(number, os.strerror(number), path)


def _openat2(path: str, flags: int, directory: int, resolve: int) -> int:
    """A descriptor, or an error's number below zero; EAGAIN where there is no such call."""
    call = _call_at_once if resolve & _CACHED else _call
    if call is None or "\0" in path:
        return -errno.EAGAIN
    try:
        encoded = path.encode(_ENCODING, _ERRORS)
    except UnicodeEncodeError:
        return -errno.EAGAIN
    descriptor: int = call(_OPENAT2, directory, encoded, _how(flags, resolve), _HOW.size)
    return descriptor if descriptor >= 0 else -ctypes.get_errno()


@cache
def _how(flags: int, resolve: int) -> bytes:
    return _HOW.pack(flags, 0, resolve)


def stamp_of(folder: int) -> Stamp | None:
    """The stamp of an open folder; None: this can't be told."""
    mode, stamp = _look_at_once(folder)
    return stamp if mode else None


def _look_at_once(descriptor: int) -> tuple[int, Stamp]:
    """The mode and the stamp of what is open, asked of no server; zeros: this can't be told."""
    buffer = _Status()
    flags = _AT_EMPTY_PATH | _AT_STATX_DONT_SYNC
    if _statx is None or _statx(descriptor, b"", flags, _STATX_WANTED, buffer):
        return 0, (0, 0, 0)
    mode, inode, seconds, nanoseconds, major, minor = _STATX.unpack(buffer)
    return mode, (os.makedev(major, minor), inode, seconds * 10**9 + nanoseconds)
