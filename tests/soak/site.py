"""A site that is replaced over and over, by what a deploy does; each content says which it is."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import time
from collections import Counter
from functools import lru_cache
from pathlib import Path

OLD = 1704164645
SUFFIXES = {None: "", "gzip": ".gz", "br": ".br"}
SIZES = {"page": 2000, "frozen": 3000, "script": 60_000, "big": 3 * 2**20}
PAGES = [f"page-{number}.html" for number in range(8)] + ["folder/index.html"]
FROZEN = [f"frozen-{number}.css" for number in range(8)]
SCRIPTS = [f"script-{number}.js" for number in range(8)]
BIG = ["big-0.bin", "big-1.bin"]
HOT = "frozen-hot.css"
"""It is replaced a hundred times a second, so that some look-ups meet two files of that name."""

NAMES = [*PAGES, *FROZEN, *SCRIPTS, *BIG, HOT]
HEATS, HEAT_EVERY = 10, 0.01

KEPT = 2
"""Releases that lie on the disk; a server may still be pinned to the one before the last."""


@lru_cache(maxsize=64)
def content(stored: str, version: int) -> bytes:
    """The bytes of a file: a line with its name and version, then a pattern of its own."""
    line = f"{stored} {version}\n".encode()
    size = SIZES[stored.partition("-")[0].partition("/")[0].replace("folder", "page")]
    if not stored.startswith("frozen"):  # those have the same size and the same mtime each time
        size += version % 1000
    size //= {"gz": 3, "br": 4}.get(stored.rpartition(".")[2], 1)
    pattern = hashlib.sha256(line).digest()
    return (line + pattern * (size // len(pattern) + 1))[:size]


def version_in(stored: str, start: bytes) -> int | None:
    """The version that the first bytes of a file tell; None: they are not of this file."""
    name, _, version = start.partition(b"\n")[0].partition(b" ")
    return int(version) if name == stored.encode() and version.isdigit() else None


class Deploy:
    """Replaces the files. `floors` has the version that each had, at least, before now."""

    def __init__(self, base: Path, seed: int) -> None:
        self.base, self.www = base, base / "www"
        self.random = random.Random(seed)
        self.version = 0
        self.floors: dict[str, int] = {}
        self.changes: Counter[str] = Counter()
        self.release()

    def step(self) -> None:
        """One change; after it the hot file, for a while."""
        changes = [self.replace] * 12 + [self.siblings] * 3 + [self.bring_back] * 2 + [self.release]
        change = self.random.choice(changes)
        change()
        for _ in range(HEATS):
            self.floors |= self._write(self.www, HOT)
            time.sleep(HEAT_EVERY)

    def release(self) -> None:
        """All files anew, in a directory beside, and then the link in one step."""
        folder = self.base / f"release-{self.version}"
        written = {}
        for name in NAMES:
            written |= self._write_all(folder, name)
        link = self.base / "new"
        link.symlink_to(folder.name)
        os.replace(link, self.www)
        self.floors |= written
        by_age = sorted(self.base.glob("release-*"), key=lambda path: int(path.name[8:]))
        for old in by_age[:-KEPT]:
            shutil.rmtree(old)
        self.changes["releases"] += 1

    def replace(self) -> None:
        self.floors |= self._write_all(self.www, self.random.choice(NAMES))
        self.changes["files replaced"] += 1

    def siblings(self) -> None:
        """The siblings of a file without the file; or, as often, none any more."""
        name = self.random.choice(SCRIPTS)
        for suffix in (".gz", ".br"):
            if self.random.random() < 0.5:
                self.floors |= self._write(self.www, name + suffix)
            else:
                (self.www / (name + suffix)).unlink(missing_ok=True)
        self.changes["siblings"] += 1

    def bring_back(self) -> None:
        name = self.random.choice(NAMES)
        (self.www / name).unlink()
        time.sleep(0.2)
        self.floors |= self._write_all(self.www, name)
        self.changes["deleted, brought back"] += 1

    def _write_all(self, folder: Path, name: str) -> dict[str, int]:
        suffixes = ("", ".gz", ".br") if name in SCRIPTS else ("",)
        versions = {}
        for suffix in suffixes:
            versions |= self._write(folder, name + suffix)
        return versions

    def _write(self, folder: Path, stored: str) -> dict[str, int]:
        """A new version of a file, put in the place of the old one in one step."""
        self.version += 1
        path = folder / stored
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(".new")
        new.write_bytes(content(stored, self.version))
        if stored.startswith("frozen"):
            os.utime(new, (OLD, OLD))
        os.replace(new, path)
        return {stored: self.version}
