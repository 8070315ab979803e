"""python -m benchmarks"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from . import chart, in_process, load, machine, on_servers, report, start_up, trees
from .checks import checks
from .plan import FULL, QUICK, Plan
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
    reached = checks(results)
    lines = [check.line() for check in reached]
    print(report.text(results), "", "what has to be reached:", *lines, sep="\n")
    if arguments.quick:
        print("(quick: a sketch, too short to be sure of)")
    if arguments.json:
        arguments.json.write_text(report.as_json(results, reached), encoding="utf-8")
    if arguments.markdown:
        arguments.markdown.write_text(report.markdown(results), encoding="utf-8")
    if arguments.chart:
        arguments.chart.write_text(chart.svg(results), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure dualstatic beside what a user would pick instead, in one run.",
    )
    parser.add_argument("--quick", action="store_true", help="a sketch, in less than a minute")
    parser.add_argument(
        "--key", action="store_true", help="on servers, only those that are to be reached"
    )
    parser.add_argument(
        "--only", type=_parts, default=PARTS, metavar="PARTS", help=f"of {','.join(PARTS)}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write medians and ratios there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write tables there")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="write a chart (SVG) there")
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
