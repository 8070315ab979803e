"""What a case is: a rule of HTTP in a sentence, one or more requests, and what each has to get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

MUST, SHOULD, POLICY = CLASSES = ("MUST", "SHOULD", "POLICY")

PASS = "PASS"
"""The request reaches the app behind; a server that has none says 404 by itself."""

REFUSED = "REFUSED"
"""The same, and a server without an app may also say that it doesn't take such a request."""

REFUSALS = frozenset({400, 403, 404, 405, 414, 501})

Status = int | str
Lines = tuple[tuple[str, str], ...]

# What a contender may offer or not. A case that needs what isn't offered isn't asked.
INDEX = "index pages"
CLEAN = "clean URLs"
CANONICAL = "redirects to clean URLs"
PAGE_404 = "a 404 page"
PAGE_FOR_APP = "a 404 page in place of the app's 404"
SPA = "a fallback page"
RANGES = "ranges"
CONDITIONS = "conditional requests"
GZIP = "gzip siblings"
BR = "br siblings"
ZSTD = "zstd siblings"
DELTAS = "siblings with a dictionary"
CONFINED = "links confined to the directory"
FOLLOWED = "links followed anywhere"
HIDDEN = "hidden dotfiles"
IMMUTABLE = "a rule for names that never change"
FIELDS = "fields of one's own"
MOUNTED = "mounting below a path"
PREFIX = "a prefix"
NOSNIFF = "nosniff"
APP = "an app behind"
OWN = "answers without an app"

# How a contender is set up for a case: the first is for nearly all. Some have a tree of their own.
(
    PAGES,
    ALONE,
    CLEAN_URLS,
    FALLBACK,
    LOST,
    DOTTED,
    ODD,
    DEVICES,
    FOLLOW,
    CONFINE,
    RULED,
    BELOW,
    AT_PREFIX,
    FILES,
    KEPT,
    TOLD,
    BARE,
    COOKED,
    MAZE,
    MAZE_ALONE,
    MAZE_FOLLOWED,
) = SETTINGS = (
    "pages",
    "alone",
    "clean",
    "fallback",
    "lost",
    "dotted",
    "odd",
    "devices",
    "follow",
    "confine",
    "ruled",
    "below",
    "prefix",
    "files",
    "kept",
    "told",
    "bare",
    "cooked",
    "maze",
    "maze-alone",
    "maze-followed",
)
LESS = {  # the same tree without index pages, without an app, without both
    PAGES: (FILES, ALONE, BARE),
    ODD: ("odd-files", "odd-alone", "odd-bare"),
    CONFINE: ("confine-files", "confine-alone", "confine-bare"),
}
SETTINGS += LESS[ODD] + LESS[CONFINE]
WITHOUT_APP = MAZE_ALONE, *(alone for less in LESS.values() for alone in less[1:])
WITHOUT_PAGES = tuple(less[n] for less in LESS.values() for n in (0, 2))


@dataclass(frozen=True)
class Want:
    """What an answer has to be like; what isn't named isn't looked at.

    A value in `has` is the value or a tuple of allowed ones: Vary has to contain it, a media type
    is compared as one. `like` names an earlier answer, and fields that have to be as there;
    `unlike` those that must differ; `same` names one that is the same, but for some fields, and its
    body if there are none. `{name.field}` stands for a field of an earlier answer.
    """

    status: tuple[Status, ...]
    has: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()
    body: bytes | None = None
    like: tuple[str, tuple[str, ...]] | None = None
    unlike: tuple[str, tuple[str, ...]] | None = None
    same: tuple[str, tuple[str, ...]] | None = None
    parts: tuple[tuple[str, str, bytes], ...] | None = None
    """Type, Content-Range and bytes of each part, in order."""
    check: str | None = None
    """One of the looks in `judge.CHECKS`, for what can't be told by fields."""


@dataclass(frozen=True)
class Ask:
    """One request, byte for byte, and the answers that are right: any of `wants`.

    dualstatic gives the first of them, with its first status, unless `ours` says which it gives.
    Without `wants`, no other server is asked.
    """

    target: str | bytes
    wants: tuple[Want, ...] = ()
    lines: Lines = ()
    method: str = "GET"
    version: str = "1.1"
    host: str = ""
    """In place of the one that names the setting."""
    content: bytes = b""
    name: str = ""
    """Later requests of the case speak of the answer by it."""
    most: int | None = None
    """Bytes of the body that are read, where it may be huge."""
    waits: bool = True
    """False: the next request is sent beside it, and its answer isn't looked at."""
    setting: str = ""
    """In place of the case's."""
    here: bool = False
    """Asked in process alone: a server has no part in what it is about."""
    ours: Want | None = None
    """What dualstatic's answer is like, where that is more than what is right for any server."""

    @cached_property
    def promised(self) -> Want:
        first = self.ours or self.wants[0]
        return replace(first, status=first.status[:1])


@dataclass(frozen=True)
class Case:
    id: str
    says: str
    """The rule, in a sentence."""
    asks: tuple[Ask, ...]
    needs: frozenset[str] = frozenset()
    setting: str = PAGES
    any_target: bool = False
    """A server may hand the target on in another form, so dualstatic may give any right answer."""
    may_hang: bool = False
    """A server may stay stuck in it, so it comes last."""
    section: str = ""
    """Where the rule stands, as `RFC 9110 14.1.2`."""
    level: str = MUST
    """MUST and SHOULD: what the RFC or safety asks for; POLICY: dualstatic's choice."""

    @property
    def group(self) -> str:
        return self.id[0]


GROUPS = {
    "P": "Paths",
    "D": "Directories",
    "N": "Not found",
    "M": "Methods",
    "C": "Preconditions",
    "R": "Ranges",
    "E": "Encodings",
    "T": "Types and fields",
    "H": "Dotfiles",
    "S": "Links",
    "X": "Changes",
    "A": "Doors",
}
