"""Every hostile target and header line, raw, at both doors in all modes."""

from __future__ import annotations

import gzip
import os
import re
import stat
from collections.abc import Callable
from functools import cache
from itertools import product
from operator import methodcaller
from pathlib import Path

import pytest

from dualstatic import StaticFiles
from tests.conftest import DOORS, WITH_MEMORY, make_files
from tests.support.children import within
from tests.support.doors import Answer, Client
from tests.support.hostile import FIELDS, SECRET, TARGETS, lines_from, targets_from
from tests.support.trees import OLD, Link, write_tree
from tests.support.watch import Watch, needs_inotify

SCRIPT = b"let answer = 42;\n" * 100
CODED = {".gz": gzip.compress(SCRIPT, mtime=0), ".br": b"br" * 20, ".zst": b"zst" * 20}

FILES: dict[str, bytes | str | Link | None] = {
    "t.txt": "0123456789",
    "app.js": SCRIPT,
    **{f"app.js{suffix}": content for suffix, content in CODED.items()},
    "index.html": "the root's index",
    "sub/index.html": "the index of sub",
    "sub/a.txt": "a in sub",
    "bar/x.txt": "x in bar",
    "evil.example/index.html": "evil",
    "evil.example/sub/index.html": "evil",
    "\\evil.example/index.html": "evil",
    "\\\\evil.example/index.html": "evil",
    "sub;/x.txt": "x",
    "100%.txt": "a percent sign",
    "e\N{COMBINING ACUTE ACCENT}.txt": "decomposed",
    os.fsdecode(b"\xff\xfe.txt"): "not UTF-8",
    "\N{REPLACEMENT CHARACTER}.txt": "a replacement character",
    "con.txt": "a device's name elsewhere",
    "c:/windows/win.ini": "a drive's name elsewhere",
    "\r\nSet-Cookie: x=1/index.html": "an index",
    ".git/config": SECRET,
    ".env": SECRET,
    "sub/.well-known/x": SECRET,
    "link-out.txt": Link("../outside/secret.txt"),
    "linkdir-out": Link("../outside"),
    "linkdir-in": Link("sub"),
    "loop": Link("loop"),
    "dangling": Link("nothing"),
    "proc-link": Link("/proc"),
}

