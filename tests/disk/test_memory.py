"""The bytes kept in memory: what is asked again, what is let go, what belongs together."""

from __future__ import annotations

import gc
import hashlib
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any
from weakref import WeakSet

import pytest

from dualstatic import Request, StaticFiles
from dualstatic.disk import memory, validators
from tests.support.children import run_threads
from tests.support.doors import Client
from tests.support.each import each
from tests.support.faults import patch_everywhere
from tests.support.servers import run
from tests.support.steps import holds
from tests.support.trees import OLD, Link, settle
from tests.support.watch import ACCESS, Watch, needs_inotify

KIB = 1024


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has just been written is not remembered: here it is old."""
    settle(monkeypatch)


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """All memories share a budget: those of earlier tests may still be there."""
    others = set(memory._memories)
    memory._memories.clear()
    yield
    memory._memories.update(others)


def ask(files: StaticFiles, name: str, **headers: str) -> tuple[int, bytes, bool]:
    """Status and body of a GET, and whether the bytes were in memory."""
    answer = files.answer(Request("GET", f"/{name}", headers=headers))
    assert answer is not None
    return answer.status, b"".join(answer), not answer.has_file


def has(files: StaticFiles, name: str) -> bool:
    """Whether a GET is answered without touching the disk."""
    try:
        answer = files.answer(Request("GET", f"/{name}"), wait=False)
    except BlockingIOError:
        return False
    return answer is not None and not answer.has_file


def kept(files: StaticFiles, names: Iterable[str]) -> list[str]:
    """Which of some files are in memory; to ask for one there makes it the last used."""
    return [name for name in names if has(files, name)]


def test_a_small_file_is_in_memory_from_its_first_use(tree: Callable[..., Path]) -> None:
    files = StaticFiles(tree({"t.txt": "0123456789"}))
    assert not has(files, "t.txt")
    assert ask(files, "t.txt") == (200, b"0123456789", True)
    assert has(files, "t.txt")
    assert ask(files, "t.txt", range="bytes=2-4") == (206, b"234", True)


def test_bytes_in_memory_stay_until_the_refresh(tree: Callable[..., Path]) -> None:
    root = tree({"t.txt": "old"})
    files = StaticFiles(root)
    old = files.answer(Request("GET", "/t.txt"))
    (root / "t.txt").write_bytes(b"newer")
    again = files.answer(Request("GET", "/t.txt"))
    files.refresh()
    new = files.answer(Request("GET", "/t.txt"))
    assert new is not None
    assert old is not None
    assert again is not None
    assert again.response == old.response
    assert (list(old), list(again), list(new)) == ([b"old"], [b"old"], [b"newer"])
    assert dict(new.headers)["content-length"] == "5"
    assert dict(new.headers)["etag"] != dict(old.headers)["etag"]


@pytest.mark.parametrize("value", [None, "bytes=0-0,5-5", "bytes=0-0,2-2,4-4"])
def test_what_was_read_of_a_file_just_written_stays_too(
    tree: Callable[..., Path], door: str, value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the clock is the real one
    root = tree({"t.txt": "0123456789"})
    files = StaticFiles(root)
    client = Client(files, door)
    assert client.get("/t.txt").body == b"0123456789"
    (root / "t.txt").unlink()
    for _ in range(2):
        # Several ranges of so small a file cost more than all of it.
        assert client.get("/t.txt", {"Range": value} if value else {}).body == b"0123456789"
    (root / "t.txt").write_bytes(b"9876543210")
    files.refresh()
    assert client.get("/t.txt").body == b"9876543210"


def test_bytes_of_a_file_just_written_are_read_again_after_a_refresh(
    tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    root = tree({"t.txt": "old"})
    for room in ("memory", "root_by_descriptor"):
        monkeypatch.setattr(f"dualstatic.disk.{room}.identity", lambda status: (1, 2, 3, 4, 5))
    files = StaticFiles(root)
    assert ask(files, "t.txt")[1] == b"old"
    (root / "t.txt").write_bytes(b"new")  # within the grain of a time stamp
    files.refresh()
    assert ask(files, "t.txt")[1] == b"new"


@needs_inotify
@pytest.mark.parametrize("sibling", ["t.txt.gz", "t.txt.br"])
def test_a_resource_that_has_no_room_is_not_read_for_it_again(
    tree: Callable[..., Path], sibling: str
) -> None:
    root = tree({"t.txt": bytes(60), sibling: bytes(50)})
    files = StaticFiles(root, memory=100)
    assert ask(files, "t.txt") == (200, bytes(60), False)
    with Watch(root, events=ACCESS) as watch:
        assert files.answer(Request("HEAD", "/t.txt"))
        assert files.answer(Request("GET", "/t.txt"))
        assert watch.take() == set()
    assert ask(files, "t.txt") == (200, bytes(60), False)


@pytest.mark.parametrize(("size", "kept"), [(KIB * KIB, True), (KIB * KIB + 1, False), (0, True)])
def test_files_up_to_one_mebibyte_are_kept(
    tree: Callable[..., Path], size: int, kept: bool
) -> None:
    files = StaticFiles(tree({"t.bin": bytes(size)}))
    assert ask(files, "t.bin") == (200, bytes(size), kept)


@pytest.mark.parametrize("options", [{"memory": 0}, {"live": True}, {"memory": 9}])
def test_without_room_nothing_is_kept(tree: Callable[..., Path], options: dict[str, int]) -> None:
    files = StaticFiles(tree({"t.txt": "0123456789"}), **options)
    for _ in range(3):
        assert ask(files, "t.txt") == (200, b"0123456789", False)


def test_what_was_used_least_lately_goes_first(tree: Callable[..., Path]) -> None:
    names = [f"{number}.bin" for number in range(4)]
    files = StaticFiles(tree(dict.fromkeys(names, bytes(KIB))), memory=3 * KIB)
    client = Client(files, "wsgi")
    for name in names[:3]:
        client.get(f"/{name}")
    client.get("/0.bin")
    client.get("/3.bin")
    assert [has(files, name) for name in names] == [True, False, True, True]
    assert client.get("/1.bin").body == bytes(KIB)
    assert [has(files, name) for name in names] == [True, True, False, True]


def test_what_is_known_of_a_file_outlives_its_bytes(tree: Callable[..., Path]) -> None:
    files = StaticFiles(tree({"a.bin": bytes(KIB), "b.bin": bytes(KIB)}), memory=KIB)
    response = files.answer(Request("GET", "/a.bin"))
    assert response is not None
    tag = dict(response.headers)["etag"]
    ask(files, "b.bin")
    assert not has(files, "a.bin")
    again = Request("GET", "/a.bin", headers={"if-none-match": tag})
    not_modified = files.answer(again, wait=False)
    assert not_modified is not None
    assert not_modified.status == 304


def test_a_refresh_reads_no_unchanged_file_again(
    tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree({"a.txt": "same", "b.txt": "one"})
    files = StaticFiles(root)
    ask(files, "a.txt")
    ask(files, "b.txt")
    (root / "b.txt").write_bytes(b"two")
    files.refresh()
    read = []
    read_at = validators.read_at
    monkeypatch.setattr(validators, "read_at", lambda *args: read.append(args) or read_at(*args))
    assert ask(files, "a.txt") == (200, b"same", True)
    assert read == []
    assert ask(files, "b.txt") == (200, b"two", True)
    assert len(read) == 1


@pytest.mark.parametrize("limit", [0, 2**20])
def test_a_file_of_an_image_that_is_mounted_where_an_earlier_one_was_is_another(
    limit: int, tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read-only images give all files of a build one date, ctime included, and the same numbers.

    The number of a device is free again when nothing of it is open.
    """
    device = [1000]

    def mounted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            status = real(*arguments, **more)
            fields = {name: getattr(status, name) for name in dir(status) if name[:3] == "st_"}
            return SimpleNamespace(**fields | {"st_dev": device[0], "st_ctime_ns": 0})

        return call

    for call in ("stat", "fstat"):
        patch_everywhere(monkeypatch, call, mounted)
    root = tree({"a.txt": b"one"})
    files = StaticFiles(root, memory=limit)
    tags = []
    for device[0], content in ((1000, b"one"), (1001, b"two"), (1000, b"six")):
        (root / "a.txt").write_bytes(content)
        os.utime(root / "a.txt", (0, 0))
        files.refresh()
        answer = files.answer(Request("GET", "/a.txt"))
        assert answer
        assert b"".join(answer) == content
        tags.append(dict(answer.headers)["etag"])
    assert len(set(tags)) == 3


