"""`python -m dualstatic compress DIRECTORY`: writes the siblings that the server sends."""

from __future__ import annotations

import argparse
import io
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import TextIO

from ..core.codings import SUFFIXES
from ..core.deltas import WRITTEN
from .codecs import Codec, LibraryMissing, installed
from .siblings import MINIMUM, MINIMUM_GAIN, Outcome, State, Stop, Stopped
from .work import cpus, outcomes

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

With --previous, deltas (NAME{WRITTEN[0]} to NAME{WRITTEN[-1]}) are written as well, from files of
older builds that the manifests call the same or whose names differ in the hash alone, if they are a
tenth smaller than every other sibling. One from a file that isn't given any more is left as it is.
"""

_SIGNALS = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
]


class Refused(Exception):
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
    old = "an older build to make deltas from; several times for several, the newest first"
    parser.add_argument("--previous", action="append", default=[], metavar="OLD", help=old)
    parser.add_argument(
        "--jobs", type=number, default=cpus(), metavar="N", help="files at a time (%(default)s)"
    )
    flag = partial(parser.add_argument, action="store_true")
    flag("--check", help="write nothing; name the siblings that are missing, outdated or too large")
    flag("--dotfiles", help="take names with a leading dot as well")
    flag("--follow-symlink", help="take files that links lead to outside as well")


def _codings(text: str) -> list[str]:
    codings = list(dict.fromkeys(part.strip() for part in text.split(",")))
    if not all(coding in SUFFIXES for coding in codings):
        raise argparse.ArgumentTypeError(f"a list of {','.join(SUFFIXES)}, not {text!r}")
    return codings


def number(text: str) -> int:
    digits = text.lstrip("0")
    if not text.isascii() or not digits.isdigit() or len(digits) > 3:
        raise argparse.ArgumentTypeError(f"a number from 1 to 999, not {text!r}")
    return int(digits)


def run(options: argparse.Namespace) -> int:
    """Do what the options say; the exit status.

    :raises Refused: they can't be met
    """
    for path in (options.directory, *options.previous):
        if not os.path.isdir(path):
            raise Refused(f"there is no directory at {path!r}")
    if options.previous:
        _codecs(["zstd"], "--previous")
    codecs = _codecs(options.encodings, "--encodings")
    report, stop = Report(has_bar=bool(sys.stdout and sys.stdout.isatty())), Stop()
    work = outcomes(
        options.directory,
        codecs,
        stop,
        dotfiles=options.dotfiles,
        follow_symlink=options.follow_symlink,
        previous=options.previous,
        only_looks=options.check,
        workers=options.jobs,
        expect=report.expect,
    )
    return carry_out(work, report, stop)


def carry_out(work: Generator[Outcome, None, None], report: Report, stop: Stop) -> int:
    """Do what gives these outcomes, and report them; the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # there are names of all kinds
    with _signals(stop), closing(work) as each:
        try:
            for outcome in each:
                report.add(outcome)
        except Stopped:
            report.end("stopped: what was written is whole, the rest is as it was")
            return 128 + stop.signal
        report.end()
    return int(report.has_problems)


def _codecs(wanted: Sequence[str] | None, option: str) -> list[Codec]:
    """The codecs that an option asks for, or all whose libraries are there."""

    def left_out(error: LibraryMissing) -> None:
        if wanted:
            raise Refused(f"{option}: {error}") from error
        print(f"left out: {error}", file=sys.stderr)

    return installed(wanted or SUFFIXES, left_out)


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


# What is said of it.


@dataclass(slots=True)
class Report:
    """Says what happens, on a terminal by a bar, elsewhere by a line each; and the sums.

    `whole` is how many bytes there are to be done.
    """

    has_bar: bool
    whole: int = 0
    done: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)

    def expect(self, size: int) -> None:
        self.whole = size

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.done += outcome.before
        if not self.has_bar or outcome.state.is_problem:
            self._say(_line(outcome), sys.stderr if outcome.state is State.FAILED else sys.stdout)
        if outcome.note and outcome.note not in self.notes:
            self.notes.add(outcome.note)
            self._say(f"{shown(outcome.name)} {outcome.note}", sys.stderr)
        if self.has_bar:
            self._show(shown(outcome.name))

    def _say(self, text: str, file: TextIO) -> None:
        if text:
            self._clear()
            print(text, file=file, flush=True)

    def _show(self, name: str) -> None:
        columns = shutil.get_terminal_size().columns - 1
        share = self.done / self.whole if self.whole else 1.0
        width = min(30, columns // 3)
        bar = ("#" * round(share * width)).ljust(width, ".")
        line = f"[{bar}] {share:4.0%} {name}"
        print(f"\r{line[:columns]}\x1b[K", end="", flush=True)

    def _clear(self) -> None:
        if self.has_bar:
            print("\r\x1b[K", end="", flush=True)

    @property
    def has_problems(self) -> bool:
        return any(outcome.state.is_problem for outcome in self.outcomes)

    def end(self, last: str = "") -> None:
        """The table of bytes before and after."""
        self._clear()
        sized = [outcome for outcome in self.outcomes if outcome.after]
        if sized:
            print(f"{'':8}{'files':>8}{'before':>15}{'after':>15}")
        for coding in (*SUFFIXES, "dcz"):
            pairs = [(each.before, each.after) for each in sized if each.coding == coding]
            if pairs:
                before, after = map(sum, zip(*pairs, strict=True))
                print(f"{coding:8}{len(pairs):8}{before:15,}{after:15,}{_change(before, after):>9}")
        states = Counter(outcome.state for outcome in self.outcomes)
        counts = [f"{states[state]} {state.counted}" for state in State if states[state]]
        print(", ".join(counts) or "nothing to compress")
        if last:
            print(last, file=sys.stderr)


def shown(name: str) -> str:
    """A name without what a terminal would obey, or show in another order than it is in."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in name
    )


def _line(outcome: Outcome) -> str:
    """What is said of a sibling; nothing, if there is nothing new about it."""
    name, state = shown(outcome.name), outcome.state
    if state is State.FAILED:
        return f"failed: {name}: {outcome.reason}"
    if state is not State.WRITTEN:
        return f"{name}: {state.said}" if state.said else ""
    change = _change(outcome.before, outcome.after)
    return f"{name}: {outcome.before:,} -> {outcome.after:,} ({change})"


def _change(before: int, after: int) -> str:
    return f"{(after - before) / before:+.1%}"
