"""The parsers of fields, and where each obeys RFC 9110 and Werkzeug's does not."""

from __future__ import annotations

from time import gmtime, strftime
from typing import Any

from werkzeug import http
from werkzeug.datastructures import Accept

from dualstatic.core import fields, replies
from dualstatic.core.values import File, Policy, Request
from tests.support.each import each

NOW = 1.7e9  # 2023-11-14


@each(
    ("text", "tags"),
    [
        ('"a"', ('"a"',)),
        ('W/"a", "b"', ('W/"a"', '"b"')),
        ('"a,b" ,,\t"c"', ('"a,b"', '"c"')),
        ('""', ('""',)),
        ("*", ("*",)),
        (" * ", ("*",)),
        ("", ()),
        (" , ,", ()),
        ('"a\xff"', ('"a\xff"',)),
        ("a", (None,)),
        ('w/"a"', (None,)),
        ('"a" "b"', (None,)),
        ('"a"b', (None,)),
        ('"a", *', ('"a"', None)),
        ('"a', (None,)),
        ('W/ "a"', (None,)),
        ('"\x7f"', (None,)),
        ('a, "b"', (None, '"b"')),
        ('"a" , b" ,\tW/"c" ', ('"a"', None, 'W/"c"')),
        ('"a, "b"', (None, '"b"')),
    ],
)
def test_entity_tags(text: str, tags: Any) -> None:
    assert fields.entity_tags(text) == tags


@each("text", ["", "*", '"a", "b"', " ", '"a" ', "x"])
def test_an_if_range_takes_one_tag(text: str) -> None:
    assert fields.entity_tag(text) is None
    assert fields.entity_tag('W/"a"') == 'W/"a"'


@each(
    ("text", "seconds"),
    [
        ("Tue, 02 Jan 2024 03:04:05 GMT", 1704164645),
        ("Sun, 02 Jan 2024 03:04:05 GMT", 1704164645),
        ("Tuesday, 02-Jan-24 03:04:05 GMT", 1704164645),
        ("Tue Jan  2 03:04:05 2024", 1704164645),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784111777),
        ("Sun Nov  6 08:49:37 1994", 784111777),
        ("Wednesday, 01-Jan-70 00:00:00 GMT", 3155760000),  # 47 years on
        ("Saturday, 14-Nov-73 00:00:00 GMT", 3277843200),  # 50 years on: 2073
        ("Thursday, 14-Nov-74 00:00:00 GMT", 153619200),  # 51 years on is 1974
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1483228800),
        ("Tue, 29 Feb 2023 00:00:00 GMT", None),
        ("Tue, 02 Jan 0000 03:04:05 GMT", None),
        ("Tue, 02 Jan 2024 24:00:00 GMT", None),
        ("Tue, 2 Jan 2024 03:04:05 GMT", None),
        ("tue, 02 jan 2024 03:04:05 gmt", None),
        ("Tue, 02 Jan 2024 03:04:05", None),
        ("Tue, 02 Jan 2024 03:04:05 GMT\n", None),
        ("Tue, 02 Jan 2024 03:04:05 +0000", None),
        ("", None),
    ],
)
def test_http_dates(text: str, seconds: int | None) -> None:
    assert fields.http_date(text, NOW) == seconds


def test_each_day_of_a_year_is_read_in_all_three_forms() -> None:
    for seconds in range(1704067205, 1735689605, 86400):
        date = gmtime(seconds)
        for form in (
            "%a, %d %b %Y %H:%M:%S GMT",
            "%A, %d-%b-%y %H:%M:%S GMT",
            f"%a %b {date.tm_mday:2} %H:%M:%S %Y",
        ):
            assert fields.http_date(strftime(form, date), NOW) == seconds


@each(
    ("text", "parts"),
    [
        ("bytes=0-4", [range(5)]),
        ("Bytes=4-", [range(4, 10)]),
        ("bytes=-3", [range(7, 10)]),
        ("bytes=-30", [range(10)]),
        ("bytes=-0", [range(0)]),
        ("bytes=10-", [range(0)]),
        ("bytes=0-1 , ,3-4,", [range(2), range(3, 5)]),
        ("bytes=0000000000000000000000001-2", [range(1, 3)]),
        (f"bytes=0-{'9' * 5000}", [range(10)]),
        (f"bytes={'9' * 5000}-", [range(0)]),
        (f"bytes={'2' * 20}-{'1' * 20}", [range(0)]),
        (f"bytes={2**63 - 2}-{2**63 - 1}", [range(0)]),
        ("bytes=" + "0-0," * 100, [range(1)] * 100),
        ("bytes=" + "0-0," * 101, None),
        ("bytes=" + "," * 9000 + "0-0", None),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes=,", None),
        ("bytes=0-1,x", None),
        ("bytes=0 - 4", None),
        ("bytes=0-1, bytes=3-4", None),
        ("bytes 0-4", None),
        ("items=0-4", None),
        ("bytes=\xb2-\xb3", None),
        ("bytes=\u0661-\u0662", None),
        ("bytes=1_0-", None),
        ("bytes=+0-4", None),
    ],
)
def test_byte_ranges(text: str, parts: Any) -> None:
    assert fields.byte_ranges(text, 10) == parts