def test_a_sibling_in_memory_is_one_of_its_resource(tree: Callable[..., Path]) -> None:
    root = tree({"app.js": "x" * 100, "app.js.gz": "zipped"})
    files = StaticFiles(root, memory=106)
    assert ask(files, "app.js", **{"accept-encoding": "gzip"}) == (200, b"zipped", True)
    assert ask(files, "app.js")[2]
    assert not ask(StaticFiles(root, memory=105), "app.js")[2]


def test_an_index_page_is_in_memory_under_its_folder(tree: Callable[..., Path]) -> None:
    files = StaticFiles(tree({"sub/index.html": "page"}), html=True)
    client = Client(files, "asgi")
    assert client.get("/sub/").body == b"page"
    assert has(files, "sub/")
    assert client.get("/sub/?a=1").body == b"page"
    assert client.get("/sub").status == 307


@pytest.mark.parametrize(
    "target", ["/sub%2ft.txt", "/%ff.txt", "/sub%5ct.txt", "/t.txt%", "/t.txt#f"]
)
def test_memory_refuses_the_targets_that_the_disk_refuses(
    tree: Callable[..., Path], door: str, target: str
) -> None:
    files = StaticFiles(tree({"t.txt": "t", "sub/t.txt": "s", "\ufffd.txt": "u", "t.txt#f": "f"}))
    client = Client(files, door)
    for name in ("/t.txt", "/sub/t.txt", "/%EF%BF%BD.txt", "/t.txt%23f"):
        assert client.get(name).status == 200
        assert not client.get(name).passed
    assert client.get(target).passed


