"""Runs the tests under Wine, and says what passed, what was skipped and why, and what failed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .environment import Environment, windows_path

FILES = ["core", "disk", "doors", "rules", "windows"]
PLUGINS = ["-p", "tests.windows.judge", "-p", "no:cacheprovider"]
LIMITS = ["-o", "faulthandler_timeout=120"]


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.windows", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="is made, with a Python in it")
    options, pytest = parser.parse_known_args()
    environment = Environment(options.folder.absolute())
    environment.make()
    trees = windows_path(environment.folder / "trees")
    files = pytest or [f"tests/{name}" for name in FILES]
    return environment.run(
        "-m", "pytest", *PLUGINS, *LIMITS, f"--basetemp={trees}", "-n0", "-q", *files
    )


if __name__ == "__main__":
    sys.exit(main())
