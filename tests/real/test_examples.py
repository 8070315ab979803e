"""The examples and `python -m dualstatic`, each on its real server, asked over a real socket."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
import re
import shutil
import socket
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, IncompleteRead
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from starlette import routing
from starlette.applications import Starlette
from waitress.buffers import ReadOnlyFileBasedBuffer

from dualstatic import Answer as Opened
from dualstatic import Request, StaticFiles
from dualstatic.disk.body import FileChanged
from dualstatic.wsgi import StaticMiddleware
from tests.support.doors import Answer, Client, make_environ
from tests.support.servers import ROOT, Server, eventually, exchange, free_port, run, serve
from tests.support.trees import noise, write_tree

EXAMPLES = ROOT / "examples"
SITE = EXAMPLES / "site"
CODINGS = {".gz": "gzip", ".br": "br", ".zst": "zstd"}
SIBLINGS = sorted(path for path in SITE.rglob("*") if path.suffix in CODINGS)
PLAIN = sorted(path for path in SITE.rglob("*") if path.is_file() and path.suffix not in CODINGS)
NOT_FOUND = (SITE / "404.html").read_bytes()
STYLE = (SITE / "css/style.css").read_bytes()
NAVIGATION = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}
BIG = 20 * 1024 * 1024

Start = Callable[..., Server]


@dataclass(frozen=True)
class Mount:
    """Where a script serves the site, and on what; its server hangs up `after` such an answer."""

    script: str
    path: str
    app: bool = True
    after: int = 0


MOUNTS = {
    "flask": Mount("flask_app.py", "/static"),
    "django": Mount("django_asgi.py", "/static"),
    "fastapi mount": Mount("fastapi_app.py", "/static"),
    "fastapi middleware": Mount("fastapi_app.py", "/site"),
    # Waitress closes after every answer without a Content-Length, which a 304 never has.
    "plain": Mount("plain_stack.py", "/static", after=304),
    "http.server": Mount("http_server.py", "", app=False),
}


@dataclass
class Site:
    """One mount of a running example; targets are below the mount."""

    server: Server
    mount: Mount

    def get(self, target: str, fields: dict[str, str] | None = None) -> Answer:
        return self.ask("GET", target, fields)

    def ask(
        self,
        method: str,
        target: str,
        fields: dict[str, str] | None = None,
        connection: HTTPConnection | None = None,
    ) -> Answer:
        return self.server.ask(method, self.mount.path + target, fields or {}, None, connection)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start a Python program once, and end it with the module."""
    running: dict[tuple[str, ...], Server] = {}
    with ExitStack() as stack:

        def start(*arguments: str | Path, port: bool = False) -> Server:
            key = tuple(map(str, arguments))
            if key not in running:
                command = [*key, str(free_port())] if port else key
                logs = tmp_path_factory.mktemp("logs")
                running[key] = stack.enter_context(serve(*command, logs=logs))
            return running[key]

        yield start


@pytest.fixture(scope="module", params=MOUNTS.values(), ids=MOUNTS)
def site(request: pytest.FixtureRequest, start: Start) -> Site:
    mount: Mount = request.param
    return Site(start(EXAMPLES / mount.script, port=True), mount)


def sites(*names: str) -> pytest.MarkDecorator:
    """Run a test on some of the mounts only."""
    return pytest.mark.parametrize("site", [MOUNTS[n] for n in names], ids=names, indirect=True)


BEHIND = sites(*(name for name, mount in MOUNTS.items() if mount.app))
BELOW = sites(*(name for name, mount in MOUNTS.items() if mount.path))


def relative(path: Path) -> str:
    return path.relative_to(SITE).as_posix()


# The site itself.


def test_each_coding_has_a_sibling_in_the_site():
    assert {CODINGS[path.suffix] for path in SIBLINGS} == {"gzip", "br", "zstd"}


