"""python -m benchmarks"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from . import in_process, load, machine, on_servers, pages, report, start_up, trees
from .checks import checks
from .plan import FULL, QUICK, Plan
from .processes import PACKAGE
from .progress import Progress
from .results import Results

IN_PROCESS, SERVERS, STARTUP = PARTS = ("in-process", "servers", "startup")


def main() -> None:
    arguments = _arguments()
    # Ended from outside, it still ends its servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    plan = QUICK if arguments.quick else FULL
    if arguments.key:
        plan = replace(plan, rounds=min(plan.rounds, 15), key_contenders_only=True)
    results = Results(machine.describe() | {"load by": load.name()}, left_out=machine.missing())
    progress = Progress(sum(_steps(plan)[part] for part in arguments.only))
    # Not in a directory that is its owner's alone: nginx's worker is another user.
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as temporary:
        scratch = Path(temporary)
        scratch.chmod(0o755)
        _measure(scratch, arguments.only, plan, results, progress)
    progress.finish()
    lines = [check.line() for check in checks(results)]
    print(report.text(results), "", "what has to be reached:", *lines, sep="\n")
    if arguments.quick:
        print("(quick: a sketch, too short to be sure of)")
    if arguments.write:
        pages.write(results, arguments.write)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure dualstatic beside what a user would pick instead, in one run.",
    )
    parser.add_argument("--quick", action="store_true", help="a sketch, in one or two minutes")
    parser.add_argument(
        "--key", action="store_true", help="on servers, only those that are to be reached"
    )
    parser.add_argument(
        "--only", type=_parts, default=PARTS, metavar="PARTS", help=f"of {','.join(PARTS)}"
    )
    parser.add_argument(
        "--write",
        type=Path,
        nargs="?",
        const=PACKAGE,
        metavar="FOLDER",
        help="write results.json, results.svg and README.md there, else beside this",
    )
    return parser.parse_args()


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(text.split(","))
    if unknown := set(parts).difference(PARTS):
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(sorted(unknown))}")
    return parts


def _steps(plan: Plan) -> dict[str, int]:
    return {
        IN_PROCESS: in_process.steps(),
        SERVERS: on_servers.steps(plan),
        STARTUP: start_up.steps(),
    }


def _measure(
    scratch: Path, parts: tuple[str, ...], plan: Plan, results: Results, progress: Progress
) -> None:
    needs_site = not {IN_PROCESS, SERVERS}.isdisjoint(parts)
    site = trees.make_site(scratch / "site") if needs_site else scratch
    measures: dict[str, Callable[[], None]] = {
        IN_PROCESS: lambda: in_process.measure(site, plan, results, progress),
        SERVERS: lambda: on_servers.measure(site, scratch, plan, results, progress),
        STARTUP: lambda: start_up.measure(scratch, plan, results, progress),
    }
    for part in PARTS:
        if part in parts:
            measures[part]()


if __name__ == "__main__":
    main()
