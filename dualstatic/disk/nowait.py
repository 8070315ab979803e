"""What Linux does by one call, and without a wait for the disk. Elsewhere: BlockingIOError or None.

A name in the system's cache says nothing of the file behind it: on FUSE and NFS `open`, and even
`fstat`, may ask a server that hangs. So a device has to show first that it answers at once.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys
from functools import cache

AT_FDCWD = -100
"""Stands for the working directory, as a directory's descriptor."""

_OPENAT2 = 437
_BENEATH = 0x08 | 0x04 | 0x02  # RESOLVE_BENEATH, _NO_SYMLINKS, _NO_MAGICLINKS
_CACHED = 0x20  # RESOLVE_CACHED, of Linux 5.12
_HOW = struct.Struct("QQQ")  # struct open_how: flags, mode, resolve
_FOLLOWING_LOOK = getattr(os, "O_PATH", 0) | getattr(os, "O_CLOEXEC", 0)
_LOOK = _FOLLOWING_LOOK | getattr(os, "O_NOFOLLOW", 0)

_NO_SUCH_CALL = frozenset({errno.ENOSYS, errno.EPERM, errno.EINVAL})
"""What an older system answers, or a sandbox; a file system may, too, of one name."""

_NO_SUCH_READ = _NO_SUCH_CALL | {errno.EOPNOTSUPP}

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
_answers: dict[int, bool] = {}


def open_directly(
    path: str, flags: int, directory: int = AT_FDCWD, *, beneath: bool, wait: bool
) -> int:
    """Open a path by one call; `beneath`: it may lead through no link, and not out of `directory`.

    :raises FileNotFoundError, NotADirectoryError: it isn't there
    :raises BlockingIOError: this can't tell, and a walk may; or it had to wait, and `wait` is False
    """
    descriptor = _openat2(path, flags, directory, beneath, wait)
    if descriptor >= 0:
        return descriptor
    number = -descriptor if -descriptor in _NOT_THERE else errno.EAGAIN
    raise OSError(number, os.strerror(number), path)


def is_no_file(path: str, directory: int, beneath: bool, wait: bool) -> bool:
    """Whether a path is neither a file nor a link; False, too, where this can't tell."""
    descriptor = _openat2(path, _LOOK, directory, beneath, wait)
    if descriptor < 0:
        return -descriptor in _NOT_THERE
    try:
        mode, _ = _kind(descriptor)
        return mode != 0 and not stat.S_ISREG(mode) and not stat.S_ISLNK(mode)
    finally:
        os.close(descriptor)


def _openat2(path: str, flags: int, directory: int, beneath: bool, wait: bool) -> int:
    """A descriptor, or an error's number below zero; EAGAIN where there is no such call."""
    call = _call if wait else _call_at_once
    resolve = (_BENEATH if beneath else 0) | (0 if wait else _CACHED)
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
    return -number if number not in _NO_SUCH_CALL or _has_openat2(resolve) else -errno.EAGAIN


@cache
def _how(flags: int, resolve: int) -> bytes:
    return _HOW.pack(flags, 0, resolve)


def _has_openat2(resolve: int) -> bool:
    """Whether an error was the file system's own, of one name; else the call is not made again."""
    descriptor = _call(_OPENAT2, AT_FDCWD, b"/", _how(_LOOK, resolve), _HOW.size) if _call else -1
    if descriptor >= 0:
        os.close(descriptor)
    elif ctypes.get_errno() in _NO_SUCH_CALL:
        _missing.add(resolve)
        return False
    return True


def is_file_at_once(path: str, directory: int, *, beneath: bool) -> bool:
    """Whether a path is a file that can be opened without a wait. Nothing is asked of a server."""
    look = _LOOK if beneath else _FOLLOWING_LOOK
    descriptor = open_directly(path, look, directory, beneath=beneath, wait=False)
    try:
        mode, device = _kind(descriptor)
        return stat.S_ISREG(mode) and answers_at_once(device)
    finally:
        os.close(descriptor)


def _kind(descriptor: int) -> tuple[int, int]:
    """The mode and the device of what is open; zeros where this system can't tell."""
    buffer = _Status()
    flags = _AT_EMPTY_PATH | _AT_STATX_DONT_SYNC
    if _statx is None or _statx(descriptor, b"", flags, _STATX_TYPE, buffer):
        return 0, 0
    mode, major, minor = _STATX.unpack(buffer)
    return mode, os.makedev(major, minor)


def read_now(descriptor: int, window: memoryview, position: int, device: int) -> int | None:
    """Read into `window`; the count of bytes, or None where that has to wait or can't be told."""
    if not _answers.get(device, True):
        return None
    try:
        count = os.preadv(descriptor, [window], position, os.RWF_NOWAIT)
    except BlockingIOError:
        _answers[device] = True
        return None
    except AttributeError:  # a Python or a system without such a read
        _answers[device] = False
        return None
    except OSError as error:
        if error.errno in _NO_SUCH_READ:
            _answers[device] = False
        return None
    _answers[device] = True
    return count


def try_out(descriptor: int, device: int) -> None:
    """Let a device show by one file whether it answers at once; for a thread that may wait."""
    if device not in _answers:
        read_now(descriptor, memoryview(bytearray(1)), 0, device)


def answers_at_once(device: int) -> bool:
    """Whether a device has shown that it can read without a wait, so that `open` asks no server."""
    return _answers.get(device, False)
