"""Trees of files to serve, made on the real disk."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dualstatic.core.paths import Gate

if TYPE_CHECKING:  # programs that tests start would take as long for it as for all else
    import pytest

OLD = 1704164645  # Tue, 02 Jan 2024 03:04:05 GMT
LAST_MODIFIED = "Tue, 02 Jan 2024 03:04:05 GMT"


@dataclass(frozen=True)
class Link:
    """A symbolic link in a tree; the target may use {root} for the tree's own absolute path."""

    target: str


def settle(patch: pytest.MonkeyPatch, hours: int = 1) -> None:
    """Let the clock go an hour ahead: no file's last change is so near that another may follow."""
    clock, clock_ns = time.time, time.time_ns
    patch.setattr(time, "time", lambda: clock() + 3600 * hours)
    patch.setattr(time, "time_ns", lambda: clock_ns() + 3600 * hours * 10**9)


def noise(size: int) -> bytes:
    """So many bytes, of which no piece comes twice: made fast, since they are many."""
    block = random.Random(1).randbytes(2**16)
    return b"".join(b"%08x" % number + block for number in range(size // 2**16 + 1))[:size]


def can_be(name: str) -> bool:
    """Whether this system has files of such a name."""
    return sys.platform != "win32" or Gate("", dotfiles=True, windows=True)(f"/{name}") is not None


def write_tree(root: Path, entries: Mapping[str, bytes | str | Link | None]) -> Path:
    """Make the files, links and (for None) directories that `entries` names; files are old."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in entries.items():
        if not can_be(name):
            continue
        path = root / name
        if "/" in name:
            path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.mkdir(exist_ok=True)
        elif isinstance(content, Link):
            path.symlink_to(content.target.format(root=root))
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            os.utime(path, (OLD, OLD))
    return root
