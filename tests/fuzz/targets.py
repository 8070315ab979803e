"""What is fuzzed: each target takes any bytes, and fails where a property doesn't hold.

The header targets read the bytes as Latin-1, as the doors do; the others as a request's head:
`METHOD target`, then a field a line.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import unquote_to_bytes

from dualstatic import Answer, Request, StaticFiles, asgi, options, wsgi
from dualstatic.core import fields, paths
from dualstatic.core.media_types import MediaTypes
from tests.support.doors import make_environ, make_scope
from tests.support.hostile import FIELDS, SECRET, TARGETS
from tests.support.wire import pieces

from . import references

NOW, YEAR = 1.7e9, 2023
SCRIPT = bytes(range(256)) * 20
TREE = {
    "t.txt": b"0123456789",
    "app.js": SCRIPT,
    "app.js.gz": b"gzip" * 40,
    "app.js.br": b"br" * 40,
    "index.html": b"<h1>root",
    "sub/index.html": b"<h1>sub",
    "sub/a.txt": b"a",
    "404.html": b"<h1>none",
    ".env": SECRET,
}
MODES = ({"live": True}, {"memory": 0}, {})


def entity_tags(data: bytes) -> None:
    text = data.decode("latin-1")
    tags = fields.entity_tags(text)
    assert tags == references.entity_tags(text)
    one = tags and len(tags) == 1 and tags[0] == text and text != "*"
    assert fields.entity_tag(text) == (text if one else None)


def http_date(data: bytes) -> None:
    text = data.decode("latin-1")
    assert fields.http_date(text, NOW) == references.http_date(text, YEAR)


def byte_ranges(data: bytes) -> None:
    for text in (data.decode("latin-1"), "bytes=" + data.decode("latin-1")):
        for size in (10, 2**63 - 1):
            assert fields.byte_ranges(text, size) == references.byte_ranges(text, size)


def accepted_codings(data: bytes) -> None:
    text = data.decode("latin-1")
    assert fields.accepted_codings(text) == references.accepted_codings(text)


def gate(data: bytes) -> None:
    """A name is the path below the prefix, as it stands, or there is none."""
    for path in (data.decode("utf-8", "surrogateescape"), data.decode("utf-8", "replace")):
        for dotfiles in (False, True):
            name = paths.Gate("/s", dotfiles)(f"/s/{path}")
            assert name == (path if references.is_name(path, dotfiles) else None)
            assert paths.Gate("/s", dotfiles, windows=True)(f"/s/{path}") in (name, None)
            assert paths.Gate("/s", dotfiles)(f"/{path}") in (None, path[2:])
        MediaTypes({}, "utf-8")(path)


def admits(data: bytes) -> None:
    assert paths.admits(data, "/") == references.admits(data)


def relative_location(data: bytes) -> None:
    """It leads from a path to the same with a slash, has the query's bytes, and stays here."""
    path, _, query = data.partition(b"?")
    text = path.decode("utf-8", "replace")
    location = paths.relative_location(text, f"{text}/", query.decode("latin-1"))
    assert location.isascii()
    assert location.isprintable()
    way, _, asked = location.partition("?")
    assert unquote_to_bytes(way) == b"./" + text.rpartition("/")[2].encode() + b"/"
    assert way.count("/") == 2
    assert " " not in location
    assert unquote_to_bytes(asked) == unquote_to_bytes(query)


def answers(data: bytes) -> None:
    """Doors and modes agree on the answer, and its bytes are those of a file."""
    method, target, lines = head_of(data)
    environ, scope = make_environ(method, target, lines), make_scope(method, target, lines)
    seen = set()
    for files in all_files():
        path, asgi_path = wsgi._decoded(environ["PATH_INFO"]), asgi._path(scope)
        asked = wsgi._request(environ, path), asgi._request(scope, asgi_path)
        for request in asked:
            answer = files.answer(request)
            body = check(request, answer)
            seen.add(repr(answer and (answer.status, sorted(answer.headers), body)))
    assert len(seen) == 1, seen


def head_of(data: bytes) -> tuple[str, bytes, list[tuple[str, str]]]:
    first, *rest = data.split(b"\n")
    method, _, target = first.partition(b" ")
    split = [line.decode("latin-1").partition(":") for line in rest]
    lines = [(name, value.strip(" \t\r")) for name, colon, value in split if colon]
    return method.decode("latin-1"), target, lines


def check(request: Request, answer: Answer | None) -> bytes:
    """The bytes of an answer, which have the promised length and are a file's."""
    if answer is None:
        return b""
    assert answer.status in (200, 206, 304, 307, 412, 416)
    body, headers = b"".join(answer), dict(answer.headers)
    assert len(headers) == len(answer.headers)
    assert SECRET not in body
    if request.method == "GET" and answer.status != 304:
        assert headers["content-length"] == str(len(body))
    if request.method == "HEAD" or answer.status == 304:
        assert body == b""
    elif answer.status in (200, 206):
        parts = dict(pieces(answer.status, headers, body))
        asked = request.headers.get("range", "")
        assert any(are_of(whole, parts, answer.status, asked) for whole in TREE.values())
    return body


def are_of(whole: bytes, parts: dict[int, bytes], status: int, asked: str) -> bool:
    """Whether parts are all of a file or, in a 206, all that was asked for of it."""
    if status == 200:
        return parts == {0: whole}
    sent = {start + i for start, part in parts.items() for i in range(len(part))}
    wanted = set[int]().union(*(references.byte_ranges(asked, len(whole)) or ()))
    same = (whole[start : start + len(part)] == part for start, part in parts.items())
    return sent == wanted and all(same)


