"""What the doors share: their arguments, the request, an app's Vary."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, unquote_to_bytes

from . import options
from .core.replies import deciding_fields, union
from .core.values import Request
from .disk.errors import logger
from .staticfiles import StaticFiles

is_logged: Callable[[int], bool | None] = logger._cache.get  # type: ignore[attr-defined]
"""What the logger's `isEnabledFor` has said of a level; None: it was not asked, or is disabled.

To ask it each time would take each request that is not ours a tenth longer.
"""

CALLS = {"wsgi": "environ start_response", "asgi": "scope receive send"}
"""The arguments of an app, by the door that takes such apps."""


def check_arguments(app: object, door: str, files: object, **switches: bool) -> None:
    """Raise a TypeError for a wrong argument of a `StaticMiddleware`."""
    if (app is not None and not callable(app)) or isinstance(app, StaticFiles):
        raise TypeError(f"app takes an app to put the files in front of, or None, not {app!r}")
    if app is not None and not _can_be_called(app, called_with := CALLS[door]):
        other = next((door for door, call in CALLS.items() if _can_be_called(app, call)), None)
        hint = f"; one such as this is for dualstatic.{other}.StaticMiddleware" if other else ""
        raise TypeError(f"app takes an app that is called with {called_with}, not {app!r}{hint}")
    check_files(files)
    for name, value in switches.items():
        options.flag(name, value)


def check_files(files: object) -> None:
    if not isinstance(files, StaticFiles):
        raise TypeError(f"files takes a StaticFiles, not {files!r}")


def _can_be_called(app: Callable[..., object], arguments: str) -> bool:
    """False for an app of the other door, where its signature tells."""
    try:
        inspect.signature(app).bind(*arguments.split())
    except ValueError:  # it has no signature to look at
        return True
    except TypeError:
        return False
    return True


def make_request(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    raw_path: bytes | None,
    mount: str,
) -> Request:
    """The request, with the path that the client asked for below the mount point.

    The mount point without its slash is the empty path, and its target is what leads to the slash.
    Where there is none, that is the root of a host (RFC 9110 section 4.2.3).
    """
    mount = mount.rstrip("/")
    if path.endswith("/") and raw_path and _lacks_the_slash(raw_path, mount + path):
        path = path[:-1]
    if not path and mount and raw_path and raw_path.partition(b"?")[0].endswith(b"/"):
        path = "/"  # the slash is part of the mount point's name: there is nothing to add
    elif not path and mount:
        raw_path = quote(mount, errors="surrogateescape").encode()
    elif not path:
        path, raw_path = "/", None
    return Request(method, path, query, headers, raw_path)


def _lacks_the_slash(raw_path: bytes, path: str) -> bool:
    """Whether the slash at the end of the path is a framework's own.

    Litestar adds one to each path below a mount, Bottle and Django add it to the mount point. A
    path that is another one than the target was rewritten, and is taken as it is.
    """
    target = unquote_to_bytes(raw_path.partition(b"?")[0])
    given = path.encode(errors="replace")
    asked = given[:-1]
    # A path of slashes alone ends with itself less one, too.
    return asked != b"" and target.endswith(asked) and not target.endswith(given)


def is_miss(files: StaticFiles, status: str, lines: Iterable[tuple[str, str]]) -> bool:
    """Whether an app's answer to a GET or HEAD says that it has none.

    A 405 does so, too, where a page may take its place, but for one that allows GET: there is
    something then, if not for HEAD (RFC 9110 section 15.5.6).
    """
    if status != "405":
        return status == "404"
    allowed = ",".join(value for name, value in lines if name.lower() == "allow")
    is_there = "GET" in map(str.strip, allowed.split(","))
    return files.site.falls_back and files.site.is_ready and not is_there


def with_vary(lines: Iterable[tuple[str, str]], request: Request) -> list[tuple[str, str]]:
    """The fields of an app's answer, whose Vary says that another request gets a page (12.5.5)."""
    fields = list(lines)
    known = [value for name, value in fields if name.lower() == "vary"]
    others = [field for field in fields if field[0].lower() != "vary"]
    return [*others, ("vary", union([*known, *deciding_fields(request)]))]
