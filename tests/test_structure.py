"""The walls between the rooms, and the size of what stands in them."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

import dualstatic
from tests.support.each import Wrong, each

PACKAGE = Path(dualstatic.__file__).parent
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

# What a room may import of ours. A name ending in a dot stands for all rooms below it.
WALLS = {
    "core.": {"core."},
    "disk.": {
        "disk.",
        "core.codings",
        "core.deltas",
        "core.paths",
        "core.policies",
        "core.values",
    },
    "options": {"core.", "disk.packages", "manifests"},
    "site": {"options", "core.", "disk."},
    "explain": {"site", "core.", "disk."},
    "staticfiles": {"explain", "site", "options", "core.values", "disk.body"},
    "doors": {"options", "core.", "disk.errors", "staticfiles"},
    "views": {"options", "core.", "disk.body", "doors", "explain", "staticfiles"},
    "wsgi": {"doors", "views", "staticfiles", "disk.body", "disk.errors", "core.values"},
    "asgi": {
        "asgi_sending",
        "doors",
        "views",
        "options",
        "staticfiles",
        "disk.body",
        "disk.errors",
        "core.values",
    },
    "asgi_sending": {"disk.body", "core.values"},
    "django.settings": {"manifests", "options", "staticfiles"},
    "django.middleware": {
        "django.checks",
        "django.settings",
        "options",
        "doors",
        "views",
        "wsgi",
        "asgi_sending",
        "staticfiles",
        "disk.body",
        "disk.errors",
        "core.replies",
        "core.values",
    },
    "django.storage": {"django.settings", "options", "core.codings", "compress."},
    "django.": {"django.", "wsgi", "asgi", "asgi_sending", "staticfiles"},
    "__init__": {"staticfiles", "disk.body", "core.values"},
    "compress.codecs": {"core.codings", "core.deltas"},
    "compress.": {"compress.", "core.", "disk.", "manifests"},
    "manifests": {"core.releases"},
    "listing": {"explain", "staticfiles", "site", "core.", "disk."},
    "__main__": {"__init__", "listing", "wsgi", "asgi", "compress."},
}
PURE = {
    "core.": {
        "base64",
        "__future__",
        "collections",
        "collections.abc",
        "dataclasses",
        "datetime",
        "email.utils",
        "functools",
        "hashlib",
        "re",
        "types",
        "typing",
        "urllib.parse",
    },
}
IMPURE_CALLS = {"now", "today", "utcnow", "time", "open", "print", "input"}


def covers(names: set[str], module: str) -> bool:
    return module in names or any(n.endswith(".") and f"{module}.".startswith(n) for n in names)


def rules_of(rules: dict[str, set[str]], module: str) -> set[str]:
    for name, allowed in rules.items():
        if covers({name}, module):
            return allowed
    raise AssertionError(f"no rule for {module}")


def imports(module: str) -> Iterator[str]:
    """Every import of a module, ours as `core.values`, others with their own names."""
    parts = module.split(".")
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (f"/{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield f"/{node.module}"
        elif isinstance(node, ast.ImportFrom):
            above = parts[: len(parts) - node.level]
            for alias in node.names:
                inner = [*above, *(node.module or "").split(".")] if node.module else above
                whole = ".".join([*inner, alias.name])
                yield whole if whole in MODULES else ".".join(inner) or "__init__"


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function with its length in lines, docstring not counted."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            length = node.end_lineno - node.lineno + 1
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                assert first.end_lineno is not None
                length -= first.end_lineno - first.lineno + 1
            yield node.name, length


THEIRS = {"_cache", "_replace", "_backends", "_asyncio", "_wrapped", "_resource_closers"}
"""Names of other packages: a public one of named tuples, and those that we know no way around."""


def private_names(module: str) -> tuple[set[str], set[str]]:
    """The private names that a module makes, and those that it reads."""
    made, read = set(), set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            (read if isinstance(node.ctx, ast.Load) else made).add(name)
        elif isinstance(node, ast.ImportFrom):
            read.update(alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            read.update(part for alias in node.names for part in alias.name.split("."))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            made.add(node.value)  # of __slots__
        elif isinstance(node, ast.arg):
            made.add(node.arg)
    is_private = re.compile(r"_[a-zA-Z]\w*").fullmatch
    return set(filter(is_private, made)), set(filter(is_private, read))


@each("module", MODULES)
def test_a_room_reads_no_private_name_of_another(module: str) -> None:
    made, read = private_names(module)
    assert read - made - THEIRS == set()


@each("module", MODULES)
def test_a_room_imports_only_its_neighbours(module: str) -> None:
    ours = {name for name in imports(module) if not name.startswith("/")}
    assert not any(name.startswith("/dualstatic") for name in imports(module))
    allowed = rules_of(WALLS, module)
    assert {name for name in ours if not covers(allowed, name)} == set()


@each("module", [name for name in MODULES if name.startswith("core")])
def test_the_core_touches_nothing_of_the_world(module: str) -> None:
    foreign = {name[1:] for name in imports(module) if name.startswith("/")}
    assert foreign <= PURE["core."]
    calls = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(ast.parse(MODULES[module].read_text()))
        if isinstance(node, ast.Call)
    }
    assert not calls & IMPURE_CALLS


def test_the_wsgi_door_pays_for_no_event_loop() -> None:
    for module in ("wsgi", "doors", "staticfiles", "site", "options", "__init__"):
        foreign = {name for name in imports(module) if name.startswith("/")}
        assert not foreign & {"/anyio", "/anyio.to_thread", "/asyncio"}


def test_functions_are_short() -> None:
    lengths = [length for path in MODULES.values() for _, length in functions(path)]
    long = {
        (name, length)
        for path in MODULES.values()
        for name, length in functions(path)
        if length > 30
    }
    assert long == set()
    assert statistics.median(lengths) <= 8
    assert statistics.quantiles(lengths, n=10)[-1] <= 20


def test_a_test_that_fails_with_one_of_its_values_names_them() -> None:
    asked = []

    @each("a", [1, 2])
    @each(("b", "c"), [(3, 4), (5, 6)])
    def test(given: str, a: int, b: int, c: int) -> None:
        asked.append((given, a, b, c))
        assert (a, b) != (2, 3)

    with pytest.raises(Wrong, match=r"^with \{'a': 2, 'b': 3, 'c': 4\}$"):
        test(given="x")
    assert asked == [("x", 1, 3, 4), ("x", 1, 5, 6), ("x", 2, 3, 4)]
