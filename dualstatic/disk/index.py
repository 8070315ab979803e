"""The live look-up remembered: a scan keeps the names, and a name's first use keeps the rest."""

from __future__ import annotations

import stat
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field

from ..core.codings import SUFFIXES
from ..core.values import File, Gate, Policy, Resource
from .directory import MISSES, Directory, Kind, PinnedDirectory, tell_trouble
from .folder import Below, Finder, Place
from .locks import Lock
from .memory import Memory

_STRIPES = 64
"""Locks for paths; more than one path has to share one."""

_SECOND_NAMES = 4096
"""Resources kept under names that lead through links; links to each other make endless many."""


@dataclass(slots=True)
class Scan:
    """What lies below one directory. Each real directory is held once, under its real name.

    `paths` are URL paths of files, with the prefix; `bare` those that only a sibling has. `hidden`
    are names of files that no path leads to but through a link. `aliases` lead from a link's name
    to the real name of its directory, one of `places`.
    """

    directory: PinnedDirectory
    gate: Gate
    paths: set[str] = field(default_factory=set)
    bare: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    aliases: dict[str, str] = field(default_factory=dict)
    places: set[str] = field(default_factory=lambda: {""})

    def has(self, path: str) -> bool:
        return path in self.paths or (bool(self.aliases) and self._has_behind_link(path))

    def _has_behind_link(self, path: str) -> bool:
        name = self.gate(path)
        if name is None:
            return False
        *parts, leaf = name.split("/")
        place = ""
        for part in parts:
            place = _join(place, part)
            place = self.aliases.get(place, place)
            if place not in self.places:
                return False
        real = _join(place, leaf)
        return f"{self.gate.prefix}/{real}" in self.paths or real in self.hidden

    def has_sibling_behind_link(self, path: str, encodings: Sequence[str]) -> bool:
        return (
            bool(self.aliases)
            and self.gate(path) is not None
            and any(self._has_behind_link(path + SUFFIXES[coding]) for coding in encodings)
        )

    def codings(self, path: str, encodings: Sequence[str]) -> list[str]:
        return [coding for coding in encodings if self.has(path + SUFFIXES[coding])]


class _Scanner:
    """Makes the scan of a directory, whatever lies in it."""

    def __init__(self, scan: Scan, finder: Finder) -> None:
        self._scan = scan
        self._finder = finder

    def run(self) -> None:
        scan = self._scan
        self._descend("", lambda name: scan.paths.add(f"{scan.gate.prefix}/{name}"))
        # What links lead to, and the scan has not met, lies where no path goes.
        while targets := sorted(set(scan.aliases.values()) - scan.places):
            scan.places.add(targets[0])
            self._descend(targets[0], scan.hidden.add)
        for coding in self._finder.encodings:
            suffix = SUFFIXES[coding]
            stems = {path.removesuffix(suffix) for path in scan.paths if path.endswith(suffix)}
            scan.bare |= {stem for stem in stems - scan.paths if scan.gate(stem) is not None}

    def _descend(self, top: str, keep: Callable[[str], None]) -> None:
        todo = [top]
        while todo:
            place = todo.pop()
            for leaf, kind in self._entries(place):
                name = _join(place, leaf)
                leads_to = self._follow(place, leaf) if kind == "link" else kind
                if leads_to == "file" and self._admits(place, leaf):
                    keep(name)
                elif (
                    leads_to == "directory"
                    and self._admits(place, leaf, "/x")
                    and self._is_new(name)
                ):
                    todo.append(name)
                elif leads_to == "other":
                    self._finder.warn("skipped, not a file", self._scan.directory.path_of(name))

    def _entries(self, place: str) -> list[tuple[str, Kind]]:
        try:
            with self._scan.directory.walk() as walk:
                walk.enter(place.split("/"))
                return walk.entries()
        except OSError as error:
            self._skip(error, place)
            return []

    def _follow(self, place: str, leaf: str) -> Kind | None:
        """What a link leads to; a directory is noted as an alias, and None."""
        if not self._admits(place, leaf, "/x"):
            return None
        try:
            with self._scan.directory.walk() as walk:
                walk.enter(place.split("/"))
                last, status = walk.find(leaf)
                if stat.S_ISDIR(status.st_mode):
                    self._scan.aliases[_join(place, leaf)] = walk.real(last)
                    return None
        except OSError as error:
            self._skip(error, _join(place, leaf))
            return None
        return "file" if stat.S_ISREG(status.st_mode) else "other"

    def _admits(self, place: str, leaf: str, more: str = "") -> bool:
        """Whether the gate lets a URL through that has this name in it."""
        above = "x/" if place else ""
        if self._scan.gate(f"{self._scan.gate.prefix}/{above}{leaf}{more}") is not None:
            return True
        if not leaf.startswith("."):
            self._finder.warn(
                "skipped, no URL path can name it", self._scan.directory.path_of(_join(place, leaf))
            )
        return False

    def _is_new(self, name: str) -> bool:
        """Whether a directory has yet to be scanned; from outside the root one can come to it."""
        if name == self._scan.directory.real_path:
            self._scan.aliases[name] = ""
        elif name not in self._scan.places:
            self._scan.places.add(name)
            return True
        return False

    def _skip(self, error: OSError, name: str) -> None:
        if error.errno not in MISSES:
            raise error
        self._finder.warn(f"skipped, {error.strerror}", self._scan.directory.path_of(name))


def _join(place: str, name: str) -> str:
    return f"{place}/{name}" if place else name


