"""What holds for every request, tried on many."""

from __future__ import annotations

import email
from collections.abc import Iterable, Iterator
from email import policy
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dualstatic import Request, StaticFiles
from dualstatic.core import fields, paths
from tests.support.doors import Client
from tests.support.trees import LAST_MODIFIED, Link, write_tree

TEN = b"0123456789"
BIG = bytes(range(256)) * 256
TREE = {
    "t.txt": TEN,
    "big.bin": BIG,
    "empty.txt": b"",
    "index.html": "<h1>root",
    "404.html": "<h1>none",
    "404.html.gz": "zip",
    "sub/index.html": "<h1>sub",
    "sub/a.txt": "a",
    "sub/404.html": "<h1>none here",
    "noindex/x.css": "x{}",
    "app.js": "x" * 1000,
    "app.js.gz": "y" * 53,
    "app.js.br": "y" * 47,
    "app.js.zst": "y" * 47,
    "only.js.gz": "z",
    "ü b.txt": "u",
    "100%.txt": "%",
    ".hidden": "h",
    ".well-known/x": "w",
    "..data/c.txt": "c",
    "link.txt": Link("sub/a.txt"),
    "linked": Link("sub"),
    "self": Link("."),
    "config": Link("..data"),
    "out": Link("../outside"),
}

MANY = settings.default.max_examples
relaxed = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("properties")
    write_tree(base / "outside", {"secret.txt": "SECRET"})
    return write_tree(base / "www", TREE)


MODES = ({"live": True}, {"memory": 0}, {"memory": 2**26})


@cache
def files_of(site: Path, mode: int, prefix: str) -> StaticFiles:
    return StaticFiles(
        site,
        html=True,
        **MODES[mode],
        prefix=prefix,
        headers=lambda name: {"X-Name": name.encode("ascii", "replace").decode()},
    )


segments = st.sampled_from(
    "t.txt big.bin empty.txt index.html sub a.txt noindex x.css app.js app.js.gz only.js link.txt "
    "linked self config c.txt out secret.txt .hidden .well-known x .. . %2e%2e %2f %5c %00 %ff "
    "%C3%BC%20b.txt 100%25.txt 100%.txt %EF%BF%BD static nope ..data 404.html ;a=1".split(" ")
) | st.text(st.characters(max_codepoint=0xFF, exclude_characters="? "), max_size=8)
targets = st.builds(
    lambda parts, slash, query: ("/" + "/".join(parts) + slash + query).encode("latin-1"),
    st.lists(segments, max_size=5),
    st.sampled_from(["", "", "/"]),
    st.sampled_from(["", "", "?a=1&b=%2F", "?"]),
)
tags = st.sampled_from(['"84d89877f0d4041efb6bf91a16f0248f"', '"x"', "*", "", "x", '"a", "b"'])
dates = st.sampled_from([LAST_MODIFIED, "Mon, 01 Jan 2024 00:00:00 GMT", "x", ""])
numbers = st.integers(0, 70000).map(str) | st.sampled_from(["", "x", "9" * 30])
ranges = st.lists(st.builds("{}-{}".format, numbers, numbers), max_size=4).map(",".join)
weights = st.sampled_from(["", ";q=0", ";q=0.5", ";q=1", "; Q=0.001", ";q=2"])
codings = st.sampled_from(["gzip", "br", "zstd", "identity", "*", "x-gzip", "deflate"])
header_fields = st.fixed_dictionaries(
    {},
    optional={
        "If-Match": tags,
        "If-None-Match": tags,
        "If-Modified-Since": dates,
        "If-Unmodified-Since": dates,
        "If-Range": tags | dates,
        "Range": ranges.map("bytes={}".format) | st.just("items=0-1"),
        "Accept-Encoding": st.lists(st.builds("{}{}".format, codings, weights)).map(", ".join),
    },
)
methods = st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "get"])


@given(methods, targets, header_fields, st.booleans(), st.booleans(), st.booleans())
@settings(relaxed, max_examples=3 * MANY)
def test_doors_and_modes_give_the_same_answer(
    site: Path, method: str, target: bytes, lines: dict[str, str], app: bool, raw: bool, deep: bool
) -> None:
    answers = {}
    for door in ("wsgi", "asgi"):
        for mode in range(len(MODES)):
            files = files_of(site, mode, "/static" if deep else "/")
            at = b"/static" + target if deep else target
            answer = Client(files, door, app, raw=raw).ask(method, at, lines)
            assert b"SECRET" not in answer.body
            assert answer.status < 500
            answers[door, mode] = "the app" if answer.passed else answer
    assert len(set(map(repr, answers.values()))) == 1, answers


