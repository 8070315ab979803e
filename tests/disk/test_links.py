"""Links, permissions, and trouble that the machine itself has."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import anyio
import pytest

from dualstatic import StaticFiles
from tests.cases import CASES, site
from tests.cases.case import MAZE, PASS
from tests.support.children import give_up_rights, in_child, take_descriptors
from tests.support.doors import Answer, Client, ask_asgi_here, trouble
from tests.support.steps import public_directory
from tests.support.trees import Link, write_tree
from tests.support.watch import Watch, audit, needs_inotify

ON_DISK: dict[str, Any] = {"memory": 0} if "memory" in signature(StaticFiles).parameters else {}

OUT = [
    str(ask.target)
    for case in CASES
    for ask in case.asks
    if ask.setting == MAZE and ask.promised.status == (PASS,)
]
"""What no case has an answer for in a directory that is full of links."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    secrets = dict.fromkeys(("secret.txt", "s.txt", "index.html", "a.txt"), b"SECRET")
    for beside in ("outside", "www-secret"):
        write_tree(tmp_path / beside, secrets)
    return site.make_maze(tmp_path / "www", site.MAZE_LINKS | site.FAR)


@pytest.mark.rows("S393")
@pytest.mark.parametrize(
    "target", ["{root}/link{next}", "link{next}"], ids=["absolute", "relative"]
)
def test_forty_links_are_followed_and_no_more(
    target: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    links = {
        f"link{n}": Link(target.replace("{next}", str(n + 1)) if n < 41 else "t.txt")
        for n in range(1, 42)
    }
    client = serve(tree({**links, "t.txt": "0123456789"}))
    assert client.get("/link2").body == b"0123456789"
    assert client.get("/link1").passed


@pytest.mark.rows("S393")
def test_a_chain_of_links_ends_no_start(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    chain = {f"a{n}": Link(f"a{n + 1}") for n in range(3000)}
    links = {"x.txt": Link("{root}/sub/../a0"), "y.txt": Link("{root}/sub/../a2960")}
    client = serve(tree({"ok.txt": "ok", "sub": None, "a3000": "end", **chain, **links}))
    assert client.get("/ok.txt").body == b"ok"
    assert client.get("/x.txt").passed
    assert client.get("/y.txt").passed  # it is the forty-first
    assert client.get("/a2960").body == b"end"


@pytest.mark.rows("S390")
def test_absolute_links_are_followed_below_a_root_that_is_a_link_itself(
    serve: Callable[..., Client], root: Path, tmp_path: Path
) -> None:
    (tmp_path / "current").symlink_to("www")
    (root / "via-current.txt").symlink_to(tmp_path / "current" / "file.txt")
    client = serve(tmp_path / "current")
    assert client.get("/abs-link.txt").body == b"a file"
    assert client.get("/via-current.txt").body == b"a file"
    assert client.get("/link-out.txt").passed


@needs_inotify
@pytest.mark.rows("S385", "S386", "S387", "S388")
def test_no_link_opens_anything_outside_the_root(
    door: str, mode: str, root: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    client = Client(StaticFiles(root, html=True, live=mode == "live"), door)
    for target in ("/t.txt", "/nope", "/sub/"):
        client.get(target)  # what Python imports late is imported now
    with Watch(tmp_path, outside, tmp_path / "www-secret") as watch, audit() as audited:
        for app in (True, False):
            fresh = Client(StaticFiles(root, html=True, live=mode == "live"), door, app)
            for target in OUT:
                fresh.get(target)
                fresh.head(target)
        assert watch.take() - {root} == set()
        opened = {path for path in audited if os.path.isabs(path)}
        assert {path for path in opened if not Path(path).is_relative_to(root)} == set()
        for name in site.FAR:
            (root / name).unlink()
        followed = StaticFiles(root, live=mode == "live", follow_symlink=True)
        assert Client(followed, door).get("/link-out.txt").body == b"SECRET"
        assert outside / "secret.txt" in watch.take()


def test_a_link_that_leads_out_is_named_once_in_both_modes(
    door: str, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def said() -> list[str]:
        """What was said of links that lead out since the last call."""
        told = [(record.levelname, record.getMessage()) for record in caplog.records]
        caplog.clear()
        return sorted(text for level, text in told if level == "WARNING" and "leads out" in text)

    for name in ("sub2/index.html", "sub3/index.html", "abs-out.txt", "proc", "proc-link"):
        (root / name).unlink()  # of more than ten not all are named
    client = Client(StaticFiles(root), door)
    of_index = said()
    assert len(of_index) == 10
    assert f"skipped, a link leads out of the root: '{root}/linkdir-out'" in of_index
    live = Client(StaticFiles(root, live=True), door)
    for _ in range(2):
        for name in [entry.relative_to(root) for entry in root.rglob("*") if entry.is_symlink()]:
            for one in (client, live):
                one.get(f"/{name}")
        live.get("/linkdir-out/secret.txt")
        live.get("/linkdir-in/../linkdir-out/secret.txt")
    assert said() == of_index


class Messages(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append((record.levelname, record.getMessage()))


def ask_without_rights(
    root: str, live: bool, door: str, app: bool, targets: list[str]
) -> tuple[list[Answer], list[tuple[str, str]]]:
    messages = Messages()
    logging.getLogger("dualstatic").addHandler(messages)
    Client(StaticFiles(root, live=live), door, app).get("/t.txt")  # imports come first
    messages.kept.clear()
    give_up_rights()
    client = Client(StaticFiles(root, live=live, html=True), door, app)
    return [client.get(target) for target in targets], messages.kept


def ask_overlay_without_rights(roots: list[str], live: bool, memory: int, door: str) -> Answer:
    give_up_rights()
    return Client(StaticFiles(roots, live=live, memory=memory), door).get("/t.txt")


@pytest.mark.rows("S398")
@pytest.mark.parametrize("memory", [0, 2**20])
def test_a_later_directory_has_what_may_not_be_read_in_an_earlier_one(
    door: str, mode: str, memory: int
) -> None:
    with public_directory() as base:
        roots = [
            write_tree(base / "one", {"t.txt": "SECRET"}),
            write_tree(base / "two", {"t.txt": "second"}),
        ]
        (roots[0] / "t.txt").chmod(0)
        paths = [str(root) for root in roots]
        answer = in_child(ask_overlay_without_rights, paths, mode == "live", memory, door)
    assert answer.body == b"second"


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.rows("S398", "S399")
@pytest.mark.parametrize("app", [True, False], ids=["app", "alone"])
def test_what_may_not_be_read_is_as_if_it_were_missing(door: str, mode: str, app: bool) -> None:
    files = {
        "t.txt": "0123456789",
        "unread.txt": "SECRET",
        "unreaddir/a.txt": "SECRET",
        "unreaddir/index.html": "SECRET",
        "unreadindex/index.html": "SECRET",
    }
    unreadable = [
        "/unread.txt",
        "/unread.txt",
        "/unreaddir/a.txt",
        "/unreaddir/",
        "/unreaddir",
        "/unreadindex/",
    ]
    closed = ["unread.txt", "unreaddir", "unreadindex/index.html"]
    with public_directory() as base:
        root = write_tree(base / "www", files)
        for name in closed:
            (root / name).chmod(0)
        targets = ["/t.txt", *unreadable, "/t.txt"]
        try:
            answers, log = in_child(
                ask_without_rights, str(root), mode == "live", door, app, targets
            )
        finally:
            for name in closed:
                (root / name).chmod(0o700)
    assert answers[0].body == answers[-1].body == b"0123456789"
    for target, answer in zip(unreadable, answers[1:-1], strict=True):
        assert answer.passed if app else answer.status == 404, (target, answer)
        assert b"SECRET" not in answer.body
    about = [level for level, message in log if "unread.txt" in message]
    assert about == ["WARNING"], log


def ask_without_files(root: str, live: bool, door: str, name: str) -> list[Any]:
    """What a GET gives while no descriptor is left, and after."""
    import resource  # POSIX has it, Windows does not

    client = Client(StaticFiles(root, live=live, **ON_DISK), door)
    results: list[Any] = []

    async def ask() -> Answer:
        if door == "wsgi":
            return client.get(f"/{name}")
        return await ask_asgi_here(client, "GET", f"/{name}".encode(), [], b"", {})

    async def ask_twice() -> None:
        if name == "known.bin":
            assert (await ask()).status == 200
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        await anyio.to_thread.run_sync(os.getpid)  # a loop and a thread are there already
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, limit[1]))
        taken = take_descriptors()
        with trouble(door, match=os.strerror(errno.EMFILE)) as raised:
            await ask()
        results.append(raised.value.errno)
        for number in taken:
            os.close(number)
        results.append((await ask()).body)
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)

    anyio.run(ask_twice)
    return results


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
@pytest.mark.rows("S400")
@pytest.mark.parametrize("name", ["new.txt", "known.bin"])
def test_a_process_out_of_descriptors_raises_and_serves_again(
    name: str, door: str, mode: str, tmp_path: Path
) -> None:
    root = write_tree(tmp_path / "www", {"new.txt": "0123456789", "known.bin": b"x" * 2_000_000})
    results = in_child(ask_without_files, str(root), mode == "live", door, name)
    assert results == [errno.EMFILE, (root / name).read_bytes()]


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


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
@pytest.mark.rows("S400")
def test_a_scan_out_of_descriptors_raises_and_the_old_index_stays(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "www", {"sub/t.txt": "0123456789"})
    assert in_child(refresh_without_files, str(root), False) == [errno.EMFILE, b"0123456789"]


@pytest.mark.rows("S402")
def test_a_root_that_is_a_link_follows_it_at_the_refresh_or_at_each_request(
    mode: str, serve: Callable[..., Client], tmp_path: Path
) -> None:
    for release in ("r1", "r2"):
        write_tree(
            tmp_path / release,
            {name: f"{name} of {release}" for name in ("asked.txt", "fresh.txt", "big.txt")},
        )
        (tmp_path / release / f"only-{release}.txt").write_text(release)
    current = tmp_path / "current"
    current.symlink_to("r1")
    client = serve(current, **ON_DISK)
    assert client.get("/asked.txt").body == b"asked.txt of r1"
    (tmp_path / "next").symlink_to("r2")
    (tmp_path / "next").replace(current)
    expected = "r2" if mode == "live" else "r1"
    check_release(client, expected)
    client.files.refresh()
    check_release(client, "r2")


def check_release(client: Client, release: str) -> None:
    other = "r1" if release == "r2" else "r2"
    for name in ("asked.txt", "fresh.txt"):
        assert client.get(f"/{name}").body == f"{name} of {release}".encode()
    assert client.get(f"/only-{release}.txt").body == release.encode()
    assert client.get(f"/only-{other}.txt").passed


def ask_in_a_closed_directory(root: str, live: bool, door: str) -> list[tuple[str, str]]:
    messages = Messages()
    logging.getLogger("dualstatic").addHandler(messages)
    Client(StaticFiles(root, live=live), door).get("/t.txt")
    messages.kept.clear()
    give_up_rights()
    client = Client(StaticFiles(root, live=live), door)
    for number in range(30):
        client.get(f"/closed/{number}.txt")
    client.get("/unread.txt")
    return messages.kept


def test_a_client_can_not_fill_the_log_with_names_of_its_own(mode: str, door: str) -> None:
    with public_directory() as place:
        tree = {"t.txt": "t", "closed/x.txt": "x", "unread.txt": "u"}
        root = write_tree(place / "www", tree)
        (root / "closed").chmod(0)
        (root / "unread.txt").chmod(0)
        kept = in_child(ask_in_a_closed_directory, str(root), mode == "live", door)
    assert sum("closed" in message for _, message in kept) == 1
    assert sum("unread" in message for _, message in kept) == 1
    assert len(kept) == 2
