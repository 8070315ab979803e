"""The gate: a URL path comes out as a name to look up, or not at all. It refuses, never repairs.

Each function is total: whatever a client sends is answered by None or False, not by an exception.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

# A name is segments between single slashes; none is empty, ".", or "..". Control characters can't
# stand in it, nor a backslash (a separator elsewhere), nor a surrogate (bytes that aren't UTF-8).
_REFUSED = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]|(?:^|/)(?:\.{0,2})(?:/|\Z)")

# Invisible characters. A directory that ignores case ignores these, too (HFS+; ext4 and others on
# Linux): a name that has some before its dot means the file whose name begins with the dot.
_IGNORED = (
    r"[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*"
)
_DOTFILE = re.compile(rf"(?:^(?!\.well-known(?:/|\Z))|/){_IGNORED}\.")  # save that of RFC 8615

# What Windows takes for another name, a device, a stream, a drive or a short name (8.3).
_WINDOWS = re.compile(
    r"[:*?\"<>|]|[. ](?:/|\Z)"
    r"|(?:^|/)[^/.]{0,6}~[0-9]+(?:\.[^/.]{0,3})?(?:/|\Z)"
    r"|(?:^|/)(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])[ ]*(?:[./]|\Z)",
    re.IGNORECASE,
)

_UNSAFE_ESCAPE = re.compile(rb"%(?:2[fF]|5[cC]|(?![0-9a-fA-F]{2}))|[\\#]")
_PLAIN = re.compile(rb"[!$&-\[\]^_`a-z{|}~\"]*")


@dataclass(frozen=True, slots=True)
class Gate:
    """What a URL path has to be to name a file: below `prefix` (without its last slash), to begin.

    `windows` refuses what that system would take for another name.
    """

    prefix: str
    dotfiles: bool = False
    windows: bool = False

    def __contains__(self, path: object) -> bool:
        """Whether a path is the prefix or below it."""
        return f"{path}/".startswith(f"{self.prefix}/")

    def __call__(self, path: str) -> str | None:
        """The name that a path means; None: not one of ours."""
        if not path.startswith(self.prefix + "/"):
            return None
        name = path[len(self.prefix) + 1 :]
        if _REFUSED.search(name):
            return None
        if not self.dotfiles and _DOTFILE.search(name):
            return None
        if self.windows and _WINDOWS.search(name):
            return None
        return name


def admits(raw_path: bytes | None, path: str) -> bool:
    """Whether the target, as it came, lets `path` be served.

    An encoded slash or backslash is data and not a separator, a malformed escape has no meaning,
    and neither have bytes that are not UTF-8. Without a target, U+FFFD may stand for such bytes.
    """
    if not raw_path:
        return "\ufffd" not in path
    if _PLAIN.fullmatch(raw_path):
        return True
    target = raw_path.partition(b"?")[0]
    if _UNSAFE_ESCAPE.search(target):
        return False
    try:
        unquote_to_bytes(target).decode()
    except UnicodeDecodeError:
        return False
    return True


def relative_location(path: str, target: str, query: str) -> str:
    """The relative reference from a path to another that is near, the query kept.

    It starts with a dot, so that no segment can be read as a scheme (RFC 3986 section 4.2), and is
    relative so that it is right below any mount point.
    """
    base, up = path[: path.rfind("/") + 1], "./"
    while not target.startswith(base):
        base, up = base[: base.rfind("/", 0, -1) + 1], "../" if up == "./" else f"../{up}"
    location = up + quote(target[len(base) :], errors="surrogateescape")
    encoding = "latin-1" if query.isascii() or max(query) <= "\xff" else "utf-8"
    text = quote(query, safe=_QUERY, encoding=encoding, errors="replace")
    return f"{location}?{text}" if query else location


_QUERY = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
