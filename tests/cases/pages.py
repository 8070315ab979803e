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
    CONFINE,
    DOTTED,
    FALLBACK,
    FILES,
    GZIP,
    IMMUTABLE,
    INDEX,
    LESS,
    LOST,
    MOUNTED,
    MUST,
    PAGE_404,
    PAGE_FOR_APP,
    PAGES,
    PASS,
    POLICY,
    REFUSED,
    RULED,
    SHOULD,
    SPA,
    Ask,
    Case,
    Lines,
    Want,
)
from .site import GZ, HOME, MISS, NOT_FOUND, NOT_IN_SUB, ODD_NAME, PAGE, SUB
from .write import DIGITS, ask, case, only_ours, ours, passes, under

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


def page(target: str, body: bytes = NOT_FOUND, **how: Any) -> Ask:
    """A 404 page, whole and not to be kept, whatever was asked of it."""
    length = {"content-length": str(len(body))}
    content = b"" if how.get("method") == "HEAD" else body
    want = Want((404,), {**HTML, **length}, ("content-range",), content)
    has = {**OUR_HTML, **length, "cache-control": "no-cache"}
    return ask(target, want, ours=Want((404,), has, ("content-range", "location"), content), **how)


def pages(*targets: str, body: bytes = NOT_FOUND, **how: Any) -> list[Ask]:
    """The same of dualstatic alone."""
    return [only_ours(page(target, body, **how)) for target in targets]


def miss(key: str, says: str, *asks: Ask, **how: Any) -> Case:
    return case(key, says, *asks, needs=(PAGE_404,), setting=ALONE, **how)


def navigated(key: str, says: str, *asks: Ask, more: tuple[str, ...] = ()) -> Case:
    return case(key, says, *asks, needs=(SPA, *more), setting=FALLBACK)


def app_alone(target: str, *lines: Line, **how: Any) -> list[Ask]:
    """The app's own answer to a miss, with and without index pages."""
    want: dict[str, Any] = {"check": "the app's own", "lacks": ("vary",), "body": MISS}
    return [ours(target, PASS, lines=lines, setting=setting, **want, **how)
            for setting in (FILES, PAGES)]  # fmt: skip


Line = tuple[str, str]
NAVIGATE, CORS = ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Mode", "cors")
ACCEPT = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
JSON = ("Accept", "application/json")


def dest(value: str) -> Line:
    return "Sec-Fetch-Dest", value


LOAD, FETCH = (NAVIGATE, dest("document")), (NAVIGATE, dest("empty"))
BY_MODE: tuple[str, ...] = ("sec-fetch-mode",)
BY_DEST, BY_ACCEPT = (*BY_MODE, "sec-fetch-dest"), (*BY_MODE, "accept")
"""What Vary names: the fields that were looked at."""

FUTURE, PAST = "Fri, 01 Jan 2100 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"
TEXT = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-cache"}
NOT_FOUND_TEXT = ours("/nope", 404, has=TEXT, body=b"Not Found\n", setting=BARE)


def routed(target: str, *lines: Line, by: tuple[str, ...] = BY_DEST) -> list[Ask]:
    """The single page for a route of it."""
    has = {**OUR_HTML, "cache-control": "no-cache", "content-length": str(len(HOME)), "vary": by}
    return [ours(target, 200, lines=lines, has=has, lacks=VALIDATORS, body=body, method=method)
            for method, body in (("GET", HOME), ("HEAD", b""))]  # fmt: skip


def kept(target: str, *lines: Line, by: tuple[str, ...] = (), method: str = "GET") -> list[Ask]:
    """The app's 404, be the page the single one or of a 404; `by`: what might have made it one."""
    want: dict[str, Any] = {"check": "the app's own", "body": MISS, "method": method}
    want |= {"has": {"vary": by}} if by else {"lacks": ("vary",)}
    return [ours(target, PASS, lines=lines, setting=each, **want) for each in (FALLBACK, LOST)]


def no_get(target: str, *, has: Any = None, lines: Lines = (NAVIGATE,), method: str = "GET",
           allow: str = "") -> list[Ask]:  # fmt: skip
    """A path of the app that takes no GET: a navigation gets the page. With `allow`, it doesn't."""
    if allow:
        has = {"x-app": "reached", "allow": allow, **(has or {})}
        lacks = () if "vary" in has else ("vary",)
        return [ours(target, 405, lines=lines, method=method, has=has, lacks=lacks, setting=each,
                     check="the app's own", body=MISS) for each in (FALLBACK, LOST)]  # fmt: skip
    want: dict[str, Any] = {"lines": lines, "method": method, "lacks": ("allow", "x-app")}
    coded = ("accept-encoding", *BY_DEST)
    return [ours(target, 200, body=HOME, has={"vary": BY_DEST}, **want),
            ours(target, 404, body=NOT_FOUND, has={"vary": coded}, setting=LOST, **want)
            ]  # fmt: skip


def stays(target: str, status: int, body: bytes) -> list[Ask]:
    has = {"x-app": "reached"}
    return [ours(target, status, lines=(NAVIGATE,), has=has, lacks=("vary",), body=body,
                 setting=each) for each in (FALLBACK, LOST)]  # fmt: skip


