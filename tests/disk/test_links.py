"""Links in trees and at roots of their own. What a link leads to is group S of `tests/cases`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dualstatic import StaticFiles
from dualstatic.core.codings import SUFFIXES
from tests.cases import CASES, site
from tests.cases.case import MAZE, PASS
from tests.conftest import DOORS, make_files
from tests.support.doors import Client
from tests.support.trees import Link, write_tree
from tests.support.watch import Watch, audit, needs_inotify

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


def test_links_go_up_a_thousand_times_and_not_much_more(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    """Each time costs a way from the root on, and a short target can ask for many."""
    up_and_down = "d/../" * 600
    entries = {"d/t.txt": b"t", "1": Link(f"{up_and_down}2"), "2": Link(f"{up_and_down}3")}
    client = serve(tree(entries | {"3": Link("d/t.txt")}))
    assert client.get("/1").passed
    assert client.get("/2").body == b"t"


def test_how_far_one_sibling_leads_up_is_not_counted_for_the_next(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    entries: dict[str, bytes | Link] = {"d/t.txt": b"t" * 99}
    frame = b"\x28\xb5\x2f\xfd\x20\x01\x09\x00\x00s"
    for suffix in SUFFIXES.values():
        entries |= {f"d/{suffix}": frame, f"t.txt{suffix}": Link(f"{'d/../' * 600}d/{suffix}")}
    client = serve(tree(entries | {"t.txt": Link("d/t.txt")}))
    for coding in SUFFIXES:
        assert client.get("/t.txt", {"Accept-Encoding": coding})["content-encoding"] == coding


@pytest.mark.rows("S393")
def test_a_chain_of_links_ends_no_start(mode: str, tree: Callable[..., Path]) -> None:
    end = 300 if sys.platform == "win32" else 3000  # there each link costs many calls
    chain = {f"a{n}": Link(f"a{n + 1}") for n in range(end)}
    links = {"x.txt": Link("{root}/sub/../a0"), "y.txt": Link(f"{{root}}/sub/../a{end - 40}")}
    root = tree({"ok.txt": "ok", "sub": None, f"a{end}": "end", **chain, **links})
    files = make_files(root, mode)  # once for both doors, since it takes a second
    for client in (Client(files, door) for door in DOORS):
        assert client.get("/ok.txt").body == b"ok"
        assert client.get("/x.txt").passed
        assert client.get("/y.txt").passed  # it is the forty-first
        assert client.get(f"/a{end - 40}").body == b"end"


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
    assert f"skipped, a link leads out of the root: {str(root / 'linkdir-out')!a}" in of_index
    live = Client(StaticFiles(root, live=True), door)
    for _ in range(2):
        for name in [entry.relative_to(root) for entry in root.rglob("*") if entry.is_symlink()]:
            for one in (client, live):
                one.get(f"/{name}")
        live.get("/linkdir-out/secret.txt")
        live.get("/linkdir-in/../linkdir-out/secret.txt")
    assert said() == of_index
