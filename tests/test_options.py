"""Every option of StaticFiles: what it does, and what it says of a value that it can't take."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

import dualstatic.asgi
import dualstatic.wsgi
from dualstatic import StaticFiles
from tests.support.apps import App
from tests.support.doors import Answer, Client, Messages, make_environ, make_scope
from tests.support.each import each
from tests.support.steps import staying
from tests.support.trees import Link, settle, write_tree

TEXT = b"the text " * 100
UNKNOWN_TAG = '"unknown"'

# The requests that lead to each kind of answer of one file, t.txt.
REQUESTS: dict[int, tuple[str, dict[str, str]]] = {
    200: ("/t.txt", {}),
    206: ("/t.txt", {"Range": "bytes=0-9"}),
    304: ("/t.txt", {"If-None-Match": "*"}),
    412: ("/t.txt", {"If-Match": UNKNOWN_TAG}),
    416: ("/t.txt", {"Range": "bytes=5000-"}),
    404: ("/missing", {}),
}


@pytest.fixture
def root(tree: Callable[..., Path]) -> Path:
    return tree({"t.txt": TEXT, "404.html": b"no such page", "sub/index.html": b"index"})


def ask_all(client: Client, fields: Mapping[str, str] | None = None) -> dict[int, Answer]:
    """Each kind of answer that a file and its 404 page have."""
    answers = {}
    for status, (target, conditions) in REQUESTS.items():
        answers[status] = client.get(target, {**conditions, **(fields or {})})
        assert answers[status].status == status
    return answers


# Wrong values.

TYPES = (TypeError, ValueError)
"""Where a value is wrong in both ways."""

FLAGS = ("html", "check_dir", "follow_symlink", "live", "dotfiles")
FORBIDDEN = (
    "Content-Length",
    "content-range",
    "CONTENT-ENCODING",
    "Transfer-Encoding",
    "ETag",
    "Last-Modified",
    "Accept-Ranges",
    "Connection",
)
BREAKS = ("a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\0b", "\n")

Wrong = tuple[str, Any, "type[Exception] | tuple[type[Exception], ...]", str]


def wrong_values() -> list[Wrong]:
    """An option, a value, the exception it raises, and a word on what it takes instead."""
    wrong: list[Wrong] = [
        ("directory", 5, TypeError, "path"),
        ("directory", [5], TypeError, "path"),
        ("directory", b"www", TypeError, "path"),
        ("directory", ["www", None], TypeError, "path"),
        ("directory", None, TypeError, "packages"),
        ("directory", [], TYPES, "packages"),
        ("directory", "", (ValueError, NotADirectoryError), "path"),
        ("directory", "a\0b", ValueError, "path"),
        ("packages", "json", TypeError, "names"),
        ("packages", 5, TypeError, "names"),
        ("packages", [5], TypeError, "names"),
        ("packages", [("json",)], TypeError, "names"),
        ("packages", [("json", "a", "b")], TypeError, "names"),
        ("packages", [("json", 5)], TypeError, "names"),
        ("packages", {"json": "statics"}, TypeError, "names"),
        ("encodings", "gzip", TYPES, "zstd, br, gzip"),
        ("encodings", ["deflate"], ValueError, "zstd, br, gzip"),
        ("encodings", ["gzip", ""], ValueError, "zstd, br, gzip"),
        ("encodings", [5], TYPES, "zstd, br, gzip"),
        ("encodings", [["gzip"]], TYPES, "zstd, br, gzip"),
        ("encodings", 5, TypeError, "zstd, br, gzip"),
        ("encodings", None, TypeError, "zstd, br, gzip"),
        ("cache_control", 5, TypeError, "None"),
        ("cache_control", b"no-cache", TypeError, "None"),
        ("cache_control", "\u20ac", ValueError, "None"),
        ("immutable", 5, TypeError, "regular expression"),
        ("immutable", "(", ValueError, "regular expression"),
        ("immutable", b"x", TypeError, "regular expression"),
        ("immutable", re.compile(b"x"), TypeError, "regular expression"),
        ("immutable", asyncio.sleep, TypeError, "regular expression or a callable, not"),
        ("headers", 5, TypeError, "mapping"),
        ("headers", [("X-A", "1")], TypeError, "mapping"),
        ("headers", {"": "1"}, ValueError, "name"),
        ("headers", {"X A": "1"}, ValueError, "name"),
        ("headers", {"X-A:": "1"}, ValueError, "name"),
        ("headers", {"X-A\r\nX-B": "1"}, ValueError, "name"),
        ("headers", {"X-\u00e4": "1"}, ValueError, "name"),
        ("headers", {5: "1"}, TYPES, "name"),
        ("headers", {"X-A": 5}, TYPES, "value"),
        ("headers", {"X-A": None}, TYPES, "value"),
        ("headers", {"X-A": b"1"}, TYPES, "value"),
        ("headers", {"X-A": "\u20ac"}, ValueError, "value"),
        ("headers", {"Content-Type": ""}, ValueError, "media type"),
        ("headers", {"X-A": "1", "x-a": "2"}, ValueError, "once"),
        ("memory", -1, ValueError, "number of bytes"),
        ("memory", 1.5, TypeError, "number of bytes"),
        ("memory", True, TypeError, "number of bytes"),
        ("memory", None, TypeError, "number of bytes"),
        ("media_types", 5, TypeError, "suffixes"),
        ("media_types", [(".x", "text/x")], TypeError, "suffixes"),
        ("media_types", {"": "text/x"}, ValueError, "suffixes"),
        ("media_types", {5: "text/x"}, TYPES, "suffixes"),
        ("media_types", {"sub/a.x": "text/x"}, ValueError, "suffixes"),
        ("charset", 5, TypeError, "None"),
        ("live", 1, TypeError, "or a function without arguments"),
        ("not_found", 5, TypeError, "single-page-application"),
        ("not_found", True, TypeError, "a page such as"),
        ("not_found", b"/200.html", TypeError, "a page such as"),
        ("not_found", ["404-page"], TypeError, "a page such as"),
    ]
    pages = (
        "",
        "/",
        "404",
        "spa",
        "200.html",
        "/a/",
        "//a.html",
        "/../a.html",
        "/a.html?b",
        "/a%20b",
    )
    wrong += [("not_found", page, ValueError, 'a page such as "/200.html"') for page in pages]
    wrong += [("prefix", value, TypeError, "str") for value in (None, 5, b"/static")]
    wrong += [(flag, v, TypeError, "True or False") for flag in FLAGS for v in (1, "yes", None)]
    wrong += [("headers", {name: "1"}, ValueError, "field") for name in FORBIDDEN]
    for text in BREAKS:
        names = ("X-A", "Vary", "Cache-Control")
        wrong += [("headers", {name: text}, ValueError, "value") for name in names]
        wrong.append(("headers", {f"X-{text}": "1"}, ValueError, "name"))
        wrong.append(("media_types", {".x": f"text/{text}"}, ValueError, "media type"))
    wrong += [("cache_control", text, ValueError, "None") for text in BREAKS]
    wrong += [("charset", text, ValueError, "None") for text in ("", "utf 8", "\u20ac", *BREAKS)]
    types = (
        "",
        "text",
        "text/",
        "/x",
        "text/x;",
        "a b/c",
        "text/\0x",
        "text/\u2603",
        "text/x\r\nA: b",
    )
    wrong += [("media_types", {".x": kind}, ValueError, "media type") for kind in types]
    wrong += [("media_types", {".x": kind}, TYPES, "media type") for kind in (5, None)]
    return wrong


@pytest.mark.rows("T370")
@each("check_dir", [True, False])
@each(("option", "value", "error", "takes"), wrong_values())
def test_a_wrong_value_raises_with_the_name_of_its_option_and_what_that_takes(
    option: str, value: Any, error: type[Exception], takes: str, check_dir: bool, root: Path
) -> None:
    options = {"directory": root, "check_dir": check_dir, option: value}
    with pytest.raises(error) as caught:
        StaticFiles(**options)
    assert option in str(caught.value)
    assert takes in str(caught.value)


@each(
    "prefix",
    [
        "http://example.com/static",
        "https:static",
        "//cdn.example.com",
        "//[",
        "/static//",
        "//static",
        "/a//b",
        "/static?a=b",
        "/static#a",
        "/static/../admin",
        "/./static",
        "/static/.",
        "..",
        ".",
        "/..",
        "static\\admin",
        "/sta\ntic",
        "/static\0",
        " /static",
        "/a%20b",
        "/static/*",
        "/static/<path:name>",
        "/{name}",
    ],
)
def test_a_prefix_that_is_no_plain_path_is_a_value_error(prefix: str, root: Path) -> None:
    with pytest.raises(ValueError, match="prefix takes a path"):
        StaticFiles(root, prefix=prefix)


@pytest.mark.parametrize(
    ("name", "trouble"),
    [
        ("missing", "does not exist"),
        ("t.txt", "is not a directory"),
        ("t.txt/sub", "does not exist"),
        ("dangling", "does not exist"),
        ("loop", "can't be looked at: "),
    ],
)
@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("kind", [NotADirectoryError, RuntimeError])
def test_a_directory_that_is_none_raises_with_its_path_and_why(
    kind: type[Exception], name: str, trouble: str, live: bool, root: Path
) -> None:
    write_tree(root, {"dangling": Link("nowhere"), "loop": Link("loop")})
    with pytest.raises(kind, match=re.escape(f"directory: {str(root / name)!r} {trouble}")):
        StaticFiles([root, root / name], live=live)


def test_an_option_that_does_not_exist_is_a_type_error(root: Path) -> None:
    unknown: dict[str, Any] = {"direktory": root}
    with pytest.raises(TypeError, match="direktory"):
        StaticFiles(root, **unknown)


def test_options_have_to_be_named(root: Path) -> None:
    call: Any = StaticFiles
    with pytest.raises(TypeError):
        call(root, [])


@pytest.mark.parametrize(
    "arguments", [(), ({"type": "http"}, None, None), ({"REQUEST_METHOD": "GET"}, None)]
)
def test_a_call_of_static_files_says_that_it_takes_a_middleware(
    arguments: tuple[Any, ...], root: Path
) -> None:
    with pytest.raises(TypeError, match="StaticMiddleware"):
        StaticFiles(root)(*arguments)


# directory


def test_a_directory_is_a_text_or_a_path_or_several(
    serve: Callable[..., Client], root: Path, tree: Callable[..., Path]
) -> None:
    other = tree({"t.txt": b"hidden", "other.txt": b"other"}, "other")
    for one in (str(root), root, os.fspath(root) + "/", [str(root)], (root,)):
        assert serve(one).get("/t.txt").body == TEXT
    for several in ([root, other], (str(root), other)):
        assert serve(several).get("/t.txt").body == TEXT
        assert serve(several).get("/other.txt").body == b"other"


def test_a_relative_directory_is_that_of_the_construction(
    serve: Callable[..., Client], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root.parent)
    client = serve("www")
    monkeypatch.chdir("/")
    client.files.refresh()
    assert client.get("/t.txt").body == TEXT


# html, follow_symlink, dotfiles, live


def test_only_with_html_a_directory_is_its_index(serve: Callable[..., Client], root: Path) -> None:
    assert serve(root).get("/sub/").passed
    assert serve(root).get("/sub").passed
    client = serve(root, html=True)
    assert client.get("/sub/").body == b"index"
    assert client.get("/sub?a=b")["location"] == "./sub/?a=b"


def test_only_with_follow_symlink_a_link_leads_out(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"in.txt": Link("t.txt"), "t.txt": TEXT, "out.txt": Link("../outside/secret.txt")})
    assert serve(root).get("/in.txt").body == TEXT
    assert serve(root).get("/out.txt").passed
    assert serve(root, follow_symlink=True).get("/in.txt").body == TEXT
    assert serve(root, follow_symlink=True).get("/out.txt").body == b"SECRET"


def test_only_with_dotfiles_a_segment_may_begin_with_a_dot(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    hidden = ["/.env", "/.git/config", "/sub/.a/b", "/sub/.well-known/a", "/.well-known/.a"]
    seen = ["/.well-known/a", "/a.b/c"]
    root = tree({name[1:]: name for name in [*hidden, *seen]})
    for target in hidden:
        assert serve(root).get(target).passed
        assert serve(root, dotfiles=True).get(target).body == target.encode()
    for target in seen:
        assert serve(root).get(target).body == target.encode()


def test_only_in_live_mode_a_new_file_is_there_at_once(root: Path, door: str) -> None:
    index, live = (Client(StaticFiles(root, live=live), door) for live in (False, True))
    write_tree(root, {"new.txt": b"new"})
    assert index.get("/new.txt").passed
    assert live.get("/new.txt").body == b"new"


def status_of(door: Any, target: str) -> int:
    """The status that a door gives, which was made before this request."""
    if isinstance(door, dualstatic.wsgi.StaticMiddleware):
        started: list[str] = []
        environ = make_environ("GET", target.encode(), ())
        b"".join(door(environ, lambda status, *_: started.append(status)))  # type: ignore[arg-type]
        return int(started[0][:3])
    messages = Messages()
    anyio.run(door, make_scope("GET", target.encode(), ()), staying(), messages.send)
    assert messages.start is not None
    return int(messages.start["status"])


@pytest.mark.parametrize("live", [False, True])
def test_a_function_for_live_is_asked_once_at_the_first_request_below_the_prefix(
    live: bool, root: Path, door: str
) -> None:
    asked: list[bool] = []

    def ask() -> bool:
        asked.append(live)
        return live

    files, app = StaticFiles(root, prefix="/static", live=ask), App("at once")
    doors: list[Any] = [
        dualstatic.wsgi.StaticMiddleware(app.wsgi, files=files)
        if door == "wsgi"
        else dualstatic.asgi.StaticMiddleware(app.asgi, files=files)
        for _ in range(2)
    ]
    files.refresh()
    assert status_of(doors[0], "/other") == 404
    assert asked == []
    write_tree(root, {"before.txt": b"before"})
    assert status_of(doors[0], "/static/before.txt") == 200
    write_tree(root, {"after.txt": b"after"})
    for door in doors:
        for _ in range(2):
            assert status_of(door, "/static/after.txt") == (200 if live else 404)
            assert status_of(door, "/static/t.txt") == 200
    files.refresh()
    assert status_of(doors[1], "/static/after.txt") == 200
    (root / "t.txt").unlink()
    assert status_of(doors[1], "/static/t.txt") == 404
    assert asked == [live]


@pytest.mark.parametrize("name", ["missing", "t.txt"])
def test_a_function_for_live_is_not_asked_where_the_directory_is_missing(
    name: str, root: Path
) -> None:
    with pytest.raises(NotADirectoryError, match=name):
        StaticFiles(root / name, live=lambda: pytest.fail("asked"))


@pytest.mark.parametrize("value", [1, "yes", None])
def test_what_a_function_for_live_gives_is_checked_at_the_request(
    value: Any, root: Path, door: str
) -> None:
    client = Client(StaticFiles(root, prefix="/static", live=lambda: value), door)
    assert client.get("/other").passed
    for _ in range(2):
        with pytest.raises(TypeError, match="live takes True or False, or a function"):
            client.get("/static/t.txt")


# prefix


@each("prefix", ["static", "/static", "/static/", "static/"])
def test_a_prefix_is_the_same_with_and_without_its_slashes(
    prefix: str, serve: Callable[..., Client], root: Path
) -> None:
    client = serve(root, prefix=prefix, html=True)
    assert client.get("/static/t.txt").body == TEXT
    for target in ("/t.txt", "/statict.txt", "/static2/t.txt", "//static/t.txt", "/Static/t.txt"):
        assert client.get(target).passed


def test_without_a_prefix_the_root_is_the_directory(
    serve: Callable[..., Client], root: Path
) -> None:
    for client in (serve(root), serve(root, prefix="/")):
        assert client.get("/t.txt").body == TEXT


def test_a_prefix_may_have_several_segments_and_any_letters(
    serve: Callable[..., Client], root: Path
) -> None:
    client = serve(root, prefix="/\u00fcber uns/a:b/100%")
    assert client.get("/%C3%BCber%20uns/a:b/100%25/t.txt").body == TEXT
    assert client.get("/%C3%BCber%20uns/a:b/t.txt").passed


def test_the_prefix_alone_is_the_root_directory_without_its_slash(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"index.html": b"home"})
    client = serve(root, prefix="/static", html=True)
    assert client.get("/static")["location"] == "./static/"
    assert client.get("/static/").body == b"home"
    assert serve(root, prefix="/static").get("/static").passed


# encodings


@pytest.fixture
def coded(tree: Callable[..., Path]) -> Path:
    """A file with three siblings of one size."""
    return tree({"t.txt": TEXT, "t.txt.zst": b"zstd", "t.txt.br": b"br--", "t.txt.gz": b"gzip"})


ANY = {"Accept-Encoding": "gzip, br, zstd"}


@each(
    ("encodings", "coding"),
    [
        (("zstd", "br", "gzip"), "zstd"),
        (["br", "zstd", "gzip"], "br"),
        (("gzip", "br"), "gzip"),
        (["gzip"], "gzip"),
        (("br", "br"), "br"),
    ],
)
def test_among_siblings_of_one_size_the_order_of_the_encodings_decides(
    encodings: Any, coding: str, serve: Callable[..., Client], coded: Path
) -> None:
    answer = serve(coded, encodings=encodings).get("/t.txt", ANY)
    assert answer["content-encoding"] == coding
    assert answer.body == coding.ljust(4, "-").encode()


def test_a_coding_that_is_left_out_has_no_siblings(
    serve: Callable[..., Client], coded: Path
) -> None:
    answer = serve(coded, encodings=["br"]).get("/t.txt", {"Accept-Encoding": "gzip, zstd"})
    assert "content-encoding" not in answer
    assert answer["vary"] == "Accept-Encoding"
    assert answer.body == TEXT


def test_without_encodings_nothing_varies(serve: Callable[..., Client], coded: Path) -> None:
    answer = serve(coded, encodings=()).get("/t.txt", ANY)
    assert "vary" not in answer
    assert "content-encoding" not in answer


@pytest.mark.parametrize("encodings", [["gzip"], ["br", "gzip"]], ids=["left out", "looked for"])
@pytest.mark.parametrize("aliased", [False, True])
def test_a_sibling_without_its_file_does_not_hide_another_directory(
    aliased: bool, encodings: list[str], serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    links: dict[str, Any] = {"sub/a": b"a", "link": Link("sub")} if aliased else {}
    first = tree({"t.txt.br": b"br", **links}, "first")
    second = tree({"t.txt": TEXT, "t.txt.gz": b"gzip"}, "second")
    client = serve([first, second], encodings=encodings)
    for accepted, body in (("gzip", b"gzip"), ("br", TEXT), ("gzip, br", b"gzip")):
        assert client.get("/t.txt", {"Accept-Encoding": accepted}).body == body


# cache_control, immutable


def test_an_answer_is_to_be_asked_for_again_unless_an_option_says_more(
    serve: Callable[..., Client], root: Path
) -> None:
    answers = ask_all(serve(root, app=False, html=True))
    assert {status for status in answers if "cache-control" in answers[status]} == {
        200,
        206,
        304,
        404,
    }
    assert {answers[status]["cache-control"] for status in (200, 206, 304, 404)} == {"no-cache"}


@each("value", ["max-age=60", lambda name: "max-age=60"])
def test_cache_control_stands_on_what_may_be_kept(
    value: Any, serve: Callable[..., Client], root: Path
) -> None:
    answers = ask_all(serve(root, app=False, html=True, cache_control=value))
    assert {answers[status]["cache-control"] for status in (200, 206, 304)} == {"max-age=60"}
    assert "cache-control" not in answers[412]
    assert "cache-control" not in answers[416]
    assert answers[404]["cache-control"] == "no-cache"


@each("value", [None, lambda name: None])
def test_cache_control_none_leaves_the_field_out(
    value: Any, serve: Callable[..., Client], root: Path
) -> None:
    assert "cache-control" not in serve(root, cache_control=value).get("/t.txt")


@pytest.mark.rows("T370")
@each("text", BREAKS)
@each("option", ["cache_control", "headers", "names"])
def test_a_line_break_that_a_callable_gives_raises_at_the_request(
    option: str, text: str, serve: Callable[..., Client], root: Path
) -> None:
    value: Any = text if option == "cache_control" else {"X-A": text}
    if option == "names":
        option, value = "headers", {f"X-{text}": "1"}
    client = serve(root, **{option: lambda name: value})
    for target in ("/t.txt", "/t.txt"):
        with pytest.raises(ValueError, match=option):
            client.get(target)


@each("value", [5, b"no-cache", ["no-cache"]])
def test_a_callable_for_cache_control_gives_text_or_none(
    value: Any, serve: Callable[..., Client], root: Path
) -> None:
    with pytest.raises(TYPES, match="cache_control"):
        serve(root, cache_control=lambda name: value).get("/t.txt")


FOREVER = "public, max-age=31536000, immutable"


@each(
    "immutable",
    [r"\.[0-9a-f]{8}\.", re.compile(r"\.[0-9A-F]{8}\.", re.IGNORECASE), lambda name: "." in name],
)
def test_what_is_immutable_is_kept_for_a_year(
    immutable: Any, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"sub/app.0123abcd.js": b"1", "plain": b"2"})
    client = serve(root, immutable=immutable, cache_control="max-age=60")
    assert client.get("/sub/app.0123abcd.js")["cache-control"] == FOREVER
    assert client.get("/plain")["cache-control"] == "max-age=60"


@each("kind", ["text", "callable"])
@each(
    ("cache_control", "scope"),
    [
        ("private", "private"),
        ("max-age=60, Private", "private"),
        ('no-cache, private="set-cookie"', "private"),
        ("no-store", "private"),
        ("no-cache", "public"),
        ("s-maxage=60, x-private, private-x", "public"),
        (None, "public"),
    ],
)
def test_what_is_immutable_stays_as_private_as_cache_control_says(
    cache_control: str | None,
    scope: str,
    kind: str,
    serve: Callable[..., Client],
    tree: Callable[..., Path],
) -> None:
    root = tree({"a.0123abcd.js": b"1", "plain": b"2"})
    value: Any = cache_control if kind == "text" else lambda name: cache_control
    client = serve(root, immutable="abcd", cache_control=value)
    answer = client.get("/a.0123abcd.js")
    assert answer["cache-control"] == f"{scope}, max-age=31536000, immutable"
    assert client.get("/plain").get("cache-control") == cache_control


def test_a_pattern_is_searched_anywhere_in_the_name_below_the_prefix(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"a/b.js": b"1", "b/a.js": b"2"})
    client = serve(root, prefix="/static", immutable="^a/")
    assert client.get("/static/a/b.js")["cache-control"] == FOREVER
    assert client.get("/static/b/a.js")["cache-control"] == "no-cache"
    client = serve(root, prefix="/static", immutable="static")
    assert client.get("/static/a/b.js")["cache-control"] == "no-cache"


# headers


@each("kind", ["mapping", "callable"])
def test_more_headers_stand_on_every_answer_of_a_file(
    kind: str, serve: Callable[..., Client], root: Path
) -> None:
    more = {"X-Tag": "one", "Access-Control-Allow-Origin": "*", "Link": '</a>; rel="b", caf\xe9'}
    client = serve(
        root, app=False, html=True, headers=more if kind == "mapping" else lambda name: more
    )
    for status, answer in ask_all(client).items():
        for name, value in more.items():
            assert answer[name] == value, status
    head = client.head("/t.txt")
    assert head["x-tag"] == "one"


def test_no_other_answer_has_more_headers(serve: Callable[..., Client], root: Path) -> None:
    client = serve(root, app=False, headers={"X-Tag": "one"})
    assert client.get("/missing").status == 404
    assert "x-tag" not in client.get("/missing")
    assert client.ask("POST", "/t.txt").status == 405
    assert "x-tag" not in client.ask("POST", "/t.txt")
    assert "x-tag" not in serve(root, headers={"X-Tag": "one"}).get("/missing")


@each("kind", ["mapping", "callable"])
def test_cache_control_of_the_headers_is_the_strongest_but_not_on_errors(
    kind: str, serve: Callable[..., Client], root: Path
) -> None:
    more = {"cache-control": "private"}
    client = serve(
        root,
        app=False,
        html=True,
        headers=more if kind == "mapping" else lambda name: more,
        cache_control="max-age=60",
        immutable=".",
    )
    answers = ask_all(client)
    assert {answers[status]["cache-control"] for status in (200, 206, 304)} == {"private"}
    assert answers[404]["cache-control"] == "no-cache"
    assert "cache-control" not in answers[412]
    assert "cache-control" not in answers[416]


def test_headers_take_the_place_of_ours(serve: Callable[..., Client], root: Path) -> None:
    more = {"Content-Type": "text/x-mine", "X-Content-Type-Options": "sniff"}
    answers = ask_all(serve(root, app=False, html=True, headers=more))
    assert answers[200]["content-type"] == answers[206]["content-type"] == "text/x-mine"
    assert answers[404]["content-type"] == "text/x-mine"
    assert "content-type" not in answers[304]
    assert answers[412]["content-type"] == answers[416]["content-type"]
    assert answers[416]["content-type"] == "text/plain; charset=utf-8"
    assert answers[200]["x-content-type-options"] == "sniff"


@each(
    ("vary", "coded", "plain"),
    [
        ("Origin", "Accept-Encoding, Origin", "Origin"),
        ("Origin, accept-encoding", "accept-encoding, Origin", "Origin, accept-encoding"),
        ("A,a,Accept-ENCODING, A,", "accept-encoding, A", "A, accept-encoding"),
        ("*", "*", "*"),
        ("", "Accept-Encoding", ""),
    ],
)
@each("called", [False, True])
def test_vary_of_the_headers_joins_ours(
    vary: str, coded: str, plain: str, called: bool, serve: Callable[..., Client], root: Path
) -> None:
    def members(text: str | None) -> set[str]:
        names = [name.strip().lower() for name in (text or "").split(",") if name.strip()]
        assert len(names) == len(set(names))
        return set(names)

    write_tree(root, {"t.txt.gz": b"gzip", "404.html.gz": b"404"})
    headers: Any = (lambda name: {"vARY": vary}) if called else {"vARY": vary}
    client = serve(root, app=False, html=True, headers=headers)
    for answer in ask_all(client).values():
        assert members(answer["vary"]) == members(coded)
    assert members(client.get("/sub/index.html").get("vary")) == members(plain)


def test_a_callable_for_headers_may_give_nothing(serve: Callable[..., Client], root: Path) -> None:
    for nothing in (None, {}):
        assert serve(root, headers=lambda name, given=nothing: given).get("/t.txt").status == 200


@each("value", [5, [("X-A", "1")], {"ETag": '"x"'}, {"X A": "1"}, {"X-A": 1}])
def test_what_a_callable_for_headers_gives_is_checked_at_the_request(
    value: Any, serve: Callable[..., Client], root: Path
) -> None:
    with pytest.raises(TYPES, match="headers"):
        serve(root, headers=lambda name: value).get("/t.txt")


def test_a_mapping_that_changes_later_changes_no_answer(
    serve: Callable[..., Client], root: Path
) -> None:
    more, types = {"X-A": "1"}, {".txt": "text/x-a"}
    client = serve(root, headers=more, media_types=types)
    more["X-A"] = "1\r\nX-B: 2"
    types[".txt"] = "text/x-b\r\n"
    answer = client.get("/t.txt")
    assert answer["x-a"] == "1"
    assert answer["content-type"] == "text/x-a; charset=utf-8"


# What callables are told.


class Asked:
    """A callable for an option that writes down what it is asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.names: list[str] = []

    def __call__(self, name: str) -> Any:
        self.names.append(name)
        return self.answer


