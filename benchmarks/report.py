"""The results as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .contenders import CONSTANT, CONTENDERS, OURS
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
    if results.left_out:
        yielded += ["", f"Left out: {', '.join(results.left_out)}."]
    for title, parts in TABLES.items():
        rows = [row for row in results.rows if row.key.startswith(parts) and OURS in row.samples]
        if rows:
            names = _columns(rows)
            yielded += ["", f"| {title} | {' | '.join(names)} |", "|---|" + "---:|" * len(names)]
            yielded += [f"| {_work(row)} | {' | '.join(_cells(row, names))} |" for row in rows]
    return "\n".join(yielded) + "\n"


def _columns(rows: list[Row]) -> list[str]:
    """We, and then all who have done some of the work; in process, without what is no peer."""
    peers = {contender.name for contender in CONTENDERS}
    done = [name for row in rows for name in row.samples if row.samples[name]]
    names = [name for name in done if name in peers or rows[0].part != IN_PROCESS]
    return list(dict.fromkeys([OURS, *names]))


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

TABLES: dict[str, tuple[str, ...]] = {
    "ASGI, in process": ("in-process/asgi/",),
    "WSGI, in process": ("in-process/wsgi/",),
    "ASGI servers": ("servers/uvicorn/", "servers/granian-asgi/"),
    "over HTTP/2": ("servers/granian-http2/", "servers/hypercorn-http2/"),
    "WSGI servers": ("servers/gunicorn/", "servers/granian-wsgi/"),
    "Start-up": ("startup/",),
}
"""The rows of each, by the start of their keys."""


def number(value: float, unit: str) -> str:
    if unit in (PER_SECOND, BYTES):
        return f"{value:,.0f}"
    if unit == US:
        return f"{value:.2f}" if value < 100 else f"{value:,.0f}"
    return f"{value:.3f}"


def from_json(text: str) -> Results:
    """What `as_json` wrote: each median stands for all samples."""
    content = json.loads(text)
    rows = [_row_from_json(row) for row in content["rows"]]
    return Results(content["machine"], rows, content["left_out"])


def _row_from_json(row: dict[str, Any]) -> Row:
    samples = {name: [] if middle is None else [middle] for name, middle in row["medians"].items()}
    return Row(row["key"], row["title"], row["unit"], samples)


def as_json(results: Results) -> str:
    rows = [_row_as_json(row) for row in results.rows]
    content = {"machine": results.machine, "left_out": results.left_out, "rows": rows}
    return json.dumps(content, indent=1)


def _row_as_json(row: Row) -> dict[str, object]:
    medians = {name: _rounded(row.median(name)) for name in row.samples}
    return {"key": row.key, "title": row.title, "unit": row.unit, "medians": medians}


def _rounded(value: float | None) -> float | None:
    """To nine digits, more than a clock has."""
    return None if value is None else float(f"{value:.9g}")
