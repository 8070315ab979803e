"""Files that a real nginx sends, as the page of the recipes has it: the app decides, by `offload`.

nginx is Debian's. It listens on the loopback, in front of gunicorn and of uvicorn.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pages import blocks
from tests.support.servers import Server, free_port, program, serve
from tests.support.steps import public_directory
from tests.support.trees import LAST_MODIFIED, Link, write_tree

pytestmark = pytest.mark.nginx

BIG = bytes(range(256)) * 40_000
FILES: dict[str, bytes | str | Link | None] = {
    "t.txt": "0123456789",
    "sub/index.html": "page",
    "sub/\u00fc 100%.txt": "odd",
    "app-3f2a9c1b.js": "script()",
    "big.bin": BIG,
    "app.css": "a" * 1000,
    "app.css.gz": "z" * 50,
    ".hidden": "hidden",
    "out.txt": Link("{root}/../outside/secret.txt"),
}
OPTIONS = {
    "html": True,
    "prefix": "/static",
    "immutable": "-[0-9a-f]{8}",
    "offload": "X-Accel-Redirect: /_files",
}
CONFIGURATION = """
daemon off;
pid {scratch}/nginx.pid;
error_log stderr warn;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {scratch}/body;
    proxy_temp_path {scratch}/proxy;
    fastcgi_temp_path {scratch}/fastcgi;
    uwsgi_temp_path {scratch}/uwsgi;
    scgi_temp_path {scratch}/scgi;
    server {{
        listen 127.0.0.1:{port};
        {locations}
    }}
}}
"""


def locations(root: Path, app: str) -> str:
    """Those of the page, for our directory and our app."""
    [lines] = [block.code for block in blocks("nginx")]
    for name, value in {"alias": f"{root}/", "proxy_pass": app}.items():
        lines, count = re.subn(f"{name} .*;", f"{name} {value};", lines)
        assert count == 1
    return lines


@pytest.fixture(scope="module", params=["gunicorn", "uvicorn"])
def nginx(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    assert shutil.which("nginx"), "nginx is missing; on Debian: apt-get install nginx-light"
    logs = [tmp_path_factory.mktemp("logs") for _ in range(2)]
    with public_directory() as base:
        root = write_tree(base / "www", FILES)
        write_tree(base / "outside", {"secret.txt": "SECRET"})
        command = ("tests/support/browser_app.py", str(free_port()), request.param, root)
        with serve(*command, json.dumps(OPTIONS), logs=logs[0]) as app:
            port, configuration = free_port(), base / "nginx.conf"
            values = {"port": port, "locations": locations(root, app.url.rstrip("/"))}
            configuration.write_text(CONFIGURATION.format(scratch=base, **values))
            command = ("nginx", "-e", "stderr", "-c", configuration)
            with serve(*program(port, *command), logs=logs[1]) as server:
                yield server


def test_what_the_app_decides_nginx_sends(nginx: Server) -> None:
    answer = nginx.get("/static/t.txt")
    assert (answer.status, answer.body) == (200, b"0123456789")
    assert "nginx" in (answer["server"] or "")
    assert answer["content-type"] == "text/plain; charset=utf-8"
    assert answer["cache-control"] == "no-cache"
    assert answer["x-content-type-options"] == "nosniff"
    assert answer["last-modified"] == LAST_MODIFIED
    assert "x-accel-redirect" not in answer
    assert "immutable" in (nginx.get("/static/app-3f2a9c1b.js")["cache-control"] or "")
    for coding, body in (("gzip", b"z" * 50), ("identity", b"a" * 1000)):
        answer = nginx.get("/static/app.css", {"Accept-Encoding": coding})
        assert (answer["vary"], answer.body) == ("Accept-Encoding", body)
    assert nginx.get("/static/sub/").body == b"page"
    assert nginx.get("/static/sub").status == 307
    assert nginx.get("/static/sub/%C3%BC%20100%25.txt").body == b"odd"


def test_a_large_file_comes_whole_and_in_parts(nginx: Server) -> None:
    answer = nginx.get("/static/big.bin")
    assert (answer.status, answer.body) == (200, BIG)
    head = nginx.ask("HEAD", "/static/big.bin")
    assert (head.status, head["content-length"], head.body) == (200, str(len(BIG)), b"")
    parts = [
        nginx.get("/static/big.bin", {"Range": part, "If-Range": answer["etag"] or ""})
        for part in ("bytes=0-4999999", "bytes=5000000-")
    ]
    assert [part.status for part in parts] == [206, 206]
    assert b"".join(part.body for part in parts) == BIG
    assert nginx.get("/static/big.bin", {"Range": f"bytes={len(BIG)}-"}).status == 416


def test_a_client_that_has_it_gets_304(nginx: Server) -> None:
    for name, field in (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since")):
        validator = nginx.get("/static/t.txt")[name]
        assert validator
        answer = nginx.get("/static/t.txt", {field: validator})
        assert (answer.status, answer["etag"]) == (304, nginx.get("/static/t.txt")["etag"])
    tag = str(nginx.get("/static/t.txt")["etag"])
    assert nginx.get("/static/t.txt", {"If-Match": tag}).status == 200
    assert nginx.get("/static/t.txt", {"If-Match": '"another"'}).status == 412


@pytest.mark.parametrize(
    "target",
    ["/static/nope", "/static/.hidden", "/static/out.txt", "/static/%2e%2e/outside/", "/x"],
)
def test_a_miss_is_the_apps(nginx: Server, target: str) -> None:
    answer = nginx.get(target)
    assert (answer.status, answer["content-type"]) == (404, "application/json")
    assert nginx.get("/api/tide").body == b'{"metres": 2.4}'


@pytest.mark.parametrize("target", ["/_files/t.txt", "/_files/", "/_files/../t.txt"])
def test_nobody_gets_a_file_without_the_app(nginx: Server, target: str) -> None:
    fields = {"X-Accel-Redirect": "/_files/t.txt", "X-Sendfile": "/etc/passwd"}
    answer = nginx.get(target, fields)
    assert answer.status == 404
    assert b"0123456789" not in answer.body
