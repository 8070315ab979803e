"""The look-up of live mode: each answer is held against the disk.

What a name led to last time is still true if its files are still the same, and no sibling was
added, as `open` sees. Otherwise a walk looks the name up anew.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..core.paths import Gate
from ..core.values import Resource
from .find import Finder, Found, Look, LookUp
from .root import Directory

_REMEMBERED = 1024
"""Names whose last resource is remembered."""


class Live(LookUp):
    """A `LookUp` whose answers are all proved by the disk."""

    def __init__(self, finder: Finder, directories: Sequence[Directory], gate: Gate) -> None:
        self._finder = finder
        self._directories = directories
        self._places = [(directory, finder.suffixes) for directory in directories]
        self._gate = self.covers = gate
        self._found: dict[str, Resource] = {}
        self.answers: dict[str, Resource] = {}

    def find(self, path: str, *, wait: bool, anew: bool = False) -> Found | None:
        name = self._gate(path)
        if name is None:
            return None
        if not anew:
            if resource := self._found.get(name):
                return resource, {}
            if all(directory.lacks(name, wait=wait) for directory in self._directories):
                return None
        if not wait:
            raise BlockingIOError("only a walk tells what is there")
        look = self._finder.find(self._places, name)
        if look is None:
            return None
        resource, descriptors = look.found()
        if _stays(look) and not self._finder.policies.asks:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
                self.answers.clear()
            self._found[name] = resource
        return resource, descriptors

    def keep(self, path: str, resource: Resource) -> None:
        """Keep it for a path that no other file can come to answer."""
        name = _name(resource)
        if self._found.get(name) is resource and self._gate(path) in (name, None):
            self.answers[path] = resource

    def forget(self, resource: Resource) -> None:
        name = _name(resource)
        self._found.pop(name, None)
        for answered in (name, name.removesuffix("index.html")):
            self.answers.pop(f"{self._gate.prefix}/{answered}", None)

    def refresh(self) -> None:
        self._finder.validators.clear()
        self._found.clear()
        self.answers.clear()


def _name(resource: Resource) -> str:
    return resource.representations[0].file.name


def _stays(look: Look) -> bool:
    """Whether the same files will be described in the same way.

    The date of a file is not told as long as it lies in the future.
    """
    latest = max(mtime for *_, mtime, _ in look.sighting.files.values())
    is_settled = look.settled and look.certain and look.complete
    return is_settled and latest <= time.time_ns()
