"""Addresses with a version of the content: asked for so, a file is kept by caches for good."""

from __future__ import annotations

import gc
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from dualstatic import StaticFiles
from dualstatic.core.values import Response
from tests.conftest import DOORS
from tests.support.doors import Client
from tests.support.each import each
from tests.support.steps import soon
from tests.support.trees import settle, write_tree

STYLE, OTHER = b"body { color: teal }\n" * 40, b"body { color: red }\n" * 40
FOREVER = "public, max-age=31536000, immutable"


def version_of(content: bytes) -> str:
    return f"v={hashlib.sha256(content).hexdigest()[:12]}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settle(monkeypatch)
    return write_tree(
        tmp_path / "public",
        {
            "app.css": STYLE,
            "app.css.gz": b"packed",
            "sub/größe 1.txt": "breit",
            "sub/index.html": "index",
            "about.html": "about",
            "empty.txt": "",
        },
    )


@pytest.fixture
def make(folder: Path, mode: str) -> Any:
    def make(**options: Any) -> StaticFiles:
        return StaticFiles(folder, prefix="/static", live=mode == "live", **options)

    return make


def caching(client: Client, target: str, fields: Any = (), method: str = "GET") -> str | None:
    """The Cache-Control that a target gets, each of three times: the long way, and from memory."""
    answers = [client.ask(method, target, fields) for _ in range(3)]
    assert not any(answer.passed for answer in answers)
    assert len({answer.get("cache-control") for answer in answers}) == 1
    return answers[0].get("cache-control")


def test_an_address_has_prefix_name_and_version(make: Any):
    files = make()
    assert files.url("app.css") == f"/static/app.css?{version_of(STYLE)}"
    assert files.url("/app.css") == files.url("app.css")
    assert files.url("sub/größe 1.txt") == (
        f"/static/sub/gr%C3%B6%C3%9Fe%201.txt?{version_of(b'breit')}"
    )
    assert files.url("empty.txt") == f"/static/empty.txt?{version_of(b'')}"


@each("door", DOORS)
def test_what_is_asked_for_by_its_version_is_immutable(make: Any, door: str):
    files = make()
    client, url = Client(files, door), files.url("app.css")
    assert caching(client, url) == FOREVER
    assert caching(client, url, method="HEAD") == FOREVER
    assert caching(client, url, [("Range", "bytes=0-3")]) == FOREVER
    assert caching(client, url, [("Accept-Encoding", "gzip")]) == FOREVER
    tag = client.get(url)["etag"]
    for fields in ([("If-None-Match", tag)], [("If-None-Match", f'{tag}, "x"')]):
        assert client.get(url, fields).status == 304
        assert caching(client, url, fields) == FOREVER
    assert caching(client, f"{url}&theme=dark") == FOREVER
    assert caching(client, url.replace("?", "?theme=dark&")) == FOREVER


@each("door", DOORS)
def test_the_body_and_the_other_fields_are_as_without_a_version(make: Any, door: str):
    files = make()
    client, url = Client(files, door), files.url("app.css")
    for fields in ([], [("Range", "bytes=0-3")], [("Accept-Encoding", "gzip")]):
        versioned, plain = client.get(url, fields), client.get("/static/app.css", fields)
        assert (versioned.status, versioned.body) == (plain.status, plain.body)
        assert dict(versioned.fields) == {**dict(plain.fields), "cache-control": FOREVER}


@each("door", DOORS)
@each(
    "query",
    [
        "",
        "?",
        "?v=",
        "?v=0123456789ab",
        "?v",
        "?x={version}",
        "?v={version}0",
        "?v={half}",
        "?V={v}",
    ],
)
def test_what_is_asked_for_otherwise_is_not(make: Any, door: str, query: str):
    files = make()
    client, version = Client(files, door), version_of(STYLE)
    text = query.format(version=version, half=version[2:8], v=version[2:])
    assert caching(client, f"/static/app.css{text}") == "no-cache"
    assert caching(client, files.url("app.css")) == FOREVER
    assert caching(client, f"/static/app.css{text}") == "no-cache"


@each("door", DOORS)
def test_an_error_has_no_cache_control_with_a_version_either(make: Any, door: str):
    files = make()
    client, url = Client(files, door), files.url("app.css")
    assert caching(client, url, [("Range", "bytes=9999-")]) is None
    assert caching(client, url, [("If-Match", '"x"')]) is None
    assert client.get(f"/static/none?{version_of(STYLE)}").passed


def test_a_changed_file_gets_another_address(make: Any, door: str, folder: Path, mode: str):
    files = make()
    client, old = Client(files, door), files.url("app.css")
    assert caching(client, old) == FOREVER
    write_tree(folder, {"app.css": OTHER})
    files.refresh()
    new = files.url("app.css")
    assert new == f"/static/app.css?{version_of(OTHER)}" != old
    assert caching(client, new) == FOREVER
    assert caching(client, old) == "no-cache"
    assert client.get(old).body == OTHER