OWN = "{own}"
VISITS = [
    {},
    {"If-None-Match": OWN},
    {"If-None-Match": OWN, "If-Modified-Since": "Mon, 01 Jan 1990 00:00:00 GMT"},
    {"If-None-Match": f"W/{OWN}"},
    {"If-None-Match": f'"other", {OWN}'},
    {"If-None-Match": '"other"'},
    {"If-None-Match": '"other"', "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
    {"If-None-Match": "*"},
    {"If-None-Match": ""},
    {"If-None-Match": OWN, "If-Match": '"other"'},
    {"If-None-Match": OWN, "If-Unmodified-Since": "Mon, 01 Jan 1990 00:00:00 GMT"},
    {"If-None-Match": OWN, "Accept-Encoding": "br"},
    {"If-None-Match": '"other"', "Range": "bytes=1-2"},
    {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
    {"If-Modified-Since": "Mon, 01 Jan 1990 00:00:00 GMT"},
    {"If-Range": OWN},
    {"Range": "bytes=1-2", "If-Range": OWN},
]


@each("method", ["GET", "HEAD"])
@each("fields", VISITS)
def test_the_short_way_gives_what_the_long_way_gives(
    tree: Callable[..., Path], door: str, method: str, fields: dict[str, str]
) -> None:
    root = tree({"app.js": "0123456789", "app.js.br": "0123"})
    short, long = (Client(StaticFiles(root, memory=size), door) for size in (KIB, 0))
    own = short.get("/app.js")["etag"]
    lines = {name: value.replace(OWN, own) for name, value in fields.items()}
    for _ in range(2):
        assert short.ask(method, "/app.js", lines) == long.ask(method, "/app.js", lines)


@pytest.mark.parametrize("value", ["{own}", '"other"'])
def test_of_several_lines_of_a_field_all_are_read(
    tree: Callable[..., Path], door: str, value: str
) -> None:
    client = Client(StaticFiles(tree({"t.txt": "t"})), door)
    own = client.get("/t.txt")["etag"]
    lines = [("If-None-Match", '"a"'), ("If-None-Match", value.replace(OWN, own))]
    for _ in range(2):
        assert client.get("/t.txt", lines).status == (304 if value == OWN else 200)
        assert client.get("/t.txt", lines[::-1]).status == (304 if value == OWN else 200)


def test_a_middleware_outside_may_change_what_it_was_given(
    tree: Callable[..., Path], door: str
) -> None:
    client = Client(StaticFiles(tree({"t.txt": "t"})), door)
    for _ in range(3):
        answer = client.get("/t.txt")
        assert "x-more" not in answer
        answer.fields.append(("x-more", "1"))


def test_bytes_and_fields_belong_together_under_threads(tree: Callable[..., Path]) -> None:
    """Threads ask while files are replaced, the index refreshed, and memory has room for few."""
    root = tree({f"{number}.bin": bytes([number]) * KIB for number in range(8)})
    files = StaticFiles(root, memory=3 * KIB)
    stop = threading.Event()
    faults: list[object] = []

    def readers(seed: int) -> None:
        choice = random.Random(seed)
        try:
            while not stop.is_set():
                request = Request("GET", f"/{choice.randrange(8)}.bin")
                answer = files.answer(request)
                assert answer is not None
                content, tag = b"".join(answer), dict(answer.headers)["etag"]
                # A file that is replaced while it is read has a tag of its size and time.
                if tag != f'"{hashlib.sha256(content).hexdigest()[:32]}"':
                    faults.append(answer)
        except BaseException as error:  # noqa: BLE001 (it is shown below)
            faults.append(error)

    threads = [threading.Thread(target=readers, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    choice = random.Random(0)
    try:
        for number in range(60):
            other = root / "new"
            other.write_bytes(choice.randbytes(KIB))
            # Settled as they are, files that share an inode have to differ in their times.
            os.utime(other, (OLD + number + 1, OLD + number + 1))
            other.replace(root / f"{choice.randrange(8)}.bin")
            files.refresh()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert faults == []
    names = [f"{number}.bin" for number in range(8)]
    assert len(kept(files, names)) <= 3
    for name in names:
        assert ask(files, name)[2]
    assert kept(files, names) == names[5:]


def test_what_an_old_index_found_is_not_kept_by_the_new_one(
    tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release switch, and a refresh, while a name of the old release is looked up."""
    one, two = tree({"t.txt": "one"}, "one"), tree({"t.txt": "two"}, "two")
    current = one.parent / "current"
    current.symlink_to(one)
    files = StaticFiles(current)
    read, switched = validators.read_at, []

    def read_and_switch(*arguments: int) -> bytes:
        content = read(*arguments)
        if not switched:
            switched.append(True)
            current.unlink()
            current.symlink_to(two)
            files.refresh()
        return content

    monkeypatch.setattr(validators, "read_at", read_and_switch)
    assert ask(files, "t.txt")[1] == b"one"
    assert switched
    for _ in range(2):
        assert ask(files, "t.txt")[1] == b"two"
    assert has(files, "t.txt")
    assert holds(one.parent, [str(two)])


def test_a_scope_or_environ_may_lack_what_is_optional(tree: Callable[..., Path], door: str) -> None:
    """A hand-made one may even lack its headers; memory answers it all the same."""
    client = Client(StaticFiles(tree({"t.txt": "t"})), door)
    optional = ("headers", "raw_path", "root_path", "extensions", "query_string")
    missing = dict.fromkeys(optional) if door == "asgi" else {"REQUEST_URI": None}
    for _ in range(2):
        assert client.get("/t.txt", **missing).body == b"t"


def test_a_tree_with_links_to_directories_is_remembered_too(tree: Callable[..., Path]) -> None:
    files = StaticFiles(tree({"sub/t.txt": "t", "link": Link("sub")}))
    for name in ("sub/t.txt", "link/t.txt"):
        assert ask(files, name) == (200, b"t", True)
        assert has(files, name)


def test_two_requests_that_find_the_same_keep_it_once(
    tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As two first requests for an index page do, at the same time."""
    contents = dict.fromkeys(("sub/index.html", "other.bin"), bytes(KIB))
    files = StaticFiles(tree(contents), html=True, memory=2 * KIB)
    assert ask(files, "other.bin")[2]
    read = validators.read_at

    def slow(*arguments: int) -> bytes:
        time.sleep(0.05)
        return read(*arguments)

    def first(number: int) -> None:
        assert ask(files, ("sub/", "sub/index.html")[number % 2]) == (200, bytes(KIB), True)

    monkeypatch.setattr(validators, "read_at", slow)
    run_threads(*[partial(first, number) for number in range(8)])
    names = ["sub/", "sub/index.html", "other.bin"]
    assert kept(files, names) == names


def test_a_page_is_counted_once_however_many_paths_it_has(tree: Callable[..., Path]) -> None:
    root = tree({"index.html": b"p" * 600 * KIB, "other.bin": b"o" * 600 * KIB})
    files = StaticFiles(root, html=True, memory=1000 * KIB)
    for target in ("", "index.html", "", "index.html"):
        assert ask(files, target)[2]
        assert has(files, "")
    assert ask(files, "other.bin")[2]
    assert not has(files, "")
    assert not has(files, "index.html")
    assert ask(files, "")[2]
    assert not has(files, "other.bin")


def test_a_page_stays_as_long_as_one_of_its_paths_is_used(tree: Callable[..., Path]) -> None:
    names = {f"{number}.bin": b"o" * 300 * KIB for number in range(4)}
    files = StaticFiles(tree({"index.html": b"p" * 300 * KIB, **names}), html=True, memory=2**20)
    client = Client(files, "wsgi")
    client.get("/index.html")
    for name in names:
        client.get("/")
        client.get(f"/{name}")
        assert has(files, "")
    for name in names:
        client.get(f"/{name}")
    assert not has(files, "")
    assert kept(files, names) == ["1.bin", "2.bin", "3.bin"]


SHARED = """
import gc, sys
from dualstatic import Request, StaticFiles

names = [f"{number}.bin" for number in range(5)]

def kept(files):
    found = []
    for name in names:
        try:
            files.answer(Request("GET", f"/{name}"), wait=False)
        except BlockingIOError:
            continue
        found.append(name)
    return found

def ask_all(files):
    for name in names:
        with files.answer(Request("GET", f"/{name}")) as answer:
            assert b"".join(answer) == bytes(1024)

several = [StaticFiles(sys.argv[1], memory=size * 1024) for size in (3, 4, 5)]
for files in several:
    ask_all(files)
print(sorted(len(kept(files)) for files in several))
files = several.pop()
del several
gc.collect()
ask_all(files)
print(len(kept(files)))
"""


def test_a_process_keeps_no_more_than_its_largest_memory(tree: Callable[..., Path]) -> None:
    """However many it has: the one that keeps most gives way."""
    root = tree({f"{number}.bin": bytes(KIB) for number in range(5)})
    for path in root.iterdir():
        os.utime(path, (OLD, OLD))
    assert run("-c", SHARED, str(root)).stdout == "[1, 2, 2]\n5\n"


def test_what_a_refresh_left_goes_for_what_is_asked_after_it(tree: Callable[..., Path]) -> None:
    names = [f"{number}.bin" for number in range(4)]
    files = StaticFiles(tree(dict.fromkeys(names, bytes(KIB))), memory=2 * KIB)
    for name in names[:2]:
        ask(files, name)
    files.refresh()
    assert kept(files, names) == []
    for name in names[2:]:
        assert ask(files, name)[2]
    assert kept(files, names) == names[2:]
    files.refresh()
    for name in names[1:]:
        assert ask(files, name)[2]
    assert kept(files, names) == names[2:]


def test_all_files_of_a_process_share_the_largest_budget(
    tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever keeps most gives way; each keeps to its own limit, too."""
    monkeypatch.setattr("dualstatic.disk.memory._memories", WeakSet())  # not those of other tests
    names = [f"{number}.bin" for number in range(8)]
    root = tree(dict.fromkeys(names, bytes(KIB)))
    small, large = StaticFiles(root, memory=2 * KIB), StaticFiles(root, memory=8 * KIB)
    for files in (large, small):
        for name in names:
            ask(files, name)
    held = [[name for name in names if has(files, name)] for files in (small, large)]
    assert held == [names[-2:], names[2:]]
    del files, large
    gc.collect()
    another = StaticFiles(root, memory=2 * KIB)
    ask(another, names[0])
    assert has(another, names[0])
    assert [name for name in names if has(small, name)] == names[-1:]


def test_paths_through_links_to_each_other_take_no_room_from_others(
    tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dualstatic.disk.look_up._UNLISTED", 20)
    links = {f"link{number}": Link("a") for number in range(60)}
    files = StaticFiles(tree({"a/t.txt": "t", "late.txt": "late", **links}))
    for link in links:
        assert ask(files, f"{link}/t.txt")[1] == b"t"
    assert ask(files, "late.txt")[1] == b"late"
    assert has(files, "late.txt")
    assert [link for link in links if has(files, f"{link}/t.txt")] == [*links][40:]


def test_a_file_with_many_names_is_kept_once(tree: Callable[..., Path]) -> None:
    """A client can make many names of one file, and would have others' files let go."""
    links = {f"link{number}": Link("a") for number in range(8)}
    others = {name: name.encode() * KIB for name in "xy"}
    root = tree({"a/t.bin": bytes(KIB), "other.bin": b"o" * KIB, **others, **links})
    files = StaticFiles(root, memory=2 * KIB)
    ask(files, "other.bin")
    for link in links:
        assert ask(files, f"{link}/t.bin") == (200, bytes(KIB), True)
    assert has(files, "other.bin")
    assert all(has(files, f"{link}/t.bin") for link in links)
    for name in others:
        ask(files, name)
    assert kept(files, [*others, "other.bin", *(f"{link}/t.bin" for link in links)]) == [*others]
    files.refresh()
    assert not files.site.look_up.memory._uses


def test_a_part_is_read_from_the_disk_if_its_file_makes_room_just_now(
    tree: Callable[..., Path],
) -> None:
    files = StaticFiles(tree({"a.txt": b"0123456789" * 6, "b.txt": b"b" * 60}), memory=100)
    client = Client(files, "asgi")
    assert client.get("/a.txt").body == b"0123456789" * 6

    def trace(frame: FrameType, event: str, argument: object) -> None:
        if frame.f_code.co_name == "in_parts":
            sys.settrace(None)
            assert ask(files, "b.txt") == (200, b"b" * 60, True)

    sys.settrace(trace)
    try:
        answer = client.get("/a.txt", {"Range": "bytes=3-5"})
        assert sys.gettrace() is None  # it was there
    finally:
        sys.settrace(None)
    assert (answer.status, answer.body) == (206, b"345")


def test_bytes_may_be_asked_for_while_room_is_made(tree: Callable[..., Path]) -> None:
    """As by another thread, which waits for no lock, between any two steps."""
    names = ["a.txt", "b.txt", "c.txt"]
    files = StaticFiles(tree({name: name[:1] * 40 for name in names}), memory=100)
    assert [ask(files, name)[2] for name in names[:2]] == [True, True]
    look_up, steps = files.site.look_up, []

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        frame.f_trace_opcodes = frame.f_code.co_name == "_let_one_go"
        if event == "opcode":
            steps.append(frame.f_lasti)
            for name in names[:2]:
                if resource := look_up.answers.get(f"/{name}"):
                    with suppress(KeyError):
                        look_up.touch(resource)
        return trace

    sys.settrace(trace)
    try:
        assert ask(files, "c.txt")[:2] == (200, b"c" * 40)
    finally:
        sys.settrace(None)
    assert steps
    assert kept(files, names) == names[:2]
