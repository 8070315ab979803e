"""The cases, a table for each of the suite's themes, and which rows are left out and why."""

from __future__ import annotations

from . import answers, conditions, encodings, pages, paths, ranges

TABLES = (paths, pages, conditions, ranges, encodings, answers)
CASES = tuple(
    sorted((each for table in TABLES for each in table.CASES), key=lambda case: case.id[1:])
)
