"""Groups T and H: media types and other fields, and files whose names begin with a dot."""

from __future__ import annotations

from typing import Any

from .case import (
    AT_PREFIX,
    DOTTED,
    HIDDEN,
    IMMUTABLE,
    NOSNIFF,
    PASS,
    PREFIX,
    RULED,
    Case,
    Want,
)
from .write import ask, case, refuses, serves

SCRIPT = "text/javascript; charset=utf-8"
BYTES = "application/octet-stream"
GZIPPED = (("Accept-Encoding", "gzip"),)


def typed(key: str, says: str, **types: Any) -> Case:
    """Names, `_` for the dot, and the media types that are right."""
    asks = [ask("/" + name.replace("_", "."), 200, has={"content-type": allowed},
                lacks=("content-encoding",)) for name, allowed in types.items()]  # fmt: skip
    return case(key, says, *asks)


TYPES = (
    typed("T351", "", x_html="text/html; charset=utf-8"),
    typed("T352", "", UPPER_HTML="text/html"),
    typed("T353", "", app_js=SCRIPT, mod_mjs=SCRIPT),
    typed("T354", "", w_wasm="application/wasm"),
    typed("T355", "", d_json="application/json", x_map="application/json"),
    typed("T356", "", m_webmanifest="application/manifest+json"),
    typed("T357", "", img_svg="image/svg+xml"),
    typed("T358", "", f_woff2="font/woff2", i_avif="image/avif", i_webp="image/webp",
          v_mp4="video/mp4"),
    typed("T359", "", style_css="text/css; charset=utf-8"),
    typed("T360", "", e_ts=("video/mp2t", "text/plain; charset=utf-8")),
    typed("T361", "", x_php=("text/plain; charset=utf-8", BYTES),
          x_py=("text/plain; charset=utf-8", BYTES)),
    typed("T362", "", noext=BYTES, data_unknownext=BYTES),
    typed("T363", "", archive_tar_gz="application/gzip"),
    case("T364", "", ask("/doc.svgz", Want((200,), {"content-type": BYTES}, ("content-encoding",)),
         Want((200,), {"content-type": "image/svg+xml", "content-encoding": "gzip"}))),
    case("T366", "", ask("/empty.txt", 200, body=b"", has={"content-length": "0",
         "content-type": "text/plain"})),
    case("T367", "", ask("/t.txt", 200, has={"x-content-type-options": "nosniff"}),
         needs=(NOSNIFF,)),
    case("T368", "", ask("/assets/app.3f2a9c1b.js", 200, check="kept for ever"),
         ask("/assets/plain.js", 200, check="not kept for ever"), needs=(IMMUTABLE,),
         setting=RULED),
    case("T369", "", ask("/index.html", 200, check="asked for again")),
)  # fmt: skip


def hides(key: str, says: str, *targets: str, **how: Any) -> Case:
    return refuses(key, says, *targets, needs=(HIDDEN,), **how)


DOTFILES = (
    hides("H374", "", "/.hidden"),
    hides("H375", "", "/.git/config"),
    serves("H376", "", "/.well-known/x.txt", b"well known"),
    hides("H377", "", "/sub/.well-known/x"),
    hides("H378", "", "/.git", "/.git/"),
    hides("H379", "", "/%2ehidden"),
    hides("H380", "", "/.env/.", "/.env%00"),
    case("H381", "", ask("/css-config.env", PASS), ask("/cssconfig.env", PASS),
         ask("/css/config.env", 200, body=b"one"), needs=(PREFIX,), setting=AT_PREFIX),
    case("H382", "", ask("/page2", PASS)),
    serves("H383", "", "/.hidden", b"hidden", setting=DOTTED),
)  # fmt: skip

CASES = TYPES + DOTFILES
