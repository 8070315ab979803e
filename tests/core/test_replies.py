"""What an answer is made of, beyond what the cases say (`tests/cases`)."""

from __future__ import annotations

import os
import re
import time
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.conftest import WITH_MEMORY
from tests.support.doors import Client
from tests.support.each import each
from tests.support.trees import LAST_MODIFIED

pytestmark = pytest.mark.usefixtures("aging")

LARGE = bytes((7 * i + i // 256) % 251 for i in range(10_240))


@pytest.fixture(params=WITH_MEMORY)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def requested(*pairs: tuple[int, int]) -> dict[str, str]:
    return {"Range": "bytes=" + ",".join(f"{first}-{last}" for first, last in pairs)}


def test_a_boundary_can_not_be_foreseen_and_is_not_in_the_data(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"l.bin": LARGE, "m.bin": LARGE[::-1]})
    client = serve(root)
    ranges = requested((0, 1), (3, 4))
    answer = client.get("/l.bin", ranges)
    boundary = answer["content-type"].split("boundary=")[1]
    assert re.fullmatch(r"[0-9A-Za-z_-]{20,70}", boundary)
    assert boundary.encode() not in LARGE
    assert len(answer.body) <= len(LARGE)
    bits = 4 if re.fullmatch("[0-9a-f]+", boundary) else 6
    assert len(boundary) * bits >= 128
    assert client.get("/l.bin", ranges)["content-type"] == answer["content-type"]
    others = {
        client.get("/l.bin", requested((0, 1), (3, 5)))["content-type"],
        client.get("/m.bin", ranges)["content-type"],
        answer["content-type"],
    }
    assert len(others) == 3

    # A file that holds the boundary of yesterday's answer does not get it again.
    (root / "l.bin").write_bytes(LARGE + b"\r\n--" + boundary.encode() + b"--\r\n")
    client.files.refresh()
    again = client.get("/l.bin", requested((0, 1), (3, 4)))
    assert again.status == 206
    assert boundary not in again["content-type"]


def test_one_byte_of_a_large_file_costs_one_byte(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"big.bin": b"A", "small.bin": b"A"})
    os.truncate(root / "big.bin", 50_000_000)
    client = serve(root)
    client.get("/small.bin", {"Range": "bytes=0-0"})  # what Python imports late is imported now
    tracemalloc.start()
    try:
        answer = client.get("/big.bin", {"Range": "bytes=0-0"})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (answer.status, answer.body) == (206, b"A")
    assert answer["content-range"] == "bytes 0-0/50000000"
    assert peak < 2_000_000


MALFORMED = [
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes",
    "=",
    "",
    "bytes=\xff",
    "bytes=,",
    "bytes=5-2",
]


@each("app", [True, False])
def test_a_malformed_range_changes_no_answer(
    app: bool, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree(
        {
            "index.html": b"<home>",
            "404.html": b"<lost>",
            "empty.txt": b"",
            "sub/index.html": b"<sub>",
            "noindex/a.txt": b"a",
            "app.js": b"x" * 100,
            "app.js.gz": b"g" * 50,
        }
    )
    client = serve(root, app=app, html=True)
    paths = "/ /index.html /sub /sub/ /sub/index.html /noindex /noindex/ /nope /%00 /empty.txt"
    for path, method in product([*paths.split(), "/app.js"], ("GET", "HEAD", "POST")):
        fields = {"Accept-Encoding": "gzip"}
        expected = client.ask(method, path, fields)
        for value in MALFORMED:
            answer = client.ask(method, path, {**fields, "Range": value})
            assert answer == expected, (path, method, value)


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def settle(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()
        assert time.timezone != 0

    yield settle
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("name", ["EST5EDT,M3.2.0,M11.1.0", "JST-9"])
def test_a_date_is_utc_whatever_the_time_zone_of_the_process(
    name: str,
    zone: Callable[[str], None],
    serve: Callable[..., Client],
    tree: Callable[..., Path],
) -> None:
    zone(name)
    client = serve(tree({"t.txt": "0123456789"}))
    assert client.get("/t.txt")["last-modified"] == LAST_MODIFIED
    for date, since, unmodified in (("Tue Jan  2 03:04:05 2024", 304, 200),
                                    ("Tue Jan  2 03:04:04 2024", 200, 412)):  # fmt: skip
        assert client.get("/t.txt", {"If-Modified-Since": date}).status == since
        assert client.get("/t.txt", {"If-Unmodified-Since": date}).status == unmodified


@each(
    ("status", "method", "target", "fields"),
    [
        (200, "GET", "/t.txt", {}),
        (206, "GET", "/t.txt", {"Range": "bytes=0-1"}),
        (206, "GET", "/t.txt", {"Range": "bytes=0-1,90-91"}),
        (307, "GET", "/sub", {}),
        (404, "GET", "/nope", {}),
        (405, "POST", "/t.txt", {}),
        (412, "GET", "/t.txt", {"If-Match": '"x"'}),
        (416, "GET", "/t.txt", {"Range": "bytes=999-"}),
        (304, "GET", "/t.txt", {"If-None-Match": "*"}),
    ],
)
def test_every_answer_but_a_304_has_a_type(
    status: int,
    method: str,
    target: str,
    fields: dict[str, str],
    serve: Callable[..., Client],
    tree: Callable[..., Path],
) -> None:
    root = tree({"t.txt": b"t" * 999, "sub/index.html": b"i"})
    client = serve(root, html=True, app=False, headers={"X-A": "1"})
    for by in {method, "HEAD" if method == "GET" else method}:
        answer = client.ask(by, target, fields)
        assert by == "HEAD" or answer.status == status
        assert ("content-type" in answer) is (answer.status != 304)
