"""Group M: methods."""

from __future__ import annotations

from .case import (
    ALONE,
    GZIP,
    OWN,
    REFUSED,
    Ask,
)
from .write import DIGITS, ask, case

Lines = tuple[tuple[str, str], ...]
GZIPPED = ("Accept-Encoding", "gzip")
OF_A_BODY = ("content-encoding", "content-range")
ASCTIME = "Tue Jan  2 03:04:05 2024"
RFC_850 = "Tuesday, 02-Jan-24 03:04:05 GMT"


def method(name: str) -> Ask:
    """It is the app's; a server without one may say that it takes no such method."""
    return ask("/t.txt", REFUSED, method=name, check="not the file")


METHODS = (
    case("M146", "", ask("/t.txt", 200, name="get"), ask("/t.txt", 200, method="HEAD", body=b"",
         has={"content-length": "10"}, check="fields as get")),
    case("M147", "", ask("/empty.txt", 200, method="HEAD", body=b"", has={"content-length": "0"})),
    case("M148", "", ask("/app.js", 200, method="HEAD", lines=(GZIPPED,), body=b"", has={
         "content-encoding": "gzip", "content-length": "53", "vary": "accept-encoding"}),
         needs=(GZIP,)),
    case("M150", "", method("POST")),
    case("M151", "", ask("/t.txt", 405, method="POST", check="allows GET and HEAD"),
         needs=(OWN,), setting=ALONE),
    case("M152", "", ask("/nope", 404, method="POST"), needs=(OWN,), setting=ALONE),
    case("M153", "", method("OPTIONS")),
    case("M154", "", *map(method, ("PUT", "DELETE", "TRACE", "PROPFIND", "FOO"))),
    case("M155", "", method("get")),
    case("M156", "", ask("/t.txt", 200, body=DIGITS, content=b"x" * 1_000_000)),
    case("M157", "", ask("/t.txt", 200, version="1.0", body=DIGITS, has={"content-length": "10"},
         lacks=("transfer-encoding",))),
)  # fmt: skip

CASES = METHODS
