"""What Django's settings say is to be served."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit
from weakref import ref

from django.apps import apps
from django.conf import settings
from django.core import checks, mail
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage
from django.utils.module_loading import import_string

from .. import manifests
from .. import options as check
from ..staticfiles import StaticFiles

Option: TypeAlias = Any
"""An option of `static_files`."""

OfDjango: TypeAlias = Any
"""A value of Django's, which has no types."""

Say: TypeAlias = Callable[[OfDjango], object]
"""Is called with what is to be warned of."""

Prefixed = tuple[str, str]
"""A prefix below STATIC_URL, and a directory."""

_RELATIVE = ("STATIC_URL", "MEDIA_URL")

_OPTIONS = {*inspect.signature(StaticFiles).parameters, "files", "finders"} - {"directory"}

_PLAIN_STORAGE = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}

_NOWHERE = "(STATIC_ROOT is not set)"
"""The name of a directory, to be read in the error that says that it is missing."""

_NO_COLLECTED = checks.Warning(
    "STATIC_ROOT takes the directory that collectstatic writes to",
    "Run `manage.py collectstatic`, with STATIC_ROOT set. Until then, requests for its files fail.",
    id="dualstatic.W001",
)
_NO_OTHER = checks.Warning(
    "files takes directories and StaticFiles",
    "Until it is there, requests that nothing else answers fail.",
    id="dualstatic.W002",
)
_NO_STORE = checks.Warning(
    "previous takes a directory that `keep` fills",
    "Until it is there at the start of the server, no earlier file is served.",
    id=_NO_OTHER.id,
)

_MEDIA_AT_THE_ROOT = checks.Warning(
    "files serves MEDIA_ROOT at the root of the site, not below MEDIA_URL",
    "Give StaticFiles.uploads(MEDIA_ROOT, prefix='/media'), or what the path of MEDIA_URL is.",
    id="dualstatic.W003",
)

_log = logging.getLogger("dualstatic")

_served: list[ref[StaticFiles]] = []


def static_files(**options: Option) -> list[StaticFiles]:
    """The `StaticFiles` that the settings describe, in the order of the look-up.

    The first is STATIC_ROOT below STATIC_URL, where the hashed names of its manifest are immutable;
    with DEBUG, the directories of the finders in its place, live. Options are those of
    `StaticFiles`, and may stand in the setting DUALSTATIC, too; `immutable` names more such files.
    `finders` says whether the finders' directories take the place of STATIC_ROOT. `files` are
    asked after these: directories, which are served at the root with the same options, or
    `StaticFiles` of your own. With `files`, STATIC_ROOT may be unset.

    A directory or a manifest that is missing is warned of, and waited for as by `check_dir=False`;
    in a test run such a directory is left out. `check_dir=True` has it raise, as elsewhere.

    :raises ImproperlyConfigured: a setting is wrong; the message names it, and what it takes
    :raises TypeError, ValueError: an option is wrong
    :raises NotADirectoryError, FileNotFoundError: something is missing, and `check_dir` is True
    """
    found = build({**options_of_the_settings(), **options}, warn)
    _served.extend(ref(files, _served.remove) for files in found)
    return found


def build(options: dict[str, Option], say: Say) -> list[StaticFiles]:
    """As `static_files`, and says what is to be warned of."""
    say = bool if _is_test_run() else say  # tests need no collected files
    others = options.pop("files", ())
    prefix = check.prefix(options.pop("prefix")) if "prefix" in options else _prefix()
    options.setdefault("live", settings.DEBUG)
    finders = options.pop("finders", None)
    for name in options:
        _check_name(name)
    check.flag("check_dir", options.get("check_dir", True))
    of_root = _of_root(options, say)
    if "immutable" in options and options.get("check_dir") is not True:
        options["immutable"] = _awaited(options["immutable"], say)
    if finders is None:
        finders = settings.DEBUG and apps.is_installed("django.contrib.staticfiles")
    if check.flag("finders", finders):
        found = _from_finders(prefix, options)
    else:
        found = _from_root(prefix, {**options, **of_root}, say, is_needed=not others)
    if options.get("immutable") is None:
        options = {**options, "dictionaries": False}  # the hashed names are those of the storage
    return [*found, *_others(others, options, say)]


def check_option(name: str, value: Option) -> None:
    """See to one option alone, as it stands in the setting DUALSTATIC.

    :raises TypeError, ValueError: it is wrong
    """
    _check_name(name)
    if name in ("finders", "check_dir"):
        check.flag(name, value)
    elif name == "files":
        list(_others(value, {"check_dir": False}, say=bool))
    else:
        # `previous` needs `immutable`, which the manifest of the storage may be.
        StaticFiles(_NOWHERE, **{"check_dir": False, "immutable": "", name: value})


