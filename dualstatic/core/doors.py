"""What the doors have in common: the request as the decision sees it, and a Vary for the app's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

from .replies import deciding_fields
from .values import Request

Lines = Iterable[tuple[str, str]]
"""Header fields as an app has given them: names in any case, and more than once."""


def make_request(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    raw_path: bytes | None,
    mount: str,
) -> Request:
    """The request, with the path that the client asked for below the mount point.

    The mount point without its slash is the empty path. Where there is none, that is the root of a
    host (RFC 9110 section 4.2.3), and its target has nothing to look at.
    """
    mount = mount.rstrip("/")
    if path.endswith("/") and raw_path and _lacks_the_slash(raw_path, mount + path):
        path = path[:-1]
    if not path and not mount:
        path, raw_path = "/", None
    return Request(method, path, query, headers, raw_path, mount)


def _lacks_the_slash(raw_path: bytes, path: str) -> bool:
    """Whether the slash at the end of the path is a framework's own.

    Litestar adds one to each path below a mount, Bottle and Django add it to the mount point. A
    path that is another one than the target was rewritten, and is taken as it is.
    """
    target, asked = (
        unquote_to_bytes(raw_path.partition(b"?")[0]),
        path[:-1].encode(errors="replace"),
    )
    return asked != b"" and target.endswith(asked)


def with_vary(lines: Lines, request: Request) -> list[tuple[str, str]]:
    """The fields of an app's answer that another request gets a page in place of (12.5.5)."""
    fields = list(lines)
    found = [value for name, value in fields if name.lower() == "vary"]
    members = [member.strip() for value in found for member in value.split(",")]
    known = {member.lower() for member in members}
    missing = [name for name in deciding_fields(request) if name.lower() not in known]
    if "*" in known or not missing:
        return fields
    others = [field for field in fields if field[0].lower() != "vary"]
    return [*others, ("vary", ", ".join(filter(None, [*members, *missing])))]
