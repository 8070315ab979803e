"""Group R: parts of ten digits, and of larger files."""

from __future__ import annotations

from typing import Any

from ..case import GZIP, INDEX, RANGES, REFUSED, Ask, Case, Want
from ..site import BEYOND, GZ, SIZES
from ..write import DAY_BEFORE, DIGITS, LAST_MODIFIED, LATER, ask, case

GZIPPED = ("Accept-Encoding", "gzip")
NO_PART = ("content-range",)
BIG = str(2**64)
ARABIC = "\u0660-\u0663".encode().decode("latin-1")
WHOLE = Want((200,), {"content-length": "10"}, NO_PART, DIGITS)
NOT_SATISFIED = Want((416,), {"content-range": "bytes */10"})
REJECTED = Want((400, 416, 431))
PARTS = Want((206,), lacks=NO_PART, check="parts of ten digits")


def some(first: int, last: int) -> Want:
    has = {"content-range": f"bytes {first}-{last}/10", "content-length": str(last - first + 1)}
    return Want((206,), has, body=DIGITS[first : last + 1])


def ranged(id: str, value: str | tuple[str, ...], *wants: Want, lines: Any = ()) -> Case:  # noqa: A002
    values = (value,) if isinstance(value, str) else value
    return case(id, *[_of(each, wants, lines) for each in values], needs=(RANGES,))


def _of(value: str, wants: tuple[Want, ...], lines: Any) -> Ask:
    return ask("/t.txt", *wants, lines=(("Range", value), *lines))


SINGLE = (
    case("R217", ask("/t.txt", 200, has={"accept-ranges": "bytes"}), needs=(RANGES,)),
    ranged("R218", "bytes=0-4", some(0, 4)),
    ranged("R219", "bytes=0-0", some(0, 0)),
    ranged("R220", "bytes=2-", some(2, 9)),
    ranged("R221", "bytes=-3", some(7, 9)),
    ranged("R222", "bytes=9-", some(9, 9)),
    ranged("R223", "bytes=0-9", some(0, 9), WHOLE),
    ranged("R224", "bytes=5-100", some(5, 9)),
    ranged("R225", "bytes=-20", some(0, 9), WHOLE),
    ranged("R226", "bytes=-10", some(0, 9), WHOLE),
    ranged("R227", "bytes=10-", NOT_SATISFIED),
    ranged("R228", "bytes=10-20", NOT_SATISFIED),
    ranged("R229", "bytes=-0", NOT_SATISFIED),
    ranged("R230", "bytes=5-2", WHOLE, NOT_SATISFIED),
    ranged("R231", "bytes=", WHOLE),
    ranged("R232", "bytes=-", WHOLE),
    ranged("R233", "bytes=abc", WHOLE),
    ranged("R234", "bytes=0", WHOLE),
    ranged("R235", "bytes=0-4x", WHOLE),
    ranged("R236", "bytes=1-2-3", WHOLE),
    ranged("R237", "bytes=--5", WHOLE),
    ranged("R238", "bytes=+1-2", WHOLE),
    ranged("R239", ("bytes=1_0-", "bytes=0-1_0"), WHOLE),
    ranged("R240", "bytes=0x0-0x2", WHOLE),
    ranged("R241", "bytes=1.5-3", WHOLE),
    ranged("R242", ("bytes=\xb2-\xb3", f"bytes={ARABIC}"), WHOLE, REJECTED),
    ranged("R243", f"bytes={BIG}-", NOT_SATISFIED),
    ranged("R244", f"bytes=0-{BIG}", some(0, 9), WHOLE),
    ranged("R245", f"bytes=-{BIG}", some(0, 9), WHOLE),
    ranged("R246", "bytes=0-" + "9" * 5000, some(0, 9), WHOLE, REJECTED),
    ranged("R247", "bytes=" + "1".zfill(30) + "-2", some(1, 2)),
    ranged("R248", "bytes= 0-4", some(0, 4), WHOLE),
    ranged("R249", "bytes=0 - 4", WHOLE),
    ranged("R250", "BYTES=0-4", some(0, 4)),
    ranged("R251", "items=0-4", WHOLE),
    ranged("R252", "bytes 0-4", WHOLE),
    ranged("R253", "", WHOLE),
)

SEVERAL = (
    ranged("R254", ("bytes=0-4,", "bytes=,0-4", "bytes=0-4,,"), some(0, 4)),
    ranged("R255", "bytes=0-1,3-4", PARTS, WHOLE),
    ranged("R256", "bytes=0-1,3-4", Want((200, 206), lacks=NO_PART)),
    case("R257", ask("/large.bin", 200, 206, lines=(("Range", "bytes=0-1,9-9"),),
         check="a boundary of its own"), needs=(RANGES,)),
    ranged("R258", "bytes=0-1,2-3", some(0, 3)),
    ranged("R259", "bytes=0-4,3-6", some(0, 6)),
    ranged("R260", "bytes=0-9,0-9", some(0, 9), WHOLE),
    ranged("R261", "bytes=0-1,20-30", some(0, 1), PARTS),
    ranged("R262", "bytes=20-30,40-", NOT_SATISFIED),
    ranged("R263", "bytes=20-,-3", some(7, 9), PARTS),
    ranged("R264", "bytes=8-9,0-1", Want((206,), lacks=NO_PART, check="8-9 before 0-1"), WHOLE),
    ranged("R265", "bytes=0-1,abc", WHOLE),
    ranged("R266", "bytes=0-1;2-3", WHOLE),
    ranged("R267", "bytes=" + ",".join(["0-0"] * 300), WHOLE, some(0, 0),
           Want((206, 416), check="not much more than ten bytes")),
    case("R268", ask("/huge.bin", 200, 206, 416, most=0,
         lines=(("Range", "bytes=" + ",".join(["0-"] * 300)),), check="not more than huge"),
         needs=(RANGES,)),
    case("R270", ask("/fifty.bin", 206, lines=(("Range", "bytes=0-0"),), body=b"A",
         has={"content-range": f"bytes 0-0/{SIZES['fifty.bin']}"}), needs=(RANGES,)),
    case("R271", *[ask(target, 200, 206, 301, 302, 307, 308, 400, 416, REFUSED,
                       lines=(("Range", value),))
                   for target in ("/", "/sub", "/sub/", "/nope", "/noindex/", "/empty.txt")
                   for value in ("bytes=", "bytes=-", "bytes=a-b", "=", "bytes=5-2")],
         ask("/t.txt", 200), needs=(RANGES,)),
    ranged("R272", "bytes=0-0,2-2,4-4,6-6,8-8", WHOLE, PARTS),
    ranged("R273", "bytes=0-1", WHOLE, Want((400,)), lines=(("Range", "bytes=3-4"),)),
)  # fmt: skip

