"""The benchmarks run and say what they measured; how fast is not for a test to judge."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from benchmarks import chart, deltas, report
from tests.support.pages import PAGES
from tests.support.servers import ROOT, environment

SHORT = """
from dataclasses import replace
from benchmarks import __main__, plan
__main__.QUICK = replace(plan.QUICK, rounds=2, batch=0.0005)
__main__.main()
"""
"""`python -m benchmarks` with shorter turns: what it measures is for nobody to read."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a short run writes: its JSON, its tables, its chart and its standard output."""
    folder = tmp_path_factory.mktemp("benchmarks")
    names = ("json", "markdown", "chart")
    files = [argument for name in names for argument in (f"--{name}", str(folder / name))]
    run = subprocess.run(
        [sys.executable, "-c", SHORT, "--quick", "--only", "in-process", *files],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return {"output": run.stdout, **{name: (folder / name).read_text() for name in names}}


def test_a_run_measures_both_doors_and_names_who_was_left_out(written: dict[str, str]) -> None:
    content = json.loads(written["json"])
    assert len(content["rows"]) == 16
    for row in content["rows"]:
        assert row["medians"]["dualstatic"] > 0
    assert set(content["machine"]) >= {"CPU", "Python", "packages", "programs"}
    left_out = re.search("left out: (.+)", written["output"])
    assert left_out
    assert left_out[1] == (", ".join(content["left_out"]) or "nobody")


def test_tables_and_chart_can_be_made_of_the_numbers_again(written: dict[str, str]) -> None:
    results = report.from_json(written["json"])
    assert report.markdown(results) == written["markdown"]
    assert chart.svg(results) == written["chart"]
    assert written["markdown"].count("**") == 2 * 16


def test_the_tables_are_those_of_the_numbers_beside_them() -> None:
    results = report.from_json((ROOT / "benchmarks" / "results.json").read_text())
    assert any(report.markdown(results) in text for text in PAGES.values())
    assert chart.svg(results) == (ROOT / "benchmarks" / "results.svg").read_text()


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
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--only", "nonsense"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 2
    assert "nonsense" in run.stderr
