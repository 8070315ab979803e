"""Names that carry a hash, by manifests of real builds: Vite 7, webpack 5 and Django 5.2."""

from __future__ import annotations

import json
import os
import random
import shutil
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dualstatic import Request, StaticFiles, manifests
from tests.support.each import each

DATA = Path(__file__).parent / "data/manifests"


def all_texts(value: Any) -> set[str]:
    """Every text that stands anywhere in a manifest, and every part of it that may be a name."""
    if isinstance(value, dict):
        return set(value).union(*map(all_texts, value.values()))
    if isinstance(value, list):
        return set().union(*map(all_texts, value))
    return {str(value)}


def marked(is_immutable: Callable[[str], bool], manifest: str, public_path: str = "/") -> set[str]:
    """The names in a manifest that are marked, without what stands before them."""
    texts = all_texts(json.loads((DATA / manifest).read_text()))
    return {text for text in texts if is_immutable(text)} | {
        text.removeprefix(public_path)
        for text in texts
        if is_immutable(text.removeprefix(public_path))
    }


@pytest.mark.parametrize(
    ("manifest", "names"),
    [
        (
            "vite.json",
            """assets/shared-BdkO9qYZ.js assets/index-FXS6Rcar.js assets/index-DQG5FvWa.css
            assets/admin-T3hYAWmD.js assets/f-DbQQVyWc.woff2 assets/lazy-DIAurqgC.js
            assets/lazy-uwHDjYoA.css assets/logo-BUnJiwB4.png assets/my.photo-of-it-B9ouPtag.png""",
        ),
        ("vite-unhashed.json", ""),
        (
            # Those without a digit might be words, but have the form of the others.
            "vite-mixed.json",
            """js/shared.BdkO9qYZnlWy.js js/lazy.DVqbMVujsRBD.js a/C1q0oa7e.css
            a/BUnJiwB4.png a/B9ouPtag.png a/uwHDjYoA.css a/DbQQVyWc.woff2""",
        ),
        (
            "vite-hex.json",
            """js/8ab1f498.js js/index.033627ca80ff4d77.js js/admin-dashboard.6a2853370a9eb0a5.js
            js/b82c734a.js assets/index-f7258c64.css assets/lazy-2ec070e3.css
            assets/logo-549c98b0.png assets/f-db410572.woff2
            assets/my.photo-of-it-7da2e3ed.png""",
        ),
    ],
)
def test_vite_marks_the_names_with_a_hash_and_no_others(manifest: str, names: str):
    found = marked(manifests.vite(DATA / manifest), manifest)
    assert found == set(names.split())


@each(
    "file",
    [
        "assets/main.js",
        "assets/main.bundle.js",
        "assets/main-dashboard.js",
        "assets/main-Dashboard.js",
        "assets/main.production.js",
        "assets/UserDashboard.js",
        "assets/main-1234567.js",
        "assets/main-[hash:hex].js",
        "assets/mainBdkO9qYZx.js",
        "bundle01.js",
        "embed-v2.js",
        "widget-1.js",
        "assets/main-dashboard2.js",
        "assets/main-printTheme.css",
        "assets/main-heroImage.png",
    ],
)
def test_vite_leaves_a_name_without_a_hash_alone(tmp_path: Path, file: str):
    path = write(tmp_path, {"main.js": {"file": file, "name": "main", "src": "src/main.js"}})
    assert not manifests.vite(path)(file)


def test_vite_leaves_what_every_name_ends_with_alone(tmp_path: Path):
    entries = {f"{name}.js": {"file": f"{name}-20241124.js", "name": name} for name in "ab"}
    is_immutable = manifests.vite(write(tmp_path, entries))
    assert not is_immutable("a-20241124.js")
    assert not is_immutable("b-20241124.js")


