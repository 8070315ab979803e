"""Hostile targets and header lines, raw, at both doors in all modes, and what grows from them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import cache, partial
from itertools import product
from operator import methodcaller
from pathlib import Path

import pytest

from dualstatic import StaticFiles
from tests.cases import site
from tests.conftest import DOORS, MODES, WITH_MEMORY, make_files
from tests.support.children import within
from tests.support.doors import Answer, Client
from tests.support.each import each
from tests.support.hostile import FIELDS, SECRET, TARGETS, lines_from, targets_from
from tests.support.watch import Watch, audit, needs_inotify

CODED = {".gz": site.GZ, ".br": site.BR, ".zst": site.ZST}
HIDDEN = (b"hidden", b"no name")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site.make(tmp_path_factory.mktemp("hostile")) / site.ALL


@pytest.fixture(scope="module")
def clients(root: Path) -> Callable[..., list[Client]]:
    """All doors, in some modes or all, in front of the tree."""

    @cache
    def make(
        *, app: bool, html: bool = False, modes: tuple[str, ...] = WITH_MEMORY
    ) -> list[Client]:
        each = [make_files(root, mode, html=html) for mode in modes]
        return [Client(files, door, app) for files in each for door in DOORS]

    return make


@needs_inotify
def test_no_hostile_target_opens_a_file_outside_the_root(door: str, mode: str, root: Path) -> None:
    beside = [root.parent, root.parent / "outside", root.parent / "www-secret"]
    files = partial(StaticFiles, root, live=mode == "live")
    for target in ("/t.txt", "/nope", "/sub/"):
        Client(files(html=True), door).get(target)  # what Python imports late is imported now
    with Watch(*beside) as watch, audit() as audited:
        for html, app in product((True, False), repeat=2):
            client = Client(files(html=html), door, app)
            for target in TARGETS:
                client.get(target.encode("latin-1"))
                client.head(target.encode("latin-1"))
        assert watch.take() - {root} == set()
        absolute = [Path(path) for path in audited if os.path.isabs(path)]
        assert [path for path in absolute if not path.is_relative_to(root)] == []
        assert Client(files(follow_symlink=True), door).get("/link-out.txt").body == SECRET
        assert root.parent / "outside/secret.txt" in watch.take()
    with audit() as audited:
        (root.parent / "outside/secret.txt").read_bytes()
        assert audited == [str(root.parent / "outside/secret.txt")]


@each(("name", "value"), FIELDS)
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
    whole = site.FILES[target[1:] + suffix]
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
HONEST = {*site.FILES.values(), b"not UTF-8"} - {*HIDDEN}
MISSES = (site.NOT_FOUND, site.NOT_IN_SUB, b"Not Found\n")


@pytest.mark.parametrize("kind", GROWN)
def test_what_grows_from_a_hostile_target_gets_no_secret_and_one_answer_everywhere(
    kind: str, clients: Callable[..., list[Client]]
) -> None:
    each = clients(app=False, html=True, modes=("live", "memory"))
    for target in GROWN[kind]:
        get = methodcaller("get", target.encode("latin-1"))
        answers = within(5, list, map(get, each))
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
        assert (answer.status, answer.body in MISSES) == (404, True), target


@pytest.mark.parametrize("kind", lines_from("Range", ""))
def test_what_grows_from_a_hostile_field_neither_fails_nor_changes_the_bytes(
    kind: str, clients: Callable[..., list[Client]]
) -> None:
    for name, value in FIELDS:
        lines = lines_from(name, value)[kind]
        for client, target in product(clients(app=True, modes=MODES), ("/t.txt", "/app.js")):
            answer = within(5, client.get, target, lines)
            assert answer.status in (200, 206, 304, 412, 416)
            check_body(target, answer)


def test_a_variant_is_chosen_where_the_hostile_tree_has_one(
    clients: Callable[..., list[Client]],
) -> None:
    for client in clients(app=True):
        answer = client.get("/app.js", {"Accept-Encoding": "gzip"})
        assert (answer["content-encoding"], answer.body) == ("gzip", CODED[".gz"])
