"""Which devices answer at once, and what can be read of them without a wait for the disk.

A name in the system's cache says nothing of the file behind it: on FUSE and NFS `open`, and even
`fstat`, may ask a server that hangs. So a device has to show first that it answers at once.
"""

from __future__ import annotations

import os

_answering: set[int] = set()


def read_now(descriptor: int, window: memoryview, position: int, device: int) -> int | None:
    """Read into `window`; the count of bytes, or None where that has to wait or can't be told."""
    count = None
    try:
        count = os.preadv(descriptor, [window], position, os.RWF_NOWAIT)
    except BlockingIOError:
        pass
    except (AttributeError, OSError):  # no such read in Python, the system, or the file system
        return None
    _answering.add(device)
    return count


def try_out(descriptor: int, device: int) -> None:
    """Let a device show by one file whether it answers at once; for a thread that may wait."""
    if device not in _answering:
        read_now(descriptor, memoryview(bytearray(1)), 0, device)


answers_at_once = _answering.__contains__
"""Whether a device has shown that it can read without a wait, so that `open` asks no server."""