ANSWERED = {  # the targets that are somebody's honest request, and what they get
    "/t.txt?/../../outside/secret.txt": (200, b"0123456789"),
    "/e%CC%81.txt": (200, b"decomposed"),
    "/con.txt": (200, b"a device's name elsewhere"),
    "/c:/windows/win.ini": (200, b"a drive's name elsewhere"),
    "/c%3a/windows/win.ini": (200, b"a drive's name elsewhere"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_root(tmp_path_factory.mktemp("hostile"))


def make_root(parent: Path) -> Path:
    write_tree(parent / "outside", {"secret.txt": SECRET, "index.html": SECRET})
    root = write_tree(parent / "www", FILES)
    os.mkfifo(root / "fifo")
    os.mknod(root / "sock", stat.S_IFSOCK | 0o644)
    return root


@pytest.fixture(scope="module")
def clients(root: Path) -> Callable[..., list[Client]]:
    """All doors in all modes in front of the tree."""

    @cache
    def make(*, app: bool, html: bool = False) -> list[Client]:
        each = [make_files(root, mode, html=html) for mode in WITH_MEMORY]
        return [Client(files, door, app) for files in each for door in DOORS]

    return make


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target:.40}")
def test_a_hostile_target_gets_a_plain_answer_at_once_and_the_same_everywhere(
    target: str, clients: Callable[..., list[Client]]
) -> None:
    for html, app, method in product((False, True), (False, True), ("GET", "HEAD")):
        each = clients(html=html, app=app)
        answers = {shown(ask_plainly(client, method, target, html)) for client in each}
        assert app or len(answers) == 1, (html, method)


def shown(answer: Answer) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
    fields = tuple(sorted((name.lower(), value) for name, value in answer.fields))
    return answer.status, fields, answer.body


def ask_plainly(client: Client, method: str, target: str, html: bool) -> Answer:
    answer = within(5, client.ask, method, target)
    assert SECRET not in answer.body, client
    assert not any("SECRET" in value for _, value in answer.fields), client
    expected = ANSWERED.get(target)
    if target == "?" and html:  # an empty path is that of the root
        expected = 200, b"the root's index"
    if expected:
        assert (answer.status, answer.passed) == (expected[0], False), client
        assert answer.body == (expected[1] if method == "GET" else b""), client
    else:
        assert answer.passed if client.app else answer.status == 404, client
        assert "location" not in answer, client
    return answer


@needs_inotify
def test_no_hostile_target_opens_a_file_outside_the_root(door: str, mode: str, root: Path) -> None:
    outside = root.parent / "outside"
    with Watch(root.parent, outside) as watch:
        for html in (False, True):
            client = Client(StaticFiles(root, html=html, live=mode == "live"), door)
            for target in TARGETS:
                client.get(target)
                client.head(target)
        assert watch.take() - {root} == set()
        (outside / "secret.txt").read_bytes()
        assert watch.take() == {outside / "secret.txt"}


@pytest.mark.parametrize(
    ("name", "value"), [pytest.param(*line, id=f"{line[0]}: {line[1]!r:.40}") for line in FIELDS]
)
def test_a_hostile_field_neither_fails_nor_changes_the_bytes(
    name: str, value: str, clients: Callable[..., list[Client]]
) -> None:
    for client, target in product(clients(app=True), ("/t.txt", "/app.js")):
        check_field(client, target, name, value)


def check_field(client: Client, target: str, name: str, value: str) -> None:
    etag = client.get(target)["etag"]
    beside: list[dict[str, str]] = [
        {},
        {"Range": "bytes=2-5"},
        {"If-None-Match": etag},
        {"If-Match": etag},
        {"Accept-Encoding": "gzip, br;q=0.5"},
    ]
    for others in beside:
        fields = {**others, name: value}
        answer = within(5, client.get, target, fields)
        assert answer.status in (200, 206, 304, 412, 416)
        assert not answer.passed
        check_body(target, answer)
        head = within(5, client.head, target, fields)
        assert head.status in (200, 304, 412)
        assert "x-accel-redirect" not in answer
        assert "x-sendfile" not in answer


def check_body(target: str, answer: Answer) -> None:
    """The bytes are a file's, or the parts of it that Content-Range names."""
    suffix = {None: "", "gzip": ".gz", "br": ".br", "zstd": ".zst"}[answer.get("content-encoding")]
    content = FILES[target[1:] + suffix]
    whole = content.encode() if isinstance(content, str) else content
    assert isinstance(whole, bytes)
    if answer.status == 200:
        assert answer.body == whole
    elif answer.status == 206 and "content-range" in answer:
        unit, _, span = answer["content-range"].partition(" ")
        first, last = map(int, span.partition("/")[0].split("-"))
        assert unit == "bytes"
        assert answer.body == whole[first : last + 1]
        assert span.endswith(f"/{len(whole)}")
    elif answer.status == 206:
        assert answer["content-type"].startswith("multipart/byteranges; boundary=")
    elif answer.status == 416:
        unit, _, total = answer["content-range"].partition("*/")
        assert unit == "bytes "
        assert total in {str(len(content)) for content in [whole, *CODED.values()]}


GROWING = [targets_from(target) for target in TARGETS]
GROWN = {
    kind: sorted({grown[kind] for grown in GROWING} - set(TARGETS)) for kind in targets_from("/")
}
HONEST = {
    content.encode() if isinstance(content, str) else content
    for content in FILES.values()
    if content != SECRET and isinstance(content, str | bytes)
}


@pytest.mark.parametrize("kind", GROWN)
def test_what_grows_from_a_hostile_target_gets_no_secret_and_one_answer_everywhere(
    kind: str, clients: Callable[..., list[Client]]
) -> None:
    for target in GROWN[kind]:
        get = methodcaller("get", target.encode("latin-1"))
        answers = within(5, list, map(get, clients(app=False, html=True)))
        assert len(set(map(shown, answers))) == 1, target
        check_honest(target, answers[0])


def check_honest(target: str, answer: Answer) -> None:
    """A file of the tree that is no secret, a step to a directory's slash, or nothing."""
    if answer.status == 200:
        assert answer.body in HONEST, target
    elif answer.status == 307:
        assert re.fullmatch(r"\./([^/?\\]+/)?(\?.*)?", answer["location"]), target
    else:
        assert (answer.status, answer.body) == (404, b"Not Found\n"), target


@pytest.mark.parametrize("kind", lines_from("Range", ""))
def test_what_grows_from_a_hostile_field_neither_fails_nor_changes_the_bytes(
    kind: str, clients: Callable[..., list[Client]]
) -> None:
    for client, (name, value) in product(clients(app=True), FIELDS):
        for target in ("/t.txt", "/app.js"):
            answer = within(5, client.get, target, lines_from(name, value)[kind])
            assert answer.status in (200, 206, 304, 412, 416)
            check_body(target, answer)


def test_a_variant_is_chosen_where_the_hostile_tree_has_one(
    clients: Callable[..., list[Client]], root: Path
) -> None:
    for client in clients(app=True):
        answer = client.get("/app.js", {"Accept-Encoding": "gzip"})
        assert (answer["content-encoding"], answer.body) == ("gzip", CODED[".gz"])
    assert (root / "app.js.gz").stat().st_mtime == OLD
