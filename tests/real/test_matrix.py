"""One battery over real sockets for every server and every framework.

Every server serves a bare app at the root and at a mount point, every framework runs on one server
of its door. What one of them can't do stands in `EXCEPTIONS`, and is held like what it can.
"""

from __future__ import annotations

import re
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from urllib.parse import quote, urljoin

import pytest

from tests.support.doors import Answer
from tests.support.matrix import __main__ as matrix
from tests.support.matrix import asgi_apps, wsgi_apps
from tests.support.pages import section
from tests.support.servers import Server, eventually, free_port, serve
from tests.support.trees import noise
from tests.support.wire import Lines, Wire, pieces

PAGE = b"body { color: teal }\n" * 40
ZIPPED = b"what a browser unpacks"
HUGE = noise(16 * 2**20)
BIG = HUGE[: 3 * 2**19]
WORDS, NAMED = "two words/gr\u00fc\u00dfe \u2603.txt", b"spaces and letters"
FILES = {
    "page.css": PAGE,
    "page.css.gz": ZIPPED,
    "big.bin": BIG,  # more than an index keeps in memory
    "huge.bin": HUGE,  # more than all on the way to a client that reads nothing will take
    "sub/index.html": b"<h1>index</h1>",
    "two words/t.txt": b"words",
    WORDS: NAMED,
}
WITHIN = 10

MOUNT = "/mnt"
STRIPPED = ("uvicorn", "granian asgi")
"""Servers that take the mount point for what a proxy in front has taken off."""

ON = {"wsgi": "gunicorn gthread", "asgi": "uvicorn httptools"}
NOT_FOUND = {
    "bare": b"no such page",
    "flask": b"The requested URL was not found on the server.",
    "django": b"The requested resource was not found on this server.",
    "falcon": b'{"title": "404 Not Found"}',
    "bottle": b"<title>Error: 404 Not Found</title>",
    "pyramid": b"The resource could not be found.",
    "fastapi": b'{"detail":"Not Found"}',
    "starlette": b"Not Found",
    "litestar": b'{"status_code":404,"detail":"Not Found"}',
    "quart": b"The requested URL was not found on the server.",
}

GO_ON = ("go on after a file", "go on after a 304", "go on after a HEAD")
STREAM = ("read a file no faster than the client", "read a range no faster than the client")
LETTERS = "find a name beyond ASCII"
ENCODED = "tell an encoded slash from a slash"
SLASHES = "tell two slashes at the start from one"
INNER = "tell two slashes within from one"
ANY = "give any file"
AHEAD = "read a file no faster than the client, over HTTP/2"
ENDED = "tell that a client has left at the end of an answer, over HTTP/2"
HYPERCORN = {
    AHEAD: "over HTTP/2, takes a whole file into memory, ahead of a slow client",
    ENDED: "keeps the task of an answer, an app's too, whose client leaves before its end is taken",
}
CLOSES = dict.fromkeys(GO_ON, "closes the connection after each answer")
MERGES = {SLASHES: "makes one slash of several at the start of a path"}
EXCEPTIONS: dict[str, dict[str, str]] = {
    "gunicorn sync": CLOSES,
    "waitress": {
        GO_ON[1]: "closes the connection after a 304",
        STREAM[1]: "reads up to 16 MiB of a range ahead of a slow client",
        **MERGES,
    },
    "werkzeug": CLOSES | MERGES,
    "granian wsgi": {ENCODED: "can't tell an encoded slash from a slash"},
    "hypercorn asyncio": HYPERCORN,
    "hypercorn trio": HYPERCORN,
    "daphne": dict.fromkeys(STREAM, "reads a file into memory, ahead of a slow client"),
    "bottle mount": {LETTERS: "as a mount, finds no name beyond ASCII"},
    "pyramid wsgiapp2": {INNER: "as a view, makes one slash of several"},
    "litestar mount": dict.fromkeys((INNER, SLASHES), "as a mount, makes one slash of several"),
    "litestar middleware": {ANY: "as a middleware, is asked for its own routes only"},
}
"""What a server or framework can't do, and the page's words for it."""


