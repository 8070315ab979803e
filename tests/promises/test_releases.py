"""Refreshes while requests run, a root that leads elsewhere, trees that change in a scan."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from dualstatic import StaticFiles
from tests.support.children import NOBODY, give_up_rights, in_child, run_threads
from tests.support.doors import Answer, Client, ask_asgi_here
from tests.support.steps import Interrupted, holds, public_directory, soon, transfer
from tests.support.trees import Link, settle, write_tree

OPTIONS: dict[str, dict[str, Any]] = {
    "live": {"live": True},
    "index": {"memory": 0},
    "memory": {"memory": 2**26},
}
MODES = pytest.mark.parametrize("mode", OPTIONS)
BIG = 2**20 + 300_000


# Refreshes while requests run.

VERSIONS = {b"%d " % number * (1000 + number) for number in range(5)}
EXPECTED = {"/always.txt": {b"always"}, "/changing.txt": VERSIONS, "/sub/": {b"page"}}


def check(target: str, answer: Answer) -> None:
    """A whole version, under its own tag; a file that never holds still may be missed."""
    if answer.passed and target == "/changing.txt":
        return
    assert answer.body in EXPECTED[target]
    assert answer["etag"] == f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'


def change(path: Path) -> None:
    for content in VERSIONS:
        other = path.parent.parent / "next"
        other.write_bytes(content)
        other.replace(path)
        time.sleep(0.002)


def ask_wsgi(files: StaticFiles) -> None:
    for target in EXPECTED:
        check(target, Client(files, "wsgi").get(target))


def ask_asgi(files: StaticFiles) -> None:
    async def ask() -> None:
        for target in list(EXPECTED) * 20:
            check(target, await ask_asgi_here(client, "GET", target.encode(), [], b"", {}))

    client = Client(files, "asgi")
    anyio.run(ask)


def again_and_again(work: Callable[[], None], seconds: float = 0.4) -> Callable[[], None]:
    def run() -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            work()

    return run


@MODES
@pytest.mark.usefixtures("age")
def test_both_doors_answer_while_threads_refresh_and_files_are_replaced(
    mode: str, tree: Callable[..., Path]
) -> None:
    beginning = {"always.txt": b"always", "changing.txt": min(VERSIONS), "sub/index.html": b"page"}
    root = tree(beginning)
    files = StaticFiles(root, html=True, **OPTIONS[mode])
    asking = [partial(ask_wsgi, files), partial(ask_asgi, files)] * 2
    works = [files.refresh, files.refresh, partial(change, root / "changing.txt"), *asking]
    run_threads(*map(again_and_again, works))
    assert soon(lambda: holds(root, [] if mode == "live" else [str(root)]))


# A release switch.


def write_releases(base: Path) -> Path:
    """Two releases, and a link to the first."""
    for name in ("r1", "r2"):
        write_tree(base / name, {"big.bin": name.encode() * (BIG // 2), "t.txt": name.encode()})
    (base / "current").symlink_to("r1")
    return base / "current"


def switch(current: Path) -> None:
    current.with_name("next").symlink_to("r2")
    current.with_name("next").replace(current)


@pytest.mark.rows("S402")
def test_a_root_that_is_a_link_follows_it_at_the_refresh_or_at_each_request(
    mode: str, serve: Callable[..., Client], tmp_path: Path
) -> None:
    for release in ("r1", "r2"):
        write_tree(
            tmp_path / release,
            {name: f"{name} of {release}" for name in ("asked.txt", "fresh.txt", "big.txt")},
        )
        (tmp_path / release / f"only-{release}.txt").write_text(release)
    current = tmp_path / "current"
    current.symlink_to("r1")
    client = serve(current, memory=0)
    assert client.get("/asked.txt").body == b"asked.txt of r1"
    (tmp_path / "next").symlink_to("r2")
    (tmp_path / "next").replace(current)
    expected = "r2" if mode == "live" else "r1"
    check_release(client, expected)
    client.files.refresh()
    check_release(client, "r2")


def check_release(client: Client, release: str) -> None:
    other = "r1" if release == "r2" else "r2"
    for name in ("asked.txt", "fresh.txt"):
        assert client.get(f"/{name}").body == f"{name} of {release}".encode()
    assert client.get(f"/only-{release}.txt").body == release.encode()
    assert client.get(f"/only-{other}.txt").passed


@MODES
@pytest.mark.parametrize("then", ["kept", "removed", "refreshed"])
def test_a_request_in_flight_ends_with_the_release_it_began_with(
    then: str, mode: str, door: str, tmp_path: Path
) -> None:
    current = write_releases(tmp_path)
    files = StaticFiles(current, **OPTIONS[mode])

    def go_on() -> None:
        switch(current)
        if then == "removed":
            shutil.rmtree(tmp_path / "r1")
        elif then == "refreshed":
            files.refresh()

    got = transfer(Client(files, door), "/big.bin", first=go_on)
    assert (got.status, got.error) == (200, None)
    assert got.body == b"r1" * (BIG // 2)
    files.refresh()
    assert Client(files, door).get("/big.bin").body == b"r2" * (BIG // 2)
    pinned = [] if mode == "live" else [str(tmp_path / "r2")]
    assert soon(lambda: holds(tmp_path, pinned))


@MODES
@pytest.mark.parametrize("refreshed", [False, True])
def test_a_release_that_comes_when_a_file_is_opened_leaves_it_whole(
    refreshed: bool, mode: str, door: str, tmp_path: Path
) -> None:
    current = write_releases(tmp_path)
    files = Interrupted(current, **OPTIONS[mode])

    def go_on() -> None:
        switch(current)
        if refreshed:
            files.refresh()

    files.meanwhile = go_on
    answer = Client(files, door).get("/big.bin")
    assert answer.body == b"r1" * (BIG // 2)
    current = b"r2" if mode == "live" or refreshed else b"r1"
    assert Client(files, door).get("/t.txt").body == current


@pytest.mark.parametrize("mode", ["index", "memory"])
def test_an_index_whose_release_is_gone_has_what_is_in_memory_and_misses_the_rest(
    mode: str, door: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    current = write_releases(tmp_path)
    client = Client(StaticFiles(current, **OPTIONS[mode]), door)
    for target in ("/t.txt", "/big.bin"):
        assert client.get(target).body.startswith(b"r1")
    switch(current)
    shutil.rmtree(tmp_path / "r1")
    small = client.get("/t.txt")
    assert small.body == b"r1" if mode == "memory" else small.passed
    assert client.get("/big.bin").passed
    client.files.refresh()
    for target in ("/t.txt", "/big.bin"):
        assert client.get(target).body.startswith(b"r2")


# Trees that change while they are scanned, and odd ones.


def become(path: Path, kind: str) -> None:
    shutil.rmtree(path)
    if kind == "file":
        path.write_bytes(b"file")
    elif kind != "nothing":
        path.symlink_to({"loop": path.name, "link out": "../outside", "link in": "other"}[kind])


@pytest.mark.parametrize("kind", ["nothing", "file", "loop", "link out", "link in"])
def test_a_directory_that_changes_in_the_middle_of_the_scan_is_no_reason_to_fail(
    kind: str, door: str, tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree({"t.txt": b"t", "sub/a/b.txt": b"b", "other/a/b.txt": b"o", "to": Link("sub/a")})
    scandir, todo = os.scandir, [partial(become, root / "sub", kind)]

    def scan_and_change(*arguments: Any) -> Any:
        entries = scandir(*arguments)
        listed = list(entries)
        entries.close()
        if todo:
            todo.pop()()
        return Listed(listed)

    monkeypatch.setattr(os, "scandir", scan_and_change)
    client = Client(StaticFiles(root, memory=0), door)
    assert todo == []
    assert client.get("/t.txt").body == b"t"
    for target in ("/sub/a/b.txt", "/to/b.txt", "/sub/secret.txt", "/sub"):
        answer = client.get(target)
        assert answer.passed or answer.body == b"o"


class Listed(list[Any]):
    """A listing that was made before."""

    def __enter__(self) -> Listed:
        return self

    def __exit__(self, *failure: object) -> None:
        return


@pytest.mark.parametrize("follow_symlink", [False, True])
def test_a_tree_deeper_than_a_path_can_be_long_is_served_and_pathless(
    follow_symlink: bool, serve: Callable[..., Client], tmp_path: Path
) -> None:
    """No path of the system reaches its end: each directory is entered from the last."""
    root = tmp_path / "deep"
    root.mkdir()
    here, parts = os.open(root, os.O_RDONLY), ["d" * 200] * 30
    for part in parts:
        os.mkdir(part, dir_fd=here)
        below = os.open(part, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    file = os.open("t.txt", os.O_WRONLY | os.O_CREAT, dir_fd=here)
    os.write(file, b"deep")
    os.close(file)
    os.close(here)
    client = serve(root, follow_symlink=follow_symlink)
    assert client.get(f"/{'/'.join(parts)}/t.txt").body == b"deep"
    shutil.rmtree(root)


def start_without_rights(root: str, mode: str, door: str) -> tuple[Answer, list[str]]:
    messages: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("dualstatic").addHandler(handler)
    give_up_rights()
    return Client(StaticFiles(root, **OPTIONS[mode]), door).get("/vendors~t.txt"), messages


@MODES
@pytest.mark.parametrize("rights", [0o311, 0o644, 0], ids=["no list", "no way in", "nothing"])
def test_a_root_that_may_not_be_read_is_an_empty_one_and_said_to_be_so(
    rights: int, mode: str, door: str
) -> None:
    with public_directory() as base:
        root = write_tree(base / "www", {"vendors~t.txt": b"t"})
        if os.geteuid() == 0:
            os.chown(root, NOBODY, NOBODY)
        root.chmod(rights)
        try:
            answer, messages = in_child(start_without_rights, str(root), mode, door)
        finally:
            root.chmod(0o755)
    assert answer.body == b"t" if (mode, rights) == ("live", 0o311) else answer.passed
    if (mode, rights) != ("live", 0o311):
        assert len(messages) == 1
        assert str(root) in messages[0]
