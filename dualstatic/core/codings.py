"""Content codings (RFC 9110 section 8.4.1), and the precompressed siblings of a file."""

from __future__ import annotations

from .values import Identity

SUFFIXES = {"zstd": ".zst", "br": ".br", "gzip": ".gz"}
"""The content codings, and what a precompressed sibling adds to its file's name."""

CODINGS = {suffix: coding for coding, suffix in SUFFIXES.items()}

FIRST_BYTES = 58
"""How many of a sibling's first bytes tell whether clients can decode it."""

_SIBLING_LAG = 2 * 10**9
"""Nanoseconds that a sibling may be older than its file: what a build takes to write both."""

_LARGEST_WINDOW = 8 * 2**20
"""Bytes that a decoder of zstd has to keep, and browsers keep no more (RFC 9659 section 3)."""

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def is_outdated(sibling: Identity, plain: Identity) -> bool:
    """Whether a sibling is so much older than its file that it can't have been made of it."""
    *_, sibling_mtime, _ = sibling
    *_, mtime, _ = plain
    return mtime - sibling_mtime > _SIBLING_LAG


def is_decodable(coding: str, head: bytes) -> bool:
    """Whether clients have the memory to decode a sibling that begins with `head`."""
    return coding != "zstd" or zstd_window(head) <= _LARGEST_WINDOW


def zstd_window(head: bytes) -> int:
    """The bytes that a frame has its decoder keep (RFC 8878 section 3.1.1.1); 0: it is no frame."""
    if len(head) < 6 or not head.startswith(ZSTD_MAGIC):
        return 0
    descriptor = head[4]
    if not descriptor & 0x20:
        exponent, mantissa = divmod(head[5], 8)
        return (8 + mantissa) << (7 + exponent)
    # A single segment: the decoder keeps all of the content, whose size comes after a dictionary's.
    start = 5 + (0, 1, 2, 4)[descriptor & 3]
    field = head[start : start + (1, 2, 4, 8)[descriptor >> 6]]
    return int.from_bytes(field, "little")
