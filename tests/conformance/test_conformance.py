"""The suite that asks static servers over sockets: its cases, its table, and all that we pass."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.contenders import WSGI
from tests.cases import CASES
from tests.cases.case import GROUPS
from tests.conformance.__main__ import show
from tests.conformance.setups import Contender
from tests.support.servers import ROOT, environment

OURS = [
    "dualstatic (ASGI)",
    "dualstatic, live (ASGI)",
    "dualstatic (WSGI)",
    "dualstatic, live (WSGI)",
]


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.conformance", "--contender", "dualstatic", *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run says of dualstatic alone, by both doors and in both modes."""
    folder: Path = tmp_path_factory.mktemp("conformance")
    files = [f"--json={folder / 'json'}", f"--markdown={folder / 'markdown'}"]
    run = command(*files)
    return {
        "output": run.stdout,
        "errors": run.stderr,
        "status": run.returncode,
        "json": json.loads((folder / "json").read_text()),
        "markdown": (folder / "markdown").read_text(),
    }


def test_every_case_that_is_asked_is_passed_by_both_doors_in_both_modes(
    written: dict[str, Any],
) -> None:
    outcomes = written["json"]["outcomes"]
    assert list(outcomes) == OURS, written["errors"]
    wrong = {
        (title, key): outcome["reason"]
        for title, asked in outcomes.items()
        for key, outcome in asked.items()
        if outcome["verdict"] not in ("passed", "not asked")
    }
    assert wrong == {}
    assert written["status"] == 0
    for asked in outcomes.values():
        assert len(asked) == len(CASES)
        assert [outcome["verdict"] for outcome in asked.values()].count("passed") >= 380


def test_the_table_has_a_row_for_each_contender_and_a_column_for_each_group(
    written: dict[str, Any],
) -> None:
    tables = re.findall(r"(?m)^\| \|(.+)\|$\n^\|---\|.+$\n((?:^\|.+$\n?)+)", written["markdown"])
    assert len(tables) == 2
    for head, body in tables:
        names = [name.strip() for name in head.split("|")]
        assert set(names) <= {*GROUPS, "MUST", "SHOULD", "all", "not offered"}
        lines = [line.strip("| ").split(" | ") for line in body.splitlines()]
        assert [line[0] for line in lines] == OURS
        assert all(len(line) == 1 + len(names) for line in lines)
        assert all(re.fullmatch(r"(\d+)/\1", cell) for line in lines for cell in line[1:-1])
        assert all(f"{title} " in written["output"] for title in OURS)


def test_one_case_is_shown_with_its_request_and_its_answer() -> None:
    shown = command("--case", "R218").stdout
    assert shown.count("> GET /t.txt HTTP/1.1") == shown.count("PASSED") == len(OURS)
    assert shown.count("< HTTP/1.1 206 Partial Content") == len(OURS)


def test_a_contender_that_is_not_installed_is_told_where_a_case_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = Contender(WSGI, "absent", "no-such-distribution", frozenset(), falls_through=False)
    assert show([absent], CASES[:1], tmp_path, tmp_path) == 0
    assert capsys.readouterr().out == "== absent (WSGI): left out, not installed\n"


def test_a_name_that_is_unknown_is_told() -> None:
    run = command("--contender", "nonsense")
    assert run.returncode == 1
    assert "nonsense" in run.stderr