def test_a_hash_that_looks_like_a_word_is_known_by_the_form_of_the_others(tmp_path: Path):
    entries = {
        f"src/{name}.js": {"file": f"{name}-{part}.js", "name": name, "src": f"src/{name}.js"}
        for name, part in {"a": "FXSoRcar9z", "b": "rolldownup", "c": "SunRiverUp"}.items()
    }
    is_immutable = manifests.vite(write(tmp_path, entries))
    assert is_immutable("b-rolldownup.js")
    alone = {"src/b.js": entries["src/b.js"]}
    assert not manifests.vite(write(tmp_path, alone))("b-rolldownup.js")


BASE64 = string.ascii_letters + string.digits + "-_"


@pytest.mark.parametrize(
    ("pattern", "missed"),
    [("{name}-{hash}.js", 1 / 1000), ("{name}.{hash}.js", 1 / 1000), ("{hash}.js", 3 / 100)],
)
def test_few_hashes_of_a_build_of_five_files_are_missed(
    tmp_path: Path, pattern: str, missed: float
):
    chance = random.Random(0)
    found = 0
    for _ in range(100):
        files = [
            pattern.format(name=f"entry{number}", hash="".join(chance.choices(BASE64, k=8)))
            for number in range(5)
        ]
        entries = {
            f"src/entry{number}.js": {"file": file, "name": f"entry{number}"}
            for number, file in enumerate(files)
        }
        found += sum(map(manifests.vite(write(tmp_path, entries)), files))
    assert 500 - found <= 500 * missed


@pytest.mark.parametrize(
    "word", ["PrintDoc", "settings", "aBcdefgh", "mnopqrst", "_abcdefg", "v2345678"]
)
def test_what_has_the_length_of_a_hash_after_the_plain_name_is_one(tmp_path: Path, word: str):
    """A manifest maps a source to it: the difference tells, however much it looks like words."""
    entries = {"main.js": {"file": f"assets/main-{word}.js", "name": "main", "src": "src/main.js"}}
    assert manifests.vite(write(tmp_path, entries))(f"assets/main-{word}.js")


@pytest.mark.parametrize("part", ["deadbeefcafe", "abcdefab"])
def test_hexadecimal_letters_after_the_plain_name_are_a_hash(tmp_path: Path, part: str):
    path = write(tmp_path, {"main.js": f"/main.{part}.js"})
    assert manifests.webpack(path)(f"main.{part}.js")


def test_a_long_name_takes_no_long_time(tmp_path: Path):
    file = f"a-{'word' * 2000}Q9-q.js"
    assert manifests.vite(write(tmp_path, {"a": {"file": file, "src": "a.js"}}))(file)


NUMBERED = "css/812-98bb8a7dbd.css js/812.6c99e169.chunk.js js/775.cb6e76bcc757f42b8c4f.js"
MEDIA = """media/logo.853b9a0b2390dec8b6dc.png media/my.photo-of-it.1a27ca9cc1eb5c0d2ebb.png
    media/f.1533062aad4fc68dd7fe.woff2"""
HASHED = """css/main-55e372baa5.css js/main.112d2b127a19906c15de.js
    js/admin-dashboard.ce1df00b211eea2a6ad8.js"""
AUTO = """css/main-bca87a1956.css js/main.1ac7419218dbc00e4b67.js
    js/admin-dashboard.6b9a477d5d1890fc31eb.js"""


@pytest.mark.parametrize(
    ("manifest", "public_path", "names"),
    [
        ("webpack.json", "/static/", f"{HASHED} {NUMBERED}"),
        ("webpack.json", "/static", f"{HASHED} {NUMBERED}"),
        ("webpack-unhashed.json", "/", ""),
        ("webpack-auto.json", "/", f"{AUTO} {NUMBERED}"),
        ("webpack-assets.json", "https://cdn.example/s/", f"{HASHED} {NUMBERED}"),
        ("webpack-assets-auto.json", "/", f"{AUTO} {NUMBERED}"),
    ],
)
def test_webpack_marks_the_names_with_a_hash_and_no_others(
    manifest: str, public_path: str, names: str
):
    is_immutable = manifests.webpack(DATA / manifest, public_path=public_path)
    expected = set(f"{names} {MEDIA}".split()) if names else set()
    assert marked(is_immutable, manifest, public_path.rstrip("/") + "/") == expected


