"""Group N: what a miss gets: the app's answer, a 404 page, or the page of a single-page app."""

from __future__ import annotations

from typing import Any

from .case import (
    ALONE,
    APP,
    BARE,
    CONFINE,
    FALLBACK,
    FILES,
    IMMUTABLE,
    LESS,
    LOST,
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
    Want,
)
from .pages import HTML, OUR_HTML, VALIDATORS, our_page
from .site import HOME, MISS, NOT_FOUND, NOT_IN_SUB
from .write import ask, case, only_ours, ours, passes, under

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


def in_its_place(target: str, method: str = "GET") -> list[Ask]:
    """A navigation to a path of the app that takes no GET gets the page."""
    want: dict[str, Any] = {"lines": (NAVIGATE,), "method": method, "lacks": ("allow", "x-app")}
    coded = ("accept-encoding", *BY_DEST)
    mine = ours(target, 404, body=NOT_FOUND, has={"vary": coded}, setting=LOST, **want)
    return [ours(target, 200, body=HOME, has={"vary": BY_DEST}, **want), mine]


def takes_no(target: str, *lines: Line, allow: str, by: tuple[str, ...] = (),
             method: str = "GET") -> list[Ask]:  # fmt: skip
    """The app's 405 stays."""
    has = {"x-app": "reached", "allow": allow, **({"vary": by} if by else {})}
    want: dict[str, Any] = {"has": has, "lacks": () if by else ("vary",), "method": method}
    return [ours(target, 405, lines=lines, setting=each, body=MISS, check="the app's own", **want)
            for each in (FALLBACK, LOST)]  # fmt: skip


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
    ((("Accept", "text/html ; q=0.000 ;a=b"),), BY_ACCEPT),
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
                      "GET", "HEAD") for each in in_its_place(target, method)],
                  *takes_no("/login", CORS, allow="POST", by=BY_MODE),
                  *takes_no("/login", allow="POST", by=BY_ACCEPT),
                  *takes_no("/login.js", ACCEPT, allow="POST", by=BY_ACCEPT),
                  *takes_no("/login", NAVIGATE, allow="POST", method="PUT"),
                  *takes_no("/form", NAVIGATE, allow="POST, GET", method="HEAD"),
                  *takes_no("/forms", NAVIGATE, allow="POST, GET", method="HEAD"),
                  *takes_no("/read", NAVIGATE, allow="GET"), more=(APP,)),
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

CASES = OF_404_PAGES + OF_A_SINGLE_PAGE
