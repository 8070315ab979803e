"""Group C: conditional requests."""

from __future__ import annotations

from typing import Any

from .case import (
    CONDITIONS,
    FIELDS,
    GZIP,
    PASS,
    RANGES,
    REFUSED,
    RULED,
    Case,
    Want,
)
from .site import APP_JS, GZ
from .write import DAY_BEFORE, DIGITS, LAST_MODIFIED, LATER, OLD, ask, case

Lines = tuple[tuple[str, str], ...]
GZIPPED = ("Accept-Encoding", "gzip")
OF_A_BODY = ("content-encoding", "content-range")
ASCTIME = "Tue Jan  2 03:04:05 2024"
RFC_850 = "Tuesday, 02-Jan-24 03:04:05 GMT"


def conditional(
    key: str,
    says: str,
    *wants: Want,
    lines: Lines,
    needs: tuple[str, ...] = (),
    **how: Any,
) -> Case:
    """A GET of t.txt after one that told its tag."""
    return case(
        key,
        says,
        ask("/t.txt", 200, name="first"),
        ask("/t.txt", *wants, lines=lines, **how),
        needs=(CONDITIONS, *needs),
    )


E, WEAK = "{first.etag}", "W/{first.etag|opaque}"


def whole(key: str, says: str, *lines: tuple[str, str]) -> Case:
    return conditional(key, says, Want((200,), {"content-length": "10"}, body=DIGITS), lines=lines)


def unchanged(key: str, says: str, *lines: tuple[str, str], needs: tuple[str, ...] = ()) -> Case:
    return conditional(key, says, Want((304,), lacks=OF_A_BODY, body=b""), lines=lines, needs=needs)


def failed(key: str, says: str, *lines: tuple[str, str], needs: tuple[str, ...] = ()) -> Case:
    return conditional(key, says, Want((412,), lacks=OF_A_BODY), lines=lines, needs=needs)


def match(value: str) -> tuple[str, str]:
    return "If-Match", value


def none_match(value: str) -> tuple[str, str]:
    return "If-None-Match", value


def since(value: str) -> tuple[str, str]:
    return "If-Modified-Since", value


def unmodified(value: str) -> tuple[str, str]:
    return "If-Unmodified-Since", value


RANGE = ("Range", "bytes=0-1")

TAGS = (
    unchanged("C158", "", none_match(E)),
    unchanged("C159", "", none_match(WEAK)),
    unchanged("C160", "", none_match("*")),
    unchanged("C161", "", none_match(f'"a", "b" , {E},"c"')),
    unchanged("C162", "", none_match(f'"a",{E}')),
    unchanged("C163", "", none_match(f'"x, y", {E}')),
    unchanged("C164", "", none_match('"a"'), none_match(E)),
    whole("C165", "", none_match('"zzz"')),
    whole("C166", "", none_match("zzz-unquoted")),
    whole("C167", "", none_match("")),
    whole("C168", "", none_match(",")),
    whole("C169", "", none_match("w/{first.etag|opaque}")),
    unchanged("C170", "", none_match(E), since(DAY_BEFORE)),
    whole("C171", "", none_match('"zzz"'), since(LAST_MODIFIED)),
    conditional("C188", "", Want((304,), body=b""), lines=(none_match(E),), method="HEAD"),
    whole("C189", "", match(E)),
    failed("C190", "", match(WEAK)),
    whole("C191", "", match("*")),
    failed("C192", "", match('"zzz"')),
    whole("C193", "", match(f'"a", {E}')),
    whole("C199", "", match(E), unmodified(DAY_BEFORE)),
    unchanged("C200", "", match(E), none_match(E)),
    failed("C201", "", match('"q"'), none_match(E)),
    unchanged("C203", "", none_match(E), ("Cache-Control", "no-cache")),
    unchanged("C204", "", none_match(E), RANGE, needs=(RANGES,)),
    failed("C205", "", match('"q"'), RANGE, needs=(RANGES,)),
)


