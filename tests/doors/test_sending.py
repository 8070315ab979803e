"""How the ASGI door sends: what it does while a server waits, and with what is raised there."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

import dualstatic.asgi
from dualstatic import StaticFiles
from tests.support.doors import Messages, make_scope
from tests.support.each import each
from tests.support.steps import Connection, open_files, soon, staying
from tests.support.trees import settle, write_tree

BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])
KIB = 1024
FILES = {"small.bin": b"s" * 2 * KIB, "large.bin": b"l" * 100 * KIB, "huge.bin": b"h" * 3 * KIB**2}
ON_DISK, IN_MEMORY = {"memory": 0}, {}
WAITED_FOR = [
    ("large.bin", "2", ON_DISK),
    ("large.bin", "3", ON_DISK),
    ("large.bin", "2", IN_MEMORY),
    ("large.bin", "1.1", ON_DISK),
    ("huge.bin", "1.1", ON_DISK),
]
TAKEN_AT_ONCE = [
    ("small.bin", "1.1", ON_DISK),
    ("small.bin", "1.1", IN_MEMORY),
    ("large.bin", "1.1", IN_MEMORY),
    ("small.bin", "2", IN_MEMORY),
    ("small.bin", "2", ON_DISK),
]


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are old enough to be kept in memory."""
    settle(monkeypatch)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(tmp_path_factory.mktemp("sending"), FILES)


class Asked:
    """A request for a file, and what the door has to do with the server meanwhile."""

    def __init__(self, root: Path, name: str, version: str, options: dict[str, Any]) -> None:
        self.door = dualstatic.asgi.StaticMiddleware(files=StaticFiles(root, **options))
        self.scope = {**make_scope("GET", f"/{name}".encode(), ()), "http_version": version}
        self.asks = [{"type": "http.request", "body": b"", "more_body": False}]
        self.received = 0
        self.waits = anyio.Event()

    async def receive(self) -> Any:
        """The request, and that the client has gone once the server waits in `send`."""
        self.received += 1
        if self.asks:
            return self.asks.pop()
        await self.waits.wait()
        return {"type": "http.disconnect"}

    async def run(self, send: Any) -> None:
        with anyio.fail_after(20):
            await self.door(dict(self.scope), staying(), Messages().send)  # now it is in memory
            await self.door(self.scope, self.receive, send)


@BACKENDS
@each("message", ["http.response.start", "http.response.body"])
@each(("name", "version", "options"), WAITED_FOR)
def test_a_client_that_leaves_while_the_server_waits_ends_the_answer(
    name: str,
    version: str,
    options: dict[str, Any],
    message: str,
    backend: str,
    root: Path,
) -> None:
    async def main() -> None:
        asked = Asked(root, name, version, options)

        async def send(sent: Any) -> None:
            if sent["type"] == message:
                asked.waits.set()
                await anyio.sleep_forever()

        await asked.run(send)

    anyio.run(main, backend=backend)
    assert open_files(root) == []


@BACKENDS
@each("version", ["1.1", "2"])
def test_nothing_is_read_for_a_client_that_has_gone(version: str, backend: str, root: Path) -> None:
    asked, connection = Asked(root, "huge.bin", version, ON_DISK), Connection("unheard")

    async def main() -> None:
        with anyio.fail_after(20):
            await asked.door(asked.scope, connection.receive, connection.send)

    anyio.run(main, backend=backend)
    assert connection.sent < len(FILES["huge.bin"])


@each(("name", "version", "options"), TAKEN_AT_ONCE)
def test_what_a_server_takes_at_once_is_sent_without_a_watch(
    name: str, version: str, options: dict[str, Any], root: Path
) -> None:
    async def main() -> int:
        asked, messages = Asked(root, name, version, options), Messages()
        await asked.run(messages.send)
        assert b"".join(messages.body) == FILES[name]
        return asked.received

    assert anyio.run(main) == 0


EACH_WAY = [WAITED_FOR[0], WAITED_FOR[2], WAITED_FOR[3], TAKEN_AT_ONCE[0], TAKEN_AT_ONCE[1]]
FAULTS = [
    OSError(errno.ENOSPC, "No space left on device"),
    ConnectionRefusedError(errno.ECONNREFUSED, "a cache that is down"),
    BrokenPipeError(errno.EPIPE, "a log that nobody reads"),
    OSError("of a middleware"),
    RuntimeError("of the server"),
]


async def failing(asked: Asked, fault: Exception, *, gone: bool, at: str) -> BaseException | None:
    """What comes out of the door where a middleware or the server raises from `send`."""

    async def send(message: Any) -> None:
        if message["type"] == at:
            if gone:
                asked.waits.set()
            raise fault

    try:
        await asked.run(send)
    except BaseException as raised:  # noqa: BLE001 - the test looks at it
        return raised
    return None


@BACKENDS
@each("at", ["http.response.start", "http.response.body"])
@each(("name", "version", "options"), EACH_WAY)
def test_an_error_of_a_middleware_outside_goes_up_as_it_is(
    name: str, version: str, options: dict[str, Any], at: str, backend: str, root: Path
) -> None:
    """All of them at the same time, since the door waits a moment for a word of the client."""
    came: list[BaseException | None] = []

    async def ask(fault: Exception) -> None:
        asked = Asked(root, name, version, options)
        came.append(await failing(asked, fault, gone=False, at=at))

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for fault in FAULTS:
                tasks.start_soon(ask, fault)

    anyio.run(main, backend=backend)
    assert {id(each) for each in came} == {id(fault) for fault in FAULTS}
    assert open_files(root) == []


