"""A directory or a manifest that a build has yet to make: the app goes on, and that is told."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from http.client import HTTPConnection
from itertools import product
from pathlib import Path
from typing import Any

import anyio
import pytest

import dualstatic.asgi
import dualstatic.wsgi
from dualstatic import Request, StaticFiles, manifests
from tests.conftest import DOORS
from tests.support.apps import HOW, JSON, NAVIGATE, App, ask, handled, start_again
from tests.support.doors import Client, OnDisk, make_environ, make_scope
from tests.support.each import each
from tests.support.faults import patch_everywhere
from tests.support.servers import exchange, free_port, serve
from tests.support.steps import staying
from tests.support.trees import Link, write_tree

TEXT = b"the text " * 100
SPA = "single-page-application"


@pytest.fixture
def late(tree: Callable[..., Path]) -> Path:
    """Where a directory will be."""
    return tree({}, "www") / "late"


@pytest.fixture
def files(late: Path, mode: str) -> Callable[..., StaticFiles]:
    """Files that are to be there, for requests below a prefix."""

    def make(directory: Any = late, **options: Any) -> StaticFiles:
        given = {"check_dir": False, "prefix": "/static", "memory": 0, **options}
        return StaticFiles(directory, live=mode == "live", **given)

    return make


def content(files: StaticFiles, path: str) -> bytes:
    answer = files.answer(Request("GET", path))
    assert answer is not None
    return b"".join(answer)


@each("door", DOORS)
@each(
    ("status", "target", "method", "is_told"),
    [
        (404, "/static/t.txt", "GET", True),
        (404, "/static/t.txt", "HEAD", True),
        (404, "/static/sub/", "GET", True),
        (404, "/static", "GET", True),
        (404, "/static/", "GET", True),
        (404, "/static/t.txt", "POST", False),
        (404, "/statics/t.txt", "GET", False),
        (404, "/", "GET", False),
        (200, "/static/t.txt", "GET", False),
        (200, "/static/t.txt", "HEAD", False),
        (302, "/static/t.txt", "GET", False),
        (405, "/static/t.txt", "GET", False),
        (410, "/static/t.txt", "GET", False),
        (500, "/static/t.txt", "GET", False),
    ],
)
def test_the_app_is_asked_first_and_its_404_below_the_prefix_tells_of_the_directory(
    status: int,
    target: str,
    method: str,
    is_told: bool,
    files: Callable[..., StaticFiles],
    door: str,
    late: Path,
) -> None:
    for how, not_found in product(HOW, (None, SPA)):
        app, served = App(how, status), files(not_found=not_found, html=True)
        for _ in range(2):
            if is_told:
                with pytest.raises(NotADirectoryError, match="does not exist") as caught:
                    ask(served, door, app, target, NAVIGATE, method)
                assert isinstance(caught.value, RuntimeError)
                assert str(caught.value) == f"directory: {str(late)!r} does not exist"
            else:
                answer = ask(served, door, app, target, NAVIGATE, method)
                got = (answer.status, answer.body, answer.passed)
                assert got == (status, JSON, True), (how, not_found)
        assert app.closed == len(app.asked) == 2, (how, not_found)


@pytest.mark.parametrize("how", HOW)
def test_the_directory_is_served_as_soon_as_it_is_there(
    how: str, files: Callable[..., StaticFiles], door: str, late: Path
) -> None:
    app, served = App(how), files()
    with pytest.raises(NotADirectoryError):
        ask(served, door, app, "/static/t.txt")
    write_tree(late, {"t.txt": TEXT})
    assert ask(served, door, app, "/static/t.txt").body == TEXT
    miss = ask(served, door, app, "/static/missing")
    assert (miss.status, miss.body, miss.passed) == (404, JSON, True)
    assert "vary" not in miss


@pytest.mark.parametrize("check_dir", [True, False])
def test_a_directory_that_goes_while_its_index_is_made_is_missing(
    check_dir: bool, late: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = write_tree(late, {"t.txt": TEXT}).with_name("away")

    def removing(real: Callable[..., Any]) -> Callable[..., Any]:
        def scandir(place: Any) -> Any:
            late.rename(away)
            return real(place)

        return scandir

    with monkeypatch.context() as patch:
        patch_everywhere(patch, "scandir", removing)
        if check_dir:
            with pytest.raises(RuntimeError, match=r"directory: .*late' does not exist"):
                StaticFiles(late)
            return
        files = StaticFiles(late, check_dir=False)
        assert files.answer(Request("GET", "/t.txt")) is None
    away.rename(late)
    assert content(files, "/t.txt") == TEXT


@pytest.mark.parametrize("option", ["directory", "previous"])
def test_a_file_that_takes_the_place_of_a_directory_while_its_index_is_made_is_none(
    option: str, late: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"directory": late.with_name("first"), "previous": late.with_name("second")}
    options[option] = late
    for directory in options.values():
        write_tree(directory, {"t.txt": TEXT})

    def replacing(real: Callable[..., Any]) -> Callable[..., Any]:
        def scandir(place: Any) -> Any:
            if late.is_dir():
                late.rename(late.with_name("away"))
                late.write_text("a file")
            return real(place)

        return scandir

    patch_everywhere(monkeypatch, "scandir", replacing)
    with pytest.raises(NotADirectoryError, match=f"^{option}: .*late' is not a directory"):
        StaticFiles(**options, immutable="t")


def test_a_file_where_a_directory_is_to_be_is_no_directory(
    late: Path, files: Callable[..., StaticFiles], door: str
) -> None:
    late.write_bytes(b"")
    with pytest.raises(NotADirectoryError, match="late' is not a directory"):
        ask(files(), door, App("at once"), "/static/t.txt")


def test_each_of_several_directories_has_to_be_there(
    late: Path, files: Callable[..., StaticFiles], door: str
) -> None:
    write_tree(late.parent, {"t.txt": TEXT})
    app, served = App("at once"), files([late.parent, late])
    with pytest.raises(NotADirectoryError, match=r"late"):
        ask(served, door, app, "/static/t.txt")
    late.mkdir()
    assert ask(served, door, app, "/static/t.txt").body == TEXT


def test_without_an_app_a_missing_directory_is_told_whatever_the_method(
    late: Path, files: Callable[..., StaticFiles], door: str
) -> None:
    client = Client(files(html=True), door, app=False)
    for method in ("GET", "HEAD", "POST"):
        with pytest.raises(NotADirectoryError, match="does not exist"):
            client.ask(method, "/static/t.txt")
    assert client.get("/other").status == 404


def test_an_app_that_catches_all_hides_nothing(
    files: Callable[..., StaticFiles], door: str
) -> None:
    def wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
        try:
            start_response("404 Not Found", [])
        except RuntimeError:
            start_response("200 OK", [])
        return [b"fine"]

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        try:
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b"fine"})
        except OSError:
            return  # as Starlette does: to it, the client has gone

    def ask() -> None:
        if door == "wsgi":
            environ = make_environ("GET", b"/static/t.txt", ())
            dualstatic.wsgi.StaticMiddleware(wsgi, files=files())(environ, lambda *_: None)
        else:
            scope = make_scope("GET", b"/static/t.txt", ())
            app = dualstatic.asgi.StaticMiddleware(asgi, files=files())
            anyio.run(app, scope, staying(), staying())

    with pytest.raises(NotADirectoryError):
        ask()


@pytest.mark.parametrize("app", [None, App("at once").wsgi])
def test_gunicorn_gets_no_oserror_which_it_would_answer_with_a_closed_connection(
    app: Any, files: Callable[..., StaticFiles]
) -> None:
    environ = make_environ("GET", b"/static/t.txt", ()) | {"gunicorn.socket": None}
    with pytest.raises(RuntimeError, match="late' does not exist") as raised:
        dualstatic.wsgi.StaticMiddleware(app, files=files())(environ, lambda *_: None)
    assert not isinstance(raised.value, OSError)
    assert isinstance(raised.value.__cause__, NotADirectoryError)


@pytest.mark.parametrize("write", [False, True])
def test_an_app_that_turns_its_answer_into_a_404_tells_of_the_directory(
    write: bool, files: Callable[..., StaticFiles]
) -> None:
    sent, errors = handled(files(prefix="/"), start_again(write=write), {})
    assert sent.endswith(b"begun") if write else b" 500 Internal Server Error\r\n" in sent
    assert ("KeyError" if write else "late' does not exist") in errors


def test_a_directory_is_not_looked_for_without_waiting(files: Callable[..., StaticFiles]) -> None:
    served, below, other = files(), Request("GET", "/static/t.txt"), Request("GET", "/other")
    for ask_files in (served.answer, partial(served.fallback, has_app=True)):
        for _ in range(2):
            with pytest.raises(BlockingIOError):
                ask_files(below, wait=False)
            assert ask_files(other, wait=False) is None
    assert served.answer(below) is None
    for has_app in (True, False):
        with pytest.raises(NotADirectoryError):
            served.fallback(below, has_app=has_app)


def test_a_directory_is_not_looked_at_before_the_first_request(
    late: Path, files: Callable[..., StaticFiles], door: str
) -> None:
    write_tree(late, {"before.txt": b"before"})
    client = Client(files(), door)
    write_tree(late, {"after.txt": b"after"})
    assert client.get("/static/after.txt").body == b"after"


def test_under_many_threads_the_function_for_live_is_asked_and_the_index_made_once(
    late: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(late, {"t.txt": TEXT})
    asked: list[bool] = []
    files = OnDisk(late, check_dir=False, live=lambda: asked.append(True) or False)
    scandir, scans = os.scandir, []

    def slow(*args: Any) -> Any:
        scans.append(args)
        time.sleep(0.1)
        return scandir(*args)

    monkeypatch.setattr(os, "scandir", slow)
    bodies: list[bytes] = []
    ready = threading.Barrier(8)

    def ask() -> None:
        ready.wait()
        bodies.append(content(files, "/t.txt"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bodies == [TEXT] * 8
    assert (len(asked), len(scans)) == (1, 1)


def test_a_refresh_finds_the_directory_too(late: Path, mode: str) -> None:
    files = OnDisk(late, check_dir=False, live=mode == "live")
    with pytest.raises(NotADirectoryError):
        files.refresh()
    write_tree(late, {"t.txt": TEXT, "link": Link("t.txt")})
    files.refresh()
    assert content(files, "/link") == TEXT


@pytest.mark.parametrize("content", [None, "", '{"paths": {"a.0123', "[]"])
def test_nothing_is_immutable_until_the_manifest_is_there(
    content: str | None, files: Callable[..., StaticFiles], late: Path, caplog: Any
) -> None:
    manifest = late / "staticfiles.json"
    served = files(prefix="/", immutable=manifests.django(manifest))
    names = [f"{letter}.0123456789ab.js" for letter in "abc"]
    write_tree(late, dict.fromkeys(names, TEXT))

    def is_immutable(name: str) -> bool:
        answer = served.answer(Request("GET", f"/{name}"))
        assert answer is not None
        with answer:
            return "immutable" in dict(answer.headers)["cache-control"]

    if content is not None:
        write_tree(late, {"next": content})
        os.replace(late / "next", manifest)
    for _ in range(2):
        assert not is_immutable(names[0])
        assert not is_immutable(names[1])
    assert caplog.text.count("is no manifest of Django") == (content is not None)
    write_tree(late, {"next": json.dumps({"paths": {f"{name[0]}.js": name for name in names}})})
    os.replace(late / "next", manifest)
    assert is_immutable(names[2])
    served.refresh()
    assert is_immutable(names[0])


SERVER = """
import sys
from tests.support.apps import JSON
from dualstatic import StaticFiles, asgi, wsgi

