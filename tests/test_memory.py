"""The bytes kept in memory: what is asked again, what is let go, what belongs together."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dualstatic import Body, Request, StaticFiles

from .doors import Client
from .trees import OLD, Link, settle
from .watch import ACCESS, Watch, needs_inotify

KIB = 1024


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has just been written is not remembered: here it is old."""
    settle(monkeypatch)


def ask(files: StaticFiles, name: str, **headers: str) -> tuple[int, bytes, bool]:
    """Status and body of a GET, and whether the bytes were in memory."""
    response = files.get_response(Request("GET", f"/{name}", headers=headers))
    assert response is not None
    return response.status, b"".join(Body(response)), response.file is None


def has(files: StaticFiles, name: str) -> bool:
    """Whether a GET is answered without touching the disk."""
    try:
        response = files.get_response(Request("GET", f"/{name}"), wait=False)
    except BlockingIOError:
        return False
    return response is not None and response.file is None


def test_a_small_file_is_in_memory_from_its_first_use(tree: Callable[..., Path]) -> None:
    files = StaticFiles(tree({"t.txt": "0123456789"}))
    assert not has(files, "t.txt")
    assert ask(files, "t.txt") == (200, b"0123456789", True)
    assert has(files, "t.txt")
    assert ask(files, "t.txt", range="bytes=2-4") == (206, b"234", True)


def test_bytes_in_memory_stay_until_the_refresh(tree: Callable[..., Path]) -> None:
    root = tree({"t.txt": "old"})
    files = StaticFiles(root)
    old = files.get_response(Request("GET", "/t.txt"))
    (root / "t.txt").write_bytes(b"newer")
    assert files.get_response(Request("GET", "/t.txt")) == old
    files.refresh()
    new = files.get_response(Request("GET", "/t.txt"))
    assert new is not None
    assert old is not None
    assert (new.body, dict(new.headers)["content-length"]) == ((b"newer",), "5")
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
    monkeypatch.setattr("dualstatic.disk.root.identity", lambda status: (1, 2, 3, 4, 5))
    monkeypatch.setattr("dualstatic.disk.memory.identity", lambda status: (1, 2, 3, 4, 5))
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
        assert files.get_response(Request("HEAD", "/t.txt"))
        assert files.get_response(Request("GET", "/t.txt"))
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
    response = files.get_response(Request("GET", "/a.bin"))
    assert response is not None
    tag = dict(response.headers)["etag"]
    ask(files, "b.bin")
    assert not has(files, "a.bin")
    again = Request("GET", "/a.bin", headers={"if-none-match": tag})
    not_modified = files.get_response(again, wait=False)
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
    pread = os.pread
    monkeypatch.setattr(
        "dualstatic.disk.validators.read_at", lambda *args: read.append(args) or pread(*args)
    )
    assert ask(files, "a.txt") == (200, b"same", True)
    assert read == []
    assert ask(files, "b.txt") == (200, b"two", True)
    assert len(read) == 1


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


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("fields", VISITS, ids=str)
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
                response = files.get_response(request)
                if response is None or response.file is not None:
                    continue
                tag = hashlib.sha256(b"".join(Body(response))).hexdigest()[:32]
                if dict(response.headers)["etag"] != f'"{tag}"':
                    faults.append(response)
        except BaseException as error:  # noqa: BLE001 (it is shown below)
            faults.append(error)

    threads = [threading.Thread(target=readers, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    choice = random.Random(0)
    for number in range(60):
        other = root / "new"
        other.write_bytes(choice.randbytes(KIB))
        # Settled as they are, files that share an inode have to differ in their times.
        os.utime(other, (OLD + number + 1, OLD + number + 1))
        other.rename(root / f"{choice.randrange(8)}.bin")
        files.refresh()
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert files._look_up._memory._total <= 3 * KIB  # type: ignore[union-attr]


def test_what_an_old_index_found_is_not_kept_by_the_new_one(
    tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release switch, and a refresh, while a name of the old release is looked up."""
    one, two = tree({"t.txt": "one"}, "one"), tree({"t.txt": "two"}, "two")
    current = one.parent / "current"
    current.symlink_to(one)
    files = StaticFiles(current)
    index: Any = files._look_up
    find = index._finder.find

    def find_and_switch(*arguments: Any) -> Any:
        found = find(*arguments)
        monkeypatch.undo()
        settle(monkeypatch)
        current.unlink()
        current.symlink_to(two)
        files.refresh()
        return found

    monkeypatch.setattr(type(index._finder), "find", lambda self, *rest: find_and_switch(*rest))
    assert ask(files, "t.txt")[1] == b"one"
    assert ask(files, "t.txt")[1] == b"two"


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


def test_two_requests_that_find_the_same_keep_it_once(tree: Callable[..., Path]) -> None:
    """As two first requests for an index page do, at the same time."""
    files = StaticFiles(tree({"sub/index.html": "page"}), html=True)
    assert Client(files, "wsgi").get("/sub/").body == b"page"
    index: Any = files._look_up
    index.remember("/sub/", index.ready["/sub/"])
    assert has(files, "sub/")
    assert has(files, "sub/index.html")


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
    assert files._look_up._memory._total <= 2**20
    assert len(files._look_up._memory._paths) <= 3


def test_what_is_kept_while_a_refresh_ends_is_counted(
    tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree({f"{number}.bin": bytes([number]) * 600 * KIB for number in range(2)})
    files = StaticFiles(root, memory=1000 * KIB)
    ask(files, "0.bin")
    memory: Any = files._look_up._memory
    forget = memory.forget_resources

    def ask_and_forget(openers: Any) -> None:
        ask(files, "1.bin")
        forget(openers)

    monkeypatch.setattr(memory, "forget_resources", ask_and_forget)
    files.refresh()
    ask(files, "0.bin")
    assert has(files, "0.bin")
    assert not has(files, "1.bin")
