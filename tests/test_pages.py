"""Every piece of code on the pages runs, and every link leads somewhere.

A page's Python is run in one of three ways: on a server (RECIPES), to its end with checks behind it
(CHECKS), or as the part of an example program that it quotes: test_examples.py and test_projects.py
run these.
"""

from __future__ import annotations

import argparse
import inspect
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import dualstatic
from dualstatic import StaticFiles
from dualstatic.compress.command import add_arguments
from dualstatic.compress.siblings import MINIMUM, MINIMUM_GAIN
from tests.support.pages import BLOCKS, PAGES, ROOT, Block, anchor, blocks, headings, section
from tests.support.servers import Server, free_port, run, serve
from tests.support.trees import Link, write_tree

VITE = Path(__file__).parent / "data/manifests/vite.json"
PROGRAMS = [path.read_text() for path in (ROOT / "examples").rglob("*.py")]


class Recipe(NamedTuple):
    """What a piece of code does: asked on its server, each target has a 200's body, or a status.

    First by a script, then by a browser that navigates. `more` makes an app of what is none, and
    `before` is what the file has that the code is added to.
    """

    asked: dict[str, str | int]
    navigated: dict[str, str | int] = {}  # noqa: RUF012 - nobody changes it
    immutable: frozenset[str] = frozenset()
    more: str = ""
    before: str = ""


ALONE = "from dualstatic.wsgi import StaticMiddleware\napp = StaticMiddleware(files=files)\n"
SETTINGS = """
from django.conf import settings
given = globals()
settings.configure(INSTALLED_APPS=given.get("INSTALLED_APPS", []),
    MIDDLEWARE=["dualstatic.django.StaticMiddleware"], DUALSTATIC=given.get("DUALSTATIC", {}),
    STATIC_URL="static/", STATIC_ROOT="root", ROOT_URLCONF="mysite.settings", ALLOWED_HOSTS=["*"])
assert given.get("MIDDLEWARE", [""])[-1] in ("", *settings.MIDDLEWARE)
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""
STARTED = "from pathlib import Path\nBASE_DIR = Path.cwd()\n"
FLASK = Recipe({"/static/t.txt": "public", "/static/.env": 404, "/": 404})
STARLETTE = Recipe({"/static/t.txt": "public", "/static/nope": 404, "/": 404})
DJANGO = Recipe({"/static/t.txt": "root", "/static/nope": 404, "/": 404})
RECIPES: dict[str, dict[str, Recipe]] = {
    "README.md": {
        "Flask(": FLASK,
        "MIDDLEWARE = [": DJANGO._replace(more=SETTINGS),
        "FastAPI()\napp.add": Recipe({"/t.txt": "dist", "/": "page", "/nope": 404}),
        "app.mount": STARLETTE,
        "single-page": Recipe(
            {"/api/users": '["ada","grace"]', "/api/nope": 404, "/t.txt": "dist", "/a/b": 404},
            navigated={"/": "page", "/settings/profile": "page", "/gone.js": 404},
        ),
        "def app(": Recipe({"/static/t.txt": "public", "/t.txt": "the app"}),
    },
    "examples/README.md": {"ProxyFix": FLASK, "CORSMiddleware": STARLETTE},
    "examples/developing.md": {
        "live=lambda: app.debug, check_dir": Recipe({"/t.txt": "dist", "/": "page", "/nope": 404}),
        "def page(": Recipe(
            {"/t.txt": "dist", "/a/b": 404},
            navigated={"/settings/profile": "page", "/api/nope": 404},
        ),
        "def user(": Recipe(
            {"/t.txt": "dist", "/api/users/7": 404, "/a/b": 404},
            navigated={"/settings/profile": "page", "/api/users/7": 404},
        ),
    },
    "examples/deploy.md": {
        "manifests.vite": Recipe(
            {"/assets/index-FXS6Rcar.js": "js", "/app-3f2a9c1b.js": "js", "/": "page"},
            immutable=frozenset({"/assets/index-FXS6Rcar.js"}),
            more=ALONE,
        ),
        "html=True, immutable=": Recipe(
            {"/app-3f2a9c1b.js": "js", "/t.txt": "dist"},
            immutable=frozenset({"/app-3f2a9c1b.js"}),
            more=ALONE,
        ),
    },
    "examples/django.md": {
        "MIDDLEWARE = [": DJANGO._replace(
            asked={**DJANGO.asked, "/t.txt": "public"}, more=SETTINGS, before=STARTED
        ),
        "get_asgi_application": DJANGO,
        "get_wsgi_application": DJANGO,
        "page = {": DJANGO._replace(
            asked={**DJANGO.asked, "/": "page", "/t.txt": "dist"},
            navigated={"/": "page", "/settings/profile": "page", "/gone.js": 404},
            more=SETTINGS,
            before=f"{STARTED}DEBUG = False\n",
        ),
        "StaticFiles.uploads": DJANGO._replace(
            asked={**DJANGO.asked, "/media/t.txt": "media"}, more=SETTINGS, before=STARTED
        ),
    },
    "examples/moving-over.md": {
        "def page(": Recipe({"/static/t.txt": "public"}),
        "def index(": STARLETTE._replace(
            asked={**STARLETTE.asked, "/": "/static/t.txt"},
        ),
    },
}
"""By page, and by a text that only one piece of code on that page has."""

CHECKS: dict[str, dict[str, str]] = {
    "examples/README.md": {
        "basicConfig": """
