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

_WHITENOISE = "whitenoise.middleware.WhiteNoiseMiddleware"

_OF_OTHERS = ("django.", "dualstatic.")

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
}
"""The options that take the place of WhiteNoise's settings."""


def check(app_configs: OfDjango = None, **_: object) -> list[CheckMessage]:
    """All that is wrong, each with its id: errors that start no server, and warnings."""
    return [*_of_options(), *_of_the_middleware(), *_of_whitenoise()]


register(check)


def served(**options: Option) -> list[StaticFiles]:
    """`static_files` for a server, which runs no check: what would be warned of is logged."""
    for message in (*_of_the_middleware(), *_of_whitenoise()):
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
            yield Error(text, "It wraps an application.", id="dualstatic.E003")
    is_used = apps.is_installed("dualstatic.django") or not set(_MIDDLEWARE).isdisjoint(given)
    if _WHITENOISE in given and is_used:
        text = f"MIDDLEWARE has {_WHITENOISE!r} beside what dualstatic serves"
        yield Warning(text, "Take it out: both serve all files.", id="dualstatic.W005")


def _of_whitenoise() -> Iterator[CheckMessage]:
    """Settings that nobody reads any more."""
    if _WHITENOISE in settings.MIDDLEWARE:
        return
    backend = settings.STORAGES.get("staticfiles", {}).get("BACKEND", "django.")
    for name in dir(settings):
        option = _OPTIONS_FOR.get(name.removeprefix("WHITENOISE_"))
        # Those that have no option are of its storages, and of storages that are made of them.
        if name.startswith("WHITENOISE_") and (option or backend.startswith(_OF_OTHERS)):
            hint = f"DUALSTATIC has the option {option!r} for it." if option else "Take it out."
            yield Warning(f"{name} is a setting of WhiteNoise's", hint, id="dualstatic.W006")
