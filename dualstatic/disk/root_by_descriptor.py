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
from collections.abc import Iterable
from functools import cache
from typing import Literal

from ..core.values import Identity
from .errors import is_missing
from .nowait import NO_SUCH_CALL, answers_at_once

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
_FOLLOWING_LOOK = getattr(os, "O_PATH", 0) | getattr(os, "O_CLOEXEC", 0)
_LOOK = _FOLLOWING_LOOK | getattr(os, "O_NOFOLLOW", 0)

_AT_EMPTY_PATH, _AT_STATX_DONT_SYNC, _STATX_TYPE = 0x1000, 0x4000, 0x1
_STATX = struct.Struct("28xH106xII112x")  # struct statx: mode, device's major and minor number

_call = _call_at_once = _statx = None
if sys.platform == "linux":
    _call = ctypes.CDLL(None, use_errno=True).syscall
    # What can't wait keeps the interpreter's lock: to give it away costs as much as the call.
    _quick = ctypes.PyDLL(None, use_errno=True)
    _call_at_once, _statx = _quick.syscall, getattr(_quick, "statx", None)

_ENCODING, _ERRORS = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR})
_Status = ctypes.c_char * _STATX.size
_missing: set[int] = set()

Kind = Literal["directory", "file", "link", "other"]


def identity(status: os.stat_result) -> Identity:
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


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
            self.root = _open_by_one_call(path, _SEARCH, resolve=_CACHED)
        self.path, self.follow = path, follow
        self._nofollow = 0 if follow else NOFOLLOW
        self._resolve = 0 if follow else _BENEATH
        self._device: int | None = None
        self._real_path: str | None = None

    def open_again(
        self, names: Iterable[str], absent: Iterable[str], *, wait: bool
    ) -> list[tuple[int, Identity]]:
        """Files that were found before, by as few calls as can be, where others are still absent.

        Which files they are now is told, too. They are not looked at before they are opened: a FIFO
        that has just taken the name of one is opened, but not waited for.

        :raises FileNotFoundError, NotADirectoryError: one isn't there
        :raises BlockingIOError: a walk has to tell; or the disk, or a server, had to be waited for,
            and `wait` is False
        """
        resolve = self._resolve if wait else self._resolve | _CACHED
        descriptors: list[int] = []
        try:
            for name in names:
                # One by one: if one isn't there, those before it are closed.
                descriptors.append(self._open_directly(name, wait))  # noqa: PERF401
            for name in absent:
                if not _is_no_file(name, self.root, resolve):
                    raise BlockingIOError(errno.EAGAIN, "it may be there by now", name)
            return [(descriptor, identity(os.fstat(descriptor))) for descriptor in descriptors]
        except BaseException:
            for descriptor in descriptors:
                os.close(descriptor)
            raise

    def _open_directly(self, name: str, wait: bool) -> int:
        if wait:
            return _open_by_one_call(name, READ, self.root, self._resolve)
        resolve = self._resolve | _CACHED
        if self._device is None:
            _, self._device = _kind_at_once(self.root)
        if answers_at_once(self._device):
            try:
                return _open_by_one_call(name, READ, self.root, resolve | _SAME_MOUNT)
            except BlockingIOError:
                pass  # it may be on another device that answers at once
        if not _is_file_at_once(name, self.root, resolve):
            raise BlockingIOError(errno.EAGAIN, "a device that may have to be waited for", name)
        return _open_by_one_call(name, READ, self.root, resolve)

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

    def leave(self, place: int) -> None:
        os.close(place)

    def leap(self, place: int, path: str) -> int | None:
        """Enter directories, none of which is a link, by one call; None: only a walk can tell."""
        if "/" not in path:  # of one name `enter` tells as much, and costs less
            return None
        try:
            return _open_by_one_call(path, _SEARCH, place, _BENEATH)
        except BlockingIOError:
            return None

    def enter(self, place: int, name: str) -> int:
        """:raises OSError: ENOTDIR or ELOOP: a link that isn't followed, or no directory at all"""
        return os.open(name, _SEARCH | self._nofollow, dir_fd=place)

    def spells(self, place: int, name: str) -> bool:
        """Whether a directory has a name in this very spelling."""
        return name in dict(self.entries(place))

    def readlink(self, place: int, leaf: str) -> str:
        return os.readlink(leaf, dir_fd=place)

    def status(self, place: int, leaf: str) -> os.stat_result:
        return os.stat(leaf, dir_fd=place, follow_symlinks=self.follow)

    def has(self, place: int, leaf: str) -> bool:
        """Whether there is something; an error other than "not there" is for `open` to raise."""
        try:
            os.stat(leaf, dir_fd=place, follow_symlinks=False)
        except OSError as error:
            return not is_missing(error)
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


def _is_no_file(path: str, directory: int, resolve: int) -> bool:
    """Whether a path is neither a file nor a link; False, too, where this can't tell."""
    descriptor = _openat2(path, _LOOK, directory, resolve)
    if descriptor < 0:
        return -descriptor in _NOT_THERE
    try:
        mode, _ = _kind_at_once(descriptor)
        return mode != 0 and not stat.S_ISREG(mode) and not stat.S_ISLNK(mode)
    finally:
        os.close(descriptor)


def _openat2(path: str, flags: int, directory: int, resolve: int) -> int:
    """A descriptor, or an error's number below zero; EAGAIN where there is no such call."""
    call = _call_at_once if resolve & _CACHED else _call
    if call is None or resolve in _missing or "\0" in path:
        return -errno.EAGAIN
    try:
        encoded = path.encode(_ENCODING, _ERRORS)
    except UnicodeEncodeError:
        return -errno.EAGAIN
    descriptor: int = call(_OPENAT2, directory, encoded, _how(flags, resolve), _HOW.size)
    if descriptor >= 0:
        return descriptor
    number = ctypes.get_errno()
    return -number if number not in NO_SUCH_CALL or _has_openat2(resolve) else -errno.EAGAIN


@cache
def _how(flags: int, resolve: int) -> bytes:
    return _HOW.pack(flags, 0, resolve)


def _has_openat2(resolve: int) -> bool:
    """Whether an error was the file system's own, of one name; else the call is not made again."""
    descriptor = _call(_OPENAT2, _AT_FDCWD, b"/", _how(_LOOK, resolve), _HOW.size) if _call else -1
    if descriptor >= 0:
        os.close(descriptor)
    elif ctypes.get_errno() in NO_SUCH_CALL:
        _missing.add(resolve)
        return False
    return True


def _is_file_at_once(path: str, directory: int, resolve: int) -> bool:
    """Whether a path is a file that can be opened without a wait. Nothing is asked of a server."""
    look = _LOOK if resolve & _BENEATH else _FOLLOWING_LOOK
    descriptor = _open_by_one_call(path, look, directory, resolve)
    try:
        mode, device = _kind_at_once(descriptor)
        return stat.S_ISREG(mode) and answers_at_once(device)
    finally:
        os.close(descriptor)


def _kind_at_once(descriptor: int) -> tuple[int, int]:
    """The mode and the device of what is open, asked of no server; zeros: this can't be told."""
    buffer = _Status()
    flags = _AT_EMPTY_PATH | _AT_STATX_DONT_SYNC
    if _statx is None or _statx(descriptor, b"", flags, _STATX_TYPE, buffer):
        return 0, 0
    mode, major, minor = _STATX.unpack(buffer)
    return mode, os.makedev(major, minor)
