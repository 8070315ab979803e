"""Group R: parts of ten digits, and of larger files."""

from __future__ import annotations

from typing import Any

from .case import (
    ALONE,
    FILES,
    GZIP,
    INDEX,
    KEPT,
    MUST,
    POLICY,
    RANGES,
    REFUSED,
    RULED,
    SHOULD,
    TOLD,
    Ask,
    Case,
    Want,
)
from .site import BEYOND, BR, GZ, LARGE, SIZES
from .write import DAY_BEFORE, DIGITS, LAST_MODIFIED, LATER, ask, case, only_ours, ours, under

GZIPPED, CODED = ("Accept-Encoding", "gzip"), ("Accept-Encoding", "gzip, br;q=0.5")
NO_PART = ("content-range",)
BIG, LONG = str(2**64), "9" * 5000
BYTES, PLAIN_TEXT = "application/octet-stream", "text/plain; charset=utf-8"
ARABIC = "\u0660-\u0663".encode().decode("latin-1")
WHOLE = Want((200,), {"content-length": "10"}, NO_PART, DIGITS)
NOT_SATISFIED = Want((416,), {"content-range": "bytes */10"})
REJECTED = Want((400, 416, 431))
PARTS = Want((206,), lacks=NO_PART, check="parts of ten digits")


def some(first: int, last: int) -> Want:
    has = {"content-range": f"bytes {first}-{last}/10", "content-length": str(last - first + 1)}
    return Want((206,), has, body=DIGITS[first : last + 1])


def of(value: str, *wants: Any, target: str = "/t.txt", lines: Any = (), **how: Any) -> Ask:
    return ask(target, *wants, lines=(("Range", value), *lines), **how)


def ours_of(value: str, *status: int, target: str = "/t.txt", lines: Any = (), **how: Any) -> Ask:
    return ours(target, *status, lines=(("Range", value), *lines), **how)


def ranged(
    key: str,
    says: str,
    values: str | tuple[str, ...],
    *wants: Want,
    lines: Any = (),
    more: tuple[Ask, ...] = (),
) -> Case:
    """A GET of t.txt for each Range, and what else the rule is asked of."""
    values = (values,) if isinstance(values, str) else values
    asks = [of(value, *wants, lines=lines) for value in values]
    return case(key, says, *asks, *more, needs=(RANGES,))


ONE_PART = under(
    "RFC 9110 14.1.2",
    MUST,
    ranged("R218", "A range from 0 to 4 gets the first five bytes.", "bytes=0-4", some(0, 4)),
    ranged("R219", "A range from 0 to 0 gets the first byte.", "bytes=0-0", some(0, 0)),
    ranged("R220", "A range without an end gets all from its start on.", "bytes=2-", some(2, 9)),
    ranged("R221", "A range without a start gets the last bytes.", "bytes=-3", some(7, 9)),
    ranged("R222", "A range that begins with the last byte gets it.", "bytes=9-", some(9, 9)),
    ranged("R223", "A range of the whole file gets it.", "bytes=0-9", some(0, 9), WHOLE),
    ranged("R224", "A range beyond the file's end gets what is there.", "bytes=5-100", some(5, 9)),
    ranged("R225", "The last twenty of ten bytes are all.", "bytes=-20", some(0, 9), WHOLE),
    ranged("R226", "The last ten of ten bytes are all.", "bytes=-10", some(0, 9), WHOLE),
    ranged("R227", "A range that begins behind the file gets a 416.", "bytes=10-", NOT_SATISFIED),
    ranged("R228", "A range that lies behind the file gets a 416.", "bytes=10-20", NOT_SATISFIED),
    ranged("R229", "A range of the last zero bytes gets a 416.", "bytes=-0", NOT_SATISFIED),
    ranged("R243", "A range may begin at any number, and gets a 416 if that is behind the file.",
           f"bytes={BIG}-", NOT_SATISFIED),
    ranged("R244", "A range may end with any number.", f"bytes=0-{BIG}", some(0, 9), WHOLE),
    ranged("R245", "A range may ask for the last bytes of any number.",
           f"bytes=-{BIG}", some(0, 9), WHOLE),
    ranged(
        "R246",
        "A number may have thousands of digits, and nothing fails.",
        f"bytes=0-{LONG}",
        *(some(0, 9), WHOLE, REJECTED),
        more=(only_ours(of(f"bytes=-{LONG}", some(0, 9))),
              only_ours(of(f"bytes={LONG}-", NOT_SATISFIED))),
    ),
    case(
        "R284",
        "An index page can be had in parts.",
        of("bytes=2-4", 206, target="/digits/", body=b"234", has={"content-range": "bytes 2-4/10"}),
        needs=(RANGES, INDEX),
    ),
    case(
        "R285",
        "An offset may need more than 32 bits.",
        of(f"bytes={BEYOND}-{BEYOND + 3}", 206, target="/huge.bin", body=b"ABCD",
           has={"content-range": f"bytes {BEYOND}-{BEYOND + 3}/{SIZES['huge.bin']}"}),
        ours_of(f"bytes={BEYOND - 2}-{BEYOND + 4}", 206, target="/huge.bin", body=b"\0\0ABCD\0"),
        ours("/huge.bin", 200, method="HEAD", has={"content-length": str(SIZES["huge.bin"])}),
        needs=(RANGES,),
    ),
)  # fmt: skip