def refresh() -> None:
    """Look at the directories again, for all that `static_files` gave in this process.

    That is what MIDDLEWARE and the applications of `wsgi` and `asgi` serve. Each is refreshed, even
    if another one fails. Any thread may call it. In live mode nothing has to be refreshed.

    :raises NotADirectoryError: a directory is missing; its files stay as they were
    """
    found = [files for each in tuple(_served) if (files := each())]
    with ExitStack() as each_in_turn:
        for files in dict.fromkeys(found):
            each_in_turn.callback(files.refresh)


def script_name() -> str:
    """The path below which the site is, where the settings say it; "" where the server does."""
    return (settings.FORCE_SCRIPT_NAME or "").rstrip("/")


def options_of_the_settings() -> dict[str, Option]:
    options = getattr(settings, "DUALSTATIC", {})
    if not isinstance(options, Mapping):
        raise ImproperlyConfigured(f"DUALSTATIC takes a dict of options, not {options!r}")
    return dict(options)


def warn(message: OfDjango) -> None:
    """Log what `manage.py check` says, too: a server doesn't ask for it. Each once a process."""
    if not message.is_silenced():
        _warn_once(f"{message.msg}. {message.hint} ({message.id})")


@cache  # each test of a project has a middleware of its own
def _warn_once(text: str) -> None:
    _log.warning(text)


def _is_test_run() -> bool:
    """Whether Django's test environment is set up, by its own runner or by pytest-django.

    The one other thing that sets this is a mail by the backend that keeps mails for tests.
    """
    return hasattr(mail, "outbox")


def _check_name(name: str) -> None:
    if name not in _OPTIONS:
        raise TypeError(f"{name} is none of the options: {', '.join(sorted(_OPTIONS))}")


def _others(value: Option, options: dict[str, Option], say: Say) -> Iterator[StaticFiles]:
    """Those of the option `files`."""
    for each in value if isinstance(value, list | tuple) else [value]:
        if isinstance(each, StaticFiles):
            yield from _of_their_own(each, say)
        elif isinstance(each, str | os.PathLike):
            if check.directories(each, "files") == check.directories(settings.MEDIA_ROOT or None):
                say(_MEDIA_AT_THE_ROOT)
            yield from _from_directory(each, options, say, _NO_OTHER)
        else:
            raise TypeError(f"{_NO_OTHER.msg}, not {each!r}")


def _from_directory(
    path: check.StrPath, options: dict[str, Option], say: Say, missing: OfDjango
) -> Iterator[StaticFiles]:
    """A directory, which a build or collectstatic may have yet to make."""
    is_there = os.path.isdir(path)
    if not is_there and options.get("check_dir") is not True and _is_test_run():
        return  # Django's 404 is as good there
    if not is_there:
        _say_missing(say, missing, path)
    yield StaticFiles(path, **{"check_dir": is_there, **options})


def _of_their_own(files: StaticFiles, say: Say) -> Iterator[StaticFiles]:
    """The same for files that have options of their own, such as `check_dir=False`."""
    missing = [each.path for each in files.site.directories if not os.path.isdir(each.path)]
    if files.site.is_ready or not missing:
        yield files
    elif not _is_test_run():
        _say_missing(say, _NO_OTHER, missing[0])
        yield files


def _say_missing(say: Say, message: OfDjango, path: check.StrPath) -> None:
    text = f"{message.msg}, and there is no directory at {os.fspath(path)!r}"
    say(checks.Warning(text, message.hint, id=message.id))


def _of_root(options: dict[str, Option], say: Say) -> dict[str, Option]:
    """The options for collected files alone.

    A missing store is left out. The server in front has one directory at the path of `offload`.
    """
    path = check.previous(options.pop("previous", None), immutable="")
    if path and options.get("check_dir") is not True and not os.path.isdir(path):
        _say_missing(say, _NO_STORE, path)
        path = None
    check.offload(offload := options.pop("offload", None), directories=1)
    return {"previous": path, "offload": offload}


def _awaited(immutable: Option, say: Say) -> Option:
    """A manifest that a build may have yet to write: until then no name is immutable."""
    if not isinstance(immutable, manifests.Manifest):
        return immutable
    try:
        immutable.read()
    except FileNotFoundError as error:
        immutable.expect()
        say(checks.Warning(str(error), "Until then no name is immutable.", id="dualstatic.W004"))
    return manifests.AnyOf((immutable,))  # so that StaticFiles doesn't read it now


