"""The index: what it remembers, when it looks at the disk, how it is made anew."""

from __future__ import annotations

import errno
import gc
import itertools
import linecache
import logging
import os
import shutil
import socket
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from dualstatic import Request, StaticFiles
from dualstatic.core.values import Resource
from dualstatic.disk import root as disk_root
from dualstatic.disk import root_by_descriptor
from dualstatic.disk.look_up import LookUp
from tests.conftest import WITH_MEMORY
from tests.support.children import run_threads, within
from tests.support.doors import Client, OnDisk
from tests.support.each import each
from tests.support.faults import patch_everywhere
from tests.support.servers import run_anew
from tests.support.steps import open_below
from tests.support.trees import Link, settle, write_tree
from tests.support.watch import Watch, needs_inotify

TEXT = b"the text " * 100


class DiskTouched(AssertionError):
    """Raised by every call that would look at the disk."""


@contextmanager
def no_disk() -> Iterator[None]:
    """In here, a look at the disk is a failure."""

    def touch(*args: object, **kwargs: object) -> None:
        raise DiskTouched(args)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("open", "stat", "lstat", "fstat", "scandir", "listdir", "readlink", "pread"):
            patch.setattr(os, name, touch, raising=False)
        patch.setattr("dualstatic.disk.root_by_path.open_file", touch)
        # An event loop in debug mode shows the source of what it runs.
        patch.setattr(linecache, "checkcache", lambda *_: None)
        patch.setattr(linecache, "updatecache", lambda *_: [])
        yield


@pytest.fixture
def root(tree: Callable[..., Path]) -> Path:
    return tree({"t.txt": TEXT, "t.txt.gz": b"gzip", "sub/index.html": b"index"})


# Where the disk is left alone.

UNKNOWN = [
    "/nope",
    "/nope/",
    "/sub",
    "/t.txt/",
    "/t.txt/x",
    "/T.TXT",
    "/sub/nope",
    "/.env",
    "/%2e%2e/outside/secret.txt",
    "/" + "x" * 5000,
    "/t.txt%00",
    "/new.txt",
]


