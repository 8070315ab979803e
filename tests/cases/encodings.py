"""Group E: precompressed siblings, and a tag for each coding."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

from .case import (
    ALONE,
    BR,
    CONDITIONS,
    CONFINE,
    CONFINED,
    DELTAS,
    FIELDS,
    GZIP,
    PAGE_404,
    PASS,
    RANGES,
    RULED,
    ZSTD,
    Ask,
    Case,
    Want,
)
from .site import APP_JS, DCB, DCZ, GZ, OLDER, TINY
from .site import BR as BR_BYTES
from .site import ZST as ZSTD_BYTES
from .write import DIGITS, ask, case

BODIES = {"": APP_JS, "gzip": GZ, "br": BR_BYTES, "zstd": ZSTD_BYTES}
VARY = {"vary": "accept-encoding"}
SCRIPT = ("text/javascript", "application/javascript")


def coded(coding: str) -> Want:
    """The script in that coding, every field of it."""
    body = BODIES[coding]
    length = str(len(body))
    has: dict[str, Any] = {"content-length": length, "content-type": SCRIPT, **VARY}
    if coding:
        return Want((200,), {**has, "content-encoding": coding}, body=body)
    return Want((200,), has, ("content-encoding",), body)


def lines(*values: str) -> tuple[tuple[str, str], ...]:
    return tuple(("Accept-Encoding", value) for value in values)


def accepts(
    key: str, says: str, values: tuple[str, ...], *codings: str, needs: tuple[str, ...]
) -> Case:
    """Each value by itself gets one of the codings."""
    wants = [coded(coding) for coding in codings]
    asks = [ask("/app.js", *wants, lines=lines(value)) for value in values]
    return case(key, says, *asks, needs=needs)


BEST = ("br", "", "gzip", "zstd")
WORDS = ("xgzip", "gzipped", "gzip2", "notgzip", "brotli", "abr")

CHOSEN = (
    case("E303", "", ask("/app.js", coded("")), needs=(GZIP,)),
    accepts("E304", "", ("",), "", needs=(GZIP,)),
    accepts("E305", "", ("gzip",), "gzip", needs=(GZIP,)),
    accepts("E306", "", ("br",), "br", needs=(BR,)),
    accepts("E307", "", ("zstd",), "zstd", needs=(ZSTD,)),
    accepts("E308", "", ("gzip, deflate, br, zstd",), "br", needs=(GZIP, BR)),
    accepts("E309", "", ("br;q=0.5, gzip;q=0.8",), "gzip", needs=(GZIP, BR)),
    accepts("E310", "", ("br;q=1.0, gzip;q=0.8",), "br", needs=(GZIP, BR)),
    accepts("E311", "", ("gzip;q=0",), "", needs=(GZIP,)),
    accepts("E312", "", ("gzip;q=0.000",), "", needs=(GZIP,)),
    accepts("E313", "", ("gzip;q=0, br",), "br", needs=(GZIP, BR)),
    accepts("E314", "", ("br;q=0, gzip",), "gzip", needs=(GZIP, BR)),
    accepts("E315", "", ("*",), *BEST, needs=(GZIP,)),
    accepts("E316", "", ("gzip;q=0, *",), "br", "", "zstd", needs=(GZIP,)),
    accepts("E317", "", ("*;q=0",), "", needs=(GZIP,)),
    accepts("E318", "", ("identity;q=0",), "", needs=(GZIP,)),
    accepts("E319", "", ("identity;q=0, gzip",), "gzip", needs=(GZIP,)),
    case("E320", "", ask("/t.txt", 200, body=DIGITS, lines=lines("identity;q=0, gzip")),
         needs=(GZIP,)),
    accepts("E321", "", ("identity;q=1, gzip;q=0.5",), "", needs=(GZIP,)),
    accepts("E322", "", ("gzip;q=1.001", "gzip;q=2", "gzip;q=abc", "gzip;q=", "gzip;q=-1"), "",
            needs=(GZIP,)),
    accepts("E323", "", ("gzip;q=0.0001",), "", "gzip", needs=(GZIP,)),
    accepts("E324", "", ("gzip;q=nan", "gzip;q=inf", "gzip;q=1e-9"), "", needs=(GZIP,)),
    accepts("E325", "", ("gzip;q=0.5;x=1", "gzip;level=9"), "", "gzip", needs=(GZIP,)),
    accepts("E326", "", ("GZIP",), "gzip", needs=(GZIP,)),
    accepts("E327", "", ("x-gzip",), "gzip", needs=(GZIP,)),
    case("E328", "", ask("/app.js", coded("gzip"), lines=lines("gzip ; q=0.5")),
         ask("/app.js", coded(""), lines=lines("gzip\t;\tq=0")),
         ask("/app.js", coded("gzip"), lines=lines("gzip;Q=0.5")), needs=(GZIP,)),
    accepts("E329", "", WORDS, "", needs=(GZIP,)),
    case("E330", "", ask("/app.js", coded("br"), lines=lines("gzip;q=0", "br")), needs=(GZIP, BR)),
    case("E331", "", ask("/app.js", coded("br"), coded("gzip"), lines=lines("br", "gzip")),
         needs=(GZIP, BR)),
    accepts("E348", "", ("gzip",), "gzip", needs=(GZIP,)),
)  # fmt: skip

GZIPPED = lines("gzip")
CODED = ("content-encoding",)
BINARY = ("application/gzip", "application/x-gzip", "application/octet-stream")
PLAIN = Want((200,), lacks=("content-encoding",), body=APP_JS)


def plain(key: str, says: str, *targets: str, **how: Any) -> Case:
    """The sibling isn't one to use."""
    return case(key, says, *[ask(target, PLAIN, lines=GZIPPED) for target in targets], **how)


