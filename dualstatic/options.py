"""The options of StaticFiles, checked: a wrong one raises with its name and what it takes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import iscoroutinefunction
from typing import Any
from urllib.parse import quote

from .core.codings import SUFFIXES
from .core.deltas import DELTA_SUFFIXES
from .core.media_types import MediaTypes
from .core.policies import Policies
from .core.values import Fields, File
from .disk.packages import package_directory
from .manifests import MAKERS, AnyOf, Manifest

Headers = Mapping[str, str] | Callable[[str], Mapping[str, str] | None] | None
StrPath = str | os.PathLike[str]

_FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 section 5.6.2
_FIELD_VALUE = re.compile(r"[\x20-\x7e\x80-\xff\t]*")
_MEDIA_TYPE = re.compile(rf"{_FIELD_NAME.pattern}/{_FIELD_NAME.pattern}(?:[ \t]*;[\x20-\x7e]+)?")
_SUFFIX = re.compile(r"\.[^/\x00-\x1f]+")
_NO_PATH = re.compile(
    r"^[A-Za-z][A-Za-z0-9+.\-]*:|//|%[0-9A-Fa-f]{2}|[?#*<>{}\\\x00-\x1f\x7f\ud800-\udfff]"
    r"|(?:^|/)\.\.?(?:/|$)|^\s|\s$"
)
_CHARSET = re.compile(r"[A-Za-z0-9!#$%&+\-^_`{}~.:]+")
_OURS = """content-length content-range content-encoding etag last-modified accept-ranges
    transfer-encoding connection keep-alive proxy-connection te trailer upgrade""".split()
"""Fields that each answer has; those of the connection (section 7.6.1) are the server's."""


def prefix(value: str) -> str:
    """The prefix with a slash at its start and none at its end; "" for the root."""
    if not isinstance(value, str):
        raise TypeError(f"prefix takes a str, such as '/static', not {value!r}")
    if _NO_PATH.search(value):
        takes = "prefix takes a path such as '/static', decoded, with no pattern or dot segment"
        raise ValueError(f"{takes}, not {value!r}")
    path = value.strip("/")
    return f"/{path}" if path else ""


def directories(value: StrPath | Sequence[StrPath] | None, option: str = "directory") -> list[str]:
    given = [value] if isinstance(value, str | os.PathLike) else value or ()
    if not _is_list(given) or not all(isinstance(path, str | os.PathLike) for path in given):
        raise TypeError(f"{option} takes a path or a sequence of paths, not {value!r}")
    paths = [os.fspath(path) for path in given]
    if not all(isinstance(path, str) for path in paths):
        raise TypeError(f"{option} takes paths of str, not {value!r}")
    if not all(paths) or any("\0" in path for path in paths):
        raise ValueError(f"{option} takes a path that is not empty, not {value!r}")
    return [os.path.abspath(path) for path in paths]


def previous(value: StrPath | None, immutable: object) -> str | None:
    """The directory of earlier files; it needs `immutable`, which says what is served of them."""
    if not isinstance(value, str | os.PathLike | None):
        raise TypeError(f"previous takes the path of a directory, or None, not {value!r}")
    if value is not None and immutable is None:
        raise ValueError("previous needs immutable, which says what is served of it")
    return next(iter(directories(value, "previous")), None)


def packages(value: Sequence[str | tuple[str, str]] | None) -> list[tuple[str, str]]:
    given = value or ()
    if not _is_list(given) or not all(map(_is_package, given)):
        raise TypeError(f"packages takes a list of names and (name, folder) pairs, not {value!r}")
    return [(each, "statics") if isinstance(each, str) else each for each in given]


def _is_package(value: object) -> bool:
    pair = isinstance(value, tuple) and len(value) == 2 and all(isinstance(x, str) for x in value)
    return pair or isinstance(value, str)


def encodings(value: Sequence[str]) -> tuple[str, ...]:
    if not _is_list(value) or not all(isinstance(coding, str) for coding in value):
        raise TypeError(f"encodings takes a sequence of {', '.join(SUFFIXES)}, not {value!r}")
    if not all(coding in SUFFIXES for coding in value):
        raise ValueError(f"encodings takes a sequence of {', '.join(SUFFIXES)}, not {value!r}")
    return tuple(dict.fromkeys(value))


def stored_encodings(value: Mapping[str, str] | None) -> Mapping[str, str]:
    """The content codings by suffix, which is in lower case."""
    takes = f"stored_encodings takes a mapping of suffixes ('.ext') to {', '.join(SUFFIXES)}"
    given = _mapping(takes, value)
    for suffix, coding in given.items():
        if not (isinstance(suffix, str) and _SUFFIX.fullmatch(suffix) and coding in [*SUFFIXES]):
            raise ValueError(f"{takes}, not {suffix!r}: {coding!r}")
    codings = {suffix.lower(): coding for suffix, coding in given.items()}
    if len(codings) < len(given):
        raise ValueError(f"{takes}, each once, whatever its case, not {value!r}")
    return codings


