"""Deltas: siblings that are made of a file and of one that an older release had in its place."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

from ..core.codings import SUFFIXES
from ..core.deltas import MOST_DELTAS, delta_suffix
from ..core.releases import constant_parts
from ..manifests import USUAL_PLACES, urls_by_source
from .codecs import delta
from .siblings import Job, Outcome, Plain, Stop, Tree, failure

LARGEST = 2**23
"""Bytes above which an older file is left out. zstd takes one in at a step that lasts seconds and
can't be stopped, and needs twenty times as much memory."""

Key = str | tuple[str, str] | None
"""What files of two releases have in common: their source, or all of their names but the hash."""


def manifests_in(tree: Tree) -> Iterator[object]:
    """What the manifests hold that a build has left in the usual places."""
    for name in USUAL_PLACES:
        folder, _, leaf = name.rpartition("/")
        unread = suppress(OSError, ValueError, RecursionError)
        with unread, tree.enter(folder) as place, place.open_plain(leaf) as file:
            yield json.load(file)


def name_of(url: str, names: Collection[str]) -> str:
    """Which of the names a URL in a manifest means, whatever public path it begins with; or ""."""
    name = url.partition("?")[0]
    while name and name not in names:
        name = name.partition("/")[2]
    return name


def deltas(
    build: Sequence[Plain], older: Sequence[Sequence[Plain]], stop: Stop, only_looks: bool
) -> Iterator[Delta]:
    """The deltas that there may be of a build's files, by those of older ones.

    Only names with a hash have any: others are never dictionaries. Each older build in its turn
    gives its likeliest file.
    """
    keys, releases = _keys(build), [_by_key(release) for release in older]
    for plain in build:
        if keys[plain.name][-1]:
            ranked = [_ranked(plain, keys[plain.name], release) for release in releases]
            found: dict[str, Plain] = {}
            for old in filter(None, chain.from_iterable(zip_longest(*ranked))):
                found.setdefault(old.name, old)
            for number, old in enumerate(islice(found.values(), MOST_DELTAS), start=1):
                yield Delta(plain, old, number, stop, only_looks)


def _keys(release: Sequence[Plain]) -> dict[str, list[Key]]:
    """The keys of a build's files, by their names. The last one of each is what the name tells."""
    found: dict[str, list[Key]] = {plain.name: [] for plain in release}
    for content in manifests_in(release[0].tree) if release else ():
        for source, url in urls_by_source(content).items():
            if name := name_of(url, found):
                found[name].append(source)
    for name, keys in found.items():
        keys.append(constant_parts(name))
    return found


def _by_key(release: Sequence[Plain]) -> dict[Key, list[Plain]]:
    found, keys = defaultdict(list), _keys(release)
    for plain in release:
        for key in keys[plain.name] if plain.size <= LARGEST else ():
            found[key].append(plain)
    return found


def _ranked(plain: Plain, keys: Sequence[Key], release: dict[Key, list[Plain]]) -> list[Plain]:
    """The files that may be the older one, the likeliest first.

    First is what the manifests say. Of names with another hash the newest is first, or the nearest
    in size where the hash is all of the name.
    """
    before, _ = constant_parts(plain.name) or ("", "")
    has_name = before.rpartition("/")[2]

    def rank(old: Plain) -> int:
        return -old.identity[3] if has_name else abs(old.size - plain.size)

    alike = [old for key in keys for old in sorted(release.get(key, []), key=rank)]
    return [old for old in alike if old.name != plain.name]


@dataclass(frozen=True, slots=True)
class Delta:
    """The job of a delta: it reads the older file when it is its turn."""

    plain: Plain
    old: Plain
    number: int
    stop: Stop
    only_looks: bool

    def run(self) -> Outcome:
        try:
            with self.old.open() as (_, file):
                codec = delta(file.read(self.old.size), self.number)
            return Job(self.plain, codec, self.stop, self.only_looks, self._rival()).run()
        except (OSError, MemoryError) as error:
            return failure(self.plain.name + delta_suffix(self.number), error)

    def _rival(self) -> int:
        """The size of the smallest form that is sent to a client without an older file."""
        sizes = [self.plain.size]
        with self.plain.open() as (place, _):
            for suffix in SUFFIXES.values():
                with suppress(FileNotFoundError):
                    if file := place.open(self.plain.leaf + suffix):
                        with file:
                            sizes.append(os.fstat(file.fileno()).st_size)
        return min(sizes)
