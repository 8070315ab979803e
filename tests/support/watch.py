"""Sees which files are opened: the kernel's own reports, and Python's audit events.

The kernel (inotify) reports every open and every read of what lies in the watched directories,
whoever asks and by whatever name, save opens with O_PATH, which can't read. The audit events add
the opens that fail, with the path that was asked for.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ACCESS = 0x01
OPEN = 0x20
CHANGES = 0xFCE
"""Writes, moves, removals, new names, and what is set of a file: its date, its permissions."""
ALL = 0xFFF
EVENT = struct.Struct("iIII")

needs_inotify = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


class Watch:
    """The opens (or with `events=ACCESS` the reads) of what lies directly in some directories."""

    def __init__(self, *directories: Path, events: int = OPEN) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self.fd >= 0, os.strerror(ctypes.get_errno())
        self.names: dict[int, Path] = {}
        for directory in directories:
            number = libc.inotify_add_watch(self.fd, os.fsencode(directory), events)
            assert number >= 0, os.strerror(ctypes.get_errno())
            self.names[number] = directory

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *exc_info: object) -> None:
        os.close(self.fd)

    def take(self) -> set[Path]:
        """What was opened (or read) since the last call."""
        seen = set()
        while True:
            try:
                data = os.read(self.fd, 65536)
            except BlockingIOError:
                return seen
            while data:
                number, _, _, length = EVENT.unpack_from(data)
                name = data[EVENT.size : EVENT.size + length].rstrip(b"\0")
                seen.add(self.names[number] / os.fsdecode(name))
                data = data[EVENT.size + length :]


audited: list[str] | None = None
hooked = False


def hook(event: str, arguments: tuple[Any, ...]) -> None:
    if audited is None or event not in ("open", "os.listdir", "os.scandir"):
        return
    path = arguments[0]
    flags = arguments[2] if event == "open" else 0
    if isinstance(path, (str, bytes)) and not (flags or 0) & getattr(os, "O_PATH", 0):
        audited.append(os.fsdecode(path))


@contextmanager
def audit() -> Iterator[list[str]]:
    """The absolute paths that Python code opens to read (relative ones need the kernel's eye)."""
    global audited, hooked
    if not hooked:
        sys.addaudithook(hook)
        hooked = True
    seen: list[str] = []
    audited = seen
    try:
        yield seen
    finally:
        audited = None
