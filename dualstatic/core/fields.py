"""Header text to values. Every function is total, and takes time in proportion to its text.

What can't be read is None: the caller says what RFC 9110 wants done with it.
"""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import datetime, timezone

# RFC 9110 section 8.8.3:
#   entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE
#   etagc      = %x21 / %x23-7E / obs-text
# The space is let in as well: some servers put it there, and it can't be mistaken.
# Section 5.6.1.2: a recipient takes empty list elements.
_ENTITY_TAG = re.compile(r'(?:W/)?"[\x20\x21\x23-\x7e\x80-\xff]*"')
# A member of a list: a tag, or nothing, or else what stands before the next comma.
_TAG_MEMBER = re.compile(rf"[ \t]*(?:({_ENTITY_TAG.pattern})[ \t]*)?(?:,[ \t,]*|\Z)|([^,]+)")

# Section 5.6.7: IMF-fixdate, rfc850-date, asctime-date.
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_WEEKDAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_TIME = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_HTTP_DATES = (
    re.compile(f"{_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT"),
    re.compile(f"{_WEEKDAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT"),
    re.compile(f"{_DAY} {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_TIME} (?P<year>[0-9]{{4}})"),
)

# Section 14.1.1:
#   ranges-specifier = range-unit "=" range-set
#   int-range        = first-pos "-" [ last-pos ]
#   suffix-range     = "-" suffix-length
_RANGE = re.compile(r"[ \t]*([0-9]*)-([0-9]*)[ \t]*")

# RFC 8941 section 3.3.5: sf-binary = ":" *(base64) ":"; the padding may lack.
_DICTIONARY = re.compile(r"[ \t]*:[A-Za-z0-9+/]{43}=?:[ \t]*")

# Section 12.5.3, 12.4.2: codings [ weight ];
#   weight = OWS ";" OWS "q=" qvalue
#   qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
_CODING = re.compile(
    r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:[ \t]*;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)

# Section 12.5.1: a media range, its parameters, its weight. No more is asked of an Accept than
# whether it names HTML: all browsers do so when they go to a page, and only then.
_HTML_RANGE = re.compile(r"text/html[ \t]*(?:;.*)?", re.IGNORECASE | re.DOTALL)
_NOT_ACCEPTABLE = re.compile(r";[ \t]*q=0(?:\.0{0,3})?[ \t]*(?:;|\Z)", re.IGNORECASE)

MAX_RANGES = 100
"""More ranges than this are no download; the field is then ignored (section 14.2)."""

_MAX_RANGE_TEXT = 8192


def entity_tags(text: str) -> tuple[str | None, ...]:
    """The members of an If-Match or If-None-Match; ("*",) for the asterisk; None: no tag."""
    if text.strip(" \t") == "*":
        return ("*",)
    members = _TAG_MEMBER.finditer(text)
    return tuple([match[1] for match in members if match[1] or match[2]])


def entity_tag(text: str) -> str | None:
    """The one tag of an If-Range."""
    return text if _ENTITY_TAG.fullmatch(text) else None


def http_date(text: str, now: float) -> int | None:
    """Seconds since the epoch of an HTTP-date; `now` tells the century of a two-digit year."""
    for form in _HTTP_DATES:
        if match := form.fullmatch(text):
            return _seconds(match, now)
    return None


def _seconds(match: re.Match[str], now: float) -> int | None:
    year, month, day = int(match["year"]), _MONTHS.index(match["month"]) + 1, int(match["day"])
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"])
    if len(match["year"]) == 2:
        # Section 5.6.7: what seems more than 50 years in the future is the past.
        this_year = 1970 + int(now // 31_556_952)
        year += this_year - this_year % 100
        year -= 100 * (year > this_year + 50)
    leap = second == 60
    try:
        date = datetime(year, month, day, hour, minute, second - leap, tzinfo=timezone.utc)
    except ValueError:
        return None
    return int(date.timestamp()) + leap


def byte_ranges(text: str, size: int) -> list[range] | None:
    """What a Range asks for of a file of `size` bytes; an empty part can't be satisfied.

    None: it is another unit, a syntax error, or more than MAX_RANGES.
    """
    unit, _, ranges = text.strip(" \t").partition("=")
    if unit.lower() != "bytes" or len(text) > _MAX_RANGE_TEXT:
        return None
    if "," not in ranges:  # what players and downloads ask for
        part = _part(ranges, size)
        return None if part is None else [part]
    members = [member for member in ranges.split(",") if member.strip(" \t")]
    parts = [part for each in members if (part := _part(each, size)) is not None]
    return parts if 0 < len(parts) == len(members) <= MAX_RANGES else None


def _part(text: str, size: int) -> range | None:
    match = _RANGE.fullmatch(text)
    if not match:
        return None
    first, last = _position(match[1]), _position(match[2])
    if first is None:  # the last is the length of a suffix
        return None if last is None else range(max(size - last, 0), size)
    if last is None:
        return range(first, size)
    return range(first, min(last + 1, size)) if first <= last else None


def _position(digits: str) -> int | None:
    if len(digits) > 19:  # 10**19 is past any file, and Python doesn't read digits by the thousand
        return min(int(digits.lstrip("0")[:20] or "0"), 10**19)
    return int(digits) if digits else None


def accepted_codings(text: str) -> dict[str, int]:
    """Content codings and their weights in thousandths; a member that can't be read is left out.

    Names are in lower case; gzip's alias "x-gzip" counts as gzip (section 8.4.1.3).
    """
    weights = {}
    for member in text.split(","):
        if match := _CODING.fullmatch(member.strip(" \t")):
            coding = match[1].lower()
            weights["gzip" if coding == "x-gzip" else coding] = round(float(match[2] or "1") * 1000)
    return weights


def dictionary_hash(text: str) -> bytes | None:
    """The 32 bytes of an Available-Dictionary (RFC 9842 section 2.2); all else is None."""
    return b64decode(text.strip(" \t:=") + "=") if _DICTIONARY.fullmatch(text) else None


def names_html(text: str) -> bool:
    """Whether an Accept names text/html, and not as something unacceptable."""
    ranges = [member.strip(" \t") for member in text.split(",")]
    return any(
        _HTML_RANGE.fullmatch(member) and not _NOT_ACCEPTABLE.search(member) for member in ranges
    )
