"""Group A: what a server or the event loop takes over: descriptors, paths, cached pages."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

import dualstatic.asgi
from dualstatic import Request, StaticFiles, asgi_sending
from dualstatic.disk import root_by_descriptor
from dualstatic.disk.body import FileChanged
from dualstatic.disk.nowait import answers_at_once
from dualstatic.disk.validators import read_at
from tests.support.doors import Client, OnDisk, make_scope
from tests.support.steps import open_files, soon
from tests.support.trees import settle

PATHSEND = "http.response.pathsend"
ZEROCOPYSEND = "http.response.zerocopysend"
DIGITS = b"0123456789"
BIG = bytes(range(256)) * 4096


async def receive() -> Any:
    await anyio.sleep_forever()


def messages_of(
    files: StaticFiles,
    target: bytes,
    offers: tuple[str, ...],
    fields: tuple[tuple[str, str], ...] = (),
    method: str = "GET",
    **options: bool,
) -> list[Any]:
    """The messages of an answer; a descriptor is read at once, as a server would."""
    messages: list[Any] = []

    async def send(message: Any) -> None:
        if message["type"] == ZEROCOPYSEND:
            count, offset = message["count"], message["offset"]
            message["read"] = read_at(message["file"].fileno(), count, offset)
        messages.append(message)

    door = dualstatic.asgi.StaticMiddleware(files=files, **options)
    scope = make_scope(method, target, fields)
    scope["extensions"] = {name: {} for name in offers}
    anyio.run(door, scope, receive, send)
    return messages


@pytest.mark.rows("A430", "A432")
def test_a_whole_file_is_sent_by_its_path_where_that_is_asked_for(
    mode: str, tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": DIGITS, "index.html": "home"})
    files = OnDisk(root, live=mode == "live", html=True)
    for target, name in ((b"/t.txt", "t.txt"), (b"/", "index.html")):
        start, *rest = messages_of(files, target, (PATHSEND,), pathsend=True)
        assert start["status"] == 200
        assert rest == [{"type": PATHSEND, "path": str(root / name)}]


@pytest.mark.rows("A430", "A431", "A432")
@pytest.mark.parametrize(
    ("offers", "fields", "method", "options"),
    [
        ((PATHSEND,), (), "GET", {}),
        ((), (), "GET", {"pathsend": True}),
        ((PATHSEND,), (("Range", "bytes=0-9"),), "GET", {"pathsend": True}),
        ((PATHSEND,), (), "HEAD", {"pathsend": True}),
        ((ZEROCOPYSEND,), (), "GET", {}),
        ((), (), "GET", {"zerocopysend": True}),
        ((ZEROCOPYSEND,), (), "HEAD", {"zerocopysend": True}),
    ],
)
def test_all_else_goes_as_a_body(
    mode: str,
    tree: Callable[..., Path],
    offers: tuple[str, ...],
    fields: tuple[tuple[str, str], ...],
    method: str,
    options: dict[str, bool],
) -> None:
    files = OnDisk(tree({"t.txt": DIGITS}), live=mode == "live")
    messages = messages_of(files, b"/t.txt", offers, fields, method, **options)
    assert {message["type"] for message in messages[1:]} == {"http.response.body"}
    assert b"".join(each["body"] for each in messages[1:]) == (b"" if method == "HEAD" else DIGITS)


@pytest.mark.rows("A433")
@pytest.mark.parametrize("pathsend", [False, True])
@pytest.mark.parametrize("value", [None, "bytes=2-4", "bytes=0-9,100000-100009,5-"])
def test_a_server_that_can_gets_the_descriptor_and_it_is_closed_after_it(
    mode: str, tree: Callable[..., Path], value: str | None, pathsend: bool
) -> None:
    root = tree({"big.bin": BIG})
    files = OnDisk(root, live=mode == "live")
    answer = files.answer(Request("GET", "/big.bin", headers={"range": value or ""}))
    assert answer is not None
    whole = b"".join(answer)
    fields = (("Range", value),) if value else ()
    # A part can't be sent by its path.
    offers = (ZEROCOPYSEND, PATHSEND) if value else (ZEROCOPYSEND,)
    switches = {"zerocopysend": True, "pathsend": pathsend}
    start, *rest = messages_of(files, b"/big.bin", offers, fields, **switches)
    assert open_files(root) == []
    sent = b"".join(message.get("read", message.get("body", b"")) for message in rest)
    assert sent == whole
    assert [message["more_body"] for message in rest] == [True] * (len(rest) - 1) + [False]
    assert dict(start["headers"])[b"content-length"] == b"%d" % len(sent)
    assert any(message["type"] == ZEROCOPYSEND for message in rest)


def test_a_file_in_memory_is_sent_from_there(tree: Callable[..., Path]) -> None:
    files = StaticFiles(tree({"t.txt": DIGITS}))
    both = {"pathsend": True, "zerocopysend": True}
    messages = messages_of(files, b"/t.txt", (PATHSEND, ZEROCOPYSEND), **both)
    assert messages[1]["body"] == DIGITS


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One entry for each hop to a thread."""
    made: list[object] = []
    hop = asgi_sending.in_thread

    async def counted(work: Any) -> Any:
        made.append(work)
        return await hop(work)

    monkeypatch.setattr(asgi_sending, "in_thread", counted)
    return made


