"""Group E: precompressed siblings, and a tag for each coding."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

from .case import (
    ALONE,
    BARE,
    BR,
    CONDITIONS,
    CONFINE,
    CONFINED,
    DELTAS,
    FIELDS,
    GZIP,
    KEPT,
    MUST,
    PAGE_404,
    PASS,
    POLICY,
    RANGES,
    RULED,
    SHOULD,
    TOLD,
    ZSTD,
    Ask,
    Case,
    Want,
)
from .site import APP_JS, DCB, DCB_2, DCZ, GZ, LEAST, NOT_FOUND, OLDER, STRANGER, TINY, WEAVED
from .site import BR as BR_BYTES
from .site import ZST as ZSTD_BYTES
from .write import DIGITS, ask, case, only_ours, ours, under

BODIES = {"": APP_JS, "gzip": GZ, "br": BR_BYTES, "zstd": ZSTD_BYTES}
VARY = {"vary": "accept-encoding"}
SCRIPT = ("text/javascript", "application/javascript")
CODED = ("content-encoding",)
HTML = {"content-type": "text/html; charset=utf-8"}
PLAIN_TEXT = {"content-type": "text/plain; charset=utf-8"}


def coded(coding: str, kind: Any = SCRIPT) -> Want:
    """The script in that coding, every field of it."""
    body = BODIES[coding]
    has: dict[str, Any] = {"content-length": str(len(body)), "content-type": kind, **VARY}
    if coding:
        return Want((200,), {**has, "content-encoding": coding}, body=body)
    return Want((200,), has, CODED, body)


def lines(*values: str) -> tuple[tuple[str, str], ...]:
    return tuple(("Accept-Encoding", value) for value in values)


def gets(values: tuple[str, ...], *codings: str, target: str = "/app.js") -> tuple[Ask, Ask]:
    """The first of the codings, in which HEAD has all fields; another server may choose another."""
    promised = coded(codings[0], "text/javascript; charset=utf-8")
    wants = [coded(coding) for coding in codings]
    how: dict[str, Any] = {"lines": lines(*values)}
    full = ask(target, *wants, name="full", ours=promised, **how)
    return full, ours(target, 200, method="HEAD", same=("full", ()), body=b"", **how)


def alone(values: str, coding: str, target: str = "/app.js") -> Ask:
    """The same, of dualstatic alone."""
    return only_ours(gets((values,), coding, target=target)[0])


def accepts(
    key: str,
    says: str,
    values: str | tuple[str, ...],
    *codings: str,
    needs: tuple[str, ...] = (GZIP,),
    more: tuple[Ask, ...] = (),
) -> Case:
    """Each value by itself gets one of the codings."""
    values = (values,) if isinstance(values, str) else values
    asks = [each for value in values for each in gets((value,), *codings)]
    return case(key, says, *asks, *more, needs=needs)


TWO = (GZIP, BR)
WORDS = ("xgzip", "gzipped", "gzip2", "notgzip", "brotli", "abr")
SMALLEST = tuple(
    ours(f"/least-{coding}.js", 200, lines=lines("gzip, deflate, br, zstd"), body=LEAST,
         has={"content-encoding": coding, **VARY})
    for coding in ("gzip", "br", "zstd")
)  # fmt: skip

CHOSEN = (
    *under(
        "RFC 9110 12.5.3",
        MUST,
        case("E303", "A client without Accept-Encoding gets the plain file.", *gets((), ""),
             needs=(GZIP,)),
        accepts("E304", "A client with an empty Accept-Encoding gets the plain file.", "", ""),
        accepts("E305", "A client that takes gzip gets gzip.", "gzip", "gzip"),
        accepts("E306", "A client that takes br gets br.", "br", "br", needs=(BR,)),
        accepts("E307", "A client that takes zstd gets zstd.", "zstd", "zstd", needs=(ZSTD,)),
        accepts("E309", "The coding with the higher weight is sent.",
                "br;q=0.5, gzip;q=0.8", "gzip", needs=TWO),
        accepts("E310", "The coding with the higher weight is sent wherever it stands.",
                "br;q=1.0, gzip;q=0.8", "br", needs=TWO),
        accepts("E313", "A coding of weight 0 leaves another one to be sent.",
                "gzip;q=0, br", "br", needs=TWO),
        accepts("E314", "A coding of weight 0 leaves the one that stands behind it.",
                "br;q=0, gzip", "gzip", needs=TWO),
        accepts("E315", "An asterisk stands for any coding.", "*", "br", "", "gzip", "zstd",
                more=(alone("gzip;q=0.5, *", "", "/one.js"), alone("*;q=0.5", "gzip", "/one.js"),
                      alone("gzip, *;q=0.5", "gzip", "/one.js"),
                      alone("*;q=0, gzip", "gzip", "/one.js"))),
        accepts("E316", "An asterisk doesn't stand for a coding of weight 0.", "gzip;q=0, *", "br",
                "", "zstd"),
        accepts("E319", "A client that refuses the plain file gets a coding that it takes.",
                "identity;q=0, gzip", "gzip"),
        case("E320", "A client that refuses the plain file gets it if there is nothing else.",
             ask("/t.txt", 200, body=DIGITS, lines=lines("identity;q=0, gzip"),
                 ours=Want((200,), PLAIN_TEXT, ("vary", *CODED))), needs=(GZIP,)),
    ),
    *under(
        "RFC 9110 12.5.3",
        POLICY,
        accepts("E308", "Of codings with the same weight, the smallest file is sent.",
                "gzip, deflate, br, zstd", "br",
                needs=TWO, more=(alone("gzip, deflate, zstd", "zstd"), *SMALLEST)),
        accepts("E317", "A client that refuses all codings gets the plain file.", "*;q=0", ""),
        accepts("E318", "A client that refuses the plain file alone gets it all the same.",
                "identity;q=0", ""),
        accepts("E321", "The plain file is sent if it has the higher weight.",
                "identity;q=1, gzip;q=0.5",
                ""),
    ),
    *under(
        "RFC 9110 12.4.2",
        MUST,
        accepts("E311", "A coding of weight 0 is not sent.", "gzip;q=0", ""),
        accepts("E312", "A coding of weight 0.000 is not sent.", "gzip;q=0.000", ""),
        accepts("E324", "A weight that Python alone reads as a number is malformed.",
                ("gzip;q=nan", "gzip;q=inf", "gzip;q=1e-9"), ""),
    ),
    *under(
        "RFC 9110 12.4.2",
        SHOULD,
        accepts("E322", "A coding with a weight that is malformed is not sent.",
                ("gzip;q=1.001", "gzip;q=2", "gzip;q=abc", "gzip;q=", "gzip;q=-1"), "",
                more=(alone("gzip;q=2, br;q=0.1", "br"),)),
        accepts("E323", "A weight of more than three decimals doesn't fail.",
                "gzip;q=0.0001", "", "gzip"),
        accepts("E325", "A coding with another parameter doesn't fail.",
                ("gzip;q=0.5;x=1", "gzip;level=9"), "", "gzip"),
        case("E328", "White space around a semicolon, and a capital Q, change nothing.",
             *gets(("gzip ; q=0.5",), "gzip"), *gets(("gzip\t;\tq=0",), ""),
             *gets(("gzip;Q=0.5",), "gzip"), alone("gzip;Q=0", ""), needs=(GZIP,)),
    ),
    *under(
        "RFC 9110 8.4.1",
        MUST,
        accepts("E326", "A coding may be in capitals.", "GZIP", "gzip"),
        accepts("E329", "A word that has a coding's name in it is no coding.", WORDS, "",
                more=(alone("x-br", ""), alone("x-zstd", ""))),
    ),
    *under(
        "RFC 9110 8.4.1.3",
        SHOULD,
        accepts("E327", "The name x-gzip stands for gzip.", "x-gzip", "gzip",
                more=(alone("X-GZip;q=0.4", "gzip"),)),
    ),
    *under(
        "RFC 9110 5.3",
        MUST,
        case("E330", "Two lines of Accept-Encoding are one list.",
             *gets(("gzip;q=0", "br"), "br"), needs=TWO),
        case("E331", "Two lines of Accept-Encoding may each name a coding.",
             *gets(("br", "gzip"), "br", "gzip"),
             needs=TWO),
    ),
    *under(
        "RFC 9110 8.6",
        MUST,
        accepts("E348", "Content-Length is that of the compressed file.", "gzip", "gzip"),
    ),
)  # fmt: skip

GZIPPED = lines("gzip")
BINARY = ("application/gzip", "application/x-gzip", "application/octet-stream")
UNCODED = Want((200,), lacks=CODED, body=APP_JS)
ITSELF = Want((200,), {"content-type": BINARY}, CODED, GZ)
ITSELF_OURS = Want((200,), {"content-type": "application/gzip"}, (*CODED, "vary"), GZ)
HELLO = Want((200,), lacks=("vary", *CODED), body=b"hello")


def plain(key: str, says: str, *targets: str, **how: Any) -> Case:
    """The sibling isn't one to use."""
    return case(key, says, *[ask(target, UNCODED, lines=GZIPPED) for target in targets], **how)


