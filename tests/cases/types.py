"""Group T: media types, and fields that say how long and as what an answer may be used."""

from __future__ import annotations

from typing import Any

from .case import IMMUTABLE, MUST, NOSNIFF, POLICY, RULED, SHOULD, Ask, Case, Want
from .site import HASHED, NEARLY, SNIFFED
from .write import ask, case, ours, under

SCRIPT = "text/javascript; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
PLAIN = ("content-encoding",)
SAFE = {"x-content-type-options": "nosniff"}
GZIPPED = ("Accept-Encoding", "gzip")
FOREVER = {"cache-control": "public, max-age=31536000, immutable"}
AGAIN = {"cache-control": "no-cache"}


def typed(key: str, says: str, exactly: str = "", /, **types: Any) -> Case:
    """Names, `_` for the dot, and the media types that are right.

    dualstatic gives the first of them (or `exactly` that), whatever the file has in it.
    """
    asks: list[Ask] = []
    for name, allowed in types.items():
        file = name.replace("_", ".")
        kind = exactly or (allowed if isinstance(allowed, str) else allowed[0])
        promised = Want((200,), {"content-type": kind, **SAFE}, PLAIN)
        asks.append(ask(f"/{file}", 200, has={"content-type": allowed}, lacks=PLAIN, ours=promised))
        asks += [ours(f"/{folder}/{file}", 200, has=promised.has, lacks=PLAIN, body=body)
                 for folder, body in SNIFFED.items()]  # fmt: skip
    return case(key, says, *asks)


def hashed(*lines: tuple[str, str], status: int) -> Ask:
    return ours(f"/{HASHED}", status, lines=lines, has=FOREVER, name="hashed")


CASES = (
    *under(
        "RFC 9110 8.3",
        MUST,
        typed("T351", "A page is text/html in UTF-8.", x_html="text/html; charset=utf-8"),
        typed("T352", "A suffix in capitals has its type.", "text/html; charset=utf-8",
              UPPER_HTML="text/html"),
        typed("T353", "A script is text/javascript.", app_js=SCRIPT,
              mod_mjs=SCRIPT),
        typed("T354", "WebAssembly is application/wasm, as browsers demand.",
              w_wasm="application/wasm"),
        typed("T355", "JSON and source maps are application/json without a charset.",
              d_json="application/json",
              x_map="application/json"),
        typed("T356", "A web app's manifest is application/manifest+json.",
              m_webmanifest="application/manifest+json"),
        typed("T357", "An SVG is image/svg+xml.", img_svg="image/svg+xml"),
        typed("T358", "Fonts, pictures and films have their types.", f_woff2="font/woff2",
              i_avif="image/avif", i_webp="image/webp", v_mp4="video/mp4"),
        typed("T359", "A style sheet is text/css in UTF-8.", style_css="text/css; charset=utf-8"),
        typed("T362", "A file with no known suffix is bytes, whatever stands in it.", noext=BYTES,
              data_unknownext=BYTES),
        typed("T363", "A compressed archive has the type of what it is, and no coding.",
              archive_tar_gz="application/gzip"),
        case("T364", "A compressed SVG is an SVG with a coding, or bytes.",
             ask("/doc.svgz", Want((200,), {"content-type": BYTES}, PLAIN),
                 Want((200,), {"content-type": "image/svg+xml", "content-encoding": "gzip"}))),
        case("T366", "An empty file has a type.", ask("/empty.txt", 200, body=b"",
                 has={"content-length": "0", "content-type": "text/plain"},
                 ours=Want((200,), {"content-type": TEXT, **SAFE}, PLAIN, b"")),
             *[ours(f"/{folder}/t.txt", 200, has={"content-type": TEXT, **SAFE}, lacks=PLAIN,
                    body=body) for folder, body in SNIFFED.items()]),
    ),
    *under(
        "RFC 9110 8.3",
        POLICY,
        typed("T360", "A file .ts is a film or TypeScript.", e_ts=("video/mp2t", TEXT)),
        typed("T361", "Programs that a server runs are shown as text, or are bytes.",
              x_php=(TEXT, BYTES),
              x_py=(TEXT, BYTES)),
    ),
    *under(
        "RFC 9110 8.3",
        SHOULD,
        case("T367", "Every answer of a file forbids that its type is guessed.",
             ask("/t.txt", 200, has=SAFE),
             *[ours(target, status, method=method, lines=lines, has=SAFE)
               for target in ("/app.js", "/sub/") for method in ("GET", "HEAD")
               for lines, status in (((), 200), ((GZIPPED,), 200),
                   ((("Range", "bytes=0-0"),), 206 if method == "GET" else 200))],
             needs=(NOSNIFF,)),
    ),
    *under(
        "RFC 9111 5.2.2",
        POLICY,
        case("T368", "A name with a hash is kept for ever, and no other.",
             ask(f"/{HASHED}", 200, check="kept for ever"),
             ask("/assets/plain.js", 200, check="not kept for ever"),
             hashed(status=200), hashed(("If-None-Match", "{hashed.etag}"), status=304),
             hashed(("Range", "bytes=0-1"), status=206),
             *[ours(target, 200, has=AGAIN) for target in ("/assets/plain.js", f"/{NEARLY}")],
             needs=(IMMUTABLE,), setting=RULED),
        case("T369", "A page is asked for again each time.",
             ask("/index.html", 200, check="asked for again", ours=Want((200,), AGAIN)),
             ours("/", 200, has=AGAIN)),
    ),
)  # fmt: skip