@pytest.mark.parametrize("app", [True, False])
@pytest.mark.parametrize("html", [True, False])
def test_an_unknown_name_never_touches_the_disk(
    app: bool, html: bool, door: str, tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": TEXT, "sub/a.txt": b"a", "link": Link("sub"), "up": Link(".")})
    client = Client(OnDisk(root, html=html), door, app)
    write_tree(root, {"new.txt": b"new", "sub/new.txt": b"new", "t.txt.br": b"new"})
    targets = [*UNKNOWN, "/link/nope", "/up/up/up/nope", "/link/new.txt"]
    with no_disk():
        for target in targets:
            answer = client.get(target)
            assert answer.passed if app else answer.status == 404


@needs_inotify
def test_an_unknown_name_opens_nothing_that_the_kernel_would_see(door: str, root: Path) -> None:
    client = Client(OnDisk(root), door)
    write_tree(root, {"new.txt": b"new"})
    with Watch(root, root.parent) as watch:
        for target in UNKNOWN:
            assert client.get(target).passed
        assert watch.take() == set()
        client.get("/t.txt")
        assert watch.take() == {root / "t.txt", root / "t.txt.gz"}


@needs_inotify
def test_the_scan_opens_no_file(root: Path) -> None:
    with Watch(root) as watch:
        files = OnDisk(root)
        files.refresh()
        assert watch.take() & {root / "t.txt", root / "t.txt.gz"} == set()


def test_what_is_known_of_a_file_is_said_without_the_disk(
    door: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    client = Client(OnDisk(root), door)
    first = client.get("/t.txt")
    coded = client.get("/t.txt", {"Accept-Encoding": "gzip"})
    with no_disk():
        for tag, fields in ((first["etag"], {}), (coded["etag"], {"Accept-Encoding": "gzip"})):
            assert client.get("/t.txt", {"If-None-Match": tag, **fields}).status == 304
            assert client.get("/t.txt", {"If-Match": '"x"', **fields}).status == 412
            assert client.get("/t.txt", {"Range": "bytes=9999-", **fields}).status == 416
            assert client.head("/t.txt", fields)["etag"] == tag
        assert client.get("/t.txt", {"If-Modified-Since": first["last-modified"]}).status == 304


def test_the_first_use_of_a_file_looks_at_it_whatever_is_asked(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    files = OnDisk(root)
    with no_disk(), pytest.raises(DiskTouched):
        files.answer(Request("HEAD", "/t.txt"))
    head = files.answer(Request("HEAD", "/t.txt"))
    assert head is not None
    with no_disk():
        again = files.answer(Request("HEAD", "/t.txt"))
    assert again is not None
    assert again.response == head.response


# Files that change after the scan.


def test_a_file_changed_since_is_served_as_it_is_now_with_its_own_fields(
    door: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    client = Client(OnDisk(root), door)
    old = client.get("/t.txt")
    (root / "t.txt").write_bytes(b"another text")
    os.utime(root / "t.txt", (10**9, 10**9))
    new = client.get("/t.txt")
    assert new.body == b"another text"
    assert new["content-length"] == "12"
    assert new["etag"] != old["etag"]
    assert new["last-modified"] == "Sun, 09 Sep 2001 01:46:40 GMT"
    assert client.get("/t.txt", {"If-None-Match": old["etag"]}).status == 200
    assert client.get("/t.txt", {"If-None-Match": new["etag"]}).status == 304
    assert client.head("/t.txt").fields == new.fields


def test_until_it_is_read_again_a_changed_file_is_known_as_it_was(
    door: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    client = Client(OnDisk(root), door)
    old = client.get("/t.txt")
    (root / "t.txt").write_bytes(b"another text")
    assert client.head("/t.txt").fields == old.fields
    assert client.get("/t.txt", {"If-None-Match": old["etag"]}).status == 304
    client.files.refresh()
    assert client.head("/t.txt")["content-length"] == "12"
    assert client.get("/t.txt", {"If-None-Match": old["etag"]}).status == 200


@pytest.mark.parametrize("target", ["/sub/", "/sub/index.html"])
def test_an_index_page_changed_since_is_served_as_it_is_now(
    target: str, door: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    client = Client(OnDisk(root, html=True), door)
    assert client.get("/sub/").body == client.get("/sub/index.html").body == b"index"
    (root / "sub" / "index.html").write_bytes(b"another index")
    assert client.get(target).body == b"another index"


@pytest.mark.parametrize("replaced", [False, True])
def test_a_sibling_changed_since_is_served_as_it_is_now(
    replaced: bool, door: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    client = Client(OnDisk(root), door)
    fields = {"Accept-Encoding": "gzip"}
    old = client.get("/t.txt", fields)
    if replaced:
        (root / "t.txt.gz").unlink()
    (root / "t.txt.gz").write_bytes(b"gzip again")
    new = client.get("/t.txt", fields)
    assert (new["content-encoding"], new.body) == ("gzip", b"gzip again")
    assert new["etag"] != old["etag"]


def test_where_a_sibling_is_gone_its_file_is_served(
    door: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    client = Client(OnDisk(root), door)
    fields = {"Accept-Encoding": "gzip"}
    assert client.get("/t.txt", fields)["content-encoding"] == "gzip"
    (root / "t.txt.gz").unlink()
    answer = client.get("/t.txt", fields)
    assert "content-encoding" not in answer
    assert answer.body == TEXT


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("becomes", ["nothing", "directory", "fifo", "link out", "dangling link"])
def test_a_file_that_is_gone_is_a_miss(
    becomes: str, known: bool, door: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    write_tree(root, {"a.txt": b"a"})
    write_tree(root.parent / "outside", {"secret.txt": b"SECRET"})
    client = Client(OnDisk(root), door)
    if known:
        assert client.get("/a.txt").status == 200
    path = root / "a.txt"
    path.unlink()
    if becomes == "directory":
        path.mkdir()
    elif becomes == "fifo":
        os.mkfifo(path)
    elif becomes != "nothing":
        path.symlink_to("../outside/secret.txt" if becomes == "link out" else "nowhere")
    for _ in range(2):
        assert within(10, client.get, "/a.txt").passed
        assert within(10, Client(client.files, door, app=False).get, "/a.txt").status == 404


@pytest.mark.parametrize("memory", [0, 2**20])
def test_a_file_that_was_away_comes_back(
    memory: int, door: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    client = Client(StaticFiles(root, memory=memory), door)
    (root / "t.txt").unlink()
    for fields in ({}, {"Accept-Encoding": "gzip"}):
        assert client.get("/t.txt", fields).passed
    (root / "t.txt").write_bytes(TEXT)
    assert client.get("/t.txt").body == TEXT
    # By now the sibling is older than its file.
    assert client.get("/t.txt", {"Accept-Encoding": "gzip"}).body == TEXT


# refresh


def test_a_refresh_finds_what_was_added_and_forgets_what_was_removed(
    door: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    client = Client(OnDisk(root, html=True), door)
    old = client.get("/t.txt")
    assert client.get("/sub/").body == b"index"
    write_tree(root, {"new/a.txt": b"a", "t.txt": b"another", "link": Link("new")})
    (root / "sub" / "index.html").unlink()
    assert client.get("/new/a.txt").passed
    client.files.refresh()
    assert client.get("/new/a.txt").body == b"a"
    assert client.get("/link/a.txt").body == b"a"
    assert client.get("/t.txt").body == b"another"
    assert client.get("/t.txt")["etag"] != old["etag"]
    with no_disk():
        assert client.get("/sub/index.html").passed
        assert client.get("/sub/").passed


def test_a_refresh_that_misses_its_directory_raises_and_the_old_index_stays(
    door: str, root: Path
) -> None:
    client = Client(OnDisk(root), door)
    root.replace(root.with_name("away"))
    with pytest.raises(NotADirectoryError, match="directory"):
        client.files.refresh()
    assert client.get("/t.txt").body == TEXT
    root.with_name("away").replace(root)
    write_tree(root, {"new.txt": b"new"})
    client.files.refresh()
    assert client.get("/new.txt").body == b"new"


@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE, errno.ENOMEM])
def test_a_refresh_that_the_disk_fails_raises_and_the_old_index_stays(
    code: int, door: str, root: Path, tree: Callable[..., Path]
) -> None:
    other = tree({"other/a.txt": b"a"}, "other")
    client = Client(OnDisk([root, other]), door)
    write_tree(root, {"new.txt": b"new"})
    scandir = os.scandir
    calls = []

    def fail(*args: Any) -> Any:
        calls.append(args)
        if len(calls) > 2:
            raise OSError(code, os.strerror(code))
        return scandir(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "scandir", fail)
        with pytest.raises(OSError, match=os.strerror(code)) as caught:
            client.files.refresh()
    assert caught.value.errno == code
    assert client.get("/new.txt").passed
    assert client.get("/t.txt").body == TEXT
    assert client.get("/other/a.txt").body == b"a"
    client.files.refresh()
    assert client.get("/new.txt").body == b"new"


def test_a_construction_that_the_disk_fails_raises(root: Path) -> None:
    def fail(*args: Any) -> Any:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "scandir", fail)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            OnDisk(root)


def test_refreshes_run_one_after_another(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = OnDisk(root)
    scandir, callers = os.scandir, []

    def slow(*args: Any) -> Any:
        callers.append(threading.current_thread())  # the number of one may be given again
        time.sleep(0.005)
        return scandir(*args)

    monkeypatch.setattr(os, "scandir", slow)
    run_threads(*[files.refresh] * 4)
    runs = [len([*group]) for _, group in groupby(callers)]
    assert len(set(callers)) == len(runs) == 4
    assert min(runs) > 1


def read(files: StaticFiles, path: str) -> bytes | None:
    """What a GET of a path gives; None where it is a miss."""
    answer = files.answer(Request("GET", path))
    return None if answer is None else b"".join(answer)


@pytest.mark.parametrize("mode", ["index", "live"])
def test_requests_are_answered_while_several_threads_refresh(mode: str, root: Path) -> None:
    files = OnDisk(root, live=mode == "live")
    old, new = b"old " * 100, b"new text " * 200
    write_tree(root, {"always.txt": b"always", "changing.txt": old})
    files.refresh()
    end = time.monotonic() + 1.5

    def refresh() -> None:
        while time.monotonic() < end:
            files.refresh()

    def change() -> None:
        content = old
        while time.monotonic() < end:
            content = new if content is old else old
            for name in ("changing.txt", "now and then.txt"):
                (root.parent / "next").write_bytes(content)
                os.replace(root.parent / "next", root / name)
            (root / "now and then.txt").unlink()

    def ask() -> None:
        while time.monotonic() < end:
            assert read(files, "/always.txt") == b"always"
            assert read(files, "/changing.txt") in (old, new)
            assert read(files, "/now and then.txt") in (old, new, None)

    run_threads(refresh, refresh, refresh, change, ask, ask, ask)


@pytest.mark.parametrize("memory", [0, 2**20])
@pytest.mark.parametrize("changes", [False, True])
def test_fifty_refreshes_leave_no_descriptor_open(
    changes: bool, memory: int, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    write_tree(root, {"link": Link("sub"), "away": Link("../outside"), "loop": Link("loop")})
    files = StaticFiles([root, root / "sub"], memory=memory)
    before = sorted(open_below(root))
    for number in range(50):
        response = files.answer(Request("GET", "/link/index.html"))
        assert response is not None
        assert b"".join(response).startswith(b"index")
        if changes:
            (root / "sub" / "index.html").write_bytes(b"index %d" % number)
        files.refresh()
    del response
    assert sorted(open_below(root)) == before


def test_a_static_files_that_is_gone_holds_nothing_open(root: Path) -> None:
    files = OnDisk(root)
    assert files.answer(Request("GET", "/t.txt"))
    assert open_below(root)
    del files
    gc.collect()
    assert not open_below(root)


def test_the_root_is_the_one_of_the_scan_until_a_refresh(
    door: str, root: Path, tree: Callable[..., Path]
) -> None:
    client = Client(OnDisk(root), door)
    root.replace(root.with_name("before"))
    tree({"t.txt": b"after", "new.txt": b"new"})
    assert client.get("/t.txt").body == TEXT
    assert client.get("/new.txt").passed
    client.files.refresh()
    assert client.get("/t.txt").body == b"after"
    assert client.get("/new.txt").body == b"new"


def test_an_answer_made_before_a_refresh_can_be_sent_after_it(
    root: Path, tree: Callable[..., Path]
) -> None:
    files = OnDisk(root)
    response = files.answer(Request("GET", "/t.txt"))
    root.replace(root.with_name("before"))
    tree({"t.txt": b"after"})
    files.refresh()
    assert response is not None
    assert b"".join(response) == TEXT


# Several directories.

GZIP = {"Accept-Encoding": "gzip"}
BR = {"Accept-Encoding": "br"}


@pytest.fixture
def layers(tree: Callable[..., Path]) -> list[Path]:
    return [
        tree(
            {
                "both.txt": TEXT,
                "first.txt": b"first",
                "coded.txt.gz": b"gzip of the first",
                "bare.txt.gz": b"gzip of the first",
                "a/404.html": b"first /a/",
                "404.html": b"first /",
                "kind": None,
                "dir/a.txt": b"a",
            },
            "first",
        ),
        tree(
            {
                "both.txt": b"both of the second" * 50,
                "both.txt.gz": b"gzip of the second",
                "second.txt": b"second",
                "coded.txt": TEXT,
                "coded.txt.br": b"br of the second",
                "bare.txt.br": b"br of the second",
                "a/b/404.html": b"second /a/b/",
                "404.html": b"second /",
                "kind": b"kind of the second",
                "dir/index.html": b"index of the second",
            },
            "second",
        ),
        tree({"second.txt": b"third", "third.txt": b"third"}, "third"),
    ]


@each(
    ("target", "fields", "body", "coding"),
    [
        ("/first.txt", {}, b"first", None),
        ("/second.txt", {}, b"second", None),
        ("/third.txt", {}, b"third", None),
        ("/both.txt", {}, TEXT, None),
        ("/both.txt", GZIP, TEXT, None),
        ("/both.txt.gz", {}, b"gzip of the second", None),
        ("/coded.txt", {}, TEXT, None),
        ("/coded.txt", GZIP, TEXT, None),
        ("/coded.txt", BR, b"br of the second", "br"),
        ("/bare.txt", GZIP, b"the app", None),
        ("/bare.txt", {}, b"the app", None),
        ("/bare.txt", BR, b"the app", None),
        ("/kind", {}, b"kind of the second", None),
        ("/dir/", {}, b"index of the second", None),
        ("/dir/a.txt", {}, b"a", None),
    ],
)
def test_a_resource_comes_whole_from_the_first_directory_with_the_plain_file(
    target: str,
    fields: dict[str, str],
    body: bytes,
    coding: str | None,
    serve: Callable[..., Client],
    layers: list[Path],
) -> None:
    client = serve(layers, html=True)
    for _ in range(2):
        answer = client.get(target, fields)
        assert answer.body == body
        assert answer.get("content-encoding") == coding


@each(
    ("target", "page"),
    [
        ("/x", b"first /"),
        ("/a/x", b"first /a/"),
        ("/a/b/x", b"second /a/b/"),
        ("/a/b/c/d/x", b"second /a/b/"),
        ("/a/c/x", b"first /a/"),
        ("/b/x", b"first /"),
    ],
)
def test_the_nearest_404_page_goes_by_depth_then_by_directory(
    target: str, page: bytes, serve: Callable[..., Client], layers: list[Path]
) -> None:
    answer = serve(layers, html=True, app=False).get(target)
    assert (answer.status, answer.body) == (404, page)


def test_a_file_added_to_an_earlier_directory_wins_after_a_refresh(
    door: str, layers: list[Path]
) -> None:
    client = Client(OnDisk(layers), door)
    assert client.get("/third.txt").body == b"third"
    write_tree(layers[0], {"third.txt": b"now the first's"})
    assert client.get("/third.txt").body == b"third"
    client.files.refresh()
    assert client.get("/third.txt").body == b"now the first's"


# Links.


def test_links_to_each_other_do_not_multiply_names(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    entries: dict[str, Any] = {"a/f.txt": b"f", "a/b": Link("..")}
    for i in range(12):
        entries[f"d{i}/f.txt"] = f"{i}"
        entries.update({f"d{i}/l{j}": Link(f"../d{j}") for j in range(12)})
    client = within(20, serve, tree(entries))
    assert client.get("/a/b/a/b/a/f.txt").body == b"f"
    assert client.get("/a/b/a/b/d3/l5/l7/l7/l11/f.txt").body == b"11"
    assert client.get("/a/b/a/b/d3/l5/l12/f.txt").passed
    assert client.get("/a/b/a/b").passed


def test_what_is_kept_of_names_through_links_is_bounded(
    tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    files = OnDisk(tree({"f.txt": b"f", "a": Link("."), "b": Link(".")}))
    for number in range(5500):
        path = "".join("ab"[number >> bit & 1] + "/" for bit in range(13))
        assert files.answer(Request("HEAD", f"/{path}f.txt"))
    assert sum(isinstance(thing, Resource) for thing in gc.get_objects()) < 5000


def test_a_hidden_directory_is_reached_through_its_link_only(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree(
        {
            "..2024/app.js": b"js" * 100,
            "..2024/app.js.gz": b"gz",
            "..2024/sub/a.txt": b"a",
            "..2024/.env": b"SECRET",
            "..data": Link("..2024"),
            "app.js": Link("..data/app.js"),
            "app.js.gz": Link("..data/app.js.gz"),
            "sub": Link("..data/sub"),
            "all": Link("..data"),
        }
    )
    client = serve(root)
    for target in ("/app.js", "/all/app.js"):
        assert client.get(target).body == b"js" * 100
        assert client.get(target, GZIP).body == b"gz"
    assert client.get("/sub/a.txt").body == b"a"
    assert client.get("/all/sub/a.txt").body == b"a"
    for target in ("/..data/app.js", "/..2024/app.js", "/..2024/sub/a.txt", "/all/.env"):
        assert client.get(target).passed


def test_a_volume_swapped_by_its_link_is_served_new_after_a_refresh(
    serve: Callable[..., Client], tree: Callable[..., Path], mode: str
) -> None:
    root = tree(
        {"..1/a.txt": b"one", "..2/a.txt": b"two", "..data": Link("..1"), "all": Link("..data")}
    )
    client = serve(root)
    assert client.get("/all/a.txt").body == b"one"
    (root / "..next").symlink_to("..2")
    rename_link(root / "..next", root / "..data")
    client.files.refresh()
    assert client.get("/all/a.txt").body == b"two"


@pytest.mark.parametrize("follow_symlink", [False, True])
def test_an_index_that_is_made_while_a_volume_is_updated_has_all_files(
    follow_symlink: bool,
    tree: Callable[..., Path],
    door: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a link led is removed when the link has just been read."""
    root = tree({})
    volume(root, "..1", {"a.txt": b"one", "sub/b.txt": b"one"})
    read: list[str] = []

    def updating(real: Callable[..., Any]) -> Callable[..., Any]:
        def called(path: Any, *arguments: Any, **more: Any) -> Any:
            seen = real(path, *arguments, **more)
            if str(path).endswith("..data") and not read:
                read.append(seen)
                volume(root, "..2", {"a.txt": b"two", "sub/b.txt": b"two"})
            return seen

        return called

    patch_everywhere(monkeypatch, "readlink", updating)
    client = Client(StaticFiles(root, follow_symlink=follow_symlink), door)
    assert read
    assert client.get("/a.txt").body == client.get("/sub/b.txt").body == b"two"


@pytest.mark.parametrize("is_link", [True, False])
def test_an_index_that_is_made_while_its_root_is_switched_has_all_files(
    is_link: bool, tmp_path: Path, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old root is removed before its folder is listed."""
    write_tree(tmp_path, {"1/sub/a.txt": "one", "2/sub/a.txt": "two"})
    write_tree(tmp_path, {"root": Link("1"), "next": Link("2")} if is_link else {})
    root = tmp_path / ("root" if is_link else "1")
    places: list[Any] = []

    def switching(real: Callable[..., Any]) -> Callable[..., Any]:
        def scandir(place: Any) -> Any:
            places.append(place)
            if len(places) == 2:
                if is_link:
                    rename_link(tmp_path / "next", root)
                shutil.rmtree(tmp_path / "1")
                if not is_link:
                    os.replace(tmp_path / "2", root)
            return real(place)

        return scandir

    patch_everywhere(monkeypatch, "scandir", switching)
    client = Client(StaticFiles(root), door)
    assert client.get("/sub/a.txt").body == b"two"


def test_an_index_whose_root_is_switched_while_it_is_opened_has_its_absolute_links(
    tmp_path: Path, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are told by the root's real path, which has to be that of the root that is open."""
    for number in "12":
        base = write_tree(tmp_path / number, {"sub/a.txt": number})
        write_tree(base, {"a.txt": Link(str(base / "sub/a.txt"))})
    root, following = tmp_path / "root", tmp_path / "next"
    write_tree(tmp_path, {"root": Link("1"), "next": Link("2")})
    realpath = os.path.realpath

    def switching(path: Any, **more: Any) -> str:
        real = realpath(path, **more)
        if os.path.lexists(following):
            rename_link(following, root)
        return real

    monkeypatch.setattr(os.path, "realpath", switching)
    assert Client(StaticFiles(root), door).get("/a.txt").body == b"2"


def rename_link(new: Path, old: Path) -> None:
    """By one step, but on Windows, which renames no link to a directory over another."""
    if sys.platform == "win32":
        old.unlink(missing_ok=True)
    os.replace(new, old)


def volume(root: Path, name: str, files: dict[str, bytes]) -> None:
    """Make files the content of a volume as Kubernetes does: in one step, by a link's renaming."""
    before = os.path.realpath(root / "..data")
    write_tree(root / name, files)
    (root / "..data_tmp").symlink_to(name)
    rename_link(root / "..data_tmp", root / "..data")
    for top in {file.partition("/")[0] for file in files}:
        if not os.path.lexists(root / top):
            (root / top).symlink_to(f"..data/{top}")
    shutil.rmtree(before, ignore_errors=True)


@pytest.mark.parametrize("mode", WITH_MEMORY)
@pytest.mark.usefixtures("aging")
def test_a_volume_of_kubernetes_is_served_as_it_is_now_or_from_memory(
    serve: Callable[..., Client], tree: Callable[..., Path], mode: str
) -> None:
    root = tree({"t.txt": b"not of the volume"})
    old = {"config": b"old", "certs/ca.pem": b"old", "certs/deep/ca.pem": b"old"}
    volume(root, "..2024_01_02_03_04_05.1", old)
    client = serve(root)
    for name in old:
        assert client.get(f"/{name}").body == b"old"
    volume(root, "..2024_06_07_08_09_10.2", {**dict.fromkeys(old, b"new"), "added": b"new"})
    for name in old:
        assert client.get(f"/{name}").body == (b"old" if mode == "memory" else b"new")
    assert client.get("/added").passed == (mode != "live")
    client.files.refresh()
    for name in (*old, "added"):
        assert client.get(f"/{name}").body == b"new"
    assert client.get("/..data/config").passed


@each("moment", range(24))
@each("target", ["/config", "/certs/ca.pem"])
def test_no_moment_of_an_update_of_a_volume_makes_a_file_a_miss(
    target: str,
    moment: int,
    serve: Callable[..., Client],
    tree: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = tree({"t.txt": b"not of the volume"})
    volume(root, "..1", {"config": b"old", "certs/ca.pem": b"old"})
    client = serve(root)
    calls = itertools.count()

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, dir_fd: int | None = None, **more: Any) -> Any:
            if dir_fd is not None and next(calls) == moment:
                volume(root, "..2", {"config": b"new", "certs/ca.pem": b"new"})
            return real(*arguments, dir_fd=dir_fd, **more)

        return call

    with monkeypatch.context() as patch:
        for name in ("open", "stat", "readlink"):
            patch_everywhere(patch, name, counting)
        for _ in range(2):
            assert client.get(target).body in (b"old", b"new")


@each("has_descriptors", {False, disk_root._HAS_DESCRIPTORS})
@each("moment", range(16))
def test_no_moment_of_a_switch_of_the_root_makes_a_file_a_miss(
    moment: int,
    has_descriptors: bool,
    tmp_path: Path,
    door: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where directories have no descriptors, as on Windows, each is looked at by its path."""
    monkeypatch.setattr(disk_root, "_HAS_DESCRIPTORS", has_descriptors)
    base = tmp_path / f"{moment}{has_descriptors}"
    write_tree(base, {"1/sub/a.txt": "one", "2/sub/a.txt": "two"})
    write_tree(base, {"root": Link("1"), "next": Link("2")})
    client = Client(StaticFiles(base / "root", live=True), door)
    calls = itertools.count()

    def counting(real: Callable[..., Any] | None) -> Callable[..., Any] | None:
        def call(*arguments: Any, **more: Any) -> Any:
            if next(calls) == moment:
                rename_link(base / "next", base / "root")
                shutil.rmtree(base / "1")
            return real(*arguments, **more) if real else None

        return real and call

    with monkeypatch.context() as patch:
        for name in ("open", "stat", "readlink"):
            patch_everywhere(patch, name, counting)
        patch.setattr(root_by_descriptor, "_call", counting(root_by_descriptor._call))
        for _ in range(2):
            assert client.get("/sub/a.txt").body in (b"one", b"two")


def test_followed_links_to_directories_outside_are_served(
    serve: Callable[..., Client], tree: Callable[..., Path], tmp_path: Path
) -> None:
    other = {"a.txt": TEXT, "a.txt.gz": b"gz", "index.html": b"i", "s/b": b"b", ".env": b"no"}
    other |= {"s/back": Link("../../www"), "s/self": Link(".")}
    write_tree(tmp_path / "other", other)
    root = tree({"t.txt": TEXT, "x/out": Link(str(tmp_path / "other")), "rel": Link("../other")})
    client = serve(root, follow_symlink=True, html=True)
    for link in ("/x/out", "/rel", "/rel/s/back/rel", "/x/out/s/self/self/back/x/out"):
        assert client.get(f"{link}/a.txt").body == TEXT
        assert client.get(f"{link}/a.txt", GZIP).body == b"gz"
        assert client.get(f"{link}/s/b").body == b"b"
        assert client.get(f"{link}/").body == b"i"
        assert client.get(link)["location"] == f"./{link.rpartition('/')[2]}/"
        assert client.get(f"{link}/.env").passed
        assert client.get(f"{link}/nope").passed
    assert client.get("/rel/s/back/t.txt").body == TEXT
    inside = serve(root, html=True)
    assert inside.get("/rel/a.txt").passed
    assert inside.get("/x/out/").passed


def test_a_followed_link_may_lead_to_a_parent_of_the_root(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": TEXT, "sub/a.txt": b"a", "sub/up": Link("../..")})
    client = within(20, lambda: serve(root, follow_symlink=True))
    assert client.get("/sub/up/outside/secret.txt").body == b"SECRET"
    assert client.get("/sub/up/www/t.txt").body == TEXT
    assert client.get("/sub/up/www/sub/up/www/sub/a.txt").body == b"a"
    assert client.get("/sub/up/www/nope").passed


@pytest.mark.parametrize("follow_symlink", [False, True])
def test_each_real_directory_is_scanned_once(
    follow_symlink: bool, tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    links = {"sub/up": Link("../.."), "sub/self": Link("."), "a": Link("sub"), "b": Link("a")}
    root = tree({"sub/deep/a.txt": b"a", **links})
    scandir, scans = os.scandir, []

    def count(*args: Any) -> Any:
        scans.append(args)
        return scandir(*args)

    monkeypatch.setattr(os, "scandir", count)
    OnDisk(root, follow_symlink=follow_symlink)
    real = [root, root / "sub", root / "sub" / "deep"]
    real += [root.parent, root.parent / "outside"] if follow_symlink else []
    assert len(scans) == len(real)


# Odd entries.


@each("target", ["/", "/..", "/.", "/sub/", "/sub/.", "/sub/..", "/sub//.gz"])
def test_a_sibling_of_a_name_that_no_path_may_have_is_a_file_of_its_own(
    target: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    names = [f"{place}{name}" for place in ("", "sub/") for name in (".gz", "..gz", "...gz")]
    client = serve(tree(dict.fromkeys(names, b"gzip")), dotfiles=True)
    assert client.get(target, GZIP).passed
    for name in names:
        assert client.get(f"/{name}").body == b"gzip"


def test_each_odd_entry_is_told_once(
    tree: Callable[..., Path], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    root = tree(
        {
            "good.txt": b"good",
            "dangling": Link("nowhere"),
            "loop": Link("loop"),
            "sub/ping": Link("pong"),
            "sub/pong": Link("ping"),
            "out": Link("../outside"),
            "out.txt": Link("../outside/secret.txt"),
            "back\\slash": b"x",
            "line\nbreak": b"x",
            "dir\nname/a": b"x",
            ".hidden": b"x",
            ".hidden link": Link("nowhere"),
        }
    )
    odd = ["dangling", "loop", "ping", "pong", "out", "out.txt", "back\\slash", "line\nbreak"]
    odd += ["dir\nname", "pipe", "socket"]
    os.mkfifo(root / "pipe")
    if sys.platform == "linux":
        (root / os.fsdecode(b"\xff.txt")).write_bytes(b"x")
        odd.append(os.fsdecode(b"\xff.txt"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
        with caplog.at_level(logging.WARNING, "dualstatic"):
            files = OnDisk(root)
            first = [(r.levelno, r.name, r.getMessage()) for r in caplog.records]
            for _ in range(3):
                files.refresh()
    assert len(caplog.records) == len(first) == len(odd)
    assert {level for level, _, _ in first} == {logging.WARNING}
    assert {name for _, name, _ in first} == {"dualstatic"}
    for name in odd:
        quoted = ascii(f"/{name}")[1:]
        assert sum(message.endswith(quoted) for _, _, message in first) == 1, name
    assert all(message.isprintable() and message.isascii() for _, _, message in first)
    assert files.answer(Request("GET", "/good.txt"))


def test_a_plain_tree_is_scanned_in_silence(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_tree(root, {".env": b"x", ".git/config": b"x", "link": Link("sub"), "a b/\u00fc": b"x"})
    with caplog.at_level(logging.WARNING):
        OnDisk(root)
    assert caplog.records == []


# Size.


def test_the_index_of_3000_files_is_small_and_made_soon(tree: Callable[..., Path]) -> None:
    root = tree({f"static/dir{i % 50}/name-of-file-{i}.js": b"" for i in range(3000)})
    tracemalloc.start()
    try:
        start = time.perf_counter()
        files = OnDisk(root)
        took = time.perf_counter() - start
        gc.collect()
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert files.answer(Request("HEAD", "/static/dir7/name-of-file-7.js"))
    assert kept < 3000 * 300
    assert peak < 3000 * 600
    assert took < 5


DEEP = 60 if sys.platform == "win32" else 300
"""Wine looks at each name of a path, at each look at a name in it."""


def test_a_deep_tree_is_scanned_to_its_end(tmp_path: Path, mode: str) -> None:
    path = "/".join(["d"] * DEEP)
    root = write_tree(tmp_path / "deep", {f"{path}/f.txt": b"f"})
    files = OnDisk(root, live=mode == "live")
    assert files.answer(Request("GET", f"/{path}/f.txt"))


def test_after_the_new_version_was_served_nobody_is_told_of_the_old_one(
    root: Path, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    client = Client(StaticFiles(root, memory=0), door)
    for _ in range(2):
        old = client.get("/t.txt")
    (root / "next").write_bytes(b"another text")
    (root / "next").replace(root / "t.txt")
    assert client.get("/t.txt").body == b"another text"
    again = client.get("/t.txt", {"If-None-Match": str(old["etag"])})
    assert (again.status, again.body) == (200, b"another text")
    (root / "t.txt").unlink()
    assert client.get("/t.txt").passed
    assert client.get("/t.txt", {"If-None-Match": str(again["etag"])}).passed


def test_what_was_forgotten_while_it_was_kept_answers_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread finds a new file just before the old one's resource is kept for the path."""
    settle(monkeypatch)
    client = Client(StaticFiles(root, memory=0), "wsgi")

    def deploy() -> None:
        (root / "new").write_bytes(b"the new text")
        (root / "new").replace(root / "t.txt")
        assert client.get("/t.txt").body == b"the new text"

    def trace(frame: FrameType, event: str, argument: object) -> None:
        if frame.f_code is LookUp.keep.__code__:
            sys.settrace(None)
            deploy()

    sys.settrace(trace)
    try:
        assert client.get("/t.txt").body == TEXT
        assert sys.gettrace() is None  # it was there
    finally:
        sys.settrace(None)
    assert client.head("/t.txt")["content-length"] == "12"


@pytest.mark.parametrize("memory", [0, 2**20])
def test_a_file_of_the_first_directory_that_was_away_comes_back(
    door: str, memory: int, tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    roots = [tree({"app.js": "new"}, "new"), tree({"app.js": "old"}, "old")]
    client = Client(StaticFiles(roots, memory=memory), door)
    (roots[0] / "app.js").replace(roots[0] / "away")
    for _ in range(2):
        assert client.get("/app.js").body == b"old"
    (roots[0] / "away").replace(roots[0] / "app.js")
    for _ in range(2):
        assert client.get("/app.js").body == b"new"


def test_the_clean_path_of_a_page_is_remembered(tree: Callable[..., Path], door: str) -> None:
    files = StaticFiles(tree({"a.html": "a"}), clean_urls=True)
    assert Client(files, door).get("/a").body == b"a"
    known = files.answer(Request("GET", "/a"), wait=False)
    assert known is not None
    assert not known.has_file


AT_THE_END = """
import atexit, os, sys
def is_root(descriptor):
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(sys.argv[1]))
    except OSError:
        return False
atexit.register(lambda: print(sum(map(is_root, range(100)))))
from dualstatic import StaticFiles
files = StaticFiles(sys.argv[1])
"""


def test_the_root_stays_open_for_threads_that_work_at_the_end_of_python(root: Path) -> None:
    ended = run_anew("-c", AT_THE_END, str(root))
    assert ended.stdout == "1\n", ended.stderr
