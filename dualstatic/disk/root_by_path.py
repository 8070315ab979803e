"""The system calls of a walk where nothing is opened relative to a directory, as on Windows.

A place is two paths, the root's and its own. Each name between them was looked at and is no link,
but what a path means can change before it is opened. So what was opened is proved afterwards,
before a byte of it is read: by the path that the system has for it, or else by more looks at each
name on the way. Only the first is safe from whoever can swap names in the root at the right
moments.
"""

from __future__ import annotations

import errno
import os
import sys

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


def open_root(path: str, *, wait: bool) -> tuple[str, str]:
    if not wait:
        raise BlockingIOError(errno.EAGAIN, "this system doesn't tell what has to wait")
    root = literal(os.path.realpath(path))
    os.stat(root)
    return root, root


def open_again(root: tuple[str, str], name: str, *known: object, **switches: bool) -> int:
    raise BlockingIOError(errno.EAGAIN, "each name has to be looked at", name)


def lacks(root: tuple[str, str], name: str, **switches: bool) -> bool:
    return False


def enter(place: tuple[str, str], name: str, *, follow: bool) -> tuple[str, str]:
    if kind_of(_look(place, name, follow)) != "directory":
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name)
    return place[0], path_in(place, name, follow=follow)


def path_in(place: tuple[str, str], name: str, *, follow: bool) -> str:
    """The path of a name in a place."""
    path = place[1]
    if name == ".":  # in a literal path it would be a file's name
        return path
    # Else not by `os.path.join`, for which a name with a drive would lead out of the root.
    return os.path.join(path, name) if follow else os.path.join(path, "") + name


def spells(place: tuple[str, str], name: str) -> bool:
    """Whether a directory has a name in this very spelling."""
    return spelling(path_in(place, name, follow=False)) == name


def _look(place: tuple[str, str], leaf: str, follow: bool) -> os.stat_result:
    return os.stat(path_in(place, leaf, follow=follow), follow_symlinks=follow)


def open_entry(place: tuple[str, str], leaf: str, *, follow: bool) -> int:
    """A file, for reading."""
    descriptor = open_file(path_in(place, leaf, follow=follow), READ)
    try:
        if not follow and not _is_inside(descriptor, place, leaf):
            raise OSError(errno.ELOOP, "the file is not where it was looked for", leaf)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_inside(descriptor: int, place: tuple[str, str], leaf: str) -> bool:
    path = final_path(descriptor)
    if path is not None:
        return parts_below(path, place[0]) is not None
    return all(_is_there(descriptor, place, leaf) for _ in range(_LOOKS))


def _is_there(descriptor: int, place: tuple[str, str], leaf: str) -> bool:
    root, path = place
    again = root, root
    for name in parts_below(path, root) or ():
        again = enter(again, name, follow=False)
    status = _look(again, leaf, follow=False)
    return kind_of(status) != "link" and os.path.samestat(status, os.fstat(descriptor))


def entries(place: tuple[str, str]) -> list[tuple[str, Kind]]:
    with os.scandir(place[1]) as entries:
        # Here the status of an entry costs no call.
        return [(each.name, kind_of(each.stat(follow_symlinks=False))) for each in entries]