NO_PAGE = (
    ((CORS,), BY_MODE),
    ((CORS, ACCEPT), BY_MODE),
    ((CORS, dest("document")), BY_MODE),
    ((), BY_ACCEPT),
    ((("Accept", "*/*"),), BY_ACCEPT),
    ((("Accept", "text/html;q=0, */*"),), BY_ACCEPT),
    ((("Accept", "text/html-x, x/text/html"),), BY_ACCEPT),
    ((NAVIGATE, ACCEPT, dest("object")), BY_DEST),
    ((NAVIGATE, ACCEPT, dest("embed")), BY_DEST),
    ((NAVIGATE, dest("")), BY_DEST),
)
FRAMES = [dest(each) for each in ("document", "iframe", "frame", "fencedframe")]

OF_404_PAGES = (
    *under(
        "RFC 9110 15.5.5",
        POLICY,
        miss("N126", "Without an app, a miss gets the 404 page.", page("/nope"),
             *pages("/nope.txt?q=1", "/noindex/nope", "/assets/", "/no/such/directory/"),
             NOT_FOUND_TEXT),
        miss("N127", "A miss gets the nearest 404 page above its path.",
             page("/lost/x/y", NOT_IN_SUB),
             *pages("/lost/nope", "/lost/", "/lost/x/here.txt/y", "/lost/no/such/directory",
                    body=NOT_IN_SUB),
             *pages("/fake404/nope"), *pages("/linked/nope", setting=LESS[CONFINE][1])),
        case("N128", "In front of an app, a navigation gets the 404 page for the app's 404.",
             ask("/nope", 404, body=NOT_FOUND, has=HTML, lines=(NAVIGATE,)),
             ask("/nope", PASS, has={"vary": "sec-fetch-mode"}, lines=(CORS,)),
             *[each for line in (NAVIGATE, ACCEPT) for each in (
                 *pages("/nope", lines=(line,)),
                 *pages("/lost/x/y", body=NOT_IN_SUB, lines=(line,)))],
             needs=(PAGE_FOR_APP, APP), setting=LOST),
        miss("N134", "The 404 page can be had as a file by its own path.",
             ask("/404.html", 200, body=NOT_FOUND),
             *[our_page(f"/{name}404.html", body, setting=setting)
               for name, body in (("", NOT_FOUND), ("lost/", NOT_IN_SUB))
               for setting in (ALONE, PAGES)]),
    ),
    *under(
        "RFC 9110 15.5.5",
        MUST,
        case("N125", "In front of an app, a miss is the app's.",
             *passes("", "", "/nope.txt").asks, *app_alone("/nope.txt"), *app_alone("/lost/nope"),
             *app_alone("/nope.txt", method="HEAD"),
             *app_alone("/nope.txt", ("Range", "bytes=0-4"))),
    ),
    *under(
        "RFC 9110 13.2.1",
        MUST,
        miss("N129", "If-None-Match with an asterisk doesn't make a miss a 304.",
             page("/nope", lines=(("If-None-Match", "*"),)),
             *pages("/nope", lines=(("If-Modified-Since", FUTURE),)),
             *app_alone("/nope.txt", ("If-None-Match", "*"))),
        miss("N130", "The tag of the 404 page doesn't make a miss a 304.",
             ask("/404.html", 200, name="page"),
             page("/nope", lines=(("If-None-Match", "{page.etag}"),)),
             *[each for value in ("W/{page.etag|opaque}", '"x", {page.etag}')
               for each in pages("/nope", lines=(("If-None-Match", value),))]),
        case("N131", "If-Match doesn't make a miss a 412.",
             ask("/nope", PASS, lacks=("content-range",), lines=(("If-Match", '"a"'),)),
             *[each for line in (("If-Match", '"a"'), ("If-Unmodified-Since", PAST))
               for each in pages("/nope", lines=(line,), setting=ALONE)],
             *app_alone("/nope.txt", ("If-Match", '"a"'))),
    ),
    *under(
        "RFC 9110 14.2",
        MUST,
        miss("N132", "A 404 page has no parts.", page("/nope", lines=(("Range", "bytes=0-4"),)),
             *pages("/nope", lines=(("Range", "bytes=100-"),)),
             *pages("/nope", lines=(("Range", "bytes=0-1,4-5"),))),
    ),
    *under(
        "RFC 9110 9.3.2",
        MUST,
        miss("N133", "HEAD of a miss has the fields of its GET.", page("/nope", method="HEAD"),
             *pages("/lost/nope", body=NOT_IN_SUB, method="HEAD"),
             *[each for setting in (ALONE, BARE) for each in (
                 ours("/nope", 404, setting=setting, name="get"),
                 ours("/nope", 404, setting=setting, method="HEAD", same=("get", ())))]),
    ),
    *under(
        "RFC 9111 5.2.2.4",
        SHOULD,
        case("N135", "A miss is not kept for ever, even if its name has a hash.",
             ask("/assets/gone.3f2a9c1b.js", PASS, 404, check="not kept for ever"),
             needs=(IMMUTABLE,), setting=RULED),
    ),
)  # fmt: skip

