"""Mistakes that are typical of Django projects: what is said of each, and at which moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.django_project import ASK_EACH_WAY, Project
from tests.support.servers import run
from tests.support.trees import write_tree

OURS = "dualstatic.django.StaticMiddleware"
WHITENOISE = "whitenoise.middleware.WhiteNoiseMiddleware"
SERVESTATIC = "servestatic.middleware.ServeStaticMiddleware"
PLAIN = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
NO_COLLECTED = "STATIC_ROOT takes the directory that collectstatic writes to, and there is no dir"

# What the settings say, what `manage.py check` says, and what is raised when a server starts:
# nothing, where it starts. What is said begins with these words.
MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    (
        {"DUALSTATIC": ["html"]},
        "E001: DUALSTATIC takes a dict of options, not ['html']",
        "ImproperlyConfigured: DUALSTATIC takes a dict of options",
    ),
    (
        {"DUALSTATIC": {"colour": 1}},
        "E001: DUALSTATIC: colour is none of the options: cache_control, ",
        "TypeError: colour is none of the options",
    ),
    (
        {"DUALSTATIC": {"directory": "public"}},
        "E001: DUALSTATIC: directory is none of the options: ",
        "TypeError: directory is none of the options",
    ),
    (
        {"DUALSTATIC": {"cache_control": 60}},
        "E001: DUALSTATIC: cache_control takes the text of a field, ",
        "TypeError: cache_control takes",
    ),
    (
        {"DUALSTATIC": {"live": "yes"}},
        "E001: DUALSTATIC: live takes ",
        "TypeError: live takes",
    ),
    (
        {"DUALSTATIC": {"finders": 1}},
        "E001: DUALSTATIC: finders takes True or False, not 1",
        "TypeError: finders takes",
    ),
    (
        {"DUALSTATIC": {"check_dir": None}},
        "E001: DUALSTATIC: check_dir takes True or False, not None",
        "TypeError: check_dir takes",
    ),
    (
        {"DUALSTATIC": {"check_dir": None}, "DEBUG": True},
        "E001: DUALSTATIC: check_dir takes True or False, not None",
        "TypeError: check_dir takes",
    ),
    (
        {"DUALSTATIC": {"memory": -1}},
        "E001: DUALSTATIC: memory takes a number of bytes from 0 up, not -1",
        "ValueError: memory takes",
    ),
    (
        {"DUALSTATIC": {"encodings": "br"}},
        "E001: DUALSTATIC: encodings takes a sequence of ",
        "TypeError: encodings takes",
    ),
    (
        {"DUALSTATIC": {"immutable": "("}},
        "E001: DUALSTATIC: immutable takes a regular expression: ",
        "ValueError: immutable takes",
    ),
    (
        {"DUALSTATIC": {"headers": {"ETag": "mine"}}},
        "E001: DUALSTATIC: headers takes no field 'ETag': ",
        "ValueError: headers takes",
    ),
    (
        {"DUALSTATIC": {"prefix": "https://cdn.example/static"}},
        "E001: DUALSTATIC: prefix takes a path ",
        "ValueError: prefix takes",
    ),
    (
        {"DUALSTATIC": {"offload": "X-Accel-Redirect"}, "DEBUG": True},
        "E001: DUALSTATIC: offload takes ",
        "ValueError: offload takes ",
    ),
    (
        {"DUALSTATIC": {"previous": 7, "immutable": "-x"}},
        "E001: DUALSTATIC: previous takes the path of a directory, or None, not 7",
        "TypeError: previous takes",
    ),
    (
        {"DUALSTATIC": {"previous": "/"}, "STORAGES": PLAIN},
        "E002: previous needs immutable, which says what is served of it",
        "ValueError: previous needs immutable",
    ),
    (
        {"DUALSTATIC": {"previous": "/nowhere", "immutable": "-x"}},
        "W002: previous takes a directory that `keep` fills, and there is no directory at '/nowh",
        "",
    ),
    (
        {"DUALSTATIC": {"previous": "/nowhere", "immutable": "-x", "check_dir": True}},
        "W002: previous takes a directory that `keep` fills, and there is no directory at '/nowh",
        "MissingDirectory: previous: '/nowhere' does not exist",
    ),
    (
        {"DUALSTATIC": {"files": 7}},
        "E001: DUALSTATIC: files takes directories and StaticFiles, not 7",
        "TypeError: files takes",
    ),
    (
        {"DUALSTATIC": {"files": [""]}},
        "E001: DUALSTATIC: files takes a path that is not empty, not ''",
        "ValueError: files takes a path that is not empty",
    ),
    (
        {"DUALSTATIC": {"files": ["/nowhere"]}},
        "W002: files takes directories and StaticFiles, and there is no directory at '/nowhere'",
        "",
    ),
    (
        {"DUALSTATIC": {"files": ["/uploads/"]}, "MEDIA_ROOT": "/uploads"},
        "W003: files serves MEDIA_ROOT at the root of the site, not below MEDIA_URL",
        "",
    ),
    (
        {"STATIC_ROOT": None, "STORAGES": PLAIN},
        f"W001: {NO_COLLECTED}ectory at '(STATIC_ROOT is not set)'",
        "",
    ),
    (
        {"STATIC_ROOT": "/nowhere"},
        f"W001: {NO_COLLECTED}ectory at '/nowhere'",
        "",
    ),
    (
        {"STATIC_ROOT": "/nowhere", "DUALSTATIC": {"check_dir": True}},
        f"W001: {NO_COLLECTED}ectory at '/nowhere'",
        "MissingDirectory: ",
    ),
    (
        {"STATIC_URL": None},
        "E002: STATIC_URL takes a URL or its path, such as 'static/', not None",
        "ImproperlyConfigured: STATIC_URL takes",
    ),
    (
        {"STORAGES": {"staticfiles": {"BACKEND": "dualstatic.django.CompressedStorage"}}},
        'E002: Module "dualstatic.django" does not define a "CompressedStorage"',
        'ImportError: Module "dualstatic.django" does not define a "CompressedStorage"',
    ),
    (
        {"MIDDLEWARE": ["dualstatic.wsgi.StaticMiddleware"]},
        f"E003: MIDDLEWARE takes '{OURS}', not 'dualstatic.wsgi.StaticMiddleware'",
        "TypeError: ",
    ),
    (
        {"MIDDLEWARE": ["dualstatic.asgi.StaticMiddleware"]},
        f"E003: MIDDLEWARE takes '{OURS}', not 'dualstatic.asgi.StaticMiddleware'",
        "TypeError: ",
    ),
    (
        {"MIDDLEWARE": ["dualstatic.django.Middleware"]},
        f"E003: MIDDLEWARE takes '{OURS}', not 'dualstatic.django.Middleware'",
        "ImportError: ",
    ),
    (
        {"MIDDLEWARE": [WHITENOISE, OURS]},
        f"W005: MIDDLEWARE has '{WHITENOISE}' beside what dualstatic serves",
        "",
    ),
    (
        {"SERVESTATIC_MAX_AGE": 60},
        "W006: SERVESTATIC_MAX_AGE is a setting of ServeStatic's",
        "",
    ),
    (
        {"SERVESTATIC_ALLOW_UNSAFE_SYMLINKS": True},
        "W006: SERVESTATIC_ALLOW_UNSAFE_SYMLINKS is a setting of ServeStatic's",
        "",
    ),
    (
        {"SERVESTATIC_MINIFY": True},
        "W006: SERVESTATIC_MINIFY is a setting of ServeStatic's",
        "",
    ),
    (
        {"WHITENOISE_MAX_AGE": 60},
        "W006: WHITENOISE_MAX_AGE is a setting of WhiteNoise's",
        "",
    ),
    (
        {"WHITENOISE_KEEP_ONLY_HASHED_FILES": True},
        "W006: WHITENOISE_KEEP_ONLY_HASHED_FILES is a setting of WhiteNoise's",
        "",
    ),
]

HEAD = """
import logging
from django.conf import settings
from django.core.checks import run_checks
from django.test import override_settings