@pytest.mark.parametrize("sibling", SIBLINGS, ids=relative)
def test_a_sibling_in_the_site_is_smaller_than_its_file(sibling: Path):
    assert sibling.stat().st_size < sibling.with_suffix("").stat().st_size


@pytest.mark.parametrize("sibling", [p for p in SIBLINGS if p.suffix == ".gz"], ids=relative)
def test_a_gzip_sibling_in_the_site_holds_its_file(sibling: Path):
    assert gzip.decompress(sibling.read_bytes()) == sibling.with_suffix("").read_bytes()


# Every example.


def test_each_file_of_the_site_is_served_byte_for_byte(site: Site):
    for path in PLAIN:
        answer = site.get(f"/{relative(path)}")
        assert answer.status == 200, path
        assert answer.body == path.read_bytes(), path
        assert answer["content-length"] == str(path.stat().st_size), path


TYPES = {
    "/index.html": "text/html; charset=utf-8",
    "/css/style.css": "text/css; charset=utf-8",
    "/js/main.js": "text/javascript; charset=utf-8",
    "/js/tide.js": "text/javascript; charset=utf-8",
    "/img/logo.svg": "image/svg+xml",
    "/wasm/add.wasm": "application/wasm",
}


def test_a_browser_gets_the_media_type_it_insists_on(site: Site):
    answers = {target: site.get(target) for target in TYPES}
    assert {target: answer["content-type"] for target, answer in answers.items()} == TYPES
    assert {answer["x-content-type-options"] for answer in answers.values()} == {"nosniff"}


@pytest.mark.parametrize(
    ("target", "name"),
    [("/", "index.html"), ("/?day=2", "index.html"), ("/about/", "about/index.html")],
)
def test_a_directory_shows_its_index(site: Site, target: str, name: str):
    answer = site.get(target)
    assert answer.status == 200
    assert answer.body == (SITE / name).read_bytes()


@pytest.mark.parametrize("query", ["", "?from=home&x=%2F"])
def test_a_directory_without_its_slash_redirects_below_the_mount(site: Site, query: str):
    answer = site.get(f"/about{query}")
    assert answer.status == 307
    assert answer.body == b""
    asked = f"http://example.test{site.mount.path}/about{query}"
    assert urljoin(asked, answer["location"]) == (
        f"http://example.test{site.mount.path}/about/{query}"
    )
    assert not urlsplit(answer["location"]).netloc


@BELOW
def test_a_mount_without_its_slash_redirects_to_the_site(site: Site):
    answer = site.get("")
    assert answer.status == 307
    asked = urljoin(site.server.url, site.mount.path)
    assert urljoin(asked, answer["location"]) == f"{asked}/"


def test_the_second_ask_with_the_tag_gets_304(site: Site):
    first = site.get("/css/style.css")
    again = site.get("/css/style.css", {"If-None-Match": first["etag"]})
    assert again.status == 304
    assert again.body == b""
    assert again["etag"] == first["etag"]
    assert again["vary"] == first["vary"]


def test_whitespace_around_a_date_is_no_part_of_it(site: Site):
    date = site.get("/")["last-modified"]
    answer = site.get("/", {"If-Modified-Since": f" {date} \t"})
    assert (answer.status, answer.body) == (304, b"")


def test_two_ranges_put_together_are_the_file(site: Site):
    half = len(STYLE) // 2
    ranges = [f"bytes=0-{half - 1}", f"bytes={half}-"]
    first, second = [site.get("/css/style.css", {"Range": value}) for value in ranges]
    assert (first.status, second.status) == (206, 206)
    assert first["content-range"] == f"bytes 0-{half - 1}/{len(STYLE)}"
    assert second["content-range"] == f"bytes {half}-{len(STYLE) - 1}/{len(STYLE)}"
    assert first["etag"] == second["etag"]
    assert first.body + second.body == STYLE


def test_a_range_past_the_end_gets_416(site: Site):
    answer = site.get("/css/style.css", {"Range": f"bytes={len(STYLE)}-"})
    assert answer.status == 416
    assert answer["content-range"] == f"bytes */{len(STYLE)}"


