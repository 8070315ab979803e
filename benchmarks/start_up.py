"""What a start costs: each one in a fresh process, on a tree of many files."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
import tracemalloc
from functools import partial
from pathlib import Path

from . import apps, trees
from .contenders import OURS, WSGI, Setting, constant_app
from .plan import Plan
from .processes import PACKAGE
from .progress import Progress
from .results import BYTES, SECONDS, Results, Row

NAMES = (OURS, "WhiteNoise", "ServeStatic")

TIME, MEMORY = "time", "memory"


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
            ask = partial(_in_fresh_process, name, small, many)
            seconds[name].append(ask(TIME))
            amounts[name].append(ask(MEMORY) / plan.many)
    title = f"start-up, {plan.many:,} files"
    results.rows.append(Row("startup/time", title, SECONDS, seconds))
    results.rows.append(Row("startup/memory", f"{title}, memory", BYTES, amounts))


def steps() -> int:
    return 2


def _in_fresh_process(name: str, small: Path, many: Path, what: str) -> float:
    command = [sys.executable, "-m", "benchmarks.start_up", name, what, str(small), str(many)]
    run = subprocess.run(
        command, cwd=PACKAGE.parent, stdout=subprocess.PIPE, timeout=120, check=True
    )
    return float(json.loads(run.stdout))


def seconds_to_make(name: str, root: Path) -> float:
    setting = Setting(root, constant_app(WSGI, b""))
    start = time.perf_counter()
    app = apps.contender(WSGI, name).make(setting)
    seconds = time.perf_counter() - start
    del app
    return seconds


def bytes_of(name: str, root: Path) -> float:
    setting = Setting(root, constant_app(WSGI, b""))
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    app = apps.contender(WSGI, name).make(setting)
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0] - before
    del app
    return kept


def _child(name: str, what: str, small: str, many: str) -> float:
    # A first one of a single file: the modules are loaded, and patterns compiled, once.
    seconds_to_make(name, Path(small))
    return (seconds_to_make if what == TIME else bytes_of)(name, Path(many))


if __name__ == "__main__":
    print(_child(*sys.argv[1:]))
