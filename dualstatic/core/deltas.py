"""Deltas: siblings that are decoded with an older file, their dictionary (RFC 9842)."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from .codings import FIRST_BYTES, zstd_frame
from .releases import constant_parts

MAGICS = {"dcz": b"\x5e\x2a\x4d\x18\x20\x00\x00\x00", "dcb": b"\xff\x44\x43\x42"}
"""What a delta begins with, before the SHA-256 of its dictionary (sections 4, 5)."""

_NUMBERS = (".1", ".2", ".3", ".4")
WRITTEN = [f"{number}.dcz" for number in _NUMBERS]
"""What `compress` adds to a file's name for its deltas, each from another older file."""

DELTA_SUFFIXES = {f"{number}.{coding}": coding for coding in MAGICS for number in ("", *_NUMBERS)}
"""What is looked for, with its coding. Other tools write `.dcb`."""


def dictionary_of(
    coding: str, read: Callable[[int, int], bytes], size: int, plain: int
) -> bytes | None:
    """The SHA-256 of what a delta of `size` bytes is decoded with.

    `read` reads so many bytes, from a position on. None: it isn't all there, or not of a file of
    `plain` bytes. Each block of zstd's frame tells its length (RFC 8878 section 3.1.1); none of
    brotli's does.
    """
    magic = MAGICS[coding]
    end = len(magic) + 32
    head = read(end + FIRST_BYTES, 0)
    digest, frame = head[len(magic) : end], head[end:]
    if not head.startswith(magic) or len(digest) < 32:
        return None
    if coding == "dcb":
        return digest
    window, content, start = zstd_frame(frame)
    if not start or window > 2**27 or content not in (-1, plain):  # section 5: no larger window
        return None
    end += start
    for _ in range(2**16):  # blocks, which may be empty
        block = int.from_bytes(read(3, end), "little")
        end += 3 + (1 if block >> 1 & 3 == 1 else block >> 3)
        if block & 1 or end > size:
            break
    return digest if end + (frame[4] & 4) == size else None


def use_as_dictionary(name: str) -> str | None:
    """The field by which a file offers itself for the next version of it (section 2.1).

    Its pattern is relative to the file's own URL. None: no part of the name is a hash.
    """
    parts = constant_parts(name.rpartition("/")[2]) or ()
    # Browsers compare by the spelling. What has a meaning in a pattern gets a backslash, in a field
    # two. A colon would need one, too, but Chromium finds no dictionary by it.
    spelled = [re.sub(r"[()*+]", r"\\\\\g<0>", quote(part, safe="!$&'()*+,;=:@")) for part in parts]
    return f'match="{"*".join(spelled).replace(":", "*")}"' if parts else None
