"""The live look-up remembered: a scan keeps the names, and a name's first use keeps the rest."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field

from ..core.values import File, Gate, Policy, Resource
from .errors import NOT_THERE as MISSES
from .errors import log_failure as tell_trouble
from .folder import Below, Finder, Place
from .locks import Lock
from .memory import Memory
from .root import Directory
from .scan import Scan, scan

_STRIPES = 64
"""Locks for paths; more than one path has to share one."""

_SECOND_NAMES = 4096
"""Resources kept under names that lead through links; links to each other make endless many."""


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
            return scan(directory.pin(), self._gate, self._finder)
        except OSError as error:
            tell_trouble(error, directory.path)
            raise


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
