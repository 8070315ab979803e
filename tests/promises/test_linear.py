"""The time of a request is bounded by its length, whatever it is full of.

A bound of 5 s stands for a hang: what is quadratic needs half a minute and more for what is sent.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import pytest

from dualstatic import Request, StaticFiles
from dualstatic.core.media_types import MediaTypes
from dualstatic.core.paths import Gate
from dualstatic.core.values import READ_FIELDS, File, Policy, Representation, Resource, Response
from dualstatic.disk.memory import Memory
from tests.conftest import DOORS
from tests.support.children import within
from tests.support.doors import Client
from tests.support.each import each
from tests.support.trees import Link, write_tree

LONG = 2**18
SECONDS = 5
PAGE = "<h1>none"
TREE: dict[str, str | bytes | Link] = {
    "t.txt": "0123456789",
    "app.js": "x" * 1000,
    "app.js.gz": "y" * 50,
    "app.js.dcb": b"\xff\x44\x43\x42" + bytes(36),
    "sub/index.html": "<h1>sub",
    "404.html": PAGE,
    "self": Link("."),
    "up/self": Link(".."),
}
MODES: dict[str, dict[str, object]] = {"live": {"live": True}, "index": {}}

each_mode = pytest.mark.parametrize("mode", MODES)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], StaticFiles]:
    root = write_tree(tmp_path_factory.mktemp("linear") / "www", TREE)

    @cache
    def make(mode: str) -> StaticFiles:
        return StaticFiles(root, html=True, dictionaries=True, **MODES[mode])

    return make


def filled(unit: str, start: str = "", end: str = "") -> str:
    return f"{start}{unit * (LONG // len(unit))}{end}"


STARTS = {
    "range": "bytes=0-1,",
    "if-range": '"',
    "accept-encoding": "gzip;q=0.",
    "available-dictionary": ":",
    "if-match": 'W/"',
}
UNITS = (
    '"',
    '"a",',
    '"a" ',
    " ",
    "\t ",
    ",",
    "-",
    "0-0,",
    "9",
    "x,",
    "*,",
    ";q=0",
    "Tue, ",
    "\xff",
)


@each("unit", UNITS)
@pytest.mark.parametrize("name", READ_FIELDS)
def test_a_long_field_takes_no_long_time(
    name: str, unit: str, files: Callable[[str], StaticFiles]
) -> None:
    for start in {"", STARTS.get(name, "")}:
        for end in ("", "x"):
            headers = {"accept-encoding": "dcb", name: filled(unit, start, end)}
            request = Request("GET", "/app.js", headers=headers)
            response = within(SECONDS, files("index").answer, request)
            assert response is not None
            assert response.status in (200, 206, 304, 412, 416)


@pytest.mark.parametrize("name", READ_FIELDS)
@pytest.mark.parametrize("door", DOORS)
def test_many_lines_of_a_field_take_no_long_time(
    door: str, name: str, files: Callable[[str], StaticFiles]
) -> None:
    extra: dict[str, object] = {"HTTP_" + name.upper().replace("-", "_"): filled("x,")}
    if door == "asgi":
        extra = {"headers": [(name.encode(), b"x")] * 2**19}
    answer = within(SECONDS, partial(Client(files("index"), door).get, "/app.js", **extra))
    assert answer.status in (200, 304, 412)


@each_mode
@each("unit", ["%", "%2", "%41", "?", " ", "\\", "\xff", "\u20ac", "\ud800"])
def test_a_long_query_takes_no_long_time(
    unit: str, mode: str, files: Callable[[str], StaticFiles]
) -> None:
    request = Request("GET", "/sub", query=filled(unit))
    response = within(SECONDS, files(mode).answer, request)
    assert response is not None
    assert response.status == 307


@each_mode
@each("unit", ["%", "%2", "%41", "?", "#", "\\", "\xff", "\xc3\xa9", "/", "a"])
def test_a_long_target_takes_no_long_time(
    unit: str, mode: str, files: Callable[[str], StaticFiles]
) -> None:
    request = Request("GET", "/t.txt", raw_path=filled(unit, "/t.txt").encode("latin-1"))
    response = within(SECONDS, files(mode).answer, request)
    assert response is None or response.status == 200


DEEP = ["a/", "../", "/", "%2e%2e/", "self/", "up/self/", "sub/", "404.html/", ".well-known/"]


@each("unit", ["self/", "a/", "a"])
def test_a_long_path_takes_no_time_at_all_where_links_to_directories_are(
    unit: str, files: Callable[[str], StaticFiles]
) -> None:
    request = Request("GET", f"/{unit * (60_000 // len(unit))}t.txt")

    def ask() -> None:
        for _ in range(2000):
            assert files("index").answer(request) is None

    within(SECONDS, ask)


@pytest.fixture
def top(in_memory: Path) -> Iterator[Path]:
    """For many folders; they may lie too deep for one path, and are removed by one who can."""
    yield in_memory
    subprocess.run(["rm", "-r", *in_memory.iterdir()], check=True)


@pytest.mark.parametrize("shape", ["side by side", "one behind another"])
def test_links_to_folders_where_no_path_leads_take_no_long_time(shape: str, top: Path) -> None:
    store = top / ".store"
    store.mkdir()
    for number in range(8000):
        folder = store / f"{number}"
        folder.mkdir()
        place = folder if shape == "one behind another" else top
        (place / f"link{number}").symlink_to(store / f"{number + 1}")
    (top / "link").symlink_to(store / "0")
    (store / "8000").mkdir()
    (store / "8000" / "t.txt").write_text("t")
    files = within(5, lambda: StaticFiles(top, encodings=()))
    first = "/link7999" if shape == "side by side" else "/link"
    assert files.answer(Request("GET", f"{first}/nothing")) is None


def test_folders_one_in_another_take_no_long_time(top: Path) -> None:
    depth = 3000
    descriptor = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=descriptor)
        inner = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(os.open("t.txt", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)
    files = within(10, lambda: StaticFiles(top, encodings=()))
    assert files.answer(Request("HEAD", f"/{'d/' * depth}t.txt"))


FLAT = ["a", "%", ".", "\\", "\xff", "con ", "con.", "~", ". ", "\u20ac", "\ud800"]


@each_mode
@each("unit", [*DEEP, *FLAT])
def test_a_long_path_takes_no_long_time(
    unit: str, mode: str, files: Callable[[str], StaticFiles]
) -> None:
    for end in ("", "t.txt"):
        request = Request("GET", filled(unit, "/", end))
        response = within(SECONDS, files(mode).answer, request)
        assert response is None or unit == "self/"
        fallback = within(SECONDS, partial(files(mode).fallback, request, has_app=False))
        assert fallback is not None
    within(SECONDS, Gate("", windows=True), filled(unit, "/"))


@each_mode
def test_many_long_segments_take_no_long_time_on_the_way_to_a_404_page(
    mode: str, files: Callable[[str], StaticFiles]
) -> None:
    request = Request("GET", "/" + ("a" * 20_000 + "/") * 100)
    fallback = within(SECONDS, partial(files(mode).fallback, request, has_app=False))
    assert fallback is not None
    assert ("content-length", str(len(PAGE))) in fallback.headers


def test_a_file_behind_a_few_links_is_found_in_each_mode(
    files: Callable[[str], StaticFiles],
) -> None:
    for mode in MODES:
        request = Request("GET", "/up/self/self/t.txt")
        response = files(mode).answer(request)
        assert response is not None
        assert response.status == 200


def test_why_a_long_name_is_not_there_takes_no_long_time(tmp_path: Path) -> None:
    write_tree(tmp_path, {f"sub/{number}": "" for number in range(2000)})
    files = StaticFiles(tmp_path)
    assert "is not in" in within(SECONDS, files.explain, filled("\xe9", "/SUB/"))


def test_a_name_full_of_dots_has_few_suffixes() -> None:
    """Each would be cut off, in its full length, to be looked up."""
    media_types = MediaTypes({}, charset=None)
    assert within(SECONDS, media_types.is_asset, filled(".", "/x", "png"))


def test_bytes_that_a_refresh_left_make_room_in_linear_time() -> None:
    """The first of a `dict` is looked for behind all that were taken before it."""
    many, made = 2**17, Response(200, ())
    content = Response(200, (), (b"x",))

    def resource(numbers: range, size: int, content: Response) -> Resource:
        files = [
            File(os.open, "", "", size, (0, number, size, 0, 0), None, None, None, None)
            for number in numbers
        ]
        forms = tuple(Representation(file, made, made, (), None, content) for file in files)
        return Resource(forms, Policy("text/plain", None, ()), settled=True, only=None)

    memory = Memory(many)
    memory.keep(resource(range(many), 1, content))
    memory.keep_settled({0})
    large = resource(range(1), many, Response(200, (), (bytes(many),)))
    within(SECONDS / 2, lambda: memory.keep(large))
    memory.touch(large)
