"""The walk for systems that open nothing relative to a directory, such as Windows.

The place is its names: each was looked at and is no link, but what a path means can change before
it is opened. So what was opened is proved afterwards, before a byte of it is read: by the path that
the system has for it, or else by more looks at each name on the way. Only the first is safe from
whoever can swap names in the root at the right moments.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Callable
from types import ModuleType

from ..core.values import Identity
from .directory import (
    NOFOLLOW,
    READ,
    Directory,
    FollowingWalk,
    Kind,
    PinnedDirectory,
    Walk,
    kind,
    slashed,
)

_HAS_DESCRIPTORS = os.open in os.supports_dir_fd

_LOOKS = 3
"""Looks at the way to an open file whose path isn't told; each has to be deceived by two swaps."""

_STANDS_FOR_A_NAME = 0x20000000
"""The bit of Windows' reparse tags that links and junctions have."""


def directory_at(path: str, *, follow_symlink: bool) -> Directory:
    """A directory to serve, in the best way that this system has."""
    kind_of = Directory if _HAS_DESCRIPTORS else PathDirectory
    return kind_of(path, follow_symlink=follow_symlink)


if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _LONGEST = 2**15
    _final_path = ctypes.WinDLL("kernel32", use_last_error=True).GetFinalPathNameByHandleW
    _final_path.argtypes = (wintypes.HANDLE, wintypes.LPWSTR, wintypes.DWORD, wintypes.DWORD)
    _final_path.restype = wintypes.DWORD

    def final_path(descriptor: int) -> str | None:
        """The path of an open file; None: its file system doesn't tell."""
        buffer = ctypes.create_unicode_buffer(_LONGEST)
        length = _final_path(msvcrt.get_osfhandle(descriptor), buffer, _LONGEST, 0)
        return buffer.value if 0 < length < _LONGEST else None
else:

    def final_path(descriptor: int) -> str | None:
        """The path of an open file; None: this system doesn't tell."""
        return None


def is_absolute(target: str, system: ModuleType = os.path) -> bool:
    """Whether a link's target says where it begins, be it by a drive or by a share alone."""
    drive, tail = system.splitdrive(target)
    return bool(drive) or tail.startswith(tuple(_separators(system)))


def parts_below(target: str, root: str, system: ModuleType = os.path) -> list[str] | None:
    """The parts of an absolute target, seen from the root; None where it is not below.

    The texts are compared and the system isn't asked: it might ask the host of a share.
    """
    drive, names = _split(target, system)
    root_drive, root_names = _split(root, system)
    above = [system.normcase(name) for name in names[: len(root_names)]]
    if drive not in ("", root_drive) or above != [system.normcase(name) for name in root_names]:
        return None
    return names[len(root_names) :]


def _split(path: str, system: ModuleType) -> tuple[str, list[str]]:
    drive, tail = system.splitdrive(_plain(path) if system.altsep else path)
    names = re.split(f"[{re.escape(_separators(system))}]", tail)
    return system.normcase(drive), [name for name in names if name not in ("", ".")]


def _plain(path: str) -> str:
    r"""A path of Windows without the \\?\ that keeps it from being repaired."""
    if path[:8].upper() == "\\\\?\\UNC\\":
        return "\\\\" + path[8:]
    return path.removeprefix("\\\\?\\")


def _separators(system: ModuleType) -> str:
    return str(system.sep + (system.altsep or ""))


