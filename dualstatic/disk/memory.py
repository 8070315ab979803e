"""The bytes kept in memory: which, and for how long."""

from __future__ import annotations

import os
from collections import Counter, OrderedDict
from collections.abc import Container, Hashable
from weakref import WeakSet

from ..core.values import File, Resource
from .locks import Lock
from .root_by_descriptor import identity
from .validators import read_all

LARGEST = 2**20
"""Bytes of the largest file that is kept."""

_Key = Hashable
"""Stands for a content: the identity of its file. If the file may have changed without getting
another one, the resource stands beside it."""

_Holder = Resource | tuple[_Key, ...]
"""Who keeps contents: a resource or, after a refresh, the keys of what it had."""

_memories: WeakSet[Memory] = WeakSet()
_guard = Lock()


class Memory:
    """Keeps resources' bytes: `limit` bytes in all, those that were least lately used go first.

    All memories of a process together keep no more than the largest limit among them: the one that
    keeps most gives way. `largest` is the size of the largest file that is kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self.largest = limit, min(limit, LARGEST)
        self._size = 0
        self._contents: dict[_Key, bytes] = {}
        self._uses: Counter[_Key] = Counter()
        self._held: OrderedDict[_Holder, tuple[_Key, ...]] = OrderedDict()
        # Says that the bytes of a resource were asked for; KeyError if they are not here. It is no
        # method of ours, since it is called for each answer from memory.
        self.touch = self._held.move_to_end
        with _guard:
            _memories.add(self)

    def _wants(self, size: int) -> bool:
        return 0 < size <= self.largest

    def lacks(self, resource: Resource, file: File) -> bool:
        """Whether a file that is not here could be, together with all of its resource."""
        sizes = [form.file.size for form in resource.representations]
        return self._wants(file.size) and sum(filter(self._wants, sizes)) <= self._limit

    def read(self, descriptor: int, status: os.stat_result) -> bytes | None:
        """The content of a file that is to be kept; None: it isn't, or it didn't hold still."""
        if not self._wants(status.st_size):
            return None
        return self._contents.get(identity(status)) or read_all(descriptor, status)

    def keep(self, resource: Resource) -> None:
        """Keep the bytes that a resource has, and let others go for them."""
        contents = _contents(resource)
        with _guard:
            if sum(map(len, contents.values())) > self._limit:
                _empty(resource)
            elif contents:
                self._hold(resource, contents)
            while self._size > self._limit:
                self._let_go(next(iter(self._held)))
            _keep_to_the_budget()

    def _hold(self, resource: Resource, contents: dict[_Key, bytes]) -> None:
        """A file with several names is counted once."""
        self._held[resource] = tuple(contents)
        self._uses.update(contents.keys())
        for key in contents.keys() - self._contents.keys():
            self._contents[key] = contents[key]
            self._size += len(contents[key])

    def let_go(self, resource: Resource) -> None:
        with _guard:
            self._let_go(resource)

    def _let_go(self, holder: _Holder) -> None:
        for key in self._held.pop(holder, ()):
            self._uses[key] -= 1
            if not self._uses[key]:
                del self._uses[key]
                self._size -= len(self._contents.pop(key))
        if isinstance(holder, Resource):
            _empty(holder)

    def keep_settled(self, directories: Container[object]) -> None:
        """After a refresh: keep the bytes of files that can't have changed without a sign.

        The resources themselves are let go: with them the root of the old index would stay open.
        Those whose files are in these directories are of the new index already.
        """
        with _guard:
            for holder, keys in list(self._held.items()):
                if not isinstance(holder, Resource) or _directory(holder) in directories:
                    self._held.move_to_end(holder)
                elif not holder.settled or keys in self._held:
                    self._let_go(holder)
                else:
                    del self._held[holder]
                    self._held[keys] = keys


def _keep_to_the_budget() -> None:
    budget = max(memory._limit for memory in _memories)
    while sum(memory._size for memory in _memories) > budget:
        fullest = max(_memories, key=lambda memory: memory._size)
        fullest._let_go(next(iter(fullest._held)))


def _directory(resource: Resource) -> object:
    return resource.representations[0].file.opener.directory


def _empty(resource: Resource) -> None:
    for form in resource.representations:
        form.in_memory = None


def _contents(resource: Resource) -> dict[_Key, bytes]:
    """The bytes that a resource holds."""
    return {
        _key(resource, form.file): part
        for form in resource.representations
        for part in (form.in_memory.body if form.in_memory else ())
        if isinstance(part, bytes)
    }


def _key(resource: Resource, file: File) -> _Key:
    return file.identity if resource.settled else (file.identity, id(resource))
