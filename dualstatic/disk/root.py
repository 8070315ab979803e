"""A directory that can't be left: what it opens for reading lies inside it.

The definition is a walk, component by component, each relative to the directory before and none
through a link: links are read and resolved here. A path is never checked first and opened later,
so there is no moment in which it could come to mean something else.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from weakref import finalize

from .errors import LeadsOut
from .nowait import try_out
from .root_by_descriptor import ByDescriptor, Kind
from .root_by_path import ByPath
from .targets import is_absolute, parts_below, parts_of

MAX_LINKS = 40
_LOOP = "too many links, or a loop of them"  # Windows has no text for it

_TRIES = 3
"""Looks at a name that is replaced, by a deploy, between one call to the system and the next."""

_LEAP = 100
"""Directories that are entered by one call: one call takes no path of any length."""

_FOLDS_CASE = sys.platform in ("darwin", "win32")
_HAS_DESCRIPTORS = os.open in os.supports_dir_fd

Opened = tuple[int, os.stat_result]
"""The descriptor of an open file, and what `fstat` says of it."""


class Walk:
    """A place below a root: a directory, and the real names that led there.

    `links` counts the links that were met. If a name is missing behind one, look once more: a
    deploy may have switched the link and removed the old target in between.
    """

    def __init__(self, calls: ByDescriptor | ByPath) -> None:
        self._calls: Any = calls  # each knows the places that it made
        self._place = calls.root
        self._names: list[str] = []
        self._asked: list[str] = []
        self.links = 0

    def __enter__(self) -> Walk:
        return self

    def __exit__(self, *failure: object) -> None:
        self._restart()

    @property
    def here(self) -> int | None:
        """The descriptor of this directory; None where the system opens nothing relative to one."""
        return self._place if isinstance(self._place, int) else None

    def at(self, leaf: str) -> str:
        """What to call a name of this directory in a call that gets `here` as well."""
        place = self._place
        return leaf if isinstance(place, int) else str(self._calls.at(place, leaf))

    def _restart(self) -> None:
        self._arrive(self._calls.root, [])

    def _arrive(self, place: int | str, names: list[str]) -> None:
        if self._place != self._calls.root:
            self._calls.leave(self._place)
        self._place, self._names = place, names

    def enter(self, parts: list[str]) -> None:
        """Go into directories one below the other, and through links to directories."""
        if self._calls.follow:
            self._enter_anywhere(parts)
        else:
            self._enter_inside(parts)

    def _enter_inside(self, parts: list[str]) -> None:
        names = [part for part in parts if part not in ("", ".")]
        for start in range(0, len(names), _LEAP):
            some = names[start : start + _LEAP]
            if not self._leap(some):
                for name in some:
                    self._asked = [*self._names, name]
                    self._go([name])

    def _enter_anywhere(self, parts: list[str]) -> None:
        path = "/".join(parts)
        absolute = os.path.isabs(path)  # only the index names a place so
        for step in filter(None, parts if _FOLDS_CASE and not absolute else [path]):
            if not absolute:
                self._check_case(step)
            self._arrive(self._calls.enter(self._place, step), [*self._names, step])

    def _leap(self, names: list[str]) -> bool:
        """Enter directories by one call, if none is a link and the system can."""
        if not names or ".." in names or _FOLDS_CASE:
            return not names
        if (place := self._calls.leap(self._place, "/".join(names))) is None:
            return False
        self._arrive(place, [*self._names, *names])
        return True

    def _go(self, parts: list[str]) -> None:
        """Go on by parts that may be `..`, or links, whose targets' parts take their place."""
        todo = parts[::-1]
        while todo:
            part = todo.pop()
            if part == "..":
                todo += self._up()[::-1]
            elif part not in ("", "."):
                todo += self._step(part)[::-1]

    def _up(self) -> list[str]:
        """Restart from the root: the parent may have been moved since we entered it."""
        if not self._names:
            raise self._leads_out()
        names = self._names[:-1]
        self._restart()
        return [] if self._leap(names) else names

    def _step(self, part: str) -> list[str]:
        """Go into one directory; where it is a link, the parts still to go instead."""
        self._check_case(part)
        for _ in range(_TRIES):
            try:
                self._arrive(self._calls.enter(self._place, part), [*self._names, part])
            except OSError as error:
                if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                    raise
            else:
                return []
            if (target := self._readlink(part)) is not None:
                return self._follow(target)
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), part)

    def _readlink(self, leaf: str) -> str | None:
        """The target of a link; None: it is no link, or none any more."""
        try:
            target: str = self._calls.readlink(self._place, leaf)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return None
        return target

    def _follow(self, target: str) -> list[str]:
        """The parts that a link stands for, seen from here or, if it is absolute, from the root."""
        self.links += 1
        if self.links > MAX_LINKS:
            raise OSError(errno.ELOOP, _LOOP, target)
        if not is_absolute(target):
            return parts_of(target)
        # By the root's own names: to look at others may wait for a dead mount outside.
        for attribute in ("path", "real_path"):
            if (parts := parts_below(target, getattr(self._calls, attribute))) is not None:
                self._restart()
                return parts or ["."]
        raise self._leads_out()

    def _leads_out(self) -> LeadsOut:
        """The error for the name that was asked for, whichever link behind it leads out."""
        return LeadsOut(os.path.join(self._calls.path, *self._asked))

    def find(self, leaf: str) -> tuple[str, os.stat_result]:
        """Follow links until `leaf` is none; the last name, in the directory then entered."""
        self._asked = [*self._names, leaf]
        while True:
            self._check_case(leaf)
            status = self._calls.status(self._place, leaf)
            if self._calls.kind_of(status) != "link":
                return leaf, status
            if (target := self._readlink(leaf)) is None:
                continue  # replaced since: look again
            *parts, leaf = self._follow(target)
            self._go(parts)
            if leaf in ("", ".", ".."):
                self._go([leaf])
                return ".", self._calls.status(self._place, ".")

    def open(self, leaf: str) -> Opened:
        """A regular file, open for reading; this place stays where it is."""
        self._check_case(leaf)
        for _ in range(_TRIES):
            kind = self._calls.kind_of(self._calls.status(self._place, leaf))
            try:
                return self._open_behind(leaf) if kind == "link" else self._open(leaf, kind)
            except OSError as error:
                # A loop of links; or a file that was replaced by a link since it was looked at.
                if error.errno != errno.ELOOP:
                    raise
        raise OSError(errno.ELOOP, _LOOP, leaf)

    def _open_behind(self, leaf: str) -> Opened:
        """What a link leads to; the links on the way here count among its forty."""
        walk = Walk(self._calls)
        walk.links, self.links = self.links, self.links or 1
        with walk:
            walk.enter(self._names)
            last, status = walk.find(leaf)
            return walk._open(last, walk._calls.kind_of(status))

    def _open(self, leaf: str, kind: Kind) -> Opened:
        """A file. Its kind is looked at first, since to open a FIFO or a device can have effects.

        It is looked at again once it is open: the name may have got another file in between.
        """
        if kind != "file":
            raise FileNotFoundError(errno.ENOENT, "not a regular file", leaf)
        descriptor = self._calls.open(self._place, leaf)
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
        return bool(self._calls.has(self._place, leaf))

    def _check_case(self, name: str) -> None:
        """Refuse a name in another spelling than its own, where the system would take it."""
        if _FOLDS_CASE and not self._calls.spells(self._place, name):
            raise FileNotFoundError(errno.ENOENT, "the name is spelled otherwise", name)

    def entries(self) -> list[tuple[str, Kind]]:
        """The names in this directory, and what each is."""
        entries: list[tuple[str, Kind]] = self._calls.entries(self._place)
        return entries

    def refused(self, leaf: str = ".") -> str:
        """After a PermissionError: as `real`, of what can't be read or, unseen, its directory."""
        try:
            self._calls.status(self._place, leaf)
        except OSError:
            leaf = "."
        return self.real(leaf)

    def real(self, leaf: str) -> str:
        """The name without links of what `leaf` is here; an absolute path if not below the root."""
        name = "/".join(self._names + [leaf] * (leaf != "."))
        if not self._calls.follow:
            return name
        path = os.path.realpath(os.path.join(self._calls.real_path, name))
        parts = parts_below(path, self._calls.real_path)
        return path.replace(os.sep, "/") if parts is None else "/".join(parts)


