"""What an adapter of one's own is made of: Request, Answer, and two ways from one to the other."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dualstatic import Answer, Request, StaticFiles
from dualstatic.disk.body import FileChanged
from tests.conftest import WITH_MEMORY
from tests.support.doors import OnDisk
from tests.support.each import each
from tests.support.steps import open_files
from tests.support.trees import settle, write_tree

TEXT = b"the text " * 100
BIG = bytes(range(256)) * 4096 + b"end"  # a little more than 1 MiB
CHUNK = 256 * 1024
with_memory = pytest.mark.parametrize("mode", WITH_MEMORY)


@pytest.fixture
def root(tree: Callable[..., Path]) -> Path:
    return tree({"t.txt": TEXT, "big.bin": BIG, "empty": b"", "sub/index.html": b"index"})


def files_of(root: Path, mode: str, **options: Any) -> StaticFiles:
    return StaticFiles(root, live=mode == "live", memory=2**20 * (mode == "memory"), **options)


def respond(files: StaticFiles, path: str, **headers: str) -> Answer:
    """The answer to a GET that has one."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = files.answer(Request("GET", path, "", fields))
    assert answer is not None
    return answer


# Request and Answer


def test_a_request_needs_a_method_and_a_path(root: Path) -> None:
    request = Request("GET", "/t.txt")
    assert (request.query, request.headers, request.raw_path) == ("", {}, None)
    assert request == Request(method="GET", path="/t.txt", query="", headers={}, raw_path=None)
    assert OnDisk(root).answer(request)


@pytest.mark.parametrize("raw_path", [None, b"", b"/app/"])
def test_the_empty_path_is_nobodys_without_a_target_that_lacks_a_slash(
    root: Path, raw_path: bytes | None
) -> None:
    files = OnDisk(root / "sub", html=True)
    assert files.answer(Request("GET", "", raw_path=raw_path)) is None
    with files.answer(Request("GET", "", raw_path=b"/app")) as answer:
        assert dict(answer.headers)["location"] == "./app/"


def test_the_headers_that_a_request_has_by_default_are_nobodys_to_change() -> None:
    headers: Any = Request("GET", "/").headers
    with pytest.raises(TypeError):
        headers["range"] = "bytes=0-1"
    assert Request("GET", "/").headers == {}


@with_memory
def test_an_answer_has_a_status_and_fields_that_are_nobodys_to_change(
    root: Path, mode: str
) -> None:
    answer: Any = respond(files_of(root, mode), "/t.txt")
    assert answer.status == 200
    assert dict(answer.headers)["content-length"] == str(len(TEXT))
    assert all(name == name.lower() for name, _ in answer.headers)
    for name, value in (("status", 404), ("headers", ()), ("other", 1)):
        with pytest.raises(AttributeError):
            setattr(answer, name, value)
    with pytest.raises(TypeError):
        answer.headers[0] = ("x", "y")
    assert b"".join(answer) == TEXT


