"""Group T: content types and the other fields of an answer."""

from __future__ import annotations

import mimetypes
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import whitenoise.media_types

from dualstatic import StaticFiles
from dualstatic.core.media_types import MediaTypes
from tests.support.doors import Client, Everywhere
from tests.support.rows import rows

pytestmark = pytest.mark.usefixtures("aging")


ONE_YEAR = "public, max-age=31536000, immutable"


@rows(*(f"T{number}" for number in range(351, 364)), "T366")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x.html", "text/html; charset=utf-8"),
        ("UPPER.HTML", "text/html; charset=utf-8"),
        ("app.js", "text/javascript; charset=utf-8"),
        ("mod.mjs", "text/javascript; charset=utf-8"),
        ("w.wasm", "application/wasm"),
        ("d.json", "application/json"),
        ("x.map", "application/json"),
        ("m.webmanifest", "application/manifest+json"),
        ("img.svg", "image/svg+xml"),
        ("f.woff2", "font/woff2"),
        ("i.avif", "image/avif"),
        ("i.webp", "image/webp"),
        ("v.mp4", "video/mp4"),
        ("style.css", "text/css; charset=utf-8"),
        ("e.ts", ("video/mp2t", "text/plain; charset=utf-8")),
        ("x.php", ("text/plain; charset=utf-8", "application/octet-stream")),
        ("x.py", ("text/plain; charset=utf-8", "application/octet-stream")),
        ("noext", "application/octet-stream"),
        ("data.unknownext", "application/octet-stream"),
        ("archive.tar.gz", "application/gzip"),
        ("t.txt", "text/plain; charset=utf-8"),
    ],
)
@pytest.mark.parametrize("content", [b"<html><script>text", b""])
def test_the_suffix_decides_the_type_and_nothing_is_sniffed(
    name: str,
    expected: Any,
    content: bytes,
    everywhere: Callable[..., Everywhere],
    tree: Callable[..., Path],
) -> None:
    answer = everywhere(tree({name: content})).get(f"/{name}")
    assert (answer.status, answer.body) == (200, content)
    assert answer["content-length"] == str(len(content))
    assert answer["content-type"] in ((expected,) if isinstance(expected, str) else expected)
    assert answer["x-content-type-options"] == "nosniff"
    assert "content-encoding" not in answer


@rows("T364")
def test_a_compressed_drawing_is_either_a_drawing_or_just_bytes(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    answer = serve(tree({"doc.svgz": b"\x1f\x8b"})).get("/doc.svgz")
    got = answer["content-type"], answer.get("content-encoding")
    assert got in {("image/svg+xml", "gzip"), ("application/octet-stream", None)}


NO_SUCH_FILES = "of systems and programs that have nothing to do with the web any more"
ACTIVE = "runs or is parsed in some client or server: to be sent so, its type has to be wished for"
REASONS = {
    ".svgz": "a drawing only with its Content-Encoding, see `stored_encodings`",
    **dict.fromkeys((".htc", ".shtml", ".swf", ".xul", ".wml", ".wmlc"), ACTIVE),
    **dict.fromkeys((".pyc", ".pyo"), "compiled code, which nobody runs from the web"),
    **dict.fromkeys(
        ".bcpio .cpio .gtar .shar .ustar .sv4cpio .sv4crc .hqx .sea .sit .cco .jad .jardiff .run "
        ".me .ms .man .mif .roff .t .tr .dvi .oda .src .pdb .prc .pm .tk".split(),
        NO_SUCH_FILES,
    ),
}
"""Why a suffix that others know has no type here."""


def theirs() -> dict[str, str]:
    """The tables of Python and of WhiteNoise; not the host's."""
    python = {**mimetypes._common_types_default, **mimetypes._types_map_default}
    return {**python, **whitenoise.media_types.default_types()}


@pytest.mark.parametrize("suffix", sorted(theirs()))
def test_a_type_that_others_know_is_known_or_left_out_for_a_reason(suffix: str) -> None:
    ours = MediaTypes({}, None)(f"x{suffix}" if suffix.startswith(".") else suffix)
    known = ours != "application/octet-stream" or theirs()[suffix] == ours
    assert known is (suffix not in REASONS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("apple-app-site-association", "application/json"),
        (".well-known/apple-app-site-association", "application/json"),
        ("x.mobileconfig", "application/x-apple-aspen-config"),
        ("x.pkpass", "application/vnd.apple.pkpass"),
        ("x.pmtiles", "application/vnd.pmtiles"),
        ("x.usdz", "model/vnd.usdz+zip"),
        ("x.mpd", "application/dash+xml"),
        ("x.m4s", "video/iso.segment"),
        ("x.parquet", "application/vnd.apache.parquet"),
        ("x.deb", "application/vnd.debian.binary-package"),
        ("x.bin", "application/octet-stream"),
    ],
)
def test_what_no_other_table_knows_has_its_type(name: str, expected: str) -> None:
    assert MediaTypes({}, "utf-8")(name) == expected


