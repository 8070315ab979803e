"""What the logger `dualstatic` says: of each miss, of what is served, of what is odd in a tree."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dualstatic import Request, StaticFiles, manifests
from dualstatic.disk.root import Walk
from dualstatic.views import FileOfView
from tests.support.doors import Client
from tests.support.each import each
from tests.support.servers import run
from tests.support.trees import Link, write_tree

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.fixture
def root(tree: Callable[..., Path]) -> Path:
    return tree({"a.txt": "a", "index.html": "front", "404.html": "lost", ".env": "x"})


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[..., list[str]]:
    """What was logged since the last call, from a level on."""
    caplog.set_level(logging.DEBUG, "dualstatic")

    def said(level: int = logging.DEBUG) -> list[str]:
        records = [record for record in caplog.records if record.name == "dualstatic"]
        texts = [record.getMessage() for record in records if record.levelno >= level]
        caplog.clear()
        return texts

    return said


# Misses.

MISSES: list[tuple[str, str, dict[str, Any], str]] = [
    ("GET", "/static/nope.txt", {}, "GET '/static/nope.txt' is not in '{root}'"),
    ("HEAD", "/static/.env", {}, "HEAD '/static/.env' is hidden, as a name in it begins with"),
    ("GET", "/a.txt", {}, "GET '/a.txt' is not below the prefix '/static': '{root}/a.txt' is at"),
    ("POST", "/static/a.txt", {}, "POST '/static/a.txt' is there, but for GET and HEAD alone"),
    ("POST", "/static/b.txt", {}, "POST '/static/b.txt' is not in '{root}'"),
    ("G\x1b[0m", "/static/a.txt", {}, "G\\x1b[0m '/static/a.txt' is there"),
    ("GET", "/static/a%2fb?q", {}, "GET '/static/a%2fb' is refused: it has an encoded slash"),
    ("GET", "/static/%1b%5B0m%0a", {}, "GET '/static/\\x1b[0m\\n' is refused: it has a control"),
    ("GET", f"/static/{'x' * 3000}", {}, "xxx...' is too long for a name"),
    (
        "GET",
        "/static/settings",
        {"not_found": "single-page-application"},
        "GET '/static/settings' is not in '{root}'; if no app answers, a navigation gets the page",
    ),
]


@each(("method", "target", "options", "line"), MISSES)
@each("app", [True, False])
def test_each_miss_is_a_line_that_says_why(
    method: str,
    target: str,
    options: dict[str, Any],
    line: str,
    app: bool,
    root: Path,
    serve: Callable[..., Client],
    log: Callable[..., list[str]],
) -> None:
    client = serve(root, app=app, prefix="/static", **options)
    log()
    client.ask(method, target, NAVIGATION)
    [said] = log()
    assert line.format(root=root) in said
    assert said.isascii()
    assert said.isprintable()
    assert len(said) < 1000


def test_what_is_answered_is_no_line(
    root: Path, serve: Callable[..., Client], log: Callable[..., list[str]]
) -> None:
    client = serve(root, html=True)
    log()
    for target in ("/a.txt", "/", "/a.txt"):
        assert client.get(target).status == 200
    assert client.get("/a.txt", {"If-None-Match": client.get("/a.txt")["etag"]}).status == 304
    assert log() == []


def test_the_disk_is_looked_at_for_a_line_and_not_without(
    root: Path,
    serve: Callable[..., Client],
    log: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    walks: list[str] = []
    enter = Walk.enter

    def watched(walk: Walk, path: str) -> None:
        walks.append(path)
        enter(walk, path)

    client = serve(root, prefix="/static")
    monkeypatch.setattr(Walk, "enter", watched)
    for target in ("/other", "/static/sub/nope.txt"):
        for level, is_looked_at in ((logging.INFO, False), (logging.DEBUG, True)):
            caplog.set_level(level, "dualstatic")
            walks.clear()
            log()
            assert client.get(target).passed
            assert bool(walks) is is_looked_at
            assert len(log()) == is_looked_at


def test_a_logger_that_is_disabled_costs_no_request_that_is_not_ours(
    root: Path, serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    answer = StaticFiles.answer

    def watched(files: StaticFiles, request: Request, **more: Any) -> Any:
        asked.append(request.path)
        return answer(files, request, **more)

    client = serve(root, prefix="/static")
    monkeypatch.setattr(StaticFiles, "answer", watched)
    logger = logging.getLogger("dualstatic")
    logger.setLevel(logging.NOTSET)  # so that it keeps no answer to whether it logs
    monkeypatch.setattr(logger, "disabled", True)  # as by `logging.config` for what it isn't told
    for _ in range(2):
        assert client.get("/other").passed
        assert client.get("/static/a.txt").status == 200
    assert "/other" not in asked


def test_the_reasons_are_not_looked_for_on_the_event_loop(
    root: Path, mode: str, log: Callable[..., list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    files = StaticFiles(root, live=mode == "live")
    with pytest.raises(BlockingIOError):
        files.answer(Request("GET", "/nope.txt"), wait=False)
    assert [text for text in log() if "nope" in text] == []
    caplog.set_level(logging.INFO, "dualstatic")
    try:
        assert files.answer(Request("GET", "/nope.txt"), wait=False) is None
    except BlockingIOError:
        assert mode == "live"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_view_without_its_file_says_why_too(
    method: str, root: Path, mode: str, log: Callable[..., list[str]]
) -> None:
    files = StaticFiles(root, prefix="/static", html=True, live=mode == "live")
    log()
    for name, why in (("a/b.txt", f"is not in '{root}'"), ("../x", "is refused: it has a '.' or")):
        view = FileOfView(files, name)
        with pytest.raises(BlockingIOError):
            view.answer(Request(method, "/"), wait=False)
        assert log() == []
        assert view.answer(Request(method, "/")) is None
        [said] = log()
        assert said.startswith(f"no file for a view: '/static/{name}' {why}")
    answer = FileOfView(files, "a.txt").answer(Request(method, "/"))
    assert answer is not None
    answer.close()
    assert log() == []


@each("options", [{"html": True}, {"clean_urls": True, "not_found": "404-page"}, {}])
def test_a_view_is_told_of_no_page_as_it_answers_by_none(
    options: Any, tree: Callable[..., Path], mode: str, log: Callable[..., list[str]]
) -> None:
    root = tree({"sub/index.html": "", "about.html": "", "404.html": ""})
    files = StaticFiles(root, live=mode == "live", **options)
    log()
    for name, why in (("sub", "is a directory"), ("sub/", "is a directory"), ("about", "is not")):
        assert FileOfView(files, name).answer(Request("GET", "/")) is None
        [said] = log()
        assert said.startswith(f"no file for a view: '/{name}' {why}")
        assert not any(word in said for word in ("html=", "clean_urls", "navigation")), said


DJANGO = """
import asyncio, json, logging, sys
from django.conf import settings

