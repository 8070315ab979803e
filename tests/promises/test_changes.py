"""Group X: files that change while they are served, and clients that leave or crawl."""

from __future__ import annotations

import logging
import os
import socket
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import anyio
import pytest

import dualstatic.asgi
import dualstatic.wsgi
from dualstatic import Answer, Request, StaticFiles
from dualstatic.disk.body import FileChanged
from tests.conftest import WITH_MEMORY, make_files
from tests.support.children import give_up_rights, in_child
from tests.support.doors import Client, OnDisk, make_environ, make_scope
from tests.support.each import each
from tests.support.steps import (
    Connection,
    Transfer,
    nothing,
    open_files,
    public_directory,
    staying,
    transfer,
)
from tests.support.trees import OLD, Link, settle, write_tree

DIGITS = b"0123456789"
MIB = 1024 * 1024
LARGE = 8 * MIB
PATTERN = (bytes(range(251)) * (MIB // 251 + 1))[: MIB + 7]


@pytest.fixture
def big(tree: Callable[..., Path]) -> Path:
    """A file whose every megabyte differs."""
    return tree({"big.bin": (PATTERN * 8)[:LARGE]}) / "big.bin"


def broken_off(got: Transfer, content: bytes) -> bool:
    """The server was told, by an exception, that the answer will not become whole."""
    assert got.status == 200
    assert got.promised == len(content)
    assert isinstance(got.error, FileChanged)
    return len(got.body) < got.promised and content.startswith(got.body)


@pytest.mark.rows("X403")
@pytest.mark.parametrize("left", [MIB, 0])
def test_a_file_cut_short_while_it_is_sent_breaks_the_answer_off(
    left: int, big: Path, serve: Callable[..., Client]
) -> None:
    content = big.read_bytes()
    client = serve(big.parent)
    got = transfer(client, "/big.bin", first=lambda: os.truncate(big, left))
    assert broken_off(got, content)
    assert open_files(big.parent) == []


@pytest.mark.rows("X403")
def test_a_part_cut_short_while_it_is_sent_breaks_the_answer_off(
    big: Path, serve: Callable[..., Client]
) -> None:
    content = big.read_bytes()
    fields = [("Range", f"bytes={4 * MIB}-")]
    got = transfer(serve(big.parent), "/big.bin", fields, first=lambda: os.truncate(big, 5 * MIB))
    assert got.status == 206
    assert got.error is not None
    assert got.promised == LARGE - 4 * MIB
    assert len(got.body) < got.promised
    assert content[4 * MIB :].startswith(got.body)


@pytest.mark.rows("X404")
@pytest.mark.parametrize("size", [10, 2 * MIB])
@pytest.mark.usefixtures("age")
def test_a_file_emptied_before_the_first_read_is_not_an_empty_answer(
    size: int, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    content = (PATTERN * 2)[:size]
    root = tree({"t.txt": content})
    got = transfer(serve(root), "/t.txt", started=lambda: os.truncate(root / "t.txt", 0))
    assert got.status == 200
    assert got.promised == size
    # What was read together with the opening may still go out.
    assert got.body == content if got.error is None else content.startswith(got.body)
    assert (root / "t.txt").stat().st_size == 0


def collect(got: bytearray, answer: Answer) -> None:
    for piece in answer:
        got += piece


@pytest.mark.rows("M149")
@pytest.mark.parametrize("size", [10, 2 * MIB])
@pytest.mark.usefixtures("age")
def test_head_needs_no_file_once_it_is_decided(
    size: int, mode: str, tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": b"x" * size})
    answer = StaticFiles(root, live=mode == "live").answer(Request("HEAD", "/t.txt"))
    (root / "t.txt").unlink()
    assert answer is not None
    assert answer.status == 200
    assert dict(answer.headers)["content-length"] == str(size)
    assert b"".join(answer) == b""


@pytest.mark.rows("X404")
@pytest.mark.parametrize("left", [0, 5])
@pytest.mark.usefixtures("age")
def test_a_body_that_falls_short_raises(left: int, mode: str, tree: Callable[..., Path]) -> None:
    root = tree({"t.bin": b"x" * (2 * MIB)})
    files = OnDisk(root, live=mode == "live")
    answer = files.answer(Request("GET", "/t.bin"))
    assert answer is not None
    os.truncate(root / "t.bin", left)
    got = bytearray()
    with pytest.raises(FileChanged):
        collect(got, answer)
    answer.close()
    assert bytes(got) in (b"", b"x" * left)


@pytest.mark.rows("X405")
def test_a_file_that_grows_is_sent_as_long_as_promised(
    big: Path, serve: Callable[..., Client]
) -> None:
    content = big.read_bytes()

    def grow() -> None:
        with big.open("ab") as file:
            file.write(b"more" * MIB)

    got = transfer(serve(big.parent), "/big.bin", first=grow)
    assert got.error is None
    assert got.promised == len(content)
    assert got.body == content


@pytest.mark.rows("X406", "X407")
@pytest.mark.parametrize("by", ["replaced", "deleted"])
@pytest.mark.usefixtures("age")
def test_a_file_replaced_or_deleted_is_sent_to_its_old_end(
    by: str, big: Path, serve: Callable[..., Client]
) -> None:
    content = big.read_bytes()
    other = big.with_name("other.bin")
    other.write_bytes(b"new" * 1000)
    client = serve(big.parent)
    change = big.unlink if by == "deleted" else lambda: os.replace(other, big)
    got = transfer(client, "/big.bin", first=change)
    assert got.error is None
    assert got.body == content
    after = client.get("/big.bin")
    if by == "deleted":
        assert after.passed
    else:
        assert (after.status, after.body) == (200, b"new" * 1000)


@pytest.mark.rows("X408")
def test_a_file_overwritten_in_place_keeps_its_length(
    big: Path, serve: Callable[..., Client]
) -> None:
    content = big.read_bytes()

    def overwrite() -> None:
        with big.open("r+b") as file:
            file.write(b"\xff" * len(content))

    got = transfer(serve(big.parent), "/big.bin", first=overwrite)
    assert got.error is None
    body = got.body
    assert got.promised == len(body) == len(content)
    assert body.startswith(content[: len(got.pieces[0])])
    assert all(
        now in (before, 0xFF) for now, before in zip(body[::4093], content[::4093], strict=True)
    )


@pytest.mark.rows("X409")
@pytest.mark.usefixtures("age")
def test_a_file_replaced_between_two_parts_comes_whole(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": DIGITS, "new.txt": b"abcdefghijkl"})
    client = serve(root)
    first = client.get("/t.txt", {"Range": "bytes=0-4"})
    assert (first.status, first.body) == (206, b"01234")
    rest = {"Range": "bytes=5-", "If-Range": first["etag"]}
    assert client.get("/t.txt", rest).body == b"56789"
    os.replace(root / "new.txt", root / "t.txt")
    second = client.get("/t.txt", rest)
    assert (second.status, second.body) == (200, b"abcdefghijkl")
    assert second["content-length"] == "12"
    assert client.get("/t.txt", {**rest, "If-Range": second["etag"]}).body == b"fghijkl"


@pytest.mark.rows("R301")
@pytest.mark.parametrize("mode", WITH_MEMORY)
@pytest.mark.usefixtures("aging")
def test_a_file_that_was_replaced_is_not_resumed(
    mode: str, door: str, tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": DIGITS, "new.txt": b"abcdefghij"})
    client = Client(make_files(root, mode), door)
    tag = client.get("/t.txt")["etag"]
    os.replace(root / "new.txt", root / "t.txt")
    if mode == "memory":
        assert client.get("/t.txt").body == DIGITS
        client.files.refresh()
    answer = client.get("/t.txt", {"Range": "bytes=0-1", "If-Range": tag})
    assert (answer.status, answer.body) == (200, b"abcdefghij")
    assert answer["etag"] != tag


SIZES = each("size", [10, 2 * MIB])


@pytest.mark.rows("X410")
@SIZES
@each("known", [False, True])
@pytest.mark.usefixtures("age")
def test_a_file_deleted_after_the_start_is_a_miss(
    size: int, known: bool, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": b"x" * size, "u.txt": DIGITS})
    passing, alone = serve(root), serve(root, app=False)
    if known:
        assert passing.get("/t.txt").status == alone.get("/t.txt").status == 200
    (root / "t.txt").unlink()
    assert passing.get("/t.txt").passed
    assert alone.get("/t.txt").status == 404
    assert passing.get("/u.txt").body == alone.get("/u.txt").body == DIGITS


def forbid_and_ask(root: str, door: str, live: bool, known: bool) -> list[Any]:
    """What a door says of a file after its rights were taken away."""
    give_up_rights()
    if known:
        settle(pytest.MonkeyPatch())
    files = OnDisk(root, live=live)
    passing, alone = Client(files, door), Client(files, door, app=False)
    if known:
        assert passing.get("/t.txt").status == 200
    os.chmod(os.path.join(root, "t.txt"), 0)
    return [passing.get("/t.txt"), alone.get("/t.txt"), passing.get("/u.txt")]


@pytest.mark.rows("X411")
@SIZES
@each("known", [False, True])
def test_a_file_forbidden_after_the_start_is_a_miss(
    size: int, known: bool, door: str, mode: str
) -> None:
    with public_directory() as root:
        write_tree(root, {"t.txt": b"x" * size, "u.txt": DIGITS})
        if os.geteuid() == 0:
            os.chown(root / "t.txt", 65534, 65534)
        answers = in_child(forbid_and_ask, str(root), door, mode == "live", known)
    passed, missed, other = answers
    assert passed.passed
    assert missed.status == 404
    assert (other.status, other.body) == (200, DIGITS)


@pytest.mark.rows("X412")
@SIZES
@each("known", [False, True])
@pytest.mark.usefixtures("age")
def test_a_file_grown_after_the_start_is_served_as_it_is_now(
    size: int, known: bool, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": b"x" * size})
    client = serve(root)
    if known:
        assert client.get("/t.txt").status == 200
    with (root / "t.txt").open("ab") as file:
        file.write(b"more")
    answer = client.get("/t.txt")
    assert (answer.status, answer.body) == (200, b"x" * size + b"more")
    assert answer["content-length"] == str(size + 4)
    end = client.get("/t.txt", {"Range": "bytes=-5"})
    assert (end.status, end.body) == (206, b"xmore")


def start_nothing(status: str, headers: Any, exc_info: Any = None) -> Any:
    """A start_response whose caller wants the body alone."""
    return lambda data: None


LONG = DIGITS * 4000
"""What is smaller is read as soon as it is open."""


class Restless(StaticFiles):
    """Files of which one changes each time after an answer was opened, as often as told."""

    def __init__(self, directory: Path, times: int, *, live: bool) -> None:
        super().__init__(directory, live=live, memory=0)
        self.file = directory / "t.txt"
        self.times = times
        self.goes = False
        self.contents = [LONG]

    def answer(self, request: Request, *, wait: bool = True) -> Answer | None:
        answer = super().answer(request, wait=wait)
        if answer and self.goes:
            self.file.unlink()
        elif answer and self.times:
            self.times -= 1
            self.contents.append(LONG + b"version %d" % self.times)
            other = self.file.with_name("other.txt")
            other.write_bytes(self.contents[-1])
            os.replace(other, self.file)
        return answer


@pytest.mark.rows("X404", "X412")
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.usefixtures("age")
def test_a_file_replaced_after_it_was_opened_is_sent_as_it_was(
    times: int, door: str, mode: str, tree: Callable[..., Path]
) -> None:
    files = Restless(tree({"t.txt": LONG}), times, live=mode == "live")
    answers = [Client(files, door).get("/t.txt") for _ in range(times + 2)]
    assert [answer.status for answer in answers] == [200] * (times + 2)
    assert [answer.body for answer in answers] == [*files.contents, files.contents[-1]]
    assert len({answer["etag"] for answer in answers}) == times + 1
    assert answers[-1] == answers[-2]


@pytest.mark.rows("X404", "X412")
@pytest.mark.parametrize("app", [True, False])
@pytest.mark.usefixtures("age")
def test_a_file_that_never_holds_still_is_always_one_of_its_versions(
    app: bool, door: str, mode: str, tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": LONG})
    files = Restless(root, 1000, live=mode == "live")
    for number in range(10):
        answer = Client(files, door, app).get("/t.txt")
        assert (answer.status, answer.body) == (200, files.contents[number])
    assert open_files(root) == []


@pytest.mark.rows("X410")
@pytest.mark.usefixtures("age")
@pytest.mark.parametrize("app", [True, False])
def test_a_file_deleted_after_it_was_opened_is_sent_and_then_a_miss(
    app: bool, door: str, mode: str, tree: Callable[..., Path]
) -> None:
    files = Restless(tree({"t.txt": LONG}), 0, live=mode == "live")
    client = Client(files, door, app)
    assert client.get("/t.txt").body == LONG
    files.goes = True
    assert client.get("/t.txt").body == LONG
    answer = client.get("/t.txt")
    assert answer.passed if app else answer.status == 404


@pytest.mark.rows("X404", "X412")
@pytest.mark.parametrize("by", ["replaced", "deleted"])
@pytest.mark.usefixtures("age")
def test_an_answer_is_of_the_file_that_it_describes(
    by: str, mode: str, tree: Callable[..., Path]
) -> None:
    old, new = b"x" * (2 * MIB), b"y" * (3 * MIB)
    root = tree({"t.bin": old, "new.bin": new})
    files = OnDisk(root, live=mode == "live")
    for _ in range(2):  # the index remembers it the second time
        answers = [files.answer(Request("GET", "/t.bin")) for _ in range(2)]
    if by == "replaced":
        os.replace(root / "new.bin", root / "t.bin")
    else:
        (root / "t.bin").unlink()
    for answer in answers:
        assert answer is not None
        assert dict(answer.headers)["content-length"] == str(len(old))
        assert b"".join(answer) == old
    after = files.answer(Request("GET", "/t.bin"))
    assert (after and b"".join(after)) == (new if by == "replaced" else None)
    assert open_files(root) == []


@pytest.mark.rows("X413")
@pytest.mark.usefixtures("age")
def test_a_file_added_after_the_start_waits_for_a_refresh_of_the_index(
    mode: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": DIGITS})
    client = serve(root)
    write_tree(root, {"new.txt": b"new", "new/sub.txt": b"sub"})
    for path, content in (("/new.txt", b"new"), ("/new/sub.txt", b"sub")):
        answer = client.get(path)
        assert answer.passed if mode == "index" else answer.body == content
    client.files.refresh()
    assert client.get("/new.txt").body == b"new"
    assert client.get("/new/sub.txt").body == b"sub"


def serve_oddities(root: str, door: str, live: bool) -> tuple[list[Any], list[str]]:
    """What a door says of a tree full of odd things, and what it logged about them."""
    give_up_rights()
    records: list[logging.LogRecord] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = records.append  # type: ignore[method-assign]
    logging.getLogger("dualstatic").addHandler(handler)
    client = Client(OnDisk(root, live=live), door)
    targets = [
        "/t.txt", "/sub/a.txt", "/dangling", "/loop", "/locked/a.txt", "/locked/", "/fifo",
        "/sock", b"/%ff%fe.txt", "/loopdir/t.txt", "/twins/a/b/b/c.txt",
    ]  # fmt: skip
    answers = [client.get(target) for target in targets]
    return answers, [record.getMessage() for record in records]


@pytest.mark.rows("X415")
def test_a_tree_full_of_oddities_is_served_without_them(door: str, mode: str) -> None:
    with public_directory() as root:
        entries = {
            "t.txt": DIGITS,
            "sub/a.txt": b"a",
            "dangling": Link("nothing"),
            "loop": Link("loop"),
            "loopdir": Link("."),
            "locked/a.txt": b"locked",
            "twins/a": None,
            "twins/a/b": Link("../a"),
            "twins/a/c.txt": b"c",
        }
        write_tree(root, entries)
        os.mkfifo(root / "fifo")
        (root / os.fsdecode(b"\xff\xfe.txt")).write_bytes(b"odd")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(root / "sock"))
            (root / "locked").chmod(0)
            try:
                answers, messages = in_child(serve_oddities, str(root), door, mode == "live")
            finally:
                (root / "locked").chmod(0o755)
    served = {0: DIGITS, 1: b"a", 9: DIGITS, 10: b"c"}
    for number, answer in enumerate(answers):
        if number in served:
            assert (answer.status, answer.body) == (200, served[number])
        elif number == 8:  # a name that is not text may be served, and may be left out
            assert answer.passed or answer.body == b"odd"
        else:
            assert answer.passed
    if mode == "index":
        for name in ("dangling", "loop", "locked", "fifo", "sock"):
            assert any(name in message for message in messages), (name, messages)
        assert len(messages) == len(set(messages))


@pytest.mark.rows("X416")
@pytest.mark.usefixtures("age")
def test_the_same_content_written_again_is_still_known_to_the_client(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": DIGITS})
    client = serve(root)
    first = client.get("/t.txt")
    (root / "new.txt").write_bytes(DIGITS)
    os.utime(root / "new.txt", (OLD + 5, OLD + 5))
    os.replace(root / "new.txt", root / "t.txt")
    assert client.get("/t.txt", {"If-None-Match": first["etag"]}).status == 304
    second = client.get("/t.txt")
    assert second["etag"] == first["etag"]
    assert second["last-modified"] != first["last-modified"]
    client.files.refresh()
    assert client.get("/t.txt", {"If-None-Match": first["etag"]}).status == 304


@pytest.mark.rows("X417")
@pytest.mark.parametrize("frozen", [False, True])
def test_a_file_rewritten_at_once_under_the_same_size_has_another_tag(
    frozen: bool, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": DIGITS})
    client = serve(root)
    tags = set()
    for number in range(10):
        content = b"%010d" % number
        (root / "t.txt").write_bytes(content)
        if frozen:
            os.utime(root / "t.txt", (OLD, OLD))
            client.files.refresh()
        answer = client.get("/t.txt")
        assert (answer.status, answer.body) == (200, content)
        tags.add(answer["etag"])
    assert len(tags) == 10


@pytest.mark.rows("X417")
def test_a_change_does_not_hide_behind_a_frozen_time(
    serve: Callable[..., Client], tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree({"t.txt": DIGITS})
    client = serve(root)
    settle(monkeypatch)  # a tag is remembered
    first = client.get("/t.txt")
    assert client.get("/t.txt")["etag"] == first["etag"]
    time.sleep(0.02)  # longer than the tick of any file system's clock
    with (root / "t.txt").open("r+b") as file:
        file.write(b"abcdefghij")
    os.utime(root / "t.txt", (OLD, OLD))
    second = client.get("/t.txt")
    assert (second.status, second.body) == (200, b"abcdefghij")
    assert second["etag"] != first["etag"]
    assert second["last-modified"] == first["last-modified"]


@pytest.mark.rows("X418")
@pytest.mark.usefixtures("age")
def test_a_replaced_sibling_changes_its_own_tag_only(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree(
        {"app.js": b"x" * 100, "app.js.gz": b"g" * 53, "app.js.br": b"b" * 47, "new": b"G" * 53}
    )
    client = serve(root)
    codings = ("", "gzip", "br")
    before = {c: client.get("/app.js", {"Accept-Encoding": c})["etag"] for c in codings}
    os.replace(root / "new", root / "app.js.gz")
    answer = client.get("/app.js", {"Accept-Encoding": "gzip"})
    assert (answer["content-encoding"], answer.body) == ("gzip", b"G" * 53)
    after = {c: client.get("/app.js", {"Accept-Encoding": c})["etag"] for c in codings}
    assert after["gzip"] != before["gzip"]
    assert (after[""], after["br"]) == (before[""], before["br"])
    again = {"Accept-Encoding": "gzip", "If-None-Match": before["gzip"]}
    assert client.get("/app.js", again).status == 200


@pytest.mark.rows("X410", "X418")
@pytest.mark.usefixtures("age")
def test_a_deleted_sibling_gives_way_to_its_file(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"app.js": b"x" * 100, "app.js.gz": b"g" * 53, "app.js.br": b"b" * 60})
    client = serve(root)
    both = {"Accept-Encoding": "gzip, br"}
    assert client.get("/app.js", both)["content-encoding"] == "gzip"
    (root / "app.js.gz").unlink()
    second = client.get("/app.js", both)
    assert (second["content-encoding"], second.body) == ("br", b"b" * 60)
    (root / "app.js.br").unlink()
    third = client.get("/app.js", both)
    assert (third.status, third.get("content-encoding"), third.body) == (200, None, b"x" * 100)
    (root / "app.js").unlink()
    assert client.get("/app.js", both).passed


LEAVERS = 100


@pytest.mark.rows("X419")
@pytest.mark.parametrize("after", [0, 1, 3])
def test_clients_that_leave_a_wsgi_door_leave_no_file_open(
    after: int, mode: str, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)  # its tag is made once
    files = OnDisk(big.parent, live=mode == "live")
    door: Any = validator(dualstatic.wsgi.StaticMiddleware(files=files))

    def leave() -> None:
        chunks = iter(body := door(make_environ("GET", b"/big.bin", ()), start_nothing))
        for _ in range(after):
            assert next(chunks)
        body.close()

    leave()
    for _ in range(LEAVERS):
        leave()
    assert open_files(big.parent) == []


@pytest.mark.rows("X419")
@pytest.mark.parametrize("leaves", ["OSError", "quietly", "cancelled"])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_clients_that_leave_an_asgi_door_leave_no_file_open(
    leaves: str, backend: str, mode: str, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)  # its tag is made once
    files = OnDisk(big.parent, live=mode == "live")
    door = dualstatic.asgi.StaticMiddleware(files=files)

    async def leave() -> None:
        with anyio.CancelScope() as scope:
            cancel = scope.cancel if leaves == "cancelled" else nothing
            connection = Connection(leaves, cancel)
            with suppress(ConnectionResetError):
                await door(make_scope("GET", b"/big.bin", ()), connection.receive, connection.send)
        assert 0 < connection.sent < LARGE

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(LEAVERS):
                group.start_soon(leave)

    anyio.run(main, backend=backend)
    assert open_files(big.parent) == []


@pytest.fixture
def sparse(tree: Callable[..., Path]) -> Path:
    path = tree({"sparse.bin": b""}) / "sparse.bin"
    os.truncate(path, 2 * LARGE)
    os.utime(path, (OLD, OLD))
    return path


@pytest.mark.rows("X420")
def test_a_slow_client_of_a_large_file_costs_little_memory(
    sparse: Path, door: str, mode: str
) -> None:
    files = OnDisk(sparse.parent, live=mode == "live")
    length = 0
    if door == "wsgi":
        wsgi: Any = validator(dualstatic.wsgi.StaticMiddleware(files=files))

        def take() -> None:
            nonlocal length
            body = wsgi(make_environ("GET", b"/sparse.bin", ()), start_nothing)
            length = sum(map(len, body))
            body.close()
    else:
        asgi = dualstatic.asgi.StaticMiddleware(files=files)

        def take() -> None:
            nonlocal length
            length = 0

            async def send(message: Any) -> None:
                nonlocal length
                length += len(message.get("body", b""))
                await anyio.sleep(0.0001)

            anyio.run(asgi, make_scope("GET", b"/sparse.bin", ()), staying(), send)

    tracemalloc.start()
    try:
        take()
        tracemalloc.reset_peak()
        held = tracemalloc.get_traced_memory()[0]
        take()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert length == 2 * LARGE
    assert peak - held < 2 * MIB
