"""The files that are asked for."""

from __future__ import annotations

import random
import time
from pathlib import Path

KB, MB = 1 << 10, 1 << 20

SMALL, MEDIUM, LARGE = KB, 64 * KB, MB
PACKED = 16 * KB
"""The size of the sibling that is named as Brotli's: none of the contenders looks inside."""

FOLDER = "static"
"""The URL's first segment, and the folder below the tree's root that has its files."""


def url(name: str) -> str:
    return f"/{FOLDER}/{name}"


def make_site(root: Path) -> Path:
    """The tree for requests: its root is what peers without a prefix get as their directory."""
    files = root / FOLDER
    files.mkdir(parents=True)
    for name, size in (
        ("small.js", SMALL),
        ("medium.js", MEDIUM),
        ("large.js", LARGE),
        ("packed.js", MEDIUM),
        ("packed.js.br", PACKED),
    ):
        (files / name).write_bytes(content(size))
    # What was written just now may change unseen within its time stamp's grain, so a careful
    # server doesn't trust the stamp yet. Files in production are older than that.
    time.sleep(2.1)
    return root


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)  # the same bytes in each run


def make_many(root: Path, count: int) -> Path:
    """A tree of `count` little files, 100 in each folder."""
    for first in range(0, count, 100):
        folder = root / FOLDER / f"section-{first // 100:04}"
        folder.mkdir(parents=True)
        for number in range(first, min(first + 100, count)):
            (folder / f"asset-{number:06}.js").write_bytes(b"export {}\n")
    return root
