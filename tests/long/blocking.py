"""What keeps the event loop from others: asyncio's own debug mode tells of each long callback.

python -m tests.long.blocking [--rounds 20]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import re
import tempfile
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import trees
from benchmarks.browser import Get
from benchmarks.drive import Client
from dualstatic import StaticFiles
from dualstatic.asgi import StaticMiddleware

LIMIT = 0.02
"""Seconds for which a callback may run."""

AT_ONCE = 8
SIZES = {"1KB": trees.KB, "64KB": 64 * trees.KB, "1MB": trees.MB, "100MB": 100 * trees.MB}
MODES: dict[str, dict[str, Any]] = {
    "index, memory": {},
    "index, disk": {"memory": 0},
    "live": {"live": True},
}


CONTROL = "nothing of ours"
"""Callbacks that copy a chunk and do nothing else: how long the machine itself makes them."""


class Told(logging.Handler):
    """Keeps the seconds of each long callback that asyncio tells of."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def emit(self, record: logging.LogRecord) -> None:
        if found := re.search(r"took ([0-9.]+) seconds", record.getMessage()):
            self.seconds.append(float(found[1]))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.long.blocking", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    told = Told()
    logging.getLogger("asyncio").addHandler(told)
    logging.getLogger("asyncio").propagate = False
    print(f"callbacks of more than {LIMIT * 1000:.0f} ms: how many, and the longest")
    with tempfile.TemporaryDirectory(prefix="blocking-") as temporary:
        root = Path(temporary)
        for name, size in SIZES.items():
            (root / name).write_bytes(random.Random(1).randbytes(size))
        _say(CONTROL, told, lambda: _copy(rounds))
        for mode, options in MODES.items():
            for name in SIZES:
                for cold in (False, True):
                    title = f"{mode}, {name}, {'cold' if cold else 'warm'} pages"
                    _say(title, told, partial(_ask, root, options, name, cold, rounds))


def _say(title: str, told: Told, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    told.seconds.clear()
    asyncio.run(work(), debug=True)
    longest = f"{max(told.seconds) * 1000:.0f} ms" if told.seconds else ""
    print(f"{title:32}{len(told.seconds):4}  {longest}", flush=True)


async def _copy(rounds: int) -> None:
    asyncio.get_running_loop().slow_callback_duration = LIMIT
    for _ in range(rounds * AT_ONCE * 100):
        bytes(bytearray(1 << 18))
        await asyncio.sleep(0)


async def _ask(root: Path, options: dict[str, Any], name: str, cold: bool, rounds: int) -> None:
    asyncio.get_running_loop().slow_callback_duration = LIMIT
    for number in range(rounds):
        if number % 4 == 0:  # the first use of a file is a case of its own
            app = StaticMiddleware(files=StaticFiles(root, **options))
        if cold:
            await asyncio.to_thread(_drop_pages, root / name)
        await asyncio.gather(*(_get(app, f"/{name}") for _ in range(AT_ONCE)))


async def _get(app: StaticMiddleware, path: str) -> None:
    async def send(message: Any) -> None:
        await asyncio.sleep(0)

    await app(Get(path).scope(), Client().receive, send)


def _drop_pages(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


if __name__ == "__main__":
    main()