@each(
    ("source", "url"),
    [
        ("main.js", "/static/js/bundle.js"),
        ("main.js", "/main-es2015.js"),
        ("main.js", "/main-es2015plus.js"),
        ("main.js", "/main.20240101.js"),
        ("main.js", "/myBundle.js"),
        ("main.js", "/application2.js"),
        ("runtime~main.js", "/runtimeMain.js"),
        ("main.css", "/assets/mainStyles.css"),
        ("logo.png", "/media/companyLogo.png"),
        ("main.js", "/main.js?v=3f2a9c1b7d5e6f80"),
        ("3f2a9c1b7d5e6f80.js", "/js/3f2a9c1b7d5e6f80.js"),
        ("icons-3f2a9c1b.svg", "/icons-3f2a9c1b.svg"),
        ("main.js", "https://elsewhere.example/main.3f2a9c1b7d5e6f80.js"),
    ],
)
def test_webpack_leaves_a_name_without_a_hash_alone(tmp_path: Path, source: str, url: str):
    entries = {source: url, "other.js": "/other.js"}
    is_immutable = manifests.webpack(write(tmp_path, entries))
    parts = url.partition("?")[0].split("/")
    assert not any(is_immutable("/".join(parts[start:])) for start in range(len(parts)))


def test_webpack_takes_the_manifest_of_create_react_app(tmp_path: Path):
    files = {"main.js": "/static/js/main.3f2a9c1b.js", "index.html": "/index.html"}
    path = write(tmp_path, {"files": files, "entrypoints": ["static/js/main.3f2a9c1b.js"]})
    is_immutable = manifests.webpack(path)
    assert is_immutable("static/js/main.3f2a9c1b.js")
    assert not is_immutable("index.html")


TRACKED = "main-4d5e6f7a8b9c0d1e2f3a.js"
SHEET = "css/main.55e372baa5.css"
ASSETS = {
    TRACKED: {"name": TRACKED, "publicPath": f"/static/bundles/{TRACKED}"},
    "812.6c99e169.chunk.js": {"name": "812.6c99e169.chunk.js"},
    "media/logo.853b9a0b.png": {"sourceFilename": "src/logo.png"},
    "media/3f2a9c1b.png": {"sourceFilename": "src/sea.png"},
    "robots-3f2a9c1b.txt": {"name": "robots-3f2a9c1b.txt"},
    "plain.js": {"name": "plain.js", "sourceFilename": "src/plain.js"},
}


@pytest.mark.parametrize("public_path", ["/", "/static/bundles/", "https://cdn.example/"])
@pytest.mark.parametrize(
    "content",
    [
        {"status": "done", "chunks": {"main": [TRACKED, SHEET]}, "assets": ASSETS},
        {"status": "done", "chunks": {"main": [{"name": TRACKED}, {"name": SHEET}]}},
    ],
    ids=["since version 1", "before"],
)
def test_webpack_takes_the_file_of_webpack_bundle_tracker(
    tmp_path: Path, public_path: str, content: dict[str, Any]
):
    is_immutable = manifests.webpack(write(tmp_path, content), public_path=public_path)
    hashed = {TRACKED, SHEET, *(set(ASSETS) if "assets" in content else ())}
    hashed -= {"plain.js", "robots-3f2a9c1b.txt"}
    assert {name for name in (*ASSETS, SHEET, "main") if is_immutable(name)} == hashed


def test_webpack_takes_the_names_when_webpack_is_done(tmp_path: Path):
    is_immutable = manifests.webpack(write(tmp_path, {"status": "compile"}))
    assert not is_immutable(TRACKED)
    write(tmp_path, {"status": "done", "chunks": {"main": [TRACKED]}, "assets": ASSETS})
    assert is_immutable(TRACKED)


