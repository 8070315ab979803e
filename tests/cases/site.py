"""The tree that every contender serves, with secrets beside it."""

from __future__ import annotations

import hashlib
import os
import random
import stat
import sys
from pathlib import Path

from tests.support.trees import can_be

from .write import DIGITS, OLD

MIB = 1024 * 1024
LONG = "n" * 255
ODD_NAME = 'a b"<>?#%\N{LATIN SMALL LETTER U WITH DIAERESIS};'
NFD = "e\N{COMBINING ACUTE ACCENT}"


def noise(size: int) -> bytes:
    """The same bytes each time, which nothing can compress."""
    return random.Random(size).randbytes(size)


APP_JS, GZ, BR, ZST = noise(400), noise(53), noise(47), noise(50)
PAGE = b"<p>a page that is long enough for a sibling to save something</p>" * 3
LARGE = noise(10_240)
OTHER_JS, TINY = noise(401), noise(30)
NOT_FOUND = b"<p>no such page, and this is long enough for a sibling to be smaller</p>"
NOT_IN_SUB = b"<p>no such page in sub</p>"
OLDER, STRANGER, WEAVED = b"an older release", b"another one", b"x" * 400
LEAST = noise(20)


def with_dictionary(magic: bytes, frame: bytes, dictionary: bytes = OLDER) -> bytes:
    """A delta of an older release: RFC 9842 sections 4 and 5."""
    return magic + hashlib.sha256(dictionary).digest() + frame


# A frame of zstd that says 400 times x, and what stands for brotli's stream.
DCZ = with_dictionary(
    bytes.fromhex("5e2a4d1820000000"), bytes.fromhex("28b52ffd 60 9000") + b"\x83\x0c\x00x"
)
DCB = with_dictionary(b"\xff\x44\x43\x42", b"as brotli has it")
DCB_2 = with_dictionary(b"\xff\x44\x43\x42", b"as brotli has it", STRANGER)
SMALL = {"gzip": (".gz", GZ), "br": (".br", BR), "zstd": (".zst", ZST)}
DELTAS = ("dcz", "dcb", "two", "cut", "stale")
HASHED, NEARLY = "assets/app.3f2a9c1b.js", "assets/app.3f2a9c1.js"
SNIFFED = {"typed": b"<html><script>text", "empty": b""}
"""What all files of these folders have in them, whatever their names say."""
TYPED = (
    "x.html UPPER.HTML app.js mod.mjs w.wasm d.json x.map m.webmanifest img.svg f.woff2 i.avif "
    "i.webp v.mp4 style.css e.ts x.php x.py noext data.unknownext archive.tar.gz t.txt"
).split()
HOME, SUB = b"<p>home</p>", b"<p>sub</p>"

MISS = b'{"detail":"Not Found"}'
"""What the app behind says of what it doesn't have."""

POST_ONLY = ("Allow", "POST")
APP: dict[str, tuple[int, tuple[tuple[str, str], ...]]] = {
    "/api/users": (200, ()),
    "/api/gone": (410, ()),
    "/login": (405, (POST_ONLY,)),
    "/login.js": (405, (POST_ONLY,)),
    "/changed": (405, (POST_ONLY, ("allow", "PUT, GETS"))),
    "/closed": (405, ()),
    "/read": (405, (("Allow", "GET"),)),
    "/form": (405, (("Allow", "POST, GET"),)),
    "/forms": (405, (POST_ONLY, ("Allow", "GET"))),
}
"""What it has: the status, and fields."""