log = []
class Handler(logging.Handler):
    def emit(self, record):
        log.append(record.getMessage())
logging.getLogger('dualstatic').addHandler(Handler())

def checked():
    return [f'{each.id}: {each.msg}' for each in run_checks() if each.id.startswith('dualstatic')]

def raised(work):
    try:
        work()
    except Exception as error:
        return f'{type(error).__name__}: {error}'
    return ''
"""
EACH = """
from django.core.wsgi import get_wsgi_application
found = []
for values in json.loads({rows!r}):
    log.clear()
    with override_settings(**{{'MIDDLEWARE': [{ours!r}], **values}}):
        found.append([checked(), raised(get_wsgi_application), list(log)])
say(found)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that names the app, and whose STATIC_ROOT is there."""
    made = Project(tmp_path_factory.mktemp("project"))
    made.root.mkdir()
    apps = "['django.contrib.staticfiles', 'dualstatic.django']"
    made.settings("apps", f"INSTALLED_APPS = {apps}")
    return made


@pytest.fixture(scope="module")
def said(project: Project) -> list[tuple[list[str], str, list[str]]]:
    import json

    rows = json.dumps([values for values, _, _ in MISTAKES])
    found: list[tuple[list[str], str, list[str]]] = project.ask(
        "apps", HEAD + EACH.format(rows=rows, ours=OURS)
    )
    return found


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_each_mistake_is_reported_by_manage_check(said, number: int):
    _, wanted, _ = MISTAKES[number]
    [*_, last] = found = said[number][0]
    assert [each for each in found if each.startswith(f"dualstatic.{wanted}")], found
    assert len(found) == 1 or "W003" in wanted, last


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_each_mistake_is_raised_at_the_start_or_logged(said, number: int):
    _, checked, wanted = MISTAKES[number]
    _, raised, log = said[number]
    assert raised.startswith(wanted)
    assert bool(raised) == bool(wanted)
    if not wanted:
        code, _, text = checked.partition(": ")
        assert [line for line in log if line.startswith(text) and f"(dualstatic.{code})" in line]


HINTS = {
    "W001": "Run `manage.py collectstatic`, with STATIC_ROOT set.",
    "W003": "Give StaticFiles.uploads(MEDIA_ROOT, prefix='/media')",
}


@pytest.mark.parametrize("code", HINTS)
def test_a_hint_says_what_to_do(said, code: str):
    lines = [line for _, _, log in said for line in log if f"(dualstatic.{code})" in line]
    assert lines
    assert [line for line in lines if HINTS[code] not in line] == []


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("immutable", [{}, {"immutable": "-x"}])
def test_the_store_of_earlier_files_is_no_mistake(
    project: Project, debug: bool, immutable: dict[str, str]
):
    store = project.directory / "store"
    store.mkdir(exist_ok=True)
    write_tree(project.root, {"a.txt": "a"})
    options = {"previous": str(store), "files": [str(project.root)], **immutable}
    name = f"store{debug}{len(options)}"
    text = f"from .apps import *\nDEBUG = {debug}\nDUALSTATIC = {options}\nMIDDLEWARE = ['{OURS}']"
    (project.directory / f"mysite/{name}.py").write_text(text)
    code = "from django.core.wsgi import get_wsgi_application\n"
    assert project.ask(name, HEAD + code + "say([checked(), raised(get_wsgi_application)])") == [
        [],
        "",
    ]


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("storages", [None, PLAIN], ids=["hashed", "plain"])
def test_dictionaries_are_missed_only_where_no_collected_name_is_hashed(
    project: Project, debug: bool, storages: dict[str, Any] | None
):
    write_tree(project.directory, {"collected/a.txt": "a", "front/b.txt": "b"})
    options = {"dictionaries": True, "files": str(project.directory / "front")}
    text = f"DEBUG = {debug}\nDUALSTATIC = {options}\nMIDDLEWARE = ['{OURS}']"
    text += f"\nSTORAGES = {storages}" if storages else ""
    name = f"offers{debug}{bool(storages)}"
    (project.directory / f"mysite/{name}.py").write_text(f"from .apps import *\n{text}")
    code = "from django.core.wsgi import get_wsgi_application\nget_wsgi_application()\nsay(log)"
    place = project.directory / "collected"
    said = [f"dictionaries does nothing without immutable: '{place}'"]
    assert project.ask(name, HEAD + code) == (said if storages and not debug else [])


@pytest.mark.parametrize(
    "made", ["StaticFiles({!r}, check_dir=False)", "StaticFiles.uploads({!r}, prefix='/u')"]
)
def test_files_that_wait_for_their_directory_are_reported_and_uploads_are_not(
    project: Project, made: str
):
    nowhere = str(project.directory / "nowhere")
    text = f"from dualstatic import StaticFiles\nDUALSTATIC = {{'files': {made.format(nowhere)}}}"
    (project.directory / "mysite/waits.py").write_text(f"from .apps import *\n{text}")
    said = project.ask("waits", HEAD + "say(checked())")
    warning = "dualstatic.W002: files takes directories and StaticFiles, and there is no directory"
    assert said == ([f"{warning} at {nowhere!r}"] if "check_dir" in made else [])


def test_a_server_in_front_is_told_of_collected_files_alone(project: Project):
    """It has one directory at the path, and none of the finders'."""
    write_tree(project.directory, {"collected/a.txt": "a", "front/b.txt": "b"})
    options = {"offload": "X-Accel-Redirect: /x", "files": str(project.directory / "front")}
    code = """
from django.test import Client
answers = [Client().get(path) for path in ("/static/a.txt", "/static/more.txt", "/b.txt")]
say([[answer.status_code, answer.headers.get("x-accel-redirect")] for answer in answers])
"""
    found = []
    for debug in (False, True):
        text = f"DEBUG = {debug}\nDUALSTATIC = {options}\nMIDDLEWARE = ['{OURS}']"
        (project.directory / f"mysite/front{debug}.py").write_text(f"from .apps import *\n{text}")
        found.append(project.ask(f"front{debug}", code))
    assert found == [
        [[200, "/x/a.txt"], [404, None], [200, None]],
        [[404, None], [200, None], [200, None]],
    ]


