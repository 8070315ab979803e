"""A directory that can't be left: what it opens for reading lies inside it.

The definition is a walk, component by component, each relative to the directory before and none
through a link: links are read and resolved here. A path is never checked first and opened later,
so there is no moment in which it could come to mean something else.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Mapping
from typing import Any
from weakref import finalize

from ..core.values import Identity
from . import root_by_descriptor, root_by_path
from .errors import LEADS_OUT, is_missing
from .nowait import try_out
from .root_by_descriptor import Kind, kind_of
from .targets import parts_below, relative_parts

MAX_LINKS = 40

_UPS = 25
"""Steps up that count as one more link: each costs a way from the root on, however deep that is."""

_LEAP = 100
"""Directories that are entered by one call: one call takes no path of any length."""

_FOLDS_CASE = sys.platform in ("darwin", "win32")
_HAS_DESCRIPTORS = os.open in os.supports_dir_fd

_SHORT = re.compile(r"(?:^|/)(?=[^/]*~)[^/.]{1,8}(?:\.[^/.]{0,3})?\.*(?:/|\Z)")
"""A name of eight characters and three, which file systems of Windows give to a longer name.

Linux leaves away dots at its end (FAT).
"""


def _has_others(path: str) -> bool:
    """Whether what a path names may have other names, which are in no list of its directory."""
    return _FOLDS_CASE or ("~" in path and _SHORT.search(path) is not None)


class Walk:
    """A place below a root: a directory, and the real names that led there.

    `here` is its descriptor; None where the system opens nothing relative to one.

    `links` counts the links that were met, many steps up as further ones.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory, self._calls, self._follow = directory, directory.calls, directory.follow
        self._root = self._place = self._home = directory.open(wait=True)
        self.here = self._place if isinstance(self._place, int) else None
        self._names: list[str] = []
        self._asked: list[str] = []
        self.links = 0

    def __enter__(self) -> Walk:
        return self

    def __exit__(self, *failure: object) -> None:
        self._restart()
        self._directory.close(self._root)

    def at(self, leaf: str) -> str:
        """What to call a name of this directory in a call that gets `here` as well."""
        if self.here is not None:
            return leaf
        return root_by_path.path_in(self._place, leaf, follow=self._follow)

    def _restart(self) -> None:
        self._arrive(self._root, [])

    def _arrive(self, place: Any, names: list[str]) -> None:  # noqa: ANN401
        if self.here is not None and self._place not in (self._root, self._home):
            os.close(self.here)
        self._place, self._names = place, names
        self.here = place if isinstance(place, int) else None

    def enter(self, path: str) -> None:
        """Go into directories one below the other, and through links to directories."""
        if self._follow and os.path.isabs(path):  # only the index names a place so
            self._enter(path, [path])
            return
        names = [name for name in path.split("/") if name not in ("", ".")]
        for start in range(0, len(names), _LEAP):
            for name in self._leap(names[start : start + _LEAP]):
                self.find(name, enter=True)

    def find(self, name: str, *, enter: bool = False) -> tuple[str, Kind]:
        """Follow links until a name is none; the last name, in the directory then entered.

        The parts of a link's target take its place. With `enter` the last is entered, too.
        """
        self._asked, todo = [*self._names, name], [name]
        while todo:
            part = todo.pop()
            if part == "..":
                todo += self._up()[::-1]
            elif part not in ("", "."):
                self._check_case(part)
                if todo or enter:
                    todo += self._step(part)[::-1]
                elif (kind := self._kind(part)) == "link":
                    todo += self._target(part)[::-1]
                else:
                    return part, kind
        return ".", "directory"

    def _leap(self, names: list[str]) -> list[str]:
        """Enter directories by one call, if none is a link and the system can; else all are left.

        Of one name `_step` tells as much.
        """
        path = "/".join(names)
        if len(names) > 1 and ".." not in names and self.here is not None and not _has_others(path):
            try:
                self._enter(path, self._names + names)
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.ENAMETOOLONG):
                    raise
                return names
            return []
        return names

    def _enter(self, path: str, names: list[str]) -> None:
        self._arrive(self._calls.enter(self._place, path, follow=self._follow), names)

    def _up(self) -> list[str]:
        """Restart from the root: the parent may have been moved since we entered it."""
        if not self._names:
            raise self._leads_out()
        names = self._names[:-1]
        self._restart()
        return self._leap(names)

    def _step(self, part: str) -> list[str]:
        """Go into one directory; where it is a link, the parts still to go instead."""
        try:
            self._enter(part, [*self._names, part])
        except OSError as error:
            if self._follow or error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            return self._target(part)
        return []

    def _target(self, leaf: str) -> list[str]:
        """The parts that a link stands for, seen from here or, if it is absolute, from the root."""
        self.links += 1
        if self.links > MAX_LINKS:
            text = "too many links, or a loop of them"  # Windows has no text for it
            raise OSError(errno.ELOOP, text, leaf)
        target = self._readlink(leaf)
        self.links += target.count("..") // _UPS
        if (parts := relative_parts(target)) is not None:
            return parts
        # By the root's own names: to look at others may wait for a dead mount outside.
        parts = parts_below(target, self._directory.path)
        if parts is None:
            parts = parts_below(target, self._real_path())
        if parts is None:
            raise self._leads_out()
        self._restart()
        return parts

    def _readlink(self, leaf: str) -> str:
        try:
            return os.readlink(self.at(leaf), dir_fd=self.here)
        except ValueError as error:  # a kind of link that Python can't read
            raise FileNotFoundError(errno.ENOENT, "a link leads nowhere", leaf) from error
        except OSError as error:
            if error.errno == errno.EINVAL:  # it is no link, or none any more
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), leaf) from error
            raise

    def _leads_out(self) -> OSError:
        """The error for the name that was asked for, whichever link behind it leads out."""
        path = os.path.join(self._directory.path, *self._asked)
        return FileNotFoundError(errno.ENOENT, LEADS_OUT, path)

    def _kind(self, leaf: str) -> Kind:
        status = os.stat(self.at(leaf), dir_fd=self.here, follow_symlinks=self._follow)
        return kind_of(status)

    def open(self, leaf: str) -> tuple[int, os.stat_result]:
        """A regular file, open for reading, and what `fstat` says; this place stays where it is.

        The links on the way here count among its forty.
        """
        names, links, self._home = self._names, self.links, self._place
        try:
            return self._open(*self.find(leaf))
        finally:
            self._arrive(self._home, names)
            self._home, self.links = self._root, links

    def _open(self, leaf: str, kind: Kind) -> tuple[int, os.stat_result]:
        """A file. Its kind is looked at first, since to open a FIFO or a device can have effects.

        It is looked at again once it is open: the name may have got another file in between.
        """
        if kind != "file":
            raise FileNotFoundError(errno.ENOENT, "not a regular file", leaf)
        descriptor: int = self._calls.open_entry(self._place, leaf, follow=self._follow)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise FileNotFoundError(errno.ENOENT, "not a regular file", leaf)
            try_out(descriptor, status.st_dev)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor, status

    def has(self, leaf: str) -> bool:
        """False where there is nothing to open; True, too, where only `open` tells why it fails."""
        try:
            os.stat(self.at(leaf), dir_fd=self.here, follow_symlinks=False)
        except OSError as error:
            return not is_missing(error)
        return True

    def _check_case(self, name: str) -> None:
        """Refuse a name in another spelling than its own, where the system would take it."""
        if _has_others(name) and self.has(name) and not self._calls.spells(self._place, name):
            raise FileNotFoundError(errno.ENOENT, "the name is spelled otherwise", name)

    def entries(self) -> list[tuple[str, Kind]]:
        """The names in this directory, and what each is."""
        return list(self._calls.entries(self._place))

    def refused(self, leaf: str = ".") -> str:
        """After a PermissionError: as `real`, of what can't be read or, unseen, its directory."""
        return self.real(leaf if self.has(leaf) else ".")

    def real(self, leaf: str) -> str:
        """The name without links of what `leaf` is here; an absolute path if not below the root."""
        name = "/".join(self._names + [leaf] * (leaf != "."))
        if not self._follow:
            return name
        path = os.path.realpath(os.path.join(self._real_path(), name))
        parts = parts_below(path, self._real_path())
        return path.replace(os.sep, "/") if parts is None else "/".join(parts)

    def _real_path(self) -> str:
        """The path of the root without links."""
        return self._directory.real_path or os.path.realpath(self._directory.path)


