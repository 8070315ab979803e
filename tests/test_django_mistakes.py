"""Mistakes that are typical of Django projects: what is said of each, and at which moment."""

from __future__ import annotations

from typing import Any

import pytest

from .django_project import Project

OURS = "dualstatic.django.StaticMiddleware"
WHITENOISE = "whitenoise.middleware.WhiteNoiseMiddleware"
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
        "E001: DUALSTATIC: prefix takes a path, ",
        "ValueError: prefix takes",
    ),
    (
        {"DUALSTATIC": {"files": 7}},
        "E001: DUALSTATIC: files takes directories and StaticFiles, not 7",
        "TypeError: files takes",
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
        "NotADirectoryError: ",
    ),
    (
        {"STATIC_URL": None},
        "E002: STATIC_URL takes a URL or its path, such as 'static/', not None",
        "ImproperlyConfigured: STATIC_URL takes",
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
        {"MIDDLEWARE": [WHITENOISE, OURS]},
        f"W005: MIDDLEWARE has '{WHITENOISE}' beside '{OURS}'",
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
