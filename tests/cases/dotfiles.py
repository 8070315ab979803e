"""Group H: files whose names begin with a dot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .case import (
    AT_PREFIX,
    CLEAN_URLS,
    DOTTED,
    FILES,
    HIDDEN,
    MUST,
    PASS,
    POLICY,
    PREFIX,
    Ask,
    Case,
)
from .write import ask, case, everywhere, ours, refuses, under


def hides(
    key: str, says: str, *targets: str, more: tuple[str, ...] = (), asks: tuple[Ask, ...] = ()
) -> Case:
    hidden = refuses(key, says, *targets, more=more, needs=(HIDDEN,))
    return replace(hidden, asks=(*hidden.asks, *asks))


def shows(body: bytes, *targets: str, **how: Any) -> list[Ask]:
    return [ours(target, 200, body=body, **how) for target in targets]


def app(*targets: str, **how: Any) -> list[Ask]:
    return [ours(target, PASS, lacks=("location",), **how) for target in targets]


HIDDEN_BELOW = (
    "/.well-known/.hidden",
    "/.well-known/acme/.hidden/x",
    "/.well-known-not/x.txt",
    "/.well-known/../.env",
)

CASES = (
    *under(
        "RFC 9110 17.3",
        POLICY,
        hides("H374", "A file whose name begins with a dot is not there.", "/.hidden",
              more=("/sub/.hidden", "/...", "/..hidden", "/.env", "/%2eenv"),
              asks=(*shows(b"a dot inside a name", "/not.hidden"), *shows(b"hidden", "/link"))),
        hides("H375", "A file below a name that begins with a dot is not there.", "/.git/config"),
        hides("H378", "A directory whose name begins with a dot is not there.", "/.git", "/.git/",
              more=("/sub/.git", "/sub/.git/")),
        case("H383", "Names that begin with a dot are there if the user says so.",
             ask("/.hidden", 200, body=b"hidden"),
             *shows(b"hidden", "/%2ehidden", "/.git/config", "/sub/.well-known/x", "/...",
                    "/..hidden", "/.git/"),
             ours("/.git", 307, has={"location": "./.git/"}),
             *app("/.env/.", "/.env%00", "/.", "/..", "/sub/../t.txt"), setting=DOTTED),
    ),
    *under(
        "RFC 8615 3",
        MUST,
        case("H376", "What lies in .well-known is there, save what begins with a dot in it.",
             ask("/.well-known/x.txt", 200, body=b"well known"),
             *[each for setting in ("", FILES) for each in (
                 *shows(b"well known", "/.well-known/x.txt", "/%2ewell-known/x.txt",
                        setting=setting),
                 *shows(b"a token", "/.well-known/acme/token", setting=setting))],
             *[each for target in HIDDEN_BELOW for each in everywhere(target)]),
        hides("H377", "A .well-known that is not at the root is not there.", "/sub/.well-known/x",
              more=("/.well-known/.well-known/x.txt",)),
    ),
    *under(
        "RFC 3986 6.2.2.2",
        MUST,
        hides("H379", "A name that begins with an escaped dot is not there.", "/%2ehidden",
              more=("/%2Egit/config", "/sub/%2ehidden")),
    ),
    *under(
        "RFC 9110 17.3",
        MUST,
        hides("H380", "A dot segment or a zero byte makes no hidden name another.",
              "/.env/.", "/.env%00",
              more=("/.env/", "/.env?x")),
        case("H381", "A prefix ends with a whole segment.", ask("/css-config.env", PASS),
             ask("/cssconfig.env", PASS), ask("/css/config.env", 200, body=b"one"),
             *app("/csscss-config.env"), *shows(b"three", "/css/css-config.env"),
             needs=(PREFIX,), setting=AT_PREFIX),
        case("H382", "A hidden page is not there under its clean URL.", ask("/page2", PASS),
             *app("/.html", "/page2", "/.page2", setting=CLEAN_URLS)),
    ),
)  # fmt: skip