def response_of(
    site: Path, name: str, lines: dict[str, str], mode: int
) -> tuple[int, dict[str, str], bytes]:
    files = files_of(site, mode, "/")
    response = files.answer(Request("GET", f"/{name}", headers=lines))
    assert response is not None
    body = b"".join(response)
    assert len({name for name, _ in response.headers}) == len(response.headers)
    return response.status, dict(response.headers), body


modes = st.integers(0, len(MODES) - 1)
pairs_of_positions = st.tuples(st.integers(0, 66000), st.integers(0, 66000))


@given(st.lists(pairs_of_positions, min_size=1, max_size=8), modes)
@relaxed
def test_a_set_of_ranges_has_the_promised_length_and_the_right_bytes(
    site: Path, pairs: list[tuple[int, int]], mode: int
) -> None:
    wanted = [(min(pair), max(pair)) for pair in pairs]
    value = ",".join(f"{first}-{last}" for first, last in wanted)
    status, headers, body = response_of(site, "big.bin", {"range": f"bytes={value}"}, mode)
    if status == 416:
        assert all(first >= len(BIG) for first, _ in wanted)
        return
    assert headers["content-length"] == str(len(body))
    parts = dict(parts_of(status, headers, body))
    assert all(BIG[start : start + len(part)] == part for start, part in parts.items())
    sent = marked((start, start + len(part)) for start, part in parts.items())
    assert sum(sent) == sum(map(len, parts.values()))
    assert sent == marked((first, last + 1) for first, last in wanted) or status == 200
    assert len(body) <= len(BIG)


def marked(spans: Iterable[tuple[int, int]]) -> bytearray:
    """A byte for each of the file's, which is 1 where a span has it."""
    marks = bytearray(len(BIG))
    for start, stop in spans:
        marks[start:stop] = b"\1" * len(BIG[start:stop])
    return marks


def parts_of(status: int, headers: dict[str, str], body: bytes) -> Iterator[tuple[int, bytes]]:
    """The first position and the bytes of each part, whatever the answer's form."""
    if status == 200:
        yield 0, body
    elif "content-range" in headers:
        yield first_position(headers["content-range"]), body
    else:
        head = f"Content-Type: {headers['content-type']}\r\n\r\n".encode()
        message = email.message_from_bytes(head + body, policy=policy.HTTP)
        for part in message.iter_parts():
            content = part.get_content()
            yield first_position(str(part["content-range"])), content


def first_position(content_range: str) -> int:
    return int(content_range.removeprefix("bytes ").partition("-")[0])


@given(st.lists(st.integers(1, len(BIG) - 1), unique=True).map(sorted), modes)
@relaxed
def test_ranges_put_together_are_the_file(site: Path, cuts: list[int], mode: int) -> None:
    whole = b""
    for start, stop in zip([0, *cuts], [*cuts, len(BIG)], strict=True):
        lines = {"range": f"bytes={start}-{stop - 1}"}
        status, headers, body = response_of(site, "big.bin", lines, mode)
        assert status == 206
        assert headers["content-range"] == f"bytes {start}-{stop - 1}/{len(BIG)}"
        whole += body
    assert whole == BIG


any_text = st.text(st.characters(max_codepoint=0xFF)) | st.text()
near_text = st.text('"W/*, \t;=qQ.01-bytes:aGMT29x+_\xff\xb2')


@given(any_text | near_text)
@settings(relaxed, max_examples=5 * MANY)
def test_no_text_of_a_field_raises(text: str) -> None:
    fields.entity_tags(text)
    fields.entity_tag(text)
    fields.http_date(text, 1.7e9)
    fields.byte_ranges(text, 10)
    fields.byte_ranges(f"bytes={text}", 10)
    fields.accepted_codings(text)
    fields.names_html(text)
    fields.names_html(f"text/html;{text}")


@given(st.text() | st.text("/.%\\\0\ud800a~ :"), st.booleans(), st.booleans())
@settings(relaxed, max_examples=5 * MANY)
def test_no_path_raises_and_no_name_leads_up(path: str, dotfiles: bool, windows: bool) -> None:
    name = paths.Gate("", dotfiles, windows)(f"/{path}")
    if name is not None:
        assert name == path
        assert not {"", ".", ".."} & set(name.split("/"))
        assert name.isprintable() or not any(c < " " for c in name)
        name.encode()
    paths.admits(path.encode("utf-8", "replace"), path)
    if "\ud800" not in path:
        location = paths.relative_location(f"/x/{path}", f"/x/{path}/", "")
        assert location.isascii()
        assert location.startswith("./")


@given(st.binary())
@relaxed
def test_no_target_raises(raw: bytes) -> None:
    paths.admits(raw, "/")
    location = paths.relative_location("/x", "/x/", raw.decode("latin-1"))
    assert location.isascii()
    assert location.isprintable()
