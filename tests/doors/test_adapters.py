"""Group A: what WSGI and ASGI ask of the doors, beside HTTP."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urljoin
from wsgiref.util import FileWrapper

import anyio
import anyio.lowlevel
import pytest

import dualstatic.asgi
import dualstatic.core
import dualstatic.wsgi
from dualstatic import StaticFiles
from dualstatic.disk import validators
from dualstatic.disk.body import FileChanged
from tests.support.doors import (
    Answer,
    Client,
    Messages,
    OnDisk,
    comparable,
    make_environ,
    make_scope,
)
from tests.support.each import each
from tests.support.steps import Connection, open_files, soon
from tests.support.trees import OLD

pytestmark = pytest.mark.usefixtures("aging")


DIGITS = b"0123456789"
MIB = 1024 * 1024
LARGE = 4 * MIB


@pytest.fixture
def big(tree: Callable[..., Path]) -> Path:
    path = tree({"big.bin": b"", "t.txt": DIGITS}) / "big.bin"
    os.truncate(path, LARGE)
    os.utime(path, (OLD, OLD))
    return path


@pytest.mark.rows("A421")
@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_other_scopes_reach_the_app_untouched(
    kind: str, mode: str, tree: Callable[..., Path]
) -> None:
    seen: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("the app's to call")

    async def send(message: Any) -> None:
        raise AssertionError(message)

    class Routes(list[object]):
        """An app that counts as False while it has no routes."""

        async def __call__(self, *arguments: Any) -> None:
            seen.extend(arguments)

    files = OnDisk(tree({"t.txt": DIGITS}), live=mode == "live")
    scope = {"type": kind, "asgi": {"version": "3.0"}}
    if kind == "websocket":
        scope |= {"path": "/t.txt", "raw_path": b"/t.txt", "query_string": b"", "headers": []}
    copy = dict(scope)
    anyio.run(dualstatic.asgi.StaticMiddleware(Routes(), files=files), scope, receive, send)
    assert len(seen) == 3
    assert seen[0] is scope
    assert seen[0] == copy
    assert seen[1] is receive
    assert seen[2] is send


def converse(files: StaticFiles, scope: dict[str, Any], *messages: str) -> list[str]:
    """What a server and a door without an app say to each other."""
    said: list[str] = []
    coming = list(messages)

    async def receive() -> Any:
        said.append(coming.pop(0))
        return {"type": said[-1]}

    async def send(message: Any) -> None:
        said.append(message["type"])

    anyio.run(dualstatic.asgi.StaticMiddleware(files=files), scope, receive, send)
    return said


@pytest.mark.rows("N125")
@each("target", [b"/nope.txt?q=%41", b"/%7Enope/%C3%BC", b"/sub//nope%00"])
def test_neither_the_request_nor_the_answer_of_a_miss_is_touched(
    target: bytes, door: str, mode: str, tree: Callable[..., Path]
) -> None:
    files = StaticFiles(tree({"sub/404.html": "no"}), html=True, live=mode == "live")
    (wsgi_is_untouched if door == "wsgi" else asgi_is_untouched)(files, target)


def wsgi_is_untouched(files: StaticFiles, target: bytes) -> None:
    environ = make_environ("GET", target, [("Accept", "*/*")])
    before = dict(environ)
    seen: list[Any] = []
    chunks = [b"not ", b"here"]

    def app(inner: Any, start_response: Any) -> Any:
        assert inner is environ
        assert inner == before
        start_response("404 Nowhere", [("X-App", "1")])
        return chunks

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        seen.append((status, headers))

    door = dualstatic.wsgi.StaticMiddleware(app, files=files)
    assert list(door(environ, start_response)) == [b"not ", b"here"]
    assert seen == [("404 Nowhere", [("X-App", "1")])]
    assert environ == before


def asgi_is_untouched(files: StaticFiles, target: bytes) -> None:
    scope = make_scope("GET", target, [("Accept", "*/*")])
    before = dict(scope)
    start = {"type": "http.response.start", "status": 404, "headers": [(b"X-App", b"1")]}
    body = {"type": "http.response.body", "body": b"not here"}
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("the request's body is the app's to receive")

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(inner: Any, inner_receive: Any, inner_send: Any) -> None:
        assert inner is scope
        assert inner == before
        assert inner_receive is receive
        await inner_send(start)
        await inner_send(body)

    anyio.run(dualstatic.asgi.StaticMiddleware(app, files=files), scope, receive, send)
    assert sent == [start, body]
    assert sent[0] is start
    assert scope == before


@pytest.mark.rows("A421")
def test_without_an_app_a_websocket_is_closed_and_the_lifespan_acknowledged(
    mode: str, tree: Callable[..., Path]
) -> None:
    files = OnDisk(tree({"t.txt": DIGITS}), live=mode == "live")
    scope = {"type": "websocket", "path": "/t.txt", "query_string": b"", "headers": []}
    said = converse(files, scope, "websocket.connect", "websocket.disconnect")
    assert said == ["websocket.connect", "websocket.close"]
    assert converse(files, {"type": "lifespan"}, "lifespan.startup", "lifespan.shutdown") == [
        *("lifespan.startup", "lifespan.startup.complete"),
        *("lifespan.shutdown", "lifespan.shutdown.complete"),
    ]
    with pytest.raises(ValueError, match="'other' needs an app"):
        converse(files, {"type": "other"})


def asgi(directory: Path, mode: str, **options: Any) -> Client:
    return Client(OnDisk(directory, live=mode == "live", **options), "asgi")


def wsgi(directory: Path, mode: str, **options: Any) -> Client:
    return Client(OnDisk(directory, live=mode == "live", **options), "wsgi")


@pytest.mark.rows("A422")
def test_a_scope_without_a_raw_path_goes_by_its_path(mode: str, tree: Callable[..., Path]) -> None:
    client = asgi(tree({"t.txt": DIGITS, "\u00fc.txt": b"u", "\ufffd.txt": b"?"}), mode)
    client.raw = False
    assert client.get("/t.txt").body == DIGITS
    assert client.get("/%C3%BC.txt").body == b"u"
    assert client.get("/%ff.txt").passed
    assert client.get("/%EF%BF%BD.txt").passed
    assert client.get("/t.txt", raw_path=None).body == DIGITS
    client.raw = True
    assert client.get("/%ff.txt").passed
    assert client.get("/%EF%BF%BD.txt").body == b"?"


@pytest.mark.rows("P020")
def test_a_replacement_character_is_served_only_where_the_target_shows_that_it_was_sent(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({"\ufffd.txt": b"?"}))
    assert client.get("/%EF%BF%BD.txt").body == b"?"
    client.raw = False
    assert client.get("/%ff.txt").passed
    empty: Any = {"raw_path": b""} if client.door == "asgi" else {"REQUEST_URI": ""}
    assert client.get("/%ff.txt", **empty).passed


def absolute_form(client: Client, authority: str, path: str) -> Answer:
    """As servers pass on an absolute-form target: the path alone, and the whole as the raw one."""
    if client.door == "wsgi":
        extra = {"PATH_INFO": path, "REQUEST_URI": f"http://{authority}{path}"}
        return client.get(path, **extra)
    return client.get(path, raw_path=f"http://{authority}{path}".encode())


@pytest.mark.rows("P063", "P064")
def test_an_absolute_form_target_whose_path_the_server_passes_is_that_path(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({"t.txt": DIGITS, "sub/index.html": b"index"}), html=True)
    assert absolute_form(client, "localhost", "/t.txt").body == DIGITS
    assert absolute_form(client, "evil.example", "/sub")["location"] == "./sub/"
    assert absolute_form(client, "evil.example", "//sub").passed


@pytest.mark.rows("A423")
def test_a_raw_path_with_its_query_is_cut(mode: str, tree: Callable[..., Path]) -> None:
    client = asgi(tree({"t.txt": DIGITS, "sub/a.txt": b"a"}), mode)
    for raw in (b"/t.txt?q=1", b"/t.txt?", b"/t.txt?q=%2f%5c%zz%ff", b"/t.txt?a?b"):
        assert client.get("/t.txt", raw_path=raw).body == DIGITS
    assert client.get("/sub/a.txt", raw_path=b"/sub%2fa.txt?q=1").passed


@pytest.mark.rows("A424", "A425", "A426")
@each(
    ("root_path", "path", "served"),
    [
        ("/app", "/app/t.txt", b"t"),
        ("/app", "/t.txt", b"t"),
        ("/app", "/apple/t.txt", None),
        ("/app", "/app/app/u.txt", b"u"),
        ("/app", "/app", None),
        ("/app", "/application.txt", b"application"),
        ("/a/b", "/a/b/t.txt", b"t"),
        ("/a/b", "/a/bc/t.txt", None),
        ("", "/t.txt", b"t"),
    ],
)
def test_the_root_path_is_cut_off_in_whole_segments(
    root_path: str, path: str, served: bytes | None, mode: str, tree: Callable[..., Path]
) -> None:
    root = tree(
        {
            "t.txt": b"t",
            "app/u.txt": b"u",
            "application.txt": b"application",
            "le/t.txt": b"wrong",
            "c/t.txt": b"wrong",
        }
    )
    answer = asgi(root, mode).get(path, root_path=root_path)
    if served is None:
        assert answer.passed
    else:
        assert (answer.status, answer.body) == (200, served)


@pytest.mark.rows("A424", "A425")
@pytest.mark.parametrize("path", ["/api/static/t.txt", "/static/t.txt", "/t.txt"])
def test_a_mount_below_one_that_a_proxy_takes_off_is_cut_off_too(
    path: str, mode: str, tree: Callable[..., Path]
) -> None:
    client = asgi(tree({"t.txt": b"t", "apple/t.txt": b"wrong"}), mode)
    mount = {"root_path": "/api/static", "app_root_path": "/api"}
    assert client.get(path, **mount).body == b"t"
    assert client.get("/staticx/t.txt", **mount).passed
    assert client.get(path, root_path="/api/static").passed == (path == "/static/t.txt")


@pytest.mark.rows("A424", "A425")
def test_a_prefix_lies_below_the_mount_point(
    door: str, mode: str, tree: Callable[..., Path]
) -> None:
    files = OnDisk(tree({"t.txt": DIGITS}), live=mode == "live", prefix="/static")
    client = Client(files, door)
    if door == "wsgi":
        mounted = partial(client.get, SCRIPT_NAME="/app")
        assert mounted("/static/t.txt").body == DIGITS
    else:
        mounted = partial(client.get, root_path="/app")
        assert mounted("/app/static/t.txt").body == DIGITS
        assert mounted("/static/t.txt").body == DIGITS
        assert mounted("/app/t.txt").passed
    assert mounted("/t.txt").passed
    assert mounted("/static2/t.txt").passed


@pytest.mark.rows("A427")
def test_names_of_fields_are_lower_case(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    headers = {"X-Custom-Thing": "1", "CACHE-CONTROL": "max-age=77", "Vary": "Cookie"}
    for options in ({"headers": headers}, {"headers": lambda name: headers}):
        client = serve(
            tree({"t.txt": DIGITS, "sub/index.html": b"i", "404.html": b"lost"}),
            app=False,
            html=True,
            **options,
        )
        statuses = set()
        for method, path, fields in EVERY_KIND:
            answer = client.ask(method, path, fields)
            statuses.add(answer.status)
            names = [name for name, _ in answer.fields]
            assert names == [name.lower() for name in names]
            assert len(names) == len(set(names))
            assert all(isinstance(value, str) for _, value in answer.fields)
        assert statuses == {200, 206, 304, 307, 404, 405, 412, 416}


EVERY_KIND: list[tuple[str, str, dict[str, str]]] = [
    ("GET", "/t.txt", {}),
    ("HEAD", "/t.txt", {}),
    ("GET", "/t.txt", {"Range": "bytes=0-1"}),
    ("GET", "/t.txt", {"Range": "bytes=50-"}),
    ("GET", "/t.txt", {"If-None-Match": "*"}),
    ("HEAD", "/t.txt", {"If-None-Match": "*"}),
    ("GET", "/t.txt", {"If-Match": '"q"'}),
    ("GET", "/sub", {}),
    ("GET", "/sub/", {}),
    ("GET", "/nope", {}),
    ("HEAD", "/nope", {}),
    ("POST", "/t.txt", {}),
    ("POST", "/nope", {}),
]


BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


@pytest.mark.rows("A429")
@BACKENDS
@pytest.mark.parametrize("leaves", ["quietly", "unheard", "OSError", "RuntimeError"])
@pytest.mark.parametrize("after", [1, 2, 5])
def test_a_client_that_leaves_stops_the_reading(
    leaves: str,
    after: int,
    backend: str,
    mode: str,
    big: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    files = OnDisk(big.parent, live=mode == "live")
    door = dualstatic.asgi.StaticMiddleware(files=files)

    async def main() -> tuple[int, list[str], BaseException | None]:
        error = None
        connection = Connection(leaves, after=after)
        with anyio.fail_after(5):
            try:
                await door(make_scope("GET", b"/big.bin", ()), connection.receive, connection.send)
            except BaseException as raised:  # noqa: BLE001 - the test looks at it
                error = raised
        return connection.sent, open_files(big.parent), error

    async def twice() -> tuple[int, list[str], BaseException | None]:
        await main()
        return await main()

    sent, left_open, error = anyio.run(twice, backend=backend)
    assert 0 < sent < LARGE
    assert left_open == []
    assert caplog.records == []
    if leaves == "RuntimeError":
        assert type(error) is RuntimeError
        assert str(error) == "the server's own trouble"
    elif leaves == "OSError":
        assert error is None or isinstance(error, OSError)
    else:
        assert error is None


@pytest.mark.rows("A429")
@BACKENDS
@pytest.mark.parametrize("moment", ["at once", "in the middle"])
def test_a_cancelled_request_closes_its_file(
    backend: str, moment: str, mode: str, big: Path
) -> None:
    files = OnDisk(big.parent, live=mode == "live")
    door = dualstatic.asgi.StaticMiddleware(files=files)

    async def once() -> None:
        connection = Connection("never")
        scope = make_scope("GET", b"/big.bin", ())
        ended = []

        async def serve() -> None:
            await door(scope, connection.receive, connection.send)
            ended.append(True)

        with anyio.fail_after(5):
            async with anyio.create_task_group() as group:
                group.start_soon(serve)
                if moment == "in the middle":
                    await connection.first.wait()
                else:
                    await anyio.lowlevel.checkpoint()
                group.cancel_scope.cancel()
        assert not ended

    async def main() -> None:
        await once()
        for _ in range(10):
            await once()
        assert soon(lambda: open_files(big.parent) == [])

    anyio.run(main, backend=backend)


@pytest.mark.rows("A429")
@pytest.mark.parametrize("moment", ["at once", "in the middle"])
def test_a_task_cancelled_by_asyncio_closes_its_file(moment: str, mode: str, big: Path) -> None:
    files = OnDisk(big.parent, live=mode == "live")
    door = dualstatic.asgi.StaticMiddleware(files=files)

    async def once() -> None:
        connection = Connection("never")
        scope = make_scope("GET", b"/big.bin", ())
        task = asyncio.create_task(door(scope, connection.receive, connection.send))
        if moment == "in the middle":
            await asyncio.wait_for(connection.first.wait(), 5)
        else:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(asyncio.shield(task), 5)
        assert task.cancelled()

    async def main() -> None:
        await once()
        for _ in range(10):
            await once()
        assert soon(lambda: open_files(big.parent) == [])

    asyncio.run(main())


@pytest.mark.rows("A431")
def test_without_the_option_a_server_that_opens_paths_gets_bytes(
    mode: str, tree: Callable[..., Path]
) -> None:
    client = asgi(tree({"t.txt": DIGITS}), mode)
    client.extra = {"extensions": {"http.response.pathsend": {}}}
    assert client.get("/t.txt").body == DIGITS
    assert client.get("/t.txt", {"Range": "bytes=0-1"}).body == b"01"
    assert client.head("/t.txt")["content-length"] == "10"


@pytest.mark.rows("A435")
def test_path_info_holds_bytes_as_latin_1(mode: str, tree: Callable[..., Path]) -> None:
    client = wsgi(tree({"\u00fc.txt": b"u", "\u962e.txt": b"cjk"}), mode)
    for raw in (True, False):
        client.raw = raw
        assert client.get("/%C3%BC.txt").body == b"u"
        assert client.get("/%E9%98%AE.txt").body == b"cjk"
        assert client.get("/%FC.txt").passed


def ask_mount(client: Client, mount: str, query: str = "") -> Answer:
    """Ask for the mount point without its slash."""
    if client.door == "wsgi":
        return client.get(query, SCRIPT_NAME=mount)
    return client.get(f"{mount}{query}", root_path=mount)


@pytest.mark.rows("A436")
@each("app", [True, False])
@each(
    "options",
    [
        {"html": True},
        {"clean_urls": True},
        {"html": True, "not_found": "single-page-application"},
        {"html": True, "not_found": "404-page"},
    ],
)
def test_the_mount_point_without_its_slash_is_redirected_to_its_slash(
    options: dict[str, Any],
    app: bool,
    door: str,
    mode: str,
    tree: Callable[..., Path],
) -> None:
    root = tree({"index.html": b"home", "404.html": b"lost"})
    client = Client(OnDisk(root, live=mode == "live", **options), door, app)
    mounts = ("/app", "/api/app", "/two words", "/a:b")
    for mount, query in product(mounts, ("", "?a=1&b=%2F")):
        answer = ask_mount(client, mount, query)
        assert (answer.status, answer.body) == (307, b""), (mount, query)
        asked = f"http://h{quote(mount)}"
        assert urljoin(asked, answer["location"]) == f"{asked}/{query}"


@pytest.mark.rows("A436")
@pytest.mark.parametrize("raw", [True, False])
def test_a_mount_point_of_letters_is_redirected_too(
    raw: bool, door: str, mode: str, tree: Callable[..., Path]
) -> None:
    files = OnDisk(tree({"index.html": b"home"}), live=mode == "live", html=True)
    if door == "wsgi":
        for name, target in (("/gr\u00fcn", "gr%C3%BCn"), ("/\xff", "%FF")):
            script = name.encode("latin-1" if name == "/\xff" else "utf-8").decode("latin-1")
            answer = Client(files, door, raw=raw).get("", SCRIPT_NAME=script)
            assert answer["location"] == f"./{target}/"
    else:
        answer = Client(files, door, raw=raw).get("/gr%C3%BCn", root_path="/gr\u00fcn")
        assert answer["location"] == "./gr%C3%BCn/"


@pytest.mark.rows("A436")
@pytest.mark.parametrize("app", [True, False])
def test_a_mount_point_without_an_index_page_is_a_miss(
    app: bool, door: str, mode: str, tree: Callable[..., Path]
) -> None:
    for files, html in (({"t.txt": b"t"}, True), ({"index.html": b"home"}, False)):
        served = OnDisk(tree(files), live=mode == "live", html=html)
        answer = ask_mount(Client(served, door, app), "/app")
        assert answer.passed if app else answer.status == 404


@pytest.mark.rows("A436")
@each("target", [b"", b"http://h", b"http://h?q=1"])
def test_a_target_without_a_path_is_the_root(
    target: bytes, door: str, mode: str, tree: Callable[..., Path]
) -> None:
    root = tree({"index.html": b"home"})
    told: list[dict[str, Any]] = [{"path": ""}]
    if door == "wsgi":  # which may leave out an empty one (PEP 3333)
        told = [{"PATH_INFO": ""}, {"PATH_INFO": None}]
    if door == "asgi" and target:
        told += [{"path": "http://h"}]  # as uvicorn's h11, Hypercorn and gunicorn have it
    for html, app, path in product((True, False), (True, False), told):
        files = OnDisk(root, live=mode == "live", html=html)
        answer = Client(files, door, app).get(target, **path)
        assert answer == Client(files, door, app).get("/")
        assert not html or answer.body == b"home"


@pytest.mark.rows("A436")
@pytest.mark.parametrize("query", [b"", b"?a=/b"])
def test_a_mount_point_whose_name_ends_with_the_slash_is_there_already(
    query: bytes, mode: str, tree: Callable[..., Path]
) -> None:
    files = OnDisk(tree({"index.html": b"home"}), live=mode == "live", html=True)
    for mount in ("/app/", "/app"):
        client = Client(files, "wsgi")
        answer = client.get(b"/app/" + query, SCRIPT_NAME=mount, PATH_INFO="")
        assert (answer.status, answer.body) == (200, b"home")
        answer = client.get(b"/app" + query, SCRIPT_NAME=mount, PATH_INFO="/")  # Django's path
        assert (answer.status, answer["location"]) == (307, "./app/" + query.decode())


@pytest.mark.rows("A436")
@each("path", ["/", "/sub/"])
@each("kind", [OnDisk, StaticFiles])
def test_a_slash_that_a_framework_has_added_is_taken_off(
    kind: type[StaticFiles], path: str, door: str, mode: str, tree: Callable[..., Path]
) -> None:
    root = tree({"index.html": b"home", "sub/index.html": b"sub", "t.txt": b"t"})
    client = Client(kind(root, live=mode == "live", html=True), door, app=False)
    asked = f"/app{path}"
    if door == "wsgi":
        extra = {"SCRIPT_NAME": "/app", "PATH_INFO": path}
        file = {"SCRIPT_NAME": "/app", "PATH_INFO": "/t.txt/"}
    else:
        extra = {"root_path": "/app", "path": asked}
        file = {"root_path": "/app", "path": "/app/t.txt/"}
    for _ in range(2):  # the second time it may be remembered
        answer = client.get(asked[:-1], **extra)
        assert answer.status == 307
        assert urljoin(f"http://h{asked[:-1]}", answer["location"]) == f"http://h{asked}"
        assert client.get(asked, **extra).status == 200
    assert client.get("/app/t.txt", **file).body == b"t"
    assert client.get("/app/t.txt/", **file).status == 404


@pytest.mark.rows("A436")
def test_a_path_that_was_rewritten_is_taken_as_it_is(
    door: str, mode: str, tree: Callable[..., Path]
) -> None:
    root = tree({"index.html": b"home", "sub/index.html": b"sub"})
    client = Client(OnDisk(root, live=mode == "live", html=True), door)
    for path, body in (("/", b"home"), ("/sub/", b"sub")):
        answer = client.get("/old", **{"PATH_INFO" if door == "wsgi" else "path": path})
        assert (answer.status, answer.body) == (200, body)


@pytest.mark.rows("A437")
@pytest.mark.parametrize("name", ["REQUEST_URI", "RAW_URI"])
def test_a_raw_target_of_the_server_shows_an_encoded_slash(
    name: str, mode: str, tree: Callable[..., Path]
) -> None:
    client = wsgi(tree({"sub/a.txt": b"a"}), mode)
    client.raw = False
    assert client.get("/sub%2fa.txt", **{name: "/sub%2fa.txt"}).passed
    assert client.get("/sub%2Fa.txt", **{name: "/sub%2Fa.txt?q=1"}).passed
    assert client.get("/sub%2Fa.txt", **{name: "http://localhost/sub%2Fa.txt"}).passed
    assert client.get("/sub/a.txt", **{name: "/sub/a.txt?q=%2f"}).body == b"a"
    # Without it nobody can tell.
    assert client.get("/sub%2fa.txt").body == b"a"


class Wrapper:
    """A server's `wsgi.file_wrapper`: it sends a file to its end."""

    made: ClassVar[list[Wrapper]] = []

    def __init__(self, file: Any, size: int = 8192) -> None:
        self.file, self.size = file, size
        self.made.append(self)

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.file.read(self.size), b"")

    def close(self) -> None:
        self.file.close()


