"""What `manage.py check` says of the settings."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 (Django's)
from django.core.exceptions import ImproperlyConfigured

from ..staticfiles import StaticFiles
from .settings import (
    OfDjango,
    Option,
    build,
    check_option,
    options_of_the_settings,
    static_files,
    warn,
)

_MIDDLEWARE = (
    "dualstatic.django.StaticMiddleware",
    "dualstatic.django.middleware.StaticMiddleware",
)

_OTHERS = {
    "WHITENOISE": ("WhiteNoise", "whitenoise.middleware.WhiteNoiseMiddleware"),
    "SERVESTATIC": ("ServeStatic", "servestatic.middleware.ServeStaticMiddleware"),
}
"""Libraries that projects move over from, by what their settings begin with."""

_NOT_THEIRS = ("django.", "dualstatic.")

_OPTIONS_FOR = {
    "ROOT": "files",
    "AUTOREFRESH": "live",
    "USE_FINDERS": "finders",
    "MAX_AGE": "cache_control",
    "INDEX_FILE": "html",
    "MIMETYPES": "media_types",
    "CHARSET": "charset",
    "ALLOW_ALL_ORIGINS": "headers",
    "ADD_HEADERS_FUNCTION": "headers",
    "IMMUTABLE_FILE_TEST": "immutable",
    "STATIC_PREFIX": "prefix",
    "ALLOW_UNSAFE_SYMLINKS": "follow_symlink",
}
"""The options that take the place of their settings."""


def check(app_configs: OfDjango = None, **_: object) -> list[CheckMessage]:
    """All that is wrong, each with its id: errors that start no server, and warnings."""
    return [*_of_options(), *_of_the_middleware(), *_of_others()]


register(check)


def served(**options: Option) -> list[StaticFiles]:
    """`static_files` for a server, which runs no check: what would be warned of is logged."""
    for message in (*_of_the_middleware(), *_of_others()):
        warn(message)
    return static_files(**options)


def _of_options() -> Iterator[CheckMessage]:
    try:
        options = options_of_the_settings()
    except ImproperlyConfigured as error:
        yield Error(str(error), id="dualstatic.E001")
        return
    for name, value in tuple(options.items()):
        if wrong := _of_option(name, value):
            del options[name]  # there may be more to be said of the others
            yield wrong
    found: list[CheckMessage] = []
    try:
        build({**options, "check_dir": False}, found.append)
    except (ImproperlyConfigured, ImportError, TypeError, ValueError, OSError) as error:
        yield Error(str(error), id="dualstatic.E002")
    yield from found


def _of_option(name: str, value: Option) -> CheckMessage | None:
    try:
        check_option(name, value)
    except (TypeError, ValueError) as error:
        return Error(f"DUALSTATIC: {error}", id="dualstatic.E001")
    return None


def _of_the_middleware() -> Iterator[CheckMessage]:
    given = list(settings.MIDDLEWARE)
    for name in given:
        if name.startswith("dualstatic.") and name not in _MIDDLEWARE:
            text = f"MIDDLEWARE takes {_MIDDLEWARE[0]!r}, not {name!r}"
            yield Error(text, "It is the only one for MIDDLEWARE.", id="dualstatic.E003")
    is_used = apps.is_installed("dualstatic.django") or not set(_MIDDLEWARE).isdisjoint(given)
    for _, other in _OTHERS.values():
        if other in given and is_used:
            text = f"MIDDLEWARE has {other!r} beside what dualstatic serves"
            yield Warning(text, "Take it out: both serve all files.", id="dualstatic.W005")


def _of_others() -> Iterator[CheckMessage]:
    """Settings that nobody reads any more."""
    backend = settings.STORAGES.get("staticfiles", {}).get("BACKEND", "django.")
    for name in dir(settings):
        begin, _, rest = name.partition("_")
        library, middleware = _OTHERS.get(begin, ("", ""))
        if not (library and rest) or middleware in settings.MIDDLEWARE:
            continue
        option = _OPTIONS_FOR.get(rest)
        # Those that have no option are of its storages, and of storages that are made of them.
        if option or backend.startswith(_NOT_THEIRS):
            hint = f"DUALSTATIC has the option {option!r} for it." if option else "Take it out."
            yield Warning(f"{name} is a setting of {library}'s", hint, id="dualstatic.W006")
