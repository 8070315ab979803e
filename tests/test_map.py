"""What the pages say of the code is there: rooms, functions, switches, commands, files of tests."""

from __future__ import annotations

import ast
import inspect
import re
from fnmatch import fnmatch
from pathlib import Path

from dualstatic import asgi, wsgi
from tests.support.each import each
from tests.support.pages import PAGES, ROOT, section

PACKAGE = ROOT / "dualstatic"
ROOMS = [path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py"))]
TOPS = ("dualstatic", "tests", "benchmarks")
LONG = [f"tests.long.{path.stem}" for path in (ROOT / "tests/long").glob("*.py")]


def definitions() -> set[str]:
    """Each class and function of the package, and what is named in it, as `Class.name`."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            owner = getattr(node, "name", path.stem)
            found |= {owner, f"{path.stem}.{owner}"}
            for inner in ast.walk(node):
                names = {getattr(inner, key, None) for key in ("name", "attr", "id")}
                found |= {f"{owner}.{each}" for each in names}
    return found


@each("room", ROOMS)
def test_each_room_is_on_the_map(room: Path) -> None:
    text = section("## The rooms")
    folder = f"{room.parent}/"
    assert room.name == "__init__.py" or f"`{room}`" in text or f"`{room.name}`" in text
    assert folder == "./" or folder in text


@each("heading", ["## One request, followed through", "## The caches"])
def test_what_a_request_passes_is_in_the_code(heading: str) -> None:
    text = section(heading)
    names = set(re.findall(r"`(_?[A-Za-z]\w*\.\w+|_\w+|[a-z]+_\w+)`", text)) - {"not_found"}
    assert len(names) > 5
    known = definitions()
    assert {name for name in names if name not in known} == set()


def test_the_switches_of_the_middlewares_are_told() -> None:
    text = section("## Middlewares")
    found = re.findall(r"^\| `(\w+)` \((\w+)\) \| (\w+) \|", text, re.MULTILINE)
    told = {(door.lower(), name, default) for name, door, default in found}
    assert told == {
        (door.__name__.rpartition(".")[2], name, str(parameter.default))
        for door in (wsgi, asgi)
        for name, parameter in inspect.signature(door.StaticMiddleware).parameters.items()
        if name not in ("app", "files")
    }


def test_each_long_run_is_told_and_each_command_is_there() -> None:
    told = re.findall(r"python -m ((?:tests|benchmarks)\.[a-z_.]*[a-z])", "".join(PAGES.values()))
    assert set(LONG) - {"tests.long.__init__", "tests.long.resident"} <= set(told)
    for name in told:
        path = ROOT / name.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), name


def test_the_page_of_the_tests_names_each_of_their_files_and_no_other() -> None:
    told = re.findall(r"`([\w*]+\.py)`", PAGES["tests/README.md"])
    assert [name for name in told if not any(any((ROOT / top).rglob(name)) for top in TOPS)] == []
    files = [path.name for path in (ROOT / "tests").glob("test_*.py")]
    assert [name for name in files if not any(fnmatch(name, each) for each in told)] == []
