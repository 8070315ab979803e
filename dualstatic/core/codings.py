"""Content codings (RFC 9110 section 8.4.1), and the precompressed siblings of a file."""

from __future__ import annotations

from .values import Identity

SUFFIXES = {"zstd": ".zst", "br": ".br", "gzip": ".gz"}
"""The content codings, and what a precompressed sibling adds to its file's name."""

FIRST_BYTES = 18
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
    return coding != "zstd" or zstd_frame(head)[0] <= _LARGEST_WINDOW


def zstd_frame(head: bytes) -> tuple[int, int, int]:
    """What the header of a frame tells (RFC 8878 section 3.1.1.1); zeros: it is no frame.

    The bytes that its decoder has to keep, the length of its content (-1: not told), its own.
    """
    if len(head) < 6 or not head.startswith(ZSTD_MAGIC):
        return 0, 0, 0
    flags = head[4]
    is_single = flags >> 5 & 1  # a single segment: the decoder keeps all of the content
    start = 6 - is_single + (0, 1, 2, 4)[flags & 3]
    width = (is_single, 2, 4, 8)[flags >> 6]
    content = int.from_bytes(head[start : start + width], "little") + 256 * (width == 2)
    exponent, mantissa = divmod(head[5], 8)
    window = content if is_single else (8 + mantissa) << (7 + exponent)
    return window, content if width else -1, start + width
