"""One sentence on a path: what answers it or why nothing does, and the way out.

It begins with the site's own answer. The reasons come from the same gate and look-up, asked once
more: so they can't contradict the answer.
"""

from __future__ import annotations

import errno
import os
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from logging import DEBUG
from typing import AnyStr
from urllib.parse import quote, unquote_to_bytes

from .core.paths import admits
from .core.values import Request
from .disk.body import Answer
from .disk.errors import LEADS_OUT, OnceLogger, is_missing, logger
from .disk.find import close_all, look_for
from .disk.root import Directory
from .site import Site

_HOST = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_LONGEST, _LONGEST_PATH = 200, 1000
"""Characters that are repeated of a client's text, and of a path on the disk."""

_INDEX = "index.html"
_NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}

_TARGETS = [
    (re.compile(rb"%2f|%5c", re.IGNORECASE), "has an encoded slash or backslash"),
    (re.compile(rb"\\"), "has a backslash, which some take for a slash"),
    (re.compile(rb"#"), "has a '#', where a fragment begins: in a name it is %23"),
    (re.compile(rb"%(?![0-9a-fA-F]{2})"), "has a '%' that begins no escape: in a name it is %25"),
    (re.compile(b""), "has bytes that are not UTF-8"),
]
"""Why a request target is refused, the first that is found in it."""

_NAMES = [
    (re.compile(r"[\ud800-\udfff]"), "has bytes that are not UTF-8"),
    (re.compile(r"[\x00-\x1f\x7f]"), "has a control character"),
    (re.compile(r"\\"), "has a backslash, which some take for a slash"),
    (re.compile(r"(?:^|/)\.\.?(?:/|\Z)"), "has a '.' or '..' segment: ask for where that leads"),
    (re.compile(r"^/|//|/\Z"), "has two slashes in a row: ask with one"),
]
"""Why a name is refused, likewise."""

_ERRORS = {
    errno.ENAMETOOLONG: "is too long for a name of this file system",
    errno.ENOTDIR: "goes on below a file, where nothing can be",
    errno.ELOOP: "leads through too many links, or a loop of them",
}
"""Why a name is no file's, by what the system says of it."""


def request_for(url: str) -> Request:
    """The GET of a URL, or of the path of one, as somebody has copied it.

    A query and a fragment are left away: they name no file.
    """
    text = url.strip()
    if match := _HOST.match(text):
        text = text[match.end() :]
    raw_path = f"/{re.split('[?#]', text)[0].removeprefix('/')}".encode("utf-8", "surrogatepass")
    path = unquote_to_bytes(raw_path).decode("utf-8", "surrogateescape")
    return Request("GET", path, raw_path=raw_path)


def log_miss(site: Site, request: Request, asked: str = "", *, wait: bool) -> None:
    """Log why a request has no answer, if DEBUG is on.

    `asked` says who has asked for a file, if not a client.

    :raises BlockingIOError: `wait` is False, and the reasons are on the disk
    """
    if not logger.isEnabledFor(DEBUG):
        return
    if not wait:
        raise BlockingIOError("the reasons are on the disk")
    by_client = ascii(request.method)[1:-1][:_LONGEST]
    said = explain(site, request, of_view=asked != "")
    logger.debug("%s %s", asked or by_client, said)


def explain(site: Site, request: Request, *, of_view: bool = False) -> str:
    """The sentence on a request, save what its conditions ask for.

    `of_view`: a view has no file of that very name, and answers by no page.
    """
    path, target = request.path, request.raw_path
    # A target is shown as it came if that is why it is refused.
    if target and not admits(target, path):
        path = target.partition(b"?")[0].decode("latin-1")
    asked = _shown(path)
    try:
        return f"{asked} {_said(site, request, of_view)}"
    except Exception as error:  # noqa: BLE001 (of a function among the options, too: it is told)
        return f"{asked} can't be looked up: {_shown(repr(error), _LONGEST_PATH)}"


def _said(site: Site, request: Request, of_view: bool) -> str:
    if of_view:
        return _why_not(site, request, has_pages=False)
    answer = site.answer(request._replace(method="GET", headers={}), wait=True)
    if answer is None:
        has_pages = not site.settings.policies.of_uploads
        return _why_not(site, request, has_pages=has_pages) + _page(site, request.path)
    with answer:
        if request.method not in ("GET", "HEAD"):
            return "is there, but for GET and HEAD alone"
        return _by_what(site, request.path, answer)


