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

_OF_DESCRIPTOR = 0x1000 | 0x4000  # AT_EMPTY_PATH, AT_STATX_DONT_SYNC
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


def open_root(path: str, *, wait: bool) -> int:
    return os.open(path, _SEARCH) if wait else _open_by_one_call(path, _SEARCH, resolve=_CACHED)


def open_again(
    root: int,
    name: str,
    known: Mapping[str, Identity | None],
    folder: tuple[int, ...],
    *,
    follow: bool,
    wait: bool,
) -> int:
    """One of the files that were found before, open to be read, if all are as they were.

    `known` are all of them, by their last names, in one folder; None: there was none. If a look at
    the folder says `folder` still, nothing was added to it. The file is not looked at before it is
    opened: a FIFO that has just taken its name is opened, but not waited for.

    :raises BlockingIOError: only a walk tells; or the disk, or a server, has to be waited for, and
        `wait` is False
    :raises OSError: one isn't there, or is another by now
    """
    if not folder and len(known) == 1:
        with suppress(BlockingIOError):  # another mount may be on the way to it
            return _open_in(root, name, known, folder, follow, wait)
    place, _, leaf = name.rpartition("/")
    if not place:
        return _open_in(root, leaf, known, folder, follow, wait)
    at = _open_by_one_call(place, _SEARCH, root, _resolve(follow, wait))
    try:
        return _open_in(at, leaf, known, folder, follow, wait)
    finally:
        os.close(at)


def _open_in(
    at: int,
    path: str,
    known: Mapping[str, Identity | None],
    folder: tuple[int, ...],
    follow: bool,
    wait: bool,
) -> int:
    if folder or not wait:
        now = look_at_once(at)
        if not folder and not (now and answers_at_once(device_and_ctime(now)[0])):
            raise BlockingIOError(errno.EAGAIN, "a device that may have to be waited for", path)
        if folder and now != folder:
            raise OSError(errno.ESTALE, "the folder has changed", path)
    descriptor = _open_file(path, at, READ, follow, wait)
    try:
        opened = path.rpartition("/")[2]
        for leaf, then in known.items():
            status = os.fstat(descriptor) if leaf == opened else _status(leaf, at, follow, wait)
            if (identity(status) if status else None) != then:
                raise OSError(errno.ESTALE, "it is another file by now", leaf)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _open_file(path: str, at: int, flags: int, follow: bool, wait: bool) -> int:
    if wait and "/" not in path:
        return os.open(path, flags | (0 if follow else NOFOLLOW), dir_fd=at)
    return _open_by_one_call(path, flags, at, _resolve(follow, wait) | (0 if wait else _SAME_MOUNT))


def _resolve(follow: bool, wait: bool) -> int:
    return (0 if follow else _BENEATH) | (0 if wait else _CACHED)


def _status(leaf: str, at: int, follow: bool, wait: bool) -> os.stat_result | None:
    """What a name stands for; None: there is nothing."""
    try:
        if wait:
            return os.stat(leaf, dir_fd=at, follow_symlinks=follow)
        descriptor = _open_file(leaf, at, _LOOK, follow, wait)
    except FileNotFoundError:
        return None
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def lacks(root: int, name: str, *, follow: bool, wait: bool) -> bool:
    """Whether a name is that of no file; False, too, where this can't tell."""
    descriptor = _openat2(name, _LOOK, root, _resolve(follow, wait))
    if descriptor < 0:
        return -descriptor in _NOT_THERE
    try:
        now = look_at_once(descriptor)
        return bool(now) and not stat.S_ISREG(now[0])
    finally:
        os.close(descriptor)


def enter(place: int, path: str, *, follow: bool) -> int:
    """Enter a directory by its name, or several, one below the other.

    :raises BlockingIOError: of several names, only steps from one to the next tell
    :raises OSError: ENOTDIR or ELOOP: a link that isn't followed, or no directory at all
    """
    if "/" in path and not follow:
        return _open_by_one_call(path, _SEARCH, place, _BENEATH)
    return os.open(path, _SEARCH | (0 if follow else NOFOLLOW), dir_fd=place)


def spells(place: int, name: str) -> bool:
    """Whether a directory has a name in this very spelling."""
    return name in dict(entries(place))


def open_entry(place: int, leaf: str, *, follow: bool) -> int:
    """A file, for reading."""
    try:
        return os.open(leaf, READ | (0 if follow else NOFOLLOW), dir_fd=place)
    except BlockingIOError as error:  # it isn't the disk that would have to be waited for
        raise OSError(errno.EBUSY, "another program has a lease on it", leaf) from error


def entries(place: int) -> list[tuple[str, Kind]]:
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


def look_at_once(descriptor: int) -> tuple[int, ...]:
    """What `_STATX` says of what is open, asked of no server; empty: this can't be told.

    Whatever is added to a folder changes its ctime.
    """
    buffer = _Status()
    if _statx is None or _statx(descriptor, b"", _OF_DESCRIPTOR, _STATX_WANTED, buffer):
        return ()
    return _STATX.unpack(buffer)


def device_and_ctime(look: tuple[int, ...]) -> tuple[int, int]:
    """The device, and the time in nanoseconds of the last change, by such a look."""
    *_, seconds, nanoseconds, major, minor = look
    return os.makedev(major, minor), seconds * 10**9 + nanoseconds
