"""`StaticFiles.explain`: the sentence says what the doors do, and why."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualstatic import StaticFiles
from tests.conftest import DOORS
from tests.promises.test_properties import TREE, files_of, relaxed
from tests.support.children import give_up_rights, in_child
from tests.support.doors import Client
from tests.support.each import each
from tests.support.steps import holds, open_below, public_directory
from tests.support.trees import Link, write_tree

NFC = "caf\N{LATIN SMALL LETTER E WITH ACUTE}.txt"
NFD = "cafe\N{COMBINING ACUTE ACCENT}.txt"

FILES: dict[str, bytes | str | Link | None] = {
    "a.txt": "a",
    "App.css": "a{}",
    "sub/index.html": "the index of sub",
    "plain/x.txt": "x",
    "about.html": "about",
    ".env": "SECRET",
    NFD: "decomposed",
    "out.txt": Link("../outside/secret.txt"),
    "out": Link("../outside"),
    "dangling": Link("nowhere"),
    "self": Link("."),
    "loop": Link("loop"),
    "only.js.gz": "x" * 9,
    "aged.js": "x" * 99,
    "aged.js.gz": "x" * 9,
    "aged.js.br": "x" * 9,
}


@pytest.fixture
def root(tree: Callable[..., Path]) -> Path:
    root = tree(FILES)
    os.utime(root / "aged.js.gz", (10**9, 10**9))
    os.mkfifo(root / "pipe")
    return root


REASONS = [
    # path, part of the sentence, options
    ("/a.txt", "is answered by '{root}/a.txt'", {}),
    ("/a.txt?v=1#top", "'/a.txt' is answered by", {}),
    ("a.txt", "'/a.txt' is answered by", {}),
    ("https://example.org:8000/a.txt?v=1", "'/a.txt' is answered by", {}),
    ("HTTP://example.org", "'/' is a directory, and has no index.html", {}),
    ("  /a.txt\n", "'/a.txt' is answered by", {}),
    ("/aged.js", ", also in br; left out, older than its file: '{root}/aged.js.gz'", {}),
    ("/sub/", "is answered by '{root}/sub/index.html'", {"html": True}),
    ("/sub", "is redirected to './sub/'", {"html": True}),
    ("/about", "is answered by '{root}/about.html'", {"clean_urls": True}),
    ("/about.html", "is redirected to './about'", {"clean_urls": True}),
    ("/other/a.txt", "is not below the prefix '/static'", {"prefix": "/static"}),
    ("/a.txt", "is at '/static/a.txt'; an app that is mounted at '/static'", {"prefix": "/static"}),
    ("//static/a.txt", "prefix '/static': it has two slashes in a row", {"prefix": "/static"}),
    ("/x/../static/a.txt", "'/static': it has a '.' or '..' segment", {"prefix": "/static"}),
    ("/static/static/a.txt", "the prefix stands in the path twice", {"prefix": "/static"}),
    ("/x/y/x/y/a.txt", "the prefix stands in the path twice", {"prefix": "/x/y"}),
    ("/static/a.txt", "'a.txt' is, at '/a.txt': the prefix may lack its end", {}),
    (
        "/sub/index.html",
        "'sub/index.html' is, at '/sub/sub/index.html': the directory has the prefix in it",
        {"prefix": "/sub"},
    ),
    ("/sub/nope.txt", "is not in '{root}'", {"prefix": "/sub"}),
    ("/only.js", "'only.js.gz' is: a compressed file answers only beside its original", {}),
    ("/only.js", "is not in '{root}'", {"encodings": ()}),
    ("/only.js.gz", "is answered by '{root}/only.js.gz'", {}),
    ("/.env", "is hidden, as a name in it begins with a dot: dotfiles=True shows such files", {}),
    ("/.nope", "begins with a dot: dotfiles=True shows such files", {}),
    ("/.env/x", "is hidden", {}),
    ("/.env", "is answered by", {"dotfiles": True}),
    ("/out.txt", "a link leads out of the root: '{root}/out.txt'; follow_symlink=True", {}),
    ("/out/secret.txt", "a link leads out of the root: '{root}/out'; follow_symlink=True", {}),
    ("/out.txt", "is answered by", {"follow_symlink": True}),
    ("/dangling", "leads through a link to nothing", {}),
    ("/dangling/a.txt", "leads through a link to nothing", {}),
    ("/self/dangling/a.txt", "leads through a link to nothing", {}),
    ("/dangling", "leads through a link to nothing", {"follow_symlink": True}),
    ("/self/dangling/a.txt", "leads through a link to nothing", {"follow_symlink": True}),
    ("/self/nope.txt", "is not in '{root}'", {}),
    ("/self/nope.txt", "is not in '{root}'", {"follow_symlink": True}),
    ("/self/nope/a.txt", "is not in '{root}'", {}),
    ("/self/app.css", "'self/App.css' is, which is spelled otherwise", {}),
    ("/self/about", "'self/about.html' is: clean_urls=True answers with it", {}),
    ("/loop", "leads through too many links, or a loop of them", {}),
    ("/app.css", "'App.css' is, which is spelled otherwise: ask for '/App.css'", {}),
    ("/SUB/Index.html", "'sub/index.html' is, which is spelled otherwise", {}),
    (f"/{quote(NFC)}", "otherwise: ask for '/cafe%CC%81.txt'", {}),
    (f"/{NFC}", "otherwise: ask for '/cafe%CC%81.txt'", {}),
    ("/p//a.txt", "is refused: it has two slashes in a row", {}),
    ("//", "is refused: it has two slashes in a row", {}),
    ("//a.txt", "is refused: it has two slashes in a row", {}),
    ("/sub/../a.txt", "is refused: it has a '.' or '..' segment", {}),
    ("/sub/%2e%2e/a.txt", "is refused: it has a '.' or '..' segment", {}),
    ("/sub%2Findex.html", "is refused: it has an encoded slash or backslash", {}),
    ("/sub%5cindex.html", "is refused: it has an encoded slash or backslash", {}),
    ("/sub\\index.html", "is refused: it has a backslash", {}),
    ("/100%.txt", "is refused: it has a '%' that begins no escape", {}),
    ("/%ff.txt", "is refused: it has bytes that are not UTF-8", {}),
    ("/\ud800", "is refused: it has bytes that are not UTF-8", {}),
    ("/a%00.txt", "is refused: it has a control character", {}),
    ("/a.txt/", "has a slash at its end, but is a file", {}),
    ("/a.txt/", "has a slash at its end, but is a file", {"html": True}),
    ("/a.txt/x", "goes on below a file", {}),
    ("/sub", "is a directory: html=True answers with its index.html", {}),
    ("/sub/", "is a directory: html=True answers with its index.html", {}),
    ("/plain/", "is a directory, and has no index.html", {}),
    ("/plain", "is a directory without an index.html", {"html": True}),
    ("/", "is a directory without an index.html", {"html": True}),
    ("/static", "is a directory without an index.html", {"html": True, "prefix": "/static"}),
    ("/about", "'about.html' is: clean_urls=True answers with it", {}),
    ("/pipe", "is not a regular file", {}),
    (f"/{'n' * 300}", "is too long for a name", {}),
    (f"/{'self/' * 40}a.txt", f"is answered by '{{root}}/{'self/' * 40}a.txt'", {}),
    (f"/{'self/' * 900}A.txt", "...'", {}),
    ("/nope.txt", "is not in '{root}'", {}),
    ("/OUT/secret.txt", "is not in '{root}'", {}),
    ("/A.TXT/x", "is not in '{root}'", {}),
    (
        "/static/nope",
        "is not in '{root}'; if no app answers, a navigation gets the page of not_found (200)",
        {"prefix": "/static", "not_found": "single-page-application", "directory": "sub"},
    ),
]


@each(("path", "sentence", "options"), REASONS)
def test_the_sentence_names_the_reason_and_the_way_out(
    path: str, sentence: str, options: dict[str, Any], root: Path, mode: str
) -> None:
    options = dict(options)
    directory = root / options.pop("directory", ".")
    files = StaticFiles(directory, live=mode == "live", **options)
    said = files.explain(path)
    assert sentence.format(root=str(directory)) in said
    assert said.isascii()
    assert said.isprintable()
    assert len(said) < 4000
    assert "skipped" not in said


def test_no_option_is_named_that_uploads_do_not_take(root: Path) -> None:
    files = StaticFiles.uploads(root, prefix="/u")
    for path in ("/u/sub/", "/u/plain"):
        assert files.explain(path).endswith("is a directory")
    assert files.explain("/u/about").endswith(f"is not in '{root}'")


def test_a_path_that_has_no_prefix_in_it_is_given_no_other_reason(root: Path, mode: str) -> None:
    files = StaticFiles(root, prefix="/static", live=mode == "live")
    for path in ("//api/users", "/api/../users", "/api/users/"):
        assert files.explain(path) == f"'{path}' is not below the prefix '/static'"


def test_a_file_that_came_or_went_after_the_index_is_said(root: Path) -> None:
    files = StaticFiles(root, html=True, memory=0)
    write_tree(root, {"late.txt": "late", "plain/index.html": "late", "a.txt.gz": ""})
    (root / "a.txt").unlink()
    for path, name in (("/late.txt", "late.txt"), ("/plain/", "plain/index.html")):
        assert files.explain(path) == (
            f"'{path}' was not there when the index was made, but '{root}/{name}' is now: "
            "refresh() or live=True finds it"
        )
    gone = "'/a.txt' was there when the index was made, and is gone from the disk"
    assert files.explain("/a.txt") == gone
    files.refresh()
    assert files.explain("/late.txt") == f"'/late.txt' is answered by '{root}/late.txt'"
    assert files.explain("/a.txt").startswith("'/a.txt' is not there, but 'a.txt.gz' is: ")


def test_a_page_that_came_after_the_index_needs_no_option_that_is_on(root: Path) -> None:
    files = StaticFiles(root, clean_urls=True)
    write_tree(root, {"late.html": "late"})
    for path in ("/late", "/late/", "/late.html"):
        said = files.explain(path)
        assert said.endswith(f"'{root}/late.html' is now: refresh() or live=True finds it")


def test_a_file_behind_a_link_that_went_after_the_index_is_said(root: Path) -> None:
    write_tree(root, {"releases/1/a.txt": "1", "current": Link("releases/1")})
    files = StaticFiles(root, memory=0)
    (root / "releases/1/a.txt").unlink()
    gone = "'/current/a.txt' was there when the index was made, and is gone from the disk"
    assert files.explain("/current/a.txt") == gone


def test_the_sentence_says_which_of_several_directories_has_the_file(
    tree: Callable[..., Path], mode: str
) -> None:
    first, second = tree({"a.txt": "1"}), tree({"a.txt": "2", "b.txt": "2"}, "more")
    files = StaticFiles([first, second], live=mode == "live", packages=[("tests", "support")])
    assert files.explain("/a.txt") == f"'/a.txt' is answered by '{first}/a.txt'"
    assert files.explain("/b.txt") == f"'/b.txt' is answered by '{second}/b.txt'"
    assert "/tests/support/trees.py'" in files.explain("/trees.py")
    last = Path(__file__).parent / "support"
    assert files.explain("/c.txt") == f"'/c.txt' is not in '{first}' or '{second}' or '{last}'"


def test_a_name_of_an_earlier_release_that_was_not_immutable_is_said(
    tree: Callable[..., Path], mode: str
) -> None:
    now, before = tree({"b.txt": "b"}), tree({"a.txt": "a", "x-0a1b2c3d.js": "x"}, "earlier")
    files = StaticFiles(now, previous=before, immutable=r"-[0-9a-f]{8}\.", live=mode == "live")
    kept = f"'/x-0a1b2c3d.js' is answered by '{before}/x-0a1b2c3d.js'"
    assert files.explain("/x-0a1b2c3d.js") == kept
    said = files.explain("/a.txt")
    assert said == f"'/a.txt' is in '{before}' alone, of which only immutable names are served"
    assert "ask for '/x-0a1b2c3d.js'" in files.explain("/X-0a1b2c3d.js")
    assert "is not in" in files.explain("/A.txt")


def test_a_directory_that_went_away_is_said(root: Path, mode: str) -> None:
    files = StaticFiles(root, live=mode == "live")
    shutil.rmtree(root)
    said = files.explain("/nope.txt")
    assert said == f"'/nope.txt' is not served, as there is no directory at '{root}'"
    missing = StaticFiles(root, live=mode == "live", check_dir=False)
    assert "there is no directory at" in missing.explain("/nope.txt")


def explain_without_rights(directory: str) -> list[str]:
    give_up_rights()
    said = []
    for live in (False, True):
        files = StaticFiles(directory, live=live)
        said += map(files.explain, ("/kept.txt", "/shut/x.txt", "/unlisted/no~1/x.txt"))
    return [text.replace(directory, "/root") for text in said]


def test_a_file_that_this_process_may_not_read_is_said() -> None:
    with public_directory() as directory:
        write_tree(directory, {"kept.txt": "x", "shut/x.txt": "x", "unlisted": None})
        (directory / "kept.txt").chmod(0)
        (directory / "shut").chmod(0)
        (directory / "unlisted").chmod(0o711)
        said = in_child(explain_without_rights, str(directory))
        (directory / "shut").chmod(stat.S_IRWXU)
    kept = "'/kept.txt' is not served: no permission to read: '/root/kept.txt'"
    shut = "'/shut/x.txt' is not served: no permission to read: '/root/shut'"
    unlisted = "'/unlisted/no~1/x.txt' is not in '/root'"
    assert said == [kept, shut, unlisted] * 2


segments = st.sampled_from(
    "t.txt T.TXT index.html INDEX.html sub a.txt noindex x.css app.js only.js link.txt linked self "
    "config c.txt out secret.txt .hidden .well-known x .. . %2e%2e %2f %5c %00 %ff \u00fc%20b.txt "
    "u\u0308%20b.txt 100%25.txt 100%.txt \ufffd %EF%BF%BD static nope ..data ;a=1 404 index".split(
        " "
    )
)
anything = st.text(st.characters(exclude_characters="?#", exclude_categories=()), max_size=8)
paths = st.builds(
    lambda parts, slash: f"/{'/'.join(parts)}{slash}".rstrip(),
    st.lists(segments | anything, max_size=5),
    st.sampled_from(["", "", "/"]),
)
NAMES = [*TREE, "sub", "noindex", "linked", "linked/a.txt", "self/t.txt", "out/secret.txt", ""]
CHANGES: list[Callable[[str], str]] = [
    lambda name: name,
    lambda name: f"{name}/",
    lambda name: name.replace("/", "%2f"),
    lambda name: name.replace("/", "//"),
    lambda name: name.replace("/", "/./"),
    lambda name: f"{name}/x",
    lambda name: f"sub/../{name}",
    lambda name: name.removesuffix(".html"),
    lambda name: name.removesuffix("index.html"),
    lambda name: f"{name}.html",
    str.upper,
    lambda name: name.replace(".", "%2E").replace("t", "%74"),
]

OPTIONS: list[dict[str, Any]] = [
    {},
    {"html": True},
    {"clean_urls": True, "dotfiles": True},
    {"html": True, "not_found": "single-page-application"},
    {"follow_symlink": True, "not_found": "404-page"},
]


@cache
def explained(directory: Path, live: bool, prefix: str, number: int) -> dict[str, Client]:
    """The doors of files that are explained, by their names."""
    files = StaticFiles(directory, live=live, prefix=prefix, memory=0, **OPTIONS[number])
    return {door: Client(files, door) for door in DOORS}


def check(target: str, *clients: Client) -> None:
    """Hold what is said of a target against what doors of the same files do."""
    raw = target.encode("utf-8", "surrogatepass")
    answers = [client.get(raw) for client in clients]
    said = clients[0].files.explain(target)
    assert said.isascii()
    assert said.isprintable()
    assert len(said) < 2000
    kinds = {200: " is answered by '", 307: " is redirected to '"}
    seen = {status for status, words in kinds.items() if words in said}
    for answer in answers:
        assert seen == (set() if answer.passed else {answer.status})
    assert "not there when the index" not in said
    assert "can't be looked up" not in said


@given(
    st.sampled_from(DOORS),
    st.booleans(),
    st.sampled_from(["/", "/static"]),
    st.integers(0, len(OPTIONS) - 1),
    st.sampled_from(["", "/static"]),
    paths,
)
@relaxed
def test_the_sentence_says_what_the_door_does(
    site_of_explain: Path, door: str, live: bool, prefix: str, number: int, start: str, path: str
) -> None:
    check(start + path, explained(site_of_explain, live, prefix, number)[door])


@pytest.mark.parametrize("number", range(len(OPTIONS)))
def test_the_sentence_says_what_the_door_does_near_each_name(
    number: int, site_of_explain: Path, mode: str
) -> None:
    doors = explained(site_of_explain, mode == "live", "/static", number)
    # Many changes leave a name as it is.
    for target in {change(quote(name)): None for name, change in product(NAMES, CHANGES)}:
        check(f"/static/{target}", *doors.values())


@pytest.fixture(scope="module")
def site_of_explain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("explain")
    write_tree(base / "outside", {"secret.txt": "SECRET"})
    return write_tree(base / "www", TREE)


def test_an_explanation_leaves_no_file_open(root: Path, mode: str) -> None:
    files = StaticFiles(root, html=True, live=mode == "live", memory=0)
    write_tree(root, {"late.txt": "late"})
    before = open_below(root)
    for path in ("/a.txt", "/aged.js", "/sub", "/sub/", "/late.txt", "/out", "/.env", "/APP.css"):
        files.explain(path)
    assert holds(root, before)


@given(st.text(st.characters(exclude_categories=())) | st.text("/.%\\\0\ud800\udcffa2f :?#"))
@relaxed
def test_no_text_raises(site_of_explain: Path, text: str) -> None:
    for mode in (0, 1):
        assert files_of(site_of_explain, mode, "/static").explain(text).isprintable()


@pytest.mark.parametrize("value", [None, 7, b"/a.txt", Path("/a.txt")])
def test_what_is_no_text_is_named(site_of_explain: Path, value: Any) -> None:
    with pytest.raises(TypeError, match=r"^explain takes a URL, or its path, not "):
        StaticFiles(site_of_explain).explain(value)
