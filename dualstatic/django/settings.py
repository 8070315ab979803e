"""What Django's settings say is to be served."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit
from weakref import ref

from django.apps import apps
from django.conf import settings
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

Place = tuple[str, str]
"""A prefix below STATIC_URL, and a directory."""

_RELATIVE = ("STATIC_URL", "MEDIA_URL")

_OPTIONS = {*inspect.signature(StaticFiles).parameters, "files", "finders"} - {"directory"}

_PLAIN_STORAGE = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}

_ROOT = "STATIC_ROOT takes the directory that collectstatic writes to"

_served: list[ref[StaticFiles]] = []


def static_files(**options: Option) -> list[StaticFiles]:
    """The `StaticFiles` that the settings describe, in the order of the look-up.

    The first is STATIC_ROOT below STATIC_URL, where the hashed names of its manifest are immutable;
    with DEBUG, the directories of the finders in its place, live. Options are those of
    `StaticFiles`, and may stand in the setting DUALSTATIC, too; `immutable` names more such files.
    `finders` says whether the finders' directories take the place of STATIC_ROOT. `files` are
    asked after these: directories, which are served at the root with the same options, or
    `StaticFiles` of your own. With `files`, STATIC_ROOT may be unset.

    :raises ImproperlyConfigured: a setting is wrong; the message names it, and what it takes
    :raises TypeError, ValueError: an option is wrong
    :raises FileNotFoundError: the manifest of the option `immutable` is missing
    """
    options = {**_options_of_the_settings(), **options}
    others = options.pop("files", ())
    prefix = check.prefix(options.pop("prefix")) if "prefix" in options else _prefix()
    options.setdefault("live", settings.DEBUG)
    finders = options.pop("finders", None)
    if unknown := options.keys() - _OPTIONS:
        raise TypeError(f"{min(unknown)} is none of the options: {', '.join(sorted(_OPTIONS))}")
    if finders is None:
        finders = settings.DEBUG and apps.is_installed("django.contrib.staticfiles")
    if check.flag("finders", finders):
        found = _from_finders(prefix, options)
    else:
        found = _from_root(prefix, options, is_needed=not others)
    found += _others(others, options)
    _served.extend(ref(files, _served.remove) for files in found)
    return found


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


def _options_of_the_settings() -> dict[str, Option]:
    options = getattr(settings, "DUALSTATIC", {})
    if not isinstance(options, Mapping):
        raise ImproperlyConfigured(f"DUALSTATIC takes a dict of options, not {options!r}")
    return dict(options)


def _others(value: Option, options: dict[str, Option]) -> Iterator[StaticFiles]:
    """Those of the option `files`."""
    for each in value if isinstance(value, list | tuple) else [value]:
        if isinstance(each, StaticFiles):
            yield each
        elif isinstance(each, str | os.PathLike):
            yield StaticFiles(each, **options)
        else:
            raise TypeError(f"files takes directories and StaticFiles, not {each!r}")


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


def _from_root(prefix: str, options: dict[str, Option], *, is_needed: bool) -> list[StaticFiles]:
    storage = _storage()
    root = storage.location if storage else settings.STATIC_ROOT
    if not root and is_needed:
        raise ImproperlyConfigured(f"{_ROOT}, not {root!r}")
    if not root:
        return []
    if options.get("check_dir", True) and not os.path.isdir(root):
        there_is = f"there is none at {os.fspath(root)!r}"
        raise ImproperlyConfigured(f"{_ROOT} (has it been run?), and {there_is}")
    return [
        StaticFiles(root, prefix=prefix, **{**options, "immutable": _immutable(storage, options)})
    ]


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


def _immutable(storage: OfDjango | None, options: dict[str, Option]) -> check.Immutable:
    """The hashed names of the storage's manifest, and those of the option."""
    wanted = options.get("immutable")
    hashed = _hashed_names(storage)
    if hashed is None:
        return wanted
    also = check.immutable(wanted)
    return lambda name: hashed(name) or also(name)


def _hashed_names(storage: OfDjango | None) -> Callable[[str], bool] | None:
    from django.contrib.staticfiles.storage import ManifestFilesMixin

    if not isinstance(storage, ManifestFilesMixin):
        return None
    try:
        path = storage.manifest_storage.path(storage.manifest_name)
    except NotImplementedError:  # on another machine, from where it was read just now
        return manifests.django_names({"paths": storage.hashed_files}).__contains__
    names = manifests.django(path)

    def is_hashed(name: str) -> bool:
        try:
            return names(name)
        except (FileNotFoundError, ValueError):
            return False  # the first collectstatic has yet to write it, or is about to

    return is_hashed


# Files where the finders find them.


class _Found(StaticFiles):
    """Directories that a build may have yet to make: until then they are as empty ones."""

    def refresh(self) -> None:
        self.site.refresh(may_be_missing=True)


def _from_finders(prefix: str, options: dict[str, Option]) -> list[StaticFiles]:
    """One after the other: a directory of another prefix may come between two of the same."""
    # An index can't be made of a missing directory. (Django's check warns of these.)
    is_live = options["live"] is True
    places = [place for place in _places() if is_live or os.path.isdir(place[1])]
    make = _Found if is_live else StaticFiles
    return [
        make([path for _, path in alike], prefix=f"{prefix}/{below}", **options)
        for below, alike in groupby(places, itemgetter(0))
    ]


def _places() -> Iterator[Place]:
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
