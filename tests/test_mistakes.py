"""Typical mistakes: what is written, at which moment that is raised or logged, in which words."""

from __future__ import annotations

import gzip
import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import dualstatic.asgi
import dualstatic.wsgi
from dualstatic import StaticFiles, manifests
from tests.support.apps import NAVIGATE, App, ask
from tests.support.doors import Messages, make_environ, make_scope
from tests.support.steps import staying
from tests.support.trees import Link

FILES: dict[str, Any] = {
    ".env": "KEY=1",
    ".vite/broken.json": '{"src/app.js": ',
    ".vite/other.json": "{}",
    ".vite/plain.json": '{"src/app.js": {"file": "app.js"}}',
    "about.html": "about",
    "app.js": "script()",
    "docs/index.html": "docs",
    "index.html": "home",
    "links/out": Link("/etc/hostname"),
    "old/app.js": "script()",
    "old/app.js.gz": gzip.compress(b"script() " * 99),
}


class Mistake(NamedTuple):
    """What somebody writes, with DOOR for either of the modules, and what comes of it."""

    written: str
    raised: type[Exception]
    text: str


class Said(NamedTuple):
    """What somebody writes, what is asked for then (nothing: None), and what is logged of it."""

    written: str
    target: str | None
    level: str
    text: str


AT_CONSTRUCTION = [
    Mistake("StaticFiles()", TypeError, "directory or packages: one of them has to be given"),
    Mistake("StaticFiles('pubic')", NotADirectoryError, "/pubic' does not exist"),
    Mistake("StaticFiles('public/app.js')", RuntimeError, "/app.js' is not a directory"),
    Mistake("StaticFiles(['public', 'dist'])", RuntimeError, "/dist' does not exist"),
    Mistake("StaticFiles('public', '/static')", TypeError, "positional arguments"),
    Mistake("StaticFiles('public', name='static')", TypeError, "keyword argument 'name'"),
    Mistake("StaticFiles(packages='json')", TypeError, "packages takes a list of names and"),
    Mistake("StaticFiles(packages=['jsn'])", ValueError, "packages: there is no package 'jsn'"),
    Mistake(
        "StaticFiles(packages=['json'])", ValueError, "packages: there is no directory 'statics' in"
    ),
    Mistake(
        "StaticFiles('public', prefix='/static/*')",
        ValueError,
        "prefix takes a path such as '/static', decoded, with no pattern or dot segment, not",
    ),
    Mistake("StaticFiles('public', prefix='https://cdn.test/a')", ValueError, "prefix takes a pa"),
    Mistake(
        "StaticFiles('public', prefix=None)", TypeError, "prefix takes a str, such as '/static'"
    ),
    Mistake(
        "StaticFiles('public', live=os.environ.get('DEBUG_OF_NOBODY'))",
        TypeError,
        "live takes True or False, or a function without arguments that gives one of them, not N",
    ),
    Mistake("StaticFiles('public', html='yes')", TypeError, "html takes True or False, not 'yes'"),
    Mistake("StaticFiles('public', memory='64M')", TypeError, "memory takes a number of bytes"),
    Mistake(
        "StaticFiles('public', encodings='gzip')", TypeError, "encodings takes a sequence of zstd,"
    ),
    Mistake(
        "StaticFiles('public', encodings=['.gz'])", ValueError, "encodings takes a sequence of"
    ),
    Mistake(
        "StaticFiles('public', immutable='*.js')",
        ValueError,
        "immutable takes a regular expression: nothing to repeat",
    ),
    Mistake(
        "StaticFiles('public', immutable=manifests.vite)",
        TypeError,
        "as in immutable=manifests.vite('path/of/the/manifest.json')",
    ),
    Mistake(
        "StaticFiles('public', immutable=manifests.vite('public/.vite/manifest.json'))",
        FileNotFoundError,
        "(No such file or directory); Vite, with build.manifest: true, writes it",
    ),
    Mistake(
        "StaticFiles('public', immutable=manifests.django('public/.vite/other.json'))",
        ValueError,
        "other.json' is no manifest of Django's collectstatic, with ManifestStaticFilesStorage",
    ),
    Mistake("StaticFiles('public', cache_control=3600)", TypeError, "cache_control takes the text"),
    Mistake(
        "StaticFiles('public', headers={'Content-Encoding': 'gzip'})",
        ValueError,
        "headers takes no field 'Content-Encoding': each answer has its own",
    ),
    Mistake(
        "StaticFiles('public', not_found='index.html')",
        ValueError,
        'a page such as "/200.html", None, or a function from a path to one of these, not',
    ),
    Mistake(
        "StaticFiles('public', offload='X-Accel-Redirect')",
        ValueError,
        'offload takes "X-Accel-Redirect: /path", "X-Sendfile" or None',
    ),
    Mistake("DOOR.StaticMiddleware(files='public')", TypeError, "files takes a StaticFiles, not"),
    Mistake("DOOR.StaticMiddleware(StaticFiles('public'))", TypeError, "argument: 'files'"),
    Mistake(
        "DOOR.StaticMiddleware(StaticFiles('public'), files=StaticFiles('public'))",
        TypeError,
        "app takes an app to put the files in front of, or None, not ",
    ),
    Mistake(
        "DOOR.StaticMiddleware('mysite.wsgi', files=StaticFiles('public'))",
        TypeError,
        "app takes an app to put the files in front of, or None, not 'mysite.wsgi'",
    ),
    Mistake(
        "wsgi.StaticMiddleware(App('at once').asgi, files=StaticFiles('public'))",
        TypeError,
        "one such as this is for dualstatic.asgi.StaticMiddleware",
    ),
    Mistake(
        "asgi.StaticMiddleware(App('at once').wsgi, files=StaticFiles('public'))",
        TypeError,
        "one such as this is for dualstatic.wsgi.StaticMiddleware",
    ),
]

