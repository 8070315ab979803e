"""The results as a picture: bars of relative speed, as SVG written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from .contenders import CONSTANT, OURS
from .report import IN_PROCESS, number
from .results import PER_SECOND, US, Results, Row

COLUMN, GAP, MARGIN = 440, 30, 20
NAME, FIGURE = 140, 110
LINE, HEAD, BETWEEN = 17, 20, 12
BAR = COLUMN - NAME - FIGURE
TOP = 58

# Grey text is readable on white and on black; where the reader's scheme is known, it is sharper.
STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #6e7781; }
.title { font-size: 15px; font-weight: 600; }
.head { font-weight: 600; }
.ours { font-weight: 600; }
.bar { fill: #8c959f; fill-opacity: .55; }
.bar.ours { fill: #1f9d8f; fill-opacity: 1; }
@media (prefers-color-scheme: dark) { text { fill: #c9d1d9; } }
@media (prefers-color-scheme: light) { text { fill: #24292f; } }
"""

COLUMNS = (
    (
        "in-process/asgi/1 KB",
        "in-process/asgi/304",
        "in-process/asgi/1 MB",
        "in-process/asgi/live",
        "servers/uvicorn/1 KB",
        "servers/uvicorn/64 KB",
        "servers/granian-asgi/1 KB",
        "servers/granian-http2/1 KB",
    ),
    (
        "in-process/wsgi/1 KB",
        "in-process/wsgi/304",
        "in-process/wsgi/1 MB",
        "in-process/wsgi/live",
        "servers/gunicorn/1 KB",
        "servers/gunicorn/64 KB",
        "servers/granian-wsgi/1 KB",
        "startup/time",
    ),
)


def svg(results: Results) -> str:
    columns = [_column(results, keys) for keys in COLUMNS]
    height = TOP + max(_height(rows) for rows in columns) + MARGIN
    width = 2 * MARGIN + len(columns) * COLUMN + (len(columns) - 1) * GAP
    lines = list(_title(results))
    for index, rows in enumerate(columns):
        lines += _drawn(rows, MARGIN + index * (COLUMN + GAP))
    return picture(width, height, "Speed of static files", lines)


def _column(results: Results, keys: tuple[str, ...]) -> list[Row]:
    rows = (results.row(key) for key in keys)
    return [row for row in rows if row and row.samples.get(OURS)]


def _title(results: Results) -> Iterator[str]:
    machine = results.machine
    subtitle = f"{machine['Python']}, {machine['CPU']}. Longer bars are faster."
    yield text(MARGIN, 22, "Static files: relative speed, one run, interleaved", "title")
    yield text(MARGIN, 40, subtitle)


def _names(row: Row) -> list[str]:
    """The fastest first."""
    hidden = {CONSTANT} if row.part == IN_PROCESS else set()
    shown = [name for name in row.samples if name not in hidden and row.samples[name]]
    return sorted(shown, key=lambda name: -_speed(row, name))


def _speed(row: Row, name: str) -> float:
    middle = row.median(name) or 0.0
    return middle if row.more_is_better else 1 / middle if middle else 0.0


def _height(rows: list[Row]) -> int:
    return sum(HEAD + LINE * len(_names(row)) + BETWEEN for row in rows)


def _drawn(rows: list[Row], left: int) -> Iterator[str]:
    y = TOP
    for row in rows:
        names = _names(row)
        most = max(_speed(row, name) for name in names)
        yield text(left, y + 13, row.title, "head")
        y += HEAD
        for name in names:
            yield from _bar(row, name, most, left, y)
            y += LINE
        y += BETWEEN


def _bar(row: Row, name: str, most: float, left: int, y: int) -> Iterator[str]:
    kind = "ours" if name == OURS else ""
    width = max(1.0, BAR * _speed(row, name) / most)
    start = left + NAME
    yield text(start - 8, y + 12, name, f"{kind}".strip(), 'text-anchor="end"')
    yield bar(start, y, width, kind)
    yield text(start + round(width) + 6, y + 12, _figure(row, name), kind)


def _figure(row: Row, name: str) -> str:
    unit = {PER_SECOND: "/s", US: " µs"}.get(row.unit, f" {row.unit}")
    return f"{number(row.median(name) or 0.0, row.unit)}{unit}"


def text(x: int, y: int, words: str, kind: str = "", more: str = "") -> str:
    attributes = f'x="{x}" y="{y}"' + (f' class="{kind}"' if kind else "")
    return f"<text {attributes}{f' {more}' if more else ''}>{escape(words)}</text>"


def bar(x: int, y: int, width: float, kind: str = "") -> str:
    return (
        f'<rect class="{f"bar {kind}".strip()}" x="{x}" y="{y + 2}" '
        f'width="{width:.1f}" height="{LINE - 5}" rx="2"/>'
    )


def picture(width: int, height: int, label: str, lines: Iterable[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{label}">'
    )
    return "\n".join([head, f"<style>\n{STYLE}</style>", *lines, "</svg>", ""])
