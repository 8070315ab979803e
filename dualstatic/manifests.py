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
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from posixpath import basename

from .core.releases import HEX, OF_VITE, hashed, stems_of

_logger = logging.getLogger("dualstatic")

StrPath = str | os.PathLike[str]


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
    names = partial(_webpack_names, public_path=public_path)
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
        self.folder = f"{self.folder.strip('/')}/".lstrip("/")

    def __call__(self, name: str) -> bool:
        version, names = self._known or self.read()
        with suppress(OSError):
            if (found := _version(self.path)) != version:
                try:
                    names = self._read()
                except ValueError as error:
                    _logger.warning("the names before are kept: %s", error)
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
        """Don't read the file now. Until it is there, no name is listed."""
        self._known = self._known or (None, frozenset())

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


class AnyOf(tuple[Callable[[str], bool], ...]):
    """Says of a name whether one of several says so, a manifest among them."""

    def __call__(self, name: str) -> bool:
        return any(says(name) for says in self)


def _version(path: StrPath) -> tuple[int, ...]:
    status = os.stat(path)
    # A build may give all files one date, and the next manifest the inode of the last.
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _mapping(value: object, takes: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"it should hold {takes}")  # noqa: TRY004 (the content of a file)
    return value


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


# Vite.


def _vite_names(content: object) -> frozenset[str]:
    takes = 'objects with a "file", by their source'
    chunks = [_mapping(each, takes) for each in _mapping(content, takes).values()]
    if not all(isinstance(chunk.get("file"), str) for chunk in chunks):
        raise ValueError(f"it should hold {takes}")
    # The plain name of a style sheet stands at another chunk, so all names are compared with all.
    stems = stems_of(*_texts([chunk.get(key) for chunk in chunks for key in ("name", "src")]))
    files = {str(chunk["file"]) for chunk in chunks}
    for chunk in chunks:
        files.update(_texts(chunk.get("css")), _texts(chunk.get("assets")))
    return hashed(dict.fromkeys(files, stems), length=OF_VITE, once=True)


# webpack.


def _webpack_names(content: object, public_path: str = "/") -> frozenset[str]:
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
        stems[name] |= set() if basename(key) == basename(name) else stems_of(key)
    return hashed(stems)


def _tracked_names(content: Mapping[str, object]) -> frozenset[str]:
    """The names in the file of webpack-bundle-tracker, which has none while webpack is at work."""
    stems: dict[str, set[str]] = defaultdict(set)
    for chunk, files in _mapping(content.get("chunks", {}), '"chunks"').items():
        for file in files if isinstance(files, list) else []:
            # Before version 1 there are objects here, and no assets.
            name = file.get("name") if isinstance(file, dict) else file
            stems[str(name)] |= stems_of(chunk)
    for name, asset in _mapping(content.get("assets", {}), '"assets"').items():
        source = asset.get("sourceFilename") if isinstance(asset, dict) else None
        stems[name] |= stems_of(source) if isinstance(source, str) else set()
    return hashed(stems)


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
_HEX_OF_DJANGO = re.compile(rf"[0-9a-f]{{12}}|{HEX.pattern}")


def django_names(content: object) -> frozenset[str]:
    """The hashed names of what a manifest of Django holds.

    :raises ValueError: it is no such manifest
    """
    takes = '"paths", an object of names by names'
    paths = _mapping(_mapping(content, takes).get("paths"), takes)
    if not all(isinstance(name, str) for name in paths.values()):
        raise ValueError(f"it should hold {takes}")
    stems = {str(name): stems_of(source) for source, name in paths.items()}
    return hashed(stems, shape=_HEX_OF_DJANGO)


# Any of them.

USUAL_PLACES = """.vite/manifest.json manifest.json asset-manifest.json assets-manifest.json
    webpack-stats.json mix-manifest.json staticfiles.json""".split()
"""Where builds write their manifests, below their output."""


def urls_by_source(content: object) -> dict[str, str]:
    """The files that a manifest lists, as it calls them, by what they were made of."""
    entries = content if isinstance(content, dict) else {}
    for key in ("paths", "files"):
        entries = entries[key] if isinstance(entries.get(key), dict) else entries
    files = {key: each.get("file", each) for key, each in entries.items() if isinstance(each, dict)}
    return {key: url for key, each in (entries | files).items() if (url := _url(each))}


def hashed_urls(content: object) -> dict[str, str]:
    """The files with a hash that a manifest of whatever kind lists, as it calls them, twice."""
    for names_of in (_vite_names, django_names, _webpack_names):
        with suppress(ValueError):
            return {name: name for name in names_of(content)}
    return {}