FILES: dict[str, bytes] = {
    "t.txt": DIGITS,
    "empty.txt": b"",
    "index.html": HOME,
    "404.html": NOT_FOUND,
    "file.txt": b"a file",
    "sub/a.txt": b"a in sub",
    "sub/index.html": SUB,
    "sub/deep/index.html": b"deep",
    "lost/404.html": NOT_IN_SUB,
    "lost/x/here.txt": b"here",
    "fake404/404.html/x.txt": b"the page is a directory",
    "404.html.gz": TINY,
    "digits/index.html": DIGITS,
    "q?.txt": b"a question mark",
    "h#.txt": b"a hash sign",
    "plus+.txt": b"a plus sign",
    "with space.txt": b"a space",
    "100%.txt": b"a percent sign",
    "a%2fb.txt": b"an escaped slash, literally",
    "a%41b.txt": b"an escaped A, literally",
    "\N{LATIN SMALL LETTER U WITH DIAERESIS}.txt": b"u umlaut",
    f"{NFD}.txt": b"decomposed",
    "\N{REPLACEMENT CHARACTER}.txt": b"a replacement character",
    "back\\slash.txt": b"a backslash",
    "ctl\n.txt": b"a line feed",
    "evil.example/index.html": b"evil",
    "evil.example/sub/index.html": b"evil",
    "c:/win.ini": b"a drive",
    "http:/localhost/t.txt": b"no path",
    "localhost/t.txt": b"no host",
    "c:d/index.html": b"a scheme",
    "with dir/index.html": b"a space in a directory",
    "javascript:alert(1)/index.html": b"a scheme",
    "100%/q?#&/\N{LATIN SMALL LETTER U WITH DIAERESIS}+;/index.html": b"punctuation",
    f"{ODD_NAME}/index.html": b"an index",
    "x.txt.": b"a dot at the end",
    "NUL": b"a device elsewhere",
    "UPPER.HTML": b"<p>upper</p>",
    "semi;colon.txt": b"a semicolon",
    "[b].txt": b"brackets",
    "b.txt": b"no brackets",
    LONG: b"a long name",
    "noindex/other.txt": b"no index beside me",
    "dir-index/index.html/x.txt": b"the index is a directory",
    "page.html": b"page",
    "deep/er/page.html": b"deep page",
    "exact": b"no page",
    "exact.html": b"a page beside it",
    "twice.html.html": b"twice",
    "\N{LATIN SMALL LETTER U WITH DIAERESIS} b.html": b"odd page",
    "x:y.html": b"a scheme",
    "gzonly.html.gz": GZ,
    "both.html": b"both",
    "both/index.html": b"in both",
    ".page2.html": b"hidden",
    ".html": b"no name",
    "dotpage/.html": b"no name",
    "dotpage/other.txt": b"no index beside me",
    "app.js": APP_JS,
    "app.js.gz": GZ,
    "app.js.br": BR,
    "app.js.zst": ZST,
    "app.js.zstd": ZST,
    "one.js": APP_JS,
    "one.js.gz": GZ,
    "other.js": OTHER_JS,
    "gzonly.js.gz": GZ,
    "packed.html": PAGE,
    "packed.html.gz": GZ,
    "zipped/index.html": PAGE,
    "zipped/index.html.gz": GZ,
    "gzindex/index.html.gz": GZ,
    "same.js": APP_JS,
    "same.js.gz": TINY,
    "same.js.br": TINY,
    "same.js.zst": TINY,
    **{f"least-{coding}.js": APP_JS for coding in SMALL},
    **{
        f"least-{coding}.js{suffix}": LEAST if other == coding else body
        for coding in SMALL
        for other, (suffix, body) in SMALL.items()
    },
    "grown.js": APP_JS,
    "grown.js.gz": noise(500),
    "stale.js": APP_JS,
    "stale.js.gz": GZ,
    "fake-dir.js": APP_JS,
    "fake-dir.js.gz/x": b"the sibling is a directory",
    "fake-link.js": APP_JS,
    "hello": b"hello",
    "large.html": LARGE,
    "large.bin": LARGE * 20,
    "css-config.env": b"three",
    "-config.env": b"two",
    "config.env": b"one",
    ".hidden": b"hidden",
    ".git/config": b"hidden",
    ".git/index.html": b"hidden",
    ".env": b"hidden",
    "...": b"hidden",
    "..hidden": b"hidden",
    "sub/.hidden": b"hidden",
    "sub/.git/index.html": b"hidden",
    ".well-known/.hidden": b"hidden",
    ".well-known/acme/.hidden/x": b"hidden",
    ".well-known/acme/token": b"a token",
    ".well-known-not/x.txt": b"hidden",
    "not.hidden": b"a dot inside a name",
    ".well-known/x.txt": b"well known",
    "sub/.well-known/x": b"hidden",
    "..2024_01/f": b"configured",
    HASHED: b"hashed",
    NEARLY: b"hashed",
    **{f"{folder}/{name}": body for folder, body in SNIFFED.items() for name in TYPED},
    "assets/plain.js": b"plain",
    **{f"assets/{name}.3f2a9c1b.js": WEAVED for name in DELTAS},
    **{f"assets/{name}.3f2a9c1b.js.br": BR for name in DELTAS},
    "assets/dcz.3f2a9c1b.js.1.dcz": DCZ,
    "assets/two.3f2a9c1b.js.1.dcz": DCZ,
    "assets/two.3f2a9c1b.js.2.dcb": DCB_2,
    "assets/dcb.3f2a9c1b.js.dcb": DCB,
    "assets/cut.3f2a9c1b.js.1.dcz": DCZ[:-1],
    "assets/stale.3f2a9c1b.js.1.dcz": DCZ,
    "future.txt": DIGITS,
    "epoch0.txt": DIGITS,
    "epoch1.txt": b"0123456780",
    "zip0.txt": DIGITS,
    "zip.txt": DIGITS,
    "before.txt": DIGITS,
    "fraction.txt": DIGITS,
    "far.txt": DIGITS,
    "equal-a.txt": b"0123456789",
    "equal-b.txt": b"0123456780",
    "x.html": b"x",
    "mod.mjs": b"x",
    "w.wasm": b"x",
    "d.json": b"{}",
    "x.map": b"{}",
    "m.webmanifest": b"{}",
    "img.svg": b"<svg/>",
    "\r\nSet-Cookie:x=1/other.txt": b"no index beside me",
    "\r\nWith-Index:x=1/index.html": b"an index",
    "a\r\nX-Evil: 1.txt": b"line breaks",
    "\\\\evil.example/index.html": b"evil",
    "f.woff2": b"x",
    "i.avif": b"x",
    "i.webp": b"x",
    "v.mp4": b"x",
    "style.css": b"p {}",
    "e.ts": b"x",
    "x.php": b"<?php",
    "x.py": b"x",
    "noext": b"<html><script>text",
    "data.unknownext": b"<html><script>text",
    "archive.tar.gz": b"\x1f\x8b",
    "doc.svgz": b"\x1f\x8b",
}

