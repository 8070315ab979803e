"""The outcomes as tables and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from benchmarks import machine
from tests.cases.case import CLASSES, GROUPS, MUST, POLICY, SHOULD, Case
from tests.cases.left_out import LEFT_OUT

from .run import FAILED, NOT_ASKED, NOT_OFFERED, PASSED, Outcome, Results

Cell = tuple[int, int, int]
"""Passed, asked, not offered."""


def cell(outcomes: dict[str, Outcome], cases: Sequence[Case]) -> Cell:
    verdicts = [outcomes[case.id].verdict for case in cases if case.id in outcomes]
    passed = verdicts.count(PASSED)
    return passed, passed + verdicts.count(FAILED), verdicts.count(NOT_OFFERED)


def rows(results: Results, cases: Sequence[Case], classes: tuple[str, ...]) -> list[list[str]]:
    """A line for each contender: a cell for each group, then the whole."""
    of_classes = [case for case in cases if case.level in classes]
    groups = [group for group in GROUPS if any(case.group == group for case in of_classes)]
    lines = [["", *groups, *(classes if len(classes) > 1 else ()), "all", "not offered"]]
    for title, outcomes in results.outcomes.items():
        parts = [[case for case in of_classes if case.group == group] for group in groups]
        if len(classes) > 1:
            parts += [[case for case in of_classes if case.level == cls] for cls in classes]
        cells = [_text(cell(outcomes, part)) for part in parts]
        whole = cell(outcomes, of_classes)
        lines.append([title, *cells, f"{whole[0]}/{whole[1]}", str(whole[2])])
    return lines


def _text(counts: Cell) -> str:
    passed, asked, not_offered = counts
    if not asked:
        return f"- ({not_offered})" if not_offered else "-"
    return f"{passed}/{asked} ({not_offered})" if not_offered else f"{passed}/{asked}"


TITLES = {
    "what RFC 9110 or safety asks for (MUST) or advises (SHOULD)": (MUST, SHOULD),
    "where servers differ (POLICY), the same choice": (POLICY,),
}


def text(results: Results, cases: Sequence[Case]) -> str:
    lines = [f"{len(cases)} cases; passed/asked (not offered)"]
    for title, classes in TITLES.items():
        table = rows(results, cases, classes)
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines += ["", title]
        lines += ["  ".join(map(str.ljust, line, widths)).rstrip() for line in table]
    lines += ["", "groups: " + ", ".join(f"{key} {name}" for key, name in GROUPS.items())]
    lines.append(f"left out: {'; '.join(results.left_out) or 'nobody'}")
    lines += _not_asked(results)
    return "\n".join(lines)


def _not_asked(results: Results) -> Iterator[str]:
    """Requests that a server in front takes for its own, or changes."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for title, outcomes in results.outcomes.items():
        for key, outcome in sorted(outcomes.items()):
            if outcome.verdict == NOT_ASKED:
                by_reason.setdefault((outcome.reason, title), []).append(key)
    for (reason, title), ids in by_reason.items():
        yield f"not asked: {title}: {' '.join(ids)}: {reason}"


def failures(results: Results, titles: Sequence[str]) -> Iterator[str]:
    for title in titles:
        for key, outcome in sorted(results.outcomes.get(title, {}).items()):
            if outcome.verdict == FAILED:
                yield f"{title}: {key}: {outcome.reason}"


def markdown(results: Results, cases: Sequence[Case]) -> str:
    tables = [_table(results, cases, title, classes) for title, classes in TITLES.items()]
    groups = ", ".join(f"{key} {name.lower()}" for key, name in GROUPS.items())
    about = machine.describe()
    versions = f"{about['Python']}; {about['packages']}; {about['programs']}"
    return "\n".join([*tables, f"Groups: {groups}. {versions}.", ""])


def _table(results: Results, cases: Sequence[Case], title: str, classes: tuple[str, ...]) -> str:
    head, *lines = rows(results, cases, classes)
    title = title[0].upper() + title[1:]
    first = f"{title}: passed/asked (not offered)\n\n| | {' | '.join(head[1:])} |"
    ruler = "|---|" + "---:|" * (len(head) - 1)
    return "\n".join([first, ruler, *[f"| {' | '.join(line)} |" for line in lines], ""])


def as_json(results: Results, cases: Sequence[Case]) -> str:
    content = {
        "cases": {case.id: _told(case) for case in cases},
        "left_out_cases": LEFT_OUT,
        "left_out": results.left_out,
        "totals": {title: _totals(outcomes, cases) for title, outcomes in results.outcomes.items()},
        "outcomes": {
            title: {key: asdict(outcome) for key, outcome in sorted(outcomes.items())}
            for title, outcomes in results.outcomes.items()
        },
    }
    return json.dumps(content, indent=1)


def _told(case: Case) -> dict[str, object]:
    told = {"class": case.level, "section": case.section, "says": case.says}
    return {**told, "needs": sorted(case.needs)}


def _totals(outcomes: dict[str, Outcome], cases: Sequence[Case]) -> dict[str, dict[str, int]]:
    names = ("passed", "asked", "not_offered")
    return {
        cls: dict(zip(names, cell(outcomes, [c for c in cases if c.level == cls]), strict=True))
        for cls in CLASSES
    }
