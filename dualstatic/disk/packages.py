"""The directories of static files that come with Python packages."""

from __future__ import annotations

import importlib.resources
import importlib.util
import os
import shutil
import tempfile
from typing import TYPE_CHECKING
from weakref import finalize

from .locks import Lock

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def package_directory(package: str, folder: str) -> str | os.PathLike[str]:
    """The path of a folder below a package, to be asked for each time that it is used.

    A package that is no directory (one in a zip) has its folder copied.
    """
    parts = folder.split("/")
    for place in _places(package):
        path = os.path.join(place, *parts)
        if os.path.isdir(path):
            return path
    try:
        files: Traversable = importlib.resources.files(package)
    except (TypeError, ImportError) as error:
        raise ValueError(f"packages: {package!r} can't hold a directory {folder!r}") from error
    for part in parts:
        files = files / part
    if not files.is_dir():
        raise ValueError(f"packages: there is no directory {folder!r} in package {package!r}")
    return Extracted(files)


def _places(package: str) -> list[str]:
    """The directories of a package, or that of a module."""
    try:
        spec = importlib.util.find_spec(package) if package else None
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise ValueError(f"packages: there is no package {package!r}")
    if spec.submodule_search_locations is not None:
        return list(spec.submodule_search_locations)
    return [os.path.dirname(spec.origin)] if spec.origin and spec.has_location else []


class Extracted(os.PathLike[str]):
    """The path of a copy of a folder, private and temporary. It is removed with this, or at exit.

    It is made again where a cleaner of temporary files took some of it. A process that outlives the
    one it was forked from, as a daemon does, makes one of its own.
    """

    def __init__(self, source: Traversable) -> None:
        self._source = source
        self._guard = Lock()
        self._make()

    def __fspath__(self) -> str:
        with self._guard:
            if not self._is_whole():
                self._remove()
                self._make()
            return self._path

    def _make(self) -> None:
        self._path = tempfile.mkdtemp(prefix="dualstatic-")
        self._remove = finalize(self, _remove, self._path, os.getpid())
        _copy(self._source, self._path)
        self._marks = {path: _mark(path) for path, *_ in os.walk(self._path)}

    def _is_whole(self) -> bool:
        """Whether nothing was taken, nor put in its place by somebody else."""
        try:
            return all(_mark(path) == mark for path, mark in self._marks.items())
        except OSError:
            return False


def _remove(path: str, maker: int) -> None:
    """Remove a copy; a forked process leaves it to the one that made it."""
    if os.getpid() == maker:
        shutil.rmtree(path, ignore_errors=True)


def _mark(directory: str) -> tuple[int, int, int]:
    """What changes when an entry of a directory is taken, or the directory itself."""
    status = os.lstat(directory)
    return status.st_uid, status.st_ino, status.st_mtime_ns


def _copy(source: Traversable, target: str) -> None:
    """Copy files without their times: those in the copy would be the time of the start."""
    for item in source.iterdir():
        path = os.path.join(target, item.name)
        if item.is_dir():
            os.mkdir(path)
            _copy(item, path)
        else:
            with open(path, "wb") as file:
                file.write(item.read_bytes())
            os.utime(path, (0, 0))
