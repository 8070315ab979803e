"""Folders without an index page as plain pages of links: for the command alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from urllib.parse import quote

from .core.paths import admits
from .core.replies import NOSNIFF, for_method, redirect
from .core.values import Request, Response
from .disk.body import Answer
from .disk.root import Directory
from .explain import kind, names_in
from .site import Site
from .staticfiles import StaticFiles

_PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><ul>
{links}</ul></body></html>
"""


class Listed(StaticFiles):
    """StaticFiles that answer a miss by a list of the names in a folder, if it is one."""

    def fallback(self, request: Request, *, has_app: bool, wait: bool = True) -> Answer | None:
        """As for StaticFiles; a list comes before the page of `not_found`."""
        if not wait:
            raise BlockingIOError("a folder is read from the disk")
        listing = _listing(self.site, request)
        if listing is None:
            return super().fallback(request, has_app=has_app)
        return Answer(for_method(request, listing))


def _listing(site: Site, request: Request) -> Response | None:
    """The list of a folder, or the redirect to its path; None: there is none to be had."""
    path = request.path
    folder = path if path.endswith("/") else f"{path}/"
    is_asked = request.method in ("GET", "HEAD") and admits(request.raw_path, path)
    if not is_asked or site.gate(f"{folder}x") is None:
        return None
    found = [
        names for each in site.directories if (names := _names(site, each, folder)) is not None
    ]
    if not found:
        return None
    if folder != path:
        return redirect(request, folder)
    up = [".."] if folder != f"{site.settings.prefix}/" else []
    return _page(folder, [*up, *sorted(set[str]().union(*found))])


def _names(site: Site, directory: Directory, folder: str) -> set[str] | None:
    """What can be asked for in a folder, names of folders with a slash; None: it is no folder."""
    place = folder[len(site.settings.prefix) + 1 :]
    names = names_in(directory, place)
    if names is None:
        return None
    return {each for name in names for each in _asked_for(site, directory, folder, place + name)}


def _asked_for(site: Site, directory: Directory, folder: str, name: str) -> Iterator[str]:
    """The last part of a path that has an answer, or a list; nothing of what is hidden."""
    path = f"{site.settings.prefix}/{name}"
    leaf = path[len(folder) :]
    if site.gate(path) is None:
        return
    found = kind(directory, name)
    if found == "directory":
        yield f"{leaf}/"
    elif found == "file" and path in site.look_up.covers:
        yield leaf


def _page(folder: str, names: Iterable[str]) -> Response:
    links = "".join(f'<li><a href="{quote(name)}">{escape(name)}</a></li>\n' for name in names)
    body = _PAGE.format(title=escape(folder), links=links).encode()
    fields = (
        ("content-type", "text/html; charset=utf-8"),
        ("content-length", str(len(body))),
        ("cache-control", "no-cache"),
        NOSNIFF,
    )
    return Response(200, fields, (body,))
