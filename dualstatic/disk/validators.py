"""Entity-tags and dates of files (RFC 9110 section 8.8)."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Container

from ..core.values import Identity
from .locks import Lock
from .root_by_descriptor import identity

HASHED = 64 * 2**20
"""Bytes up to which a tag is a hash of the content. Two releases may share size and date."""

_PIECE = 2**19
"""Bytes of them that are in memory at a time.

The allocator of glibc gives no block back that is smaller than the largest one it has seen freed.
Were these no larger than the chunks of an answer, each chunk would be mapped anew: a large file
takes three times as long then.
"""

FRESH = 2 * 10**9
"""Nanoseconds for which a change may be followed by another with the same time stamp."""

_FIRST_DATE = 315_705_600
"""1980-01-03 in UTC, the first date that is taken for one.

Builds set all before: 0 and 1 (Nix, tools that honour SOURCE_DATE_EPOCH), 1980-01-01 and a second
later (buildpacks, App Engine). 1980-01-01 is also where the dates of zip archives begin. These have
no zone, and in the last one, UTC-12, the day ends at noon of 1980-01-02 in UTC.
"""

_CTIME_IS_BIRTH = sys.platform == "win32"

_REMEMBERED = 2**14
_TRIES = 3
_STRIPES = 64

_digests: dict[Identity, bytes] = {}
"""The hashes of the process's files, each for as long as its file stays as it was."""

_guard = Lock()
_locks = [Lock() for _ in range(_STRIPES)]


def is_fresh(status: os.stat_result) -> bool:
    """Whether a file was changed so lately that a further change might not show."""
    changed = status.st_ctime_ns
    return is_recent(max(changed, status.st_mtime_ns) if _CTIME_IS_BIRTH else changed)


def is_recent(changed: int) -> bool:
    """Whether a time in nanoseconds is that of a change which may be followed by one of its time.

    A time ahead of the clock says that the clock was set back since. A further change would then
    get an earlier time, and show; but the clock of a file server may be a little ahead of ours.
    """
    return abs(time.time_ns() - changed) < FRESH


def is_settled(status: os.stat_result) -> bool:
    """Whether all that is told of a file stays true of it, its date too, which has to have come."""
    return not is_fresh(status) and status.st_mtime_ns <= time.time_ns()


def modified(status: os.stat_result) -> int | None:
    """Seconds for Last-Modified: never later than now, and none for the constant of a build."""
    seconds = status.st_mtime_ns // 10**9
    return seconds if _FIRST_DATE <= seconds <= time.time() else None


def forget_hashes(devices: Container[int]) -> None:
    """Forget the hashes of all files but those on these devices."""
    with _guard:
        for key in [key for key in _digests if key[0] not in devices]:
            del _digests[key]


def etag_of(
    descriptor: int, status: os.stat_result, coding: str | None, content: bytes | None
) -> str | None:
    """The entity-tag of an open file, its coding in it; None: nothing could tell a change.

    `content` is what was read of the file, where that was done.
    """
    suffix = f"-{coding}" if coding else ""
    if status.st_size <= HASHED and (digest := _digest(descriptor, status, content)):
        return f'"{digest[:16].hex()}{suffix}"'
    if status.st_mtime_ns // 10**9 < _FIRST_DATE:
        return None
    weak = "W/" if is_fresh(status) else ""
    return f'{weak}"{status.st_size:x}-{status.st_mtime_ns:x}{suffix}"'


def _digest(descriptor: int, status: os.stat_result, content: bytes | None) -> bytes | None:
    """The SHA-256 of a file; None: it didn't hold still. Two threads never hash one file."""
    key = identity(status)
    if digest := _digests.get(key):
        return digest
    fresh = is_fresh(status)  # before it is read, which may take a while
    with _locks[status.st_ino % _STRIPES]:
        digest = _digests.get(key) or _digest_of(descriptor, key, content)
        if digest and not fresh:
            _remember(key, digest)
    return digest


def _remember(key: Identity, digest: bytes) -> None:
    with _guard:
        while len(_digests) >= _REMEMBERED:
            del _digests[next(iter(_digests))]
        _digests[key] = digest


def read_part(descriptor: int, part: range) -> bytes:
    """A part of an open file; less of it where the file ends before that."""
    data = b""
    while len(data) < len(part) and (
        more := read_at(descriptor, len(part) - len(data), part.start + len(data))
    ):
        data += more
    return data


def read_all(descriptor: int, status: os.stat_result) -> bytes | None:
    """The content of an open file; None: it didn't hold still."""
    content = read_part(descriptor, range(status.st_size))
    is_still = identity(os.fstat(descriptor)) == identity(status)
    return content if is_still and len(content) == status.st_size else None


def _digest_of(descriptor: int, key: Identity, content: bytes | None) -> bytes | None:
    """The SHA-256 of a file that holds still; content that is handed in has done so already.

    A file that loses its name meanwhile, to a new release, gets another ctime and no new content.
    """
    before = key
    for _ in range(_TRIES):
        digest = _sha256(descriptor, key[2], content)
        after = key if content is not None else identity(os.fstat(descriptor))
        if after == before:
            return digest
        if after[:4] != key[:4]:
            return None
        before = after
    return None


def _sha256(descriptor: int, size: int, content: bytes | None) -> bytes:
    digest = hashlib.sha256(content or b"", usedforsecurity=False)
    for start in range(len(content or b""), size, _PIECE):
        digest.update(read_part(descriptor, range(start, min(start + _PIECE, size))))
    return digest.digest()


if hasattr(os, "pread"):
    read_at = os.pread
else:  # Windows, where each descriptor has one reader at a time

    def read_at(descriptor: int, size: int, position: int) -> bytes:
        os.lseek(descriptor, position, os.SEEK_SET)
        data = os.read(descriptor, size)
        os.lseek(descriptor, 0, os.SEEK_SET)  # there a server begins that gets the file
        return data
