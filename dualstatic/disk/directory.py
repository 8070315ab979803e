"""A directory that can't be left: what it opens for reading lies inside it.

The definition is a walk, component by component, each relative to the descriptor of the one before
and none through a link: links are read and resolved here. A path is never checked first and opened
later, so there is no moment in which it could come to mean something else.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import sys
from collections.abc import Callable
from functools import cache
from typing import Literal
from weakref import finalize

from ..core.values import Identity
from .nowait import AT_FDCWD, open_cached

MISSES = frozenset(
    {
        errno.EACCES,
        errno.EILSEQ,
        errno.EINVAL,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENODEV,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.ENXIO,
        errno.EPERM,
        errno.ESRCH,
    }
)
"""What an open answers of a name that isn't there for us; all else is the machine's own trouble."""

logger = logging.getLogger("dualstatic")

_WARNINGS = 1000


class Warnings:
    """Says each thing once."""

    def __init__(self, level: int = logging.WARNING) -> None:
        self._level = level
        self._said: set[str] = set()

    def __call__(self, message: str, path: str) -> None:
        text = f"{message}: {path!a}"
        if text not in self._said and len(self._said) < _WARNINGS:
            self._said.add(text)
            logger.log(self._level, "%s", text)


_troubles = Warnings(logging.ERROR)


def tell_trouble(error: OSError, path: str) -> None:
    """Log the machine's own trouble, once for each kind and place; a miss is none."""
    if error.errno not in MISSES:
        _troubles(f"can't be read, {error.strerror}", path)


MAX_LINKS = 40

_TRIES = 3
"""Looks at a name that is replaced, by a deploy, between one call to the system and the next."""

_FOLDS_CASE = sys.platform in ("darwin", "win32")

_SEARCH = (
    getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
)
NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
READ = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


Opened = tuple[int, os.stat_result]
"""The descriptor of an open file, and what `fstat` says of it."""


