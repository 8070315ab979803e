"""What lies below a directory: the names that index mode knows. No file is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..core.paths import Gate
from .errors import is_missing
from .root import MAX_LINKS, Directory
from .root_by_descriptor import Kind


@dataclass
class Scan:
    """What lies below one directory. Each real directory is held once, under its real name.

    `paths` are URL paths of files, with the prefix, also of those that the gate lets nobody ask for
    but through a link. `aliases` lead from a link's name to the real name of its directory, one of
    `places`. `note` is told what is skipped. `is_torn` says that a link to a directory, or the
    root, was switched meanwhile: what was there before may have been removed.
    """

    directory: Directory
    gate: Gate
    note: Callable[[str, str], object]
    paths: set[str] = field(default_factory=set)
    aliases: dict[str, str] = field(default_factory=dict)
    places: set[str] = field(default_factory=lambda: {""})

    def __post_init__(self) -> None:
        todo = [""]
        while todo:
            place = todo.pop()
            for leaf, kind in self._entries(place):
                if not self._admits(place, leaf):
                    continue
                name = _join(place, leaf)
                leads_to = self._follow(place, leaf) if kind == "link" else kind
                if leads_to == "file":
                    self.paths.add(self._path(name))
                elif leads_to == "other":
                    self.note("skipped, not a file", self.directory.path_of(name))
                elif leads_to and self._is_new(real := self.aliases.get(name, name)):
                    todo.append(real)
        # Each link is followed once more. What it led to before may have been removed while it was
        # listed, and a list doesn't tell what it lacks.
        followed = dict(self.aliases)
        for name in followed:
            place, _, leaf = name.rpartition("/")
            self._follow(place, leaf)
        self.is_torn = followed != self.aliases or self.directory.is_replaced()

    def has(self, path: str) -> bool:
        """Whether there is a file, maybe behind links, that the gate lets a path ask for."""
        is_there = path in self.paths or (self.aliases and self._real_path(path) in self.paths)
        return bool(is_there) and self.gate(path) is not None

    def _real_path(self, path: str) -> str | None:
        """A path without links, at the cost of what lies here, not of the path's length."""
        place, links, start = "", 0, len(self.gate.prefix) + 1
        while (end := path.find("/", start)) >= 0:
            name = _join(place, path[start:end])
            place = self.aliases.get(name, name)
            links += name in self.aliases
            if place not in self.places or links > MAX_LINKS:
                return None
            start = end + 1
        return self._path(_join(place, path[start:]))

    def _path(self, name: str) -> str:
        return f"{self.gate.prefix}/{name}"

    def siblings(self, path: str, suffixes: Sequence[str]) -> list[str]:
        """The suffixes of the siblings that a file has."""
        return [suffix for suffix in suffixes if self.has(path + suffix)]

    def _entries(self, place: str) -> list[tuple[str, Kind]]:
        try:
            with self.directory.walk() as walk:
                walk.enter(place)
                return walk.entries()
        except OSError as error:
            self._skip(error, place)
            return []

    def _follow(self, place: str, leaf: str, *, again: bool = True) -> Kind | None:
        """What a link leads to; that to a directory is an alias. None: there is nothing.

        A deploy may have switched it, and removed what it led to: then a second look finds that.
        """
        try:
            with self.directory.walk() as walk:
                walk.enter(place)
                last, kind = walk.find(leaf)
                if kind == "directory":
                    self.aliases[_join(place, leaf)] = walk.real(last)
                return kind
        except OSError as error:
            if again:
                return self._follow(place, leaf, again=False)
            self._skip(error, _join(place, leaf))
            return None

    def _admits(self, place: str, leaf: str) -> bool:
        """Whether the gate lets a URL through that has this name in it."""
        if self.gate(self._path(f"x/{leaf}" if place else leaf)) is not None:
            return True
        if not leaf.startswith("."):
            self.note(
                "skipped, no URL path can name it", self.directory.path_of(_join(place, leaf))
            )
        return False

    def _is_new(self, name: str) -> bool:
        """Whether a directory has yet to be scanned.

        Links that may lead out may also lead back to the root: that is an alias.
        """
        if name == self.directory.real_path.replace(os.sep, "/"):
            self.aliases[name] = ""
        elif name not in self.places:
            self.places.add(name)
            return True
        return False

    def _skip(self, error: OSError, name: str) -> None:
        if not is_missing(error):
            raise error
        self.note(f"skipped, {error.strerror}", self.directory.path_of(name))


def _join(place: str, name: str) -> str:
    return f"{place}/{name}" if place else name
