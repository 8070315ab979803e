"""What the first bytes of a sibling tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualstatic.core.codings import FIRST_BYTES, is_decodable, zstd_frame

MAGIC = b"\x28\xb5\x2f\xfd"
MIB = 2**20


@pytest.mark.parametrize(
    ("rest", "window"),
    [
        (b"\x00\x00", 1024),
        (b"\x00\x07", 1024 + 7 * 128),
        (b"\x04\x68", 8 * MIB),
        (b"\x04\x69", 9 * MIB),
        (b"\x80\x88\xff\xff\xff\xff", 128 * MIB),
        (b"\x00\xff", 2**41 + 7 * 2**38),
        (b"\x20\x80", 128),
        (b"\xa0\x00\x00\x80\x00", 8 * MIB),
        (b"\xa3\xff\xff\xff\xff\x01\x00\x80\x00", 8 * MIB + 1),
        (b"\xe1\xff" + (2**40).to_bytes(8, "little"), 2**40),
    ],
)
def test_the_header_of_a_frame_tells_its_window(rest: bytes, window: int) -> None:
    """RFC 8878 section 3.1.1.1: an exponent and a mantissa, or the size of a single segment."""
    head = (MAGIC + rest).ljust(FIRST_BYTES, b"\0")
    assert zstd_frame(head)[0] == window
    assert is_decodable("zstd", head) == (window <= 8 * MIB)
    assert is_decodable("gzip", head)


@given(st.binary(max_size=FIRST_BYTES + 2), st.booleans())
def test_any_bytes_have_a_window_or_none(data: bytes, begins: bool) -> None:
    assert zstd_frame(MAGIC * begins + data)[0] >= 0
    assert begins or data.startswith(MAGIC) or zstd_frame(data)[0] == 0
