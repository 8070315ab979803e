"""The rules of HTTP as data: a table for each subject, and which numbers are left out and why."""

from __future__ import annotations

from . import (
    conditions,
    doors,
    dotfiles,
    encodings,
    links,
    methods,
    misses,
    pages,
    paths,
    ranges,
    types,
)

TABLES = (
    paths,
    pages,
    misses,
    methods,
    conditions,
    ranges,
    encodings,
    types,
    dotfiles,
    links,
    doors,
)
CASES = tuple(
    sorted((case for table in TABLES for case in table.CASES), key=lambda case: case.id[1:])
)