MALFORMED = (
    *under(
        "RFC 9110 14.2",
        POLICY,
        ranged("R230", "A range that ends before its start counts for nothing.",
               "bytes=5-2", WHOLE, NOT_SATISFIED),
        ranged("R231", "A field without a range counts for nothing.", "bytes=", WHOLE),
        ranged("R232", "A range of a dash alone counts for nothing.", "bytes=-", WHOLE),
        ranged("R233", "A range of letters counts for nothing.", "bytes=abc", WHOLE),
        ranged("R234", "A range without a dash counts for nothing.", "bytes=0", WHOLE),
        ranged("R235", "A range with letters behind it counts for nothing.", "bytes=0-4x", WHOLE),
        ranged("R236", "A range of three numbers counts for nothing.", "bytes=1-2-3", WHOLE),
        ranged("R237", "A range with two dashes in front counts for nothing.", "bytes=--5", WHOLE),
        ranged("R238", "A range with a sign counts for nothing.", "bytes=+1-2", WHOLE),
        ranged("R239", "A range with an underscore in a number counts for nothing.",
               ("bytes=1_0-", "bytes=0-1_0"), WHOLE),
        ranged("R240", "A range of hexadecimal numbers counts for nothing.",
               "bytes=0x0-0x2", WHOLE),
        ranged("R241", "A range with a decimal point counts for nothing.", "bytes=1.5-3", WHOLE),
        ranged("R248", "A space behind the = is passed over, or the range counts for nothing.",
               "bytes= 0-4", some(0, 4), WHOLE),
        ranged("R249", "A range with spaces around its dash counts for nothing.",
               "bytes=0 - 4", WHOLE),
        ranged("R252", "A range without = behind its unit counts for nothing.", "bytes 0-4", WHOLE),
        ranged("R253", "An empty Range counts for nothing.", "", WHOLE),
        ranged("R265", "One malformed range makes all of them count for nothing.",
               "bytes=0-1,abc", WHOLE),
        ranged("R266", "A semicolon doesn't separate two ranges.", "bytes=0-1;2-3", WHOLE),
    ),
    *under(
        "RFC 9110 14.1.2",
        MUST,
        ranged("R242", "A range with digits that are not ASCII counts for nothing.",
               ("bytes=\xb2-\xb3", f"bytes={ARABIC}"),
               WHOLE, REJECTED,
               more=tuple(only_ours(of(each, WHOLE)) for each in ("bytes=0-\xb3", "bytes=-\xb2"))),
    ),
    *under(
        "RFC 9110 14.1.2",
        SHOULD,
        ranged("R247", "Zeros in front of a number change nothing.",
               f"bytes={1:030}-2", some(1, 2)),
    ),
    *under(
        "RFC 9110 14.1",
        MUST,
        ranged("R250", "A unit may be in capitals.", "BYTES=0-4", some(0, 4)),
        ranged("R251", "A range in a unit that is unknown counts for nothing.", "items=0-4", WHOLE),
    ),
    *under(
        "RFC 9110 5.3",
        MUST,
        ranged("R273", "Two lines of Range count for nothing.", "bytes=0-1", WHOLE,
               Want((400,)), lines=(("Range", "bytes=3-4"),)),
    ),
    *under(
        "RFC 9110 14.2",
        MUST,
        case("R271", "A malformed Range does no harm on any path.",
             *[of(value, 200, 206, 301, 302, 307, 308, 400, 416, REFUSED, target=target,
                  ours=Want((status,), lacks=NO_PART))
               for target, status in {
                   "/": 200, "/sub": 307, "/sub/": 200, "/nope": REFUSED, "/noindex/": REFUSED,
                   "/empty.txt": 200}.items()
               for value in ("bytes=", "bytes=-", "bytes=a-b", "=", "bytes=5-2")],
             ask("/t.txt", 200), needs=(RANGES,)),
    ),
)  # fmt: skip


