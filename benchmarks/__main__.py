"""python -m benchmarks"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from . import in_process, machine, report, trees
from .plan import FULL, QUICK
from .progress import Progress
from .results import Results


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only")
    arguments = parser.parse_args()
    plan = QUICK if arguments.quick else FULL
    results = Results(machine.describe(), left_out=machine.missing())
    progress = Progress(in_process.steps())
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as temporary:
        site = trees.make_site(Path(temporary) / "site")
        in_process.measure(site, plan, results, progress)
    progress.finish()
    print(report.text(results))


if __name__ == "__main__":
    main()
