"""Which page a path means, and which path a page belongs to.

A page is an HTML file: the index page of a folder belongs to the folder's path, which ends with a
slash. The empty path is the mount point without its slash. With clean URLs, as Cloudflare's
auto-trailing-slash has them, any other page belongs to its path without `.html`.

`html` and `clean` give the path of the file that answers a path, and the path under which it is to
be asked for; `has` tells whether a path has a file. `spellings` says the reverse: all paths that
may lead to a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

_INDEX, _HTML = "index.html", ".html"


def html(path: str, has: Callable[[str], object]) -> tuple[str, str] | None:
    """Index pages under the path of their folder; it is asked where no file has the path itself."""
    folder = path if path.endswith("/") else f"{path}/"
    return (folder + _INDEX, folder) if has(folder + _INDEX) else None


def clean(path: str, has: Callable[[str], object]) -> tuple[str, str] | None:
    """Pages under the one path that belongs to them; one hop leads there from any other."""
    if path and not path.startswith("/"):
        return None  # the target of a server's own
    file = _served(path, has)
    if file and (file != path or not path.endswith(_HTML)):
        return file, path
    for page in _spelled_otherwise(path):
        canonical = _canonical(page)
        if has(page) and _served(canonical, has) == page:
            return page, canonical
    # A page whose own path is another file's keeps its name.
    return (path, path) if has(path) else None


def _served(path: str, has: Callable[[str], object]) -> str | None:
    """The file that answers a path without a redirect."""
    if path.endswith("/"):
        return path + _INDEX if has(path + _INDEX) else None
    if has(path):
        return path
    page = path + _HTML
    return page if path and _canonical(page) == path and has(page) else None


def _canonical(file: str) -> str:
    folder, slash, leaf = file.rpartition("/")
    return folder + slash if leaf == _INDEX else file.removesuffix(_HTML)


def _spelled_otherwise(path: str) -> Iterator[str]:
    """The pages that a path may mean without being theirs."""
    if path.endswith("/"):
        yield path[:-1] + _HTML
        return
    yield path
    stem = path.removesuffix(_HTML)
    folder, _, leaf = stem.rpartition("/")
    if leaf == "index":
        yield stem + _HTML
        yield folder + _HTML
    yield f"{stem}/{_INDEX}"
    yield f"{path}/{_INDEX}"


def spellings(file: str) -> Iterable[str]:
    """All paths that may lead to a page, by any of the ways above."""
    if not file.endswith(_HTML):
        return (file,)
    folder, _, leaf = file.rpartition("/")
    page = file.removesuffix(_HTML)
    stems = (page, folder) if leaf == _INDEX else (page,)
    return [stem + end for stem in stems for end in ("", _HTML, "/", "/index", f"/{_INDEX}")]