OTHER_METHODS = (
    case("R274", ask("/t.txt", 200, method="HEAD", lines=(("Range", "bytes=0-4"),), body=b"",
         has={"content-length": "10"}, lacks=NO_PART), needs=(RANGES,)),
    case("R275", ask("/t.txt", 200, method="HEAD", lines=(("Range", "bytes=50-"),), body=b"",
         lacks=NO_PART), needs=(RANGES,)),
    case("R276", ask("/t.txt", REFUSED, 404, 405, method="POST", lines=(("Range", "bytes=0-4"),),
         lacks=NO_PART), needs=(RANGES,)),
)  # fmt: skip


def of_nothing(id: str, value: str, *wants: Want) -> Case:  # noqa: A002
    return case(id, ask("/empty.txt", *wants, lines=(("Range", value),)), needs=(RANGES,))


EMPTY = Want((200,), {"content-length": "0"}, NO_PART, b"")
NONE_OF_IT = Want((416,), {"content-range": "bytes */0"})

SPECIAL = (
    of_nothing("R277", "bytes=0-", EMPTY),
    of_nothing("R278", "bytes=0-0", EMPTY, NONE_OF_IT),
    of_nothing("R279", "bytes=-1", EMPTY, NONE_OF_IT),
    of_nothing("R280", "bytes=1-", EMPTY, NONE_OF_IT),
    ranged("R281", "bytes=10-", Want((416,), {"content-range": "bytes */10"},
           ("etag", "last-modified", "content-encoding"), check="not kept for ever")),
    case("R282", ask("/t.txt", 200, name="full"),
         ask("/t.txt", 206, lines=(("Range", "bytes=0-4"),), like=(
             "full", ("etag", "last-modified", "cache-control", "vary", "content-type"))),
         needs=(RANGES,)),
    case("R283", ask("/app.js", 206, lines=(GZIPPED, ("Range", "bytes=0-4")), body=GZ[:5],
         has={"content-encoding": "gzip", "content-range": "bytes 0-4/53"}),
         needs=(RANGES, GZIP)),
    case("R284", ask("/digits/", 206, lines=(("Range", "bytes=2-4"),), body=b"234",
         has={"content-range": "bytes 2-4/10"}), needs=(RANGES, INDEX)),
    case("R285", ask("/huge.bin", 206, lines=(("Range", f"bytes={BEYOND}-{BEYOND + 3}"),),
         body=b"ABCD"), needs=(RANGES,)),
)  # fmt: skip


def if_range(id: str, value: str, *wants: Want, of: str = "bytes=0-1") -> Case:  # noqa: A002
    """A GET of t.txt on the condition that it is the file that was seen."""
    lines = (("Range", of), ("If-Range", value)) if of else (("If-Range", value),)
    first, second = ask("/t.txt", 200, name="first"), ask("/t.txt", *wants, lines=lines)
    return case(id, first, second, needs=(RANGES,))


STRONG = "{first.etag}"
RESUMED = (
    if_range("R286", STRONG, some(0, 1)),
    if_range("R287", "W/{first.etag|opaque}", WHOLE),
    if_range("R288", '"zzz"', WHOLE),
    if_range("R289", LAST_MODIFIED, some(0, 1)),
    if_range("R290", DAY_BEFORE, WHOLE),
    if_range("R291", LATER, WHOLE),
    if_range("R292", "garbage", WHOLE),
    if_range("R293", "", WHOLE),
    if_range("R294", "*", WHOLE),
    if_range("R295", STRONG + ', "b"', WHOLE),
    if_range("R296", "Tuesday, 02-Jan-24 03:04:05 GMT", some(0, 1)),
    if_range("R297", STRONG, WHOLE, of=""),
    if_range("R298", '"zzz"', WHOLE, of="bytes=50-"),
    if_range("R299", STRONG, NOT_SATISFIED, of="bytes=50-"),
    case("R300", ask("/app.js", 200, name="plain"),
         ask("/app.js", 200, body=GZ, lacks=NO_PART, lines=(
             GZIPPED, ("Range", "bytes=0-4"), ("If-Range", "{plain.etag}"))),
         needs=(RANGES, GZIP)),
    ranged("R302", "bytes=0-1", some(0, 1), lines=(("If-None-Match", '"q"'),)),
)  # fmt: skip

CASES = SINGLE + SEVERAL + OTHER_METHODS + SPECIAL + RESUMED
