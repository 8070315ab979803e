"""Deltas: siblings that are decoded with an older file, their dictionary (RFC 9842)."""

from __future__ import annotations

from hashlib import sha256

DCZ_MAGIC = b"\x5e\x2a\x4d\x18\x20\x00\x00\x00"

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
    return min(max(2**23, dictionary * 5 // 4), 2**27)