from dualstatic import Request
assert logging.getLogger().handlers
assert not files.answer(Request("GET", "/static/app.css"))
""",
        "def letter(": """
app.secret_key = "x"
client = app.test_client()
assert client.get("/letters/t.txt").status_code == 401
with client.session_transaction() as session: session["user"] = "7"
assert client.get("/letters/t.txt").text == "seven"
assert client.get("/letters/../7/t.txt").status_code == 404
""",
        "def index(": """
import re
client = app.test_client()
[address] = re.findall('href="(/static/t.txt[?]v=[^"]+)"', client.get("/").text)
assert "immutable" in client.get(address).headers["Cache-Control"]
""",
    },
    "examples/developing.md": {
        "def create_app(": """
client = create_app().test_client()
assert client.get("/static/t.txt").text == "public"
assert client.get("/static/.env").status_code == 404
""",
        "def test_": """
import pytest
assert pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "piece.py"]) == 0
""",
    },
    "examples/deploy.md": {
        "def follow(": """
from werkzeug.test import Client
client = Client(app)
assert client.get("/t.txt").text == "first"
os.symlink("second", "current.new")
os.replace("current.new", "current")
while client.get("/t.txt").text == "first": time.sleep(0.05)
assert client.get("/t.txt").text == "second"
from types import SimpleNamespace
refreshed = []  # in a worker that is forked later still, which has the first index
sys.modules["piece"].files = SimpleNamespace(refresh=lambda: refreshed.append(True))
threading.Thread(target=follow, args=("current", served, 0.01), daemon=True).start()
while not refreshed: time.sleep(0.01)
""",
        "offload=": """
from werkzeug.test import Client
assert Client(app).get("/t.txt").headers["X-Accel-Redirect"] == "/_files/t.txt"
""",
    },
    "examples/django.md": {
        "def letter(": """
from types import SimpleNamespace
from django.http import Http404
from django.test import RequestFactory
request = RequestFactory().get("/letters/t.txt")
request.user = SimpleNamespace(is_authenticated=True, pk=7)
assert letter(request, "t.txt").getvalue() == b"seven"
try: letter(request, "../8/t.txt")
except Http404: pass
else: raise AssertionError
""",
    },
    "tests/README.md": {
        "RULES = ": """
from tests.cases import CASES
assert RULES[0] in CASES
""",
    },
    "dualstatic/README.md": {
        "def answer(": """
sent = []
def send(status, headers, chunks): sent.append((status, b"".join(chunks)))
assert answer("GET", "/t.txt", {"range": "bytes=0-2"}, send)
assert not answer("GET", "/nope", {}, send)
assert sent == [(206, b"pub")]
""",
        "files.url(": """
