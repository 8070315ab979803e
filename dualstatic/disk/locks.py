"""Locks that are free in a forked process, where no thread is left to release one."""

from __future__ import annotations

import os
import threading
from weakref import WeakSet

_locks: WeakSet[Lock] = WeakSet()


class Lock:
    """A `threading.Lock`, as a context; a server may fork while a thread holds it."""

    def __init__(self) -> None:
        self.renew()
        _locks.add(self)

    def renew(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *failure: object) -> None:
        self._lock.release()


def _renew_all() -> None:
    for lock in tuple(_locks):
        lock.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
