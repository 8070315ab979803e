"""Files that views answer with, in each framework on a real server."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import NotFound
from werkzeug.http import parse_options_header

import dualstatic.asgi
import dualstatic.wsgi
from dualstatic import Request, StaticFiles
from dualstatic.core.downloads import attachment
from dualstatic.views import FileOfView
from tests.support.doors import Answer
from tests.support.servers import Server, eventually, free_port, run, serve
from tests.support.steps import open_below
from tests.support.trees import Link, noise, write_tree
from tests.support.views_app import OWN, SAVED_AS

STYLE = b"body { color: teal }\n" * 40
ZIPPED = b"what a browser unpacks"
BIG = noise(20 * 2**20)
FILES = {
    "public/style.css": STYLE,
    "public/style.css.gz": ZIPPED,
    "public/big.bin": BIG,
    "public/sub/größe.txt": "breit",
    "public/sub/index.html": "index",
    "public/page.html": "page",
    "public/404.html": "of the files",
    "public/.hidden": "hidden",
    "public/link": Link("../secret"),
    "public/empty.txt": "",
    "secret": "secret",
}
APPS = {
    "starlette": "uvicorn",
    "fastapi": "uvicorn",
    "litestar": "uvicorn",
    "quart": "uvicorn",
    "asgi": "uvicorn",
    "flask": "gunicorn",
    "bottle": "gunicorn",
    "wsgi": "gunicorn",
    "django": "gunicorn",
    "django async": "gunicorn",
    "django on asgi": "uvicorn",
    "django async on asgi": "uvicorn",
}
OF_A_FRAMEWORK = [name for name in APPS if name not in ("asgi", "wsgi")]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(tmp_path_factory.mktemp("tree"), FILES)


@pytest.fixture(scope="module")
def apps(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    running: dict[str, Server] = {}
    with ExitStack() as stack:

        def start(name: str) -> Server:
            if name not in running:
                port, logs = str(free_port()), tmp_path_factory.mktemp("logs")
                arguments = (port, name.removesuffix(" on asgi"), APPS[name], tree / "public")
                program = ("-m", "tests.support.views_app")
                running[name] = stack.enter_context(serve(*program, *arguments, logs=logs))
            return running[name]

        yield start


@pytest.fixture(params=APPS)
def app(request: pytest.FixtureRequest, apps: Any) -> Server:
    server: Server = apps(request.param)
    return server


@pytest.fixture(params=OF_A_FRAMEWORK)
def framework(request: pytest.FixtureRequest, apps: Any) -> Server:
    server: Server = apps(request.param)
    return server


def ask(
    server: Server, name: str, fields: Any = (), method: str = "GET", to: str = "file"
) -> Answer:
    return server.ask(method, f"/{to}?name={quote(name, safe='')}", fields)


OF_SERVERS = {"date", "server", "connection", "keep-alive"}


def plain(answer: Answer) -> dict[str, str]:
    return {k.lower(): v for k, v in answer.fields if k.lower() not in OF_SERVERS}


def test_a_view_answers_as_the_middleware_does(app: Server, tree: Path):
    answer = ask(app, "style.css")
    with StaticFiles(tree / "public").answer(Request("GET", "/style.css")) as expected:  # type: ignore[union-attr]
        assert answer.status == 200
        assert answer.body == STYLE == b"".join(expected)
        assert plain(answer) == dict(expected.headers)


def test_a_view_answers_conditions_and_ranges(app: Server):
    whole = ask(app, "style.css")
    fresh = ask(app, "style.css", {"If-None-Match": whole["etag"]})
    assert (fresh.status, fresh.body) == (304, b"")
    assert fresh["etag"] == whole["etag"]
    assert "content-type" not in fresh
    part = ask(app, "style.css", {"Range": "bytes=5-9"})
    assert (part.status, part.body) == (206, STYLE[5:10])
    assert part["content-range"] == f"bytes 5-9/{len(STYLE)}"
    assert part["content-length"] == "5"
    parts = ask(app, "style.css", {"Range": "bytes=0-1,9-10"})
    assert parts.status == 206
    assert parts["content-type"].startswith("multipart/byteranges; boundary=")
    assert parts.body.count(b"Content-Type: text/css; charset=utf-8") == 2
    assert ask(app, "style.css", {"Range": "bytes=9999-"}).status == 416
    assert ask(app, "style.css", {"If-Match": '"other"'}).status == 412


def test_a_view_answers_head_without_a_body(app: Server):
    answer = ask(app, "style.css", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer["content-length"] == str(len(STYLE))


def test_a_view_answers_with_a_sibling(app: Server):
    answer = ask(app, "style.css", {"Accept-Encoding": "gzip"})
    assert (answer.body, answer["content-encoding"]) == (ZIPPED, "gzip")
    assert "accept-encoding" in answer["vary"].lower()


def test_a_view_of_another_method_answers_with_all_of_the_file(app: Server):
    fields = {"If-None-Match": "*", "Range": "bytes=0-1", "Accept-Encoding": "gzip"}
    answer = ask(app, "style.css", fields, method="POST")
    assert (answer.status, answer.body) == (200, ZIPPED)


def test_a_view_answers_with_a_large_file(app: Server):
    answer = ask(app, "big.bin")
    assert answer.body == BIG
    end = ask(app, "big.bin", {"Range": "bytes=-100000"})
    assert (end.status, end.body) == (206, BIG[-100000:])


def test_a_view_answers_with_an_empty_file_and_with_one_of_an_odd_name(app: Server):
    empty = ask(app, "empty.txt")
    assert (empty.status, empty.body, empty["content-length"]) == (200, b"", "0")
    assert ask(app, "sub/größe.txt").body == b"breit"
    assert ask(app, "page.html").body == b"page"


def test_a_view_has_a_file_saved_under_a_name_with_more_fields(app: Server):
    answer = ask(app, "style.css", to="save")
    assert answer["content-disposition"] == SAVED_AS
    assert answer["cache-control"] == "private, no-cache"
    assert answer["content-type"] == "text/x"
    assert answer["x-more"] == "more"
    part = ask(app, "style.css", {"Range": "bytes=5-9"}, to="save")
    assert (part.status, part["content-disposition"]) == (206, SAVED_AS)
    parts = ask(app, "style.css", {"Range": "bytes=0-1,9-10"}, to="save")
    assert parts["content-type"].startswith("multipart/byteranges")
    assert parts.body.count(b"Content-Type: text/x\r\n") == 2
    fresh = ask(app, "style.css", {"If-None-Match": answer["etag"]}, to="save")
    assert fresh.status == 304
    assert fresh["cache-control"] == "private, no-cache"
    assert "content-disposition" not in fresh
    refused = ask(app, "style.css", {"Range": "bytes=9999-"}, to="save")
    assert refused.status == 416
    assert "content-disposition" not in refused


NO_FILES = [
    "missing.css",
    "",
    "sub",
    "sub/",
    "page",
    "style.css/",
    "../secret",
    "sub/../../secret",
    "./style.css",
    "sub/../style.css",
    "/style.css",
    "//etc/passwd",
    "/etc/passwd",
    "sub//größe.txt",
    "..\\secret",
    "sub\\größe.txt",
    "%2e%2e/secret",
    "..%2fsecret",
    "sub%2Findex.html",
    ".hidden",
    "link",
    "style.css\0",
    "style.css\r\nX-Evil: 1",
    "\ufffd",
    "not/looked/at/style.css",
    "a" * 3000,
]


def test_a_name_that_is_no_files_is_the_frameworks_own_404(framework: Server):
    for name, method in product(NO_FILES, ("GET", "POST")):
        answer = ask(framework, name, method=method)
        assert (answer.status, answer.body) == (404, OWN.encode()), (name, method)


@pytest.mark.parametrize("door", ["asgi", "wsgi"])
def test_a_name_that_is_no_files_is_our_404_where_there_is_no_framework(apps: Any, door: str):
    for name, method in product(NO_FILES, ("GET", "HEAD", "POST")):
        answer = ask(apps(door), name, method=method)
        assert answer.status == 404, (name, method)
        assert answer["cache-control"] == "no-cache", (name, method)


def test_a_client_that_leaves_closes_the_file(app: Server):
    with socket.create_connection(app.address) as link:
        link.sendall(b"GET /file?name=big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        assert link.recv(1000)
        eventually(lambda: is_open(app), 5)
    eventually(lambda: not is_open(app), 10, app.words)


def is_open(server: Server) -> bool:
    return any(path.endswith("/big.bin") for path in server.open_files())


def test_starlettes_cookies_go_along(apps: Any):
    answer = ask(apps("starlette"), "style.css", to="save")
    cookies = [value for name, value in answer.fields if name.lower() == "set-cookie"]
    assert [cookie.partition(";")[0] for cookie in cookies] == ["a=1", "b=2"]


def test_fastapis_tasks_are_done_after_the_answer(apps: Any):
    ask(apps("fastapi"), "style.css", to="save")
    eventually(lambda: b"style.css" in apps("fastapi").get("/made").body, 5)


def test_the_function_of_headers_is_asked_of_files_alone(tree: Path):
    files, theirs = StaticFiles(tree / "public"), {"page.html": {"X-More": "more"}}
    page = FileOfView(files, "page.html", headers=theirs.__getitem__)
    with page.answer(Request("GET", "/")) as answer:  # type: ignore[union-attr]
        assert dict(answer.headers)["x-more"] == "more"
    with pytest.raises(BlockingIOError):  # it may take its time, as on the event loop nothing may
        page.answer(Request("GET", "/"), wait=False)
    missing = FileOfView(files, "what a client sends", headers=theirs.__getitem__)
    assert missing.answer(Request("GET", "/")) is None


def test_a_404_that_flask_is_told_to_raise_is_raised(tree: Path):
    app, files = Flask(__name__, static_folder=None), StaticFiles(tree / "public")
    app.config.update(TESTING=True, TRAP_HTTP_EXCEPTIONS=True)
    app.get("/file")(lambda: dualstatic.wsgi.FileResponse(files, "missing.css"))
    with pytest.raises(NotFound):
        app.test_client().get("/file")


def test_a_404_page_of_flask_that_is_missing_itself_is_a_plain_404(tree: Path):
    app, files = Flask(__name__, static_folder=None), StaticFiles(tree / "public")
    app.errorhandler(404)(lambda error: (dualstatic.wsgi.FileResponse(files, "lost.html"), 404))
    app.get("/file")(lambda: dualstatic.wsgi.FileResponse(files, "missing.css"))
    for path in ("/file", "/nowhere"):
        answer = app.test_client().get(path)
        assert (answer.status_code, answer.text) == (404, "Not Found\n")


@pytest.mark.parametrize("path", ["/openapi.json", "/schema/openapi.json"])
def test_the_schemas_of_apis_are_made(apps: Any, path: str):
    app = apps("fastapi" if path == "/openapi.json" else "litestar")
    answer = app.get(path)
    assert answer.status == 200
    assert b"/save" in answer.body


@pytest.mark.parametrize("live", [False, True])
def test_a_file_is_no_dictionary_and_not_immutable_at_the_address_of_a_view(
    tmp_path: Path, live: bool
):
    write_tree(tmp_path, {"app-3f2a9c1b.js": "run()"})
    files = StaticFiles(tmp_path, immutable="js", dictionaries=True, live=live)
    with files.answer(Request("GET", "/app-3f2a9c1b.js")) as served:  # type: ignore[union-attr]
        fields = dict(served.headers)
    assert fields.pop("use-as-dictionary")
    assert "immutable" in fields["cache-control"]
    with FileOfView(files, "app-3f2a9c1b.js").answer(Request("GET", "/")) as answered:  # type: ignore[union-attr]
        assert dict(answered.headers) == {**fields, "cache-control": "no-cache"}


def test_a_vary_that_a_view_adds_leaves_ours(apps: Any):
    answer = ask(apps("starlette"), "style.css", {"Accept-Encoding": "gzip"}, to="varying")
    vary = ", ".join(value for name, value in answer.fields if name.lower() == "vary")
    assert {each.strip() for each in vary.split(",")} == {"Accept-Encoding", "Cookie"}


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_asgi_app_needs_no_framework(tree: Path, backend: str):
    code = f"""
