"""The look-up of live mode: each request looks at the disk.

The files that a name led to last time are opened again, by one call each. If each is still the same
file, and no sibling was added, the resource of last time is still true. Otherwise a walk looks the
name up anew.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..core.paths import Gate
from ..core.values import File, Identity, Resource
from .find import Finder, Found, Look, close_all
from .root import Directory

_REMEMBERED = 1024
"""Names whose last resource is remembered."""


class _Last(NamedTuple):
    """What a name led to when it was last looked up.

    `files` are the file and its siblings, fit to be sent or not; `absent` are other siblings.
    """

    directory: Directory
    files: Mapping[str, Identity]
    absent: Sequence[str]
    resource: Resource

    def open(self, *, wait: bool) -> Found:
        """The same files, opened again; BlockingIOError where one may be another by now."""
        opened = self.directory.open_again(self.files, self.absent, wait=wait)
        descriptors, changed = {}, None
        for (name, known), (descriptor, is_now) in zip(self.files.items(), opened, strict=True):
            descriptors[name] = descriptor
            changed = changed if is_now == known else name
        if changed:
            close_all(descriptors)
            raise _unsure(changed)
        return self.resource, descriptors


def _unsure(name: str) -> BlockingIOError:
    return BlockingIOError(errno.EAGAIN, "it may be another file than the last time", name)


@dataclass
class Live:
    """A `LookUp` that keeps no answer, only what it has made of files that didn't change since."""

    keep = None
    finder: Finder
    directories: Sequence[Directory]
    gate: Gate
    answers: dict[str, Resource] = field(default_factory=dict)
    _last: dict[str, _Last] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.covers: Container[str] = self.gate
        self._places = [(directory, self.finder.suffixes) for directory in self.directories]

    def find(self, path: str, *, wait: bool, anew: bool = False) -> Found | None:
        name = self.gate(path)
        if name is None:
            return None
        if self.finder.policies.asks and not wait:
            # A function of the user's may take its time, as one that reads a manifest does.
            raise BlockingIOError("a function among the options is asked")
        try:
            return self._find_again(name, wait)
        except OSError as error:  # a root that isn't there, too: only a walk tells why
            if not wait:
                raise _unsure(name) from error
        return self._find_anew(name)

    def _find_again(self, name: str, wait: bool) -> Found | None:
        """What is at a name, if a few calls to the system can tell.

        :raises OSError: they can't
        """
        last = self._last.get(name)
        for directory in self.directories:
            if last and directory is last.directory:
                return last.open(wait=wait)
            directory.open_again((), [name], wait=wait)
        return None

    def _find_anew(self, name: str) -> Found | None:
        look = self.finder.find(self._places, name)
        if look is None:
            self._last.pop(name, None)
            return None
        resource, descriptors = look.found()
        if _stays(look) and not self.finder.policies.asks:
            if len(self._last) >= _REMEMBERED:
                self._last.clear()
            self._last[name] = _Last(look.directory, look.files, look.absent, resource)
        return resource, descriptors

    def reopen(self, resource: Resource, file: File, *, wait: bool) -> None:
        """What is found is open."""

    def touch(self, resource: Resource) -> None:
        """Nothing is kept in live mode."""

    def known(self) -> None:
        """Nothing is known of the disk before it is asked."""

    def knows(self, path: str) -> bool:
        return False

    def refresh(self) -> None:
        self.finder.validators.clear()
        self._last.clear()


def _stays(look: Look) -> bool:
    """Whether the same files will be described in the same way.

    The date of a file is not told as long as it lies in the future.
    """
    latest = max(mtime for *_, mtime, _ in look.files.values())
    return look.settled and look.certain and latest <= time.time_ns()
