"""Names that Windows takes for others, and the roots that it has: all of it on its own Python."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from dualstatic import StaticFiles
from tests.support.doors import Client
from tests.support.trees import write_tree

FILES = {"t.txt": "0123456789", "sub/a.txt": "a in sub", "Mixed/Case.txt": "case"}

ODD = """con nul.txt aux.tar.gz com1 LPT9.js com\N{SUPERSCRIPT ONE}.css conin$ t.txt.""".split()
ODD += ["prn ", "t.txt ", "sub /a.txt"]
"""Files that only a literal path can make, and that no other program could ask for."""

MISSES = [
    "/T.TXT",
    "/t.TXT",
    "/Sub/a.txt",
    "/mixed/case.txt",
    "/MIXED/Case.txt",
    "/sub%5ca.txt",
    "/sub\\a.txt",
    "/..%5coutside%5csecret.txt",
    "/t.txt::$DATA",
    "/t.txt%3a%3a$DATA",
    "/t.txt:stream",
    "/sub::$INDEX_ALLOCATION/a.txt",
    "/sub:$I30:$INDEX_ALLOCATION/a.txt",
    "/t.txt.",
    "/t.txt...",
    "/t.txt%20",
    "/t.txt%20.",
    "/sub./a.txt",
    "/sub%20/a.txt",
    "/C:/windows/win.ini",
    "/z:t.txt",
    "/%5c%5c%3f%5cC:%5cwindows%5cwin.ini",
    "/%3f%3f/C:/windows/win.ini",
    "/con",
    "/sub/nul",
    "/com%c2%b9",
    "/CONOUT$",
    "/t.tx%3f",
    "/t.*",
    "/t.<",
    "/t%22txt",
]


def literal(path: Path) -> str:
    return f"\\\\?\\{path}"


@pytest.fixture
def root(tree: Callable[..., Path]) -> Path:
    return tree(FILES)


def test_what_windows_takes_for_another_name_is_a_miss(
    serve: Callable[..., Client], root: Path
) -> None:
    for name in ODD:
        path = f"{literal(root)}\\{name.replace('/', chr(92))}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(path).write_bytes(b"odd")
    client = serve(root)
    for target in [*MISSES, *(f"/{quote(name)}" for name in ODD)]:
        assert client.get(target).passed, target
    assert client.get("/t.txt").body == b"0123456789"


def test_a_short_name_is_a_miss(serve: Callable[..., Client], tree: Callable[..., Path]) -> None:
    name = "a long name, and a long ending.longer"
    root = tree({name: "long", f"{name}.d/t.txt": "t"})
    buffer = ctypes.create_unicode_buffer(1000)
    client = serve(root)
    for path in (root / name, root / f"{name}.d"):
        assert ctypes.windll.kernel32.GetShortPathNameW(str(path), buffer, 1000)
        short = buffer.value.rpartition("\\")[2]
        assert "~" in short
        assert client.get(f"/{quote(short)}").passed
        assert client.get(f"/{quote(short)}/t.txt").passed
    assert client.get(f"/{quote(name)}").body == b"long"


@pytest.mark.parametrize(
    "name", ["\N{LATIN SMALL LETTER E WITH ACUTE}.txt", "\u65e5\u672c/\U0001f600.txt", "100%.txt"]
)
def test_a_name_beyond_the_code_page_is_served(
    name: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    assert serve(tree({name: "found"})).get(f"/{quote(name)}").body == b"found"


def test_a_path_may_be_longer_than_260_characters(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({})
    folders = ["f" * 120] * 4
    place = "\\".join([literal(root), *folders])
    os.makedirs(place)
    Path(place, "t.txt").write_bytes(b"deep")
    assert serve(root).get("/" + "/".join([*folders, "t.txt"])).body == b"deep"


ROOTS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "with slashes": lambda path: path.replace("\\", "/"),
    "with a small drive": lambda path: path[0].lower() + path[1:],
    "in capitals": str.upper,
    "with a backslash behind": lambda path: path + "\\",
    "literal": lambda path: f"\\\\?\\{path}",
    "below its drive": lambda path: path[2:],
}


@pytest.mark.parametrize("spelling", ROOTS)
def test_a_root_may_be_spelled_in_any_way(
    spelling: str, serve: Callable[..., Client], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root.parent)
    client = serve(ROOTS[spelling](str(root)))
    assert client.get("/t.txt").body == b"0123456789"
    assert client.get("/sub/a.txt").body == b"a in sub"
    assert client.get("/../outside/secret.txt").passed
    assert client.get("/Sub/a.txt").passed


@pytest.mark.parametrize("literally", [False, True], ids=["plain", "literal"])
def test_a_root_may_be_a_share(
    literally: bool, serve: Callable[..., Client], request: pytest.FixtureRequest
) -> None:
    share = os.environ["SHARE"]
    write_tree(Path(share), FILES)
    client = serve(rf"\\?\UNC\{share[2:]}" if literally else share)
    assert client.get("/sub/a.txt").body == b"a in sub"
    assert client.get("/T.TXT").passed


def test_a_root_may_be_a_drive(root: Path) -> None:
    """All of it: what lies below is reached by its path."""
    path = root.as_posix()[2:]
    client = Client(StaticFiles(f"{root.drive}\\", live=True), "wsgi")
    assert client.get(f"{quote(path)}/t.txt").body == b"0123456789"


def test_a_file_is_never_read_as_text(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    content = b"\r\n\x1a\n\r\r\n" * 100_000
    client = serve(tree({"large.txt": content, "small.txt": content[:70]}))
    for name, expected in (("large.txt", content), ("small.txt", content[:70])):
        assert client.get(f"/{name}").body == expected
        part = client.get(f"/{name}", {"Range": "bytes=1-60"})
        assert (part.status, part.body) == (206, expected[1:61])
