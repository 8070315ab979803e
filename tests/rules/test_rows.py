"""Every row of the conformance list is either checked or left out for a reason that is told."""

from __future__ import annotations

import importlib
import pkgutil

import tests.promises.test_races
import tests.rules
from tests.support.rows import ALL, CHECKED, LEFT_OUT


def test_every_row_is_checked_or_left_out_with_a_reason() -> None:
    for module in pkgutil.iter_modules(tests.rules.__path__, "tests.rules."):
        importlib.import_module(module.name)
    assert len(ALL) == 451
    assert sorted(CHECKED & set(LEFT_OUT)) == []
    assert [row for row in ALL if row not in CHECKED and row not in LEFT_OUT] == []
    assert all(reason.strip() for reason in LEFT_OUT.values())
