r"""A plugin of pytest: lends Wine what it lacks, symbolic links and junctions.

Python's own code stays as it is, and so does ours. What they call of Windows gets an answer for
links from here, told by the links that Linux has on the disk; all else is Wine's. Linux is asked by
its own system calls, since a program under Wine is one of Linux. A junction is a link of Linux, the
target of which begins with two slashes.
"""

from __future__ import annotations

import _ctypes
import atexit
import ctypes
import ntpath
import struct
import sys
from collections.abc import Callable, Iterator
from ctypes import c_void_p
from ctypes.wintypes import BOOL, BOOLEAN, DWORD, HANDLE, LPCWSTR
from dataclasses import dataclass
from functools import partial
from typing import Any

assert sys.platform == "win32"

SYMLINK, JUNCTION = 0xA000000C, 0xA0000003
INVALID = c_void_p(-1).value
NO_LINK, NO_MORE_FILES, NO_ACCESS, EXISTS, OTHER = 4390, 18, 5, 183, 87
ERRORS = {-2: 2, -13: NO_ACCESS, -17: EXISTS, -20: 3}
"""Windows' numbers for those of Linux."""

OPEN, CLOSE, STAT, LSTAT, RENAME, RMDIR, UNLINK = 2, 3, 4, 6, 82, 84, 87
MAKE_LINK, READ_LINK, LIST = 88, 89, 217
STATUS = struct.Struct("<8xQ8xI60x2q40x")
"""What `stat` tells: the number of the file, its mode, and when it changed."""

# push rdi; push rsi; rax, rdi, rsi, rdx = the arguments; syscall; pop rsi; pop rdi; ret
CODE = bytes.fromhex("57 56 4889c8 4889d7 4c89c6 4c89ca 0f05 5e 5f c3")

kernel = ctypes.WinDLL("kernel32")
kernel.VirtualAlloc.restype = kernel.GetProcessHeap.restype = c_void_p
kernel.VirtualProtect.argtypes = (c_void_p, ctypes.c_size_t, DWORD, c_void_p)
kernel.HeapFree.argtypes = (c_void_p, DWORD, c_void_p)
kernel.wine_get_unix_file_name.argtypes = (LPCWSTR,)
kernel.wine_get_unix_file_name.restype = kernel.wine_get_dos_file_name.restype = c_void_p

place_of_code = kernel.VirtualAlloc(None, len(CODE), 0x3000, 0x40)
ctypes.memmove(place_of_code, CODE, len(CODE))
linux = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, *[c_void_p] * 3)(place_of_code)
"""A system call of Linux, with three arguments; an error is a number below zero."""


def fails(number: int) -> bool:
    ctypes.set_last_error(number)
    return False


def told(result: int) -> bool:
    """What Windows tells where Linux told this."""
    return result >= 0 or fails(ERRORS.get(result, OTHER))


def unix(path: str) -> bytes | None:
    """The name that Linux has for a path; None: there is no directory that could have it."""
    if not (address := kernel.wine_get_unix_file_name(path)):
        return None
    name = ctypes.string_at(address)
    kernel.HeapFree(kernel.GetProcessHeap(), 0, address)
    return name.rstrip(b"/")


def status_of(name: bytes, call: int) -> tuple[int, ...]:
    buffer = ctypes.create_string_buffer(STATUS.size)
    linux(call, name, buffer, None)
    return STATUS.unpack(buffer)


def is_directory(name: bytes) -> bool:
    """Whether it is one, or a link to one."""
    return status_of(name, STAT)[1] >> 12 == 4


@dataclass
class Link:
    """A link on the disk. Windows tells first of each file its attributes, and three times."""

    name: bytes
    target: bytes

    def __post_init__(self) -> None:
        self.tag = JUNCTION if self.target.startswith(b"//") else SYMLINK
        self.number, _, *changed = status_of(self.name, LSTAT)
        time = 116_444_736_000_000_000 + changed[0] * 10**7 + changed[1] // 100
        attributes = 0x410 if self.tag == JUNCTION or is_directory(self.name) else 0x420
        self.header = struct.pack("<I3Q", attributes, time, time, time)

    def reparse_data(self) -> bytes:
        path = self.target.decode().replace("/", "\\")
        if self.target.startswith(b"/"):  # it may be on any drive
            address = kernel.wine_get_dos_file_name(self.target[self.tag == JUNCTION :])
            path = ctypes.wstring_at(address)
            kernel.HeapFree(kernel.GetProcessHeap(), 0, address)
        is_relative = not ntpath.splitdrive(path)[0]
        if path.startswith("\\\\"):
            path = "UNC" + path[1:]
        name = (path if is_relative else rf"\??\{path}").encode("utf-16le")
        flags = struct.pack("<I", is_relative) if self.tag == SYMLINK else b""
        data = struct.pack("<4H", 0, len(name), len(name), 0) + flags + name
        return struct.pack("<I2H", self.tag, len(data), 0) + data


