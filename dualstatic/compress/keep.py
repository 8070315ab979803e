"""`python -m dualstatic keep DIST STORE`: keeps the hashed files of earlier builds.

A page that was loaded before a deploy asks for files of its own build. The store has a copy of
each, and a list of their names with the time at which a build had them last. A name is listed
before its file is copied, and until its file is gone: however this ends, the next run goes on.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from itertools import zip_longest
from typing import Any, BinaryIO

from ..core.codings import SUFFIXES, is_outdated
from ..core.deltas import DELTA_SUFFIXES
from ..core.paths import Gate
from ..disk.root_by_descriptor import NOFOLLOW
from ..manifests import hashed_names
from .codecs import PIECE
from .command import Refused, Report, carry_out, number
from .deltas import manifests_in, name_of
from .place import Place
from .siblings import Outcome, Plain, State, Stop, Tree, failure, find, tree_at

_STATE = ".dualstatic-keep.json"
_LOCK = ".dualstatic-keep.lock"
_fcntl: Any = importlib.import_module("fcntl") if os.name == "posix" else None
_DAY = 24 * 60 * 60
_PAGE = re.compile(r"\.x?html?\Z", re.IGNORECASE)
_SIBLINGS = (*SUFFIXES.values(), *DELTA_SUFFIXES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Copy the files of a build whose names carry a hash, with their siblings, to a store for "
        "those who loaded a page of that build, and forget what no build has had for some time. "
        "Pages are never kept."
    )
    parser.epilog = "Exit status: 0; 1 if a file failed; 2; 130 at Ctrl-C."
    parser.add_argument("directory", metavar="DIST", help="the build")
    parser.add_argument("store", metavar="STORE", help="is made, if it isn't there")
    days = "how long a name is kept after the last build that had it (%(default)s)"
    parser.add_argument("--days", type=number, default=30, metavar="N", help=days)
    names = "finds the names to keep (those that a manifest in DIST lists with a hash)"
    parser.add_argument("--immutable", type=_pattern, metavar="REGEX", help=names)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"a regular expression, not {text!r}: {error}") from error


def run(options: argparse.Namespace) -> int:
    """Do what the options say; the exit status.

    :raises Refused: they can't be met
    """
    paths = [os.path.realpath(path) for path in (options.directory, options.store)]
    if not os.path.isdir(options.directory):
        raise Refused(f"there is no directory at {options.directory!r}")
    with suppress(ValueError):  # they lie on two drives
        if os.path.commonpath(paths) in paths:
            raise Refused("of DIST and STORE none may lie in the other")
    stop = Stop()
    return carry_out(_outcomes(options, stop), Report(has_bar=False), stop)


def _outcomes(options: argparse.Namespace, stop: Stop) -> Generator[Outcome, None, None]:
    try:
        os.makedirs(options.store, exist_ok=True)
        yield from _keep(tree_at(options.directory), tree_at(options.store), options, stop)
    except OSError as error:
        raise Refused(f"can't keep anything in {options.store!r}: {error.strerror}") from error


def _keep(
    build: Tree, store: Tree, options: argparse.Namespace, stop: Stop
) -> Generator[Outcome, None, None]:
    files: dict[str, Plain] = {}
    for found in find(build, stop, wants=bool):
        if isinstance(found, Outcome):
            yield found
        else:
            files[found.name] = found
    names = _immutable(build, files, options.immutable)
    with _locked(store, stop) as root:
        now = int(time.time())
        state = _read(root, store.gate) | dict.fromkeys(names, now)
        _write(root, state)
        for name in names:
            yield _copied(files, name, store, stop)
        for name in [name for name, had in state.items() if had < now - options.days * _DAY]:
            yield (outcome := _forgotten(store, name))
            if outcome.state is State.FORGOTTEN:
                del state[name]
        _write(root, state)


def _immutable(
    build: Tree, files: Mapping[str, Plain], pattern: re.Pattern[str] | None
) -> list[str]:
    """The names to keep."""
    if pattern:
        siblings = {name + suffix for name in files for suffix in _SIBLINGS}
        names = {name for name in files if pattern.search(name)} - siblings
    else:
        listed = (url for each in manifests_in(build) for url in hashed_names(each))
        names = {name for url in listed if (name := name_of(url, files))}
    names = {name for name in names if not _PAGE.search(name)}
    if not names:
        raise Refused("no manifest in DIST lists a name with a hash: --immutable says which are")
    return sorted(names)


@contextmanager
def _locked(store: Tree, stop: Stop) -> Iterator[Place]:
    """The root of the store, which no other run changes meanwhile (but on Windows)."""
    flags = os.O_RDWR | os.O_CREAT | NOFOLLOW
    with store.enter("") as root:
        descriptor = os.open(root.at(_LOCK), flags, 0o600, dir_fd=root.here)
        try:
            while _fcntl:
                with suppress(BlockingIOError):
                    _fcntl.flock(descriptor, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
                    break
                stop.check()
                time.sleep(0.05)
            yield root
        finally:
            os.close(descriptor)


def _read(root: Place, gate: Gate) -> dict[str, int]:
    """When a build had each name last, in seconds."""
    try:
        with root.open_plain(_STATE) as file:
            listed = json.load(file).items()
        return {name: int(had) for name, had in listed if gate(f"/{name}")}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise Refused(f"{_STATE} in STORE is no list of names: remove it to begin anew") from error


def _write(root: Place, state: Mapping[str, int]) -> None:
    with root.create() as new:
        new.file.write(json.dumps(state, indent=0, sort_keys=True).encode())
        new.become(_STATE, new.status)


def _copied(files: Mapping[str, Plain], name: str, store: Tree, stop: Stop) -> Outcome:
    """What became of a file.

    An outdated sibling isn't copied: if the file in the store is older, it would pass for current.
    """
    plain = files[name]
    siblings = [files[name + each] for each in _SIBLINGS if name + each in files]
    try:
        is_new = _copy(plain, store, stop)
        for each in siblings:
            if not is_outdated(each.identity, plain.identity):
                _copy(each, store, stop)
    except (OSError, MemoryError) as error:
        return failure(name, error)
    return Outcome(name, State.KEPT if is_new else State.CURRENT)


def _copy(plain: Plain, store: Tree, stop: Stop) -> bool:
    """Copy a file, unless the store has it; whether that was done.

    It is no hard link: who writes to DIST would write to the store.
    """
    with plain.open() as (_, file), _folder(store, plain.name) as place:
        if _has(place, plain.leaf, file):
            return False
        file.seek(0)
        with place.create() as new:
            while piece := file.read(PIECE):
                stop.check()
                new.file.write(piece)
            new.become(plain.leaf, plain.prove(file, "changed while it was read"))
    return True


def _has(place: Place, leaf: str, file: BinaryIO) -> bool:
    try:
        with place.open_plain(leaf) as kept:
            pieces = zip_longest(*(iter(partial(each.read, PIECE), b"") for each in (kept, file)))
            return all(one == other for one, other in pieces)
    except FileNotFoundError:
        return False


@contextmanager
def _folder(store: Tree, name: str) -> Iterator[Place]:
    """The folder of a name in the store, which is made if need be."""
    parts = name.split("/")[:-1]
    for depth, part in enumerate(parts):
        with store.enter("/".join(parts[:depth])) as place, suppress(FileExistsError):
            os.mkdir(place.at(part), dir_fd=place.here)
    with store.enter("/".join(parts)) as place:
        yield place


def _forgotten(store: Tree, name: str) -> Outcome:
    """What became of a name to forget. The file goes first: a sibling alone answers for nothing."""
    folder, _, leaf = name.rpartition("/")
    try:
        with suppress(FileNotFoundError), store.enter(folder) as place:
            for each in ("", *_SIBLINGS):
                with suppress(FileNotFoundError), place.open_plain(leaf + each) as file:
                    place.remove(leaf + each, os.fstat(file.fileno()))
    except OSError as error:
        return failure(name, error)
    return Outcome(name, State.FORGOTTEN)
