"""The siblings of a whole directory, made in threads."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from ..core.paths import Gate
from ..disk.root import directory_at
from .codecs import Codec
from .siblings import Job, Outcome, Plain, Stop, Tree, find


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
    only_looks: bool = False,
    workers: int | None = None,
    expect: Callable[[int], object] = bool,
) -> Generator[Outcome, None, None]:
    """What became of each sibling, as it becomes known; the largest files first.

    A large one at the end would keep one processor busy and the others waiting. `expect` is told
    how many bytes there are to be compressed. However this ends, no thread is at work any more.
    """
    directory = directory_at(path, follow_symlink=False).pin()
    tree = Tree(directory, Gate("", dotfiles, sys.platform == "win32"), follow_symlink)
    plains: list[Plain] = []
    for found in find(tree, stop):
        if isinstance(found, Outcome):
            yield found
        else:
            plains.append(found)
    plains.sort(key=lambda plain: plain.size, reverse=True)
    jobs = [Job(tree, plain, each, stop, only_looks) for plain in plains for each in codecs]
    expect(sum(job.plain.size for job in jobs))
    yield from _run_all(jobs, workers or cpus(), stop)


def _run_all(jobs: Sequence[Job], workers: int, stop: Stop) -> Iterator[Outcome]:
    """What the jobs give, which run in threads: compressors let go of the interpreter's lock."""
    waiting, done = SimpleQueue[Job | None](), SimpleQueue[Outcome | None]()
    for job in [*jobs, *[None] * workers]:
        waiting.put(job)

    def work() -> None:
        try:
            for job in iter(waiting.get, None):
                done.put(job.run())
        finally:
            done.put(None)

    with ThreadPoolExecutor(workers) as pool:
        threads = [pool.submit(work) for _ in range(workers)]
        try:
            for _ in threads:
                yield from iter(done.get, None)
        except BaseException:  # left in the middle: nobody reads what is printed, or Ctrl-C
            stop.signal = stop.signal or signal.SIGTERM
            raise
    for thread in threads:
        thread.result()