import sys
sys.modules["starlette"] = None
import anyio
from dualstatic import StaticFiles
from dualstatic.asgi import FileResponse
async def send(message):
    print(message["type"], message.get("status"), len(message.get("body", b"")))
files = StaticFiles({str(tree / "public")!r})
scope = {{"type": "http", "method": "GET", "path": "/", "headers": []}}
arguments = (scope, anyio.sleep_forever, send)
anyio.run(FileResponse(files, "page.html"), *arguments, backend={backend!r})
"""
    ran = run("-c", code)
    assert ran.stdout == "http.response.start 200 0\nhttp.response.body None 4\n", ran.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_server_that_takes_no_status_leaves_no_file_open(tree: Path):
    def refuses(*arguments: object) -> None:
        raise ConnectionError

    view = dualstatic.wsgi.FileResponse(StaticFiles(tree / "public", memory=0), "big.bin")
    with pytest.raises(ConnectionError) as raised:
        view({"REQUEST_METHOD": "GET"}, refuses)
    assert raised.traceback  # which holds what the view held
    assert not any(path.endswith("big.bin") for path in open_below(tree))


# Arguments.

DOORS = [dualstatic.asgi.FileResponse, dualstatic.wsgi.FileResponse]


@pytest.mark.parametrize("make", DOORS)
@pytest.mark.parametrize(
    ("wrong", "error", "named"),
    [
        ({"files": "public"}, TypeError, "files"),
        ({"name": None}, TypeError, "name"),
        ({"name": Path("style.css")}, TypeError, "name"),
        ({"name": b"style.css"}, TypeError, "name"),
        ({"filename": 1}, TypeError, "filename"),
        ({"headers": [("a", "b")]}, TypeError, "headers"),
        ({"headers": {"X": "a\r\nb"}}, ValueError, "headers"),
        ({"headers": {"ETag": '"x"'}}, ValueError, "headers"),
        ({"headers": {"X-ü": "a"}}, ValueError, "headers"),
    ],
)
def test_a_wrong_argument_is_named(
    tree: Path, make: Any, wrong: dict[str, Any], error: type[Exception], named: str
):
    arguments = {"files": StaticFiles(tree / "public"), "name": "style.css", **wrong}
    with pytest.raises(error, match=f"^{named} takes"):
        make(arguments.pop("files"), arguments.pop("name"), **arguments)


# The names of downloads.


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("report.pdf", 'filename="report.pdf"'),
        ("two words; a=b, 'c'.txt", "filename=\"two words; a=b, 'c'.txt\""),
        ("größe.txt", "filename=\"gr__e.txt\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.txt"),
        ('say "hi".txt', "filename=\"say _hi_.txt\"; filename*=UTF-8''say%20%22hi%22.txt"),
        ("100%25.txt", "filename=\"100_25.txt\"; filename*=UTF-8''100%2525.txt"),
        ("a\r\nSet-Cookie: b", 'filename="a__Set-Cookie: b"'),
        ("../..\\etc", 'filename=".._.._etc"'),
        ("\0\x7f\x85\ud800", 'filename="____"'),
        ("😀'*", "filename=\"_'*\"; filename*=UTF-8''%F0%9F%98%80%27%2A"),
    ],
)
def test_a_download_has_a_name_for_old_and_new_browsers(name: str, text: str):
    assert attachment(name) == f"attachment; {text}"


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_the_name_of_a_download(name: str):
    text = attachment(name)
    assert text.isascii()
    assert text.isprintable()
    kind, options = parse_options_header(text)
    assert kind == "attachment"
    read = options["filename"]
    assert not set(read) & set("/\\\r\n\0")
    assert len(read) == len(name)
