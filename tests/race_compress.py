"""Names that are swapped for links out of the root, while `compress` or `keep` works on them."""

from __future__ import annotations

import gzip
import io
import json
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
from dualstatic.core.deltas import MAGICS
from tests.support.trees import OLD, Link, write_tree
from tests.support.watch import ALL, CHANGES, Watch

from .race import row, swapping

TEXT = b"".join(b"line %d of a text that repeats itself\n" % number for number in range(2000))
OTHER = TEXT.replace(b"text", b"word")
SHORT = TEXT[:8000], OTHER[:8000]
"""Of these deltas are made, which takes a hundred times as long as to compress them."""
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
    "app-Aa3jf93a.txt": SHORT[0],
    "app-Bb3jf93a.txt": SHORT[1],
    "app-Bb3jf93a.txt.1.dcz": MAGICS["dcz"],
}
GONE = "gone.txt"
"""A file of the store that no build has had for long."""
LATE = ("late.txt", OLD + 1000)


@dataclass(frozen=True)
class Shape:
    """A name and a link to swap, and whether to read what it leads to is asked for.

    With `far` the root is on a file system of its own: what is kept is copied.
    """

    name: str
    one: str
    other: str
    options: tuple[str, ...] = ()
    command: str = "compress"
    far: bool = False
    reads: bool = False


FOLLOW = ("--follow-symlink",)
PREVIOUS = ("--previous", "{root}")
KEEP = ("{place}/store", "--immutable=.")
SHAPES = (
    Shape("file and link", "www/d/missing.txt", "missing.txt"),
    Shape("file and link, followed", "www/d/missing.txt", "missing.txt", FOLLOW, reads=True),
    Shape("directory and link", "www/d", "folder"),
    Shape("directory and link, followed", "www/d", "folder", FOLLOW),
    Shape("directory and link, checked", "www/d", "folder", ("--check",)),
    Shape("outdated sibling and link", "www/d/outdated.txt.gz", "outdated.txt.gz"),
    Shape("late sibling and link", "www/d/late.txt.gz", "late.txt.gz"),
    Shape("temporary file and link", "www/d/.dualstatic-*", "missing.txt"),
    Shape("temporary file and directory", "www/d/.dualstatic-*", "folder"),
    Shape("older file and link", "www/d/app-Aa3jf93a.txt", "app-Aa3jf93a.txt", PREVIOUS),
    Shape("delta and link", "www/d/app-Bb3jf93a.txt.1.dcz", "app-Bb3jf93a.txt.1.dcz", PREVIOUS),
    Shape("directory and link, for deltas", "www/d", "folder", PREVIOUS),
    Shape("kept file and link", "www/d/missing.txt", "missing.txt", KEEP, "keep"),
    Shape("kept directory and link", "www/d", "folder", KEEP, "keep"),
    Shape("name in the store and link", "store/d/missing.txt", "missing.txt", KEEP, "keep"),
    Shape("store's directory and link", "store/d", "folder", KEEP, "keep"),
    Shape("forgotten file and link", f"store/d/{GONE}", GONE, KEEP, "keep"),
    Shape("copy and link", "store/d/missing.txt", "missing.txt", KEEP, "keep", far=True),
    Shape("new copy and link", "store/d/.dualstatic-*", "missing.txt", KEEP, "keep", far=True),
)


@dataclass
class Tally:
    """What came of it: runs, swaps, outcomes by their names; and what was touched outside."""

    counts: Counter[str] = field(default_factory=Counter)
    outside: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        self.counts += other.counts
        self.outside += other.outside


def make_tree(place: Path, root: Path) -> None:
    """The root, the store, what must not be touched, and links to that."""
    outside = write_tree(place / "outside", FILES | {GONE: TEXT})
    write_tree(place / "store", {"d/missing.txt": TEXT, f"d/{GONE}": TEXT})
    write_tree(root, {f"d/{name}": content for name, content in FILES.items()})
    for folder in (outside, root / "d"):
        os.utime(folder / LATE[0], (LATE[1], LATE[1]))
    for path in outside.iterdir():
        path.chmod(0o600)
    links = {path.name: Link(str(path)) for path in outside.iterdir()}
    write_tree(place / "links", links | {"folder": Link(str(outside))})


def snapshot(folder: Path) -> dict[str, object]:
    status = {path: path.lstat() for path in [folder, *folder.iterdir()]}
    return {
        path.name: (each.st_mode, each.st_mtime_ns, each.st_ctime_ns, each.st_uid, each.st_size)
        for path, each in status.items()
    } | {path.name + " ": path.read_bytes() for path in status if path.is_file()}


def stir(folder: int, number: int) -> None:
    """Give the files in a directory other contents, so that there is something to do again."""
    for name in ("missing.txt", "outdated.txt", "late.txt"):
        write(folder, name, (TEXT, OTHER)[number % 2])
    write(folder, "app-Bb3jf93a.txt", SHORT[number % 2])


def write(folder: int, name: str, content: bytes) -> None:
    with suppress(OSError):  # it is a link at the moment
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with open(os.open(name, flags, dir_fd=folder), "wb") as file:
            file.write(content)


def run_command(shape: Shape, root: Path, place: Path) -> Counter[str]:
    """How many siblings or copies came to which end."""
    said = io.StringIO()
    options = [option.format(root=root, place=place) for option in shape.options]
    if shape.command == "compress":
        options += ["--encodings", "gzip", "--jobs", "2"]
    with redirect_stdout(said), redirect_stderr(io.StringIO()), suppress(SystemExit):
        main([shape.command, str(root), *options])
    return Counter({name: int(n) for n, name in re.findall(r"(\d+) ([a-z ]+)", last(said))})


def let_age(store: Path, folder: int, swapped: str) -> None:
    """Give the store a file that is to be forgotten, again; and have it lack what is to be kept."""
    for name in FILES.keys() - {swapped}:
        with suppress(OSError):
            os.unlink(name, dir_fd=folder)
    write(folder, GONE, TEXT)
    (store / ".dualstatic-keep.json").write_text(json.dumps({f"d/{GONE}": 0}))


def last(said: io.StringIO) -> str:
    return said.getvalue().splitlines()[-1] if said.getvalue() else ""


def race(shape: Shape, place: Path, far: Path) -> Tally:
    """Run the command some times, while the shape's names are swapped."""
    root, outside = (far if shape.far else place) / "www", place / "outside"
    make_tree(place, root)
    tally, before = Tally(), snapshot(outside)
    folder, kept = (os.open(each / "d", os.O_RDONLY) for each in (root, place / "store"))
    with Watch(outside, events=CHANGES if shape.reads else ALL) as watch:
        with swapping(place / shape.one, place / "links" / shape.other) as swaps:
            for number in range(RUNS):
                let_age(place / "store", kept, Path(shape.one).name)
                tally.counts += run_command(shape, root, place)
                stir(folder, number)
        tally.outside.update(str(path.relative_to(place)) for path in watch.take())
    os.close(folder)
    os.close(kept)
    after = snapshot(outside)
    tally.outside.update(name for name in before | after if before.get(name) != after.get(name))
    tally.counts += swaps + Counter(runs=RUNS)
    return tally


def race_until(shape: Shape, enough: Callable[[Tally], bool]) -> Tally:
    """Again and again, each time with a new tree."""
    total = Tally()
    while not enough(total):
        with TemporaryDirectory() as place, TemporaryDirectory(dir="/dev/shm") as far:
            total.add(race(shape, Path(place), Path(far)))
    return total


CELLS = ("runs", "swaps", "written", "given a new date", "removed", "kept", "forgotten", "failed")


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
