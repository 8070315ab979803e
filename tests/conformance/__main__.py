"""python -m tests.conformance"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contenders import LeftOut
from tests.cases import CASES, site
from tests.cases.case import Case

from . import report
from .run import Server, Step, run
from .setups import CONTENDERS, Contender


def main() -> int:
    arguments = _arguments()
    # Ended from outside, it still ends its servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if os.name == "nt":
        raise SystemExit("the tree needs a POSIX file system")
    contenders = _named(arguments.contender)
    cases = [case for case in CASES if not arguments.case or case.id in arguments.case]
    # Not in a directory that is its owner's alone: nginx's worker is another user.
    with tempfile.TemporaryDirectory(prefix="conformance-") as temporary:
        scratch = Path(temporary)
        scratch.chmod(0o755)
        root = site.make(scratch / "site")
        if arguments.case:
            return show(contenders, cases, root, scratch)
        results = run(contenders, cases, root, scratch)
    print(report.text(results, cases))
    ours = [contender.title for contender in contenders if contender.is_ours]
    shown = [contender.title for contender in contenders] if arguments.contender else ours
    wrong = list(report.failures(results, ours))
    print(*["", *report.failures(results, shown)], sep="\n")
    if arguments.json:
        arguments.json.write_text(report.as_json(results, cases), encoding="utf-8")
    if arguments.markdown:
        arguments.markdown.write_text(report.markdown(results, cases), encoding="utf-8")
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.conformance",
        description="Ask dualstatic and its peers the same cases over sockets, in one run.",
    )
    parser.add_argument(
        "--contender", action="append", metavar="NAME", help="only those of that name"
    )
    parser.add_argument(
        "--case", action="append", metavar="ID", help="print its requests and answers in full"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all outcomes there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write tables there")
    return parser.parse_args()


def _named(names: list[str] | None) -> list[Contender]:
    """A name stands for both doors and, of ours, both modes; a title for one."""
    if not names:
        return list(CONTENDERS)
    found = [each for each in CONTENDERS if _names(each) & set(names)]
    known = {name for each in CONTENDERS for name in _names(each)}
    if unknown := set(names) - known:
        raise SystemExit(f"no such contender: {', '.join(sorted(unknown))}")
    return found


def _names(contender: Contender) -> set[str]:
    return {contender.name, contender.title, contender.name.partition(",")[0]}


def show(contenders: Sequence[Contender], cases: Sequence[Case], root: Path, scratch: Path) -> int:
    if not cases:
        raise SystemExit("no such case")
    for contender in contenders:
        try:
            with Server(contender, root, scratch) as server:
                for case in cases:
                    _show(server, contender, case)
        except LeftOut as reason:
            print(f"== {contender.title}: left out, {reason}")
    return 0


def _show(server: Server, contender: Contender, case: Case) -> None:
    print(f"== {case.id} ({case.level}, {case.section}): {case.says}")
    print(f"== {contender.title}, {case.setting}")
    if missing := sorted(case.needs - contender.offers):
        print(f"not offered: {', '.join(missing)}")
    for step in () if missing else server.steps(server.narrowed(case, None)):
        _print(step)


def _print(step: Step) -> None:
    for mark, raw in ((">", step.request.encoded()), ("<", step.answer.raw)):
        for line in raw[:4000].split(b"\r\n"):
            print(mark, line.decode("latin-1"))
    print("PASSED" if step.reason is None else f"FAILED: {step.reason}")


if __name__ == "__main__":
    sys.exit(main())