AT_THE_FIRST_REQUEST = [
    Mistake(
        "StaticFiles('dist', check_dir=False)",
        RuntimeError,
        "/dist' does not exist",
    ),
    Mistake(
        "StaticFiles('public', live=lambda: os.environ.get('DEBUG_OF_NOBODY'))",
        TypeError,
        "live takes True or False, or a function without arguments that gives one of them, not N",
    ),
    Mistake(
        "StaticFiles('public', cache_control=lambda name: 3600)",
        TypeError,
        "cache_control takes the text of a field, a callable that gives one, or None, not 3600",
    ),
    Mistake(
        "StaticFiles('public', headers=lambda name: {'X-Frame-Options': True})",
        ValueError,
        "headers takes a value of Latin-1 text, not True",
    ),
]

AT_THE_FIRST_NAVIGATION = [
    Mistake(
        "StaticFiles('public', not_found=lambda path: 'index.html')",
        ValueError,
        'a page such as "/200.html", None, or a function from a path to one of these, not',
    ),
]

PUBLIC = "StaticFiles('public')"
BELOW = "StaticFiles('public', prefix='/static')"
FALLS_BACK = "there is no page for not_found: '{here}/public/docs'"

LOGGED = [
    Said("StaticFiles('public/docs', not_found='404-page')", None, "WARNING", FALLS_BACK),
    Said("StaticFiles('public/docs', not_found='/200.html')", None, "WARNING", FALLS_BACK),
    Said(
        "StaticFiles('public/old', not_found='single-page-application')",
        None,
        "WARNING",
        "there is no page for not_found: '{here}/public/old'",
    ),
    Said(
        "StaticFiles('public', immutable=r'-[0-9a-f]{8}[.]')",
        None,
        "WARNING",
        "immutable matches no name: '{here}/public'",
    ),
    Said(
        "StaticFiles('public', immutable=manifests.vite('public/.vite/plain.json'))",
        None,
        "WARNING",
        "immutable: no name in '{here}/public/.vite/plain.json' carries a hash, so none is immu",
    ),
    Said(
        "StaticFiles('public', check_dir=False, immutable=manifests.vite('public/.vite/broken.js"
        "on'))",
        "/app.js",
        "WARNING",
        "immutable: '{here}/public/.vite/broken.json' is no manifest of Vite, with build.manifest",
    ),
    Said(
        PUBLIC,
        None,
        "WARNING",
        "skipped, a link leads out of the root: '{here}/public/links/out'",
    ),
    Said(
        PUBLIC,
        "/links/out",
        "DEBUG",
        "a link leads out of the root: '{here}/public/links/out'; follow_symlink=True follows it",
    ),
    Said(
        "StaticFiles('public/old')",
        "/app.js",
        "WARNING",
        "left out, older than its file: '{here}/public/old/app.js.gz'",
    ),
    Said("StaticFiles('public/links')", None, "INFO", "0 files of '{here}/public/links' at '/', i"),
    Said(
        BELOW,
        "/app.js",
        "DEBUG",
        "GET '/app.js' is not below the prefix '/static': '{here}/public/app.js' is at '/static/",
    ),
    Said(
        BELOW,
        "/static/static/app.js",
        "DEBUG",
        "is not there, but 'app.js' is, at '/static/app.js': the prefix stands in the path twice",
    ),
    Said(PUBLIC, "/static/app.js", "DEBUG", "but 'app.js' is, at '/app.js': the prefix may lack"),
    Said(PUBLIC, "/.env", "DEBUG", "hidden, as a name in it begins with a dot: dotfiles=True"),
    Said(PUBLIC, "/App.JS", "DEBUG", "'app.js' is, which is spelled otherwise: ask for '/app.js'"),
    Said(PUBLIC, "/docs/", "DEBUG", "is a directory: html=True answers with its index.html"),
    Said(PUBLIC, "/about", "DEBUG", "'about.html' is: clean_urls=True answers with it"),
    Said(PUBLIC, "/app.js/", "DEBUG", "a slash at its end, but is a file: ask for it without the"),
    Said(PUBLIC, "//app.js", "DEBUG", "'//app.js' is refused: it has two slashes in a row: ask"),
    Said(PUBLIC, "/docs/../app.js", "DEBUG", "is refused: it has a '.' or '..' segment: ask for "),
    Said(PUBLIC, "/docs%2Findex.html", "DEBUG", "is refused: it has an encoded slash or backslash"),
    Said(
        "StaticFiles('public', html=True)",
        "/old/",
        "DEBUG",
        "GET '/old/' is a directory without an index.html",
    ),
    Said(PUBLIC, "/nowhere.js", "DEBUG", "GET '/nowhere.js' is not in '{here}/public'"),
]