directory, kind, level = sys.argv[1:]
settings.configure(
    SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF="__main__", STATIC_URL="/static/",
    STATIC_ROOT=directory, MIDDLEWARE=["dualstatic.django.StaticMiddleware"], USE_TZ=True,
)
import django
from django.http import HttpResponse
from django.urls import path
from django.test import AsyncClient, Client

urlpatterns = [path("page", lambda request: HttpResponse("page"))]
django.setup()
said = []

class Keep(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())

logging.getLogger("dualstatic").addHandler(Keep())
logging.getLogger("dualstatic").setLevel(level)
answers = [asyncio.run(AsyncClient().get(path)) if kind == "async" else Client().get(path)
    for path in ("/page", "/static/a.txt", "/static/nope.txt")]
print(json.dumps([[answer.status_code for answer in answers], said]))
"""


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_the_middleware_of_django_says_why_too(kind: str, level: str, root: Path) -> None:
    ran = run("-c", DJANGO, root, kind, level)
    assert ran.returncode == 0, ran.stderr
    statuses, said = json.loads(ran.stdout)
    assert statuses == [200, 200, 404]
    lines = [text for text in said if text.startswith("GET")]
    expected = ["GET '/page' is not below the prefix '/static'"]
    expected += [f"GET '/static/nope.txt' is not in '{root}'"]
    assert lines == (expected if level == "DEBUG" else [])


def test_a_function_that_raises_is_told_in_the_line_and_changes_no_answer(
    door: str, mode: str, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = StaticFiles(root, live=mode == "live", not_found=lambda path: {}[path])
    with caplog.at_level(logging.DEBUG, "dualstatic"):
        assert Client(files, door).ask("POST", "/api").passed
    assert "KeyError" in caplog.text


# What is served.


def test_what_is_served_is_said_at_construction_and_by_repr(
    root: Path, tree: Callable[..., Path], mode: str, log: Callable[..., list[str]]
) -> None:
    more = tree({"a.txt": "hidden by the first", "b.txt": "b"}, "m\u00fcller")
    files = StaticFiles([root, more], prefix="static", live=mode == "live")
    places = f"'{root}' and {str(more)!a} at '/static'"
    said = f"{places}, live" if mode == "live" else f"4 files of {places}, in an index"
    assert log(logging.INFO) == [said]
    assert repr(files) == f"<StaticFiles: {said}>"
    write_tree(root, {"late.txt": "late"})
    files.refresh()
    assert log(logging.INFO) == [said.replace("4 files", "5 files")]
    assert repr(StaticFiles(root)).endswith(" at '/', in an index>")


def test_a_directory_to_come_is_said_when_it_is_looked_at(
    root: Path, mode: str, log: Callable[..., list[str]]
) -> None:
    files = StaticFiles(root, check_dir=False, live=mode == "live")
    assert log() == []
    assert repr(files) == f"<StaticFiles: '{root}' at '/', not looked at yet>"
    assert files.answer(Request("GET", "/a.txt"))
    assert len(log(logging.INFO)) == 1
    assert "not looked at" not in repr(files)


def test_a_mode_that_a_function_is_to_choose_is_said(
    root: Path, mode: str, log: Callable[..., list[str]]
) -> None:
    files = StaticFiles(root, live=lambda: mode == "live")
    assert log(logging.INFO) == [f"'{root}' at '/', live or in an index"]
    assert files.answer(Request("GET", "/a.txt"))
    [said] = log(logging.INFO)
    assert said.endswith("live" if mode == "live" else "in an index")
    assert repr(files) == f"<StaticFiles: {said}>"


# What is odd.

ODD: list[tuple[str, Callable[[Path], object]]] = [
    ("skipped, a link leads out of the root", lambda path: path.symlink_to("/")),
    ("skipped, No such file or directory", lambda path: path.symlink_to("nowhere")),
    ("skipped, not a file", os.mkfifo),
    ("skipped, no URL path can name it", lambda path: Path(f"{path}\\").write_text("x")),
]


@pytest.mark.parametrize(("message", "make"), ODD)
def test_ten_of_a_kind_are_named_and_the_rest_is_counted_in_one_line(
    message: str, make: Callable[[Path], object], root: Path, log: Callable[..., list[str]]
) -> None:
    way = "; follow_symlink=True follows such links" if "link leads" in message else ""

    def add(first: int, last: int) -> None:
        for number in range(first, last):
            make(root / f"odd{number}")

    add(0, 10)
    files = StaticFiles(root)
    named = log(logging.WARNING)
    assert len(named) == 10
    assert all(re.fullmatch(rf"{message}: '{root}/odd\d+.*'", text) for text in named)
    for _ in range(2):
        files.refresh()
    assert log(logging.WARNING) == []
    add(10, 42)
    for _ in range(2):
        files.refresh()
    assert log(logging.WARNING) == [f"{message}: 42 places so far{way}"]
    again = StaticFiles(root)
    assert len(log(logging.WARNING)) == 11
    assert again.answer(Request("GET", "/a.txt"))


def test_another_kind_may_be_met_while_those_so_far_are_counted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a request that another thread answers while the line is written."""
    write_tree(root, {f"out{number}": Link("..") for number in range(12)})
    files = StaticFiles(root)
    write_tree(root, {"out12": Link("..")})
    handle = logging.Handler()
    monkeypatch.setattr(handle, "emit", lambda record: files.site.look_up.warn("new", "/a"))
    logging.getLogger("dualstatic").addHandler(handle)
    try:
        files.refresh()
    finally:
        logging.getLogger("dualstatic").removeHandler(handle)
    assert files.site.look_up.knows("/a.txt")


