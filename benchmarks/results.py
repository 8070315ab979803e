"""What was measured: samples by contender, one for each round, and what they say."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median, quantiles

from .contenders import OURS

US = "us"
PER_SECOND = "requests/s"
SECONDS = "s"
BYTES = "bytes a file"


@dataclass(frozen=True)
class Ratio:
    """How many times as good one contender is as another, and the quartiles over the rounds."""

    value: float
    low: float
    high: float


@dataclass
class Row:
    """One piece of work, done by several contenders in the same rounds."""

    key: str
    title: str
    unit: str
    samples: dict[str, list[float]]
    base: str | None = None
    """Whose figure the others are over: for what a middleware adds to the app behind it."""

    @property
    def part(self) -> str:
        return self.key.partition("/")[0]

    @property
    def more_is_better(self) -> bool:
        return self.unit == PER_SECOND

    def median(self, name: str) -> float | None:
        samples = self.samples.get(name)
        return median(samples) if samples else None

    def ratio(self, other: str, name: str = OURS) -> Ratio | None:
        """How many times as fast (or as small) `name` is as `other`."""
        ours, theirs = self.samples.get(name), self.samples.get(other)
        if not ours or not theirs:
            return None
        if not self.more_is_better:
            ours, theirs = theirs, ours
        rounds = [a / b for a, b in zip(ours, theirs, strict=True) if b]
        if not rounds or not median(theirs):
            return None
        return Ratio(median(ours) / median(theirs), *quartiles(rounds))

    def over(self, name: str) -> float | None:
        """What `name` costs more than the base, by the median of the rounds."""
        if self.base is None or name not in self.samples:
            return None
        pairs = zip(self.samples[name], self.samples[self.base], strict=True)
        return median(mine - base for mine, base in pairs)


def quartiles(values: list[float]) -> tuple[float, float]:
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = quantiles(values, n=4, method="inclusive")
    return low, high


@dataclass
class Results:
    machine: dict[str, str]
    rows: list[Row] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def row(self, key: str) -> Row | None:
        return next((row for row in self.rows if row.key == key), None)

    def leave_out(self, name: str) -> None:
        if name not in self.left_out:
            self.left_out.append(name)
