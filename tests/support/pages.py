"""The pages that people read, with the pieces of code and the sections on them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FOLDERS = (".", ".github", "examples", "dualstatic", "tests", "benchmarks")
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for folder in FOLDERS
    for path in sorted((ROOT / folder).glob("*.md"))
}
FENCE = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


class Block(NamedTuple):
    """A piece of code, and the page that it stands on."""

    page: str
    language: str
    code: str


BLOCKS = [Block(page, *found) for page, text in PAGES.items() for found in FENCE.findall(text)]


def blocks(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


def section(heading: str) -> str:
    """What stands below a heading, such as `## Options`, on the one page that has it."""
    [text] = [f"\n{text}" for text in PAGES.values() if f"\n{heading}\n" in f"\n{text}"]
    level = heading.split()[0]
    return text.partition(f"\n{heading}\n")[2].partition(f"\n{level} ")[0]


def headings(page: str) -> list[str]:
    """A page's headings, without what looks like one in its code."""
    return HEADING.findall(FENCE.sub("", PAGES[page]))


def anchor(heading: str) -> str:
    """A heading's name in links, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
