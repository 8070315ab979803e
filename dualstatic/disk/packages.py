"""The directories of static files that come with Python packages."""

from __future__ import annotations

import importlib.resources
import importlib.util
import os
import shutil
import tempfile
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def package_directory(package: str, folder: str, owner: object) -> str:
    """The path of a folder below a package.

    A package that is no directory (one in a zip) has its folder copied to a private temporary
    directory, which is removed with `owner`, or at exit.
    """
    try:
        spec = importlib.util.find_spec(package)
    except ImportError:
        spec = None
    if spec is None:
        raise ValueError(f"packages: there is no package {package!r}")
    for place in spec.submodule_search_locations or [os.path.dirname(spec.origin or "")]:
        path = os.path.join(place, *folder.split("/"))
        if os.path.isdir(path):
            return path
    files = importlib.resources.files(package).joinpath(*folder.split("/"))
    if not files.is_dir():
        raise ValueError(f"packages: there is no directory {folder!r} in package {package!r}")
    copy = tempfile.mkdtemp(prefix="dualstatic-")
    weakref.finalize(owner, shutil.rmtree, copy, ignore_errors=True)
    _copy(files, copy)
    return copy


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
