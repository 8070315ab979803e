"""Runs the tests under Wine, and says what passed, what was skipped and why, and what failed."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .environment import ROOT, Environment, windows_path

GROUPS = [
    ["tests/core", "tests/doors", "tests/windows"],
    ["tests/disk", "tests/promises/test_model.py"],
    ["tests/test_cases.py"],
]
"""What is run at the same time; beside it, servers under Wine are asked from Linux."""
LONG = "tests/doors/test_adapters.py::test_both_doors_give_the_same_answer"
"""Asks so much that it takes a quarter of an hour here."""
OPTIONS = ["-n0", "-q", "-p", "no:cacheprovider", "-p", "tests.windows.judge", "--deselect", LONG]


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.windows", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="is made, with a Python in it")
    parser.add_argument("files", nargs="*", help="the tests to run, in place of all that should")
    options = parser.parse_args()
    environment = Environment(options.folder.absolute())
    environment.make()
    groups = [options.files] if options.files else GROUPS
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(ask_from_linux, environment)
        runs = [pool.submit(run, environment, *each) for each in enumerate(groups)]
        counts = sum((each.result() for each in runs), asked.result())
    print("\nUnder Wine:")
    for name, count in sorted(counts.items()):
        print(f"{count:6} {name}")
    return int(counts["failed"] > 0 or not counts["passed"])


def run(environment: Environment, number: int, files: Sequence[str]) -> Counter[str]:
    """How many tests came to what end, under Wine's Python."""
    folder = environment.folder / f"run-{number}"
    folder.mkdir(exist_ok=True)
    trees, results = folder / "trees", folder / "results.json"
    results.unlink(missing_ok=True)
    options = [*OPTIONS, "-p", "tests.windows.links", f"--basetemp={windows_path(trees)}"]
    command = ["-m", "pytest", *options, *files]
    print(environment.run(*command, RESULTS=windows_path(results)), flush=True)
    return counted(results)


def ask_from_linux(environment: Environment) -> Counter[str]:
    """The same of the tests in `served.py`, which start servers under Wine's Python."""
    results = environment.folder / "served.json"
    results.unlink(missing_ok=True)
    trees = f"--basetemp={environment.folder / 'served'}"
    command = [sys.executable, "-m", "pytest", *OPTIONS, trees, "tests/windows/served.py"]
    variables = {"WINDOWS": str(environment.folder), "RESULTS": str(results)}
    subprocess.run(command, cwd=ROOT, env=os.environ | variables, check=False)
    return counted(results)


def counted(results: Path) -> Counter[str]:
    return Counter(json.loads(results.read_text())) if results.exists() else Counter(failed=1)


if __name__ == "__main__":
    sys.exit(main())
