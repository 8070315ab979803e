"""What a browser does with a file: it saves it, shows it, or runs it."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote

from .media_types import DEFAULT
from .values import Policy

# What no name of a file has: a separator of folders, a control character, half a character.
_NO_NAME = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# What a quoted-string may have to escape, or what a browser unescapes in it (RFC 6266 appendix D).
_UNSAFE_IN_QUOTES = re.compile(r"[^\x20-\x7e]|[\"%]")
_ATTR_CHAR = "!#$&+^`|"  # those of RFC 8187 section 3.2.1 that `quote` would escape


def attachment(filename: str) -> str:
    """A Content-Disposition that has a file saved under a name, which may be any text (RFC 6266).

    What no name can have becomes "_". Browsers read `filename*` first, where they know it.
    """
    name = _NO_NAME.sub("_", filename)
    plain = _UNSAFE_IN_QUOTES.sub("_", name)
    text = f'attachment; filename="{plain}"'
    return text if plain == name else f"{text}; filename*=UTF-8''{quote(name, safe=_ATTR_CHAR)}"


# What a page of the site can load and then obeys, beside WebAssembly: scripts (the JavaScript types
# of MIME Sniffing; a service worker is one, too) and style sheets.
_TEXT_OF_PAGES = re.compile(
    r"(?:text|application)/(?:x-)?(?:java|ecma|live|j)script[0-9.]*|text/css"
)

# What a browser shows without running anything. It lists what is safe, since no list is complete of
# what some browser runs: HTML, XML under many names (SVG, text/xsl), MHTML, ...
_SHOWN = re.compile(
    r"(?:image|audio|video|font)/(?!.*\+xml).*"
    r"|text/(?:plain|csv|markdown|vtt)|application/(?:json|pdf)"
)


def harmless(policy: Policy) -> Policy:
    """The policy for a file that a stranger may have written: it can't act in the site's name.

    What counts is the media type that is sent. The fields that make it safe are stronger than those
    of the option `headers`.
    """
    fields = dict(policy.fields)
    sent = fields.pop("content-type", policy.media_type)
    essence, semicolon, rest = sent.partition(";")
    kind = essence.strip().lower()
    if _TEXT_OF_PAGES.fullmatch(kind):
        sent, kind = f"text/plain{semicolon}{rest}", "text/plain"
    elif kind == "application/wasm":
        sent = DEFAULT
    fields["x-content-type-options"] = "nosniff"
    if kind != "application/pdf":  # the viewers of browsers are stopped by it, and run no page
        fields["content-security-policy"] = "sandbox"
    if not _SHOWN.fullmatch(kind):
        named = fields.get("content-disposition", "")
        is_saved = named.partition(";")[0].strip().lower() == "attachment"
        fields["content-disposition"] = named if is_saved else "attachment"
    return replace(policy, media_type=sent, fields=tuple(fields.items()))