class ClientDisconnected(OSError):
    """As gunicorn and uvicorn name it."""


GONE = [ClientDisconnected(), ConnectionResetError("gone"), RuntimeError("no stream of HTTP/2")]


@BACKENDS
@each("fault", GONE)
@each(("name", "version", "options"), EACH_WAY)
def test_an_error_that_says_that_the_client_has_gone_is_no_trouble(
    name: str,
    version: str,
    options: dict[str, Any],
    fault: Exception,
    backend: str,
    root: Path,
) -> None:
    async def main() -> BaseException | None:
        asked = Asked(root, name, version, options)
        return await failing(asked, fault, gone=True, at="http.response.body")

    assert anyio.run(main, backend=backend) is None
    assert open_files(root) == []


@BACKENDS
@each(("name", "version", "options"), WAITED_FOR)
def test_an_error_of_receive_goes_up_as_it_is(
    name: str, version: str, options: dict[str, Any], backend: str, root: Path
) -> None:
    fault = RuntimeError("of the server")

    async def main() -> BaseException | None:
        asked = Asked(root, name, version, options)

        async def receive() -> Any:
            raise fault

        async def send(message: Any) -> None:
            await anyio.sleep_forever()

        asked.receive = receive  # type: ignore[method-assign]
        try:
            await asked.run(send)
        except BaseException as raised:  # noqa: BLE001 - the test looks at it
            return raised
        return None

    assert anyio.run(main, backend=backend) is fault


@BACKENDS
@each(("name", "version", "options"), WAITED_FOR)
def test_an_error_goes_up_where_a_receive_that_was_cancelled_tells_of_a_client_that_has_gone(
    name: str, version: str, options: dict[str, Any], backend: str, root: Path
) -> None:
    """On gunicorn, each `receive` after that says so, whether the client has gone or not."""
    fault = OSError("of a middleware")

    async def main() -> BaseException | None:
        asked = Asked(root, name, version, options)
        cancelled = False

        async def receive() -> Any:
            nonlocal cancelled
            asked.waits.set()
            try:
                if not cancelled:
                    await anyio.sleep_forever()
            finally:
                cancelled = True
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            await asked.waits.wait()
            raise fault

        asked.receive = receive  # type: ignore[method-assign]
        try:
            await asked.run(send)
        except BaseException as raised:  # noqa: BLE001 - the test looks at it
            return raised
        return None

    assert anyio.run(main, backend=backend) is fault


class Slow:
    """A function among the options that hangs as a disk does, until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.guard = threading.Lock()
        self.inside = self.most = 0

    def __call__(self, name: str) -> str:
        with self.guard:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.let_go.wait(20)
        with self.guard:
            self.inside -= 1
        return "no-cache"


def test_requests_that_asyncio_cancels_make_no_more_than_forty_threads(
    root: Path,
) -> None:
    slow = Slow()
    files = StaticFiles(root, live=True, cache_control=slow)
    door = dualstatic.asgi.StaticMiddleware(files=files)
    scope = make_scope("GET", b"/small.bin", ())
    threads = threading.active_count()

    async def leave() -> None:
        task = asyncio.create_task(door(scope, staying(), Messages().send))
        await asyncio.sleep(0.002)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def main() -> None:
        for _ in range(120):
            await leave()
        assert slow.inside == slow.most == 40
        slow.let_go.set()
        for _ in range(60):  # each thread has given back what it took
            messages = Messages()
            await asyncio.wait_for(door(scope, staying(), messages.send), 20)
            assert b"".join(messages.body) == FILES["small.bin"]

    asyncio.run(main())
    assert slow.most == 40
    assert threading.active_count() <= threads + 40
    assert soon(lambda: open_files(root) == [])


@BACKENDS
def test_requests_that_a_scope_cancels_give_their_threads_back(backend: str, root: Path) -> None:
    slow = Slow()
    files = StaticFiles(root, live=True, cache_control=slow)
    door = dualstatic.asgi.StaticMiddleware(files=files)
    scope = make_scope("GET", b"/small.bin", ())

    async def main() -> None:
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for _ in range(60):
                    tasks.start_soon(door, scope, staying(), Messages().send)
                while slow.inside < 40:  # noqa: ASYNC110 - threads are counted
                    await anyio.sleep(0.002)
                tasks.cancel_scope.cancel()
                slow.let_go.set()
            assert slow.most == 40
            async with anyio.create_task_group() as tasks:
                for _ in range(60):
                    tasks.start_soon(door, scope, staying(), Messages().send)

    anyio.run(main, backend=backend)


@BACKENDS
def test_an_app_that_streams_a_long_404_that_nobody_hears_keeps_nobody_from_their_turn(
    backend: str, tree: Callable[..., Path]
) -> None:
    files = StaticFiles(tree({"index.html": b"home"}), not_found="single-page-application")
    sent, seen = [0], []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        for _ in range(10_000):
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            sent[0] += 1
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    door = dualstatic.asgi.StaticMiddleware(app, files=files)
    scope = make_scope("GET", b"/route", [("Sec-Fetch-Mode", "navigate")])

    async def other() -> None:
        while sent[0] < 10_000:
            seen.append(sent[0])
            await anyio.lowlevel.checkpoint()

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(door, scope, staying(), Messages().send)
            tasks.start_soon(other)

    anyio.run(main, backend=backend)
    assert any(0 < count < 10_000 for count in seen)
