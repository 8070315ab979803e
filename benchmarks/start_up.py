"""What a start costs: each one in a fresh process, on a tree of many files."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.long.resident import resident

from . import apps, trees
from .contenders import OURS, WSGI, Setting, constant_app
from .plan import Plan
from .processes import PACKAGE
from .progress import Progress
from .results import BYTES, SECONDS, Results, Row

NAMES = (OURS, "WhiteNoise", "ServeStatic")


def measure(scratch: Path, plan: Plan, results: Results, progress: Progress) -> None:
    progress.step(f"start-up: {plan.many:,} files are made")
    small = trees.make_many(scratch / "one", 1)
    many = trees.make_many(scratch / "many", plan.many)
    progress.step("start-up: time and memory")
    names = [name for name in NAMES if apps.contender(WSGI, name).installed]
    seconds: dict[str, list[float]] = {name: [] for name in names}
    amounts: dict[str, list[float]] = {name: [] for name in names}
    for number in range(plan.starts):
        for name in plan.turn(names, number):
            taken, kept = _in_fresh_process(name, small, many)
            seconds[name].append(taken)
            amounts[name].append(kept / plan.many)
    title = f"start-up, {plan.many:,} files"
    results.rows.append(Row("startup/time", title, SECONDS, seconds))
    results.rows.append(Row("startup/memory", f"{title}, memory", BYTES, amounts))


def steps() -> int:
    return 2


def _in_fresh_process(name: str, small: Path, many: Path) -> tuple[float, float]:
    """Seconds, and bytes."""
    command = [sys.executable, "-m", "benchmarks.start_up", name, str(small), str(many)]
    run = subprocess.run(
        command, cwd=PACKAGE.parent, stdout=subprocess.PIPE, timeout=120, check=True
    )
    seconds, amount = json.loads(run.stdout)
    return seconds, amount


def seconds_and_bytes(name: str, root: Path) -> tuple[float, float]:
    """What it takes to make an app, and how much larger the process is with it."""
    setting = Setting(root, constant_app(WSGI, b""))
    gc.collect()
    before = resident(os.getpid())
    start = time.perf_counter()
    app = apps.contender(WSGI, name).make(setting)
    seconds = time.perf_counter() - start
    gc.collect()
    after = resident(os.getpid())
    del app
    return seconds, (after - before) * 1024


if __name__ == "__main__":
    # First one of a single file: modules are loaded, and patterns compiled, only once.
    seconds_and_bytes(sys.argv[1], Path(sys.argv[2]))
    print(json.dumps(seconds_and_bytes(sys.argv[1], Path(sys.argv[3]))))