@cache
def all_files() -> list[StaticFiles]:
    """The tree in each mode, on the disk for as long as the process lives."""
    root = Path(folder.name)
    for name, content in TREE.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(content)
    return [StaticFiles(root, html=True, **mode) for mode in MODES]


folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)


def option_values(data: bytes) -> None:
    """A value is refused by ValueError, or is one that no field of an answer breaks at."""
    text = data.decode("utf-8", "replace")
    checks: list[Callable[[], object]] = [
        lambda: options.prefix(text),
        lambda: options.charset(text),
        lambda: options.cache_control(text)("name"),
        lambda: options.headers({text: "x"})("name"),
        lambda: options.headers({"x-name": text})("name"),
        lambda: options.media_types({".x": text}),
        lambda: options.media_types({text: "text/plain"}),
        lambda: options.encodings([text]),
        lambda: options.stored_encodings({text: "gzip"}),
    ]
    for check_value in checks:
        try:
            value = check_value()
        except ValueError:
            continue
        assert not {"\r", "\n", "\0"} & set(flat(value)) or value == {text: "text/plain"}
    try:
        prefix = options.prefix(text)
    except ValueError:
        return
    assert prefix == "" or (prefix[0], references.is_name(prefix[1:], True)) == ("/", True)


def flat(value: object) -> str:
    """All text in a value of an option."""
    if isinstance(value, dict):
        return "".join(map(flat, value.items()))
    return "".join(map(flat, value)) if isinstance(value, tuple) else str(value)


HEADS = [f"GET {target[:2000]}" for target in TARGETS]
HEADS += [f"{method} /app.js\n{n}: {v[:2000]}" for n, v in FIELDS for method in ("GET", "HEAD")]
HEADS += ["GET /app.js\nRange: bytes=0-9, 100-119,4000-\nAccept-Encoding: gzip;q=0", "GET /sub?a=b"]
HEADS += ["GET /t.txt\nIf-None-Match: *", 'GET /t.txt\nRange: bytes=1-\nIf-Range: "a"']
TAGS = ['"a", W/"b" ,, "c"', "*", '"a" "b"', '"a"b', ' ,"a', 'w/"a"', 'W/ "a"', '"\x7f"', '"a,"']
DATES = ["Tue, 02 Jan 2024 03:04:05 GMT", "Tuesday, 02-Jan-24 03:04:05 GMT"]
DATES += [
    "Tue Jan  2 03:04:05 2024",
    "Sat, 31 Dec 2016 23:59:60 GMT",
    "Sat, 31 Dec 2016 23:59:61 GMT",
]
DATES += ["Thu, 29 Feb 2024 00:00:00 GMT", "Tue, 29 Feb 2023 00:00:00 GMT"]
RANGES = [
    "0-1, 3-,-5",
    "5-2",
    "0-0," * 101,
    "0000000000000000000000001-2",
    "1-",
    "-",
    "",
    ",",
    "1--2",
]
CODINGS = [
    "gzip;q=0.5, br ; Q=1.000, *;q=0, x-gzip",
    "br;q=0.0001",
    "br;q=1.001",
    "a;q=0.",
    "a b;q",
]
NAMES = [
    ".well-known/x",
    ".well-known/.x",
    "a/.well-known/x",
    "..",
    "a/../b",
    "a/",
    "/a",
    "a\\b",
    "\x7f",
]


def values(*names: str) -> list[str]:
    """The hostile values of some fields."""
    return [value[:2000] for name, value in FIELDS if name in names]


def decoded(target: str) -> str:
    return unquote_to_bytes(target[1:2000]).decode("latin-1")


SEEDS: dict[Callable[[bytes], None], list[str]] = {
    entity_tags: [*values("If-None-Match", "If-Range"), *TAGS],
    http_date: [*values("If-Modified-Since"), *DATES],
    byte_ranges: [*values("Range"), *RANGES],
    accepted_codings: [*values("Accept-Encoding"), *CODINGS],
    gate: [*map(decoded, TARGETS), *NAMES],
    admits: [target[:2000] for target in TARGETS],
    relative_location: [target[:2000] for target in TARGETS],
    answers: HEADS,
    option_values: [
        "/static/",
        "text/html; charset=x",
        "no-cache",
        ".tar.gz",
        "X-Name",
        "br",
        "a\tb",
    ],
}
TARGET_NAMES = {target.__name__: target for target in SEEDS}

WORDS = 'bytes= , - " W/ * ; ;q= 0. 1.000 gzip br identity x- % %2e %2f %5c .. / // \\ ? # GET HEAD'
TOKENS = [
    *WORDS.split(" "),
    " ",
    "\t",
    "\n",
    "\r\n",
    "\x00",
    "\x7f",
    "\xff",
    "\xc3\xa9",
    "\xed\xa0\x80",
]
TOKENS += [
    *DATES,
    " GMT",
    "Monday",
    "Jan",
    ":60",
    "/t.txt",
    "/app.js",
    "/sub",
    ".env",
    ".well-known/",
]
TOKENS += [f"\n{name}: " for name in {name for name, _ in FIELDS}]
"""What libFuzzer puts in and out of an input, beside what it finds by itself."""
