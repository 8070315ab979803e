"""Group C: conditional requests (RFC 9110 section 13)."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tests.conftest import WITH_MEMORY
from tests.support.doors import Client, Everywhere
from tests.support.rows import PASS, Case, check, filled, rows, table
from tests.support.trees import LAST_MODIFIED, OLD

pytestmark = pytest.mark.usefixtures("aging")


@pytest.fixture(params=WITH_MEMORY)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


DIGITS = b"0123456789"
DAY_BEFORE = "Mon, 01 Jan 2024 03:04:05 GMT"
LATER = "Wed, 03 Jan 2024 00:04:05 GMT"  # 21 hours
ASCTIME = "Tue Jan  2 03:04:05 2024"
MIB = 1024 * 1024
STRONG = re.compile(r'"[\x21\x23-\x7e]+"')
BODY_FIELDS = ("content-type", "content-length", "content-encoding", "content-range")


def whole(row: str, *lines: tuple[str, str], method: str = "GET") -> Case:
    """The condition lets the file through."""
    body = DIGITS if method == "GET" else b""
    return Case(row, "/t.txt", 200, lines, method, has={"content-length": "10"}, body=body)


def unchanged(row: str, *lines: tuple[str, str], method: str = "GET") -> Case:
    """The client has it already: a 304 with the fields a cache needs and no others."""
    has = {"cache-control": "no-cache"}
    return Case(row, "/t.txt", 304, lines, method, has=has, lacks=BODY_FIELDS, body=b"")


def failed(row: str, *lines: tuple[str, str]) -> Case:
    """The client asked for another version."""
    return Case(row, "/t.txt", 412, lines, lacks=("content-range", "content-encoding"))


def match(value: str) -> tuple[str, str]:
    return "If-Match", value


def none_match(value: str) -> tuple[str, str]:
    return "If-None-Match", value


def since(value: str) -> tuple[str, str]:
    return "If-Modified-Since", value


def unmodified(value: str) -> tuple[str, str]:
    return "If-Unmodified-Since", value


RANGE = ("Range", "bytes=0-1")


@table(
    unchanged("C158", none_match("{E}")),
    unchanged("C159", none_match("W/{E}")),
    unchanged("C160", none_match("*")),
    unchanged("C161", none_match('"a", "b" , {E},"c"')),
    unchanged("C162", none_match('"a",{E}')),
    unchanged("C161", none_match("zzz-unquoted, {E}")),
    unchanged("C161", none_match('{E}, "unclosed')),
    whole("C161", none_match('zzz-unquoted, "a", x{E}')),
    unchanged("C163", none_match('"x, y", {E}')),
    unchanged("C164", none_match('"a"'), none_match("{E}")),
    whole("C165", none_match('"zzz"')),
    whole("C166", none_match("zzz-unquoted")),
    whole("C167", none_match("")),
    whole("C168", none_match(",")),
    whole("C169", none_match("w/{E}")),
    unchanged("C170", none_match("{E}"), since(DAY_BEFORE)),
    whole("C171", none_match('"zzz"'), since(LAST_MODIFIED)),
    unchanged("C188", none_match("{E}"), method="HEAD"),
    whole("C189", match("{E}")),
    failed("C190", match("W/{E}")),
    whole("C191", match("*")),
    failed("C192", match('"zzz"')),
    whole("C193", match('"a", {E}')),
    failed("C193", match("zzz-unquoted, {E}")),
    failed("C193", match('{E}, "unclosed')),
    whole("C199", match("{E}"), unmodified(DAY_BEFORE)),
    unchanged("C200", match("{E}"), none_match("{E}")),
    failed("C201", match('"q"'), none_match("{E}")),
    unchanged("C203", none_match("{E}"), ("Cache-Control", "no-cache")),
    unchanged("C204", none_match("{E}"), RANGE),
    failed("C205", match('"q"'), RANGE),
)
def test_a_tag_decides_whether_the_file_is_sent(
    case: Case, everywhere: Callable[..., Everywhere], tree: Callable[..., Path]
) -> None:
    client = everywhere(tree({"t.txt": DIGITS}))
    tag = client.get("/t.txt")["etag"]
    assert STRONG.fullmatch(tag)
    check(filled(case, E=tag), client)


@table(
    unchanged("C172", since(LAST_MODIFIED)),
    unchanged("C173", since(LATER)),
    whole("C174", since(DAY_BEFORE)),
    whole("C175", since("garbage")),
    unchanged("C176", since("Tuesday, 02-Jan-24 03:04:05 GMT")),
    whole("C176", since("Monday, 01-Jan-24 03:04:05 GMT")),
    unchanged("C177", since(ASCTIME)),
    whole("C177", since("Mon Jan  1 03:04:05 2024")),
    whole("C179", since("Tue, 02 Jan 2024 03:04:05 +9999")),
    unchanged("C180", since("Mon, 02 Jan 2024 03:04:05 GMT")),
    whole("C181", since(str(OLD))),
    whole("C182", since("Tue, 02 Jan 2024 03:04:05 +0000")),
    whole("C183", since("tue, 02 jan 2024 03:04:05 gmt")),
    whole("C184", since("Tue, 99 Foo 2024 99:99:99 GMT")),
    whole("C184", since("Tue, 02 Jan 0000 03:04:05 GMT")),
    whole("C184", since("Tue, 02 Jan 9999999 03:04:05 GMT")),
    whole("C184", since("Fri, 31 Feb 2025 03:04:05 GMT")),
    Case("C185", "/t.txt", (200, 304), (since("Tue, 02 Jan 2024 03:04:05 -0000"),)),
    Case("C187", "/t.txt", PASS, (since(LAST_MODIFIED),), "POST"),
    Case("C187", "/t.txt", 405, (since(LAST_MODIFIED),), "POST", app=False),
    Case("C194", "/nope.txt", PASS, (match("*"),)),
    Case("C194", "/nope.txt", 404, (match("*"),), app=False),
    whole("C195", unmodified(LAST_MODIFIED)),
    failed("C196", unmodified(DAY_BEFORE)),
    whole("C197", unmodified(LATER)),
    whole("C198", unmodified("garbage")),
    unchanged("C202", unmodified(LAST_MODIFIED), since(LAST_MODIFIED)),
)
def test_a_date_decides_where_no_tag_does(
    case: Case, everywhere: Callable[..., Everywhere], tree: Callable[..., Path]
) -> None:
    client = everywhere(tree({"t.txt": DIGITS}), app=case.app)
    assert client.get("/t.txt")["last-modified"] == LAST_MODIFIED
    check(case, client)


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def settle(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()
        assert time.timezone != 0

    yield settle
    monkeypatch.undo()
    time.tzset()


@rows("C178")
@pytest.mark.parametrize("name", ["EST5EDT,M3.2.0,M11.1.0", "JST-9"])
def test_a_date_is_utc_whatever_the_time_zone_of_the_process(
    name: str,
    zone: Callable[[str], None],
    serve: Callable[..., Client],
    tree: Callable[..., Path],
) -> None:
    zone(name)
    client = serve(tree({"t.txt": DIGITS}))
    assert client.get("/t.txt")["last-modified"] == LAST_MODIFIED
    assert client.get("/t.txt", [since(ASCTIME)]).status == 304
    assert client.get("/t.txt", [since("Tue Jan  2 03:04:04 2024")]).status == 200
    assert client.get("/t.txt", [unmodified(ASCTIME)]).status == 200
    assert client.get("/t.txt", [unmodified("Tue Jan  2 03:04:04 2024")]).status == 412


@rows("C186")
def test_fractions_of_a_second_are_cut_off_not_rounded(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": DIGITS})
    os.utime(root / "t.txt", ns=(OLD * 10**9, OLD * 10**9 + 678_000_000))
    client = serve(root)
    assert client.get("/t.txt")["last-modified"] == LAST_MODIFIED
    check(unchanged("C186", since(LAST_MODIFIED)), client)
    check(whole("C186", unmodified(LAST_MODIFIED)), client)
    check(whole("C186", since("Tue, 02 Jan 2024 03:04:04 GMT")), client)


@rows("C206")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_304_carries_what_a_cache_needs_of_the_200(
    method: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    extra = {
        "Expires": "Thu, 01 Jan 2099 00:00:00 GMT",
        "Content-Location": "/elsewhere/app.js",
        "Access-Control-Allow-Origin": "*",
        "Vary": "Origin",
    }
    root = tree({"app.js": b"x" * 200, "app.js.gz": b"g" * 53})
    client = serve(root, cache_control="public, max-age=60", headers=extra)
    coded = [("Accept-Encoding", "gzip")]
    full = client.ask(method, "/app.js", coded)
    assert full.status == 200
    assert full["content-encoding"] == "gzip"
    again = client.ask(method, "/app.js", [*coded, none_match(full["etag"])])
    assert again.status == 304
    assert again["cache-control"] == "public, max-age=60"
    for name in ("etag", "cache-control", "vary", *extra):
        assert again[name] == full[name], name
    assert {part.strip().lower() for part in again["vary"].split(",")} == {
        "accept-encoding",
        "origin",
    }
    for name in BODY_FIELDS:
        assert name not in again, name


@rows("C207")
def test_a_412_says_little(serve: Callable[..., Client], tree: Callable[..., Path]) -> None:
    answer = serve(tree({"t.txt": b"x" * 5000})).get("/t.txt", [match('"zzz"'), RANGE])
    assert answer.status == 412
    assert len(answer.body) < 100
    assert "content-type" in answer
    assert "content-range" not in answer
    assert "x" * 20 not in answer.body.decode()


@rows("C208", "C209")
def test_each_coding_has_its_own_tag_to_compare(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({"app.js": b"x" * 200, "app.js.gz": b"g" * 53}))
    coded = [("Accept-Encoding", "gzip")]
    plain_tag = client.get("/app.js")["etag"]
    gzip_tag = client.get("/app.js", coded)["etag"]
    assert plain_tag != gzip_tag
    other = client.get("/app.js", [*coded, none_match(plain_tag)])
    assert (other.status, other["content-encoding"]) == (200, "gzip")
    assert other.body == b"g" * 53
    same = client.get("/app.js", [*coded, none_match(gzip_tag)])
    assert (same.status, same["vary"].lower()) == (304, "accept-encoding")
    assert client.get("/app.js", [none_match(gzip_tag)]).status == 200
    assert client.get("/app.js", [none_match(plain_tag)]).status == 304


@rows("C210")
def test_a_time_in_the_future_is_never_told(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"future.txt": DIGITS})
    os.utime(root / "future.txt", (4102444800, 4102444800))
    client = serve(root)
    for answer in (client.get("/future.txt"), client.head("/future.txt")):
        assert answer.status == 200
        told = answer.get("last-modified")
        assert told is None or parsedate_to_datetime(told).timestamp() <= time.time()
    assert client.get("/future.txt", [none_match(answer["etag"])]).status == 304


@rows("C211")
@pytest.mark.parametrize("mtime", [0, 1, 315532800, 315532801])
def test_a_time_that_a_build_has_frozen_says_nothing(
    mtime: int, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    contents = {
        "a.txt": b"0123456789",
        "b.txt": b"0123456780",
        "a.bin": b"a" * (2 * MIB),
        "b.bin": b"a" * (2 * MIB - 1) + b"b",
    }
    root = tree({**contents, "huge.bin": b""})
    os.truncate(root / "huge.bin", 64 * MIB + 1)
    for name in (*contents, "huge.bin"):
        os.utime(root / name, (mtime, mtime))
    client = serve(root)
    answers = {name: client.head(f"/{name}") for name in contents}
    assert all(answer.status == 200 for answer in answers.values())
    assert not any("last-modified" in answer for answer in answers.values())
    assert len({answer["etag"] for answer in answers.values()}) == len(contents)
    assert all(STRONG.fullmatch(answer["etag"]) for answer in answers.values())
    for date in ("Thu, 01 Jan 1970 00:00:01 GMT", LAST_MODIFIED):
        assert client.get("/a.txt", [since(date)]).status == 200
        assert client.get("/a.txt", [RANGE, ("If-Range", date)]).status == 200
    huge = client.head("/huge.bin")
    assert (huge.status, huge["content-length"]) == (200, str(64 * MIB + 1))
    assert "etag" not in huge
    assert "last-modified" not in huge


@rows("C212")
@pytest.mark.parametrize("size", [10, 2 * MIB])
def test_a_time_before_1970_breaks_nothing(
    size: int, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"preepoch.txt": b"x" * size})
    os.utime(root / "preepoch.txt", ns=(-86_400_500_000_000, -86_400_500_000_000))
    assert (root / "preepoch.txt").stat().st_mtime < 0
    client = serve(root)
    answer = client.get("/preepoch.txt")
    assert (answer.status, len(answer.body)) == (200, size)
    told = answer.get("last-modified")
    assert told in (None, "Tue, 30 Dec 1969 23:59:59 GMT")
    assert client.get("/preepoch.txt", [none_match(answer["etag"])]).status == 304
    assert client.get("/preepoch.txt", [since(LAST_MODIFIED)]).status in (200, 304)
    assert client.get("/preepoch.txt", [unmodified(LAST_MODIFIED)]).status == 200


def keeps(path: Path, mtime: int) -> bool:
    """Set a time, and say whether the file system could hold it."""
    os.utime(path, (mtime, mtime))
    return int(path.stat().st_mtime) == mtime


@rows("C213")
@pytest.mark.parametrize("mtime", [2**33, 2**38, 2**55], ids=["2242", "10680", "far"])
@pytest.mark.parametrize("size", [10, 2 * MIB])
def test_a_time_that_no_date_can_write_is_left_out(
    mtime: int, size: int, serve: Callable[..., Client], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("www")
    memory = Path("/dev/shm") / f"dualstatic-{os.getpid()}"
    try:
        (root / "t.txt").write_bytes(b"x" * size)
        if not keeps(root / "t.txt", mtime) and memory.parent.is_dir():
            root = memory
            root.mkdir()
            (root / "t.txt").write_bytes(b"x" * size)
        if not keeps(root / "t.txt", mtime):
            pytest.skip("no file system here holds that time")
        client = serve(root)
        answer = client.get("/t.txt")
        assert (answer.status, len(answer.body)) == (200, size)
        assert "last-modified" not in answer
        assert client.get("/t.txt", [none_match(answer["etag"])]).status == 304
        assert client.get("/t.txt", [since(LAST_MODIFIED)]).status == 200
        assert client.get("/t.txt", [RANGE, ("If-Range", LAST_MODIFIED)]).status == 200
    finally:
        if memory.is_dir():
            (memory / "t.txt").unlink(missing_ok=True)
            memory.rmdir()


@rows("C214")
@pytest.mark.parametrize("size", [10, MIB])
def test_one_changed_byte_under_an_old_time_changes_the_tag(
    size: int, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"a.txt": b"x" * size, "b.txt": b"x" * (size - 1) + b"y"})
    client = serve(root)
    first = client.get("/a.txt")
    assert first["etag"] != client.get("/b.txt")["etag"]

    os.replace(root / "b.txt", root / "a.txt")
    assert (root / "a.txt").stat().st_mtime == OLD
    client.files.refresh()
    second = client.get("/a.txt", [none_match(first["etag"])])
    assert (second.status, second.body[-1:]) == (200, b"y")
    assert second["etag"] != first["etag"]


@rows("C215")
@pytest.mark.parametrize("base", ["d", "x"])
def test_time_and_size_do_not_run_into_each_other(
    base: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    number = 16 if base == "x" else 10
    mtime, size = 5704164645000000001, 80_000_000
    times, sizes = format(mtime, base), format(size, base)
    moved_to_size = int(times[:-1], number), int(times[-1] + sizes, number)
    moved_from_time = int(times[1:], number), int(sizes + times[0], number)
    files = {"a.bin": (mtime, size), "b.bin": moved_to_size, "c.bin": moved_from_time}
    root = tree(dict.fromkeys(files, b""))
    for name, (nanoseconds, length) in files.items():
        os.truncate(root / name, length)
        os.utime(root / name, ns=(nanoseconds, nanoseconds))
        assert (root / name).stat().st_mtime_ns == nanoseconds
    client = serve(root)
    tags = {client.head(f"/{name}")["etag"].removeprefix("W/") for name in files}
    assert len(tags) == len(files)


@rows("C216")
def test_a_file_just_written_is_not_resumed_by_its_date(
    serve: Callable[..., Client], tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the clock goes right
    root = tree({"t.txt": DIGITS, "big.bin": b""})
    os.truncate(root / "big.bin", 64 * MIB + 1)
    client = serve(root)
    os.utime(root / "t.txt")
    os.utime(root / "big.bin")
    client.files.refresh()
    small = client.get("/t.txt")
    assert STRONG.fullmatch(small["etag"])
    resumed = client.get("/t.txt", [RANGE, ("If-Range", small["last-modified"])])
    assert (resumed.status, resumed.body) == (200, DIGITS)
    assert client.get("/t.txt", [RANGE, ("If-Range", small["etag"])]).status == 206

    big = client.head("/big.bin")
    assert big["etag"].startswith('W/"')
    assert client.head("/big.bin", [none_match(big["etag"])]).status == 304
    assert client.get("/big.bin", [RANGE, ("If-Range", big["etag"])]).status == 200
    assert client.get("/big.bin", [match(big["etag"])]).status == 412
