"""Groups D and N: directories, their index pages, clean URLs, and what a miss gets."""

from __future__ import annotations

from typing import Any

from .case import (
    ALONE,
    APP,
    BELOW,
    CANONICAL,
    CLEAN,
    CLEAN_URLS,
    FALLBACK,
    GZIP,
    IMMUTABLE,
    INDEX,
    LOST,
    MOUNTED,
    PAGE_404,
    PAGE_FOR_APP,
    PASS,
    REFUSED,
    RULED,
    SPA,
    Ask,
    Case,
    Want,
)
from .site import GZ, HOME, NOT_FOUND, NOT_IN_SUB, SUB
from .write import ask, case, passes

HTML = {"content-type": "text/html"}
REDIRECTS = (307, 301, 302, 308)
VALIDATORS = ("etag", "last-modified", "accept-ranges", "content-range")


def hop(target: str, **how: Any) -> Ask:
    """A redirect to the same path with its slash, wherever the request came from."""
    return ask(target, *REDIRECTS, check="leads to the slash", **how)


def index(key: str, says: str, *asks: Ask, **how: Any) -> Case:
    return case(key, says, *asks, needs=(INDEX,), **how)


def clean(key: str, says: str, *asks: Ask, more: tuple[str, ...] = ()) -> Case:
    return case(key, says, *asks, needs=(INDEX, CLEAN, *more), setting=CLEAN_URLS)


def moved(target: str, *locations: str) -> Ask:
    return ask(target, 307, 308, 301, 302, has={"location": locations})


DIRECTORIES = (
    index("D098", "", hop("/sub")),
    index("D099", "", ask("/sub?a=1&b=%2F", *REDIRECTS, check="leads to the slash, query kept")),
    index("D100", "", hop("/sub", name="get"),
          ask("/sub", *REDIRECTS, method="HEAD", body=b"", like=("get", ("location",)))),
    case("D101", "", hop("/app/sub"), needs=(INDEX, MOUNTED), setting=BELOW),
    index("D102", "", ask("/sub", *REDIRECTS, host="evil.example", check="no authority")),
    index("D103", "", hop("/c:d")),
    index("D104", "", ask("/with%20dir", *REDIRECTS, check="leads to the slash")),
    index("D105", "", ask("/sub", PASS, REFUSED, method="POST", lacks=("location",))),
    index("D106", "", ask("/noindex", PASS, lacks=("location",))),
    index("D107", "", ask("/noindex/", PASS, lacks=("location",))),
    index("D108", "", ask("/", 200, body=HOME, has=HTML)),
    index("D109", "", ask("/sub/", 200, body=SUB, has=HTML)),
    index("D110", "", ask("/sub/index.html", 200, body=SUB)),
    index("D111", "", ask("/dir-index/", REFUSED)),
    case("D112", "", ask("/gzindex/", Want((REFUSED,)), Want((200,), {"content-encoding": "gzip",
         "vary": "accept-encoding", **HTML}, body=GZ),
         lines=(("Accept-Encoding", "gzip"),)),
         needs=(INDEX, GZIP)),
    passes("D113", "", "/file.txt/"),
    passes("D114", "", "/file.txt/x"),
    passes("D115", "", "/page"),
    clean("D116", "", ask("/page", 200, body=b"page", has=HTML)),
    clean("D117", "", moved("/page.html?q=1", "./page?q=1", "/page?q=1", "page?q=1"),
          more=(CANONICAL,)),
    clean("D118", "", moved("/page/", "../page", "/page"), more=(CANONICAL,)),
    clean("D119", "", ask("/both", 200, body=b"both")),
    clean("D120", "", ask("/both/", 200, body=b"in both")),
    clean("D121", "", ask("/packed", 200, lines=(("Accept-Encoding", "gzip"),), body=GZ,
          has={"content-encoding": "gzip", "vary": "accept-encoding", **HTML}), more=(GZIP,)),
    clean("D122", "", ask("/dotpage/", PASS, REFUSED, *REDIRECTS, check="not the hidden page")),
    index("D123", "", *[ask("/sub", *REDIRECTS, lines=lines, lacks=VALIDATORS) for lines in (
        (("Range", "bytes=0-0"),),
        (("Range", "bytes=99-"),),
        (("If-None-Match", "*"),),
        (("If-Match", '"a"'),),
        (("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"),),
        (("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"),),
    )]),
    index("D124", "", hop("/sub", name="sub"), ask("/sub/", 200),
          hop("/sub/deep", name="deep"), ask("/sub/deep/", 200)),
)  # fmt: skip


