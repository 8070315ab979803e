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
        assert client.get(path, **extra).status == 200, (target, path)
        assert not client.get(path, **extra).passed
    assert hops > 15


def test_a_page_without_a_name_is_not_the_page_of_the_root(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({".html": "no name"}), clean_urls=True, dotfiles=True)
    assert client.get("/").passed
    assert client.get("/.html").body == b"no name"
