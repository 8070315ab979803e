"""The option `not_found`, in whatever way an app answers. Group N tells what gets a page."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

import dualstatic.asgi
import dualstatic.wsgi
from dualstatic import Request, StaticFiles
from dualstatic.core.replies import deciding_fields
from dualstatic.disk.body import FileChanged
from tests.conftest import DOORS
from tests.support.apps import HOW, JSON, NAVIGATE, App, ask, handled, start_again
from tests.support.doors import Client, make_environ, make_scope
from tests.support.each import each
from tests.support.steps import open_files, staying
from tests.support.trees import write_tree

pytestmark = pytest.mark.usefixtures("aging")

MIB = 2**20
SPA, PAGE = "single-page-application", "404-page"
BY_MODE, BY_DEST = "Sec-Fetch-Mode", "Sec-Fetch-Mode, Sec-Fetch-Dest"
ACCEPT = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FILES = {
    "index.html": "home",
    "404.html": "no such page",
    "sub/404.html": "no such page in sub",
    "app.js": "script()",
    "big/404.html": b"0123456789abcdef" * 40_000,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(tmp_path_factory.mktemp("not_found"), FILES)


@pytest.fixture
def files(mode: str, root: Path) -> Callable[..., StaticFiles]:
    return lambda **options: StaticFiles(root, live=mode == "live", **options)


@pytest.mark.rows("N136", "N137", "N144", "N145")
@each("door", DOORS)
@each("how", HOW)
@each(
    ("target", "fields", "vary"),
    [
        ("/app/route", NAVIGATE, BY_DEST),
        ("/app/route", ACCEPT, "Sec-Fetch-Mode, Accept"),
        ("/sub/", NAVIGATE | {"Range": "bytes=0-1", "If-None-Match": "*"}, BY_DEST),
    ],
)
def test_a_route_of_the_single_page_gets_it_after_the_app_had_no_answer(
    files: Callable[..., StaticFiles], door: str, how: str, target: str, fields: Any, vary: str
) -> None:
    app = App(how)
    for method, body in (("GET", b"home"), ("HEAD", b"")):
        answer = ask(files(not_found=SPA), door, app, target, fields, method)
        assert (answer.status, answer.body, answer.passed) == (200, body, False)
        assert answer["content-type"] == "text/html; charset=utf-8"
        assert answer["cache-control"] == "no-cache"
        assert answer["content-length"] == "4"
        assert answer["vary"] == vary
        for name in ("etag", "last-modified", "accept-ranges", "content-range"):
            assert name not in answer
    assert len(app.asked) == 2


@pytest.mark.rows("N138", "N139", "N140", "N142", "N143")
@each("door", DOORS)
@each("how", HOW)
@each("not_found", [SPA, PAGE])
@each(
    ("target", "fields", "method"),
    [
        ("/app/route", {"Sec-Fetch-Mode": "cors"}, "GET"),
        ("/app/route", {}, "GET"),
        ("/assets/old-abc.js", NAVIGATE, "GET"),
        ("/app/route", NAVIGATE, "POST"),
    ],
)
def test_what_is_no_navigation_keeps_the_apps_answer(
    files: Callable[..., StaticFiles],
    door: str,
    how: str,
    not_found: str,
    target: str,
    fields: Any,
    method: str,
) -> None:
    answer = ask(files(not_found=not_found), door, App(how), target, fields, method)
    assert (answer.status, answer.body, answer.passed) == (404, JSON, True)
    headers = {name.lower(): value for name, value in fields.items()}
    deciding = ", ".join(deciding_fields(Request(method, target, headers=headers)))
    assert answer.get("vary") == (deciding if method == "GET" else None)


@pytest.mark.rows("N128")
@each("door", DOORS)
@each("how", HOW)
@each("not_found", [SPA, PAGE])
@each(
    ("given", "vary"),
    [
        ([("Vary", "Cookie")], "Cookie, Sec-Fetch-Mode"),
        (
            [("Vary", "Cookie"), ("Vary", "Accept, Origin")],
            "Cookie, Accept, Origin, Sec-Fetch-Mode",
        ),
        ([("Vary", "sec-fetch-mode, Cookie")], "sec-fetch-mode, Cookie"),
        ([("Vary", "*")], "*"),
        ([("Vary", "")], "Sec-Fetch-Mode"),
        ([], "Sec-Fetch-Mode"),
    ],
)
def test_a_404_of_the_app_that_might_have_been_a_page_varies_and_stays_as_it_is(
    files: Callable[..., StaticFiles], door: str, how: str, not_found: str, given: Any, vary: str
) -> None:
    no_page = {"Sec-Fetch-Mode": "cors"}
    answer = ask(files(not_found=not_found), door, App(how, 404, given), "/route", no_page)
    assert (answer.status, answer.body, answer.passed) == (404, JSON, True)
    if "sec-fetch-dest" not in vary.lower():
        assert ", ".join(v for n, v in answer.fields if n.lower() == "vary") == vary
    others = [(name.lower(), value) for name, value in answer.fields if name.lower() != "vary"]
    assert others == [("content-type", "application/json"), ("x-app", "1")]


@each("door", DOORS)
@each("how", HOW)
@each(
    ("target", "method", "status", "options"),
    [
        ("/route", "GET", 200, {"not_found": SPA}),
        ("/route", "GET", 410, {"not_found": SPA}),
        ("/route", "POST", 404, {"not_found": SPA}),
        ("/route", "GET", 404, {"not_found": SPA, "prefix": "/app"}),
        ("/route", "GET", 404, {"html": True}),
        ("/route", "GET", 405, {"html": True}),
        ("/route", "GET", 405, {"not_found": SPA, "prefix": "/app"}),
    ],
)
def test_an_answer_of_the_app_that_could_not_have_been_a_page_has_no_vary_of_ours(
    files: Callable[..., StaticFiles],
    door: str,
    how: str,
    target: str,
    method: str,
    status: int,
    options: Any,
) -> None:
    answer = ask(files(**options), door, App(how, status), target, NAVIGATE, method)
    assert answer.passed
    assert "vary" not in answer


@pytest.mark.rows("N141")
@each("door", DOORS)
@each("how", HOW)
@each("not_found", [SPA, PAGE])
def test_an_answer_of_the_app_stays(
    files: Callable[..., StaticFiles], door: str, how: str, not_found: str
) -> None:
    answer = ask(files(not_found=not_found), door, App(how, 200), "/api/users")
    assert (answer.status, answer.body, answer.passed) == (200, JSON, True)


POST_ONLY = [("Allow", "POST")]


@each("door", DOORS)
@each("how", HOW)
@each(("not_found", "status"), [(SPA, 200), (PAGE, 404)])
def test_a_navigation_to_what_takes_no_get_is_answered_by_the_page(
    files: Callable[..., StaticFiles], door: str, not_found: str, status: int, how: str
) -> None:
    app = App(how, 405, POST_ONLY)
    answer = ask(files(not_found=not_found), door, app, "/login")
    assert (answer.status, answer.passed, len(app.asked)) == (status, False, 1)
    assert answer["vary"] == BY_DEST
    assert "allow" not in answer


@each("door", DOORS)
@each("how", HOW)
@each("not_found", [SPA, PAGE])
@each(
    ("target", "method", "fields", "allow", "vary"),
    [
        ("/login", "GET", {"Sec-Fetch-Mode": "cors"}, POST_ONLY, BY_MODE),
        ("/login", "PUT", NAVIGATE, POST_ONLY, None),
        ("/page", "HEAD", NAVIGATE, [("Allow", "POST"), ("Allow", "GET")], None),
    ],
)
def test_any_other_405_of_the_app_stays(
    files: Callable[..., StaticFiles],
    door: str,
    target: str,
    method: str,
    fields: Any,
    allow: Any,
    vary: str | None,
    not_found: str,
    how: str,
) -> None:
    answer = ask(files(not_found=not_found), door, App(how, 405, allow), target, fields, method)
    assert (answer.status, answer.body, answer.passed) == (405, JSON, True)
    assert [(n, v) for n, v in answer.fields if n.lower() == "allow"] == [
        (name if door == "wsgi" else name.lower(), value) for name, value in allow
    ]
    assert answer.get("vary") == vary


@pytest.mark.rows("N128")
@each("door", DOORS)
@each("how", HOW)
@each("fields", [NAVIGATE, ACCEPT])
@each(
    ("target", "body"),
    [
        ("/nope", b"no such page"),
        ("/sub/x/y", b"no such page in sub"),
        ("/big/x", FILES["big/404.html"]),
    ],
)
def test_a_navigation_gets_the_nearest_404_page_in_place_of_the_apps(
    files: Callable[..., StaticFiles],
    root: Path,
    door: str,
    how: str,
    fields: Any,
    target: str,
    body: Any,
) -> None:
    answer = ask(files(not_found=PAGE), door, App(how), target, fields)
    assert (answer.status, answer.body, answer.passed) == (404, body, False)
    assert answer["cache-control"] == "no-cache"
    assert open_files(root) == []


@each("door", DOORS)
@each("how", HOW)
@each("prefix", ["", "/app"])
@each("clean_urls", [False, True])
def test_a_page_of_the_directory_is_the_page_of_navigations(
    tree: Callable[..., Path], mode: str, door: str, how: str, prefix: str, clean_urls: bool
) -> None:
    root = tree({"index.html": "home", "200.html": "shell", "sub/200.html": "no"})
    options: dict[str, Any] = {"clean_urls": clean_urls, "prefix": prefix}
    served = StaticFiles(root, live=mode == "live", not_found="/200.html", **options)
    for target in ("/route", "/sub/route", "/sub/", "/index.htm"):
        answer = ask(served, door, App(how), prefix + target)
        assert (answer.status, answer.body, answer.passed) == (200, b"shell", False)
        assert (answer["cache-control"], answer["vary"]) == ("no-cache", BY_DEST)
    assert ask(served, door, App(how), f"{prefix}/route", {"Sec-Fetch-Mode": "cors"}).passed
    served = StaticFiles(root, live=mode == "live", not_found="/sub/200.html", **options)
    assert ask(served, door, App(how), f"{prefix}/route").body == b"no"
    served = StaticFiles(root, live=mode == "live", not_found="/gone.html", **options)
    assert ask(served, door, App(how), f"{prefix}/route").passed


@each("door", DOORS)
@each("how", HOW)
@each(
    ("wanted", "status", "body"),
    [
        (SPA, 200, b"home"),
        (PAGE, 404, b"no such page in sub"),
        ("/sub/404.html", 200, b"no such page in sub"),
        ("/gone.html", 404, JSON),
        (None, 404, JSON),
    ],
)
def test_a_function_says_what_a_navigation_gets(
    files: Callable[..., StaticFiles],
    door: str,
    how: str,
    wanted: str | None,
    status: int,
    body: bytes,
) -> None:
    asked: list[str] = []

    def not_found(path: str) -> str | None:
        asked.append(path)
        return wanted

    served = files(not_found=not_found, html=True, prefix="/app")
    for target, fields, app_status in (
        ("/app/sub/x", {"Sec-Fetch-Mode": "cors"}, 404),
        ("/app/sub/x", NAVIGATE, 200),
        ("/other", NAVIGATE, 404),
        ("/app/app.js", NAVIGATE, 404),
    ):
        ask(served, door, App(how, app_status), target, fields)
    assert asked == []
    answer = ask(served, door, App(how), "/app/sub/%C3%BC%20x?q=1")
    assert (answer.status, answer.body, answer["vary"]) == (status, body, BY_DEST)
    assert asked == ["/app/sub/\u00fc x"]


def test_where_a_function_names_no_page_there_is_none_without_an_app_either(
    files: Callable[..., StaticFiles],
) -> None:
    served = files(not_found=lambda path: None, html=True)
    answer = served.fallback(
        Request("GET", "/nope", headers={"sec-fetch-mode": "navigate"}), has_app=False
    )
    assert answer is not None
    assert (answer.status, list(answer)) == (404, [b"Not Found\n"])


def test_a_function_is_not_asked_on_the_event_loop(files: Callable[..., StaticFiles]) -> None:
    served = files(not_found=lambda path: SPA)
    navigation = Request("GET", "/nope", headers={"sec-fetch-mode": "navigate"})
    with pytest.raises(BlockingIOError):
        served.fallback(navigation, has_app=True, wait=False)


@each("door", DOORS)
@each("how", HOW)
@each(("value", "error"), [(5, TypeError), (True, TypeError), ("spa", ValueError)])
def test_a_wrong_value_of_a_function_raises_with_the_name_of_the_option(
    files: Callable[..., StaticFiles], door: str, how: str, value: Any, error: Any
) -> None:
    served = files(not_found=lambda path: value)
    with pytest.raises(error, match=f'^not_found takes "404-page", .* not {value!r}$'):
        ask(served, door, App(how), "/nope")


@each("door", DOORS)
@each("how", HOW)
@each("not_found", [SPA, PAGE])
@each("target", ["/nope", "/staticx", "/"])
def test_a_path_that_is_not_below_the_prefix_keeps_the_apps_answer(
    files: Callable[..., StaticFiles], door: str, how: str, not_found: str, target: str
) -> None:
    served = files(not_found=not_found, prefix="/static")
    assert ask(served, door, App(how), target).passed
    assert not ask(served, door, App(how), f"/static{target}").passed


@each("door", DOORS)
@each("how", HOW)
def test_without_a_page_the_apps_answer_stays(
    tree: Callable[..., Path], door: str, how: str
) -> None:
    root = tree({"t.txt": "text"}, "bare")
    for not_found in (SPA, PAGE):
        served = StaticFiles(root, not_found=not_found)
        answer = ask(served, door, App(how), "/nope")
        assert (answer.status, answer.body, answer.passed) == (404, JSON, True)


@pytest.mark.rows("N135")
@pytest.mark.parametrize(
    "options",
    [
        {"immutable": "^assets/"},
        {"immutable": ""},
        {"cache_control": "max-age=600"},
        {"cache_control": lambda name: "max-age=600"},
        {"headers": {"Cache-Control": "max-age=600"}},
        {"headers": lambda name: {"cache-control": "max-age=600"}},
    ],
    ids=["the path's rule", "the page's rule", "value", "callable", "field", "callable's field"],
)
def test_no_rule_makes_a_404_page_stay_in_caches(
    options: dict[str, Any], serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({**FILES, "assets/app.js": "script()"}), html=True, app=False, **options)
    assert client.get("/assets/app.js")["cache-control"] != "no-cache"
    answer = client.get("/assets/app.00000000.js")
    assert (answer.status, answer.body) == (404, b"no such page")
    assert answer["cache-control"] == "no-cache"


@pytest.mark.rows("N135")
@each("door", DOORS)
@each("not_found", [SPA, PAGE])
def test_the_option_headers_makes_no_page_stay_in_caches(
    files: Callable[..., StaticFiles], door: str, not_found: str
) -> None:
    served = files(not_found=not_found, headers={"Cache-Control": "max-age=600", "X-A": "1"})
    answer = ask(served, door, App("at once"), "/nope")
    assert (answer["cache-control"], answer["x-a"]) == ("no-cache", "1")


@each("door", DOORS)
@each("how", HOW)
def test_a_file_never_reaches_the_app(
    files: Callable[..., StaticFiles], door: str, how: str
) -> None:
    app = App(how)
    assert ask(files(not_found=SPA), door, app, "/app.js").body == b"script()"
    assert app.asked == []


@each("not_found", [SPA, PAGE])
def test_without_an_app_it_is_the_same_but_for_the_text(
    files: Callable[..., StaticFiles], not_found: str
) -> None:
    served = files(not_found=not_found, html=True)
    page = served.fallback(
        Request("GET", "/nope", headers={"sec-fetch-mode": "navigate"}), has_app=False
    )
    text = served.fallback(
        Request("GET", "/nope", headers={"sec-fetch-mode": "cors"}), has_app=False
    )
    assert page is not None
    assert text is not None
    assert page.status == (200 if not_found == SPA else 404)
    assert dict(page.headers)["vary"] == BY_DEST
    assert dict(text.headers)["vary"] == BY_MODE
    assert (text.status, list(text)) == (404, [b"Not Found\n"])


def test_an_app_that_fails_after_its_404_is_heard(
    files: Callable[..., StaticFiles], root: Path
) -> None:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("404 Not Found", [])
        try:
            raise RuntimeError("the app's own trouble")
        except RuntimeError:
            start_response("500 Oops", [("X-App", "1")], __import__("sys").exc_info())
        return [b"oops"]

    started: list[Any] = []
    door: Any = dualstatic.wsgi.StaticMiddleware(app, files=files(not_found=PAGE, memory=0))
    environ = make_environ("GET", b"/nope", list(NAVIGATE.items()))
    assert b"".join(door(environ, lambda *arguments: started.append(arguments))) == b"oops"
    assert [arguments[0] for arguments in started] == ["500 Oops"]
    assert open_files(root) == []


def test_an_answer_that_calls_the_server_when_it_is_iterated_over_calls_it_once(
    tree: Callable[..., Path],
) -> None:
    """As the class of PEP 3333 that is an app."""

    class App:
        def __init__(self, environ: Any, start_response: Any) -> None:
            self.start = start_response

        def __iter__(self) -> Iterator[bytes]:
            self.start("200 OK", [])
            yield b"one"
            yield b"two"

    started: list[Any] = []
    door: Any = dualstatic.wsgi.StaticMiddleware(
        App, files=StaticFiles(tree(FILES), not_found=PAGE)
    )
    environ = make_environ("GET", b"/nope", list(NAVIGATE.items()))
    assert list(door(environ, lambda *arguments: started.append(arguments))) == [b"one", b"two"]
    assert len(started) == 1


def test_an_app_that_raises_late_is_closed(tree: Callable[..., Path]) -> None:
    closed = []

    class Failing:
        def __iter__(self) -> Iterator[bytes]:
            raise RuntimeError("the app's own trouble")

        def close(self) -> None:
            closed.append(True)

    door: Any = dualstatic.wsgi.StaticMiddleware(
        lambda environ, start_response: Failing(), files=StaticFiles(tree(FILES), not_found=PAGE)
    )
    with pytest.raises(RuntimeError, match="own trouble"):
        door(make_environ("GET", b"/nope", list(NAVIGATE.items())), lambda *arguments: None)
    assert closed == [True]


def test_a_page_is_closed_where_the_app_fails_to_close(
    files: Callable[..., StaticFiles], root: Path
) -> None:
    class Failing(list[bytes]):
        def close(self) -> None:
            raise RuntimeError("the app's own trouble")

    def app(environ: Any, start_response: Any) -> Failing:
        start_response("404 Not Found", [])
        return Failing()

    door: Any = dualstatic.wsgi.StaticMiddleware(app, files=files(not_found=PAGE, memory=0))
    environ = make_environ("GET", b"/big/nope", list(NAVIGATE.items()))
    with pytest.raises(RuntimeError, match="own trouble") as raised:
        door(environ, lambda *arguments: None)
    assert open_files(root) == [], raised  # whose traceback holds all that was at hand


# Apps that take what their interface lets them.


@each("door", DOORS)
def test_a_page_is_for_the_request_that_came_whatever_the_app_makes_of_it(
    files: Callable[..., StaticFiles], door: str
) -> None:
    """PEP 3333 lets an app change its environ in any way, and frameworks change their scope."""

    def wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
        environ["REQUEST_METHOD"] = "GET"
        start_response("404 Not Found", [])
        return []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        scope["method"] = "GET"
        scope["headers"].clear()  # Starlette's MutableHeaders changes the list, too
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body"})

    client = Client(files(not_found=SPA), door, wsgi if door == "wsgi" else asgi)
    answer = client.head("/route", NAVIGATE)
    assert (answer.status, answer["content-length"], answer.body) == (200, "4", b"")


class Status(int, Enum):
    """As HTTPStatus was until Python 3.11: its text is that of a name."""

    NOT_FOUND = 404
    METHOD_NOT_ALLOWED = 405


@each("fields", [[], [(b"allow", b"POST"), (b"x-app", b"1")], [(b"allow", b"GET")]])
@each("status", Status)
@each("kind", [list, iter])
def test_any_number_is_a_status_and_any_iterable_may_hold_the_fields(
    files: Callable[..., StaticFiles], fields: Any, status: Status, kind: Any
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": kind(fields)})
        await send({"type": "http.response.body", "body": b"none"})

    client = Client(files(not_found=SPA), "asgi", app)
    allows_get = fields == [(b"allow", b"GET")] and status == 405
    page, own = client.get("/route", NAVIGATE), client.get("/route", {"Sec-Fetch-Mode": "cors"})
    assert page.body == (b"none" if allows_get else b"home")
    assert own.body == b"none"
    vary = [] if allows_get else [("vary", BY_MODE)]
    assert own.fields == [(name.decode(), value.decode()) for name, value in fields] + vary


# Apps that change their minds, or fail.


def fail_between(environ: Any, start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"begun"
    try:
        raise KeyError("too late")
    except KeyError:
        start_response("404 Not Found", [("Content-Type", "text/plain")], sys.exc_info())
    yield b" and ended"


def test_an_app_may_turn_its_answer_into_a_404(files: Callable[..., StaticFiles]) -> None:
    sent, errors = handled(files(not_found=SPA), start_again(write=False), NAVIGATE)
    assert errors == ""
    assert b" 200 OK\r\n" in sent
    assert sent.endswith(b"\r\n\r\nhome")
    sent, _ = handled(files(not_found=SPA), start_again(write=False), {"Sec-Fetch-Mode": "cors"})
    assert b" 404 Not Found\r\n" in sent
    assert sent.endswith(b"\r\n\r\nnone")


@each("app", [start_again(write=True), fail_between])
def test_an_answer_that_has_begun_is_broken_off_as_the_app_would_have_it(
    files: Callable[..., StaticFiles], app: Any
) -> None:
    sent, errors = handled(files(not_found=SPA), app, NAVIGATE)
    assert sent.endswith(b"begun")
    assert "KeyError: 'too late'" in errors


def test_an_app_that_fails_after_its_404_leaves_no_file_open(
    files: Callable[..., StaticFiles], root: Path
) -> None:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("404 Not Found", [])
        raise KeyError("later")

    door = dualstatic.wsgi.StaticMiddleware(app, files=files(not_found=PAGE, memory=0))
    kept = []
    for _ in range(3):
        with pytest.raises(KeyError) as raised:
            door(make_environ("GET", b"/big/x", list(NAVIGATE.items())), lambda *_: None)
        kept.append(raised)
    assert open_files(root) == []


def test_nothing_of_the_app_follows_a_page_that_fails_on_its_way(
    tree: Callable[..., Path],
) -> None:
    root = tree({"index.html": b"page" * MIB})
    started: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await send({"type": "http.response.start", "status": 404, "headers": []})
        except Exception:
            await send({"type": "http.response.start", "status": 500, "headers": []})
            raise

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            started.append(message["status"])
        os.truncate(root / "index.html", 1000)

    files = StaticFiles(root, live=True, not_found=SPA)
    door = dualstatic.asgi.StaticMiddleware(app, files=files)
    with pytest.raises(FileChanged):
        asyncio.run(door(make_scope("GET", b"/a", list(NAVIGATE.items())), staying(), send))
    assert started == [200]
