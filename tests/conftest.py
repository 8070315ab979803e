"""The fixtures that every battery shares: a tree on the disk, and a door in front of it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from dualstatic import StaticFiles

from .doors import Client
from .trees import Link, settle, write_tree

DOORS = ("wsgi", "asgi")
MODES = ("index", "live")
WITH_MEMORY = (*MODES, "memory")
"""The same, and the index that keeps small files: MODES has one that goes to the disk."""


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Path]:
    """Make a tree called www (a secret lies beside it) and give its path."""

    def make(entries: Mapping[str, bytes | str | Link | None], name: str = "www") -> Path:
        write_tree(tmp_path / "outside", {"secret.txt": b"SECRET"})
        return write_tree(tmp_path / name, entries)

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
        if mode == "index":
            options = {"memory": 0, **options}
        return Client(StaticFiles(directory, live=mode == "live", **options), door, app)

    return make


@pytest.fixture
def aging(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are settled in index mode, so that what is known of them is kept, and fresh in live."""
    if mode != "live":
        settle(monkeypatch)


@pytest.fixture(params=("fresh", "settled"))
def age(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same for tests that want both in both modes."""
    if request.param == "settled":
        settle(monkeypatch)
    return str(request.param)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "rows(*ids): the rows of the conformance list that it checks"
    )


def pytest_collection_finish() -> None:
    """Spare the garbage collector all the tests' own objects: many tests call it."""
    import_module("hypothesis")  # asks the collector for objects when it is imported
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many rows of the conformance list the run checked, and which are left out and why."""
    from .rows import ALL, CHECKED, LEFT_OUT

    if not CHECKED:
        return
    terminalreporter.section("conformance list")
    terminalreporter.line(f"{len(CHECKED)} of {len(ALL)} rows are checked")
    reasons: dict[str, list[str]] = {}
    for row, reason in LEFT_OUT.items():
        reasons.setdefault(reason, []).append(row)
    for reason, ids in reasons.items():
        terminalreporter.line(f"left out: {' '.join(sorted(ids))}: {reason}")
