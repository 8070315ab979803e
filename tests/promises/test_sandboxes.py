"""Containers: a filter that refuses newer calls to the system, and no /proc, change no answer."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from dualstatic import Request, StaticFiles
from dualstatic.disk.nowait import answers_at_once
from tests.conftest import DOORS
from tests.support.children import in_child
from tests.support.doors import Client
from tests.support.sandbox import hide_proc, mount_empty, refuse_newer_calls
from tests.support.trees import Link, settle

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="seccomp and /proc are Linux's")

LARGE = (bytes(range(251)) * 5000)[: 2**20 + 7] * 2
TEXT = b"plain, and longer than its sibling"

TREE: dict[str, bytes | str | Link | None] = {
    "t.txt": b"0123456789",
    "large.bin": LARGE,
    "sub/a.txt": b"a",
    "sub/index.html": b"index",
    "app.js": TEXT,
    "app.js.gz": b"gz",
    "404.html": b"page",
    "link.txt": Link("linkdir/a.txt"),
    "linkdir": Link("sub"),
    "abs.txt": Link("{root}/sub/a.txt"),
    "out.txt": Link("../outside/secret.txt"),
    "outdir": Link("../outside"),
    "..1/config": b"configured",
    "..data": Link("..1"),
    "config": Link("..data/config"),
}
ANSWERS = [
    ("/t.txt", {}, 200, b"0123456789"),
    ("/t.txt", {"Range": "bytes=2-3"}, 206, b"23"),
    ("/large.bin", {}, 200, LARGE),
    ("/large.bin", {"Range": "bytes=5-1500000"}, 206, LARGE[5:1500001]),
    ("/sub/", {}, 200, b"index"),
    ("/app.js", {"Accept-Encoding": "gzip"}, 200, b"gz"),
    ("/link.txt", {}, 200, b"a"),
    ("/linkdir/a.txt", {}, 200, b"a"),
    ("/abs.txt", {}, 200, b"a"),
    ("/config", {}, 200, b"configured"),
    ("/nope", {}, 404, b"page"),
]
OUT = ["/out.txt", "/outdir/secret.txt"]


def ask_all(sandbox: Callable[[], None], root: str, live: bool) -> list[str]:
    """Which answers are not as they should be, after the sandbox was closed."""
    sandbox()
    wrong = []
    for follow in (False, True):
        files = StaticFiles(root, live=live, html=True, memory=0, follow_symlink=follow)
        secrets = (200, b"SECRET") if follow else (404, b"page")
        expected = [*ANSWERS, *[(target, {}, *secrets) for target in OUT]]
        for door in DOORS:
            client = Client(files, door, app=False)
            for target, fields, status, body in expected:
                answer = client.get(target, fields)
                if (answer.status, answer.body) != (status, body):
                    wrong.append(f"{door} {target} {answer.status} {answer.body[:20]!r}")
    return wrong


@pytest.mark.parametrize(
    "sandbox",
    [
        pytest.param(partial(refuse_newer_calls, errno.EPERM), id="EPERM"),
        pytest.param(partial(refuse_newer_calls, errno.ENOSYS), id="ENOSYS"),
        pytest.param(hide_proc, id="no proc"),
    ],
)
def test_a_sandbox_changes_no_answer(
    sandbox: Callable[[], None], mode: str, tree: Callable[..., Path]
) -> None:
    if sandbox is hide_proc:
        skip_where_nothing_may_be_mounted()
    assert in_child(ask_all, sandbox, str(tree(TREE)), mode == "live") == []


def skip_where_nothing_may_be_mounted() -> None:
    try:
        in_child(hide_proc)
    except OSError as error:
        pytest.skip(f"/proc can't be hidden by this user: {error.strerror}")


def ask_below_a_mount(root: str, live: bool) -> list[bool]:
    """Whether files are answered without a wait: one beside a mount, and one below it."""
    mount_empty(os.path.join(root, "sub"))
    Path(root, "sub/a.txt").write_bytes(b"a")
    settle(pytest.MonkeyPatch())
    files = StaticFiles(root, live=live, memory=0)
    at_once = []
    for path in ("/t.txt", "/sub/a.txt"):
        for _ in range(2):
            answer = files.answer(Request("GET", path))
            assert answer is not None
            assert answer.status == 200
            answer.close()
        try:
            answer = files.answer(Request("GET", path), wait=False)
        except BlockingIOError:
            at_once.append(False)
        else:
            at_once.append(answer is not None)
    if not answers_at_once(os.stat(root).st_dev):
        pytest.fail("this file system has no RWF_NOWAIT: run the tests on another")
    assert not answers_at_once(os.stat(os.path.join(root, "sub")).st_dev)
    return at_once


def test_a_file_system_below_another_shows_by_itself_that_it_answers_at_once(
    mode: str, tree: Callable[..., Path]
) -> None:
    """What is mounted below a root may be FUSE or NFS, whose server may hang."""
    skip_where_nothing_may_be_mounted()
    assert in_child(ask_below_a_mount, str(tree(TREE)), mode == "live") == [True, False]