def tags(target: str) -> list[Ask]:
    """A strong tag for each coding, which no other has."""
    return [ours(target, 200, lines=lines(each), name=f"of {each}", check="a tag of its own")
            for each in BODIES]  # fmt: skip


def ruled(setting: str, target: str, rule: str, codings: tuple[str, ...]) -> list[Ask]:
    """The same Cache-Control, whatever is sent."""
    return [ours(target, 200, lines=lines(each), setting=setting, has={"cache-control": rule,
                 **({"content-encoding": each} if each else {})}) for each in codings]  # fmt: skip


STATUSES: dict[int, Any] = {
    206: (("Range", "bytes=0-4"),),
    304: (("If-None-Match", "{full.etag}"),),
    412: (("If-Match", '"q"'),),
    416: (("Range", "bytes=5000-"),),
}


def varying(accepted: str) -> list[Ask]:
    """Every status, by both methods, says that it depends on the coding."""
    first = lines(accepted)
    asks = [ours("/app.js", 200, lines=first, has=VARY, name="full")]
    asks += [ours("/app.js", 200, lines=first, has=VARY, method="HEAD")]
    for status, more in STATUSES.items():
        how: dict[str, Any] = {"lines": (*first, *more), "has": VARY}
        asks.append(ours("/app.js", status, **how))
        if "Range" not in dict(more):
            asks.append(ours("/app.js", status, method="HEAD", **how))
    return asks


