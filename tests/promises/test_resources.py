"""What the doors hold on to, and for how long; what they say of a machine in trouble."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
import trio

import dualstatic.asgi
from dualstatic import Request, StaticFiles
from dualstatic.disk import nowait
from dualstatic.disk.body import FileChanged, WholeFile
from tests.support.children import Records, in_child, take_descriptors, within
from tests.support.doors import Answer, Client, ask_asgi_here, make_scope, trouble
from tests.support.faults import READS, fails_to_open, fails_to_read, patch_everywhere
from tests.support.servers import ROOT, Server, environment, eventually, free_port, serve
from tests.support.steps import Connection, open_below, soon
from tests.support.trees import settle, write_tree
from tests.support.watch import Watch, needs_inotify

MIB = 2**20
OPTIONS: dict[str, dict[str, Any]] = {
    "live": {"live": True},
    "index": {"memory": 0},
    "memory": {"memory": 2**26},
}
MODES = pytest.mark.parametrize("mode", OPTIONS)


@pytest.fixture
def root(tree: Callable[..., Path]) -> Path:
    root = tree({"t.txt": b"0123456789", "big.bin": b""})
    os.truncate(root / "big.bin", 2 * MIB)
    return root


# Threads and tasks.


class Refusing(Connection):
    """A server whose `send` fails at once."""

    async def send(self, message: Any) -> None:
        raise RuntimeError("the server's own trouble")


REQUESTS = {
    "whole": ("GET", {}),
    "head": ("HEAD", {}),
    "not modified": ("GET", {"If-None-Match": "*"}),
    "part": ("GET", {"Range": "bytes=1-1500000"}),
    "unsatisfiable": ("GET", {"Range": "bytes=99999999-"}),
}
LEAVING = ["OSError", "RuntimeError", "quietly", "cancelled", "at once"]


def tasks(backend: str) -> int:
    if backend == "asyncio":
        return len(asyncio.all_tasks())
    return trio.lowlevel.current_statistics().tasks_living


async def leave(door: Any, leaves: str) -> None:
    with anyio.CancelScope() as scope:
        connection = Connection(leaves, scope.cancel if leaves == "cancelled" else lambda: None)
        if leaves == "at once":
            connection = Refusing(leaves)
        with suppress(ConnectionResetError, RuntimeError):
            await door(make_scope("GET", b"/big.bin", ()), connection.receive, connection.send)


@pytest.mark.skipif(sys.platform != "linux", reason="O_PATH is Linux's")
@MODES
@pytest.mark.parametrize("leaves", ["", *LEAVING])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_file_whose_server_may_not_answer_is_closed_in_a_thread(
    backend: str, leaves: str, mode: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FUSE tells its server of each close, and waits for what that says."""
    import fcntl

    files = StaticFiles(root, **OPTIONS[mode])
    client, door = Client(files, "asgi"), dualstatic.asgi.StaticMiddleware(files=files)
    status = (root / "big.bin").stat()
    nowait._answering.discard(status.st_dev)
    monkeypatch.delattr(os, "RWF_NOWAIT")
    closed_by: list[int] = []

    def recording(real: Callable[[int], None]) -> Callable[[int], None]:
        def close(descriptor: int) -> None:
            # To close what was opened for a look alone is told to nobody.
            is_for_reading = not fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_PATH
            if is_for_reading and os.path.samestat(os.fstat(descriptor), status):
                closed_by.append(threading.get_ident())
            real(descriptor)

        return close

    async def main() -> None:
        if leaves:
            await leave(door, leaves)
        else:
            await ask_asgi_here(client, "GET", b"/big.bin", [], b"", {})

    patch_everywhere(monkeypatch, "close", recording)
    anyio.run(main, backend=backend)
    assert closed_by
    assert threading.get_ident() not in closed_by


