"""Servers that fork: a thread of the parent may be anywhere, and is not there in the child."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dualstatic import Request, StaticFiles
from dualstatic.disk import look_up, memory, validators
from tests.support.children import in_child
from tests.support.servers import ROOT, eventually, free_port, serve
from tests.support.trees import write_tree

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")


class Gate:
    """Stops the first call of a function, until it is opened; not in a child."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self.process = os.getpid()

    def stops(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if os.getpid() == self.process:
                self.reached.set()
                self.opened.wait(30)
            return real(*arguments)

        return call


PLACES: dict[str, tuple[Any, str]] = {
    "refresh": (look_up, "Scan"),
    "pin": (os.path, "realpath"),
    "first request": (look_up, "Scan"),
    "first use": (memory.Memory, "read"),
    "memory": (memory, "_keep_to_the_budget"),
    "hash": (validators, "_sha256"),
}


def ask(files: StaticFiles) -> None:
    assert files.answer(Request("GET", "/t.txt"))


def fork_inside(root: str, held: str) -> int:
    """The exit status of a child that was forked while a thread of the parent held a lock."""
    files = StaticFiles(root, check_dir=held != "first request")
    gate, patch = Gate(), pytest.MonkeyPatch()
    place, name = PLACES[held]
    patch.setattr(place, name, gate.stops(getattr(place, name)))
    work = files.refresh if held in ("refresh", "pin") else lambda: ask(files)
    thread = threading.Thread(target=work)
    thread.start()
    assert gate.reached.wait(30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that to fork with threads is risky
        child = os.fork()
    if child == 0:
        signal.alarm(20)
        ask(files)
        files.refresh()
        ask(files)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    gate.opened.set()
    thread.join()
    return os.waitstatus_to_exitcode(status)


@pytest.mark.parametrize("held", PLACES)
def test_a_child_waits_for_no_thread_of_its_parent(held: str, tmp_path: Path) -> None:
    root = write_tree(tmp_path / "www", {"t.txt": b"0123456789"})
    assert in_child(fork_inside, str(root), held) == 0


def test_each_worker_of_a_preloaded_app_answers_and_refreshes(tmp_path: Path) -> None:
    """In the master, a thread refreshes all the time: the workers are forked while it does."""
    root = write_tree(tmp_path / "www", {"t.txt": b"0123456789"})
    script = ROOT / "tests/support/served_app.py"
    with serve(script, "gunicorn", root, str(free_port()), logs=tmp_path) as server:
        eventually(lambda: len(server.workers()) == 2, 20, server.words)
        seen: dict[str, set[str]] = {"/t.txt": set(), "/refresh": set()}
        answers = set()

        def all_seen() -> bool:
            for target, processes in seen.items():
                answer = server.get(target)
                processes.add(answer["x-process"])
                answers.add((target, answer.body, answer.get("etag")))
            return all(len(processes) == 2 for processes in seen.values())

        eventually(all_seen, 20, server.words)
    assert len(answers) == 2