def pairs(*ranges: tuple[int, int]) -> str:
    return "bytes=" + ",".join(f"{first}-{last}" for first, last in ranges)


def several(*ranges: tuple[int, int]) -> Ask:
    """Parts of a page, each with its type, in the order in which they were asked for."""
    size, kind = len(LARGE), "text/html; charset=utf-8"
    parts = tuple((kind, f"bytes {a}-{b}/{size}", LARGE[a : b + 1]) for a, b in ranges)
    like = ("page", ("etag", "last-modified", "cache-control"))
    return ours_of(pairs(*ranges), 206, target="/large.html", lacks=NO_PART, parts=parts, like=like)


PAGE = ours("/large.html", 200, name="page")
GAPS = ((0, 0), (2, 2), (4, 4), (6, 6), (8, 8))
MANY = [(2 * n, 2 * n) for n in range(101)]
ENTIRE = ours("/large.bin", 200, name="entire")
HUGE = SIZES["huge.bin"]
AS_LONG = {"content-length": str(HUGE), "content-type": BYTES}
JOINED = {**AS_LONG, "content-range": f"bytes 0-{HUGE - 1}/{HUGE}"}
REPEATED = [
    ours_of("bytes=" + ",".join(["0-"] * n), status, target="/huge.bin", most=0, has=has)
    for n, status, has in ((2, 206, JOINED), (50, 206, JOINED), (300, 200, AS_LONG))
]