@dataclass
class Place:
    """An app that runs; targets are below `base`, which the server or a proxy takes off."""

    server: Server
    name: str
    app: str
    base: str = ""

    @property
    def mounted(self) -> bool:
        """Whether the files are an app of their own, with no other behind them."""
        return self.app.endswith((" mount", " wsgiapp2"))

    def can(self, what: str) -> bool:
        return what not in EXCEPTIONS.get(self.name, ())

    def wire(self) -> Wire:
        return Wire(self.server.address)

    def ask(self, method: str, target: str, lines: Lines = ()) -> Answer:
        return self.asks((method, target, lines))[0]

    def post(self, target: str, body: bytes) -> Answer:
        fields = {"Content-Type": "application/octet-stream"}
        return self.server.ask("POST", self.base + target, fields, body)

    def get(self, target: str, lines: Lines = ()) -> Answer:
        return self.ask("GET", target, lines)

    def asks(self, *requests: tuple[str, str, Lines]) -> list[Answer]:
        """Answers on one connection, or on a new one where the server has closed it."""
        wire = self.wire()
        try:
            return [
                wire.ask(method, self.base + target, lines) for method, target, lines in requests
            ]
        except (OSError, AssertionError) as error:
            raise AssertionError(f"{requests}: {error!r}\n{self.server.words()}") from error
        finally:
            wire.close()

    def keeps(self, method: str, target: str, lines: Lines = ()) -> bool:
        """Whether the connection takes another request after this one."""
        wire = self.wire()
        wire.ask(method, self.base + target, lines)
        link = wire.link
        answer = wire.ask("GET", f"{self.base}/static/page.css")
        kept = link is not None and wire.link is link
        wire.close()
        assert answer.body == PAGE
        return kept