class Directory:
    """A directory to serve, opened anew for each walk, unless it is pinned: then it stays open.

    A `source` that is no text is asked for its path each time. `is_previous` says that it has files
    of earlier releases. `real_path` is the path of a pinned one without links. `calls` are those of
    the system by which it is walked.
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        *,
        follow_symlink: bool,
        is_previous: bool = False,
    ) -> None:
        self._source = os.path.abspath(source) if isinstance(source, str) else source
        self.follow = follow_symlink
        self.is_previous = is_previous
        self.real_path = ""
        self.calls: Any = root_by_descriptor if _HAS_DESCRIPTORS else root_by_path
        self._pinned: Any = None
        self._status: Any = None

    @property
    def path(self) -> str:
        """Its path, absolute."""
        source = self._source
        return source if isinstance(source, str) else os.path.abspath(source)

    def pin(self) -> Directory:
        """The directory that the path leads to now, whatever it leads to later."""
        pinned = Directory(self.path, follow_symlink=self.follow, is_previous=self.is_previous)
        pinned._status = os.stat(pinned.path)  # first: a switch after this is seen by `is_replaced`
        pinned.real_path = os.path.realpath(pinned.path)
        pinned._pinned = root = pinned.open(wait=True)
        if isinstance(root, int):  # not at the end of Python: threads may still be at work then
            finalize(pinned, os.close, root).atexit = False
        return pinned

    @property
    def device(self) -> int:
        """The number of a pinned one's device."""
        return int(self._status.st_dev)

    def is_replaced(self) -> bool:
        """Whether the path of a pinned one leads to another directory by now."""
        return not os.path.samestat(self._status, os.stat(self.path))

    def walk(self) -> Walk:
        """A walk that starts at the root, for as long as its context lasts."""
        return Walk(self)

    def open(self, *, wait: bool) -> Any:  # noqa: ANN401
        """The root, as a place of `calls`.

        :raises BlockingIOError: the disk would have to be waited for, and `wait` is False
        """
        if self._pinned is not None:
            return self._pinned
        if not wait and not isinstance(self._source, str):
            raise BlockingIOError(errno.EAGAIN, "the path has to be asked for")
        return self.calls.open_root(self.path, wait=wait)

    def close(self, root: Any) -> None:  # noqa: ANN401
        if root is not self._pinned and isinstance(root, int):
            os.close(root)

    def open_again(
        self,
        name: str,
        known: Mapping[str, Identity | None],
        folder: tuple[int, ...],
        *,
        wait: bool,
    ) -> int:
        """A file that was found before, open to be read, if all that are known are as they were.

        :raises BlockingIOError, OSError: as of `calls`
        """
        root = self.open(wait=wait)
        try:
            follow, calls = self.follow, self.calls
            return int(calls.open_again(root, name, known, folder, follow=follow, wait=wait))
        finally:
            self.close(root)

    def lacks(self, name: str, *, wait: bool) -> bool:
        """Whether there is no file of a name; False, too, where only a walk tells."""
        try:
            root = self.open(wait=wait)
            try:
                return bool(self.calls.lacks(root, name, follow=self.follow, wait=wait))
            finally:
                self.close(root)
        except OSError:
            return False

    def path_of(self, name: str) -> str:
        """The path of a file, for a message."""
        return os.path.join(self.path, name)
