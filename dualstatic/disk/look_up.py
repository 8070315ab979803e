"""What was found under a path is remembered; what wasn't is looked for on the disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Sequence, Set
from contextlib import nullcontext
from dataclasses import dataclass, field

from ..core.paths import Gate
from ..core.policies import Policies
from ..core.values import File, Policy, Resource
from .errors import OnceLogger, log_failure
from .find import Found, Look, close_all, look_for
from .locks import Lock
from .memory import Memory, guard
from .root import Directory
from .scan import Scan
from .validators import forget_hashes

_STRIPES = 64
"""Locks for paths; more than one path has to share one."""

_UNLISTED = 4096
"""Paths that no scan lists of which something is remembered."""


@dataclass(eq=False)
class LookUp:
    """What tells a URL path's resource: from what is remembered, or else from the disk.

    An index knows the names from a scan of each directory: a path that no scan has never touches
    the disk. It believes what was said of a file, and its bytes in memory, until the next scan; a
    file that is opened has to be the same still. With `is_live` there are no scans, nothing is in
    memory, and the disk has to prove each answer.

    `policies` are what the options say of a name; `describe` makes a resource of that and of what
    was found. `suffixes` are those of siblings. `paths` gives all paths that a file may answer.

    `answers` is what answered a path before, and does so still if its files are as they were. A
    path that is not in `covers` is never ours.
    """

    directories: Sequence[Directory]
    gate: Gate
    policies: Policies
    describe: Callable[..., Resource]
    suffixes: Sequence[str]
    paths: Callable[[str], Iterable[str]]
    memory: Memory
    is_live: bool
    warn: OnceLogger = field(default_factory=OnceLogger)

    def __post_init__(self) -> None:
        self.touch = self.memory.touch
        self.covers: Container[str] = self.gate
        self._refreshing = Lock()
        self._locks = [Lock() for _ in range(_STRIPES)]
        self._begin([])

    def _begin(self, scans: list[Scan]) -> None:
        """Remember nothing but what was scanned.

        `_found` and `_said` are by the path of the file, `answers` by the path that is answered
        by it. `_unlisted` are those paths of files that no scan lists, the oldest first.
        """
        self._scans = scans
        self._found: dict[str, Resource] = {}
        self.answers: dict[str, Resource] = {}
        self._said: dict[str, Policy] = {}
        self._unlisted: dict[str, None] = {}

    def find(self, path: str, *, wait: bool, anew: bool = False) -> Found | None:
        """What is at a path; `anew`: from the disk, whatever is remembered.

        :raises BlockingIOError: the disk would have to be waited for, and `wait` is False
        :raises OSError: the machine's own trouble
        """
        scans = self._scans
        if not anew and (resource := self._found.get(path)):
            return resource, {}
        places = self._places(path, scans, wait=wait)
        if not places:
            return None
        if not wait:
            raise BlockingIOError("only a walk tells what is there")
        # If several threads ask an index for a path at the same time, one reads its file, and the
        # others wait. Live, a slow disk must not make them wait for each other.
        with nullcontext() if self.is_live else self._locks[hash(path) % _STRIPES]:
            if not anew and (resource := self._found.get(path)):
                return resource, {}
            if found := self._look(path, places, scans):
                return found
        if self._is_replaced(scans):
            self.refresh()
            return self.find(path, wait=wait)
        return None

    def _places(
        self, path: str, scans: list[Scan], *, wait: bool
    ) -> list[tuple[Directory, Sequence[str]]]:
        """The directories that may have a file, with the suffixes its siblings may have there."""
        if not self.is_live:
            has_it = [scan for scan in scans if scan.has(path)]
            return [(scan.directory, scan.siblings(path, self.suffixes)) for scan in has_it]
        name = self.gate(path)
        # While a call waits, a deploy may switch the root, and remove what is in the old one. A
        # second look finds it then.
        looks = [*self.directories] * (1 + wait)
        if name is None or all(each.lacks(name, wait=wait) for each in looks):
            return []
        return [(each, self.suffixes) for each in self.directories]

    def _is_replaced(self, scans: Sequence[Scan]) -> bool:
        """Whether a directory has another path now, as a zipped package has whose copy was lost."""
        pairs = zip(scans, self.directories, strict=False)
        return any(scan.directory.path != directory.path for scan, directory in pairs)

    def _look(
        self, path: str, places: list[tuple[Directory, Sequence[str]]], scans: list[Scan]
    ) -> Found | None:
        name = path[len(self.gate.prefix) + 1 :]
        memory = None if self.is_live else self.memory
        look = look_for(places, name, self.policies, self.warn, memory)
        resource = self._described(look, self._said.get(path)) if look else None
        with guard:
            if scans is self._scans:
                self._remember(path, resource)
        return (resource, look.descriptors) if look and resource else None

    def _described(self, look: Look, policy: Policy | None) -> Resource:
        """The resource. Functions among the options of an index are asked once for each file."""
        # The file of an earlier directory is away. What was found instead must not be believed, or
        # nobody would see when it is back.
        if look.sighting.before and not self.is_live:
            look.doubt()
        try:
            if policy is None:
                policy = self.policies(look.sighting.name, look.directory.is_previous)
            return self.describe(look.stored, policy, contents=look.contents, settled=look.settled)
        except BaseException:
            close_all(look.descriptors)
            raise

    def _remember(self, path: str, resource: Resource | None) -> None:
        """Remember of a path what was found last, if that stays true."""
        self._forget(path)
        if resource is None:
            return
        if not any(path in scan.paths for scan in self._scans):
            self._make_room(path)
        if not self.is_live:
            self._said[path] = resource.policy
        if self._stays_true(resource):
            self._found[path] = resource
            self.memory.keep(resource)

    def _make_room(self, path: str) -> None:
        """Forget the oldest path that no scan lists: links in a circle make paths without end."""
        self._unlisted[path] = None
        if len(self._unlisted) > _UNLISTED:
            oldest = next(iter(self._unlisted))
            del self._unlisted[oldest]
            self._said.pop(oldest, None)
            self._forget(oldest)

    def _stays_true(self, resource: Resource) -> bool:
        """Whether what is known of a resource stays true of it, or of its bytes in memory."""
        if self.is_live:
            return resource.settled and not self.policies.asks
        return resource.settled or all(
            form.in_memory or not form.file.size for form in resource.representations
        )

    def open(self, resource: Resource, file: File | None, *, wait: bool) -> int | None:
        """A file of a resource that is remembered, opened by who closes it; -1: that is None.

        None: the disk has changed, or all of the resource could be in memory. It has to be found
        anew.

        :raises BlockingIOError: as `find`
        """
        if not self.is_live:
            if file is None:
                return -1
            if file.size <= self.memory.largest and self.memory.takes(resource):
                return None
        plain = resource.representations[0].file
        try:
            descriptor = plain.open((file or plain).name, wait=wait)
        except OSError as error:  # of a root that isn't there, too: only a walk tells why
            if isinstance(error, BlockingIOError) and not wait:
                raise
            with guard:
                self._forget(self._path(resource))
            return None
        if file is None:
            os.close(descriptor)
            return -1
        return descriptor

    def _path(self, resource: Resource) -> str:
        return f"{self.gate.prefix}/{resource.representations[0].file.name}"

    def _forget(self, path: str) -> None:
        if resource := self._found.pop(path, None):
            for answered in self.paths(path):
                self.answers.pop(answered, None)
            self.memory.let_go(resource)

    def keep(self, path: str, resource: Resource) -> None:
        """Keep a resource for a path that it answers, if it is remembered for its file's.

        Live, that is its file's own or its folder's: no other file can come to answer that.
        """
        own = self._path(resource)
        if self.is_live and path != own and not path.endswith("/"):
            return
        with guard:
            if self._found.get(own) is resource:
                self.answers[path] = resource

    def known(self) -> Set[str]:
        """The paths of all files that were scanned, with their real names."""
        return set[str]().union(*(scan.paths for scan in self._scans))

    def knows(self, path: str) -> bool:
        """Whether a file was scanned at a path, which may lead through links."""
        return any(scan.has(path) for scan in self._scans)

    def refresh(self) -> None:
        """Scan again, and swap the new index in when it is whole; live, forget what is known."""
        with self._refreshing:
            scans = [] if self.is_live else [self._scan(each) for each in self.directories]
            self.warn.count()
            # All is forgotten of other devices: another gets the number of one that is closed.
            devices = _devices(self._scans) & _devices(scans)
            forget_hashes(devices)
            with guard:
                self._begin(scans)
                self.memory.keep_settled(devices)
            self.covers = self._covered()

    def _covered(self) -> Container[str]:
        """All paths that may get an answer; with links to directories there is no end of them."""
        if self.is_live or any(scan.aliases for scan in self._scans):
            return self.gate
        return frozenset(path for file in self.known() for path in self.paths(file))

    def _scan(self, directory: Directory) -> Scan:
        """A scan; another, if a deploy may have removed what was being scanned."""
        try:
            scan = Scan(directory.pin(), self.gate, self.warn.note)
            return Scan(directory.pin(), self.gate, self.warn.note) if scan.is_torn else scan
        except OSError as error:
            log_failure(error, directory.path)
            raise


def _devices(scans: Iterable[Scan]) -> set[int]:
    return {scan.directory.device for scan in scans}
