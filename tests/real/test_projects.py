"""Whole projects in `examples`, each started with its build missing, then present, then changed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.support.doors import Answer
from tests.support.servers import ROOT, Server, eventually, exchange, free_port, run, serve
from tests.support.trees import write_tree

EXAMPLES = ROOT / "examples"
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
FOREVER = "public, max-age=31536000, immutable"
OLD, NEW = "DqTu4p3k", "Cw81k-Zx"
SCRIPT = "/static/assets/main-{}.js"


@pytest.fixture(params=[False, True], ids=["refreshed", "live"])
def is_live(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the project runs as while one writes it."""
    for name in ("FLASK_DEBUG", "DEBUG", "DJANGO_DEBUG"):
        monkeypatch.delenv(name, raising=False)
        if request.param:
            monkeypatch.setenv(name, "1")
    return bool(request.param)


def vite_build(dist: Path, content_hash: str) -> None:
    """What `vite build` does: it empties the directory, and writes another build."""
    for old in dist.iterdir() if dist.exists() else ():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    script, style = f"assets/main-{content_hash}.js", f"assets/main-{content_hash[::-1]}.css"
    chunk = {"file": script, "name": "main", "src": "src/main.js", "isEntry": True, "css": [style]}
    files = {
        "index.html": f'<script type="module" src="/{script}"></script>',
        script: f"tides('{content_hash}')",
        style: "body { color: #123 }",
        ".vite/manifest.json": json.dumps({"src/main.js": chunk}),
    }
    write_tree(dist, {f"new/{name}": text for name, text in files.items()})
    for name in os.listdir(dist / "new"):
        os.replace(dist / "new" / name, dist / name)
    (dist / "new").rmdir()


def fails(server: Server, target: str, said: str) -> None:
    """It is answered with 500, and the log says why."""
    with closing(server.connect()) as link:
        assert exchange(link, "GET", target, NAVIGATION).status == 500
    eventually(lambda: said in server.words(), 10, server.words)


def refresh(server: Server, target: str) -> Answer:
    """Send the signal that the project takes, and wait until the new file is served."""
    os.kill(server.pid, signal.SIGUSR1)
    eventually(lambda: server.get(target).status == 200, 10, server.words)
    return server.get(target)


def signal_too_early(server: Server, target: str, said: str) -> None:
    """Send the signal while the build is missing: that is told, and the app goes on."""
    told = server.words().count(said)
    os.kill(server.pid, signal.SIGUSR1)
    eventually(lambda: server.words().count(said) > told, 10, server.words)
    assert server.get(target).status == 200


def is_immutable(answer: Answer) -> bool:
    return (answer.status, answer["cache-control"]) == (200, FOREVER)


# A Flask app with a Vite build.


def test_a_flask_app_stands_while_its_vite_build_is_missing_and_serves_each_build(
    is_live: bool, tmp_path: Path
) -> None:
    dist = tmp_path / "dist"
    command = (EXAMPLES / "flask_vite.py", str(free_port()), dist)
    with serve(*command, logs=tmp_path, calm=False) as server:
        assert json.loads(server.get("/api/tides").body) == ["06:12", "18:31"]
        assert b"npm run build" in server.get("/").body
        assert server.get("/nowhere", NAVIGATION).status == 404
        missing = f"directory: {str(dist)!r} does not exist"
        fails(server, SCRIPT.format(OLD), missing)
        signal_too_early(server, "/api/tides", missing)

        vite_build(dist, OLD)
        page = server.get("/").body.decode()
        assert f'src="{SCRIPT.format(OLD)}"' in page
        assert "npm" not in page
        for url in re.findall(r'(?:src|href)="([^"]+)"', page):
            assert is_immutable(server.get(url)), url
        assert server.get("/static/index.html")["cache-control"] == "no-cache"
        assert server.get("/static/.vite/manifest.json").status == 404

        vite_build(dist, NEW)
        new = SCRIPT.format(NEW)
        answer = server.get(new) if is_live else refresh(server, new)
        assert is_immutable(answer)
        assert answer.body == f"tides('{NEW}')".encode()
        assert server.get(SCRIPT.format(OLD)).status == 404
        assert new in server.get("/").body.decode()


# A single-page application at the root, with an API behind it.


def test_an_api_at_the_root_stands_while_its_application_is_missing_and_serves_each_build(
    is_live: bool, tmp_path: Path
) -> None:
    dist = tmp_path / "dist"
    missing = f"directory: {str(dist)!r} does not exist"
    command = (EXAMPLES / "fastapi_spa.py", str(free_port()), dist)
    with serve(*command, logs=tmp_path, calm=False) as server:
        assert server.get("/api/tides/brest").body == b'["06:12","18:31"]'
        assert server.get("/openapi.json").status == 200
        fails(server, "/", missing)
        fails(server, "/settings", missing)
        fails(server, "/assets/main.js", missing)
        signal_too_early(server, "/api/tides/brest", missing)

        vite_build(dist, OLD)
        for route in ("/", "/settings", "/index.html"):
            page = server.get(route, NAVIGATION)
            assert f'src="/assets/main-{OLD}.js"' in page.body.decode()
            assert page["cache-control"] == "no-cache"
        assert is_immutable(server.get(f"/assets/main-{OLD}.js"))
        assert server.get("/assets/other.js", NAVIGATION | {"Accept": "*/*"}).status == 200
        assert server.get("/assets/other.js").status == 404
        assert server.get("/api/tides/brest").body == b'["06:12","18:31"]'
        lacking = server.get("/api/tides/ys", NAVIGATION)
        assert (lacking.status, lacking["content-type"]) == (404, "application/json")

        vite_build(dist, NEW)
        new = f"/assets/main-{NEW}.js"
        answer = server.get(new) if is_live else refresh(server, new)
        assert is_immutable(answer)
        assert server.get(f"/assets/main-{OLD}.js").status == 404
        assert new in server.get("/settings", NAVIGATION).body.decode()


