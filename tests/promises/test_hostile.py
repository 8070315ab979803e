"""Every hostile target and header line, raw, at both doors in both modes."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from operator import methodcaller
from pathlib import Path

import pytest

from dualstatic import StaticFiles
from tests.conftest import DOORS, MODES
from tests.support.children import within
from tests.support.doors import Answer, Client
from tests.support.hostile import FIELDS, SECRET, TARGETS, lines_from, targets_from
from tests.support.trees import OLD, Link, write_odd, write_tree
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
    "\udcff\udcfe.txt": "not UTF-8",
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
    write_odd(root)
    return root


@pytest.mark.parametrize("app", [True, False], ids=["app", "alone"])
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target:.40}")
def test_a_hostile_target_gets_a_plain_answer_at_once(
    target: str, app: bool, serve: Callable[..., Client], root: Path
) -> None:
    for html in (False, True):
        client = serve(root, html=html, app=app)
        for method in ("GET", "HEAD"):
            answer = within(5, client.ask, method, target)
            assert SECRET not in answer.body
            assert not any("SECRET" in value for _, value in answer.fields)
            if target in ANSWERED:
                status, body = ANSWERED[target]
                assert (answer.status, answer.passed) == (status, False)
                assert answer.body == (body if method == "GET" else b"")
            elif target == "?" and html:  # an empty path is that of the root
                assert (answer.status, answer.passed) == (200, False)
                assert answer.body == (b"the root's index" if method == "GET" else b"")
            else:
                assert answer.passed if app else answer.status == 404
                assert "location" not in answer


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target:.40}")
def test_a_hostile_target_gets_the_same_answer_at_both_doors_in_both_modes(
    target: str, root: Path
) -> None:
    answers = set()
    for mode in MODES:
        files = StaticFiles(root, html=True, live=mode == "live")
        for door in DOORS:
            answer = Client(files, door, app=False).get(target)
            fields = tuple(sorted((name.lower(), value) for name, value in answer.fields))
            answers.add((answer.status, fields, answer.body))
    assert len(answers) == 1


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


@pytest.mark.parametrize("target", ["/t.txt", "/app.js"])
@pytest.mark.parametrize(
    ("name", "value"), [pytest.param(*line, id=f"{line[0]}: {line[1]!r:.40}") for line in FIELDS]
)
def test_a_hostile_field_neither_fails_nor_changes_the_bytes(
    name: str, value: str, target: str, serve: Callable[..., Client], root: Path
) -> None:
    client = serve(root)
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
    kind: str, root: Path
) -> None:
    clients = [
        Client(StaticFiles(root, html=True, live=mode == "live"), door, app=False)
        for mode in MODES
        for door in DOORS
    ]
    for target in GROWN[kind]:
        get = methodcaller("get", target.encode("latin-1"))
        answers = within(5, list, map(get, clients))
        seen = {(a.status, tuple(sorted(a.fields)), a.body) for a in answers}
        assert len(seen) == 1, target
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
    kind: str, serve: Callable[..., Client], root: Path
) -> None:
    client = serve(root)
    for name, value in FIELDS:
        for target in ("/t.txt", "/app.js"):
            answer = within(5, client.get, target, lines_from(name, value)[kind])
            assert answer.status in (200, 206, 304, 412, 416)
            check_body(target, answer)


def test_a_variant_is_chosen_where_the_hostile_tree_has_one(
    serve: Callable[..., Client], root: Path
) -> None:
    answer = serve(root).get("/app.js", {"Accept-Encoding": "gzip"})
    assert (answer["content-encoding"], answer.body) == ("gzip", CODED[".gz"])
    assert (root / "app.js.gz").stat().st_mtime == OLD
