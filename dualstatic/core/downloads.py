"""What a browser does with a file: it saves it, shows it, or runs it."""

from __future__ import annotations

import re
from urllib.parse import quote

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
