"""The walk by paths, for systems that open nothing relative to a directory."""

from __future__ import annotations

import ntpath
import os
import posixpath
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from dualstatic import StaticFiles, site
from dualstatic.disk import root as disk_root
from dualstatic.disk import root_by_path, validators
from dualstatic.disk.root_by_descriptor import kind_of
from dualstatic.disk.targets import literal, parts_below, relative_parts
from tests.cases import CASES
from tests.cases import site as maze
from tests.cases.case import MAZE, MAZE_FOLLOWED
from tests.conformance.judge import verdict
from tests.race import SHAPES, Reader, Shape, race
from tests.support.asking import answered
from tests.support.doors import Client, OnDisk
from tests.support.each import each
from tests.support.faults import patch_everywhere, path_of
from tests.support.steps import open_below
from tests.support.trees import Link, write_tree

needs_paths = pytest.mark.skipif(
    sys.platform not in ("linux", "win32"), reason="the system doesn't tell the path of a file"
)


def without_descriptors(real: Callable[..., Any]) -> Callable[..., Any]:
    """A function of `os` that takes the place of a directory by its path only."""

    def call(path: Any, *arguments: Any, dir_fd: int | None = None, **more: Any) -> Any:
        if dir_fd is not None or (
            isinstance(path, int) and real.__name__ in ("scandir", "listdir")
        ):
            raise NotImplementedError("dir_fd unavailable on this platform")
        return real(path, *arguments, **more)

    return call


def by_paths(patch: pytest.MonkeyPatch) -> None:
    """Take the descriptors of directories away from the package, as on Windows."""
    for call in ("open", "stat", "readlink", "access", "scandir"):
        patch_everywhere(patch, call, without_descriptors)
    patch.setattr(disk_root, "_HAS_DESCRIPTORS", False)
    patch.setattr(root_by_path, "final_path", lambda number: None)


def as_windows(patch: pytest.MonkeyPatch) -> None:
    """The rest of Windows: it tells the paths of open files, and finds names in any case."""
    patch.setattr(root_by_path, "final_path", path_of)
    patch.setattr(disk_root, "_FOLDS_CASE", True)
    patch.setattr(site, "_WINDOWS", True)


@pytest.fixture(params=["untold", pytest.param("told", marks=needs_paths)])
def paths_alone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to prove what was opened: the system tells its path, or it doesn't."""
    by_paths(monkeypatch)
    if request.param == "told":
        as_windows(monkeypatch)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    secrets = dict.fromkeys(("secret.txt", "s.txt", "index.html", "a.txt"), b"SECRET")
    for beside in ("outside", "www-secret"):
        write_tree(tmp_path / beside, secrets)
    return maze.make_maze(tmp_path / "www", maze.MAZE_LINKS | maze.FAR)


def check_cases(client: Client, setting: str) -> None:
    """Ask what the cases ask of a directory that is full of links."""
    asks = [ask for case in CASES for ask in case.asks if ask.setting == setting]
    assert len(asks) > 10
    for ask in asks:
        answer = answered(client, ask, setting, {})
        assert verdict(ask, answer, {}, has_app=True, is_ours=True) is None, (ask, answer)


@pytest.mark.usefixtures("paths_alone")
def test_links_lead_where_they_lead_by_descriptors(
    serve: Callable[..., Client], root: Path
) -> None:
    check_cases(serve(root, html=True), MAZE)


@pytest.mark.usefixtures("paths_alone")
def test_links_are_followed_anywhere_where_that_is_asked_for(
    serve: Callable[..., Client], root: Path, tmp_path: Path
) -> None:
    for name in maze.FAR:
        (root / name).unlink()
    write_tree(tmp_path / "far", {"a.txt": "far", "a.txt.gz": "gz", "back": Link("../www")})
    (root / "far").symlink_to(tmp_path / "far")
    client = serve(root, html=True, follow_symlink=True)
    check_cases(client, MAZE_FOLLOWED)
    for target in ("/far/a.txt", "/far/back/far/a.txt"):
        assert client.get(target).body == b"far"
    assert client.get("/far/a.txt", {"Accept-Encoding": "gzip"}).body == b"gz"


@pytest.mark.usefixtures("paths_alone")
def test_a_root_that_is_a_link_is_another_after_a_refresh_or_at_once(
    serve: Callable[..., Client], tmp_path: Path, mode: str
) -> None:
    for release in ("r1", "r2"):
        write_tree(tmp_path / release, {"t.txt": release, "abs.txt": Link("{root}/../now/t.txt")})
        (tmp_path / release / "abs.txt").unlink()
        (tmp_path / release / "abs.txt").symlink_to(tmp_path / "now" / "t.txt")
    (tmp_path / "now").symlink_to("r1")
    client = serve(tmp_path / "now")
    assert client.get("/t.txt").body == client.get("/abs.txt").body == b"r1"
    (tmp_path / "now").unlink()
    (tmp_path / "now").symlink_to("r2")
    assert client.get("/t.txt").body == (b"r2" if mode == "live" else b"r1")
    client.files.refresh()
    assert client.get("/t.txt").body == client.get("/abs.txt").body == b"r2"


