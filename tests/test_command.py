"""The command `dualstatic`: what it serves, lists and explains, and how it begins and ends."""

from __future__ import annotations

import importlib
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from dualstatic import Request
from dualstatic.listing import Listed
from tests.support.doors import Client
from tests.support.each import each
from tests.support.servers import ROOT, Server, eventually, run, serve
from tests.support.trees import Link, write_tree

LAUNCH = """
import os, signal, sys

signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored by whoever runs us
os.chdir(sys.argv.pop(1))
from dualstatic.__main__ import main
main()
"""
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.fixture(params=[(), ("--asgi",)], ids=["wsgi", "asgi"])
def command(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start the console script in a directory."""
    with ExitStack() as stack:

        def start(working: Path, *arguments: str) -> Server:
            words = ("-c", LAUNCH, working, *arguments, "--port", "0", *request.param)
            return stack.enter_context(serve(*words, logs=tmp_path))

        yield start


@pytest.fixture
def folder(tree: Callable[..., Path]) -> Path:
    return tree(
        {
            "index.html": "front",
            "about.html": "about",
            ".env": "SECRET",
            "out": Link("../outside"),
            "compress/index.html": "a folder called compress",
            "files/b.txt": "b",
            "files/a & <b>.txt": "markup",
            'files/"quote\'s".txt': "quotes",
            "files/100%?#.txt": "odd",
            "files/c:d.txt": "a colon",
            "files/\u00fc.txt": "u",
            "files/sub/x.txt": "x",
            "files/.hidden": "SECRET",
            "files/.git/config": "SECRET",
            "files/out": Link("../../outside"),
            "files/out.txt": Link("../../outside/secret.txt"),
            "files/in.txt": Link("b.txt"),
            "files/linked": Link("sub"),
            "files/dangling": Link("nowhere"),
            "files/back\\slash.txt": "x",
            "files/line\nbreak.txt": "x",
            os.fsdecode(b"files/\xff.txt"): "x",
        }
    )


def test_the_script_is_the_command_and_serves_the_working_directory(
    command: Callable[..., Server], folder: Path
) -> None:
    [script] = re.findall(r'\ndualstatic = "(.+)"\n', (ROOT / "pyproject.toml").read_text())
    module, _, name = script.partition(":")
    assert callable(getattr(importlib.import_module(module), name))
    server = command(folder)
    assert server.get("/").body == b"front"
    assert server.get("/about").status == 404
    assert server.get("/files/").status == 404
    assert server.get("/.env").status == 404
    assert server.get("/out/secret.txt").status == 404


def test_the_switches_of_the_command_are_options(
    command: Callable[..., Server], folder: Path
) -> None:
    words = ("--spa", "--clean-urls", "--dotfiles", "--follow-symlink")
    server = command(folder.parent, folder.name, *words)
    assert server.get("/about").body == b"about"
    assert server.get("/settings/profile", NAVIGATION).body == b"front"
    assert server.get("/nope.js").status == 404
    assert server.get("/.env").status == 200
    assert server.get("/out/secret.txt").status == 200


def test_a_browser_is_opened_at_the_url(
    command: Callable[..., Server], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf "%s" "$1" > "{tmp_path}/asked"\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    server = command(folder, "--open", "--prefix", "/x y")
    asked = tmp_path / "asked"
    eventually(lambda: asked.exists() and asked.read_text() == server.url, 20, server.words)


def test_ctrl_c_ends_it_quietly(command: Callable[..., Server], folder: Path) -> None:
    server = command(folder)
    assert server.get("/").status == 200
    os.kill(server.pid, signal.SIGINT)
    server.process.join(20)
    assert server.process.exitcode == 0
    assert "Traceback" not in server.words()
    assert "KeyboardInterrupt" not in server.words()


def test_usage_names_what_was_typed() -> None:
    usages = {
        ("-m", "dualstatic"): "python -m dualstatic",
        ("-c", LAUNCH, "."): "dualstatic",
    }
    for start, typed in usages.items():
        for name in ("", " compress", " keep", " explain"):
            said = run(*start, *name.split(), "--help").stdout
            assert said.startswith(f"usage: {typed}{name} [-h]"), said
        said = run(*start, "--help").stdout.replace("\n", " ")
        assert f"'{typed} compress --help'" in " ".join(said.split())
        assert run(*start, "--nonsense").stderr.startswith(f"{typed}: error:")


def test_a_folder_called_like_a_command_can_be_served(
    command: Callable[..., Server], folder: Path
) -> None:
    assert command(folder, "./compress").get("/").body == b"a folder called compress"


# Explanations.


@pytest.mark.parametrize(
    ("options", "url", "sentence"),
    [
        ([], "/files/b.txt", "'/files/b.txt' is answered by '{root}/files/b.txt'"),
        ([], "http://x/files/B.txt?v=1", "'files/b.txt' is, which is spelled otherwise"),
        ([], "/.env", "is hidden"),
        (["--dotfiles"], "/.env", "is answered by"),
        ([], "/out/secret.txt", "follow_symlink=True"),
        (["--follow-symlink"], "/out/secret.txt", "is answered by"),
        ([], "/about", "clean_urls=True"),
        (["--clean-urls"], "/about", "is answered by"),
        ([], "/compress", "is redirected to './compress/'"),
        (["--no-html"], "/compress", "html=True"),
        (["--prefix", "/static"], "/files/b.txt", "is not below the prefix '/static'"),
        (["--no-live", "--spa"], "/nope", "if no app answers, a navigation gets the page"),
        ([], "/\u00fc\x1b[0m", "'/\\xfc\\x1b[0m' is refused"),
    ],
)
def test_the_command_explains_a_url_with_the_options_of_the_server(
    options: list[str], url: str, sentence: str, folder: Path
) -> None:
    ended = run("-m", "dualstatic", "explain", folder, url, *options)
    assert ended.returncode == 0, ended.stderr
    assert sentence.format(root=folder) in ended.stdout
    assert ended.stdout.count("\n") == 1


@pytest.mark.parametrize("words", [["{root}/nope", "/"], ["{root}", "/", "--prefix", "a?"], ["x"]])
def test_a_wrong_word_to_explain_is_one_line(words: list[str], folder: Path) -> None:
    ended = run("-m", "dualstatic", "explain", *[word.format(root=folder) for word in words])
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)


# Lists.


def links_of(page: bytes) -> list[tuple[str, str]]:
    """The links of a page, and their texts."""
    found = re.findall(r'<li><a href="([^"<>&]*)">([^<>]*)</a></li>', page.decode())
    assert page.count(b"<a ") == len(found)
    return [(href, unescape(text)) for href, text in found]


@pytest.fixture
def listed(folder: Path, door: str, mode: str) -> Client:
    files = Listed(folder, live=mode == "live", html=True, prefix="/x", memory=0)
    return Client(files, door, app=False)


def test_a_folder_without_an_index_page_is_a_sorted_list_of_what_can_be_asked_for(
    listed: Client,
) -> None:
    page = listed.get("/x/files/")
    assert (page.status, page["content-type"]) == (200, "text/html; charset=utf-8")
    assert page["cache-control"] == "no-cache"
    assert page["x-content-type-options"] == "nosniff"
    links = links_of(page.body)
    assert [text for _, text in links] == [
        "..",
        '"quote\'s".txt',
        "100%?#.txt",
        "a & <b>.txt",
        "b.txt",
        "c:d.txt",
        "in.txt",
        "linked/",
        "sub/",
        "\u00fc.txt",
    ]
    for href, text in links[1:]:
        url = urljoin("http://host/x/files/", href)
        assert urlsplit(url).netloc == "host"
        assert unquote(urlsplit(url).path) == f"/x/files/{text}"
        assert listed.get(url.removeprefix("http://host")).status == 200, text
    assert urljoin("http://host/x/files/", links[0][0]) == "http://host/x/"


def test_a_list_is_asked_for_as_a_page_is(listed: Client) -> None:
    redirect = listed.get("/x/files?a=1")
    assert (redirect.status, redirect["location"]) == (307, "./files/?a=1")
    with pytest.raises(BlockingIOError):
        listed.files.fallback(Request("GET", "/x/files/"), has_app=False, wait=False)
    head = listed.head("/x/files/")
    assert (head.status, head.body) == (200, b"")
    assert int(head["content-length"]) == len(listed.get("/x/files/").body)
    assert listed.ask("POST", "/x/files/").status == 404
    assert listed.get("/x/").body == b"front"
    assert listed.get("/x/files/linked/").body.count(b"<li>") == 2


@each(
    "target",
    [
        "/x/files/.git/",
        "/x/out/",
        "/x/files/out/",
        "/x/files/%2e%2e/",
        "/x/files//",
        "/x/nope/",
        "/x/files/b.txt/",
        "/x/files%2fsub/",
        "/files/",
        "/",
        "/x/files/dangling/",
        "/x/%00/",
    ],
)
def test_nothing_is_listed_that_is_hidden_refused_or_no_folder(target: str, listed: Client) -> None:
    answer = listed.get(target)
    assert (answer.status, answer.body) == (404, b"Not Found\n")


def test_the_root_of_the_list_has_no_way_up_and_an_index_lists_what_it_knows(
    tree: Callable[..., Path], door: str, mode: str
) -> None:
    root = tree({"a.txt": "a"})
    client = Client(Listed(root, live=mode == "live", memory=0), door, app=False)
    write_tree(root, {"late.txt": "late"})
    late = [("late.txt", "late.txt")] if mode == "live" else []
    assert links_of(client.get("/").body) == [("a.txt", "a.txt"), *late]


def test_the_command_lists_only_where_it_is_told_to(
    command: Callable[..., Server], folder: Path
) -> None:
    server = command(folder, "--listing", "--spa")
    assert [text for _, text in links_of(server.get("/files/").body)][:2] == [
        "..",
        '"quote\'s".txt',
    ]
    assert server.get("/files", NAVIGATION).status == 307
    assert server.get("/settings", NAVIGATION).body == b"front"
    assert server.get("/nope").status == 404
