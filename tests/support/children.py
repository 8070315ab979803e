"""Runs a function in a process of its own: one that may give up rights, or run out of files.

Also a program as Python would run it. Each of these processes is forked from one that has imported
what most of them need (`tests.support.ready`), and done no more.
"""

from __future__ import annotations

import logging
import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from multiprocessing import get_context, set_start_method
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import anyio
import pytest

T = TypeVar("T")
NOBODY = 65534
HANGS = 30
"""Seconds after which something is taken to wait for what never comes."""

_context = get_context("spawn" if sys.platform == "win32" else "forkserver")
_context.set_forkserver_preload(["tests.support.ready"])


def in_child(function: Callable[..., T], *arguments: object) -> T:
    """What a module-level `function` gives, or raises, in a process where nothing has run yet."""
    with ProcessPoolExecutor(1, mp_context=_context) as pool:
        return pool.submit(function, *arguments).result(timeout=60)


def start_python(*arguments: str, environment: dict[str, str], out: Path, err: Path) -> BaseProcess:
    """Start what `python` does with these arguments; what it prints goes to the files."""
    place = (environment, os.getcwd(), str(out), str(err))
    process = _context.Process(target=_run_python, args=(arguments, *place))
    process.start()
    return process


def _run_python(
    arguments: tuple[str, ...], environment: dict[str, str], folder: str, out: str, err: str
) -> None:
    set_start_method(None, force=True)  # as in a new Python; it was that of this process
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for path, stream in ((out, sys.stdout), (err, sys.stderr)):
        descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        )
        os.dup2(descriptor, stream.fileno())
        os.close(descriptor)
    become_python(*arguments)


def become_python(first: str, *rest: str) -> None:
    """Go on as `python` does with these arguments: -m and a module, -c and code, or a script."""
    sys.argv = [first, *rest] if first not in ("-m", "-c") else [first, *rest[1:]]
    sys.path.insert(0, os.path.dirname(first) or os.getcwd())
    if first == "-m":
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(rest[0], vars(main))
    else:
        runpy.run_path(first, run_name="__main__")


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

    The time that a busy machine gives to others is not counted. What hangs is broken off in a main
    thread alone, and on a system that has alarms.
    """
    rings = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    with alarm(HANGS + seconds) if rings else nullcontext():
        begun = time.thread_time()
        result = function(*arguments)
        taken = time.thread_time() - begun
    assert taken <= seconds, f"it takes longer than {seconds} s of a processor"
    return result


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Fail in the block after so many seconds, and again each second: its end may hang, too."""
    message = f"it takes longer than {seconds} s"
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail(message))
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


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


class Records(logging.Handler):
    """Keeps what the package logs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.kept: list[tuple[str, str]] = []
        logging.getLogger("dualstatic").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append((record.levelname, record.getMessage()))
