"""Live mode: what a name led to is opened again, and told by what it is now."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dualstatic import Request, StaticFiles
from dualstatic.disk import find, look_up, nowait, root_by_descriptor, validators
from tests.support.doors import Answer, Client
from tests.support.steps import open_below
from tests.support.trees import Link, settle, write_tree

PLAIN, OTHER = b"plain text " * 50, b"other text " * 50
GZIPPED, OTHER_GZIPPED = gzip.compress(PLAIN), gzip.compress(OTHER)


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two directories; files that were just made are taken for old ones."""
    settle(monkeypatch)
    return [write_tree(tmp_path / name, {"sub/u.txt": b"u"}) for name in ("first", "second")]


@pytest.fixture
def get(roots: list[Path], door: str) -> Callable[[], Answer]:
    client = Client(StaticFiles(roots, live=True), door)
    return lambda: client.get("/sub/t.txt", {"Accept-Encoding": "gzip"})


def replace(path: Path, content: bytes) -> None:
    """Give a name to another file, of the same time if there was one."""
    times = [path.stat().st_mtime_ns] * 2 if path.exists() else None
    other = path.with_name("other")
    other.write_bytes(content)
    if times:
        os.utime(other, ns=(times[0], times[1]))
    other.replace(path)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_out(path: Path) -> None:
    secret = path.parents[2] / "secret.txt"
    secret.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(secret)


MADE: dict[str, tuple[str, Callable[[Path], object], bytes | None]] = {
    "nothing": ("second/sub/t.txt", lambda path: None, PLAIN),
    "another file": ("second/sub/t.txt", lambda path: replace(path, OTHER), OTHER),
    "gone": ("second/sub/t.txt", Path.unlink, None),
    "a FIFO": ("second/sub/t.txt", fifo, None),
    "a folder": ("second/sub/t.txt", folder, None),
    "a link out": ("second/sub/t.txt", link_out, None),
    "its folder is gone": ("second/sub", lambda path: path.replace(path.with_name("x")), None),
    "before it": ("first/sub/t.txt", lambda path: replace(path, OTHER), OTHER),
    "a sibling": ("second/sub/t.txt.gz", lambda path: replace(path, GZIPPED), GZIPPED),
    "a sibling as a folder": ("second/sub/t.txt.gz", Path.mkdir, PLAIN),
}


@pytest.mark.parametrize("made", MADE)
def test_what_changed_since_the_last_time_is_found(
    made: str, roots: list[Path], get: Callable[[], Answer], tmp_path: Path
) -> None:
    (roots[1] / "sub/t.txt").write_bytes(PLAIN)
    before = [get(), get()]
    assert [answer.body for answer in before] == [PLAIN, PLAIN]
    name, change, body = MADE[made]
    change(tmp_path / name)
    for _ in range(2):
        answer = get()
        assert answer.passed if body is None else answer.body == body
        assert (answer.get("etag") == before[0]["etag"]) == (body == PLAIN)


SIBLINGS: dict[str, tuple[Callable[[Path], object], bytes]] = {
    "nothing": (lambda path: None, GZIPPED),
    "another file": (lambda path: replace(path, OTHER_GZIPPED), OTHER_GZIPPED),
    "gone": (Path.unlink, PLAIN),
    "larger than its file": (lambda path: replace(path, PLAIN * 2), PLAIN),
}


@pytest.mark.parametrize("made", SIBLINGS)
def test_a_sibling_that_changed_since_the_last_time_is_found(
    made: str, roots: list[Path], get: Callable[[], Answer]
) -> None:
    (roots[1] / "sub/t.txt").write_bytes(PLAIN)
    sibling = roots[1] / "sub/t.txt.gz"
    sibling.write_bytes(GZIPPED)
    assert [get().body, get().body] == [GZIPPED, GZIPPED]
    change, body = SIBLINGS[made]
    change(sibling)
    for _ in range(2):
        answer = get()
        assert answer.body == body
        assert answer.get("content-encoding") == (None if body == PLAIN else "gzip")


def test_a_sibling_that_becomes_good_is_found(roots: list[Path], get: Callable[[], Answer]) -> None:
    """One that is left out is looked at again, too."""
    (roots[1] / "sub/t.txt").write_bytes(PLAIN)
    sibling = roots[1] / "sub/t.txt.gz"
    sibling.write_bytes(PLAIN * 2)
    assert [get().body, get().body] == [PLAIN, PLAIN]
    sibling.write_bytes(GZIPPED)
    assert [get().body, get().body] == [GZIPPED, GZIPPED]


