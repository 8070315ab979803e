"""Group R: ranges (RFC 9110 section 14)."""

from __future__ import annotations

import os
import re
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import WITH_MEMORY
from tests.support.doors import Answer, Client, Everywhere
from tests.support.rows import PASS, Case, check, filled, rows, table
from tests.support.steps import transfer
from tests.support.trees import LAST_MODIFIED, OLD

pytestmark = pytest.mark.usefixtures("aging")


@pytest.fixture(params=WITH_MEMORY)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


DIGITS = b"0123456789"
LARGE = bytes((7 * i + i // 256) % 251 for i in range(10_240))
MIB = 1024 * 1024
DAY_BEFORE = "Mon, 01 Jan 2024 03:04:05 GMT"
LATER = "Wed, 03 Jan 2024 00:04:05 GMT"


def part(row: str, value: str, first: int, last: int, *lines: tuple[str, str]) -> Case:
    """GET /t.txt with a Range that gets one part of it."""
    has = {"content-range": f"bytes {first}-{last}/10"}
    fields = (("Range", value), *lines)
    return Case(row, "/t.txt", 206, fields, has=has, body=DIGITS[first : last + 1])


def whole(row: str, value: str, *lines: tuple[str, str], method: str = "GET") -> Case:
    """A Range that counts for nothing."""
    body = DIGITS if method == "GET" else b""
    fields = (("Range", value), *lines)
    has = {"content-length": "10"}
    return Case(row, "/t.txt", 200, fields, method, has=has, lacks=("content-range",), body=body)


def unsatisfiable(row: str, value: str, *lines: tuple[str, str]) -> Case:
    """A Range of bytes that are not there."""
    fields = (("Range", value), *lines)
    return Case(row, "/t.txt", 416, fields, has={"content-range": "bytes */10"})


def if_range(value: str) -> tuple[str, str]:
    return "If-Range", value


ARABIC = "\u0660-\u0663".encode().decode("latin-1")
BIG = str(2**64)


@table(
    part("R218", "bytes=0-4", 0, 4),
    part("R219", "bytes=0-0", 0, 0),
    part("R220", "bytes=2-", 2, 9),
    part("R221", "bytes=-3", 7, 9),
    part("R222", "bytes=9-", 9, 9),
    part("R223", "bytes=0-9", 0, 9),
    part("R224", "bytes=5-100", 5, 9),
    part("R225", "bytes=-20", 0, 9),
    part("R226", "bytes=-10", 0, 9),
    unsatisfiable("R227", "bytes=10-"),
    unsatisfiable("R228", "bytes=10-20"),
    unsatisfiable("R229", "bytes=-0"),
    whole("R230", "bytes=5-2"),
    whole("R231", "bytes="),
    whole("R232", "bytes=-"),
    whole("R233", "bytes=abc"),
    whole("R234", "bytes=0"),
    whole("R235", "bytes=0-4x"),
    whole("R236", "bytes=1-2-3"),
    whole("R237", "bytes=--5"),
    whole("R238", "bytes=+1-2"),
    whole("R239", "bytes=1_0-"),
    whole("R239", "bytes=0-1_0"),
    whole("R240", "bytes=0x0-0x2"),
    whole("R241", "bytes=1.5-3"),
    whole("R242", "bytes=\xb2-\xb3"),
    whole("R242", "bytes=0-\xb3"),
    whole("R242", "bytes=-\xb2"),
    whole("R242", f"bytes={ARABIC}"),
    unsatisfiable("R243", f"bytes={BIG}-"),
    part("R244", f"bytes=0-{BIG}", 0, 9),
    part("R245", f"bytes=-{BIG}", 0, 9),
    part("R246", "bytes=0-" + "9" * 5000, 0, 9),
    part("R246", "bytes=-" + "9" * 5000, 0, 9),
    unsatisfiable("R246", "bytes=" + "9" * 5000 + "-"),
    part("R247", "bytes=" + "1".zfill(30) + "-2", 1, 2),
    whole("R249", "bytes=0 - 4"),
    part("R250", "BYTES=0-4", 0, 4),
    whole("R251", "items=0-4"),
    whole("R252", "bytes 0-4"),
    whole("R253", ""),
    part("R254", "bytes=0-4,", 0, 4),
    part("R254", "bytes=,0-4", 0, 4),
    part("R254", "bytes=0-4,,", 0, 4),
    whole("R255", "bytes=0-1,3-4"),
    part("R258", "bytes=0-1,2-3", 0, 3),
    part("R259", "bytes=0-4,3-6", 0, 6),
    part("R260", "bytes=0-9,0-9", 0, 9),
    part("R261", "bytes=0-1,20-30", 0, 1),
    unsatisfiable("R262", "bytes=20-30,40-"),
    part("R263", "bytes=20-,-3", 7, 9),
    whole("R264", "bytes=8-9,0-1"),
    whole("R265", "bytes=0-1,abc"),
    whole("R266", "bytes=0-1;2-3"),
    whole("R267", "bytes=" + ",".join(["0-0"] * 300)),
    whole("R272", "bytes=0-0,2-2,4-4,6-6,8-8"),
    whole("R273", "bytes=0-1", ("Range", "bytes=3-4")),
    whole("R274", "bytes=0-4", method="HEAD"),
    whole("R275", "bytes=50-", method="HEAD"),
    Case("R276", "/t.txt", PASS, (("Range", "bytes=0-4"),), "POST", body=b"the app"),
)
def test_a_range_of_ten_bytes(
    case: Case, everywhere: Callable[..., Everywhere], tree: Callable[..., Path]
) -> None:
    check(case, everywhere(tree({"t.txt": DIGITS})))


@rows("R276")
@pytest.mark.parametrize("value", ["bytes=0-4", "bytes=50-"])
def test_a_range_of_another_method_changes_nothing(
    value: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({"t.txt": DIGITS}), app=False)
    with_range = client.ask("POST", "/t.txt", {"Range": value})
    assert with_range.status == 405
    assert with_range == client.ask("POST", "/t.txt")


@rows("R248")
def test_a_space_after_the_equals_sign_is_either_allowed_or_ignored(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    answer = serve(tree({"t.txt": DIGITS})).get("/t.txt", {"Range": "bytes= 0-4"})
    got = answer.status, answer.get("content-range"), answer.body
    assert got in {(206, "bytes 0-4/10", b"01234"), (200, None, DIGITS)}


@table(
    part("R286", "bytes=0-1", 0, 1, if_range("{E}")),
    whole("R287", "bytes=0-1", if_range("W/{E}")),
    whole("R288", "bytes=0-1", if_range('"zzz"')),
    part("R289", "bytes=0-1", 0, 1, if_range(LAST_MODIFIED)),
    whole("R290", "bytes=0-1", if_range(DAY_BEFORE)),
    whole("R291", "bytes=0-1", if_range(LATER)),
    whole("R292", "bytes=0-1", if_range("garbage")),
    whole("R293", "bytes=0-1", if_range("")),
    whole("R294", "bytes=0-1", if_range("*")),
    whole("R295", "bytes=0-1", if_range('{E}, "b"')),
    whole("R295", "bytes=0-1", if_range('"b", {E}')),
    part("R296", "bytes=0-1", 0, 1, if_range("Tuesday, 02-Jan-24 03:04:05 GMT")),
    Case("R297", "/t.txt", 200, (if_range("{E}"),), lacks=("content-range",), body=DIGITS),
    Case("R297", "/t.txt", 200, (if_range('"zzz"'),), lacks=("content-range",), body=DIGITS),
    whole("R298", "bytes=50-", if_range('"zzz"')),
    unsatisfiable("R299", "bytes=50-", if_range("{E}")),
    part("R302", "bytes=0-1", 0, 1, ("If-None-Match", '"q"')),
)
def test_if_range_lets_a_part_of_the_same_file_through(
    case: Case, everywhere: Callable[..., Everywhere], tree: Callable[..., Path]
) -> None:
    client = everywhere(tree({"t.txt": DIGITS}))
    check(filled(case, E=client.get("/t.txt")["etag"]), client)


@rows("R217")
def test_a_200_says_that_ranges_are_served(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({"t.txt": DIGITS, "empty.txt": b""}))
    assert client.get("/t.txt")["accept-ranges"] == "bytes"
    assert client.head("/t.txt")["accept-ranges"] == "bytes"


def split(answer: Answer) -> list[tuple[dict[str, str], bytes]]:
    """The parts of a multipart/byteranges body, read strictly."""
    kind, boundary = answer["content-type"].split("; boundary=")
    assert kind == "multipart/byteranges"
    assert re.fullmatch(r"[0-9A-Za-z_-]{20,70}", boundary)
    between = b"\r\n--" + boundary.encode()
    opening, *pieces, closing = (b"\r\n" + answer.body.removeprefix(b"\r\n")).split(between)
    assert opening == b""
    assert closing in (b"--", b"--\r\n")
    parts = []
    for piece in pieces:
        head, body = piece.removeprefix(b"\r\n").split(b"\r\n\r\n", 1)
        lines = [line.split(": ", 1) for line in head.decode("ascii").split("\r\n")]
        parts.append(({name.lower(): value for name, value in lines}, body))
    return parts


def requested(*pairs: tuple[int, int]) -> dict[str, str]:
    return {"Range": "bytes=" + ",".join(f"{first}-{last}" for first, last in pairs)}


@rows("R255", "R256", "R264", "R272")
@pytest.mark.parametrize(
    "pairs",
    [
        [(0, 1), (3, 4)],
        [(8, 9), (0, 1)],
        [(0, 0), (2, 2), (4, 4), (6, 6), (8, 8)],
        [(5000, 5999), (100, 199), (10_239, 10_239)],
    ],
)
def test_several_ranges_come_as_parts_in_the_order_they_were_asked_for(
    pairs: list[tuple[int, int]], serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({"l.html": LARGE}))
    answer = client.get("/l.html", requested(*pairs))
    assert answer.status == 206
    assert "content-range" not in answer
    assert len(answer.body) <= len(LARGE)
    assert split(answer) == [
        (
            {
                "content-type": "text/html; charset=utf-8",
                "content-range": f"bytes {first}-{last}/{len(LARGE)}",
            },
            LARGE[first : last + 1],
        )
        for first, last in pairs
    ]
    full = client.get("/l.html")
    for name in ("etag", "last-modified", "cache-control"):
        assert answer[name] == full[name]


@rows("R257")
def test_a_boundary_can_not_be_foreseen_and_is_not_in_the_data(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"l.bin": LARGE, "m.bin": LARGE[::-1]})
    client = serve(root)
    ranges = requested((0, 1), (3, 4))
    answer = client.get("/l.bin", ranges)
    boundary = answer["content-type"].split("boundary=")[1]
    assert boundary.encode() not in LARGE
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


@rows("R257")
def test_a_multipart_length_is_known_without_reading(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"sparse.bin": b""})
    os.truncate(root / "sparse.bin", 1024 * MIB)
    got = transfer(serve(root), "/sparse.bin", list(requested((0, 1), (MIB, MIB)).items()))
    assert got.error is None
    assert got.status == 206
    assert got.promised == len(got.body) < 1000


@rows("R267", "R272")
def test_more_than_a_hundred_ranges_count_for_nothing(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    content = LARGE * 20
    client = serve(tree({"t.bin": content}))
    pairs = [(2 * i, 2 * i) for i in range(101)]
    hundred = client.get("/t.bin", requested(*pairs[:100]))
    assert hundred.status == 206
    assert [body for _, body in split(hundred)] == [content[i : i + 1] for i, _ in pairs[:100]]
    answer = client.get("/t.bin", requested(*pairs))
    assert (answer.status, answer.body) == (200, content)


@rows("R268")
@pytest.mark.parametrize("count", [2, 50, 300])
def test_the_same_range_many_times_never_makes_more_than_the_file(
    count: int, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"giga.bin": b""})
    size = 1024 * MIB
    os.truncate(root / "giga.bin", size)

    def leave() -> None:
        raise ConnectionResetError

    fields = [("Range", "bytes=" + ",".join(["0-"] * count))]
    got = transfer(serve(root), "/giga.bin", fields, first=leave)
    assert got.promised == size
    assert not got.fields["content-type"].startswith("multipart/")
    if count > 100:
        assert got.status == 200
    else:
        assert (got.status, got.fields.get("content-range")) in {
            (200, None),
            (206, f"bytes 0-{size - 1}/{size}"),
        }


@rows("R269")
@pytest.mark.parametrize("tail", ["", "x", "9", "0" * 50_000])
def test_a_very_long_range_is_answered_at_once(
    tail: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({"t.txt": DIGITS}))
    begin = time.monotonic()
    answer = client.get("/t.txt", {"Range": "bytes=" + "0-0," * 25_000 + tail})
    assert time.monotonic() - begin < 5
    assert (answer.status, answer.body) == (200, DIGITS)


@rows("R270")
def test_one_byte_of_a_large_file_costs_one_byte(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"big.bin": b"A"})
    os.truncate(root / "big.bin", 50_000_000)
    client = serve(root)
    client.get("/big.bin", {"Range": "bytes=0-0"})
    tracemalloc.start()
    try:
        answer = client.get("/big.bin", {"Range": "bytes=0-0"})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (answer.status, answer.body) == (206, b"A")
    assert answer["content-range"] == "bytes 0-0/50000000"
    assert peak < 2_000_000


