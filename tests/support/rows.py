"""The numbered rules of HTTP, and tables of requests that are no case yet (`tests/cases`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest

GROUPS = {  # the letter of a group: its first and its last number
    "P": (1, 97),
    "D": (98, 124),
    "N": (125, 145),
    "M": (146, 157),
    "C": (158, 216),
    "R": (217, 302),
    "E": (303, 350),
    "T": (351, 373),
    "H": (374, 383),
    "S": (384, 402),
    "X": (403, 420),
    "A": (421, 451),
}
ALL = [f"{group}{n:03}" for group, (first, last) in GROUPS.items() for n in range(first, last + 1)]

PASS = "PASS"
"""The status of a request that reaches the app behind the door, untouched."""

F = TypeVar("F", bound=Callable[..., Any])


def rows(*ids: str) -> Callable[[F], F]:
    """Say which rows a test checks."""
    unknown = set(ids) - set(ALL)
    assert not unknown, unknown
    return lambda test: pytest.mark.rows(*ids)(test)


@dataclass(frozen=True)
class Case:
    """One request and what it must get, in both doors and both modes.

    `status` is a number, PASS, or a tuple where the row allows several. `has` maps a field to its
    value; `lacks` names fields that must be missing. What `body` is None for is not looked at.
    """

    ids: str
    target: str | bytes
    status: int | str | tuple[int | str, ...]
    fields: Mapping[str, str] | tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    has: Mapping[str, str] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()
    body: bytes | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    app: bool = True


def table(*cases: Case) -> pytest.MarkDecorator:
    """Parametrise a test with `case`, each marked with its rows."""
    params = []
    for case in cases:
        ids = case.ids.split()
        rows(*ids)
        name = f"{case.ids}-{case.method}-{case.target!r:.40}"
        params.append(pytest.param(case, id=name, marks=pytest.mark.rows(*ids)))
    return pytest.mark.parametrize("case", params)


def filled(case: Case, **values: str) -> Case:
    """The case with each `{name}` in its fields' values replaced by what was found out before."""
    lines = case.fields.items() if isinstance(case.fields, Mapping) else case.fields
    ready = []
    for name, text in lines:
        value = text
        for key, found in values.items():
            value = value.replace("{" + key + "}", found)
        ready.append((name, value))
    return replace(case, fields=tuple(ready))


def check(case: Case, client: Any) -> None:
    """Ask, and compare with what the case expects."""
    answer = client.ask(
        case.method,
        case.target,
        tuple(dict(case.fields).items()) if isinstance(case.fields, Mapping) else case.fields,
    )
    allowed = case.status if isinstance(case.status, tuple) else (case.status,)
    got = PASS if answer.passed else answer.status
    assert got in allowed, (got, answer)
    for name, value in case.has.items():
        assert answer[name] == value, (name, answer.get(name))
    for name in case.lacks:
        assert name not in answer, (name, answer[name])
    if case.body is not None:
        assert answer.body == case.body