SEVERAL = (
    *under(
        "RFC 9110 5.6.1.2",
        SHOULD,
        ranged("R254", "Empty elements in a list of ranges are passed over.",
               ("bytes=0-4,", "bytes=,0-4", "bytes=0-4,,"), some(0, 4)),
    ),
    *under(
        "RFC 9110 15.3.7.2",
        POLICY,
        ranged("R255", "Two ranges get two parts, unless these are longer than the file.",
               "bytes=0-1,3-4", WHOLE, PARTS, more=(PAGE, several((0, 1), (3, 4)))),
        ranged("R272", "Five ranges get five parts, unless these are longer than the file.",
               pairs(*GAPS), WHOLE, PARTS,
               more=(PAGE, several(*GAPS), several((5000, 5999), (100, 199), (10239, 10239)))),
    ),
    *under(
        "RFC 9110 15.3.7.2",
        MUST,
        ranged("R256", "An answer of several parts has Content-Range in the parts alone.",
               "bytes=0-1,3-4", Want((200, 206), lacks=NO_PART)),
        case("R257", "An answer of several parts has a boundary that is not in the file.",
             of("bytes=0-1,9-9", 206, 200, target="/large.bin", check="a boundary of its own"),
             ours_of(pairs((0, 1), (2**20, 2**20)), 206, target="/huge.bin", check="short"),
             needs=(RANGES,)),
        ranged("R262", "If no range of several is there, the answer is a 416.",
               "bytes=20-30,40-", NOT_SATISFIED),
        ranged("R263", "If one range of several is there, it comes alone.",
               "bytes=20-,-3", some(7, 9), PARTS),
    ),
    *under(
        "RFC 9110 15.3.7.2",
        SHOULD,
        ranged("R258", "Ranges that touch become one part.", "bytes=0-1,2-3", some(0, 3)),
        ranged("R259", "Ranges that overlap become one part.", "bytes=0-4,3-6", some(0, 6)),
        ranged("R260", "The same range twice gets one part.", "bytes=0-9,0-9", some(0, 9), WHOLE),
        ranged("R261", "A range that isn't there is left out of several.",
               "bytes=0-1,20-30", some(0, 1), PARTS),
        ranged("R264", "Parts come in the order in which they were asked for.", "bytes=8-9,0-1",
               WHOLE, Want((206,), lacks=NO_PART, check="8-9 before 0-1"),
               more=(PAGE, several((8, 9), (0, 1)))),
    ),
    *under(
        "RFC 9110 17.15",
        MUST,
        ranged("R267", "Hundreds of ranges make no answer that is much longer than the file.",
               "bytes=" + ",".join(["0-0"] * 300), WHOLE, some(0, 0),
               Want((206, 416), check="not much more than ten bytes"),
               more=(ours_of(pairs(*MANY[:100]), 206, target="/large.bin", parts=tuple(
                         (BYTES, f"bytes {n}-{n}/{20 * len(LARGE)}", LARGE[n : n + 1])
                         for n, _ in MANY[:100])),
                     ENTIRE,
                     ours_of(pairs(*MANY), 200, target="/large.bin", same=("entire", ())))),
        case("R268", "The same range of a large file hundreds of times gets no more than the file.",
             of("bytes=" + ",".join(["0-"] * 300), 200, 206, 416, target="/huge.bin", most=0,
                check="not more than huge"), *REPEATED, needs=(RANGES,)),
        ranged("R269", "A Range of a hundred thousand bytes is answered, and nothing fails.",
               tuple("bytes=" + "0-0," * 25_000 + tail for tail in ("", "x", "9", "0" * 50_000)),
               WHOLE, REJECTED),
        case("R270", "A range of one byte of a large file gets one byte.",
             of("bytes=0-0", 206, target="/fifty.bin", body=b"A",
                has={"content-range": f"bytes 0-0/{SIZES['fifty.bin']}"}), needs=(RANGES,)),
    ),
)  # fmt: skip

OTHER_METHODS = under(
    "RFC 9110 14.2",
    MUST,
    case("R274", "HEAD with a range has the fields of the whole file.",
         of("bytes=0-4", 200, method="HEAD", body=b"", has={"content-length": "10"},
            lacks=NO_PART), needs=(RANGES,)),
    case("R275", "HEAD with a range that isn't there has the fields of the whole file.",
         of("bytes=50-", 200, method="HEAD", body=b"", has={"content-length": "10"},
            lacks=NO_PART), needs=(RANGES,)),
    case("R276", "A Range changes nothing for another method.",
         of("bytes=0-4", REFUSED, 404, 405, method="POST", lacks=NO_PART),
         ours("/t.txt", 405, method="POST", setting=ALONE, name="without"),
         *[ours_of(value, 405, method="POST", setting=ALONE, same=("without", ()))
           for value in ("bytes=0-4", "bytes=50-")], needs=(RANGES,)),
)  # fmt: skip