def test_live_the_eleventh_place_is_the_last_that_is_said(
    root: Path, log: Callable[..., list[str]]
) -> None:
    write_tree(root, {f"out{number}": Link("..") for number in range(30)})
    files = StaticFiles(root, live=True)
    for number in range(30):
        assert files.answer(Request("GET", f"/out{number}")) is None
    *named, last = log(logging.WARNING)
    assert len(named) == 10
    assert last == (
        "skipped, a link leads out of the root: 11 places so far; "
        "follow_symlink=True follows such links"
    )


# What an option has nothing for.

PAGE, NAME = "there is no page for not_found", "immutable matches no name"
OFFER = "dictionaries does nothing without immutable"
GAPS: list[tuple[dict[str, Any], list[str]]] = [
    ({"not_found": "404-page"}, []),
    ({"not_found": "single-page-application"}, []),
    ({"not_found": "404-page", "directory": "bare"}, [PAGE]),
    ({"not_found": "single-page-application", "directory": "bare"}, [PAGE]),
    ({"not_found": "404-page", "directory": "deep"}, []),
    ({"not_found": "single-page-application", "directory": "deep"}, [PAGE]),
    ({"not_found": "404-page", "directory": "linked"}, []),
    ({"not_found": "/at/404.html", "directory": "linked"}, []),
    ({"not_found": "/at/200.html", "directory": "linked"}, [PAGE]),
    ({"immutable": "^at/", "directory": "linked"}, []),
    ({"immutable": r"^a\.txt$"}, []),
    ({"immutable": re.compile(r"^a\.txt$")}, []),
    ({"immutable": r"-[0-9a-f]{8}\."}, [NAME]),
    ({"immutable": lambda name: False}, []),
    ({"immutable": None}, []),
    ({"dictionaries": True}, [OFFER]),
    ({"dictionaries": True, "immutable": r"^a\.txt$"}, []),
    ({"dictionaries": True, "immutable": lambda name: False}, []),
    ({"immutable": "vite"}, [NAME]),
    ({"immutable": "vite", "directory": "built"}, []),
]


