"""What is made of results.json, beside it: results.svg, and the tables of README.md.

python -m benchmarks.pages
"""

from __future__ import annotations

from pathlib import Path

from . import chart, report
from .processes import PACKAGE
from .results import Results

BEGIN, END = "<!-- of results.json: python -m benchmarks.pages -->\n", "<!-- end -->\n"


def write(results: Results, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(report.as_json(results), encoding="utf-8")
    make(folder)


def make(folder: Path) -> None:
    results = report.from_json((folder / "results.json").read_text(encoding="utf-8"))
    (folder / "results.svg").write_text(chart.svg(results), encoding="utf-8")
    page = folder / "README.md"
    text = (page if page.exists() else PACKAGE / page.name).read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}{report.markdown(results)}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    make(PACKAGE)