FOREVER = "public, max-age=31536000, immutable"

SIBLINGS = (
    *under(
        "RFC 9110 12.5.5",
        MUST,
        case("E332", "A file without siblings has no Vary.",
             ask("/t.txt", 200, body=DIGITS, lines=GZIPPED, lacks=("vary", *CODED)),
             needs=(GZIP,)),
        case("E345", "Every answer of a file with siblings has Vary.",
             ask("/app.js", 200, has=VARY, lines=GZIPPED, name="coded"),
             ask("/app.js", 200, has=VARY, lines=GZIPPED, method="HEAD"),
             ask("/app.js", 206, has=VARY, lines=(*GZIPPED, ("Range", "bytes=0-4"))),
             ask("/app.js", 416, has=VARY, lines=(*GZIPPED, ("Range", "bytes=5000-"))),
             ask("/app.js", 304, has=VARY, lines=(*GZIPPED, ("If-None-Match", "{coded.etag}"))),
             *[each for accepted in (*BODIES, "identity;q=0", "*;q=0")
               for each in varying(accepted)],
             needs=(GZIP, RANGES, CONDITIONS)),
        case("E346", "Vary of the user and Vary of the coding become one list.",
             ask("/app.js", 200, lines=GZIPPED, check="varies on Cookie and coding, once"),
             needs=(GZIP, FIELDS), setting=RULED),
        case("E347", "A 404 page is sent compressed.", ask("/nope", 404, lines=GZIPPED, body=TINY,
                 has={"content-encoding": "gzip", **VARY}, ours=Want((404,), HTML)),
             ours("/nope", 404, body=NOT_FOUND, has=VARY, lacks=CODED),
             ours("/nope", 404, method="HEAD", lines=GZIPPED,
                  has={"content-length": str(len(TINY))}),
             needs=(GZIP, PAGE_404), setting=ALONE),
    ),
    *under(
        "RFC 9110 12.5.3",
        SHOULD,
        case("E333", "A sibling without its file may be sent, or not.",
             ask("/gzonly.js", Want((PASS,), lacks=CODED),
                 Want((200,), {"content-encoding": "gzip", "content-type": SCRIPT, **VARY},
                      body=GZ), lines=GZIPPED),
             ours("/gzonly.js", 404, lines=GZIPPED, lacks=("vary", *CODED), setting=BARE),
             needs=(GZIP,)),
        case("E334", "A sibling without its file is not sent to a client that takes no coding.",
             ask("/gzonly.js", Want((PASS, 406)), Want((200,), VARY)),
             ours("/gzonly.js", PASS, lines=lines("br, gzip;q=0")),
             ours("/gzonly.js", 404, lacks=("vary",), setting=BARE), needs=(GZIP,)),
        plain("E340", "A sibling that is older than its file is not sent.", "/stale.js",
              needs=(GZIP,)),
        plain("E341", "A sibling that is larger than its file is not sent.",
              "/grown.js", needs=(GZIP,)),
        case("E344", "A rule for a file holds for its siblings, too.",
             ask("/app.js", 200, name="plain"),
             ask("/app.js", 200, lines=GZIPPED, like=("plain", ("cache-control",))),
             ask("/other.js", 200, lines=GZIPPED, like=("plain", ("cache-control",))),
             *ruled(KEPT, "/app.js", "max-age=77", tuple(BODIES)),
             *ruled(TOLD, "/app.js", "max-age=77", tuple(BODIES)),
             *ruled(RULED, "/assets/dcz.3f2a9c1b.js", FOREVER, ("", "br")), needs=(GZIP,)),
    ),
    *under(
        "RFC 9110 8.4",
        MUST,
        case("E335", "A file without a suffix has no coding.",
             ask("/hello", 200, body=b"hello", lines=GZIPPED, lacks=CODED, ours=HELLO),
             needs=(GZIP,)),
        case("E336", "No suffix is taken off a name to find a file.",
             ask("/hello.foobar", PASS, lines=lines("identity")),
             ours("/hello.gz", PASS, lines=GZIPPED), needs=(GZIP,)),
        case("E337", "A sibling can be had as a file by its own path.",
             ask("/app.js.gz", ITSELF, Want((PASS,)), ours=ITSELF_OURS),
             *[Ask(target, lines=GZIPPED, ours=ITSELF_OURS)
               for target in ("/app.js.gz", "/gzonly.js.gz")], needs=(GZIP,)),
    ),
    *under(
        "RFC 9110 17.3",
        MUST,
        plain("E339", "A sibling that is a directory, or a link that leads out, is not sent.",
              "/fake-dir.js",
              "/fake-link.js", needs=(GZIP, CONFINED), setting=CONFINE),
    ),
    *under(
        "RFC 9110 8.8.3.3",
        MUST,
        case("E342", "Each coding of a file has its own tag.", ask("/app.js", 200, name="plain"),
             ask("/app.js", 200, lines=GZIPPED, unlike=("plain", ("etag",))),
             ask("/one.js", 200, name="one"),
             ask("/one.js", 200, lines=GZIPPED, unlike=("one", ("etag",))),
             *tags("/app.js"), needs=(GZIP,)),
        case("E343", "Each coding of a file has its own tag even if two have the same bytes.",
             ask("/same.js", 200, name="gzip", lines=GZIPPED, body=TINY),
             ask("/same.js", 200, lines=lines("br"), body=TINY, unlike=("gzip", ("etag",))),
             *tags("/same.js"), needs=TWO),
    ),
)  # fmt: skip