# A Django project with uploads and MIDDLEWARE.

SERVE = """
import sys
sys.path.insert(0, sys.argv[2])
print(f"http://127.0.0.1:{sys.argv[1]}/", flush=True)
import uvicorn
at = {"host": "127.0.0.1", "port": int(sys.argv[1]), "log_level": "warning"}
uvicorn.run("harbour.asgi:application", **at)
"""


class Harbour:
    """A copy of the project, to be run and written to."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        skipped = shutil.ignore_patterns("collected", "media", "__pycache__")
        shutil.copytree(EXAMPLES / "django_site", directory, ignore=skipped)

    def manage(self, *arguments: str) -> str:
        ran = run(self.directory / "manage.py", *arguments)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout + ran.stderr

    def collect(self) -> str:
        """Have collectstatic run, and give the address of the style sheet in the manifest."""
        self.manage("collectstatic", "--no-input")
        paths = json.loads((self.directory / "collected/staticfiles.json").read_text())["paths"]
        return f"/static/{paths['harbour.css']}"

    @contextmanager
    def serve(self, *, calm: bool = True) -> Iterator[Server]:
        command = ("-c", SERVE, str(free_port()), self.directory)
        logs = Path(mkdtemp(dir=self.directory.parent))
        with serve(*command, logs=logs, calm=calm) as server:
            yield server


@pytest.fixture
def harbour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harbour:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "harbour.settings")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    return Harbour(tmp_path / "site")


def upload(server: Server, name: str, content: bytes) -> Answer:
    """Fill in the form of the page."""
    page = server.get("/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.body.decode())
    cookie = re.match(r"csrftoken=\w+", page["set-cookie"])
    assert token
    assert cookie
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n',
        token[1].encode(),
        f'\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"'.encode(),
        b"\r\nContent-Type: text/plain\r\n\r\n" + content + b"\r\n--x--\r\n",
    ]
    fields = {"Cookie": cookie[0], "Content-Type": "multipart/form-data; boundary=x"}
    return server.ask("POST", "/", fields, b"".join(parts))


def test_a_django_site_stands_before_collectstatic_and_serves_what_is_collected(
    is_live: bool, harbour: Harbour
) -> None:
    missing = f"directory: '{harbour.directory / 'collected'}' does not exist"
    style = harbour.directory / "assets/harbour.css"
    with harbour.serve(calm=is_live) as server:
        assert server.get("/api/uploads").body == b'{"uploads": []}'
        assert server.get("/media/a.png").status == 404
        if is_live:  # the finders have it
            assert server.get("/static/harbour.css").status == 200
            assert b'href="/static/harbour.css"' in server.get("/").body
            style.write_text("body { color: black }")
            assert server.get("/static/harbour.css").body == b"body { color: black }"
            return
        fails(server, "/static/harbour.css", missing)
        assert "dualstatic.W001" in server.words()
        harbour.collect()
        assert server.get("/static/harbour.css").status == 200

    old = harbour.collect()
    with harbour.serve() as server:
        assert f'href="{old}"' in server.get("/").body.decode()
        answer = server.get(old, {"Accept-Encoding": "gzip"})
        assert is_immutable(answer)
        assert answer["content-encoding"] == "gzip"
        assert answer["referrer-policy"] == "same-origin"  # that of SecurityMiddleware
        style.write_text("body { color: black }")
        later = style.stat().st_mtime + 2  # collectstatic compares whole seconds
        os.utime(style, (later, later))
        new = harbour.collect()
        assert new != old
        assert server.get(new).status == 404
        assert is_immutable(refresh(server, new))
        assert server.get("/static/harbour.css").body == b"body { color: black }"


def test_uploads_of_the_django_site_are_there_at_once_and_can_do_no_harm(
    is_live: bool, harbour: Harbour
) -> None:
    harbour.collect()
    with harbour.serve() as server:
        for name in ("tide.png", "page.html"):
            assert upload(server, name, b"content").status == 302
        assert b'"/media/page.html", "/media/tide.png"' in server.get("/api/uploads").body
        shown, saved = server.get("/media/tide.png"), server.get("/media/page.html")
        assert shown.body == saved.body == b"content"
        assert "content-disposition" not in shown
        assert saved["content-disposition"] == "attachment"
        assert saved["content-security-policy"] == "sandbox"


def test_manage_check_has_one_warning_before_collectstatic_and_none_after(harbour: Harbour) -> None:
    assert "dualstatic.W001" in harbour.manage("check")
    harbour.collect()
    assert "no issues" in harbour.manage("check")
