"""Every piece of code in the README runs, and does what stands beside it."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

import dualstatic
from dualstatic import StaticFiles
from dualstatic.compress.command import add_arguments
from dualstatic.compress.siblings import MINIMUM, MINIMUM_GAIN

from .servers import Server, free_port, run, serve
from .trees import write_tree

README = Path(__file__).parent.parent / "README.md"
VITE = Path(__file__).parent / "data/manifests/vite.json"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
BLOCKS = BLOCK.findall(README.read_text())
PYTHON = [code for language, code in BLOCKS if language == "python"]


class Recipe(NamedTuple):
    """What a piece of code does: asked on its server, each target has a 200's body, or a status.

    First by a script, then by a browser that navigates. `more` makes an app of what is none.
    """

    asked: dict[str, str | int]
    navigated: dict[str, str | int] = {}  # noqa: RUF012 - nobody changes it
    immutable: frozenset[str] = frozenset()
    more: str = ""


ALONE = "from dualstatic.wsgi import StaticMiddleware\napp = StaticMiddleware(files=files)\n"
SETTINGS = """
from django.conf import settings
settings.configure(INSTALLED_APPS=INSTALLED_APPS, MIDDLEWARE=[MIDDLEWARE[-1]],
    DUALSTATIC=DUALSTATIC, STATIC_URL="static/", STATIC_ROOT="root",
    ROOT_URLCONF="mysite.settings", ALLOWED_HOSTS=["*"])
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""
COLLECTED = """
from django.conf import settings
settings.configure(INSTALLED_APPS=["django.contrib.staticfiles"], STORAGES=STORAGES,
    STATIC_URL="static/", STATIC_ROOT="collected", STATICFILES_DIRS=["root"],
    ROOT_URLCONF="mysite.settings", ALLOWED_HOSTS=["*"])
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
import dualstatic.django
application = get_wsgi_application()
call_command("collectstatic", interactive=False, verbosity=0)
application = dualstatic.django.wsgi(application)
"""
RECIPES = {
    "Flask(": Recipe({"/static/t.txt": "public", "/static/.env": 404, "/": 404}),
    "get_asgi_application": Recipe({"/static/t.txt": "root", "/": 404}),
    "MIDDLEWARE = [": Recipe(
        {"/static/t.txt": "root", "/t.txt": "public", "/": 404}, more=SETTINGS
    ),
    "STORAGES = {": Recipe(
        {"/static/t.txt": "root", "/static/t.63a9f0ea7bb9.txt": "root", "/": 404},
        immutable=frozenset({"/static/t.63a9f0ea7bb9.txt"}),
        more=COLLECTED,
    ),
    "FastAPI()\napp.add": Recipe({"/t.txt": "dist", "/": "page", "/nope": 404}),
    "app.mount": Recipe({"/static/t.txt": "public", "/static/nope": 404}),
    "single-page": Recipe(
        {"/api/users": '["ada","grace"]', "/api/nope": 404, "/t.txt": "dist", "/a/b": 404},
        navigated={"/": "page", "/settings/profile": "page", "/gone.js": 404},
    ),
    "def app(": Recipe({"/static/t.txt": "public", "/app/t.txt": "dist", "/t.txt": "the app"}),
    "html=True, immutable=": Recipe(
        {"/app-3f2a9c1b.js": "js", "/t.txt": "dist"},
        immutable=frozenset({"/app-3f2a9c1b.js"}),
        more=ALONE,
    ),
    "manifests.vite": Recipe(
        {"/assets/index-FXS6Rcar.js": "js", "/app-3f2a9c1b.js": "js"},
        immutable=frozenset({"/assets/index-FXS6Rcar.js"}),
        more=ALONE,
    ),
}
STARTER = """
import sys
from tests.children import become_python
print(sys.argv[1], flush=True)
become_python("-m", *sys.argv[2:])
"""


