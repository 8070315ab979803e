"""Files that strangers have written: they are seen, and can't act in the site's name."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from dualstatic import Request, StaticFiles
from dualstatic.views import FileOfView
from tests.support.doors import Client
from tests.support.each import each
from tests.support.trees import Link, settle, write_tree

SAVED = """
    a.html a.htm A.HTML a.shtml a.xhtml a.xht a.svg a.svgz a.xml a.xsl a.xslt a.rss a.atom a.rdf
    a.mml a.kml a.mht a.mhtml a.eml a.hta a.swf a.wasm a.zip a.exe a.jar a.bin a.unknown a
""".split()
SHOWN = """
    a.png a.jpg a.gif a.webp a.avif a.ico a.bmp a.mp4 a.webm a.mov a.mp3 a.wav a.ogg a.flac
    a.pdf a.txt a.csv a.json a.md a.vtt a.woff2
""".split()
AS_TEXT = "a.js a.mjs a.cjs A.JS a.css".split()


def fields_of(files: StaticFiles, name: str, **headers: str) -> dict[str, str]:
    answer = files.answer(Request("GET", f"/u/{name}", headers=headers))
    assert answer is not None, name
    with answer:
        return {"status": str(answer.status), **dict(answer.headers)}


def one(folder: Path, name: str, **options: Any) -> dict[str, str]:
    """The fields of one upload of such a name."""
    write_tree(folder, {name: "x"})
    return fields_of(StaticFiles.uploads(folder, prefix="/u", **options), name)


def test_an_upload_is_served_at_once_from_a_directory_made_later(door: str, tmp_path: Path):
    folder = tmp_path / "made/later"
    client = Client(StaticFiles.uploads(folder, prefix="/u"), door)
    assert client.get("/u/a.png").passed
    write_tree(folder, {"a.png": b"first"})
    assert client.get("/u/a.png").body == b"first"
    write_tree(folder, {"b.png": b"second"})
    (folder / "a.png").unlink()
    assert client.get("/u/a.png").passed
    part = client.get("/u/b.png", [("Range", "bytes=1-2")])
    assert (part.status, part.body) == (206, b"ec")
    assert part["content-security-policy"] == "sandbox"


def test_a_missing_directory_is_an_empty_one_after_a_refresh_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    files = StaticFiles.uploads(tmp_path / "none", prefix="/u")
    files.refresh()
    with caplog.at_level(logging.WARNING):
        assert files.answer(Request("GET", "/u/a.png")) is None
    miss = files.fallback(Request("GET", "/u/a.png"), has_app=False)
    assert miss is not None
    assert miss.status == 404
    assert caplog.records == []


@each("name", SAVED)
def test_what_a_browser_may_run_is_saved(tmp_path: Path, name: str):
    fields = one(tmp_path, name)
    assert fields["content-disposition"] == "attachment"
    assert fields["content-security-policy"] == "sandbox"
    assert fields["x-content-type-options"] == "nosniff"


@each("name", SHOWN)
def test_what_a_browser_only_shows_is_shown_in_place(tmp_path: Path, name: str):
    fields = one(tmp_path, name)
    assert "content-disposition" not in fields
    assert fields["x-content-type-options"] == "nosniff"
    assert fields.get("content-security-policy") == (None if name == "a.pdf" else "sandbox")


@each("name", AS_TEXT)
def test_scripts_and_style_sheets_are_text_that_no_page_can_load(tmp_path: Path, name: str):
    fields = one(tmp_path, name)
    assert fields["content-type"] == "text/plain; charset=utf-8"
    assert fields["x-content-type-options"] == "nosniff"
    assert fields["content-security-policy"] == "sandbox"


def test_web_assembly_is_bytes_like_any_other(tmp_path: Path):
    assert one(tmp_path, "a.wasm")["content-type"] == "application/octet-stream"


@each(
    ("kind", "sent", "saved"),
    [
        ("text/html", "text/html; charset=utf-8", True),
        ("Text/HTML ;x=y", "Text/HTML ;x=y; charset=utf-8", True),
        ("image/svg+xml", "image/svg+xml", True),
        ("IMAGE/SVG+XML", "IMAGE/SVG+XML", True),
        ("text/xsl", "text/xsl; charset=utf-8", True),
        ("multipart/x-mixed-replace", "multipart/x-mixed-replace", True),
        ("multipart/related", "multipart/related", True),
        ("application/x-mimearchive", "application/x-mimearchive", True),
        ("application/x-javascript", "text/plain", False),
        ("text/jscript", "text/plain; charset=utf-8", False),
        ("text/JavaScript1.5;a=b", "text/plain;a=b; charset=utf-8", False),
        ("text/css ;a=b", "text/plain;a=b; charset=utf-8", False),
        ("application/ecmascript", "text/plain", False),
        ("text/livescript", "text/plain; charset=utf-8", False),
        ("image/png", "image/png", False),
    ],
)
@each("option", ["media_types", "headers"])
def test_the_media_type_that_is_sent_decides(
    tmp_path: Path, option: str, kind: str, sent: str, saved: bool
):
    given = {".png": kind} if option == "media_types" else {"Content-Type": kind}
    fields = one(tmp_path, "a.png", **{option: given})
    assert fields["content-type"] == (
        sent if option == "media_types" else sent.removesuffix("; charset=utf-8")
    )
    assert ("content-disposition" in fields) == saved


def test_the_fields_that_make_it_safe_are_the_strongest(tmp_path: Path):
    theirs = {
        "Content-Security-Policy": "default-src *",
        "X-Content-Type-Options": "sniff",
        "Content-Disposition": "inline",
        "X-More": "more",
    }
    fields = one(tmp_path, "a.html", headers=theirs, cache_control="private")
    assert fields["content-security-policy"] == "sandbox"
    assert fields["x-content-type-options"] == "nosniff"
    assert fields["content-disposition"] == "attachment"
    assert fields["x-more"] == "more"
    assert fields["cache-control"] == "private"
    assert one(tmp_path, "a.png", headers=theirs)["content-disposition"] == "inline"


@each("name", ["a.pdf", "a.png", "a.html"])
@each("kind", ["text/html", "image/svg+xml"])
def test_a_view_that_names_another_media_type_lets_no_upload_act(
    tmp_path: Path, name: str, kind: str
):
    write_tree(tmp_path, {name: "x"})
    files, theirs = StaticFiles.uploads(tmp_path, prefix="/u"), {"Content-Type": kind}
    with FileOfView(files, name, headers=theirs).answer(Request("GET", "/")) as answer:  # type: ignore[union-attr]
        fields = dict(answer.headers)
    assert fields["content-type"] == kind
    assert fields["content-security-policy"] == "sandbox"
    assert fields["content-disposition"] == "attachment"


def test_the_name_to_save_a_file_under_may_be_given(tmp_path: Path):
    named = 'attachment; filename="report.html"'
    fields = one(tmp_path, "7c1e.html", headers=lambda name: {"Content-Disposition": named})
    assert fields["content-disposition"] == named


def test_no_file_answers_for_another(tmp_path: Path):
    write_tree(tmp_path, {"a.txt": "mine " * 99, "a.txt.gz": b"another's", "d/index.html": "x"})
    files = StaticFiles.uploads(tmp_path, prefix="/u")
    fields = fields_of(files, "a.txt", **{"accept-encoding": "gzip, br, zstd"})
    assert fields["content-length"] == str(5 * 99)
    assert "content-encoding" not in fields
    assert files.answer(Request("GET", "/u/d/")) is None


def test_no_link_and_no_dot_file_is_served(tmp_path: Path):
    write_tree(tmp_path, {"secret": "secret", "u/a": Link("../secret"), "u/.half": "half"})
    files = StaticFiles.uploads(tmp_path / "u", prefix="/u")
    assert files.answer(Request("GET", "/u/a")) is None
    assert files.answer(Request("GET", "/u/.half")) is None


@each(
    ("option", "value"),
    [
        ("html", True),
        ("clean_urls", True),
        ("not_found", "404-page"),
        ("live", False),
        ("encodings", ("gzip",)),
        ("check_dir", False),
        ("stored_encodings", {".gz": "gzip"}),
        ("packages", ["statics"]),
        ("memory", 0),
        ("offload", "X-Sendfile"),
        ("no_such_option", 1),
    ],
)
def test_an_option_that_does_not_fit_uploads_is_named(tmp_path: Path, option: str, value: Any):
    with pytest.raises(TypeError, match=f"^uploads takes .*cache_control.*, not {option}$"):
        StaticFiles.uploads(tmp_path, prefix="/u", **{option: value})


@each(
    ("option", "value", "error"),
    [("prefix", "//x", ValueError), ("prefix", None, TypeError), ("headers", 1, TypeError)],
)
def test_a_wrong_option_is_named(tmp_path: Path, option: str, value: Any, error: Any):
    with pytest.raises(error, match=f"^{option} takes"):
        StaticFiles.uploads(tmp_path, **{"prefix": "/u", option: value})


def test_uploads_need_a_prefix(tmp_path: Path):
    with pytest.raises(TypeError, match="prefix"):
        StaticFiles.uploads(tmp_path)  # type: ignore[call-arg]


def test_an_event_loop_finds_uploads_without_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    settle(monkeypatch)
    write_tree(tmp_path, {"a.png": "x"})
    files = StaticFiles.uploads(tmp_path, prefix="/u")
    request = Request("GET", "/u/a.png")
    fields_of(files, "a.png")
    with files.answer(request, wait=False) as answer:  # type: ignore[union-attr]
        assert answer.status == 200


def test_uploads_of_a_class_of_ones_own_are_of_that_class(tmp_path: Path):
    class Mine(StaticFiles):
        pass

    assert type(Mine.uploads(tmp_path, prefix="/u")) is Mine