def media_types(value: Mapping[str, str] | None) -> Mapping[str, str]:
    given = _mapping("media_types takes a mapping of suffixes to media types", value)
    for key, kind in given.items():
        if not isinstance(key, str) or not key or "/" in key:
            raise ValueError(f"media_types takes suffixes ('.ext') or file names, not {key!r}")
        if not isinstance(kind, str) or not _MEDIA_TYPE.fullmatch(kind):
            raise ValueError(f"media_types takes a media type for {key!r}, not {kind!r}")
    return given


def _mapping(takes: str, value: object) -> Mapping[Any, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise TypeError(f"{takes}, not {value!r}")
    return value or {}


def charset(value: str | None) -> str | None:
    return _text_or_none("charset takes the name of a charset or None", value, _CHARSET)


def cache_control(value: object) -> Callable[[str], str | None]:
    """A function from a file's name to its Cache-Control."""
    takes = "cache_control takes the text of a field, a callable that gives one, or None"
    return _per_name(value, partial(_text_or_none, takes, grammar=_FIELD_VALUE))


def _text_or_none(takes: str, value: object, grammar: re.Pattern[str]) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{takes}, not {value!r}")
    if not grammar.fullmatch(value):
        raise ValueError(f"{takes}, not {value!r}")
    return value.strip()


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def immutable(value: Any, *, check_dir: bool = True) -> Callable[[str], bool]:  # noqa: ANN401
    """A function from a file's name to whether its content never changes.

    A manifest is read now, so that a missing one is noticed before the first request; but where
    `check_dir` is False a build may have yet to write it.
    """
    if value is None:
        return lambda name: False
    if isinstance(value, str | re.Pattern):
        try:
            pattern = re.compile(value)
        except re.error as error:
            raise ValueError(f"immutable takes a regular expression: {error}") from error
        if not isinstance(pattern.pattern, str):
            raise TypeError(f"immutable takes a regular expression of str, not {value!r}")
        return lambda name: bool(pattern.search(name))
    if not callable(value) or iscoroutinefunction(value):  # each coroutine is true
        raise TypeError(f"immutable takes a regular expression or a callable, not {value!r}")
    if value in MAKERS:
        call = f"immutable=manifests.{value.__name__}('path/of/the/manifest.json')"
        raise TypeError(f"immutable takes what {value!r} gives for a manifest, as in {call}")
    if isinstance(value, Manifest):
        (value.read if check_dir else value.expect)()
    is_immutable: Callable[[str], bool] = value
    return is_immutable


def headers(value: Headers) -> Callable[[str], Fields]:
    """A function from a file's name to more fields of its answers, names in lower case."""
    return _per_name(value, _fields)


def _fields(value: object) -> Fields:
    given = _mapping("headers takes a mapping or a callable that gives one", value)
    for name, text in given.items():
        if not isinstance(name, str) or not _FIELD_NAME.fullmatch(name):
            raise ValueError(f"headers takes names of fields, not {name!r}")
        if name.lower() in _OURS:
            raise ValueError(f"headers takes no field {name!r}: each answer has its own")
        if not isinstance(text, str) or not _FIELD_VALUE.fullmatch(text):
            raise ValueError(f"headers takes a value of Latin-1 text, not {text!r}")
        if name.lower() == "content-type" and not _MEDIA_TYPE.fullmatch(text):
            raise ValueError(f"headers takes a media type for {name!r}, not {text!r}")
    fields = {name.lower(): text.strip() for name, text in given.items()}
    if len(fields) < len(given):
        raise ValueError(f"headers takes each field once, whatever its case, not {value!r}")
    return tuple(fields.items())


def _per_name(value: object, check: Callable[[object], Any]) -> Callable[[str], Any]:
    checked = _checked(value, check)
    return checked if callable(checked) else lambda name: checked


def _checked(value: object, check: Callable[[object], Any]) -> Any:  # noqa: ANN401
    """What the check makes of a constant now, and of what a callable gives each time."""
    return (lambda *about: check(value(*about))) if callable(value) else check(value)


def memory(value: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"memory takes a number of bytes, not {value!r}")
    if value < 0:
        raise ValueError(f"memory takes a number of bytes from 0 up, not {value!r}")
    return value


def flag(option: str, value: object, *, also: str = "") -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{option} takes True or False{also}, not {value!r}")
    return value


def live(value: object) -> bool | Callable[[], bool]:
    check = partial(flag, "live", also=", or a function without arguments that gives one of them")
    checked: bool | Callable[[], bool] = _checked(value, check)
    return checked


def not_found(value: object) -> str | Callable[[str], str | None] | None:
    """A page's path below the prefix, or "404-page", or None; or a function from a path to one."""
    checked: str | Callable[[str], str | None] | None = _checked(value, _page)
    return checked


def _page(value: object) -> str | None:
    pages = '"404-page", "single-page-application", a page such as "/200.html", None'
    takes = f"not_found takes {pages}, or a function from a path to one of these"
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{takes}, not {value!r}")
    if value is None or value == "404-page":
        return value
    if value == "single-page-application":
        return "/index.html"
    if value[:1] != "/" or value.endswith("/") or _NO_PATH.search(value):
        raise ValueError(f"{takes}, not {value!r}")
    return value


_OFFLOAD = re.compile(
    r"X-Accel-Redirect: (?=/)(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._~!$&'()*+,;=:@-]+)*/?|X-Sendfile"
)


def offload(value: str | None, directories: int) -> Callable[[File], Fields] | None:
    """What tells a server in front which file to send; None: nothing is handed over to one."""
    takes = 'offload takes "X-Accel-Redirect: /path", "X-Sendfile" or None'
    text = _text_or_none(takes, value, _OFFLOAD)
    if text is None:
        return None
    if text == "X-Sendfile":
        return lambda file: (("x-sendfile", quote(os.fsencode(file.path))),)
    if directories != 1:
        raise ValueError(
            "offload takes X-Accel-Redirect with one directory, and no packages or previous"
        )
    top = text.removeprefix("X-Accel-Redirect: ").rstrip("/")
    return lambda file: (("x-accel-redirect", f"{top}/{quote(file.name)}"),)


_OF_UPLOADS = "cache_control charset dotfiles follow_symlink headers immutable media_types".split()


def options_of_uploads(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """All options of a folder of uploads: those given, and what is right there."""
    if refused := given.keys() - set(_OF_UPLOADS):
        raise TypeError(f"uploads takes {', '.join(_OF_UPLOADS)}, not {min(refused)}")
    return {**given, "live": True, "encodings": ()}


class Settings:
    """The options of StaticFiles, checked, and named as there.

    `directories` are those of `directory` and `packages`, in the order of their look-up; `suffixes`
    those of the siblings that are looked for, by `encodings` and `dictionaries`; `policies` are
    made of `cache_control`, `immutable`, `headers`, `media_types`, `charset` and
    `stored_encodings`.

    `of_uploads` says that strangers write the files.
    """

    def __init__(self, given: Mapping[str, Any], *, of_uploads: bool) -> None:
        self.directories: list[StrPath] = [*directories(given["directory"])]
        for package, folder in packages(given["packages"]):
            self.directories.append(package_directory(package, folder))
        if not self.directories:
            raise TypeError("directory or packages: one of them has to be given")
        self.previous = previous(given["previous"], given["immutable"])
        self.suffixes = [SUFFIXES[coding] for coding in encodings(given["encodings"])]
        if flag("dictionaries", given["dictionaries"]):
            self.suffixes += DELTA_SUFFIXES
        self.offers_nothing = given["dictionaries"] and given["immutable"] is None
        self.policies = _policies(given, of_uploads)
        self.follow_symlink = flag("follow_symlink", given["follow_symlink"])
        self.prefix = prefix(given["prefix"])
        self.html = flag("html", given["html"])
        self.clean_urls = flag("clean_urls", given["clean_urls"])
        self.not_found = not_found(given["not_found"])
        self.live = live(given["live"])
        self.dotfiles = flag("dotfiles", given["dotfiles"])
        self.memory = memory(given["memory"])
        places = len(self.directories) + (self.previous is not None)
        self.offload = offload(given["offload"], places)


def _policies(given: Mapping[str, Any], of_uploads: bool) -> Policies:
    types, value = media_types(given["media_types"]), given["immutable"]
    codings = stored_encodings(given["stored_encodings"])
    is_immutable = immutable(value, check_dir=given["check_dir"])
    return Policies(
        MediaTypes(types, charset(given["charset"]), codings),
        cache_control(given["cache_control"]),
        # From release to release, a delta of the same name is another one.
        lambda name: not name.endswith((".dcz", ".dcb")) and bool(is_immutable(name)),
        headers(given["headers"]),
        asks=any(callable(given[name]) for name in ("cache_control", "immutable", "headers")),
        foretells=isinstance(value, str | re.Pattern | Manifest),
        dictionaries=given["dictionaries"] and given["offload"] is None,
        of_manifest=isinstance(value, Manifest | AnyOf),
        of_uploads=of_uploads,
    )
