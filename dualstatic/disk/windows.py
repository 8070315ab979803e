"""What is asked of Windows itself, for Python asks it otherwise or not at all."""

from __future__ import annotations

import ctypes
import msvcrt
import sys
from ctypes import wintypes

assert sys.platform == "win32"  # noqa: S101 (for this system alone, mypy reads on)

_LONGEST = 2**15
_INVALID = wintypes.HANDLE(-1).value
_GENERIC_READ, _SHARE_ALL, _OPEN_EXISTING = 0x80000000, 7, 3

_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_open, _final_path = _kernel.CreateFileW, _kernel.GetFinalPathNameByHandleW
_open.restype = wintypes.HANDLE
_open.argtypes = (
    *(wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, wintypes.LPVOID),
    *(wintypes.DWORD, wintypes.DWORD, wintypes.HANDLE),
)
_find, _end_find = _kernel.FindFirstFileW, _kernel.FindClose
_find.restype = wintypes.HANDLE
_find.argtypes = (wintypes.LPCWSTR, ctypes.POINTER(wintypes.WIN32_FIND_DATAW))
_end_find.argtypes = (wintypes.HANDLE,)
_final_path.restype = wintypes.DWORD
_final_path.argtypes = (wintypes.HANDLE, wintypes.LPWSTR, wintypes.DWORD, wintypes.DWORD)


def open_file(path: str, flags: int) -> int:
    """Open a file to read, which others may rename, replace and remove meanwhile, as elsewhere."""
    handle = _open(path, _GENERIC_READ, _SHARE_ALL, None, _OPEN_EXISTING, 0, None)
    if handle == _INVALID:
        raise ctypes.WinError(ctypes.get_last_error())
    return msvcrt.open_osfhandle(handle, flags)


def spelling(path: str) -> str:
    """The last name of a path, as its directory has it: in its own case, and not a short one."""
    found = wintypes.WIN32_FIND_DATAW()
    handle = _find(path, found)
    if handle == _INVALID:
        raise ctypes.WinError(ctypes.get_last_error())
    _end_find(handle)
    name: str = found.cFileName
    return name


def final_path(descriptor: int) -> str | None:
    """The path of an open file; None: its file system doesn't tell."""
    buffer = ctypes.create_unicode_buffer(_LONGEST)
    length = _final_path(msvcrt.get_osfhandle(descriptor), buffer, _LONGEST, 0)
    return buffer.value if 0 < length < _LONGEST else None