BY_DICTIONARY = {"dcz": DCZ, "dcb": DCB}


def available(dictionary: bytes) -> str:
    return f":{b64encode(sha256(dictionary).digest()).decode()}:"


HAS_OLDER, HAS_STRANGER, HAS_OTHER = map(available, (OLDER, STRANGER, BR_BYTES))
COOKIE = ("accept-encoding", "cookie")
BOTH = (*COOKIE, "available-dictionary")


def delta(stem: str, accepted: str, dictionary: str, sent: str = "br", **how: Any) -> Ask:
    """What is `sent` of a file that may have a delta."""
    fields = (*lines(accepted), ("Available-Dictionary", dictionary), *how.pop("more", ()))
    has = {"content-encoding": sent, "vary": how.pop("vary", BOTH)}
    body = how.pop("body", BY_DICTIONARY.get(sent, BR_BYTES))
    status = how.pop("status", 200)
    return ask(f"/assets/{stem}.3f2a9c1b.js", status, lines=fields, has=has, body=body, **how)


def whole_delta(coding: str) -> tuple[Ask, ...]:
    """A delta by both methods, its parts, and its 304."""
    to = (coding, f"{coding}, br", HAS_OLDER, coding)
    body = BY_DICTIONARY[coding]
    return (
        delta(*to, name="delta"),
        delta(*to, method="HEAD", same=("delta", ())),
        delta(*to, status=206, body=body[:4], more=(("Range", "bytes=0-3"),)),
        delta(*to, status=206, body=body[-5:], more=(("Range", "bytes=-5"),)),
        ask(f"/assets/{coding}.3f2a9c1b.js", 304, has={"vary": BOTH}, like=("delta", ("etag",)),
            lines=(*lines(coding), ("Available-Dictionary", HAS_OLDER),
                   ("If-None-Match", "{delta.etag}"))),
    )  # fmt: skip