def test_all_mistakes_are_reported_at_once(project: Project):
    text = """
DUALSTATIC = {'colour': 1, 'memory': -1, 'files': ['/nowhere']}
WHITENOISE_ROOT = 'root'
WHITENOISE_MAX_AGE = 60
MIDDLEWARE = ['dualstatic.wsgi.StaticMiddleware']
"""
    (project.directory / "mysite/many.py").write_text(f"from .apps import *\n{text}")
    found = project.ask("many", HEAD + "say([each.partition(':')[0][-4:] for each in checked()])")
    assert sorted(found) == ["E001", "E001", "E003", "W002", "W006", "W006"]


@pytest.mark.parametrize("other", [WHITENOISE, SERVESTATIC])
def test_another_middleware_is_reported_beside_a_wrapped_application_too(
    project: Project, other: str
):
    name, *_ = other.split(".")
    text = f"from .apps import *\nMIDDLEWARE = [{other!r}]\n{name.upper()}_MAX_AGE = 60\n"
    (project.directory / f"mysite/beside_{name}.py").write_text(text)
    [said] = project.ask(f"beside_{name}", HEAD + "say(checked())")
    assert said.startswith(f"dualstatic.W005: MIDDLEWARE has '{other}'")


def test_a_setting_of_ones_own_that_has_the_name_of_a_library_is_none_of_its(project: Project):
    names = ("WHITENOISE", "SERVESTATIC", "WHITENOISES_ROOT")
    text = "".join(f"{name} = True\n" for name in names)
    (project.directory / "mysite/own.py").write_text(f"from .apps import *\n{text}")
    assert project.ask("own", HEAD + "say(checked())") == []


