"""Group E: precompressed siblings, Vary, and a tag for each coding."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dualstatic import StaticFiles
from tests.conftest import WITH_MEMORY
from tests.support.children import give_up_rights, in_child
from tests.support.doors import Answer, Client, Everywhere
from tests.support.rows import PASS, Case, check, filled, rows, table
from tests.support.steps import public_directory
from tests.support.trees import OLD, Link, write_tree
from tests.test_dictionaries import (
    BODIES,
    CODINGS,
    DCZ,
    NAME,
    NEW,
    OLDER,
    PATH,
    SIBLINGS,
    STRANGER,
    VARY,
    available,
)

pytestmark = pytest.mark.usefixtures("aging")


@pytest.fixture(params=WITH_MEMORY)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


BYTES = {"": noise(400), "gzip": noise(53), "br": noise(47), "zstd": noise(50)}
SUFFIXES = {"gzip": ".gz", "br": ".br", "zstd": ".zst"}
APP = {"app.js": BYTES[""], **{f"app.js{SUFFIXES[c]}": BYTES[c] for c in SUFFIXES}}
PLAIN = {"t.txt": b"0123456789", "hello": b"hello", "gzonly.js.gz": BYTES["gzip"]}
JAVASCRIPT = "text/javascript; charset=utf-8"


def coding_of(answer: Answer) -> str:
    """The coding of a 200 for /app.js, every field and byte of it being right for that coding."""
    coding = answer.get("content-encoding") or ""
    assert answer.status == 200
    assert answer.body == BYTES[coding]
    assert answer["content-length"] == str(len(BYTES[coding]))
    assert answer["content-type"] == JAVASCRIPT
    assert answer["vary"].lower() == "accept-encoding"
    return coding


@rows(
    *(f"E{number}" for number in range(303, 332) if number != 320),
    "E348",
)
@pytest.mark.parametrize(
    ("lines", "allowed"),
    [
        pytest.param((), {""}, id="E303"),
        pytest.param(("",), {""}, id="E304"),
        pytest.param(("gzip",), {"gzip"}, id="E305"),
        pytest.param(("br",), {"br"}, id="E306"),
        pytest.param(("zstd",), {"zstd"}, id="E307"),
        pytest.param(("gzip, deflate, br, zstd",), {"br"}, id="E308"),
        pytest.param(("gzip, deflate, zstd",), {"zstd"}, id="E308-without-br"),
        pytest.param(("br;q=0.5, gzip;q=0.8",), {"gzip"}, id="E309"),
        pytest.param(("br;q=1.0, gzip;q=0.8",), {"br"}, id="E310"),
        pytest.param(("gzip;q=0",), {""}, id="E311"),
        pytest.param(("gzip;q=0.000",), {""}, id="E312"),
        pytest.param(("gzip;q=0, br",), {"br"}, id="E313"),
        pytest.param(("br;q=0, gzip",), {"gzip"}, id="E314"),
        pytest.param(("*",), {"", "br", "gzip", "zstd"}, id="E315"),
        pytest.param(("gzip;q=0, *",), {"", "br", "zstd"}, id="E316"),
        pytest.param(("*;q=0",), {""}, id="E317"),
        pytest.param(("identity;q=0",), {""}, id="E318"),
        pytest.param(("identity;q=0, gzip",), {"gzip"}, id="E319"),
        pytest.param(("identity;q=1, gzip;q=0.5",), {""}, id="E321"),
        pytest.param(("gzip;q=1.001",), {""}, id="E322-1.001"),
        pytest.param(("gzip;q=2",), {""}, id="E322-2"),
        pytest.param(("gzip;q=abc",), {""}, id="E322-abc"),
        pytest.param(("gzip;q=",), {""}, id="E322-none"),
        pytest.param(("gzip;q=-1",), {""}, id="E322-negative"),
        pytest.param(("gzip;q=2, br;q=0.1",), {"br"}, id="E322-valid-beside"),
        pytest.param(("gzip;q=0.0001",), {"", "gzip"}, id="E323"),
        pytest.param(("gzip;q=nan",), {""}, id="E324-nan"),
        pytest.param(("gzip;q=inf",), {""}, id="E324-inf"),
        pytest.param(("gzip;q=1e-9",), {""}, id="E324-exponent"),
        pytest.param(("gzip;q=0.5;x=1",), {"", "gzip"}, id="E325-after-q"),
        pytest.param(("gzip;level=9",), {"", "gzip"}, id="E325-parameter"),
        pytest.param(("GZIP",), {"gzip"}, id="E326"),
        pytest.param(("x-gzip",), {"gzip"}, id="E327"),
        pytest.param(("X-GZip;q=0.4",), {"gzip"}, id="E327-case"),
        pytest.param(("gzip ; q=0.5",), {"gzip"}, id="E328-spaces"),
        pytest.param(("gzip\t;\tq=0",), {""}, id="E328-tabs"),
        pytest.param(("gzip;Q=0.5",), {"gzip"}, id="E328-case"),
        pytest.param(("gzip;Q=0",), {""}, id="E328-case-zero"),
        *[
            pytest.param((word,), {""}, id=f"E329-{word}")
            for word in ("xgzip", "gzipped", "gzip2", "notgzip", "brotli", "abr", "x-br", "x-zstd")
        ],
        pytest.param(("gzip;q=0", "br"), {"br"}, id="E330"),
        pytest.param(("br", "gzip"), {"br"}, id="E331"),
    ],
)
def test_the_coding_that_the_client_likes_best(
    lines: tuple[str, ...],
    allowed: set[str],
    everywhere: Callable[..., Everywhere],
    tree: Callable[..., Path],
) -> None:
    client = everywhere(tree(APP))
    fields = [("Accept-Encoding", line) for line in lines]
    assert coding_of(client.get("/app.js", fields)) in allowed
    head, full = client.head("/app.js", fields), client.get("/app.js", fields)
    assert (head.status, head.fields) == (full.status, full.fields)


@rows("E315", "E321")
@pytest.mark.parametrize(
    ("line", "coding"),
    [
        ("gzip;q=0.5, *", ""),
        ("gzip, *;q=0.5", "gzip"),
        ("*;q=0.5", "gzip"),
        ("*;q=0, gzip", "gzip"),
    ],
)
def test_an_asterisk_stands_for_identity_too(
    line: str, coding: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({"app.js": BYTES[""], "app.js.gz": BYTES["gzip"]}))
    assert coding_of(client.get("/app.js", {"Accept-Encoding": line})) == coding


@rows("E308")
@pytest.mark.parametrize("smallest", ["gzip", "br", "zstd"])
def test_among_equals_the_smallest_file_wins(
    smallest: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({**APP, f"app.js{SUFFIXES[smallest]}": b"tiny"}))
    answer = client.get("/app.js", {"Accept-Encoding": "gzip, deflate, br, zstd"})
    assert (answer["content-encoding"], answer.body) == (smallest, b"tiny")


GZIP = {"Accept-Encoding": "gzip"}


@table(
    Case("E320", "/t.txt", 200, {"Accept-Encoding": "identity;q=0, gzip"}, body=b"0123456789",
         has={"content-type": "text/plain; charset=utf-8"}, lacks=("vary", "content-encoding")),
    Case("E332", "/t.txt", 200, GZIP, body=b"0123456789", lacks=("vary", "content-encoding")),
    Case("E333", "/gzonly.js", PASS, GZIP),
    Case("E333", "/gzonly.js", 404, GZIP, app=False, lacks=("vary",)),
    Case("E334", "/gzonly.js", PASS),
    Case("E334", "/gzonly.js", PASS, {"Accept-Encoding": "br, gzip;q=0"}),
    Case("E334", "/gzonly.js", 404, app=False, lacks=("vary",)),
    Case("E335", "/hello", 200, GZIP, body=b"hello", lacks=("vary", "content-encoding")),
    Case("E336", "/hello.foobar", PASS, {"Accept-Encoding": "identity"}),
    Case("E336", "/hello.gz", PASS, GZIP),
    Case("E337", "/app.js.gz", 200, body=BYTES["gzip"], has={"content-type": "application/gzip"},
         lacks=("content-encoding", "vary")),
    Case("E337", "/app.js.gz", 200, GZIP, body=BYTES["gzip"],
         has={"content-type": "application/gzip"}, lacks=("content-encoding", "vary")),
    Case("E337", "/gzonly.js.gz", 200, GZIP, body=BYTES["gzip"],
         has={"content-type": "application/gzip"}, lacks=("content-encoding",)),
)  # fmt: skip
def test_what_has_no_sibling_that_fits(
    case: Case, everywhere: Callable[..., Everywhere], tree: Callable[..., Path]
) -> None:
    answer_case(case, everywhere(tree({**APP, **PLAIN}), app=case.app))


def answer_case(case: Case, client: Client) -> None:
    """Like `check`, Vary being read without regard to case."""
    vary = case.has.get("vary")
    others = {name: value for name, value in case.has.items() if name != "vary"}
    check(Case(**{**vars(case), "has": others}), client)
    if vary:
        got = client.ask(case.method, case.target, filled(case).fields)["vary"]
        assert got.lower() == vary


def plain(answer: Answer) -> None:
    assert answer.status == 200
    assert "content-encoding" not in answer
    assert answer.body == BYTES[""]


@rows("E339")
@pytest.mark.parametrize("kind", ["directory", "fifo", "link out", "link nowhere", "loop"])
def test_a_sibling_that_is_no_file_of_the_tree_is_not_there(
    kind: str, serve: Callable[..., Client], tree: Callable[..., Path], tmp_path: Path
) -> None:
    root = tree({"app.js": BYTES[""]})
    sibling = root / "app.js.gz"
    if kind == "directory":
        (sibling / "sub").mkdir(parents=True)
    elif kind == "fifo":
        os.mkfifo(sibling)
    else:
        target = {"link out": "../outside/secret.txt", "loop": "app.js.gz"}.get(kind, "nowhere")
        sibling.symlink_to(target)
    os.utime(tmp_path / "outside" / "secret.txt", (OLD, OLD))
    client = serve(root)
    plain(client.get("/app.js", GZIP))
    assert client.get("/app.js.gz").passed


@rows("E339")
def test_a_sibling_may_be_a_link_inside_the_tree(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"app.js": BYTES[""], "z/g": BYTES["gzip"], "app.js.gz": Link("z/g")})
    assert coding_of(serve(root).get("/app.js", GZIP)) == "gzip"


@rows("E340")
@pytest.mark.parametrize(
    ("older", "coding"), [(0, "gzip"), (1.9, "gzip"), (2.1, ""), (3600, ""), (-3600, "gzip")]
)
def test_a_sibling_older_than_its_file_is_left_out(
    older: float,
    coding: str,
    serve: Callable[..., Client],
    tree: Callable[..., Path],
) -> None:
    root = tree({"app.js": BYTES[""], "app.js.gz": BYTES["gzip"]})
    os.utime(root / "app.js.gz", (OLD - older, OLD - older))
    answer = serve(root).get("/app.js", GZIP)
    if coding:
        assert coding_of(answer) == coding
    else:
        plain(answer)


@rows("E340")
def test_a_stale_sibling_is_told_once(
    serve: Callable[..., Client], tree: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    root = tree({"app.js": BYTES[""], "app.js.gz": BYTES["gzip"]})
    os.utime(root / "app.js.gz", (OLD - 3600, OLD - 3600))
    client = serve(root)
    for _ in range(3):
        plain(client.get("/app.js", GZIP))
    told = [record for record in caplog.records if "app.js.gz" in record.getMessage()]
    assert [(record.name, record.levelname) for record in told] == [("dualstatic", "WARNING")]


@rows("E341")
@pytest.mark.parametrize("more", [0, 1, 1000])
def test_a_sibling_that_saves_nothing_is_left_out(
    more: int, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({"app.js": BYTES[""], "app.js.gz": b"g" * (len(BYTES[""]) + more)}))
    plain(client.get("/app.js", GZIP))
    plain(client.get("/app.js", {"Accept-Encoding": "identity;q=0, gzip"}))


@rows("E342", "E343")
@pytest.mark.parametrize("contents", [APP, dict.fromkeys(APP, b"same") | {"app.js": BYTES[""]}])
def test_each_coding_has_a_tag_of_its_own(
    contents: dict[str, Any], serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree(contents))
    tags = {client.get("/app.js", {"Accept-Encoding": coding})["etag"] for coding in BYTES}
    assert len(tags) == 4
    assert not any(tag.startswith("W/") for tag in tags)


@rows("E343")
def test_large_siblings_of_one_size_and_time_differ_in_their_tags(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree(dict.fromkeys(APP, b""))
    for name in APP:
        os.truncate(root / name, 3_000_000 if name == "app.js" else 2_000_000)
        os.utime(root / name, (OLD, OLD))
    client = serve(root)
    tags = set()
    for coding in BYTES:
        answer = client.head("/app.js", {"Accept-Encoding": coding})
        assert (answer.get("content-encoding") or "") == coding
        tags.add(answer["etag"].removeprefix("W/"))
    assert len(tags) == 4


@rows("E344")
@pytest.mark.parametrize("option", ["cache_control", "headers", "immutable"])
def test_a_rule_speaks_of_the_plain_file_whatever_is_sent(
    option: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    names = []

    def rule(name: str) -> Any:
        names.append(name)
        known = name in ("app.js", "other.js")
        if option == "headers":
            return {"Cache-Control": "max-age=77"} if known else {}
        if option == "immutable":
            return known
        return "max-age=77" if known else None

    contents = {**APP, "other.js": b"x" * 100}
    client = serve(tree(contents), **{option: rule})
    expected = "public, max-age=31536000, immutable" if option == "immutable" else "max-age=77"
    for path, coding in (("/app.js", "gzip"), ("/app.js", ""), ("/app.js", "br"),
                         ("/other.js", "gzip")):  # fmt: skip
        answer = client.get(path, {"Accept-Encoding": coding})
        assert answer.status == 200
        assert answer["cache-control"] == expected
    assert set(names) == {"app.js", "other.js"}


@rows("E344")
def test_a_rule_is_a_pattern_for_the_plain_name(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree(APP), immutable=r"app\.js$")
    for coding in BYTES:
        answer = client.get("/app.js", {"Accept-Encoding": coding})
        assert answer["cache-control"] == "public, max-age=31536000, immutable"


@rows("E345")
def test_every_answer_of_a_negotiated_path_names_what_it_varies_on(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree(APP))
    for coding in ("", "gzip", "br", "zstd", "identity;q=0", "*;q=0"):
        fields = {"Accept-Encoding": coding}
        tag = client.get("/app.js", fields)["etag"]
        wanted = {
            200: {},
            206: {"Range": "bytes=0-4"},
            304: {"If-None-Match": tag},
            412: {"If-Match": '"q"'},
            416: {"Range": "bytes=5000-"},
        }
        for status, more in wanted.items():
            answer = client.get("/app.js", {**fields, **more})
            assert answer.status == status
            assert answer["vary"].lower() == "accept-encoding"
            if "Range" not in more:
                head = client.head("/app.js", {**fields, **more})
                assert (head.status, head["vary"].lower()) == (status, "accept-encoding")


@rows("E346")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Cookie", {"cookie", "accept-encoding"}),
        ("Cookie, ACCEPT-encoding", {"cookie", "accept-encoding"}),
        ("accept-encoding,accept-encoding, Cookie,", {"cookie", "accept-encoding"}),
        ("*", {"*"}),
    ],
)
@pytest.mark.parametrize("called", [False, True])
def test_vary_of_the_headers_option_is_merged(
    given: str,
    expected: set[str],
    called: bool,
    serve: Callable[..., Client],
    tree: Callable[..., Path],
) -> None:
    headers: Any = {"vARY": given}
    option = (lambda name: headers) if called else headers
    client = serve(tree({**APP, "t.txt": b"t"}), headers=option)
    for fields in ({}, GZIP, {"Range": "bytes=0-1"}, {"Range": "bytes=999-"}, {"If-Match": '"q"'}):
        parts = [part.strip().lower() for part in client.get("/app.js", fields)["vary"].split(",")]
        assert len(parts) == len(set(parts))
        assert expected <= set(parts) <= expected | {"accept-encoding"}
    single = {part.strip().lower() for part in client.get("/t.txt")["vary"].split(",")}
    assert single <= expected


@rows("E347")
def test_a_404_page_is_negotiated_too(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"404.html": BYTES[""], "404.html.gz": BYTES["gzip"], "index.html": b"home"})
    client = serve(root, app=False, html=True)
    answer = client.get("/nope", GZIP)
    assert (answer.status, answer["content-encoding"]) == (404, "gzip")
    assert answer.body == BYTES["gzip"]
    assert answer["content-type"] == "text/html; charset=utf-8"
    assert "accept-encoding" in answer["vary"].lower()
    bare = client.get("/nope")
    assert (bare.status, bare.body) == (404, BYTES[""])
    assert "content-encoding" not in bare
    assert "accept-encoding" in bare["vary"].lower()
    head = client.head("/nope", GZIP)
    assert (head.status, head["content-length"]) == (404, "53")


def ask_unreadable(root: str, door: str, live: bool) -> tuple[Any, Any]:
    """Both answers of a door whose process may not read the siblings."""
    give_up_rights()
    client = Client(StaticFiles(root, live=live), door)
    return client.get("/app.js", GZIP), client.get("/app.js.gz")


@rows("E339")
def test_a_sibling_that_may_not_be_read_is_not_there(door: str, mode: str) -> None:
    with public_directory() as root:
        write_tree(root, APP)
        (root / "app.js.gz").chmod(0)
        negotiated, direct = in_child(ask_unreadable, str(root), door, mode == "live")
        plain(negotiated)
        assert direct.passed


# Deltas (RFC 9842): two siblings whose dictionaries are files of older releases, beside a `.br`.

DELTAS = {"dcz": available(OLDER), "dcb": available(STRANGER)}
OFFERED = {"dictionaries": True, "immutable": r"-\w{8}\."}


@rows("E349")
@pytest.mark.parametrize("coding", DELTAS)
def test_a_delta_goes_to_who_has_its_dictionary(
    coding: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client, body = serve(tree({NAME: NEW, **SIBLINGS}), **OFFERED), BODIES[coding]
    fields = {"Accept-Encoding": f"{coding}, br", "Available-Dictionary": DELTAS[coding]}
    full, head = client.get(PATH, fields), client.head(PATH, fields)
    assert (full.status, full["content-encoding"], full.body) == (200, coding, body)
    assert (head.status, head.fields) == (full.status, full.fields)
    part = client.get(PATH, {**fields, "Range": "bytes=-5"})
    assert (part.status, part["content-encoding"], part.body) == (206, coding, body[-5:])
    same = client.get(PATH, {**fields, "If-None-Match": full["etag"]})
    assert (same.status, same["etag"]) == (304, full["etag"])
    assert {each["vary"] for each in (full, head, part, same)} == {VARY}


@rows("E350")
@pytest.mark.parametrize(
    ("encodings", "dictionary"),
    [
        (CODINGS, available(NEW)),
        (CODINGS, DELTAS["dcz"].strip(":")),
        ("br, dcz;q=0", DELTAS["dcz"]),
        ("br, *", DELTAS["dcz"]),
        ("br, dcb", DELTAS["dcz"]),
        ("br", DELTAS["dcz"]),
    ],
)
def test_no_delta_goes_to_anyone_else(
    encodings: str, dictionary: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({NAME: NEW, **SIBLINGS}), **OFFERED)
    fields = {"Accept-Encoding": encodings, "Available-Dictionary": dictionary}
    answers = [client.get(PATH, fields), client.head(PATH, fields)]
    answers.append(client.get(PATH, {**fields, "Range": "bytes=0-9"}))
    assert [each["content-encoding"] for each in answers] == ["br"] * 3
    assert [each["vary"] for each in answers] == [VARY] * 3


@rows("E350")
@pytest.mark.parametrize("is_cut", [True, False])
def test_a_delta_that_is_cut_or_stale_is_none(
    is_cut: bool, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({NAME: NEW, f"{NAME}.1.dcz": DCZ[:-1] if is_cut else DCZ})
    if not is_cut:
        os.utime(root / f"{NAME}.1.dcz", (OLD - 60, OLD - 60))
    fields = {"Accept-Encoding": CODINGS, "Available-Dictionary": DELTAS["dcz"]}
    answer = serve(root, **OFFERED).get(PATH, fields)
    assert (answer.status, answer.body) == (200, NEW)
    assert "content-encoding" not in answer
