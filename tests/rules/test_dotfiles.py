"""Group H: names that begin with a dot are not there, save `.well-known` at the root."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.doors import Client, Everywhere
from tests.support.rows import PASS, Case, check, rows, table
from tests.support.trees import Link

pytestmark = pytest.mark.usefixtures("aging")

FILES: dict[str, bytes | str | Link | None] = {
    ".hidden": "hidden",
    ".git/config": "hidden",
    ".git/index.html": "hidden",
    ".well-known/x.txt": "well known",
    ".well-known/.hidden": "hidden",
    ".well-known/acme/.hidden/x": "hidden",
    ".well-known/acme/token": "a token",
    ".well-known-not/x.txt": "hidden",
    "sub/.well-known/x": "hidden",
    "sub/.hidden": "hidden",
    "sub/.git/index.html": "hidden",
    ".env": "hidden",
    "...": "hidden",
    "..data": "hidden",
    "not.hidden": "a dot inside a name",
    "link": Link(".hidden"),
    "t.txt": "0123456789",
}


@table(
    Case("H374", "/.hidden", PASS, body=b"the app"),
    Case("H374", "/sub/.hidden", PASS),
    Case("H374", "/...", PASS),
    Case("H374", "/..data", PASS),
    Case("H375", "/.git/config", PASS),
    Case("H376", "/.well-known/.hidden", PASS),
    Case("H376", "/.well-known/acme/.hidden/x", PASS),
    Case("H376", "/.well-known-not/x.txt", PASS),
    Case("H376", "/.well-known/../.env", PASS),
    Case("H377", "/sub/.well-known/x", PASS),
    Case("H377", "/.well-known/.well-known/x.txt", PASS),
    Case("H378", "/.git", PASS),
    Case("H378", "/.git/", PASS),
    Case("H378", "/sub/.git", PASS),
    Case("H378", "/sub/.git/", PASS),
    Case("H379", "/%2ehidden", PASS),
    Case("H379", "/%2Egit/config", PASS),
    Case("H379", "/sub/%2ehidden", PASS),
    Case("H380", "/.env/.", PASS),
    Case("H380", "/.env%00", PASS),
    Case("H380", "/.env/", PASS),
    Case("H380", "/.env?x", PASS),
)
def test_a_hidden_name_reaches_the_app(
    case: Case, everywhere: Callable[..., Everywhere], tree: Callable[..., Path]
) -> None:
    root = tree(FILES)
    for html in (False, True):
        check(case, everywhere(root, html=html))
        answer = everywhere(root, html=html, app=False).get(case.target)
        assert (answer.status, answer.get("location")) == (404, None)


@table(
    Case("H374", "/not.hidden", 200, body=b"a dot inside a name"),
    Case("H374", "/link", 200, body=b"hidden"),
    Case("H376", "/.well-known/x.txt", 200, body=b"well known"),
    Case("H376", "/%2ewell-known/x.txt", 200, body=b"well known"),
    Case("H376", "/.well-known/acme/token", 200, body=b"a token"),
)
def test_a_name_that_is_well_known_or_not_hidden_is_served(
    case: Case, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    check(case, serve(tree(FILES)))


@table(
    Case("H383", "/.hidden", 200, body=b"hidden"),
    Case("H383", "/%2ehidden", 200, body=b"hidden"),
    Case("H383", "/.git/config", 200, body=b"hidden"),
    Case("H383", "/sub/.well-known/x", 200, body=b"hidden"),
    Case("H383", "/...", 200, body=b"hidden"),
    Case("H383", "/..data", 200, body=b"hidden"),
    Case("H383", "/.git", 307, has={"location": "./.git/"}),
    Case("H383", "/.git/", 200, body=b"hidden"),
    Case("H380 H383", "/.env/.", PASS),
    Case("H380 H383", "/.env%00", PASS),
    Case("H383", "/.", PASS),
    Case("H383", "/..", PASS),
    Case("H383", "/sub/../t.txt", PASS),
)
def test_with_dotfiles_only_dot_segments_are_refused(
    case: Case, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    check(case, serve(tree(FILES), dotfiles=True, html=True))


@rows("H376")
@pytest.mark.parametrize("name", [".well-known", "sub/.well-known", ".well-knownx"])
def test_only_a_file_that_is_well_known_itself_is_served(
    name: str, serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    client = serve(tree({name: "here"}))
    assert client.get(f"/{name}").passed == (name != ".well-known")


@rows("H381")
def test_a_prefix_is_a_whole_segment(
    serve: Callable[..., Client], tree: Callable[..., Path]
) -> None:
    root = tree({"config.env": "one", "-config.env": "two", "css-config.env": "three"})
    client = serve(root, prefix="/css")
    assert client.get("/css-config.env").passed
    assert client.get("/cssconfig.env").passed
    assert client.get("/csscss-config.env").passed
    assert client.get("/css/config.env").body == b"one"
    assert client.get("/css/css-config.env").body == b"three"