class Wrapped:
    """What a WSGI door gave to a server that has a file wrapper."""

    def __init__(
        self,
        client: Client,
        method: str = "GET",
        fields: Any = (),
        path: bytes = b"/t.txt",
        wrapper: Any = Wrapper,
    ) -> None:
        Wrapper.made.clear()
        environ = make_environ(method, path, list(dict(fields).items()))
        environ["wsgi.file_wrapper"] = wrapper
        door: Any = dualstatic.wsgi.StaticMiddleware(files=client.files, **client.options)
        self.chunks: Any = door(environ, self.start_response)

    def start_response(self, status: str, headers: Any, exc_info: Any = None) -> Any:
        self.status, self.fields = int(status[:3]), dict(headers)
        return lambda data: None

    def rest(self) -> bytes:
        try:
            return b"".join(self.chunks)
        finally:
            if hasattr(self.chunks, "close"):
                self.chunks.close()


@pytest.mark.rows("A438")
def test_a_whole_file_is_handed_to_the_file_wrapper(mode: str, tree: Callable[..., Path]) -> None:
    content = b"x" * (2 * MIB)
    root = tree({"t.txt": content})
    client = wsgi(root, mode)
    got = Wrapped(client)
    assert got.status == 200
    assert got.fields["content-length"] == str(2 * MIB)
    assert isinstance(got.chunks, Wrapper)
    file = got.chunks.file
    assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == 0
    assert os.fstat(file.fileno()).st_size == 2 * MIB
    assert got.rest() == content
    assert open_files(root) == []