@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize("target", ["coded/t.gz", "way/t.gz"])
def test_a_sibling_whose_link_comes_to_lead_to_a_file_is_found(
    target: str, follow: bool, roots: list[Path], door: str
) -> None:
    """Its folder stays as it was: what changes lies behind the link."""
    root = write_tree(roots[0], {"sub/t.txt": PLAIN, "sub/t.txt.gz": Link(f"../{target}")})
    client = Client(StaticFiles(roots, live=True, follow_symlink=follow), door)
    for _ in range(3):
        assert client.get("/sub/t.txt", {"Accept-Encoding": "gzip"}).body == PLAIN
    write_tree(root, {"coded/t.gz": GZIPPED, "way": Link("coded")})
    for _ in range(2):
        assert client.get("/sub/t.txt", {"Accept-Encoding": "gzip"}).body == GZIPPED


@pytest.mark.parametrize("encodings", [(), ("gzip",)])
@pytest.mark.parametrize("target", ["/about.html", "/about/"])
def test_a_page_whose_path_another_file_had_gets_it(
    target: str, encodings: tuple[str, ...], roots: list[Path], door: str
) -> None:
    """Whatever was asked for before: the file that is gone was remembered, and so was the page."""
    write_tree(roots[0], {"about": "a file", "about.html": "a page"})
    files = StaticFiles(roots, live=True, clean_urls=True, encodings=encodings)
    client = Client(files, door)
    for _ in range(2):
        assert client.get("/about").body == b"a file"
        assert client.get("/about.html").body == b"a page"
        assert client.get("/about/").passed
    (roots[0] / "about").unlink()
    assert client.get(target)["location"].endswith("./about")


def test_a_door_that_is_made_once_the_mode_is_known_proves_each_answer(
    roots: list[Path], door: str
) -> None:
    path = roots[1] / "sub/t.txt"
    path.write_bytes(PLAIN)
    files = StaticFiles(roots, live=lambda: True)
    assert files.url("sub/t.txt")  # asks the function
    client = Client(files, door)
    tag = [client.get("/sub/t.txt")["etag"] for _ in range(2)][-1]
    path.write_bytes(OTHER)
    assert client.get("/sub/t.txt", {"If-None-Match": tag}).body == OTHER