class Walk:
    """A place below a root: the descriptor of a directory, and the real names that led there.

    `links` is how many links were met. A name that isn't there behind one may have been, and be
    there again: a deploy replaces the link and then removes what it led to. Look twice.
    """

    def __init__(self, root: int, real_root: Callable[[], str], *, owned: bool = False) -> None:
        self._root = root
        self._real_root = real_root
        self._owned = owned
        self._here = root
        self._names: list[str] = []
        self.links = 0

    def __enter__(self) -> Walk:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()
        if self._owned:
            os.close(self._root)

    def close(self) -> None:
        """Go back to the root."""
        if self._here != self._root:
            os.close(self._here)
        self._here = self._root
        self._names = []

    def enter(self, parts: list[str]) -> None:
        """Go into directories one below the other, and through links to directories."""
        todo = parts[::-1]
        while todo:
            part = todo.pop()
            if part == "..":
                todo += self._up()[::-1]
            elif part not in ("", "."):
                todo += self._step(part)[::-1]

    def _up(self) -> list[str]:
        """Back to the root, and the parts to go again: what is above by now is nobody's promise."""
        if not self._names:
            raise FileNotFoundError(errno.ENOENT, "a link leads out of the root")
        names = self._names[:-1]
        self.close()
        return names

    def _step(self, part: str) -> list[str]:
        """Go into one directory; where it is a link, the parts still to go instead."""
        self._spelled(part)
        for _ in range(_TRIES):
            try:
                self._go(part)
            except OSError as error:
                if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                    raise
            else:
                return []
            if (target := self._link(part)) is not None:
                return self._follow(target)
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), part)

    def _go(self, part: str, *, follow: bool = False) -> None:
        """Go into a directory; ENOTDIR or ELOOP if it is none, and a link that is not followed."""
        flags = _SEARCH if follow else _SEARCH | NOFOLLOW
        descriptor = os.open(part, flags, dir_fd=self._here)
        names = [*self._names, part]
        self.close()
        self._here, self._names = descriptor, names

    def _link(self, leaf: str) -> str | None:
        """The target of a link; None: it is no link, or none any more."""
        try:
            return self._readlink(leaf)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return None

    def _readlink(self, leaf: str) -> str:
        return os.readlink(leaf, dir_fd=self._here)

    def _status(self, leaf: str, *, follow: bool = False) -> os.stat_result:
        return os.stat(leaf, dir_fd=self._here, follow_symlinks=follow)

    @staticmethod
    def _is_link(status: os.stat_result) -> bool:
        return stat.S_ISLNK(status.st_mode)

    def _follow(self, target: str) -> list[str]:
        """The parts that a link stands for, seen from here or, if it is absolute, from the root."""
        self.links += 1
        if self.links > MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), target)
        return self._parts(target)

    def _parts(self, target: str) -> list[str]:
        if not target.startswith("/"):
            return target.split("/")
        root = self._real_root()
        inside = below(target, root)
        if inside is None or ".." in inside.split("/"):
            # The root by another name. Links behind it are not seen here, nor counted.
            inside = below(os.path.realpath(target), root)
        if inside is None:
            raise FileNotFoundError(errno.ENOENT, "a link leads out of the root", target)
        self.close()
        return inside.split("/")

    def find(self, leaf: str) -> tuple[str, os.stat_result]:
        """Follow links until `leaf` is none; the last name, in the directory then entered."""
        while True:
            self._spelled(leaf)
            status = self._status(leaf)
            if not self._is_link(status):
                return leaf, status
            if (target := self._link(leaf)) is None:
                continue  # replaced since: look again
            *parts, leaf = self._follow(target)
            self.enter(parts)
            if leaf in ("", ".", ".."):
                self.enter([leaf])
                return ".", self._status(".")

    def open(self, leaf: str) -> Opened:
        """A regular file, open for reading; this place stays where it is."""
        self._spelled(leaf)
        for _ in range(_TRIES):
            status = self._status(leaf)
            try:
                if self._is_link(status):
                    return self._open_link(leaf)
                return self._open_regular(leaf, status)
            except OSError as error:
                # A loop of links; or a file that was replaced by a link since it was looked at.
                if error.errno != errno.ELOOP:
                    raise
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), leaf)

    def has(self, leaf: str) -> bool:
        """False where there is nothing to open; cheaper than to find out by an exception."""
        return os.access(leaf, os.F_OK, dir_fd=self._here) or not _access_answers()

    def _open_link(self, leaf: str) -> Opened:
        self.links += 1
        with self._anew() as walk:
            walk.enter(self._names)
            last, status = walk.find(leaf)
            return walk._open_regular(last, status)

    def _anew(self) -> Walk:
        """Another walk from the same root."""
        return Walk(self._root, self._real_root)

    def _open_regular(self, leaf: str, status: os.stat_result, *, follow: bool = False) -> Opened:
        """Looked at first, since to open a FIFO or a device can have effects; then proved again."""
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(errno.ENOENT, "not a regular file", leaf)
        descriptor = self._open(leaf, follow)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise FileNotFoundError(errno.ENOENT, "not a regular file", leaf)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor, status

    def _open(self, leaf: str, follow: bool) -> int:
        try:
            return os.open(leaf, READ if follow else READ | NOFOLLOW, dir_fd=self._here)
        except BlockingIOError as error:  # it isn't the disk that would have to be waited for
            raise OSError(errno.EBUSY, "another program has a lease on it", leaf) from error

    def _spelled(self, name: str) -> None:
        """Refuse a name in another spelling than its own, where the system would take it."""
        if _FOLDS_CASE and name not in dict(self.entries()):
            raise FileNotFoundError(errno.ENOENT, "the name is spelled otherwise", name)

    def refused(self, leaf: str = "") -> str:
        """After a PermissionError: the name of what can't be read or, unseen, of its directory."""
        try:
            self._status(leaf)
        except OSError:
            return "/".join(self._names)
        return "/".join([*self._names, leaf])

    def real(self, leaf: str) -> str:
        """The name below the root that `find` came to."""
        return "/".join(self._names + [leaf] * (leaf != "."))

    def entries(self) -> list[tuple[str, Kind]]:
        """What lies in this directory."""
        descriptor = os.open(".", READ | getattr(os, "O_DIRECTORY", 0), dir_fd=self._here)
        try:
            with os.scandir(descriptor) as entries:
                return [(entry.name, kind(entry)) for entry in entries]
        finally:
            os.close(descriptor)


@cache
def _access_answers() -> bool:
    """False in a sandbox that refuses the newer call which the C library makes of `access`."""
    return os.access("/", os.F_OK, dir_fd=0)  # no descriptor matters to an absolute path


