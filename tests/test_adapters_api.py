"""What an adapter of one's own is made of: Request, get_response, get_fallback, Body."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dualstatic import Body, FileChanged, Request, Response, StaticFiles

from .doors import Client, OnDisk, trouble
from .trees import Link, settle, write_tree

TEXT = b"the text " * 100
BIG = bytes(range(256)) * 4096 + b"end"  # a little more than 1 MiB
CHUNK = 256 * 1024
needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="/proc is Linux's")


@pytest.fixture
def root(tree: Callable[..., Path]) -> Path:
    return tree({"t.txt": TEXT, "big.bin": BIG, "empty": b"", "sub/index.html": b"index"})


def respond(files: StaticFiles, path: str, **headers: str) -> Response:
    """The answer to a GET that has one."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    response = files.get_response(Request("GET", path, "", fields))
    assert response is not None
    return response


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


# Request and Response


def test_a_request_needs_a_method_and_a_path(root: Path) -> None:
    request = Request("GET", "/t.txt")
    assert (request.query, request.headers, request.raw_path) == ("", {}, None)
    assert request == Request(method="GET", path="/t.txt", query="", headers={}, raw_path=None)
    assert OnDisk(root).get_response(request)


def test_the_headers_that_a_request_has_by_default_are_nobodys_to_change() -> None:
    headers: Any = Request("GET", "/").headers
    with pytest.raises(TypeError):
        headers["range"] = "bytes=0-1"
    assert Request("GET", "/").headers == {}


def test_a_response_is_a_value(root: Path, mode: str) -> None:
    response = respond(OnDisk(root, live=mode == "live"), "/t.txt")
    assert response.status == 200
    assert dict(response.headers)["content-length"] == str(len(TEXT))
    assert all(name == name.lower() for name, _ in response.headers)
    assert response.body == (range(len(TEXT)),)
    assert response.file is not None
    changed: Any = response
    with pytest.raises(AttributeError):
        changed.status = 404


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("HEAD", "/t.txt", {}, 200),
        ("GET", "/t.txt", {"if-none-match": "*"}, 304),
        ("GET", "/t.txt", {"if-match": '"x"'}, 412),
        ("GET", "/t.txt", {"range": "bytes=99999-"}, 416),
        ("GET", "/sub", {}, 307),
        ("GET", "/empty", {}, 200),
    ],
)
def test_an_answer_without_bytes_of_a_file_names_none(
    method: str, path: str, headers: dict[str, str], status: int, root: Path, mode: str
) -> None:
    files = OnDisk(root, html=True, live=mode == "live")
    response = files.get_response(Request(method, path, "", headers))
    assert response is not None
    assert response.status == status
    assert response.file is None
    assert all(isinstance(part, bytes) for part in response.body)
    assert len(b"".join(Body(response))) == sum(map(len, response.body))


def test_the_ranges_of_a_body_are_those_of_the_file(root: Path, mode: str) -> None:
    files = OnDisk(root, live=mode == "live")
    single = respond(files, "/t.txt", range="bytes=4-7")
    assert (single.status, single.body) == (206, (range(4, 8),))
    several = respond(files, "/big.bin", range="bytes=0-1,-3")
    assert [part for part in several.body if isinstance(part, range)] == [
        range(2),
        range(len(BIG) - 3, len(BIG)),
    ]
    body = b"".join(Body(several))
    assert len(body) == sum(map(len, several.body)) == int(dict(several.headers)["content-length"])
    assert b"\r\n\r\nend\r\n" in body


# get_response(wait=False)

OURS = ["/static/t.txt", "/static/sub/", "/static/sub", "/static/sub/index.html", "/static"]
NOT_OURS = [
    "/",
    "",
    "/t.txt",
    "/statics/t.txt",
    "/static/../t.txt",
    "/static//t.txt",
    "/static/.env",
    "/static/a\0b",
    "/static/a\\b",
]