OF_A_SINGLE_PAGE = (
    *under(
        "RFC 9110 12.1",
        POLICY,
        navigated("N136", "A navigation to a path that nobody has gets the single page.",
                  ask("/app/route", 200, body=HOME, has=HTML, lines=(NAVIGATE,)),
                  *routed("/app/route", NAVIGATE), *routed("/app/route?q=1", NAVIGATE, JSON),
                  *routed("/gone.html", NAVIGATE),
                  *routed("/lost/", NAVIGATE, ("Range", "bytes=0-1"), ("If-None-Match", "*")),
                  *[each for frame in FRAMES
                    for each in routed("/repo/src/main.py", NAVIGATE, frame)]),
        navigated("N137", "Where a browser doesn't tell a navigation, Accept with text/html does.",
                  ask("/app/route", 200, body=HOME, has=HTML, lines=(ACCEPT,)),
                  *routed("/app/route", ACCEPT, by=BY_ACCEPT),
                  *routed("/app/route", ACCEPT, dest("empty"), by=BY_ACCEPT)),
        navigated("N138", "A request that is no navigation doesn't get the single page.",
                  ask("/app/route", PASS, lines=(CORS,)),
                  *[each for lines, by in NO_PAGE
                    for each in kept("/app/route", *lines, by=by)]),
        navigated("N139", "A script that is gone gets no page.",
                  ask("/assets/old-abc.js", PASS, 404, check="not a page",
                      lines=(("Sec-Fetch-Mode", "no-cors"),)),
                  *kept("/assets/old-abc.js", ("Sec-Fetch-Mode", "no-cors"), by=BY_MODE)),
        navigated("N140", "A script that is gone is no page in a navigation, either.",
                  *[ask("/assets/old-abc.js", PASS, 404, lines=lines)
                    for lines in ((NAVIGATE,), FETCH)],
                  *kept("/assets/old-abc.js", NAVIGATE, by=BY_DEST),
                  *kept("/assets/OLD.PNG", NAVIGATE, by=BY_DEST),
                  *kept("/assets/old.tar.gz", ACCEPT, by=BY_ACCEPT),
                  *kept("/report.pdf", *FETCH, ACCEPT, by=BY_DEST),
                  *kept("/wiki/Node.js", ACCEPT, dest("document"), by=BY_ACCEPT)),
        navigated("N141", "The app answers a navigation first if it has the path.",
                  ask("/api/users", 200, body=b"users", lines=(NAVIGATE,)),
                  *stays("/api/users", 200, b"users"), *stays("/api/gone", 410, MISS),
                  *[each for target in ("/login", "/changed", "/closed") for method in (
                      "GET", "HEAD") for each in no_get(target, method=method)],
                  *no_get("/login", lines=(CORS,), allow="POST", has={"vary": BY_MODE}),
                  *no_get("/login", lines=(), allow="POST", has={"vary": BY_ACCEPT}),
                  *no_get("/login.js", lines=(ACCEPT,), allow="POST", has={"vary": BY_ACCEPT}),
                  *no_get("/login", method="PUT", allow="POST"),
                  *no_get("/form", method="HEAD", allow="POST, GET"),
                  *no_get("/forms", method="HEAD", allow="POST, GET"),
                  *no_get("/read", allow="GET"), more=(APP,)),
        navigated("N142", "A request for data gets the app's 404.",
                  ask("/api/nope", PASS, lines=(JSON,)), *kept("/api/nope", JSON, by=BY_ACCEPT)),
        navigated("N145", "A dot in a path doesn't keep the single page from a navigation.",
                  ask("/v1.2/docs", 200, body=HOME, lines=(NAVIGATE,)),
                  ask("/just.a.test", 200, body=HOME, lines=(NAVIGATE,)),
                  ask("/wiki/Node.js", 200, body=HOME, lines=LOAD),
                  *routed("/v1.2/docs", NAVIGATE), *routed("/just.a.test", NAVIGATE),
                  *routed("/wiki/Node.js", *LOAD, ("Accept", "*/*"))),
    ),
    *under(
        "RFC 9110 9.1",
        MUST,
        navigated("N143", "Another method than GET and HEAD doesn't get the single page.",
                  ask("/app/route", PASS, REFUSED, method="POST", lines=(NAVIGATE,)),
                  *kept("/app/route", *LOAD, method="POST"),
                  *kept("/app/route", NAVIGATE, method="POST"),
                  *kept("/app/route", NAVIGATE, method="OPTIONS")),
    ),
    *under(
        "RFC 9110 12.5.5",
        MUST,
        navigated("N144", "The single page says what it depends on, and is asked for again.",
                  ask("/app/route", 200, lines=(NAVIGATE,), check="varies, asked for again"),
                  ask("/app/route", 200, lines=(ACCEPT,), check="varies, asked for again")),
    ),
)  # fmt: skip

CASES = SLASHES + INDEXES + CLEANED + OF_404_PAGES + OF_A_SINGLE_PAGE
