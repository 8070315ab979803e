"""How long and how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    rounds: int
    """Rounds in process."""
    batch: float
    """Seconds of a contender's turn in process."""
    load_rounds: int
    load: float
    """Seconds of a contender's turn on a server."""
    starts: int
    """How often each contender starts up on the large tree."""
    many: int
    """Files of the large tree."""
    key_contenders_only: bool
    """On servers only those that the checks speak of."""

    @staticmethod
    def turn(names: list[T], number: int) -> list[T]:
        """The order of a round: each begins in turn, so that nobody is always after the same."""
        first = number % max(1, len(names))
        return names[first:] + names[:first]


FULL = Plan(
    rounds=41,
    batch=0.02,
    load_rounds=9,
    load=0.4,
    starts=5,
    many=20_000,
    key_contenders_only=False,
)

QUICK = Plan(
    rounds=9,
    batch=0.005,
    load_rounds=3,
    load=0.2,
    starts=1,
    many=20_000,
    key_contenders_only=True,
)
