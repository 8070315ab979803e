"""Groups T and H: media types and other fields, and files whose names begin with a dot."""

from __future__ import annotations

from typing import Any

from .case import (
    ALONE,
    AT_PREFIX,
    BARE,
    CLEAN_URLS,
    DOTTED,
    FILES,
    HIDDEN,
    IMMUTABLE,
    MUST,
    NOSNIFF,
    PASS,
    POLICY,
    PREFIX,
    RULED,
    SHOULD,
    TOLD,
    Ask,
    Case,
    Want,
)
from .site import SNIFFED, TYPED
from .write import ask, case, everywhere, ours, refuses, under

TEXT, SCRIPT = "text/plain; charset=utf-8", "text/javascript; charset=utf-8"
BYTES = "application/octet-stream"
GZIPPED = ("Accept-Encoding", "gzip")
NOT_SNIFFED = {"x-content-type-options": "nosniff"}


def typed(key: str, says: str, **types: Any) -> Case:
    """Names, `_` for the dot, and the media types that are right, whatever is in the file."""
    asks = [ask("/" + name.replace("_", "."), 200, has={"content-type": allowed},
                lacks=("content-encoding",)) for name, allowed in types.items()]  # fmt: skip
    mine = [each for name, allowed in types.items()
            for each in whatever(name.replace("_", "."), allowed)]  # fmt: skip
    return case(key, says, *asks, *mine)


def whatever(name: str, kind: str | tuple[str, ...]) -> list[Ask]:
    """Ours for a file of that name that looks like a page, and for an empty one."""
    kind = f"{kind}; charset=utf-8" if kind == "text/html" else kind
    has = {"content-type": kind, **NOT_SNIFFED}
    return [ours(f"/{folder}{name}", 200, body=body, has=has, lacks=("content-encoding",))
            for folder, body in (("", SNIFFED), ("void/", b"")) if name in TYPED]  # fmt: skip


def of_type(kind: str, status: int, target: str = "/t.txt", *lines: Any, **how: Any) -> list[Ask]:
    """The answer to GET, and to HEAD but where it asks for parts."""
    methods = ("GET",) if status in (206, 416) else ("GET", "HEAD")
    return [ours(target, status, method=method, has={"content-type": kind}, lines=lines, **how)
            for method in methods]  # fmt: skip


FOREVER = {"cache-control": "public, max-age=31536000, immutable"}
TO_BE_ASKED_AGAIN = {"cache-control": "no-cache"}
HASHED = "/assets/app.3f2a9c1b.js"
RANGE, RANGES = ("Range", "bytes=0-1"), ("Range", "bytes=0-1,9-9")