def test_webpack_takes_the_manifest_of_laravel_mix(tmp_path: Path, caplog: Any):
    by_query = {"/js/app.js": "/js/app.js?id=8e5c48eadbfdd5458ec6"}
    is_immutable = manifests.webpack(write(tmp_path, by_query))
    assert not is_immutable("js/app.js")
    assert caplog.messages == [
        f"immutable: no name in '{tmp_path}/manifest.json' carries a hash, so none is immutable"
    ]
    write(tmp_path, {"/js/app.js": "/js/app.8e5c48ea.js", "/css/a.css": "/css/a.css?id=8e5c48ea"})
    assert is_immutable("js/app.8e5c48ea.js")
    assert not is_immutable("css/a.css")


@pytest.mark.parametrize("public_path", ["/", "auto"])
@pytest.mark.parametrize("url", ["auto/main.3f2a9c1b7d.js", "auto/main.3f2a9c1b7d.js?x=1"])
def test_webpack_takes_urls_below_auto(tmp_path: Path, public_path: str, url: str):
    path = write(tmp_path, {"main.js": url})
    assert manifests.webpack(path, public_path=public_path)("main.3f2a9c1b7d.js")


def test_django_marks_the_names_with_a_hash_and_no_others():
    is_immutable = manifests.django(DATA / "django.json")
    paths = json.loads((DATA / "django.json").read_text())["paths"]
    assert all(is_immutable(name) for name in paths.values())
    assert not any(is_immutable(name) for name in [*paths, "staticfiles.json"])


@each(
    ("hashed", "wanted"),
    [
        ("d.0123456789ab.css", True),
        ("d.abcdefabcdef.css", True),
        ("d.202401010000.css", True),
        ("d.3f2a9c1b7d5e6f801c2b.css", True),  # of a storage that makes its own hash
        ("d.css", False),
        ("d.v2.css", False),
        ("d.min.css", False),
        ("d.production.css", False),
        ("d.20240101.css", False),
    ],
)
def test_django_tells_a_hash_from_a_version(tmp_path: Path, hashed: str, wanted: bool):
    assert manifests.django(write(tmp_path, {"paths": {"d.css": hashed}}))(hashed) is wanted


def test_django_leaves_a_name_alone_that_is_its_own(tmp_path: Path):
    assert not manifests.django(write(tmp_path, {"paths": {"a/x.js": "b/x.js"}}))("b/x.js")


@pytest.mark.parametrize("folder", ["app", "/app/"])
def test_the_names_may_lie_in_a_folder_of_the_served_directory(folder: str):
    for make, manifest, name in (
        (manifests.vite, "vite.json", "assets/index-FXS6Rcar.js"),
        (manifests.webpack, "webpack-auto.json", "js/main.1ac7419218dbc00e4b67.js"),
        (manifests.django, "django.json", "a.e471c93a8f31.js"),
    ):
        is_immutable = make(DATA / manifest, folder=folder)
        assert is_immutable(f"app/{name}")
        assert not is_immutable(name)


# Manifests that are none, or change.


def write(folder: Path, content: object, name: str = "manifest.json") -> Path:
    """Put a manifest there as a deploy does: a new file under the name of the old one."""
    (folder / "new").write_text(content if isinstance(content, str) else json.dumps(content))
    os.replace(folder / "new", folder / name)
    return folder / name


MAKERS = [manifests.vite, manifests.webpack, manifests.django]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("live", [False, True])
def test_a_missing_manifest_raises_when_the_files_are_made_and_says_who_writes_it(
    make: Any, live: bool, tmp_path: Path
):
    is_immutable = make(tmp_path / "nowhere.json")
    for use in (
        lambda: StaticFiles(tmp_path, live=live, immutable=is_immutable),
        lambda: is_immutable("a.js"),
    ):
        with pytest.raises(FileNotFoundError) as raised:
            use()
        said = str(raised.value)
        assert said.startswith(f"immutable: there is no manifest at '{tmp_path}/nowhere.json' (No")
        assert f"; {make.__name__}" in said.lower()
        assert said.endswith(", writes it")