@contextmanager
def on_its_server(code: str, folder: Path, logs: Path) -> Iterator[Server]:
    """Run a program in its folder: a WSGI app on gunicorn, an ASGI app on uvicorn."""
    (folder / "program.py").write_text(code)
    app = "program:application" if "\napplication = " in code else "program:app"
    port = str(free_port())
    if "asgi" in code or "starlette" in code:
        command = [
            "uvicorn",
            "--app-dir",
            str(folder),
            "--port",
            port,
            "--log-level",
            "warning",
            app,
        ]
    else:
        log = ["--log-level", "warning", "--no-control-socket"]
        command = ["gunicorn", "--chdir", str(folder), "--bind", f"127.0.0.1:{port}", *log, app]
    starter = f"import os\nos.chdir({str(folder)!r})\n{STARTER}"
    with serve("-c", starter, f"http://127.0.0.1:{port}/", *command, logs=logs) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the recipes speak of: directories, a build of Vite's, and a project of Django's."""
    folder = tmp_path / "project"
    page, script = {"index.html": "page"}, {"app-3f2a9c1b.js": "js"}
    build = {"assets/index-FXS6Rcar.js": "js", ".vite/manifest.json": VITE.read_text()}
    for name, more in {
        "public": {".env": "SECRET"},
        "root": {},
        "dist": {**page, **script, **build},
    }.items():
        write_tree(folder / name, {"t.txt": name, **more})
    settings = "SECRET_KEY = 'x'\nALLOWED_HOSTS = ['*']\nSTATIC_ROOT = 'root'\n"
    settings += "STATIC_URL = 'static/'\nROOT_URLCONF = 'mysite.settings'\nurlpatterns = []\n"
    write_tree(folder / "mysite", {"settings.py": settings})
    return folder


NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}


@pytest.mark.parametrize("key", RECIPES)
def test_a_recipe_does_on_its_server_what_stands_beside_it(
    key: str, folder: Path, tmp_path: Path
) -> None:
    [code] = [code for code in PYTHON if key in code]
    recipe = RECIPES[key]
    with on_its_server(code + recipe.more, folder, tmp_path) as server:
        for targets, fields in ((recipe.asked, {}), (recipe.navigated, NAVIGATION)):
            for target, expected in targets.items():
                answer = server.get(target, fields)
                got = answer.body.decode() if isinstance(expected, str) else answer.status
                assert (target, got) == (target, expected)
                kept = "immutable" in (answer.get("cache-control") or "")
                assert kept == (target in recipe.immutable)


def test_the_adapter_of_the_readme_answers(folder: Path) -> None:
    [code] = [code for code in PYTHON if "def answer(" in code]
    checks = """
sent = []
def send(status, headers, chunks): sent.append((status, b"".join(chunks)))
assert answer("GET", "/t.txt", {"range": "bytes=0-2"}, send)
assert not answer("GET", "/nope", {}, send)
assert sent == [(206, b"pub")]
"""
    ended = run("-c", f"import os\nos.chdir({str(folder)!r})\n{code}\n{checks}")
    assert ended.returncode == 0, ended.stderr


DIFFS = [code for language, code in BLOCKS if language == "diff"]


@pytest.mark.parametrize("sign", "-+")
@pytest.mark.parametrize("diff", DIFFS, ids=["starlette", "whitenoise"])
def test_an_app_serves_the_same_before_and_after_it_moves_over(
    diff: str, sign: str, folder: Path, tmp_path: Path
) -> None:
    code = "\n".join(line[1:] for line in diff.splitlines() if line[:1] in (" ", "", sign))
    assert ("dualstatic" in code) == (sign == "+")
    with on_its_server(code, folder, tmp_path) as server:
        answer = server.get("/static/t.txt")
        assert (answer.status, answer.body) == (200, b"public")
        assert (answer.get("content-type") or "").replace('"', "") == "text/plain; charset=utf-8"
        assert ("max-age=3600" in (answer.get("cache-control") or "")) == ("max_age" in diff)
        assert answer.get("access-control-allow-origin") == ("*" if "whitenoise" in diff else None)
        assert server.get("/static/nope").status == 404


def test_every_recipe_is_checked() -> None:
    assert len(PYTHON) == len(RECIPES) + len(["the adapter"])


def test_the_readme_names_every_option_and_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", README.read_text(), re.MULTILINE))
    parameters = inspect.signature(StaticFiles).parameters
    for name, parameter in parameters.items():
        shown = rows[name].strip("`").replace('"', "'")
        assert shown == str(parameter.default) or shown == repr(parameter.default)
    assert rows.keys() - parameters.keys() <= {"encodings"}


def test_the_readme_names_every_option_of_the_command_that_compresses() -> None:
    section = README.read_text().partition("## Precompressed files")[2].partition("\n## ")[0]
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = set(re.findall(r"--[a-z-]+", parser.format_help())) - {"--help"}
    assert set(re.findall(r"^\| `(--\S+)` \|", section, re.MULTILINE)) == options
    assert f"{MINIMUM} bytes" in section
    assert f"{MINIMUM_GAIN} bytes" in section


def test_the_readme_names_every_public_name() -> None:
    text = README.read_text()
    assert all(name in text for name in dualstatic.__all__)


def test_the_tests_that_hold_the_promises_are_there() -> None:
    sources = "".join(path.read_text() for path in README.parent.glob("tests/**/test_*.py"))
    promises = README.read_text().partition("## What it promises")[2].partition("\n## ")[0]
    names = re.findall(r"`(test_\w+)`", promises)
    assert len(names) > 16
    assert [name for name in names if f"def {name}(" not in sources] == []


def test_the_files_that_the_readme_links_to_are_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README.read_text()):
        assert (README.parent / target).exists(), target
