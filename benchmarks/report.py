"""The results as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from .checks import Check
from .contenders import CONSTANT, OURS
from .results import BYTES, PER_SECOND, US, Ratio, Results, Row

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
    if name == OURS or (name == CONSTANT and row.part == IN_PROCESS):
        return ""
    ratio = row.ratio(name)
    return f"{OURS} is {times(ratio)}" if ratio else ""


def times(ratio: Ratio) -> str:
    return f"{_short(ratio.value)} x ({_short(ratio.low)} to {_short(ratio.high)})"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def markdown(results: Results) -> str:
    """The tables of this folder's README: medians of one run, a row for each piece of work."""
    machine = results.machine
    yielded = [
        f"{machine['Python']}, {machine['CPU']}; {machine['packages']}; {machine['programs']}."
    ]
    for title, part, names in TABLES:
        rows = [row for row in results.rows if row.key.startswith(part) and OURS in row.samples]
        columns = [name for name in names if any(row.samples.get(name) for row in rows)]
        yielded += ["", f"| {title} | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
        yielded += [f"| {_work(row)} | {' | '.join(_cells(row, columns))} |" for row in rows]
    return "\n".join(yielded) + "\n"


def _work(row: Row) -> str:
    return row.title.partition("in process, ")[2] or row.title


def _cells(row: Row, names: list[str]) -> list[str]:
    """The unit stands with our own figure, as all in a row have the same."""
    cells = []
    for name in names:
        middle = row.median(name)
        text = "" if middle is None else number(middle, row.unit)
        cells.append(f"**{text}** {UNITS.get(row.unit, row.unit)}" if name == OURS else text)
    return cells


UNITS = {US: "µs", PER_SECOND: "/s", BYTES: "B a file"}

TABLES = (
    (
        "ASGI, in process",
        "in-process/asgi/",
        (OURS, "Starlette", "ServeStatic", "blacknoise", "baize"),
    ),
    (
        "WSGI, in process",
        "in-process/wsgi/",
        (OURS, "WhiteNoise", "ServeStatic", "Werkzeug", "baize"),
    ),
    (
        "ASGI servers",
        ("servers/uvicorn/", "servers/granian-asgi/"),
        (
            OURS,
            "constant app",
            "Starlette",
            "ServeStatic",
            "blacknoise",
            "baize",
            "Granian's static files",
            "Caddy",
            "nginx",
        ),
    ),
    (
        "WSGI servers",
        ("servers/gunicorn/", "servers/granian-wsgi/"),
        (OURS, "constant app", "WhiteNoise", "ServeStatic", "Werkzeug", "baize"),
    ),
    (
        "Start-up",
        "startup/",
        (OURS, "WhiteNoise", "ServeStatic"),
    ),
)
"""A title, the rows by the start of their keys, and whose figures stand in which order."""


def number(value: float, unit: str) -> str:
    if unit in (PER_SECOND, BYTES):
        return f"{value:,.0f}"
    if unit == US:
        return f"{value:.2f}" if value < 100 else f"{value:,.0f}"
    return f"{value:.3f}"


def from_json(text: str) -> Results:
    """What `as_json` wrote, without the checks; each median stands for all samples."""
    content = json.loads(text)
    rows = [_row_from_json(row) for row in content["rows"]]
    return Results(content["machine"], rows, content["left_out"])


def _row_from_json(row: dict[str, Any]) -> Row:
    samples = {name: [] if middle is None else [middle] for name, middle in row["medians"].items()}
    return Row(row["key"], row["title"], row["unit"], samples, row["base"])


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
    ratios = {name: times(ratio) for name in others if (ratio := row.ratio(name))}
    medians = {name: _rounded(row.median(name)) for name in row.samples}
    over = {name: _rounded(row.over(name)) for name in row.samples} if row.base else {}
    fields = {"key": row.key, "title": row.title, "unit": row.unit, "base": row.base}
    return fields | {"medians": medians, "ratios": ratios, "over": over}


def _rounded(value: float | None) -> float | None:
    """To nine digits, more than a clock has."""
    return None if value is None else float(f"{value:.9g}")