def test_what_is_silenced_is_not_logged_either(project: Project):
    text = """
STATIC_ROOT = "/nowhere"
WHITENOISE_ROOT = "root"
SILENCED_SYSTEM_CHECKS = ["dualstatic.W001"]
MIDDLEWARE = ["dualstatic.django.StaticMiddleware"]
"""
    (project.directory / "mysite/silenced.py").write_text(f"from .apps import *\n{text}")
    said = run(project.directory / "run.py", "silenced", "manage", "", "", "check").stderr
    assert "W001" not in said
    assert "(1 silenced)" in said
    code = """
from django.core.wsgi import get_wsgi_application
get_wsgi_application(), get_wsgi_application()
say([len(log), 'WHITENOISE_ROOT' in log[0]])
"""
    assert project.ask("silenced", HEAD + code) == [1, True]


@pytest.mark.parametrize("middleware", [[], [OURS]], ids=["wrapped", "middleware"])
def test_without_the_app_a_server_says_at_its_start_what_the_checks_would_say(
    tmp_path: Path, middleware: list[str]
):
    project = Project(tmp_path)
    project.settings("fresh", f"MIDDLEWARE = {middleware}\nWHITENOISE_MAX_AGE = 60\n")
    code = (
        "import os, sys; sys.path[0] = sys.argv[1]\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'mysite.fresh'\n"
        "import mysite.wsgi, mysite.asgi"
    )
    ran = run("-c", code, tmp_path)
    assert ran.returncode == 0, ran.stderr
    first, second = sorted(ran.stderr.splitlines())
    assert first.startswith(f"{NO_COLLECTED}ectory at '{tmp_path / 'collected'}'. Run `manage.py ")
    assert first.endswith("(dualstatic.W001)")
    assert second.startswith("WHITENOISE_MAX_AGE is a setting of WhiteNoise's. DUALSTATIC has the ")


# Before collectstatic.

