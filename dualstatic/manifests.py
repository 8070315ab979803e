"""Which files never change, by the manifest of the build that made them.

Each function here gives a value for the option `immutable`. It marks a name that the manifest lists
and that carries a hash of its content. In doubt a name is not marked: such a file costs a 304 each
time, while one marked wrongly would be kept for a year.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from posixpath import basename, splitext
from typing import NamedTuple

_logger = logging.getLogger("dualstatic")

StrPath = str | os.PathLike[str]
Stems = Collection[str]
"""File names up to one of their dots, or whole."""

_SEPARATOR = re.compile(r"[.~_-]")
_SUFFIXES = r"(?:\.[A-Za-z0-9]+)*"
_HEX = re.compile(r"(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,}")
_HEX_DIGITS = re.compile(r"[0-9a-f]{8,}")
_PART = re.compile(rf"([A-Za-z0-9_-]{{8,}}){_SUFFIXES}")

# webpack calls a chunk without a name by its number.
_NUMBERED = re.compile(rf"[0-9]+[.~_-]({_HEX.pattern}){_SUFFIXES}")

# A hash without a name before it has the eight characters of Vite's, or is hexadecimal.
_ALONE = re.compile(rf"([A-Za-z0-9_-]{{8}}|{_HEX.pattern}){_SUFFIXES}")
_MIXED = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z]).*")

# Words, numbers and versions in a row: `printTheme`, `es2015plus`, `embed-v2`, `20240101`. Each run
# of letters or digits is taken whole, so that there is one way to read a text.
_WORDS = re.compile(
    r"""(?:
        [A-Z]?[a-z]{3,}(?![a-z]) | [a-z]{2}(?![a-z]) | [A-Z]{3,}(?![A-Z])
        | [vV]?[0-9]+(?![0-9]) | [A-Za-z]?[_-]
    )+""",
    re.VERBOSE,
)


def vite(manifest: StrPath, *, folder: str = "") -> Manifest:
    """The hashed files of a Vite build (`build.manifest: true`), as a value for `immutable`.

    The manifest is read when a `StaticFiles` is made with it, or at the first call. With
    `check_dir=False` it may be missing still: no name is immutable until it is there.

    :param manifest: the manifest, `.vite/manifest.json` below the output
    :param folder: the folder below the served directory in which the output lies, if it does
    :raises TypeError: an argument is wrong
    """
    return Manifest(manifest, folder, "Vite, with build.manifest: true", _vite_names)


def webpack(manifest: StrPath, *, public_path: str = "/", folder: str = "") -> Manifest:
    """The hashed files of a webpack build, as a value for `immutable`.

    The manifest is read when a `StaticFiles` is made with it, or at the first call. With
    `check_dir=False` it may be missing still: no name is immutable until it is there.

    :param manifest: what webpack-manifest-plugin, webpack-assets-manifest, webpack-bundle-tracker
        (`webpack-stats.json`) or Laravel Mix (`mix-manifest.json`) has written
    :param public_path: what stands before the names in it: a path or a URL, as in the build; not
        needed for webpack-bundle-tracker, whose names stand alone
    :param folder: the folder below the served directory in which the output lies, if it does
    :raises TypeError: an argument is wrong
    """
    if not isinstance(public_path, str):
        raise TypeError(f"public_path takes a path or a URL, not {public_path!r}")

    def names(content: object) -> frozenset[str]:
        return _webpack_names(content, public_path)

    plugins = "webpack-manifest-plugin, webpack-assets-manifest or webpack-bundle-tracker"
    return Manifest(manifest, folder, f"webpack, with {plugins}", names)


def django(manifest: StrPath, *, folder: str = "") -> Manifest:
    """The hashed files of Django's ManifestStaticFilesStorage, as a value for `immutable`.

    The manifest is read when a `StaticFiles` is made with it, or at the first call. With
    `check_dir=False` it may be missing still: no name is immutable until it is there.

    :param manifest: `staticfiles.json` in STATIC_ROOT
    :param folder: the folder below the served directory in which STATIC_ROOT lies, if it does
    :raises TypeError: an argument is wrong
    """
    maker = "Django's collectstatic, with ManifestStaticFilesStorage"
    return Manifest(manifest, folder, maker, django_names)


MAKERS: tuple[object, ...] = (vite, webpack, django)


@dataclass(slots=True)
class Manifest:
    """Says of a name whether it is a hashed one of the manifest, as that file is now.

    A file that is gone or broken later, in the middle of a deploy, leaves the names as they were.
    """

    path: StrPath
    folder: str
    maker: str
    names_of: Callable[[object], frozenset[str]]
    _known: tuple[object, frozenset[str]] | None = field(default=None, init=False)
    _is_told: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.folder, str):
            raise TypeError(f"folder takes the path of a folder, not {self.folder!r}")
        if not isinstance(self.path, str | os.PathLike):
            raise TypeError(f"manifest takes the path of a file, not {self.path!r}")
        self.path = os.path.abspath(self.path)
        self.folder = f"{self.folder.strip('/')}/" if self.folder.strip("/") else ""

    def __call__(self, name: str) -> bool:
        version, names = self._known or self.read()
        with suppress(OSError):
            if (found := _version(self.path)) != version:
                names = self._read_again(names)
                self._known = found, names  # a broken file, too, so that it is told once
        return name in names

    def read(self) -> tuple[object, frozenset[str]]:
        """Read the file now: which version it is, and the names that carry a hash.

        :raises OSError: it can't be read; FileNotFoundError: there is none
        :raises ValueError: it is no such manifest, or has no name below `public_path`
        """
        try:
            # Its version first: a file that is replaced in between is then read again.
            self._known = _version(self.path), self._read()
        except OSError as error:
            raise type(error)(
                f"immutable: there is no manifest at {self.path!r} ({error.strerror}); "
                f"{self.maker}, writes it"
            ) from error
        return self._known

    def expect(self) -> None:
        """Until the file is there, list no name. It may be there already, and is not read now."""
        self._known = self._known or (None, frozenset())

    def _read_again(self, names: frozenset[str]) -> frozenset[str]:
        try:
            return self._read()
        except ValueError as error:
            _logger.warning("the names before are kept: %s", error)
            return names

    def _read(self) -> frozenset[str]:
        try:
            with open(self.path, "rb") as file:
                names = self.names_of(json.load(file))
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"immutable: {self.path!r} is no manifest of {self.maker}: {error}"
            ) from error
        if not names and not self._is_told:
            self._is_told = True
            _logger.warning(
                "immutable: no name in %r carries a hash, so none is immutable", self.path
            )
        return frozenset(self.folder + name for name in names)


def _version(path: StrPath) -> tuple[int, ...]:
    status = os.stat(path)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _mapping(value: object, takes: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"it should hold {takes}")  # noqa: TRY004 (the content of a file)
    return value


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


# The one judge of what is a hash.


class _Candidate(NamedTuple):
    """A name with a part that may be a hash.

    `form` is the same for the parts that a build puts into the same place. `is_sure` says that the
    part can't be read as words, numbers or a version.
    """

    name: str
    part: str
    form: tuple[str, int]
    is_sure: bool


def _hashed(
    names: Mapping[str, Stems],
    *,
    shape: re.Pattern[str] = _HEX,
    length: int = 0,
    once: bool = False,
) -> frozenset[str]:
    """The names that carry a hash, of names with the stems of the plain names they are made of.

    What a name has more than its plain name is a hash, unless it could be read as words. A build
    gives its names one form: where a third of the parts of a form are surely hashes, the others
    look like words by chance only. (Of real words one in sixty passes for a hash.) `shape` is
    what surely is a hash, and so is what stands after a plain name and has this `length`, which the
    build gives its hashes. `once` says that a part in several names is no hash of any content.
    """
    found = [
        each for name, stems in names.items() if (each := _candidate(name, stems, shape, length))
    ]
    times = Counter(each.part for each in found)
    forms: dict[tuple[str, int], list[_Candidate]] = defaultdict(list)
    for each in found:
        if not once or times[each.part] == 1:
            forms[each.form].append(each)
    hashed: set[str] = set()
    for alike in forms.values():
        are_hashes = 3 * sum(each.is_sure for each in alike) >= len(alike)
        hashed.update(each.name for each in alike if are_hashes or each.is_sure)
    return frozenset(hashed)


def _candidate(name: str, stems: Stems, shape: re.Pattern[str], length: int) -> _Candidate | None:
    leaf = basename(name)
    stem, suffix = splitext(leaf)
    if leaf in stems or (stem in stems and not shape.fullmatch(suffix[1:])):
        return None  # the plain name itself
    if added := _added(leaf, stems):
        place, part = added
    elif match := _NUMBERED.fullmatch(leaf):
        place, part = "number", match[1]
    elif stems and (match := _ALONE.fullmatch(leaf)):
        place, part = "alone", match[1]
    else:
        return None
    is_sure = bool(shape.fullmatch(part)) or not _WORDS.fullmatch(part)
    has_form = len(part) == length or _HEX_DIGITS.fullmatch(part)
    if place.startswith("after") and has_form and not part.isdigit():  # no date
        is_sure = True
    if place == "alone":  # eight letters, such as `eBayIcon`, are more likely a name
        is_sure = is_sure and bool(_MIXED.fullmatch(part))
    return _Candidate(name, part, (place, len(part)), is_sure)


def _added(leaf: str, stems: Stems) -> tuple[str, str] | None:
    """What a file name has before or after one of the stems, and where."""
    for cut in reversed(list(_SEPARATOR.finditer(leaf))):
        before, after = leaf[: cut.start()], leaf[cut.end() :]
        if before in stems and (match := _PART.fullmatch(after)):
            return f"after {cut[0]}", match[1]
        if len(before) >= 8 and before.isalnum() and not _stems(after).isdisjoint(stems):
            return f"before {cut[0]}", before
    return None


def _stems(*names: str) -> set[str]:
    """File names, whole and up to each dot in them."""
    stems = set()
    for name in names:
        stem = basename(name)
        while stem:
            stems.add(stem)
            stem = stem.rpartition(".")[0]
    return stems


# Vite.


_OF_VITE = 8
"""Characters of a hash of Vite's, where the build doesn't say otherwise."""


def _vite_names(content: object) -> frozenset[str]:
    takes = 'objects with a "file", by their source'
    chunks = [_mapping(each, takes) for each in _mapping(content, takes).values()]
    if not all(isinstance(chunk.get("file"), str) for chunk in chunks):
        raise ValueError(f"it should hold {takes}")
    # The plain name of a style sheet stands at another chunk, so all names are compared with all.
    stems = _stems(*_texts([chunk.get(key) for chunk in chunks for key in ("name", "src")]))
    files = {file for chunk in chunks for file in _texts([chunk["file"]])}
    for chunk in chunks:
        files.update(_texts(chunk.get("css")), _texts(chunk.get("assets")))
    return _hashed(dict.fromkeys(files, stems), length=_OF_VITE, once=True)


# webpack.


def _webpack_names(content: object, public_path: str) -> frozenset[str]:
    takes = 'names of files, or objects with a "src", by their source'
    entries = _mapping(content, takes)
    if isinstance(entries.get("status"), str):
        return _tracked_names(entries)
    if isinstance(files := entries.get("files"), dict):
        entries = files  # as Create React App writes it, with the entry points beside
    urls = {key: url for key, value in entries.items() if (url := _url(value))}
    if entries and not urls:
        raise ValueError(f"it should hold {takes}")
    names = {key: name for key, url in urls.items() if (name := _below(url, public_path))}
    if urls and not names:
        raise ValueError(f"it has no name below public_path={public_path!r}")
    stems: dict[str, set[str]] = defaultdict(set)
    for key, name in names.items():
        # A chunk without a name stands under the name of its file: there is no plain one.
        stems[name] |= set() if basename(key) == basename(name) else _stems(key)
    return _hashed(stems)


def _tracked_names(content: Mapping[str, object]) -> frozenset[str]:
    """The names in the file of webpack-bundle-tracker, which has none while webpack is at work."""
    stems: dict[str, set[str]] = defaultdict(set)
    for chunk, files in _mapping(content.get("chunks", {}), '"chunks"').items():
        for file in files if isinstance(files, list) else []:
            # Before version 1 there are objects here, and no assets.
            name = file.get("name") if isinstance(file, dict) else file
            stems[str(name)] |= _stems(chunk)
    for name, asset in _mapping(content.get("assets", {}), '"assets"').items():
        source = asset.get("sourceFilename") if isinstance(asset, dict) else None
        stems[name] |= _stems(source) if isinstance(source, str) else set()
    return _hashed(stems)


def _url(value: object) -> str | None:
    source = value.get("src") if isinstance(value, dict) else value
    return source if isinstance(source, str) else None


def _below(url: str, public_path: str) -> str | None:
    """The name that a URL of the manifest means; None, where it leads elsewhere."""
    base = public_path.rstrip("/") + "/"
    path = url.partition("?")[0].partition("#")[0]
    for before in (base, "auto/"):
        if path.startswith(before):
            return path[len(before) :]
    return None if path.startswith("/") or ":" in path else path.removeprefix("./")


# Django.

# The start of an MD5; a storage with a `file_hash` of its own may make another.
_HEX_OF_DJANGO = re.compile(rf"[0-9a-f]{{12}}|{_HEX.pattern}")


def django_names(content: object) -> frozenset[str]:
    """The hashed names of what a manifest of Django holds.

    :raises ValueError: it is no such manifest
    """
    takes = '"paths", an object of names by names'
    paths = _mapping(_mapping(content, takes).get("paths"), takes)
    if not all(isinstance(name, str) for name in paths.values()):
        raise ValueError(f"it should hold {takes}")
    stems = {str(name): _stems(source) for source, name in paths.items()}
    return _hashed(stems, shape=_HEX_OF_DJANGO)
