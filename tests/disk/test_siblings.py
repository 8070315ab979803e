"""Which siblings of a file are sent in its place, and which are left out."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dualstatic import StaticFiles
from tests.conftest import WITH_MEMORY
from tests.support.children import give_up_rights, in_child
from tests.support.doors import Answer, Client
from tests.support.each import each
from tests.support.steps import public_directory
from tests.support.trees import OLD, Link, write_tree

pytestmark = pytest.mark.usefixtures("aging")

PLAIN, CODED = b"p" * 400, b"c" * 53
GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture(params=WITH_MEMORY)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def assert_plain(answer: Answer) -> None:
    assert answer.status == 200
    assert "content-encoding" not in answer
    assert answer.body == PLAIN


def assert_coded(answer: Answer) -> None:
    assert (answer.status, answer["content-encoding"], answer.body) == (200, "gzip", CODED)


@pytest.mark.parametrize("kind", ["directory", "fifo", "link out", "link nowhere", "loop"])
def test_a_sibling_that_is_no_file_of_the_tree_is_not_there(
    kind: str, serve: Callable[..., Client], tree: Callable[..., Path], tmp_path: Path
) -> None:
    root = tree({"app.js": PLAIN})
    sibling = root / "app.js.gz"
    if kind == "directory":
        (sibling / "sub").mkdir(parents=True)
    elif kind == "fifo":
        os.mkfifo(sibling)
    else:
        target = {"link out": "../outside/secret.txt", "loop": "app.js.gz"}.get(kind, "nowhere")
        sibling.symlink_to(target)
    os.utime(tmp_path / "outside" / "secret.txt", (OLD, OLD))
    client = serve(root)
    assert_plain(client.get("/app.js", GZIP))
    assert client.get("/app.js.gz").passed


def test_a_sibling_may_be_a_link_inside_the_tree(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"app.js": PLAIN, "z/g": CODED, "app.js.gz": Link("z/g")})
    assert_coded(serve(root).get("/app.js", GZIP))


def test_the_links_of_a_sibling_are_counted_by_themselves(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    entries: dict[str, Any] = {"z/p": PLAIN, "z/g": CODED}
    for name, file in (("app.js", "z/p"), ("app.js.gz", "z/g")):
        chain = [name, *(f"{name}-{number}" for number in range(20)), file]
        entries |= {one: Link(other) for one, other in pairwise(chain)}
    assert_coded(serve(tree(entries)).get("/app.js", GZIP))


@each("window", [b"\x04h", b"\x04i"])
def test_a_sibling_that_takes_browsers_too_much_memory_is_left_out(
    window: bytes, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    frame = b"\x28\xb5\x2f\xfd" + window + b"c" * 50
    answer = serve(tree({"app.js": PLAIN, "app.js.zst": frame})).get(
        "/app.js", {"Accept-Encoding": "zstd"}
    )
    assert answer.body == (frame if window == b"\x04h" else PLAIN)


def test_an_empty_sibling_is_left_out(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    """As a full disk leaves one: no coding has so few bytes for anything."""
    assert_plain(serve(tree({"app.js": PLAIN, "app.js.gz": b""})).get("/app.js", GZIP))


@each(("older", "coding"), [(0, "gzip"), (1.9, "gzip"), (2.1, ""), (3600, ""), (-3600, "gzip")])
def test_a_sibling_older_than_its_file_is_left_out(
    older: float,
    coding: str,
    serve: Callable[..., Client],
    tree: Callable[..., Path],
) -> None:
    root = tree({"app.js": PLAIN, "app.js.gz": CODED})
    os.utime(root / "app.js.gz", (OLD - older, OLD - older))
    answer = serve(root).get("/app.js", GZIP)
    if coding:
        assert_coded(answer)
    else:
        assert_plain(answer)


def test_a_stale_sibling_is_told_once(
    serve: Callable[..., Client], tree: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    root = tree({"app.js": PLAIN, "app.js.gz": CODED})
    os.utime(root / "app.js.gz", (OLD - 3600, OLD - 3600))
    client = serve(root)
    for _ in range(3):
        assert_plain(client.get("/app.js", GZIP))
    told = [record for record in caplog.records if "app.js.gz" in record.getMessage()]
    assert [(record.name, record.levelname) for record in told] == [("dualstatic", "WARNING")]


@each("more", [0, 1, 1000])
def test_a_sibling_that_saves_nothing_is_left_out(
    more: int, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({"app.js": PLAIN, "app.js.gz": b"g" * (len(PLAIN) + more)}))
    assert_plain(client.get("/app.js", GZIP))
    assert_plain(client.get("/app.js", {"Accept-Encoding": "identity;q=0, gzip"}))


def ask_unreadable(root: str, door: str, live: bool) -> tuple[Any, Any]:
    """Both answers of a door whose process may not read the siblings."""
    give_up_rights()
    client = Client(StaticFiles(root, live=live), door)
    return client.get("/app.js", GZIP), client.get("/app.js.gz")


def test_a_sibling_that_may_not_be_read_is_not_there(door: str, mode: str) -> None:
    with public_directory() as root:
        write_tree(root, {"app.js": PLAIN, "app.js.gz": CODED})
        (root / "app.js.gz").chmod(0)
        negotiated, direct = in_child(ask_unreadable, str(root), door, mode == "live")
        assert_plain(negotiated)
        assert direct.passed
