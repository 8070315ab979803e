"""The live look-up remembered: a scan keeps the names, and a name's first use keeps the rest."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ..core.values import File, Gate, Resource
from .directory import MISSES, Directory, Kind, PinnedDirectory, tell_trouble
from .folder import SUFFIXES, Finder
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
    """What one scan of all directories gave, and the resources that were asked for since."""

    scans: tuple[Scan, ...]
    known: frozenset[str] | None
    room: int
    ready: dict[str, Resource] = field(default_factory=dict)

    def scan_of(self, path: str, encodings: Sequence[str]) -> Scan | None:
        """The first directory that has the file, else the first that has a sibling of it."""
        for scan in self.scans:
            if scan.has(path):
                return scan
        for scan in self.scans:
            if path in scan.bare or scan.has_sibling_behind_link(path, encodings):
                return scan
        return None


class Index:
    """The look-up of index mode: a path that no scan met never touches the disk."""

    def __init__(
        self, finder: Finder, directories: Sequence[Directory], gate: Gate, memory: int
    ) -> None:
        self._finder = finder
        self._memory = Memory(memory)
        self._directories = directories
        self._gate = gate
        self._refreshing = Lock()
        self._locks = [Lock() for _ in range(_STRIPES)]
        self._state = _State((), None, 0)

    def may_answer(self, path: str) -> bool:
        """False where nothing here can have to do with a path; True is no promise."""
        known = self._state.known
        return known is None or path in known

    def ready(self, path: str) -> Resource | None:
        """What was found at a path before."""
        return self._state.ready.get(path)

    def use(self, path: str) -> None:
        """The bytes that are kept for a path were asked for."""
        self._memory.use(path)

    def remember(self, path: str, resource: Resource) -> None:
        """Keep a resource, and its bytes, for a path; not one of an index that is gone by now."""
        state = self._state
        opener = resource.representations[0].stored.file.opener
        is_ours = any(scan.directory is opener for scan in state.scans)
        if is_ours and resource.settled and len(state.ready) < state.room:
            state.ready[path] = resource
            self._memory.keep(path, resource)

    def look_up(self, path: str, *, wait: bool) -> Resource | None:
        state = self._state
        if resource := state.ready.get(path):
            return resource
        scan = state.scan_of(path, self._finder.encodings)
        if scan is None:
            return None
        if not wait:
            raise BlockingIOError("the first use of a file reads the disk")
        with self._locks[hash(path) % len(self._locks)]:
            return state.ready.get(path) or self._find(scan, path)

    def _find(self, scan: Scan, path: str) -> Resource | None:
        """Look a name up on the disk; of those who ask for it at the same time, one does."""
        name = path[len(self._gate.prefix) + 1 :]
        codings = scan.codings(path, self._finder.encodings)
        looks = self._finder.find(scan.directory, name, codings, self._memory.reader(path))
        if looks and looks[0].stored.coding and scan.has(path):
            # The file itself is away: kept so, it would stay a miss when it is back.
            looks[0] = looks[0]._replace(fresh=True)
        resource = self._finder.resource(name, looks)
        if resource:
            self.remember(path, resource)
        return resource

    def is_current(self, path: str, files: Iterable[File], *, wait: bool, last: bool) -> bool:
        """Whether files, of which one is about to be read, are those remembered for their path.

        One that could be in memory is to be looked up again, and so to come there, unless this is
        the `last` time of asking.
        """
        if not wait:
            raise BlockingIOError("a file that is about to be read is looked at first")
        again = not last and any(self._memory.wants(file.size) for file in files)
        if not again and all(_is_same(file) for file in files):
            return True
        self._state.ready.pop(path, None)
        return False

    def refresh(self) -> None:
        """Scan again, and swap the new index in when it is whole."""
        with self._refreshing:
            scans = [self._scan(directory) for directory in self._directories]
            paths = sum(len(scan.paths) + len(scan.bare) + len(scan.places) for scan in scans)
            self._state = _State(tuple(scans), _known(scans), paths + _SECOND_NAMES)
            self._memory.forget_resources()

    def _scan(self, directory: Directory) -> Scan:
        try:
            scan = Scan(directory.pin(), self._gate)
            _Scanner(scan, self._finder).run()
        except OSError as error:
            tell_trouble(error, directory.path)
            raise
        return scan


def _is_same(file: File) -> bool:
    try:
        return file.opener.identity(file.name) == file.identity
    except OSError as error:
        if error.errno not in MISSES:
            raise
        return False


def _known(scans: Sequence[Scan]) -> frozenset[str] | None:
    """All paths that may get an answer; None: there are links to directories, and so no end."""
    if any(scan.aliases for scan in scans):
        return None
    known = {path for scan in scans for path in (*scan.paths, *scan.bare)}
    for path in [path for path in known if path.endswith("/index.html")]:
        folder = path.removesuffix("index.html")
        known |= {folder, folder.removesuffix("/")}
    return frozenset(known)
