"""Symbolic links and junctions: on Windows a junction is a directory, which alone its tag tells."""

from __future__ import annotations

import _winapi
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from dualstatic.__main__ import main
from dualstatic.disk import root_by_path
from dualstatic.disk.root import Directory
from dualstatic.explain import kind
from tests.support.doors import Client
from tests.support.trees import write_tree

TEXT = b"a line of text\r\n" * 1000


def junction(target: Path, name: Path) -> Path:
    _winapi.CreateJunction(str(target), str(name))
    return name


@pytest.fixture
def root(tree: Callable[..., Path]) -> Path:
    """Has `inside` and `leads-out`, junctions to `sub` and to a directory outside."""
    root = tree({"sub/t.txt": "t", "a.0123abcd.js": TEXT})
    junction(root / "sub", root / "inside")
    junction(root.parent / "outside", root / "leads-out")
    write_tree(root.parent / "outside", {"b.0123abcd.js": TEXT})
    return root


def files_in(place: Path) -> set[str]:
    return {name for name in os.listdir(place) if not name.startswith(".")}


def command(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments)])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_python_tells_links_and_junctions_as_its_manual_says(root: Path) -> None:
    os.symlink("sub", root / "link", target_is_directory=True)
    os.symlink("nowhere", root / "dangling")
    entries = {entry.name: entry for entry in os.scandir(root)}
    told = {}
    for name in ("link", "dangling", "inside", "sub"):
        path, entry, status = root / name, entries[name], os.lstat(root / name)
        assert entry.stat(follow_symlinks=False).st_reparse_tag == status.st_reparse_tag
        assert (entry.is_symlink(), entry.is_junction()) == (path.is_symlink(), path.is_junction())
        told[name] = status.st_reparse_tag, stat.S_IFMT(status.st_mode)
    assert told == {
        "link": (stat.IO_REPARSE_TAG_SYMLINK, stat.S_IFLNK),
        "dangling": (stat.IO_REPARSE_TAG_SYMLINK, stat.S_IFLNK),
        "inside": (stat.IO_REPARSE_TAG_MOUNT_POINT, stat.S_IFDIR),
        "sub": (0, stat.S_IFDIR),
    }
    assert os.readlink(root / "link") == "sub"
    assert os.readlink(root / "inside") == f"\\\\?\\{root / 'sub'}"


def test_a_junction_is_followed_inside_the_root_only(
    serve: Callable[..., Client], root: Path
) -> None:
    client = serve(root)
    assert client.get("/inside/t.txt").body == b"t"
    assert client.get("/leads-out/secret.txt").passed
    assert serve(root, follow_symlink=True).get("/leads-out/secret.txt").body == b"SECRET"
    directory = Directory(str(root), follow_symlink=False)
    assert kind(directory, "inside") == "directory"
    with directory.walk() as walk:
        kinds = dict(walk.entries())
    assert [kinds[name] for name in ("inside", "leads-out", "sub")] == ["link", "link", "directory"]


def test_a_link_is_followed_inside_the_root_only(serve: Callable[..., Client], root: Path) -> None:
    os.symlink("sub\\t.txt", root / "inside.txt")
    os.symlink(root.parent / "outside\\secret.txt", root / "leads-out.txt")
    client = serve(root)
    assert client.get("/inside.txt").body == b"t"
    assert client.get("/leads-out.txt").passed
    assert serve(root, follow_symlink=True).get("/leads-out.txt").body == b"SECRET"


@pytest.mark.parametrize("follow", [False, True])
def test_a_loop_of_junctions_ends(
    follow: bool, serve: Callable[..., Client], root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    junction(root, root / "sub" / "up")
    for target in ("one", "other"):  # only a directory that is there gets a junction
        (root / target).mkdir()
        junction(root / target, root / f"to {target}")
        (root / target).rmdir()
    (root / "to one").rename(root / "other")
    (root / "to other").rename(root / "one")
    client = serve(root, follow_symlink=follow)
    assert client.get("/sub/up/sub/up/sub/t.txt").body == b"t"
    assert client.get("/one/t.txt").passed
    assert "Unknown error" not in caplog.text


def test_a_root_may_be_a_junction(serve: Callable[..., Client], root: Path) -> None:
    client = serve(junction(root, root.parent / "current"))
    assert client.get("/inside/t.txt").body == b"t"
    assert client.get("/leads-out/secret.txt").passed


@pytest.mark.parametrize("start", ["", "\\\\?\\"], ids=["plain", "literal"])
def test_what_is_followed_below_a_root_has_its_name_there(start: str, root: Path) -> None:
    with Directory(f"{start}{root}", follow_symlink=True).pin().walk() as walk:
        walk.enter("inside")
        assert walk.real("t.txt") == "sub/t.txt"


@pytest.mark.parametrize("more", [[], ["--follow-symlink"]])
def test_compress_enters_no_junction(more: list[str], root: Path) -> None:
    outside = files_in(root.parent / "outside")
    write_tree(root / "sub", {"c.js": TEXT})
    assert command("compress", "--encodings=gzip", *more, root) == 0
    assert (root / "a.0123abcd.js.gz").exists()
    assert files_in(root / "sub") == {"t.txt", "c.js", "c.js.gz"}
    assert files_in(root.parent / "outside") == outside


def test_keep_goes_through_no_junction_that_leads_out(root: Path) -> None:
    keep, store = ("keep", "--immutable", r"\.[0-9a-f]{8}\."), root.parent / "store"
    assert command(*keep, root, store) == 0
    assert files_in(store) == {"a.0123abcd.js"}
    build = write_tree(root.parent / "build", {"assets/d.0123abcd.js": TEXT})
    junction(root.parent / "outside", store / "assets")
    assert command(*keep, build, store) == 1
    assert files_in(root.parent / "outside") == {"secret.txt", "b.0123abcd.js"}


@pytest.mark.parametrize("back", [True, False], ids=["and back", "for good"])
@pytest.mark.parametrize("told", [True, False], ids=["told", "untold"])
def test_a_junction_put_there_between_look_and_open_gives_nothing_away(
    told: bool,
    back: bool,
    serve: Callable[..., Client],
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_tree(root / "sub", {"secret.txt": "PUBLIC"})
    client, real = serve(root), root_by_path.open_file
    assert client.get("/sub/secret.txt").body == b"PUBLIC"
    swaps: list[int] = []

    def swap(one: str, other: str) -> None:
        for old, new in ((one, "aside"), (other, one), ("aside", other)):
            (root / old).rename(root / new)

    def swapping(path: str, flags: int) -> int:
        if back or not swaps:
            swap("sub", "leads-out")
        swaps.append(descriptor := real(path, flags))
        if back:
            swap("sub", "leads-out")
        return descriptor

    monkeypatch.setattr(root_by_path, "open_file", swapping)
    if not told:
        monkeypatch.setattr(root_by_path, "final_path", lambda descriptor: None)
    assert client.get("/sub/secret.txt").passed
    assert swaps
