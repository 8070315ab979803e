"""What others may do to a file that is being served, and what they may forbid."""

from __future__ import annotations

import _winapi
import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dualstatic import Request, StaticFiles
from tests.support.doors import Client, trouble

LARGE = bytes(range(256)) * 8192  # more than is kept in memory


@pytest.fixture
def root(tree: Callable[..., Path]) -> Path:
    return tree({"large.bin": LARGE, "small.txt": "small", "sub/t.txt": "t"})


def replace(path: Path, new: Path) -> None:
    os.replace(new, path)


def put_aside(path: Path, new: Path) -> None:
    os.rename(path, path.with_name("aside"))
    os.rename(new, path)


def remove(path: Path, new: Path) -> None:
    os.remove(path)


@pytest.mark.parametrize("change", [replace, put_aside, remove])
def test_a_file_that_is_sent_may_get_another_name_or_none(
    change: Callable[[Path, Path], None], root: Path, mode: str
) -> None:
    path, new = root / "large.bin", root / "new"
    new.write_bytes(b"the next release")
    files = StaticFiles(root, live=mode == "live", memory=0)
    answer = files.answer(Request("GET", "/large.bin"))
    assert answer is not None
    with answer:
        first = next(iter(answer))
        change(path, new)
        assert first + b"".join(answer) == LARGE
    again = files.answer(Request("GET", "/large.bin"))
    assert (again and b"".join(again)) == (None if change is remove else b"the next release")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file open as a program does that shares it with nobody."""
    create = ctypes.WinDLL("kernel32", use_last_error=True).CreateFileW
    create.restype = ctypes.c_void_p
    handle = create(str(path), 0x80000000, 0, None, 3, 0, None)
    assert handle != ctypes.c_void_p(-1).value
    try:
        yield
    finally:
        _winapi.CloseHandle(handle)


def test_a_file_that_a_program_shares_with_nobody_is_no_miss(
    root: Path, door: str, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(StaticFiles(root, live=mode == "live"), door)
    with (
        locked(root / "small.txt"),
        trouble(door, "being used by another process|haring violation"),
    ):
        client.get("/small.txt")
    assert "can't be read" in caplog.text
    assert client.get("/small.txt").body == b"small"