server, port, directory = sys.argv[1:]
files = StaticFiles(directory, check_dir=False)

def wsgi_app(environ, start_response):
    is_api = environ["PATH_INFO"] == "/api"
    start_response("200 OK" if is_api else "404 Not Found", [("Content-Length", str(len(JSON)))])
    return [JSON]

async def asgi_app(scope, receive, send):
    status = 200 if scope["path"] == "/api" else 404
    headers = [(b"content-length", str(len(JSON)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": JSON})

print(f"http://127.0.0.1:{port}/", flush=True)
if server == "uvicorn":
    import uvicorn

    app = asgi.StaticMiddleware(asgi_app, files=files)
    uvicorn.run(app, port=int(port), lifespan="off", log_level="warning")
elif server == "waitress":
    import waitress

    waitress.serve(wsgi.StaticMiddleware(wsgi_app, files=files), listen=f"127.0.0.1:{port}")
else:
    from gunicorn.app.base import BaseApplication

    class Gunicorn(BaseApplication):
        def load_config(self):
            self.cfg.set("bind", f"127.0.0.1:{port}")
            self.cfg.set("worker_class", server)
            self.cfg.set("control_socket_disable", True)

        def load(self):
            return wsgi.StaticMiddleware(wsgi_app, files=files)

    Gunicorn().run()
"""


@pytest.mark.parametrize("server", ["uvicorn", "waitress", "sync", "gthread"])
def test_a_server_answers_500_while_a_directory_is_missing_and_the_app_goes_on(
    server: str, tmp_path: Path
) -> None:
    root = tmp_path / "late"
    command = ("-c", SERVER, server, str(free_port()), root)
    with serve(*command, logs=tmp_path, calm=False) as running:
        for _ in range(2):
            assert running.get("/api").body == JSON
            link = HTTPConnection(*running.address, timeout=30)
            assert exchange(link, "GET", "/t.txt").status == 500
            link.close()
        assert f"directory: {str(root)!r} does not exist" in running.words()
        write_tree(root, {"t.txt": TEXT})
        assert running.get("/t.txt").body == TEXT
        assert running.get("/missing").status == 404
        assert running.get("/api").body == JSON
