"""`python -m dualstatic compress DIRECTORY`: writes the siblings that the server sends."""

from __future__ import annotations

import argparse
import io
import os
import shutil
import signal
import sys
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from types import FrameType

from .compressors import Coder, LibraryMissing, coder
from .core.paths import Gate
from .disk.folder import SUFFIXES
from .disk.root import directory_at
from .siblings import MINIMUM, MINIMUM_GAIN, Job, Outcome, Plain, State, Stop, Stopped, find

DESCRIPTION = f"""\
Write a compressed sibling (NAME.zst, NAME.br, NAME.gz) beside each file of a directory.

Left out are files below {MINIMUM} bytes, kinds that are compressed already (images but svg, bmp
and ico, audio, video, woff, archives, office documents), and names that are not served: those with
a leading dot, save .well-known, and links that lead out of the directory. A sibling that would save
less than {MINIMUM_GAIN} bytes isn't written.

A sibling is up to date if it decompresses to its file. One that doesn't is written anew, or removed
if it would no longer be smaller: so keep no other file of your own as NAME.gz beside a NAME.
Nothing else is ever removed or replaced: not a sibling whose file is gone, not a link, and not what
isn't compressed as its name says, which is reported. Files that are links get siblings beside the
link; links to directories are not entered.
"""

_SIGNALS = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
]

_PROBLEMS: tuple[State, ...] = ("failed", "missing", "outdated", "too large")
_SAID: dict[State, str] = {
    "written": "written",
    "dated": "given the date of its file",
    "removed": "removed, no longer smaller",
    "missing": "missing",
    "outdated": "outdated",
    "too large": "not smaller than its file",
}
_COUNTED: dict[State, str] = {
    "written": "written",
    "dated": "given a new date",
    "removed": "removed",
    "current": "up to date",
    "no gain": "not worth it",
    "left": "left as they are",
    "missing": "missing",
    "outdated": "outdated",
    "too large": "not smaller",
    "failed": "failed",
}


