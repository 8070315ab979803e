"""Group C: conditional requests."""

from __future__ import annotations

from typing import Any

from .case import (
    ALONE,
    CONDITIONS,
    FIELDS,
    GZIP,
    KEPT,
    MUST,
    PASS,
    POLICY,
    RANGES,
    REFUSED,
    RULED,
    SHOULD,
    Ask,
    Case,
    Want,
)
from .site import APP_JS, GZ, SIZES
from .write import DAY_BEFORE, DIGITS, LAST_MODIFIED, LATER, OLD, ask, case, only_ours, ours, under

Line = tuple[str, str]
GZIPPED, RANGE = ("Accept-Encoding", "gzip"), ("Range", "bytes=0-1")
OF_A_BODY = ("content-encoding", "content-range")
OF_ANY_BODY = (*OF_A_BODY, "content-type", "content-length")
ASCTIME = "Tue Jan  2 03:04:05 2024"
RFC_850 = "Tuesday, 02-Jan-24 03:04:05 GMT"
FAILED = b"Precondition Failed\n"
PLAIN_TEXT = {"content-type": "text/plain; charset=utf-8", "content-length": str(len(FAILED))}

WHOLE = Want((200,), {"content-length": "10"}, body=DIGITS)
UNCHANGED = Want((304,), lacks=OF_A_BODY, body=b"")
UNCHANGED_OURS = Want((304,), {"cache-control": "no-cache"}, OF_ANY_BODY, b"")
REFUSED_OURS = Want((412,), PLAIN_TEXT, OF_A_BODY, FAILED)


def sends(*lines: Line, **how: Any) -> Ask:
    return ask("/t.txt", WHOLE, lines=lines, **how)


def spares(*lines: Line, **how: Any) -> Ask:
    return ask("/t.txt", UNCHANGED, lines=lines, ours=UNCHANGED_OURS, **how)


def fails(*lines: Line) -> Ask:
    return ask("/t.txt", Want((412,), lacks=OF_A_BODY), lines=lines, ours=REFUSED_OURS)


def conditional(key: str, says: str, *asks: Ask, needs: tuple[str, ...] = ()) -> Case:
    """GETs of t.txt after one that told its tag."""
    told = Want((200,), {"last-modified": LAST_MODIFIED}, check="a strong tag")
    first = ask("/t.txt", 200, name="first", ours=told)
    return case(key, says, first, *asks, needs=(CONDITIONS, *needs))


def whole(key: str, says: str, *lines: Line) -> Case:
    return conditional(key, says, sends(*lines))


def unchanged(key: str, says: str, *lines: Line, needs: tuple[str, ...] = ()) -> Case:
    return conditional(key, says, spares(*lines), needs=needs)


def failed(key: str, says: str, *lines: Line, needs: tuple[str, ...] = ()) -> Case:
    return conditional(key, says, fails(*lines), needs=needs)


E, WEAK = "{first.etag}", "W/{first.etag|opaque}"


def match(value: str) -> Line:
    return "If-Match", value


def none_match(value: str) -> Line:
    return "If-None-Match", value


def since(value: str) -> Line:
    return "If-Modified-Since", value


def unmodified(value: str) -> Line:
    return "If-Unmodified-Since", value