@each("door", DOORS)
@each(
    ("options", "kept"),
    [
        ({"cache_control": "private"}, "private, max-age=31536000, immutable"),
        ({"cache_control": "no-store"}, "private, max-age=31536000, immutable"),
        ({"cache_control": None}, FOREVER),
        ({"cache_control": "public, max-age=60"}, FOREVER),
        ({"cache_control": lambda name: "private"}, "private, max-age=31536000, immutable"),
        ({"headers": {"Cache-Control": "max-age=9"}}, "max-age=9"),
        ({"immutable": "css"}, FOREVER),
    ],
)
def test_the_options_that_say_more_are_heard(
    make: Any, door: str, options: dict[str, Any], kept: str
):
    files = make(**options)
    assert caching(Client(files, door), files.url("app.css")) == kept


@each("door", DOORS)
def test_a_page_is_addressed_as_it_is_answered(make: Any, door: str):
    clean, html = make(clean_urls=True), make(html=True)
    assert clean.url("about.html") == clean.url("about") == f"/static/about?{version_of(b'about')}"
    assert html.url("sub/") == html.url("sub") == f"/static/sub/?{version_of(b'index')}"
    for files, name in ((clean, "about.html"), (html, "sub")):
        client = Client(files, door)
        assert client.get(files.url(name)).status == 200
        assert caching(client, files.url(name)) == FOREVER


@each("door", DOORS)
def test_a_file_that_is_stored_compressed_has_a_version(make: Any, door: str):
    files = make(stored_encodings={".gz": "gzip"}, encodings=())
    assert files.url("app.css.gz") == f"/static/app.css.gz?{version_of(b'packed')}"
    assert caching(Client(files, door), files.url("app.css.gz")) == FOREVER


@each("door", DOORS)
def test_what_has_no_hash_has_no_version(make: Any, door: str, folder: Path):
    with (folder / "film.mp4").open("wb") as film:
        film.truncate(2**26 + 1)
    os.utime(folder / "film.mp4", (1_704_164_645,) * 2)
    files = make()
    assert files.url("film.mp4") == "/static/film.mp4"
    client = Client(files, door)
    tag = client.head("/static/film.mp4")["etag"].strip('"')
    for version in ("", tag, tag[:12]):
        assert caching(client, f"/static/film.mp4?v={version}", method="HEAD") == "no-cache"


@each(
    ("name", "why"),
    [
        ("ap.css", "'/static/ap.css' is not in "),
        ("App.css", "'app.css' is, which is spelled otherwise"),
        ("static/app.css", "the prefix stands in the path twice"),
        ("sub", "is a directory"),
        ("", "is a directory"),
        ("../public/app.css", "has a '.' or '..' segment"),
        ("//app.css", "has two slashes in a row"),
        ("\0", "has a control character"),
        ("\ud800", "is refused"),
    ],
)
def test_the_name_of_no_file_is_an_error_that_says_why(make: Any, name: str, why: str):
    with pytest.raises(FileNotFoundError, match=f"^url takes the name of a file, .*{why}"):
        make().url(name)


@each("name", [None, 1, b"app.css", Path("app.css")])
def test_what_is_no_name_is_an_error_that_says_so(make: Any, name: Any):
    with pytest.raises(TypeError, match=r"^url takes"):
        make().url(name)


def test_a_missing_directory_is_an_error_that_names_it(tmp_path: Path):
    files = StaticFiles(tmp_path / "build", check_dir=False)
    with pytest.raises(NotADirectoryError, match="build"):
        files.url("app.css")
    write_tree(tmp_path / "build", {"app.css": STYLE})
    assert files.url("app.css") == f"/app.css?{version_of(STYLE)}"


def test_an_index_gives_the_address_without_the_disk_once_it_is_known(folder: Path):
    files = StaticFiles(folder)
    url = files.url("app.css")
    (folder / "app.css").unlink()
    assert files.url("app.css") == url


@pytest.mark.parametrize("headers", [None, {"Cache-Control": "max-age=9"}])
def test_what_leaves_the_memory_takes_its_versioned_answers_along(folder: Path, headers: Any):
    write_tree(folder, {"b.css": OTHER})
    files = StaticFiles(folder, encodings=(), memory=1000, headers=headers)
    client = Client(files, "asgi")
    urls = [files.url(name) for name in ("app.css", "b.css")]
    gc.collect()
    gc.disable()  # what goes, goes at once
    try:
        assert [client.get(url).body for url in [*urls, *urls]] == [STYLE, OTHER] * 2
        assert soon(lambda: (STYLE,) not in held())  # a thread that ends may have it yet
        assert (OTHER,) in held()
    finally:
        gc.enable()


def held() -> list[object]:
    return [each.body for each in gc.get_objects() if isinstance(each, Response)]
