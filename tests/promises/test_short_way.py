"""A request that is asked again gets what it got at first: all ways to an answer give the same."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dualstatic import StaticFiles
from tests.conftest import DOORS
from tests.support.doors import Answer, Client, comparable
from tests.support.trees import LAST_MODIFIED, Link, settle, write_tree

OLD = hashlib.sha256(b"the old one").digest()
TREE = {
    "t.txt": b"0123456789" * 30,
    "t.txt.gz": b"gz" * 50,
    "t.txt.br": b"br" * 40,
    "t.txt.dcb": b"\xff\x44\x43\x42" + OLD + b"delta",
    "big.bin": bytes(range(256)) * 256,
    "big.bin.gz": b"gz" * 20_000,
    "empty.txt": b"",
    "about": "a file whose name a page has, too",
    "about.html": "<h1>about",
    "sub/index.html": "<h1>sub",
    "sub/index.html.gz": "gz",
    "sub/ü b.txt": "u",
    "link.txt": Link("sub/index.html"),
}
PATHS = """/t.txt /t%2Etxt /t.txt.gz /big.bin /empty.txt /about /about.html /about/ /sub /sub/
    /sub%2Findex.html /sub/index.html /sub/index /sub/%C3%BC%20b.txt /sub/%FF /link.txt""".split()
MODES = ({"live": True}, {"memory": 0}, {})
OPTIONS: tuple[dict[str, Any], ...] = (
    {"dictionaries": True, "immutable": "t", "stored_encodings": {".gz": "gzip"}},
    {"html": True, "cache_control": "private, max-age=3", "headers": {"Vary": "Origin"}},
    {"clean_urls": True, "encodings": ("gzip",), "follow_symlink": True},
    {"html": True, "offload": "X-Sendfile"},
)
OWN, VERSION = "OWN", "VERSION"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What is known of its files is kept: their last change lies back."""
    with pytest.MonkeyPatch.context() as patch:
        settle(patch)
        yield write_tree(tmp_path_factory.mktemp("short") / "www", TREE)


@cache
def kept(site: Path, options: int, mode: int, door: str, app: bool, raw: bool) -> Client:
    return Client(StaticFiles(site, **OPTIONS[options], **MODES[mode]), door, app, raw=raw)


def plainly(door: str, path: str) -> dict[str, Any]:
    return {}


def mounted(door: str, path: str) -> dict[str, Any]:
    """The request as a server tells it below a mount point, which the target has, too."""
    if door == "wsgi":
        return {"SCRIPT_NAME": "/m", "REQUEST_URI": f"/m{path}"}
    return {"root_path": "/m", "raw_path": f"/m{path}".encode()}


def with_a_slash(door: str, path: str) -> dict[str, Any]:
    """The request as a framework tells it that adds a slash to each path; no app is behind then."""
    return {"PATH_INFO" if door == "wsgi" else "path": f"{path}/"}


tags = st.sampled_from([OWN, f"W/{OWN}", f'"x", {OWN}', '"x"', "*", "", f"{OWN},"])
dates = st.sampled_from([LAST_MODIFIED, "Mon, 01 Jan 2024 00:00:00 GMT", "x"])
ranges = "0-9 | 5- | -5 | 0-0,20-29,-1 | 0-40000 | 99999- | x".split(" | ")
of_a_part = {"Range": st.sampled_from(ranges).map("bytes={}".format) | st.just("")}
of_a_visit = {"If-None-Match": tags, "If-Modified-Since": dates}
others = {"If-Match": tags, "If-Range": tags | dates, "If-Unmodified-Since": dates}
conditions = st.one_of(
    st.just({}),
    st.fixed_dictionaries({}, optional=of_a_visit),
    st.fixed_dictionaries(of_a_part),
    st.fixed_dictionaries({}, optional=of_a_visit | of_a_part | others),
)
dcb = {"Accept-Encoding": "br, dcb", "Available-Dictionary": f":{base64.b64encode(OLD).decode()}:"}
accepted = ["gzip, br", "br;q=0.5, gzip", "identity, *;q=0", "*;q=0"]
wanted = st.sampled_from([{}, dcb, dcb, *({"Accept-Encoding": value} for value in accepted)])


@given(
    st.integers(0, len(OPTIONS) - 1),
    st.sampled_from(DOORS),
    st.sampled_from(["GET"] * 5 + ["HEAD", "POST"]),
    st.sampled_from(["", "", f"?{VERSION}", f"?a&{VERSION}", "?v=x"]),
    st.builds(dict.__or__, wanted, conditions),
    st.sampled_from([plainly, mounted, with_a_slash]),
    st.booleans(),
)
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_a_request_that_is_asked_again_gets_the_same_answer(
    site: Path,
    options: int,
    door: str,
    method: str,
    query: str,
    lines: dict[str, str],
    told: Callable[[str, str], dict[str, Any]],
    raw: bool,
) -> None:
    app = told is not with_a_slash
    new = Client(StaticFiles(site, live=True, **OPTIONS[options]), door, app, raw=raw)
    remembering = [kept(site, options, mode, door, app, raw) for mode in range(len(MODES))]
    coded = {"Accept-Encoding": lines.get("Accept-Encoding", "identity")}

    def ask(client: Client) -> Answer:
        return comparable(client.ask(method, target, fields, **told(door, path)))

    for path in PATHS:
        new.files.refresh()
        tag, version = (new.get(path, each).get("etag") or '"none"' for each in (coded, {}))
        target = path + query.replace(VERSION, f"v={version[1:13]}")
        fields = {name: value.replace(OWN, tag) for name, value in lines.items()}
        new.files.refresh()
        first = ask(new)
        assert [[ask(client) for _ in range(3)] for client in remembering] == [[first] * 3] * 3
