"""Group N: what a miss gets: the app's own answer, a 404 page, or a line of text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

import dualstatic.asgi
import dualstatic.wsgi
from dualstatic import StaticFiles
from tests.support.doors import Client, make_environ, make_scope
from tests.support.rows import PASS, Case, check, rows, table
from tests.support.trees import Link

pytestmark = pytest.mark.usefixtures("aging")

FILES: dict[str, bytes | str | Link | None] = {
    "404.html": "no such page",
    "sub/404.html": "no such page in sub",
    "sub/x/here.txt": "here",
    "other/here.txt": "here",
    "assets/app.js": "script()",
    "linked/404.html": Link("../../outside/secret.txt"),
    "fake/404.html/here.txt": "the page is a directory",
}
HTML = "text/html; charset=utf-8"
ROOT = {"content-type": HTML, "content-length": "12"}
SUB = {"content-type": HTML, "content-length": "19"}


def page(row: str, target: str, body: str = "no such page", fields: Any = (), **more: Any) -> Case:
    has = {"content-type": HTML, "content-length": str(len(body)), "cache-control": "no-cache"}
    content = b"" if more.get("method") == "HEAD" else body.encode()
    lacks = ("content-range", "location")
    return Case(row, target, 404, fields, has=has, lacks=lacks, body=content, **more)


@table(
    page("N126", "/nope"),
    page("N126", "/nope.txt?q=1"),
    page("N126", "/other/nope"),
    page("N126", "/assets/"),
    page("N126", "/no/such/directory/"),
    page("N127", "/sub/x/y", "no such page in sub"),
    page("N127", "/sub/nope", "no such page in sub"),
    page("N127", "/sub/", "no such page in sub"),
    page("N127", "/sub/x/here.txt/y", "no such page in sub"),
    page("N127", "/sub/no/such/directory", "no such page in sub"),
    page("N127", "/linked/nope"),
    page("N127", "/fake/nope"),
    page("N129", "/nope", fields={"If-None-Match": "*"}),
    page("N131", "/nope", fields={"If-Match": '"a"'}),
    page("N131", "/nope", fields={"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}),
    page("N129", "/nope", fields={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}),
    page("N132", "/nope", fields={"Range": "bytes=0-4"}),
    page("N132", "/nope", fields={"Range": "bytes=100-"}),
    page("N132", "/nope", fields={"Range": "bytes=0-1,4-5"}),
    page("N133", "/nope", method="HEAD"),
    page("N133", "/sub/nope", "no such page in sub", method="HEAD"),
)
def test_a_miss_without_an_app_gets_the_nearest_404_page_whole(
    case: Case, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    check(case, serve(tree(FILES), html=True, app=False))


@rows("N126")
@pytest.mark.parametrize("prefix", ["/static", "/"])
def test_the_root_without_an_index_page_gets_the_404_page_with_and_without_its_slash(
    serve: Callable[..., Client], tree: Callable[..., Path], prefix: str
) -> None:
    client = serve(tree(FILES), html=True, app=False, prefix=prefix)
    for target in {"/": ("/",), "/static": ("/static", "/static/")}[prefix]:
        answer = client.get(target)
        assert (answer.status, answer.body) == (404, b"no such page")
    assert client.get("/staticx").body == (b"Not Found\n" if prefix != "/" else b"no such page")


@rows("N130")
def test_a_404_page_is_a_404_for_who_has_its_etag(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree(FILES), html=True, app=False)
    etag = client.get("/404.html")["etag"]
    for value in (etag, f"W/{etag}", f'"x", {etag}'):
        answer = client.get("/nope", {"If-None-Match": value})
        assert (answer.status, answer.body) == (404, b"no such page")


@rows("N133")
def test_head_of_a_miss_has_the_fields_of_its_get(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    for html in (True, False):
        client = serve(tree(FILES) if html else tree({}, "bare"), html=html, app=False)
        got, head = client.get("/nope"), client.head("/nope")
        assert got.status == head.status == 404
        assert got.fields == head.fields


@table(
    Case("N134", "/404.html", 200, has=ROOT, body=b"no such page", options={"app": False}),
    Case("N134", "/404.html", 200, has=ROOT, body=b"no such page", options={"app": True}),
    Case("N134", "/sub/404.html", 200, has=SUB, body=b"no such page in sub"),
)
def test_a_404_page_is_a_file_under_its_own_name(
    case: Case, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    check(case, serve(tree(FILES), html=True, **case.options))


@rows("N135")
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
    client = serve(tree(FILES), html=True, app=False, **options)
    assert client.get("/assets/app.js")["cache-control"] != "no-cache"
    answer = client.get("/assets/app.00000000.js")
    assert (answer.status, answer.body) == (404, b"no such page")
    assert answer["cache-control"] == "no-cache"


@pytest.mark.parametrize("html", [False, True])
def test_a_miss_without_a_404_page_is_a_line_of_text(
    html: bool, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    entries = {"t.txt": "0123456789"} if html else FILES
    answer = serve(tree(entries), html=html, app=False).get("/nope")
    assert answer.status == 404
    assert answer["content-type"].startswith("text/plain")
    assert answer["cache-control"] == "no-cache"
    assert 0 < len(answer.body) < 100


@table(
    Case("N125", "/nope.txt", PASS, body=b"the app"),
    Case("N125", "/sub/nope", PASS, body=b"the app"),
    Case("N125", "/nope.txt", PASS, method="HEAD"),
    Case("N125", "/nope.txt", PASS, {"Range": "bytes=0-4"}, body=b"the app"),
    Case("N131", "/nope.txt", PASS, {"If-Match": '"a"'}, body=b"the app"),
    Case("N129", "/nope.txt", PASS, {"If-None-Match": "*"}, body=b"the app"),
)
@pytest.mark.parametrize("html", [False, True])
def test_a_miss_in_front_of_an_app_is_the_apps(
    case: Case, html: bool, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree(FILES), html=html)
    check(case, client)
    answer = client.ask(case.method, case.target, case.fields)
    fields = [(name.lower(), value) for name, value in answer.fields]
    assert (answer.status, fields) == (200, [("content-type", "text/plain"), ("x-app", "1")])


@rows("N125")
@pytest.mark.parametrize("target", [b"/nope.txt?q=%41", b"/%7Enope/%C3%BC", b"/sub//nope%00"])
def test_neither_the_request_nor_the_answer_of_a_miss_is_touched(
    target: bytes, door: str, mode: str, tree: Callable[..., Path]
) -> None:
    files = StaticFiles(tree(FILES), html=True, live=mode == "live")
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
