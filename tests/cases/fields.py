"""Group H: files whose names begin with a dot."""

from __future__ import annotations

from typing import Any

from .case import (
    AT_PREFIX,
    DOTTED,
    HIDDEN,
    PASS,
    PREFIX,
    Case,
)
from .write import ask, case, refuses, serves

SCRIPT = "text/javascript; charset=utf-8"
BYTES = "application/octet-stream"
GZIPPED = (("Accept-Encoding", "gzip"),)


def hides(key: str, says: str, *targets: str, **how: Any) -> Case:
    return refuses(key, says, *targets, needs=(HIDDEN,), **how)


DOTFILES = (
    hides("H374", "", "/.hidden"),
    hides("H375", "", "/.git/config"),
    serves("H376", "", "/.well-known/x.txt", b"well known"),
    hides("H377", "", "/sub/.well-known/x"),
    hides("H378", "", "/.git", "/.git/"),
    hides("H379", "", "/%2ehidden"),
    hides("H380", "", "/.env/.", "/.env%00"),
    case("H381", "", ask("/css-config.env", PASS), ask("/cssconfig.env", PASS),
         ask("/css/config.env", 200, body=b"one"), needs=(PREFIX,), setting=AT_PREFIX),
    case("H382", "", ask("/page2", PASS)),
    serves("H383", "", "/.hidden", b"hidden", setting=DOTTED),
)  # fmt: skip

CASES = DOTFILES
