"""The results as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from .checks import Check
from .contenders import CONSTANT, OURS
from .results import BYTES, MIB, PER_SECOND, US, Ratio, Results, Row

IN_PROCESS = "in-process"
"""There the constant app does nothing at all: it is what the driving itself costs."""


def text(results: Results) -> str:
    return "\n".join(_lines(results))


def _lines(results: Results) -> Iterator[str]:
    for name, value in results.machine.items():
        yield f"{name}: {value}"
    yield f"left out: {', '.join(results.left_out) or 'nobody'}"
    for row in results.rows:
        yield ""
        yield f"{row.title}, {row.unit}"
        yield from _row(row)


def _row(row: Row) -> Iterator[str]:
    names = sorted(row.samples, key=lambda name: row.median(name) or 0, reverse=row.more_is_better)
    for name in names:
        middle = row.median(name)
        amount = "-" if middle is None else number(middle, row.unit)
        yield f"  {name:<26}{amount:>12}  {_beside(row, name)}".rstrip()


def _beside(row: Row, name: str) -> str:
    if row.base is not None:
        over = row.over(name)
        return "" if over is None or name == row.base else f"{over:+.2f} over {row.base}"
    if name == OURS or row.unit == MIB or (name == CONSTANT and row.part == IN_PROCESS):
        return ""
    ratio = row.ratio(name)
    return f"{OURS} is {times(ratio)}" if ratio else ""


def times(ratio: Ratio) -> str:
    return f"{_short(ratio.value)} x ({_short(ratio.low)} to {_short(ratio.high)})"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def number(value: float, unit: str) -> str:
    if unit in (PER_SECOND, BYTES):
        return f"{value:,.0f}"
    if unit == US:
        return f"{value:.2f}" if value < 100 else f"{value:,.0f}"
    return f"{value:.3f}"


def as_json(results: Results, checks: list[Check]) -> str:
    content = {
        "machine": results.machine,
        "left_out": results.left_out,
        "rows": [_row_as_json(row) for row in results.rows],
        "checks": [asdict(check) | {"verdict": check.verdict} for check in checks],
    }
    return json.dumps(content, indent=1)


def _row_as_json(row: Row) -> dict[str, object]:
    others = [name for name in row.samples if name != OURS]
    ratios = {name: asdict(ratio) for name in others if (ratio := row.ratio(name))}
    medians = {name: row.median(name) for name in row.samples}
    over = {name: row.over(name) for name in row.samples} if row.base else {}
    return asdict(row) | {"medians": medians, "ratios": ratios, "over": over}