@pytest.mark.parametrize("check_dir", [True, False])
@pytest.mark.parametrize("path", [*OURS, "/static/missing", "/static/missing/"])
def test_a_live_look_up_never_happens_without_waiting(
    path: str, check_dir: bool, root: Path
) -> None:
    files = OnDisk(root, html=True, prefix="/static", live=True, check_dir=check_dir)
    for method in ("GET", "HEAD", "GET"):
        with pytest.raises(BlockingIOError):
            files.get_response(Request(method, path), wait=False)
        files.get_response(Request(method, path))


@pytest.mark.parametrize("path", NOT_OURS)
def test_what_is_not_ours_is_told_without_waiting(path: str, root: Path, mode: str) -> None:
    files = OnDisk(root, prefix="/static", live=mode == "live")
    assert files.get_response(Request("GET", path), wait=False) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get", "", "PROPFIND"])
def test_another_method_is_told_without_waiting(method: str, root: Path, mode: str) -> None:
    files = OnDisk(root, live=mode == "live")
    assert files.get_response(Request(method, "/t.txt"), wait=False) is None
    assert files.get_response(Request(method, "/t.txt")) is None


def test_the_index_waits_at_the_first_use_of_a_file(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    write_tree(root, {"t.txt.gz": b"gzip"})
    files = OnDisk(root)

    def ask(method: str, **headers: str) -> int:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        response = files.get_response(Request(method, "/t.txt", "", fields), wait=False)
        assert response is not None
        return response.status

    assert files.get_response(Request("GET", "/missing"), wait=False) is None
    for method in ("GET", "HEAD"):
        with pytest.raises(BlockingIOError):
            ask(method)
    files.get_response(Request("GET", "/t.txt"))
    assert ask("GET") == 200
    assert ask("HEAD") == 200
    assert ask("HEAD", accept_encoding="gzip") == 200
    assert ask("GET", if_none_match="*") == 304
    assert ask("GET", if_match='"x"') == 412
    assert ask("GET", range="bytes=9999-") == 416
    (root / "t.txt").write_bytes(b"changed")
    stale = files.get_response(Request("GET", "/t.txt"), wait=False)
    assert stale is not None
    with pytest.raises(FileChanged):
        Body(stale)
    files.refresh()
    with pytest.raises(BlockingIOError):
        ask("HEAD")


def test_the_index_tells_a_redirect_and_an_empty_file_without_waiting_once_known(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    files = OnDisk(root, html=True)
    for path, status in (("/empty", 200), ("/sub", 307)):
        with pytest.raises(BlockingIOError):
            files.get_response(Request("GET", path), wait=False)
        files.get_response(Request("GET", path))
        response = files.get_response(Request("GET", path), wait=False)
        assert response is not None
        assert response.status == status


# get_fallback


@pytest.mark.parametrize("html", [True, False])
@pytest.mark.parametrize("path", ["/missing", "/t.txt", "/", "", "/sub/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_with_an_app_a_miss_is_the_apps(
    method: str, path: str, html: bool, root: Path, mode: str
) -> None:
    write_tree(root, {"404.html": b"page"})
    files = OnDisk(root, html=html, live=mode == "live")
    assert files.get_fallback(Request(method, path), has_app=True) is None


def fall_back(files: StaticFiles, method: str, path: str, **more: Any) -> Response:
    response = files.get_fallback(Request(method, path, **more), has_app=False)
    assert response is not None
    return response


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get", ""])
def test_another_method_on_a_name_that_exists_says_which_are_allowed(
    method: str, root: Path, mode: str
) -> None:
    write_tree(root, {"only.css.gz": b"gzip"})
    files = OnDisk(root, html=True, live=mode == "live")
    for path in ("/t.txt", "/sub/", "/sub/index.html", "/only.css"):
        response = fall_back(files, method, path)
        assert response.status == 405
        assert dict(response.headers)["allow"] == "GET, HEAD"
        assert b"".join(Body(response))
    missing = fall_back(files, method, "/missing")
    assert missing.status == 404
    assert "allow" not in dict(missing.headers)


@pytest.mark.parametrize("path", ["/missing", "/t.txt/", "/.env", "/a/../t.txt", "*", "", "t.txt"])
def test_without_an_app_a_miss_is_a_line_of_text(path: str, root: Path, mode: str) -> None:
    files = OnDisk(root, live=mode == "live")
    response = fall_back(files, "GET", path)
    assert response.status == 404
    assert dict(response.headers)["content-type"] == "text/plain; charset=utf-8"
    assert response.file is None
    body = b"".join(Body(response))
    assert len(body) == int(dict(response.headers)["content-length"]) > 0


def test_without_an_app_a_miss_is_the_404_page(root: Path, mode: str) -> None:
    write_tree(root, {"404.html": b"page", "sub/404.html": b"sub page"})
    files = OnDisk(root, html=True, prefix="/static", live=mode == "live")
    for path, page in (("/static/missing", b"page"), ("/static/sub/x/y", b"sub page")):
        response = fall_back(files, "GET", path, headers={"if-none-match": "*", "range": "bytes=0"})
        assert response.status == 404
        assert dict(response.headers)["content-type"] == "text/html; charset=utf-8"
        assert b"".join(Body(response)) == page
    outside = fall_back(files, "GET", "/missing")
    assert dict(outside.headers)["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("html", [True, False])
def test_the_fallback_of_a_head_has_the_fields_of_the_get_and_no_body(
    html: bool, root: Path, mode: str
) -> None:
    write_tree(root, {"404.html": b"page"})
    files = OnDisk(root, html=html, live=mode == "live")
    get, head = (fall_back(files, method, "/missing") for method in ("GET", "HEAD"))
    assert head.headers == get.headers
    assert (head.status, head.body, head.file) == (404, (), None)


def test_a_target_that_is_refused_is_no_name_that_exists(root: Path, mode: str) -> None:
    files = OnDisk(root, live=mode == "live")
    assert fall_back(files, "POST", "/sub/index.html", raw_path=b"/sub%2findex.html").status == 404
    assert fall_back(files, "POST", "/sub/index.html", raw_path=b"/sub/index.html").status == 405


# Body


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
def test_a_body_comes_in_chunks_of_at_most_256_kib(size: int, root: Path, mode: str) -> None:
    content = os.urandom(size)
    write_tree(root, {"f.bin": content})
    chunks = list(Body(respond(OnDisk(root, live=mode == "live"), "/f.bin")))
    assert b"".join(chunks) == content
    assert all(type(chunk) is bytes and 0 < len(chunk) <= CHUNK for chunk in chunks)
    assert len(chunks) == -(-size // CHUNK)


def test_a_body_is_an_iterator_that_ends(root: Path, mode: str) -> None:
    body = Body(respond(OnDisk(root, live=mode == "live"), "/t.txt"))
    assert iter(body) is body
    assert next(body) == TEXT
    for _ in range(2):
        with pytest.raises(StopIteration):
            next(body)


def test_two_bodies_of_one_answer_are_read_apart(root: Path, mode: str) -> None:
    response = respond(OnDisk(root, live=mode == "live"), "/big.bin")
    first, second = Body(response), Body(response)
    pairs = list(zip(first, second, strict=True))
    assert b"".join(one for one, _ in pairs) == b"".join(two for _, two in pairs) == BIG


@needs_proc
def test_a_body_is_opened_at_once_and_closed_at_its_end(root: Path, mode: str) -> None:
    response = respond(OnDisk(root, live=mode == "live"), "/big.bin")
    before = descriptors()
    body = Body(response)
    assert descriptors() == before + 1
    (root / "big.bin").unlink()
    assert b"".join(body) == BIG
    assert descriptors() == before


@needs_proc
def test_a_body_is_closed_as_often_as_one_likes(root: Path, mode: str) -> None:
    response = respond(OnDisk(root, live=mode == "live"), "/big.bin")
    before = descriptors()
    body, unread = Body(response), Body(response)
    next(body)
    other = os.dup(0)
    for _ in range(3):
        body.close()
        unread.close()
    assert descriptors() == before + 1
    os.close(other)
    for closed in (body, unread):
        with pytest.raises((ValueError, StopIteration)):
            next(closed)


@needs_proc
def test_a_body_that_nobody_holds_any_more_is_closed(root: Path, mode: str) -> None:
    response = respond(OnDisk(root, live=mode == "live"), "/big.bin")
    before = descriptors()
    bodies = [Body(response) for _ in range(5)]
    next(bodies[0])
    assert descriptors() == before + 5
    bodies.clear()
    assert descriptors() == before


@needs_proc
def test_a_body_may_be_closed_by_another_thread_while_it_is_read(root: Path, mode: str) -> None:
    response = respond(OnDisk(root, live=mode == "live"), "/big.bin")
    before = descriptors()
    unexpected: list[BaseException] = []

    def read(body: Body) -> None:
        try:
            received = b"".join(body)
            assert received == BIG
        except ValueError:  # the body was closed first
            pass
        except BaseException as error:  # noqa: BLE001 (shown below)
            unexpected.append(error)

    for number in range(200):
        body = Body(response)
        reader = threading.Thread(target=read, args=(body,))
        closers = [threading.Thread(target=body.close) for _ in range(2)]
        reader.start()
        time.sleep(number % 10 / 10000)
        for thread in closers:
            thread.start()
        for thread in (reader, *closers):
            thread.join()
    assert unexpected == []
    assert descriptors() == before


def replace(path: Path, content: bytes) -> None:
    path.with_name("next").write_bytes(content)
    os.replace(path.with_name("next"), path)


@needs_proc
@pytest.mark.parametrize("change", ["replaced", "rewritten", "longer", "shorter", "touched"])
def test_a_file_changed_before_its_body_is_opened_is_told(
    change: str, root: Path, mode: str
) -> None:
    files = OnDisk(root, live=mode == "live")
    response = respond(files, "/t.txt")
    path = root / "t.txt"
    before = descriptors()
    if change == "replaced":
        replace(path, TEXT)
    elif change == "touched":
        os.utime(path, (1, 1))
    else:
        content = {"rewritten": TEXT.upper(), "longer": TEXT + b"x", "shorter": TEXT[1:]}[change]
        path.write_bytes(content)
    with pytest.raises(FileChanged):
        Body(response)
    gc.collect()
    assert descriptors() == before
    assert b"".join(Body(respond(files, "/t.txt"))) == path.read_bytes()


@pytest.mark.parametrize("becomes", ["nothing", "directory", "fifo", "link out", "loop"])
def test_a_file_gone_before_its_body_is_opened_is_not_found(
    becomes: str, root: Path, mode: str
) -> None:
    response = respond(OnDisk(root, live=mode == "live"), "/sub/index.html")
    path = root / "sub" / "index.html"
    path.unlink()
    if becomes == "directory":
        path.mkdir()
    elif becomes == "fifo":
        os.mkfifo(path)
    elif becomes == "link out":
        path.symlink_to(root.parent / "outside" / "secret.txt")
    elif becomes == "loop":
        path.symlink_to("index.html")
    with pytest.raises(FileNotFoundError):
        Body(response)


@pytest.mark.parametrize("becomes", ["nothing", "file", "link out"])
def test_a_directory_gone_before_a_body_is_opened_is_not_found(
    becomes: str, root: Path, mode: str
) -> None:
    response = respond(OnDisk(root, live=mode == "live"), "/sub/index.html")
    (root / "sub").rename(root.parent / "sub")
    if becomes == "file":
        (root / "sub").write_bytes(b"x")
    elif becomes == "link out":
        (root / "sub").symlink_to("../sub")
    with pytest.raises(FileNotFoundError):
        Body(response)


@needs_proc
@pytest.mark.parametrize("left", [0, 1, CHUNK, CHUNK + 1, len(BIG) - 1])
def test_a_file_cut_short_while_it_is_read_is_told_and_closed(
    left: int, root: Path, mode: str
) -> None:
    response = respond(OnDisk(root, live=mode == "live"), "/big.bin")
    before = descriptors()
    body = Body(response)
    assert next(body) == BIG[:CHUNK]
    os.truncate(root / "big.bin", left)
    with pytest.raises(FileChanged):
        list(body)
    assert descriptors() == before


# check_dir=False


@pytest.fixture
def late(tree: Callable[..., Path]) -> Path:
    """Where a directory will be."""
    return tree({}, "www") / "late"


def test_a_directory_that_is_missing_is_told_at_each_request_below_the_prefix_until_it_is_there(
    late: Path, serve: Callable[..., Client]
) -> None:
    client = serve(late, check_dir=False, prefix="/static", html=True)
    for target in ("/", "/other", "/statics/t.txt", "/stat"):
        assert client.get(target).passed
    for target in ("/static/t.txt", "/static/missing", "/static", "/static/"):
        for method in ("GET", "HEAD", "GET"):
            with trouble(client.door, NotADirectoryError, match="directory") as caught:
                client.ask(method, target)
            assert str(late) in str(caught.value)
        assert client.get("/other").passed
    write_tree(late, {"t.txt": TEXT})
    assert client.get("/static/t.txt").body == TEXT
    assert client.get("/static/missing").passed


def test_a_file_where_a_directory_is_to_be_is_no_directory(
    late: Path, serve: Callable[..., Client]
) -> None:
    late.write_bytes(b"")
    client = serve(late, check_dir=False)
    with trouble(client.door, NotADirectoryError):
        client.get("/t.txt")


def test_each_of_several_directories_has_to_be_there(
    late: Path, root: Path, serve: Callable[..., Client]
) -> None:
    client = serve([root, late], check_dir=False)
    with trouble(client.door, NotADirectoryError, match=r"late"):
        client.get("/t.txt")
    late.mkdir()
    assert client.get("/t.txt").body == TEXT


def test_without_an_app_a_missing_directory_is_told_whatever_the_method(
    late: Path, serve: Callable[..., Client]
) -> None:
    client = serve(late, app=False, check_dir=False, prefix="/static")
    for method in ("GET", "HEAD", "POST"):
        with trouble(client.door, NotADirectoryError):
            client.ask(method, "/static/t.txt")
    assert client.get("/other").status == 404


def test_a_directory_is_not_looked_for_without_waiting(late: Path, mode: str) -> None:
    files = OnDisk(late, check_dir=False, prefix="/static", live=mode == "live")
    for _ in range(2):
        with pytest.raises(BlockingIOError):
            files.get_response(Request("GET", "/static/t.txt"), wait=False)
        assert files.get_response(Request("GET", "/other"), wait=False) is None
    with pytest.raises(NotADirectoryError):
        files.get_response(Request("GET", "/static/t.txt"))


def test_a_directory_is_not_looked_at_before_the_first_request(
    late: Path, serve: Callable[..., Client]
) -> None:
    write_tree(late, {"before.txt": b"before"})
    client = serve(late, check_dir=False)
    write_tree(late, {"after.txt": b"after"})
    assert client.get("/after.txt").body == b"after"


def test_under_many_threads_the_index_is_made_once(
    late: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(late, {"t.txt": TEXT})
    files = OnDisk(late, check_dir=False)
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
        bodies.append(b"".join(Body(respond(files, "/t.txt"))))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bodies == [TEXT] * 8
    assert len(scans) == 1


def test_a_refresh_finds_the_directory_too(late: Path, mode: str) -> None:
    files = OnDisk(late, check_dir=False, live=mode == "live")
    with pytest.raises(NotADirectoryError):
        files.refresh()
    write_tree(late, {"t.txt": TEXT, "link": Link("t.txt")})
    files.refresh()
    assert b"".join(Body(respond(files, "/link"))) == TEXT
