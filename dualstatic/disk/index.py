"""The live look-up remembered: a scan keeps the names, and a name's first use keeps the rest."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence, Set
from dataclasses import dataclass, field

from ..core.paths import Gate
from ..core.values import File, Policy, Resource
from .errors import log_failure
from .find import Finder, Found, LookUp, Searched
from .locks import Lock
from .memory import Memory
from .root import Directory
from .scan import Scan

_STRIPES = 64
"""Locks for paths; more than one path has to share one."""

_SECOND_PATHS = 4096
"""Paths through links whose resources are remembered."""


@dataclass(frozen=True, slots=True)
class _State:
    """What one scan of all directories gave, and what was found of the paths asked for since.

    `found` and `policies` are by the path of the file, `answers` by the path that is answered by
    it. `second` are those paths of files that lead through links, the oldest first.
    """

    scans: tuple[Scan, ...]
    found: dict[str, Resource] = field(default_factory=dict)
    answers: dict[str, Resource] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    second: dict[str, None] = field(default_factory=dict)

    def places(self, path: str, suffixes: Sequence[str]) -> list[Searched]:
        """The directories that have the file, with the suffixes of its siblings there."""
        return [
            (scan.directory, scan.siblings(path, suffixes)) for scan in self.scans if scan.has(path)
        ]

    def is_listed(self, path: str) -> bool:
        return any(path in scan.paths for scan in self.scans)


class Index(LookUp):
    """The `LookUp` of index mode: a path that no scan met never touches the disk."""

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
        self._refreshing, self._guard = Lock(), Lock()
        self._locks = [Lock() for _ in range(_STRIPES)]
        self._state = _State(())
        self.covers: Container[str] = gate
        self.answers: dict[str, Resource] = {}
        self.touch = self._memory.touch

    def keep(self, path: str, resource: Resource) -> None:
        """Keep a resource for a path that it answers, if it is still what its file's path has."""
        state = self._state
        if self._is_remembered(state, resource):
            state.answers[path] = resource
            if not self._is_remembered(state, resource):  # forgotten by another thread just now
                state.answers.pop(path, None)

    def _is_remembered(self, state: _State, resource: Resource) -> bool:
        return state.found.get(self._path(resource)) is resource

    def _path(self, resource: Resource) -> str:
        return f"{self._gate.prefix}/{resource.representations[0].file.name}"

    def find(self, path: str, *, wait: bool, anew: bool = False) -> Found | None:
        state = self._state
        if not anew and (resource := state.found.get(path)):
            return resource, {}
        places = state.places(path, self._finder.suffixes)
        if not places:
            return None
        if not wait:
            raise BlockingIOError("the first use of a file reads the disk")
        # If several threads ask for a path at the same time, one reads its file, the others wait.
        with self._locks[hash(path) % len(self._locks)]:
            if not anew and (resource := state.found.get(path)):
                return resource, {}
            if found := self._find(state, places, path):
                return found
        if self._is_replaced(state):
            self.refresh()
            return self.find(path, wait=wait)
        return None

    def _is_replaced(self, state: _State) -> bool:
        """Whether a directory has another path now, as a zipped package has whose copy was lost."""
        pairs = zip(state.scans, self._directories, strict=True)
        return any(scan.directory.path != directory.path for scan, directory in pairs)

    def _find(self, state: _State, places: Sequence[Searched], path: str) -> Found | None:
        self._forget(state, path)
        name = path[len(self._gate.prefix) + 1 :]
        look = self._finder.find(places, name, self._memory.read)
        if look is None:
            return None
        # The file of an earlier directory is away, or a sibling can't be read now. What was found
        # instead must not be remembered, or nobody would see when it is back.
        if not look.certain or look.directory is not places[0][0]:
            look.settled, look.contents = False, [None] * len(look.stored)
        self._make_room(state, path)
        # Functions among the options are asked once for each file.
        resource, descriptors = look.found(state.policies.get(path))
        state.policies[path] = resource.policy
        if _stays_true(resource):
            state.found[path] = resource
            with self._guard:
                if state is self._state:
                    self._memory.keep(resource)
        return resource, descriptors

    def _make_room(self, state: _State, path: str) -> None:
        """Forget the oldest paths through links: links in a circle make paths without end."""
        if state.is_listed(path):
            return
        with self._guard:
            state.second[path] = None
            if len(state.second) <= _SECOND_PATHS:
                return
            oldest = next(iter(state.second))
            del state.second[oldest]
        state.policies.pop(oldest, None)
        self._forget(state, oldest)

    def open(self, resource: Resource, file: File | None, *, wait: bool) -> int | None:
        """None, too: all of the resource could be in memory."""
        if file is None:
            return -1
        if file.size <= self._memory.largest and self._memory.lacks(resource, file):
            if not wait:
                raise BlockingIOError("a file is read to be kept in memory")
            return None
        return super().open(resource, file, wait=wait)

    def forget(self, resource: Resource) -> None:
        if self._is_remembered(state := self._state, resource):
            self._forget(state, self._path(resource))

    def _forget(self, state: _State, path: str) -> None:
        if resource := state.found.pop(path, None):
            for answered in self._paths(path):
                state.answers.pop(answered, None)
            self._memory.let_go(resource)

    def known(self) -> Set[str]:
        """The paths of all files, with their real names."""
        scans = self._state.scans
        hidden = (f"{self._gate.prefix}/{name}" for scan in scans for name in scan.hidden)
        return set(hidden).union(*(scan.paths for scan in scans))

    def knows(self, path: str) -> bool:
        return any(scan.has(path) for scan in self._state.scans)

    def refresh(self) -> None:
        """Scan again, and swap the new index in when it is whole."""
        with self._refreshing:
            scans = [self._scan(directory) for directory in self._directories]
            self._finder.warn.count()
            state = _State(tuple(scans))
            with self._guard:
                self._state, self.answers = state, state.answers
                self._memory.keep_settled([scan.directory for scan in scans])
            self.covers = self._covered(scans)

    def _covered(self, scans: Sequence[Scan]) -> Container[str]:
        """All paths that may get an answer; with links to directories there is no end of them."""
        if any(scan.aliases for scan in scans):
            return self._gate
        files = (path for scan in scans for path in scan.paths)
        return frozenset(path for file in files for path in self._paths(file))

    def _scan(self, directory: Directory) -> Scan:
        try:
            return Scan(directory.pin(), self._gate, self._finder.warn.note)
        except OSError as error:
            log_failure(error, directory.path)
            raise


def _stays_true(resource: Resource) -> bool:
    """Whether what is known of a resource stays true of it, or of its bytes in memory."""
    return resource.settled or all(
        form.in_memory or not form.file.size for form in resource.representations
    )
