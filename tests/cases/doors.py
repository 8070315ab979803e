"""Groups X and A: what files on a disk and both doors do."""

from __future__ import annotations

from .case import (
    AT_PREFIX,
    BELOW,
    BR,
    GZIP,
    MOUNTED,
    ODD,
    PASS,
    PREFIX,
)
from .site import BR as BR_BYTES
from .write import DIGITS, ask, case

SCRIPT = "text/javascript; charset=utf-8"
BYTES = "application/octet-stream"
GZIPPED = (("Accept-Encoding", "gzip"),)


DOORS = (
    case("X414", "", *[ask("/app.js", 200, body=BR_BYTES, lines=(("Accept-Encoding", "gzip, br"),),
                       has={"content-encoding": "br"})] * 100, needs=(GZIP, BR)),
    case("X415", "", ask("/t.txt", 200, body=DIGITS), setting=ODD),
    case("A424", "", ask("/app/t.txt", 200, body=DIGITS), needs=(MOUNTED,), setting=BELOW),
    case("A426", "", ask("/apple/t.txt", PASS), needs=(PREFIX,), setting=AT_PREFIX),
    case("A435", "", ask("/%C3%BC.txt", 200, body=b"u umlaut")),
    case("A443", "", ask("/t.txt", 200, lacks=("transfer-encoding", "keep-alive", "upgrade"))),
    case("A446", "", *[ask("/t.txt", 200, body=DIGITS, lines=(line,), lacks=("x-sendfile",
                   "x-accel-redirect")) for line in (("X-Sendfile-Type", "X-Accel-Redirect"),
                   ("X-Accel-Mapping", "/=/_int/"))]),
)  # fmt: skip

CASES = DOORS