def tag(coding: str) -> Ask:
    return ask("/same.js", 200, lines=lines(coding), name=coding or "plain")


SIBLINGS = (
    case("E332", "", ask("/t.txt", 200, body=DIGITS, lines=GZIPPED, lacks=("vary",
         "content-encoding")), needs=(GZIP,)),
    case("E333", "", ask("/gzonly.js", Want((PASS,), lacks=CODED), Want((200,), {
         "content-encoding": "gzip", "content-type": SCRIPT, **VARY}, body=GZ), lines=GZIPPED),
         needs=(GZIP,)),
    case("E334", "", ask("/gzonly.js", Want((PASS, 406)), Want((200,), VARY)), needs=(GZIP,)),
    case("E335", "", ask("/hello", 200, body=b"hello", lines=GZIPPED, lacks=("content-encoding",)),
         needs=(GZIP,)),
    case("E336", "", ask("/hello.foobar", PASS, lines=lines("identity")), needs=(GZIP,)),
    case("E337", "", ask("/app.js.gz", Want((200,), {"content-type": BINARY}, CODED, GZ),
         Want((PASS,))), needs=(GZIP,)),
    plain("E339", "", "/fake-dir.js", "/fake-link.js", needs=(GZIP, CONFINED),
          setting=CONFINE),
    plain("E340", "", "/stale.js", needs=(GZIP,)),
    plain("E341", "", "/grown.js", needs=(GZIP,)),
    case("E342", "", ask("/app.js", 200, name="plain"),
         ask("/app.js", 200, lines=GZIPPED, unlike=("plain", ("etag",))),
         ask("/one.js", 200, name="one"),
         ask("/one.js", 200, lines=GZIPPED, unlike=("one", ("etag",))), needs=(GZIP,)),
    case("E343", "", ask("/same.js", 200, name="gzip", lines=GZIPPED, body=TINY),
         ask("/same.js", 200, lines=lines("br"), body=TINY, unlike=("gzip", ("etag",))),
         needs=(GZIP, BR)),
    case("E344", "", ask("/app.js", 200, name="plain"),
         ask("/app.js", 200, lines=GZIPPED, like=("plain", ("cache-control",))),
         ask("/other.js", 200, lines=GZIPPED, like=("plain", ("cache-control",))),
         needs=(GZIP,)),
    case("E345", "", ask("/app.js", 200, has=VARY, lines=GZIPPED, name="coded"),
         ask("/app.js", 200, has=VARY, lines=GZIPPED, method="HEAD"),
         ask("/app.js", 206, has=VARY, lines=(*GZIPPED, ("Range", "bytes=0-4"))),
         ask("/app.js", 416, has=VARY, lines=(*GZIPPED, ("Range", "bytes=5000-"))),
         ask("/app.js", 304, has=VARY, lines=(*GZIPPED, ("If-None-Match", "{coded.etag}"))),
         needs=(GZIP, RANGES, CONDITIONS)),
    case("E347", "", ask("/nope", 404, lines=GZIPPED, body=TINY, has={
         "content-encoding": "gzip", **VARY}), needs=(GZIP, PAGE_404), setting=ALONE),
    case("E346", "", ask("/app.js", 200, lines=GZIPPED, check="varies on Cookie and coding, once"),
         needs=(GZIP, FIELDS), setting=RULED),
)  # fmt: skip

BY_DICTIONARY = {"dcz": DCZ, "dcb": DCB}
HAS_OLDER = f":{b64encode(sha256(OLDER).digest()).decode()}:"
HAS_OTHER = f":{b64encode(sha256(BR_BYTES).digest()).decode()}:"


BOTH = ("accept-encoding", "available-dictionary")


def delta(
    stem: str,
    accepted: str,
    dictionary: str,
    sent: str = "br",
    vary: tuple[str, ...] = BOTH,
    **how: Any,
) -> Ask:
    """What is `sent` of a file that may have a delta."""
    fields = (*lines(accepted), ("Available-Dictionary", dictionary), *how.pop("more", ()))
    has = {"content-encoding": sent, "vary": vary}
    body = how.pop("body", BY_DICTIONARY.get(sent, BR_BYTES))
    status = how.pop("status", 200)
    return ask(f"/assets/{stem}.3f2a9c1b.js", status, lines=fields, has=has, body=body, **how)


OF_DICTIONARIES = (
    case("E349", "",
         *[delta(each, f"{each}, br", HAS_OLDER, each) for each in BY_DICTIONARY],
         delta("dcz", "br, dcz;q=0.1", HAS_OLDER, "dcz", name="delta"),
         delta("dcz", "dcz, br", HAS_OLDER, "dcz", method="HEAD", body=b""),
         delta("dcz", "dcz, br", HAS_OLDER, "dcz", status=206, body=DCZ[:4],
               more=(("Range", "bytes=0-3"),)),
         ask("/assets/dcz.3f2a9c1b.js", 304, has={"vary": BOTH}, lines=(*lines("dcz"),
             ("Available-Dictionary", HAS_OLDER), ("If-None-Match", "{delta.etag}"))),
         needs=(DELTAS, RANGES, CONDITIONS), setting=RULED),
    case("E350", "",
         *[delta(each, f"{each}, br", HAS_OTHER) for each in BY_DICTIONARY],
         *[delta("dcz", each, HAS_OLDER) for each in ("br, dcz;q=0", "br, *", "br")],
         *[delta("dcz", "dcz, br", each) for each in ("", "::", HAS_OLDER.strip(":"))],
         *[delta(each, "dcz, br", HAS_OLDER, vary=BOTH[:1]) for each in ("cut", "stale")],
         needs=(DELTAS, BR), setting=RULED),
)  # fmt: skip

CASES = CHOSEN + SIBLINGS + OF_DICTIONARIES
