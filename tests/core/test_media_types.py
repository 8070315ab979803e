"""Which suffix has which media type, beyond what the cases say (`tests/cases/types.py`)."""

from __future__ import annotations

import mimetypes
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import whitenoise.media_types

from dualstatic.core.media_types import MediaTypes
from tests.support.doors import Client
from tests.support.each import each

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


@each("suffix", sorted(theirs()))
def test_a_type_that_others_know_is_known_or_left_out_for_a_reason(suffix: str) -> None:
    ours = MediaTypes({}, None)(f"x{suffix}" if suffix.startswith(".") else suffix)
    known = ours != "application/octet-stream" or theirs()[suffix] == ours
    assert known is (suffix not in REASONS)


@each(
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


@each("suffix", WISHED_FOR)
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


@pytest.mark.rows("T365")
@pytest.mark.usefixtures("aging")
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
