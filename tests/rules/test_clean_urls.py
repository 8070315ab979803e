"""Group D: pages under paths without `.html`, as Cloudflare's auto-trailing-slash has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.support.doors import Client, Everywhere
from tests.support.rows import PASS, Case, check, rows, table

pytestmark = pytest.mark.usefixtures("aging")

FILES = {
    "index.html": "home",
    "a.html": "a",
    "b/index.html": "b",
    "both.html": "both",
    "both/index.html": "in both",
    "deep/er/page.html": "page",
    "exact": "no page",
    "exact.html": "a page beside it",
    "twice.html.html": "twice",
    "t.txt": "text",
    "\u00fc b.html": "odd",
    "x:y.html": "scheme",
    ".html": "no name",
    ".page.html": "hidden",
    "packed.html": "p" * 99,
    "packed.html.gz": "gz",
    "only.html.gz": "gz alone",
}


def hop(row: str, target: str, location: str) -> Case:
    lacks = ("etag", "last-modified", "accept-ranges")
    return Case(row, target, 307, has={"location": location}, lacks=lacks, body=b"")


@table(
    Case("D116", "/a", 200, has={"content-type": "text/html; charset=utf-8"}, body=b"a"),
    Case("D116", "/deep/er/page?q=1", 200, body=b"page"),
    Case("D116", "/%C3%BC%20b", 200, body=b"odd"),
    hop("D117", "/a.html", "./a"),
    hop("D117", "/a.html?q=%2F&r", "./a?q=%2F&r"),
    hop("D117", "/deep/er/page.html", "./page"),
    hop("D117", "/%C3%BC%20b.html", "./%C3%BC%20b"),
    hop("D117", "/x:y.html", "./x%3Ay"),
    hop("D118", "/a/", "../a"),
    hop("D118", "/a/?q=1", "../a?q=1"),
    hop("D118", "/deep/er/page/", "../page"),
    Case("D119", "/both", 200, body=b"both"),
    Case("D120", "/both/", 200, body=b"in both"),
    hop("D120", "/both/index.html", "./"),
    hop("D117", "/both.html", "./both"),
    hop("D124", "/b", "./b/"),
    Case("D120", "/b/", 200, body=b"b"),
    hop("D124", "/b/index.html?x", "./?x"),
    hop("D124", "/b/index", "./"),
    hop("D124", "/b.html", "./b/"),
    hop("D124", "/a/index.html", "../a"),
    hop("D124", "/a/index", "../a"),
    Case("D120", "/", 200, body=b"home"),
    hop("D124", "/index.html", "./"),
    hop("D124", "/index", "./"),
    hop("D124", "/index/", "../"),
    hop("D124", "/index/index", "../"),
    hop("D124", "/index/index.html", "../"),
    hop("D124", "/b/index/", "../"),
    hop("D124", "/b/index/index", "../"),
    hop("D124", "/b/index/index.html?q", "../?q"),
    Case("D116", "/exact", 200, body=b"no page"),
    Case("D124", "/exact.html", 200, body=b"a page beside it"),
    Case("D116", "/twice.html", 200, body=b"twice"),
    hop("D117", "/twice.html.html", "./twice.html"),
    Case("D116", "/t.txt", 200, body=b"text"),
    Case("D122 H382", "/.html", PASS),
    Case("H382", "/page", PASS),
    Case("H382", "/.page", PASS),
    Case("D116", "/nope", PASS),
    Case("D116", "/nope/", PASS),
    Case("D116", "/nope.html", PASS),
    Case("D116", "/t", PASS),
    Case("D116", "/t.txt/", PASS),
    Case("D116", "/a//", PASS),
    Case("D116", "/a.html/", PASS),
    Case("D121", "/packed", 200, {"Accept-Encoding": "gzip"}, body=b"gz"),
    Case("D121", "/only", PASS, {"Accept-Encoding": "gzip"}),
    Case("D121", "/only.html", PASS, {"Accept-Encoding": "gzip"}),
)
def test_a_page_is_under_the_one_path_that_belongs_to_it(
    case: Case, everywhere: Callable[..., Everywhere], tree: Callable[..., Path]
) -> None:
    check(case, everywhere(tree(FILES), clean_urls=True))


@rows("D121")
def test_a_clean_path_varies_as_its_page_does(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree(FILES), clean_urls=True)
    for _ in range(2):
        packed = client.get("/packed", {"Accept-Encoding": "gzip"})
        plain = client.get("/packed")
        assert packed["content-type"] == plain["content-type"] == "text/html; charset=utf-8"
        assert packed["vary"] == plain["vary"] == "Accept-Encoding"
        assert (packed["content-encoding"], plain.body) == ("gzip", b"p" * 99)
        assert client.get("/packed", {"If-None-Match": plain["etag"]}).status == 304


@rows("D122")
def test_no_folder_is_a_page_without_a_name(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"sub/.html": "no name", ".html": "no name"})
    client = serve(root, clean_urls=True, dotfiles=True)
    for target in ("/sub/", "/sub", "/"):
        assert client.get(target).passed, target
    for target in ("/.html", "/sub/.html"):
        assert client.get(target).body == b"no name"


@rows("D124")
@pytest.mark.parametrize("mount", ["", "/mnt"])
@pytest.mark.parametrize("prefix", ["/", "/static"])
def test_every_redirect_leads_to_its_page_in_one_hop(
    serve: Callable[..., Client], tree: Callable[..., Path], door: str, mount: str, prefix: str
) -> None:
    client = serve(tree(FILES), clean_urls=True, prefix=prefix)
    extra = {"root_path": mount} if door == "asgi" else {"SCRIPT_NAME": mount}
    at = prefix.rstrip("/")
    stems = ["/a", "/b", "/both", "/deep/er/page", "/exact", "/twice", "/twice.html", "/index"]
    targets = [stem + end for stem in stems for end in ("", "/", ".html", "/index.html", "/index")]
    hops = 0
    for target in [*targets, "/", "/.html"]:
        answer = client.get(at + target, **extra)
        if answer.status != 307:
            continue
        hops += 1
        landed = urljoin(f"http://x{mount}{at}{target}", answer["location"])
        path = landed.removeprefix(f"http://x{mount}")
        assert path.startswith(at + "/")
        assert client.get(path, **extra).status == 200, (target, path)
        assert not client.get(path, **extra).passed
    assert hops > 15


def test_the_paths_of_a_page_are_remembered(tree: Callable[..., Path], door: str) -> None:
    from dualstatic import Request, StaticFiles

    files = StaticFiles(tree(FILES), clean_urls=True)
    client = Client(files, door)
    assert client.get("/a").body == b"a"
    known = files.answer(Request("GET", "/a"), wait=False)
    assert known is not None
    assert known.body is None