def _shown(text: str, most: int = _LONGEST) -> str:
    """Text that a client or a disk chose, without what a terminal or a log would obey."""
    return ascii(text if len(text) <= most else f"{text[:most]}...")


def _place(path: str) -> str:
    return _shown(path, _LONGEST_PATH)


# What answers.


def _by_what(site: Site, path: str, answer: Answer) -> str:
    if answer.status == 307:
        return f"is redirected to {_shown(dict(answer.headers)['location'])}"
    known = site.resource_at(path, wait=True)
    if known is None:
        return "is answered by a file that is gone since"
    _, resource = known
    plain, *siblings = [form.file for form in resource.representations]
    coded = ", ".join(str(sibling.coding) for sibling in siblings)
    also = f", also in {coded}" if coded else ""
    _, warnings = _on_disk(site, plain.name)
    left_out = [f"; {warning}" for warning in warnings if warning.startswith("left out")]
    return f"is answered by {_place(plain.path)}{also}{''.join(left_out)}"


# Why nothing does.


def _why_not(site: Site, request: Request, *, has_pages: bool) -> str:
    """The reason; without pages, no option that makes some is a way out."""
    path, prefix = request.path, site.settings.prefix
    if path not in site.gate:
        return _outside(site, path)
    if not path:
        return "is the mount point without its slash, and nothing tells how that is called"
    if not admits(request.raw_path, path):
        return f"is refused: it {_first(_TARGETS, request.raw_path or b'')}"
    name = path[len(prefix) + 1 :]
    plain = name[:-1] if name[1:].endswith("/") else name
    if plain and site.gate(f"{prefix}/{plain}") is None:
        return _refused(site, plain)
    return _not_found(site, path, plain, has_pages)


def _outside(site: Site, path: str) -> str:
    prefix = site.settings.prefix
    text = f"is not below the prefix {_shown(prefix or '/')}"
    if prefix in path and (said := _first(_NAMES, path[1:].removesuffix("/"))):
        return f"{text}: it {said}"
    name = site.gate(prefix + path)
    if name and (file := _on_disk(site, name)[0]):
        text += (
            f": {_place(file)} is at {_shown(prefix + path)}; an app that is mounted at "
            f"{_shown(prefix)} needs no prefix"
        )
    return text


def _first(reasons: Iterable[tuple[re.Pattern[AnyStr], str]], text: AnyStr) -> str:
    return next((said for pattern, said in reasons if pattern.search(text)), "")


def _refused(site: Site, name: str) -> str:
    if said := _first(_NAMES, name):
        return f"is refused: it {said}"
    if replace(site.gate, dotfiles=True)(f"{site.settings.prefix}/{name}") is not None:
        return "is hidden, as a name in it begins with a dot: dotfiles=True shows such files"
    return "is refused: Windows takes such a name for another"


def _not_found(site: Site, path: str, name: str, has_pages: bool) -> str:
    """Why a name that could be a file's, or a directory's, has no answer."""
    for directory in site.directories:
        if not os.path.isdir(directory.path):
            return f"is not served, as there is no directory at {_place(directory.path)}"
    kinds = [kind(directory, name) for directory in site.directories]
    if "directory" in kinds:
        index = f"{name}/{_INDEX}".lstrip("/")
        return _without_page(site, index) if has_pages else "is a directory"
    if path.endswith("/") and "file" in kinds:
        return "has a slash at its end, but is a file: ask for it without the slash"
    if reason := _not_served(site, name):
        return reason
    for directory, found in zip(site.directories, kinds, strict=True):
        if found == "file" and directory.is_previous:
            return f"is in {_place(directory.path)} alone, of which only immutable names are served"
        if found not in ("", "file"):
            return found
    return _missing(site, path, name, has_pages)


def _without_page(site: Site, index: str) -> str:
    if site.settings.html or site.settings.clean_urls:
        return _not_served(site, index) or f"is a directory without an {_INDEX}"
    if _on_disk(site, index)[0]:
        return f"is a directory: html=True answers with its {_INDEX}"
    return f"is a directory, and has no {_INDEX} that html=True could answer with"


def _not_served(site: Site, name: str) -> str:
    """Why a file that is on the disk isn't served; "" if there is none."""
    file, warnings = _on_disk(site, name)
    if file:
        return (
            f"was not there when the index was made, but {_place(file)} is now: refresh() or "
            "live=True finds it"
        )
    if not warnings:
        return ""
    way = "; follow_symlink=True follows it" if LEADS_OUT in warnings[0] else ""
    return f"is not served: {warnings[0].removeprefix('skipped, ')}{way}"


