"""Django projects as users have them: collected, in development, and each door on real servers."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from dualstatic import Request, StaticFiles
from tests.support.django_project import ADMIN, ASK_EACH_WAY, LIBRARY, Project
from tests.support.doors import Answer
from tests.support.servers import Server, eventually, exchange
from tests.support.trees import noise, settle, write_tree

BIG = 32 * 2**20
LARGE = 2**20 + 1
"""The size of a file that is not kept in memory."""
ZIPPED = b"zipped" * 90
FOREVER = "public, max-age=31536000, immutable"
ABOVE = """
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.middleware.common.CommonMiddleware",
    "dualstatic.django.StaticMiddleware",
]
"""
ALONE = """
MIDDLEWARE = ["dualstatic.django.StaticMiddleware"]
"""
# Django under ASGI has all above a middleware that is sync only be sync, too.
SYNC_BELOW = """
def sync_only(get_response):
    return lambda request: get_response(request)

MIDDLEWARE = ["dualstatic.django.StaticMiddleware", "mysite.below.sync_only"]
"""
SECURE = (
    ABOVE
    + """
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 3600
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
"""
)
# Collectstatic takes a directory under one prefix only, the finders under each.
DEBUG = """
DEBUG = True
STATIC_ROOT = None
STATICFILES_DIRS.insert(2, ("old", BASE_DIR / "vendor"))
"""
WAYS = {
    "wsgi": ("plain", "gunicorn"),
    "asgi": ("plain", "uvicorn"),
    "middleware on wsgi": ("above", "gunicorn"),
    "middleware on asgi": ("above", "uvicorn"),
}
MIDDLEWARE_WAYS = {
    "wsgi": ("alone", "gunicorn"),
    "asgi": ("alone", "uvicorn"),
    "asgi, sync": ("below", "uvicorn"),
}
SERVERS = ("gunicorn", "uvicorn")
# What SecurityMiddleware adds by default, and the servers.
OF_OTHERS = {
    "connection",
    "cross-origin-opener-policy",
    "date",
    "referrer-policy",
    "server",
    "transfer-encoding",
    "x-content-type-options",
}

Start = Callable[..., Server]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose files are collected, in a directory of its own."""
    made = Project(tmp_path_factory.mktemp("project"))
    for name, text in {
        "whole": ADMIN,  # to collect its files; what serves them needs no more of it
        "plain": "",
        "above": ABOVE,
        "alone": ALONE,
        "below": SYNC_BELOW,
        "secure": SECURE,
        "debug": ADMIN + DEBUG,
        "debug_middleware": ADMIN + DEBUG + ALONE,
    }.items():
        made.settings(name, text)
    made.manage("whole", "collectstatic", "--noinput", "-v", "0")
    content = noise(BIG)
    (made.root / "big.bin").write_bytes(content)
    (made.root / "large.bin").write_bytes(content[:LARGE])
    (made.root / "vendor/lib.js.gz").write_bytes(ZIPPED)
    return made