def test_a_manifest_that_is_no_file_raises_likewise(tmp_path: Path):
    with pytest.raises(IsADirectoryError, match=r"^immutable: there is no manifest at .*; Vite"):
        StaticFiles(tmp_path, immutable=manifests.vite(tmp_path))


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("check_dir", [False, True])
def test_a_function_of_manifests_has_to_be_called(make: Any, check_dir: bool, tmp_path: Path):
    call = rf"immutable=manifests\.{make.__name__}\('path/"
    with pytest.raises(TypeError, match=f"^immutable takes .* as in {call}"):
        StaticFiles(tmp_path, check_dir=check_dir, immutable=make)


@pytest.mark.parametrize("make", MAKERS)
def test_a_manifest_may_be_written_after_it_was_named(make: Any, tmp_path: Path):
    is_immutable = make(tmp_path / "manifest.json")
    name = "a.0123456789ab.js"
    of_vite = {"a.js": {"file": name, "src": "a.js"}}
    write(tmp_path, {"paths": {"a.js": name}, "a.js": name} if make != manifests.vite else of_vite)
    StaticFiles(tmp_path, immutable=is_immutable)
    assert is_immutable(name)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("arguments", "option"),
    [({"manifest": 7}, "manifest"), ({"manifest": "m.json", "folder": None}, "folder")],
)
def test_a_wrong_argument_raises_at_once(make: Any, arguments: dict[str, Any], option: str):
    with pytest.raises(TypeError, match=f"^{option} takes the path of a"):
        make(**arguments)


def test_a_wrong_public_path_raises_at_once():
    with pytest.raises(TypeError, match=r"^public_path takes"):
        manifests.webpack("m.json", public_path=None)  # type: ignore[arg-type]


@each("make", MAKERS)
@each("content", ["", "{", "[]", "3", '{"x": 3}', '{"x": {"y": 3}}', '{"paths": []}', "[" * 99999])
def test_an_odd_manifest_raises_with_its_path_and_what_is_expected(
    make: Any, content: str, tmp_path: Path
):
    is_immutable = make(write(tmp_path, content))
    with pytest.raises(ValueError, match=rf"manifest\.json.*(?i:{make.__name__}).*: ."):
        StaticFiles(tmp_path, immutable=is_immutable)


def test_a_manifest_of_bytes_that_are_no_text_raises_with_its_path(tmp_path: Path):
    (tmp_path / "manifest.json").write_bytes(b'{"\xff": "x"}')
    with pytest.raises(ValueError, match=r"manifest\.json"):
        manifests.django(tmp_path / "manifest.json").read()


def test_a_public_path_that_no_name_has_raises():
    with pytest.raises(ValueError, match=r"webpack\.json.*public_path='/assets'"):
        manifests.webpack(DATA / "webpack.json", public_path="/assets").read()


UNHASHED = {
    manifests.vite: {"a.js": {"file": "a.js", "src": "a.js"}},
    manifests.webpack: {"a.js": "a.js"},
    manifests.django: {"paths": {"a.js": "a.js"}},
}


@pytest.mark.parametrize("empty", [False, True])
@pytest.mark.parametrize("make", MAKERS)
def test_a_build_without_a_hash_marks_nothing_and_that_is_said_once(
    make: Any, empty: bool, tmp_path: Path, caplog: Any
):
    content: Any = UNHASHED[make] if not empty else {"paths": {}} if make is MAKERS[2] else {}
    is_immutable = make(write(tmp_path, content))
    for _ in range(2):
        StaticFiles(tmp_path, immutable=is_immutable)
        assert not is_immutable("x-3f2a9c1b.js")
        write(tmp_path, content)
    [said] = [record for record in caplog.records if "immutable matches" not in record.message]
    assert (said.name, said.levelname) == ("dualstatic", "WARNING")
    assert "manifest.json' carries a hash" in said.message


