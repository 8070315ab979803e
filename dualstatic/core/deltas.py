"""Deltas: siblings that are decoded with an older file, their dictionary (RFC 9842)."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import quote

from .codings import CODINGS, ZSTD_MAGIC, zstd_window
from .releases import constant_parts

DCZ_MAGIC = b"\x5e\x2a\x4d\x18\x20\x00\x00\x00"
_MAGICS = {"dcz": DCZ_MAGIC, "dcb": b"\xff\x44\x43\x42"}
_DIGEST = 32
_LARGEST_WINDOW = 2**27
_MOST_BLOCKS = 2**16

MOST_DELTAS = 4
"""Deltas that a file has at most, each from another older file."""


def delta_suffix(number: int) -> str:
    """What the delta with this number, from 1 on, adds to its file's name."""
    return f".{number}.dcz"


def dcz_header(dictionary: bytes) -> bytes:
    """The 40 bytes before a delta's frame, which say what decodes it (section 5)."""
    return DCZ_MAGIC + sha256(dictionary).digest()


def largest_window(dictionary: int) -> int:
    """Bytes that a decoder of zstd keeps at most, with a dictionary of this size (section 5).

    Without one, it is what browsers keep (RFC 9659 section 3).
    """
    return min(max(2**23, dictionary * 5 // 4), _LARGEST_WINDOW)


DELTA_SUFFIXES = tuple(
    f"{number}.{coding}"
    for coding in _MAGICS
    for number in ("", *(f".{number}" for number in range(1, MOST_DELTAS + 1)))
)
"""What is looked for: `.dcz` and `.dcb`, the latter by other tools, with a number or without."""


def coding_of(suffix: str) -> str:
    """The content coding of a sibling."""
    last = suffix[suffix.rindex(".") :]
    return CODINGS.get(last) or last[1:]


def dictionary_of(coding: str, head: bytes) -> bytes | None:
    """The SHA-256 of what a delta is decoded with; None: its head tells none (sections 4, 5)."""
    magic = _MAGICS.get(coding, b"")
    digest = head[len(magic) : len(magic) + _DIGEST]
    return digest if magic and head.startswith(magic) and len(digest) == _DIGEST else None


def use_as_dictionary(name: str) -> str | None:
    """The field by which a file offers itself for the next version of it (section 2.1).

    Its pattern is relative to the file's own URL. None: no part of the name is a hash.
    """
    if (parts := constant_parts(name.rpartition("/")[2])) is None:
        return None
    before, after = (
        _SPECIAL.sub(r"\\\\\g<0>", quote(part, safe=_PLAIN)).replace(":", "*") for part in parts
    )
    return f'match="{before}*{after}"'


_PLAIN = "!$&'()*+,;=:@"
"""What stands in a path as it is, beside letters and digits: browsers compare by the spelling."""

# What has a meaning in a URL pattern gets a backslash, which in a field has to be two. A colon
# would need one, too, but Chromium finds no dictionary by it.
_SPECIAL = re.compile(r"[()*+]")


def is_delta(coding: str) -> bool:
    return coding in _MAGICS


def is_whole(coding: str, read: Callable[[int, int], bytes], size: int, plain: int) -> bool:
    """Whether a delta of `size` bytes is all there, and of a file of `plain` bytes.

    `read(count, position)` reads it. Of zstd's frame each block tells its length (RFC 8878 section
    3.1.1); of brotli's none does.
    """
    if coding != "dcz":
        return True
    at = len(DCZ_MAGIC) + _DIGEST
    head = read(18, at)
    if len(head) < 6 or not head.startswith(ZSTD_MAGIC) or zstd_window(head) > _LARGEST_WINDOW:
        return False
    flags = head[4]
    single = flags >> 5 & 1
    start = 6 - single + (0, 1, 2, 4)[flags & 3]
    width = (single, 2, 4, 8)[flags >> 6]
    content = int.from_bytes(head[start : start + width], "little") + 256 * (width == 2)
    at += start + width
    for _ in range(_MOST_BLOCKS):
        block = int.from_bytes(read(3, at), "little")
        at += 3 + (1 if block >> 1 & 3 == 1 else block >> 3)
        if block & 1 or at > size:
            break
    return at + (flags & 4) == size and (not width or content == plain)