import re
assert re.fullmatch(r"/static/t\\.txt\\?v=[0-9a-f]{12}", files.url("t.txt"))
assert "/static/nope.txt" in files.explain("/static/nope.txt")
""",
    },
}
"""By page and text: what is run behind a piece of code, in the same folder."""
STARTER = """
import sys
from tests.support.children import become_python
print(sys.argv[1], flush=True)
become_python("-m", *sys.argv[2:])
"""


@contextmanager
def on_its_server(code: str, folder: Path, logs: Path) -> Iterator[Server]:
    """Run a program in its folder: a WSGI app on gunicorn, an ASGI app on uvicorn."""
    (folder / "program.py").write_text(code)
    app = "program:application" if "\napplication = " in code else "program:app"
    port = str(free_port())
    if re.search("asgi|starlette|fastapi", code):
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
        "media": {},
        "store": {},
        "dist": {**page, **script, **build},
    }.items():
        write_tree(folder / name, {"t.txt": name, **more})
    write_tree(folder, {"first/t.txt": "first", "second/t.txt": "second", "current": Link("first")})
    settings = "SECRET_KEY = 'x'\nALLOWED_HOSTS = ['*']\nSTATIC_ROOT = 'root'\n"
    settings += "STATIC_URL = 'static/'\nROOT_URLCONF = 'mysite.settings'\nurlpatterns = []\n"
    settings += "from pathlib import Path\nBASE_DIR = Path.cwd()\nUSE_TZ = True\n"
    write_tree(folder / "mysite", {"settings.py": settings})
    write_tree(folder / "letters", {"7/t.txt": "seven"})
    return folder


NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}


def of_all(table: dict[str, dict[str, Any]]) -> pytest.MarkDecorator:
    """Run a test for each entry of RECIPES or CHECKS: with its page, its key and its value."""
    rows = [(page, key, value) for page, keys in table.items() for key, value in keys.items()]
    ids = [f"{page}: {key}" for page, key, _ in rows]
    return pytest.mark.parametrize(("page", "key", "value"), rows, ids=ids)


def python(page: str, key: str) -> str:
    [code] = [block.code for block in blocks("python") if block.page == page and key in block.code]
    return code


@of_all(RECIPES)
def test_a_recipe_does_on_its_server_what_stands_beside_it(
    page: str, key: str, value: Recipe, folder: Path, tmp_path: Path
) -> None:
    code, recipe = python(page, key), value
    with on_its_server(recipe.before + code + recipe.more, folder, tmp_path) as server:
        for targets, fields in ((recipe.asked, {}), (recipe.navigated, NAVIGATION)):
            for target, expected in targets.items():
                answer = server.get(target, fields)
                got = answer.body.decode() if isinstance(expected, str) else answer.status
                assert (target, got) == (target, expected)
                kept = "immutable" in (answer.get("cache-control") or "")
                assert kept == (target in recipe.immutable)


PIECE = """
import os, sys
os.chdir({folder!r})
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
sys.path.insert(0, "")
from piece import *
"""


@of_all(CHECKS)
def test_a_piece_of_code_does_what_stands_beside_it(
    page: str, key: str, value: str, folder: Path
) -> None:
    """Beside it is the factory of an app, which another piece tests."""
    factory = python("examples/developing.md", "def create_app(")
    write_tree(folder, {"piece.py": python(page, key), "program.py": factory})
    ended = run("-c", PIECE.format(folder=str(folder)) + value)
    assert ended.returncode == 0, ended.stderr + ended.stdout


def commands(block: Block) -> list[str]:
    """Its lines that can be run anywhere; those for a clone are run by whoever judges a change."""
    lines = block.code.splitlines()
    if block.language == "dockerfile":
        return [line.removeprefix("RUN ") for line in lines if line.startswith("RUN dualstatic ")]
    return [line for line in lines if block.language == "sh" and ".venv" not in line]


@pytest.mark.parametrize("block", list(filter(commands, BLOCKS)), ids=lambda each: each.page)
def test_commands_do_their_work(block: Block, folder: Path, tmp_path: Path) -> None:
    starter = f"import os\nos.chdir({str(folder)!r})\n{STARTER}"
    for line in commands(block):
        name, *words = shlex.split(line)
        command = ("-c", starter, "", "dualstatic", *words)
        if name != "dualstatic":
            assert subprocess.run(["sh", "-c", line], cwd=folder, check=False).returncode == 0
        elif "--port" in words:
            with serve(*command, logs=tmp_path) as server:
                assert server.get("/").status == 200
        else:
            ended = run(*command)
            assert ended.returncode == 0, ended.stderr


DIFFS = [block.code for block in blocks("diff")]


@pytest.mark.parametrize("sign", "-+")
@pytest.mark.parametrize("diff", DIFFS, ids=["starlette", "frontend", "whitenoise"])
def test_an_app_serves_the_same_before_and_after_it_moves_over(
    diff: str, sign: str, folder: Path, tmp_path: Path
) -> None:
    code = "\n".join(line[1:] for line in diff.splitlines() if line[:1] in (" ", "", sign))
    assert ("dualstatic" in code) == (sign == "+")
    place, body = ("", b"dist") if "frontend" in diff else ("/static", b"public")
    with on_its_server(code, folder, tmp_path) as server:
        answer = server.get(f"{place}/t.txt")
        assert (answer.status, answer.body) == (200, body)
        assert (answer.get("content-type") or "").replace('"', "") == "text/plain; charset=utf-8"
        assert ("max-age=3600" in (answer.get("cache-control") or "")) == ("max_age" in diff)
        assert answer.get("access-control-allow-origin") == ("*" if "whitenoise" in diff else None)
        assert server.get(f"{place}/nope").status == 404
        if "frontend" in diff:
            assert server.get("/nope").body == b'{"detail":"Not Found"}'
            assert server.get("/settings/profile", NAVIGATION).body == b"page"


def test_every_piece_of_python_is_run_by_one_test() -> None:
    for block in blocks("python"):
        keys = [*RECIPES.get(block.page, ()), *CHECKS.get(block.page, ())]
        quoted = any(block.code in program for program in PROGRAMS)
        assert sum(key in block.code for key in keys) + quoted == 1, block


NOT_RUN = {
    "dockerfile": "needs Docker; its line for dualstatic is run above",
    "js": "needs Node and Vite",
}


def test_every_language_has_a_test() -> None:
    assert {block.language for block in BLOCKS} <= {"python", "diff", "sh", "nginx", *NOT_RUN}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_leads_where_it_says(page: str) -> None:
    for target, name in re.findall(r"\]\(([^)#:]*)#?([^):]*)\)", PAGES[page]):
        path = (ROOT / page).parent / target if target else ROOT / page
        assert path.exists(), target
        if name:
            there = path.resolve().relative_to(ROOT.resolve()).as_posix()
            assert name in map(anchor, headings(there)), f"{target}#{name}"


@pytest.mark.parametrize("page", sorted(PAGES.keys() - {"CHANGELOG.md"}))
def test_a_page_is_short_and_has_its_contents(page: str) -> None:
    """A page is read in some minutes; with more than five sections it begins with their list."""
    text = PAGES[page]
    assert text.count("\n") <= (200 if page == "README.md" else 300)
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    begin = text.partition("\n## ")[0]
    assert len(sections) <= 5 or all(f"(#{anchor(name)})" in begin for name in sections)


def rows(text: str) -> dict[str, str]:
    """The names and the second column of a table of options."""
    return dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", text, re.MULTILINE))


@pytest.mark.parametrize("page", ["README.md", "dualstatic/README.md"])
def test_a_page_names_every_option_and_its_default(page: str) -> None:
    shown = {name: text.strip("`").replace('"', "'") for name, text in rows(PAGES[page]).items()}
    parameters = inspect.signature(StaticFiles).parameters
    for name, parameter in parameters.items():
        assert shown[name] in (str(parameter.default), repr(parameter.default))
    assert shown.keys() - parameters.keys() <= {"encodings"}


def test_the_pages_name_every_option_of_the_command_that_compresses() -> None:
    text = section("## Precompressed files")
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = set(re.findall(r"--[a-z-]+", parser.format_help())) - {"--help"}
    assert set(re.findall(r"^\| `(--\S+)` \|", text, re.MULTILINE)) == options
    assert f"{MINIMUM} bytes" in text
    assert f"{MINIMUM_GAIN} bytes" in text


def test_the_pages_name_every_public_name() -> None:
    text = "".join(PAGES.values())
    assert all(name in text for name in dualstatic.__all__)


def test_the_tests_that_hold_the_promises_are_there() -> None:
    sources = "".join(path.read_text() for path in ROOT.glob("tests/**/test_*.py"))
    names = re.findall(r"`(test_\w+)`", "".join(PAGES.values()))
    assert len(names) > 16
    assert [name for name in names if f"def {name}(" not in sources] == []