NONE_MATCH = (
    *under(
        "RFC 9110 13.1.2",
        MUST,
        unchanged("C158", "If-None-Match with the file's tag gets a 304.", none_match(E)),
        unchanged("C159", "If-None-Match with the file's tag marked as weak gets a 304.",
                  none_match(WEAK)),
        unchanged("C160", "If-None-Match with an asterisk gets a 304.", none_match("*")),
        conditional("C161", "If-None-Match with the file's tag anywhere in a list gets a 304.",
                    spares(none_match(f'"a", "b" , {E},"c"')),
                    only_ours(spares(none_match(f"zzz-unquoted, {E}"))),
                    only_ours(spares(none_match(f'{E}, "unclosed'))),
                    only_ours(sends(none_match(f'zzz-unquoted, "a", x{E}')))),
        unchanged("C162", "A list of tags needs no space behind a comma.", none_match(f'"a",{E}')),
        unchanged("C163", "A tag may have a comma in it.", none_match(f'"x, y", {E}')),
        whole("C165", "If-None-Match with another tag gets the file.", none_match('"zzz"')),
        conditional("C188", "If-None-Match holds for HEAD as for GET.",
                    spares(none_match(E), method="HEAD")),
    ),
    *under(
        "RFC 9110 5.3",
        MUST,
        unchanged("C164", "Two lines of If-None-Match are one list.",
                  none_match('"a"'), none_match(E)),
    ),
    *under(
        "RFC 9110 8.8.3",
        SHOULD,
        whole("C166", "If-None-Match with a tag without quotes gets the file.",
              none_match("zzz-unquoted")),
        whole("C167", "An empty If-None-Match gets the file.", none_match("")),
        whole("C168", "If-None-Match with a comma alone gets the file.", none_match(",")),
        whole("C169", "If-None-Match with a small w in front of the tag gets the file.",
              none_match("w/{first.etag|opaque}")),
    ),
    *under(
        "RFC 9110 13.1.3",
        MUST,
        unchanged("C170", "Beside If-None-Match with the tag, an older date counts for nothing.",
                  none_match(E),
                  since(DAY_BEFORE)),
        whole("C171", "Beside If-None-Match with another tag, a date counts for nothing.",
              none_match('"zzz"'),
              since(LAST_MODIFIED)),
    ),
    *under(
        "RFC 9110 13.2.2",
        MUST,
        unchanged("C204", "If-None-Match counts before a range.", none_match(E), RANGE,
                  needs=(RANGES,)),
    ),
    *under(
        "RFC 9111 5.2.1.4",
        POLICY,
        unchanged("C203", "A client that asks past its cache gets a 304 if it has the file.",
                  none_match(E), ("Cache-Control", "no-cache")),
    ),
)  # fmt: skip

MATCH = (
    *under(
        "RFC 9110 13.1.1",
        MUST,
        whole("C189", "If-Match with the file's tag gets the file.", match(E)),
        failed("C190", "If-Match with the file's tag marked as weak gets a 412.", match(WEAK)),
        whole("C191", "If-Match with an asterisk gets the file.", match("*")),
        failed("C192", "If-Match with another tag gets a 412.", match('"zzz"')),
        conditional("C193", "If-Match with the file's tag in a list gets the file.",
                    sends(match(f'"a", {E}')),
                    only_ours(fails(match(f"zzz-unquoted, {E}"))),
                    only_ours(fails(match(f'{E}, "unclosed')))),
    ),
    *under(
        "RFC 9110 13.2.1",
        MUST,
        case("C194", "If-Match with an asterisk doesn't make a miss a 412.",
             ask("/nope.txt", PASS, lines=(match("*"),)),
             ours("/nope.txt", 404, lines=(match("*"),), setting=ALONE), needs=(CONDITIONS,)),
    ),
    *under(
        "RFC 9110 13.2.2",
        MUST,
        whole("C199", "Beside If-Match, If-Unmodified-Since counts for nothing.",
              match(E), unmodified(DAY_BEFORE)),
        unchanged("C200", "If-Match that holds leaves it to If-None-Match.",
                  match(E), none_match(E)),
        failed("C201", "If-Match that doesn't hold counts before If-None-Match.",
               match('"q"'), none_match(E)),
        failed("C205", "If-Match counts before a range.", match('"q"'), RANGE, needs=(RANGES,)),
    ),
)  # fmt: skip


def ignored(key: str, says: str, *values: str) -> Case:
    """Dates that are none, so there is no condition."""
    asks = [sends(since(value)) for value in values]
    return case(key, says, *asks, needs=(CONDITIONS,))


