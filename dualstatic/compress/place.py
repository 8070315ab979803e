"""The directory in which a sibling is made: what is done there doesn't leave it.

Somebody else may be allowed to write there, and swap names at any moment for links or for other
files. So all goes by the descriptor of the directory and by those of the files that were made,
never by a path (but where the system opens nothing relative to a directory). The promise is that
whatever others do

- nothing outside is read, made, changed or removed,
- nobody can read a sibling who can't read its file.

In a directory of their own they can do no more than they can without us: move it, take a temporary
file away, put something of theirs in its place or in the sibling's. That is reported, not undone.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO

from ..disk.root import Walk
from ..disk.root_by_descriptor import NOFOLLOW, READ

_WRITE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | NOFOLLOW
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)

_ACL = "system.posix_acl_access"


@dataclass(frozen=True, slots=True)
class Place:
    """The directory that a walk has come to; `follows`: its files may be links to anywhere."""

    walk: Walk
    follows: bool

    @property
    def here(self) -> int | None:
        return self.walk.here

    def at(self, leaf: str) -> str:
        """What to call a file in a call that gets `here` as well."""
        return self.walk.at(leaf)

    def target(self, file: BinaryIO, leaf: str) -> int | str:
        """What to call an open file in a call that changes it."""
        return self.at(leaf) if self.here is None else file.fileno()

    def open_plain(self, leaf: str) -> BinaryIO:
        """A file or, behind links, the one that the server would send."""
        if not self.follows:
            return open(self.walk.open(leaf)[0], "rb", buffering=0)
        if file := self.open(leaf, follow=True):
            return file
        raise FileNotFoundError(errno.ENOENT, "not a regular file", leaf)

    def open(self, leaf: str, *, follow: bool = False) -> BinaryIO | None:
        """A regular file; None: something else lies there, or nothing can (the name is too long).

        It is looked at first, since to open a FIFO or a device can have effects.
        """
        try:
            status = os.stat(self.at(leaf), dir_fd=self.here, follow_symlinks=follow)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return None
            raise
        if not stat.S_ISREG(status.st_mode):
            return None
        flags = READ if follow else READ | NOFOLLOW
        descriptor = os.open(self.at(leaf), flags, dir_fd=self.here)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        return open(descriptor, "rb", buffering=0)

    def date(self, file: BinaryIO, leaf: str, mtime: int) -> None:
        """Give an open file this mtime, in nanoseconds."""
        os.utime(self.target(file, leaf), ns=(mtime, mtime))

    def holds(self, leaf: str, file: os.stat_result) -> bool:
        """Whether a name is that of this file; a path alone (on Windows) doesn't tell."""
        with suppress(FileNotFoundError):
            found = os.stat(self.at(leaf), dir_fd=self.here, follow_symlinks=False)
            return self.here is None or os.path.samestat(found, file)
        return False

    def remove(self, leaf: str, file: os.stat_result) -> None:
        """Remove a name, if it is that of this file."""
        with suppress(FileNotFoundError):  # another run was faster
            if self.holds(leaf, file):
                os.unlink(self.at(leaf), dir_fd=self.here)

    @contextmanager
    def create(self) -> Iterator[NewFile]:
        """A new file that nobody is served, removed at the end unless it has got another name."""
        leaf = f".dualstatic-{secrets.token_hex(8)}.tmp"
        descriptor = os.open(self.at(leaf), _WRITE, 0o600, dir_fd=self.here)
        status = os.fstat(descriptor)
        try:
            with open(descriptor, "wb") as file:
                yield NewFile(self, leaf, file, status)
        finally:
            self.remove(leaf, status)


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that was made in a place, under a name of its own."""

    place: Place
    leaf: str
    file: BinaryIO
    status: os.stat_result

    def become(self, leaf: str, plain: BinaryIO, status: os.stat_result) -> bool:
        """Take the name of a sibling, with the permissions and the date of its open file.

        `status` is that of the file when it was read: it may have another date by now. False: the
        server may not be able to read the sibling, which couldn't be given all of them.
        """
        place, here, acl = self.place, self.place.here, _acl_of(plain)
        self.file.flush()
        if here is None:  # Windows renames no open file, and dates one anew when it is closed
            self.file.close()
        is_readable = self._resemble(status, acl)
        self.file.close()
        self._prove(self.leaf)
        os.replace(place.at(self.leaf), place.at(leaf), src_dir_fd=here, dst_dir_fd=here)
        self._prove(leaf)
        return is_readable

    def _resemble(self, plain: os.stat_result, acl: bytes) -> bool:
        """Give it the permissions and the date of another file and, where allowed, its owner."""
        target = self.place.target(self.file, self.leaf)
        mode, own = plain.st_mode & 0o777, plain
        if isinstance(target, int):
            for owner in ((-1, plain.st_gid), (plain.st_uid, -1)):
                with suppress(OSError):  # for root alone, or for a member of the group
                    os.chown(target, *owner)
            own = os.fstat(target)
        has_group = own.st_gid == plain.st_gid
        is_alike = _set_acl(target, acl if has_group else b"") and has_group
        if not is_alike:  # all may do what group and others both may; but a list may exclude some
            both = 0 if acl else mode & mode >> 3 & 0o007
            mode = mode & 0o700 | both << 3 | both
        # Some mounts give all files one owner and mode: who isn't that owner can't change a date.
        if own is plain or stat.S_IMODE(own.st_mode) != mode:
            os.chmod(target, mode)
        with suppress(PermissionError):
            self.place.date(self.file, self.leaf, plain.st_mtime_ns)
        return (is_alike and own.st_uid == plain.st_uid) or bool(mode & 0o004)

    def _prove(self, leaf: str) -> None:
        """Say so where a name has been given to another file."""
        if not self.place.holds(leaf, self.status):
            raise OSError(errno.EBUSY, "somebody else has replaced the file that was written")


def _acl_of(file: BinaryIO) -> bytes:
    """The access control list of an open file (Linux): it says more than the mode."""
    with suppress(AttributeError, OSError):
        return os.getxattr(file.fileno(), _ACL)
    return b""


def _set_acl(target: int | str, acl: bytes) -> bool:
    """Give a new file this list, or none, in place of its directory's; whether it has it."""
    try:
        if acl:
            os.setxattr(target, _ACL, acl)
        else:
            os.removexattr(target, _ACL)
    except (AttributeError, OSError):  # to remove what isn't there fails, too
        return not acl
    return True