def test_head_has_the_fields_of_get_and_no_body(site: Site):
    get, head = site.get("/css/style.css"), site.ask("HEAD", "/css/style.css")
    assert head.status == 200
    assert head.body == b""
    changing = {"date", "server-timing", "x-request-id"}
    for name in {name.lower() for name, _ in get.fields} - changing:
        assert head.get(name) == get[name], name
    assert head["content-length"] == str(len(STYLE))


def test_a_coding_that_the_client_takes_gets_the_sibling(site: Site):
    for sibling in SIBLINGS:
        target = f"/{relative(sibling.with_suffix(''))}"
        answer = site.get(target, {"Accept-Encoding": CODINGS[sibling.suffix]})
        assert answer.status == 200, sibling
        assert answer["content-encoding"] == CODINGS[sibling.suffix], sibling
        assert answer["vary"].lower() == "accept-encoding", sibling
        assert answer.body == sibling.read_bytes(), sibling
        plain = site.get(target)
        assert answer["content-type"] == plain["content-type"], sibling
        assert answer["etag"] != plain["etag"], sibling


def test_a_browser_gets_the_smallest_of_the_siblings(site: Site):
    answer = site.get("/css/style.css", {"Accept-Encoding": "gzip, deflate, br, zstd"})
    smallest = min(SITE.glob("css/style.css.*"), key=lambda path: path.stat().st_size)
    assert answer.body == smallest.read_bytes()


DISGUISED = [
    "/..%2f{script}",
    "/%2e%2e/{script}",
    "/%2e%2e%2f{script}",
    "/about/..%2f..%2f{script}",
    "/..%5c{script}",
    "/../{script}",
    "/about%2findex.html",
    "/about%5cindex.html",
    "/css/..%2findex.html",
    "//index.html",
    "/index.html%00",
    "/index.html%ff",
]


def test_a_disguised_target_gets_no_file(site: Site):
    for target in DISGUISED:
        answer = site.get(target.format(script=site.mount.script))
        assert 400 <= answer.status < 500, target
        assert b"import" not in answer.body, target
        assert answer.body != (SITE / "index.html").read_bytes(), target
        assert answer.body != (SITE / "about/index.html").read_bytes(), target


def test_one_connection_carries_many_requests(site: Site):
    tag = site.get("/css/style.css")["etag"]
    requests: list[tuple[str, str, dict[str, str], int]] = [
        ("GET", "/", {}, 200),
        ("GET", "/css/style.css", {}, 200),
        ("GET", "/css/style.css", {"If-None-Match": tag}, 304),
        ("GET", "/css/style.css", {"Range": "bytes=1-4"}, 206),
        ("GET", "/css/style.css", {"Range": "bytes=99999-"}, 416),
        ("GET", "/css/style.css", {"If-Match": '"other"'}, 412),
        ("HEAD", "/js/main.js", {}, 200),
        ("GET", "/about", {}, 307),
        ("GET", "/nothing-here", {}, 404),
        ("HEAD", "/nothing-here", {}, 404),
        ("GET", "/wasm/add.wasm", {"Accept-Encoding": "br"}, 200),
    ]
    with closing(site.server.connect()) as connection:
        connection.connect()
        first = connection.sock
        for method, target, fields, status in requests:
            answer = site.ask(method, target, fields, connection)
            assert (target, answer.status) == (target, status)
            if status == site.mount.after:
                assert answer["connection"] == "close"
                connection.connect()
                first = connection.sock
            assert connection.sock is first, f"closed after {method} {target}"
        assert answer.body == (SITE / "wasm/add.wasm").read_bytes()


# What the files leave to the app.


@BEHIND
def test_the_app_answers_its_own_route(site: Site):
    answer = site.server.get("/")
    assert answer.status == 200
    assert b"<h1>" in answer.body
    assert "etag" not in answer