def of_nothing(key: str, says: str, value: str, *wants: Want) -> Case:
    return case(key, says, of(value, *wants, target="/empty.txt"), needs=(RANGES,))


EMPTY = Want((200,), {"content-length": "0"}, NO_PART, b"")
NONE_OF_IT = Want((416,), {"content-range": "bytes */0"})
NOT_OF_A_416 = ("etag", "last-modified", "content-encoding")
OF_THE_200 = ("etag", "last-modified", "cache-control", "vary", "content-type")
VARY: dict[str, tuple[str, ...]] = {
    KEPT: ("accept-encoding", "cookie"),
    RULED: ("accept-encoding", "cookie", "available-dictionary"),
}
UNSATISFIED = (
    *[(setting, "/t.txt", 10) for setting in (TOLD, KEPT, FILES)],
    *[(setting, "/app.js", len(GZ)) for setting in (TOLD, KEPT, FILES)],
    (RULED, "/assets/app.3f2a9c1b.js", len(b"hashed")),
    (RULED, "/assets/dcz.3f2a9c1b.js", len(BR)),
)
"""A setting, a target, and the size of what is sent for it."""


def unsatisfied(setting: str, target: str, size: int) -> Ask:
    has: dict[str, Any] = {"content-range": f"bytes */{size}", "content-type": PLAIN_TEXT}
    lacks = NOT_OF_A_416
    if setting == TOLD:
        has["access-control-allow-origin"] = "*"
    if size in (len(GZ), len(BR)):
        has["vary"] = VARY.get(setting, "accept-encoding")
    elif setting in (TOLD, FILES):
        lacks = (*lacks, "vary")
    return ours_of("bytes=500-", 416, target=target, setting=setting, lines=(CODED,), has=has,
                   lacks=lacks, check="not kept for ever")  # fmt: skip


SPECIAL = (
    *under(
        "RFC 9110 14.3",
        MUST,
        case("R217", "A file says that it can be had in parts.",
             ask("/t.txt", 200, has={"accept-ranges": "bytes"}),
             ours("/t.txt", 200, method="HEAD", has={"accept-ranges": "bytes"}), needs=(RANGES,)),
    ),
    *under(
        "RFC 9110 14.1.2",
        SHOULD,
        of_nothing("R277", "A range of all of an empty file gets it.", "bytes=0-", EMPTY),
        of_nothing("R278", "A range of the first byte of an empty file gets no part.",
                   "bytes=0-0", EMPTY, NONE_OF_IT),
        of_nothing("R279", "A range of the last byte of an empty file gets no part.",
                   "bytes=-1", EMPTY, NONE_OF_IT),
        of_nothing("R280", "A range from the second byte of an empty file on gets no part.",
                   "bytes=1-", EMPTY, NONE_OF_IT),
    ),
    *under(
        "RFC 9110 15.5.17",
        MUST,
        ranged("R281", "A 416 tells the size, and nothing else of the file.", "bytes=10-",
               Want((416,), {"content-range": "bytes */10"}, NOT_OF_A_416,
                    check="not kept for ever"),
               more=tuple(unsatisfied(*each) for each in UNSATISFIED)),
    ),
    *under(
        "RFC 9110 15.3.7",
        MUST,
        case("R282", "A part has the fields of the whole file.", ask("/t.txt", 200, name="full"),
             of("bytes=0-4", 206, like=("full", OF_THE_200)),
             ours("/t.txt", 200, setting=KEPT, name="kept", has={"cache-control": "max-age=77",
                  "x-extra": "1", "vary": "cookie"}),
             ours_of("bytes=0-4", 206, setting=KEPT,
                     same=("kept", ("content-length", "content-range"))),
             needs=(RANGES,)),
    ),
    *under(
        "RFC 9110 14",
        MUST,
        case("R283", "A part of a compressed file is of its compressed bytes.",
             of("bytes=0-4", 206, target="/app.js", lines=(GZIPPED,), body=GZ[:5],
                has={"content-encoding": "gzip", "content-range": "bytes 0-4/53"},
                ours=Want((206,), {"vary": "accept-encoding"})),
             needs=(RANGES, GZIP)),
    ),
)  # fmt: skip