NO_DATES = (
    "Tue, 99 Foo 2024 99:99:99 GMT",
    "Tue, 02 Jan 0000 03:04:05 GMT",
    "Tue, 02 Jan 9999999 03:04:05 GMT",
)
DATES = (
    *under(
        "RFC 9110 13.1.3",
        MUST,
        unchanged("C172", "If-Modified-Since with the file's date gets a 304.",
                  since(LAST_MODIFIED)),
        unchanged("C173", "If-Modified-Since with a later date gets a 304.", since(LATER)),
        whole("C174", "If-Modified-Since with an earlier date gets the file.", since(DAY_BEFORE)),
        ignored("C175", "If-Modified-Since with what is no date counts for nothing.", "garbage"),
        ignored("C179", "A date with a time zone is none, and nothing fails.",
                "Tue, 02 Jan 2024 03:04:05 +9999"),
        case("C184", "A day, month or year that no calendar has makes no date, and nothing fails.",
             *[sends(since(each)) for each in NO_DATES],
             only_ours(sends(since("Fri, 31 Feb 2025 03:04:05 GMT"))), needs=(CONDITIONS,)),
        conditional("C185", "A date with the time zone -0000 doesn't fail.",
                    ask("/t.txt", 200, 304, lines=(since("Tue, 02 Jan 2024 03:04:05 -0000"),))),
        case("C186", "A fraction of a second in a file's date is cut off.",
             ask("/fraction.txt", 200, has={"last-modified": LAST_MODIFIED}),
             ask("/fraction.txt", 304, lines=(since(LAST_MODIFIED),)),
             ours("/fraction.txt", 200, lines=(unmodified(LAST_MODIFIED),)),
             ours("/fraction.txt", 200, lines=(since("Tue, 02 Jan 2024 03:04:04 GMT"),)),
             needs=(CONDITIONS,)),
        case("C187", "If-Modified-Since counts for GET and HEAD alone.",
             ask("/t.txt", REFUSED, 404, 405, method="POST", lines=(since(LAST_MODIFIED),)),
             ours("/t.txt", 405, method="POST", lines=(since(LAST_MODIFIED),), setting=ALONE),
             needs=(CONDITIONS,)),
    ),
    *under(
        "RFC 9110 5.6.7",
        MUST,
        conditional("C176", "A date may have the form of RFC 850.", spares(since(RFC_850)),
                    only_ours(sends(since("Monday, 01-Jan-24 03:04:05 GMT")))),
        conditional("C177", "A date may have the form of asctime.", spares(since(ASCTIME)),
                    only_ours(sends(since("Mon Jan  1 03:04:05 2024")))),
        unchanged("C178", "A date is UTC wherever the server stands.", since(ASCTIME)),
    ),
    *under(
        "RFC 9110 5.6.7",
        SHOULD,
        unchanged("C180", "A wrong day of the week in a date changes nothing.",
                  since("Mon, 02 Jan 2024 03:04:05 GMT")),
        ignored("C181", "A number of seconds is no date.", str(OLD)),
    ),
    *under(
        "RFC 9110 5.6.7",
        POLICY,
        ignored("C182", "A date that doesn't end with GMT is none.",
                "Tue, 02 Jan 2024 03:04:05 +0000"),
        ignored("C183", "A date in small letters is none.", "tue, 02 jan 2024 03:04:05 gmt"),
    ),
    *under(
        "RFC 9110 13.1.4",
        MUST,
        whole("C195", "If-Unmodified-Since with the file's date gets the file.",
              unmodified(LAST_MODIFIED)),
        failed("C196", "If-Unmodified-Since with an earlier date gets a 412.",
               unmodified(DAY_BEFORE)),
        whole("C197", "If-Unmodified-Since with a later date gets the file.", unmodified(LATER)),
        whole("C198", "If-Unmodified-Since with what is no date counts for nothing.",
              unmodified("garbage")),
    ),
    *under(
        "RFC 9110 13.2.2",
        MUST,
        unchanged("C202", "If-Unmodified-Since that holds leaves it to If-Modified-Since.",
                  unmodified(LAST_MODIFIED), since(LAST_MODIFIED)),
    ),
)  # fmt: skip

OF_THE_200 = ("etag", "cache-control", "vary", "expires", "content-location")


def kept(method: str) -> tuple[Ask, Ask]:
    """The 200 and the 304 of one method, with the fields that a cache needs."""
    how: dict[str, Any] = {"method": method, "setting": KEPT}
    how |= {"has": {"cache-control": "max-age=77"}, "check": "varies on Cookie and coding, once"}
    lines = (GZIPPED, none_match(f"{{{method}.etag}}"))
    return (
        ours("/app.js", 200, lines=(GZIPPED,), name=method, **how),
        ours("/app.js", 304, lines=lines, lacks=OF_ANY_BODY, like=(method, OF_A_304), **how),
    )