TYPES = (
    *under(
        "RFC 9110 8.3.1",
        MUST,
        typed("T351", "A page is HTML, in UTF-8.", x_html="text/html; charset=utf-8"),
        typed("T352", "A suffix may be in capitals.", UPPER_HTML="text/html"),
        typed("T354", "WebAssembly has a type that lets it be compiled while it comes.",
              w_wasm="application/wasm"),
        typed("T356", "A manifest of an app has a type.",
              m_webmanifest="application/manifest+json"),
        typed("T357", "A drawing is XML.", img_svg="image/svg+xml"),
        typed("T358", "Newer formats of fonts, pictures and films have a type.",
              f_woff2="font/woff2", i_avif="image/avif", i_webp="image/webp", v_mp4="video/mp4"),
        typed("T359", "A style sheet is in UTF-8.", style_css="text/css; charset=utf-8"),
    ),
    *under(
        "RFC 9239 6",
        MUST,
        typed("T353", "A script is text, and so is a module.", app_js=SCRIPT, mod_mjs=SCRIPT),
    ),
    *under(
        "RFC 8259 11",
        MUST,
        typed("T355", "JSON has no charset.", d_json="application/json",
              x_map="application/json"),
    ),
    *under(
        "RFC 9110 8.3",
        POLICY,
        typed("T360", "A suffix has one type on all machines.",
              e_ts=("video/mp2t", "text/plain; charset=utf-8")),
        typed("T361", "Source is no program to a browser.", x_php=(TEXT, BYTES),
              x_py=(TEXT, BYTES)),
    ),
    *under(
        "RFC 9110 8.3",
        MUST,
        typed("T362", "What has no known suffix is bytes, whatever it looks like.", noext=BYTES,
              data_unknownext=BYTES),
    ),
    *under(
        "RFC 9110 8.4",
        MUST,
        typed("T363", "A packed file is sent packed, and not as a coding of another.",
              archive_tar_gz="application/gzip"),
        case("T364", "A packed drawing is a drawing that is coded, or bytes.",
             ask("/doc.svgz", Want((200,), {"content-type": BYTES}, ("content-encoding",)),
                 Want((200,), {"content-type": "image/svg+xml", "content-encoding": "gzip"}))),
    ),
    *under(
        "RFC 9110 8.6",
        MUST,
        case("T366", "An empty file has a type, and the length 0.",
             ask("/empty.txt", 200, body=b"", has={"content-length": "0",
                 "content-type": "text/plain"}),
             *whatever("x.txt", TEXT), *whatever("x.js", SCRIPT)),
    ),
    *under(
        "RFC 9110 8.3",
        SHOULD,
        case("T367", "No answer may be sniffed, so each but a 304 has a type.",
             ask("/t.txt", 200, has=NOT_SNIFFED),
             *[ours(target, status, method=method, lines=lines, has=NOT_SNIFFED)
               for target in ("/t.txt", "/sub/", "/packed.html") for method in ("GET", "HEAD")
               for lines, status in (((), 200), ((GZIPPED,), 200),
                                     ((RANGE,), 206 if method == "GET" else 200))],
             *[each for setting in (ALONE, TOLD) for each in (
                 *of_type(TEXT, 200, setting=setting),
                 *of_type(TEXT, 206, "/t.txt", RANGE, setting=setting),
                 *of_type("multipart/byteranges", 206, "/large.bin", RANGES, setting=setting),
                 *of_type(TEXT, 412, "/t.txt", ("If-Match", '"x"'), setting=setting),
                 *of_type(TEXT, 416, "/t.txt", ("Range", "bytes=999-"), setting=setting),
                 *[ours("/t.txt", 304, lines=(("If-None-Match", "*"),), method=method,
                        lacks=("content-type",), setting=setting) for method in ("GET", "HEAD")])],
             *of_type(TEXT, 307, "/sub", setting=ALONE),
             *of_type("text/html; charset=utf-8", 404, "/nope", setting=ALONE),
             *of_type(TEXT, 404, "/nope", setting=BARE),
             ours("/t.txt", 405, method="POST", has={"content-type": TEXT}, setting=ALONE),
             needs=(NOSNIFF,)),
    ),
    *under(
        "RFC 8246 2",
        POLICY,
        case("T368", "A name that never means another file is kept for ever.",
             ask(HASHED, 200, check="kept for ever", name="kept",
                 ours=Want((200,), FOREVER, check="kept for ever")),
             ask("/assets/plain.js", 200, check="not kept for ever"),
             *[ours(f"/assets/{name}", 200, has=TO_BE_ASKED_AGAIN)
               for name in ("plain.js", "app.3f2a9c1.js")],
             ours(HASHED, 304, lines=(("If-None-Match", "{kept.etag}"),), has=FOREVER),
             ours(HASHED, 206, lines=(RANGE,), has=FOREVER), needs=(IMMUTABLE,), setting=RULED),
    ),
    *under(
        "RFC 9111 5.2.2.4",
        POLICY,
        case("T369", "A page is asked for again each time.",
             ask("/index.html", 200, check="asked for again"),
             *[ours(target, 200, has=TO_BE_ASKED_AGAIN) for target in ("/", "/index.html")]),
    ),
)  # fmt: skip


