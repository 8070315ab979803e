"""Deploys as a browser sees them: what a return visit costs, and what an open tab finds.

Run by `pytest -m browser`.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.browser import Browser, Page
from tests.support.servers import ROOT, Server, free_port, run, serve
from tests.support.trees import write_tree

from .test_browser import browser, kind, page, profile, showing

__all__ = ["browser", "kind", "page", "profile"]  # fixtures

pytestmark = pytest.mark.browser

HASHED = r"-[0-9a-zA-Z_-]{8}\.\w+$"
APP = {"html": True, "immutable": HASHED, "not_found": "single-page-application"}

Serve = Callable[..., AbstractContextManager[Server]]


@pytest.fixture
def deployed(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Serve a directory until the block ends, each time at the same port."""
    port = free_port()

    @contextmanager
    def deployed(directory: Path, **options: Any) -> Iterator[Server]:
        place = (
            ROOT / "tests/support/browser_app.py",
            str(port),
            kind,
            directory,
            json.dumps(options),
        )
        with serve(*place, logs=tmp_path_factory.mktemp("logs")) as server:
            yield server

    return deployed


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two builds of an app with React and three.js, whose sources differ by one line."""
    place = tmp_path_factory.mktemp("builds")
    with tarfile.open(ROOT / "tests/data/vite-large/builds.tar.xz") as archive:
        archive.extractall(place)
    old, new = place / "old", place / "new"
    assert run("-m", "dualstatic", "compress", old).returncode == 0
    assert run("-m", "dualstatic", "compress", new, "--previous", old).returncode == 0
    return old, new


def version(page: Page, number: str) -> None:
    """The app runs, and it is this version."""
    page.until(showing("/"))
    page.until("document.getElementById('version')")
    assert page.value("document.getElementById('version').textContent") == f"Version {number}"
    assert page.errors == []


def cost(page: Page) -> int:
    """Bytes that the visit cost, with all fields."""
    return sum(each.size for each in page.exchanges if each.wire)


def script(page: Page) -> str:
    """How the app's main chunk came."""
    [found] = [
        each
        for each in page.exchanges
        if each.path.startswith("/assets/index-") and each.path.endswith(".js")
    ]
    return found["content-encoding"]


def visits(browser: Browser, deployed: Serve, builds: tuple[Path, Path], **options: Any) -> Page:
    """A return visit after a deploy."""
    profile = browser.profile()
    for build, number in zip(builds, ("one", "two"), strict=True):
        page = browser.page(profile)
        with deployed(build, **APP, **options) as server:
            page.go(server.url)
            version(page, number)
    browser.forget(profile)
    return page


def test_a_return_visit_after_a_change_of_one_line_costs_a_hundredth(
    browser: Browser, deployed: Serve, builds: tuple[Path, Path]
):
    with_deltas = visits(browser, deployed, builds, dictionaries=True)
    without = visits(browser, deployed, builds)
    assert (script(with_deltas), script(without)) == ("dcz", "br")
    assert cost(with_deltas) * 100 <= cost(without)


def test_who_has_no_older_file_gets_brotli(page: Page, deployed: Serve, builds: tuple[Path, Path]):
    with deployed(builds[1], **APP, dictionaries=True) as server:
        page.go(server.url)
        version(page, "two")
    assert script(page) == "br"


def test_the_command_of_zstd_decodes_a_delta(builds: tuple[Path, Path]):
    command = shutil.which("zstd")
    assert command, "no zstd: on Debian, `apt-get install zstd`"
    [old], [new] = (list(build.glob("assets/index-*.js")) for build in builds)
    frame = Path(f"{new}.1.dcz").read_bytes()[40:]
    decoded = subprocess.run([command, "-dcD", old], input=frame, capture_output=True, check=True)
    assert decoded.stdout == new.read_bytes()


def test_an_open_tab_finds_the_chunks_of_its_own_build(
    page: Page, deployed: Serve, builds: tuple[Path, Path], tmp_path: Path
):
    old, store = builds[0], tmp_path / "store"
    assert run("-m", "dualstatic", "keep", old, store).returncode == 0
    with deployed(old, **APP) as server:
        page.go(server.url)
        version(page, "one")
    new = {"index.html": "<p>a build that has none of these", "favicon.svg": "<svg/>"}
    dist = write_tree(tmp_path / "dist", new)
    with deployed(dist, **APP, previous=str(store)):
        page.value("document.querySelector('[href=\"/ships/aurora\"]').click()")
        page.until(showing("/ships/aurora"))
    assert page.errors == []
    chunks = [each for each in page.exchanges if "/ship-" in each.path]
    assert {each.wire for each in chunks} == {200}
    assert {Path(each.path).suffix for each in chunks} == {".js", ".css", ".png"}


# Where the files are, and what they are called.

CODE = "seen.push(%s); // " + random.Random(1).randbytes(2000).hex()
PUNCTUATION = "!$&'()*+,;=@[]|{}^`~<>\"?#%"
NAMES = [f"a{each}b" for each in PUNCTUATION]
NAMES += ["\u00fc", "a b", "\U0001f6a2", "%41", "a...", "(a)(b)", "[[...a]]", "a)", "colon:b"]


def scripts(version: str) -> dict[str, str]:
    """Scripts, and a page that spells them as JavaScript's encodeURI does."""
    names = {name: f"{name}-{version}.js" for name in NAMES}
    spelled = [quote(name, safe="!$&'()*+,;=:@") for name in names.values()]
    tags = [f'<script src="./{escape(each)}"></script>' for each in spelled]
    head = "<!doctype html><meta charset=utf-8><link rel=icon href=data:,><script>seen=[]</script>"
    written = {f"sub/{name}": CODE % json.dumps(key) for key, name in names.items()}
    return {"sub/index.html": head + "".join(tags), **written}


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({}, "/sub/"),
        ({"prefix": "/static"}, "/static/sub/"),
        ({"mount": "/app"}, "/app/sub/"),
        ({"mount": "/app/deep", "prefix": "/a b"}, "/app/deep/a%20b/sub/"),
    ],
)
def test_any_name_is_a_dictionary_below_every_prefix_and_mount(
    browser: Browser,
    profile: str,
    deployed: Serve,
    tmp_path: Path,
    options: dict[str, str],
    place: str,
):
    old, new = (write_tree(tmp_path / each, scripts(each)) for each in ("Aa3jf93a", "Bb3jf93a"))
    assert run("-m", "dualstatic", "compress", new, "--previous", old).returncode == 0
    for tree in (old, new):
        page = browser.page(profile)
        with deployed(tree, html=True, immutable=HASHED, dictionaries=True, **options) as server:
            page.go(server.url.rstrip("/") + place)
        assert page.errors == []
        assert page.value("seen") == NAMES
    codings = {each.path: each["content-encoding"] for each in page.exchanges[1:]}
    assert {path: coding for path, coding in codings.items() if coding != "dcz"} == {}
    assert len(codings) == len(NAMES)