BEFORE = """
def ask(path):
    for door in (ask_wsgi, ask_asgi):
        try:
            yield door(path)
        except Exception as error:
            yield str(error.__cause__ or error)
"""


@pytest.mark.parametrize("wrapped", [True, False], ids=["wrapped", "middleware"])
def test_before_collectstatic_the_app_is_asked_and_only_its_404_is_an_error(
    tmp_path: Path, wrapped: bool
):
    project = Project(tmp_path)
    (tmp_path / "mysite/urls.py").write_text("""
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path(name, lambda request: HttpResponse('page')) for name in ('', 'static/own')]
""")
    text = "DEBUG_PROPAGATE_EXCEPTIONS = True\n"
    settings = project.settings("fresh", text + f"MIDDLEWARE = {[] if wrapped else [OURS]}")
    code = """
from django.conf import settings
from django.core.management import call_command
def ask_all():
    return [[*ask(path)] for path in ('/', '/nowhere', '/static/own', '/static/more.txt')]
before = ask_all()
call_command('collectstatic', interactive=False, verbosity=0)
say([before, ask_all()])
"""
    each_way = ASK_EACH_WAY.replace("WRAPPED", str(wrapped))
    before, after = project.ask(settings, each_way + BEFORE + code)
    missing = f"directory: '{tmp_path / 'collected'}' does not exist"
    assert before == [[200] * 2, [404] * 2, [200] * 2, [missing] * 2]
    assert after == [[200] * 2, [404] * 2, [200] * 2, [200] * 2]


@pytest.mark.parametrize("wrapped", [True, False], ids=["wrapped", "middleware"])
def test_without_static_root_a_request_for_a_file_says_so(tmp_path: Path, wrapped: bool):
    project = Project(tmp_path)
    text = "DEBUG_PROPAGATE_EXCEPTIONS = True\nSTATIC_ROOT = None\n"
    settings = project.settings("fresh", text + f"MIDDLEWARE = {[] if wrapped else [OURS]}")
    each_way = ASK_EACH_WAY.replace("WRAPPED", str(wrapped))
    code = "say([[*ask(path)] for path in ('/', '/static/more.txt')])"
    page, file = project.ask(settings, each_way + BEFORE + code)
    assert page == [404, 404]
    assert all("(STATIC_ROOT is not set)' does not exist" in said for said in file)


# A fresh clone under the test runner.

TESTS = """
from django.test import AsyncClient, SimpleTestCase

class Tests(SimpleTestCase):
    def test_a_page(self):
        self.assertEqual(self.client.get("/url/more.txt").status_code, PAGE)

    def test_a_file(self):
        for _ in range(2):
            self.assertEqual(self.client.get("/static/more.txt").status_code, FILE)
            self.assertEqual(self.client.get("/static/nothing.txt").status_code, 404)

    async def test_a_file_of_an_async_client(self):
        answer = await AsyncClient().get("/static/more.txt")
        self.assertEqual(answer.status_code, FILE)
"""


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("", 404),
        ("STATIC_ROOT = None", 404),
        ("DUALSTATIC = {'finders': True}", 200),
        ("DUALSTATIC = {'files': BASE_DIR / 'dist', 'not_found': 'single-page-application'}", 404),
        ("DUALSTATIC = {'files': BASE_DIR / 'more', 'prefix': '/other'}", 404),
        (
            "from dualstatic import StaticFiles\n"
            "DUALSTATIC = {'files': StaticFiles(BASE_DIR / 'dist', check_dir=False)}",
            404,
        ),
    ],
)
def test_the_tests_of_a_project_pass_before_collectstatic(tmp_path: Path, text: str, file: int):
    project = Project(tmp_path)
    tests = TESTS.replace("PAGE", "200").replace("FILE", str(file))
    write_tree(tmp_path, {"site_tests/__init__.py": "", "site_tests/test_site.py": tests})
    plain = f"STORAGES['staticfiles'] = {PLAIN['staticfiles']}\n"
    apps = "INSTALLED_APPS = ['django.contrib.staticfiles', 'dualstatic.django', 'shop']\n"
    settings = project.settings("fresh", f"{plain}{apps}MIDDLEWARE = [{OURS!r}]\n{text}")
    script = tmp_path / "run.py"
    ran = run(script, settings, "manage", "", "", "test", str(tmp_path / "site_tests"))
    assert ran.returncode == 0, ran.stderr
    assert "Ran 3 tests" in ran.stderr
    assert "dualstatic" not in ran.stderr
