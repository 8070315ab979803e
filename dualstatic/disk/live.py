"""The look-up of live mode: each request looks at the disk."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from functools import partial

from ..core.values import Gate, Look, Resource
from .find import Finder, Found
from .root import Directory

_REPRESENTED = 1024
"""Names whose last resource is remembered."""


@dataclass(frozen=True, slots=True)
class Below:
    """The paths below a prefix."""

    prefix: str

    def __contains__(self, path: object) -> bool:
        return f"{path}/".startswith(f"{self.prefix}/")


@dataclass
class Live:
    """A `LookUp` that keeps no answer, only what it has made of files that didn't change since."""

    finder: Finder
    directories: Sequence[Directory]
    gate: Gate
    answers: dict[str, Resource] = field(default_factory=dict)
    _represented: dict[str, tuple[Sequence[Look], Resource]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.covers: Container[str] = Below(self.gate.prefix)
        self._places = [(directory, self.finder.encodings) for directory in self.directories]

    def find(self, path: str, *, wait: bool, anew: bool = False) -> Found | None:
        name = self.gate(path)
        if name is None:
            return None
        if self.finder.asks and not wait:
            # A function of the user's may take its time, as one that reads a manifest does.
            raise BlockingIOError("a function among the options is asked")
        forms = self.finder.find(self._places, name, wait=wait)
        return forms.found(partial(self._represent, name)) if forms else None

    def _represent(self, name: str, looks: Sequence[Look]) -> Resource:
        """The resource of a name; the one before, if all was the same then."""
        before = self._represented.get(name)
        if before and before[0] == looks:
            return before[1]
        resource = self.finder.describe(looks, self.finder.policy(name))
        if not self.finder.asks:
            if len(self._represented) >= _REPRESENTED:
                self._represented.clear()
            self._represented[name] = looks, resource
        return resource

    def keep(self, path: str, resource: Resource) -> None:
        """Nothing is kept in live mode."""

    def touch(self, resource: Resource) -> None:
        """Nothing is kept in live mode."""

    def known(self) -> None:
        """Nothing is known of the disk before it is asked."""

    def refresh(self) -> None:
        self.finder.validators.clear()
        self._represented.clear()