def _prefix() -> str:
    """The path of STATIC_URL below the mount point. That of a CDN's URL is asked of us as well."""
    # As it stands in the settings: Django adds the script name of the first request to ask for it.
    url = settings._wrapped.STATIC_URL
    takes = "STATIC_URL takes a URL or its path, such as 'static/'"
    if not url:
        raise ImproperlyConfigured(f"{takes}, not {url!r}")
    try:
        path = check.prefix(unquote(urlsplit(url).path))
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"{takes}, not {url!r}") from error
    mount = script_name()
    is_whole = url.startswith(("/", "http://", "https://"))
    return path.removeprefix(mount) if is_whole and f"{path}/".startswith(f"{mount}/") else path


# Collected files.


def _from_root(
    prefix: str, options: dict[str, Option], say: Say, *, is_needed: bool
) -> Iterator[StaticFiles]:
    storage = _storage()
    root = storage.location if storage else settings.STATIC_ROOT
    if root or is_needed:
        options = {**options, "prefix": prefix, "immutable": _immutable(storage, options)}
        yield from _from_directory(root or _NOWHERE, options, say, _NO_COLLECTED)


def _storage() -> OfDjango | None:
    """The storage that collectstatic writes to, where it says more than STATIC_ROOT does."""
    of_settings = settings.STORAGES.get("staticfiles", _PLAIN_STORAGE)
    if of_settings == _PLAIN_STORAGE:
        return None
    backend = import_string(of_settings["BACKEND"])
    if not isinstance(backend, type) or not issubclass(backend, FileSystemStorage):
        return None
    try:
        with _no_url_remembered():
            # One of our own: the one that all share remembers STATIC_URL as well.
            return backend(**of_settings.get("OPTIONS", {}))
    except ImproperlyConfigured:
        if settings.STATIC_ROOT:
            raise
        return None  # it looked for its manifest, and has no place without STATIC_ROOT


@contextmanager
def _no_url_remembered() -> Iterator[None]:
    """Let Django ask for its relative URLs without keeping what it gets.

    Django makes them of the script name of the present request, once; here there is no request.
    """
    known = [name for name in _RELATIVE if name in settings.__dict__]
    try:
        yield
    finally:
        for name in _RELATIVE:
            if name not in known:
                settings.__dict__.pop(name, None)


def _immutable(storage: OfDjango | None, options: dict[str, Option]) -> Option:
    """The hashed names of the storage's manifest, and those of the option."""
    wanted = options.get("immutable")
    hashed = _hashed_names(storage)
    if hashed is None:
        return wanted
    also = check.immutable(wanted)
    return manifests.AnyOf((hashed, also))


def _hashed_names(storage: OfDjango | None) -> Callable[[str], bool] | None:
    from django.contrib.staticfiles.storage import ManifestFilesMixin

    if not isinstance(storage, ManifestFilesMixin):
        return None
    try:
        path = storage.manifest_storage.path(storage.manifest_name)
    except NotImplementedError:  # on another machine, from where it was read just now
        return manifests.django_names({"paths": storage.hashed_files}).__contains__
    names = manifests.django(path)
    names.expect()  # the first collectstatic has yet to write it
    return names


# Files where the finders find them.


class _Found(StaticFiles):
    """Directories that a build may have yet to make: until then they are as empty ones."""

    def refresh(self) -> None:
        self.site.refresh(may_be_missing=True)


def _from_finders(prefix: str, options: dict[str, Option]) -> Iterator[StaticFiles]:
    """One after the other: a directory of another prefix may come between two of the same."""
    # An index can't be made of a missing directory. (Django's check warns of these.)
    is_live = options["live"] is True
    places = [place for place in _places() if is_live or os.path.isdir(place[1])]
    make, sure = (_Found, {"check_dir": True}) if is_live else (StaticFiles, {})
    for below, alike in groupby(places, itemgetter(0)):
        paths = [path for _, path in alike]
        yield make(paths, **{**options, **sure, "prefix": f"{prefix}/{below}"})


def _places() -> Iterator[Prefixed]:
    """The directories that the finders look in, in their order."""
    from django.contrib.staticfiles.finders import get_finders

    for finder in get_finders():
        if hasattr(finder, "locations"):  # its storages know no directory of two prefixes
            yield from ((prefix, os.fspath(path)) for prefix, path in finder.locations)
            continue
        for storage in _storages(finder):
            with suppress(NotImplementedError):  # its files are on another machine
                yield getattr(storage, "prefix", None) or "", storage.path("")


def _storages(finder: OfDjango) -> list[OfDjango]:
    if hasattr(finder, "storages"):
        return list(finder.storages.values())
    if hasattr(finder, "storage"):
        return [finder.storage]
    return list({id(storage): storage for _, storage in finder.list(None)}.values())
