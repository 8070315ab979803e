"""A name looked up on the disk: the file that stands for it and its siblings, opened and described.

What is opened here is what gets sent: nothing is looked at first and opened later.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from ..core.codings import FIRST_BYTES, SUFFIXES, is_decodable, is_outdated
from ..core.deltas import DELTA_SUFFIXES, MAGICS, dictionary_of
from ..core.policies import Policies
from ..core.values import File, Identity, Resource
from .errors import LEADS_OUT, OnceLogger, is_missing, log_failure
from .memory import Memory
from .nowait import answers_at_once
from .root import Directory, Walk
from .root_by_descriptor import device_and_ctime, identity, look_at_once
from .validators import etag_of, is_recent, is_settled, modified, read_at

Found = tuple[Resource, dict[str, int]]
"""A resource with the files that the look-up opened, by name, for who closes them.

Of a resource that is remembered none is open.
"""


@dataclass(slots=True)
class Sighting:
    """Where the files of a resource were found, and by what they are known again.

    `before` are the directories that come first, and have no file of that name. `files` are the
    file and its siblings, fit or not, by their last names; None: there was no such sibling. If a
    look at their folder says `folder` still, none was added.
    """

    directory: Directory
    name: str
    before: Sequence[Directory]
    files: dict[str, Identity | None] = field(default_factory=dict)
    folder: tuple[int, ...] = ()

    def open(self, name: str, *, wait: bool) -> int:
        """A descriptor to read a file, if all are as they were.

        :raises BlockingIOError: only a look at each name tells, or the disk has to be waited for,
            and `wait` is False
        :raises OSError: a file isn't there, or is another by now
        """
        for directory in self.before:
            if not directory.lacks(self.name, wait=wait):
                raise BlockingIOError(errno.EAGAIN, "an earlier directory may have it", self.name)
        return self.directory.open_again(name, self.files, self.folder, wait=wait)


def look_for(
    places: Iterable[tuple[Directory, Sequence[str]]],
    name: str,
    policies: Policies,
    warn: OnceLogger,
    memory: Memory | None = None,
) -> Look | None:
    """What can be read under a name, all from the first directory that has the file.

    `places` are directories, each with the suffixes of the siblings to look for there; a file that
    is stored in a content coding has none. Of the directory of earlier files, only what was
    immutable is found. `memory` reads what it is to keep. Whoever gets the look closes its files.

    :raises OSError: the machine's own trouble
    """
    before: list[Directory] = []
    for directory, suffixes in places:
        if directory.is_previous and not policies.was_immutable(name):
            continue
        look = Look(Sighting(directory, name, before), warn, memory)
        if look.finds(() if policies.media_type.stored_coding(name) else suffixes):
            return look
        before.append(directory)
    return None


_CODINGS = {suffix: coding for coding, suffix in SUFFIXES.items()} | DELTA_SUFFIXES


class Look:
    """A look for a name in one directory, and what it found: the file first, then good siblings.

    `contents` are their bytes, where these are to be kept, and `descriptors` their open files, by
    name. `settled` says that a change of any of this would show.
    """

    def __init__(self, sighting: Sighting, warn: OnceLogger, memory: Memory | None) -> None:
        self._name, self._warn, self._memory = sighting.name, warn, memory
        self.sighting, self.directory = sighting, sighting.directory
        self.stored: list[File] = []
        self.contents: list[bytes | None] = []
        self.descriptors: dict[str, int] = {}
        self.settled = True

    def finds(self, suffixes: Sequence[str]) -> bool:
        """Whether there is a file."""
        # A name, or the root, may be missing because a deploy has just switched a link, here or on
        # the way to the root, and then removed what it led to. A second look finds it.
        return self._looks(suffixes) or self._looks(suffixes)

    def _looks(self, suffixes: Sequence[str]) -> bool:
        try:
            with self.directory.walk() as walk:
                return self._goes(walk, suffixes)
        except OSError as error:  # of the root itself, or the machine's own trouble
            log_failure(error, self.directory.path)
            self._miss(error, lambda: self.directory.path)
        except UnicodeEncodeError:
            pass  # a name that the host's encoding can't express is in no directory
        return False

    def _goes(self, walk: Walk, suffixes: Sequence[str]) -> bool:
        folder, _, leaf = self._name.rpartition("/")
        try:
            walk.enter(folder)
        except OSError as error:
            self._miss(error, lambda: self.directory.path_of(walk.refused()))
            return False
        here = look_at_once(walk.here) if suffixes and walk.here is not None else ()
        device, changed = device_and_ctime(here) if here else (0, 0)
        is_final = not is_recent(changed)  # now: to read may take a while
        opened = self._open(walk, leaf)
        if opened is None:
            return False
        try:
            self._add(walk, opened)
            for suffix in suffixes:
                self._add_sibling(walk, leaf, suffix)
        except BaseException:
            close_all(self.descriptors)
            raise
        # The file has shown by now whether its device tells at once what is added to a folder.
        files = self.sighting.files
        if here and None in files.values() and answers_at_once(device):
            self.sighting.folder = here
            self.sighting.files = {name: known for name, known in files.items() if known}
            self.settled = self.settled and is_final
        return True

    def _open(self, walk: Walk, leaf: str) -> tuple[int, os.stat_result] | None:
        try:
            return walk.open(leaf)
        except OSError as error:
            self._miss(error, lambda: self.directory.path_of(walk.refused(leaf)))
            return None

    def _add_sibling(self, walk: Walk, plain: str, suffix: str) -> None:
        """Add a sibling, if there is one; what the machine can't read is left out for this time."""
        leaf = plain + suffix
        try:
            if not walk.has(leaf):
                self.sighting.files[leaf] = None
            elif opened := self._open(walk, leaf):
                self._add(walk, opened, suffix)
            else:  # what it is the name of may become a file elsewhere, or one that may be read
                self.settled = False
        except OSError as error:
            log_failure(error, self.directory.path_of(walk.real(leaf)))
            self.doubt()

    def _add(self, walk: Walk, opened: tuple[int, os.stat_result], suffix: str = "") -> None:
        """Add an open file and what it is; a sibling that is not good enough is closed."""
        descriptor, status = opened
        name, coding = self._name + suffix, _CODINGS.get(suffix)
        self.descriptors[name] = descriptor
        size, key, date = status.st_size, identity(status), modified(status)
        dictionary, can_decode = None, True
        if coding in MAGICS:
            read = partial(read_at, descriptor)
            dictionary = dictionary_of(coding, read, size, self.stored[0].size)
            can_decode = dictionary is not None
        elif coding == "zstd":
            can_decode = is_decodable(coding, read_at(descriptor, FIRST_BYTES, 0))
        path = self.directory.path_of(name)
        file = File(self.sighting.open, name, path, size, key, coding, None, date, dictionary)
        self.sighting.files[name.rpartition("/")[2]] = key
        self.settled = self.settled and is_settled(status)
        if coding and not self._fits(walk, file, can_decode):
            os.close(self.descriptors.pop(name))
            return
        content = self._memory.read(descriptor, status) if self._memory else None
        etag = etag_of(descriptor, status, coding, content)
        self.stored.append(file._replace(etag=etag))
        self.contents.append(content)

    def _fits(self, walk: Walk, sibling: File, can_decode: bool) -> bool:
        """Whether a sibling is worth sending, no older than its file, and can be decoded."""
        plain = self.stored[0]
        if is_outdated(sibling.identity, plain.identity):
            self._warn_of("left out, older than its file", walk, sibling)
            return False
        if sibling.size >= plain.size:
            return False
        if not can_decode or not sibling.size:
            self._warn_of("left out, clients can't decode it", walk, sibling)
            return False
        return True

    def _warn_of(self, message: str, walk: Walk, sibling: File) -> None:
        """By its real name: clients choose among the names through links, which have no end."""
        leaf = sibling.name.rpartition("/")[2]
        self._warn(message, self.directory.path_of(walk.real(leaf)))

    def doubt(self) -> None:
        """Have nothing of it remembered: there may be another file, or one more."""
        self.settled, self._memory = False, None
        self.contents = [None] * len(self.stored)

    def _miss(self, error: OSError, path: Callable[[], str]) -> None:
        """Let pass what means that a name isn't there; raise the machine's own trouble."""
        if not is_missing(error):
            raise error
        if isinstance(error, PermissionError):
            self._warn("no permission to read", path())
        elif error.strerror == LEADS_OUT:
            self._warn(f"skipped, {LEADS_OUT}", error.filename)


def close_all(descriptors: dict[str, int]) -> None:
    while descriptors:
        os.close(descriptors.popitem()[1])
