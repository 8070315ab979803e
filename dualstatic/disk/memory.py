"""The bytes kept in memory: which, and for how long."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Container

from ..core.values import File, Identity, Resource
from .locks import Lock
from .root import identity
from .validators import HASHED, read_all


class Memory:
    """Keeps resources' bytes: `limit` bytes in all, those that were least lately used go first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._guard = Lock()
        self._held: OrderedDict[str, tuple[dict[Identity, bytes], Resource | None]] = OrderedDict()
        self._total = 0
        # The paths of a resource, by its id: its bytes are counted at one, and go with the last.
        self._paths: dict[int, list[str]] = {}
        # Says that the bytes of a path were asked for again; KeyError where they are not here.
        self.use = self._held.move_to_end

    def _wants(self, size: int) -> bool:
        return 0 < size <= min(HASHED, self._limit)

    def has_room_for(self, resource: Resource, file: File) -> bool:
        """Whether a file could be here, together with all of its resource that would be."""
        sizes = [form.stored.file.size for form in resource.representations]
        return self._wants(file.size) and sum(filter(self._wants, sizes)) <= self._limit

    def reader(self, path: str) -> Callable[[int, os.stat_result], bytes | None]:
        """Reads what is to be kept for a path; what is kept for it already is not read again."""
        known, resource = self._held.get(path, ({}, None))
        if resource and not resource.settled:
            known = {}  # its file may have changed since, and look the same

        def read(descriptor: int, status: os.stat_result) -> bytes | None:
            if not self._wants(status.st_size):
                return None
            return known.get(identity(status)) or read_all(descriptor, status)

        return read

    def keep(self, path: str, resource: Resource) -> None:
        """Keep a resource's bytes in place of what the path had, and let others go for them."""
        contents = _contents(resource)
        with self._guard:
            if path in self._held and self._held[path][1] is resource:
                return  # two requests found it at the same time
            self._let_go(path)
            if id(resource) in self._paths:
                self._hold(path, {}, resource)
            elif _size(contents) > self._limit:
                _empty(resource)
            elif contents:
                self._hold(path, contents, resource)
            while self._total > self._limit:
                self._let_go(next(iter(self._held)))

    def _hold(self, path: str, contents: dict[Identity, bytes], resource: Resource) -> None:
        self._held[path] = contents, resource
        self._total += _size(contents)
        self._paths.setdefault(id(resource), []).append(path)

    def _let_go(self, path: str) -> None:
        contents, resource = self._held.pop(path, ({}, None))
        if resource is not None and (other := self._other_path(path, resource)):
            self._held[other] = contents or self._held[other][0], resource
            return
        self._total -= _size(contents)
        if resource is not None:
            _empty(resource)

    def _other_path(self, path: str, resource: Resource) -> str | None:
        """Another path that has the resource, now that this one has it no more."""
        paths = self._paths[id(resource)]
        paths.remove(path)
        if paths:
            return paths[0]
        del self._paths[id(resource)]
        return None

    def forget_resources(self, openers: Container[object]) -> None:
        """Keep the bytes alone: a new index asks for them by the files that they are from.

        Resources whose files these `openers` open are of that index already.
        """
        with self._guard:
            for path, (contents, resource) in list(self._held.items()):
                if resource is None or _opener(resource) in openers:
                    continue
                if contents and resource.settled:
                    self._paths.pop(id(resource), None)
                    self._held[path] = contents, None
                elif id(resource) in self._paths:
                    self._let_go(path)
                else:
                    del self._held[path]


def _opener(resource: Resource) -> object:
    return resource.representations[0].stored.file.opener


def _empty(resource: Resource) -> None:
    for form in resource.representations:
        form.in_memory = None


def _contents(resource: Resource) -> dict[Identity, bytes]:
    """The bytes that a resource holds, by the files that they are from."""
    return {
        form.stored.file.identity: part
        for form in resource.representations
        for part in (form.in_memory.body if form.in_memory else ())
        if isinstance(part, bytes)
    }


def _size(contents: dict[Identity, bytes]) -> int:
    return sum(map(len, contents.values()))