def hides(key: str, says: str, *targets: str, **how: Any) -> Case:
    return refuses(key, says, *targets, needs=(HIDDEN,), **how)


def shows(targets: dict[str, bytes], *settings: str) -> list[Ask]:
    return [ours(target, 200, body=body, setting=setting, here=setting == FILES)
            for target, body in targets.items() for setting in settings]  # fmt: skip


WELL_KNOWN = {
    "/.well-known/x.txt": b"well known",
    "/%2ewell-known/x.txt": b"well known",
    "/.well-known/acme/token": b"a token",
}
MORE_HIDDEN = ("/sub/.hidden", "/...", "/..two", "/..data", "/.env", "/%2eenv")
NOT_HIDDEN = {"/not.hidden": b"a dot inside a name", "/link-to-hidden": b"hidden"}
STILL_REFUSED = ("/.env/.", "/.env%00", "/.", "/..", "/sub/../t.txt", "/.well-known/../.env")
SHOWN = ("/.hidden", "/%2ehidden", "/.git/config", "/sub/.well-known/x", "/...", "/..two", "/.git/")

DOTFILES = (
    *under(
        "RFC 9110 17.3",
        POLICY,
        case("H374", "A file whose name begins with a dot is not there.",
             *hides("", "", "/.hidden", more=MORE_HIDDEN).asks, *shows(NOT_HIDDEN, "", FILES),
             needs=(HIDDEN,)),
        hides("H375", "Nor is one below such a directory.", "/.git/config"),
        hides("H378", "Nor is the directory.", "/.git", "/.git/", more=("/sub/.git",
              "/sub/.git/")),
    ),
    *under(
        "RFC 8615 3",
        MUST,
        case("H376", "What is well known is there.",
             ask("/.well-known/x.txt", 200, body=b"well known"), *shows(WELL_KNOWN, "", FILES),
             *[each for target in ("/.well-known/.hidden", "/.well-known/acme/.hidden/x",
                                   "/.well-known-not/x.txt", "/.well-knownx",
                                   "/.well-known/../.env") for each in everywhere(target)]),
        hides("H377", "It is known at the root alone.", "/sub/.well-known/x",
              more=("/.well-known/.well-known/x.txt", "/lost/.well-known")),
    ),
    *under(
        "RFC 3986 2.4",
        MUST,
        hides("H379", "An encoded dot is one.", "/%2ehidden", more=("/%2Egit/config",
              "/sub/%2ehidden")),
        hides("H380", "Nothing behind the name shows it.", "/.env/.", "/.env%00",
              more=("/.env/", "/.env?x")),
    ),
    *under(
        "RFC 3986 3.3",
        MUST,
        case("H381", "A prefix ends with a segment.", ask("/css-config.env", PASS),
             ask("/cssconfig.env", PASS), ask("/css/config.env", 200, body=b"one"),
             ours("/csscss-config.env", PASS), ours("/css/css-config.env", 200, body=b"three"),
             needs=(PREFIX,), setting=AT_PREFIX),
        case("H382", "A hidden page is nobody's page.", ask("/page2", PASS),
             *[ours(target, PASS, setting=CLEAN_URLS) for target in ("/page2", "/.page2",
                                                                     "/.html")]),
    ),
    *under(
        "RFC 9110 17.3",
        POLICY,
        case("H383", "They are there where they are asked for; dot segments never are.",
             ask("/.hidden", 200, body=b"hidden"),
             *shows(dict.fromkeys(SHOWN, b"hidden"), ""), ours("/..data/f", 200,
                                                               body=b"configured"),
             ours("/.git", 307, has={"location": "./.git/"}),
             *[ours(target, PASS, lacks=("location",)) for target in STILL_REFUSED],
             setting=DOTTED),
    ),
)  # fmt: skip

CASES = TYPES + DOTFILES
