"""The directories of static files that come with Python packages."""

from __future__ import annotations

import importlib.resources
import importlib.util
import os
import shutil
import tempfile
import weakref
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def package_directory(package: str, folder: str, owner: object) -> str:
    """The path of a folder below a package.

    A package that is no directory (one in a zip) has its folder copied to a private temporary
    directory, which is removed with `owner`, or at exit.
    """
    parts = folder.split("/")
    for place in _places(_spec(package)):
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
    copy = tempfile.mkdtemp(prefix="dualstatic-")
    weakref.finalize(owner, _remove, copy, os.getpid())
    _copy(files, copy)
    return copy


def _spec(package: str) -> ModuleSpec:
    try:
        spec = importlib.util.find_spec(package) if package else None
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise ValueError(f"packages: there is no package {package!r}")
    return spec


def _places(spec: ModuleSpec) -> list[str]:
    """The directories of a package, or that of a module."""
    if spec.submodule_search_locations is not None:
        return list(spec.submodule_search_locations)
    return [os.path.dirname(spec.origin)] if spec.origin and spec.has_location else []


def _remove(copy: str, process: int) -> None:
    """Remove a copy at the end of the process that made it, not of one that was forked from it."""
    if os.getpid() == process:
        shutil.rmtree(copy, ignore_errors=True)


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