@BEHIND
def test_a_post_reaches_the_app_with_its_body(site: Site):
    fields = {"Content-Type": "text/plain"}
    answer = site.server.ask("POST", "/api/echo", fields, b"high water")
    assert answer.status == 200
    assert json.loads(answer.body) == {"length": 10, "text": "high water"}


@BEHIND
def test_a_post_to_a_file_is_left_to_the_app(site: Site):
    answer = site.ask("POST", "/css/style.css")
    assert answer.status in (404, 405)
    assert answer.body != STYLE


@pytest.mark.parametrize("name", ["flask", "django", "fastapi middleware", "plain"])
def test_a_miss_below_the_prefix_gets_the_answer_of_the_app(start: Start, name: str):
    mount = MOUNTS[name]
    server = start(EXAMPLES / mount.script, port=True)
    answer = server.get(f"{mount.path}/nothing-here", NAVIGATION)
    assert answer.status == 404
    assert answer.body == server.get("/nothing-here", NAVIGATION).body
    assert answer.body != NOT_FOUND


@pytest.mark.parametrize("name", ["fastapi mount", "http.server"])
@pytest.mark.parametrize("target", ["/nothing-here", "/about/nothing/here"])
def test_a_lost_visitor_gets_the_404_page_where_no_app_is_asked(
    start: Start, name: str, target: str
):
    mount = MOUNTS[name]
    site = Site(start(EXAMPLES / mount.script, port=True), mount)
    answer = site.get(target, NAVIGATION)
    assert answer.status == 404
    assert answer.body == NOT_FOUND
    assert answer["content-type"] == "text/html; charset=utf-8"


def test_a_middleware_outside_sees_the_answers_of_files_and_app(start: Start):
    server = start(EXAMPLES / "plain_stack.py", port=True)
    numbers = []
    for target in ("/static/css/style.css", "/", "/static/nothing-here"):
        answer = server.get(target)
        assert answer["server-timing"].startswith("app;dur=")
        numbers.append(answer["x-request-id"])
    assert len(set(numbers)) == 3


# Large bodies.


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """The examples with a large file in their site, and that file's content."""
    folder = tmp_path_factory.mktemp("copies")
    shutil.copytree(SITE, folder / "site")
    for script in EXAMPLES.glob("*.py"):
        shutil.copy(script, folder)
    content = noise(BIG)
    (folder / "site/big.bin").write_bytes(content)
    return folder, content


@pytest.fixture(
    scope="module", params=["flask", "fastapi mount", "plain", "http.server"], ids=lambda name: name
)
def big(request: pytest.FixtureRequest, start: Start, copies: tuple[Path, bytes]) -> Site:
    mount = MOUNTS[request.param]
    return Site(start(copies[0] / mount.script, port=True), mount)


def test_a_large_file_arrives_byte_for_byte(big: Site, copies: tuple[Path, bytes]):
    answer = big.get("/big.bin")
    assert answer["content-length"] == str(BIG)
    assert answer["content-type"] == "application/octet-stream"
    assert answer.body == copies[1]


def test_a_large_file_arrives_in_two_ranges(big: Site, copies: tuple[Path, bytes]):
    cut = BIG // 3 + 1
    parts = [
        big.get("/big.bin", {"Range": f"bytes={part}"}) for part in (f"0-{cut - 1}", f"{cut}-")
    ]
    assert [part.status for part in parts] == [206, 206]
    assert b"".join(part.body for part in parts) == copies[1]


@pytest.mark.parametrize("fields", ["", "Range: bytes=1-\r\n"], ids=["whole", "range"])
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_client_that_leaves_in_the_middle_leaves_no_open_file(
    big: Site, copies: tuple[Path, bytes], fields: str
):
    path = str((copies[0] / "site/big.bin").resolve())
    server = big.server
    assert path not in server.open_files()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(10)
        client.connect(server.address)
        request = f"GET {big.mount.path}/big.bin HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"
        client.sendall(request.encode())
        assert client.recv(8) == b"HTTP/1.1"
        eventually(lambda: path in server.open_files(), 10, server.words)
    eventually(lambda: path not in server.open_files(), 10, server.words)
    assert big.get("/css/style.css").body == STYLE