LINKS = {
    "linkdir-in": "sub",
    "index-link/index.html": "../page.html",
    "link-in.txt": "file.txt",
    "link": ".hidden",
    "abs-link.txt": "{root}/file.txt",
    "..data": "..2024_01",
    "f": "..data/f",
}

ODD_LINKS = {"loop": "loop", "dangling": "nothing", "dev-link": "/dev/zero"}

OUTWARD = {
    "link-out.txt": "../outside/secret.txt",
    "linkdir-out": "../outside",
    "sub2/index.html": "../../outside/secret.txt",
    "abs-out.txt": "{root}/../outside/secret.txt",
    "proc-link": "/proc/self/environ",
    "fake-link.js.gz": "../outside/secret.txt",
    "linked/404.html": "../../outside/secret.txt",
}

MAZE_FILES = {
    "t.txt": DIGITS,
    "file.txt": b"a file",
    "sub/a.txt": b"a in sub",
    "sub/index.html": b"the index of sub",
    "y/y.txt": b"y",
    "..2024_01/f": b"configured",
    "..2024_01/deep/g": b"configured below",
    "..2024_01/.hidden": b"hidden",
}

MAZE_LINKS = {
    "sub/up.txt": "../file.txt",
    "sub/side": "../y",
    "sub2/index.html": "../../outside/secret.txt",
    "sub3/index.html": "../linkdir-out/secret.txt",
    "link-in.txt": "file.txt",
    "link-in-2.txt": "link-in.txt",
    "link-dots.txt": "sub/../file.txt",
    "link-through.txt": "linkdir-in/up.txt",
    "link-out.txt": "../outside/secret.txt",
    "link-out-2.txt": "link-out.txt",
    "link-out-3.txt": "linkdir-out/secret.txt",
    "link-back.txt": "../{name}/file.txt",
    "linkdir-in": "sub",
    "linkdir-in-2": "linkdir-in",
    "linkdir-slash": "sub/",
    "linkdir-out": "../outside",
    "abs-link.txt": "{root}/file.txt",
    "abs-linkdir": "{root}/sub",
    "abs-out.txt": "{root}/../outside/secret.txt",
    "abs-sibling.txt": "{root}-secret/s.txt",
    "abs-linkdir-out": "{root}/../outside",
    "..data": "..2024_01",
    "f": "..data/f",
    "mounted": "..data",
    "loop": "loop",
    "ping": "pong",
    "pong": "ping",
    "here": ".",
    "x/back": "../y",
    "y/back": "../x",
    "dangling": "nothing",
    "dangling-dir": "nothing/at/all",
    "dangling-out": "../outside/nothing",
    "proc-link": "/proc/self/environ",
}

