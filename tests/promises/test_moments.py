"""Each change of a file, at each moment of a request, through both doors in all modes."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from dualstatic import StaticFiles
from dualstatic.disk.body import FileChanged
from tests.conftest import DOORS
from tests.support.children import NOBODY, give_up_rights, in_child, within
from tests.support.doors import Answer, Client
from tests.support.each import each
from tests.support.steps import (
    Interrupted,
    Transfer,
    nothing,
    open_below,
    public_directory,
    transfer,
)
from tests.support.trees import settle, write_tree

OPTIONS: dict[str, dict[str, Any]] = {
    "live": {"live": True},
    "index": {"memory": 0},
    "memory": {"memory": 2**26},
}
SIZES = {"small": 4000, "large": 2**20 + 300_000}
LARGE = (bytes(range(251)) * 6000)[: SIZES["large"]]


def replace(path: Path) -> None:
    other = path.parent.parent / "other"
    other.write_bytes(b"the new content " * 100)
    other.replace(path)


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more" * 1000)


def become_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def become_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def become_socket(path: Path) -> None:
    path.unlink()
    os.mknod(path, stat.S_IFSOCK | 0o600)


def become_link(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


def lose_directory(path: Path) -> None:
    shutil.rmtree(path.parent)


CHANGES: dict[str, Callable[[Path], None]] = {
    "replaced": replace,
    "overwritten": overwrite,
    "grown": grow,
    "cut short": lambda path: os.truncate(path, 1000),
    "emptied": lambda path: os.truncate(path, 0),
    "deleted": Path.unlink,
    "deleted with its directory": lose_directory,
    "made a directory": become_directory,
    "made a FIFO": become_fifo,
    "made a socket": become_socket,
    "made a link out": partial(become_link, target="../../outside/secret.txt"),
    "made a dangling link": partial(become_link, target="nowhere"),
}
SHORTER = {"cut short", "emptied"}
BEFORE_OPENING = ("before its first use", "after its first use")
AFTER_OPENING = ("after its first opening", "after its next opening", "between two chunks")
MOMENTS = BEFORE_OPENING + AFTER_OPENING


@dataclass
class Case:
    """A file, its door, and what it held before it was changed."""

    client: Client
    path: Path
    old: bytes

    def __post_init__(self) -> None:
        self.fields = self.version(self.old)

    def ask(self, moment: str, change: Callable[[], None]) -> Transfer:
        """The answer to a GET with a change at a moment of it."""
        files: Any = self.client.files
        first = nothing
        if moment in ("after its first use", "after its next opening"):
            assert self.client.get("/sub/t.bin").body == self.old
        if moment in BEFORE_OPENING:
            change()
        elif moment.endswith("opening"):
            files.meanwhile = change
        else:
            first = change
        return within(20, partial(transfer, self.client, "/sub/t.bin", first=first))

    def version(self, content: bytes) -> dict[str, str]:
        """The fields that tell of a content, by files that know nothing of another."""
        root = write_tree(self.path.parent.parent.parent / "fresh", {"t.bin": content})
        shutil.copystat(self.path, root / "t.bin")
        answer = Client(StaticFiles(root), self.client.door).get("/t.bin")
        return dict(answer.fields)


@pytest.fixture
def new(
    tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, mode: str, size: str, door: str
) -> Iterator[Callable[[], Case]]:
    if mode != "live":
        settle(monkeypatch)  # what is known of a file is kept
    made: dict[Path, Case] = {}

    def new() -> Case:
        content = LARGE[: SIZES[size]]
        root = tree({"sub/t.bin": content, "u.txt": b"u"})
        client = Client(Interrupted(root, **OPTIONS[mode]), door)
        return made.setdefault(root, Case(client, root / "sub" / "t.bin", content))

    yield new
    for root in made:
        assert open_below(root) == ([] if mode == "live" else [str(root)])


@pytest.mark.parametrize("mode", ["live", "index"])
@pytest.mark.parametrize(
    ("size", "moment"), [*(("small", it) for it in BEFORE_OPENING), ("large", BEFORE_OPENING[1])]
)
@each("change", CHANGES)
def test_a_file_changed_before_it_is_opened_is_served_as_it_is_now_or_missed(
    change: str, moment: str, new: Callable[[], Case]
) -> None:
    case = new()
    got = case.ask(moment, lambda: CHANGES[change](case.path))
    assert got.error is None
    check_now(case, Answer(got.status, list(got.fields.items()), got.body))
    for _ in range(2):
        check_now(case, case.client.get("/sub/t.bin"))


def check_now(case: Case, answer: Answer) -> None:
    """The answer is of the file as it is on the disk, with its own length and tag."""
    if not case.path.is_file() or case.path.is_symlink():
        assert answer.passed or answer.status == 404
        return
    content = case.path.read_bytes()
    assert (answer.status, answer.body) == (200, content)
    assert dict(answer.fields) == case.version(content)


@pytest.mark.parametrize("mode", ["live", "index"])
@pytest.mark.parametrize(
    ("size", "moment"),
    [*(("small", it) for it in AFTER_OPENING[:2]), *(("large", it) for it in AFTER_OPENING)],
)
@each("change", CHANGES)
def test_a_file_changed_after_it_was_opened_is_sent_as_it_was_or_broken_off(
    change: str, moment: str, new: Callable[[], Case]
) -> None:
    case = new()
    got = case.ask(moment, lambda: CHANGES[change](case.path))
    if change in SHORTER and got.status == 200 and got.promised == case.path.stat().st_size:
        assert got.body == case.path.read_bytes()  # nothing had been sent, so it was asked again
    elif change in SHORTER:
        assert isinstance(got.error, FileChanged)
        if got.status == 0:  # it was told before the start, so that a server says 500
            assert (case.client.door, got.body) == ("asgi", b"")
            assert moment in AFTER_OPENING[:2]
            return
        assert got.promised == len(case.old)
        assert len(got.body) < got.promised
        assert case.old.startswith(got.body)
    elif change == "overwritten":
        assert got.error is None
        assert got.promised == len(got.body) == len(case.old)
    else:
        assert got.error is None
        assert got.body == case.old
        assert got.fields == case.fields
    check_now(case, case.client.get("/sub/t.bin"))


@pytest.mark.parametrize("mode", ["memory"])
@pytest.mark.parametrize("size", ["small"])
@pytest.mark.parametrize("moment", ["after its first use", "after its first opening"])
@each("change", CHANGES)
def test_a_file_in_memory_is_served_as_it_was_until_the_refresh(
    change: str, moment: str, new: Callable[[], Case]
) -> None:
    case = new()
    got = case.ask(moment, lambda: CHANGES[change](case.path))
    assert (got.status, got.fields, got.body) == (200, case.fields, case.old)
    assert case.client.get("/sub/t.bin").body == case.old
    case.client.files.refresh()
    check_now(case, case.client.get("/sub/t.bin"))


def forbid(root: str, mode: str) -> list[Any]:
    """What each door says where a file is forbidden at a moment of its request, and after that."""
    give_up_rights()
    if mode != "live":
        settle(pytest.MonkeyPatch())
    said = []
    for door, moment in product(DOORS, MOMENTS):
        path = Path(root, "www", "sub", "t.bin")
        write_tree(path.parent, {path.name: LARGE})
        case = Case(Client(Interrupted(path.parent.parent, **OPTIONS[mode]), door), path, LARGE)
        got = case.ask(moment, partial(path.chmod, 0))
        said.append((moment, got.status, got.body, str(got.error)))
        said.append((moment, case.client.get("/sub/t.bin").passed))
        path.chmod(0o600)
    return said


@pytest.mark.parametrize("mode", ["live", "index"])
def test_a_file_forbidden_at_any_moment_is_a_miss_unless_it_was_opened(mode: str) -> None:
    with public_directory() as base:
        (base / "www").mkdir()
        if os.geteuid() == 0:
            os.chown(base, NOBODY, NOBODY)
            os.chown(base / "www", NOBODY, NOBODY)
        said = in_child(forbid, str(base), mode)
    expected: list[Any] = []
    for _, moment in product(DOORS, MOMENTS):
        missed = moment in BEFORE_OPENING
        got = (404, b"Not Found\n") if missed else (200, LARGE)
        expected += [(moment, *got, "None"), (moment, True)]
    assert said == expected
