"""Names that are swapped for links out of the root, while both doors read them.

`python -m tests.race --opens 1000000` asks a million times, and prints what came of it. It fails if
anything came out that does not lie in the root. With `--compress` they are swapped a million times
while `compress` works on them (race_compress.py).
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import pytest

import dualstatic.asgi
import dualstatic.wsgi
from dualstatic import StaticFiles
from dualstatic.disk import validators
from tests.support.doors import make_environ, make_scope
from tests.support.steps import staying
from tests.support.trees import Link, settle, write_tree
from tests.support.watch import Watch

from .conftest import DOORS, MODES

SECRET, PUBLIC, PLAIN = b"SECRET", b"PUBLIC", b"plain, and longer than its sibling"
THE_APP, NOT_FOUND = b"the app", b"Not Found\n"
TASKS = 4
"""Requests that an event loop has under way at once."""

OUTSIDE = ("secret.txt", "index.html", "app.js.gz", "404.html")
INSIDE: dict[str, bytes | str | Link | None] = {
    "t.txt": PUBLIC,
    "link": Link("../outside/secret.txt"),
    "sub/secret.txt": PUBLIC,
    "sub/index.html": PUBLIC,
    "sub/link": Link("../../outside/secret.txt"),
    "linkdir": Link("../outside"),
    "via": Link("sub"),
    "via.txt": Link("sub/secret.txt"),
    "in.txt": Link("t.txt"),
    "out.txt": Link("link"),
    "abs.txt": Link("{root}/sub/secret.txt"),
    "abs-in.txt": Link("{root}/t.txt"),
    "abs-out.txt": Link("{root}/../outside/secret.txt"),
    "app.js": PLAIN,
    "app.js.gz": PUBLIC,
    "app.js.br": PUBLIC,
    "404.html": PUBLIC,
    "deep/secret.txt": PUBLIC,
    "deep/below/up": Link("../secret.txt"),
}


@dataclass(frozen=True)
class Shape:
    """Two names to swap, what to ask for meanwhile, and what may come in place of PUBLIC.

    `moved` says that the names are directories, and none a link: what lies below the one in the
    root is inside, whichever directory that is.
    """

    name: str
    one: str
    other: str
    target: str
    refused: tuple[bytes, ...] = (THE_APP,)
    coding: str = ""
    moved: bool = False
    options: dict[str, Any] = field(default_factory=dict)


SHAPES = (
    Shape("file and link", "t.txt", "link", "/t.txt"),
    Shape("directory and link", "sub", "linkdir", "/sub/secret.txt"),
    Shape("directory behind a link", "sub", "linkdir", "/via/secret.txt"),
    Shape("directory in a link's target", "sub", "linkdir", "/via.txt"),
    Shape("directory in an absolute target", "sub", "linkdir", "/abs.txt"),
    Shape("link in and link out", "in.txt", "out.txt", "/in.txt"),
    Shape("absolute link in and out", "abs-in.txt", "abs-out.txt", "/abs-in.txt"),
    Shape("directory moved out", "deep/below", "../outside/below", "/deep/below/up", moved=True),
    Shape("index page", "sub/index.html", "sub/link", "/sub/", options={"html": True}),
    Shape("directory of an index page", "sub", "linkdir", "/sub/", options={"html": True}),
    Shape("gzip sibling", "app.js.gz", "link", "/app.js", (PLAIN, THE_APP), coding="gzip"),
    Shape("br sibling", "app.js.br", "link", "/app.js", (PLAIN, THE_APP), coding="br"),
    Shape("404 page", "404.html", "link", "/no/such", (NOT_FOUND,), options={"html": True}),
    Shape(
        "file of a package",
        "sub/secret.txt",
        "sub/link",
        "/secret.txt",
        options={"packages": [("www", "sub")]},
    ),
)


def make_tree(place: Path) -> Path:
    """The root, with what must not come out of it beside it."""
    outside = dict.fromkeys(OUTSIDE, SECRET) | {"below/up": Link("../secret.txt")}
    write_tree(place / "outside", outside)
    return write_tree(place / "www", INSIDE)


@contextmanager
def swapping(one: Path, other: Path) -> Iterator[Counter[str]]:
    """Swap two names, as long as the block runs; then `swaps` tells how often."""
    script = Path(__file__).with_name("swap.py")
    command = [sys.executable, "-I", "-S", str(script), str(one), str(other)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", "renameat2 does not swap here"
        counted: Counter[str] = Counter()
        try:
            yield counted
        finally:
            process.stdin.close()
            counted["swaps"] = int(process.stdout.read() or 0)
    assert process.returncode == 0


def files_of(shape: Shape, root: Path, mode: str) -> StaticFiles:
    """What the shape serves. An index has the names that the root has before the first swap."""
    options = {"live": True} if mode == "live" else {"memory": 0}
    if "packages" not in shape.options:
        return StaticFiles(root, **options, **shape.options)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root.parent)
        return StaticFiles(**options, **shape.options)


@dataclass
class Reader:
    """Asks one door for one thing, with as little around it as can be.

    `outside` is what was seen to be opened outside the root, whether it came out or not.
    """

    shape: Shape
    files: StaticFiles
    door: str
    seen: Counter[str] = field(default_factory=Counter)
    outside: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._fields = [("Accept-Encoding", self.shape.coding)] if self.shape.coding else []
        self._has_app = THE_APP in self.shape.refused

    def ask(self, opens: int) -> None:
        """Ask so often, and count what came."""
        if self.door == "asgi":
            anyio.run(self._ask_asgi, opens)
        else:
            self._ask_wsgi(opens)

    def _count(self, body: bytes) -> None:
        kinds = {PUBLIC: "served"} | dict.fromkeys(self.shape.refused, "refused")
        self.seen[kinds.get(body, "escaped")] += 1

    def _ask_wsgi(self, opens: int) -> None:
        def app(environ: Any, start_response: Any) -> list[bytes]:
            return [THE_APP]

        door = dualstatic.wsgi.StaticMiddleware(app if self._has_app else None, files=self.files)
        environ = make_environ("GET", self.shape.target.encode(), self._fields)
        for _ in range(opens):
            chunks: Any = door(environ, lambda status, headers: lambda data: None)
            self._count(b"".join(chunks))

    async def _ask_asgi(self, opens: int) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.body", "body": THE_APP})

        door = dualstatic.asgi.StaticMiddleware(app if self._has_app else None, files=self.files)
        scope = make_scope("GET", self.shape.target.encode(), self._fields)

        async def ask_in_turn(times: int) -> None:
            for _ in range(times):
                pieces: list[bytes] = []
                await door(scope, staying(), partial(keep, pieces))
                self._count(b"".join(pieces))

        async with anyio.create_task_group() as tasks:
            for number in range(TASKS):
                tasks.start_soon(ask_in_turn, (opens + number) // TASKS)


async def keep(pieces: list[bytes], message: Any) -> None:
    pieces.append(message.get("body", b""))


def race(
    shape: Shape, place: Path, enough: Callable[[Reader], int]
) -> Iterator[tuple[str, Reader]]:
    """Each mode with a reader that has asked one of the doors, while the shape's names are swapped.

    `enough` says how often a reader is to ask next; 0 where it has asked enough.
    """
    root = make_tree(place)
    for mode in MODES:
        with pytest.MonkeyPatch.context() as patch:
            if mode == "index":
                # What is found is remembered, but not a file that is found without its sibling.
                settle(patch)
                if shape.coding:
                    patch.setattr(validators, "FRESH", 2 * 3600 * 10**9)
            files = files_of(shape, root, mode)
            swap = swapping(root / shape.one, root / shape.other)
            with swap as swaps, Watch(place / "outside") as watch:
                for door in DOORS:
                    reader = Reader(shape, files, door)
                    while (opens := enough(reader)) > 0:
                        reader.ask(opens // 2)
                        with pytest.MonkeyPatch.context() as later:
                            if mode == "live":
                                settle(later)  # from then on, what is found is remembered
                            reader.ask(opens - opens // 2)
                        reader.outside.update(path.name for path in watch.take())
                    yield mode, reader
            assert swaps["swaps"] > 1


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("tests.race", description="Race for a secret.")
    parser.add_argument("--opens", type=int, default=1_000_000, help="in all (%(default)s)")
    parser.add_argument("--seconds", type=float, default=3600, help="at most (%(default)s)")
    parser.add_argument(
        "--compress", action="store_true", help="run `compress` meanwhile, for so many swaps"
    )
    options = parser.parse_args(arguments)
    logging.disable()  # of links that lead out there are many
    end = time.monotonic() + options.seconds
    if options.compress:
        from tests import race_compress  # it needs this module

        sys.exit(race_compress.run(options.opens, end))
    each = -(-options.opens // (len(SHAPES) * len(MODES) * len(DOORS)))

    def enough(reader: Reader) -> int:
        return 0 if time.monotonic() > end else min(each - reader.seen.total(), 1000)

    total: Counter[str] = Counter()
    outside: Counter[str] = Counter()
    print(row("shape", "mode", "door", "opens", "served", "refused", "escaped", "outside"))
    for shape in SHAPES:
        with TemporaryDirectory() as place:
            for mode, reader in race(shape, Path(place), enough):
                cells = counted(reader.seen, reader.outside)
                print(row(shape.name, mode, reader.door, *cells), flush=True)
                total += reader.seen
                outside += reader.outside
    print(row("all", "", "", *counted(total, outside)), *outside)
    sys.exit(1 if outside or total["escaped"] or total.total() < options.opens else 0)


def counted(seen: Counter[str], outside: Counter[str]) -> list[int]:
    return [seen.total(), seen["served"], seen["refused"], seen["escaped"], outside.total()]


def row(name: str, mode: str, door: str, *cells: object) -> str:
    return f"{name:32}{mode:6}{door:5}" + "".join(f"{cell:>9}" for cell in cells)


if __name__ == "__main__":
    main()
