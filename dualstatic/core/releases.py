"""Which part of a file's name is a hash, and so changes from release to release."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping

OF_VITE = 8
"""Characters of a hash of Vite's, where the build doesn't say otherwise."""

_SEPARATOR = re.compile(r"[.~_-]")
_SUFFIXES = r"(?:\.[A-Za-z0-9]+)*"
HEX = re.compile(r"(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,}")
_HEX_DIGITS = re.compile(r"[0-9a-f]{8,}")
_PART = re.compile(rf"([A-Za-z0-9_-]{{8,}}){_SUFFIXES}")

# webpack calls a chunk without a name by its number.
_NUMBERED = re.compile(rf"[0-9]+[.~_-]({HEX.pattern}){_SUFFIXES}")

# A hash without a name before it has the eight characters of Vite's, or is hexadecimal.
_ALONE = re.compile(rf"([A-Za-z0-9_-]{{8}}|{HEX.pattern}){_SUFFIXES}")
_MIXED = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z]).*")

# Where a hash may stand whose plain name isn't known: after a separator, up to a dot; or first.
_AFTER = re.compile(r"[.~_-](?=([A-Za-z0-9_-]{8,64})(?:\.|\Z))")
_FIRST = re.compile(
    r"([A-Za-z0-9_-]{8}(?=\.(?![0-9])|\Z)|[0-9a-f]{8,64}(?=[.~_-]|\Z)|[A-Za-z0-9]{8,64}(?=[~_-]))"
)

# Words, numbers and versions in a row: `printTheme`, `es2015plus`, `embed-v2`, `20240101`. Each run
# of letters or digits is taken whole, so that there is one way to read a text.
_WORDS = re.compile(
    r"""(?:
        [A-Z]?[a-z]{3,}(?![a-z]) | [a-z]{2}(?![a-z]) | [A-Z]{3,}(?![A-Z])
        | [vV]?[0-9]+(?![0-9]) | [A-Za-z]?[_-]
    )+""",
    re.VERBOSE,
)


def constant_parts(name: str) -> tuple[str, str] | None:
    """What stays of a file's name from release to release: the text before its hash, and after it.

    `assets/app-Dk3jf93a.js` gives `("assets/app-", ".js")`. Asked for a name that is known to be
    immutable, where no plain name is known: in doubt, a part that might be a word is a hash. None:
    there is no such part, or it is a delta's name. It takes any text, in linear time.
    """
    if name.endswith((".dcz", ".dcb")):
        return None
    start = name.rfind("/") + 1
    first = _FIRST.match(name, start)
    after = [*_AFTER.finditer(name, start)]
    sure = [first] if first and _MIXED.fullmatch(first[1]) and _is_sure(first[1]) else []
    sure += [each for each in after if _is_sure(each[1])]
    doubtful = [each for each in after if len(each[1]) == OF_VITE or _HEX_DIGITS.fullmatch(each[1])]
    for each in (sure or doubtful)[-1:]:
        return name[: each.start(1)], name[each.end(1) :]
    return None


def _is_sure(part: str, shape: re.Pattern[str] = HEX) -> bool:
    return bool(shape.fullmatch(part)) or not _WORDS.fullmatch(part)


def hashed(
    names: Mapping[str, Collection[str]],
    *,
    shape: re.Pattern[str] = HEX,
    length: int = 0,
    once: bool = False,
) -> frozenset[str]:
    """The names that carry a hash, of names with the stems of the plain names they are made of.

    What a name has more than its plain name is a hash, unless it could be read as words. A build
    puts all hashes in one place, at one length: if a third of the parts there are surely hashes,
    the others look like words by chance only. (Of real words one in sixty passes for a hash.)
    `shape` is what surely is a hash, and so is what stands after a plain name and has this
    `length`, which the build gives its hashes. `once` says that a part in several names is no hash
    of any content.
    """
    found = {}
    for name, stems in names.items():
        if candidate := _candidate(name, stems, shape, length):
            found[name] = candidate
    times = Counter(part for part, _, _ in found.values())
    forms: dict[tuple[str, int], list[tuple[str, bool]]] = defaultdict(list)
    for name, (part, place, is_sure) in found.items():
        if not once or times[part] == 1:
            forms[place, len(part)].append((name, is_sure))
    hashed: set[str] = set()
    for alike in forms.values():
        are_hashes = 3 * sum(is_sure for _, is_sure in alike) >= len(alike)
        hashed.update(name for name, is_sure in alike if are_hashes or is_sure)
    return frozenset(hashed)


def _candidate(
    name: str, stems: Collection[str], shape: re.Pattern[str], length: int
) -> tuple[str, str, bool] | None:
    """A part of a name that may be a hash, where it stands, and whether it surely is one."""
    leaf = name.rpartition("/")[2]
    stem, _, suffix = leaf.rpartition(".")
    if leaf in stems or (stem in stems and not shape.fullmatch(suffix)):
        return None  # the plain name itself
    place, part = _added(leaf, stems)
    if not part:
        return None
    is_sure = _is_sure(part, shape)
    if place.startswith("after") and not part.isdigit():  # no date
        is_sure = is_sure or len(part) == length or bool(_HEX_DIGITS.fullmatch(part))
    if place == "alone":  # eight letters, such as `eBayIcon`, are more likely a name
        is_sure = is_sure and bool(_MIXED.fullmatch(part))
    return part, place, is_sure


def _added(leaf: str, stems: Collection[str]) -> tuple[str, str]:
    """Where a file name has something beside a stem, and what; ("", "") if it has nothing."""
    for cut in reversed(list(_SEPARATOR.finditer(leaf))):
        before, after = leaf[: cut.start()], leaf[cut.end() :]
        if before in stems and (match := _PART.fullmatch(after)):
            return f"after {cut[0]}", match[1]
        if len(before) >= 8 and before.isalnum() and not stems_of(after).isdisjoint(stems):
            return f"before {cut[0]}", before
    if match := _NUMBERED.fullmatch(leaf):
        return "number", match[1]
    match = _ALONE.fullmatch(leaf) if stems else None
    return ("alone", match[1]) if match else ("", "")


def stems_of(*names: str) -> set[str]:
    """File names, whole and up to each dot in them."""
    found = set()
    for name in names:
        stem = name.rpartition("/")[2]
        while stem:
            found.add(stem)
            stem = stem.rpartition(".")[0]
    return found