FAR = {"proc": "/proc", "cwd": "/proc/self/cwd", "linkdir-up": ".."}
"""Links to so much that no index can follow them."""

TIMES = {  # in ns
    "stale.js.gz": (OLD - 3600) * 10**9,
    "assets/stale.3f2a9c1b.js.1.dcz": (OLD - 3600) * 10**9,
    "future.txt": 4102444800 * 10**9,
    "epoch0.txt": 0,
    "epoch1.txt": 1 * 10**9,
    "zip.txt": 315532801 * 10**9,
    "zip0.txt": 315532800 * 10**9,
    "before.bin": -86_400_500_000_000,
    "before.txt": -86_400_500_000_000,
    "fraction.txt": OLD * 10**9 + 678_000_000,
    "far.txt": 2**33 * 10**9,
}

SIZES = {"huge.bin": 5 * 1024 * MIB, "fifty.bin": 50_000_000, "before.bin": 2 * MIB}
BEYOND = 4 * 1024 * MIB
"""An offset that 32 bits don't hold; there huge.bin has ABCD."""


MAZE, OPEN_MAZE = "maze", "maze-followed"
PLAIN, LINKED, ODD, ALL = FORMS = ("www", "linked", "odd", "all")
"""The tree's forms: links that lead out, what is no file and links to nothing, or all of these."""


def make(parent: Path) -> Path:
    """All forms below `parent`, and beside them what is nobody's to see."""
    for beside in ("outside", "www-secret", f"{MAZE}-secret"):
        for name in ("secret.txt", "s.txt", "index.html"):
            _write(parent / beside / name, b"SECRET")
    for form in FORMS:
        _fill(parent / form)
        _link(parent / form, LINKS)
    for form in (ODD, ALL):
        _odd(parent / form)
        _link(parent / form, ODD_LINKS)
    for form in (LINKED, ALL):
        _link(parent / form, OUTWARD)
    make_maze(parent / MAZE, MAZE_LINKS | FAR)
    make_maze(parent / OPEN_MAZE, MAZE_LINKS)
    return parent


def make_maze(root: Path, links: dict[str, str]) -> Path:
    """A directory that is full of links."""
    for name, content in MAZE_FILES.items():
        _write(root / name, content)
    _link(root, links)
    return root


def _fill(root: Path) -> None:
    for name, content in FILES.items():
        if can_be(name):
            _write(root / name, content)
    for name, size in SIZES.items():
        _sparse(root / name, size)
    for name, moment in TIMES.items():
        os.utime(root / name, ns=(moment, moment))


def _link(root: Path, links: dict[str, str]) -> None:
    for name, target in links.items():
        link = root / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target.format(root=root, name=root.name))


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (OLD, OLD))


def _odd(root: Path) -> None:
    if sys.platform == "win32":  # which has no such
        return
    _write(root / os.fsdecode(b"\xff\xfe.txt"), b"not UTF-8")
    os.mkfifo(root / "fifo")
    os.mknod(root / "sock", stat.S_IFSOCK | 0o644)
    if os.geteuid() == 0:
        os.mknod(root / "device", stat.S_IFCHR | 0o644, os.makedev(1, 5))


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.write(b"A")
        if size > BEYOND:
            file.seek(BEYOND)
            file.write(b"ABCD")
        file.truncate(size)
    os.utime(path, (OLD, OLD))
