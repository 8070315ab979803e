"""What a directory has under a name, for who tells it to people: no file is opened."""

from __future__ import annotations

import errno

from .errors import is_missing
from .root import Directory

_ERRORS = {
    errno.ENAMETOOLONG: "is too long for a name of this file system",
    errno.ENOTDIR: "goes on below a file, where nothing can be",
    errno.ELOOP: "leads through too many links, or a loop of them",
}


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
            dangles = walk.links and _dangles(directory, name)
            dangling = "leads through a link to nothing" if dangles else ""
            return _ERRORS.get(error.errno or 0, dangling)
    return "is not a regular file" if found == "other" else found


def _dangles(directory: Directory, name: str) -> bool:
    """Whether all that can be listed of a name is there: then the last is a link to nothing."""
    place = ""
    for part in name.split("/"):
        names = names_in(directory, place)
        if names is None or part not in names:
            return names is None
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