def if_range(
    key: str, says: str, value: str, want: Want, of: str = "bytes=0-1", *, more: str = ""
) -> Case:
    """A GET of t.txt if it is the file that was seen; `more` is asked of dualstatic alone."""
    lines = (("Range", of),) if of else ()
    asks = [ask("/t.txt", want, lines=(*lines, ("If-Range", value)))]
    asks += [only_ours(ask("/t.txt", want, lines=(*lines, ("If-Range", more))))] if more else []
    return case(key, says, ask("/t.txt", 200, name="first"), *asks, needs=(RANGES,))


STRONG, WEAK = "{first.etag}", "W/{first.etag|opaque}"
RFC_850 = "Tuesday, 02-Jan-24 03:04:05 GMT"

RESUMED = (
    *under(
        "RFC 9110 13.1.5",
        MUST,
        if_range("R286", "If-Range with the file's tag gets the part.", STRONG, some(0, 1)),
        if_range("R287", "If-Range with the file's tag marked as weak gets the whole file.",
                 WEAK, WHOLE),
        if_range("R288", "If-Range with another tag gets the whole file.", '"zzz"', WHOLE),
        if_range("R289", "If-Range with the file's date gets the part.", LAST_MODIFIED, some(0, 1)),
        if_range("R290", "If-Range with an earlier date gets the whole file.", DAY_BEFORE, WHOLE),
        if_range("R291", "If-Range with a later date gets the whole file.", LATER, WHOLE),
        if_range("R292", "If-Range with what is neither tag nor date gets the whole file.",
                 "garbage", WHOLE),
        if_range("R294", "If-Range with an asterisk gets the whole file.", "*", WHOLE),
        if_range("R295", "If-Range with a list of tags gets the whole file.",
                 STRONG + ', "b"', WHOLE,
                 more='"b", ' + STRONG),
        if_range("R297", "If-Range without Range counts for nothing.", STRONG, WHOLE, of="",
                 more='"zzz"'),
        if_range("R298", "If-Range with another tag counts before a range that isn't there.",
                 '"zzz"', WHOLE, of="bytes=50-"),
        if_range("R299", "If-Range with the file's tag leaves a range that isn't there a 416.",
                 STRONG, NOT_SATISFIED, of="bytes=50-"),
        case("R300", "If-Range with the plain file's tag gets the whole of a compressed one.",
             ask("/app.js", 200, name="plain"),
             ask("/app.js", 200, body=GZ, lacks=NO_PART, has={"content-encoding": "gzip"},
                 lines=(GZIPPED, ("Range", "bytes=0-4"), ("If-Range", "{plain.etag}"))),
             ours("/app.js", 200, lines=(GZIPPED,), name="coded"),
             ours_of("bytes=0-4", 206, target="/app.js", body=GZ[:5],
                     lines=(GZIPPED, ("If-Range", "{coded.etag}"))),
             needs=(RANGES, GZIP)),
    ),
    *under(
        "RFC 9110 13.1.5",
        SHOULD,
        if_range("R293", "An empty If-Range gets the whole file.", "", WHOLE),
    ),
    *under(
        "RFC 9110 5.6.7",
        SHOULD,
        if_range("R296", "If-Range may have a date in the form of RFC 850.", RFC_850, some(0, 1)),
    ),
    *under(
        "RFC 9110 13.2.2",
        SHOULD,
        ranged("R302", "If-None-Match with another tag lets the part through.", "bytes=0-1",
               some(0, 1), lines=(("If-None-Match", '"q"'),)),
    ),
)  # fmt: skip

CASES = ONE_PART + MALFORMED + SEVERAL + OTHER_METHODS + SPECIAL + RESUMED
