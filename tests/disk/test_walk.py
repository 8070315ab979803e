"""The walk below a root: what it looks at, and what it does without a wait for the disk."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from dualstatic import StaticFiles
from dualstatic.disk import nowait, root_by_descriptor
from dualstatic.disk import root as disk_root
from dualstatic.disk.errors import OnceLogger, logger
from dualstatic.disk.root import Directory
from dualstatic.disk.targets import parts_below
from tests.support.doors import Client
from tests.support.each import each
from tests.support.faults import fails_to_open, fold_case, patch_everywhere
from tests.support.steps import open_below
from tests.support.trees import Link, settle, write_tree

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="openat2 is Linux's")

TREE: dict[str, bytes | str | Link | None] = {
    "t.txt": "0123456789",
    "a/b/f.txt": "two down",
    "link.txt": Link("t.txt"),
    "folder": Link("a/b"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_tree(tmp_path / "outside", {"x.txt": "SECRET"})
    return write_tree(tmp_path / "www", TREE)


SYSTEMS = [pytest.param(False, id="paths")]
if os.open in os.supports_dir_fd:
    SYSTEMS.append(pytest.param(True, id="descriptors"))


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_root, "_HAS_DESCRIPTORS", request.param)


@contextmanager
def all_closed(directory: Directory) -> Iterator[None]:
    """Whatever is raised within, nothing of a directory is left open."""
    before = open_below(Path(directory.path))
    try:
        yield
    finally:
        assert open_below(Path(directory.path)) == before


def read(directory: Directory, name: str, *, wait: bool) -> bytes:
    """Read a file that was found before."""
    with (
        all_closed(directory),
        open(directory.open_again(name, {}, (), wait=wait), "rb") as file,
    ):
        return file.read()


def walk_to(directory: Directory, name: str) -> None:
    """Open a file as it is opened the first time."""
    folder, _, leaf = name.rpartition("/")
    with all_closed(directory), directory.walk() as walk:
        walk.enter(folder)
        descriptor, status = walk.open(leaf)
        assert os.path.samestat(os.fstat(descriptor), status)
        os.close(descriptor)


# Without a wait.


@pytest.fixture
def devices() -> None:
    """No device has shown anything yet."""
    nowait._answering.clear()


@pytest.fixture(params=[False, True], ids=["a name", "pinned"])
def directory(request: pytest.FixtureRequest, root: Path, devices: None) -> Directory:
    directory = Directory(str(root), follow_symlink=False)
    return directory.pin() if request.param else directory


@on_linux
@pytest.mark.parametrize("name", ["t.txt", "a/b/f.txt"])
def test_a_file_is_opened_at_once_where_its_device_has_shown_that_it_answers_at_once(
    name: str, directory: Directory, root: Path
) -> None:
    for _ in range(2):
        with pytest.raises(BlockingIOError):
            read(directory, name, wait=False)
    walk_to(directory, "t.txt")
    os.stat(root / name)
    assert read(directory, name, wait=False) == (root / name).read_bytes()


@on_linux
def test_a_device_that_can_not_tell_has_to_be_waited_for(devices: None) -> None:
    directory = Directory("/proc/sys/kernel", follow_symlink=False)
    walk_to(directory, "ostype")
    assert read(directory, "ostype", wait=True) == b"Linux\n"
    device = os.stat("/proc/sys/kernel/ostype").st_dev
    assert not nowait.answers_at_once(device)
    for _ in range(2):
        with pytest.raises(BlockingIOError):
            read(directory, "ostype", wait=False)


@on_linux
def test_a_read_at_once_gives_what_is_there(root: Path, devices: None) -> None:
    window = memoryview(bytearray(20))
    with (root / "t.txt").open("rb") as file:
        assert file.read() == b"0123456789"
        device = os.fstat(file.fileno()).st_dev
        assert nowait.read_now(file.fileno(), window, 4, device) == 6
    assert window[:6] == b"456789"
    assert nowait.answers_at_once(device)


@on_linux
def test_what_is_not_there_is_a_miss_at_once(directory: Directory, root: Path) -> None:
    walk_to(directory, "t.txt")
    for name in ("nothing", "nothing/at/all", "a/nothing"):
        assert not os.path.lexists(root / name)
        with pytest.raises(FileNotFoundError):
            read(directory, name, wait=False)


@on_linux
@pytest.mark.parametrize("wait", [True, False])
def test_one_call_tells_what_is_not_there_unless_there_is_a_link(
    wait: bool, directory: Directory, root: Path
) -> None:
    names = {*TREE, "nothing", "a/nothing", "a/b", "folder/nothing"}
    for name in names:
        os.path.lexists(root / name)

    lacked = {name for name in names if directory.lacks(name, wait=wait)}
    assert lacked == {"nothing", "a/nothing", "a/b"}
    assert directory.lacks("t.txt/x", wait=wait) == wait


@on_linux
@pytest.mark.parametrize("name", ["link.txt", "folder/f.txt", "never looked at", "a/never"])
def test_what_only_the_disk_tells_has_to_be_waited_for(name: str, directory: Directory) -> None:
    walk_to(directory, "t.txt")
    with pytest.raises(BlockingIOError):
        read(directory, name, wait=False)


@on_linux
def test_links_that_are_followed_anywhere_are_followed_at_once(root: Path, devices: None) -> None:
    directory, soon = Directory(str(root), follow_symlink=True), time.time() + 60
    for name in ("link.txt", "folder/f.txt"):
        # Linux writes down the time when a link is followed that wasn't since its last change
        # (`relatime`). A call that may not wait refuses then, so the time is set ahead here.
        os.utime(root / name.partition("/")[0], (soon, soon - 60), follow_symlinks=False)
        walk_to(directory, name)
        content = read(directory, name, wait=True)
        assert read(directory, name, wait=False) == content


@on_linux
@pytest.mark.parametrize("call", ["_call_at_once", "_statx"])
def test_an_older_system_has_to_be_waited_for(
    call: str, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk_to(directory, "t.txt")
    monkeypatch.setattr(root_by_descriptor, call, None)
    with pytest.raises(BlockingIOError):
        read(directory, "t.txt", wait=False)
    assert not directory.lacks("t.txt", wait=True)
    assert read(directory, "a/b/f.txt", wait=True) == b"two down"
    monkeypatch.setattr(root_by_descriptor, "_call", None)
    with pytest.raises(BlockingIOError):  # then a walk tells
        read(directory, "a/b/f.txt", wait=True)


@on_linux
@pytest.mark.parametrize("error", [errno.EINVAL, errno.EPERM])
def test_an_error_of_one_name_does_not_make_a_system_older(
    error: int, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk_to(directory, "t.txt")
    real = root_by_descriptor._call_at_once
    assert real is not None

    def call(number: int, place: int, path: bytes, *rest: Any) -> int:
        if path != b"odd":
            return int(real(number, place, path, *rest))
        ctypes.set_errno(error)
        return -1

    monkeypatch.setattr(root_by_descriptor, "_call_at_once", call)
    with pytest.raises(BlockingIOError):
        read(directory, "odd", wait=False)
    assert read(directory, "t.txt", wait=False) == b"0123456789"


def test_where_nothing_is_opened_relative_to_a_directory_all_has_to_be_waited_for(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_root, "_HAS_DESCRIPTORS", False)
    directory = Directory(str(root), follow_symlink=False)
    for one in (directory, directory.pin()):
        with pytest.raises(BlockingIOError):
            read(one, "t.txt", wait=False)
        with one.walk() as walk:
            assert walk.here is None


@on_linux
@pytest.mark.parametrize("path", ["a/b", "folder", "a//./b", "folder/."])
def test_a_walk_knows_where_it_stands(path: str, root: Path) -> None:
    with Directory(str(root), follow_symlink=False).walk() as walk:
        walk.enter(path)
        assert walk.here is not None
        assert os.path.samestat(os.stat(walk.here), os.stat(root / "a/b"))
        assert walk.real("f.txt") == "a/b/f.txt"
        assert walk.links == path.startswith("folder")


@pytest.mark.usefixtures("system")
def test_a_walk_asks_for_the_path_of_its_root_once(root: Path) -> None:
    """A zipped package looks at each folder of its copy before it tells where that is."""
    asked: list[Path] = []

    class Asked(os.PathLike[str]):
        def __fspath__(self) -> str:
            asked.append(root)
            return str(root)

    with Directory(Asked(), follow_symlink=False).walk() as walk:
        walk.enter("folder")
        os.close(walk.open("f.txt")[0])
    assert asked == [root]


# What can't be told from a miss.


@pytest.mark.usefixtures("system")
def test_a_failure_of_the_disk_is_told_from_a_name_that_is_not_there(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(root, {"t.txt.gz": "0"})
    with Directory(str(root), follow_symlink=False).walk() as walk:
        patch_everywhere(monkeypatch, "stat", fails_to_open("t.txt.gz", errno.EIO))
        assert walk.has("t.txt.gz")
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            walk.open("t.txt.gz")
        assert not walk.has("t.txt.br")


@pytest.mark.usefixtures("system")
@pytest.mark.parametrize(
    ("call", "old", "new", "target"),
    [
        ("stat", "t.txt", "link.txt", "/t.txt"),
        ("readlink", "link.txt", "a/b/f.txt", "/link.txt"),
        ("readlink", "folder", "a/b", "/folder/f.txt"),
    ],
)
def test_what_is_replaced_between_two_calls_is_looked_up_once_more(
    call: str,
    old: str,
    new: str,
    target: str,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    door: str,
) -> None:
    """A file becomes a link when it has been looked at, a link another thing before it is read."""
    if call == "stat":
        (root / "link.txt").unlink()
        (root / "link.txt").symlink_to("a/b/f.txt")
    replaced: list[str] = []

    def replacing(real: Callable[..., Any]) -> Callable[..., Any]:
        def made(path: Any, *arguments: Any, **more: Any) -> Any:
            seen = real(path, *arguments, **more) if call == "stat" else None
            if not replaced and str(path).endswith(old):
                replaced.append(old)
                (root / old).unlink()
                (root / new).replace(root / old)
            return seen or real(path, *arguments, **more)

        return made

    client = Client(StaticFiles(root, live=True), door)
    patch_everywhere(monkeypatch, call, replacing)
    assert client.get(target).body == b"two down"
    assert replaced


@pytest.mark.usefixtures("system")
@pytest.mark.parametrize("follow_symlink", [False, True])
@pytest.mark.parametrize(("served", "target"), [("", "/link/t.txt"), ("link", "/t.txt")])
def test_a_deploy_that_switches_a_link_takes_no_file_away(
    served: str,
    target: str,
    follow_symlink: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    door: str,
) -> None:
    """What the link led to is removed when a walk has just gone there."""
    write_tree(tmp_path, {"1/t.txt": "old", "2/t.txt": "new", "link": Link("1"), "next": Link("2")})

    def deploying(real: Callable[..., Any]) -> Callable[..., Any]:
        def stat(path: Any, *arguments: Any, **more: Any) -> Any:
            if str(path).endswith("t.txt") and (tmp_path / "1").exists():
                (tmp_path / "next").replace(tmp_path / "link")
                shutil.rmtree(tmp_path / "1")
            return real(path, *arguments, **more)

        return stat

    client = Client(StaticFiles(tmp_path / served, live=True, follow_symlink=follow_symlink), door)
    patch_everywhere(monkeypatch, "stat", deploying)
    assert client.get(target).body == b"new"


# What lies outside.

OUTSIDE = {
    "hung.txt": Link("/hung/x.txt"),
    "hung": Link("/hung"),
    "up.txt": Link("../outside/x.txt"),
    "up": Link("../outside"),
    "dots.txt": Link("{root}/../outside/x.txt"),
    "chain.txt": Link("hung.txt"),
    "other.txt": Link("{root}/../alias/t.txt"),
    "hung.txt.gz": Link("/hung/x.txt"),
    "inside.txt": Link("{root}/a/../t.txt"),
}


@pytest.mark.usefixtures("system")
def test_nothing_outside_is_looked_at(
    serve: Callable[..., Client], root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(root, OUTSIDE)
    (tmp_path / "alias").symlink_to("www")
    looked_at: set[str] = set()

    def recording(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *arguments: Any, **more: Any) -> Any:
            if isinstance(path, str) and os.path.isabs(path):
                looked_at.add(os.path.normpath(path))
            return real(path, *arguments, **more)

        return call

    for name in ("stat", "lstat", "readlink", "access", "open", "scandir"):
        patch_everywhere(monkeypatch, name, recording)
    client = serve(root)
    for name in OUTSIDE:
        assert client.get(f"/{name}").passed == (name != "inside.txt"), name
    for name in ("hung/x.txt", "up/x.txt"):
        assert client.get(f"/{name}").passed
    assert client.get("/t.txt").status == 200
    own = set(map(str, root.parents))
    assert {path for path in looked_at - own if parts_below(path, str(root)) is None} == set()


def test_files_that_moved_out_behind_a_link_are_outside(
    serve: Callable[..., Client], root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are the same files, and were found before."""
    settle(monkeypatch)
    client = serve(root)
    assert [client.get("/a/b/f.txt").status for _ in range(2)] == [200, 200]
    (root / "a").replace(tmp_path / "moved")
    (root / "a").symlink_to(tmp_path / "moved")
    assert all(client.get("/a/b/f.txt").passed for _ in range(2))


