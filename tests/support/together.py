"""Runs all that a test function asks, with all its parameters, as one item of a process of many.

Each item is collected in each process, and each of its three reports goes to the first: that takes
longer than most tests. So one process makes the parameters' tests, when it comes to the function,
and says that all have passed, or which did not.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from _pytest.runner import runtestprotocol

APART = {*"real django test_deploys test_fuzz test_hostile test_model test_races test_soak".split()}
"""Here a test takes long, or parameters share a server: these are items of their own."""


class Together(pytest.Item):
    """A test function, with all its parameters."""

    def __init__(self, *, function: Callable[..., object], **more: object) -> None:
        super().__init__(**more)
        self.function = function
        self.own_markers += getattr(function, "pytestmark", [])

    def reportinfo(self) -> tuple[object, None, str]:
        return self.path, None, self.name

    def runtest(self) -> None:
        """Is not called: each of its tests is run, with its fixtures, by the hook below."""


def pytest_pycollect_makeitem(collector: pytest.Module, name: str, obj: object) -> object:
    is_apart = APART & {collector.path.parent.name, collector.path.stem}
    if is_apart or not collector.istestfunction(obj, name):
        return None
    return Together.from_parent(collector, name=name, function=obj)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if not isinstance(item, Together):
        return None
    each = list(item.parent._genfunctions(item.name, item.function))
    passed = None
    for test, following in zip(each, [*each[1:], nextitem], strict=True):
        for report in runtestprotocol(test, log=False, nextitem=following):
            report.nodeid = item.nodeid  # `location` has the parameters
            if not report.passed:
                item.ihook.pytest_runtest_logreport(report=report)
            elif report.when == "call":
                passed = report
    if passed:
        item.ihook.pytest_runtest_logreport(report=passed)
    return True