def ask_and_leave(root: Path, mode: str, backend: str) -> list[tuple[int, int]]:
    """The tasks and threads that there are after some rounds of requests."""
    files = StaticFiles(root, **OPTIONS[mode])
    client, door = Client(files, "asgi"), dualstatic.asgi.StaticMiddleware(files=files)
    held = [] if mode == "live" else [str(root)]

    async def once() -> tuple[int, int]:
        for method, fields in REQUESTS.values():
            for target in (b"/t.txt", b"/big.bin", b"/nope"):
                await ask_asgi_here(client, method, target, list(fields.items()), b"", {})
        for leaves in LEAVING:
            await leave(door, leaves)
        return tasks(backend), threading.active_count()

    async def main() -> list[tuple[int, int]]:
        counts = [await once() for _ in range(6)]
        assert soon(lambda: open_below(root) == held)
        return counts

    before = threading.active_count()
    counts = anyio.run(main, backend=backend)
    if backend == "asyncio":  # trio keeps its threads for a while, for whoever comes next
        assert soon(lambda: threading.active_count() <= before)
    return counts


def test_no_request_leaves_a_task_a_thread_or_a_file_behind(root: Path) -> None:
    """In a process where no thread ends that trio has kept since another test."""
    ways = list(product(OPTIONS, ("asyncio", "trio")))
    with ThreadPoolExecutor(len(ways)) as beside:  # for the door waits for what a server tells
        counts = list(beside.map(lambda way: in_child(ask_and_leave, root, *way), ways))
    for way, each in zip(ways, counts, strict=True):
        assert len(set(each)) == 1, way


@MODES
def test_many_requests_at_once_take_no_more_than_forty_threads(mode: str, root: Path) -> None:
    client = Client(StaticFiles(root, **OPTIONS[mode]), "asgi")
    most = []

    async def ask() -> None:
        await ask_asgi_here(client, "GET", b"/big.bin", [], b"", {})
        most.append(threading.active_count())

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(70):
                group.start_soon(ask)

    before = threading.active_count()
    anyio.run(main)
    assert max(most) <= before + 40
    assert soon(lambda: threading.active_count() <= before)


# A machine in trouble.


def ask_without_descriptors(
    root: str, mode: str, door: str, name: str, is_known: bool
) -> tuple[Any, ...]:
    """What three GETs raise while no descriptor is left, what is logged, and what comes after."""
    import resource  # POSIX has it, Windows does not

    records = Records()
    client = Client(StaticFiles(root, **OPTIONS[mode]), door)
    raised: list[Any] = []

    async def ask() -> bytes:
        if door == "wsgi":
            return client.get(name).body
        return (await ask_asgi_here(client, "GET", name.encode(), [], b"", {})).body

    async def main() -> bytes:
        await anyio.to_thread.run_sync(os.getpid)  # a loop and a thread are there already
        if is_known:
            await ask()
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, limit[1]))
        taken = take_descriptors()
        for _ in range(3):
            with trouble(door, match="Too many open files") as caught:
                await ask()
            raised.append(caught.value.errno)
        for number in taken:
            os.close(number)
        return await ask()

    return raised, records.kept, anyio.run(main)


@pytest.mark.rows("S400")
@MODES
@pytest.mark.parametrize(
    ("name", "is_known"), [("/t.txt", False), ("/big.bin", False), ("/big.bin", True)]
)
def test_a_lack_of_descriptors_raises_each_time_and_is_logged_once(
    name: str, is_known: bool, mode: str, door: str, root: Path
) -> None:
    arguments = (str(root), mode, door, name, is_known)
    raised, kept, body = in_child(ask_without_descriptors, *arguments)
    assert raised == [errno.EMFILE] * 3
    assert kept == [("ERROR", f"can't be read, Too many open files: {str(root)!r}")]
    assert body == (root / name[1:]).read_bytes()