@pytest.mark.parametrize("name", ["flask", "fastapi mount", "plain", "http.server"])
def test_a_file_that_shrinks_on_its_way_ends_the_connection(
    copies: tuple[Path, bytes], tmp_path: Path, name: str
):
    mount = MOUNTS[name]
    path = copies[0] / "site/shrinking.bin"
    path.write_bytes(bytes(BIG))
    script = copies[0] / mount.script
    with serve(script, str(free_port()), logs=tmp_path, calm=False) as server:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(10)
            client.connect(server.address)
            lines = f"{mount.path}/shrinking.bin HTTP/1.1\r\nHost: localhost\r\n\r\n"
            client.sendall(f"GET {lines}HEAD {lines}".encode())
            received = client.recv(4096)
            with path.open("r+b") as file:
                file.truncate(4096)
            received += read_to_the_end(client)
        assert received.count(b"HTTP/1.1") == 1, "the next answer was sent as the rest of this one"
        assert len(received) < BIG
        assert server.get(f"{mount.path}/shrinking.bin").body == bytes(4096)


@pytest.mark.parametrize("size", [4096, BIG // 2])
def test_waitress_measures_a_whole_file_by_what_was_promised(tmp_path: Path, size: int):
    path, promised = tmp_path / "big.bin", BIG // 4
    path.write_bytes(bytes(promised))
    door = StaticMiddleware(files=StaticFiles(tmp_path))
    environ = make_environ("GET", b"/big.bin", ())
    environ["wsgi.file_wrapper"] = ReadOnlyFileBasedBuffer
    body: Any = door(environ, lambda status, headers, exc_info=None: lambda data: None)
    with path.open("r+b") as file:
        file.truncate(size)
    measured = body.prepare(promised)
    with suppress(FileChanged):
        body.close()
    assert measured == promised


def read_to_the_end(client: socket.socket) -> bytes:
    received = bytearray()
    try:
        while chunk := client.recv(2**18):
            received += chunk
    except ConnectionResetError:
        pass  # an end as good as any
    return bytes(received)


# The adapter for http.server, where the disk moves under it.


def load_example(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"examples_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Moving(StaticFiles):
    """Files that something happens to after each look-up, before their bytes are read."""

    happen: Callable[[], object]

    def answer(self, request: Request, *, wait: bool = True) -> Opened | None:
        answer = super().answer(request, wait=wait)
        self.happen()
        return answer


@pytest.fixture
def adapter() -> Iterator[Callable[[Any], HTTPConnection]]:
    """Start the example's server in a thread, for files of any kind, and connect to it."""
    with ExitStack() as stack:

        def connect(files: Any) -> HTTPConnection:
            server = load_example("http_server").Server(("127.0.0.1", 0), files)
            stack.enter_context(server)
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            connection = HTTPConnection(*server.server_address[:2], timeout=10)
            stack.callback(connection.close)
            return connection

        yield connect


@pytest.mark.parametrize("live", [True, False])
def test_the_adapter_sends_a_file_replaced_meanwhile_as_it_was(adapter, tmp_path: Path, live: bool):
    path = tmp_path / "t.txt"
    path.write_bytes(b"0")
    moving, number = Moving(tmp_path, live=live, memory=0), count(2)

    def replace() -> None:
        (tmp_path / "next").write_bytes(b"new" * next(number))
        (tmp_path / "next").replace(path)

    moving.happen = replace
    connection = adapter(moving)
    for expected in (b"0", b"new" * 2, b"new" * 3):
        answer = exchange(connection, "GET", "/t.txt")
        assert (answer.status, answer.body) == (200, expected)
        assert answer["content-length"] == str(len(expected))


def test_the_adapter_sends_a_file_that_is_gone_and_then_its_404_page(adapter, tmp_path: Path):
    (tmp_path / "404.html").write_bytes(b"gone")
    path = tmp_path / "t.txt"
    path.write_bytes(b"0123456789")
    moving = Moving(tmp_path, live=True, html=True)
    moving.happen = lambda: path.unlink(missing_ok=True)
    connection = adapter(moving)
    assert exchange(connection, "GET", "/t.txt").body == b"0123456789"
    answer = exchange(connection, "GET", "/t.txt")
    assert (answer.status, answer.body) == (404, b"gone")


def test_the_adapter_closes_the_connection_when_a_body_stays_short(adapter, tmp_path: Path):
    path = tmp_path / "big.bin"
    path.write_bytes(bytes(BIG))
    connection = adapter(StaticFiles(tmp_path))
    connection.putrequest("GET", "/big.bin")
    connection.endheaders()
    response = connection.getresponse()
    assert response.getheader("content-length") == str(BIG)
    with path.open("r+b") as file:
        file.truncate(1024)
    with pytest.raises((IncompleteRead, ConnectionResetError)):
        response.read()


def test_the_adapter_allows_get_and_head_alone(adapter, tmp_path: Path):
    (tmp_path / "t.txt").write_bytes(b"0123456789")
    answer = exchange(adapter(StaticFiles(tmp_path)), "POST", "/t.txt", (), b"body")
    assert answer.status == 405
    assert answer["allow"] == "GET, HEAD"


# Files of views, uploads, addresses with versions.

FOREVER = "public, max-age=31536000, immutable"


def login(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


ADA = login("ada", "tide")


@pytest.fixture(scope="module")
def private(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Server:
    folder = tmp_path_factory.mktemp("private")
    letters = {"ada/letter.txt": b"dear ada", "ada/größe.txt": b"breit", "grace/letter.txt": b"no"}
    write_tree(folder, {**letters, "secret": b"secret"})
    return start(EXAMPLES / "private_files.py", str(free_port()), folder)


def test_private_files_are_for_who_has_logged_in(private: Server):
    answer = private.get("/files/letter.txt", ADA)
    assert (answer.status, answer.body) == (200, b"dear ada")
    assert answer["cache-control"] == "private, no-cache"
    fresh = private.get("/files/letter.txt", {**ADA, "If-None-Match": answer["etag"]})
    assert (fresh.status, fresh["cache-control"]) == (304, "private, no-cache")
    assert private.get("/files/letter.txt", {**ADA, "Range": "bytes=5-"}).body == b"ada"
    assert private.get("/files/letter.txt", login("grace", "moon")).body == b"no"
    for fields in ({}, login("ada", "moon"), login("nobody", ""), login("", "")):
        refused = private.get("/files/letter.txt", {**fields, "If-None-Match": answer["etag"]})
        assert (refused.status, refused["www-authenticate"]) == (401, "Basic")


@pytest.mark.parametrize(
    "target",
    [
        "/files/none.txt",
        "/files/",
        "/files/../grace/letter.txt",
        "/files/%2e%2e/grace/letter.txt",
        "/files/..%2Fgrace%2Fletter.txt",
        "/files/x/../../grace/letter.txt",
        "/files//letter.txt",
        "/files/..%5Cgrace%5Cletter.txt",
        "/files/../../secret",
    ],
)
def test_a_private_file_that_is_no_ones_own_is_the_apps_404(private: Server, target: str):
    answer = private.get(target, ADA)
    assert (answer.status, answer.body) == (404, b'{"detail":"Not Found"}')


def test_a_private_file_is_saved_under_its_name(private: Server):
    answer = private.get("/download/gr%C3%B6%C3%9Fe.txt", ADA)
    assert answer.body == b"breit"
    named = "attachment; filename=\"gr__e.txt\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.txt"
    assert answer["content-disposition"] == named


def test_uploads_are_seen_and_do_nothing_in_the_sites_name(start: Start, tmp_path: Path):
    server = start(EXAMPLES / "uploads.py", str(free_port()), tmp_path / "made later")
    assert server.get("/uploads/none.png").status == 404
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="{}"\r\n\r\n{}\r\n'
    files = {"page.html": "<script>", "../../picture.png": "picture", ".hidden.js": "run()"}
    files[""] = ""  # what a browser sends where no file was chosen
    body = "".join(head.format(name, content) for name, content in files.items()) + "--x--\r\n"
    assert server.ask("POST", "/", form, body.encode()).status == 303
    found = re.findall(r'href="(/uploads/[^"]+)"', server.get("/").body.decode())
    answers = {Path(path).suffix: server.get(path) for path in found}
    assert len(found) == 3
    assert {suffix: answer.body for suffix, answer in answers.items()} == {
        ".html": b"<script>",
        ".png": b"picture",
        ".js": b"run()",
    }
    assert {answer["content-security-policy"] for answer in answers.values()} == {"sandbox"}
    assert answers[".html"]["content-disposition"] == "attachment"
    assert answers[".js"]["content-type"] == "text/plain; charset=utf-8"
    assert "content-disposition" not in answers[".png"]


@pytest.mark.parametrize(
    ("script", "links"), [("versioned_urls.py", 2), ("versioned_django.py", 1)]
)
def test_the_addresses_of_a_page_have_the_versions_of_their_files(
    start: Start, script: str, links: int
):
    server = start(EXAMPLES / script, port=True)
    page = server.get("/").body.decode()
    addresses = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert len(addresses) == links
    for address in addresses:
        parts = urlsplit(address)
        [file] = SITE.rglob(Path(parts.path).name)
        assert parts.query == f"v={hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
        answer = server.get(f"{parts.path}?{parts.query}")
        assert (answer.body, answer["cache-control"]) == (file.read_bytes(), FOREVER)
        assert server.get(f"{parts.path}?v=0123456789ab")["cache-control"] == "no-cache"


@pytest.mark.parametrize("root", ["", "/v1"])
def test_the_addresses_of_a_page_are_right_below_a_mount_too(root: str):
    example = load_example("versioned_urls")
    below = routing.Mount("/admin", routes=[routing.Route("/", example.index)])
    app = Starlette(routes=[*example.routes, below])
    client = Client(example.static, "asgi", app)
    page = client.get(f"{root}/admin/", {"Host": "x"}, root_path=root).body.decode()
    addresses = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert len(addresses) == 2
    for address in addresses:
        answer = client.get(
            urlsplit(address)._replace(scheme="", netloc="").geturl(), root_path=root
        )
        assert answer["cache-control"] == FOREVER


# python -m dualstatic


@pytest.fixture(params=[(), ("--asgi",)], ids=["wsgi", "asgi"])
def door_option(request: pytest.FixtureRequest) -> tuple[str, ...]:
    options: tuple[str, ...] = request.param
    return options


@pytest.fixture
def command(door_option: tuple[str, ...], tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Serve a directory with `python -m dualstatic`, on a port that the system chooses."""
    with ExitStack() as stack:

        def start(directory: Path, *options: str) -> Server:
            arguments = ("-m", "dualstatic", directory, "--port", "0", *door_option, *options)
            return stack.enter_context(serve(*arguments, logs=tmp_path))

        yield start


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small tree that a test may write to."""
    folder = tmp_path / "www"
    (folder / "about").mkdir(parents=True)
    (folder / "index.html").write_bytes(b"front page")
    (folder / "about/index.html").write_bytes(b"about us")
    (folder / "404.html").write_bytes(b"lost")
    return folder


def test_the_command_serves_the_site_and_prints_its_url(command):
    server: Server = command(SITE)
    front = server.get(urlsplit(server.url).path)
    assert front.status == 200
    assert front.body == (SITE / "index.html").read_bytes()
    module = server.get("/js/main.js", {"Accept-Encoding": "br"})
    assert module["content-type"] == "text/javascript; charset=utf-8"
    assert module.body == (SITE / "js/main.js.br").read_bytes()
    assert server.get("/js/main.js", {"If-None-Match": module["etag"]}).status == 200
    same = {"If-None-Match": module["etag"], "Accept-Encoding": "br"}
    assert server.get("/js/main.js", same).status == 304
    lost = server.get("/about/nothing-here")
    assert (lost.status, lost.body) == (404, NOT_FOUND)


def test_the_command_serves_html_and_looks_at_the_disk_each_time(command, folder: Path):
    server: Server = command(folder)
    assert server.get("/about").status == 307
    assert server.get("/about/").body == b"about us"
    assert server.get("/later.txt").status == 404
    (folder / "later.txt").write_bytes(b"later")
    assert server.get("/later.txt").body == b"later"
    (folder / "later.txt").write_bytes(b"later still")
    assert server.get("/later.txt").body == b"later still"
    (folder / "later.txt").unlink()
    assert server.get("/later.txt").status == 404


def test_the_command_allows_get_and_head_alone(command, folder: Path):
    server: Server = command(folder)
    answer = server.ask("POST", "/index.html", (), b"body")
    assert answer.status == 405
    assert answer["allow"] == "GET, HEAD"
    head = server.ask("HEAD", "/index.html")
    assert (head.status, head.body, head["content-length"]) == (200, b"", "10")


@pytest.mark.parametrize("prefix", ["/x", "x", "/x/"])
def test_the_command_serves_below_a_prefix(command, folder: Path, prefix: str):
    server: Server = command(folder, "--prefix", prefix)
    assert urlsplit(server.url).path in ("/x", "/x/")
    assert server.get("/x/").body == b"front page"
    assert server.get("/x/about").status == 307
    assert server.get("/").status == 404
    assert server.get("/index.html").status == 404


def test_the_command_prints_a_url_that_can_be_asked_for_as_it_stands(command, folder: Path):
    server: Server = command(folder, "--prefix", "/über uns")
    path = urlsplit(server.url).path
    assert path == "/%C3%BCber%20uns/"
    assert server.get(path).body == b"front page"


def test_the_command_serves_files_alone_without_html(command, folder: Path):
    server: Server = command(folder, "--no-html")
    assert server.get("/index.html").body == b"front page"
    assert server.get("/").status == 404
    assert server.get("/about").status == 404
    assert server.get("/about/").body != b"about us"
    assert server.get("/nothing-here").body != b"lost"


def assert_refused(*arguments: str | Path) -> str:
    """The command ends with status 2 and one line, which is given back."""
    ended = run("-m", "dualstatic", *arguments)
    assert ended.returncode == 2, ended
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert ended.stderr.endswith("\n")
    return ended.stderr


@pytest.mark.parametrize("name", ["missing", "www/index.html", ""])
def test_the_command_refuses_what_is_no_directory(
    door_option: tuple[str, ...], folder: Path, tmp_path: Path, name: str
):
    line = assert_refused(tmp_path / name if name else "", "--port", "0", *door_option)
    assert name in line
    assert "directory" in line


def test_the_command_refuses_a_port_that_is_in_use(door_option: tuple[str, ...], folder: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        line = assert_refused(folder, "--port", port, *door_option)
    assert port in line


@pytest.mark.parametrize("option", [["--nonsense"], ["--port", "many"], ["--port", "70000"]])
def test_the_command_refuses_an_option_it_does_not_know(
    door_option: tuple[str, ...], folder: Path, option: list[str]
):
    line = assert_refused(folder, *door_option, *option)
    assert option[0].removeprefix("--") in line


@pytest.mark.parametrize("prefix", ["http://x/", "//x", "/a/../b", "/a?b", "/a#b"])
def test_the_command_refuses_a_prefix_that_is_none(
    door_option: tuple[str, ...], folder: Path, prefix: str
):
    line = assert_refused(folder, "--port", "0", "--prefix", prefix, *door_option)
    assert "prefix" in line
