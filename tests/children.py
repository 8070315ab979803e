"""Runs a function in a process of its own: one that may give up rights, or run out of files."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from typing import TypeVar

import anyio

T = TypeVar("T")
NOBODY = 65534
HANGS = 30
"""Seconds after which something is taken to wait for what never comes."""

_context = get_context("forkserver")
_context.set_forkserver_preload(["pytest", "trio", "tests.doors", "tests.faults", "tests.steps"])


def in_child(function: Callable[..., T], *arguments: object) -> T:
    """What a module-level `function` gives, or raises, in a process where nothing has run yet.

    It is forked from one that has imported what most tests need, and done no more.
    """
    with ProcessPoolExecutor(1, mp_context=_context) as pool:
        return pool.submit(function, *arguments).result(timeout=60)


def give_up_rights() -> None:
    """From here on file permissions hold for this process, whoever started it."""
    anyio.run(anyio.sleep, 0)  # the event loop is imported while Python's own files can be read
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def take_descriptors() -> list[int]:
    """Open files until the system says that there are too many."""
    taken: list[int] = []
    with suppress(OSError):
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    return taken


def within(seconds: float, function: Callable[..., T], *arguments: object) -> T:
    """What `function` gives; a failure where it keeps a processor busy for longer, or hangs.

    The time that a busy machine gives to others is not counted.
    """
    results: list[T] = []
    errors: list[BaseException] = []
    times: list[float] = []

    def run() -> None:
        try:
            results.append(function(*arguments))
        except BaseException as error:  # noqa: BLE001 - it is raised again below
            errors.append(error)
        times.append(time.thread_time())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(HANGS + seconds)
    # A regular expression holds the interpreter's lock: we wake up when it has come to its end.
    assert times, f"it takes longer than {HANGS + seconds} s"
    assert times[0] <= seconds, f"it takes longer than {seconds} s of a processor"
    if errors:
        raise errors[0]
    return results[0]


def run_threads(*works: Callable[[], None]) -> None:
    """Run each in a thread of its own; the first failure is raised here."""
    errors: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 (raised again below)
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    if errors:
        raise errors[0]