def identity(status: os.stat_result) -> Identity:
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


Kind = Literal["directory", "file", "link", "other"]


def kind(entry: os.DirEntry[str]) -> Kind:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "directory"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


class FollowingWalk(Walk):
    """A place to which links may lead from anywhere: the system resolves them."""

    def enter(self, parts: list[str]) -> None:
        path = "/".join(parts)
        absolute = os.path.isabs(path)  # only the index names a place so
        for step in filter(None, parts if _FOLDS_CASE and not absolute else [path]):
            if not absolute:
                self._spelled(step)
            self._go(step, follow=True)

    def find(self, leaf: str) -> tuple[str, os.stat_result]:
        self._spelled(leaf)
        return leaf, self._status(leaf, follow=True)

    def open(self, leaf: str) -> Opened:
        _, status = self.find(leaf)
        return self._open_regular(leaf, status, follow=True)

    def real(self, leaf: str) -> str:
        """An absolute path where that is not below the root."""
        root = self._real_root()
        path = slashed(os.path.realpath(os.path.join(root, super().real(leaf))))
        inside = below(path, slashed(root))
        return path if inside is None else inside


def slashed(path: str) -> str:
    """A path as names are written, whatever the system puts between them."""
    return path.replace(os.sep, "/")


def below(path: str, root: str) -> str | None:
    """`path` seen from `root`, both real; None where it is not below."""
    if path == root:
        return ""
    root = root.rstrip("/") + "/"
    return path[len(root) :] if path.startswith(root) else None


def is_cached(path: str, directory: int) -> bool:
    try:
        descriptor = open_cached(path, getattr(os, "O_PATH", 0) | os.O_CLOEXEC, directory)
    except BlockingIOError:
        return False
    except (OSError, UnicodeEncodeError):
        return True
    os.close(descriptor)
    return True


class Directory:
    """A directory to serve, opened anew for each walk; `pin` holds on to the one it is now."""

    def __init__(self, path: str, *, follow_symlink: bool) -> None:
        self.path = os.path.abspath(path)
        self._walk = FollowingWalk if follow_symlink else Walk

    def walk(self) -> Walk:
        """A walk that starts at the root; a context that closes all its descriptors."""
        root = os.open(self.path, _SEARCH)
        return self._walk(root, lambda: os.path.realpath(self.path), owned=True)

    def open(self, name: str) -> tuple[int, Identity]:
        """The file called `name`, open for reading, and which it is; or FileNotFoundError."""
        *parts, leaf = name.split("/")
        try:
            descriptor, status = self._open(parts, leaf)
        except OSError as error:
            if error.errno in MISSES and not isinstance(error, FileNotFoundError):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name) from error
            tell_trouble(error, self.path)
            raise
        return descriptor, identity(status)

    def _open(self, parts: list[str], leaf: str, *, last: bool = False) -> Opened:
        with self.walk() as walk:
            try:
                walk.enter(parts)
                return walk.open(leaf)
            except FileNotFoundError:
                if last or not walk.links:
                    raise
        return self._open(parts, leaf, last=True)

    def identity(self, name: str) -> Identity:
        """The identity of the file called `name`, as `open` would find it."""
        *parts, leaf = name.split("/")
        try:
            with self.walk() as walk:
                walk.enter(parts)
                return identity(walk.find(leaf)[1])
        except OSError as error:
            tell_trouble(error, self.path)
            raise

    def is_cached(self, name: str) -> bool:
        """Whether a name can be looked up without a wait for the disk."""
        return is_cached(self.path_of(name), AT_FDCWD)

    def path_of(self, name: str) -> str:
        """The path of a file, for a message."""
        return os.path.join(self.path, name)

    def pin(self) -> PinnedDirectory:
        return PinnedDirectory(self.path, self._walk)


class PinnedDirectory(Directory):
    """The directory that a path led to once, whatever the path leads to later."""

    def __init__(self, path: str, walk: type[Walk]) -> None:
        self.path = path
        self._walk = walk
        self._root = os.open(path, _SEARCH)
        self.real_path = os.path.realpath(path)
        # Not at the end of Python: threads may still be at work then.
        finalize(self, os.close, self._root).atexit = False

    def walk(self) -> Walk:
        return self._walk(self._root, lambda: self.real_path)

    def is_cached(self, name: str) -> bool:
        return is_cached(name, self._root)
