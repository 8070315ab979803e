"""Group M: GET and HEAD are answered; every other method is the app's."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dualstatic import Request, StaticFiles
from tests.support.doors import Client, Everywhere
from tests.support.rows import PASS, Case, check, rows, table
from tests.support.trees import OLD, settle
from tests.support.watch import ACCESS, Watch, needs_inotify

pytestmark = pytest.mark.usefixtures("aging")

SCRIPT = b"let a = 1;\n" * 100
GZ = gzip.compress(SCRIPT, mtime=0)
BIG = b"0123456789abcdef" * 131072  # 2 MiB: it stays on the disk, and its tag needs no reading
METHODS = ["PUT", "DELETE", "TRACE", "PROPFIND", "FOO", "PATCH", "CONNECT"]


@pytest.fixture
def root(tree: Callable[..., Path]) -> Path:
    root = tree({"t.txt": "0123456789", "empty.txt": "", "app.js": SCRIPT, "app.js.gz": GZ})
    (root / "big.bin").write_bytes(BIG)
    os.utime(root / "big.bin", (OLD, OLD))
    return root


@rows("M146", "M147", "M148")
@pytest.mark.parametrize(
    ("target", "coding", "length"),
    [
        ("/t.txt", "identity", 10),
        ("/empty.txt", "identity", 0),
        ("/app.js", "gzip", len(GZ)),
        ("/app.js", "identity", len(SCRIPT)),
        ("/big.bin", "identity", len(BIG)),
    ],
)
def test_head_has_all_fields_of_the_get_and_no_body(
    target: str, coding: str, length: int, serve: Callable[..., Client], root: Path
) -> None:
    client = serve(root)
    head = client.head(target, {"Accept-Encoding": coding})
    got = client.get(target, {"Accept-Encoding": coding})
    assert (head.status, head.body) == (200, b"")
    assert head.fields == got.fields == client.head(target, {"Accept-Encoding": coding}).fields
    assert head["content-length"] == str(length)
    assert len(got.body) == length
    assert head.get("content-encoding") == (coding if coding != "identity" else None)
    assert (head.get("vary") or "").lower() == ("accept-encoding" if target == "/app.js" else "")


@rows("M149")
@pytest.mark.parametrize("name", ["t.txt", "big.bin"])
def test_head_needs_no_file_once_it_is_decided(name: str, mode: str, root: Path) -> None:
    files = StaticFiles(root, live=mode == "live")
    response = files.answer(Request("HEAD", f"/{name}"))
    size = (root / name).stat().st_size
    (root / name).unlink()
    assert response is not None
    assert response.status == 200
    assert dict(response.headers)["content-length"] == str(size)
    assert b"".join(response) == b""


@needs_inotify
@rows("M149")
def test_head_reads_nothing_of_a_file_whose_tag_is_known(
    serve: Callable[..., Client], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    client = serve(root)
    client.head("/big.bin")
    with Watch(root, events=ACCESS) as watch:
        for _ in range(3):
            assert client.head("/big.bin").status == 200
        assert root / "big.bin" not in watch.take()
        client.get("/big.bin")
        assert root / "big.bin" in watch.take()


@table(
    Case("M150", "/t.txt", PASS, method="POST", body=b"the app"),
    Case("M153", "/t.txt", PASS, method="OPTIONS", body=b"the app"),
    *[Case("M154", "/t.txt", PASS, method=method, body=b"the app") for method in METHODS],
    Case("M155", "/t.txt", PASS, method="get", body=b"the app"),
    Case("M155", "/t.txt", PASS, method="Head", body=b"the app"),
)
def test_a_method_that_is_neither_get_nor_head_is_the_apps(
    case: Case, serve: Callable[..., Client], root: Path
) -> None:
    check(case, serve(root))


@needs_inotify
@rows("M154")
def test_a_method_that_is_the_apps_opens_no_file(serve: Callable[..., Client], root: Path) -> None:
    client = serve(root)
    with Watch(root) as watch:
        for method in [*METHODS, "POST", "OPTIONS", "get"]:
            assert client.ask(method, "/t.txt").passed
        assert root / "t.txt" not in watch.take()
        assert client.get("/t.txt").status == 200
        assert root / "t.txt" in watch.take()


@rows("M151")
@pytest.mark.parametrize("method", ["POST", "OPTIONS", "get", *METHODS])
def test_a_file_without_an_app_says_which_methods_it_takes(
    method: str, serve: Callable[..., Client], root: Path
) -> None:
    answer = serve(root, app=False).ask(method, "/t.txt")
    assert (answer.status, answer["allow"]) == (405, "GET, HEAD")
    assert answer["cache-control"] == "no-cache"
    assert answer["content-type"].startswith("text/plain")
    assert b"0123456789" not in answer.body


@rows("M152")
@pytest.mark.parametrize("method", ["POST", "OPTIONS", "get", *METHODS])
@pytest.mark.parametrize("target", ["/nope", "/t.txt/x", "/../t.txt", "/%2e/t.txt", "/t%2etxt%2f"])
def test_a_missing_name_without_an_app_is_a_404_whatever_the_method(
    method: str, target: str, everywhere: Callable[..., Everywhere], root: Path
) -> None:
    answer = everywhere(root, app=False).ask(method, target)
    assert answer.status == 404
    assert "allow" not in answer


@rows("M156")
def test_a_get_with_a_body_is_answered(serve: Callable[..., Client], root: Path) -> None:
    body = b"x" * 1_000_000
    client = serve(root)
    extra = {"CONTENT_LENGTH": "1000000"} if client.door == "wsgi" else {}
    fields = {"Content-Length": "1000000"} if client.door == "asgi" else {}
    for _ in range(2):
        answer = client.ask("GET", "/t.txt", fields, body=body, **extra)
        assert (answer.status, answer.body) == (200, b"0123456789")


@rows("M157")
def test_http_1_0_gets_a_length_and_no_chunks(serve: Callable[..., Client], root: Path) -> None:
    client = serve(root)
    extra = {"http_version": "1.0"} if client.door == "asgi" else {"SERVER_PROTOCOL": "HTTP/1.0"}
    for target, length in (("/t.txt", 10), ("/big.bin", len(BIG))):
        answer = client.get(target, **extra)
        assert (answer.status, answer["content-length"]) == (200, str(length))
        assert len(answer.body) == length
        assert "transfer-encoding" not in answer
        assert "connection" not in answer