@rows("R271")
@pytest.mark.parametrize("app", [True, False])
@pytest.mark.parametrize(
    "value",
    ["bytes=", "bytes=-", "bytes=a-b", "bytes", "=", "", "bytes=\xff", "bytes=,", "bytes=5-2"],
)
def test_a_malformed_range_changes_no_answer(
    value: str, app: bool, everywhere: Callable[..., Everywhere], tree: Callable[..., Path]
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
    client = everywhere(root, app=app, html=True)
    paths = "/ /index.html /sub /sub/ /sub/index.html /noindex /noindex/ /nope /%00 /empty.txt"
    for path in [*paths.split(), "/app.js"]:
        for method in ("GET", "HEAD", "POST"):
            fields = {"Accept-Encoding": "gzip"}
            expected = client.ask(method, path, fields)
            assert client.ask(method, path, {**fields, "Range": value}) == expected


@pytest.mark.parametrize("value", ["bytes=0-", "bytes=0-0", "bytes=-1", "bytes=1-"])
@rows("R277", "R278", "R279", "R280")
def test_an_empty_file_has_no_parts(
    value: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    answer = serve(tree({"empty.txt": b""})).get("/empty.txt", {"Range": value})
    if value == "bytes=0-":
        assert answer.status == 200
    if answer.status == 200:
        assert (answer.body, answer["content-length"]) == (b"", "0")
        assert "content-range" not in answer
    else:
        assert (answer.status, answer["content-range"]) == (416, "bytes */0")


@rows("R281")
@pytest.mark.parametrize("path", ["/t.txt", "/app.js"])
def test_a_416_says_the_size_and_nothing_of_the_file(
    path: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": DIGITS, "app.js": b"x" * 100, "app.js.gz": DIGITS})
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "max-age=77"}
    for options in ({"immutable": "."}, {"cache_control": "max-age=77"}, {"headers": headers}):
        client = serve(root, **options)
        fields = {"Range": "bytes=10-", "Accept-Encoding": "gzip"}
        answer = client.get(path, fields)
        assert answer.status == 416
        assert answer["content-range"] == "bytes */10"
        for name in ("etag", "last-modified", "content-encoding"):
            assert name not in answer, name
        assert "max-age" not in (answer.get("cache-control") or "")
        assert "immutable" not in (answer.get("cache-control") or "")
        assert "content-type" in answer
        assert ("vary" in answer) == (path == "/app.js")
        assert answer.get("access-control-allow-origin") == ("*" if "headers" in options else None)


@rows("R282")
def test_a_206_carries_the_fields_of_the_200(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": b"x" * 100, "t.txt.gz": DIGITS})
    client = serve(root, cache_control="max-age=77", headers={"X-Extra": "1", "Vary": "Origin"})
    full = client.get("/t.txt")
    some = client.get("/t.txt", {"Range": "bytes=0-4"})
    assert some.status == 206
    own = {"content-length", "content-range"}
    assert {n: v for n, v in some.fields if n not in own} == {
        n: v for n, v in full.fields if n not in own
    }
    for name in ("etag", "last-modified", "cache-control", "vary", "content-type", "x-extra"):
        assert some[name] == full[name]


@rows("R283", "R300")
def test_a_range_counts_in_the_coded_bytes(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    coded = bytes(range(53))
    client = serve(tree({"app.js": b"x" * 200, "app.js.gz": coded}))
    fields = {"Accept-Encoding": "gzip", "Range": "bytes=0-4"}
    answer = client.get("/app.js", fields)
    assert (answer.status, answer["content-range"]) == (206, "bytes 0-4/53")
    assert (answer["content-encoding"], answer.body) == ("gzip", coded[:5])
    assert answer["vary"].lower() == "accept-encoding"

    plain_tag = client.get("/app.js")["etag"]
    other = client.get("/app.js", {**fields, "If-Range": plain_tag})
    assert (other.status, other["content-encoding"], other.body) == (200, "gzip", coded)
    assert "content-range" not in other
    same = client.get("/app.js", {**fields, "If-Range": answer["etag"]})
    assert (same.status, same.body) == (206, coded[:5])


@rows("R284")
def test_a_range_of_an_index_page(serve: Callable[..., Client], tree: Callable[..., Path]) -> None:
    client = serve(tree({"sub/index.html": DIGITS}), html=True)
    answer = client.get("/sub/", {"Range": "bytes=2-4"})
    assert (answer.status, answer["content-range"], answer.body) == (206, "bytes 2-4/10", b"234")


@rows("R285")
def test_offsets_beyond_four_gigabytes(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"huge.bin": b""})
    with (root / "huge.bin").open("r+b") as file:
        file.seek(2**32 - 2)
        file.write(b"xyABCDz")
        file.truncate(5 * 2**30)
    os.utime(root / "huge.bin", (OLD, OLD))
    client = serve(root)
    answer = client.get("/huge.bin", {"Range": "bytes=4294967296-4294967299"})
    assert (answer.status, answer.body) == (206, b"ABCD")
    assert answer["content-range"] == f"bytes 4294967296-4294967299/{5 * 2**30}"
    assert client.get("/huge.bin", {"Range": "bytes=4294967294-4294967300"}).body == b"xyABCDz"
    assert client.head("/huge.bin")["content-length"] == str(5 * 2**30)


@rows("R301")
def test_a_file_that_was_replaced_is_not_resumed(
    mode: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": DIGITS, "new.txt": b"abcdefghij"})
    client = serve(root)
    tag = client.get("/t.txt")["etag"]
    os.replace(root / "new.txt", root / "t.txt")
    if mode == "memory":
        assert client.get("/t.txt").body == DIGITS
        client.files.refresh()
    answer = client.get("/t.txt", {"Range": "bytes=0-1", "If-Range": tag})
    assert (answer.status, answer.body) == (200, b"abcdefghij")
    assert answer["etag"] != tag