@pytest.fixture(scope="module")
def start(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start a server of the project once, and end it with the module."""
    running: dict[tuple[str, ...], Server] = {}
    with ExitStack() as stack:

        def start(settings: str, server: str, *more: str, mount: str = "") -> Server:
            key = (settings, server, *more, mount)
            if key not in running:
                logs = tmp_path_factory.mktemp("logs")
                serving = project.serve(settings, server, *more, mount=mount, logs=logs)
                running[key] = stack.enter_context(serving)
            return running[key]

        yield start


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def server(request: pytest.FixtureRequest, start: Start) -> Server:
    return start(*request.param)


@pytest.fixture(params=MIDDLEWARE_WAYS.values(), ids=MIDDLEWARE_WAYS)
def middleware(request: pytest.FixtureRequest, start: Start) -> Server:
    return start(*request.param)


@pytest.fixture(scope="module")
def files(project: Project) -> StaticFiles:
    return StaticFiles(project.root, prefix="/static")


def manifest(project: Project) -> dict[str, str]:
    paths: dict[str, str] = json.loads((project.root / "staticfiles.json").read_text())["paths"]
    return paths


def fields_of(answer: Answer) -> dict[str, str]:
    fields = [(name.lower(), value) for name, value in answer.fields]
    ours = [(name, value) for name, value in fields if name not in OF_OTHERS]
    assert len(dict(ours)) == len(ours)
    return dict(ours)


# What collectstatic wrote.


def test_each_collected_file_is_served_byte_for_byte(server: Server, project: Project):
    paths = [path for path in project.root.rglob("*") if path.is_file()]
    assert len(paths) > 250
    with closing(server.connect()) as connection:
        for path in paths:
            target = f"/static/{quote(path.relative_to(project.root).as_posix())}"
            answer = exchange(connection, "GET", target)
            assert (target, answer.status) == (target, 200)
            assert answer.body == path.read_bytes()


def test_collected_files_have_the_types_that_browsers_insist_on(server: Server):
    types = {
        "admin/css/base.css": "text/css; charset=utf-8",
        "admin/js/core.js": "text/javascript; charset=utf-8",
        "admin/img/icon-yes.svg": "image/svg+xml",
        "größe.txt": "text/plain; charset=utf-8",
        "staticfiles.json": "application/json",
        "big.bin": "application/octet-stream",
    }
    found = {name: server.ask("HEAD", f"/static/{quote(name)}")["content-type"] for name in types}
    assert found == types


def test_the_hashed_names_and_no_others_are_immutable(server: Server, project: Project):
    paths = manifest(project)
    hashed = set(paths.values())
    assert len(hashed) > 120
    with closing(server.connect()) as connection:
        for name in [*paths, *hashed, "staticfiles.json"]:
            answer = exchange(connection, "HEAD", f"/static/{quote(name)}")
            wanted = FOREVER if name in hashed else "no-cache"
            assert (name, answer["cache-control"]) == (name, wanted)


def test_what_is_no_file_is_the_apps(server: Server):
    assert server.get("/url/site.js").body.startswith(b"/static/site.")
    for target in ("/static/nothing", "/static/", "/static", "/static/../run.py", "/site.js"):
        assert server.get(target).status == 404
    assert server.get("/static/admin/css%2fbase.css").status == 404
    assert server.ask("POST", "/static/site.js").status in (403, 404)


EACH_WAY = [
    ("GET", {}, 200),
    ("GET", {"Accept-Encoding": "gzip"}, 200),
    ("HEAD", {}, 200),
    ("HEAD", {"Accept-Encoding": "gzip"}, 200),
    ("GET", {"If-None-Match": "{etag}"}, 304),
    ("GET", {"If-None-Match": "{etag}", "Accept-Encoding": "gzip"}, 304),
    ("GET", {"If-Modified-Since": "{modified}"}, 304),
    ("GET", {"Range": "bytes=1-4"}, 206),
    ("GET", {"Range": "bytes=1-400", "Accept-Encoding": "gzip"}, 206),
    ("GET", {"Range": "bytes=1-4,7-9"}, 206),
    ("GET", {"Range": "bytes=1-4", "If-Range": '"other"'}, 200),
    ("GET", {"Range": "bytes=99999999-"}, 416),
    ("GET", {"If-Match": '"other"'}, 412),
]


@pytest.mark.parametrize("name", ["admin/css/base.css", "vendor/lib.js", "large.bin"])
def test_the_answer_has_the_fields_of_the_core_and_no_others(
    server: Server,
    project: Project,
    files: StaticFiles,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
):
    settle(monkeypatch)
    target, content = f"/static/{name}", (project.root / name).read_bytes()
    for method, fields, status in EACH_WAY:
        coding = {"accept-encoding": fields.get("Accept-Encoding", "")}
        plain = files.answer(Request("HEAD", target, headers=coding))
        assert plain is not None
        known = dict(plain.headers)
        filled = {
            key: value.format(etag=known["etag"], modified=known["last-modified"])
            for key, value in fields.items()
        }
        if name == "large.bin":
            # Its tag is weak while it is new, for the server, whose clock doesn't go ahead.
            eventually(lambda: server.ask("HEAD", target)["etag"] == known["etag"], 10)  # noqa: B023 - it is called at once
        answer = server.ask(method, target, filled)
        assert answer.status == status, (method, fields)
        check_answer(answer, files, Request(method, target, headers=lower(filled)), content)


def lower(fields: dict[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in fields.items()}


def check_answer(answer: Answer, files: StaticFiles, request: Request, content: bytes):
    """It has the fields that the core gives it, and their body."""
    response = files.answer(request)
    assert response is not None
    assert response.status == answer.status
    wanted = {key: value for key, value in response.headers if key not in OF_OTHERS}
    found = fields_of(answer)
    if answer.status == 206 and "multipart" in wanted["content-type"]:
        wanted.pop("content-type")  # its boundary is of the process
        assert found.pop("content-type").startswith("multipart/byteranges")
    assert found == wanted, request
    content = ZIPPED if "content-encoding" in answer else content
    if request.method == "HEAD" or answer.status == 304:
        assert answer.body == b"", request
    elif request.headers.get("range") == "bytes=1-4" and answer.status == 206:
        assert answer.body == content[1:5], request
    elif answer.status == 200:
        assert answer.body == content, request


# SecurityMiddleware above the files.


@pytest.mark.parametrize("kind", SERVERS)
def test_a_file_is_redirected_to_https_where_the_settings_say_so(start: Start, kind: str):
    answer = start("secure", kind).get("/static/site.js")
    assert answer.status == 301
    assert answer["location"].startswith("https://127.0.0.1:")
    assert answer["location"].endswith("/static/site.js")


@pytest.mark.parametrize("kind", SERVERS)
def test_a_file_has_the_hsts_field_where_the_settings_say_so(start: Start, kind: str):
    answer = start("secure", kind).get("/static/site.js", {"X-Forwarded-Proto": "https"})
    assert answer.status == 200
    assert answer["strict-transport-security"] == "max-age=3600"


# Large files through MIDDLEWARE.


def memory_of(server: Server) -> int:
    """The most that one of the processes has had in memory, in bytes."""
    peaks = []
    for process in (server.pid, *server.workers()):
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        peaks += [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
    return max(peaks)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_large_file_takes_little_memory_and_arrives_whole(middleware: Server, project: Project):
    middleware.get("/static/site.js")
    middleware.get("/static/big.bin", {"Range": "bytes=0-1048576"})
    before = memory_of(middleware)
    answer = middleware.get("/static/big.bin")
    content = (project.root / "big.bin").read_bytes()
    assert answer.body == content
    assert memory_of(middleware) - before < 16 * 2**20
    assert "must consume" not in middleware.words()


@pytest.mark.parametrize("fields", ["", "Range: bytes=1-\r\n"], ids=["whole", "range"])
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_client_that_leaves_leaves_no_open_file(
    middleware: Server, project: Project, fields: str
):
    path = str((project.root / "big.bin").resolve())
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(10)
        client.connect(middleware.address)
        request = f"GET /static/big.bin HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"
        client.sendall(request.encode())
        assert client.recv(8) == b"HTTP/1.1"
        eventually(lambda: path in middleware.open_files(), 10, middleware.words)
    eventually(lambda: path not in middleware.open_files(), 10, middleware.words)
    assert middleware.get("/static/more.txt").body == b"more"


@pytest.mark.parametrize(("settings", "kind"), MIDDLEWARE_WAYS.values(), ids=MIDDLEWARE_WAYS)
def test_a_file_that_shrinks_on_its_way_ends_the_connection(
    project: Project, tmp_path: Path, settings: str, kind: str
):
    path = project.root / "shrinking.bin"
    path.write_bytes(bytes(BIG))
    with project.serve(settings, kind, logs=tmp_path, calm=False) as server:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(10)
            client.connect(server.address)
            lines = "/static/shrinking.bin HTTP/1.1\r\nHost: localhost\r\n\r\n"
            client.sendall(f"GET {lines}HEAD {lines}".encode())
            received = client.recv(4096)
            with path.open("r+b") as file:
                file.truncate(4096)
            received += read_to_the_end(client)
        assert received.count(b"HTTP/1.1") == 1, "the next answer was sent as the rest of this one"
        assert len(received) < BIG
        assert server.get("/static/shrinking.bin").body == bytes(4096)
    path.unlink()


def read_to_the_end(client: socket.socket) -> bytes:
    received = bytearray()
    try:
        while chunk := client.recv(2**18):
            received += chunk
    except ConnectionResetError:
        pass  # an end as good as any
    return bytes(received)


# Development.


@pytest.mark.parametrize("more", [(), ("--nostatic",)], ids=["static", "nostatic"])
@pytest.mark.parametrize("settings", ["debug", "debug_middleware"])
def test_runserver_serves_what_the_finders_find(
    start: Start, project: Project, settings: str, more: tuple[str, ...]
):
    server = start(settings, "runserver", *more)
    found = {
        name: server.get(f"/static/{quote(name)}").body.decode()
        for name in (
            "both.txt",
            "vendor/lib.js",
            "old/lib.js",
            "vendor/both.js",
            "more.txt",
            "größe.txt",
            "shop/sea.svg",
        )
    }
    assert found == {
        "both.txt": "of the assets",
        "vendor/lib.js": LIBRARY,
        "old/lib.js": LIBRARY,
        "vendor/both.js": "of the assets",
        "more.txt": "more",
        "größe.txt": "breit",
        "shop/sea.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    }
    assert b"DJANGO" in server.get("/static/admin/css/base.css").body
    assert server.get("/static/lib.js").status == 404
    # Django's own has no tags: with --nostatic, it is us who answer.
    assert ("etag" in server.get("/static/more.txt")) == bool(more)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ("debug", "uvicorn"),
        ("debug_middleware", "uvicorn"),
        ("debug", "gunicorn"),
        ("debug_middleware", "gunicorn"),
    ],
)
def test_a_file_written_in_development_is_there_at_once(
    start: Start, project: Project, settings: str, kind: str
):
    server = start(settings, kind)
    path = project.directory / f"vendor/{settings}-{kind}.txt"
    assert server.get(f"/static/vendor/{path.name}").status == 404
    for text in ("first", "and then"):
        path.write_text(text)
        assert server.get(f"/static/vendor/{path.name}").body == text.encode()
    path.unlink()
    assert server.get(f"/static/vendor/{path.name}").status == 404


def test_runserver_without_the_staticfiles_app_serves_static_root(project: Project, tmp_path: Path):
    text = "DEBUG = True\nINSTALLED_APPS.remove('django.contrib.staticfiles')"
    text += "\nSTATICFILES_DIRS = []"
    settings = project.settings("no_app", text)
    with project.serve(settings, "runserver", logs=tmp_path) as server:
        assert server.get("/static/more.txt").body == b"more"
        assert "etag" in server.get("/static/more.txt")


def test_runserver_and_the_test_client_run_no_application_of_asgi_py(project: Project):
    settings = project.settings("half", "WSGI_APPLICATION = 'mysite.half_wsgi.application'")
    (project.directory / "mysite/half_wsgi.py").write_text(
        "from django.core.wsgi import get_wsgi_application as get\napplication = get()\n"
    )
    code = """
from django.core.servers.basehttp import get_internal_wsgi_application
from django.test import Client as TestClient
from werkzeug.test import Client
import mysite.asgi
path = '/static/more.txt'
say([Client(get_internal_wsgi_application()).get(path).status_code,
    TestClient().get(path).status_code])
"""
    assert project.ask(settings, code) == [404, 404]


# Mount points.


@pytest.mark.parametrize("settings", ["plain", "alone"])
@pytest.mark.parametrize(("kind", "before"), [("gunicorn", "/app"), ("uvicorn", "")])
def test_below_a_mount_point_the_urls_of_django_lead_to_the_files(
    start: Start, project: Project, settings: str, kind: str, before: str
):
    # Uvicorn takes it that what stands in front has cut the mount point off.
    server = start(settings, kind, mount="/app")
    # The first request is for a file, so that its URL is asked for when Django knows the mount.
    assert server.get(f"{before}/static/more.txt").body == b"more"
    url = server.get(f"{before}/url/more.txt").body.decode()
    assert url == f"/app/static/{manifest(project)['more.txt']}"
    answer = server.get(before + url.removeprefix("/app"))
    assert (answer.body, answer["cache-control"]) == (b"more", FOREVER)


@pytest.mark.parametrize("url", ["static/", "/app/static/"])
@pytest.mark.parametrize("middleware", ["", ALONE], ids=["door", "middleware"])
@pytest.mark.parametrize(
    ("kind", "targets"),
    [("gunicorn", ["/static/"]), ("uvicorn", ["/static/", "/app/static/"])],
    ids=["gunicorn", "uvicorn"],
)
def test_below_force_script_name_files_are_where_django_has_its_own_paths(
    project: Project, tmp_path: Path, url: str, middleware: str, kind: str, targets: list[str]
):
    text = f"FORCE_SCRIPT_NAME = '/app'\nSTATIC_URL = {url!r}\n"
    settings = project.settings("forced", text + middleware)
    with project.serve(settings, kind, logs=tmp_path) as server:
        for target in targets:
            assert server.get(f"{target}more.txt").body == b"more"
            shown = server.get(target.replace("static", "url") + "more.txt").body.decode()
            assert shown == f"/app/static/{manifest(project)['more.txt']}"
            assert server.get(f"/apparently{target}more.txt").status == 404


@pytest.mark.parametrize("middleware", ["", ALONE], ids=["door", "middleware"])
@pytest.mark.parametrize("kind", ["gunicorn", "uvicorn"])
def test_the_mount_point_without_its_slash_is_redirected(
    project: Project, tmp_path: Path, middleware: str, kind: str
):
    (project.directory / "site").mkdir(exist_ok=True)
    (project.directory / "site/index.html").write_text("home")
    # gunicorn is told the mount point, and uvicorn would add it to the path.
    forced = "FORCE_SCRIPT_NAME = '/app'\n" if kind == "uvicorn" else ""
    options = "DUALSTATIC = {'html': True, 'files': BASE_DIR / 'site'}\n"
    settings = project.settings("at_the_mount", forced + options + middleware)
    mount = {} if forced else {"mount": "/app"}
    with project.serve(settings, kind, **mount, logs=tmp_path) as server:
        for _ in range(2):
            answer = server.get("/app?q=1")
            assert (answer.status, answer["location"]) == (307, "./app/?q=1")
            assert server.get("/app/").body == b"home"


# Settings and options, in a process of their own.

ASK = f"""
from django.conf import settings
from dualstatic import Request
FOREVER = {FOREVER!r}
def ask(files, name):
    answer = files.answer(Request('GET', f'/static/{{name}}'))
    return answer and [answer.status, dict(answer.headers)['cache-control']]
"""

PREFIXES = """
from django.conf import settings
from django.test import override_settings
from dualstatic.django import static_files
found = []
for values in json.loads({rows!r}):
    with override_settings(**values):
        try:
            found.append([files.site.settings.prefix for files in static_files()])
        except Exception as error:
            found.append(f"{{type(error).__name__}}: {{error}}")
say(found)
"""


def test_the_prefix_is_the_path_of_static_url(project: Project):
    table: list[tuple[dict[str, Any], list[str]]] = [
        ({"STATIC_URL": "static/"}, ["/static"]),
        ({"STATIC_URL": "/static/"}, ["/static"]),
        ({"STATIC_URL": "/a/b%20c/"}, ["/a/b c"]),
        ({"STATIC_URL": "/", "MEDIA_URL": "/media/"}, [""]),
        ({"STATIC_URL": "https://cdn.example.com/s/"}, ["/s"]),
        ({"STATIC_URL": "http://cdn.example.com"}, [""]),
        ({"STATIC_URL": "//cdn.example.com/s/t/"}, ["/s/t"]),
        ({"STATIC_URL": "s/", "FORCE_SCRIPT_NAME": "/app"}, ["/s"]),
        ({"STATIC_URL": "app/s/", "FORCE_SCRIPT_NAME": "/app"}, ["/app/s"]),
        ({"STATIC_URL": "/app/s/", "FORCE_SCRIPT_NAME": "/app/"}, ["/s"]),
        ({"STATIC_URL": "/apps/s/", "FORCE_SCRIPT_NAME": "/app"}, ["/apps/s"]),
        ({"STATIC_URL": "https://cdn.example/app/s/", "FORCE_SCRIPT_NAME": "/app"}, ["/s"]),
        ({"STATIC_URL": "/app/s/", "DUALSTATIC": {"prefix": "/s"}}, ["/s"]),
    ]
    rows = json.dumps([values for values, _ in table])
    assert project.ask("plain", PREFIXES.format(rows=rows)) == [wanted for _, wanted in table]


def test_a_wrong_setting_raises_with_its_name_and_what_it_takes(project: Project):
    table: list[tuple[dict[str, Any], str]] = [
        ({"STATIC_URL": None}, "ImproperlyConfigured: STATIC_URL takes a URL"),
        ({"STATIC_URL": ""}, "ImproperlyConfigured: STATIC_URL takes a URL"),
        ({"STATIC_URL": "a/../b/"}, "ImproperlyConfigured: STATIC_URL takes a URL"),
        ({"DUALSTATIC": {"finders": 1}}, "TypeError: finders takes True or False, not 1"),
        ({"DUALSTATIC": {"memory": -1}}, "ValueError: memory takes"),
        ({"DUALSTATIC": {"immutable": 7}}, "TypeError: immutable takes"),
        ({"DUALSTATIC": {"colour": 1}}, "TypeError: colour is none of the options: cache_control"),
        ({"DUALSTATIC": {"directory": "x"}}, "TypeError: directory is none of the options"),
        ({"DUALSTATIC": ["html"]}, "ImproperlyConfigured: DUALSTATIC takes a dict of options"),
        ({"DUALSTATIC": {"files": 7}}, "TypeError: files takes directories and StaticFiles, not 7"),
    ]
    rows = json.dumps([values for values, _ in table])
    said = project.ask("plain", PREFIXES.format(rows=rows))
    for (values, wanted), found in zip(table, said, strict=True):
        assert isinstance(found, str), values
        assert found.startswith(wanted)


def test_directories_of_one_prefix_that_follow_each_other_are_looked_up_together(
    project: Project,
):
    code = """
from dualstatic.django import static_files
every = [files.site.settings for files in static_files()]
say([[one.prefix, [os.path.basename(path) for path in one.directories]] for one in every])
"""
    assert project.ask("debug", code) == [
        ["/static", ["assets"]],
        ["/static/vendor", ["vendor"]],
        ["/static/old", ["vendor"]],
        ["/static", ["more", "static", "static"]],
    ]


def test_without_debug_a_missing_directory_of_the_finders_is_left_out(project: Project):
    text = "STATICFILES_DIRS = [BASE_DIR / 'nowhere', BASE_DIR / 'more']\n"
    text += "DUALSTATIC = {'finders': True}"
    settings = project.settings("missing", text)
    code = """
from dualstatic.django import refresh, static_files
[files] = static_files()
refresh()
say([os.fspath(path) for path in files.site.settings.directories])
"""
    paths = project.ask(settings, code)
    assert [Path(path).name for path in paths] == ["more", "static"]


@pytest.mark.parametrize("more", ["", "DUALSTATIC = {'check_dir': False}"])
@pytest.mark.parametrize("wrapped", [True, False], ids=["wrapped", "middleware"])
def test_a_folder_that_a_build_makes_later_is_seen_in_development(
    project: Project, wrapped: bool, more: str, tmp_path: Path
):
    text = f"{more}\nSTATICFILES_DIRS = [{str(tmp_path / 'dist')!r}, BASE_DIR / 'more']"
    text = DEBUG.partition("STATICFILES_DIRS")[0] + text + ("" if wrapped else ALONE)
    settings = project.settings(f"later_{wrapped}", text)
    code = f"""
ask = lambda name: [ask_wsgi('/static/' + name), ask_asgi('/static/' + name)]
said = [ask('more.txt'), ask('a.js')]
os.mkdir({str(tmp_path / "dist")!r})
open({str(tmp_path / "dist/a.js")!r}, 'w').close()
say([*said, ask('a.js'), ask('more.txt')])
"""
    each_way = ASK_EACH_WAY.replace("WRAPPED", str(wrapped))
    assert project.ask(settings, each_way + code) == [[200] * 2, [404] * 2, [200] * 2, [200] * 2]


def test_a_finder_that_lists_nothing_is_asked_for_its_storage(project: Project):
    text = """
from django.contrib.staticfiles.finders import BaseStorageFinder
from django.core.files.storage import FileSystemStorage, Storage
class Own(BaseStorageFinder):
    storage = FileSystemStorage(location=BASE_DIR / 'more')
    def list(self, ignore_patterns):
        return []
class Remote(BaseStorageFinder):
    storage = Storage
    def list(self, ignore_patterns):
        raise OSError('asked over the network')
STATICFILES_FINDERS = ['mysite.listless.Remote', 'mysite.listless.Own']
"""
    settings = project.settings("listless", DEBUG + text + ALONE)
    code = """
from django.test import Client
say(Client().get('/static/more.txt').getvalue().decode())
"""
    assert project.ask(settings, code) == "more"


def test_a_finder_of_another_kind_is_asked_where_its_files_are(project: Project):
    text = (
        "from django.contrib.staticfiles.finders import BaseStorageFinder\n"
        "from django.core.files.storage import FileSystemStorage\n"
        "class Own(BaseStorageFinder):\n"
        "    storage = FileSystemStorage(location=BASE_DIR / 'more')\n"
        "STATICFILES_FINDERS = ['mysite.own_finder.Own']\n"
    )
    settings = project.settings("own_finder", DEBUG + text)
    code = """
from dualstatic.django import static_files
every = [files.site.settings for files in static_files()]
say([[one.prefix, [os.path.basename(path) for path in one.directories]] for one in every])
"""
    assert project.ask(settings, code) == [["/static", ["more"]]]


def test_the_files_are_asked_for_before_the_apps_and_with_the_options_of_the_setting(
    project: Project,
):
    text = (
        "import dualstatic\n"
        "DUALSTATIC = {\n"
        "    'cache_control': 'max-age=60', 'immutable': '^more', 'headers': {'X-A': 'b'},\n"
        "    'stored_encodings': {'.txt': 'gzip'},\n"
        "    'files': dualstatic.StaticFiles(BASE_DIR / 'assets'),\n"
        "}\n"
    )
    settings = project.settings("options", text + ALONE)
    code = """
from django.test import Client
found = {}
for path in ('/static/site.js', '/static/more.txt', '/site.js', '/static/' + sys.argv[0]):
    answer = Client().get(path)
    names = ('Cache-Control', 'X-A', 'Content-Encoding')
    found[path] = [answer.status_code, *map(answer.get, names)]
say(found)
"""
    assert project.ask(settings, code) == {
        "/static/site.js": [200, "max-age=60", "b", None],
        "/static/more.txt": [200, FOREVER, "b", "gzip"],
        "/site.js": [200, "no-cache", None, None],
        "/static/-c": [404, None, None, None],
    }


@pytest.mark.parametrize("debug", [True, False])
def test_a_directory_among_the_files_has_the_same_options_at_the_root(
    project: Project, debug: bool
):
    text = (
        f"DEBUG = {debug}\n"
        "DUALSTATIC = {'cache_control': 'max-age=60', 'html': True, 'files': [BASE_DIR / 'here']}\n"
    )
    (project.directory / "here").mkdir(exist_ok=True)
    (project.directory / "here/index.html").write_text("home")
    settings = project.settings("here", text + ALONE)
    code = """
from django.conf import settings
from django.test import Client
client = Client()
home = client.get('/')
(settings.BASE_DIR / 'here/index.html').write_text('home again')
say([home.getvalue().decode(), home['Cache-Control'], client.get('/').getvalue().decode()])
"""
    then = "home again" if debug else "home"
    assert project.ask(settings, code) == ["home", "max-age=60", then]


@pytest.mark.parametrize("backend", ["StaticFilesStorage", "ManifestStaticFilesStorage"])
def test_without_static_root_the_files_alone_are_served(project: Project, backend: str):
    text = f"""
STATIC_ROOT = None
STORAGES["staticfiles"] = {{"BACKEND": "django.contrib.staticfiles.storage.{backend}"}}
DUALSTATIC = {{'files': BASE_DIR / 'more'}}
"""
    settings = project.settings("rootless", text + ALONE)
    code = """
from django.test import Client
say([Client().get(path).status_code for path in ('/more.txt', '/static/more.txt')])
"""
    assert project.ask(settings, code) == [200, 404]


@pytest.mark.parametrize("backend", ["StaticFilesStorage", "ManifestStaticFilesStorage"])
def test_a_storage_with_a_place_of_its_own_is_served_from_there(
    project: Project, backend: str, tmp_path: Path
):
    text = f"""
STATIC_ROOT = None
STORAGES["staticfiles"] = {{
    "BACKEND": "django.contrib.staticfiles.storage.{backend}",
    "OPTIONS": {{"location": {str(tmp_path / "own")!r}}},
}}
"""
    settings = project.settings("placed", text)
    project.manage(settings, "collectstatic", "--noinput", "-v", "0")
    code = f"""
from dualstatic.django import static_files
[files] = static_files()
names = [path.name for path in __import__('pathlib').Path({str(tmp_path / "own")!r}).glob('more*')]
say(dict((name, ask(files, name)) for name in names))
"""
    found = project.ask(settings, ASK + code)
    assert found.pop("more.txt") == [200, "no-cache"]
    assert list(found.values()) == [[200, FOREVER]] * (backend != "StaticFilesStorage")


def test_a_manifest_of_a_build_to_come_stops_nothing(project: Project):
    text = """
from dualstatic import manifests
(BASE_DIR / 'dist').mkdir(exist_ok=True)
(BASE_DIR / 'dist/app-BwRtDk2x.js').write_text('tides()')
DUALSTATIC = {'files': BASE_DIR / 'dist', 'immutable': manifests.vite(BASE_DIR / 'dist/vite.json')}
"""
    settings = project.settings("unbuilt", text + ALONE)
    project.manage(settings, "collectstatic", "--noinput", "--dry-run", "-v", "0")
    code = """
from django.conf import settings
from django.core.checks import run_checks
from django.test import Client
client, path = Client(), '/app-BwRtDk2x.js'
before = client.get(path)['Cache-Control']
said = [each.msg for each in run_checks() if each.id == 'dualstatic.W004']
text = json.dumps({'src/app.js': {'file': path[1:], 'name': 'app', 'src': 'src/app.js'}})
(settings.BASE_DIR / 'dist/vite.json').write_text(text)
dualstatic.django.refresh()
say([said, before, client.get(path)['Cache-Control']])
"""
    [said], *found = project.ask(settings, "import dualstatic.django\n" + code)
    assert said.startswith("immutable: there is no manifest at '")
    assert said.endswith("; Vite, with build.manifest: true, writes it")
    assert found == ["no-cache", FOREVER]


@pytest.mark.parametrize(
    ("stored", "immutable"),
    [("Manifest", "None"), ("", "manifests.vite(BASE_DIR / 'store/vite.json')")],
)
def test_files_of_earlier_builds_are_served_beside_a_manifest(
    project: Project, stored: str, immutable: str
):
    text = f"""
from dualstatic import manifests
STORAGES["staticfiles"]["BACKEND"] = (
    "django.contrib.staticfiles.storage.{stored}StaticFilesStorage"
)
DUALSTATIC = {{'previous': BASE_DIR / 'store', 'immutable': {immutable}}}
"""
    names = ["app.0123456789ab.css", "app-Dk3jf93a.js", "plain.css"]
    write_tree(
        project.directory, {"store/vite.json": "{}", **{f"store/{name}": "x" for name in names}}
    )
    settings = project.settings(f"earlier{stored}", text + ALONE)
    code = f"""
from django.test import Client
answers = [Client().get(f'/static/{{name}}') for name in {names}]
say([answer.get('Cache-Control') for answer in answers])
"""
    assert project.ask(settings, code) == [FOREVER, FOREVER, None]


def test_an_argument_comes_before_the_setting(project: Project):
    settings = project.settings("both", "DUALSTATIC = {'prefix': '/a', 'finders': True}")
    code = """
from dualstatic.django import static_files
say([files.site.settings.prefix for files in static_files(prefix='/b', finders=False)])
"""
    assert project.ask(settings, code) == ["/b"]


def test_the_finders_directories_may_be_indexed_for_the_tests_of_the_project(project: Project):
    text = "STATIC_ROOT = None\nDUALSTATIC = {'finders': True}"
    settings = project.settings("tested", text + ALONE)
    code = """
from django.test import Client
before = Client().get('/static/vendor/lib.js')
say([before.status_code, before.getvalue().decode(), Client().get('/static/lib.js').status_code])
"""
    assert project.ask(settings, code) == [200, LIBRARY, 404]


@pytest.mark.parametrize("client", ["Client", "AsyncClient"])
def test_a_folder_is_redirected_and_its_index_shown(project: Project, client: str):
    text = "DEBUG = True\nDUALSTATIC = {'html': True}\nSTATICFILES_DIRS = [BASE_DIR / 'pages']"
    (project.directory / "pages/tour").mkdir(parents=True, exist_ok=True)
    (project.directory / "pages/tour/index.html").write_text("a tour")
    settings = project.settings("indexed", text + ALONE)
    code = f"""
import asyncio, inspect
from django.test import {client}
async def finish(answer):
    return await answer
def get(path):
    answer = {client}().get(path)
    return asyncio.run(finish(answer)) if inspect.isawaitable(answer) else answer
async def whole(chunks):
    return [chunk async for chunk in chunks]
page, moved = get('/static/tour/'), get('/static/tour?day=%C3%A9')
chunks = asyncio.run(whole(page)) if getattr(page, 'is_async', False) else list(page)
say([moved.status_code, moved['Location'], b''.join(chunks).decode(), page.status_code])
"""
    assert project.ask(settings, code) == [307, "./tour/?day=%C3%A9", "a tour", 200]


LOGINS = """
from django.http import HttpResponseRedirect
def own(get_response):
    def middleware(request):
        return get_response(request) if request.user.is_authenticated else HttpResponseRedirect('/')
    return middleware
SESSION_ENGINE = 'django.contrib.sessions.backends.signed_cookies'
DEBUG = True
MIDDLEWARE = [
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.contrib.auth.middleware.AuthenticationMiddleware',
"""


@pytest.mark.parametrize(
    ("login", "status"),
    [("{settings}.own", 302), ("django.contrib.auth.middleware.LoginRequiredMiddleware", 200)],
)
def test_a_login_above_the_files_has_to_be_one_that_asks_by_itself(
    project: Project, login: str, status: int
):
    last = f"    '{login}',\n    'dualstatic.django.StaticMiddleware',\n]"
    text = ADMIN + LOGINS + last.format(settings="mysite.logins")
    settings = project.settings("logins", text)
    code = """
from django.test import Client
say([Client().get('/static/more.txt').status_code, Client().get('/url/a').status_code])
"""
    assert project.ask(settings, code) == [status, 302]


@pytest.mark.parametrize("client", ["Client", "AsyncClient"])
def test_a_method_in_lower_case_is_another_method(project: Project, client: str):
    settings = project.settings("methods", ALONE)
    code = f"""
import asyncio, inspect
from django.test import {client}
def ask(method):
    answer = {client}().generic(method, '/static/more.txt')
    return (asyncio.run(answer) if inspect.isawaitable(answer) else answer).status_code
say([ask('GET'), ask('get')])
"""
    assert project.ask(settings, code) == [200, 404]


@pytest.mark.parametrize("client", ["Client", "AsyncClient"])
def test_the_apps_404_gets_the_page_that_the_setting_promises(project: Project, client: str):
    (project.root / "404.html").write_text("lost")
    settings = project.settings("pages", "DUALSTATIC = {'not_found': '404-page'}" + ALONE)
    code = f"""
import asyncio, inspect
from django.test import {client}
async def whole(chunks):
    return b''.join([chunk async for chunk in chunks])
def content(answer):
    return asyncio.run(whole(answer)) if getattr(answer, 'is_async', 0) else answer.getvalue()
def get(path, **headers):
    answer = {client}().get(path, headers=headers)
    answer = asyncio.run(answer) if inspect.isawaitable(answer) else answer
    return [answer.status_code, content(answer).decode()]
say([
    get('/static/nope', accept='text/html'),
    get('/static/nope.js', accept='text/html')[1] == 'lost',
    get('/nope', accept='text/html')[1] == 'lost',
    get('/url/more.txt', accept='text/html')[0],
])
"""
    assert project.ask(settings, code) == [[404, "lost"], False, False, 200]


@pytest.mark.parametrize("client", ["Client", "AsyncClient"])
def test_the_apps_404_that_might_have_been_a_page_says_on_what_it_depends(
    project: Project, client: str
):
    (project.root / "404.html").write_text("lost")
    settings = project.settings("varying", "DUALSTATIC = {'not_found': '404-page'}" + ALONE)
    code = f"""
import asyncio, inspect
from django.test import {client}
def vary(path, method='get', **headers):
    answer = getattr({client}(), method)(path, headers=headers)
    answer = asyncio.run(answer) if inspect.isawaitable(answer) else answer
    return answer.status_code, 'Sec-Fetch-Mode' in answer.headers.get('Vary', '')
say([
    vary('/static/nope', accept='application/json'),
    vary('/static/nope', 'post', accept='application/json'),
    vary('/nope', accept='application/json'),
    vary('/url/more.txt', accept='application/json'),
])
"""
    assert project.ask(settings, code) == [[404, True], [404, False], [404, False], [200, False]]


@pytest.mark.parametrize("client", ["Client", "AsyncClient"])
def test_the_apps_405_to_a_navigation_gets_the_page_but_one_that_allows_get(
    project: Project, client: str
):
    (project.directory / "mysite/methods_urls.py").write_text("""
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.http import require_GET, require_POST
view = lambda request: HttpResponse('the app')
urlpatterns = [path('post', require_POST(view)), path('get', require_GET(view))]
""")
    (project.root / "404.html").write_text("lost")
    text = "DUALSTATIC = {'not_found': '404-page', 'prefix': '/'}\n"
    text += "ROOT_URLCONF = 'mysite.methods_urls'\n"
    settings = project.settings("only_post", text + ALONE)
    code = f"""
import asyncio, inspect
from django.test import {client}
def ask(method, path):
    answer = getattr({client}(), method)(path, headers={{'Accept': 'text/html'}})
    return (asyncio.run(answer) if inspect.isawaitable(answer) else answer).status_code
say([ask('get', '/post'), ask('post', '/post'), ask('head', '/get'), ask('get', '/get')])
"""
    assert project.ask(settings, code) == [404, 200, 405, 200]


def test_a_404_that_a_page_takes_the_place_of_is_closed(project: Project):
    (project.root / "404.html").write_text("lost")
    text = "DUALSTATIC = {'not_found': '404-page', 'prefix': '/'}\nROOT_URLCONF = 'mysite.gone'\n"
    (project.directory / "mysite/gone.py").write_text("""
from enum import Enum
from io import BytesIO
from django.http import FileResponse
from django.urls import path
class Status(int, Enum):  # as HTTPStatus was until Python 3.11
    NOT_FOUND = 404
held = []
def gone(request):
    held.append(BytesIO(b'gone'))
    response = FileResponse(held[-1])
    response.status_code = Status.NOT_FOUND
    return response
urlpatterns = [path('gone', gone)]
""")
    settings = project.settings("gone_pages", text + ALONE)
    code = """
from django.test import Client
from mysite.gone import held
answer = Client().get('/gone', headers={'accept': 'text/html'})
say([answer.getvalue().decode(), held[0].closed])
"""
    assert project.ask(settings, code) == ["lost", True]


def test_the_first_of_several_pages_is_the_same_for_both_ways(project: Project):
    text = """
import dualstatic
(BASE_DIR / 'first').mkdir(exist_ok=True)
(BASE_DIR / 'first/index.html').write_text('first')
(BASE_DIR / 'second').mkdir(exist_ok=True)
(BASE_DIR / 'second/404.html').write_text('second')
STATIC_ROOT = BASE_DIR / 'first'
DUALSTATIC = {'not_found': 'single-page-application', 'prefix': '/',
    'files': dualstatic.StaticFiles(BASE_DIR / 'second', not_found='404-page')}
"""
    code = """
from django.core.wsgi import get_wsgi_application
from werkzeug.test import Client
import dualstatic.django
app = get_wsgi_application()
app = dualstatic.django.wsgi(app) if WRAPPED else app
say(Client(app).get('/x', headers={'Accept': 'text/html'}).text)
"""
    for wrapped, more in ((False, ALONE), (True, "")):
        settings = project.settings(f"several_{wrapped}", text + more)
        assert project.ask(settings, code.replace("WRAPPED", str(wrapped))) == "first"


def test_what_the_storage_leaves_without_a_hash_is_not_immutable(project: Project):
    text = """
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage

class Storage(ManifestStaticFilesStorage):
    def file_hash(self, name, content=None):
        return None if name == "more.txt" else super().file_hash(name, content)

STATIC_ROOT = BASE_DIR / "partly"
STORAGES["staticfiles"] = {"BACKEND": "mysite.partly.Storage"}
"""
    settings = project.settings("partly", ADMIN + text)
    project.manage(settings, "collectstatic", "--noinput", "-v", "0")
    code = """
from dualstatic.django import static_files
[files] = static_files()
paths = json.load(open(settings.STATIC_ROOT / 'staticfiles.json'))['paths']
say(sorted(name for name in paths.values() if ask(files, name)[1] != FOREVER))
"""
    assert project.ask(settings, ASK + code) == ["more.txt"]


def test_the_hashed_names_are_those_of_the_manifest_function(project: Project, tmp_path: Path):
    names = {
        "a.css": "a.abcdefabcdef.css",
        "b.css": "b.0123456789ab.css",
        "c": "c.0123456789ab",
        "d.css": "d.v2.css",
        "e.css": "e.min.css",
        "f.css": "f.production.css",
        "g.css": "g.css",
        "h.css": "other.0123456789ab.css",
    }
    (tmp_path / "staticfiles.json").write_text(json.dumps({"version": "1.1", "paths": names}))
    for name in names.values():
        (tmp_path / name).touch()
    settings = project.settings("judged", f"STATIC_ROOT = {str(tmp_path)!r}")
    code = f"""
from dualstatic import manifests
from dualstatic.django import static_files
[files] = static_files()
is_immutable = manifests.django({str(tmp_path / "staticfiles.json")!r})
say([[is_immutable(name), ask(files, name)[1] == FOREVER] for name in {list(names.values())!r}])
"""
    wanted = [True] * 3 + [False] * 5
    assert project.ask(settings, ASK + code) == [[value, value] for value in wanted]


COLLECT = """
from django.core.management import call_command
def collect(text):
    open(settings.STATICFILES_DIRS[0] / 'a.css', 'w').write(text)
    call_command('collectstatic', interactive=False, verbosity=0)
    return json.load(open(settings.STATIC_ROOT / 'staticfiles.json'))['paths']['a.css']
"""
COLLECTED = """
INSTALLED_APPS = ['django.contrib.staticfiles']
STATIC_ROOT = BASE_DIR / 'again/root'
STATICFILES_DIRS = [BASE_DIR / 'again/source']
STATICFILES_DIRS[0].mkdir(parents=True, exist_ok=True)
DUALSTATIC = {'live': LIVE}
"""


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("way", ["wrapped", "middleware"])
def test_new_hashed_names_are_immutable_after_each_collectstatic(
    project: Project, way: str, live: bool
):
    shutil.rmtree(project.directory / "again", ignore_errors=True)
    text = COLLECTED.replace("LIVE", str(live)) + (ALONE if way == "middleware" else "")
    settings = project.settings(f"again_{way}_{live}", text)
    code = f"""
from django.core.wsgi import get_wsgi_application
from werkzeug.test import Client
import dualstatic.django
os.makedirs(settings.STATIC_ROOT)
app = get_wsgi_application()
app = dualstatic.django.wsgi(app) if {way == "wrapped"} else app
found = []
for text in ('a{{}}', 'b{{}}'):
    name = collect(text)
    if not {live}:
        dualstatic.django.refresh()
    found.append(Client(app).get('/static/' + name).headers['Cache-Control'])
say(found)
"""
    assert project.ask(settings, ASK + COLLECT + code) == [FOREVER, FOREVER]


def test_refresh_goes_on_where_one_fails_and_keeps_nothing_alive(project: Project):
    (project.directory / "fleeting").mkdir(exist_ok=True)
    (project.directory / "growing").mkdir(exist_ok=True)
    text = """
DUALSTATIC = {'files': [BASE_DIR / 'fleeting', BASE_DIR / 'growing', BASE_DIR / 'fleeting']}
"""
    settings = project.settings("refreshed", text)
    code = """
import gc, weakref
from dualstatic import Request
from dualstatic.django import refresh, static_files
from django.conf import settings
served = static_files()
os.rmdir(settings.BASE_DIR / 'fleeting')
open(settings.BASE_DIR / 'growing/new.txt', 'w').close()
try:
    refresh()
except NotADirectoryError as error:
    said = [str(error).endswith('does not exist')]
said.append(served[2].answer(Request('GET', '/new.txt')).status)
left = weakref.WeakSet(served)
del served
gc.collect()
refresh()
say([*said, len(left)])
"""
    assert project.ask(settings, code) == [True, 200, 0]


SHORTEN = """
from django.utils.decorators import sync_and_async_middleware
import asyncio

def shortened(answer):
    if not answer.streaming:
        answer.content = b' '.join(answer.content.split())
        answer['Content-Length'] = len(answer.content)
    return answer

@sync_and_async_middleware
def shorten(get_response):
    if asyncio.iscoroutinefunction(get_response):
        async def middleware(request):
            return shortened(await get_response(request))
        return middleware
    return lambda request: shortened(get_response(request))

MIDDLEWARE = ['mysite.shorten.shorten', 'dualstatic.django.StaticMiddleware']
(BASE_DIR / 'pages').mkdir(exist_ok=True)
(BASE_DIR / 'pages/index.html').write_text('<p>a     b</p>\\n' * 50)
DUALSTATIC = {'files': BASE_DIR / 'pages', 'html': True, 'memory': MEMORY,
    'not_found': 'single-page-application'}
"""


@pytest.mark.parametrize("memory", [2**20, 0], ids=["memory", "disk"])
@pytest.mark.parametrize("client", ["Client", "AsyncClient"])
def test_no_middleware_shortens_a_page_below_its_tag_and_its_ranges(
    project: Project, client: str, memory: int
):
    settings = project.settings("shorten", SHORTEN.replace("MEMORY", str(memory)))
    code = f"""
import asyncio, inspect
from django.test import {client}
async def whole(answer):
    return b''.join([chunk async for chunk in answer])
def get(path, method='get', **headers):
    answer = getattr({client}(), method)(path, headers=headers)
    answer = asyncio.run(answer) if inspect.isawaitable(answer) else answer
    is_async = getattr(answer, 'is_async', False)
    body = asyncio.run(whole(answer)) if is_async else answer.getvalue()
    return [answer.status_code, answer.get('Content-Length'), len(body)]
say([get('/'), get('/'), get('/', range='bytes=100-199'), get('/', method='head'),
    get('/wiki', accept='text/html')])
"""
    assert project.ask(settings, code) == [
        [200, "750", 750],
        [200, "750", 750],
        [206, "100", 100],
        [200, "750", 0],
        [200, "750", 750],
    ]


def test_to_look_at_the_settings_leaves_no_url_behind(project: Project):
    code = """
from django.urls import set_script_prefix
from django.templatetags.static import static
from django.conf import settings
import dualstatic.django
files = dualstatic.django.static_files()
set_script_prefix('/app/')
say([settings.STATIC_URL, static('more.txt').startswith('/app/static/more.')])
"""
    assert project.ask("plain", code) == ["/app/static/", True]


def test_a_url_that_django_knows_already_stays_known(project: Project):
    code = """
from django.urls import set_script_prefix
from django.conf import settings
import dualstatic.django
set_script_prefix('/app/')
settings.STATIC_URL
set_script_prefix('/other/')
dualstatic.django.static_files()
say(settings.STATIC_URL)
"""
    assert project.ask("plain", code) == "/app/static/"
