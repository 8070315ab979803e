"""The directories of static files that come with Python packages."""

from __future__ import annotations

import importlib.resources
import importlib.util
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING
from weakref import finalize

from .locks import Lock
from .root import StrPath

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def package_directory(package: str, folder: str, owner: object) -> StrPath:
    """The path of a folder below a package, to be asked for each time that it is used.

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
    extracted = Extracted(files)
    finalize(owner, extracted.remove)
    return extracted


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


class Extracted(os.PathLike[str]):
    """The path of a copy of a folder; made again where a cleaner of temporary files took it."""

    def __init__(self, source: Traversable) -> None:
        self._source = source
        self._guard = Lock()
        self._copy = _Copy(source)

    def __fspath__(self) -> str:
        with self._guard:
            if not self._copy.is_whole():
                lost, self._copy = self._copy, _Copy(self._source)
                lost.remove()
            return self._copy.path

    def remove(self) -> None:
        self._copy.remove()


class _Copy:
    """A temporary directory, with a lock on it that forked processes share.

    The last of them removes it: a daemon outlives the process that it was forked from. A cleaner
    that minds locks, as systemd's does, leaves it alone.
    """

    def __init__(self, source: Traversable) -> None:
        self.path = tempfile.mkdtemp(prefix="dualstatic-")
        self._maker = os.getpid()
        try:
            self._lock = _shared_lock(self.path)
            _copy(source, self.path)
            self._marks = {path: _mark(path) for path, *_ in os.walk(self.path)}
        except BaseException:
            shutil.rmtree(self.path, ignore_errors=True)
            raise

    def is_whole(self) -> bool:
        """Whether nothing was taken, nor put in its place by somebody else."""
        try:
            return all(_mark(path) == mark for path, mark in self._marks.items())
        except OSError:
            return False

    def remove(self) -> None:
        """Remove it, unless another process has it still."""
        if self._lock is not None:
            os.close(self._lock)  # a forked process keeps the lock by a descriptor of its own
        if _is_unlocked(self.path, otherwise=os.getpid() == self._maker):
            shutil.rmtree(self.path, ignore_errors=True)


def _mark(directory: str) -> tuple[int, int, int]:
    """What changes when an entry of a directory is taken, or the directory itself."""
    status = os.lstat(directory)
    return status.st_uid, status.st_ino, status.st_mtime_ns


if sys.platform == "win32":  # no process is forked from another

    def _shared_lock(path: str) -> int | None:
        return None

    def _is_unlocked(path: str, *, otherwise: bool) -> bool:
        return True
else:
    import fcntl

    def _shared_lock(path: str) -> int | None:
        """A lock that lasts until all copies of its descriptor are closed."""
        descriptor = os.open(path, os.O_RDONLY)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        return descriptor

    def _is_unlocked(path: str, *, otherwise: bool) -> bool:
        """Whether nobody has a lock on a directory; `otherwise` where there are no locks."""
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return not isinstance(error, BlockingIOError) and otherwise
        finally:
            os.close(descriptor)
        return True


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
