"""Entity-tags: of what they are made, when they are remembered, when they are weak."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dualstatic import Request, StaticFiles
from dualstatic.disk import validators
from tests.conftest import WITH_MEMORY, make_files
from tests.support.doors import Client, OnDisk
from tests.support.each import each
from tests.support.trees import LAST_MODIFIED, OLD, settle, write_tree
from tests.support.watch import ACCESS, Watch, needs_inotify

MIB = 2**20
GRAIN = 100
"""Nanoseconds that each file system keeps apart, that of Windows as well."""
HASHED = 64 * MIB
CONSTANT_DATES = [-86400, 0, 1, 315532800, 315532801, 315705599]
"""Up to 1980-01-02, in UTC."""


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)


def write(path: Path, content: bytes, mtime: int = OLD) -> None:
    path.write_bytes(content)
    os.utime(path, (mtime, mtime))


def write_sparse(path: Path, size: int, mtime: int = OLD) -> None:
    path.touch()
    os.truncate(path, size)
    os.utime(path, (mtime, mtime))


def tag(client: Client, target: str = "/f.bin") -> str | None:
    """The tag that a fresh look at the disk gives."""
    client.files.refresh()
    return client.head(target).get("etag")


def test_the_same_content_written_again_has_the_same_tag(
    serve: Callable[..., Client], tree: Callable[..., Path], age: str
) -> None:
    root = tree({"f.bin": b"content"})
    client = serve(root)
    first = tag(client)
    write(root / "f.bin", b"content", OLD + 1000)
    assert tag(client) == first
    (root / "f.bin").unlink()
    write(root / "f.bin", b"content", OLD + 2000)
    assert tag(client) == first
    write(root / "f.bin", b"CONTENT")
    assert tag(client) != first


def test_every_node_gives_the_same_tag(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    one, two = tree({"a/f.bin": b"content"}, "one"), tree({"b.txt": b"content"}, "two")
    os.utime(two / "b.txt", (1, 1))
    assert tag(serve(one), "/a/f.bin") == tag(serve(two), "/b.txt")


@pytest.mark.parametrize("size", [MIB + 1, HASHED])
def test_a_file_of_64_mib_has_a_strong_tag_of_its_content_though_it_is_fresh(
    size: int, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({})
    client = serve(root)
    write_sparse(root / "f.bin", size)
    first = tag(client)
    assert first is not None
    assert not first.startswith("W/")
    with (root / "f.bin").open("r+b") as file:
        file.seek(size - 1)
        file.write(b"x")
    os.utime(root / "f.bin", (OLD, OLD))
    assert tag(client) not in (first, None)


def test_a_hash_is_made_in_small_pieces_and_never_on_the_event_loop(
    tree: Callable[..., Path], mode: str, settled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree({"f.bin": bytes(3 * MIB)})
    read, reads = validators.read_at, []

    def read_at(*arguments: int) -> bytes:
        reads.append((threading.get_ident(), arguments[1]))
        return read(*arguments)

    monkeypatch.setattr("dualstatic.disk.validators.read_at", read_at)
    client = Client(StaticFiles(root, live=mode == "live"), "asgi")
    for _ in range(2):
        assert "etag" in client.head("/f.bin")
    threads, sizes = zip(*reads, strict=True)
    assert threading.get_ident() not in threads
    assert sum(sizes) == 3 * MIB
    assert max(sizes) <= MIB


@needs_inotify
def test_a_clock_that_is_set_back_makes_no_file_be_hashed_at_each_request(
    tree: Callable[..., Path], mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree({"f.bin": b"content"})
    settle(monkeypatch, hours=-1)
    files = OnDisk(root, live=mode == "live")
    with Watch(root, events=ACCESS) as watch:
        assert files.answer(Request("HEAD", "/f.bin"))
        assert watch.take() == {root / "f.bin"}
        assert files.answer(Request("HEAD", "/f.bin"))
        assert watch.take() == set()
        write(root / "f.bin", b"CONTENT")
        files.refresh()
        assert files.answer(Request("HEAD", "/f.bin"))
        assert root / "f.bin" in watch.take()


@pytest.mark.parametrize(
    ("seconds", "fresh"),
    [(-3600, False), (-3, False), (-1, True), (0, True), (1, True), (3, False), (3600, False)],
)
def test_a_change_is_late_within_two_seconds_of_the_clock(seconds: int, fresh: bool) -> None:
    changed: Any = SimpleNamespace(st_ctime_ns=time.time_ns() + seconds * 10**9, st_mtime_ns=0)
    assert validators.is_fresh(changed) is fresh


@needs_inotify
def test_a_settled_file_is_hashed_once_for_all_requests(
    tree: Callable[..., Path], mode: str, settled: None
) -> None:
    root = tree({"f.bin": b"content"})
    files = StaticFiles(root, live=mode == "live")
    with Watch(root, events=ACCESS) as watch:
        assert watch.take() == set()
        assert files.answer(Request("HEAD", "/f.bin"))
        assert watch.take() == {root / "f.bin"}
        for method in ("HEAD", "GET", "HEAD"):
            assert files.answer(Request(method, "/f.bin"))
        assert watch.take() == set()


@needs_inotify
def test_head_reads_nothing_of_a_large_file_whose_tag_is_known(
    serve: Callable[..., Client], tree: Callable[..., Path], settled: None
) -> None:
    root = tree({"f.bin": b"x" * (2 * 2**20)})
    client = serve(root)
    client.head("/f.bin")
    with Watch(root, events=ACCESS) as watch:
        for _ in range(3):
            assert client.head("/f.bin").status == 200
        assert root / "f.bin" not in watch.take()
        client.get("/f.bin")
        assert root / "f.bin" in watch.take()


@needs_inotify
def test_the_hash_of_an_unchanged_file_outlives_a_refresh_of_the_index(
    tree: Callable[..., Path], settled: None
) -> None:
    root = tree({"f.bin": b"content"})
    files = StaticFiles(root)
    assert files.answer(Request("HEAD", "/f.bin"))
    with Watch(root, events=ACCESS) as watch:
        files.refresh()
        assert files.answer(Request("HEAD", "/f.bin"))
        assert root / "f.bin" not in watch.take()
        write(root / "f.bin", b"CONTENT")
        files.refresh()
        assert files.answer(Request("HEAD", "/f.bin"))
        assert root / "f.bin" in watch.take()


@needs_inotify
def test_in_live_mode_a_refresh_forgets_the_hashes(
    tree: Callable[..., Path], settled: None
) -> None:
    root = tree({"f.bin": b"content"})
    files = StaticFiles(root, live=True)
    assert files.answer(Request("HEAD", "/f.bin"))
    with Watch(root, events=ACCESS) as watch:
        files.refresh()
        assert files.answer(Request("HEAD", "/f.bin"))
        assert watch.take() == {root / "f.bin"}


@needs_inotify
def test_the_hash_of_a_fresh_file_is_not_remembered(
    tree: Callable[..., Path], mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree({"f.bin": b"content"})
    files = OnDisk(root, live=mode == "live")
    with Watch(root, events=ACCESS) as watch:
        for _ in range(3):
            os.utime(root / "f.bin", (OLD, OLD))  # its ctime is now
            assert files.answer(Request("HEAD", "/f.bin"))
            assert watch.take() == {root / "f.bin"}
            assert files.answer(Request("HEAD", "/f.bin"))
            assert watch.take() == {root / "f.bin"}
        settle(monkeypatch)
        assert files.answer(Request("HEAD", "/f.bin"))
        assert watch.take() == {root / "f.bin"}
        assert files.answer(Request("HEAD", "/f.bin"))
        assert watch.take() == set()


@needs_inotify
def test_a_hash_that_took_so_long_that_its_file_is_fresh_no_more_is_not_remembered(
    tree: Callable[..., Path], mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = validators._sha256

    def of_a_slow_disk(*arguments: Any) -> bytes:
        settle(monkeypatch)
        return real(*arguments)

    monkeypatch.setattr(validators, "_sha256", of_a_slow_disk)
    root = tree({"f.bin": b"content"})
    files = OnDisk(root, live=mode == "live")
    with Watch(root, events=ACCESS) as watch:
        for _ in range(2):
            assert files.answer(Request("HEAD", "/f.bin"))
            assert watch.take() == {root / "f.bin"}


def test_a_change_behind_a_frozen_time_is_hashed_again(
    serve: Callable[..., Client], tree: Callable[..., Path], settled: None
) -> None:
    root = tree({"f.bin": b"content"})
    client = serve(root)
    first = tag(client)
    write(root / "f.bin", b"CONTENT")
    assert (root / "f.bin").stat().st_mtime == OLD
    assert tag(client) not in (first, None)


def test_one_hash_at_a_time_is_made_of_a_file(
    tree: Callable[..., Path], mode: str, settled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree({"f.bin": bytes(2**17)})
    files = StaticFiles(root, live=mode == "live")
    read, reads = validators.read_at, []
    monkeypatch.setattr(
        "dualstatic.disk.validators.read_at", lambda *a: reads.append(a) or read(*a)
    )
    ready = threading.Barrier(8)
    tags = set()

    def ask() -> None:
        ready.wait()
        response = files.answer(Request("HEAD", "/f.bin"))
        assert response is not None
        tags.add(dict(response.headers)["etag"])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tags) == 1
    assert len(reads) == 1


# Above 64 MiB.


def test_the_tag_of_a_large_file_is_its_size_and_time(
    serve: Callable[..., Client], tree: Callable[..., Path], settled: None
) -> None:
    root = tree({})
    client = serve(root)
    write_sparse(root / "f.bin", HASHED + 1)
    first = tag(client)
    assert first is not None
    assert not first.startswith("W/")
    with (root / "f.bin").open("r+b") as file:
        file.write(b"x")
    os.utime(root / "f.bin", (OLD, OLD))
    assert tag(client) == first
    write_sparse(root / "f.bin", HASHED + 2)
    longer = tag(client)
    os.utime(root / "f.bin", ns=(OLD * 10**9 + GRAIN, OLD * 10**9 + GRAIN))
    later = tag(client)
    assert len({first, longer, later}) == 3


@needs_inotify
def test_the_tag_of_a_large_file_costs_no_read(tree: Callable[..., Path], mode: str) -> None:
    root = tree({})
    write_sparse(root / "f.bin", HASHED + 1)
    files = StaticFiles(root, live=mode == "live")
    with Watch(root, events=ACCESS) as watch:
        assert files.answer(Request("HEAD", "/f.bin"))
        assert watch.take() == set()


def test_the_tag_of_a_large_file_is_weak_while_it_is_fresh(
    serve: Callable[..., Client], tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree({})
    write_sparse(root / "f.bin", HASHED + 1)
    client = serve(root)
    os.utime(root / "f.bin", (OLD, OLD))
    weak = client.head("/f.bin")["etag"]
    assert weak.startswith('W/"')
    assert client.get("/f.bin", {"If-None-Match": weak}).status == 304
    assert client.get("/f.bin", {"If-Match": weak}).status == 412
    assert client.get("/f.bin", {"Range": "bytes=0-1", "If-Range": weak}).status == 200
    settle(monkeypatch)
    strong = weak.removeprefix("W/")
    assert client.head("/f.bin")["etag"] == strong
    assert client.get("/f.bin", {"If-None-Match": weak}).status == 304
    assert client.get("/f.bin", {"Range": "bytes=0-1", "If-Range": strong}).status == 206


# The constant dates of builds.


@each("mtime", CONSTANT_DATES)
def test_a_file_of_a_constant_date_has_a_tag_of_its_content_and_no_date(
    mtime: int, serve: Callable[..., Client], tree: Callable[..., Path], age: str
) -> None:
    root = tree({})
    client = serve(root)
    tags = set()
    for content in (bytes(MIB + 1), bytes(MIB) + b"x", bytes(MIB + 1)):
        write(root / "f.bin", content, mtime)
        client.files.refresh()
        head = client.head("/f.bin")
        assert not head["etag"].startswith("W/")
        assert "last-modified" not in head
        tags.add(head["etag"])
    assert len(tags) == 2


def test_two_releases_of_one_size_and_a_constant_date_are_told_apart(
    serve: Callable[..., Client], tree: Callable[..., Path], settled: None
) -> None:
    one, two = (tree({}, name) for name in ("one", "two"))
    write(one / "main.dart.js", b"1" * 1_500_000, 315532801)
    write(two / "main.dart.js", b"2" * 1_500_000, 315532801)
    before = serve(one).get("/main.dart.js")["etag"]
    after = serve(two)
    assert after.get("/main.dart.js", {"If-None-Match": before}).status == 200
    resumed = {"Range": "bytes=1000000-", "If-Range": before}
    assert after.get("/main.dart.js", resumed).status == 200
    since = {"If-Modified-Since": "Tue, 02 Jan 2024 03:04:05 GMT"}
    assert after.get("/main.dart.js", since).status == 200


@each("mtime", [*CONSTANT_DATES, 315705600, OLD])
def test_a_very_large_file_of_a_constant_date_has_no_tag(
    mtime: int, serve: Callable[..., Client], tree: Callable[..., Path], settled: None
) -> None:
    root = tree({})
    write_sparse(root / "f.bin", HASHED + 1, mtime)
    client = serve(root)
    dated = mtime not in CONSTANT_DATES
    head = client.head("/f.bin")
    assert ("etag" in head) is ("last-modified" in head) is dated
    unknown = {"If-None-Match": '"x"', "If-Modified-Since": "Tue, 02 Jan 2024 03:04:05 GMT"}
    assert client.head("/f.bin", unknown).status == 200
    assert client.head("/f.bin", {"If-None-Match": "*"}).status == 304


def test_each_form_has_a_tag_of_its_own_whatever_its_size(
    serve: Callable[..., Client], tree: Callable[..., Path], settled: None
) -> None:
    root = tree({"f.bin": bytes(MIB + 9), "f.bin.gz": bytes(MIB + 5), "f.bin.br": bytes(MIB + 5)})
    write_tree(root, {"f.bin.zst": bytes(MIB + 5)})
    write_tree(root, {"small": b"s" * 100, "small.gz": b"g", "small.br": b"g", "small.zst": b"g"})
    client = serve(root)
    for target in ("/f.bin", "/small"):
        codings = ["identity", "gzip", "br", "zstd"]
        answers = [client.head(target, {"Accept-Encoding": f"{c}, *;q=0"}) for c in codings]
        assert [answer.get("content-encoding") or "identity" for answer in answers] == codings
        assert len({answer["etag"] for answer in answers}) == 4


def keeps(path: Path, mtime: int) -> bool:
    """Set a time, and say whether the file system could hold it."""
    os.utime(path, (mtime, mtime))
    return int(path.stat().st_mtime) == mtime


@pytest.mark.rows("C213")
@pytest.mark.parametrize("mode", WITH_MEMORY)
@pytest.mark.usefixtures("aging")
@pytest.mark.parametrize("mtime", [2**33, 2**38, 2**55], ids=["2242", "10680", "far"])
@pytest.mark.parametrize("size", [10, 2 * MIB])
def test_a_time_that_no_date_can_write_is_left_out(
    mtime: int, size: int, door: str, mode: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("www")
    memory = Path("/dev/shm") / f"dualstatic-{os.getpid()}"
    try:
        (root / "t.txt").write_bytes(b"x" * size)
        if not keeps(root / "t.txt", mtime) and memory.parent.is_dir():
            root = memory
            root.mkdir()
            (root / "t.txt").write_bytes(b"x" * size)
        if not keeps(root / "t.txt", mtime):
            pytest.skip("no file system here holds that time")
        client = Client(make_files(root, mode), door)
        answer = client.get("/t.txt")
        assert (answer.status, len(answer.body)) == (200, size)
        assert "last-modified" not in answer
        assert client.get("/t.txt", {"If-None-Match": answer["etag"]}).status == 304
        assert client.get("/t.txt", {"If-Modified-Since": LAST_MODIFIED}).status == 200
        part = {"Range": "bytes=0-1", "If-Range": LAST_MODIFIED}
        assert client.get("/t.txt", part).status == 200
    finally:
        if memory.is_dir():
            (memory / "t.txt").unlink(missing_ok=True)
            memory.rmdir()


@pytest.mark.rows("C215")
@pytest.mark.parametrize("base", ["d", "x"])
def test_time_and_size_do_not_run_into_each_other(
    base: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    number = 16 if base == "x" else 10
    mtime, size = 5704164645000000001, 80_000_000
    times, sizes = format(mtime, base), format(size, base)
    moved_to_size = int(times[:-1], number), int(times[-1] + sizes, number)
    moved_from_time = int(times[1:], number), int(sizes + times[0], number)
    files = {"a.bin": (mtime, size), "b.bin": moved_to_size, "c.bin": moved_from_time}
    root = tree(dict.fromkeys(files, b""))
    for name, (nanoseconds, length) in files.items():
        os.truncate(root / name, length)
        os.utime(root / name, ns=(nanoseconds, nanoseconds))
        assert (root / name).stat().st_mtime_ns == nanoseconds
    client = serve(root)
    tags = {client.head(f"/{name}")["etag"].removeprefix("W/") for name in files}
    assert len(tags) == len(files)


@pytest.mark.rows("C216")
@pytest.mark.parametrize("mode", WITH_MEMORY)
def test_a_file_just_written_is_not_resumed_by_its_date(
    door: str, mode: str, tree: Callable[..., Path]
) -> None:
    root = tree({"f.bin": b"0123456789"})
    os.utime(root / "f.bin")
    client = Client(make_files(root, mode), door)
    told = client.get("/f.bin")
    assert not told["etag"].startswith("W/")
    by_date = client.get("/f.bin", {"Range": "bytes=0-1", "If-Range": told["last-modified"]})
    assert (by_date.status, by_date.body) == (200, b"0123456789")
    by_tag = {"Range": "bytes=0-1", "If-Range": told["etag"]}
    assert client.get("/f.bin", by_tag).status == 206