class CantCompress(Exception):
    """An option that can't be met; says which and why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    parser.epilog = (
        "Exit status: 0; 1 if a file failed or --check found something; 2; 130 at Ctrl-C."
    )
    parser.add_argument("directory", metavar="DIRECTORY")
    parser.add_argument(
        "--encodings",
        type=_codings,
        metavar="LIST",
        help=f"which of {','.join(SUFFIXES)} (all that are installed)",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; name the siblings that are missing, outdated or not smaller",
    )
    parser.add_argument(
        "--jobs", type=_jobs, default=_cpus(), metavar="N", help="files at a time (%(default)s)"
    )
    parser.add_argument(
        "--dotfiles", action="store_true", help="take names with a leading dot as well"
    )
    parser.add_argument(
        "--follow-symlink",
        action="store_true",
        help="take files that links lead to outside as well",
    )


def _codings(text: str) -> list[str]:
    codings = list(dict.fromkeys(part.strip() for part in text.split(",")))
    if not all(coding in SUFFIXES for coding in codings):
        raise argparse.ArgumentTypeError(f"a list of {','.join(SUFFIXES)}, not {text!r}")
    return codings


def _jobs(text: str) -> int:
    digits = text.lstrip("0")
    if not text.isascii() or not digits.isdigit() or len(digits) > 3:
        raise argparse.ArgumentTypeError(f"a number from 1 to 999, not {text!r}")
    return int(digits)


def _cpus() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(options: argparse.Namespace) -> int:
    """Do what the options say; the exit status.

    :raises CantCompress: they can't be met
    """
    if not os.path.isdir(options.directory):
        raise CantCompress(f"there is no directory at {options.directory!r}")
    coders = _coders(options.encodings)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # there are names of all kinds
    report = Report(Progress() if sys.stdout and sys.stdout.isatty() else None)
    stop = Stop()
    with _signals(stop):
        try:
            with closing(_outcomes(options, coders, report, stop)) as outcomes:
                for outcome in outcomes:
                    report.add(outcome)
        except Stopped:
            report.end("stopped: what was written is whole, the rest is as it was")
            return 128 + stop.signal
        report.end()
    return int(report.has_problems)


def _coders(wanted: Sequence[str] | None) -> list[Coder]:
    """The coders asked for, or all whose libraries are there."""
    return [each for coding in wanted or SUFFIXES if (each := _coder(coding, bool(wanted)))]


def _coder(coding: str, is_wanted: bool) -> Coder | None:
    try:
        return coder(coding)
    except LibraryMissing as error:
        if is_wanted:
            raise CantCompress(str(error)) from error
        print(f"left out: {error}", file=sys.stderr)
        return None


@contextmanager
def _signals(stop: Stop) -> Iterator[None]:
    """Note a signal that asks for the end, instead of ending in the middle of something."""

    def note(number: int, frame: FrameType | None) -> None:
        stop.signal = stop.signal or number

    heard = [each for each in _SIGNALS if signal.getsignal(each) != signal.SIG_IGN]  # not by nohup
    before = {number: signal.signal(number, note) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            # Who asks for the end once more is to get it no other way than this one.
            signal.signal(number, signal.SIG_IGN if stop.signal else handler)


def _outcomes(
    options: argparse.Namespace, coders: Sequence[Coder], report: Report, stop: Stop
) -> Generator[Outcome, None, None]:
    """What became of each sibling, as it becomes known; the largest files first.

    A large one at the end would keep one processor busy and the others waiting.
    """
    directory = directory_at(options.directory, follow_symlink=options.follow_symlink)
    gate = Gate("", options.dotfiles, sys.platform == "win32")
    plains: list[Plain] = []
    for found in find(directory, gate, stop):
        if isinstance(found, Outcome):
            yield found
        else:
            plains.append(found)
    plains.sort(key=lambda plain: plain.size, reverse=True)
    jobs = [Job(directory, plain, each, stop) for plain in plains for each in coders]
    report.expect(sum(job.plain.size for job in jobs))
    yield from _run_all(
        [job.check if options.check else job.update for job in jobs], options.jobs, stop
    )


def _run_all(tasks: Sequence[Callable[[], Outcome]], workers: int, stop: Stop) -> Iterator[Outcome]:
    """What the tasks give, which run in threads: compressors let go of the interpreter's lock.

    However this ends, no thread is at work any more.
    """
    waiting, done = deque(tasks), SimpleQueue[Outcome | None]()
    with ThreadPoolExecutor(workers) as pool:
        threads = [pool.submit(_work, waiting, done) for _ in range(workers)]
        try:
            at_work = workers
            while at_work:
                if outcome := done.get():
                    yield outcome
                else:
                    at_work -= 1
        finally:
            waiting.clear()
            # Left in the middle, as where nobody reads what is printed: the threads end, too.
            stop.signal = stop.signal or (signal.SIGTERM if at_work else 0)
    for thread in threads:
        thread.result()


def _work(waiting: deque[Callable[[], Outcome]], done: SimpleQueue[Outcome | None]) -> None:
    try:
        while waiting:
            done.put(waiting.popleft()())
    except IndexError:
        pass  # another thread took the last one
    finally:
        done.put(None)


# What is said of it.


@dataclass(slots=True)
class Progress:
    """A line on the terminal that is written again and again."""

    done: int = 0
    whole: int = 0

    def show(self, name: str) -> None:
        columns = shutil.get_terminal_size().columns - 1
        share = self.done / self.whole if self.whole else 1.0
        width = min(30, columns // 3)
        bar = ("#" * round(share * width)).ljust(width, ".")
        line = f"[{bar}] {share:4.0%} {name}"
        sys.stdout.write(f"\r{line[:columns]}\x1b[K")
        sys.stdout.flush()

    def clear(self) -> None:
        sys.stdout.write("\r\x1b[K")
        sys.stdout.flush()


@dataclass(slots=True)
class Report:
    """Says what happens, on a terminal by a bar, elsewhere by a line each; and the sums."""

    progress: Progress | None
    states: Counter[State] = field(default_factory=Counter)
    sums: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def expect(self, size: int) -> None:
        if self.progress:
            self.progress.whole = size

    def add(self, outcome: Outcome) -> None:
        self.states[outcome.state] += 1
        if outcome.after:
            count, before, after = self.sums.get(outcome.coding, (0, 0, 0))
            after += outcome.after
            self.sums[outcome.coding] = count + 1, before + outcome.before, after
        self._say(outcome)

    def _say(self, outcome: Outcome) -> None:
        text = _line(outcome)
        if text and (not self.progress or outcome.state in _PROBLEMS):
            if self.progress:
                self.progress.clear()
            print(text, file=sys.stderr if outcome.state == "failed" else sys.stdout, flush=True)
        if self.progress:
            self.progress.done += outcome.before
            self.progress.show(outcome.name)

    @property
    def has_problems(self) -> bool:
        return any(self.states[state] for state in _PROBLEMS)

    def end(self, last: str = "") -> None:
        """The table of bytes before and after."""
        if self.progress:
            self.progress.clear()
        if self.sums:
            print(f"{'':8}{'files':>8}{'before':>15}{'after':>15}")
        for coding in filter(self.sums.get, SUFFIXES):
            count, before, after = self.sums[coding]
            print(f"{coding:8}{count:8}{before:15,}{after:15,}{_change(before, after):>9}")
        counts = [
            f"{self.states[state]} {text}" for state, text in _COUNTED.items() if self.states[state]
        ]
        print(", ".join(counts) or "nothing to compress")
        if last:
            print(last, file=sys.stderr)


def _line(outcome: Outcome) -> str:
    """What is said of a sibling; nothing, if there is nothing new about it."""
    if outcome.state == "failed":
        return f"failed: {outcome.name}: {outcome.reason}"
    said = _SAID.get(outcome.state)
    if outcome.state != "written":
        return f"{outcome.name}: {said}" if said else ""
    sizes = f"{outcome.before:,} -> {outcome.after:,}"
    return f"{outcome.name}: {sizes} ({_change(outcome.before, outcome.after)})"


def _change(before: int, after: int) -> str:
    return f"{(after - before) / before:+.1%}"
