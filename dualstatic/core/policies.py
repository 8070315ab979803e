"""What the options say of a file, told by its name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .deltas import use_as_dictionary
from .downloads import harmless
from .media_types import MediaTypes
from .releases import constant_parts
from .values import Fields, Policy

_NOT_PUBLIC = re.compile(r"(?:^|,)[ \t]*(?:private|no-store)[ \t]*(?:[=,]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Policies:
    """What the options say of each file, asked by its name.

    `asks` says that a function of the user is asked. `foretells` says that `immutable` may be asked
    of any name, at any time: it is no function. `of_manifest` says that it is a manifest.
    `dictionaries` says that immutable files offer themselves as such. `of_uploads` says that
    strangers wrote the files.
    """

    media_type: MediaTypes
    cache_control: Callable[[str], str | None]
    immutable: Callable[[str], bool]
    headers: Callable[[str], Fields]
    asks: bool
    foretells: bool
    dictionaries: bool
    of_manifest: bool
    of_uploads: bool

    def was_immutable(self, name: str) -> bool:
        """Whether a file of an earlier release is immutable. A manifest has those of the last."""
        return self.immutable(name) or (self.of_manifest and constant_parts(name) is not None)

    def __call__(self, name: str, is_previous: bool = False) -> Policy:
        """What is said of a name; `is_previous`: it was found by `was_immutable`, and still is."""
        caching, coding = self.cache_control(name), self.media_type.stored_coding(name)
        shared = "private" if _NOT_PUBLIC.search(caching or "") else "public"
        immutable = is_previous or self.immutable(name)
        offer = use_as_dictionary(name) if immutable and self.dictionaries else None
        kind, fields = self.media_type(name), self.headers(name)
        forever = f"{shared}, max-age=31536000, immutable"
        policy = Policy(kind, caching, fields, coding, offer, forever, immutable)
        return harmless(policy) if self.of_uploads else policy
