"""Makes the system behave as it does elsewhere, or on a bad day."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from dualstatic.disk import root_by_path


def patch_everywhere(
    patch: pytest.MonkeyPatch, call: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> None:
    """Replace a function of `os`, under whatever name a module of the package knows it."""
    real = getattr(os, call, None)
    if real is None:
        return
    fake = make(real)
    patch.setattr(os, call, fake)
    if call == "open" and sys.platform == "win32":
        patch.setattr(root_by_path, "open_file", make(root_by_path.open_file))
    for module in [sys.modules[key] for key in sys.modules if key.startswith("dualstatic")]:
        for name in [name for name, value in vars(module).items() if value is real]:
            patch.setattr(module, name, fake)


def fold_case(patch: pytest.MonkeyPatch, short: Mapping[str, str] | None = None) -> None:
    """Make `os` find names whatever their case, as on the file systems of macOS and Windows.

    `short` are names that are in no list, with those that they stand for.
    """
    if sys.platform == "win32":
        return
    real_open = os.open

    def on_disk(name: Any, dir_fd: int | None) -> Any:
        if dir_fd is None or not isinstance(name, str) or "/" in name:
            return name
        descriptor = real_open(".", os.O_RDONLY, dir_fd=dir_fd)
        try:
            entries = os.listdir(descriptor)
        finally:
            os.close(descriptor)
        whole = (short or {}).get(name, name).casefold()
        alike = [entry for entry in entries if entry.casefold() == whole]
        return name if name in entries or not alike else alike[0]

    def folding(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *arguments: Any, dir_fd: int | None = None, **more: Any) -> Any:
            return real(on_disk(path, dir_fd), *arguments, dir_fd=dir_fd, **more)

        return call

    patch_everywhere(patch, "open", folding)
    patch_everywhere(patch, "stat", folding)


def path_of(descriptor: int) -> str:
    """The path of what is open, as the system tells it; "" if it has none."""
    if sys.platform == "win32":
        from dualstatic.disk.windows import final_path

        return (final_path(descriptor) or "").removeprefix("\\\\?\\")
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except FileNotFoundError:  # it was closed since
        return ""


READS = ["read", "pread", "preadv", "readv", "sendfile"]


def fails_to_open(name: str, error: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def make(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *arguments: Any, **more: Any) -> Any:
            if os.fspath(path).replace(os.sep, "/").endswith(name):
                raise OSError(error, os.strerror(error))
            return real(path, *arguments, **more)

        return call

    return make


def fails_to_read(name: str, error: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def make(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(descriptor: int, *arguments: Any, **more: Any) -> Any:
            if path_of(descriptor).endswith(name):
                raise OSError(error, os.strerror(error))
            return real(descriptor, *arguments, **more)

        return call

    return make
