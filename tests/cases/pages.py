"""Group D: directories, their index pages, and clean URLs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from .case import (
    ALONE,
    AT_PREFIX,
    BARE,
    BELOW,
    CANONICAL,
    CLEAN,
    CLEAN_URLS,
    DOTTED,
    FILES,
    GZIP,
    INDEX,
    MOUNTED,
    MUST,
    PASS,
    POLICY,
    REFUSED,
    SHOULD,
    Ask,
    Case,
    Want,
)
from .site import GZ, HOME, ODD_NAME, PAGE, SUB
from .write import DIGITS, ask, case, ours, passes, under

HTML = {"content-type": "text/html"}
OUR_HTML = {"content-type": "text/html; charset=utf-8"}
REDIRECTS = (307, 301, 302, 308)
VALIDATORS = ("etag", "last-modified", "accept-ranges", "content-range")
GZIPPED = (("Accept-Encoding", "gzip"),)
PLAIN_SETTINGS = (FILES, BARE)


def there(location: str, check: str = "leads to the slash") -> Want:
    """Our redirect: relative, and without what is of a file."""
    has = {"location": location, "content-length": "0"}
    return Want((307,), has, VALIDATORS, b"", check=check)


def hop(target: str, location: str, **how: Any) -> Ask:
    """A redirect to the same path with its slash, wherever the request came from."""
    return ask(target, *REDIRECTS, check="leads to the slash", ours=there(location), **how)


def our_hop(target: str, location: str, **how: Any) -> Ask:
    return replace(hop(target, location, **how), wants=())


def lands(target: str, location: str) -> list[Ask]:
    """One step, and no other behind it."""
    path, _, query = target.partition("?")
    return [our_hop(target, location), ours(f"{path}/{query and '?'}{query}", 200, has=OUR_HTML)]


def index(key: str, says: str, *asks: Ask, **how: Any) -> Case:
    return case(key, says, *asks, needs=(INDEX,), **how)


def without_pages(*targets: str) -> list[Ask]:
    return [ours(target, PASS, setting=setting, here=True, lacks=("location",))
            for target in targets for setting in PLAIN_SETTINGS]  # fmt: skip


def misses(*targets: str, **how: Any) -> list[Ask]:
    return [ours(target, PASS, lacks=("location",), **how) for target in targets]


def our_page(target: str, body: bytes, **how: Any) -> Ask:
    return ours(target, 200, body=body, has=OUR_HTML, **how)


UNCONDITIONAL = (
    (("Range", "bytes=0-0"),),
    (("Range", "bytes=99-"),),
    (("If-None-Match", "*"),),
    (("If-Match", '"a"'),),
    (("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"),),
    (("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"),),
)
QUERY = "%0d%0aX:%20y=%C3%BC%ff%zz&?//"

SLASHES = (
    *under(
        "RFC 9110 15.4.8",
        POLICY,
        index("D098", "A directory's path without its slash is redirected to the one with it.",
              hop("/sub", "./sub/"), our_hop("/sub/deep", "./deep/"),
              our_hop("/linkdir-in", "./linkdir-in/"), our_hop("/index-link", "./index-link/"),
              our_hop("/css", "./css/", setting=AT_PREFIX),
              our_hop("/css/sub", "./sub/", setting=AT_PREFIX), *without_pages("/sub")),
    ),
    *under(
        "RFC 9110 10.2.2",
        MUST,
        index("D099", "The redirect to a directory's slash keeps the query.",
              ask("/sub?a=1&b=%2F", *REDIRECTS, check="leads to the slash, query kept",
                  ours=there("./sub/?a=1&b=%2F", "leads to the slash, query kept")),
              our_hop(f"/sub?{QUERY}", f"./sub/?{QUERY}")),
        case("D101", "The redirect to a directory's slash stays below the mount point.",
             hop("/app/sub", "./sub/"),
             needs=(INDEX, MOUNTED), setting=BELOW),
        index("D102", "The redirect to a directory's slash names no host.",
              ask("/sub", *REDIRECTS, host="evil.example", check="no authority",
                  ours=there("./sub/")),
              our_hop("/sub", "./sub/", lines=(("X-Forwarded-Host", "evil.example"),))),
    ),
    *under(
        "RFC 9110 9.3.2",
        MUST,
        index("D100", "HEAD of a redirect has the fields of its GET.",
              hop("/sub", "./sub/", name="get"),
              ask("/sub", *REDIRECTS, method="HEAD", body=b"", like=("get", ("location",)),
                  ours=Want((307,), same=("get", ()))),
              our_hop("/sub?a=1&b=%2F", "./sub/?a=1&b=%2F", method="HEAD")),
    ),
    *under(
        "RFC 3986 4.2",
        MUST,
        index("D103", "The redirect to a directory's slash is a path, even with a colon.",
              hop("/c:d", "./c%3Ad/"),
              *lands("/c:d", "./c%3Ad/"),
              *lands("/javascript:alert(1)", "./javascript%3Aalert%281%29/"),
              *lands("/javascript%3Aalert(1)", "./javascript%3Aalert%281%29/")),
    ),
    *under(
        "RFC 3986 2.1",
        SHOULD,
        index("D104", "The redirect to a directory's slash has its escapes.",
              ask("/with%20dir", *REDIRECTS, check="leads to the slash",
                  ours=there("./with%20dir/")),
              *lands("/100%25/q%3F%23&/%C3%BC+;", "./%C3%BC%2B%3B/"),
              *lands(f"/{quote(ODD_NAME)}", f"./{quote(ODD_NAME)}/")),
    ),
    *under(
        "RFC 9110 15.4",
        MUST,
        index("D105", "Another method than GET and HEAD is not redirected.",
              ask("/sub", PASS, REFUSED, method="POST", lacks=("location",)),
              *misses("/sub", method="OPTIONS")),
        index("D123", "A redirect has no tag and no parts, and no condition holds for it.",
              *[ask("/sub", *REDIRECTS, lines=lines, lacks=VALIDATORS, ours=there("./sub/"))
                for lines in UNCONDITIONAL],
              our_hop("/sub", "./sub/", lines=(("If-Range", '"a"'), ("Range", "bytes=0-0")))),
        index("D124", "A redirect leads to a page, and a page leads nowhere else.",
              hop("/sub", "./sub/", name="sub"), ask("/sub/", 200),
              hop("/sub/deep", "./deep/", name="deep"), ask("/sub/deep/", 200),
              *lands("/with%20dir", "./with%20dir/"), *lands("/linkdir-in", "./linkdir-in/"),
              *lands("/index-link", "./index-link/"),
              *lands("/sub?next=/sub", "./sub/?next=/sub"),
              *[ours(target, 200, lacks=("location",), setting=ALONE) for target in
                ("/", "/sub/", "/sub/index.html", "/page.html", "/file.txt")],
              *misses("/noindex", "/page", setting=ALONE)),
    ),
)  # fmt: skip

INDEXES = (
    *under(
        "RFC 9110 9.3.1",
        MUST,
        index("D108", "The path of the root gets its index page.",
              ask("/", 200, body=HOME, has=HTML),
              our_page("/", HOME),
              our_page("/css/", HOME, setting=AT_PREFIX), our_page("?", HOME),
              *without_pages("/")),
        index("D109", "The path of a directory with its slash gets its index page.",
              ask("/sub/", 200, body=SUB, has=HTML),
              our_page("/sub/", SUB),
              our_page("/sub/deep/", b"deep"), our_page("/linkdir-in/", SUB),
              *without_pages("/sub/")),
    ),
    *under(
        "RFC 9110 9.3.1",
        POLICY,
        index("D110", "An index page can be had by its own path, too.",
              ask("/sub/index.html", 200, body=SUB, ours=Want((200,), OUR_HTML, body=SUB)),
              our_page("/index.html", HOME)),
    ),
    *under(
        "RFC 9110 15.5.5",
        POLICY,
        index("D106", "A directory without an index page is not there.",
              ask("/noindex", PASS, lacks=("location",))),
        index("D107", "The files of a directory are not listed.",
              ask("/noindex/", PASS, lacks=("location",)),
              *without_pages("/noindex/")),
    ),
    *under(
        "RFC 9110 15.5.5",
        MUST,
        index("D111", "A directory that is called index.html is no index page.",
              ask("/dir-index/", REFUSED),
              *misses("/dir-index")),
    ),
    *under(
        "RFC 9110 12.5.3",
        MUST,
        case("D112", "A compressed index page without the plain one is no index page.",
              ask("/gzindex/", Want((REFUSED,)), Want((200,), {"content-encoding": "gzip",
                  "vary": "accept-encoding", **HTML}, body=GZ), lines=GZIPPED),
              *misses("/gzindex", "/gzindex/index.html", lines=GZIPPED),
              *misses("/gzindex", "/gzindex/", "/gzindex/index.html"),
              ours("/gzindex/index.html.gz", 200, body=GZ), needs=(INDEX, GZIP)),
    ),
    *under(
        "RFC 3986 3.3",
        MUST,
        passes("D113", "A file's path with a slash behind it is not there.", "/file.txt/",
               more=("/sub/index.html/", "/t.txt/")),
        passes("D114", "A path below a file is not there.", "/file.txt/x",
               more=("/file.txt/index.html", "/t.txt/x")),
    ),
    *under(
        "RFC 9110 9.3.1",
        POLICY,
        passes("D115", "Without clean URLs, a page is not there without its suffix.",
               "/page", more=("/page/",)),
    ),
)  # fmt: skip


def clean(key: str, says: str, *asks: Ask, more: tuple[str, ...] = ()) -> Case:
    return case(key, says, *asks, needs=(INDEX, CLEAN, *more), setting=CLEAN_URLS)


def moved(target: str, location: str, *others: str) -> Ask:
    """A redirect; without `others`, of dualstatic alone."""
    wants = (Want((307, 308, 301, 302), {"location": (location, *others)}),) if others else ()
    return ask(target, *wants, ours=replace(there(location), check=None))


PAGES_OF_SUB = (
    moved("/sub/index.html?x", "./?x"),
    moved("/sub/index", "./"),
    moved("/sub.html", "./sub/"),
    moved("/sub", "./sub/"),
    moved("/page/index.html", "../page"),
    moved("/page/index", "../page"),
    moved("/sub/index/", "../"),
    moved("/sub/index/index", "../"),
    moved("/sub/index/index.html?q", "../?q"),
)
PAGES_OF_THE_ROOT = (
    moved("/index.html", "./"),
    moved("/index", "./"),
    moved("/index/", "../"),
    moved("/index/index", "../"),
    moved("/index/index.html", "../"),
)
VARIES = {"vary": "accept-encoding", **OUR_HTML}

CLEANED = (
    *under(
        "RFC 9110 9.3.1",
        POLICY,
        clean("D116", "With clean URLs, a page is served without its suffix.",
              ask("/page", 200, body=b"page", has=HTML), our_page("/page", b"page"),
              our_page("/deep/er/page?q=1", b"deep page"), our_page("/%C3%BC%20b", b"odd page"),
              our_page("/twice.html", b"twice"),
              ours("/exact", 200, body=b"no page"), ours("/t.txt", 200, body=DIGITS),
              *misses("/nope", "/nope/", "/nope.html", "/t", "/t.txt/", "/page//", "/page.html/")),
        clean("D119", "With clean URLs, a page comes before a directory of the same name.",
              ask("/both", 200, body=b"both")),
        clean("D120", "With clean URLs, a slash asks for the directory of two of the same name.",
              ask("/both/", 200, body=b"in both"),
              our_page("/sub/", SUB), our_page("/", HOME), moved("/both/index.html", "./"),
              *PAGES_OF_SUB, *PAGES_OF_THE_ROOT, our_page("/exact.html", b"a page beside it")),
    ),
    *under(
        "RFC 9110 15.4.8",
        POLICY,
        clean("D117", "With clean URLs, a page's path with its suffix is redirected.",
              moved("/page.html?q=1", "./page?q=1", "/page?q=1", "page?q=1"),
              moved("/page.html", "./page"), moved("/page.html?q=%2F&r", "./page?q=%2F&r"),
              moved("/deep/er/page.html", "./page"),
              moved("/%C3%BC%20b.html", "./%C3%BC%20b"), moved("/x:y.html", "./x%3Ay"),
              moved("/both.html", "./both"), moved("/twice.html.html", "./twice.html"),
              more=(CANONICAL,)),
        clean("D118", "With clean URLs, a page's path with a slash behind it is redirected.",
              moved("/page/", "../page", "/page"),
              moved("/page/?q=1", "../page?q=1"), moved("/deep/er/page/", "../page"),
              more=(CANONICAL,)),
    ),
    *under(
        "RFC 9110 12.5.5",
        MUST,
        clean("D121", "With clean URLs, a page is sent compressed.",
              ask("/packed", 200, lines=GZIPPED, body=GZ,
                  has={"content-encoding": "gzip", "vary": "accept-encoding", **HTML},
                  ours=Want((200,), {"content-encoding": "gzip", **VARIES}, body=GZ)),
              *[ours("/packed", 200, has=VARIES, body=PAGE, name="plain")] * 2,
              ours("/packed", 304, lines=(("If-None-Match", "{plain.etag}"),)),
              *misses("/gzonly", "/gzonly.html", lines=GZIPPED), more=(GZIP,)),
    ),
    *under(
        "RFC 9110 17.3",
        MUST,
        clean("D122", "With clean URLs, a file that is called .html is no page of its directory.",
              ask("/dotpage/", PASS, REFUSED, *REDIRECTS, check="not the hidden page"),
              *misses("/.html"), *misses("/dotpage/", "/dotpage", setting=DOTTED),
              ours("/.html", 200, body=b"no name", setting=DOTTED),
              ours("/dotpage/.html", 200, body=b"no name", setting=DOTTED)),
    ),
)  # fmt: skip

CASES = SLASHES + INDEXES + CLEANED