@pytest.mark.rows("A448")
def test_a_file_in_memory_takes_no_hop_and_no_time_of_the_loop(
    tree: Callable[..., Path],
    hops: list[object],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:

    settle(monkeypatch)
    door = dualstatic.asgi.StaticMiddleware(files=StaticFiles(tree({"t.txt": DIGITS})))
    bodies: list[bytes] = []

    async def send(message: Any) -> None:
        bodies.append(message.get("body", b""))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.slow_callback_duration = 0.1
        monkeypatch.setattr(loop, "time", time.thread_time)  # a busy machine gives it to others
        await asyncio.sleep(0)
        for _ in range(200):
            await door(make_scope("GET", b"/t.txt", ()), receive, send)

    with caplog.at_level(logging.WARNING, "asyncio"):
        asyncio.run(main(), debug=True)
    assert b"".join(bodies) == DIGITS * 200
    assert len(hops) == 1
    assert "Executing" not in caplog.text


@pytest.mark.rows("A448")
@pytest.mark.parametrize("options", [{"live": True}, {"memory": 0}], ids=["live", "index"])
def test_a_look_up_in_the_systems_cache_takes_no_hop(
    tree: Callable[..., Path],
    hops: list[object],
    options: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:

    settle(monkeypatch)
    root = tree({"sub/t.txt": DIGITS, "sub/t.txt.gz": b"gz", "sub/big.bin": BIG})
    files = StaticFiles(root, **options)

    def get(name: str) -> bytes:
        return b"".join(m.get("body", b"") for m in messages_of(files, name.encode(), ())[1:])

    for name, content in (("/sub/t.txt", DIGITS), ("/sub/big.bin", BIG)):
        assert get(name) == content
        first = len(hops)
        assert first
        assert [get(name) for _ in range(3)] == [content] * 3
        assert len(hops) == first
    for target, answer in (("/sub/nope", b"Not Found\n"), ("/sub/x/", b"Not Found\n")):
        assert get(target) == answer
        first = len(hops)
        assert [get(target) for _ in range(3)] == [answer] * 3
        assert len(hops) == first
    # What it finds is what is there now.
    (root / "sub" / "t.txt").write_bytes(b"other")
    assert get("/sub/t.txt") == b"other"
    (root / "sub" / "t.txt").unlink()
    assert get("/sub/t.txt") == b"Not Found\n"


def test_what_the_systems_cache_lacks_is_asked_for_in_a_thread(
    tree: Callable[..., Path],
) -> None:
    files = StaticFiles(tree({"t.txt": DIGITS}), live=True, encodings=())
    for number in range(3):
        with pytest.raises(BlockingIOError):
            files.answer(Request("GET", f"/never-{number}"), wait=False)
        assert files.answer(Request("GET", f"/never-{number}")) is None
        assert files.answer(Request("GET", f"/never-{number}"), wait=False) is None


def test_a_system_without_the_call_has_nothing_in_its_cache(
    tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = StaticFiles(tree({"t.txt": DIGITS}), live=True)
    monkeypatch.setattr("dualstatic.disk.root_by_descriptor._call_at_once", None)
    for _ in range(2):
        assert files.answer(Request("GET", "/t.txt"))
        with pytest.raises(BlockingIOError):
            files.answer(Request("GET", "/t.txt"), wait=False)


def stream(files: StaticFiles) -> bytes:
    messages = messages_of(files, b"/big.bin", ())
    return b"".join(message.get("body", b"") for message in messages[1:])


def test_pages_in_the_cache_are_read_in_the_loop(
    tree: Callable[..., Path], mode: str, hops: list[object]
) -> None:
    root = tree({"big.bin": BIG + BIG})
    if not says_whether_it_would_wait(root / "big.bin"):
        pytest.fail("this file system has no RWF_NOWAIT: run the tests on another")
    assert stream(OnDisk(root, live=mode == "live")) == BIG + BIG
    assert len(hops) == 1


def says_whether_it_would_wait(path: Path) -> bool:
    with path.open("rb") as file:
        file.read()
        try:
            return os.preadv(file.fileno(), [bytearray(1)], 0, os.RWF_NOWAIT) == 1
        except OSError:
            return False


def evict(path: Path) -> None:
    """Ask the system to forget a file's pages, which it doesn't always do at once."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@pytest.mark.rows("A449")
def test_where_a_file_system_can_not_say_threads_read(
    in_memory: Path, mode: str, hops: list[object]
) -> None:
    (in_memory / "big.bin").write_bytes(BIG)
    files = OnDisk(in_memory, live=mode == "live")
    if says_whether_it_would_wait(in_memory / "big.bin"):
        pytest.fail("/dev/shm knows RWF_NOWAIT: take another file system for this test")
    assert stream(files) == BIG
    assert len(hops) == 4
    assert not answers_at_once((in_memory / "big.bin").stat().st_dev)


@pytest.mark.rows("A450")
def test_pages_that_are_not_in_the_cache_are_read_by_a_thread(
    tree: Callable[..., Path], mode: str, hops: list[object]
) -> None:
    root = tree({"big.bin": BIG + BIG})
    files = OnDisk(root, live=mode == "live")

    def waits() -> bool:
        answer = files.answer(Request("GET", "/big.bin"))
        assert answer is not None
        evict(root / "big.bin")
        first = answer.next_now()
        assert (first or b"") + b"".join(answer) == BIG + BIG
        return first is None

    assert soon(waits)
    assert stream(files) == BIG + BIG


def test_a_small_file_that_is_not_in_the_cache_is_never_taken_for_another(
    tree: Callable[..., Path], mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    root = tree({"one.txt": b"1" * 1000, "other.txt": b"2" * 1000})
    client = Client(OnDisk(root, live=mode == "live"), "asgi")
    for _ in range(2):
        assert client.get("/one.txt").body == b"1" * 1000
        assert client.get("/other.txt").body == b"2" * 1000
    for _ in range(20):
        evict(root / "one.txt")
        assert client.get("/one.txt").body == b"1" * 1000
        assert client.get("/other.txt").body == b"2" * 1000


@pytest.mark.parametrize("regrown", [False, True])
def test_a_file_that_is_cut_short_while_the_server_sends_it_is_told(
    mode: str, tree: Callable[..., Path], regrown: bool
) -> None:
    root = tree({"big.bin": BIG + BIG})
    files = StaticFiles(root, live=mode == "live", memory=0)
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)
        os.truncate(root / "big.bin", 1000)
        if regrown:
            os.truncate(root / "big.bin", 2 * len(BIG))

    scope = make_scope("GET", b"/big.bin", ())
    scope["extensions"] = {ZEROCOPYSEND: {}}
    door = dualstatic.asgi.StaticMiddleware(files=files, zerocopysend=True)
    with pytest.raises(FileChanged):
        anyio.run(door, scope, receive, send)
    assert all(message.get("more_body", True) for message in messages)


def test_a_function_among_the_options_does_not_hold_up_the_loop(
    mode: str, tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    asked: list[int] = []

    def ask(name: str) -> bool:
        asked.append(threading.get_ident())
        return True

    files = StaticFiles(tree({"t.txt": DIGITS}), live=mode == "live", immutable=ask)
    for _ in range(2):
        start, *_ = messages_of(files, b"/t.txt", ())
        assert start["status"] == 200
    assert asked
    assert threading.get_ident() not in asked


@pytest.mark.parametrize("options", [{"live": True}, {"memory": 0}], ids=["live", "index"])
def test_the_loop_opens_a_file_only_on_a_device_that_answers_at_once(
    in_memory: Path,
    tree: Callable[..., Path],
    options: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Elsewhere, as on FUSE and NFS, `open` may ask a server that hangs, whatever is cached."""
    settle(monkeypatch)
    real, openers = root_by_descriptor._open_file, []

    def noting(*arguments: Any) -> int:
        openers.append(threading.get_ident())
        return real(*arguments)

    def asks_twice(root: Path) -> bool:
        """Whether the second of two requests opens the file in the event loop."""
        (root / "big.bin").write_bytes(BIG)
        files = StaticFiles(root, encodings=(), **options)
        assert stream(files) == BIG
        openers.clear()
        with monkeypatch.context() as patch:
            patch.setattr(root_by_descriptor, "_open_file", noting)
            assert stream(files) == BIG
        assert len(openers) == 1
        return openers == [threading.get_ident()]

    assert asks_twice(tree({}))
    assert not asks_twice(in_memory)
