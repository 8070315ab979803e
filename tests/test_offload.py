"""Files that a server in front sends, told by a field which (`offload`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dualstatic import StaticFiles
from tests.support.doors import Client

pytestmark = pytest.mark.usefixtures("aging")

FILES = {
    "t.txt": "0123456789",
    "sub/\u00fc 100%.txt": "odd",
    "sub/index.html": "page",
    "app.js": "script()",
    "app.js.gz": "gz",
    "404.html": "no such page",
    "empty": "",
}
ACCEL = "X-Accel-Redirect: /_int"


@pytest.mark.rows("A444")
@pytest.mark.parametrize("offload", [ACCEL, f"{ACCEL}/"])
def test_nginx_is_told_the_path_below_its_own_prefix(
    serve: Callable[..., Client], tree: Callable[..., Path], offload: str
) -> None:
    root = tree(FILES)
    client = serve(root, offload=offload, html=True, prefix="/static")
    plain = serve(root, prefix="/static").get("/static/t.txt")
    for _ in range(2):
        for fields in ({}, {"Range": "bytes=2-4"}, {"Range": "bytes=99-"}):
            answer = client.get("/static/t.txt", fields)
            assert (answer.status, answer["x-accel-redirect"]) == (200, "/_int/t.txt")
            for name in ("etag", "content-type", "last-modified", "cache-control"):
                assert answer[name] == plain[name]
            assert "accept-ranges" not in answer
        assert client.get("/static/t.txt", {"If-None-Match": plain["etag"]}).status == 304
        # Tags and dates of its own are for that server to judge by.
        for fields in ({"If-Match": '"x"'}, {"If-Modified-Since": "Tue, 02 Jan 2029 03:04:05 GMT"}):
            assert client.get("/static/t.txt", fields)["x-accel-redirect"] == "/_int/t.txt"
    odd = client.get("/static/sub/%C3%BC%20100%25.txt")
    assert odd["x-accel-redirect"] == "/_int/sub/%C3%BC%20100%25.txt"
    assert client.get("/static/sub/")["x-accel-redirect"] == "/_int/sub/index.html"
    assert client.head("/static/t.txt")["x-accel-redirect"] == "/_int/t.txt"
    assert client.get("/static/empty")["x-accel-redirect"] == "/_int/empty"
    assert client.get("/static/nope").passed


@pytest.mark.rows("A444")
def test_how_a_file_is_coded_is_the_other_servers_business(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    answer = serve(tree(FILES), offload=ACCEL).get("/app.js", {"Accept-Encoding": "gzip"})
    assert answer["x-accel-redirect"] == "/_int/app.js"
    assert "content-encoding" not in answer
    assert "vary" not in answer


@pytest.mark.rows("A445")
def test_apache_is_told_the_absolute_path(
    serve: Callable[..., Client], tree: Callable[..., Path], tmp_path: Path
) -> None:
    roots = [tree({"t.txt": "first"}, "one"), tree(FILES, "two")]
    client = serve(roots, offload="X-Sendfile")
    assert client.get("/t.txt")["x-sendfile"] == str(roots[0] / "t.txt")
    assert client.get("/app.js")["x-sendfile"] == str(roots[1] / "app.js")


@pytest.mark.rows("A446")
@pytest.mark.parametrize("offload", [None, ACCEL, "X-Sendfile"])
def test_no_field_of_a_client_has_a_say_in_it(
    serve: Callable[..., Client], tree: Callable[..., Path], offload: str | None
) -> None:
    client = serve(tree(FILES), offload=offload)
    lines = {
        "X-Sendfile-Type": "X-Accel-Redirect",
        "X-Accel-Mapping": "/=/",
        "X-Accel-Redirect": "/etc/passwd",
        "X-Sendfile": "/etc/passwd",
    }
    assert client.get("/t.txt", lines) == client.get("/t.txt")


def test_a_page_for_a_miss_is_sent_by_us(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    answer = serve(tree(FILES), offload=ACCEL, html=True, app=False).get("/nope")
    assert (answer.status, answer.body) == (404, b"no such page")


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("X-Accel-Redirect", ValueError),
        ("X-Accel-Redirect: _int", ValueError),
        ("X-Accel-Redirect: /a b", ValueError),
        ("X-Accel-Redirect: /a\r\nX: y", ValueError),
        ("X-Accel-Redirect: /p?x", ValueError),
        ("X-Accel-Redirect: //h/p", ValueError),
        ("X-Accel-Redirect: /a/../b", ValueError),
        ("X-Accel-Redirect: /a/.", ValueError),
        ("X-Accel-Redirect: /%2e", ValueError),
        ("X-Accel-Redirect: ", ValueError),
        ("X-Sendfile: /", ValueError),
        ("", ValueError),
        (True, TypeError),
    ],
)
def test_another_field_is_refused(tree: Callable[..., Path], value: Any, error: type) -> None:
    with pytest.raises(error, match="offload takes"):
        StaticFiles(tree(FILES), offload=value)


def test_one_prefix_of_nginx_is_for_one_directory(tree: Callable[..., Path]) -> None:
    roots = [tree(FILES, "one"), tree(FILES, "two")]
    with pytest.raises(ValueError, match="offload takes"):
        StaticFiles(roots, offload=ACCEL)
