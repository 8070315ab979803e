"""python -m benchmarks.deltas OLD NEW [OLD NEW ...]: what a release costs a returning visitor.

OLD and NEW are two releases of an npm package, as `npm pack` writes them or unpacked. The table has
the bytes of its script: whole, as the best of br and zstd, and as a delta from the older one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from . import chart

SCRIPTS = {
    "bootstrap": "dist/js/bootstrap.bundle.min.js",
    "mermaid": "dist/mermaid.min.js",
    "react-dom": "cjs/react-dom-client.production.js",
    "swagger-ui-dist": "swagger-ui-bundle.js",
    "three": "build/three.module.min.js",
}
"""What a site has of a package; of another one the largest script is taken."""

EACH, MIDDLE = 5, 20
"""How many times fewer bytes each delta shall be, and the one in the middle."""

_NAME, _WIDTH, _FIGURE = 330, 360, 130


class Row(NamedTuple):
    title: str
    whole: int
    coded: int
    delta: int

    @property
    def times(self) -> float:
        return self.coded / self.delta


def measure(old: Path, new: Path) -> Row:
    """What the command makes of a script and of the one before."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        packages = [_unpacked(each, folder / kind) for each, kind in ((old, "a"), (new, "b"))]
        told = [json.loads((each / "package.json").read_text()) for each in packages]
        script = SCRIPTS.get(told[1]["name"]) or _largest(packages[1])
        names = [folder / "old/app-Aa3jf93a.js", folder / "new/app-Bb3jf93a.js"]
        for package, name in zip(packages, names, strict=True):
            name.parent.mkdir()
            name.write_bytes((package / script).read_bytes())
        command = [sys.executable, "-m", "dualstatic", "compress", folder / "new", "--previous"]
        subprocess.run([*command, folder / "old"], check=True, stdout=subprocess.DEVNULL)
        size = {each.suffix: each.stat().st_size for each in names[1].parent.iterdir()}
    coded = min(size.get(suffix, size[".js"]) for suffix in (".br", ".zst"))
    versions = " to ".join(each["version"] for each in told)
    return Row(f"{Path(script).name}, {versions}", size[".js"], coded, size.get(".dcz", coded))


def _unpacked(package: Path, place: Path) -> Path:
    if package.is_dir():
        return package
    with tarfile.open(package) as archive:
        archive.extractall(place, filter="data")
    return place / "package"


def _largest(package: Path) -> str:
    scripts = [each for each in package.rglob("*.js") if "node_modules" not in each.parts]
    return str(max(scripts, key=lambda each: each.stat().st_size).relative_to(package))


def markdown(rows: Sequence[Row]) -> str:
    lines = ["| file | whole | br or zstd | delta | times smaller |", "|---|---|---|---|---|"]
    for row in rows:
        sizes = " | ".join(f"{size:,}" for size in row[1:])
        lines.append(f"| {row.title} | {sizes} | {row.times:.1f} |")
    return "\n".join(lines)


def svg(rows: Sequence[Row]) -> str:
    """Two bars for each file; all are as long as the bytes of its br or zstd allow."""
    height = chart.TOP + len(rows) * (2 * chart.LINE + chart.BETWEEN) + chart.MARGIN
    return chart.picture(
        2 * chart.MARGIN + _NAME + _WIDTH + _FIGURE, height, "Bytes after a release", _drawn(rows)
    )


def _drawn(rows: Sequence[Row]) -> Iterator[str]:
    left, y = chart.MARGIN + _NAME, chart.TOP
    yield chart.text(chart.MARGIN, 22, "What a release costs a returning visitor", "title")
    yield chart.text(
        chart.MARGIN, 40, "Bytes of a script: as the better of br and zstd, and as a delta."
    )
    for row in rows:
        yield chart.text(left - 8, y + 21, row.title, "head", 'text-anchor="end"')
        for size, kind in ((row.coded, ""), (row.delta, "ours")):
            width = max(1.0, _WIDTH * size / row.coded)
            yield chart.bar(left, y, width, kind)
            yield chart.text(left + round(width) + 6, y + 12, f"{size:,}", kind)
            y += chart.LINE
        y += chart.BETWEEN


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deltas", description=__doc__)
    parser.add_argument("packages", type=Path, nargs="+", metavar="OLD NEW")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="write a picture, as SVG")
    arguments = parser.parse_args()
    if len(arguments.packages) % 2:
        parser.error("an OLD has no NEW")
    pairs = zip(arguments.packages[::2], arguments.packages[1::2], strict=True)
    rows = [measure(*pair) for pair in pairs]
    least, middle = (choose(row.times for row in rows) for choose in (min, median))
    print(markdown(rows), "", sep="\n")
    print(f"the least: {least:.1f} times smaller, of {EACH} to be reached")
    print(f"the median: {middle:.1f} times smaller, of {MIDDLE} to be reached")
    if arguments.chart:
        arguments.chart.write_text(svg(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