@each(
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
def test_an_answer_without_bytes_of_a_file_holds_none_open(
    method: str, path: str, headers: dict[str, str], status: int, root: Path, mode: str
) -> None:
    files = OnDisk(root, html=True, live=mode == "live")
    for _ in range(2):
        answer = files.answer(Request(method, path, "", headers))
        assert answer is not None
        assert answer.status == status
        assert open_files(root) == []
        length = dict(answer.headers).get("content-length", "0")
        chunks = list(answer)
        assert all(type(chunk) is bytes for chunk in chunks)
        assert sum(map(len, chunks)) == (0 if method == "HEAD" else int(length))


@with_memory
def test_the_parts_of_an_answer_are_those_of_the_file(root: Path, mode: str) -> None:
    files = files_of(root, mode)
    single = respond(files, "/t.txt", range="bytes=4-7")
    assert (single.status, list(single)) == (206, [TEXT[4:8]])
    several = respond(files, "/big.bin", range="bytes=0-1,-3")
    chunks = list(several)
    assert [chunk for chunk in chunks if b"\r\n" not in chunk] == [BIG[:2], BIG[-3:]]
    assert sum(map(len, chunks)) == int(dict(several.headers)["content-length"])
    assert b"\r\n\r\nend\r\n" in b"".join(chunks)


# wait=False

OURS = ["/static/t.txt", "/static/sub/", "/static/sub", "/static/sub/index.html"]
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
Shown = tuple[int, Any, bytes] | None


def shown(answer: Answer | None) -> Shown:
    return answer and (answer.status, answer.headers, b"".join(answer))


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells what is in its cache")
@pytest.mark.parametrize("check_dir", [True, False])
@pytest.mark.parametrize("path", [*OURS, "/static", "/static/missing", "/static/missing/"])
def test_a_live_look_up_needs_no_wait_once_it_is_in_the_systems_cache(
    path: str, check_dir: bool, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    files = OnDisk(root, html=True, prefix="/static", live=True, check_dir=check_dir)
    if not check_dir:
        with pytest.raises(BlockingIOError):
            files.answer(Request("GET", path), wait=False)
    for method in ("GET", "HEAD", "GET"):
        request = Request(method, path)
        with suppress(BlockingIOError):
            first = shown(files.answer(request, wait=False))
            assert first == shown(files.answer(request))
        waited = shown(files.answer(request))
        assert (waited is None) == (path not in OURS)
        assert shown(files.answer(request, wait=False)) == waited


def test_a_live_file_has_to_be_read_while_it_may_change_unseen(root: Path) -> None:
    files = OnDisk(root, live=True)
    for _ in range(3):
        with pytest.raises(BlockingIOError):
            files.answer(Request("GET", "/t.txt"), wait=False)
        assert b"".join(respond(files, "/t.txt")) == TEXT


@each("path", NOT_OURS)
def test_what_is_not_ours_is_told_without_waiting(path: str, root: Path, mode: str) -> None:
    files = OnDisk(root, prefix="/static", live=mode == "live")
    assert files.answer(Request("GET", path), wait=False) is None


@each("method", ["POST", "PUT", "DELETE", "OPTIONS", "get", "", "PROPFIND"])
def test_another_method_is_told_without_waiting(method: str, root: Path, mode: str) -> None:
    files = OnDisk(root, live=mode == "live")
    assert files.answer(Request(method, "/t.txt"), wait=False) is None
    assert files.answer(Request(method, "/t.txt")) is None


def test_the_index_waits_at_the_first_use_of_a_file(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    write_tree(root, {"t.txt.gz": b"gzip"})
    files = OnDisk(root)

    def ask(method: str, **headers: str) -> tuple[int, bytes]:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = files.answer(Request(method, "/t.txt", "", fields), wait=False)
        assert answer is not None
        return answer.status, b"".join(answer)

    assert files.answer(Request("GET", "/missing"), wait=False) is None
    for method in ("GET", "HEAD"):
        with pytest.raises(BlockingIOError):
            ask(method)
    files.answer(Request("GET", "/t.txt"))
    assert ask("GET") == (200, TEXT)
    assert ask("HEAD") == (200, b"")
    assert ask("HEAD", accept_encoding="gzip") == (200, b"")
    assert ask("GET", if_none_match="*") == (304, b"")
    assert ask("GET", if_match='"x"')[0] == 412
    assert ask("GET", range="bytes=9999-")[0] == 416
    (root / "t.txt").write_bytes(b"changed")
    assert ask("HEAD") == (200, b"")
    for method in ("GET", "HEAD"):  # from here on it is unknown again
        with pytest.raises(BlockingIOError):
            ask(method)
    assert b"".join(respond(files, "/t.txt")) == b"changed"
    assert ask("GET") == (200, b"changed")
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
            files.answer(Request("GET", path), wait=False)
        files.answer(Request("GET", path))
        answer = files.answer(Request("GET", path), wait=False)
        assert answer is not None
        assert answer.status == status


def test_a_file_in_memory_needs_no_wait_though_the_disk_lost_it(root: Path) -> None:
    files = files_of(root, "memory")
    respond(files, "/t.txt")
    (root / "t.txt").unlink()
    answer = files.answer(Request("GET", "/t.txt"), wait=False)
    assert answer is not None
    assert b"".join(answer) == TEXT


@with_memory
@pytest.mark.parametrize("not_found", [None, "404-page"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("path", ["/static/missing", "/static/sub/", "/elsewhere"])
def test_a_fallback_needs_no_wait_once_its_page_is_known(
    path: str,
    method: str,
    not_found: Any,
    mode: str,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settle(monkeypatch)
    write_tree(root, {"404.html": b"page"})
    files = files_of(root, mode, html=True, prefix="/static", not_found=not_found)
    request = Request(method, path, headers={"sec-fetch-mode": "navigate"})
    for has_app in (False, True):
        waited = shown(files.fallback(request, has_app=has_app))
        assert shown(files.fallback(request, has_app=has_app, wait=False)) == waited
        assert (waited is None) == (
            has_app and (not not_found or method == "POST" or path == "/elsewhere")
        )


def test_the_first_use_of_a_404_page_waits(root: Path, mode: str) -> None:
    write_tree(root, {"404.html": b"page"})
    files = OnDisk(root, html=True, live=mode == "live")
    with pytest.raises(BlockingIOError):
        files.fallback(Request("GET", "/missing"), has_app=False, wait=False)
    assert shown(files.fallback(Request("GET", "/missing"), has_app=False))


# fallback


@each("html", [True, False])
@each("path", ["/missing", "/t.txt", "/", "", "/sub/"])
@each("method", ["GET", "POST"])
def test_with_an_app_a_miss_is_the_apps(
    method: str, path: str, html: bool, root: Path, mode: str
) -> None:
    write_tree(root, {"404.html": b"page"})
    files = OnDisk(root, html=html, live=mode == "live")
    assert files.fallback(Request(method, path), has_app=True) is None
    assert files.fallback(Request(method, path), has_app=True, wait=False) is None


def fall_back(files: StaticFiles, method: str, path: str, **more: Any) -> Answer:
    answer = files.fallback(Request(method, path, **more), has_app=False)
    assert answer is not None
    return answer


@each("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get", ""])
def test_another_method_on_a_name_that_exists_says_which_are_allowed(
    method: str, root: Path, mode: str
) -> None:
    write_tree(root, {"only.css.gz": b"gzip"})
    files = OnDisk(root, html=True, live=mode == "live")
    for path in ("/t.txt", "/sub/", "/sub/index.html", "/only.css.gz"):
        answer = fall_back(files, method, path)
        assert answer.status == 405
        assert dict(answer.headers)["allow"] == "GET, HEAD"
        assert b"".join(answer)
    for path in ("/missing", "/only.css"):
        missing = fall_back(files, method, path)
        assert missing.status == 404
        assert "allow" not in dict(missing.headers)


@each("path", ["/missing", "/t.txt/", "/.env", "/a/../t.txt", "*", "", "t.txt"])
def test_without_an_app_a_miss_is_a_line_of_text(path: str, root: Path, mode: str) -> None:
    files = OnDisk(root, live=mode == "live")
    answer = fall_back(files, "GET", path)
    assert answer.status == 404
    assert dict(answer.headers)["content-type"] == "text/plain; charset=utf-8"
    body = b"".join(answer)
    assert len(body) == int(dict(answer.headers)["content-length"]) > 0


def test_without_an_app_a_miss_is_the_404_page(root: Path, mode: str) -> None:
    write_tree(root, {"404.html": b"page", "sub/404.html": b"sub page"})
    files = OnDisk(root, html=True, prefix="/static", live=mode == "live")
    for path, page in (("/static/missing", b"page"), ("/static/sub/x/y", b"sub page")):
        answer = fall_back(files, "GET", path, headers={"if-none-match": "*", "range": "bytes=0"})
        assert answer.status == 404
        assert dict(answer.headers)["content-type"] == "text/html; charset=utf-8"
        assert b"".join(answer) == page
    outside = fall_back(files, "GET", "/missing")
    assert dict(outside.headers)["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("html", [True, False])
def test_the_fallback_of_a_head_has_the_fields_of_the_get_and_no_body(
    html: bool, root: Path, mode: str
) -> None:
    write_tree(root, {"404.html": b"page"})
    files = OnDisk(root, html=html, live=mode == "live")
    get = fall_back(files, "GET", "/missing")
    before = open_files(root)
    head = fall_back(files, "HEAD", "/missing")
    assert open_files(root) == before
    assert head.headers == get.headers
    assert (head.status, b"".join(head)) == (404, b"")


def test_a_target_that_is_refused_is_no_name_that_exists(root: Path, mode: str) -> None:
    files = OnDisk(root, live=mode == "live")
    assert fall_back(files, "POST", "/sub/index.html", raw_path=b"/sub%2findex.html").status == 404
    assert fall_back(files, "POST", "/sub/index.html", raw_path=b"/sub/index.html").status == 405


# The bytes of an answer


@with_memory
@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2**20 + 1, 3 * 2**20 + 5])
def test_an_answer_comes_in_chunks(size: int, root: Path, mode: str) -> None:
    content = os.urandom(size)
    write_tree(root, {"f.bin": content})
    chunks = list(respond(files_of(root, mode), "/f.bin"))
    assert b"".join(chunks) == content
    assert all(type(chunk) is bytes and chunk for chunk in chunks)
    if mode != "memory" or size > 2**20:
        assert all(len(chunk) <= CHUNK for chunk in chunks)
        assert len(chunks) == -(-size // CHUNK)


@with_memory
def test_the_chunks_of_an_answer_end(root: Path, mode: str) -> None:
    chunks = iter(respond(files_of(root, mode), "/t.txt"))
    assert iter(chunks) is chunks
    assert next(chunks) == TEXT
    for _ in range(2):
        with pytest.raises(StopIteration):
            next(chunks)


def test_two_answers_are_read_apart(root: Path, mode: str) -> None:
    files = OnDisk(root, live=mode == "live")
    pairs = list(zip(respond(files, "/big.bin"), respond(files, "/big.bin"), strict=True))
    assert b"".join(one for one, _ in pairs) == b"".join(two for _, two in pairs) == BIG


def test_an_answer_is_opened_at_once_and_closed_at_its_end(root: Path, mode: str) -> None:
    files = OnDisk(root, live=mode == "live")
    respond(files, "/big.bin")
    answer = respond(files, "/big.bin")
    assert len(open_files(root)) == 1
    (root / "big.bin").unlink()
    assert b"".join(answer) == BIG
    assert open_files(root) == []


def test_an_answer_is_closed_as_often_as_one_likes(root: Path, mode: str) -> None:
    files = OnDisk(root, live=mode == "live")
    answer, unread = respond(files, "/big.bin"), respond(files, "/big.bin")
    next(iter(answer))
    answer.close()
    unread.close()
    other = os.open(root / "t.txt", os.O_RDONLY)  # it gets a number that was just set free
    for _ in range(3):
        answer.close()
        unread.close()
    assert len(open_files(root)) == 1
    os.close(other)
    for closed in (answer, unread):
        with pytest.raises((ValueError, StopIteration)):
            next(iter(closed))


def begin_and_fail(answer: Answer) -> None:
    for chunk in answer:
        raise KeyError(chunk)
    raise KeyError


@with_memory
def test_an_answer_is_a_context_that_closes_it(root: Path, mode: str) -> None:
    files = files_of(root, mode)
    for path in ("/t.txt", "/big.bin", "/empty"):
        with respond(files, path) as answer:
            assert answer.status == 200
            answer.close()
        with pytest.raises(KeyError), respond(files, path) as answer:
            begin_and_fail(answer)
        assert open_files(root) == []


def test_an_answer_that_nobody_holds_any_more_is_closed(root: Path, mode: str) -> None:
    files = OnDisk(root, live=mode == "live")
    answers = [respond(files, "/big.bin") for _ in range(5)]
    next(iter(answers[0]))
    assert len(open_files(root)) == 5
    answers.clear()
    assert open_files(root) == []


def test_an_answer_may_be_closed_by_another_thread_while_it_is_read(root: Path, mode: str) -> None:
    files = OnDisk(root, live=mode == "live")
    unexpected: list[BaseException] = []

    def read(answer: Answer) -> None:
        try:
            received = b"".join(answer)
            assert received == BIG
        except ValueError:  # the answer was closed first
            pass
        except BaseException as error:  # noqa: BLE001 (shown below)
            unexpected.append(error)

    for number in range(200):
        answer = respond(files, "/big.bin")
        reader = threading.Thread(target=read, args=(answer,))
        closers = [threading.Thread(target=answer.close) for _ in range(2)]
        reader.start()
        time.sleep(number % 10 / 10000)
        for thread in closers:
            thread.start()
        for thread in (reader, *closers):
            thread.join()
    assert unexpected == []
    assert open_files(root) == []


def replace(path: Path, content: bytes) -> None:
    path.with_name("next").write_bytes(content)
    os.replace(path.with_name("next"), path)


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("change", ["replaced", "rewritten", "longer", "shorter", "touched"])
def test_a_file_changed_after_its_answer_was_opened_has_the_promised_length_or_is_told(
    change: str, known: bool, root: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    files = OnDisk(root, live=mode == "live")
    path = root / "t.txt"
    if known:
        respond(files, "/t.txt")
    answer = respond(files, "/t.txt")
    contents = {"rewritten": TEXT.upper(), "longer": TEXT + b"x", "shorter": TEXT[1:]}
    if change == "replaced":
        replace(path, TEXT.upper())
    elif change == "touched":
        os.utime(path, (1, 1))
    else:
        path.write_bytes(contents[change])
    if change == "shorter":
        with pytest.raises(FileChanged):
            list(answer)
    else:
        assert b"".join(answer) == (TEXT.upper() if change == "rewritten" else TEXT)
    assert open_files(root) == []
    assert b"".join(respond(files, "/t.txt")) == path.read_bytes()


@pytest.mark.parametrize("becomes", ["nothing", "directory", "fifo", "link out", "loop"])
def test_a_file_gone_after_its_answer_was_opened_is_sent_and_then_a_miss(
    becomes: str, root: Path, mode: str
) -> None:
    files = OnDisk(root, live=mode == "live")
    answer = respond(files, "/sub/index.html")
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
    assert b"".join(answer) == b"index"
    assert files.answer(Request("GET", "/sub/index.html")) is None


@pytest.mark.parametrize("becomes", ["nothing", "file", "link out"])
def test_a_directory_gone_after_an_answer_was_opened_is_a_miss_from_then_on(
    becomes: str, root: Path, mode: str
) -> None:
    files = OnDisk(root, live=mode == "live")
    answer = respond(files, "/sub/index.html")
    (root / "sub").replace(root.parent / "sub")
    if becomes == "file":
        (root / "sub").write_bytes(b"x")
    elif becomes == "link out":
        (root / "sub").symlink_to("../sub")
    assert b"".join(answer) == b"index"
    assert files.answer(Request("GET", "/sub/index.html")) is None


@pytest.mark.parametrize("left", [0, 1, CHUNK, CHUNK + 1, len(BIG) - 1])
def test_a_file_cut_short_while_it_is_read_is_told_and_closed(
    left: int, root: Path, mode: str
) -> None:
    files = OnDisk(root, live=mode == "live")
    answer = respond(files, "/big.bin")
    chunks = iter(answer)
    assert next(chunks) == BIG[:CHUNK]
    os.truncate(root / "big.bin", left)
    with pytest.raises(FileChanged):
        list(chunks)
    assert open_files(root) == []
