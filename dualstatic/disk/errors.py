"""Which errors of the system mean "not there", and what is logged once."""

from __future__ import annotations

import errno
import logging

_NOT_THERE = frozenset(
    {
        errno.EACCES,
        errno.EILSEQ,
        errno.EINVAL,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENODEV,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.ENXIO,
        errno.EPERM,
        errno.ESRCH,
    }
)
"""The `errno` values that mean "no such file for us"."""

_NOT_THERE_ON_WINDOWS = frozenset(
    {2, 3, 5, 15, 18, 20, 123, 161, 206, 267, 303, 433, 1463, 1920, 1921, 4390}
)
"""The same of Windows' own numbers, most of which Python calls EINVAL or EACCES.

No such file, path, drive or device; no access; a name that can't be, or is too long; no directory;
about to be removed; links of a kind that is switched off, that lead nowhere, or in a loop; no link.
"""

LEADS_OUT = "a link leads out of the root"
"""What such an error says; its `filename` is the link's path."""

logger = logging.getLogger("dualstatic")

_PLACES = 10_000
"""Places that are counted for one message; another message has places of its own."""


def is_missing(error: OSError) -> bool:
    """Whether an error means "no such file for us". Any other is a failure of the machine."""
    number = getattr(error, "winerror", None)
    return error.errno in _NOT_THERE if number is None else number in _NOT_THERE_ON_WINDOWS


class OnceLogger:
    """Logs each message once for each of its first places (`named`), then how many there are.

    A message is of the program, a place of the disk.
    """

    def __init__(self, level: int = logging.WARNING, named: int = 10) -> None:
        self._level, self._named = level, named
        self._places: dict[str, set[str]] = {}
        self._counted: dict[str, int] = {}

    def __call__(self, message: str, path: str) -> None:
        self.note(message, path)
        if message not in self._counted:
            self.count(message)

    def note(self, message: str, path: str) -> None:
        """The same, but the number is logged later, by `count`."""
        places = self._places.setdefault(message, set())
        if path not in places and len(places) < _PLACES:
            places.add(path)
            if len(places) <= self._named:
                logger.log(self._level, "%s: %s", message, ascii(path))

    def count(self, *messages: str) -> None:
        """Say how many places these messages have, or all, where not all were named."""
        for message in messages or tuple(self._places):  # more are met while these are written
            number = len(self._places[message])
            if number > max(self._named, self._counted.get(message, 0)):
                self._counted[message] = number
                way = "; follow_symlink=True follows such links" if LEADS_OUT in message else ""
                logger.log(self._level, "%s: %d places so far%s", message, number, way)


_log_once = OnceLogger(logging.ERROR, named=1000)


def log_failure(error: OSError, path: str) -> None:
    """Log a failure of the machine, once for each kind and place; "not there" is none."""
    if not is_missing(error):
        _log_once(f"can't be read, {error.strerror}", path)
