"""The benchmarks run and say what they measured; how fast is not for a test to judge."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from benchmarks import chart, report

from .pages import PAGES
from .servers import ROOT, environment


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a short run writes: its JSON, its tables, its chart and its standard output."""
    folder = tmp_path_factory.mktemp("benchmarks")
    names = ("json", "markdown", "chart")
    files = [argument for name in names for argument in (f"--{name}", str(folder / name))]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--only", "in-process", *files],
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