WISHED_FOR = (
    ".xpi .pkpass .mobileconfig .kml .kmz .crt .pem .der .3gp .wmv .flv .ps .eps .odg .rpm .heif "
    ".srt .aiff .m3u .mhtml .eml .rdf .mml .jnlp .dmg .msi .exe .iso .deb .step .stl .obj .ply "
    ".usdz .parquet .arrow .sqlite .ipynb .gpx .topojson .pbf .pmtiles .m4s .mpd .vtt".split()
)


@pytest.mark.parametrize("suffix", WISHED_FOR)
def test_files_that_sites_offer_have_a_type(suffix: str) -> None:
    assert MediaTypes({}, None)(f"x{suffix}") != "application/octet-stream"


BEFORE_THE_IMPORT = """
import mimetypes
mimetypes.init()
for suffix in (".js", ".css", ".html", ".wasm"):
    mimetypes.add_type("text/x-changed", suffix)
mimetypes.add_type("text/x-changed", ".unknownext")
from dualstatic import Request, StaticFiles
import sys
for live in (False, True):
    files = StaticFiles(sys.argv[1], live=live)
    for name in ("a.js", "a.css", "a.html", "a.wasm", "a.unknownext"):
        print(dict(files.answer(Request("GET", "/" + name)).headers)["content-type"])
"""


