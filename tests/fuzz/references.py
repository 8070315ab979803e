"""The parsers once more, slow and obvious, to be compared with: no regular expression is here."""

from __future__ import annotations

import calendar
from urllib.parse import unquote_to_bytes

DIGITS = frozenset("0123456789")
HEX = frozenset("0123456789abcdefABCDEF")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TOKEN = frozenset("!#$%&'*+-.^_`|~") | DIGITS | {chr(c) for c in (*range(65, 91), *range(97, 123))}


def entity_tags(text: str) -> tuple[str | None, ...]:
    """Member by member: one that is no tag and not empty ends at the next comma, and is None."""
    if text.strip(" \t") == "*":
        return ("*",)
    members: list[str | None] = []
    rest = text
    while rest := rest.lstrip(" \t"):
        start = 3 if rest.startswith('W/"') else 1
        end = rest.find('"', start) if rest[start - 1] == '"' else -1
        after = rest[end + 1 :].lstrip(" \t")
        if rest[0] == ",":
            rest = rest[1:]
        elif end < 0 or after[:1] not in ("", ",") or any(map(is_no_text, rest[:end])):
            members.append(None)
            rest = rest.partition(",")[2]
        else:
            members.append(rest[: end + 1])
            rest = after[1:]
    return tuple(members)


def is_no_text(c: str) -> bool:
    return c < " " or c == "\x7f" or c > "\xff"


def byte_ranges(text: str, size: int) -> list[range] | None:
    if text[:6].lower() != "bytes=" or not text[:6].isascii() or len(text) > 8192:
        return None
    members = [member.strip(" \t") for member in text[6:].split(",")]
    parts = []
    for first, dash, last in (member.partition("-") for member in members if member):
        if dash != "-" or not DIGITS.issuperset(first + last) or not first + last:
            return None
        start, end = position(first), position(last)
        if start is not None and end is not None and start > end:
            return None
        if start is None:
            start, end = max(size - (end or 0), 0), None
        parts.append(range(start, size if end is None else min(end + 1, size)))
    return parts if 0 < len(parts) <= 100 else None


def position(digits: str) -> int | None:
    """The number, or 10^19 for one of more than 19 digits."""
    value = 0
    for digit in digits:
        value = min(value * 10 + "0123456789".index(digit), 10**19)
    return value if digits else None


def accepted_codings(text: str) -> dict[str, int]:
    weights = {}
    for member in text.split(","):
        coding, semicolon, weight = member.strip(" \t").partition(";")
        coding = coding.rstrip(" \t") if semicolon else coding
        thousandths = weight_of(weight.lstrip(" \t")) if semicolon else 1000
        if coding and TOKEN.issuperset(coding) and thousandths is not None:
            weights[{"x-gzip": "gzip"}.get(coding.lower(), coding.lower())] = thousandths
    return weights


def weight_of(text: str) -> int | None:
    whole, _, decimals = text[2:].partition(".")
    if text[:2] not in ("q=", "Q=") or whole not in ("0", "1") or not DIGITS.issuperset(decimals):
        return None
    thousandths = int(whole + decimals.ljust(3, "0"))
    return thousandths if thousandths <= 1000 and len(decimals) <= 3 else None


def http_date(text: str, this_year: int) -> int | None:
    """By the columns in which each part of the three forms stands."""
    if text[3:5] == ", " and len(text) == 29:
        day, month, year, time, end = text[5:7], text[8:11], text[12:16], text[17:25], text[25:]
        same = f"{text[:3]}, {day} {month} {year} {time} GMT"
        known = text[:3] in {name[:3] for name in DAYS} and end == " GMT"
    elif ", " in text:
        name, rest = text.split(", ", 1)
        day, month, year, time = rest[:2], rest[3:6], rest[7:9], rest[10:18]
        same = f"{name}, {day}-{month}-{year} {time} GMT"
        known = name in DAYS
    else:
        day, month, year, time = text[8:10], text[4:7], text[20:], text[11:19]
        same = f"{text[:3]} {month} {day} {time} {year}"
        known = text[:3] in {name[:3] for name in DAYS} and len(year) == 4
        day = day.replace(" ", "0", 1) if day[:1] == " " else day
    clock = time.split(":")
    numbers = [day, year, *clock]
    if not known or same != text or month not in MONTHS or len(clock) != 3:
        return None
    if len(time) != 8 or not all(n and DIGITS.issuperset(n) for n in numbers):
        return None
    if len(day) != 2 or [len(number) for number in clock] != [2, 2, 2]:
        return None
    return seconds(*map(int, (year, MONTHS.index(month) + 1, day, *clock)), this_year, len(year))


def seconds(
    year: int, month: int, day: int, hour: int, minute: int, second: int, now: int, digits: int
) -> int | None:
    if digits == 2:
        year = max(y for y in range(year, now + 51, 100) if y <= now + 50)
    if year < 1 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    if hour > 23 or minute > 59 or second > 60:
        return None
    return calendar.timegm((year, month, day, hour, minute, second))


def admits(raw: bytes) -> bool:
    target = raw.split(b"?")[0]
    for start in [i for i, byte in enumerate(target) if byte == 0x25]:
        digits = target[start + 1 : start + 3].decode("latin-1")
        if len(digits) < 2 or not HEX.issuperset(digits) or digits.lower() in ("2f", "5c"):
            return False
    if b"\\" in target or b"#" in target:
        return False
    try:
        unquote_to_bytes(target).decode()
    except UnicodeDecodeError:
        return False
    return True


def is_name(name: str, dotfiles: bool) -> bool:
    segments = name.split("/")
    if any(segment in ("", ".", "..") for segment in segments):
        return False
    if any(c < " " or c in "\x7f\\" or "\ud800" <= c <= "\udfff" for c in name):
        return False
    hidden = segments[1:] if segments[0] == ".well-known" else segments
    return dotfiles or not any(segment.startswith(".") for segment in hidden)