@dataclass(frozen=True, slots=True)
class _State:
    """What one scan of all directories gave, and what was found of the paths asked for since.

    `found` is by the path of the file, `ready` by the path that is answered by it.
    """

    scans: tuple[Scan, ...]
    room: int
    found: dict[str, Resource] = field(default_factory=dict)
    ready: dict[str, Resource] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)

    def places(self, path: str, encodings: Sequence[str]) -> list[Place]:
        """The directories that have the file or, if none has it, a sibling of it."""
        scans = [scan for scan in self.scans if scan.has(path)] or [
            scan
            for scan in self.scans
            if path in scan.bare or scan.has_sibling_behind_link(path, encodings)
        ]
        return [(scan.directory, scan.codings(path, encodings)) for scan in scans]


class Index:
    """The look-up of index mode: a path that no scan met never touches the disk.

    Of other paths than the `known` ones it can be told at once that nothing here has to do with
    them. `ready` is what answered a path before. A door looks at both by itself, to save a call.
    """

    def __init__(
        self,
        finder: Finder,
        directories: Sequence[Directory],
        gate: Gate,
        memory: int,
        paths: Callable[[str], Iterable[str]],
    ) -> None:
        self._finder = finder
        self._paths = paths
        self._memory = Memory(memory)
        self._directories = directories
        self._gate = gate
        self._refreshing = Lock()
        self._locks = [Lock() for _ in range(_STRIPES)]
        self._state = _State((), 0)
        self.known: Container[str] = Below(gate.prefix)
        self.ready: dict[str, Resource] = {}
        # Says that the bytes kept for a path were asked for.
        self.use = self._memory.use

    def remember(self, path: str, resource: Resource) -> None:
        """Keep a resource, and its bytes, for a path that it answers; not one of an old index."""
        state = self._state
        opener = resource.representations[0].stored.file.opener
        is_ours = any(scan.directory is opener for scan in state.scans)
        if is_ours and _is_certain(resource) and len(state.ready) < state.room:
            state.ready[path] = resource
            self._memory.keep(path, resource)

    def look_up(self, path: str, *, wait: bool | None) -> Resource | None:
        state = self._state
        if resource := state.found.get(path):
            return resource
        places = state.places(path, self._finder.encodings)
        if not places:
            return None
        if not wait:
            raise BlockingIOError("the first use of a file reads the disk")
        with self._locks[hash(path) % len(self._locks)]:
            return state.found.get(path) or self._find(state, places, path)

    def _find(self, state: _State, places: Sequence[Place], path: str) -> Resource | None:
        """Look a name up on the disk; of those who ask for it at the same time, one does."""
        name = path[len(self._gate.prefix) + 1 :]
        looks = self._finder.find(places, name, self._memory.reader(path))
        if not looks:
            return None
        first, is_listed = looks[0].stored, any(scan.has(path) for scan in state.scans)
        if first.file.opener is not places[0][0] or (first.coding and is_listed):
            # The file that comes first is away: kept so, it would not be seen when it is back.
            looks = [look._replace(fresh=True, content=None) for look in looks]
        policy = state.policies.get(path) or self._finder.policy(name)
        if len(state.policies) < state.room:
            state.policies[path] = policy
        resource = self._finder.describe(looks, policy)
        if _is_certain(resource) and len(state.found) < state.room:
            state.found[path] = resource
            if state is self._state:
                self._memory.keep(path, resource)
        return resource

    def is_current(self, path: str, resource: Resource, file: File, *, last: bool) -> bool:
        """Whether a file that is about to be read is the one remembered for its path.

        One that could be in memory is to be looked up again, and so to come there, unless this is
        the `last` time of asking.
        """
        again = not last and self._memory.has_room_for(resource, file)
        if not again and all(map(_is_same, {file, resource.representations[0].stored.file})):
            return True
        self._state.found.pop(path, None)
        for answered in self._paths(path):
            self._state.ready.pop(answered, None)
        return False

    def refresh(self) -> None:
        """Scan again, and swap the new index in when it is whole."""
        with self._refreshing:
            scans = [self._scan(directory) for directory in self._directories]
            paths = sum(len(scan.paths) + len(scan.bare) + len(scan.places) for scan in scans)
            state = _State(tuple(scans), paths + _SECOND_NAMES)
            self._state, self.ready = state, state.ready
            self.known = self._known(scans)
            self._memory.forget_resources([scan.directory for scan in scans])

    def _known(self, scans: Sequence[Scan]) -> Container[str]:
        """All paths that may get an answer; with links to directories there is no end of them."""
        if any(scan.aliases for scan in scans):
            return Below(self._gate.prefix)
        files = (path for scan in scans for path in (*scan.paths, *scan.bare))
        return frozenset(path for file in files for path in self._paths(file))

    def _scan(self, directory: Directory) -> Scan:
        try:
            scan = Scan(directory.pin(), self._gate)
            _Scanner(scan, self._finder).run()
        except OSError as error:
            tell_trouble(error, directory.path)
            raise
        return scan


def _is_certain(resource: Resource) -> bool:
    """Whether what is known of a resource stays true of it, or of its bytes in memory."""
    return resource.settled or all(
        form.in_memory or not form.stored.file.size for form in resource.representations
    )


def _is_same(file: File) -> bool:
    try:
        return file.opener.identity(file.name) == file.identity
    except OSError as error:
        if error.errno not in MISSES:
            raise
        return False