def link_at(name: bytes | None) -> Link | None:
    buffer = ctypes.create_string_buffer(4096)
    length = linux(READ_LINK, name, buffer, 4096) if name else -1
    return Link(name or b"", buffer.raw[:length]) if length >= 0 else None


def make(path: str, target: str, *, junction: bool = False) -> bool:
    """Make a link. Where Linux has no name for a target, the link keeps it and leads nowhere."""
    if ntpath.splitroot(target)[1]:
        text = b"/" * junction + (unix(target) or target.encode())
    else:
        text = target.replace("\\", "/").encode()
    return told(linux(MAKE_LINK, text, unix(path), None))


def links_in(folder: bytes) -> Iterator[str]:
    """The names of the links in a directory: Wine leaves those out that lead nowhere."""
    descriptor = linux(OPEN, folder + b"/", 0, None)
    buffer = ctypes.create_string_buffer(2**16)
    while (end := linux(LIST, descriptor, buffer, len(buffer))) > 0:
        start = 0
        while start < end:
            length, kind = struct.unpack_from("<16xHB", buffer, start)
            if kind == 10:
                yield ctypes.string_at(ctypes.addressof(buffer) + start + 19).decode()
            start += length
    linux(CLOSE, descriptor, None, None)


def imports(base: int) -> Iterator[tuple[str, int]]:
    """What a library calls of others, each with the place that has its address."""

    def number(at: int, kind: Any = DWORD) -> int:
        return int(kind.from_address(base + at).value)

    table = number(number(0x3C) + 144)
    while names := number(table):
        slots = number(table + 16)
        while name := number(names, ctypes.c_uint64):
            if not name >> 63:
                yield ctypes.string_at(base + name + 2).decode(), base + slots
            names, slots = names + 8, slots + 8
        table += 20


def swap(slot: int, function: Any) -> None:
    """Have a library call a function of ours, until the end of Python."""
    place = c_void_p.from_address(slot)
    kernel.VirtualProtect(slot, 8, 4, ctypes.create_string_buffer(4))
    atexit.register(setattr, place, "value", place.value)
    place.value = ctypes.cast(function, c_void_p).value


SLOTS = dict(imports(sys.dllhandle))
lent: dict[str, Any] = {}


def lend(name: str, *types: Any) -> Callable[[Callable[..., Any]], None]:
    """Have Python call a function of ours in place of one of Windows, which ours gets first."""

    def install(function: Callable[..., Any]) -> None:
        kind = ctypes.WINFUNCTYPE(*types, use_last_error=True)
        real = kind(c_void_p.from_address(SLOTS[name]).value or 0)
        lent[name] = kind(partial(function, real))
        swap(SLOTS[name], lent[name])

    return install


paths: dict[int, str] = {}
"""What is open as itself, and not as what a link there leads to."""
links: dict[int, Link] = {}
"""Those among them that are links."""
listed: dict[int, tuple[bytes, set[str]]] = {}
"""The directories that are listed, and the links in them that are still to come."""


@lend("CreateFileW", HANDLE, LPCWSTR, DWORD, DWORD, c_void_p, DWORD, DWORD, HANDLE)
def open_file(real: Any, path: str, *how: Any) -> int:
    if not how[4] & 0x00200000:  # links are followed
        return int(real(path, *how))
    link = link_at(unix(path))
    # Nothing under Wine can stand for a link itself: its handle is that of another directory.
    handle: int = real("Z:\\", 0, 7, None, 3, 0x02000000, None) if link else real(path, *how)
    if handle != INVALID:
        paths[handle] = path
        if link:
            links[handle] = link
    return handle


@lend("CloseHandle", BOOL, HANDLE)
def close(real: Any, handle: int) -> bool:
    paths.pop(handle, None)
    links.pop(handle, None)
    return bool(real(handle))


@lend("GetFileInformationByHandle", BOOL, HANDLE, c_void_p)
def tell(real: Any, handle: int, data: int) -> bool:
    done = bool(real(handle, data))
    if link := links.get(handle):
        ctypes.memmove(data, link.header, 28)
        number = link.number >> 32, link.number & 2**32 - 1
        ctypes.memmove(data + 32, struct.pack("<5I", 0, 0, 1, *number), 20)
    return done


