"""Swaps two names for each other, in a process of its own, until its input is closed.

It is run as a script, without the rest of the tests: `python tests/swap.py ONE OTHER`. It prints
`ready` after the first swap, and at the end how many there were. Bursts without a pause meet a
reader between two of its calls to the system; the pauses let it come to an end.
"""

from __future__ import annotations

import ctypes
import os
import platform
import random
import sys
import time
from collections.abc import Callable

RENAME_EXCHANGE = 2
AT_FDCWD = -100
NUMBERS = {"x86_64": 316, "aarch64": 276}
LONGEST_BURST = 1000
LONGEST_PAUSE = 0.002


def swapper(one: str, other: str) -> Callable[[], None]:
    """A function that swaps the names once."""
    libc = ctypes.CDLL(None, use_errno=True)
    paths = AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE
    if hasattr(libc, "renameat2"):  # an old libc has no name for it
        call, arguments = libc.renameat2, paths
    else:
        call, arguments = libc.syscall, (NUMBERS[platform.machine()], *paths)

    def swap() -> None:
        if call(*arguments):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    return swap


def is_closed(descriptor: int) -> bool:
    try:
        return not os.read(descriptor, 1)
    except BlockingIOError:
        return False


def main(one: str, other: str) -> None:
    swap = swapper(one, other)
    swap()
    print("ready", flush=True)
    count = 1
    os.set_blocking(0, False)
    while not is_closed(0):
        burst = random.randint(1, LONGEST_BURST)
        for _ in range(burst):
            swap()
        count += burst
        time.sleep(random.uniform(0, LONGEST_PAUSE))
    print(count)


if __name__ == "__main__":
    main(*sys.argv[1:])