class PathWalk(Walk):
    """A place below a root: the real names that led there, and no descriptor."""

    def __init__(self, root: str, path: str) -> None:
        super().__init__(-1, lambda: root)
        self._roots = (root, path)
        self._base = os.path.join(root, "")

    def _anew(self) -> PathWalk:
        return PathWalk(*self._roots)

    def _path(self, *leaf: str) -> str:
        # Not by `os.path.join`, for which a name with a drive would lead away from the root.
        return self._base + os.sep.join([*self._names, *leaf])

    def _status(self, leaf: str, *, follow: bool = False) -> os.stat_result:
        return os.stat(self._path(leaf), follow_symlinks=follow)

    @staticmethod
    def _is_link(status: os.stat_result) -> bool:
        tag: int = getattr(status, "st_reparse_tag", 0)
        return stat.S_ISLNK(status.st_mode) or bool(tag & _STANDS_FOR_A_NAME)

    def _go(self, part: str, *, follow: bool = False) -> None:
        status = self._status(part, follow=follow)
        if self._is_link(status) or not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), part)
        self._names = [*self._names, part]

    def _readlink(self, leaf: str) -> str:
        try:
            return os.readlink(self._path(leaf))
        except ValueError as error:  # a kind of link that Python can't read
            raise FileNotFoundError(errno.ENOENT, "a link leads nowhere", leaf) from error

    def _parts(self, target: str) -> list[str]:
        if not is_absolute(target):
            return re.split(f"[{re.escape(_separators(os.path))}]", target)
        for root in self._roots:
            if (parts := parts_below(target, root)) is not None:
                self.close()
                return parts or ["."]
        raise FileNotFoundError(errno.ENOENT, "a link leads out of the root", target)

    def _open(self, leaf: str, follow: bool) -> int:
        descriptor = os.open(self._path(leaf), READ if follow else READ | NOFOLLOW)
        try:
            if not follow and not self._is_inside(descriptor, leaf):
                raise OSError(errno.ELOOP, "the file is not where it was looked for", leaf)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _is_inside(self, descriptor: int, leaf: str) -> bool:
        """Whether an open file is below the root."""
        path = final_path(descriptor)
        if path is not None:
            return parts_below(path, self._roots[0]) is not None
        return all(self._is_there(descriptor, leaf) for _ in range(_LOOKS))

    def _is_there(self, descriptor: int, leaf: str) -> bool:
        again = self._anew()
        for name in self._names:
            again._go(name)
        status = again._status(leaf)
        return not self._is_link(status) and os.path.samestat(status, os.fstat(descriptor))

    def has(self, leaf: str) -> bool:
        return os.path.lexists(self._path(leaf))

    def entries(self) -> list[tuple[str, Kind]]:
        with os.scandir(self._path()) as entries:
            return [(entry.name, self._kind(entry)) for entry in entries]

    def _kind(self, entry: os.DirEntry[str]) -> Kind:
        """As elsewhere, but a junction is a link."""
        found = kind(entry)
        if found == "directory" and self._is_link(entry.stat(follow_symlinks=False)):
            return "link"
        return found


class FollowingPathWalk(FollowingWalk, PathWalk):
    """A place to which links may lead from anywhere."""

    def _path(self, *leaf: str) -> str:
        return os.path.join(self._base, *self._names, *leaf)


class PathDirectory(Directory):
    """A directory whose place is found anew for each walk, and then its path is kept to."""

    def __init__(self, path: str, *, follow_symlink: bool) -> None:
        self.path = os.path.abspath(path)
        self._walk_by: Callable[[str, str], Walk] = (
            FollowingPathWalk if follow_symlink else PathWalk
        )

    def walk(self) -> Walk:
        return self._walk_by(os.path.realpath(self.path), self.path)

    def identity(self, name: str) -> Identity:
        """By the open file: what Windows tells of a path and of a descriptor may differ."""
        descriptor, found = self.open(name)
        os.close(descriptor)
        return found

    def pin(self) -> PinnedPathDirectory:
        return PinnedPathDirectory(self.path, self._walk_by)


class PinnedPathDirectory(PathDirectory, PinnedDirectory):
    """The path that another path led to once, whatever that one leads to later."""

    def __init__(self, path: str, walk: Callable[[str, str], Walk]) -> None:
        self.path = path
        self._walk_by = walk
        self._root_path = os.path.realpath(path)
        self.real_path = slashed(self._root_path)
        os.stat(self._root_path)

    def walk(self) -> Walk:
        return self._walk_by(self._root_path, self.path)

    def is_cached(self, name: str) -> bool:
        return False