def _on_disk(site: Site, name: str) -> tuple[str | None, list[str]]:
    """Where a look finds a name now, and what it warns of."""
    warn = _Warnings()
    places = [(directory, site.look_up.suffixes) for directory in site.directories]
    look = look_for(places, name, site.settings.policies, warn)
    if look is None:
        return None, warn.said
    close_all(look.descriptors)
    file = look.stored[0]
    return file.path, warn.said


class _Warnings(OnceLogger):
    """What would be logged."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, message: str, path: str) -> None:
        self.said.append(f"{message}: {_place(path)}")


def _missing(site: Site, path: str, name: str, has_pages: bool) -> str:
    prefix, policies = site.settings.prefix, site.settings.policies
    if site.look_up.knows(path):
        return "was there when the index was made, and is gone from the disk"
    for directory in site.directories:
        spelled = _spelled(directory, name)
        if spelled and (not directory.is_previous or policies.was_immutable(spelled)):
            url = _place(quote(f"{prefix}/{spelled}"))
            return (
                f"is not there, but {_shown(spelled)} is, which is spelled otherwise: ask for {url}"
            )
    if has_pages and site.settings.clean_urls and (reason := _not_served(site, f"{name}.html")):
        return reason
    ways = {".html": "clean_urls=True answers with it"} if has_pages else {}
    ways |= dict.fromkeys(
        site.look_up.suffixes, "a compressed file answers only beside its original"
    )
    for suffix, way in ways.items():
        if _on_disk(site, name + suffix)[0]:
            return f"is not there, but {_shown(name + suffix)} is: {way}"
    if rest := _behind_a_prefix(site, name):
        return rest
    return f"is not in {' or '.join(_place(directory.path) for directory in site.directories)}"


def _behind_a_prefix(site: Site, name: str) -> str:
    """Why the path may have a part too many, or the directory a folder too few."""
    prefix = site.settings.prefix
    ways = {name.partition("/")[2]: "the prefix may lack its end"}
    if prefix:
        ways[f"{prefix[1:]}/{name}"] = "the directory has the prefix in it"
    if prefix and name.startswith(f"{prefix[1:]}/"):
        ways = {name[len(prefix) :]: "the prefix stands in the path twice"}
    for rest, way in ways.items():
        if rest and _on_disk(site, rest)[0]:
            return f"is not there, but {_shown(rest)} is, at {_shown(f'{prefix}/{rest}')}: {way}"
    return ""


def _spelled(directory: Directory, name: str) -> str | None:
    """A name as the directory has it, in another case or another Unicode form."""
    spelled = ""
    for part in name.split("/"):
        names, folded = names_in(directory, spelled) or (), _folded(part)
        alike = [each for each in names if _folded(each) == folded]
        if not alike:
            return None
        spelled = f"{spelled}/{part if part in alike else min(alike)}".lstrip("/")
    return spelled if spelled != name else None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _page(site: Site, path: str) -> str:
    """What a navigation gets that nobody has an answer for."""
    navigation = Request("GET", path, headers=_NAVIGATION)
    # A directory that is missing has been told of, and would raise.
    answer = site.fallback(navigation, has_app=True, wait=True) if site.is_ready else None
    if answer is None:
        return ""
    with answer:
        return f"; if no app answers, a navigation gets the page of not_found ({answer.status})"


# What a directory has under a name; no file is opened.


def kind(directory: Directory, name: str) -> str:
    """What a directory has under a name, or what is wrong with it there; "" if it has nothing."""
    if not name:
        return "directory"
    folder, _, leaf = name.rpartition("/")
    with directory.walk() as walk:
        try:
            walk.enter(folder)
            _, found = walk.find(leaf)
        except OSError as error:
            if error.errno == errno.ENOENT and _dangles(directory, name):
                return "leads through a link to nothing"
            return _ERRORS.get(error.errno or 0, "")
    return "is not a regular file" if found == "other" else found


def _dangles(directory: Directory, name: str) -> bool:
    """Whether all that can be listed of a name is there: then the last is a link to nothing."""
    place = ""
    for part in name.split("/"):
        names = names_in(directory, place)
        if names is None or part not in names:
            return names is None and kind(directory, place) != "directory"
        place = f"{place}/{part}".lstrip("/")
    return True


def names_in(directory: Directory, folder: str) -> list[str] | None:
    """The names in a folder of a directory; None: it is none, or can't be read."""
    try:
        with directory.walk() as walk:
            walk.enter(folder)
            return [name for name, _ in walk.entries()]
    except OSError as error:
        if not is_missing(error):
            raise
        return None