class Directory:
    """A directory to serve, opened anew for each walk; `pin` holds on to the one it is now.

    A `source` that is no text is asked for its path each time. `is_previous` says that it has files
    of earlier releases.
    """

    def __init__(
        self, source: str | os.PathLike[str], *, follow_symlink: bool, is_previous: bool = False
    ) -> None:
        self._source = os.path.abspath(source) if isinstance(source, str) else source
        self.follow = follow_symlink
        self.is_previous = is_previous

    @property
    def path(self) -> str:
        """Its path, absolute."""
        source = self._source
        return source if isinstance(source, str) else os.path.abspath(source)

    @contextmanager
    def walk(self) -> Iterator[Walk]:
        """A walk that starts at the root. At its end all its descriptors are closed."""
        with self.root(wait=True) as root, Walk(root) as walk:
            yield walk

    def root(self, *, wait: bool) -> AbstractContextManager[ByDescriptor | ByPath]:
        """The root, open for as long as the context lasts.

        :raises BlockingIOError: the disk would have to be waited for, and `wait` is False
        """
        path = self._source
        if not isinstance(path, str):
            if not wait:
                raise BlockingIOError(errno.EAGAIN, "the path has to be asked for")
            path = self.path
        system = ByDescriptor if _HAS_DESCRIPTORS else ByPath
        return system(path, follow=self.follow, wait=wait)

    def lacks(self, name: str, *, wait: bool) -> bool:
        """Whether there is no file of a name; False, too, where only a walk tells."""
        try:
            with self.root(wait=wait) as root:
                return root.lacks(name, wait=wait)
        except OSError:
            return False

    def path_of(self, name: str) -> str:
        """The path of a file, for a message."""
        return os.path.join(self.path, name)

    def pin(self) -> PinnedDirectory:
        return PinnedDirectory(self)


class PinnedDirectory(Directory):
    """The directory that a path led to once, whatever the path leads to later."""

    def __init__(self, directory: Directory) -> None:
        super().__init__(directory.path, follow_symlink=directory.follow)
        self.is_previous = directory.is_previous
        root = super().root(wait=True).__enter__()
        # Not at the end of Python: threads may still be at work then.
        finalize(self, root.__exit__).atexit = False
        self.real_path = root.real_path.replace(os.sep, "/")
        self._root = nullcontext(root)  # it stays open

    def root(self, *, wait: bool) -> AbstractContextManager[ByDescriptor | ByPath]:
        return self._root
