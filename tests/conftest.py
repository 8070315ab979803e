"""The fixtures that every battery shares: a tree on the disk, and a door in front of it."""

from __future__ import annotations

import gc
import itertools
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from dualstatic import StaticFiles
from dualstatic.compress.work import cpus
from tests.support import together
from tests.support.doors import LOOP, Answer, Client
from tests.support.launch import ROOT
from tests.support.trees import Link, settle, write_tree

MOST_PROCESSES = 4
DOORS = ("wsgi", "asgi")
MODES = ("index", "live")
STARTED, MADE = itertools.count(1), itertools.count()
WITH_MEMORY = (*MODES, "memory")
"""The same, and the index that keeps small files: MODES has one that goes to the disk."""


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new directory, named by a number: for each of its own pytest looks at all others."""
    path = tmp_path_factory.getbasetemp() / f"{next(MADE)}"
    path.mkdir()
    return path


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """A directory on a file system in memory, where the system has one."""
    with TemporaryDirectory(dir="/dev/shm" if sys.platform == "linux" else None) as folder:
        yield Path(folder)


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Path]:
    """Make a new tree called www (a secret lies beside it) and give its path."""

    def make(entries: Mapping[str, bytes | str | Link | None], name: str = "www") -> Path:
        base = tmp_path / f"{next(MADE)}" if (tmp_path / name).exists() else tmp_path
        write_tree(base / "outside", {"secret.txt": b"SECRET"})
        return write_tree(base / name, entries)

    return make


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def serve(door: str, mode: str) -> Callable[..., Client]:
    """Put a door in front of a directory; `app=False` for a door that stands alone."""

    def make(directory: Any, *, app: bool = True, **options: Any) -> Client:
        return Client(make_files(directory, mode, **options), door, app)

    return make


def make_files(directory: Any, mode: str, **options: Any) -> StaticFiles:
    if mode == "index":
        options = {"memory": 0, **options}
    return StaticFiles(directory, live=mode == "live", **options)


@dataclass
class Aging(Client):
    """A client for whom files are as old as `aging` makes them in its mode."""

    mode: str = "live"

    def ask(self, *arguments: Any, **more: Any) -> Answer:
        with pytest.MonkeyPatch.context() as patch:
            let_age(self.mode, patch)
            return super().ask(*arguments, **more)


@pytest.fixture(autouse=True)
def level_of_the_log() -> Iterator[None]:
    """Frameworks that are made in a test may set it, as Litestar does."""
    level = logging.root.level
    yield
    logging.root.setLevel(level)


@pytest.fixture
def aging(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are settled in index mode, so that what is known of them is kept, and fresh in live."""
    if "mode" in request.fixturenames:
        let_age(request.getfixturevalue("mode"), monkeypatch)


def let_age(mode: str, patch: pytest.MonkeyPatch) -> None:
    if mode != "live":
        settle(patch)


@pytest.fixture(params=("fresh", "settled"))
def age(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same for tests that want both in both modes."""
    if request.param == "settled":
        settle(monkeypatch)
    return str(request.param)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run several files in some processes, which take work from each other; `-n 0` keeps to one."""
    option, processes = config.option, min(cpus() + 2, MOST_PROCESSES)
    several = len(config.args) > 1 or Path(config.args[0].partition("::")[0]).is_dir()
    is_worker = hasattr(config, "workerinput")
    is_watched = option.usepdb or option.capture == "no"
    is_open = config.pluginmanager.hasplugin("xdist") and option.numprocesses is None
    if is_open and several and not (is_worker or is_watched):
        option.numprocesses, option.dist = processes, "worksteal"
        # Or each process compiles all the tests, and each server all that it imports.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """`--hypothesis-profile=long` tries twenty times the examples."""
    is_chosen = config.option.keyword or any("::" in each for each in config.args)
    if hasattr(config, "workerinput") and not is_chosen:
        config.pluginmanager.register(together)
    if config.getoption("--hypothesis-profile", None) == "long":
        settings = import_module("hypothesis").settings
        settings.register_profile("long", max_examples=20 * settings.default.max_examples)


def pytest_sessionstart(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput"):
        import_all(session.config.args, session.config.workerinput)


def import_all(asked: list[str], worker: Mapping[str, Any]) -> None:
    """Each process begins elsewhere: what the others have compiled by then is read."""
    paths = [
        path for each in asked for path in sorted(Path(os.path.abspath(each)).rglob("test_*.py"))
    ]
    ours = [path.relative_to(ROOT) for path in paths if path.is_relative_to(ROOT)]
    names = [".".join(path.with_suffix("").parts) for path in ours]
    first = int(worker["workerid"][2:]) * len(names) // worker["workercount"]
    for name in names[first:] + names[:first]:
        with suppress(ImportError):  # it is of another system, or pytest says what is wrong with it
            import_module(name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What mostly waits comes first: at the end, all other processes would wait for it, too."""
    items.sort(key=lambda item: item.path.name != "test_soak.py")


def pytest_collection_finish() -> None:
    import_module("hypothesis")  # asks the collector for objects when it is imported
    LOOP.open()  # which takes descriptors, and many tests count these
    spare_the_collector()


def pytest_runtest_setup() -> None:
    if next(STARTED) % 100 == 0:
        spare_the_collector()


def spare_the_collector() -> None:
    """Let it pass over what is there already, of which pytest keeps much: many tests call it."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    LOOP.close()