def ignored(key: str, says: str, *values: str) -> Case:
    """Dates that are none, so there is no condition."""
    asks = [ask("/t.txt", 200, body=DIGITS, lines=(since(value),)) for value in values]
    return case(key, says, *asks, needs=(CONDITIONS,))


DATES = (
    unchanged("C172", "", since(LAST_MODIFIED)),
    unchanged("C173", "", since(LATER)),
    whole("C174", "", since(DAY_BEFORE)),
    ignored("C175", "", "garbage"),
    unchanged("C176", "", since(RFC_850)),
    unchanged("C177", "", since(ASCTIME)),
    unchanged("C178", "", since(ASCTIME)),
    ignored("C179", "", "Tue, 02 Jan 2024 03:04:05 +9999"),
    unchanged("C180", "", since("Mon, 02 Jan 2024 03:04:05 GMT")),
    ignored("C181", "", str(OLD)),
    ignored("C182", "", "Tue, 02 Jan 2024 03:04:05 +0000"),
    ignored("C183", "", "tue, 02 jan 2024 03:04:05 gmt"),
    ignored("C184", "", "Tue, 99 Foo 2024 99:99:99 GMT", "Tue, 02 Jan 0000 03:04:05 GMT",
            "Tue, 02 Jan 9999999 03:04:05 GMT"),
    conditional("C185", "", Want((200, 304)), lines=(since("Tue, 02 Jan 2024 03:04:05 -0000"),)),
    case("C186", "", ask("/fraction.txt", 200, has={"last-modified": LAST_MODIFIED}),
         ask("/fraction.txt", 304, lines=(since(LAST_MODIFIED),)), needs=(CONDITIONS,)),
    case("C187", "", ask("/t.txt", REFUSED, 404, 405, method="POST", lines=(since(LAST_MODIFIED),)),
         needs=(CONDITIONS,)),
    case("C194", "", ask("/nope.txt", PASS, lines=(match("*"),)), needs=(CONDITIONS,)),
    whole("C195", "", unmodified(LAST_MODIFIED)),
    failed("C196", "", unmodified(DAY_BEFORE)),
    whole("C197", "", unmodified(LATER)),
    whole("C198", "", unmodified("garbage")),
    unchanged("C202", "", unmodified(LAST_MODIFIED), since(LAST_MODIFIED)),
)  # fmt: skip

OF_THE_200 = ("etag", "cache-control", "vary", "expires", "content-location")

FIELDS_AND_TAGS = (
    case("C206", "", ask("/app.js", 200, name="full"),
         ask("/app.js", 304, lines=(none_match("{full.etag}"),), like=("full", OF_THE_200),
             lacks=OF_A_BODY), needs=(CONDITIONS, FIELDS), setting=RULED),
    case("C207", "", ask("/t.txt", 412, lines=(match('"zzz"'),), lacks=("content-range",),
         check="short"), needs=(CONDITIONS,)),
    case("C208", "", ask("/app.js", 200, name="plain", body=APP_JS),
         ask("/app.js", 200, lines=(GZIPPED, none_match("{plain.etag}")), body=GZ),
         needs=(CONDITIONS, GZIP)),
    case("C209", "", ask("/app.js", 200, name="coded", body=GZ, lines=(GZIPPED,)),
         ask("/app.js", 304, lines=(GZIPPED, none_match("{coded.etag}")),
             has={"vary": "accept-encoding"}), needs=(CONDITIONS, GZIP)),
    case("C210", "", ask("/future.txt", 200, body=DIGITS, check="no date in the future")),
    case("C211", "", ask("/epoch0.txt", 200, lacks=("last-modified",), name="first"),
         ask("/epoch1.txt", 200, lacks=("last-modified",), check="tag differs or is weak"),
         ask("/zip.txt", 200, lacks=("last-modified",))),
    case("C212", "", ask("/before.txt", 200, body=DIGITS)),
    case("C214", "", ask("/equal-a.txt", 200, name="first"),
         ask("/equal-b.txt", 200, check="tag differs or is weak")),
)  # fmt: skip

CASES = TAGS + DATES + FIELDS_AND_TAGS