def refresh_without_files(root: str, live: bool) -> list[Any]:
    """What a refresh raises while no descriptor is left, and what is served after."""
    import resource  # POSIX has it, Windows does not

    client = Client(StaticFiles(root, live=live), "wsgi")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, limit[1]))
    taken = take_descriptors()
    try:
        client.files.refresh()
        results: list[Any] = [None]
    except OSError as error:
        results = [error.errno]
    for number in taken:
        os.close(number)
    resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    return [*results, client.get("/sub/t.txt").body]


@pytest.mark.rows("S400")
def test_a_scan_out_of_descriptors_raises_and_the_old_index_stays(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "www", {"sub/t.txt": "0123456789"})
    assert in_child(refresh_without_files, str(root), False) == [errno.EMFILE, b"0123456789"]


@pytest.mark.rows("S401")
@MODES
@pytest.mark.parametrize("call", ["open", "stat", "fstat", "read"])
@pytest.mark.parametrize("name", ["t.txt", "big.bin"])
@pytest.mark.parametrize("error", [errno.EIO, errno.ESTALE], ids=["EIO", "ESTALE"])
def test_a_disk_that_fails_raises_each_time_and_is_logged_once(
    error: int,
    name: str,
    call: str,
    mode: str,
    door: str,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    files = StaticFiles(root, **OPTIONS[mode])
    clients = [Client(files, door, app) for app in (True, False, True)]
    before = open_below(root)
    with monkeypatch.context() as patch:
        if call in ("read", "fstat"):
            for each in READS if call == "read" else [call]:
                patch_everywhere(patch, each, fails_to_read(name, error))
        else:
            patch_everywhere(patch, call, fails_to_open(name, error))
        for client in clients:
            with trouble(door, match=os.strerror(error)) as caught:
                client.get(f"/{name}")
            assert caught.value.errno == error
    assert soon(lambda: open_below(root) == before)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert caplog.messages[0].startswith(f"can't be read, {os.strerror(error)}: '{root}")
    for client in clients:
        assert client.get(f"/{name}").body == (root / name).read_bytes()


@MODES
@pytest.mark.parametrize("call", ["open", "stat", "read"])
def test_a_sibling_that_the_disk_fails_is_left_out_until_it_can_be_read(
    call: str,
    mode: str,
    door: str,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settle(monkeypatch)
    write_tree(root, {"t.txt.gz": b"g"})
    client = Client(StaticFiles(root, **OPTIONS[mode]), door)
    with monkeypatch.context() as patch:
        fails = fails_to_read if call == "read" else fails_to_open
        for each in READS if call == "read" else [call]:
            patch_everywhere(patch, each, fails("t.txt.gz", errno.EIO))
        for _ in range(3):
            answer = client.get("/t.txt", {"Accept-Encoding": "gzip"})
            assert answer.body == (root / "t.txt").read_bytes()
    sibling = str(root / "t.txt.gz")
    assert caplog.messages == [f"can't be read, Input/output error: {sibling!r}"]
    assert client.get("/t.txt", {"Accept-Encoding": "gzip"}).body == b"g"
    assert len(open_below(root)) <= 1


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="/proc is Linux's")
def test_a_disk_that_fails_a_file_wrapper_is_logged_too(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At its start, a process's memory fails to be read as a broken disk does."""
    answer = StaticFiles(root, live=True).answer(Request("GET", "/big.bin"))
    assert answer
    assert answer.response.file
    for _ in range(2):
        with WholeFile(os.open("/proc/self/mem", os.O_RDONLY), answer.response.file) as file:
            with pytest.raises(RuntimeError, match="Input/output error") as raised:
                file.read(10)
            assert isinstance(raised.value.__cause__, OSError)
            file._promised = 0
    assert caplog.messages == [f"can't be read, Input/output error: '{root}/big.bin'"]


def whole_file(root: Path) -> WholeFile:
    answer = StaticFiles(root, live=True).answer(Request("GET", "/big.bin"))
    assert answer
    file = answer.detach()
    assert file
    return file


def test_a_wrapped_file_that_was_cut_short_and_written_anew_is_told(root: Path) -> None:
    """A server that sends by the descriptor met the end in between."""
    content = (root / "big.bin").read_bytes()
    file = whole_file(root)
    (root / "big.bin").write_bytes(content[:1000])
    os.lseek(file.fileno(), 1000, os.SEEK_SET)
    (root / "big.bin").write_bytes(content)
    with pytest.raises(FileChanged):
        file.close()
    assert file.closed


def test_a_wrapped_file_that_was_cut_short_is_told_whatever_its_time(root: Path) -> None:
    file, path = whole_file(root), root / "big.bin"
    status = path.stat()
    os.truncate(path, 1000)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert len(file.read()) == 1000
    for call in (file.read, lambda: file.read(1), file.close):
        with pytest.raises(FileChanged):
            call()


def test_a_wrapped_file_that_was_sent_whole_may_have_changed_since(root: Path) -> None:
    file = whole_file(root)
    os.lseek(file.fileno(), 0, os.SEEK_END)
    (root / "big.bin").write_bytes(b"x" * (root / "big.bin").stat().st_size)
    file.close()


def test_uwsgi_gets_no_file_to_send_by_itself(root: Path) -> None:
    """It measures a file anew when it sends it, and would send more than was promised."""
    extra = {"wsgi.file_wrapper": no_wrapper, "uwsgi.version": b"2.0"}
    answer = Client(StaticFiles(root, live=True), "wsgi").get("/big.bin", **extra)
    assert answer.body == (root / "big.bin").read_bytes()


def no_wrapper(*arguments: Any) -> Any:
    raise AssertionError("the file was wrapped")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has leases")
@MODES
def test_a_file_under_a_lease_raises_and_is_logged(
    mode: str, door: str, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import fcntl

    client = Client(StaticFiles(root, **OPTIONS[mode]), door)
    descriptor = os.open(root / "t.txt", os.O_RDWR)
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        for _ in range(2):
            with trouble(door, match="a lease"):
                client.get("/t.txt")
    finally:
        os.close(descriptor)
        signal.signal(signal.SIGIO, before)
    assert len(caplog.messages) == 1
    assert client.get("/t.txt").status == 200


LOCALE = """
import asyncio, sys
import dualstatic.asgi
from dualstatic import StaticFiles
sent = []
async def send(message): sent.append(message)
async def receive(): return {"type": "http.request"}
for live in (True, False):
    door = dualstatic.asgi.StaticMiddleware(files=StaticFiles(sys.argv[1], live=live))
    scope = {"type": "http", "method": "GET", "path": "/\\u65e5.txt", "headers": []}
    asyncio.run(door(scope, receive, send))
print([message["status"] for message in sent if "status" in message], sys.getfilesystemencoding())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one encoding")
def test_a_name_that_the_locale_can_not_express_is_a_miss(root: Path) -> None:
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ended = subprocess.run(
        [sys.executable, "-c", LOCALE, str(root)],
        env={**environment(), **locale},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stdout == "[404, 404] ascii\n", ended.stderr


@needs_inotify
@pytest.mark.rows("M154")
def test_a_method_that_is_the_apps_opens_no_file(serve: Callable[..., Client], root: Path) -> None:
    client = serve(root)
    with Watch(root) as watch:
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO", "get"):
            assert client.ask(method, "/t.txt").passed
        assert root / "t.txt" not in watch.take()
        assert client.get("/t.txt").status == 200
        assert root / "t.txt" in watch.take()


# What is no file.


def make_device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # zeros without an end
    except PermissionError:
        pytest.skip("only root makes devices")


NO_FILES: dict[str, Callable[[Path], None]] = {
    "FIFO": os.mkfifo,
    "socket": lambda path: os.mknod(path, stat.S_IFSOCK | 0o666),
    "device": make_device,
    "link to a FIFO": lambda path: path.symlink_to(
        "pipe" if path.parent.name == "www" else "../pipe"
    ),
}
NAMES = ["a.txt", "a.txt.gz", "page/index.html", "404.html", "sub"]
TARGETS = [f"/{name}" for name in NAMES] + ["/page", "/page/", "/sub/b.txt", "/nope", "/pipe"]


def ask_all(clients: list[Client]) -> list[Answer]:
    return [client.get(target) for client in clients for target in TARGETS]


@MODES
@pytest.mark.parametrize("since", ["the start", "the scan", "its first use"])
@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_never_blocks_and_is_a_miss(
    kind: str, since: str, mode: str, door: str, tree: Callable[..., Path]
) -> None:
    root = tree({**dict.fromkeys(NAMES[:-1], b"x" * 10), "sub/b.txt": b"b"})
    os.mkfifo(root / "pipe")
    files = StaticFiles(root, html=True, **OPTIONS[mode])
    clients = [Client(files, door, app) for app in (True, False)]
    known = within(20, ask_all, clients) if since == "its first use" else []
    for number, name in enumerate(NAMES):
        (root / name).replace(root.parent / f"away{number}")
        NO_FILES[kind](root / name)
    if known and mode == "memory":
        assert within(20, ask_all, clients) == known
    if since == "the start" or (known and mode == "memory"):
        within(20, files.refresh)
    answers = within(20, ask_all, clients)
    assert all(answer.passed for answer in answers[: len(TARGETS)])
    assert {answer.status for answer in answers[len(TARGETS) :]} == {404}


@pytest.mark.rows("P095")
def test_pipes_keep_no_worker_from_serving_files(serve: Callable[..., Client], root: Path) -> None:
    os.mkfifo(root / "pipe")
    answers = within(5, ask_at_once, serve(root), ["/pipe"] * 60 + ["/t.txt"])
    assert all(answer.passed for answer in answers[:-1])
    assert answers[-1].body == b"0123456789"


def ask_at_once(client: Client, targets: list[str]) -> list[Answer]:
    """All targets beside each other: in threads, or in one event loop."""
    if client.door == "wsgi":
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(client.get, targets))
    answers: dict[int, Answer] = {}

    async def ask(number: int, target: str) -> None:
        answers[number] = await ask_asgi_here(client, "GET", target.encode(), [], b"", {})

    async def ask_all() -> None:
        async with anyio.create_task_group() as tasks:
            for number, target in enumerate(targets):
                tasks.start_soon(ask, number, target)

    anyio.run(ask_all)
    return [answers[number] for number in range(len(targets))]


# Real servers.


def memory_of(server: Server) -> dict[int, int]:
    """Bytes that each process of a server holds."""
    return {process: resident(process) for process in (server.pid, *server.workers())}


def resident(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


@pytest.fixture(params=["uvicorn", "gunicorn"])
def server(
    request: pytest.FixtureRequest, root: Path, tmp_path: Path
) -> Iterator[tuple[Server, Path]]:
    os.truncate(root / "big.bin", 512 * MIB)
    script = ROOT / "tests/support/served_app.py"
    workers = {"uvicorn": 0, "gunicorn": 2}[request.param]
    with serve(script, request.param, root, str(free_port()), logs=tmp_path) as running:
        eventually(lambda: len(running.workers()) == workers, 20, running.words)
        yield running, root / "big.bin"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("fields", ["", "Range: bytes=1-\r\n"], ids=["whole", "part"])
def test_a_client_that_takes_a_byte_now_and_then_costs_little_memory(
    server: tuple[Server, Path], fields: str
) -> None:
    running, path = server
    for _ in range(4):
        running.get("/t.txt")
    before = memory_of(running)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(running.address)
        client.sendall(f"GET /big.bin HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode())
        for _ in range(60):
            assert client.recv(1)
            time.sleep(0.005)
        assert str(path) in running.open_files()
        after = memory_of(running)
        assert all(after[process] - before[process] < 8 * MIB for process in before)
    eventually(lambda: str(path) not in running.open_files(), 10, running.words)