def test_a_date_is_told_once_it_has_come(
    roots: list[Path], get: Callable[[], Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 9110 section 8.8.2.1: a Last-Modified is never later than now."""
    path = roots[1] / "sub/t.txt"
    path.write_bytes(PLAIN)
    date = time.time() + 60
    os.utime(path, (date, date))
    assert ["last-modified" in get() for _ in range(2)] == [False, False]
    settle(monkeypatch)
    assert ["last-modified" in get() for _ in range(2)] == [True, True]


@pytest.mark.parametrize("tells", [True, False])
def test_a_sibling_is_found_whether_or_not_the_device_tells_what_is_added(
    tells: bool, roots: list[Path], get: Callable[[], Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On FUSE and NFS, the time of a folder may stay as it was."""
    (roots[1] / "sub/t.txt").write_bytes(PLAIN)
    if not tells:
        nowait._answering.discard(roots[1].stat().st_dev)
        monkeypatch.delattr(os, "RWF_NOWAIT", raising=False)
        for room in (root_by_descriptor, find):
            monkeypatch.setattr(room, "look_at_once", lambda _: ())
    assert [get().body, get().body] == [PLAIN, PLAIN]
    (roots[1] / "sub/t.txt.gz").write_bytes(GZIPPED)
    assert get().body == GZIPPED


def test_a_sibling_added_within_the_grain_of_the_clock_is_found(
    tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that has just changed may change again, and keep its time."""
    real = root_by_descriptor.look_at_once

    def of_a_coarse_clock(descriptor: int) -> tuple[int, ...]:
        mode, inode, seconds, _, *device = real(descriptor)
        return mode, inode, seconds, 0, *device

    for room in (root_by_descriptor, find):
        monkeypatch.setattr(room, "look_at_once", of_a_coarse_clock)
    monkeypatch.setattr(find, "is_settled", lambda status: True)
    root = tree({"t.txt": PLAIN})
    client = Client(StaticFiles(root, live=True), "wsgi")
    for _ in range(10):
        assert client.get("/t.txt", {"Accept-Encoding": "gzip"}).body == PLAIN
        (root / "t.txt.gz").write_bytes(GZIPPED)
        assert client.get("/t.txt", {"Accept-Encoding": "gzip"}).body == GZIPPED
        (root / "t.txt.gz").unlink()


def test_a_sibling_is_found_that_is_added_while_a_slow_disk_is_read(
    tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder had just changed when it was looked at, and keeps the time of that."""
    real, now = root_by_descriptor.look_at_once, time.time_ns()
    read = validators._sha256

    def of_a_coarse_clock(descriptor: int) -> tuple[int, ...]:
        mode, inode, _, _, *device = real(descriptor)
        return mode, inode, *divmod(now, 10**9), *device

    def of_a_slow_disk(*arguments: Any) -> bytes:
        settle(monkeypatch)
        return read(*arguments)

    for room in (root_by_descriptor, find):
        monkeypatch.setattr(room, "look_at_once", of_a_coarse_clock)
    monkeypatch.setattr(validators, "_sha256", of_a_slow_disk)
    monkeypatch.setattr(find, "is_settled", lambda status: True)
    root = tree({"t.txt": PLAIN})
    client = Client(StaticFiles(root, live=True), "wsgi")
    assert client.get("/t.txt", {"Accept-Encoding": "gzip"}).body == PLAIN
    (root / "t.txt.gz").write_bytes(GZIPPED)
    assert client.get("/t.txt", {"Accept-Encoding": "gzip"}).body == GZIPPED


def test_a_folder_tells_of_siblings_from_the_first_file_of_a_process_on(
    roots: list[Path], get: Callable[[], Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only when a file was opened is it known whether its device answers at once."""
    (roots[1] / "sub/t.txt").write_bytes(PLAIN)
    nowait._answering.clear()
    assert get().body == PLAIN
    asked: list[str] = []
    lacks = "lacks", lambda root, name, **_: asked.append(name) or True
    monkeypatch.setattr(root_by_descriptor, *lacks)
    monkeypatch.setattr(root_by_descriptor, "_status", lambda leaf, *_: asked.append(leaf))
    assert get().body == PLAIN
    siblings = ["t.txt.zst", "t.txt.br", "t.txt.gz"]
    is_told = nowait.answers_at_once(roots[1].stat().st_dev)
    assert asked == ["sub/t.txt", *([] if is_told else siblings)]  # the first directory has none


def test_what_lies_in_a_folder_that_has_just_changed_is_remembered_later(
    roots: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder may change again, and keep its time."""
    (roots[1] / "sub/t.txt").write_bytes(PLAIN)
    files = StaticFiles(roots, live=True)
    client, answers = Client(files, "wsgi"), files.site.look_up.answers
    with monkeypatch.context() as patch:
        patch.setattr(find, "is_recent", lambda changed: True)
        for _ in range(3):
            assert client.get("/sub/t.txt").body == PLAIN
    is_told = nowait.answers_at_once(roots[1].stat().st_dev)
    assert list(answers) == ([] if is_told else ["/sub/t.txt"])
    assert client.get("/sub/t.txt").body == PLAIN
    assert list(answers) == ["/sub/t.txt"]


def test_no_more_is_remembered_than_a_bound(
    roots: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_up, "_UNLISTED", 3)
    files = StaticFiles(roots, live=True)
    for name in ["u.txt", *(f"{number}.txt" for number in range(9))]:
        (roots[0] / "sub" / name).write_bytes(b"u")
        for _ in range(2):
            assert Client(files, "wsgi").get(f"/sub/{name}").body == b"u"
    assert 0 < len(files.site.look_up.answers) <= 3
    for name in ("0.txt", "8.txt"):
        (roots[0] / "sub" / name).unlink()
        assert Client(files, "wsgi").get(f"/sub/{name}").passed
    assert "/sub/8.txt" not in files.site.look_up.answers


def test_a_function_that_raises_leaves_no_file_open(roots: list[Path]) -> None:
    def fail(name: str) -> None:
        raise LookupError(name)

    files = StaticFiles(roots, live=True, headers=fail)
    with pytest.raises(LookupError) as raised:
        files.answer(Request("GET", "/sub/u.txt"))
    assert raised.traceback  # which holds what the look-up held
    assert open_below(roots[0]) == []


def test_a_refresh_empties_all_caches(roots: list[Path]) -> None:
    files = StaticFiles(roots, live=True)
    for _ in range(2):
        Client(files, "wsgi").get("/sub/u.txt")
    assert files.site.look_up.answers
    assert validators._digests
    files.refresh()
    assert not files.site.look_up.answers
    assert not validators._digests


def test_a_file_that_comes_to_have_the_path_of_a_page_gets_it(roots: list[Path], door: str) -> None:
    """Without siblings to look for, nobody looks at the folder."""
    write_tree(roots[0], {"about.html": "a page"})
    client = Client(StaticFiles(roots, live=True, clean_urls=True, encodings=()), door)
    for _ in range(2):
        assert client.get("/about").body == b"a page"
    (roots[0] / "about").write_bytes(b"a file")
    assert client.get("/about").body == b"a file"
