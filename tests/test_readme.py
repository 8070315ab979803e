"""Every piece of code in the README runs, and does what stands beside it."""

from __future__ import annotations

import argparse
import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import dualstatic
from dualstatic import StaticFiles, compress
from dualstatic.siblings import MINIMUM, MINIMUM_GAIN

README = Path(__file__).parent.parent / "README.md"
VITE = Path(__file__).parent / "data/manifests/vite.json"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
BLOCKS = BLOCK.findall(README.read_text())
PYTHON = [code for language, code in BLOCKS if language == "python"]

ASK = {
    "wsgi": """
from werkzeug.test import Client
def ask(app, path):
    answer = Client(app).get(path)
    return answer.status_code, answer.data
""",
    "asgi": """
import asyncio
from asgiref.testing import ApplicationCommunicator
async def _ask(app, path):
    scope = {"type": "http", "asgi": {"version": "3.0"}, "method": "GET", "path": path,
             "query_string": b"", "headers": [], "http_version": "1.1", "scheme": "http",
             "raw_path": path.encode(), "server": ("x", 80), "client": ("x", 1), "root_path": ""}
    channel = ApplicationCommunicator(app, scope)
    await channel.send_input({"type": "http.request", "body": b"", "more_body": False})
    status = (await channel.receive_output(5))["status"]
    body, more = b"", True
    while more:
        message = await channel.receive_output(5)
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await channel.wait(5)
    return status, body
def ask(app, path):
    return asyncio.run(_ask(app, path))
""",
}
CHECKS = {
    "Flask(": (
        "assert ask(app, '/static/t.txt') == (200, b'public')\nassert ask(app, '/')[0] == 404"
    ),
    "get_asgi_application": (
        "assert ask(application, '/static/t.txt') == (200, b'root')\n"
        "assert ask(application, '/')[0] == 404"
    ),
    "MIDDLEWARE = [": (
        "from django.conf import settings\n"
        "settings.configure(MIDDLEWARE=MIDDLEWARE, DUALSTATIC=DUALSTATIC, STATIC_URL='static/',\n"
        "    STATIC_ROOT='root', ROOT_URLCONF='mysite.settings', ALLOWED_HOSTS=['*'])\n"
        "from django.core.wsgi import get_wsgi_application\n"
        "application = get_wsgi_application()\n"
        "assert ask(application, '/static/t.txt') == (200, b'root')\n"
        "assert ask(application, '/t.txt') == (200, b'public')\n"
        "assert ask(application, '/')[0] == 404"
    ),
    "add_middleware": (
        "assert ask(app, '/t.txt') == (200, b'dist')\n"
        "assert ask(app, '/') == (200, b'page')\n"
        "assert ask(app, '/nope') == (404, b'{\"detail\":\"Not Found\"}')"
    ),
    "app.mount": (
        "assert ask(app, '/static/t.txt') == (200, b'public')\n"
        "assert ask(app, '/static/nope') == (404, b'Not Found\\n')"
    ),
    "def app(": (
        "assert ask(app, '/static/t.txt') == (200, b'public')\n"
        "assert ask(app, '/app/t.txt') == (200, b'dist')\n"
        "assert ask(app, '/t.txt') == (200, b'the app')"
    ),
    "html=True, immutable=": (
        "from dualstatic import Request\n"
        "cache = {name: dict(files.get_response(Request('GET', name)).headers)['cache-control']\n"
        "         for name in ('/app-3f2a9c1b.js', '/t.txt')}\n"
        "assert 'immutable' in cache['/app-3f2a9c1b.js']\n"
        "assert cache['/t.txt'] == 'no-cache'"
    ),
    "manifests.vite": (
        "from dualstatic import Request\n"
        "cache = {name: dict(files.get_response(Request('GET', name)).headers)['cache-control']\n"
        "         for name in ('/assets/index-FXS6Rcar.js', '/app-3f2a9c1b.js')}\n"
        "assert 'immutable' in cache['/assets/index-FXS6Rcar.js']\n"
        "assert cache['/app-3f2a9c1b.js'] == 'no-cache', 'it is not in the manifest'"
    ),
    "def answer(": (
        "sent = []\n"
        "def send(status, headers, chunks): sent.append((status, b''.join(chunks)))\n"
        "assert answer('GET', '/t.txt', {'range': 'bytes=0-2'}, send)\n"
        "assert not answer('GET', '/nope', {}, send)\n"
        "assert sent == [(206, b'pub')]"
    ),
}


@pytest.mark.parametrize("code", PYTHON, ids=lambda code: code.split("\n\n")[1][:30])
def test_the_code_of_the_readme_runs(code: str, tmp_path: Path) -> None:
    for name in ("public", "dist", "root"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "t.txt").write_text(name)
    (tmp_path / "dist/index.html").write_text("page")
    (tmp_path / "dist/app-3f2a9c1b.js").write_text("js")
    (tmp_path / "dist/assets").mkdir()
    (tmp_path / "dist/assets/index-FXS6Rcar.js").write_text("js")
    (tmp_path / "dist/.vite").mkdir()
    shutil.copy(VITE, tmp_path / "dist/.vite/manifest.json")
    (tmp_path / "mysite").mkdir()
    settings = "SECRET_KEY = 'x'\nALLOWED_HOSTS = ['*']\nSTATIC_ROOT = 'root'\n"
    settings += "STATIC_URL = 'static/'\nROOT_URLCONF = 'mysite.settings'\nurlpatterns = []\n"
    (tmp_path / "mysite/settings.py").write_text(settings)
    checks = [check for key, check in CHECKS.items() if key in code]
    assert len(checks) == 1
    door = "asgi" if re.search(r"dualstatic\.(django\.)?asgi", code) else "wsgi"
    program = f"{code}\n{ASK[door]}\n{checks[0]}\nprint('it runs')"
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(README.parent)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.stdout.endswith("it runs\n"), result.stderr


DIFFS = [code for language, code in BLOCKS if language == "diff"]


@pytest.mark.parametrize("diff", DIFFS, ids=["starlette", "whitenoise"])
def test_an_app_that_moved_over_runs(diff: str, tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "t.txt").write_text("public")
    lines = [line[1:] for line in diff.splitlines() if not line.startswith("-")]
    code = "\n".join(lines)
    assert "dualstatic" in code
    door = "asgi" if "dualstatic.asgi" in code else "wsgi"
    checks = (
        "assert ask(app, '/static/t.txt') == (200, b'public')\n"
        "assert ask(app, '/static/nope')[0] == 404\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\n{ASK[door]}\n{checks}\nprint('it runs')"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(README.parent)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.stdout == "it runs\n", result.stderr


def test_every_recipe_is_checked() -> None:
    assert len(PYTHON) == len(CHECKS)


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
    compress.add_arguments(parser)
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
