"""Runs all that a test function asks, with all its parameters, as one item of a process of many.

Each item is collected in each process, and each of its three reports goes to the first: that takes
longer than most tests. So one process makes the parameters' tests, when it comes to the function,
and says that all have passed, or which did not. All that is asked of a server is one item, too,
where the functions of a file share it: so one process alone starts it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import partial
from itertools import groupby

import pytest
from _pytest.runner import runtestprotocol
from _pytest.scope import Scope

APART = {*"real django test_deploys test_fuzz test_hostile test_model test_races test_soak".split()}
"""Here a test takes long, or functions share a server: no item has all of a function."""


class Together(pytest.Item):
    """Several tests, which `make` gives."""

    def __init__(
        self, *, make: Callable[[], Iterable[pytest.Item]], marks: list[pytest.Mark], **more: object
    ) -> None:
        super().__init__(**more)
        self.make = make
        self.own_markers += marks

    def reportinfo(self) -> tuple[object, None, str]:
        return self.path, None, self.name

    def runtest(self) -> None:
        """Is not called: each of its tests is run, with its fixtures, by the hook below."""


def pytest_pycollect_makeitem(collector: pytest.Module, name: str, obj: object) -> object:
    is_apart = APART & {collector.path.parent.name, collector.path.stem}
    if is_apart or not collector.istestfunction(obj, name):
        return None
    marks = getattr(obj, "pytestmark", [])
    make = partial(collector._genfunctions, name, obj)
    return Together.from_parent(collector, name=name, make=make, marks=marks)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for server, each in groupby(items, server_of) for item in joined(server, each)]


def server_of(item: pytest.Item) -> Hashable:
    """The file and the parameter of what its functions share; None: they share nothing."""
    if not (call := getattr(item, "callspec", None)):
        return None
    shared = [
        call.indices[name] for name, scope in call._arg2scope.items() if scope is Scope.Module
    ]
    return (item.path, *shared) if shared else None


def joined(server: Hashable, each: Iterable[pytest.Item]) -> list[pytest.Item]:
    first, *others = tests = list(each)
    if server is None or not others:
        return tests
    name = f"{first.name[:-1]} and {len(others)} more]"
    return [Together.from_parent(first.parent, name=name, make=lambda: tests, marks=[])]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if not isinstance(item, Together):
        return None
    each = list(item.make())
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
