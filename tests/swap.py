"""Swaps two names for each other, in a process of its own, until its input is closed.

It is run as a script, without the rest of the tests: `python tests/swap.py ONE OTHER`. It prints
`ready` after the first swap, and at the end how many there were. ONE may end in `*`: then each name
that begins so is swapped for OTHER as soon as it is there. Bursts without a pause meet a
reader between two of its calls to the system; the pauses let it come to an end. It is started for
each tree, so it imports little: `collections.abc` and `functools` take a quarter of its start.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import time

RENAME_EXCHANGE = 2
AT_FDCWD = -100
NUMBERS = {"x86_64": 316, "aarch64": 276}
LONGEST_BURST = 1000
LONGEST_PAUSE = 0.002


def exchange():
    """A function that swaps two names, and tells how often: not at all if one isn't there."""
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "renameat2"):  # an old libc has no name for it
        call, first = libc.renameat2, ()
    else:
        call, first = libc.syscall, (NUMBERS[os.uname().machine],)

    def swap(one: bytes, other: bytes) -> int:
        if not call(*first, AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE):
            return 1
        if ctypes.get_errno() == errno.ENOENT:
            return 0
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    return swap


def swapper(one: bytes, other: bytes):
    """A function that swaps the names, or all that begin as the first does, whenever they come."""
    swap = exchange()
    if not one.endswith(b"*"):
        return lambda: swap(one, other)
    folder, start = os.path.split(one[:-1])

    def swap_any() -> int:
        names = [name for name in os.listdir(folder) if name.startswith(start)]
        return sum(swap(os.path.join(folder, name), other) for name in names)

    return swap_any


def is_closed(descriptor: int) -> bool:
    try:
        return not os.read(descriptor, 1)
    except BlockingIOError:
        return False


def chance() -> float:
    """From 0 to 1; `random` takes longer to import than the rest of this."""
    return int.from_bytes(os.urandom(2), "big") / 2**16


def main(one: str, other: str) -> None:
    swap = swapper(os.fsencode(one), os.fsencode(other))
    count = swap()
    print("ready", flush=True)
    os.set_blocking(0, False)
    while not is_closed(0):
        for _ in range(1 + int(chance() * LONGEST_BURST)):
            count += swap()
        time.sleep(chance() * LONGEST_PAUSE)
    print(count)


if __name__ == "__main__":
    main(*sys.argv[1:])
