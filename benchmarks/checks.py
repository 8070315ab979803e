"""What has to be reached, and whether this run reached it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .contenders import CONSTANT, OURS
from .on_servers import CADDY, GRANIAN_STATIC
from .results import Results


@dataclass(frozen=True)
class Check:
    """Figures that have to be on the right side of a limit."""

    title: str
    value: float | None
    limit: float
    goal: float | None
    at_most: bool = False

    def passes(self, limit: float) -> bool:
        if self.value is None:
            return False
        return self.value <= limit if self.at_most else self.value >= limit

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        if self.goal is not None and self.passes(self.goal):
            return "goal reached"
        return "reached" if self.passes(self.limit) else "NOT REACHED"

    def line(self) -> str:
        word = "at most" if self.at_most else "at least"
        value = "-" if self.value is None else f"{self.value:.2f}"
        goal = "" if self.goal is None else f", goal {self.goal:g}"
        return f"{self.verdict:<13}{value:>9}  {self.title} ({word} {self.limit:g}{goal})"


RATIOS = (
    ("in-process/asgi/1 KB", "Starlette", 100, 150),
    ("in-process/asgi/304", "Starlette", 25, 50),
    ("in-process/asgi/1 MB", "Starlette", 3, 5),
    ("in-process/asgi/live", "Starlette", 3, 5),
    ("in-process/wsgi/1 KB", "WhiteNoise", 4, 8),
    ("in-process/wsgi/live", "WhiteNoise", 1.5, 3),
    ("servers/uvicorn/1 KB", CONSTANT, 0.90, 0.95),
    ("servers/gunicorn/1 KB", CONSTANT, 0.90, 0.97),
    ("servers/uvicorn/1 KB", CADDY, 1, 1.3),
    ("servers/uvicorn/64 KB", CADDY, 1, 1.3),
    ("servers/uvicorn/1 KB", GRANIAN_STATIC, 1, 1.3),
    ("servers/uvicorn/64 KB", GRANIAN_STATIC, 1, 1.3),
    ("startup/time", "WhiteNoise", 5, 10),
    ("startup/memory", "WhiteNoise", 2, None),
)
"""A row, whom dualstatic is compared with, how many times as good it has to be, and the goal."""


def checks(results: Results) -> list[Check]:
    return [*_ratios(results), *_overs(results)]


def _ratios(results: Results) -> Iterator[Check]:
    for key, other, limit, goal in RATIOS:
        row = results.row(key)
        ratio = row.ratio(other) if row else None
        title = f"{key.replace('/', ', ')}: times {other}"
        yield Check(title, ratio.value if ratio else None, limit, goal)


def _overs(results: Results) -> Iterator[Check]:
    """What a middleware adds to a request that isn't for it, in microseconds."""
    for door in ("asgi", "wsgi"):
        row = results.row(f"in-process/{door}/not ours")
        title = f"in-process, {door}, not ours: us over the app alone"
        yield Check(title, row.over(OURS) if row else None, 0.6, 0.3, at_most=True)
    peer = row.over("WhiteNoise") if row else None
    mine = row.over(OURS) if row and peer else None
    share = mine / peer if mine is not None and peer else None
    yield Check("in-process, wsgi, not ours: share of WhiteNoise's", share, 1, None, at_most=True)
