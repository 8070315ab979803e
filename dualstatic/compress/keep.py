"""`python -m dualstatic keep DIST STORE`: keeps the hashed files of earlier builds.

A page that was loaded before a deploy asks for files of its own build. The store has those whose
names carry a hash, with their siblings, until no build has had a name for some time. Pages are
never kept. Where the system allows it they are hard links, else copies. Builds write such a file
anew: a program that writes into one of DIST writes to the store, too. A list tells when a build had
each name last. A name is listed before its file is there, and until it is gone: however this ends,
the next run goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path

from ..core.codings import SUFFIXES, is_outdated
from ..core.deltas import DELTA_SUFFIXES
from ..disk.root_by_descriptor import NOFOLLOW
from ..manifests import hashed_urls
from .codecs import PIECE
from .command import Refused, Report, carry_out, number
from .deltas import listed
from .place import Place
from .siblings import Outcome, Plain, State, Stop, Tree, failure, find, tree_at

if sys.platform != "win32":
    import fcntl

_STATE = ".dualstatic-keep.json"
_LOCK = ".dualstatic-keep.lock"
_PAGE = re.compile(r"\.x?html?\Z", re.IGNORECASE)
_SIBLINGS = (*SUFFIXES.values(), *DELTA_SUFFIXES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = __doc__
    parser.epilog = "Exit status: 0; 1 if a file failed; 2; 130 at Ctrl-C."
    parser.add_argument("directory", metavar="DIST", help="the build")
    parser.add_argument("store", metavar="STORE", help="is made, if it isn't there")
    days = "how long a name is kept after the last build that had it (%(default)s)"
    parser.add_argument("--days", type=number, default=30, metavar="N", help=days)
    names = "finds the names to keep (those that a manifest in DIST lists with a hash)"
    parser.add_argument("--immutable", metavar="REGEX", help=names)


def run(options: argparse.Namespace) -> int:
    """Do what the options say; the exit status.

    :raises Refused: they can't be met
    """
    dist, store = (Path(os.path.realpath(each)) for each in (options.directory, options.store))
    if not dist.is_dir():
        raise Refused(f"there is no directory at {options.directory!r}")
    if store.is_relative_to(dist) or dist.is_relative_to(store):
        raise Refused("of DIST and STORE none may lie in the other")
    stop = Stop()
    return carry_out(_outcomes(options, stop), Report(has_bar=False), stop)


def _outcomes(options: argparse.Namespace, stop: Stop) -> Generator[Outcome, None, None]:
    try:
        build = tree_at(options.directory)
        found = [*find(build, stop, wants=bool)]
        yield from (each for each in found if isinstance(each, Outcome))
        files = {each.name: each for each in found if isinstance(each, Plain)}
        names = _immutable(build, files, options.immutable)
        os.makedirs(options.store, exist_ok=True)
        store, now = tree_at(options.store), int(time.time())
        with _locked(store, stop) as root:
            times = _read(store, root) | dict.fromkeys(names, now)
            _write(root, times)
            for name, had in sorted(times.items()):
                stop.check()
                try:
                    if name in names:
                        yield Outcome(name, _keep(files, name, store, stop))
                    elif had < now - options.days * 24 * 60 * 60:
                        yield Outcome(name, _forget(name, store))
                        del times[name]
                except (OSError, MemoryError) as error:
                    yield failure(name, error)
            _write(root, times)
    except re.error as error:
        raise Refused(f"--immutable takes a regular expression: {error}") from error
    except OSError as error:
        raise Refused(f"can't keep anything in {options.store!r}: {error.strerror}") from error


def _immutable(build: Tree, files: Mapping[str, Plain], pattern: str | None) -> set[str]:
    """The names to keep."""
    named = [name for _, name in listed(build, files, hashed_urls)] if pattern is None else files
    siblings = {name + suffix for name in files for suffix in _SIBLINGS}
    names = {name for name in named if re.search(pattern or "", name)} - siblings
    names = {name for name in names if not _PAGE.search(name)}
    if not names and pattern is not None:
        raise Refused(f"--immutable={pattern!r} finds no name to keep in DIST")
    if not names:
        raise Refused("no manifest in DIST lists a name with a hash: --immutable says which are")
    return names


@contextmanager
def _locked(store: Tree, stop: Stop) -> Iterator[Place]:
    """The root of the store, which no other run changes meanwhile (but on Windows)."""
    with store.enter("") as root:
        lock = os.open(root.at(_LOCK), os.O_RDWR | os.O_CREAT | NOFOLLOW, 0o600, dir_fd=root.here)
        with open(lock, "rb"):
            while sys.platform != "win32":
                with suppress(BlockingIOError):
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                stop.check()
                time.sleep(0.05)
            yield root


def _read(store: Tree, root: Place) -> dict[str, int]:
    """When a build had each name last, in seconds."""
    try:
        with root.open_plain(_STATE) as file:
            return {name: int(at) for name, at in json.load(file).items() if store.gate(f"/{name}")}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise Refused(f"{_STATE} in STORE is no list of names: remove it to begin anew") from error


def _write(root: Place, times: Mapping[str, int]) -> None:
    with root.create() as new:
        new.file.write(json.dumps(times, indent=0, sort_keys=True).encode())
        new.become(_STATE, new.file, new.status)


def _keep(files: Mapping[str, Plain], name: str, store: Tree, stop: Stop) -> State:
    """What becomes of a file to keep.

    An outdated sibling isn't kept: if the file in the store is older, it would pass for current.
    """
    is_new = _link_or_copy(plain := files[name], store, stop)
    for each in [files[name + suffix] for suffix in _SIBLINGS if name + suffix in files]:
        if not is_outdated(each.identity, plain.identity):
            _link_or_copy(each, store, stop)
    return State.KEPT if is_new else State.CURRENT


def _link_or_copy(plain: Plain, store: Tree, stop: Stop) -> bool:
    """Give the store a file, unless it has it; whether that was done.

    The link is one to the open file, since the name in DIST may be another file's by now. The
    system may refuse it: STORE is on another file system, the file is somebody else's, the name is
    taken. In its place there is a copy then.
    """
    with plain.open() as (_, file), _folder(store, plain.name) as place:
        pieces = partial(iter, partial(file.read, PIECE), b"")
        with suppress(FileNotFoundError), place.open_plain(plain.leaf) as kept:
            if sys.platform == "linux" and os.path.sameopenfile(file.fileno(), kept.fileno()):
                return False
            if all(kept.read(len(piece)) == piece for piece in pieces()) and not kept.read(1):
                return False
        if sys.platform == "linux":
            with suppress(OSError):
                os.link(f"/proc/self/fd/{file.fileno()}", plain.leaf, dst_dir_fd=place.here)
                return True
        file.seek(0)
        with place.create() as new:
            for piece in pieces():
                stop.check()
                new.file.write(piece)
            new.become(plain.leaf, file, plain.prove(file, "changed while it was read"))
    return True


def _folder(store: Tree, name: str) -> AbstractContextManager[Place]:
    """The folder of a name in the store, which is made if need be."""
    parts = name.split("/")[:-1]
    for depth, part in enumerate(parts):
        with store.enter("/".join(parts[:depth])) as place, suppress(FileExistsError):
            os.mkdir(place.at(part), dir_fd=place.here)
    return store.enter("/".join(parts))


def _forget(name: str, store: Tree) -> State:
    """Remove a file, and then its siblings: without it, they answer for nothing."""
    folder, _, leaf = name.rpartition("/")
    with suppress(FileNotFoundError), store.enter(folder) as place:
        for each in ("", *_SIBLINGS):
            with suppress(FileNotFoundError), place.open_plain(leaf + each) as file:
                place.remove(leaf + each, os.fstat(file.fileno()))
    return State.FORGOTTEN
