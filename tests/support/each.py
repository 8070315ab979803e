"""Asks the same with each of some values in one test: each of `parametrize` costs milliseconds.

The values share the fixtures, so this is for tests that leave these as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import signature
from typing import Any

import pytest

Test = Callable[..., None]


class Wrong(AssertionError):
    """Says with which values a test fails; the cause says how."""

    def __init__(self, case: dict[str, Any]) -> None:
        super().__init__(f"with {case}")
        self.case = case


@contextmanager
def named(case: dict[str, Any]) -> Iterator[None]:
    try:
        yield
    except Wrong as inner:
        raise Wrong(case | inner.case) from inner.__cause__
    except (Exception, pytest.fail.Exception) as error:
        raise Wrong(case) from error


def each(names: str | tuple[str, ...], values: Iterable[Any]) -> Callable[[Test], Test]:
    """Is used as `parametrize` is."""
    keys = (names,) if isinstance(names, str) else names
    cases = [
        dict(zip(keys, [value] if names == keys[0] else value, strict=True)) for value in values
    ]

    assert cases, "a test that asks nothing can't fail"

    def decorate(test: Test) -> Test:
        @wraps(test)
        def ask(**fixtures: Any) -> None:
            for case in cases:
                with named(case):
                    test(**fixtures, **case)

        asked = signature(test)
        assert set(keys) <= set(asked.parameters), names
        left = [each for name, each in asked.parameters.items() if name not in keys]
        ask.__signature__ = asked.replace(parameters=left)
        return ask

    return decorate