OF_A_304 = (*OF_THE_200, "x-extra")
WHAT_IS_SENT = under(
    "RFC 9110 15.4.5",
    MUST,
    case("C206", "A 304 has the fields of the 200 that a cache needs.",
         ask("/app.js", 200, name="full"),
         ask("/app.js", 304, lines=(none_match("{full.etag}"),), like=("full", OF_THE_200),
             lacks=OF_A_BODY),
         *kept("GET"), *kept("HEAD"), needs=(CONDITIONS, FIELDS), setting=RULED),
) + under(
    "RFC 9110 15.5.13",
    SHOULD,
    case("C207", "A 412 has a short text, and nothing of the file.",
         ask("/t.txt", 412, lines=(match('"zzz"'),), lacks=("content-range",), check="short",
             ours=REFUSED_OURS),
         ours("/large.html", 412, lines=(match('"zzz"'), RANGE), has=PLAIN_TEXT, lacks=OF_A_BODY,
              body=FAILED), needs=(CONDITIONS,)),
)  # fmt: skip


CONSTANT = ("/epoch0.txt", "/epoch1.txt", "/zip0.txt", "/zip.txt")
STRONG = tuple(
    ours(target, 200, lacks=("last-modified",), check="a strong tag") for target in CONSTANT
)
UNDATED = tuple(
    ours(target, 200, lines=lines)
    for target in CONSTANT
    for date in ("Thu, 01 Jan 1970 00:00:01 GMT", LAST_MODIFIED, "no date")
    for lines in ((since(date),), (RANGE, ("If-Range", date)))
)


def before_1970(target: str, body: bytes) -> tuple[Ask, ...]:
    return (
        ask(target, 200, body=body, name="first"),
        ours(target, 304, lines=(none_match("{first.etag}"),)),
        ours(target, 200, lines=(since(LAST_MODIFIED),)),
        ours(target, 200, lines=(unmodified(LAST_MODIFIED),)),
    )


VALIDATORS = (
    *under(
        "RFC 9110 8.8.3.3",
        MUST,
        case("C208", "The tag of the plain file gets no 304 for a compressed one.",
             ask("/app.js", 200, name="plain", body=APP_JS),
             ask("/app.js", 200, lines=(GZIPPED, none_match("{plain.etag}")), body=GZ),
             ours("/app.js", 304, lines=(none_match("{plain.etag}"),)), needs=(CONDITIONS, GZIP)),
        case("C209", "The tag of the compressed file gets a 304 for it.",
             ask("/app.js", 200, name="coded", body=GZ, lines=(GZIPPED,)),
             ask("/app.js", 304, lines=(GZIPPED, none_match("{coded.etag}")),
                 has={"vary": "accept-encoding"}),
             ours("/app.js", 200, lines=(none_match("{coded.etag}"),), body=APP_JS),
             needs=(CONDITIONS, GZIP)),
    ),
    *under(
        "RFC 9110 8.8.2.1",
        MUST,
        case("C210", "A file's date that lies in the future is not told.",
             ask("/future.txt", 200, body=DIGITS, check="no date in the future", name="first"),
             ours("/future.txt", 200, method="HEAD", check="no date in the future"),
             ours("/future.txt", 304, lines=(none_match("{first.etag}"),))),
        case("C211", "A date that builds give to all files is not told.",
             ask("/epoch0.txt", 200, lacks=("last-modified",), name="first"),
             ask("/epoch1.txt", 200, lacks=("last-modified",), check="tag differs or is weak",
                 ours=Want((200,), unlike=("first", ("etag",)))),
             ask("/zip.txt", 200, lacks=("last-modified",)), *STRONG, *UNDATED),
        case("C212", "A file's date before 1970 doesn't fail.", *before_1970("/before.txt", DIGITS),
             *map(only_ours, before_1970("/before.bin", b"A".ljust(SIZES["before.bin"], b"\0")))),
    ),
    *under(
        "RFC 9110 8.8.1",
        MUST,
        case("C214", "Two contents of one size and date have two tags.",
             ask("/equal-a.txt", 200, name="first"),
             ask("/equal-b.txt", 200, check="tag differs or is weak",
                 ours=Want((200,), unlike=("first", ("etag",)), check="a strong tag"))),
    ),
)  # fmt: skip

CASES = NONE_MATCH + MATCH + DATES + WHAT_IS_SENT + VALIDATORS
