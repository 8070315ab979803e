"""Groups X and A: what files on a disk and both doors do."""

from __future__ import annotations

from .case import AT_PREFIX, BELOW, BR, CONDITIONS, GZIP, MOUNTED, MUST, ODD, PASS, PREFIX, Want
from .site import BR as BR_BYTES
from .write import DIGITS, ask, case, ours, under

OF_ONE_CONNECTION = ("transfer-encoding", "keep-alive", "upgrade")
FOR_A_FRONT_SERVER = (
    {"X-Sendfile-Type": "X-Accel-Redirect"},
    {"X-Accel-Mapping": "/=/_int/"},
    {"X-Sendfile-Type": "X-Sendfile"},
    {"X-Sendfile-Type": "X-Accel-Redirect", "X-Accel-Mapping": "/=/outside/"},
    {"X-Accel-Redirect": "/etc/passwd", "X-Sendfile": "/etc/passwd"},
    {"X-Original-URL": "/b.txt", "X-Rewrite-URL": "/b.txt", "X-HTTP-Method-Override": "POST"},
)
HANDED_ON = [
    ask("/t.txt", 200, body=DIGITS, lines=fields.items(), lacks=("x-sendfile", "x-accel-redirect"),
        ours=Want((200,), same=("plain", ())))
    for fields in FOR_A_FRONT_SERVER
]  # fmt: skip
MISSED = [ours("/nope", PASS, lines=fields.items()) for fields in FOR_A_FRONT_SERVER]

WEIGHED, BEST = ("Accept-Encoding", "gzip;q=0.5"), ("Accept-Encoding", "br")
LINES = ((WEIGHED, BEST), (BEST, WEIGHED))
CODED = {"content-encoding": "br"}
TAGS = (("If-None-Match", '"a"'), ("If-None-Match", "{coded.etag}"))

CASES = (
    *under(
        "RFC 9110 12.1",
        MUST,
        case("X414", "The same request gets the same coding a hundred times.",
             *[ask("/app.js", 200, body=BR_BYTES, has=CODED,
                   lines=(("Accept-Encoding", "gzip, br"),))] * 100, needs=(GZIP, BR)),
    ),
    *under(
        "RFC 9110 17.3",
        MUST,
        case("X415", "A directory with pipes, sockets and links to nothing is served.",
             ask("/t.txt", 200, body=DIGITS), setting=ODD),
        case("A446", "A client's fields for a server in front count for nothing.",
             ask("/t.txt", 200, name="plain"), *HANDED_ON, *MISSED),
    ),
    *under(
        "RFC 9110 5.3",
        MUST,
        case("A428", "Two lines of one field are one list.",
             *[ours("/app.js", 200, body=BR_BYTES, has=CODED, lines=lines, name="coded")
               for lines in LINES],
             ours("/app.js", 304, lines=(*LINES[0], *TAGS)), needs=(GZIP, BR, CONDITIONS)),
    ),
    *under(
        "RFC 9110 7.1",
        MUST,
        case("A424", "A file is found below the mount point.",
             ask("/app/t.txt", 200, body=DIGITS), needs=(MOUNTED,), setting=BELOW),
        case("A426", "A path that only begins as the mount point is not below it.",
             ask("/apple/t.txt", PASS), needs=(PREFIX,), setting=AT_PREFIX),
        case("A435", "A path is decoded as UTF-8.", ask("/%C3%BC.txt", 200, body=b"u umlaut")),
    ),
    *under(
        "RFC 9110 7.6.1",
        MUST,
        case("A443", "No field about one connection comes from the application.",
             ask("/t.txt", 200, lacks=OF_ONE_CONNECTION)),
    ),
)  # fmt: skip