OLD, NEW = {"paths": {"a.js": "a.111111111111.js"}}, {"paths": {"a.js": "a.222222222222.js"}}


def test_a_manifest_that_a_deploy_replaced_is_read_again(tmp_path: Path):
    is_immutable = manifests.django(write(tmp_path, OLD))
    assert is_immutable("a.111111111111.js")
    write(tmp_path, NEW)
    assert is_immutable("a.222222222222.js")
    assert not is_immutable("a.111111111111.js")


def test_a_manifest_whose_size_and_date_stay_is_read_again(tmp_path: Path):
    """As in builds that give all files one date, where the next file gets the same inode."""
    path = write(tmp_path, OLD)
    os.utime(path, (0, 0))
    is_immutable = manifests.django(path)
    assert is_immutable("a.111111111111.js")
    path.write_text(path.read_text().replace("1", "3"))
    os.utime(path, (0, 0))
    assert is_immutable("a.333333333333.js")


def test_a_manifest_that_is_the_same_is_not_read_again(tmp_path: Path, monkeypatch: Any):
    is_immutable = manifests.django(write(tmp_path, OLD))
    is_immutable.read()
    monkeypatch.setattr(json, "load", None)
    assert is_immutable("a.111111111111.js")


def test_the_names_stay_while_a_deploy_has_taken_the_manifest_away(tmp_path: Path, caplog: Any):
    is_immutable = manifests.django(write(tmp_path, OLD))
    is_immutable.read()
    (tmp_path / "manifest.json").unlink()
    assert is_immutable("a.111111111111.js")
    assert not caplog.messages
    write(tmp_path, NEW)
    assert is_immutable("a.222222222222.js")


def test_the_names_stay_while_a_manifest_is_half_written_and_that_is_said_once(
    tmp_path: Path, caplog: Any
):
    is_immutable = manifests.django(write(tmp_path, OLD))
    is_immutable.read()
    write(tmp_path, '{"paths": {"a.js"')
    assert is_immutable("a.111111111111.js")
    assert is_immutable("a.111111111111.js")
    assert len(caplog.messages) == 1
    write(tmp_path, NEW)
    assert is_immutable("a.222222222222.js")


def test_a_manifest_given_relatively_stays_the_same_file(tmp_path: Path, monkeypatch: Any):
    write(tmp_path, OLD)
    monkeypatch.chdir(tmp_path)
    is_immutable = manifests.django("manifest.json")
    monkeypatch.chdir("/")
    write(tmp_path, NEW)
    assert is_immutable("a.222222222222.js")


# As an option.


@pytest.mark.parametrize("live", [False, True])
def test_a_hashed_file_is_immutable_and_so_is_its_sibling(tmp_path: Path, live: bool):
    shutil.copy(DATA / "vite.json", tmp_path / "m.json")
    (tmp_path / "assets").mkdir()
    for name in ("index-FXS6Rcar.js", "index-FXS6Rcar.js.gz", "index.js"):
        (tmp_path / "assets" / name).write_bytes(b"x" * (9 - 5 * name.endswith("gz")))
    files = StaticFiles(
        tmp_path, prefix="/s", live=live, immutable=manifests.vite(tmp_path / "m.json")
    )

    def caching(name: str, coding: str | None = None) -> str:
        headers = {"accept-encoding": "gzip"} if coding else {}
        answer = files.answer(Request("GET", f"/s/assets/{name}", headers=headers))
        assert answer
        assert dict(answer.headers).get("content-encoding") == coding
        return dict(answer.headers)["cache-control"]

    assert "immutable" in caching("index-FXS6Rcar.js")
    assert "immutable" in caching("index-FXS6Rcar.js", "gzip")
    assert caching("index.js") == "no-cache"
