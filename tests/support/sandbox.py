"""Takes from this process what a container may take: newer calls to the system, and /proc.

Neither can be had back: use it in a child.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

NUMBERS = {  # of the calls that older filters don't know
    "x86_64": {"renameat2": 316, "preadv2": 327, "statx": 332},
    "aarch64": {"renameat2": 276, "preadv2": 286, "statx": 291},
}
EVERYWHERE = {"clone3": 435, "close_range": 436, "openat2": 437, "faccessat2": 439}

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
PR_SET_NO_NEW_PRIVS = 38
LOAD_NUMBER = struct.pack("HBBI", 0x20, 0, 0, 0)  # BPF_LD + BPF_W + BPF_ABS
JUMP_IF_EQUAL, RETURN = 0x15, 0x06  # BPF_JMP + BPF_JEQ + BPF_K, BPF_RET + BPF_K
ERRNO, ALLOW = 0x00050000, 0x7FFF0000

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000


def newer_calls() -> dict[str, int]:
    return NUMBERS.get(platform.machine(), {}) | EVERYWHERE


def refuse_newer_calls(error: int) -> None:
    """Answer them with this error from now on, in this thread and all that it starts.

    Without clone3 the C library starts threads by clone, but only if that is ENOSYS: a filter that
    answers EPERM leaves a process without threads, whatever it runs.
    """
    refused = {
        number
        for name, number in newer_calls().items()
        if error == errno.ENOSYS or name != "clone3"
    }
    program = LOAD_NUMBER
    for number in refused:
        program += struct.pack("HBBI", JUMP_IF_EQUAL, 0, 1, number)
        program += struct.pack("HBBI", RETURN, 0, 0, ERRNO | error)
    program += struct.pack("HBBI", RETURN, 0, 0, ALLOW)
    buffer = ctypes.create_string_buffer(program, len(program))
    whole = ctypes.create_string_buffer(
        struct.pack("HP", len(program) // 8, ctypes.addressof(buffer))
    )
    libc = ctypes.CDLL(None, use_errno=True)
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    check(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, whole, 0, 0))
    assert answer_of("openat2") == error


def answer_of(call: str) -> int:
    """The error of a newer call that is made without sense."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.syscall(newer_calls()[call], -1, 0, 0, 0, 0) == -1
    return ctypes.get_errno()


def hide_proc() -> None:
    """Leave /proc empty; OSError where this may not be done."""
    mount_empty("/proc")
    assert os.listdir("/proc") == []


def mount_empty(path: str) -> None:
    """Mount an empty file system there, for this process alone; OSError: this may not be done."""
    libc = ctypes.CDLL(None, use_errno=True)
    check(libc.unshare(CLONE_NEWNS | (CLONE_NEWUSER if os.geteuid() else 0)))
    check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    check(libc.mount(b"none", os.fsencode(path), b"tmpfs", 0, None))


def check(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