def test_a_link_to_the_root_by_a_name_that_is_not_its_own_leads_out(
    serve: Callable[..., Client], root: Path, tmp_path: Path
) -> None:
    (tmp_path / "alias").symlink_to("www")
    (tmp_path / "now").symlink_to("alias")
    for name in ("www", "now", "alias"):
        (root / f"by-{name}.txt").symlink_to(tmp_path / name / "t.txt")
    client = serve(tmp_path / "now")
    found = {name: client.get(f"/by-{name}.txt").status for name in ("www", "now")}
    assert found == {"www": 200, "now": 200}
    assert client.get("/by-alias.txt").passed


# What is said.


def test_a_message_has_places_that_no_other_message_takes(caplog: pytest.LogCaptureFixture) -> None:
    log = OnceLogger()
    with caplog.at_level("WARNING", logger.name):
        for number in range(3000):
            log("one", f"/{number}")
        for _ in range(2):
            log("another", "/a\n")
    said = [record.getMessage() for record in caplog.records]
    named = [f"one: '/{number}'" for number in range(10)]
    assert said == [*named, "one: 11 places so far", "another: '/a\\n'"]


@pytest.mark.parametrize("follow_symlink", [False, True])
@pytest.mark.parametrize("message", ["left out, older than its file", "no permission to read"])
def test_names_through_a_cycle_of_links_take_one_place(
    serve: Callable[..., Client],
    root: Path,
    message: str,
    follow_symlink: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    write_tree(root, {"up": Link("."), "t.txt.gz": "0"})
    os.utime(root / "t.txt.gz", (10**9, 10**9))
    if message.startswith("no permission"):
        patch_everywhere(monkeypatch, "open", fails_to_open("t.txt.gz", errno.EACCES))
    client = serve(root, follow_symlink=follow_symlink)
    with caplog.at_level("WARNING", logger.name):
        for depth in range(4):
            assert client.get("/up" * depth + "/t.txt").status == 200
    said = [record.getMessage() for record in caplog.records]
    assert said == [f"{message}: {str(root / 't.txt.gz')!a}"]


@pytest.mark.rows("P076")
def test_a_name_is_compared_as_it_stands_on_the_disk_where_the_system_ignores_case(
    serve: Callable[..., Client], tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_root, "_FOLDS_CASE", True)
    fold_case(monkeypatch)
    root = tree({"t.txt": "t", "sub/a.txt": "a", "sub/index.html": "i", "link": Link("sub")})
    getattr(os, "mkfifo", Path.touch)(root / "fifo")
    client = serve(root, html=True)
    for target in ("/T.TXT", "/Sub/a.txt", "/sub/A.txt", "/SUB/", "/SUB", "/Fifo"):
        assert client.get(target).passed, target
    for target in ("/t.txt", "/sub/a.txt", "/sub/", "/link/a.txt"):
        answer = client.get(target)
        assert (answer.status, answer.passed) == (200, False), target


@pytest.mark.rows("P073")
def test_a_short_name_is_no_name_of_a_file_where_a_file_system_of_windows_is_mounted(
    serve: Callable[..., Client], tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(root_by_descriptor, "_call", None)
    monkeypatch.setattr(root_by_descriptor, "_call_at_once", None)
    short = {"ENV~1": ".env", "GIT~1": ".git", "SUB~1": "sub"}
    # The driver of Linux ignores dots at the end.
    fold_case(monkeypatch, short | {f"{name}...": long for name, long in short.items()})
    client = serve(tree({".env": "e", ".git/x/config": "c", "sub/.git/config": "c", "a~b": "a"}))

    def enter(place: int, path: str, *, follow: bool) -> int:
        """One call for several directories, which only Linux has."""
        whole = "/".join(short.get(name, name) for name in path.split("/"))
        return os.open(whole, os.O_RDONLY, dir_fd=place)

    if sys.platform == "linux":
        monkeypatch.setattr(root_by_descriptor, "enter", enter)
    for target in ("/ENV~1", "/GIT~1/x/config", "/sub/GIT~1/config", "/SUB~1/GIT~1/config"):
        assert client.get(target).passed, target
        assert client.get(target.replace("~1", "~1...")).passed, target
    assert client.get("/a~b").body == b"a"


@pytest.mark.rows("H374")
def test_a_dot_behind_what_a_file_system_ignores_begins_a_name(
    serve: Callable[..., Client], tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux ignores such characters where a directory ignores case (ext4, F2FS, tmpfs)."""
    monkeypatch.setattr(root_by_descriptor, "_call", None)
    monkeypatch.setattr(root_by_descriptor, "_call_at_once", None)
    ignored = "\xad\u034f\u200c\u2060\ufe0f\ufeff\U000e0100"
    fold_case(monkeypatch, {f"{mark}{name}": name for mark in ignored for name in (".env", ".git")})
    client = serve(tree({".env": "e", ".git/config": "c", "\u200ca.txt": "a"}))
    for mark in ignored:
        for target in (f"/{mark}.env", f"/{mark}.git/config"):
            assert client.get(quote(target)).passed, ascii(target)
    assert client.get(quote("/\u200ca.txt")).body == b"a"


@pytest.mark.rows("H376")
@each("name", [".well-known", "sub/.well-known", ".well-knownx"])
def test_only_a_file_that_is_well_known_itself_is_served(
    name: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({name: "here"}))
    assert client.get(f"/{name}").passed == (name != ".well-known")


def test_a_path_that_has_to_be_asked_for_is_asked_in_a_thread(root: Path) -> None:
    class Asked(os.PathLike[str]):
        def __fspath__(self) -> str:
            return str(root)

    with pytest.raises(BlockingIOError):
        Directory(Asked(), follow_symlink=False).open(wait=False)
