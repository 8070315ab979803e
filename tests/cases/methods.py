"""Group M: methods."""

from __future__ import annotations

from .case import (
    ALONE,
    FILES,
    GZIP,
    MUST,
    OWN,
    PASS,
    POLICY,
    REFUSED,
    SHOULD,
    Ask,
    Want,
)
from .site import APP_JS, GZ, SIZES
from .write import DIGITS, ask, case, ours, under

GZIPPED = ("Accept-Encoding", "gzip")
LENGTH = {"content-length": "10"}
CONTENT = b"x" * 1_000_000
OTHERS = ("PUT", "DELETE", "TRACE", "PROPFIND", "FOO", "PATCH", "CONNECT")
ALL = ("POST", "OPTIONS", "get", *OTHERS)
NOT_ALLOWED = {
    "allow": "GET, HEAD",
    "cache-control": "no-cache",
    "content-type": "text/plain; charset=utf-8",
}
NOWHERE = ("/nope", "/t.txt/x", "/../t.txt", "/%2e/t.txt", "/t%2etxt%2f")


def method(name: str) -> Ask:
    """It is the app's; a server without one may say that it takes no such method."""
    return ask("/t.txt", REFUSED, method=name, check="not the file")


def the_apps(*methods: str) -> list[Ask]:
    """The same of dualstatic, with and without index pages."""
    return [ours("/t.txt", PASS, method=name, setting=setting, here=bool(setting),
                 lacks=("allow",)) for name in methods for setting in ("", FILES)]  # fmt: skip


def head(target: str, length: int, *lines: tuple[str, str], vary: str = "") -> list[Ask]:
    """GET, and HEAD as often as it is told from memory; both have all fields."""
    has = {"content-length": str(length), **({"vary": vary} if vary else {})}
    coded = "" if GZIPPED in lines else "content-encoding"
    want = Want((200,), has, tuple(filter(None, (coded, "" if vary else "vary"))))
    get = Ask(target, lines=lines, ours=want, name="get", setting=FILES)
    same = Want((200,), has, want.lacks, b"", same=("get", ()))
    heads = [Ask(target, lines=lines, ours=same, method="HEAD", setting=FILES)] * 2
    return [get, *heads]


METHODS = (
    *under(
        "RFC 9110 9.3.2",
        MUST,
        case("M146", "HEAD has all fields of GET, and no content.", ask("/t.txt", 200, name="get"),
             ask("/t.txt", 200, method="HEAD", body=b"", has=LENGTH, same=("get", ())),
             *head("/t.txt", 10), *head("/before.bin", SIZES["before.bin"]),
             *head("/app.js", len(APP_JS), ("Accept-Encoding", "identity"),
                   vary="accept-encoding")),
        case("M147", "HEAD of an empty file says that the length is zero.",
             ask("/empty.txt", 200, method="HEAD", body=b"", has={"content-length": "0"}),
             *head("/empty.txt", 0)),
        case("M148", "HEAD of a compressed file has the length and the coding of what GET sends.",
             ask("/app.js", 200, method="HEAD", lines=(GZIPPED,), body=b"", has={
                 "content-encoding": "gzip", "content-length": "53", "vary": "accept-encoding"}),
             *head("/app.js", len(GZ), GZIPPED, vary="accept-encoding"), needs=(GZIP,)),
    ),
    *under(
        "RFC 9110 9.1",
        POLICY,
        case("M150", "POST is the app's.", method("POST"), *the_apps("POST")),
        case("M153", "OPTIONS is the app's.", method("OPTIONS"), *the_apps("OPTIONS")),
        case("M154", "Each other method is the app's, be it known or not.",
             *map(method, ("PUT", "DELETE", "TRACE", "PROPFIND", "FOO")), *the_apps(*OTHERS)),
    ),
    *under(
        "RFC 9110 9.1",
        MUST,
        case("M155", "A method in small letters is another method.",
             method("get"), *the_apps("get", "Head")),
    ),
    *under(
        "RFC 9110 15.5.6",
        POLICY,
        case("M151", "Without an app, another method gets a 405 that names GET and HEAD.",
             ask("/t.txt", 405, method="POST", check="allows GET and HEAD"),
             *[ours("/t.txt", 405, method=name, has=NOT_ALLOWED, check="not the file")
               for name in ALL], needs=(OWN,), setting=ALONE),
        case("M152", "Without an app, another method of what isn't there gets a 404.",
             ask("/nope", 404, method="POST"),
             *[ours(target, 404, method=name, lacks=("allow",))
               for target in NOWHERE for name in ALL], needs=(OWN,), setting=ALONE),
    ),
    *under(
        "RFC 9110 9.3.1",
        SHOULD,
        case("M156", "The content of a GET counts for nothing.",
             ask("/t.txt", 200, body=DIGITS, content=CONTENT),
             ours("/t.txt", 200, body=DIGITS, content=CONTENT)),
    ),
    *under(
        "RFC 9112 7",
        MUST,
        case("M157", "HTTP/1.0 gets a length and no chunks.",
             ask("/t.txt", 200, version="1.0", body=DIGITS, has=LENGTH,
                 lacks=("transfer-encoding",)),
             *[ours(target, 200, version="1.0", here=True, has={"content-length": str(size)},
                    lacks=("transfer-encoding", "connection"))
               for target, size in (("/t.txt", 10), ("/before.bin", SIZES["before.bin"]))]),
    ),
)  # fmt: skip

CASES = METHODS
