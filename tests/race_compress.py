"""Names that are swapped for links out of the root, while `compress` works on them."""

from __future__ import annotations

import gzip
import io
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from dualstatic.__main__ import main

from .race import row, swapping
from .trees import OLD, Link, write_tree
from .watch import ALL, CHANGES, Watch

TEXT = b"".join(b"line %d of a text that repeats itself\n" % number for number in range(2000))
OTHER = TEXT.replace(b"text", b"word")
NOISE = random.Random(0).randbytes(4000)
RUNS = 6
"""How often `compress` runs before the tree is made anew."""

FILES: dict[str, bytes | str | Link | None] = {
    "missing.txt": TEXT,
    "outdated.txt": TEXT,
    "outdated.txt.gz": gzip.compress(OTHER),
    "late.txt": TEXT,
    "late.txt.gz": gzip.compress(TEXT),
    "noise.txt": NOISE,
    "noise.txt.gz": gzip.compress(NOISE),
}
LATE = ("late.txt", OLD + 1000)


@dataclass(frozen=True)
class Shape:
    """A name in the root and a link to swap, and whether to read what it leads to is asked for."""

    name: str
    one: str
    other: str
    options: tuple[str, ...] = ()
    reads: bool = False


FOLLOW = ("--follow-symlink",)
SHAPES = (
    Shape("file and link", "d/missing.txt", "missing.txt"),
    Shape("file and link, followed", "d/missing.txt", "missing.txt", FOLLOW, reads=True),
    Shape("directory and link", "d", "folder"),
    Shape("directory and link, followed", "d", "folder", FOLLOW),
    Shape("directory and link, checked", "d", "folder", ("--check",)),
    Shape("outdated sibling and link", "d/outdated.txt.gz", "outdated.txt.gz"),
    Shape("late sibling and link", "d/late.txt.gz", "late.txt.gz"),
    Shape("temporary file and link", "d/.dualstatic-*", "missing.txt"),
    Shape("temporary file and directory", "d/.dualstatic-*", "folder"),
)


@dataclass
class Tally:
    """What came of it: runs, swaps, outcomes by their names; and what was touched outside."""

    counts: Counter[str] = field(default_factory=Counter)
    outside: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        self.counts += other.counts
        self.outside += other.outside


def make_tree(place: Path) -> Path:
    """The root; beside it what must not be touched, and links to that."""
    outside = write_tree(place / "outside", FILES)
    root = write_tree(place / "www", {f"d/{name}": content for name, content in FILES.items()})
    for folder in (outside, root / "d"):
        os.utime(folder / LATE[0], (LATE[1], LATE[1]))
    for path in outside.iterdir():
        path.chmod(0o600)
    links = {path.name: Link(str(path)) for path in outside.iterdir()}
    write_tree(place / "links", links | {"folder": Link(str(outside))})
    return root


def snapshot(folder: Path) -> dict[str, object]:
    status = {path: path.lstat() for path in [folder, *folder.iterdir()]}
    return {
        path.name: (each.st_mode, each.st_mtime_ns, each.st_ctime_ns, each.st_uid, each.st_size)
        for path, each in status.items()
    } | {path.name + " ": path.read_bytes() for path in status if path.is_file()}


def stir(folder: int, number: int) -> None:
    """Give the files in a directory other contents, so that there is something to do again."""
    for name in ("missing.txt", "outdated.txt", "late.txt"):
        with suppress(OSError):  # it is a link at the moment
            flags = os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW
            with open(os.open(name, flags, dir_fd=folder), "wb") as file:
                file.write((TEXT, OTHER)[number % 2])


def compress(root: Path, options: tuple[str, ...]) -> Counter[str]:
    """How many siblings came to which end."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(io.StringIO()), suppress(SystemExit):
        main(["compress", str(root), "--encodings", "gzip", "--jobs", "2", *options])
    return Counter({name: int(n) for n, name in re.findall(r"(\d+) ([a-z ]+)", last(said))})


def last(said: io.StringIO) -> str:
    return said.getvalue().splitlines()[-1]


def race(shape: Shape, place: Path) -> Tally:
    """Run `compress` some times, while the shape's names are swapped."""
    root, outside = make_tree(place), place / "outside"
    tally, before = Tally(), snapshot(outside)
    folder = os.open(root / "d", os.O_RDONLY)
    with Watch(outside, events=CHANGES if shape.reads else ALL) as watch:
        with swapping(root / shape.one, place / "links" / shape.other) as swaps:
            for number in range(RUNS):
                tally.counts += compress(root, shape.options)
                stir(folder, number)
        tally.outside.update(str(path.relative_to(place)) for path in watch.take())
    os.close(folder)
    after = snapshot(outside)
    tally.outside.update(name for name in before | after if before.get(name) != after.get(name))
    tally.counts += swaps + Counter(runs=RUNS)
    return tally


def race_until(shape: Shape, enough: Callable[[Tally], bool]) -> Tally:
    """Again and again, each time with a new tree."""
    total = Tally()
    while not enough(total):
        with TemporaryDirectory() as place:
            total.add(race(shape, Path(place)))
    return total


CELLS = ("runs", "swaps", "written", "given a new date", "removed", "failed")


def run(swaps: int, end: float) -> int:
    """Swap so often, shape by shape, until `end` at the latest; the exit status."""
    total = Tally()
    say("shape", *(name.split()[-1] for name in CELLS), "outside")
    for shape in SHAPES:
        each = swaps // len(SHAPES) + 1
        tally = race_until(
            shape, lambda tally, each=each: tally.counts["swaps"] >= each or time.monotonic() > end
        )
        say(shape.name, *cells(tally), " ".join(["", *tally.outside]))
        total.add(tally)
    say("all", *cells(total))
    return int(bool(total.outside) or total.counts["swaps"] < swaps)


def say(name: str, *values: object) -> None:
    print(row(name, "", "", *values), flush=True)


def cells(tally: Tally) -> list[int]:
    return [*(tally.counts[name] for name in CELLS), tally.outside.total()]