@pytest.mark.usefixtures("paths_alone")
def test_a_directory_that_is_missing_raises(tmp_path: Path, mode: str) -> None:
    with pytest.raises(NotADirectoryError):
        StaticFiles(tmp_path / "nowhere", live=mode == "live")
    with pytest.raises(FileNotFoundError):
        disk_root.Directory(str(tmp_path / "nowhere"), follow_symlink=False).pin()


@pytest.mark.usefixtures("paths_alone")
@pytest.mark.parametrize("back", [True, False], ids=["and back", "for good"])
@pytest.mark.parametrize("name", ["sub", "sub/secret.txt"])
def test_a_link_put_there_between_look_and_open_gives_nothing_away(
    name: str,
    back: bool,
    serve: Callable[..., Client],
    tree: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = tree({"sub/secret.txt": "PUBLIC"})
    link = root / "link"
    link.symlink_to(root.parent / "outside" / name.removeprefix("sub").removeprefix("/"))
    client, real = serve(root), root_by_path.open_file
    assert client.get("/sub/secret.txt").body == b"PUBLIC"
    opened: list[int] = []

    def swapping(path: str, flags: int) -> int:
        if back or not opened:
            exchange(root / name, link)
        opened.append(real(path, flags))
        if back:
            exchange(root / name, link)
        return opened[-1]

    monkeypatch.setattr(root_by_path, "open_file", swapping)
    with disk_root.Directory(str(root), follow_symlink=False).walk() as walk:
        walk.enter("sub")
        with pytest.raises(OSError, match=r"secret\.txt|sub"):
            walk.open("secret.txt")
    assert opened
    assert open_below(root.parent) == []
    assert client.get("/sub/secret.txt").passed


def exchange(one: Path, other: Path) -> None:
    aside = one.with_name("aside")
    one.replace(aside)
    other.replace(one)
    aside.replace(other)


@pytest.mark.parametrize("place", ["www/sub/moved.txt", "outside/secret.txt", "www2/t.txt"])
def test_what_the_system_tells_of_an_open_file_outweighs_every_look(
    place: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    by_paths(monkeypatch)
    monkeypatch.setattr(root_by_path, "final_path", lambda number: str(tmp_path / place))
    answer = Client(OnDisk(root), door).get("/t.txt")
    assert answer.passed == (not place.startswith("www/"))


@pytest.mark.usefixtures("paths_alone")
def test_a_link_to_the_root_itself_leads_there(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({"t.txt": "t", "sub/whole": Link("{root}"), "dots": Link("sub/..")}))
    for target in ("/sub/whole/t.txt", "/sub/whole/sub/whole/t.txt", "/dots/t.txt"):
        assert client.get(target).body == b"t"


JUNCTION = 0xA0000003


def test_a_junction_is_followed_inside_the_root_only(
    root: Path, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_paths(monkeypatch)
    real = os.stat

    def told(path: Any, **more: Any) -> Any:
        """Links are junctions here: directories with a tag."""
        status = real(path, **more)
        if not stat.S_ISLNK(status.st_mode):
            return status
        return SimpleNamespace(st_mode=stat.S_IFDIR, st_reparse_tag=JUNCTION)

    monkeypatch.setattr(os, "stat", told)
    client = Client(StaticFiles(root, live=True), door)
    assert client.get("/linkdir-in/a.txt").body == b"a in sub"
    assert client.get("/abs-linkdir/a.txt").body == b"a in sub"
    assert client.get("/linkdir-out/secret.txt").passed
    assert client.get("/abs-linkdir-out/secret.txt").passed


@pytest.mark.usefixtures("paths_alone")
def test_a_link_that_python_can_not_read_is_a_miss(
    serve: Callable[..., Client], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.readlink

    def readlink(path: Any, **more: Any) -> str:
        if str(path).startswith("/proc/"):
            return real(path, **more)
        raise ValueError("not a symbolic link")

    monkeypatch.setattr(os, "readlink", readlink)
    client = serve(root)
    assert client.get("/link-in.txt").passed
    assert client.get("/linkdir-in/a.txt").passed
    assert client.get("/t.txt").body == b"0123456789"


@needs_paths
@pytest.mark.parametrize("shape", SHAPES[:7:2], ids=lambda shape: shape.name)
def test_no_race_lets_a_secret_out_where_the_system_tells_the_path_of_a_file(
    shape: Shape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_root, "_HAS_DESCRIPTORS", False)
    as_windows(monkeypatch)
    for mode, reader in race(shape, tmp_path, few):
        case = mode, reader
        assert not reader.seen["escaped"], case
        assert reader.seen["served"], case


def few(reader: Reader) -> int:
    enough = reader.seen["served"] and reader.seen.total() >= 300
    return 0 if enough or reader.seen.total() > 100_000 else 300


WINDOWS_BELOW = [
    (r"C:\www\a.txt", ["a.txt"]),
    (r"c:\WWW\Sub\A.txt", ["Sub", "A.txt"]),
    (r"C:/www/sub/a.txt", ["sub", "a.txt"]),
    (r"\\?\C:\www\a.txt", ["a.txt"]),
    (r"\www\a.txt", ["a.txt"]),
    (r"C:\www", []),
    (r"C:\www\.\a.txt", ["a.txt"]),
    (r"C:\www\..\outside\a.txt", ["..", "outside", "a.txt"]),
    (r"C:\www2\a.txt", None),
    (r"C:\outside\..\www\a.txt", None),
    (r"D:\www\a.txt", None),
    (r"\\host\www\a.txt", None),
    (r"//host/share/www/a.txt", None),
    (r"\\?\UNC\host\share\www\a.txt", None),
    (r"\\.\C:\www\a.txt", None),
    (r"\\?\Volume{1-2}\www\a.txt", None),
]
SHARE_BELOW = [
    (r"\\host\share\www\a.txt", ["a.txt"]),
    (r"\\?\UNC\HOST\share\www\a.txt", ["a.txt"]),
    (r"\\host\other\www\a.txt", None),
    (r"\\evil\share\www\a.txt", None),
    (r"C:\www\a.txt", None),
]
POSIX_BELOW = [
    ("/www/a.txt", ["a.txt"]),
    ("//www//sub/./a.txt", ["sub", "a.txt"]),
    ("/www/a\\b", ["a\\b"]),
    ("/WWW/a.txt", None),
    ("/www2/a.txt", None),
]


@each(
    ("system", "root", "target", "parts"),
    [
        *((ntpath, r"C:\www", *row) for row in WINDOWS_BELOW),
        *((ntpath, r"\\?\C:\www", *row) for row in WINDOWS_BELOW),
        *((ntpath, r"\\host\share\www", *row) for row in SHARE_BELOW),
        *((posixpath, "/www", *row) for row in POSIX_BELOW),
    ],
)
def test_an_absolute_target_is_seen_from_the_root_or_is_not_below_it(
    system: ModuleType, root: str, target: str, parts: list[str] | None
) -> None:
    assert relative_parts(target, system) is None
    assert literal(literal(root, system), system) == literal(root, system)
    assert parts_below(literal(root, system), root, system) == []
    assert parts_below(target, root, system) == parts


@pytest.mark.parametrize("target", ["a.txt", r"..\a.txt", "sub/a.txt", ".", "..", ""])
def test_a_target_without_a_beginning_is_relative(target: str) -> None:
    names = target.replace("\\", "/").split("/")
    assert relative_parts(target, ntpath) == names
    assert relative_parts(target, posixpath) == target.split("/")


@pytest.mark.parametrize(
    "target", ["C:a.txt", "C:", r"\a.txt", "/a.txt", r"\\host\share", r"\\?\x"]
)
def test_a_target_with_half_a_beginning_is_absolute(target: str) -> None:
    assert relative_parts(target, ntpath) is None


@pytest.mark.parametrize(
    ("tag", "is_link"),
    [(0, False), (0xA000000C, True), (JUNCTION, True), (0xA000001D, True), (0x9000001A, False)],
    ids=["nothing", "link", "junction", "link of WSL", "file in the cloud"],
)
def test_what_stands_for_another_name_is_a_link(tag: int, is_link: bool) -> None:
    status: Any = SimpleNamespace(st_mode=stat.S_IFDIR, st_reparse_tag=tag)
    assert (kind_of(status) == "link") == is_link
    assert kind_of(os.stat(os.curdir)) == "directory"


def test_where_ctime_is_the_birth_a_changed_file_is_fresh_by_its_mtime(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(validators, "_CTIME_IS_BIRTH", False)
    changed: Any = SimpleNamespace(st_ctime_ns=0, st_mtime_ns=time.time_ns())
    assert not validators.is_fresh(changed)
    monkeypatch.setattr(validators, "_CTIME_IS_BIRTH", True)
    assert validators.is_fresh(changed)