@rows("T365")
def test_the_types_of_the_host_are_never_read(
    serve: Callable[..., Client], tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["a.js", "a.css", "a.html", "a.wasm", "a.unknownext"]
    expected = [
        "text/javascript; charset=utf-8",
        "text/css; charset=utf-8",
        "text/html; charset=utf-8",
        "application/wasm",
        "application/octet-stream",
    ]
    root = tree(dict.fromkeys(names, b"x"))
    mimetypes.init()
    changed = {**mimetypes.types_map, **dict.fromkeys((".js", ".unknownext"), "text/x-changed")}
    monkeypatch.setattr(mimetypes, "types_map", changed)
    monkeypatch.setattr(mimetypes._db, "types_map", (changed, changed))
    assert mimetypes.guess_type("a.js")[0] == "text/x-changed"
    client = serve(root)
    assert [client.get(f"/{name}")["content-type"] for name in names] == expected

    command = [sys.executable, "-c", BEFORE_THE_IMPORT, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == expected * 2


@rows("T367")
def test_no_answer_may_be_sniffed(serve: Callable[..., Client], tree: Callable[..., Path]) -> None:
    root = tree({"t.txt": b"0123456789", "t.txt.gz": b"g", "sub/index.html": b"i"})
    client = serve(root, html=True)
    for path in ("/t.txt", "/sub/"):
        for fields in ({}, {"Accept-Encoding": "gzip"}, {"Range": "bytes=0-0"}):
            for answer in (client.get(path, fields), client.head(path, fields)):
                assert answer.status in (200, 206)
                assert answer["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("status", "method", "target", "fields"),
    [
        (200, "GET", "/t.txt", {}),
        (206, "GET", "/t.txt", {"Range": "bytes=0-1"}),
        (206, "GET", "/t.txt", {"Range": "bytes=0-1,90-91"}),
        (307, "GET", "/sub", {}),
        (404, "GET", "/nope", {}),
        (405, "POST", "/t.txt", {}),
        (412, "GET", "/t.txt", {"If-Match": '"x"'}),
        (416, "GET", "/t.txt", {"Range": "bytes=999-"}),
        (304, "GET", "/t.txt", {"If-None-Match": "*"}),
    ],
)
def test_every_answer_but_a_304_has_a_type(
    status: int,
    method: str,
    target: str,
    fields: dict[str, str],
    serve: Callable[..., Client],
    tree: Callable[..., Path],
) -> None:
    root = tree({"t.txt": b"t" * 999, "sub/index.html": b"i"})
    client = serve(root, html=True, app=False, headers={"X-A": "1"})
    for each in {method, "HEAD" if method == "GET" else method}:
        answer = client.ask(each, target, fields)
        assert each == "HEAD" or answer.status == status
        assert ("content-type" in answer) is (answer.status != 304)


@rows("T368")
@pytest.mark.parametrize(
    "immutable",
    [
        r"\.[0-9a-f]{8}\.\w+$",
        re.compile(r"^assets/.+\.[0-9a-f]{8}\.", re.IGNORECASE),
        lambda name: name == "assets/app.3f2a9c1b.js",
    ],
)
def test_a_name_with_a_hash_is_kept_for_ever(
    immutable: Any, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    names = ["assets/app.3f2a9c1b.js", "assets/app.js", "assets/app.3f2a9c1.js"]
    client = serve(tree(dict.fromkeys(names, b"0123456789")), prefix="/static", immutable=immutable)
    told = [client.get(f"/static/{name}")["cache-control"] for name in names]
    assert told == [ONE_YEAR, "no-cache", "no-cache"]
    tag = client.get(f"/static/{names[0]}")["etag"]
    for fields, status in (({"If-None-Match": tag}, 304), ({"Range": "bytes=0-1"}, 206)):
        answer = client.get(f"/static/{names[0]}", fields)
        assert (answer.status, answer["cache-control"]) == (status, ONE_YEAR)


@rows("T369")
def test_a_page_is_asked_for_again(serve: Callable[..., Client], tree: Callable[..., Path]) -> None:
    client = serve(tree({"index.html": b"home"}), html=True)
    for path in ("/", "/index.html"):
        assert client.get(path)["cache-control"] == "no-cache"


BROKEN = ["a\r\nSet-Cookie: x=1", "a\nb", "a\rb", "\n"]


@rows("T370")
@pytest.mark.parametrize("value", BROKEN)
def test_a_line_break_in_a_value_is_refused_at_once(
    value: str, mode: str, tree: Callable[..., Path]
) -> None:
    root, live = tree({"t.txt": b"t"}), mode == "live"
    for name in ("X-Extra", "Vary", "Cache-Control"):
        with pytest.raises(ValueError, match="headers"):
            StaticFiles(root, live=live, headers={name: value})
    with pytest.raises(ValueError, match="headers"):
        StaticFiles(root, live=live, headers={f"X-{value}": "1"})
    with pytest.raises(ValueError, match="cache_control"):
        StaticFiles(root, live=live, cache_control=value)
    with pytest.raises(ValueError, match="media_types"):
        StaticFiles(root, live=live, media_types={".txt": f"text/{value}"})
    with pytest.raises(ValueError, match="charset"):
        StaticFiles(root, live=live, charset=value)


@rows("T370")
@pytest.mark.parametrize("value", BROKEN)
def test_a_line_break_from_a_callable_never_gets_on_the_wire(
    value: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"t.txt": b"t"})
    client = serve(root, headers=lambda name: {"X-Extra": value})
    with pytest.raises(ValueError, match="headers"):
        client.get("/t.txt")
    client = serve(root, headers=lambda name: {f"X-{value}": "1"})
    with pytest.raises(ValueError, match="headers"):
        client.get("/t.txt")
    client = serve(root, cache_control=lambda name: value)
    with pytest.raises(ValueError, match="cache_control"):
        client.get("/t.txt")


@rows("T370")
def test_a_line_break_in_a_name_on_the_disk_is_no_line_of_an_answer(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({"a\r\nX-Evil: 1.txt": b"t"}))
    assert client.get("/a%0d%0aX-Evil:%201.txt").passed
