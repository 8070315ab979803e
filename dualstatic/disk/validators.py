"""Entity-tags and dates of files (RFC 9110 section 8.8)."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from copy import copy

from ..core.values import Identity
from .locks import Lock
from .root import identity

HASHED = 2**20
"""Bytes up to which a tag is a hash of the content."""

HASHED_UNDATED = 64 * 2**20
"""The same for a file whose mtime is a constant of the build that made it."""

FRESH = 2 * 10**9
"""Nanoseconds for which a change may be followed by another with the same time stamp."""

_CTIME_IS_BIRTH = sys.platform == "win32"

_REMEMBERED = 2**14
_STRIPES = 64


def is_fresh(status: os.stat_result) -> bool:
    """Whether a file was changed so lately that a further change might not show."""
    changed = status.st_ctime_ns
    if _CTIME_IS_BIRTH:
        changed = max(changed, status.st_mtime_ns)
    return time.time_ns() - changed < FRESH


def modified(status: os.stat_result) -> int | None:
    """Seconds for Last-Modified: never later than now, and none for the 0 or 1 of a build."""
    seconds = status.st_mtime_ns // 10**9
    return seconds if 1 < seconds <= time.time() else None


class Validators:
    """The tags of files; a hash is remembered for as long as its file stays as it was."""

    _reads = True

    def __init__(self) -> None:
        self._digests: dict[Identity, bytes] = {}
        self._guard = Lock()
        self._locks = [Lock() for _ in range(_STRIPES)]

    def remembered(self) -> Validators:
        """The same without a file being read: BlockingIOError where that would have to be."""
        view = copy(self)
        view._reads = False
        return view

    def clear(self) -> None:
        with self._guard:
            self._digests.clear()

    def etag(
        self, descriptor: int, status: os.stat_result, coding: str | None, content: bytes | None
    ) -> str | None:
        """The entity-tag of an open file, its coding in it; None: nothing could tell a change.

        `content` is what was read of the file, where that was done.
        """
        undated = status.st_mtime_ns // 10**9 <= 1
        suffix = f"-{coding}" if coding else ""
        if status.st_size <= (HASHED_UNDATED if undated else HASHED):
            if digest := self._digest(descriptor, status, content):
                return f'"{digest[:16].hex()}{suffix}"'
        elif undated:
            return None
        weak = "W/" if is_fresh(status) else ""
        return f'{weak}"{status.st_size:x}-{status.st_mtime_ns:x}{suffix}"'

    def _digest(
        self, descriptor: int, status: os.stat_result, content: bytes | None
    ) -> bytes | None:
        """The SHA-256 of a file; None: it didn't hold still. Two threads never hash one file."""
        key = identity(status)
        if digest := self._digests.get(key):
            return digest
        if not self._reads:
            raise BlockingIOError("a file has to be read for its hash")
        with self._locks[status.st_ino % _STRIPES]:
            digest = self._digests.get(key) or _sha256(descriptor, status.st_size, content)
            # Content that was handed in has been proved to be this file's already.
            if content is None and identity(os.fstat(descriptor)) != key:
                return None
            if not is_fresh(status):
                self._remember(key, digest)
        return digest

    def _remember(self, key: Identity, digest: bytes) -> None:
        with self._guard:
            while len(self._digests) >= _REMEMBERED:
                del self._digests[next(iter(self._digests))]
            self._digests[key] = digest


def read_all(descriptor: int, status: os.stat_result) -> bytes | None:
    """The content of an open file; None: it didn't hold still."""
    content = b""
    while len(content) < status.st_size:
        data = read_at(descriptor, status.st_size - len(content), len(content))
        if not data:
            return None
        content += data
    return content if identity(os.fstat(descriptor)) == identity(status) else None


def _sha256(descriptor: int, size: int, content: bytes | None) -> bytes:
    digest = hashlib.sha256(content or b"", usedforsecurity=False)
    position = len(content or b"")
    while position < size and (data := read_at(descriptor, min(size - position, HASHED), position)):
        digest.update(data)
        position += len(data)
    return digest.digest()


if hasattr(os, "pread"):
    read_at = os.pread
else:  # Windows, where each descriptor has one reader at a time

    def read_at(descriptor: int, size: int, position: int) -> bytes:
        os.lseek(descriptor, position, os.SEEK_SET)
        return os.read(descriptor, size)
