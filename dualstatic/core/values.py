"""The values that travel between the rooms. They hold no open file and know no disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

Fields = tuple[tuple[str, str], ...]
"""Header fields of an answer: lower-case names, values in Latin-1."""

NO_FIELDS: Mapping[str, str] = MappingProxyType({})

READ_FIELDS = (
    "accept",
    "accept-encoding",
    "available-dictionary",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "range",
    "sec-fetch-dest",
    "sec-fetch-mode",
)
"""The request fields that a decision reads; a door may leave out all others."""


class Request(NamedTuple):
    """A request as the decision sees it.

    `path` is text, percent-decoded once, below the mount point, with the prefix. `query` goes into
    the Location of a redirect as it is (its bytes, in Latin-1). `headers` has lower-case names, and
    values without the whitespace around them; the lines of a repeated field are joined by a comma
    (RFC 9110 sections 5.5 and 5.3). `raw_path` is the target before decoding, where the server
    tells it: it can only make us refuse. The empty path is the mount point without its slash: it is
    redirected there, if a target tells how it is called.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = NO_FIELDS
    raw_path: bytes | None = None


Identity = tuple[int, int, int, int, int]
"""Of a file: device, inode, size in bytes, mtime and ctime in nanoseconds."""


class File(NamedTuple):
    """A file as it was when it was looked at: one stored form of a resource.

    `open(name, wait=...)` gives a descriptor to read it, or another form of the same resource, for
    as long as all of them are as they were: else it raises an OSError. `path` is for messages, and
    for servers that send files; `identity` tells which file it is. `coding` is its content coding.
    `etag` is None where nothing tells two versions apart. `modified` is in seconds since the epoch,
    and None where it isn't known or can't be told (RFC 9110 section 8.8.2.1). `dictionary` is the
    SHA-256 of what it has to be decoded with, if it is a delta (RFC 9842).
    """

    open: Callable[..., int]
    name: str
    path: str
    size: int
    identity: Identity
    coding: str | None
    etag: str | None
    modified: int | None
    dictionary: bytes | None


@dataclass(slots=True)
class Response:
    """An answer. Its bytes are named, not held: a `range` in `body` means these bytes of `file`.

    `file` is None where none has to be opened: there is no body, or its bytes are in memory.
    `wire` is for a door: what it makes of an answer that is given again and again. Nobody changes
    anything else; but to make a frozen one takes three times as long.
    """

    status: int
    headers: Fields
    body: tuple[bytes | range, ...] = ()
    file: File | None = None
    wire: dict[str, Any] = field(init=False, default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the options say of one resource; `fields` are those of the option `headers`.

    `stored_coding` is the content coding in which its one form is stored. `offer` is the
    Use-As-Dictionary with which it offers itself as a dictionary. `forever` takes the place of
    `cache_control` where the name never changes its content (`immutable`), or the address has the
    content's version.
    """

    media_type: str
    cache_control: str | None
    fields: Fields
    stored_coding: str | None = None
    offer: str | None = None
    forever: str | None = None
    immutable: bool = False


@dataclass(slots=True, eq=False)
class Representation:
    """A stored form, `file`, with all that is always true of it: the 200, and the 304.

    `part_fields` go out with each 206. `offloaded` is the 200 that has a server in front send the
    file. `in_memory` is the 200 with its bytes, for as long as they are kept: it may become None at
    any time.
    """

    file: File
    whole: Response
    not_modified: Response
    part_fields: Fields
    offloaded: Response | None
    in_memory: Response | None


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """What a name leads to: its representations, the one without a content coding first.

    `settled` says that a change would show, and none is to come by itself. `only` is the
    representation where there is nothing to select from; `deltas` are those for clients that have
    an older file. `version` is the query by which this content alone is asked for; "" where no
    hash tells it. `choices` are those selected so far, by what the request says. `targets` are
    request targets admitted so far.
    """

    representations: tuple[Representation, ...]
    policy: Policy
    settled: bool
    only: Representation | None
    deltas: tuple[File, ...] = ()
    version: str = ""
    choices: dict[str | tuple[str, str | None], Representation] = field(default_factory=dict)
    targets: set[bytes] = field(default_factory=set)
