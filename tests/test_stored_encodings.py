"""Files that are stored compressed and asked for by their own name: `stored_encodings`."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dualstatic import StaticFiles
from tests.support.doors import Client
from tests.support.each import each

from .conftest import WITH_MEMORY

STORED = {".br": "br", ".gz": "gzip", ".pbf": "gzip", ".svgz": "gzip", ".tgz": "gzip"}
BYTES = gzip.compress(b"what is stored compressed " * 100)
TYPES = [
    ("game.wasm.br", "br", "application/wasm"),
    ("GAME.JS.BR", "br", "text/javascript; charset=utf-8"),
    ("tiles/1/2.pbf", "gzip", "application/x-protobuf"),
    ("tiles/1/style.json.PBF", "gzip", "application/json"),
    ("drawing.svgz", "gzip", "image/svg+xml"),
    ("site.tgz", "gzip", "application/x-tar"),
    ("site.tar.gz", "gzip", "application/x-tar"),
    ("data.gz", "gzip", "application/octet-stream"),
    ("LICENSE.gz", "gzip", "text/plain; charset=utf-8"),
    ("data.json.br", "br", "application/x-own"),
]
OWN = {"LICENSE": "text/plain", "data.json.br": "application/x-own"}


@pytest.fixture(params=WITH_MEMORY)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stored(serve: Callable[..., Client], tree: Callable[..., Path]) -> Callable[..., Client]:
    def stored(entries: dict[str, Any], codings: Any = STORED, **options: Any) -> Client:
        return serve(tree(entries), stored_encodings=codings, **options)

    return stored


@each(("name", "coding", "kind"), TYPES)
def test_a_stored_coding_is_told_with_the_type_of_what_is_in_it(
    name: str, coding: str, kind: str, stored: Callable[..., Client]
) -> None:
    client = stored({name: BYTES}, media_types=OWN)
    for accepted in ({}, {"Accept-Encoding": "zstd, identity"}, {"Accept-Encoding": coding}):
        for answer in (client.get(f"/{name}", accepted), client.head(f"/{name}", accepted)):
            assert answer.status == 200
            assert answer["content-encoding"] == coding
            assert answer["content-type"] == kind
            assert answer["content-length"] == str(len(BYTES))
            assert answer["etag"].endswith(f'-{coding}"')
            assert "vary" not in answer
        assert client.get(f"/{name}", accepted).body == BYTES


def test_conditions_and_ranges_go_by_the_stored_bytes(stored: Callable[..., Client]) -> None:
    client = stored({"2.pbf": BYTES})
    tag = client.get("/2.pbf")["etag"]
    part = client.get("/2.pbf", {"Range": "bytes=2-9", "If-Range": tag})
    assert (part.status, part.body, part["content-encoding"]) == (206, BYTES[2:10], "gzip")
    assert client.get("/2.pbf", {"If-None-Match": tag}).status == 304
    assert client.get("/2.pbf", {"If-Match": '"x"'}).status == 412


def test_a_file_that_is_stored_compressed_has_no_siblings(stored: Callable[..., Client]) -> None:
    names = ("2.pbf", "2.pbf.br", "2.pbf.gz", "2.pbf.zst")
    client = stored({name: BYTES[: 200 - 20 * i] for i, name in enumerate(names)})
    answer = client.get("/2.pbf", {"Accept-Encoding": "br, gzip, zstd"})
    assert (answer.body, answer["content-encoding"]) == (BYTES[:200], "gzip")
    assert "vary" not in answer


def test_a_sibling_is_still_one_of_its_file(stored: Callable[..., Client]) -> None:
    client = stored({"game.wasm": b"x" * 999, "game.wasm.br": BYTES[:50]})
    whole, coded = client.get("/game.wasm"), client.get("/game.wasm", {"Accept-Encoding": "br"})
    assert (whole["vary"], "content-encoding" in whole) == ("Accept-Encoding", False)
    assert (coded["vary"], coded["content-encoding"]) == ("Accept-Encoding", "br")
    own = client.get("/game.wasm.br")
    assert (own["content-encoding"], own["content-type"]) == ("br", "application/wasm")


@each("name", ["map.v1.pbf", "MAP.V1.PBF"])
def test_the_longest_suffix_wins(name: str, stored: Callable[..., Client]) -> None:
    client = stored({name: BYTES}, {".pbf": "gzip", ".v1.Pbf": "zstd", ".1.pbf": "br"})
    assert client.get(f"/{name}")["content-encoding"] == "zstd"


def test_of_the_type_the_users_word_is_the_last(stored: Callable[..., Client]) -> None:
    types = {".pbf": "application/vnd.mapbox-vector-tile", "a.svgz": "image/x-own", ".gz": "x/y"}
    client = stored({"2.pbf": BYTES, "a.svgz": BYTES, "b.gz": BYTES}, media_types=types)
    for name, kind in (("2.pbf", types[".pbf"]), ("a.svgz", "image/x-own"), ("b.gz", "x/y")):
        assert client.get(f"/{name}")["content-type"] == kind


@each("codings", [None, {}])
def test_off_these_are_files_like_others(codings: Any, stored: Callable[..., Client]) -> None:
    client = stored({name: BYTES for name, _, _ in TYPES}, codings)
    for name, _, _ in TYPES:
        assert "content-encoding" not in client.get(f"/{name}")
    assert client.get("/site.tar.gz")["content-type"] == "application/gzip"
    assert client.get("/drawing.svgz")["content-type"] == "application/octet-stream"


@each(
    "value",
    [
        5,
        ".br",
        [(".br", "br")],
        {"br": "br"},
        {".": "br"},
        {"": "br"},
        {".a/b": "br"},
        {5: "br"},
        {".br": "BR"},
        {".br": "deflate"},
        {".br": None},
        {".br": ["br"]},
        {".br": "br", ".BR": "gzip"},
    ],
)
def test_a_wrong_value_raises_with_the_name_of_the_option(
    value: Any, tree: Callable[..., Path]
) -> None:
    with pytest.raises((TypeError, ValueError), match="stored_encodings takes a mapping"):
        StaticFiles(tree({}), stored_encodings=value)