def by_all(stem: str, accepted: str, dictionary: str) -> tuple[Ask, ...]:
    """What isn't a delta, by both methods, and its part."""
    to = (stem, accepted, dictionary)
    return (
        delta(*to),
        delta(*to, method="HEAD"),
        delta(*to, status=206, body=BR_BYTES[:10], more=(("Range", "bytes=0-9"),)),
    )


ALL = "gzip, br, zstd, dcb, dcz"
TO_NOBODY = (
    *[("dcz", each, HAS_OLDER) for each in ("br, dcz;q=0", "br, *", "br, dcb", "br")],
    *[("dcz", "dcz, br", each) for each in ("", "::", HAS_OLDER.strip(":"))],
    *[("two", "br, dcb", HAS_OLDER), ("two", "br, dcz", HAS_STRANGER)],
    *[("two", ALL, each) for each in (HAS_OTHER, HAS_OLDER.strip(":"))],
)

OF_DICTIONARIES = under(
    "RFC 9842 6.1",
    POLICY,
    case("E349", "A client that has the dictionary of a delta gets the delta.",
         *whole_delta("dcz"), *whole_delta("dcb"),
         delta("dcz", "br, dcz;q=0.1", HAS_OLDER, "dcz"),
         delta("two", ALL, HAS_OLDER, "dcz"), delta("two", ALL, HAS_STRANGER, "dcb", body=DCB_2),
         needs=(DELTAS, RANGES, CONDITIONS), setting=RULED),
    case("E350", "No other client gets the delta, and one that is cut or too old is none.",
         *[delta(each, f"{each}, br", HAS_OTHER) for each in BY_DICTIONARY],
         *[each for to in TO_NOBODY for each in by_all(*to)],
         *[delta(each, "dcz, br", HAS_OLDER, vary=COOKIE) for each in ("cut", "stale")],
         *[ours(f"/assets/{each}.3f2a9c1b.js", 200, body=WEAVED, lacks=CODED,
                lines=(*lines("dcz"), ("Available-Dictionary", HAS_OLDER)))
           for each in ("cut", "stale")],
         needs=(DELTAS, BR), setting=RULED),
)  # fmt: skip

CASES = CHOSEN + SIBLINGS + OF_DICTIONARIES
