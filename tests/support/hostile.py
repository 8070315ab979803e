"""Hostile request targets, to be sent raw, and hostile header lines.

They are gathered from advisories on servers of static files in every language. `targets_from` and
`lines_from` make more of each.
"""

from __future__ import annotations

import re

from tests.cases import CASES
from tests.cases.case import PASS, REFUSED

SECRET = b"SECRET"

TARGETS = list(
    dict.fromkeys(
        ask.target if isinstance(ask.target, str) else ask.target.decode("latin-1")
        for case in CASES
        for ask in case.asks
        if case.group in "PHS" and ask.promised.status[0] in (PASS, REFUSED)
    )
)
"""What the cases of paths, of dotfiles and of links refuse: one character is one byte."""

FIELDS = [
    ("Range", "bytes=5-2"),
    ("Range", "bytes=0-18446744073709551615"),
    ("Range", "bytes=0-18446744073709551616"),
    ("Range", "bytes=-18446744073709551616"),
    ("Range", "bytes=9223372036854775807-9223372036854775808"),
    ("Range", "bytes=-9223372036854758792,-9223372036854717000"),
    ("Range", "bytes=0-" + "9" * 5000),
    ("Range", "bytes=" + ",".join(f"5-{last}" for last in range(1300))),
    ("Range", "bytes=" + "0-0," * 10000),
    ("Range", "bytes=" + "," * 100_000),
    ("Range", "bytes=\xb2-\xb3"),
    ("Range", "bytes=\xd9\xa0-\xd9\xa3"),
    ("Range", "bytes=1_0-"),
    ("Range", "bytes=+0-+4"),
    ("Range", "bytes=0x0-0x4"),
    ("Range", "bytes=-"),
    ("Range", "bytes="),
    ("Range", "="),
    ("Range", "bytes=0-4;q=1"),
    ("Range", "bytes=0-4, bytes=6-7"),
    ("If-None-Match", ", " * 20000),
    ("If-None-Match", "W/"),
    ("If-None-Match", '"'),
    ("If-None-Match", '"a\xff"'),
    ("If-None-Match", '"a", W/"b, c", *, "d'),
    ("If-Modified-Since", "Tue, 99 Foo 2024 99:99:99 GMT"),
    ("If-Modified-Since", "Tue, 02 Jan 2024 03:04:05 +9999"),
    ("If-Modified-Since", "Tue, 02 Jan 99999 03:04:05 GMT"),
    ("If-Modified-Since", "7" * 65536),
    ("If-Range", 'W/"x"'),
    ("If-Range", '"a", "b"'),
    ("If-Range", ""),
    ("Accept-Encoding", "gzip;q=nan"),
    ("Accept-Encoding", "gzip;q=1e999"),
    ("Accept-Encoding", "gzip;q="),
    ("Accept-Encoding", ";q=1"),
    ("Accept-Encoding", "x," * 10000),
    ("Accept-Encoding", "gzip\x00"),
    ("Accept-Encoding", "*;q=0, identity;q=0"),
    ("X-Sendfile-Type", "X-Accel-Redirect"),
    ("X-Accel-Mapping", "/=/"),
    ("Available-Dictionary", ":AAAA:"),
    ("Available-Dictionary", ":" + "A" * 65536 + ":"),
    ("Want-Repr-Digest", "sha-256=99999999999999999999"),
]

_LETTER = re.compile("(?<!%)(?<!%[0-9a-f])[a-z]")
_ESCAPE = re.compile("%[0-9a-fA-F]{2}")


def targets_from(target: str) -> dict[str, str]:
    """What grows from a target, by what was done to it; not all of it is hostile."""
    first, rest = target[:1], target[1:]
    ends = (
        "?",
        "?x=/../",
        "#",
        ";",
        ";a=1",
        "/",
        "//",
        "/.",
        ".",
        " ",
        "%20",
        "%09",
        "%00",
        "\\",
        "%5c",
    )
    return {
        "below a directory": f"/sub{target}",
        "below a file": f"/t.txt{target}",
        "below nothing": f"/nothing{target}",
        "below a link out": f"/linkdir-out{target}",
        "after an empty segment": f"/{target}",
        "after a dot segment": f"/.{target}",
        "after a backslash": f"/\\{rest}",
        "escapes in capitals": _ESCAPE.sub(lambda match: match[0].upper(), target),
        "escapes in small letters": _ESCAPE.sub(lambda match: match[0].lower(), target),
        "escaped again": target.replace("%", "%25"),
        "escaped twice again": target.replace("%", "%2525"),
        "escapes undone": _ESCAPE.sub(lambda match: chr(int(match[0][1:], 16)), target),
        "dots escaped": target.replace(".", "%2e"),
        "slashes escaped": first + rest.replace("/", "%2F"),
        "slashes turned": first + rest.replace("/", "\\"),
        "every other slash turned": re.sub("/([^/]*)/", r"/\1\\", target),
        "dots overlong": target.replace(".", "%c0%ae"),
        "slashes overlong": first + rest.replace("/", "%c0%af"),
        "slashes of three bytes": first + rest.replace("/", "%e0%80%af"),
        "letters escaped": _LETTER.sub(lambda match: f"%{ord(match[0]):x}", target),
        **{f"with {end!r} at its end": target + end for end in ends},
    }


def lines_from(name: str, value: str) -> dict[str, list[tuple[str, str]]]:
    """What grows from a field line, by what was done to it."""
    middle = len(value) // 2
    return {
        "twice": [(name, value)] * 2,
        "fifty times": [(name, value[:1000])] * 50,
        "after an empty one": [(name, ""), (name, value)],
        "before a plain one": [(name, value), (name, "x")],
        "in capitals": [(name.upper(), _LETTER.sub(lambda match: match[0].upper(), value))],
        "between white space": [(name, f" \t {value}\t ")],
        "folded": [(name, f"{value[:middle]}\r\n {value[middle:]}")],
        "with much space behind": [(name, value + " " * 65536 + "x")],
        "with many commas before": [(name, "," * 65536 + value)],
        "in quotes": [(name, f'"{value}"')],
    }
