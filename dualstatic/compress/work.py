"""The siblings of a whole directory, made in threads."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import chain
from queue import Empty, SimpleQueue

from .codecs import Codec
from .deltas import deltas, run_delta
from .siblings import MINIMUM, Job, Outcome, Plain, Stop, find, tree_at

_HEARD_WITHIN = 0.2
"""Seconds."""


def cpus() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def outcomes(
    path: str,
    codecs: Sequence[Codec],
    stop: Stop,
    *,
    dotfiles: bool,
    follow_symlink: bool,
    previous: Sequence[str] = (),
    only_looks: bool = False,
    workers: int | None = None,
    expect: Callable[[int], object] = bool,
) -> Generator[Outcome, None, None]:
    """What became of each sibling, as it becomes known; the largest files first.

    A large one at the end would keep one processor busy and the others waiting. `previous` are
    older builds, the newest first, from whose files deltas are made, too. `expect` is told
    how many bytes there are to be compressed. Whatever ends this, no thread is left at work.
    """
    trees = [tree_at(each, dotfiles=dotfiles, follows=follow_symlink) for each in (path, *previous)]
    plains: list[Plain] = []
    for found in chain.from_iterable(find(tree, stop) for tree in trees):
        if isinstance(found, Outcome):
            yield found
        elif found.size >= MINIMUM:
            plains.append(found)
    plains.sort(key=lambda plain: plain.size, reverse=True)
    new, *older = ([plain for plain in plains if plain.tree is tree] for tree in trees)
    jobs = [Job(plain, each, stop, only_looks).run for plain in new for each in codecs]
    later = [partial(run_delta, *each, stop, only_looks) for each in deltas(new, older)]
    expect(sum(plain.size for plain in (*new * len(codecs), *(each.args[0] for each in later))))
    yield from _run_all(jobs, workers or cpus(), stop)
    # Each has to be smaller than the siblings that are there by now.
    yield from _run_all(later, workers or cpus(), stop)


def _run_all(jobs: Sequence[Callable[[], Outcome]], workers: int, stop: Stop) -> Iterator[Outcome]:
    """What the jobs give, which run in threads: compressors let go of the interpreter's lock."""
    waiting, done = SimpleQueue[Callable[[], Outcome] | None](), SimpleQueue[Outcome | None]()
    for job in [*jobs, *[None] * workers]:
        waiting.put(job)

    def work() -> None:
        try:
            for job in iter(waiting.get, None):
                done.put(job())
        finally:
            done.put(None)

    with ThreadPoolExecutor(workers) as pool:
        threads = [pool.submit(work) for _ in range(workers)]
        try:
            for _ in threads:
                yield from iter(partial(_wait, done), None)
        except BaseException:  # left in the middle: nobody reads what is printed, or Ctrl-C
            stop.signal = stop.signal or signal.SIGTERM
            raise
    for thread in threads:
        thread.result()


def _wait(done: SimpleQueue[Outcome | None]) -> Outcome | None:
    """The next that is done. On Windows a signal ends no wait: it is heard between two of them."""
    while True:
        with suppress(Empty):
            return done.get(timeout=_HEARD_WITHIN)