PLACES = [(server, "bare", mount) for server in matrix.SERVERS for mount in ("", MOUNT)]
PLACES += [(ON["wsgi"], app, "") for app in wsgi_apps.APPS if app != "bare"]
PLACES += [(ON["asgi"], app, "") for app in asgi_apps.APPS if app != "bare"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("matrix") / "www"
    for name, content in FILES.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return directory


@contextmanager
def start(server: str, app: str, directory: Path, logs: Path, mount: str = "") -> Iterator[Place]:
    command = ("-m", "tests.support.matrix", server, app, directory, str(free_port()), mount)
    with serve(*command, logs=logs) as running:
        base = "" if server.startswith(STRIPPED) else mount
        yield Place(running, server if app == "bare" else app, app, base)


@pytest.fixture(scope="module", params=PLACES, ids=lambda place: " ".join(filter(None, place)))
def place(
    request: pytest.FixtureRequest, directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """It prints no traceback until its end, or the last test fails."""
    server, app, mount = request.param
    with start(server, app, directory, tmp_path_factory.mktemp("logs"), mount) as place:
        yield place


PREFIXES = ("/static", "/live")
PATHS = [f"{prefix}/{name}" for prefix in PREFIXES for name in ("page.css", "big.bin")]


def content_of(target: str) -> bytes:
    return FILES[target.rpartition("/")[2]]


def test_a_file_arrives_byte_for_byte(place: Place) -> None:
    for prefix in PREFIXES:
        answer = place.get(f"{prefix}/page.css")
        assert (answer.status, answer.body) == (200, PAGE), prefix
        assert answer["content-type"] == "text/css; charset=utf-8"
        assert answer["content-length"] == str(len(PAGE))
        assert re.fullmatch(r'"[^"]+"', answer["etag"])


def test_a_large_file_arrives_byte_for_byte(place: Place) -> None:
    for prefix in PREFIXES:
        answer = place.get(f"{prefix}/huge.bin")
        assert answer.status == 200, prefix
        assert answer.body == HUGE, prefix
        assert answer["content-type"] == "application/octet-stream"
        assert answer["content-length"] == str(len(HUGE))
        assert "etag" in answer


def test_a_second_ask_gets_304_and_then_the_next_answer(place: Place) -> None:
    for target in PATHS:
        tag = [("If-None-Match", place.get(target)["etag"])]
        first, again, after = place.asks(
            ("GET", target, tag), ("GET", target, tag), ("GET", target, ())
        )
        assert (first.status, first.body) == (304, b""), target
        assert (again.status, again.body) == (304, b""), target
        assert (after.status, after.body) == (200, content_of(target)), target


def test_a_connection_goes_on_after_an_answer(place: Place) -> None:
    kept = {
        "small": place.keeps("GET", "/static/page.css"),
        "large": place.keeps("GET", "/static/big.bin"),
        "304": place.keeps("GET", "/static/page.css", [("If-None-Match", "*")]),
        "HEAD": place.keeps("HEAD", "/static/page.css"),
    }
    can = dict(zip(kept, map(place.can, (GO_ON[0], *GO_ON)), strict=True))
    assert kept == can


def test_a_head_has_the_fields_of_the_get_and_no_body(place: Place) -> None:
    for target in PATHS:
        head, get = place.asks(("HEAD", target, ()), ("GET", target, ()))
        assert (head.status, head.body) == (200, b""), target
        assert get.body == content_of(target)
        for field in ("content-length", "content-type", "etag", "accept-ranges"):
            assert head[field] == get[field], (target, field)


RANGES = {"5-9": slice(5, 10), "-7": slice(-7, None), "100-": slice(100, None)}


def test_a_range_arrives_byte_for_byte(place: Place) -> None:
    for target, (asked, part) in product(PATHS, RANGES.items()):
        content = content_of(target)
        answer = place.get(target, [("Range", f"bytes={asked}")])
        first, end, _ = part.indices(len(content))
        assert (answer.status, answer.body) == (206, content[part]), (target, asked)
        assert answer["content-range"] == f"bytes {first}-{end - 1}/{len(content)}"
        assert answer["content-length"] == str(end - first)


def test_several_ranges_put_together_are_the_file(place: Place) -> None:
    cut = len(BIG) // 2
    ranges = [("Range", f"bytes=0-9,{cut}-{cut + 70_000},-1000")]
    for prefix in PREFIXES:
        answer = place.get(f"{prefix}/big.bin", ranges)
        assert answer.status == 206, prefix
        assert answer["content-length"] == str(len(answer.body))
        headers = {name.lower(): value for name, value in answer.fields}
        parts = list(pieces(answer.status, headers, answer.body))
        assert [first for first, _ in parts] == [0, cut, len(BIG) - 1000]
        assert [len(part) for _, part in parts] == [10, 70_001, 1000]
        for first, part in parts:
            assert BIG[first : first + len(part)] == part


def test_a_range_beyond_the_end_gets_416_and_then_the_next_answer(place: Place) -> None:
    beyond = [("Range", "bytes=99999999-")]
    for target in PATHS:
        answer, after = place.asks(("GET", target, beyond), ("GET", target, ()))
        assert answer.status == 416, target
        assert answer["content-range"] == f"bytes */{len(content_of(target))}"
        assert after.body == content_of(target)


def test_a_precompressed_file_is_sent_to_who_takes_it(place: Place) -> None:
    gzip = [("Accept-Encoding", "gzip")]
    for target in (f"{prefix}/page.css" for prefix in PREFIXES):
        zipped, plain = place.asks(("GET", target, gzip), ("GET", target, ()))
        assert (zipped.body, zipped["content-encoding"]) == (ZIPPED, "gzip"), target
        assert zipped["content-type"] == plain["content-type"]
        assert (plain.body, "content-encoding" in plain) == (PAGE, False), target
        assert zipped["vary"] == plain["vary"] == "Accept-Encoding"
        assert zipped["etag"] != plain["etag"]


def test_a_folder_shows_its_index_and_is_redirected_to_its_slash(place: Place) -> None:
    for prefix in PREFIXES:
        assert place.get(f"{prefix}/sub/").body == FILES["sub/index.html"]
        answer = place.get(f"{prefix}/sub?q=1")
        assert answer.status == 307
        asked = f"http://test{place.base}{prefix}/sub?q=1"
        assert urljoin(asked, answer["location"]) == f"http://test{place.base}{prefix}/sub/?q=1"


def test_a_name_of_words_and_letters_is_found(place: Place) -> None:
    for prefix in PREFIXES:
        assert place.get(f"{prefix}/two%20words/t.txt").body == b"words"
        answer = place.get(f"{prefix}/{quote(WORDS)}")
        found = (answer.status, answer.body) == (200, NAMED)
        assert found == place.can(LETTERS), prefix


def test_an_encoded_slash_is_a_miss(place: Place) -> None:
    for prefix in PREFIXES:
        answer = place.get(f"{prefix}/sub%2findex.html")
        assert (answer.status == 404) == place.can(ENCODED), prefix


def test_a_path_with_two_slashes_is_no_file(place: Place) -> None:
    for prefix in PREFIXES:
        assert (place.get(f"{prefix}//page.css").status != 200) == place.can(INNER), prefix
        if not place.base:
            assert (place.get(f"/{prefix}/page.css").status != 200) == place.can(SLASHES), prefix


def test_a_miss_is_the_answer_of_the_app(place: Place) -> None:
    said = NOT_FOUND[place.app.split()[0]]
    for prefix in PREFIXES:
        answer = place.get(f"{prefix}/nothing-here")
        assert answer.status == 404, prefix
        if place.mounted:
            assert answer.body == b"Not Found\n", prefix
        else:
            assert said in answer.body, prefix
    assert said in place.get("/nothing-here").body


def test_a_route_of_the_app_is_its_own(place: Place) -> None:
    answer = place.get("/hello")
    assert (answer.status, answer.body) == (200, b"hello")


def test_a_form_sent_to_the_path_of_a_file_reaches_the_app(place: Place) -> None:
    answer = place.post("/static/page.css", b"12345")
    if place.mounted:
        assert (answer.status, answer["allow"]) == (405, "GET, HEAD")
    else:
        assert (answer.status, answer.body) == (200, b"5 bytes")


def test_a_file_that_was_replaced_is_new_at_once_or_at_the_refresh(
    place: Place, directory: Path
) -> None:
    path, new = directory / "new.txt", directory / "new.part"
    for content in (b"old", b"newer"):
        new.write_bytes(content)
        new.replace(path)
        assert place.get("/live/new.txt").body == content
        assert place.get("/refresh").body == b"refreshed"
        assert place.get("/static/new.txt").body == content


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("what", "lines"),
    list(zip(STREAM, ["", "Range: bytes=1000-\r\n"], strict=True)),
    ids=["whole", "range"],
)
def test_a_client_that_leaves_leaves_no_open_file(
    place: Place, directory: Path, what: str, lines: str
) -> None:
    path, server = str((directory / "huge.bin").resolve()), place.server
    eventually(lambda: path not in server.open_files(), WITHIN, server.words)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(WITHIN)
        client.connect(server.address)
        target = f"{place.base}/static/huge.bin"
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: test\r\n{lines}\r\n".encode())
        assert client.recv(8) == b"HTTP/1.1"
        if place.can(what):
            eventually(lambda: path in server.open_files(), WITHIN, server.words)
            time.sleep(0.02)
            assert path in server.open_files()
        else:
            eventually(lambda: path not in server.open_files(), WITHIN, server.words)
    eventually(lambda: path not in server.open_files(), WITHIN, server.words)
    assert place.get("/static/page.css").body == PAGE


@pytest.mark.parametrize("app", asgi_apps.UNABLE)
def test_a_way_in_which_no_file_is_found_is_known(
    app: str, directory: Path, tmp_path: Path
) -> None:
    with start(ON["asgi"], app, directory, tmp_path) as place:
        assert place.get("/hello").body == b"hello"
        found = place.get("/static/page.css").body == PAGE
        assert found == place.can(ANY)


def rows_of_the_readme() -> dict[str, tuple[str, str]]:
    """What the page says of a server or framework: how it was tried, and what it can't do."""
    text = section("## Servers and frameworks")
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \| ?([^|]*?) ?\|$", text, re.MULTILINE)
    return {name.lower(): (ways, words) for name, ways, words in rows}


def test_the_readme_says_what_each_server_and_framework_cannot_do() -> None:
    rows = rows_of_the_readme()
    frameworks = {app.split()[0] for app in (*wsgi_apps.APPS, *asgi_apps.APPS)} - {"bare"}
    for name in (*matrix.SERVERS, *frameworks):
        known = [words for key, words in EXCEPTIONS.items() if f"{key} ".startswith(f"{name} ")]
        words = dict.fromkeys(word for each in known for word in each.values())
        assert rows[name][1] == "; ".join(words), name
    assert rows.keys() - frameworks - {"server", "framework", "---"} == set(matrix.SERVERS)


def test_the_readme_names_each_way_that_was_tried() -> None:
    rows = rows_of_the_readme()
    for app in (*wsgi_apps.APPS, *asgi_apps.APPS):
        name, _, way = app.partition(" ")
        assert name == "bare" or (way or "wrapped") in rows[name][0], app
