"""What Linux does without a wait for the disk. Elsewhere it is None or BlockingIOError.

A name in the system's cache says nothing of the file behind it: on FUSE and NFS `open`, and even
`fstat`, may ask a server that hangs. So a device has to show first that it answers at once.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from functools import cache

AT_FDCWD = -100
"""Stands for the working directory, as a directory's descriptor."""

_OPENAT2 = 437
_BENEATH = 0x08 | 0x04 | 0x02  # RESOLVE_BENEATH, _NO_SYMLINKS, _NO_MAGICLINKS
_CACHED = 0x20  # RESOLVE_CACHED, of Linux 5.12
_HOW = struct.Struct("QQQ")  # struct open_how: flags, mode, resolve
_LOOK = getattr(os, "O_PATH", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)

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
_Status = ctypes.c_char * _STATX.size
_missing: set[int] = set()
_answers: dict[int, bool] = {}


def open_cached(path: str, flags: int, directory: int = AT_FDCWD, *, resolve: int = 0) -> int:
    """Open what the system finds without a wait. `resolve` may hold more bits of openat2's.

    :raises BlockingIOError: it would have to wait, or this system can't tell
    """
    descriptor = _openat2(path, flags, directory, resolve | _CACHED)
    if descriptor < 0:
        raise OSError(-descriptor, os.strerror(-descriptor), path)
    return descriptor


def exists_now(path: str, directory: int) -> bool | None:
    """Whether there is anything of a name, be it a link; None: only a wait would tell."""
    descriptor = _openat2(path, _LOOK, directory, _CACHED)
    if descriptor >= 0:
        os.close(descriptor)
        return True
    return False if descriptor == -errno.ENOENT else None


def open_beneath(path: str, flags: int, directory: int, *, wait: bool = True) -> int | None:
    """Open what lies below a directory, no link on the way; None where only a walk can tell."""
    descriptor = _openat2(path, flags, directory, _BENEATH if wait else _BENEATH | _CACHED)
    if -descriptor in (errno.ENOENT, errno.ENOTDIR):
        raise OSError(-descriptor, os.strerror(-descriptor), path)
    return descriptor if descriptor >= 0 else None


def _openat2(path: str, flags: int, directory: int, resolve: int) -> int:
    """A descriptor, or an error's number below zero; EAGAIN where there is no such call."""
    if "\0" in path:
        raise ValueError("embedded null byte")
    call = _call_at_once if resolve & _CACHED else _call
    encoded = path.encode(_ENCODING, _ERRORS)
    if call is None or resolve in _missing:
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


def kind_now(descriptor: int) -> tuple[int, int]:
    """The mode and the device of what is open, with no question to a server.

    :raises BlockingIOError: this system can't tell
    """
    buffer = _Status()
    flags = _AT_EMPTY_PATH | _AT_STATX_DONT_SYNC
    if _statx is None or _statx(descriptor, b"", flags, _STATX_TYPE, buffer):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
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
