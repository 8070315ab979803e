"""The rules of HTTP as data: a table for each subject, and which numbers are left out and why."""

from __future__ import annotations

from dataclasses import replace

from . import conditions, doors, dotfiles, encodings, links, methods, pages, paths, ranges, types
from .case import MUST, POLICIES, POLICY, SHOULD, SHOULDS, Case

TABLES = (paths, pages, methods, conditions, ranges, encodings, types, dotfiles, links, doors)


def _levelled(case: Case) -> Case:
    if case.section:
        return case
    level = SHOULD if case.id in SHOULDS else POLICY if case.id in POLICIES else MUST
    return replace(case, level=level)


CASES = tuple(
    sorted(
        (_levelled(each) for table in TABLES for each in table.CASES), key=lambda case: case.id[1:]
    )
)
