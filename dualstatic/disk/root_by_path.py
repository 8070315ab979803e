"""The system calls of a walk where nothing is opened relative to a directory, as on Windows.

A place is its path: each name in it was looked at and is no link, but what a path means can change
before it is opened. So what was opened is proved afterwards, before a byte of it is read: by the
path that the system has for it, or else by more looks at each name on the way. Only the first is
safe from whoever can swap names in the root at the right moments.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping

from ..core.values import Identity
from .root_by_descriptor import READ, Kind, kind_of
from .targets import literal, parts_below

_LOOKS = 3
"""Looks at the way to an open file whose path isn't told; each has to be deceived by two swaps."""

if sys.platform == "win32":
    from .windows import final_path, open_file, spelling
else:
    from os import open as open_file
    from os.path import basename as spelling  # there a name is found by its own spelling alone

    def final_path(descriptor: int) -> str | None:
        """The path of an open file; None: this system doesn't tell."""
        return None


class ByPath:
    """A `place` is a path below the root's. With `follow` the system resolves links."""

    def __init__(self, path: str, *, follow: bool, wait: bool) -> None:
        if not wait:
            raise BlockingIOError(errno.EAGAIN, "this system doesn't tell what has to wait")
        self.path, self.follow = path, follow
        self.real_path = os.path.realpath(path)
        self.root = literal(self.real_path)
        os.stat(self.root)

    def open_again(
        self, name: str, known: Mapping[str, Identity], folder: object, *, wait: bool
    ) -> int:
        raise BlockingIOError(errno.EAGAIN, "each name has to be looked at", self.path)

    def lacks(self, name: str, *, wait: bool) -> bool:
        return False

    def __enter__(self) -> ByPath:
        return self

    def __exit__(self, *failure: object) -> None:
        """There is nothing open."""

    def enter(self, place: str, name: str) -> str:
        if kind_of(self._look(place, name)) != "directory":
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name)
        return self.at(place, name)

    def at(self, place: str, name: str) -> str:
        """The path of a name in a place."""
        if name == ".":  # in a literal path it would be a file's name
            return place
        # Else not by `os.path.join`, for which a name with a drive would lead out of the root.
        return os.path.join(place, name) if self.follow else os.path.join(place, "") + name

    def spells(self, place: str, name: str) -> bool:
        """Whether a directory has a name in this very spelling."""
        return spelling(self.at(place, name)) == name

    def _look(self, place: str, leaf: str) -> os.stat_result:
        return os.stat(self.at(place, leaf), follow_symlinks=self.follow)

    def open(self, place: str, leaf: str) -> int:
        descriptor = open_file(self.at(place, leaf), READ)
        try:
            if not self.follow and not self._is_inside(descriptor, place, leaf):
                raise OSError(errno.ELOOP, "the file is not where it was looked for", leaf)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _is_inside(self, descriptor: int, place: str, leaf: str) -> bool:
        path = final_path(descriptor)
        if path is not None:
            return parts_below(path, self.root) is not None
        return all(self._is_there(descriptor, place, leaf) for _ in range(_LOOKS))

    def _is_there(self, descriptor: int, place: str, leaf: str) -> bool:
        again = self.root
        for name in parts_below(place, self.root) or ():
            again = self.enter(again, name)
        status = self._look(again, leaf)
        return kind_of(status) != "link" and os.path.samestat(status, os.fstat(descriptor))

    def entries(self, place: str) -> list[tuple[str, Kind]]:
        with os.scandir(place) as entries:
            # Here the status of an entry costs no call.
            return [(each.name, kind_of(each.stat(follow_symlinks=False))) for each in entries]