def page(target: str, body: bytes = NOT_FOUND, lines: Any = (), **how: Any) -> Ask:
    how = {"has": {**HTML, "content-length": str(len(body))}, "lacks": ("content-range",), **how}
    content = b"" if how.get("method") == "HEAD" else body
    return ask(target, 404, body=content, lines=lines, **how)


def miss(key: str, says: str, *asks: Ask, **how: Any) -> Case:
    return case(key, says, *asks, needs=(PAGE_404,), setting=ALONE, **how)


def navigated(key: str, says: str, *asks: Ask, more: tuple[str, ...] = ()) -> Case:
    return case(key, says, *asks, needs=(SPA, *more), setting=FALLBACK)


NAVIGATE = (("Sec-Fetch-Mode", "navigate"),)
LOAD = (*NAVIGATE, ("Sec-Fetch-Dest", "document"))
DOWNLOAD = (*NAVIGATE, ("Sec-Fetch-Dest", "empty"))
ACCEPT = (("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"),)

MISSES = (
    passes("N125", "", "/nope.txt"),
    miss("N126", "", page("/nope")),
    miss("N127", "", page("/lost/x/y", NOT_IN_SUB)),
    case("N128", "", ask("/nope", 404, body=NOT_FOUND, has=HTML, lines=NAVIGATE),
         ask("/nope", PASS, has={"vary": "sec-fetch-mode"}, lines=(("Sec-Fetch-Mode", "cors"),)),
         needs=(PAGE_FOR_APP, APP), setting=LOST),
    miss("N129", "", page("/nope", lines=(("If-None-Match", "*"),))),
    miss("N130", "", ask("/404.html", 200, name="page"),
         page("/nope", lines=(("If-None-Match", "{page.etag}"),))),
    case("N131", "", ask("/nope", PASS, lacks=("content-range",), lines=(("If-Match", '"a"'),))),
    miss("N132", "", page("/nope", lines=(("Range", "bytes=0-4"),))),
    miss("N133", "", page("/nope", method="HEAD")),
    miss("N134", "", ask("/404.html", 200, body=NOT_FOUND)),
    case("N135", "", ask("/assets/gone.3f2a9c1b.js", PASS, 404, check="not kept for ever"),
         needs=(IMMUTABLE,), setting=RULED),
    navigated("N136", "", ask("/app/route", 200, body=HOME, has=HTML, lines=NAVIGATE)),
    navigated("N137", "", ask("/app/route", 200, body=HOME, has=HTML, lines=ACCEPT)),
    navigated("N138", "", ask("/app/route", PASS, lines=(("Sec-Fetch-Mode", "cors"),))),
    navigated("N139", "", ask("/assets/old-abc.js", PASS, 404, check="not a page",
              lines=(("Sec-Fetch-Mode", "no-cors"),))),
    navigated("N140", "", *[ask("/assets/old-abc.js", PASS, 404, lines=lines)
              for lines in (NAVIGATE, DOWNLOAD)]),
    navigated("N141", "", ask("/api/users", 200, body=b"users", lines=NAVIGATE), more=(APP,)),
    navigated("N142", "", ask("/api/nope", PASS, lines=(("Accept", "application/json"),))),
    navigated("N143", "", ask("/app/route", PASS, REFUSED, method="POST", lines=NAVIGATE)),
    navigated("N144", "", ask("/app/route", 200, lines=NAVIGATE, check="varies, asked for again"),
              ask("/app/route", 200, lines=ACCEPT, check="varies, asked for again")),
    navigated("N145", "", ask("/v1.2/docs", 200, body=HOME, lines=NAVIGATE),
              ask("/just.a.test", 200, body=HOME, lines=NAVIGATE),
              ask("/wiki/Node.js", 200, body=HOME, lines=LOAD)),
)  # fmt: skip

CASES = DIRECTORIES + MISSES
