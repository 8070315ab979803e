"""Group D: index files, and redirects to a directory's own URL."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from tests.support.doors import Client
from tests.support.rows import PASS, Case, check, rows, table
from tests.support.trees import Link

pytestmark = pytest.mark.usefixtures("aging")

GZ = gzip.compress(b"the index of gz" * 100)

FILES: dict[str, bytes | str | Link | None] = {
    "index.html": "the root's index",
    "sub/index.html": "the index of sub",
    "sub/deep/index.html": "the index of deep",
    "with dir/index.html": "the index of with dir",
    "c:d/index.html": "the index of c:d",
    "javascript:alert(1)/index.html": "the index of a script",
    "100%/q?#&/\xfc+;/index.html": "the index of punctuation",
    "noindex/other.txt": "no index beside me",
    "dir-index/index.html/x.txt": "the index is a directory",
    "gz/index.html.gz": GZ,
    "file.txt": "a file",
    "page.html": "a page",
    "linkdir": Link("sub"),
    "index-link/index.html": Link("../page.html"),
}

HTML = {"content-type": "text/html; charset=utf-8"}


@pytest.fixture
def root(tree: Callable[..., Path]) -> Path:
    return tree(FILES)


def redirect(
    row: str, target: str, location: str, method: str = "GET", fields: Any = (), **options: Any
) -> Case:
    has = {"location": location, "content-length": "0"}
    return Case(row, target, 307, fields, method, has, body=b"", options=options)


@table(
    redirect("D098", "/sub", "./sub/"),
    redirect("D098", "/sub/deep", "./deep/"),
    redirect("D098", "/linkdir", "./linkdir/"),
    redirect("D098", "/index-link", "./index-link/"),
    redirect("D098", "/static", "./static/", prefix="/static"),
    redirect("D098", "/static/sub", "./sub/", prefix="/static"),
    redirect("D099", "/sub?a=1&b=%2F", "./sub/?a=1&b=%2F"),
    redirect("D099", "/sub?%0d%0aX:%20y=%C3%BC%ff%zz&?//", "./sub/?%0d%0aX:%20y=%C3%BC%ff%zz&?//"),
    redirect("D100", "/sub", "./sub/", method="HEAD"),
    redirect("D100", "/sub?a=1&b=%2F", "./sub/?a=1&b=%2F", method="HEAD"),
    redirect("D102", "/sub", "./sub/", fields={"Host": "evil.example"}),
    redirect("D102", "/sub", "./sub/", fields={"X-Forwarded-Host": "evil.example"}),
    redirect("D104", "/with%20dir", "./with%20dir/"),
)
def test_a_directory_without_its_slash_is_redirected_relatively_with_its_query(
    case: Case, serve: Callable[..., Client], root: Path
) -> None:
    check(case, serve(root, html=True, **case.options))


@table(
    Case("D105", "/sub", PASS, method="POST", body=b"the app"),
    Case("D105", "/sub", PASS, method="OPTIONS"),
    Case("D106", "/noindex", PASS, body=b"the app"),
    Case("D107", "/noindex/", PASS, body=b"the app"),
    Case("D111", "/dir-index/", PASS),
    Case("D111", "/dir-index", PASS),
    Case("D113", "/file.txt/", PASS),
    Case("D113", "/sub/index.html/", PASS),
    Case("D114", "/file.txt/x", PASS),
    Case("D114", "/file.txt/index.html", PASS),
    Case("D115", "/page", PASS),
    Case("D115", "/page/", PASS),
)
def test_what_is_neither_an_index_nor_its_directory_reaches_the_app(
    case: Case, serve: Callable[..., Client], root: Path
) -> None:
    check(case, serve(root, html=True))


@table(
    Case("D108", "/", 200, has=HTML, body=b"the root's index"),
    Case("D108", "/static/", 200, has=HTML, body=b"the root's index", options={"prefix": "static"}),
    Case("D109", "/sub/", 200, has=HTML, body=b"the index of sub"),
    Case("D109", "/sub/deep/", 200, has=HTML, body=b"the index of deep"),
    Case("D109", "/linkdir/", 200, has=HTML, body=b"the index of sub"),
    Case("D110", "/sub/index.html", 200, has=HTML, body=b"the index of sub"),
    Case("D110", "/index.html", 200, has=HTML, body=b"the root's index"),
)
def test_a_directory_with_its_slash_is_its_index(
    case: Case, serve: Callable[..., Client], root: Path
) -> None:
    check(case, serve(root, html=True, **case.options))


@pytest.mark.parametrize("target", ["/", "/sub", "/sub/", "/noindex/"])
def test_without_html_no_directory_is_answered(
    target: str, serve: Callable[..., Client], root: Path
) -> None:
    assert serve(root).get(target).passed
    assert serve(root, app=False).get(target).status == 404


@rows("D101")
def test_a_redirect_stays_below_the_mount_point(serve: Callable[..., Client], root: Path) -> None:
    client = serve(root, html=True)
    extra = {"root_path": "/app"}
    if client.door == "wsgi":
        extra = {"SCRIPT_NAME": "/app", "PATH_INFO": "/sub"}
    location = client.get("/app/sub", **extra)["location"]
    assert location == "./sub/"
    assert urljoin("http://host/app/sub", location) == "http://host/app/sub/"


@rows("D103", "D104")
@pytest.mark.parametrize(
    "target",
    ["/c:d", "/javascript:alert(1)", "/javascript%3Aalert(1)", "/100%25/q%3F%23&/%C3%BC+;"],
)
def test_a_location_is_a_path_whatever_the_directory_is_called(
    target: str, serve: Callable[..., Client], root: Path
) -> None:
    client = serve(root, html=True)
    location = client.get(target)["location"]
    assert location.startswith("./")
    assert location.isascii()
    resolved = urlsplit(urljoin(f"http://host{target}", location))
    assert (resolved.scheme, resolved.netloc) == ("http", "host")
    assert (resolved.query, resolved.fragment) == ("", "")
    assert unquote(resolved.path) == unquote(target) + "/"
    assert client.get(resolved.path).body.startswith(b"the index of ")


@rows("D112")
@pytest.mark.parametrize("target", ["/gz/", "/gz", "/gz/index.html"])
def test_a_sibling_of_an_index_that_is_not_there_makes_none(
    target: str, serve: Callable[..., Client], root: Path
) -> None:
    client = serve(root, html=True)
    for fields in ({}, {"Accept-Encoding": "gzip"}):
        assert client.get(target, fields).passed
    assert client.get("/gz/index.html.gz").body == GZ


@rows("D123")
@pytest.mark.parametrize(
    "fields",
    [
        {"Range": "bytes=0-0"},
        {"Range": "bytes=99-"},
        {"If-None-Match": "*"},
        {"If-Match": '"a"'},
        {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
        {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"If-Range": '"a"', "Range": "bytes=0-0"},
    ],
    ids=str,
)
def test_a_redirect_has_no_validators_and_no_conditions(
    fields: dict[str, str], serve: Callable[..., Client], root: Path
) -> None:
    answer = serve(root, html=True).get("/sub", fields)
    assert (answer.status, answer["location"], answer.body) == (307, "./sub/", b"")
    for name in ("etag", "last-modified", "accept-ranges", "content-range"):
        assert name not in answer


@rows("D124")
@pytest.mark.parametrize(
    "target",
    ["/sub", "/sub/deep", "/with%20dir", "/c:d", "/linkdir", "/index-link", "/sub?next=/sub"],
)
def test_a_redirect_leads_to_an_answer_in_one_hop(
    target: str, serve: Callable[..., Client], root: Path
) -> None:
    client = serve(root, html=True)
    answer = client.get(target)
    assert answer.status == 307
    url = urljoin(f"http://host{target}", answer["location"])
    assert url != f"http://host{target}"
    assert client.get(url.removeprefix("http://host")).status == 200


@rows("D124")
def test_no_other_answer_is_a_redirect(serve: Callable[..., Client], root: Path) -> None:
    client = serve(root, html=True, app=False)
    for target in ("/", "/sub/", "/sub/index.html", "/noindex", "/page", "/page.html", "/file.txt"):
        answer = client.get(target)
        assert answer.status in (200, 404)
        assert "location" not in answer
