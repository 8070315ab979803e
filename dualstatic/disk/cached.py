"""Whether a look-up would have to wait for the disk, as Linux tells from version 5.12 on.

An event loop asks before it looks a name up by itself. Nothing is opened for reading here, nor
decided what may be.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

_AT_FDCWD = -100
_OPENAT2 = 437
_RESOLVE_CACHED = 0x20
# struct open_how: flags, mode, resolve
_HOW = struct.pack(
    "QQQ", getattr(os, "O_PATH", 0) | getattr(os, "O_CLOEXEC", 0), 0, _RESOLVE_CACHED
)
_NO_SUCH_CALL = frozenset({errno.ENOSYS, errno.EPERM, errno.EINVAL})
"""What an older system says, or a sandbox."""

_call = ctypes.CDLL(None, use_errno=True).syscall if sys.platform == "linux" else None


def is_cached(path: str, directory: int = _AT_FDCWD) -> bool:
    """Whether the system knows without a wait what is at a path, be it nothing; False: perhaps."""
    global _call
    if _call is None:
        return False
    try:
        encoded = os.fsencode(path)
    except UnicodeEncodeError:  # there is no such name in this locale
        return True
    descriptor = _call(_OPENAT2, directory, encoded, _HOW, len(_HOW))
    if descriptor >= 0:
        os.close(descriptor)
        return True
    error = ctypes.get_errno()
    if error in _NO_SUCH_CALL:
        _call = None
    return error != errno.EAGAIN and error not in _NO_SUCH_CALL
