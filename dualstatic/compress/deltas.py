"""Deltas: siblings that are made of a file and of one that an older release had in its place."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain, zip_longest

from ..core.deltas import WRITTEN
from ..core.releases import constant_parts
from ..manifests import USUAL_PLACES, urls_by_source
from .codecs import delta
from .siblings import Job, Outcome, Plain, Stop, Tree, failure

LARGEST = 2**23
"""Bytes above which an older file is left out. zstd takes one in at a step that lasts seconds and
can't be stopped, and needs twenty times as much memory."""

Pair = tuple[Plain, Plain, str]
"""A file, an older one, and the suffix of the delta that is made of them."""

_Key = str | tuple[str, str] | None
"""What files of two releases have in common: their source, or all of their names but the hash."""

_Reader = Callable[[object], Mapping[str, str]]


def listed(tree: Tree, names: Container[str], urls_of: _Reader) -> Iterator[tuple[str, str]]:
    """The names that a build's manifests list, each after the key under which it stands.

    The manifests are looked for in the usual places. A URL in one may begin with any public path.
    """
    for manifest in USUAL_PLACES:
        folder, _, leaf = manifest.rpartition("/")
        unread = suppress(OSError, ValueError, RecursionError)
        with unread, tree.enter(folder) as place, place.open_plain(leaf) as file:
            for key, url in urls_of(json.load(file)).items():
                name = url.partition("?")[0]
                while name and name not in names:
                    name = name.partition("/")[2]
                if name:
                    yield key, name


def deltas(build: Sequence[Plain], older: Sequence[Sequence[Plain]]) -> Iterator[Pair]:
    """The deltas that there may be of a build's files, by those of older ones.

    Only names with a hash have any: others are never dictionaries. Each older build in its turn
    gives its likeliest file.
    """
    releases = [_by_key(release) for release in older]
    keys: dict[str, list[_Key]] = defaultdict(list)
    for key, plains in _by_key(build).items():
        for plain in plains:
            keys[plain.name].append(key)
    for plain in build:
        alike = ([release.get(key, []) for key in keys[plain.name]] for release in releases)
        found: dict[str, Plain] = {}
        for old in filter(None, chain(*zip_longest(*(_ranked(plain, each) for each in alike)))):
            found.setdefault(old.name, old)
        for suffix, old in zip(WRITTEN, found.values(), strict=False):
            yield plain, old, suffix


def _by_key(release: Sequence[Plain]) -> dict[_Key, list[Plain]]:
    """The files of a build, by what the manifests say first."""
    files = {plain.name: plain for plain in release if constant_parts(plain.name)}
    found: dict[_Key, list[Plain]] = defaultdict(list)
    for source, name in listed(release[0].tree, files, urls_by_source) if release else ():
        found[source].append(files[name])
    for name, plain in files.items():
        found[constant_parts(name)].append(plain)
    return found


def _ranked(plain: Plain, alike: Sequence[Sequence[Plain]]) -> list[Plain]:
    """The files that may be the older one, the likeliest first.

    Of those with the same key the newest is first, or the nearest in size where the hash is all of
    the name.
    """
    before, _ = constant_parts(plain.leaf) or ("", "")

    def rank(old: Plain) -> int:
        return -old.identity[3] if before else abs(old.size - plain.size)

    ranked = chain(*(sorted(some, key=rank) for some in alike))
    return [old for old in ranked if old.name != plain.name and old.size <= LARGEST]


def run_delta(plain: Plain, old: Plain, suffix: str, stop: Stop, only_looks: bool) -> Outcome:
    """What became of a delta. The older file is read when it is its turn."""
    try:
        with old.open() as (_, file):
            codec = delta(file.read(old.size), suffix)
    except (OSError, MemoryError) as error:
        return failure(plain.name + suffix, error)
    return Job(plain, codec, stop, only_looks).run()
