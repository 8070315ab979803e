"""Deltas and their dictionaries (RFC 9842): who gets one, what offers itself, what is left out."""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from dualstatic import Request, StaticFiles
from dualstatic.core.deltas import DELTA_SUFFIXES, dictionary_of, use_as_dictionary
from dualstatic.core.fields import dictionary_hash
from dualstatic.core.replies import select
from dualstatic.core.values import Resource
from dualstatic.disk.find import close_all
from tests.support.doors import Answer, Client
from tests.support.each import each
from tests.support.trees import OLD, write_tree

from .conftest import WITH_MEMORY

pytestmark = pytest.mark.usefixtures("aging")

OLDER = random.Random(1).randbytes(4000)
NEW = OLDER[:3000] + b"something new" + OLDER[3000:]
STRANGER = random.Random(2).randbytes(4000)
NAME = "assets/app-Dk3jf93a.js"
PATH = f"/{NAME}"
CODINGS = "gzip, br, zstd, dcb, dcz"
VARY = "Accept-Encoding, Available-Dictionary"


@pytest.fixture(params=WITH_MEMORY)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def delta(new: bytes, old: bytes) -> bytes:
    dictionary = zstandard.ZstdCompressionDict(old, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    frame = zstandard.ZstdCompressor(level=19, dict_data=dictionary).compress(new)
    return b"\x5e\x2a\x4d\x18\x20\x00\x00\x00" + hashlib.sha256(old).digest() + frame


def available(dictionary: bytes) -> str:
    return f":{base64.b64encode(hashlib.sha256(dictionary).digest()).decode()}:"


DCZ = delta(NEW, OLDER)
DCB = b"\xff\x44\x43\x42" + hashlib.sha256(STRANGER).digest() + b"as brotli has it"
BR = b"b" * 2000
SIBLINGS = {f"{NAME}.1.dcz": DCZ, f"{NAME}.2.dcb": DCB, f"{NAME}.br": BR}
BODIES = {"dcz": DCZ, "dcb": DCB, "br": BR, "": NEW}


@pytest.fixture
def build(tree: Callable[..., Path]) -> Callable[..., Path]:
    def make(siblings: dict[str, bytes] = SIBLINGS) -> Path:
        return tree({NAME: NEW, "page.html": b"<p>page</p>" * 100, **siblings})

    return make


def files(root: Path, serve: Callable[..., Client], **options: Any) -> Client:
    return serve(root, **{"dictionaries": True, "immutable": r"-\w{8}\.", **options})


def asked(client: Client, encodings: str, dictionary: str | None, **more: str) -> Answer:
    fields = {"Accept-Encoding": encodings, **more}
    return client.get(PATH, fields | ({"Available-Dictionary": dictionary} if dictionary else {}))


@each(
    ("encodings", "dictionary", "coding"),
    [
        (CODINGS, available(OLDER), "dcz"),
        (CODINGS, available(STRANGER), "dcb"),
        ("dcz;q=0.1, br", available(OLDER), "dcz"),
        ("DCZ", f" {available(OLDER)} ", "dcz"),
        ("dcz", available(OLDER).replace("=", ""), "dcz"),
        (CODINGS, available(NEW), "br"),
        (CODINGS, None, "br"),
        ("gzip, br, dcb", available(OLDER), "br"),
        ("gzip, br", available(OLDER), "br"),
        ("dcz;q=0, br", available(OLDER), "br"),
        ("*", available(OLDER), "br"),
        ("dcz;q=0, *", available(OLDER), "br"),
        ("gzip", available(OLDER), ""),
        ("dcz", available(NEW), ""),
        ("", available(OLDER), ""),
        (CODINGS, available(OLDER)[1:-1], "br"),
        (CODINGS, available(OLDER) + ";a=1", "br"),
        (CODINGS, f"{available(OLDER)}, {available(OLDER)}", "br"),
        (CODINGS, ":AAAA:", "br"),
        (CODINGS, "::", "br"),
        (CODINGS, f'"{available(OLDER)}"', "br"),
        (CODINGS, available(OLDER).replace("=", "=="), "br"),
        (CODINGS, ":" + "A" * 65536 + ":", "br"),
    ],
)
def test_a_delta_goes_to_who_has_its_dictionary_and_names_its_coding(
    build: Callable[..., Path],
    serve: Callable[..., Client],
    encodings: str,
    dictionary: str | None,
    coding: str,
) -> None:
    client = files(build(), serve)
    for _ in range(2):  # the second time it may be picked from memory
        answer = asked(client, encodings, dictionary)
        assert (answer.status, answer.get("content-encoding") or "") == (200, coding)
        assert answer.body == BODIES[coding]
        assert answer["content-length"] == str(len(BODIES[coding]))
        assert answer["vary"] == VARY
        assert answer["use-as-dictionary"] == 'match="app-*.js"'


def test_a_delta_has_conditions_ranges_and_a_tag_of_its_own(
    build: Callable[..., Path], serve: Callable[..., Client]
) -> None:
    client = files(build(), serve)
    has = available(OLDER)
    tags = {asked(client, CODINGS, each)["etag"] for each in (has, available(STRANGER), None)}
    tag = asked(client, CODINGS, has)["etag"]
    assert len(tags) == 3
    assert tag.endswith('-dcz"')
    not_modified = asked(client, CODINGS, has, **{"If-None-Match": tag})
    assert (not_modified.status, not_modified["vary"]) == (304, VARY)
    assert asked(client, CODINGS, None, **{"If-None-Match": tag}).status == 200
    part = asked(client, CODINGS, has, Range="bytes=40-43")
    assert (part.status, part.body) == (206, b"\x28\xb5\x2f\xfd")
    assert (part["content-range"], part["vary"]) == (f"bytes 40-43/{len(DCZ)}", VARY)
    assert "use-as-dictionary" not in part
    unmet = asked(client, CODINGS, has, Range="bytes=9999-")
    assert (unmet.status, unmet["vary"]) == (416, VARY)
    assert asked(client, CODINGS, has, **{"If-Match": '"x"'}).status == 412
    head = client.head(PATH, {"Accept-Encoding": CODINGS, "Available-Dictionary": has})
    assert (head["content-length"], head["content-encoding"]) == (str(len(DCZ)), "dcz")


def test_what_is_not_asked_for_costs_nothing(
    build: Callable[..., Path], serve: Callable[..., Client]
) -> None:
    """Without the option, the answer is that of a tree without deltas."""
    root = build()
    before = asked(serve(root, immutable=r"-\w{8}\."), CODINGS, available(OLDER))
    assert (before["content-encoding"], before["vary"]) == ("br", "Accept-Encoding")
    assert "use-as-dictionary" not in before
    page = files(root, serve).get("/page.html", {"Available-Dictionary": available(OLDER)})
    assert "vary" not in page
    assert "use-as-dictionary" not in page  # it is not immutable


def test_only_a_file_at_its_own_address_offers_itself(
    build: Callable[..., Path], serve: Callable[..., Client]
) -> None:
    """A view's address is another, and a delta asked for by its name changes with each release."""
    client = files(build(), serve)
    assert "use-as-dictionary" in client.head(PATH)
    for name in (f"{PATH}.1.dcz", f"{PATH}.2.dcb"):
        answer = client.get(name)
        assert (answer.status, answer["cache-control"]) == (200, "no-cache")
        assert "use-as-dictionary" not in answer
    request = Request("GET", PATH)
    of_view = client.files.site.answer_with_file(request, lambda: (("x-a", "b"),), wait=True)
    assert of_view
    of_view.close()
    assert "use-as-dictionary" not in dict(of_view.headers)


def test_what_another_server_sends_has_no_deltas_and_offers_nothing(
    build: Callable[..., Path], serve: Callable[..., Client]
) -> None:
    answer = asked(files(build(), serve, offload="X-Sendfile"), CODINGS, available(OLDER))
    assert "x-sendfile" in answer
    assert "use-as-dictionary" not in answer
    assert "vary" not in answer


@each(
    ("name", "match"),
    [
        ("app-Dk3jf93a.js", "app-*.js"),
        ("a/b/app-Dk3jf93a.js", "app-*.js"),
        ("base.d41d8cd98f00.css", "base.*.css"),
        ("main.3f2a1bcd.chunk.js", "main.*.chunk.js"),
        ("a(1)*+-Dk3jf93a.js", r"a\\(1\\)\\*\\+-*.js"),
        ("a{b}:c?[d]\\-Dk3jf93a.js", "a%7Bb%7D*c%3F%5Bd%5D%5C-*.js"),
        ("\u00fc \"'%-Dk3jf93a.js", "%C3%BC%20%22'%25-*.js"),
        ("app.js", None),
    ],
)
def test_a_name_offers_itself_for_all_names_that_differ_in_the_hash(
    name: str, match: str | None
) -> None:
    assert use_as_dictionary(name) == (match and f'match="{match}"')


LEFT_OUT = {
    "another magic number": b"\x00" * 8 + DCZ[8:],
    "no header": DCZ[:30],
    "a header alone": DCZ[:40],
    "no frame": DCZ[:40] + b"no frame of zstd",
    "cut in a block": DCZ[:-7],
    "something after it": DCZ + b"more",
    "of another file": delta(NEW + b"more", OLDER),
    "too large a window": DCZ[:44] + b"\x00\xff" + DCZ[46:],
}


@pytest.mark.parametrize("broken", LEFT_OUT.values(), ids=[*LEFT_OUT])
def test_a_delta_that_cannot_be_one_of_its_file_is_left_out_and_named(
    broken: bytes,
    build: Callable[..., Path],
    serve: Callable[..., Client],
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = files(build({f"{NAME}.1.dcz": broken}), serve)
    answer = asked(client, CODINGS, available(OLDER))
    assert (answer.status, answer.body, "vary" in answer) == (200, NEW, False)
    messages = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert [each for each in messages if f"{NAME}.1.dcz" in each]


@each(("plain", "suffix", "cut"), [(b"", ".1.dcz", DCZ[:40]), (NEW, ".1.dcb", DCB[:30])])
def test_a_delta_without_a_frame_or_a_hash_is_left_out_of_any_file(
    plain: bytes, suffix: str, cut: bytes, tree: Callable[..., Path], serve: Callable[..., Client]
) -> None:
    answer = asked(files(tree({NAME: plain, NAME + suffix: cut}), serve), CODINGS, available(OLDER))
    assert (answer.status, answer.body, "vary" in answer) == (200, plain, False)


@pytest.mark.parametrize(("window", "coding"), [(b"\x88", "dcz"), (b"\x89", "br")])
def test_a_delta_has_a_window_of_128_mib_at_most(
    window: bytes, coding: str, build: Callable[..., Path], serve: Callable[..., Client]
) -> None:
    """RFC 9842 section 5; the frame has one block, which is not compressed."""
    block = (1000 << 3 | 1).to_bytes(3, "little") + bytes(1000)
    made = DCZ[:44] + b"\x00" + window + block
    client = files(build(SIBLINGS | {f"{NAME}.1.dcz": made}), serve)
    assert asked(client, CODINGS, available(OLDER))["content-encoding"] == coding


ONE_BYTE = (1000 << 3 | 3).to_bytes(3, "little") + b"a"


@each("frame", [b"\x00\x88" + ONE_BYTE, b"\x04\x88" + ONE_BYTE + b"sum."])
def test_a_delta_may_have_a_block_of_one_byte_and_a_checksum(
    frame: bytes, build: Callable[..., Path], serve: Callable[..., Client]
) -> None:
    client = files(build(SIBLINGS | {f"{NAME}.1.dcz": DCZ[:44] + frame}), serve)
    assert asked(client, CODINGS, available(OLDER))["content-encoding"] == "dcz"


def test_a_delta_older_than_its_file_is_left_out(
    build: Callable[..., Path], serve: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    root = build()
    os.utime(root / f"{NAME}.1.dcz", (OLD - 100, OLD - 100))
    assert asked(files(root, serve), CODINGS, available(OLDER))["content-encoding"] == "br"
    assert "left out, older than its file" in caplog.text


@each("suffix", DELTA_SUFFIXES)
def test_every_suffix_of_a_delta_is_looked_for(
    suffix: str, build: Callable[..., Path], serve: Callable[..., Client]
) -> None:
    coding = suffix[-3:]
    client = files(build({NAME + suffix: BODIES[coding]}), serve)
    dictionary = available(OLDER if coding == "dcz" else STRANGER)
    assert asked(client, CODINGS, dictionary)["content-encoding"] == coding


@each("space", [" ", "\t", " \t "])
def test_whitespace_around_a_hash_is_no_part_of_it(
    space: str, build: Callable[..., Path], serve: Callable[..., Client]
) -> None:
    """RFC 9110 section 5.5. What is asked again is answered by a shorter way."""
    client = files(build(), serve)
    for _ in range(3):
        answer = asked(client, CODINGS, f"{space}{available(OLDER)}{space}")
        assert answer["content-encoding"] == "dcz"


@given(st.text())
@example(available(OLDER))
def test_a_text_is_the_hash_of_a_dictionary_or_none(text: str) -> None:
    found = dictionary_hash(text)
    assert found is None or len(found) == 32


HASHES = st.sampled_from([OLDER, STRANGER, NEW]).map(available)
DICTIONARIES = (
    st.text(max_size=60) | HASHES | st.from_regex(r":[A-Za-z0-9+/]{43}=?:", fullmatch=True)
)
ACCEPTED = st.text(max_size=60) | st.lists(
    st.builds(
        "{}{}".format,
        st.sampled_from(["dcz", "dcb", "br", "*", "gzip", "DCZ"]),
        st.sampled_from(["", ";q=0", ";q=0.5", ";x"]),
    )
).map(", ".join)


@pytest.fixture(scope="module")
def resource(tmp_path_factory: pytest.TempPathFactory) -> Resource:
    root = write_tree(tmp_path_factory.mktemp("select"), {NAME: NEW, **SIBLINGS})
    files = StaticFiles(root, dictionaries=True, live=True)
    found = files.site.look_up.find(PATH, wait=True)
    assert found
    resource, descriptors = found
    close_all(descriptors)
    assert len(resource.deltas) == 2
    return resource


@given(ACCEPTED, st.none() | DICTIONARIES)
@example("dcz", available(OLDER))
@example("dcz, dcb", available(STRANGER))
def test_nobody_gets_a_delta_of_another_file(
    resource: Resource, accepted: str, dictionary: str | None
) -> None:
    for _ in range(2):  # the second time it may be remembered
        chosen = select(resource, accepted, dictionary).file
        if chosen.dictionary:
            assert base64.b64encode(chosen.dictionary).decode().rstrip("=") in (dictionary or "")
            assert chosen.coding in accepted.lower()


@given(st.binary(max_size=60), st.integers(0, 100))
def test_any_bytes_are_a_whole_delta_or_not(content: bytes, plain: int) -> None:
    """Of what follows a right head, too, reading ends."""
    for start in (b"", DCZ[:40], DCZ[:46]):
        whole = start + content

        def read(count: int, position: int, whole: bytes = whole) -> bytes:
            return whole[position : position + count]

        for coding in ("dcz", "dcb"):
            found = dictionary_of(coding, read, len(whole), plain)
            assert found is None or len(found) == 32


# Files of earlier releases.


@pytest.fixture
def releases(tmp_path: Path) -> tuple[Path, Path]:
    dist = {"app-AAAAAAA2.js": b"now", "page.html": b"page", "both-AAAAAAA1.js": b"of the release"}
    store = {
        "app-AAAAAAA1.js": b"before",
        "app-AAAAAAA1.js.gz": b"gz",
        "app-AAAAAAA1.js.1.dcz": b"dcz",
        "both-AAAAAAA1.js": b"of the store",
        "withdrawn.html": b"gone",
        "plain.js": b"plain",
        ".dualstatic-keep.json": b"{}",
    }
    return write_tree(tmp_path / "dist", dist), write_tree(tmp_path / "store", store)


def test_an_earlier_file_is_answered_last_and_by_an_immutable_name_only(
    releases: tuple[Path, Path], serve: Callable[..., Client]
) -> None:
    dist, store = releases
    client = serve(dist, immutable=r"-\w{8}\.js$", previous=store)
    got = {path: client.get(path) for path in ("/app-AAAAAAA1.js", "/both-AAAAAAA1.js")}
    assert [each.body for each in got.values()] == [b"before", b"of the release"]
    assert all("immutable" in each["cache-control"] for each in got.values())
    zipped = client.get("/app-AAAAAAA1.js", {"Accept-Encoding": "gzip"})
    assert (zipped["content-encoding"], zipped.body) == ("gzip", b"gz")
    for path in ("/withdrawn.html", "/plain.js", "/app-AAAAAAA1.js.gz", "/.dualstatic-keep.json"):
        assert client.get(path).passed, path


def test_an_earlier_delta_is_none_of_the_names(
    releases: tuple[Path, Path], serve: Callable[..., Client]
) -> None:
    client = serve(releases[0], immutable=r"-\w{8}\.", previous=releases[1])
    assert client.get("/app-AAAAAAA1.js").status == 200
    assert client.get("/app-AAAAAAA1.js.1.dcz").passed


def test_of_a_manifest_an_earlier_file_needs_a_name_with_a_hash(
    releases: tuple[Path, Path], serve: Callable[..., Client]
) -> None:
    from dualstatic import manifests

    dist, store = releases
    manifest = dist / "manifest.json"
    manifest.write_text('{"app.js": {"file": "app-AAAAAAA2.js", "src": "app.js"}}')
    client = serve(dist, immutable=manifests.vite(manifest), previous=store)
    earlier = client.get("/app-AAAAAAA1.js")
    assert earlier.body == b"before"
    assert "immutable" in earlier["cache-control"]
    for path in ("/withdrawn.html", "/plain.js"):
        assert client.get(path).passed, path


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"previous": 1, "immutable": "x"}, TypeError, "previous takes the path of a directory"),
        ({"previous": "", "immutable": "x"}, ValueError, "previous takes a path"),
        ({"previous": "."}, ValueError, "previous needs immutable"),
        ({"previous": "/no/such", "immutable": "x"}, RuntimeError, "previous: '/no/such' does not"),
        ({"dictionaries": 1}, TypeError, "dictionaries takes True or False"),
        (
            {"previous": ".", "immutable": "x", "offload": "X-Accel-Redirect: /x"},
            ValueError,
            "no packages or previous",
        ),
    ],
)
def test_a_wrong_option_is_refused(
    options: dict[str, Any], error: type[Exception], said: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=said):
        StaticFiles(tmp_path, **options)
