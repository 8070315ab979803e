"""Which errors of the system mean "not there", and what is logged once."""

from __future__ import annotations

import errno
import logging

NOT_THERE = frozenset(
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
"""The `errno` values that mean "no such file for us". Any other is a failure of the machine."""

logger = logging.getLogger("dualstatic")

_PLACES = 1000
"""Places that are logged for one message; another message has places of its own."""


class LeadsOut(FileNotFoundError):
    """A link leads out of the root: `filename` is the link's path."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.ENOENT, "a link leads out of the root", path)


class OnceLogger:
    """Logs each message once for each place. A message is of the program, a place of the disk."""

    def __init__(self, level: int = logging.WARNING) -> None:
        self._level = level
        self._places: dict[str, set[str]] = {}

    def __call__(self, message: str, path: str) -> None:
        places = self._places.setdefault(message, set())
        if path not in places and len(places) < _PLACES:
            places.add(path)
            logger.log(self._level, "%s: %s", message, ascii(path))


_log_once = OnceLogger(logging.ERROR)


def log_failure(error: OSError, path: str) -> None:
    """Log a failure of the machine, once for each kind and place; "not there" is none."""
    if error.errno not in NOT_THERE:
        _log_once(f"can't be read, {error.strerror}", path)
