"""The bytes kept in memory: which, and for how long."""

from __future__ import annotations

import os
from collections import Counter, OrderedDict
from collections.abc import Container
from weakref import WeakSet

from ..core.values import Resource
from .locks import Lock
from .root_by_descriptor import identity
from .validators import read_all

LARGEST = 2**20
"""Bytes of the largest file that is kept."""

_memories: WeakSet[Memory] = WeakSet()

guard = Lock()
"""Held by who changes what is remembered, in memory and of resources, of all in the process."""


class Memory:
    """Keeps resources' bytes: `limit` bytes in all, those that were least lately used go first.

    All memories of a process together keep no more than the largest limit among them: the one that
    keeps most gives way. `largest` is the size of the largest file that is kept. A content is known
    by the identity of its file: one with several names counts once. If the file may have changed
    without getting another identity, its resource stands beside that.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self.largest = limit, min(limit, LARGEST)
        self._size = 0
        self._contents: dict[tuple[int, ...], bytes] = {}
        self._uses: Counter[tuple[int, ...]] = Counter()
        self._held: OrderedDict[Resource, tuple[tuple[int, ...], ...]] = OrderedDict()
        # By the last index, and not asked for since; the first of a `dict` is slow to find.
        self._left: OrderedDict[tuple[int, ...], bytes] = OrderedDict()
        # Says that the bytes of a resource were asked for; KeyError if they are not here. It is no
        # method of ours, since it is called for each answer from memory.
        self.touch = self._held.move_to_end
        with guard:
            _memories.add(self)

    def takes(self, resource: Resource) -> bool:
        """Whether there is room for all of a resource that is to be kept."""
        sizes = [form.file.size for form in resource.representations]
        return sum(size for size in sizes if size <= self.largest) <= self._limit

    def read(self, descriptor: int, status: os.stat_result) -> bytes | None:
        """The content of a file that is to be kept; None: it isn't, or it didn't hold still."""
        if status.st_size > self.largest:
            return None
        key = identity(status)
        return self._contents.get(key) or self._left.get(key) or read_all(descriptor, status)

    def keep(self, resource: Resource) -> None:
        """Keep the bytes that a resource has, and let others go for them."""
        contents = _contents(resource)
        if sum(map(len, contents.values())) > self._limit:
            return _empty(resource)
        if contents:
            self._hold(resource, contents)
        while self._size > self._limit:
            self._let_one_go()
        return _keep_to_the_budget()

    def _hold(self, resource: Resource, contents: dict[tuple[int, ...], bytes]) -> None:
        self._held[resource] = tuple(contents)
        self._uses.update(contents.keys())
        for key in contents.keys() - self._contents.keys():
            self._contents[key] = contents[key]
            self._size += len(contents[key]) - len(self._left.pop(key, b""))

    def _let_one_go(self) -> None:
        if self._left:
            self._size -= len(self._left.popitem(last=False)[1])
        else:  # by one step: `touch` waits for no lock
            self._drop(*self._held.popitem(last=False))

    def let_go(self, resource: Resource) -> None:
        self._drop(resource, self._held.pop(resource, ()))

    def _drop(self, resource: Resource, keys: tuple[tuple[int, ...], ...]) -> None:
        for key in keys:
            self._uses[key] -= 1
            if not self._uses[key]:
                del self._uses[key]
                self._size -= len(self._contents.pop(key))
        _empty(resource)

    def keep_settled(self, devices: Container[int]) -> None:
        """Let all resources go, for a new index, but no bytes of files that can't have changed.

        Such a file is on one of `devices`. A resource would keep the root of the old index open.
        """
        for resource in list(self._held):
            if resource.settled:
                self._left |= _contents(resource)
            self.let_go(resource)
        for key in [key for key in self._left if key[0] not in devices]:
            del self._left[key]
        self._size = sum(map(len, self._left.values()))


def _keep_to_the_budget() -> None:
    budget = max(memory._limit for memory in _memories)
    while sum(memory._size for memory in _memories) > budget:
        max(_memories, key=lambda memory: memory._size)._let_one_go()


def _empty(resource: Resource) -> None:
    for form in resource.representations:
        form.in_memory = None


def _contents(resource: Resource) -> dict[tuple[int, ...], bytes]:
    """The bytes that a resource holds."""
    beside = () if resource.settled else (id(resource),)
    return {
        (*form.file.identity, *beside): part
        for form in resource.representations
        for part in (form.in_memory.body if form.in_memory else ())
        if isinstance(part, bytes)
    }