def callables() -> dict[str, Any]:
    return {
        "cache_control": Asked("no-store"),
        "immutable": Asked(False),
        "headers": Asked({"X-A": "1"}),
    }


@each(
    ("target", "fields", "name"),
    [
        ("/static/t.txt", {}, "t.txt"),
        ("/static/t.txt", {"Accept-Encoding": "gzip"}, "t.txt"),
        ("/static/sub/", {}, "sub/index.html"),
        ("/static/sub/index.html", {}, "sub/index.html"),
        ("/static/a%20b/%C3%BC.txt", {}, "a b/\u00fc.txt"),
    ],
)
def test_callables_are_told_the_plain_files_path_below_the_prefix(
    target: str,
    fields: dict[str, str],
    name: str,
    serve: Callable[..., Client],
    root: Path,
    aging: None,
) -> None:
    more = {"t.txt.gz": b"gzip", "a b/\u00fc.txt": b"u"}
    asked = callables()
    client = serve(write_tree(root, more), prefix="static", html=True, **asked)
    assert client.get(target, fields).status == 200
    assert {option: set(ask.names) for option, ask in asked.items()} == {
        option: {name} for option in asked
    }


@pytest.mark.parametrize("memory", ["some", "none", "little", "fresh"])
def test_in_index_mode_callables_are_asked_once_for_each_file_at_its_first_use(
    door: str, root: Path, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if memory != "fresh":
        settle(monkeypatch)
    write_tree(root, {"t.txt.gz": b"gzip"})
    asked = callables()
    limit = {"some": 2**20, "none": 0, "little": 12, "fresh": 0}[memory]
    client = Client(StaticFiles(root, html=True, memory=limit, **asked), door)
    assert all(ask.names == [] for ask in asked.values())
    for _ in range(3):
        client.get("/t.txt")
        client.get("/t.txt", {"Accept-Encoding": "gzip"})
        client.head("/t.txt")
        client.get("/t.txt", {"If-None-Match": "*"})
        client.get("/sub/")
        client.get("/sub/index.html")
        client.get("/sub")
    assert {option: ask.names for option, ask in asked.items()} == {
        option: ["t.txt", "sub/index.html"] for option in asked
    }


def test_in_live_mode_callables_are_asked_once_a_request(
    door: str, root: Path, tree: Callable[..., Path]
) -> None:
    asked = callables()
    other = tree({"t.txt.gz": b"gzip"}, "other")
    client = Client(StaticFiles([other, root], live=True, **asked), door)
    for _ in range(3):
        client.get("/t.txt")
    assert {option: ask.names for option, ask in asked.items()} == {
        option: ["t.txt"] * 3 for option in asked
    }


def test_what_a_callable_raises_is_no_miss(serve: Callable[..., Client], root: Path) -> None:
    def fail(name: str) -> None:
        raise RuntimeError(name)

    for option in ("cache_control", "immutable", "headers"):
        with pytest.raises(RuntimeError, match=r"t\.txt"):
            serve(root, **{option: fail}).get("/t.txt")


# media_types, charset


@each(
    ("name", "media_type"),
    [
        ("a.gz", "application/x-b"),
        ("a.tar.gz", "application/x-a"),
        ("A.TAR.GZ", "application/x-a"),
        ("a.b.TAR.gz", "application/x-a"),
        ("a.Foo", "image/x-foo"),
        ("LICENSE", "text/plain; charset=utf-8"),
        ("sub/LICENSE", "text/plain; charset=utf-8"),
        ("LICENSE.foo", "image/x-foo"),
        ("MY-LICENSE", "application/octet-stream"),
        ("data.json", "application/x-data"),
        ("other.json", "application/json"),
        ("a.tar.zip", "application/zip"),
        ("foo", "application/octet-stream"),
        (".foo", "image/x-foo"),
        ("a.t", "text/x-t; charset=utf-8"),
        ("a.u", "text/x-u; Charset=UTF-16"),
        ("a.v", 'text/x-v; format="a"; charset=utf-8'),
    ],
)
def test_a_whole_name_then_the_longest_suffix_gives_the_type(
    name: str, media_type: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    types = {
        ".gz": "application/x-b",
        ".tar.gz": "application/x-a",
        ".FOO": "image/x-foo",
        "LICENSE": "text/plain",
        "data.json": "application/x-data",
        ".t": "text/x-t",
        ".u": "text/x-u; Charset=UTF-16",
        ".v": 'text/x-v; format="a"',
    }
    client = serve(tree({name: b"x"}), media_types=types, dotfiles=True)
    assert client.get(f"/{name}")["content-type"] == media_type


def test_a_sibling_has_the_type_of_its_file(serve: Callable[..., Client], coded: Path) -> None:
    client = serve(coded, media_types={".txt": "text/x-mine", ".gz": "application/x-no"})
    answer = client.get("/t.txt", {"Accept-Encoding": "gzip"})
    assert answer["content-type"] == "text/x-mine; charset=utf-8"
    assert answer["content-encoding"] == "gzip"


@each(
    ("charset", "text", "json"),
    [
        ("utf-8", "text/css; charset=utf-8", "application/json"),
        ("iso-8859-1", "text/css; charset=iso-8859-1", "application/json"),
        (None, "text/css", "application/json"),
    ],
)
def test_the_charset_is_added_to_text_alone(
    charset: str | None,
    text: str,
    json: str,
    serve: Callable[..., Client],
    tree: Callable[..., Path],
) -> None:
    files = {"a.css": b"x", "a.json": b"x", "a.up": b"x", "a.own": b"x"}
    media_types = {".up": "TEXT/css", ".own": "text/css; Charset=x"}
    client = serve(tree(files), charset=charset, media_types=media_types)
    assert client.get("/a.css")["content-type"] == text
    assert client.get("/a.up")["content-type"] == text.replace("text", "TEXT")
    assert client.get("/a.own")["content-type"] == "text/css; Charset=x"
    assert client.get("/a.json")["content-type"] == json


# The doors.


@pytest.mark.parametrize(
    "door", [dualstatic.wsgi.StaticMiddleware, dualstatic.asgi.StaticMiddleware]
)
def test_a_door_takes_a_static_files_and_an_app(door: Any, root: Path) -> None:
    for files in ("public", None, root):
        with pytest.raises(TypeError, match="files takes a StaticFiles"):
            door(files=files)
    for app in ("public", 5, StaticFiles(root)):
        with pytest.raises(TypeError, match="app takes an app"):
            door(app, files=StaticFiles(root))


def wsgi_app(environ: Any, start_response: Any) -> Any: ...


class AsgiApp:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


def test_a_door_refuses_an_app_of_the_other_kind(root: Path) -> None:
    files = StaticFiles(root)
    for door, app, called_with, other in (
        (dualstatic.wsgi, AsgiApp(), "environ start_response", "asgi"),
        (dualstatic.asgi, wsgi_app, "scope receive send", "wsgi"),
    ):
        with pytest.raises(TypeError, match=f"app takes an app that is called with {called_with}"):
            door.StaticMiddleware(lambda request: None, files=files)
        with pytest.raises(TypeError, match=rf" for dualstatic\.{other}\.StaticMiddleware$"):
            door.StaticMiddleware(app, files=files)
    for app in (lambda *arguments: None, wsgi_app, max):
        dualstatic.wsgi.StaticMiddleware(app, files=files)
    for app in (lambda *arguments: None, AsgiApp(), max):
        dualstatic.asgi.StaticMiddleware(app, files=files)


def test_the_switches_of_a_door_are_true_or_false(root: Path) -> None:
    files = StaticFiles(root)
    with pytest.raises(TypeError, match="file_wrapper takes True or False, not 1"):
        dualstatic.wsgi.StaticMiddleware(files=files, file_wrapper=1)
    for name in ("pathsend", "zerocopysend"):
        with pytest.raises(TypeError, match=f"{name} takes True or False, not None"):
            dualstatic.asgi.StaticMiddleware(files=files, **{name: None})