@each(
    ("value", "part"),
    [
        ("bytes=9223372036854775800-", "bytes 9223372036854775800-9223372036854775806"),
        ("bytes=-2", "bytes 9223372036854775805-9223372036854775806"),
        (
            "bytes=1000000000000000000-1000000000000000001",
            "bytes 1000000000000000000-1000000000000000001",
        ),
        ("bytes=9223372036854775807-", "bytes *"),
    ],
)
def test_any_part_of_the_largest_file_can_be_asked_for(value: str, part: str) -> None:
    identity = (1, 2, 2**63 - 1, 3, 4)
    stored = File(lambda: 0, "f", "/f", 2**63 - 1, identity, None, '"e"', None, None)
    policy = Policy("text/plain", None, ())
    resource = replies.describe([stored], policy, contents=[None], settled=True)
    request = Request("GET", "/f", headers={"range": value})
    answer = replies.respond(request, resource, now=NOW, key=b"k")
    assert dict(answer.headers)["content-range"] == f"{part}/{2**63 - 1}"


@each(
    ("text", "weights"),
    [
        ("gzip, br", {"gzip": 1000, "br": 1000}),
        ("GZIP;q=0.5", {"gzip": 500}),
        ("x-gzip", {"gzip": 1000}),
        ("gzip ;\tQ=0.125", {"gzip": 125}),
        ("*;q=0", {"*": 0}),
        ("gzip;q=1.000, br;q=0.", {"gzip": 1000, "br": 0}),
        ("gzip;q=1.001, br;q=2, zstd;q=, a;q=-1, b;q=nan, c;q=1e-9", {}),
        ("gzip;q=0.0001", {}),
        (";q=1", {}),
        ("gzip\x00", {}),
        ("gzip br", {}),
        ("", {}),
    ],
)
def test_accepted_codings(text: str, weights: dict[str, int]) -> None:
    assert fields.accepted_codings(text) == weights
    assert fields.accepted_codings(text + "," * 300) == weights


@each(
    ("text", "ours", "parse"),
    [
        # An unquoted tag is no tag, and a small w is no W (section 8.8.3).
        ("zzz", (None,), lambda text: sorted(http.parse_etags(text)._strong)),
        ('w/"e"', (None,), lambda text: sorted(http.parse_etags(text)._weak)),
        # A range set is a list: it may overlap, be out of order, and have empty elements (14.1.1).
        ("bytes=8-9,0-1", [range(8, 10), range(2)], http.parse_range_header),
        ("bytes=0-4,", [range(5)], http.parse_range_header),
        ("bytes=-0", [range(0)], http.parse_range_header),
        ("bytes=0 - 4", None, http.parse_range_header),
        # An HTTP-date has no zone but GMT, and its case matters (section 5.6.7).
        ("Tue, 02 Jan 2024 03:04:05 +0000", None, http.parse_date),
        ("Tue, 02 Jan 0000 03:04:05 GMT", None, http.parse_date),
        ("tue, 02 jan 2024 03:04:05 gmt", None, http.parse_date),
        # A weight has three decimals at most, and ASCII digits (section 12.4.2).
        ("gzip;q=0.0001", {}, lambda text: dict(http.parse_accept_header(text, Accept))),
        ("gzip;q=", {}, lambda text: dict(http.parse_accept_header(text, Accept))),
    ],
)
def test_where_werkzeug_reads_another_grammar(text: str, ours: Any, parse: Any) -> None:
    if text.startswith("bytes"):
        read: Any = fields.byte_ranges(text, 10)
    elif text.startswith("gzip"):
        read = fields.accepted_codings(text)
    elif "Jan" in text or "jan" in text:
        read = fields.http_date(text, NOW)
    else:
        read = fields.entity_tags(text)
    assert read == ours
    assert bool(parse(text)) != (ours not in (None, {}, (None,)))
