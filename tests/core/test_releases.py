"""Which part of a name changes from release to release: names as builds make them."""

from __future__ import annotations

import random
import string

from hypothesis import given
from hypothesis import strategies as st

from dualstatic.core.releases import constant_parts, hashed, stems_of
from tests.support.children import within
from tests.support.each import each

BUILDS = {
    "Vite": "assets/app-|Dk3jf93a|.js",
    "Vite, a hyphen": "assets/app-|Dk-jf9-a|.js",
    "Vite, a hyphen first": "assets/app-|-k3jf93a|.css",
    "Vite, an underscore last": "assets/my-app-|Dk3jf93_|.js",
    "Vite, a longer name": "assets/admin-dashboard-|Dk3jf93a|.js",
    "Vite, letters alone": "assets/index-|FXSoRcar|.js",
    "Vite, a hash like a word": "assets/index-|PrintDoc|.js",
    "Vite, a map": "assets/index-|Dk3jf93a|.js.map",
    "Vite, an image": "assets/my.photo-of-it-|B9ouPtag|.png",
    "Rollup, a longer hash": "app.|C1q0oa7eXyZ1w2|.mjs",
    "CRA": "static/js/main.|3f2a1bcd|.chunk.js",
    "CRA, a licence": "static/js/main.|3f2a1bcd|.js.LICENSE.txt",
    "webpack": "main.|1ac7419218dbc00e4b67|.js",
    "webpack, a number": "js/812.|6c99e169|.chunk.js",
    "webpack, the hash first": "js/|3f2a1bcd|.main.js",
    "webpack, digits alone": "js/main.|12345678|.js",
    "webpack, the hash alone": "media/|1a27ca9cc1eb5c0d2ebb|.png",
    "Django": "css/base.|d41d8cd98f00|.css",
    "Django, letters alone": "css/base.|abcdefabcdef|.css",
    "esbuild": "app-|ABCD2345|.js",
    "Parcel": "index.|8fe8d7b1|.js",
    "SvelteKit": "_app/immutable/entry/start.|Dk3j_f-9|.mjs",
    "SvelteKit, a number": "_app/immutable/nodes/0.|BdkO9qYZ|.js",
    "SvelteKit, the hash alone": "_app/immutable/chunks/|Dk3j_f-9|.js",
    "Next, two": "_next/static/chunks/4bd1b696-|206a6e3a2c5b5b2e|.js",
    "Next": "_next/static/chunks/pages/_app-|d41d8cd98f00b204|.js",
    "the hash before the name": "|BdkO9qYZ|-index.js",
    "the hash before a long name": "a/|BdkO9qYZ|-component.css",
    "a date": "app-|20240101|.js",
    "no suffix": "app-|Dk3jf93a|",
    "a folder like a hash": "Dk3jf93a/app-|3f2a1bcd|.js",
}
PLAIN = """app.js app.min.js jquery-3.7.1.min.js admin-dashboard.js vendor.production.js
    application2.js assets/settings.js favicon.ico Dk3jf93a/app.js a.js.map robots.txt
    UserDashboard.css embed-v2.js main.bundle.js d.css ABCDEFGH.js app-Dk3jf93a.js.1.dcz
    app-Dk3jf93a.js.dcb"""


@each("name", BUILDS.values())
def test_the_hash_is_what_changes(name: str):
    before, part, after = name.split("|")
    assert constant_parts(before + part + after) == (before, after)


@each("name", ["", "/", ".", "..", "a/", "-", *PLAIN.split()])
def test_a_name_without_a_hash_has_none(name: str):
    assert constant_parts(name) is None


@each(
    ("name", "plain", "is_hashed"),
    [
        ("3f2a1bcd-app.js", "app.js", True),
        ("a1b2c3-app.js", "app.js", False),
        ("3f2a1bcd-x.app.js", "app.js", False),
        ("app-3f2a1bcd.js", "app.js", True),
        ("3f2a1bcd", "3f2a1bcd", False),
        ("app-3f2a1bcd.js", "other.js", False),
    ],
)
def test_a_name_is_hashed_if_it_has_a_hash_beside_its_plain_name(
    name: str, plain: str, is_hashed: bool
):
    assert hashed({name: stems_of(plain)}) == ({name} if is_hashed else set())


def test_a_part_of_several_names_is_no_hash_where_each_has_its_own():
    names = {name: {"a", "b"} for name in ("a-3f2a1bcd.js", "b-3f2a1bcd.js")}
    assert hashed(names, once=True) == set()
    assert hashed(names) == {*names}


BASE64 = string.ascii_letters + string.digits + "-_"


@each("pattern", ["{name}-{hash}.js", "{name}.{hash}.css.map"])
def test_few_hashes_of_vite_are_missed(pattern: str):
    chance = random.Random(0)
    found = 0
    for _ in range(1000):
        part = "".join(chance.choices(BASE64, k=8))
        name = pattern.format(name="entry", hash=part)
        before, _, after = name.partition(part)
        found += constant_parts(name) == (before, after)
    assert found >= 995


@given(st.text() | st.text(alphabet="aZ9-_.~/é", max_size=200))
def test_any_text_is_a_part_in_the_midst_of_its_last_segment_or_none(name: str):
    parts = constant_parts(name)
    if parts:
        before, after = parts
        part = name[len(before) : len(name) - len(after)]
        assert before + part + after == name
        assert len(part) >= 8
        assert "/" not in part + after


@each("unit", ["a-", "-", "a", "0", "a.", "Ab", "a9_", "/a-", "ab-cdefghij."])
def test_a_long_name_takes_no_long_time(unit: str):
    within(5, constant_parts, unit * (2**18 // len(unit)))
