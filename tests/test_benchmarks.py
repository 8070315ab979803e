"""The benchmarks run and say what they measured; how fast is not for a test to judge."""

from __future__ import annotations

import json
import random
import re
import shutil
import tarfile
from pathlib import Path

import pytest

from benchmarks import deltas, pages, report
from tests.support.pages import PAGES
from tests.support.servers import ROOT, run

FILES = ("results.json", "results.svg", "README.md")
SHORT = """
from dataclasses import replace
from benchmarks import __main__, plan
__main__.QUICK = replace(plan.QUICK, rounds=2, batch=0.0005)
__main__.main()
"""
"""`python -m benchmarks` with shorter turns: what it measures is for nobody to read."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a short run writes into a folder that isn't there, and its standard output."""
    folder = tmp_path_factory.mktemp("benchmarks") / "new"
    ended = run("-c", SHORT, "--quick", "--only", "in-process", "--write", folder)
    assert ended.returncode == 0, ended.stderr
    return {"output": ended.stdout, **{name: (folder / name).read_text() for name in FILES}}


def test_a_run_measures_both_doors_and_names_who_was_left_out(written: dict[str, str]) -> None:
    content = json.loads(written["results.json"])
    assert len(content["rows"]) == 16
    for row in content["rows"]:
        assert row["medians"]["dualstatic"] > 0
    assert set(content["machine"]) >= {"CPU", "Python", "packages", "programs"}
    left_out = re.search("left out: (.+)", written["output"])
    assert left_out
    assert left_out[1] == (", ".join(content["left_out"]) or "nobody")


def test_a_run_replaces_the_tables_and_nothing_else_of_the_page(written: dict[str, str]) -> None:
    before = (ROOT / "benchmarks/README.md").read_text()
    old, new = (text.partition(pages.END)[0] for text in (before, written["README.md"]))
    assert len(re.findall(r"(?m)^\| .*\*\*.*\|$", new)) == 16
    assert written["README.md"].removeprefix(new) == before.removeprefix(old)
    assert new.partition(pages.BEGIN)[0] == old.partition(pages.BEGIN)[0]


def test_chart_and_tables_are_those_of_the_figures_beside_them(tmp_path: Path) -> None:
    for name in FILES:
        shutil.copy(ROOT / "benchmarks" / name, tmp_path)
    pages.make(tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (ROOT / "benchmarks" / name).read_bytes()


def test_no_page_has_other_figures_of_speed() -> None:
    text = (ROOT / "benchmarks/results.json").read_text()
    rows = set(report.markdown(report.from_json(text)).splitlines())
    lines = [line for text in PAGES.values() for line in text.splitlines()]
    figures = {line for line in lines if re.search(r"\| \*\*[\d.,]+\*\* ", line)}
    assert len(figures) >= 16
    assert figures <= rows


def package(place: Path, version: str, code: bytes) -> Path:
    place.mkdir()
    (place / "package.json").write_text(json.dumps({"name": "lib", "version": version}))
    (place / "small.js").write_bytes(b"1;")
    (place / "lib.min.js").write_bytes(code)
    return place


def test_the_deltas_of_two_releases_are_measured_be_they_packed_or_not(tmp_path: Path) -> None:
    code = random.Random(1).randbytes(2000).hex().encode()
    old = package(tmp_path / "old", "1.0.0", code)
    new = package(tmp_path / "new", "1.0.1", code.replace(code[50:60], b"0123456789"))
    with tarfile.open(tmp_path / "old.tgz", "w:gz") as archive:
        archive.add(old, "package")
    row = deltas.measure(tmp_path / "old.tgz", new)
    assert row[:2] == ("lib.min.js, 1.0.0 to 1.0.1", len(code))
    assert row.delta < 200 < row.coded
    assert row.times == row.coded / row.delta


def test_the_picture_of_the_deltas_is_that_of_the_table() -> None:
    text = (ROOT / "benchmarks/README.md").read_text()
    lines = re.findall(r"(?m)^\| (\S+, \S+ to \S+) \| (\S+) \| (\S+) \| (\S+) \| \S+ \|$", text)
    sizes = [[int(size.replace(",", "")) for size in each] for _, *each in lines]
    rows = [deltas.Row(line[0], *each) for line, each in zip(lines, sizes, strict=True)]
    assert len(rows) == 5
    assert deltas.markdown(rows) in text
    assert deltas.svg(rows) == (ROOT / "benchmarks/deltas.svg").read_text()


def test_a_part_that_is_unknown_is_named() -> None:
    ended = run("-m", "benchmarks", "--only", "nonsense")
    assert ended.returncode == 2
    assert "nonsense" in ended.stderr