@pytest.mark.parametrize(("options", "gaps"), GAPS)
def test_an_option_that_has_nothing_in_the_index_is_said_once(
    options: dict[str, Any],
    gaps: list[str],
    root: Path,
    tree: Callable[..., Path],
    mode: str,
    log: Callable[..., list[str]],
) -> None:
    tree({"x.css": "x"}, "bare")
    tree({"a/404.html": "lost", "a/index.html": "a"}, "deep")
    tree({"..data/404.html": "lost", "at": Link("..data")}, "linked")
    tree({"assets/app-DQbh7mXa.js": "x"}, "built")
    manifest = root.parent / "manifest.json"
    manifest.write_text('{"app.js": {"file": "assets/app-DQbh7mXa.js", "name": "app"}}')
    options = dict(options)
    directory = root.parent / options.pop("directory", root.name)
    if options.get("immutable") == "vite":
        options["immutable"] = manifests.vite(manifest)
    files = StaticFiles(directory, prefix="/static", live=mode == "live", **options)
    said = [f"{gap}: '{directory}'" for gap in gaps] if mode == "index" else []
    assert log(logging.WARNING) == said
    files.refresh()
    assert log(logging.WARNING) == []


def test_a_function_for_immutable_is_asked_at_first_use_and_not_before(root: Path) -> None:
    asked: list[str] = []
    files = StaticFiles(root, immutable=lambda name: bool(asked.append(name)))
    assert asked == []
    assert files.answer(Request("GET", "/a.txt"))
    assert asked == ["a.txt"]
