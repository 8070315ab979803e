"""Which files never change, by the manifest of the build that made them.

Each function here gives a value for the option `immutable`. Only a name that the manifest lists and
that carries a hash of its content is marked. Where that isn't sure, it isn't marked: such a file is
asked for again and costs a 304; one marked wrongly would be kept for a year.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from posixpath import basename, splitext

_logger = logging.getLogger("dualstatic")

StrPath = str | os.PathLike[str]
Names = Callable[[object], frozenset[str]]
"""The names that carry a hash, of what a manifest holds; ValueError where it is none."""

_LONG_ENOUGH = re.compile(r"[A-Za-z0-9_-]{8,}")

# Words, versions and dates, and all of these in a row: `printTheme`, `es2015plus`, `embed-v2`.
_CAPITAL = "[A-Z][a-z]{2,}"
_WORD = f"(?:(?:[a-z]{{2,}}|{_CAPITAL})(?:{_CAPITAL})+|[a-z]{{3,}}|{_CAPITAL}|[A-Z]{{3,}})"
_NUMBERED_WORD = f"(?:{_WORD}[0-9]+|[a-z]{{2}}[0-9]{{1,4}})(?:[a-z]{{3,}})?"
_WORDS = f"{_WORD}|{_NUMBERED_WORD}|[vV]?[0-9]+"
_NO_HASH = re.compile(f"(?:{_WORDS})?(?:[_-](?:{_WORDS})?)*")

# Without a name before it: of the length that Vite makes, or hexadecimal.
_BARE_HASH = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])(?:[A-Za-z0-9_-]{8}|[0-9a-f]{12,})")


# A chunk without a name is called by its number, and listed by no other name than that.
_NUMBERED = re.compile(r"[0-9]+[.~_-](?=[0-9a-f]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{8,}(?:\.[a-z]+)+")


def vite(manifest: StrPath, *, folder: str = "") -> Callable[[str], bool]:
    """The hashed files of a Vite build (`build.manifest: true`), as a value for `immutable`.

    :param manifest: the manifest, `.vite/manifest.json` below the output
    :param folder: the folder below the served directory in which the output lies, if it does
    :raises OSError: the manifest can't be read
    :raises ValueError: it is no manifest of Vite
    """
    return _Manifest(manifest, "Vite, with build.manifest: true", _vite_names, folder)


def webpack(
    manifest: StrPath, *, public_path: str = "/", folder: str = ""
) -> Callable[[str], bool]:
    """The hashed files of a webpack build, as a value for `immutable`.

    :param manifest: what webpack-manifest-plugin or webpack-assets-manifest has written
    :param public_path: what stands before the names in it: a path or a URL, as in the build
    :param folder: the folder below the served directory in which the output lies, if it does
    :raises OSError: the manifest can't be read
    :raises ValueError: it is no manifest of webpack, or has no name below `public_path`
    """

    if not isinstance(public_path, str):
        raise TypeError(f"public_path takes a path or a URL, not {public_path!r}")

    def names(content: object) -> frozenset[str]:
        return _webpack_names(content, public_path)

    return _Manifest(manifest, "webpack-manifest-plugin or webpack-assets-manifest", names, folder)


def django(manifest: StrPath, *, folder: str = "") -> Callable[[str], bool]:
    """The hashed files of Django's ManifestStaticFilesStorage, as a value for `immutable`.

    :param manifest: `staticfiles.json` in STATIC_ROOT
    :param folder: the folder below the served directory in which STATIC_ROOT lies, if it does
    :raises OSError: the manifest can't be read
    :raises ValueError: it is no manifest of Django
    """
    return _Manifest(manifest, "Django's ManifestStaticFilesStorage", _django_names, folder)


@dataclass(slots=True)
class _Manifest:
    """Says of a name whether it is one of the manifest's, as that file is now.

    One that is gone or broken later, in the middle of a deploy, leaves the names as they were.
    """

    path: StrPath
    maker: str
    names: Names
    folder: str
    _known: frozenset[str] = field(default=frozenset(), init=False)
    _identity: tuple[int, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.folder, str):
            raise TypeError(f"folder takes the path of a folder, not {self.folder!r}")
        self.path = os.path.abspath(self.path)
        self.folder = f"{self.folder.strip('/')}/" if self.folder.strip("/") else ""
        self._identity = self._look()
        self._known = self._read()

    def __call__(self, name: str) -> bool:
        with suppress(OSError):
            if (found := self._look()) != self._identity:
                self._identity = found  # noted first: a broken one is told once
                self._read_again()
        return name in self._known

    def _read_again(self) -> None:
        try:
            self._known = self._read()
        except (OSError, ValueError) as error:
            _logger.warning("the names before are kept: %s", error)

    def _look(self) -> tuple[int, ...]:
        status = os.stat(self.path)
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

    def _read(self) -> frozenset[str]:
        try:
            with open(self.path, "rb") as file:
                names = self.names(json.load(file))
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"{os.fspath(self.path)!r} is no manifest of {self.maker}: {error}"
            ) from error
        return frozenset(self.folder + name for name in names)


def _is_mapping(value: object, takes: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"it should hold {takes}")  # noqa: TRY004 (the content of a file)
    return value


# Vite.


def _vite_names(content: object) -> frozenset[str]:
    takes = 'objects with a "file", by their source'
    chunks = [_is_mapping(each, takes) for each in _is_mapping(content, takes).values()]
    if not all(isinstance(chunk.get("file"), str) for chunk in chunks):
        raise ValueError(f"it should hold {takes}")
    files = {file for chunk in chunks for file in _files_of(chunk)}
    known = {name for chunk in chunks for name in _known_names(chunk)}
    hashes = {file: found for file in files if (found := _hash_in(file, known))}
    # What stands in two names is no hash of either's content: a version, a date, a word.
    times = Counter(hashes.values())
    return frozenset(file for file, found in hashes.items() if times[found] == 1)


def _files_of(chunk: Mapping[str, object]) -> Iterator[str]:
    for key in ("file", "css", "assets"):
        value = chunk.get(key)
        yield from filter(_is_text, value if isinstance(value, list) else [value])


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _known_names(chunk: Mapping[str, object]) -> Iterator[str]:
    """What the file of a chunk would be called without a hash; so may be its style sheet."""
    if isinstance(name := chunk.get("name"), str):
        yield basename(name)
    if isinstance(source := chunk.get("src"), str):
        yield splitext(basename(source))[0]


def _hash_in(file: str, known: Container[str]) -> str | None:
    """The hash in a name: after one of the known names and a separator, or all there is."""
    stem = splitext(basename(file))[0]
    if stem in known:
        return None
    for end, character in enumerate(stem):
        if not character.isalnum() and stem[:end] in known and _is_hash(stem[end + 1 :]):
            return stem[end + 1 :]
    return stem if _BARE_HASH.fullmatch(stem) and _is_hash(stem) else None


def _is_hash(text: str) -> bool:
    return bool(_LONG_ENOUGH.fullmatch(text)) and not _NO_HASH.fullmatch(text)


# webpack.


def _webpack_names(content: object, public_path: str) -> frozenset[str]:
    takes = 'names of files, or objects with a "src", by their source'
    entries = _is_mapping(content, takes)
    if isinstance(files := entries.get("files"), dict):
        entries = files  # as Create React App writes it, with the entry points beside
    urls = {key: url for key, value in entries.items() if (url := _url(value))}
    if entries and not urls:
        raise ValueError(f"it should hold {takes}")
    names = {key: name for key, url in urls.items() if (name := _below(url, public_path))}
    if urls and not names:
        raise ValueError(f"it has no name below public_path={public_path!r}")
    return frozenset(name for key, name in names.items() if _adds_hash(key, name))


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


def _adds_hash(source: str, name: str) -> bool:
    """Whether a name has a part like a hash that its source has not, or is a numbered chunk's."""
    if source == name:
        return bool(_NUMBERED.fullmatch(basename(name)))
    before, after = _parts(source), _parts(name)
    return any(map(_is_hash, after - before))


def _parts(name: str) -> set[str]:
    return set(re.split(r"[.~_-]", basename(name)))


# Django.


def _django_names(content: object) -> frozenset[str]:
    takes = '"paths", an object of names by names'
    paths = _is_mapping(_is_mapping(content, takes).get("paths"), takes)
    if not all(map(_is_text, paths.values())):
        raise ValueError(f"it should hold {takes}")
    return frozenset(
        str(name) for source, name in paths.items() if basename(str(name)) != basename(source)
    )
