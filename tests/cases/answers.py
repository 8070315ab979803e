"""Groups T, H, S, X and A: types and fields, dotfiles, links, and what both doors do."""

from __future__ import annotations

from typing import Any

from .case import (
    AT_PREFIX,
    BELOW,
    BR,
    CONFINE,
    CONFINED,
    DOTTED,
    FOLLOW,
    FOLLOWED,
    GZIP,
    HIDDEN,
    IMMUTABLE,
    INDEX,
    MOUNTED,
    NOSNIFF,
    ODD,
    PASS,
    PREFIX,
    REFUSED,
    RULED,
    Case,
    Want,
)
from .site import BR as BR_BYTES
from .write import DIGITS, ask, case, refuses, serves

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


def confined(key: str, says: str, *targets: str) -> Case:
    return refuses(key, says, *targets, needs=(CONFINED,), setting=CONFINE)


LINKS = (
    serves("S384", "", "/link-in.txt", b"a file"),
    confined("S385", "", "/link-out.txt", "/abs-out.txt"),
    confined("S386", "", "/linkdir-out/secret.txt"),
    confined("S387", "", "/linkdir-out/"),
    case("S388", "", ask("/sub2/", REFUSED, lacks=("location",)), needs=(CONFINED, INDEX),
         setting=CONFINE),
    serves("S389", "", "/linkdir-in/a.txt", b"a in sub"),
    serves("S390", "", "/abs-link.txt", b"a file"),
    serves("S391", "", "/f", b"configured"),
    serves("S392", "", "/abs-out.txt", b"SECRET", needs=(FOLLOWED,), setting=FOLLOW),
    refuses("S393", "", "/loop", "/loop/x", setting=ODD),
    refuses("S394", "", "/dangling", setting=ODD),
    confined("S395", "", "/proc-link"),
)  # fmt: skip

DOORS = (
    case("X414", "", *[ask("/app.js", 200, body=BR_BYTES, lines=(("Accept-Encoding", "gzip, br"),),
                       has={"content-encoding": "br"})] * 100, needs=(GZIP, BR)),
    case("X415", "", ask("/t.txt", 200, body=DIGITS), setting=ODD),
    case("A424", "", ask("/app/t.txt", 200, body=DIGITS), needs=(MOUNTED,), setting=BELOW),
    case("A426", "", ask("/apple/t.txt", PASS), needs=(PREFIX,), setting=AT_PREFIX),
    case("A435", "", ask("/%C3%BC.txt", 200, body=b"u umlaut")),
    case("A443", "", ask("/t.txt", 200, lacks=("transfer-encoding", "keep-alive", "upgrade"))),
    case("A446", "", *[ask("/t.txt", 200, body=DIGITS, lines=(line,), lacks=("x-sendfile",
                   "x-accel-redirect")) for line in (("X-Sendfile-Type", "X-Accel-Redirect"),
                   ("X-Accel-Mapping", "/=/_int/"))]),
)  # fmt: skip

CASES = TYPES + DOTFILES + LINKS + DOORS
