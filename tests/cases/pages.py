"""Groups D and N: directories, their index pages, clean URLs, and what a miss gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from .case import (
    ALONE,
    APP,
    AT_PREFIX,
    BARE,
    BELOW,
    CANONICAL,
    CLEAN,
    CLEAN_URLS,
    DOTTED,
    FALLBACK,
    FILES,
    GZIP,
    IMMUTABLE,
    INDEX,
    LOST,
    MOUNTED,
    MUST,
    PAGE_404,
    PAGE_FOR_APP,
    PASS,
    POLICY,
    REFUSED,
    RULED,
    SHOULD,
    SPA,
    Ask,
    Case,
    Want,
)
from .site import GZ, HOME, NOT_FOUND, NOT_IN_SUB, ODD_NAME, PAGE, SUB
from .write import DIGITS, ask, case, ours, passes, under

HTML = {"content-type": "text/html; charset=utf-8"}
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
    return [our_hop(target, location), ours(f"{path}/{query and '?'}{query}", 200, has=HTML)]


def index(key: str, says: str, *asks: Ask, **how: Any) -> Case:
    return case(key, says, *asks, needs=(INDEX,), **how)


def without_pages(*targets: str) -> list[Ask]:
    return [ours(target, PASS, setting=setting, here=True, lacks=("location",))
            for target in targets for setting in PLAIN_SETTINGS]  # fmt: skip


def misses(*targets: str, **how: Any) -> list[Ask]:
    return [ours(target, PASS, lacks=("location",), **how) for target in targets]


def our_page(target: str, body: bytes, **how: Any) -> Ask:
    return ours(target, 200, body=body, has=HTML, **how)


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
        index("D098", "A directory's path without its slash leads to the one with it.",
              hop("/sub", "./sub/"), our_hop("/sub/deep", "./deep/"),
              our_hop("/linkdir-in", "./linkdir-in/"), our_hop("/index-link", "./index-link/"),
              our_hop("/css", "./css/", setting=AT_PREFIX),
              our_hop("/css/sub", "./sub/", setting=AT_PREFIX), *without_pages("/sub")),
    ),
    *under(
        "RFC 9110 10.2.2",
        MUST,
        index("D099", "It keeps the query.",
              ask("/sub?a=1&b=%2F", *REDIRECTS, check="leads to the slash, query kept",
                  ours=there("./sub/?a=1&b=%2F", "leads to the slash, query kept")),
              our_hop(f"/sub?{QUERY}", f"./sub/?{QUERY}")),
        case("D101", "It stays below the path of the mount.", hop("/app/sub", "./sub/"),
             needs=(INDEX, MOUNTED), setting=BELOW),
        index("D102", "It names no host.",
              ask("/sub", *REDIRECTS, host="evil.example", check="no authority",
                  ours=there("./sub/")),
              our_hop("/sub", "./sub/", lines=(("X-Forwarded-Host", "evil.example"),))),
    ),
    *under(
        "RFC 9110 9.3.2",
        MUST,
        index("D100", "HEAD of it is as GET.", hop("/sub", "./sub/", name="get"),
              ask("/sub", *REDIRECTS, method="HEAD", body=b"", like=("get", ("location",)),
                  ours=Want((307,), same=("get", ()))),
              our_hop("/sub?a=1&b=%2F", "./sub/?a=1&b=%2F", method="HEAD")),
    ),
    *under(
        "RFC 3986 4.2",
        MUST,
        index("D103", "It is a path, whatever the directory is called.", hop("/c:d", "./c%3Ad/"),
              *lands("/c:d", "./c%3Ad/"),
              *lands("/javascript:alert(1)", "./javascript%3Aalert%281%29/"),
              *lands("/javascript%3Aalert(1)", "./javascript%3Aalert%281%29/")),
    ),
    *under(
        "RFC 3986 2.1",
        SHOULD,
        index("D104", "It escapes what has to be escaped.",
              ask("/with%20dir", *REDIRECTS, check="leads to the slash",
                  ours=there("./with%20dir/")),
              *lands("/100%25/q%3F%23&/%C3%BC+;", "./%C3%BC%2B%3B/"),
              *lands(f"/{quote(ODD_NAME)}", f"./{quote(ODD_NAME)}/")),
    ),
    *under(
        "RFC 9110 15.4",
        MUST,
        index("D105", "Another method is not led anywhere.",
              ask("/sub", PASS, REFUSED, method="POST", lacks=("location",)),
              *misses("/sub", method="OPTIONS")),
        index("D123", "A redirect has no tag and no parts, and no condition holds of it.",
              *[ask("/sub", *REDIRECTS, lines=lines, lacks=VALIDATORS, ours=there("./sub/"))
                for lines in UNCONDITIONAL],
              our_hop("/sub", "./sub/", lines=(("If-Range", '"a"'), ("Range", "bytes=0-0")))),
        index("D124", "One step leads to the page, and no page leads on.",
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
        index("D108", "The root is its index page.", ask("/", 200, body=HOME, has=HTML),
              our_page("/css/", HOME, setting=AT_PREFIX), our_page("?", HOME),
              *without_pages("/")),
        index("D109", "A directory is its index page.", ask("/sub/", 200, body=SUB, has=HTML),
              our_page("/sub/deep/", b"deep"), our_page("/linkdir-in/", SUB),
              *without_pages("/sub/")),
    ),
    *under(
        "RFC 9110 9.3.1",
        POLICY,
        index("D110", "An index page has a path of its own, too.",
              ask("/sub/index.html", 200, body=SUB, ours=Want((200,), HTML, body=SUB)),
              our_page("/index.html", HOME)),
    ),
    *under(
        "RFC 9110 15.5.5",
        POLICY,
        index("D106", "A directory without an index page is not there.",
              ask("/noindex", PASS, lacks=("location",))),
        index("D107", "Its files are not listed.", ask("/noindex/", PASS, lacks=("location",)),
              *without_pages("/noindex/")),
    ),
    *under(
        "RFC 9110 15.5.5",
        MUST,
        index("D111", "A directory is no index page.", ask("/dir-index/", REFUSED),
              *misses("/dir-index")),
    ),
    *under(
        "RFC 9110 12.5.3",
        MUST,
        index("D112", "The sibling of an index page makes none.",
              ask("/gzindex/", Want((REFUSED,)), Want((200,), {"content-encoding": "gzip",
                  "vary": "accept-encoding", **HTML}, body=GZ), lines=GZIPPED),
              *misses("/gzindex", "/gzindex/index.html", lines=GZIPPED),
              *misses("/gzindex", "/gzindex/", "/gzindex/index.html"),
              ours("/gzindex/index.html.gz", 200, body=GZ)),
    ),
    *under(
        "RFC 3986 3.3",
        MUST,
        passes("D113", "A file has no slash at its end.", "/file.txt/",
               more=("/sub/index.html/", "/t.txt/")),
        passes("D114", "Nothing is below a file.", "/file.txt/x",
               more=("/file.txt/index.html", "/t.txt/x")),
    ),
    *under(
        "RFC 9110 9.3.1",
        POLICY,
        passes("D115", "A page has its suffix.", "/page", more=("/page/",)),
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
VARIES = {"vary": "accept-encoding", **HTML}

CLEANED = (
    *under(
        "RFC 9110 9.3.1",
        POLICY,
        clean("D116", "With clean URLs, a page is under its name without the suffix.",
              ask("/page", 200, body=b"page", has=HTML),
              our_page("/deep/er/page?q=1", b"deep page"), our_page("/%C3%BC%20b", b"odd page"),
              our_page("/twice.html", b"twice"),
              ours("/exact", 200, body=b"no page"), ours("/t.txt", 200, body=DIGITS),
              *misses("/nope", "/nope/", "/nope.html", "/t", "/t.txt/", "/page//", "/page.html/")),
        clean("D119", "A page comes before a directory of its name.",
              ask("/both", 200, body=b"both")),
        clean("D120", "The slash asks for the directory.", ask("/both/", 200, body=b"in both"),
              our_page("/sub/", SUB), our_page("/", HOME), moved("/both/index.html", "./"),
              *PAGES_OF_SUB, *PAGES_OF_THE_ROOT, our_page("/exact.html", b"a page beside it")),
    ),
    *under(
        "RFC 9110 15.4.8",
        POLICY,
        clean("D117", "The suffix is led away from.",
              moved("/page.html?q=1", "./page?q=1", "/page?q=1", "page?q=1"),
              moved("/page.html", "./page"), moved("/page.html?q=%2F&r", "./page?q=%2F&r"),
              moved("/deep/er/page.html", "./page"),
              moved("/%C3%BC%20b.html", "./%C3%BC%20b"), moved("/x:y.html", "./x%3Ay"),
              moved("/both.html", "./both"), moved("/twice.html.html", "./twice.html"),
              more=(CANONICAL,)),
        clean("D118", "So is a slash behind a page.", moved("/page/", "../page", "/page"),
              moved("/page/?q=1", "../page?q=1"), moved("/deep/er/page/", "../page"),
              more=(CANONICAL,)),
    ),
    *under(
        "RFC 9110 12.5.5",
        MUST,
        clean("D121", "A page under its clean URL has its siblings.",
              ask("/packed", 200, lines=GZIPPED, body=GZ,
                  has={"content-encoding": "gzip", **VARIES}),
              *[ours("/packed", 200, has=VARIES, body=PAGE, name="plain")] * 2,
              ours("/packed", 304, lines=(("If-None-Match", "{plain.etag}"),)),
              *misses("/gzonly", "/gzonly.html", lines=GZIPPED), more=(GZIP,)),
    ),
    *under(
        "RFC 9110 17.3",
        MUST,
        clean("D122", "A page without a name is no page of its directory.",
              ask("/dotpage/", PASS, REFUSED, *REDIRECTS, check="not the hidden page"),
              *misses("/.html"), *misses("/dotpage/", "/dotpage", setting=DOTTED),
              ours("/.html", 200, body=b"no name", setting=DOTTED),
              ours("/dotpage/.html", 200, body=b"no name", setting=DOTTED)),
    ),
)  # fmt: skip

DIRECTORIES = SLASHES + INDEXES + CLEANED


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
