"""The command that writes siblings, on a system that dates, renames and interrupts in its own way."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.trees import OLD, write_tree

TEXT = b"a line of text\r\n" * 1000


def dualstatic(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dualstatic", *map(str, arguments)],
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_siblings_are_written_with_the_date_of_their_file_and_nothing_else(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "www", {"app.js": TEXT, "sub/a.css": TEXT, "nul": TEXT})
    ended = dualstatic("compress", root)
    assert (ended.returncode, ended.stderr) == (0, "")
    names = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    made = {
        f"{name}{end}" for name in ("app.js", "sub/a.css") for end in ("", ".gz", ".br", ".zst")
    }
    assert names == made
    assert {(root / name).stat().st_mtime for name in made} == {OLD}
    assert gzip.decompress((root / "app.js.gz").read_bytes()) == TEXT
    again = dualstatic("compress", root, "--check")
    assert (again.returncode, again.stderr) == (0, "")
