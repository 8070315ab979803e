"""Pages and their paths, in trees and at mounts of their own; the rules are groups D and N."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.support.doors import Client

PAGES = {
    "index.html": "home",
    "a.html": "a",
    "b/index.html": "b",
    "both.html": "both",
    "both/index.html": "in both",
    "deep/er/page.html": "page",
    "exact": "no page",
    "exact.html": "a page beside it",
    "twice.html.html": "twice",
}


@pytest.mark.parametrize("mount", ["", "/mnt"])
@pytest.mark.parametrize("prefix", ["/", "/static"])
def test_every_redirect_leads_to_its_page_in_one_hop(
    serve: Callable[..., Client], tree: Callable[..., Path], door: str, mount: str, prefix: str
) -> None:
    client = serve(tree(PAGES), clean_urls=True, prefix=prefix)
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
        page = client.get(path, **extra)
        assert (page.status, page.passed) == (200, False), (target, path)
    assert hops > 15


def test_a_page_without_a_name_is_not_the_page_of_the_root(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({".html": "no name"}), clean_urls=True, dotfiles=True)
    assert client.get("/").passed
    assert client.get("/.html").body == b"no name"


@pytest.mark.parametrize("prefix", ["/static", "/"])
def test_the_root_without_an_index_page_gets_the_404_page_with_and_without_its_slash(
    serve: Callable[..., Client], tree: Callable[..., Path], prefix: str
) -> None:
    client = serve(tree({"404.html": "no such page"}), html=True, app=False, prefix=prefix)
    for target in {"/": ("/",), "/static": ("/static", "/static/")}[prefix]:
        answer = client.get(target)
        assert (answer.status, answer.body) == (404, b"no such page")
    assert client.get("/staticx").body == (b"Not Found\n" if prefix != "/" else b"no such page")


def test_a_miss_without_a_404_page_is_a_line_of_text(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    answer = serve(tree({"t.txt": "t"}), html=True, app=False).get("/nope")
    assert (answer.status, answer["cache-control"]) == (404, "no-cache")
    assert answer["content-type"].startswith("text/plain")
    assert 0 < len(answer.body) < 100