@lend("GetFileInformationByHandleEx", BOOL, HANDLE, DWORD, c_void_p, DWORD)
def tell_more(real: Any, handle: int, what: int, data: int, size: int) -> bool:
    if not (link := links.get(handle)):
        return bool(real(handle, what, data, size))
    header = link.header
    known = {
        0: header[4:] + header[-8:] + header[:4],
        9: header[:4] + struct.pack("<I", link.tag),
    }
    if what not in known:
        return fails(OTHER)
    ctypes.memmove(data, known[what], len(known[what]))
    return True


@lend("DeviceIoControl", BOOL, HANDLE, DWORD, c_void_p, DWORD, c_void_p, DWORD, c_void_p, c_void_p)
def control(real: Any, handle: int, what: int, *more: Any) -> bool:
    given, _, data, _, length, _ = more
    if what == 0x000900A4:
        start, size = struct.unpack("<2H", ctypes.string_at(given + 8, 4))
        target = ctypes.string_at(given + 16 + start, size).decode("utf-16le")
        linux(RMDIR, unix(paths[handle]), None, None)
        return make(paths[handle], target.replace(r"\??", r"\\?", 1), junction=True)
    if what != 0x000900A8:
        return bool(real(handle, what, *more))
    if not (link := links.get(handle)):
        return fails(NO_LINK)
    packed = link.reparse_data()
    ctypes.memmove(data, packed, len(packed))
    DWORD.from_address(length).value = len(packed)
    return True


@lend("CreateSymbolicLinkW", BOOLEAN, LPCWSTR, LPCWSTR, DWORD)
def make_link(_: Any, path: str, target: str, flags: int) -> bool:
    return make(path, target)


def remove(real: Any, path: str) -> bool:
    name = unix(path)
    return told(linux(UNLINK, name, None, None)) if link_at(name) else bool(real(path))


lend("DeleteFileW", BOOL, LPCWSTR)(remove)
lend("RemoveDirectoryW", BOOL, LPCWSTR)(remove)


@lend("MoveFileExW", BOOL, LPCWSTR, LPCWSTR, DWORD)
def move(real: Any, path: str, new: str, flags: int) -> bool:
    one, other = unix(path), unix(new)
    if not one or not other or not (link_at(one) or link_at(other)):
        return bool(real(path, new, flags))
    if status_of(other, LSTAT)[0]:
        if not flags & 1:
            return fails(EXISTS)
        if is_directory(one) or is_directory(other):
            return fails(NO_ACCESS)
    return told(linux(RENAME, one, other, None))


def list_link(data: int, folder: bytes, name: str) -> None:
    if link := link_at(folder + b"/" + name.encode()):
        packed = link.header + struct.pack("<4I", 0, 0, link.tag, 0)
        ctypes.memmove(data, packed, len(packed))
        (ctypes.c_wchar * 260).from_address(data + 44).value = name


def list_found(data: int, folder: bytes, expected: set[str]) -> None:
    name = ctypes.wstring_at(data + 44)
    if name in expected:
        expected.remove(name)
        list_link(data, folder, name)


@lend("FindFirstFileW", HANDLE, LPCWSTR, c_void_p)
def list_first(real: Any, path: str, data: int) -> int:
    handle: int = real(path, data)
    place, name = ntpath.split(path)
    folder = unix(place or ".") or b""
    if "*" not in name:
        found = name if handle == INVALID else ctypes.wstring_at(data + 44)
        if handle == INVALID and link_at(folder + b"/" + name.encode()):
            handle = real("Z:\\*", data)  # Wine finds no link that leads nowhere
        list_link(data, folder, found)
    elif handle != INVALID:
        listed[handle] = folder, set(links_in(folder))
        list_found(data, *listed[handle])
    return handle


@lend("FindNextFileW", BOOL, HANDLE, c_void_p)
def list_next(real: Any, handle: int, data: int) -> bool:
    folder, expected = listed.get(handle, (b"", set()))
    if real(handle, data):
        list_found(data, folder, expected)
    elif expected and ctypes.get_last_error() == NO_MORE_FILES:
        list_link(data, folder, expected.pop())
    else:
        return False
    return True


@lend("FindClose", BOOL, HANDLE)
def list_end(real: Any, handle: int) -> bool:
    listed.pop(handle, None)
    return bool(real(handle))


GetAddress = ctypes.WINFUNCTYPE(c_void_p, HANDLE, c_void_p)
ASKED = dict(imports(ctypes.WinDLL(_ctypes.__file__)._handle))["GetProcAddress"]
"""What `ctypes` calls is not in a table: `ctypes` asks Windows for it by its name."""
real_address: Any = GetAddress(c_void_p.from_address(ASKED).value or 0)


@GetAddress
def find_address(library: int, name: int) -> int | None:
    if name >> 16 and (function := lent.get(ctypes.string_at(name).decode())):
        return ctypes.cast(function, c_void_p).value
    address: int | None = real_address(library, name)
    return address


swap(ASKED, find_address)