def each(*tables: list[Mistake]) -> pytest.MarkDecorator:
    rows = [pytest.param(row, id=row.written) for table in tables for row in table]
    return pytest.mark.parametrize("mistake", rows)


@pytest.fixture(autouse=True)
def here(tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree(FILES, "public").parent)
    os.utime("public/old/app.js.gz", (1, 1))


def made(mistake: Mistake, door: str = "") -> Any:
    names = {"wsgi": dualstatic.wsgi, "asgi": dualstatic.asgi}
    names |= {"DOOR": names.get(door), "os": os, "App": App}
    names |= {"StaticFiles": StaticFiles, "manifests": manifests}
    return eval(mistake.written, names)


def told(mistake: Mistake) -> Any:
    return pytest.raises(mistake.raised, match=re.escape(mistake.text))


@each(AT_CONSTRUCTION)
def test_it_is_told_at_construction(mistake: Mistake) -> None:
    for door in ("wsgi", "asgi") if "DOOR" in mistake.written else ("",):
        with told(mistake):
            made(mistake, door)


@each(AT_THE_FIRST_REQUEST)
def test_it_is_told_at_the_first_request_for_a_file(mistake: Mistake, door: str) -> None:
    files = made(mistake)
    with told(mistake):
        ask(files, door, App("at once"), "/app.js")


@each(AT_THE_FIRST_NAVIGATION)
def test_it_is_told_at_the_first_navigation_without_an_answer(mistake: Mistake, door: str) -> None:
    files = made(mistake)
    assert ask(files, door, App("at once"), "/app.js").body == b"script()"
    with told(mistake):
        ask(files, door, App("at once"), "/route", NAVIGATE)


@pytest.mark.parametrize("said", LOGGED, ids=lambda said: f"{said.written} {said.target}")
def test_it_is_logged_and_raises_nothing(
    said: Said, door: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "dualstatic")
    files, app = eval(said.written, {"StaticFiles": StaticFiles, "manifests": manifests}), App("at")
    if said.target:
        caplog.clear()
        ask(files, door, app, said.target)
    text = said.text.format(here=os.getcwd())
    assert [
        record.message
        for record in caplog.records
        if record.levelname == said.level and text in record.message
    ], caplog.messages


@pytest.mark.parametrize("live", [False, True])
def test_what_came_later_is_served_live_and_logged_with_an_index(
    live: bool, door: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "dualstatic")
    files = StaticFiles("public", live=live)
    Path("public/later.js").write_text("later()")
    assert (ask(files, door, App("at once"), "/later.js").body == b"later()") is live
    later = "was not there when the index was made, but "
    assert (later in caplog.text) is not live
    assert live or "is now: refresh() or live=True finds it" in caplog.text


def test_files_in_the_place_of_an_app_are_told_where_they_are_called() -> None:
    """As by `app.mount("/static", StaticFiles("public"))`, or as `app.wsgi_app`."""
    files: Any = StaticFiles("public")
    for arguments in (
        (make_environ("GET", b"/app.js", ()), lambda *_: None),
        (make_scope("GET", b"/app.js", ()), staying(), Messages().send),
    ):
        with pytest.raises(TypeError, match=r"StaticFiles is not an app: give it to a StaticMiddl"):
            files(*arguments)