@pytest.mark.rows("A438")
def test_the_wrapped_file_says_at_its_end_that_it_fell_short(
    mode: str, tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": b"x" * (2 * MIB)})
    client = wsgi(root, mode)
    got = Wrapped(client)
    assert isinstance(got.chunks, Wrapper)
    os.truncate(root / "t.txt", MIB)
    with pytest.raises(FileChanged):
        got.rest()
    assert open_files(root) == []


@pytest.mark.rows("A438")
def test_a_client_that_leaves_a_wrapped_file_is_no_error(
    mode: str, tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": b"x" * (2 * MIB)})
    client = wsgi(root, mode)
    got = Wrapped(client)
    assert next(iter(got.chunks))
    got.chunks.close()
    assert open_files(root) == []


@pytest.mark.rows("A439")
def test_a_wrapped_file_that_grows_is_not_read_past_its_promise(
    mode: str, tree: Callable[..., Path]
) -> None:
    content = b"x" * (2 * MIB)
    root = tree({"t.txt": content})
    got = Wrapped(wsgi(root, mode))
    assert isinstance(got.chunks, Wrapper)
    with (root / "t.txt").open("ab") as file:
        file.write(b"more" * 1000)
    assert got.rest() == content


@pytest.mark.rows("A439")
@pytest.mark.parametrize(
    ("method", "fields", "status"),
    [
        ("GET", {"Range": "bytes=0-4"}, 206),
        ("GET", {"Range": "bytes=1-"}, 206),
        ("GET", {"Range": "bytes=0-1,5-6"}, 206),
        ("GET", {"Range": f"bytes={2 * MIB}-"}, 416),
        ("GET", {"If-None-Match": "*"}, 304),
        ("HEAD", {}, 200),
    ],
)
def test_a_file_wrapper_gets_nothing_but_whole_files(
    method: str, fields: dict[str, str], status: int, mode: str, tree: Callable[..., Path]
) -> None:
    content = (bytes(range(251)) * 8400)[: 2 * MIB]
    root = tree({"t.txt": content})
    client = wsgi(root, mode)
    got = Wrapped(client, method, fields)
    assert got.status == status
    assert Wrapper.made == []
    body = got.rest()
    if status == 206:
        assert len(body) == int(got.fields["content-length"])
        assert content[1:5] in body or content[5:7] in body
    assert open_files(root) == []


@pytest.mark.rows("A439")
def test_a_file_wrapper_is_left_alone_where_the_user_or_its_kind_says_so(
    mode: str, tree: Callable[..., Path]
) -> None:
    content = b"x" * (2 * MIB)
    client = wsgi(tree({"t.txt": content}), mode)
    got = Wrapped(client, wrapper=FileWrapper)
    assert not isinstance(got.chunks, FileWrapper)
    assert got.rest() == content
    client.options = {"file_wrapper": False}
    got = Wrapped(client)
    assert Wrapper.made == []
    assert got.rest() == content


@pytest.mark.rows("A440")
def test_a_head_has_one_empty_piece_and_opens_nothing(mode: str, tree: Callable[..., Path]) -> None:
    root = tree({"t.txt": DIGITS, "big.bin": b"x" * (2 * MIB)})
    client = wsgi(root, mode)
    for path in (b"/t.txt", b"/big.bin"):
        got = Wrapped(client, "HEAD", path=path)
        assert got.status == 200
        assert got.fields["content-length"] == str((root / path[1:].decode()).stat().st_size)
        assert open_files(root) == []
        assert list(got.chunks) == [b""]
        got.rest()
        assert open_files(root) == []


def reads_on(iterator: Iterator[bytes]) -> bool:
    """Whether anything more comes; a closed body may end or raise."""
    try:
        return any(iterator)
    except (OSError, ValueError):
        return False


@pytest.mark.rows("A441")
@pytest.mark.parametrize("wrapper", [None, Wrapper])
@pytest.mark.parametrize("taken", [0, 1])
def test_an_answer_closed_early_closes_its_file_once(
    wrapper: Any, taken: int, mode: str, big: Path
) -> None:
    client = wsgi(big.parent, mode)
    got = Wrapped(client, path=b"/big.bin", wrapper=wrapper or FileWrapper)
    assert (Wrapper.made != []) == (wrapper is not None)
    assert len(open_files(big.parent)) == 1
    iterator = iter(got.chunks)
    for _ in range(taken):
        assert next(iterator)
    got.chunks.close()
    assert open_files(big.parent) == []
    other = os.open(big, os.O_RDONLY)  # it gets the number that was just set free
    try:
        got.chunks.close()
        assert os.fstat(other).st_size == LARGE
    finally:
        os.close(other)
    assert not reads_on(iterator)


class Broken:
    """A WSGI door with one of the faults that the validator is there to see."""

    def __init__(self, app: Any = None, *, files: Any = None, fault: str = "") -> None:
        self.fault = fault

    def __call__(self, environ: Any, start_response: Any) -> Any:
        if self.fault == "no status":
            return [b""]
        text = "20 OK" if self.fault == "short status" else "200 OK"
        fields: list[Any] = [("content-length", "1")]
        if self.fault != "no type":
            fields.append(("content-type", "text/plain"))
        if self.fault == "bad name":
            fields.append(("bad\nname", "x"))
        start_response(text, tuple(fields) if self.fault == "tuple" else fields)
        return ["x"] if self.fault == "text" else [b"x"]


@pytest.mark.rows("A442")
@pytest.mark.parametrize(
    "fault", ["no status", "short status", "no type", "bad name", "tuple", "text"]
)
def test_the_validator_of_wsgi_stands_around_every_answer(
    fault: str, mode: str, tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree({"t.txt": DIGITS})
    assert wsgi(root, mode).get("/t.txt").status == 200
    monkeypatch.setattr(dualstatic.wsgi, "StaticMiddleware", Broken)
    client = wsgi(root, mode)
    assert client.get("/t.txt").body == b"x"
    client = replace(client, options={"fault": fault})
    with pytest.raises(AssertionError):
        client.get("/t.txt")


@pytest.mark.rows("A442")
@pytest.mark.parametrize("app", [True, False])
def test_every_kind_of_answer_passes_the_validator(
    app: bool, mode: str, tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": DIGITS, "sub/index.html": b"i", "404.html": b"lost"})
    files = OnDisk(root, live=mode == "live", html=True)
    for method, path, fields in EVERY_KIND:
        Client(files, "wsgi", app).ask(method, path, fields)


HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


@pytest.mark.rows("A443")
def test_no_field_of_one_connection_comes_from_us(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": DIGITS, "sub/index.html": b"i", "404.html": b"lost"})
    client = serve(root, app=False, html=True)
    for method, path, fields in EVERY_KIND:
        answer = client.ask(method, path, {**fields, "Connection": "close, te", "TE": "trailers"})
        assert not HOP_BY_HOP & {name for name, _ in answer.fields}


PATHS = [
    "/",
    "/t.txt",
    "/t.txt?q=1",
    "/T.TXT",
    "/t.txt/",
    "/t.txt%00",
    "/%74.txt",
    "/sub",
    "/sub/",
    "/sub?a=%2F",
    "/sub/index.html",
    "/sub%2fa.txt",
    "/sub/a.txt",
    "/sub/../t.txt",
    "//t.txt",
    "/nope",
    "/sub/nope/x",
    "/.hidden",
    "/link.txt",
    "/out.txt",
    "/%C3%BC.txt",
    "/%ff.txt",
    "/%zz",
    "/app.js",
    "/app.js.gz",
    "/gzonly.js",
    "/empty.txt",
    "/noindex",
    "/noindex/",
    "/l.bin",
]
FIELDS: list[dict[str, str]] = [
    {},
    {"Accept-Encoding": "gzip, br;q=0.5"},
    {"Accept-Encoding": "identity;q=0"},
    {"Accept-Encoding": "gzip", "Range": "bytes=0-4"},
    {"Range": "bytes=0-4"},
    {"Range": "bytes=-3,0-1,4-5"},
    {"Range": "bytes=99999-"},
    {"Range": "bytes=\xb2-"},
    {"Range": "bytes=0-1", "If-Range": '"q"'},
    {"If-None-Match": "*"},
    {"If-None-Match": '"q"'},
    {"If-Match": '"q"'},
    {"If-Modified-Since": "Tue, 02 Jan 2024 03:04:05 GMT"},
    {"If-Unmodified-Since": "Mon, 01 Jan 2024 03:04:05 GMT"},
]


@pytest.mark.rows("A447")
@pytest.mark.parametrize("app", [True, False])
@pytest.mark.parametrize("html", [True, False])
def test_both_doors_give_the_same_answer(
    app: bool, html: bool, mode: str, tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A large file's tag changes when its file is new no more, which must not be between two asks.
    monkeypatch.setattr(validators, "FRESH", 3600 * 10**9 if mode == "live" else 0)
    root = tree(
        {
            "t.txt": DIGITS,
            "index.html": b"home",
            "404.html": b"lost",
            "404.html.gz": b"g",
            "sub/index.html": b"sub",
            "sub/a.txt": b"a",
            "sub/404.html": b"lost below",
            "noindex/a.txt": b"a",
            ".hidden": b"hidden",
            "\u00fc.txt": b"u",
            "app.js": b"x" * 100,
            "app.js.gz": b"g" * 53,
            "app.js.br": b"b" * 47,
            "gzonly.js.gz": b"g" * 20,
            "empty.txt": b"",
            "l.bin": bytes(range(256)) * 1200,
        }
    )
    (root / "link.txt").symlink_to("t.txt")
    (root / "out.txt").symlink_to("../outside/secret.txt")
    options = {"html": html, "live": mode == "live", "headers": {"X-Extra": "1", "Vary": "Origin"}}
    files = OnDisk(root, **options)
    # With an app each door has files of its own, without one they share them.
    one = Client(files, "wsgi", app)
    two = Client(OnDisk(root, **options) if app else files, "asgi", app)
    statuses = set()
    for method, path, fields in product(("GET", "HEAD", "POST", "OPTIONS"), PATHS, FIELDS):
        if method not in ("GET", "HEAD") and not fields.keys() <= {"Range", "If-None-Match"}:
            continue
        left = comparable(one.ask(method, path, fields))
        right = comparable(two.ask(method, path, fields))
        assert left == right, (method, path, fields)
        statuses.add(left.status)
    expected = {200, 206, 304, 412, 416} | ({307} if html else set())
    assert statuses == expected | (set() if app else {404, 405})


@each("door", ["wsgi", "asgi"])
@each("space", [" ", " \t ", "\t"])
def test_whitespace_around_a_value_is_no_part_of_it(
    door: str, space: str, mode: str, tree: Callable[..., Path]
) -> None:
    """RFC 9110 section 5.5; httptools, uWSGI and Werkzeug leave some of it there."""
    root = tree({"t.txt": DIGITS, "index.html": b"home"})
    files = StaticFiles(root, live=mode == "live", not_found="/index.html")
    client = Client(files, door, app=False)
    plain = client.get("/t.txt")
    tag, date, early = plain["etag"], plain["last-modified"], "Mon, 01 Jan 2001 00:00:00 GMT"
    for status, fields in [
        (304, {"If-None-Match": tag}),
        (304, {"If-Modified-Since": date}),
        (412, {"If-Unmodified-Since": early}),
        (200, {"If-Match": tag}),
        (206, {"Range": "bytes=0-1"}),
        (206, {"Range": "bytes=0-1", "If-Range": tag}),
        (206, {"Range": "bytes=0-1", "If-Range": date}),
    ]:
        spaced = {name: f"{space}{value}{space}" for name, value in fields.items()}
        assert client.get("/t.txt", spaced).status == status, fields
    to_a_page = {"Sec-Fetch-Mode": f"navigate{space}", "Sec-Fetch-Dest": f"document{space}"}
    assert client.get("/route", to_a_page).body == b"home"


EVENT_LOOPS = [("asyncio", {}), ("trio", {})]
if importlib.util.find_spec("uvloop"):
    EVENT_LOOPS.append(("asyncio", {"use_uvloop": True}))


@pytest.mark.rows("A451")
@pytest.mark.parametrize(("backend", "backend_options"), EVENT_LOOPS)
def test_every_event_loop_gets_the_same_answer(
    backend: str, backend_options: dict[str, Any], mode: str, tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": DIGITS, "l.bin": bytes(range(256)) * 10_000, "sub/index.html": b"i"})
    files = OnDisk(root, live=mode == "live", html=True)
    client = Client(files, "asgi", backend=backend, backend_options=backend_options)
    expected = Client(files, "wsgi")
    for path in ("/t.txt", "/l.bin", "/sub", "/sub/"):
        for fields in ({}, {"Range": "bytes=2-7"}, {"Range": "bytes=0-1,5-6"}, {"If-Match": "x"}):
            assert client.get(path, fields) == expected.get(path, fields)
    assert client.get("/nope").passed


@pytest.mark.rows("A451")
def test_the_core_knows_no_event_loop() -> None:
    sources = [path for folder in dualstatic.core.__path__ for path in Path(folder).rglob("*.py")]
    assert len(sources) > 2
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] not in {"asyncio", "anyio", "trio", "sniffio", "uvloop"}
            assert not isinstance(node, (ast.AsyncFunctionDef, ast.Await)), source


@pytest.mark.rows("A429")
def test_a_server_whose_receive_never_waits_gets_the_whole_file(
    mode: str, tree: Callable[..., Path]
) -> None:
    big = bytes(2**20)
    files = OnDisk(tree({"big.bin": big}), live=mode == "live")
    door = dualstatic.asgi.StaticMiddleware(files=files)
    messages = Messages()

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def ask() -> None:
        with anyio.fail_after(20):
            await door(make_scope("GET", b"/big.bin", ()), receive, messages.send)

    anyio.run(ask)
    assert b"".join(messages.body) == big
