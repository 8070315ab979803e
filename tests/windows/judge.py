"""A plugin of pytest: holds each test to the list of those that are expected to fail here.

A test in the list that fails is a skip with the reason that the list gives. One that passes fails,
as does a skip that the list doesn't name, and an entry that names no test of the files that run.
Of the cases that an entry names, three are run.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

LIST = Path(__file__).with_name("skips.txt")

_counts: Counter[str] = Counter()
_reasons: dict[str, str] = {}
"""Of each test that is expected to fail, why."""


def pytest_configure() -> None:
    """All is slow here, and each example is tried on Linux as well."""
    settings.register_profile("few", max_examples=20)
    settings.load_profile("few")


def entries() -> Iterator[tuple[str, str]]:
    """The pattern of each entry, and its reason: the last line before it that isn't indented."""
    reason = ""
    for line in LIST.read_text().splitlines():
        if line.startswith(" "):
            yield line.strip(), reason
        elif line and not line.startswith("#"):
            reason = line


def matcher(pattern: str) -> re.Pattern[str]:
    """A pattern names a file, a test, or one of its cases; `*` stands for anything in a case."""
    text = ".*".join(map(re.escape, pattern.split("*")))
    return re.compile(rf"tests/{text}(?:::.*|\[.*)?\Z", re.DOTALL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    files = {item.nodeid.partition("::")[0] for item in items}
    for pattern, reason in entries():
        matches = matcher(pattern).match
        found = {item.nodeid: reason for item in items if matches(item.nodeid)}
        if not found and f"tests/{pattern.partition('::')[0]}" in files:
            raise pytest.UsageError(f"{LIST.name}: {pattern} is no test")
        _reasons.update(found)
        for item in [item for item in items if item.nodeid in found][3:]:
            item.add_marker(pytest.mark.skip(reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    report = yield
    reason = _reasons.get(item.nodeid)
    if reason and report.outcome != "passed":
        report.outcome, report.longrepr = "skipped", (str(item.path), 0, reason)
        item.stash[FAILED] = True
    elif report.outcome == "skipped":
        report.outcome, report.longrepr = (
            "failed",
            f"{LIST.name} has no such skip: {report.longrepr}",
        )
    elif reason and report.when == "teardown" and FAILED not in item.stash:
        report.outcome, report.longrepr = "failed", f"it passes: take it from {LIST.name}"
    return report


FAILED = pytest.StashKey[bool]()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.outcome == "failed":
        _counts["failed"] += 1
    elif report.outcome == "skipped":
        _counts[report.longrepr[2]] += 1
    elif report.when == "call":
        _counts["passed"] += 1


def pytest_sessionfinish(exitstatus: int) -> None:
    if exitstatus > pytest.ExitCode.TESTS_FAILED:  # such as a file that can't be imported here
        _counts["failed"] += 1
    Path(os.environ["RESULTS"]).write_text(json.dumps(_counts))
